package printer_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/printer"
)

// script decides what a printer answers to each thing the device sends. It may
// use the connection by itself, too.
type script func(conn net.Conn, sent []byte) (answer []byte)

// scripted gives a device before a printer that follows a script.
func scripted(t *testing.T, o printer.Options, on script) *printer.Device {
	t.Helper()
	o.Dial = func(context.Context) (printer.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer ours.Close()
			buf := make([]byte, 4096)
			for {
				n, err := ours.Read(buf)
				if err != nil {
					return
				}
				if answer := on(ours, buf[:n]); answer != nil {
					if _, err := ours.Write(answer); err != nil {
						return
					}
				}
			}
		}()
		return theirs, nil
	}
	d, err := printer.NewDevice(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// healthy answers DLE EOT; anything else goes to rest.
func healthy(rest script) script {
	return func(conn net.Conn, sent []byte) []byte {
		if len(sent) == 3 && sent[0] == 0x10 && sent[1] == 0x04 {
			if sent[2] == 1 {
				return []byte{0x16}
			}
			return []byte{0x12}
		}
		return rest(conn, sent)
	}
}

var (
	gsR    = []byte("\x1dr\x01")
	token  = []byte("\x1d(H\x06\x0000")
	asbOff = []byte("\x1da\x00")
)

// Only an answer to GS r ends a job of that kind: not a status frame, whose last
// three bytes look like one, nor flow control.
func TestR07WhatIsNoProof(t *testing.T) {
	tests := map[string]string{
		"ASB offline, cover open, paper end": "\x38\x00\x0C\x0F",
		"ASB healthy":                        "\x10\x00\x00\x0F",
		"ASB healthy, drawer":                "\x14\x00\x00\x0F",
		"XOFF":                               "\x13",
		"XON":                                "\x11",
		"DLE EOT":                            "\x12",
		"a token":                            "\x37\x22P001\x00",
		"nothing":                            "",
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, healthy(func(_ net.Conn, sent []byte) []byte {
					if !bytes.Equal(sent, gsR) {
						return nil
					}
					if asked.Add(1) == 1 { // before the job
						return []byte{0}
					}
					return []byte(answer)
				}))
				defer d.Close()
				start := time.Now()
				r := d.Print(t.Context(), []byte("job\n"))
				if r.Outcome != printer.Uncertain || r.Written != 4 || asked.Load() < 3 { // before the job, for it, and again
					t.Errorf("%s, written %d, asked %d times", r.Outcome, r.Written, asked.Load())
				}
				if took := time.Since(start); took < 15*time.Second || took > 62*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// Before a job of the GS r kind unasked status is switched off.
func TestR07OrderOfAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, healthy(func(_ net.Conn, sent []byte) []byte {
			switch {
			case bytes.Equal(sent, asbOff):
				order = append(order, "GS a 0")
				return []byte("\x10\x00\x00\x0F") // a frame that was on its way
			case bytes.Equal(sent, gsR):
				order = append(order, "GS r 1")
				return []byte{0}
			default:
				order = append(order, string(sent))
				return nil
			}
		}))
		defer d.Close()
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
		if got := strings.Join(order, " "); got != "GS a 0 GS r 1 job\n GS r 1" {
			t.Errorf("sent %q", got)
		}
	})
}

func TestR12PaperEndInTheAnswer(t *testing.T) {
	for _, answer := range []byte{0x0C, 0x0F} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, healthy(func(_ net.Conn, sent []byte) []byte {
				if !bytes.Equal(sent, gsR) {
					return nil
				}
				if asked++; asked == 2 {
					return []byte{answer}
				}
				return []byte{0x03} // near its end: that is no fault
			}))
			defer d.Close()
			expect(t, d.Print(t.Context(), []byte("job\n")), printer.Uncertain, printer.CausePaperOut)
			expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
		})
	}
}

