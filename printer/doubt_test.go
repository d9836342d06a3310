package printer_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/printer"
)

// A power blip between two windows costs what stood in the printer, and the fence
// with it: a token that comes back later proves only what came after.
func TestR05TokenAfterALostFence(t *testing.T) {
	for _, lost := range []int{0, 3} { // GS r: before the job, to learn, then the fences
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			answer := healthy(func(_ net.Conn, sent []byte) []byte {
				if bytes.Equal(sent, gsR) {
					if asked++; asked == lost {
						return nil
					}
					return []byte{0}
				}
				if _, own, ok := bytes.Cut(sent, token); ok {
					return []byte("\x37\x22" + string(own[:4]) + "\x00")
				}
				return nil
			})
			p80, _ := printer.ProfileByName("generic-80")
			d := scripted(t, printer.Options{Profile: p80}, answer)
			defer d.Close()
			job := bytes.Repeat([]byte("twenty characters..\n"), 80) // two windows
			if lost == 0 {
				expect(t, d.Print(t.Context(), job), printer.Printed, "")
			} else {
				expect(t, d.Print(t.Context(), job), printer.Uncertain, printer.CauseOffline)
			}
			expect(t, d.Print(t.Context(), job), printer.Printed, "")
			if tier := d.Proof().Tier(); tier != printer.TierProcessID {
				t.Errorf("proof by %s", tier)
			}
		})
	}
}

// After a fault no window goes before the printer has shown that it lost none: a
// fence that came back does for itself, not for the one before it.
func TestR12NoWindowAfterALostOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, open, windows := 0, false, 0
		d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, func(conn net.Conn, sent []byte) []byte {
			switch {
			case open && bytes.Equal(sent, []byte{0x10, 0x04, 2}):
				open = false // it is closed at once
				time.AfterFunc(time.Second, func() { conn.Write([]byte{0}) })
				return []byte{0x16}
			case open && bytes.Equal(sent, []byte{0x10, 0x04, 1}):
				return []byte{0x1E}
			case bytes.HasSuffix(sent, []byte("..\n")):
				windows++
			case bytes.Equal(sent, gsR):
				switch asked++; asked {
				case 3: // the second window's is lost
					return nil
				case 4: // the third's comes when the cover is closed
					open = true
					return nil
				}
				return []byte{0}
			}
			return healthy(func(net.Conn, []byte) []byte { return nil })(conn, sent)
		})
		defer d.Close()
		expect(t, d.Print(t.Context(), bytes.Repeat([]byte("twenty characters..\n"), 250)), printer.Uncertain, printer.CauseOffline)
		if windows != 3 || asked != 5 { // and once more
			t.Errorf("%d windows left, asked %d times", windows, asked)
		}
	})
}

// The alert of a job that waited ends when the fault does, not when the job does.
func TestR12HeldEndsWithTheFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		var open atomic.Bool
		var states []printer.Status
		well := make(chan struct{})
		answer := healthy(func(conn net.Conn, sent []byte) []byte {
			if !bytes.Equal(sent, gsR) {
				return nil
			}
			if asked++; asked == 1 { // before the job
				return []byte{0}
			}
			open.Store(true)
			time.AfterFunc(2500*time.Millisecond, func() { open.Store(false) })
			go func() {
				<-well
				conn.Write([]byte{0})
			}()
			return nil
		})
		d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus, OnStatus: func(s printer.Status) {
			if n := len(states); n > 0 && states[n-1].Held && !s.Held {
				close(well)
			}
			states = append(states, s)
		}}, func(conn net.Conn, sent []byte) []byte {
			if open.Load() && bytes.Equal(sent, []byte{0x10, 0x04, 1}) {
				return []byte{0x1E}
			}
			if open.Load() && bytes.Equal(sent, []byte{0x10, 0x04, 2}) {
				return []byte{0x16}
			}
			return answer(conn, sent)
		})
		defer d.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		expect(t, d.Print(ctx, []byte("job\n")), printer.Printed, "")
		if len(states) != 3 || states[1].State != printer.StateCoverOpen || !states[1].Held || states[2].State != printer.StateReady {
			t.Errorf("told of %+v", states)
		}
	})
}

// refusing is a port that takes so many bytes and then breaks.
type refusing struct {
	net.Conn
	takes int
}

func (r *refusing) Write(b []byte) (int, error) {
	n := min(r.takes, len(b))
	r.takes -= n
	if n < len(b) {
		return n, errors.New("the port broke")
	}
	return n, nil
}

