package printer_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// A program that was killed within a job leaves questions whose answers the next
// run hears. They are not taken for the answers to its own job: when that is
// called printed, it is on paper.
func TestLeftoverAnswers(t *testing.T) {
	for name, traits := range map[string]paper.Traits{
		"it knows tokens":    {Speed: 50},
		"it tells who it is": {Speed: 50, NoProcessID: true},
		"it does neither":    {Speed: 50, NoProcessID: true, NoIdentity: true},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory{}
			inBubble(t, printer.Options{Store: store}, func(t *testing.T, s *stand) {
				s.SetTraits(traits)
				expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
				s.next(t)
				ctx, kill := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				defer kill()
				if r := s.Print(ctx, s.long(t, 80)); r.Outcome != printer.Uncertain {
					t.Fatalf("%s: it is to be killed within the job", r.Outcome)
				}
				again, err := printer.NewDevice(printer.Options{Profile: s.profile, Store: store,
					Dial: func(context.Context) (printer.Conn, error) { return s.Printer.Conn(), nil }})
				if err != nil {
					t.Fatal(err)
				}
				defer again.Close()
				expect(t, again.Print(t.Context(), s.job(t, "again", 30)), printer.Printed, "")
				for found := false; !found; {
					if len(s.receipts) == 0 {
						t.Fatal("it is called printed and is not on paper yet")
					}
					title, _ := s.next(t)
					found = title == "again"
				}
			})
		})
	}
}

// The answer to a question asked before the port was closed makes each of ours be
// taken for the next: that all is well would be an open cover.
func TestLeftoverStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		answer := healthy(func(_ net.Conn, sent []byte) []byte {
			if bytes.Equal(sent, gsR) {
				return []byte{0}
			}
			return nil
		})
		d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, func(conn net.Conn, sent []byte) []byte {
			b := answer(conn, sent)
			if first {
				first = false
				b = append([]byte{0x12}, b...)
			}
			return b
		})
		defer d.Close()
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
	})
}

// A printer that cannot answer keeps only the first job waiting.
func TestSilentPrinterIsNotWaitedFor(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		s.SetTraits(paper.Traits{NoRealtime: true, NoGSr: true, NoProcessID: true})
		expect(t, s.Print(t.Context(), s.job(t, "first", 1)), printer.Sent, "")
		for range 3 {
			start := time.Now()
			expect(t, s.Print(t.Context(), s.job(t, "next", 1)), printer.Sent, "")
			if took := time.Since(start); took > 200*time.Millisecond {
				t.Errorf("a job waited for %v", took)
			}
		}
		s.SetTraits(paper.Traits{}) // it can after all: it was off
		expect(t, s.Print(t.Context(), s.job(t, "answered", 1)), printer.Printed, "")
	})
}

// A command whose length was damaged on its way swallows what comes after it, the
// questions too. It gets its rest, a little with each job that is tried.
func TestStuckWithinACommand(t *testing.T) {
	for name, traits := range map[string]paper.Traits{
		"tokens":     {},
		"GS r":       {NoProcessID: true},
		"no answers": {NoProcessID: true, NoGSr: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
				s.SetTraits(traits)
				s.Print(t.Context(), s.job(t, "before", 1))
				s.next(t)
				s.Print(t.Context(), []byte("\x1b@\x1d(k\xff\xff1P0damaged"))
				for tries := 0; tries < 20; tries++ {
					r := s.Print(t.Context(), s.job(t, "after", 1))
					if r.Outcome == printer.Printed || r.Outcome == printer.Sent {
						if title, cut := s.next(t); title != "after" || !cut {
							t.Errorf("%q, cut %v", title, cut)
						}
						return
					}
					if r.Outcome != printer.NotSent {
						t.Fatalf("%s, %v", r.Outcome, r.Err)
					}
				}
				t.Error("it prints no more")
			})
		})
	}
}
