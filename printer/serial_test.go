//go:build linux

package printer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tillagent/printer"
	"tillagent/printer/paper"
)

func openPTY(t *testing.T) func(*paper.Printer) string { return ports(t)["serial"] }

func terminal(t *testing.T, path string) *unix.Termios {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	settings, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// What was asked for is what the port has, whoever opened it.
func TestR01SerialSettings(t *testing.T) {
	for _, driver := range []string{printer.DriverTarm, printer.DriverBugst} {
		for _, flow := range []printer.Flow{printer.FlowNone, printer.FlowXONXOFF} {
			s := newStand(t, printer.Options{Driver: driver, Flow: flow, Baud: 38400, StopBits: 2}, openPTY(t))
			expect(t, s.Print(t.Context(), s.job(t, "set", 1)), printer.Printed, "")
			was := terminal(t, s.port)
			if was.Ospeed != 38400 || was.Cflag&unix.CSTOPB == 0 || was.Cflag&(unix.PARENB|unix.CRTSCTS) != 0 || was.Cflag&unix.CSIZE != unix.CS8 ||
				was.Iflag&(unix.IXON|unix.IXOFF|unix.ICRNL|unix.INLCR) != 0 || was.Oflag&unix.OPOST != 0 || was.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
				t.Errorf("%s, flow %s: %+v", driver, flow, was)
			}
			s.Close()
		}
	}
}

// A port that takes other settings than asked for, or has no lines for its flow
// control, is refused with the reason.
func TestR01PortThatCannot(t *testing.T) {
	for want, o := range map[string]printer.Options{
		"8N1":    {DataBits: 7},
		"RTS":    {Flow: printer.FlowRTSCTS},
		"dtrdsr": {Flow: printer.FlowDTRDSR},
	} {
		s := newStand(t, o, openPTY(t))
		r := s.Print(t.Context(), s.job(t, "no", 1))
		expect(t, r, printer.NotSent, printer.CauseOffline)
		if !strings.Contains(r.Err.Error(), want) || !strings.Contains(r.Err.Error(), s.port) {
			t.Errorf("%s: %v", want, r.Err)
		}
		s.Close()
	}
}

// XON/XOFF on a real line: a printer that prints slower than the line brings
// loses nothing, asked or not.
func TestR01XONXOFFLosesNothing(t *testing.T) {
	t.Parallel()
	for _, confirm := range []printer.Confirm{printer.ConfirmAuto, printer.ConfirmNone} {
		t.Run(fmt.Sprint(confirm), func(t *testing.T) {
			t.Parallel()
			profile, _ := printer.ProfileByName("generic-80")
			profile.Speed, profile.ReceiveBuffer = 400, 4096 // it is less: XOFF is needed
			s := newStand(t, printer.Options{Profile: profile, Confirm: confirm, Flow: printer.FlowXONXOFF, Baud: 9600, Timeout: 3 * time.Second}, openPTY(t))
			defer s.Close()
			// The 128 bytes that a printer takes after XOFF are 133 ms of this line, for a busy machine to heed it.
			s.SetTraits(paper.Traits{Buffer: 1024, Loses: true, Flow: "xonxoff", Baud: 9600, Speed: 60})
			s.Print(t.Context(), s.long(t, 100))
			s.whole(t, 100)
			if lost := s.State().Lost; lost != 0 {
				t.Errorf("%d bytes lost", lost)
			}
		})
	}
}

// A printer that never lifts XOFF costs its job no more than the time-out, and
// nothing keeps the port from closing.
func TestR02XOFFForEver(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{printer.DriverTarm, printer.DriverBugst} {
		s := newStand(t, printer.Options{Driver: driver, Flow: printer.FlowXONXOFF, Baud: 115200, Timeout: time.Second, Confirm: printer.ConfirmNone}, openPTY(t))
		s.SetTraits(paper.Traits{Buffer: 4096, Loses: true, Flow: "xonxoff"})
		s.SetFaults(paper.Faults{XOFFStuck: true})
		start := time.Now()
		r := s.Print(t.Context(), make([]byte, 64<<10))
		expect(t, r, printer.Uncertain, printer.CauseOffline)
		if took := time.Since(start); took > 6*time.Second || r.Written > 8<<10 {
			t.Errorf("took %v, %d written", took, r.Written)
		}
		start = time.Now()
		if err := s.Device.Close(); err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(start))
		}
		s.Printer.Close()
	}
}

