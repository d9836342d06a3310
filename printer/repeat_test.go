package printer_test

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/printer"
)

// A job whose answer got lost does not keep the next one waiting for a minute,
// and the question that shows this proves nothing: the printer may have lost the
// job with its power.
func TestLostAnswer(t *testing.T) {
	tests := []struct {
		name    string
		answers map[int]time.Duration // to which GS r, after how long; the first is before the job
		outcome printer.Outcome
		least   time.Duration // and 2 s more at most
	}{
		{"lost", map[int]time.Duration{1: 0, 3: 0}, printer.Uncertain, 10 * time.Second},
		{"late", map[int]time.Duration{1: 0, 2: 18500 * time.Millisecond, 3: 13500 * time.Millisecond, 4: 8500 * time.Millisecond, 5: 3500 * time.Millisecond}, printer.Printed, 18 * time.Second}, // before it is asked once more
		{"late, and the second one later", map[int]time.Duration{1: 0, 2: 8 * time.Second, 3: 4 * time.Second}, printer.Printed, 8 * time.Second},
		{"the next is lost too", map[int]time.Duration{1: 0, 4: 0}, printer.Uncertain, 15 * time.Second},
		{"all are lost", map[int]time.Duration{1: 0}, printer.Uncertain, 60 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				var over atomic.Bool
				d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, healthy(func(conn net.Conn, sent []byte) []byte {
					if !bytes.Equal(sent, gsR) {
						return nil
					}
					after, answered := tt.answers[int(asked.Add(1))]
					switch {
					case over.Load(), answered && after == 0:
						return []byte{0}
					case answered:
						time.AfterFunc(after, func() { conn.Write([]byte{0}) })
					}
					return nil
				}))
				defer d.Close()
				start := time.Now()
				r := d.Print(t.Context(), []byte("job\n"))
				if took := time.Since(start); r.Outcome != tt.outcome || took < tt.least || took > tt.least+2*time.Second {
					t.Errorf("%s after %v, %v", r.Outcome, took, r.Err)
				}
				over.Store(true)
				expect(t, d.Print(t.Context(), []byte("next\n")), printer.Printed, "")
			})
		})
	}
}