// A printer that knows DLE EOT but not GS r: auto does without, status insists.
func TestR05NoGSr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := healthy(func(net.Conn, []byte) []byte { return nil })
		var log bytes.Buffer
		d := scripted(t, printer.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, silent)
		defer d.Close()
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Sent, "")
		start := time.Now()
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Sent, "")
		if took := time.Since(start); took > time.Second {
			t.Errorf("asked for GS r again, for %v", took)
		}
		if !strings.Contains(log.String(), "cannot be confirmed") {
			t.Errorf("log: %s", log.String())
		}
		strict := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, silent)
		defer strict.Close()
		expect(t, strict.Print(t.Context(), []byte("job\n")), printer.NotSent, printer.CauseOffline)
	})
}

// A token of another attempt, late or foreign, proves nothing.
func TestR06ForeignToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tokens []string
		late := true
		d := scripted(t, printer.Options{Confirm: printer.ConfirmProcessID}, healthy(func(_ net.Conn, sent []byte) []byte {
			own, ok := bytes.CutPrefix(sent, token)
			if !ok {
				return nil
			}
			tokens = append(tokens, string(own))
			if late {
				return []byte("\x37\x22P001\x00")
			}
			return []byte("\x37\x22" + tokens[0] + "\x00\x37\x22" + string(own) + "\x00")
		}))
		defer d.Close()
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Uncertain, printer.CauseOffline)
		late = false
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
		for _, token := range tokens {
			for _, c := range []byte(token) {
				if c < 0x20 || c > 0x7E {
					t.Errorf("token %q", token)
				}
			}
		}
		if len(tokens) != 2 || tokens[0] == tokens[1] {
			t.Errorf("tokens %q", tokens)
		}
	})
}

// An answer that comes after its time must not be taken for the next one's: 16,
// "all is well" of DLE EOT 1, would be "cover open" of DLE EOT 2.
func TestR07LateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := 1200 * time.Millisecond
		answer := healthy(func(_ net.Conn, sent []byte) []byte {
			if bytes.Equal(sent, gsR) {
				return []byte{0}
			}
			return nil
		})
		d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, func(conn net.Conn, sent []byte) []byte {
			time.Sleep(late)
			late = 900 * time.Millisecond
			return answer(conn, sent)
		})
		defer d.Close()
		expect(t, d.Print(t.Context(), []byte("job\n")), printer.Printed, "")
	})
}

// The answer that a job given up still had to come, and that to the question
// before the next job, are both used up before the next job's own.
func TestR06OwedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		var second atomic.Bool
		d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, healthy(func(conn net.Conn, sent []byte) []byte {
			if !bytes.Equal(sent, gsR) {
				return nil
			}
			switch n := asked.Add(1); {
			case n == 1:
				return []byte{0}
			case second.CompareAndSwap(true, false): // before the second job: for the first, and soon for this one
				go func() {
					time.Sleep(200 * time.Millisecond)
					conn.Write([]byte{0})
				}()
				return []byte{0}
			}
			return nil // the jobs' own, and when they are asked again
		}))
		defer d.Close()
		for range 2 {
			if r := d.Print(t.Context(), []byte("job\n")); r.Outcome != printer.Uncertain {
				t.Errorf("%s after %d questions", r.Outcome, asked.Load())
			}
			second.Store(true)
		}
	})
}

// A printer that hangs up: before the job nothing has left, within it who knows,
// and its last word counts.
func TestHangUp(t *testing.T) {
	tests := []struct {
		name    string
		hangUp  int    // at which GS r: the first is before the job
		answers string // to the GS r until then
		outcome printer.Outcome
		cause   printer.Cause
	}{
		{"before the job", 1, "", printer.NotSent, printer.CauseOffline},
		{"before the proof", 2, "\x00", printer.Uncertain, printer.CauseOffline},
		{"after the proof", 2, "\x00\x00", printer.Printed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, healthy(func(conn net.Conn, sent []byte) []byte {
					if !bytes.Equal(sent, gsR) {
						return nil
					}
					if asked++; asked <= len(tt.answers) {
						conn.Write([]byte{tt.answers[asked-1]})
					}
					if asked == tt.hangUp {
						conn.Close()
					}
					return nil
				}))
				defer d.Close()
				expect(t, d.Print(t.Context(), []byte("job\n")), tt.outcome, tt.cause)
			})
		})
	}
}
