package printer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tarm/serial"
	bugst "go.bug.st/serial"
)

// The libraries that open serial ports.
const (
	// DriverTarm is github.com/tarm/serial. Its traps are sprung here: an endless
	// EOF after a hang-up (serialPort.Read), a Close that waits for a byte (the read
	// time-out), writes without deadline (the link's writer, and abort), a port that
	// opens twice (portLock), RTS left low on Windows and settings that the port
	// refused in silence (control.configure sets and reads back).
	DriverTarm = "tarm"
	// DriverBugst is go.bug.st/serial, for adapters that DriverTarm does not get on
	// with.
	DriverBugst = "bugst"
)

// serialReadTimeout is tarm/serial's shortest. Without one, Close would wait for
// a byte to come.
const serialReadTimeout = 100 * time.Millisecond

// serialLine is how a serial port is to be set.
type serialLine struct {
	name   string
	baud   int
	bits   int
	stop   int
	parity byte // N, O or E
	flow   Flow
	driver string
	buffer int // the printer's receive buffer; 0 is not known
}

func (l serialLine) at(name string) serialLine {
	l.name = name
	return l
}

// leastBuffer is what a printer needs to do without a line that says stop: in
// Epson's 45-byte mode it is full before XOFF has been heard.
const leastBuffer = 256

func (o Options) serialLine() (serialLine, error) {
	l := serialLine{name: o.Port, baud: o.Baud, bits: o.DataBits, stop: o.StopBits, flow: o.Flow, driver: o.Driver, buffer: o.Profile.ReceiveBuffer}
	if l.baud == 0 {
		l.baud = 9600
	}
	if l.bits == 0 {
		l.bits = 8
	}
	if l.stop == 0 {
		l.stop = 1
	}
	if l.flow == "" {
		l.flow = FlowNone
	}
	if l.driver == "" {
		l.driver = DriverTarm
	}
	switch o.Parity {
	case "", "none":
		l.parity = 'N'
	case "odd":
		l.parity = 'O'
	case "even":
		l.parity = 'E'
	default:
		return l, fmt.Errorf("parity %q is not none, odd or even", o.Parity)
	}
	switch {
	case l.baud < 0 || l.baud > 4_000_000:
		return l, fmt.Errorf("%d baud is no speed of a serial port", o.Baud)
	case l.bits < 5 || l.bits > 8:
		return l, fmt.Errorf("%d data bits: 5 to 8", o.DataBits)
	case l.stop < 0 || l.stop > 2:
		return l, fmt.Errorf("%d stop bits: 1 or 2", o.StopBits)
	case l.flow != FlowNone && l.flow != FlowXONXOFF && l.flow != FlowRTSCTS && l.flow != FlowDTRDSR:
		return l, fmt.Errorf("flow control %q is not none, xonxoff, rtscts or dtrdsr", o.Flow)
	case l.driver != DriverTarm && l.driver != DriverBugst:
		return l, fmt.Errorf("serial driver %q is not %s or %s", o.Driver, DriverTarm, DriverBugst)
	case l.buffer > 0 && l.buffer < leastBuffer && l.flow != FlowRTSCTS && l.flow != FlowDTRDSR:
		return l, fmt.Errorf("a receive buffer of %d bytes overflows with flow control %q: set the printer's DIP switch to its large buffer, or use rtscts or dtrdsr", l.buffer, l.flow)
	}
	return l, nil
}

// open opens the port with its driver.
func (l serialLine) open() (io.ReadWriteCloser, error) {
	if l.driver == DriverBugst {
		mode := &bugst.Mode{BaudRate: l.baud, DataBits: l.bits, StopBits: bugst.OneStopBit}
		if l.stop == 2 {
			mode.StopBits = bugst.TwoStopBits
		}
		switch l.parity {
		case 'O':
			mode.Parity = bugst.OddParity
		case 'E':
			mode.Parity = bugst.EvenParity
		}
		p, err := bugst.Open(l.name, mode)
		if err != nil {
			return nil, err
		}
		if err := p.SetReadTimeout(serialReadTimeout); err != nil {
			p.Close()
			return nil, err
		}
		return p, nil
	}
	return serial.OpenPort(&serial.Config{Name: l.name, Baud: l.baud, Size: byte(l.bits), Parity: serial.Parity(l.parity),
		StopBits: serial.StopBits(l.stop), ReadTimeout: serialReadTimeout})
}

