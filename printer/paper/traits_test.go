package paper_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/printer/paper"
)

// A printer of 4 KB and 50 mm a second on a line of 115200 baud loses what comes
// too fast, unless it says stop and is heard.
func TestR24SmallSlowPrinter(t *testing.T) {
	job := []byte("\x1b@" + strings.Repeat(strings.Repeat("x", 40)+"\n", 250) + "\x1dV\x00")
	for _, flow := range []string{"", "xonxoff"} {
		synctest.Test(t, func(t *testing.T) {
			p, receipts := collect(t, paper.Options{Traits: paper.Traits{Buffer: 4096, Loses: true, Baud: 115200, Speed: 50, Flow: flow}})
			conn := p.Conn()
			running := make(chan bool, 100)
			go func() {
				b := make([]byte, 1)
				for {
					if _, err := conn.Read(b); err != nil {
						return
					}
					running <- b[0] == 0x11
				}
			}()
			start, stops := time.Now(), 0
			for rest := job; len(rest) > 0; {
				select {
				case run := <-running:
					for stops++; !run; {
						run = <-running
					}
				default:
				}
				n := min(32, len(rest))
				if _, err := conn.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
				synctest.Wait()
			}
			took := time.Since(start)
			r := <-receipts
			whole := strings.Count(r.Text, "\n") == 250
			lost := p.State().Lost
			switch {
			case flow == "" && (lost == 0 || whole || took > 2*time.Second):
				t.Errorf("without flow control: %d lost in %v", lost, took)
			case flow != "" && (lost != 0 || !whole || stops == 0 || took < 10*time.Second):
				t.Errorf("with XON/XOFF: %d lost, whole %v, %d stops, %v", lost, whole, stops, took)
			}
			if paperTime := time.Since(start); paperTime < 13*time.Second && flow != "" {
				t.Errorf("250 lines at 50 mm/s in %v", paperTime)
			}
			conn.Close()
			p.Close()
		})
	}
}

func TestR24Echoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := collect(t, paper.Options{Traits: paper.Traits{Maker: "EPSOM", Model: "TM-T88III"}})
		conn := p.Conn()
		talk(t, conn, "\x1dIB\x1dIC", "_EPSOM\x00_TM-T88III\x00")
		p.SetFaults(paper.Faults{ForeignEcho: true})
		talk(t, conn, "\x1d(H\x06\x0000abcd", "\x37\x22P001\x00\x37\x22abcd\x00")
		p.SetFaults(paper.Faults{EchoDelayMS: 5000})
		start := time.Now()
		talk(t, conn, "\x1dr\x01\x10\x04\x04", "\x12\x00") // what is asked in real time comes first
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("the echo came after %v", took)
		}
		p.SetFaults(paper.Faults{NoEcho: true})
		talk(t, conn, "\x1dr\x01\x1dIC\x1d(H\x06\x0000abcd", "")
		synctest.Wait()
		p.SetFaults(paper.Faults{})
		talk(t, conn, "\x10\x04\x04", "\x12")
		p.SetTraits(paper.Traits{NoGSr: true, NoIdentity: true, NoRealtime: true})
		talk(t, conn, "\x1dr\x01\x1dIC\x10\x04\x01\x1d(H\x06\x0000abcd", "\x37\x22abcd\x00")
		conn.Close()
		p.Close()
	})
}

func TestR24Jam(t *testing.T) {
	p, receipts := collect(t, paper.Options{})
	conn := p.Conn()
	p.SetFaults(paper.Faults{CutterJam: true})
	talk(t, conn, "\x1b@text\n\x1dV\x00", "")
	if r := <-receipts; r.Cut || r.Text != "text\n" {
		t.Errorf("cut %v, %q", r.Cut, r.Text)
	}
	talk(t, conn, "\x10\x04\x01\x10\x04\x02\x10\x04\x03", "\x1e\x52\x1a")
	p.SetFaults(paper.Faults{Error: true})
	talk(t, conn, "\x10\x04\x02\x10\x04\x03", "\x52\x32")
	p.SetFaults(paper.Faults{})
	talk(t, conn, "\x10\x04\x01\x1dr\x01", "\x16\x00")
	conn.Close()
}

func TestR24LostBytes(t *testing.T) {
	p, receipts := collect(t, paper.Options{})
	p.SetFaults(paper.Faults{LoseAfter: 3, LoseBytes: 2})
	conn := p.Conn()
	if _, err := conn.Write([]byte("abcdefg\n\x1dV\x00")); err != nil {
		t.Fatal(err)
	}
	if r := <-receipts; r.Text != "abcfg\n" || p.State().Lost != 2 {
		t.Errorf("%q, %d lost", r.Text, p.State().Lost)
	}
	conn.Close()
}

// A printer whose power went does not take what comes for the rest of a command.
func TestR24PowerWithinACommand(t *testing.T) {
	p, receipts := collect(t, paper.Options{})
	conn := p.Conn()
	go io.Copy(io.Discard, conn)
	for _, b := range []string{"\x1dv0\x00\x10\x00\x10\x00ab", "c"} { // the second is taken once the first has been
		if _, err := conn.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	p.SetFaults(paper.Faults{PowerOff: true})
	p.SetFaults(paper.Faults{})
	if _, err := conn.Write(append(bytes.Repeat([]byte{0}, 3), "\x1b@text\n\x1dV\x00"...)); err != nil {
		t.Fatal(err)
	}
	if r := <-receipts; r.Text != "text\n" {
		t.Errorf("%q", r.Text)
	}
	conn.Close()
}

// Who comes anew to a printer that has stopped is told so, as the one before was.
func TestXOFFForWhoComesAnew(t *testing.T) {
	p, _ := collect(t, paper.Options{Traits: paper.Traits{Flow: "xonxoff"}})
	p.SetFaults(paper.Faults{PaperOut: true})
	for range 2 {
		conn := p.Conn()
		talk(t, conn, "", "\x13")
		talk(t, conn, "\x10\x04\x04", "\x7e")
		conn.Close()
	}
	p.SetFaults(paper.Faults{})
	conn := p.Conn()
	talk(t, conn, "\x10\x04\x04", "\x12")
	conn.Close()
}

// A printer that tells its state by itself does so after the power was away too.
func TestASBAfterPower(t *testing.T) {
	p, _ := collect(t, paper.Options{Traits: paper.Traits{ASB: true}})
	p.SetFaults(paper.Faults{PowerOff: true})
	p.SetFaults(paper.Faults{})
	conn := p.Conn()
	talk(t, conn, "\x10\x04\x04", "\x12")
	p.SetFaults(paper.Faults{CoverOpen: true})
	talk(t, conn, "", "\x3c\x00\x00\x0f")
	conn.Close()
}
