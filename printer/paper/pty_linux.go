package paper

import (
	"fmt"
	"net"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// OpenPTY makes a pseudo-terminal that behaves as a serial port with the printer
// at its other end, until Close. It returns the port's path.
func (p *Printer) OpenPTY() (path string, err error) {
	opened, port, err := pty.Open()
	if err != nil {
		return "", fmt.Errorf("cannot make a pseudo-terminal: %v", err)
	}
	master, err := closable(opened)
	if err == nil {
		err = makeRaw(int(port.Fd()))
	}
	if err != nil {
		opened.Close()
		port.Close()
		return "", fmt.Errorf("cannot set up a pseudo-terminal: %v", err)
	}
	// port is kept open: the printer stays while clients come and go.
	if err := p.start(); err != nil || !p.own(master, false) || !p.own(port, false) {
		master.Close()
		port.Close()
		return "", net.ErrClosed
	}
	p.clients.Go(func() { p.serveOwned(master) })
	return port.Name(), nil
}

// closable gives the same terminal in the form in which Close ends a waiting
// Read: pty.Open leaves it in blocking mode.
func closable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	f.Close()
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// makeRaw turns off everything a terminal does to the bytes passing through.
func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CREAD | unix.CLOCAL
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
