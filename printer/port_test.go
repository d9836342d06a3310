package printer_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
)

// ports are the real ways to reach the stand-in printer.
func ports(t *testing.T) map[string]func(*paper.Printer) string {
	all := map[string]func(*paper.Printer) string{
		"tcp": func(p *paper.Printer) string {
			addr, err := p.ListenTCP("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			return "tcp://" + addr.String()
		},
	}
	if runtime.GOOS == "linux" {
		all["serial"] = func(p *paper.Printer) string {
			path, err := p.OpenPTY()
			if err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	return all
}

// onPorts runs a test over each port, in real time.
func onPorts(t *testing.T, o printer.Options, f func(t *testing.T, s *stand)) {
	t.Parallel()
	for name, listen := range ports(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, o, listen)
			defer func() {
				start := time.Now()
				s.Close()
				if took := time.Since(start); took > 4*time.Second {
					t.Errorf("Close took %v", took)
				}
			}()
			f(t, s)
		})
	}
}

func TestRealPort(t *testing.T) {
	onPorts(t, printer.Options{Timeout: time.Second}, func(t *testing.T, s *stand) {
		if st, err := s.Status(t.Context()); err != nil || st.State != printer.StateReady || !st.CanAnswer {
			t.Errorf("status %+v, %v", st, err)
		}
		for _, title := range []string{"one", "two"} {
			expect(t, s.Print(t.Context(), s.job(t, title, 300)), printer.Printed, "")
			if got, cut := s.next(t); got != title || !cut {
				t.Errorf("%q, cut %v", got, cut)
			}
		}
		s.SetFaults(paper.Faults{PaperOut: true})
		expect(t, s.Print(t.Context(), s.job(t, "held", 1)), printer.NotSent, printer.CausePaperOut)
		s.SetFaults(paper.Faults{})

		s.SetFaults(paper.Faults{PowerCutAfter: 2000})
		expect(t, s.Print(t.Context(), s.job(t, "cut off", 300)), printer.Uncertain, printer.CauseOffline)
		if got, cut := s.next(t); got != "cut off" || cut {
			t.Errorf("%q, cut %v", got, cut)
		}
		expect(t, s.Print(t.Context(), s.job(t, "dark", 1)), printer.NotSent, printer.CauseOffline)
		s.SetFaults(paper.Faults{})
		expect(t, s.Print(t.Context(), s.job(t, "light", 1)), printer.Printed, "")
	})
}

func TestRealPortMute(t *testing.T) {
	onPorts(t, printer.Options{Timeout: time.Second}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{Mute: true})
		expect(t, s.Print(t.Context(), s.job(t, "mute", 3)), printer.Sent, "")
		if got, _ := s.next(t); got != "mute" {
			t.Errorf("%q", got)
		}
	})
}

// A printer that takes no more bytes: the job ends by its time-out, the port can
// be used again, Close does not hang.
func TestR02RealPortStalled(t *testing.T) {
	onPorts(t, printer.Options{Timeout: time.Second}, func(t *testing.T, s *stand) {
		s.SetFaults(paper.Faults{StallAfter: 3000})
		huge := make([]byte, 8<<20) // more than any buffer on the way
		start := time.Now()
		r := s.Print(t.Context(), huge)
		expect(t, r, printer.Uncertain, printer.CauseOffline)
		if took := time.Since(start); took > 6*time.Second || r.Written == 0 || r.Written >= len(huge) {
			t.Errorf("took %v, %d written", took, r.Written)
		}
		s.SetFaults(paper.Faults{})
		// The printer takes what stands in the system's buffers first.
		deadline := time.Now().Add(20 * time.Second)
		for r.Outcome != printer.Printed && time.Now().Before(deadline) {
			if r = s.Print(t.Context(), s.job(t, "after", 1)); r.Outcome != printer.NotSent {
				break
			}
		}
		expect(t, r, printer.Printed, "")
	})
}

// A serial port belongs to one device at a time.
func TestR23SerialPortIsExclusive(t *testing.T) {
	listen, ok := ports(t)["serial"]
	if !ok {
		t.Skip("no pseudo-terminals here")
	}
	path := ""
	s := newStand(t, printer.Options{}, func(p *paper.Printer) string {
		path = listen(p)
		return path
	})
	defer s.Close()
	expect(t, s.Print(t.Context(), s.job(t, "first", 1)), printer.Printed, "")
	other, err := printer.NewDevice(printer.Options{Port: path})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	r := other.Print(t.Context(), []byte("second\n"))
	expect(t, r, printer.NotSent, printer.CauseOffline)
	if !strings.Contains(r.Err.Error(), path) || !strings.Contains(r.Err.Error(), "in use by another program") {
		t.Errorf("error %v", r.Err)
	}
	if err := s.Device.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, other.Print(t.Context(), s.job(t, "second", 1)), printer.Printed, "")
}

func TestR23SerialPortGone(t *testing.T) {
	listen, ok := ports(t)["serial"]
	if !ok {
		t.Skip("no pseudo-terminals here")
	}
	s := newStand(t, printer.Options{Timeout: time.Second}, listen)
	defer s.Close()
	expect(t, s.Print(t.Context(), s.job(t, "first", 1)), printer.Printed, "")
	s.Printer.Close() // unplugged
	expect(t, s.Print(t.Context(), s.job(t, "second", 1)), printer.NotSent, printer.CauseOffline)
	if st, err := s.Status(t.Context()); st.State != printer.StateOffline || err == nil {
		t.Errorf("status %+v, %v", st, err)
	}
}

// A network printer that closed the connection in between is dialled again.
func TestR23TCPReconnects(t *testing.T) {
	s := newStand(t, printer.Options{}, ports(t)["tcp"])
	defer s.Close()
	expect(t, s.Print(t.Context(), s.job(t, "first", 1)), printer.Printed, "")
	s.SetFaults(paper.Faults{PowerOff: true}) // closes the connection
	s.SetFaults(paper.Faults{})
	expect(t, s.Print(t.Context(), s.job(t, "second", 1)), printer.Printed, "")
}

// A refused connection is told with its address.
func TestTCPRefused(t *testing.T) {
	const address = "127.0.0.1:1" // nobody listens there
	d, err := printer.NewDevice(printer.Options{Port: "tcp://" + address})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := d.Print(context.Background(), []byte("job\n"))
	expect(t, r, printer.NotSent, printer.CauseOffline)
	if !strings.Contains(r.Err.Error(), address) {
		t.Errorf("error %v", r.Err)
	}
}