// Out of paper under XOFF: the question passes, and the job is held.
func TestR12PaperOutUnderXOFF(t *testing.T) {
	t.Parallel()
	held := make(chan struct{}, 10)
	s := newStand(t, printer.Options{Flow: printer.FlowXONXOFF, Baud: 115200, Timeout: 2 * time.Second,
		OnStatus: func(s printer.Status) {
			if s.Held && s.State == printer.StatePaperOut {
				held <- struct{}{}
			}
		}}, openPTY(t))
	defer s.Close()
	s.SetTraits(paper.Traits{Buffer: 1024, Loses: true, Flow: "xonxoff", Baud: 115200, Speed: 800})
	expect(t, s.Print(t.Context(), s.job(t, "before", 1)), printer.Printed, "")
	s.next(t)
	s.SetFaults(paper.Faults{PaperOutAfter: 900})
	result := make(chan printer.Result, 1)
	go func() { result <- s.Print(t.Context(), s.long(t, 100)) }()
	select {
	case <-held:
	case <-time.After(time.Minute):
		t.Fatal("not held")
	}
	s.SetFaults(paper.Faults{})
	expect(t, <-result, printer.Printed, "")
	s.whole(t, 100)
}

// The other driver does all the same.
func TestR23BugstDriver(t *testing.T) {
	s := newStand(t, printer.Options{Driver: printer.DriverBugst, Timeout: time.Second}, openPTY(t))
	defer s.Close()
	expect(t, s.Print(t.Context(), s.long(t, 100)), printer.Printed, "")
	s.whole(t, 100)
	s.Printer.Close()
	expect(t, s.Print(t.Context(), s.job(t, "gone", 1)), printer.NotSent, printer.CauseOffline)
}

