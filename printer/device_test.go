package printer_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// stand is a stand-in printer with a device before it.
type stand struct {
	*paper.Printer
	*printer.Device
	receipts chan paper.Receipt
	profile  printer.Profile
	port     string
}

func (s *stand) Close() {
	s.Device.Close()
	s.Printer.Close()
}

// newStand connects both within the process, or over the port that listen opens.
func newStand(t *testing.T, o printer.Options, listen func(*paper.Printer) string) *stand {
	t.Helper()
	p80, _ := printer.ProfileByName("generic-80")
	s := &stand{receipts: make(chan paper.Receipt, 100), profile: p80}
	var err error
	s.Printer, err = paper.New(paper.Options{Profile: p80, OnReceipt: func(r paper.Receipt) { s.receipts <- r }})
	if err != nil {
		t.Fatal(err)
	}
	if listen == nil {
		o.Dial = func(context.Context) (printer.Conn, error) { return s.Printer.Conn(), nil }
	} else {
		o.Port = listen(s.Printer)
		s.port = o.Port
	}
	if o.Profile.Name == "" {
		o.Profile = p80
	}
	s.Device, err = printer.NewDevice(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// job is a receipt of so many lines.
func (s *stand) job(t *testing.T, title string, lines int) []byte {
	t.Helper()
	doc := printer.Doc{printer.Line{Text: title}}
	for range lines {
		doc = append(doc, printer.Line{Text: "农夫山泉 2 × 2.00"})
	}
	b, _, err := printer.Encode(append(doc, printer.Cut{}), s.profile)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// next is the next receipt's title, and whether it was cut.
func (s *stand) next(t *testing.T) (title string, cut bool) {
	t.Helper()
	select {
	case r := <-s.receipts:
		title, _, _ = strings.Cut(r.Text, "\n")
		return title, r.Cut
	case <-time.After(time.Minute):
		t.Fatal("no receipt")
		return "", false
	}
}

// onlyLast demands that of all receipts only the last was cut, and has the title:
// the others are pieces of one that broke off.
func (s *stand) onlyLast(t *testing.T, want string) {
	t.Helper()
	for len(s.receipts) > 1 {
		if title, cut := s.next(t); cut {
			t.Errorf("a piece of the broken receipt was cut: %q", title)
		}
	}
	if title, cut := s.next(t); title != want || !cut {
		t.Errorf("%q, cut %v; want %q", title, cut, want)
	}
}

func expect(t *testing.T, r printer.Result, outcome printer.Outcome, cause printer.Cause) {
	t.Helper()
	if r.Outcome != outcome || r.Cause != cause || (r.Err == nil) != (outcome == printer.Printed || outcome == printer.Sent) {
		t.Errorf("%s %q (written %d, error %v), want %s %q", r.Outcome, r.Cause, r.Written, r.Err, outcome, cause)
	}
	if outcome == printer.NotSent && r.Written != 0 {
		t.Errorf("not sent, but %d bytes were written", r.Written)
	}
}

// inBubble runs a test in time that passes by itself.
func inBubble(t *testing.T, o printer.Options, f func(t *testing.T, s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, o, nil)
		defer s.Close()
		f(t, s)
	})
}

func TestR05PrintedByEveryConfirmation(t *testing.T) {
	tests := []struct {
		confirm printer.Confirm
		want    printer.Outcome
	}{
		{printer.ConfirmAuto, printer.Printed},
		{printer.ConfirmStatus, printer.Printed},
		{printer.ConfirmProcessID, printer.Printed},
		{printer.ConfirmNone, printer.Sent},
	}
	for _, tt := range tests {
		inBubble(t, printer.Options{Confirm: tt.confirm}, func(t *testing.T, s *stand) {
			for _, title := range []string{"first", "second"} {
				job := s.job(t, title, 3)
				r := s.Print(t.Context(), job)
				expect(t, r, tt.want, "")
				if r.Written != len(job) {
					t.Errorf("written %d of %d", r.Written, len(job))
				}
				if tt.want == printer.Printed && len(s.receipts) != 1 {
					t.Errorf("confirmed with %d receipts on paper", len(s.receipts))
				}
				if got, cut := s.next(t); got != title || !cut {
					t.Errorf("%q, cut %v", got, cut)
				}
			}
		})
	}
}

// A fault that is there before the first byte keeps the job back.
func TestR11Preflight(t *testing.T) {
	tests := []struct {
		faults paper.Faults
		cause  printer.Cause
		state  printer.State
	}{
		{paper.Faults{PaperOut: true}, printer.CausePaperOut, printer.StatePaperOut},
		{paper.Faults{CoverOpen: true}, printer.CauseCoverOpen, printer.StateCoverOpen},
		{paper.Faults{Offline: true}, printer.CauseOffline, printer.StateOffline},
		{paper.Faults{Offline: true, PaperOut: true, CoverOpen: true}, printer.CauseCoverOpen, printer.StateCoverOpen},
	}
	for _, confirm := range []printer.Confirm{printer.ConfirmAuto, printer.ConfirmStatus, printer.ConfirmProcessID} {
		for _, tt := range tests {
			inBubble(t, printer.Options{Confirm: confirm}, func(t *testing.T, s *stand) {
				s.SetFaults(tt.faults)
				expect(t, s.Print(t.Context(), s.job(t, "held", 1)), printer.NotSent, tt.cause)
				if st, err := s.Status(t.Context()); err != nil || st.State != tt.state || !st.CanAnswer {
					t.Errorf("status %+v, %v; want %s", st, err, tt.state)
				}
				s.SetFaults(paper.Faults{})
				expect(t, s.Print(t.Context(), s.job(t, "again", 1)), printer.Printed, "")
				if title, _ := s.next(t); title != "again" || len(s.receipts) != 0 {
					t.Errorf("%q is on paper", title)
				}
			})
		}
	}
}

func TestMute(t *testing.T) {
	inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{Mute: true})
		expect(t, s.Print(t.Context(), s.job(t, "mute", 1)), printer.Sent, "")
		if st, err := s.Status(t.Context()); err != nil || st.State != printer.StateUnknown || st.CanAnswer {
			t.Errorf("status %+v, %v", st, err)
		}
		s.SetFaults(paper.Faults{})
		expect(t, s.Print(t.Context(), s.job(t, "talks", 1)), printer.Printed, "")
		// One that has answered and is silent now is switched off.
		s.SetFaults(paper.Faults{PowerOff: true})
		expect(t, s.Print(t.Context(), s.job(t, "off", 1)), printer.NotSent, printer.CauseOffline)
		if st, err := s.Status(t.Context()); err != nil || st.State != printer.StateOffline {
			t.Errorf("status %+v, %v", st, err)
		}
	})
	for _, confirm := range []printer.Confirm{printer.ConfirmStatus, printer.ConfirmProcessID} {
		inBubble(t, printer.Options{Confirm: confirm}, func(t *testing.T, s *stand) {
			s.SetFaults(paper.Faults{Mute: true})
			expect(t, s.Print(t.Context(), s.job(t, "mute", 1)), printer.NotSent, printer.CauseOffline)
		})
	}
}

