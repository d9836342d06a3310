package printer_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// long is a job of numbered lines.
func (s *stand) long(t *testing.T, lines int) []byte {
	t.Helper()
	var doc printer.Doc
	for i := range lines {
		doc = append(doc, printer.Line{Text: fmt.Sprintf("%04d 农夫山泉饮用天然水 2×2.00", i)})
	}
	b, _, err := printer.Encode(append(doc, printer.Cut{}), s.profile)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// whole demands that the next receipt has every line of a long job, and was cut.
func (s *stand) whole(t *testing.T, lines int) {
	t.Helper()
	select {
	case r := <-s.receipts:
		got := strings.Split(strings.TrimSpace(r.Text), "\n")
		if len(got) != lines || !r.Cut || len(r.Problems) > 0 {
			t.Errorf("%d lines of %d, cut %v, %v", len(got), lines, r.Cut, r.Problems)
		}
		for i, line := range got {
			if want := fmt.Sprintf("%04d 农夫山泉饮用天然水 2×2.00", i); line != want {
				t.Fatalf("line %q, want %q", line, want)
			}
		}
	case <-time.After(time.Minute):
		t.Fatal("no receipt")
	}
}

// poor is a serial printer without flow control: 4 KB, 50 mm a second, 115200 baud.
var poor = paper.Traits{Buffer: 4096, Loses: true, Baud: 115200, Speed: 50}

func TestR03NoByteLostWithoutHandshake(t *testing.T) {
	for name, traits := range map[string]paper.Traits{
		"process id":           poor,
		"GS r":                 {Buffer: 4096, Loses: true, Baud: 115200, Speed: 50, NoProcessID: true},
		"GS ( H, but not GS r": {Buffer: 4096, Loses: true, Baud: 115200, Speed: 50, NoGSr: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
				s.SetTraits(traits)
				for range 3 { // back to back
					expect(t, s.Print(t.Context(), s.long(t, 200)), printer.Printed, "")
					s.whole(t, 200)
				}
				if lost := s.State().Lost; lost != 0 {
					t.Errorf("%d bytes lost", lost)
				}
			})
		})
	}
	t.Run("without pacing", func(t *testing.T) { // or the others would show nothing
		inBubble(t, printer.Options{Confirm: printer.ConfirmNone}, func(t *testing.T, s *stand) {
			s.SetTraits(poor)
			s.Print(t.Context(), s.long(t, 200))
			<-s.receipts
			if s.State().Lost == 0 {
				t.Error("nothing was lost: the stand-in is no test")
			}
		})
	})
	t.Run("pictures", func(t *testing.T) {
		inBubble(t, printer.Options{}, func(t *testing.T, s *stand) {
			traits := poor
			traits.Baud = 921600 // the line is faster than the paper
			s.SetTraits(traits)
			tall := image.NewGray(image.Rect(0, 0, 576, 1200))
			job, _, err := printer.Encode(printer.Doc{printer.Image{Image: tall}, printer.Cut{}}, s.profile)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, s.Print(t.Context(), job), printer.Printed, "")
			if lost := s.State().Lost; lost != 0 {
				t.Errorf("%d bytes lost", lost)
			}
		})
	})
}

// A printer that cannot answer is sent no more than it prints at its model's
// speed. This is a real serial line: only there are bytes lost.
func TestR03PacedBySpeed(t *testing.T) {
	listen, ok := ports(t)["serial"]
	if !ok {
		t.Skip("no pseudo-terminals here")
	}
	t.Parallel()
	for name, confirm := range map[string]printer.Confirm{"mute": printer.ConfirmAuto, "not asked": printer.ConfirmNone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The stand-in prints late on a machine that gives it no time, and loses
			// what a printer would not; without pacing it loses some every time.
			lost := 0
			for range 5 {
				if lost = pacedBySpeed(t, confirm, listen); lost == 0 {
					return
				}
			}
			t.Errorf("%d bytes lost", lost)
		})
	}
}

// pacedBySpeed prints two long jobs, and how many bytes of them were lost.
func pacedBySpeed(t *testing.T, confirm printer.Confirm, listen func(*paper.Printer) string) int {
	t.Helper()
	profile, _ := printer.ProfileByName("generic-80")
	profile.Speed, profile.ReceiveBuffer = 400, 2048
	s := newStand(t, printer.Options{Profile: profile, Confirm: confirm, Baud: 115200}, listen)
	defer s.Close()
	s.SetTraits(paper.Traits{Buffer: 2048, Loses: true, Baud: 115200, Speed: 400, NoRealtime: true, NoGSr: true, NoProcessID: true})
	for range 2 {
		expect(t, s.Print(t.Context(), s.long(t, 150)), printer.Sent, "")
	}
	for end := time.Now().Add(time.Minute); len(s.receipts) < 2 && time.Now().Before(end); { // a cut may be lost
		if lost := s.State().Lost; lost != 0 {
			return lost
		}
		<-time.After(10 * time.Millisecond)
	}
	if lost := s.State().Lost; lost != 0 {
		return lost
	}
	s.whole(t, 150)
	s.whole(t, 150)
	return 0
}

