package paper_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tillagent/printer/paper"
)

// A fault comes at its byte, once, and replaces what was wrong before.
func TestFailAfter(t *testing.T) {
	p, receipts := collect(t, paper.Options{})
	conn := p.Conn()
	defer conn.Close()
	p.FailAfter(3, paper.Faults{CoverOpen: true})
	failed := p.FailAfter(6, paper.Faults{PaperOut: true})
	if _, err := conn.Write([]byte("\x1b@abcdef\n\x1dV\x00")); err != nil {
		t.Fatal(err)
	}
	<-failed
	if f := p.Faults(); f != (paper.Faults{PaperOut: true}) {
		t.Errorf("%+v", f)
	}
	talk(t, conn, "\x10\x04\x04", "\x7e")
	if len(receipts) != 0 {
		t.Error("it went on")
	}
	p.SetFaults(paper.Faults{})
	if r := <-receipts; r.Text != "abcdef\n" || !r.Cut || p.Faults() != (paper.Faults{}) {
		t.Errorf("cut %v: %q, %+v", r.Cut, r.Text, p.Faults())
	}
}

// A network connection ends with its cable, and none comes about without it. What
// the printer has is printed, and nothing of that is missing.
func TestUnpluggedFromTheNetwork(t *testing.T) {
	p, receipts := collect(t, paper.Options{Idle: time.Hour})
	addr, err := p.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	first := dial()
	talk(t, first, "\x1b@first\nhal\x1dr\x01", "\x00")
	p.SetFaults(paper.Faults{Unplugged: true})
	if n, err := first.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes came without a cable", n)
	}
	if n, err := dial().Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a connection without a cable: %d bytes, %v", n, err)
	}
	p.SetFaults(paper.Faults{})
	talk(t, dial(), "f\n\x1dV\x00\x1dr\x01", "\x00")
	if r := <-receipts; r.Text != "first\nhalf\n" || r.Lost != 0 {
		t.Errorf("lost %d: %q", r.Lost, r.Text)
	}
}

// A receipt tells how much of it was lost on the way or with the power, and the
// next one does not.
func TestLostIsTold(t *testing.T) {
	const job = "\x1b@line 1\nline 2\nline 3\n\x1dV\x00\x1dr\x01"
	half := strings.Index(job, "2")
	tests := []struct {
		name  string
		fault paper.Faults
		lost  int
	}{
		{"unplugged", paper.Faults{Unplugged: true}, len("2\nli")},
		{"without power", paper.Faults{PowerOff: true}, len("2\nli")},
		{"noise", paper.Faults{LoseAfter: 1, LoseBytes: 3}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, receipts := collect(t, paper.Options{Idle: time.Hour})
			conn := p.Conn()
			defer conn.Close()
			talk(t, conn, job[:half]+"\x1dr\x01", "\x00")
			p.SetFaults(tt.fault)
			// The NUL is taken only once what is before it has been.
			for _, part := range []string{job[half : half+4], "\x00"} {
				if _, err := conn.Write([]byte(part)); err != nil {
					t.Fatal(err)
				}
			}
			p.SetFaults(paper.Faults{})
			talk(t, conn, job[half+4:], "\x00")
			lost := 0
			for lost == 0 || len(receipts) > 0 {
				lost += (<-receipts).Lost
			}
			if lost < tt.lost || lost > tt.lost+1 { // the NUL may be lost too
				t.Errorf("%d bytes lost, want %d", lost, tt.lost)
			}
			talk(t, conn, job, "\x00")
			if r := <-receipts; r.Lost != 0 || r.Text != "line 1\nline 2\nline 3\n" {
				t.Errorf("the next: lost %d, %q", r.Lost, r.Text)
			}
		})
	}
}

func TestJammedCutIsTold(t *testing.T) {
	p, receipts := collect(t, paper.Options{})
	conn := p.Conn()
	defer conn.Close()
	p.SetFaults(paper.Faults{CutterJam: true})
	if _, err := conn.Write([]byte("\x1b@one\n\x1dV\x00\x1b@two\n\x1dV\x00")); err != nil {
		t.Fatal(err)
	}
	if r := <-receipts; r.Cut || !r.Jammed {
		t.Errorf("cut %v, jammed %v", r.Cut, r.Jammed)
	}
	p.SetFaults(paper.Faults{})
	if r := <-receipts; !r.Cut || r.Jammed {
		t.Errorf("the next: cut %v, jammed %v", r.Cut, r.Jammed)
	}
}

// Whatever a person must put right stops the printer, which says so in real time,
// and says nothing in order until it is right again.
func TestEachFaultStopsAndIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		fault  paper.Faults
		status string // answers to DLE EOT 1 to 4
		asb    string
	}{
		"paper out": {paper.Faults{PaperOut: true}, "\x1e\x32\x12\x7e", "\x1c\x00\x0f\x0f"},
		"cover":     {paper.Faults{CoverOpen: true}, "\x1e\x16\x12\x12", "\x3c\x00\x00\x0f"},
		"offline":   {paper.Faults{Offline: true}, "\x1e\x12\x12\x12", "\x1c\x00\x00\x0f"},
		"error":     {paper.Faults{Error: true}, "\x1e\x52\x32\x12", "\x1c\x20\x00\x0f"},
		"jammed":    {paper.Faults{Jammed: true}, "\x1e\x52\x1a\x12", "\x1c\x08\x00\x0f"},
	} {
		t.Run(name, func(t *testing.T) {
			p, receipts := collect(t, paper.Options{Traits: paper.Traits{Buffer: 20, Loses: true}})
			conn := p.Conn()
			defer conn.Close()
			talk(t, conn, "\x1da\xff", "\x14\x00\x00\x0f")
			p.SetFaults(tt.fault)
			talk(t, conn, "", tt.asb)
			// What is asked in real time is heard with a full buffer too.
			talk(t, conn, "job\n\x1dV\x00\x1dr\x01"+strings.Repeat("\x00", 30)+"\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", tt.status)
			if len(receipts) != 0 {
				t.Error("it went on")
			}
			p.SetFaults(paper.Faults{})
			talk(t, conn, "", "\x14\x00\x00\x0f\x00")
			if r := <-receipts; r.Text != "job\n" {
				t.Errorf("printed %q", r.Text)
			}
		})
	}
}

// A drawer opens in real time too, whatever the printer waits for, and nothing
// of that is printed.
func TestDrawerInRealTime(t *testing.T) {
	p, receipts := collect(t, paper.Options{})
	conn := p.Conn()
	defer conn.Close()
	p.SetFaults(paper.Faults{PaperOut: true})
	talk(t, conn, "\x10\x14\x01\x00\x01\x10\x04\x04", "\x7e")
	if n := p.State().DrawerKicks; n != 1 {
		t.Errorf("%d kicks", n)
	}
	p.SetFaults(paper.Faults{})
	talk(t, conn, "a\n\x1dV\x00\x1dr\x01", "\x00")
	if r := <-receipts; r.Text != "a\n" || len(r.Problems) > 0 {
		t.Errorf("%q, %q", r.Text, r.Problems)
	}
}
