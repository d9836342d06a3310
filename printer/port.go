package printer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tarm/serial"
)

const rawPrintPort = "9100" // what network printers listen on

// dialer gives the function that opens o.Port.
func (o Options) dialer() (func(context.Context) (Conn, error), error) {
	switch host, tcp := strings.CutPrefix(o.Port, "tcp://"); {
	case o.Dial != nil:
		return o.Dial, nil
	case tcp:
		if host == "" {
			return nil, errors.New("port tcp:// names no host")
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), rawPrintPort)
		}
		return func(ctx context.Context) (Conn, error) { return dialTCP(ctx, host) }, nil
	case o.Port == "":
		return nil, errors.New("no port is named")
	case strings.Contains(o.Port, "://"):
		return nil, fmt.Errorf("port %q is neither a serial port nor tcp://HOST:9100", o.Port)
	}
	config, err := o.serialConfig()
	if err != nil {
		return nil, err
	}
	return func(context.Context) (Conn, error) { return openSerial(config) }, nil
}

// serialReadTimeout is tarm/serial's shortest. Without one, Close would wait for
// a byte to come.
const serialReadTimeout = 100 * time.Millisecond

func (o Options) serialConfig() (*serial.Config, error) {
	c := &serial.Config{Name: o.Port, Baud: o.Baud, Size: byte(o.DataBits), StopBits: serial.StopBits(o.StopBits), ReadTimeout: serialReadTimeout}
	if o.Baud == 0 {
		c.Baud = 9600
	}
	if o.DataBits == 0 {
		c.Size = 8
	}
	if o.StopBits == 0 {
		c.StopBits = serial.Stop1
	}
	switch o.Parity {
	case "", "none":
		c.Parity = serial.ParityNone
	case "odd":
		c.Parity = serial.ParityOdd
	case "even":
		c.Parity = serial.ParityEven
	default:
		return nil, fmt.Errorf("parity %q is not none, odd or even", o.Parity)
	}
	if o.Baud < 0 || o.Baud > 4_000_000 {
		return nil, fmt.Errorf("%d baud is no speed of a serial port", o.Baud)
	}
	if o.DataBits != 0 && (o.DataBits < 5 || o.DataBits > 8) {
		return nil, fmt.Errorf("%d data bits: 5 to 8", o.DataBits)
	}
	if o.StopBits < 0 || o.StopBits > 2 {
		return nil, fmt.Errorf("%d stop bits: 1 or 2", o.StopBits)
	}
	return c, nil
}

// tcpPort is a network printer.
type tcpPort struct{ *net.TCPConn }

func dialTCP(ctx context.Context, address string) (Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return tcpPort{conn.(*net.TCPConn)}, nil
}

// abort makes Close reset the connection: otherwise the system would go on
// delivering a job that has been given up.
func (p tcpPort) abort() { _ = p.SetLinger(0) }

// serialPort makes a tarm/serial port behave like a connection: Read waits for a
// byte, and a port whose device went away is an error.
type serialPort struct {
	port   *serial.Port
	lock   *portLock
	closed atomic.Bool
}

var errPortBusy = errors.New("it is in use by another program")

func openSerial(c *serial.Config) (Conn, error) {
	lock, err := lockPort(c.Name)
	if err != nil {
		return nil, fmt.Errorf("cannot open port %s: %w", c.Name, err)
	}
	port, err := serial.OpenPort(c)
	if err != nil {
		lock.release()
		if errors.Is(err, os.ErrPermission) && lock.busyIsPermission() {
			err = errPortBusy
		}
		return nil, fmt.Errorf("cannot open port %s: %w", c.Name, err)
	}
	lock.exclude()
	return &serialPort{port: port, lock: lock}, nil
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

// abort discards what has not left: it frees a blocked Write, and Close need not
// wait for the wire.
func (p *serialPort) abort() {
	p.closed.Store(true)
	_ = p.port.Flush()
}

func (p *serialPort) Close() error {
	p.closed.Store(true)
	defer p.lock.release()
	return p.port.Close()
}
