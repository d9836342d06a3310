package printer_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"tillagent/printer"
)

// A wire is the printer's end of a serial line: it takes a byte each time one can
// have passed, answers what is asked when the question has come, and notes when
// the first and the last byte of a job did.
type wire struct {
	master *os.File
	fd     int
	each   time.Duration // a byte
	first  []byte        // that a job begins with
	last   []byte        // and ends with

	began chan time.Time
	ended chan time.Time
}

func (w *wire) run() {
	var next time.Time
	var heard []byte
	one := make([]byte, 1)
	for {
		waiting, err := unix.IoctlGetInt(w.fd, unix.TIOCINQ)
		if err != nil {
			return
		}
		if _, err := w.master.Read(one); err != nil {
			return
		}
		if waiting == 0 { // the line was idle; otherwise it is this test that is late
			next = time.Now()
		}
		next = next.Add(w.each)
		time.Sleep(time.Until(next))
		heard = append(heard, one[0])
		var answer []byte
		switch {
		case bytes.HasSuffix(heard, w.first):
			w.began <- next.Add(-time.Duration(len(w.first)) * w.each)
		case bytes.HasSuffix(heard, w.last):
			w.ended <- next
			heard = heard[:0]
		case bytes.HasSuffix(heard, []byte("\x10\x04\x01")):
			answer = []byte{0x16}
		case len(heard) > 2 && bytes.HasSuffix(heard[:len(heard)-1], []byte("\x10\x04")):
			answer = []byte{0x12}
		case bytes.HasSuffix(heard, gsR):
			answer = []byte{0}
		case len(heard) > 4 && bytes.HasSuffix(heard[:len(heard)-4], token):
			answer = append(append([]byte("\x37\x22"), heard[len(heard)-4:]...), 0)
		}
		if answer != nil {
			w.master.Write(answer)
		}
	}
}

// serialWire lays a line of so many baud, 8N1, and gives the port's path.
func serialWire(b *testing.B, baud int, job []byte) (*wire, string) {
	b.Helper()
	master, port, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { master.Close(); port.Close() })
	settings, err := unix.IoctlGetTermios(int(port.Fd()), unix.TCGETS)
	if err != nil {
		b.Fatal(err)
	}
	settings.Iflag, settings.Oflag, settings.Lflag = 0, 0, 0
	if err := unix.IoctlSetTermios(int(port.Fd()), unix.TCSETS, settings); err != nil {
		b.Fatal(err)
	}
	w := &wire{master: master, fd: int(master.Fd()), each: 10 * time.Second / time.Duration(baud), first: job[:8], last: job[len(job)-8:], began: make(chan time.Time, 1), ended: make(chan time.Time, 1)}
	go w.run()
	return w, port.Name()
}

// BenchmarkWire prints a receipt through the real serial port at 9600 baud.
// x-wire is how long its bytes took against what they must take at that speed,
// ten bits each; more than 1.05 would be ours.
func BenchmarkWire(b *testing.B) {
	p, _ := printer.ProfileByName("generic-80")
	doc := printer.Doc{printer.Line{Text: "晨光便利店", Align: printer.AlignCenter, Size: printer.SizeBig}}
	for i := range 20 {
		doc = append(doc, printer.Columns{{Text: "农夫山泉饮用水"}, {Text: fmt.Sprint(i + 1), Width: 6, Align: printer.AlignRight}, {Text: "4.00", Width: 10, Align: printer.AlignRight}})
	}
	job, _, err := printer.Encode(append(doc, printer.QR{Data: "https://example.com/0123456789"}, printer.Line{Text: "the end"}, printer.Cut{}), p)
	if err != nil {
		b.Fatal(err)
	}
	for name, o := range map[string]printer.Options{
		"asked":   {Confirm: printer.ConfirmAuto},
		"xonxoff": {Confirm: printer.ConfirmAuto, Flow: printer.FlowXONXOFF},
		"blind":   {Confirm: printer.ConfirmNone},
	} {
		b.Run(name, func(b *testing.B) {
			w, path := serialWire(b, 9600, job)
			o.Port, o.Profile, o.Timeout = path, p, 5*time.Second
			d, err := printer.NewDevice(o)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			var took, must time.Duration
			for range b.N {
				if r := d.Print(b.Context(), job); r.Outcome != printer.Printed && r.Outcome != printer.Sent {
					b.Fatalf("%s: %v", r.Outcome, r.Err)
				}
				began := <-w.began
				took += (<-w.ended).Sub(began)
				must += time.Duration(len(job)) * w.each
			}
			b.ReportMetric(took.Seconds()/must.Seconds(), "x-wire")
			b.ReportMetric(float64(len(job)), "bytes")
		})
	}
}
