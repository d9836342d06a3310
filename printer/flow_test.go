package printer

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeLines are the modem lines of a port: a pseudo-terminal has none.
type fakeLines struct {
	mu       sync.Mutex
	cts, dsr bool
	raised   bool
	err      error
}

func (f *fakeLines) raise() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.raised = f.err == nil
	return f.err
}

func (f *fakeLines) ready() (cts, dsr bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cts, f.dsr, f.err
}

func (f *fakeLines) set(cts, dsr bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cts, f.dsr = cts, dsr
}

// fakeSerial is a connection with a gate.
type fakeSerial struct {
	net.Conn
	g *gate
}

func (f fakeSerial) flowGate() *gate { return f.g }

func TestR01ModemLinesAreSetAndRead(t *testing.T) {
	for _, mode := range []Flow{FlowRTSCTS, FlowDTRDSR} {
		lines := &fakeLines{}
		if g, err := newGate(mode, lines, 9600, 4096); err != nil || g == nil || !lines.raised {
			t.Errorf("%s: %v, raised %v", mode, err, lines.raised)
		}
		if _, err := newGate(mode, &fakeLines{err: os.ErrInvalid}, 9600, 4096); err == nil {
			t.Errorf("%s without lines was taken", mode)
		}
		if _, err := newGate(mode, nil, 9600, 4096); err == nil {
			t.Errorf("%s without control was taken", mode)
		}
	}
	if _, err := newGate("sometimes", &fakeLines{}, 9600, 4096); err == nil {
		t.Error("an unknown flow control was taken")
	}
	if g, _ := newGate(FlowRTSCTS, &fakeLines{}, 9600, 45); g.piece > 8 {
		t.Errorf("%d bytes at once for a printer of 45", g.piece)
	}
}

// While the line says stop, at most two pieces go, but questions do.
func TestR01GateHoldsBack(t *testing.T) {
	tests := []struct {
		mode       Flow
		stop, goOn func(*fakeLines, net.Conn)
	}{
		{FlowRTSCTS, func(l *fakeLines, _ net.Conn) { l.set(false, true) }, func(l *fakeLines, _ net.Conn) { l.set(true, true) }},
		{FlowDTRDSR, func(l *fakeLines, _ net.Conn) { l.set(true, false) }, func(l *fakeLines, _ net.Conn) { l.set(true, true) }},
		{FlowXONXOFF, func(_ *fakeLines, c net.Conn) { c.Write([]byte{xoff}) }, func(_ *fakeLines, c net.Conn) { c.Write([]byte{xon}) }},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			lines := &fakeLines{cts: true, dsr: true}
			g, err := newGate(tt.mode, lines, 9600, 4096)
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := net.Pipe()
			l := newLink(fakeSerial{ours, g})
			var mu sync.Mutex
			var got []byte
			count := func() int {
				mu.Lock()
				defer mu.Unlock()
				return len(got)
			}
			var reader sync.WaitGroup
			reader.Go(func() {
				buf := make([]byte, 4096)
				for {
					n, err := theirs.Read(buf)
					mu.Lock()
					got = append(got, buf[:n]...)
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
			start := time.Now()
			l.writes <- make([]byte, 1024)
			time.Sleep(200 * time.Millisecond)
			tt.stop(lines, theirs)
			synctest.Wait()
			at := count()
			if at == 0 || at > 192+2*mostPiece {
				t.Errorf("%s: %d bytes in 200 ms of 9600 baud", tt.mode, at)
			}
			time.Sleep(10 * time.Second)
			if more := count() - at; more > 2*mostPiece {
				t.Errorf("%s: %d bytes after the printer said stop", tt.mode, more)
			}
			at = count()
			l.urgent <- []byte{0x10, 0x04, 0x01}
			synctest.Wait()
			if count() != at+3 {
				t.Errorf("%s: the question did not pass", tt.mode)
			}
			tt.goOn(lines, theirs)
			if w := <-l.wrote; w.n != 1024 || w.err != nil {
				t.Errorf("%s: wrote %d, %v", tt.mode, w.n, w.err)
			}
			if took := time.Since(start) - 10*time.Second; took < 700*time.Millisecond || took > 1200*time.Millisecond {
				t.Errorf("%s: 1 KB at 9600 baud took %v", tt.mode, took)
			}
			l.close(true)
			theirs.Close()
			reader.Wait()
		})
	}
}

// A printer that never says go does not keep the port from closing.
func TestR02GateEndsWithTheLink(t *testing.T) {
	for _, mode := range []Flow{FlowRTSCTS, FlowXONXOFF} {
		g, err := newGate(mode, &fakeLines{}, 9600, 0)
		if err != nil {
			t.Fatal(err)
		}
		g.hear(xoff)
		ours, theirs := net.Pipe()
		defer theirs.Close()
		l := newLink(fakeSerial{ours, g})
		l.writes <- make([]byte, 100)
		if !l.close(true) {
			t.Errorf("%s: the link did not close", mode)
		}
		if w := <-l.wrote; w.n != 0 || !errors.Is(w.err, errGivenUp) {
			t.Errorf("%s: wrote %d, %v", mode, w.n, w.err)
		}
	}
}

// The lines of a port that broke are an error of the write.
func TestR01LinesThatFail(t *testing.T) {
	lines := &fakeLines{cts: true}
	g, err := newGate(FlowRTSCTS, lines, 9600, 0)
	if err != nil {
		t.Fatal(err)
	}
	lines.err = os.ErrClosed
	ours, theirs := net.Pipe()
	defer theirs.Close()
	l := newLink(fakeSerial{ours, g})
	defer l.close(true)
	l.writes <- []byte("x")
	if w := <-l.wrote; w.n != 0 || !errors.Is(w.err, os.ErrClosed) {
		t.Errorf("wrote %d, %v", w.n, w.err)
	}
}

// fakeLossy is a connection to a printer that loses what it has no room for.
type fakeLossy struct{ net.Conn }

func (fakeLossy) lossy() bool { return true }

// A command too long to ask within goes no faster than it prints, between the
// printer's answers too: its room is for windows.
func TestR03LongCommandIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := ours.Read(buf)
				if err != nil {
					return
				}
				switch sent := buf[:n]; {
				case bytes.HasPrefix(sent, []byte{0x10, 0x04}):
					ours.Write([]byte{healthyReply})
				case bytes.Equal(sent, cmdAskPaper):
					ours.Write([]byte{0})
				}
			}
		}()
		d, err := NewDevice(Options{Profile: p80, Confirm: ConfirmStatus, Dial: func(context.Context) (Conn, error) { return fakeLossy{theirs}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		const rows = 400
		job := append([]byte{0x1D, 0x76, 0x30, 0, 72, 0, rows & 0xFF, rows >> 8}, make([]byte, 72*rows)...)
		start := time.Now()
		if r := d.Print(t.Context(), job); r.Outcome != Printed {
			t.Fatalf("%+v", r)
		}
		if took, prints := time.Since(start), rows*time.Second/time.Duration(p80.Speed*dotsPerMM); took < prints*8/10 { // a tenth has room in the printer
			t.Errorf("sent in %v what prints in %v", took, prints)
		}
	})
}