// control is what the drivers do not give: the port's settings read back, its
// modem lines, and a way to discard what has not left.
type control interface {
	modem
	// configure sets what the driver leaves out and reads all back. No system does
	// flow control: see gate.
	configure(l serialLine) error
	// discard throws away what was written and has not left; it frees a Write that
	// waits.
	discard()
}

// serialPort makes a serial library's port behave like a connection: Read waits
// for a byte, and a port whose device went away is an error.
type serialPort struct {
	port    io.ReadWriteCloser
	control control
	lock    *portLock
	gate    *gate
	closed  atomic.Bool
}

// A busyError tells that another program has the port.
type busyError struct{ holders []string } // as far as they are known

func (e busyError) Error() string {
	if len(e.holders) == 0 {
		return "it is in use by another program (占用)"
	}
	return "it is in use by another program (占用): " + strings.Join(e.holders, ", ")
}

func openSerial(l serialLine) (Conn, error) {
	lock, err := lockPort(l.name)
	if err != nil {
		return nil, fmt.Errorf("cannot open port %s: %w", l.name, err)
	}
	port, err := l.open()
	if err != nil {
		lock.release()
		if refusedAsBusy(err) {
			err = busyError{}
		}
		return nil, fmt.Errorf("cannot open port %s: %w", l.name, err)
	}
	lock.exclude()
	p := &serialPort{port: port, lock: lock}
	if p.control, err = newControl(port, lock); err == nil {
		err = p.control.configure(l)
	}
	if err == nil {
		p.gate, err = newGate(l.flow, p.control, l.baud, l.buffer)
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("cannot set up port %s: %w", l.name, err)
	}
	return p, nil
}

// refusedAsBusy: go.bug.st/serial has an error of its own, and Windows says
// "access denied" of a port that another program has.
func refusedAsBusy(err error) bool {
	var p *bugst.PortError
	return errors.As(err, &p) && p.Code() == bugst.PortBusy || deniedMeansBusy && errors.Is(err, os.ErrPermission)
}

// maxHurried is how many reads in a row may come back at once and empty before
// the port is taken for gone.
const maxHurried = 20

// Read waits for bytes. tarm/serial returns after its time-out with (0, io.EOF)
// on Linux and (0, nil) on Windows; after a hang-up it returns the same at once,
// for ever. Only the time tells them apart.
func (p *serialPort) Read(b []byte) (int, error) {
	for hurried := 0; hurried < maxHurried; {
		start := time.Now()
		n, err := p.port.Read(b)
		switch {
		case p.closed.Load():
			return 0, os.ErrClosed
		case n > 0:
			return n, nil
		case err != nil && err != io.EOF:
			return 0, err
		case time.Since(start) < serialReadTimeout/2:
			hurried++
		default:
			hurried = 0
		}
	}
	return 0, errors.New("the serial port's device is gone")
}

func (p *serialPort) Write(b []byte) (int, error) { return p.port.Write(b) }

func (p *serialPort) flowGate() *gate { return p.gate }

// lossy: without flow control the printer ignores what it has no room for, and
// XOFF may come later than the 11 ms in which 128 bytes pass at 115200 baud.
func (p *serialPort) lossy() bool { return p.gate == nil || p.gate.mode == FlowXONXOFF }

// abort discards what has not left: it frees a blocked Write, and Close need not
// wait for the wire.
func (p *serialPort) abort() {
	p.closed.Store(true)
	p.control.discard()
}

func (p *serialPort) Close() error {
	p.closed.Store(true)
	defer p.lock.release()
	return p.port.Close()
}