// TestHoldPort is no test: another process that has a port, for the next one.
func TestHoldPort(t *testing.T) {
	path := os.Getenv("TEST_HOLD_PORT")
	if path == "" {
		t.Skip("it is for TestR23BusyPortNamesTheProcess")
	}
	d, err := printer.NewDevice(printer.Options{Port: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	fmt.Println("held")
	os.Stdin.Read(make([]byte, 1))
}

func TestR23BusyPortNamesTheProcess(t *testing.T) {
	s := newStand(t, printer.Options{}, openPTY(t))
	defer s.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldPort$")
	cmd.Env = append(os.Environ(), "TEST_HOLD_PORT="+s.port)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	if _, err := stdout.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	r := s.Print(t.Context(), s.job(t, "busy", 1))
	expect(t, r, printer.NotSent, printer.CauseOffline)
	for _, want := range []string{s.port, "占用", fmt.Sprintf("(pid %d)", cmd.Process.Pid)} {
		if !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%q is not in %v", want, r.Err)
		}
	}
}

// plugs is a machine whose USB serial adapters a test plugs in and out.
type plugs struct{ sys, dev string }

func newPlugs(t *testing.T) plugs {
	t.Helper()
	p := plugs{t.TempDir(), t.TempDir()}
	if err := os.MkdirAll(filepath.Join(p.sys, "class", "tty"), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p plugs) in(t *testing.T, name, serial, pty string) string {
	t.Helper()
	usb := filepath.Join(p.sys, "devices", name)
	port := filepath.Join(usb, "1-1:1.0", name)
	tty := filepath.Join(p.sys, "class", "tty", name)
	for _, dir := range []string{port, tty} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range map[string]string{"idVendor": "1a86", "idProduct": "7523", "serial": serial, "manufacturer": "QinHeng", "product": "USB Serial"} {
		if err := os.WriteFile(filepath.Join(usb, file), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(p.dev, name)
	for link, to := range map[string]string{filepath.Join(tty, "device"): port, path: pty} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func (p plugs) out(t *testing.T, name string) {
	t.Helper()
	for _, path := range []string{filepath.Join(p.sys, "devices", name), filepath.Join(p.sys, "class", "tty", name), filepath.Join(p.dev, name)} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// tape is a stand-in at a pseudo-terminal.
func tape(t *testing.T) (*paper.Printer, string, chan paper.Receipt) {
	t.Helper()
	receipts := make(chan paper.Receipt, 10)
	p, err := paper.New(paper.Options{OnReceipt: func(r paper.Receipt) { receipts <- r }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	path, err := p.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	return p, path, receipts
}

// A printer that was unplugged is found again under another name, and what took
// its name meanwhile is left alone.
func TestR23ReplugByStableID(t *testing.T) {
	machine := newPlugs(t)
	first, pty, _ := tape(t)
	port := machine.in(t, "ttyUSB0", "A1", pty)
	d, err := printer.NewDevice(printer.Options{Port: port, Timeout: time.Second, Profile: cutting}.In(machine.sys, machine.dev))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	job := []byte("\x1b@job\n\x1dV\x42\x00")
	expect(t, d.Print(t.Context(), job), printer.Printed, "")

	first.Close() // unplugged
	machine.out(t, "ttyUSB0")
	r := d.Print(t.Context(), job)
	expect(t, r, printer.NotSent, printer.CauseOffline)
	if r = d.Print(t.Context(), job); !strings.Contains(fmt.Sprint(r.Err), "1A86:7523:A1") {
		t.Errorf("unplugged: %v", r.Err)
	}

	other, pty, _ := tape(t) // the scale, say
	machine.in(t, "ttyUSB0", "B2", pty)
	r = d.Print(t.Context(), job)
	expect(t, r, printer.NotSent, printer.CauseOffline)
	if !strings.Contains(r.Err.Error(), "another device") || other.State().Receipts != 0 {
		t.Errorf("with another device there: %v", r.Err)
	}

	_, pty, receipts := tape(t)
	machine.in(t, "ttyUSB1", "A1", pty)
	expect(t, d.Print(t.Context(), job), printer.Printed, "")
	select {
	case <-receipts:
	case <-time.After(time.Minute):
		t.Error("not on the printer's paper")
	}
}

// A character device as USB printers have it. That it is a pseudo-terminal here
// does not matter: the driver's own status is only asked when nothing answers.
func TestR23USBDevice(t *testing.T) {
	p, pty, receipts := tape(t)
	d, err := printer.NewDevice(printer.Options{Port: "usb:" + pty, Timeout: time.Second, Profile: cutting})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, d.Print(t.Context(), []byte("\x1b@usb\n\x1dV\x42\x00")), printer.Printed, "")
	if r := <-receipts; r.Text != "usb\n" {
		t.Errorf("%q", r.Text)
	}
	p.SetFaults(paper.Faults{StallAfter: 2000})
	start := time.Now()
	if r := d.Print(t.Context(), make([]byte, 1<<20)); r.Outcome != printer.Uncertain || time.Since(start) > 6*time.Second {
		t.Errorf("stalled: %s after %v", r.Outcome, time.Since(start))
	}
	start = time.Now()
	if err := d.Close(); err != nil || time.Since(start) > 2*time.Second {
		t.Errorf("Close: %v after %v", err, time.Since(start))
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{file: "no printer device", "/dev/usb/lp99": "/dev/usb/lp99"} {
		d, err := printer.NewDevice(printer.Options{Port: "usb:" + path})
		if err != nil {
			t.Fatal(err)
		}
		if r := d.Print(t.Context(), []byte("x")); r.Outcome != printer.NotSent || !strings.Contains(fmt.Sprint(r.Err), want) {
			t.Errorf("%s: %s, %v", path, r.Outcome, r.Err)
		}
		d.Close()
	}
}

func TestListThisMachine(t *testing.T) {
	all, err := printer.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Port == "" || p.Kind != printer.PortSerial && p.Kind != printer.PortUSB {
			t.Errorf("%+v", p)
		}
	}
	if _, err := printer.List(canceled()); err != nil && !strings.Contains(err.Error(), "canceled") {
		t.Error(err)
	}
}