// At most two windows of 1 KB are on their way, and each question stands at the
// begin of a line.
func TestR03Windows(t *testing.T) {
	owed, after, before, most, questions := 0, 0, 0, 0, 0
	var line []byte
	answers := make(chan struct{}, 1000)
	p80, _ := printer.ProfileByName("generic-80")
	s := &stand{profile: p80}
	job := s.long(t, 300)
	d := scripted(t, printer.Options{Confirm: printer.ConfirmStatus}, healthy(func(conn net.Conn, sent []byte) []byte {
		switch {
		case bytes.Equal(sent, gsR):
			if len(line) > 0 && len(line) < len(job) && line[len(line)-1] != '\n' {
				t.Errorf("asked after % X", line[max(0, len(line)-8):])
			}
			questions++
			owed++
			before, after = after, 0
			answers <- struct{}{}
			go func() {
				<-answers
				conn.Write([]byte{0})
			}()
		case !bytes.Equal(sent, asbOff):
			line = append(line, sent...)
			after += len(sent)
			if after > 1024 {
				t.Errorf("a window of %d bytes", after)
			}
			most = max(most, before+after)
		}
		return nil
	}))
	defer d.Close()
	expect(t, d.Print(t.Context(), job), printer.Printed, "")
	if !bytes.Equal(line, job) {
		t.Error("the job was changed")
	}
	if questions < len(job)/1024 || most > 2048 {
		t.Errorf("%d questions for %d bytes, %d bytes on their way", questions, len(job), most)
	}
}

func TestR03SmallBufferNeedsALine(t *testing.T) {
	tiny := printer.Profile{Name: "45 bytes", Dots: 384, Columns: 32, LineDots: 30, ReceiveBuffer: 45}
	for flow, ok := range map[printer.Flow]bool{"": false, printer.FlowXONXOFF: false, printer.FlowRTSCTS: true, printer.FlowDTRDSR: true} {
		d, err := printer.NewDevice(printer.Options{Port: "COM3", Profile: tiny, Flow: flow})
		if (err == nil) != ok {
			t.Errorf("flow %q: %v", flow, err)
		}
		if err == nil {
			d.Close()
		} else if !strings.Contains(err.Error(), "DIP") {
			t.Errorf("no advice: %v", err)
		}
	}
}

// The next job begins only when the one before is on paper, whatever the buffer
// of the printer would hide.
func TestR04NoJobBeforeTheProof(t *testing.T) {
	for _, confirm := range []printer.Confirm{printer.ConfirmAuto, printer.ConfirmStatus, printer.ConfirmProcessID} {
		inBubble(t, printer.Options{Confirm: confirm}, func(t *testing.T, s *stand) {
			s.SetTraits(paper.Traits{Speed: 20})
			for range 3 {
				expect(t, s.Print(t.Context(), s.job(t, "one", 30)), printer.Printed, "")
				if len(s.receipts) != 1 {
					t.Fatalf("%d receipts when the job was done", len(s.receipts))
				}
				<-s.receipts
			}
		})
	}
}

// recorder keeps what the device sends.
type recorder struct {
	printer.Conn
	sent *bytes.Buffer
}

func (r recorder) Write(b []byte) (int, error) {
	r.sent.Write(b)
	return r.Conn.Write(b)
}

var _ io.Writer = recorder{}

// Nothing that clears, recovers or switches off a printer is ever sent.
func TestR13NothingDangerousIsSent(t *testing.T) {
	faults := map[string]paper.Faults{
		"none": {}, "paper": {PaperOutAfter: 300}, "power": {PowerCutAfter: 300}, "stall": {StallAfter: 700}, "jam": {CutterJam: true},
		"no echo": {NoEcho: true}, "lost bytes": {LoseAfter: 200, LoseBytes: 50}, "error": {Error: true},
	}
	for name, f := range faults {
		inBubble(t, printer.Options{Hold: 20 * time.Second}, func(t *testing.T, s *stand) {
			var sent bytes.Buffer
			d, err := printer.NewDevice(printer.Options{Hold: 20 * time.Second, Profile: s.profile, Dial: func(context.Context) (printer.Conn, error) {
				return recorder{s.Printer.Conn(), &sent}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			job := s.job(t, "job", 40)
			d.Print(t.Context(), job)
			s.SetFaults(f)
			for range 3 {
				d.Print(t.Context(), job)
			}
			s.SetFaults(paper.Faults{})
			d.Print(t.Context(), job)
			for _, bad := range []string{"\x10\x05", "\x10\x14"} {
				if bytes.Contains(sent.Bytes(), []byte(bad)) {
					t.Errorf("%s: % X was sent", name, bad)
				}
			}
		})
	}
}

func TestR22DrawerOnce(t *testing.T) {
	for name, f := range map[string]paper.Faults{"all is well": {}, "no proof": {NoEcho: true}, "out of paper": {PaperOutAfter: 60}} {
		inBubble(t, printer.Options{Hold: 20 * time.Second}, func(t *testing.T, s *stand) {
			expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
			job, _, err := printer.Encode(printer.Doc{printer.Drawer{Pin: 2}, printer.Line{Text: "drawer"}, printer.Cut{}}, s.profile)
			if err != nil {
				t.Fatal(err)
			}
			s.SetFaults(f)
			want := 1
			if s.Print(t.Context(), job).Outcome == printer.NotSent {
				want = 0
			}
			if kicks := s.State().DrawerKicks; kicks != want {
				t.Errorf("%s: %d kicks, want %d", name, kicks, want)
			}
		})
	}
}
