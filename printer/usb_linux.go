package printer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// usbPort is a USB printer at the kernel's usblp driver, /dev/usb/lp0. USB itself
// holds back what the printer has no room for. Most of them can be read from;
// one that cannot still tells by the driver whether it has paper.
type usbPort struct {
	file    *os.File
	deaf    atomic.Bool // it cannot be read from
	closing chan struct{}
	once    sync.Once
}

func openUSB(name string) (Conn, error) {
	// Not blocking, so that Close ends a waiting Read or Write.
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("cannot open port %s: %w", name, busyError{holders(name)})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open port %s: %w", name, err)
	}
	if is, err := f.Stat(); err != nil || is.Mode()&os.ModeCharDevice == 0 {
		f.Close()
		return nil, fmt.Errorf("cannot open port %s: it is no printer device", name)
	}
	return &usbPort{file: f, closing: make(chan struct{})}, nil
}

// Read waits for bytes. A printer without a way back makes the driver refuse:
// then there is nothing to read until Close.
func (p *usbPort) Read(b []byte) (int, error) {
	if !p.deaf.Load() {
		n, err := p.file.Read(b)
		switch {
		case errors.Is(err, unix.EINVAL):
			p.deaf.Store(true)
		case n == 0 && errors.Is(err, io.EOF):
			return 0, errors.New("the USB printer is gone")
		default:
			return n, err
		}
	}
	<-p.closing
	return 0, os.ErrClosed
}

func (p *usbPort) Write(b []byte) (int, error) { return p.file.Write(b) }

func (p *usbPort) Close() error {
	p.once.Do(func() { close(p.closing) })
	return p.file.Close()
}

// The bits of LPGETSTATUS (linux/lp.h).
const (
	lpGetStatus = 0x060B
	lpNoError   = 0x08
	lpSelected  = 0x10
	lpPaperOut  = 0x20
)

// portState is the state that USB's printer class knows.
func (p *usbPort) portState() (State, bool) {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return "", false
	}
	var bits int
	var failed error
	if err := raw.Control(func(fd uintptr) { bits, failed = unix.IoctlGetInt(int(fd), lpGetStatus) }); err != nil || failed != nil {
		return "", false
	}
	return lpState(bits), true
}

func lpState(bits int) State {
	switch {
	case bits&lpPaperOut != 0:
		return StatePaperOut
	case bits&lpNoError == 0:
		return StateError
	case bits&lpSelected == 0:
		return StateOffline
	}
	return StateUnknown // nothing wrong, and no more is known
}