// Only a port that took nothing at all leaves a job free to be sent again.
func TestR08PortThatBreaks(t *testing.T) {
	for takes, want := range map[int]printer.Outcome{0: printer.NotSent, 1: printer.Uncertain, 1024: printer.Uncertain, 1999: printer.Uncertain, 2000: printer.Sent} {
		ours, theirs := net.Pipe()
		d, err := printer.NewDevice(printer.Options{Confirm: printer.ConfirmNone, Dial: func(context.Context) (printer.Conn, error) { return &refusing{theirs, takes}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		r := d.Print(t.Context(), make([]byte, 2000))
		if r.Outcome != want || r.Written != takes {
			t.Errorf("a port that takes %d: %s, written %d", takes, r.Outcome, r.Written)
		}
		d.Close()
		ours.Close()
	}
}

// A connection that has died without a word is opened anew before its printer is
// called off line.
func TestR23SilentlyDeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first atomic.Pointer[net.Conn]
		var dead atomic.Bool
		well := healthy(func(_ net.Conn, sent []byte) []byte {
			if bytes.Equal(sent, gsR) {
				return []byte{0}
			}
			return nil
		})
		d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, func(conn net.Conn, sent []byte) []byte {
			first.CompareAndSwap(nil, &conn)
			if dead.Load() && conn == *first.Load() {
				return nil
			}
			return well(conn, sent)
		})
		defer d.Close()
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
		dead.Store(true)
		if s, err := d.Status(t.Context()); err != nil || s.State != printer.StateReady {
			t.Errorf("%s, %v", s.State, err)
		}
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
	})
}

// The answer about the cutter may come after its job was done with: it is not the
// next job's, whose own would be taken for "cover open".
func TestR07LateAnswerOfTheJobBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jobs, late := 0, 1
		answer := healthy(func(_ net.Conn, sent []byte) []byte {
			if bytes.Equal(sent, gsR) {
				return []byte{0}
			}
			if string(sent) == "job\n" {
				jobs++
			}
			return nil
		})
		d := scripted(t, printer.Options{Profile: printer.Profile{Cutter: true}, Confirm: printer.ConfirmStatus}, func(conn net.Conn, sent []byte) []byte {
			if jobs == late && bytes.Equal(sent, []byte{0x10, 0x04, 3}) {
				late = 0
				time.Sleep(1200 * time.Millisecond)
			}
			return answer(conn, sent)
		})
		defer d.Close()
		for range 2 {
			expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
		}
	})
}

// A line that brings back what is sent, with a printer behind it or without, is
// not believed: the end of GS r looks like its answer. Unasked it is printed to.
func TestR07Echo(t *testing.T) {
	well := healthy(func(_ net.Conn, sent []byte) []byte {
		if bytes.Equal(sent, gsR) {
			return []byte{0}
		}
		return nil
	})
	for name, answer := range map[string]script{
		"a printer": func(conn net.Conn, sent []byte) []byte { return append(bytes.Clone(sent), well(conn, sent)...) },
		"none":      func(_ net.Conn, sent []byte) []byte { return sent },
	} {
		for confirm, want := range map[printer.Confirm]printer.Outcome{
			printer.ConfirmAuto: printer.NotSent, printer.ConfirmStatus: printer.NotSent, printer.ConfirmNone: printer.Sent,
		} {
			synctest.Test(t, func(t *testing.T) {
				d := scripted(t, printer.Options{Confirm: confirm}, answer)
				defer d.Close()
				for range 2 {
					r := d.Print(t.Context(), []byte("job\n"))
					if r.Outcome != want || (want == printer.NotSent) != (r.Err != nil && strings.Contains(r.Err.Error(), "sends back")) {
						t.Errorf("%s, confirmed by %d: %s, %v", name, confirm, r.Outcome, r.Err)
					}
				}
			})
		}
	}
}

// What a job asked in vain is not waited for by those after it, whose tokens come.
func TestR05TokenAfterAJobInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mute atomic.Bool
		d := scripted(t, printer.Options{Confirm: printer.ConfirmProcessID, Store: memory{"": {GSr: printer.Yes}}}, healthy(func(_ net.Conn, sent []byte) []byte {
			if own, ok := bytes.CutPrefix(sent, token); ok && !mute.Load() {
				return []byte("\x37\x22" + string(own) + "\x00")
			}
			return nil // GS r neither
		}))
		defer d.Close()
		mute.Store(true)
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Uncertain, printer.CauseOffline)
		mute.Store(false)
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
	})
}