// after runs f once so much time has passed.
func after(d time.Duration, f func()) (wait func()) {
	var done sync.WaitGroup
	done.Go(func() {
		time.Sleep(d)
		f()
	})
	return done.Wait
}

// A job on paper when the paper ends is held, told of, and goes on by itself; with
// Hold it is given up, and its late proof counts for no other.
func TestR12PaperOutMidJob(t *testing.T) {
	for _, confirm := range []printer.Confirm{printer.ConfirmAuto, printer.ConfirmProcessID} {
		inBubble(t, printer.Options{Confirm: confirm}, func(t *testing.T, s *stand) {
			s.SetFaults(paper.Faults{PaperOutAfter: 100})
			defer after(8*time.Second, func() { s.SetFaults(paper.Faults{}) })()
			start := time.Now()
			expect(t, s.Print(t.Context(), s.job(t, "refilled", 20)), printer.Printed, "")
			if took := time.Since(start); took < 8*time.Second || took > 9*time.Second {
				t.Errorf("took %v", took)
			}
			if st, _ := s.Status(t.Context()); st.State != printer.StateReady {
				t.Errorf("then it is %s", st.State)
			}
		})
		inBubble(t, printer.Options{Confirm: confirm, Hold: 15 * time.Second}, func(t *testing.T, s *stand) {
			s.SetFaults(paper.Faults{PaperOutAfter: 100})
			job := s.job(t, "first", 20)
			start := time.Now()
			r := s.Print(t.Context(), job)
			expect(t, r, printer.Uncertain, printer.CausePaperOut)
			if took := time.Since(start); took < 15*time.Second || took > 20*time.Second || r.Written != len(job) {
				t.Errorf("took %v, %d of %d written", took, r.Written, len(job))
			}
			expect(t, s.Print(t.Context(), s.job(t, "held", 1)), printer.NotSent, printer.CausePaperOut)
			// The refilled printer goes on with the first job, slowly, and answers
			// for it late: that must not count for the second.
			s.SetFaults(paper.Faults{DelayMS: 300})
			expect(t, s.Print(t.Context(), s.job(t, "second", 1)), printer.Printed, "")
			if n := len(s.receipts); n != 2 {
				t.Fatalf("confirmed with %d receipts on paper", n)
			}
			for _, want := range []string{"first", "second"} {
				if title, cut := s.next(t); title != want || !cut {
					t.Errorf("%q, cut %v; want %q", title, cut, want)
				}
			}
		})
	}
}

func TestR12PowerCut(t *testing.T) {
	for _, confirm := range []printer.Confirm{printer.ConfirmAuto, printer.ConfirmProcessID} {
		inBubble(t, printer.Options{Confirm: confirm}, func(t *testing.T, s *stand) {
			s.SetFaults(paper.Faults{PowerCutAfter: 200})
			expect(t, s.Print(t.Context(), s.job(t, "cut off", 40)), printer.Uncertain, printer.CauseOffline)
			if title, cut := s.next(t); title != "cut off" || cut {
				t.Errorf("on paper: %q, cut %v", title, cut)
			}
			expect(t, s.Print(t.Context(), s.job(t, "dark", 1)), printer.NotSent, printer.CauseOffline)
			s.SetFaults(paper.Faults{})
			expect(t, s.Print(t.Context(), s.job(t, "light", 1)), printer.Printed, "")
			if title, cut := s.next(t); title != "light" || !cut {
				t.Errorf("on paper: %q, cut %v", title, cut)
			}
		})
	}
}
