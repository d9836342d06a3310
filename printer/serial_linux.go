package printer

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// deniedMeansBusy: here a refused permission is just that.
const deniedMeansBusy = false

// ttyControl works through the lock's descriptor: the settings belong to the
// terminal, whoever opened it.
type ttyControl struct{ fd int }

func newControl(_ io.ReadWriteCloser, lock *portLock) (control, error) {
	return ttyControl{lock.fd}, nil
}

func (c ttyControl) configure(l serialLine) error {
	t, err := unix.IoctlGetTermios(c.fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("it is no serial port: %w", os.NewSyscallError("TCGETS", err))
	}
	t.Iflag &^= unix.IXON | unix.IXOFF | unix.IXANY
	t.Cflag = t.Cflag&^unix.CRTSCTS | unix.CLOCAL | unix.CREAD
	if err := unix.IoctlSetTermios(c.fd, unix.TCSETS, t); err != nil {
		return os.NewSyscallError("TCSETS", err)
	}
	if t, err = unix.IoctlGetTermios(c.fd, unix.TCGETS2); err != nil { // with the speed in figures
		return os.NewSyscallError("TCGETS2", err)
	}
	bits := map[uint32]int{unix.CS5: 5, unix.CS6: 6, unix.CS7: 7, unix.CS8: 8}[uint32(t.Cflag)&unix.CSIZE]
	stop := 1
	if t.Cflag&unix.CSTOPB != 0 {
		stop = 2
	}
	parity := byte('N')
	switch {
	case t.Cflag&unix.PARENB != 0 && t.Cflag&unix.PARODD != 0:
		parity = 'O'
	case t.Cflag&unix.PARENB != 0:
		parity = 'E'
	}
	switch {
	case int64(t.Ospeed) < int64(l.baud)*97/100 || int64(t.Ospeed) > int64(l.baud)*103/100 || bits != l.bits || parity != l.parity || stop != l.stop:
		return fmt.Errorf("it took %d baud %d%c%d for %d baud %d%c%d", t.Ospeed, bits, parity, stop, l.baud, l.bits, l.parity, l.stop)
	case t.Iflag&(unix.IXON|unix.IXOFF) != 0 || t.Cflag&unix.CRTSCTS != 0:
		return errors.New("its own flow control cannot be switched off")
	}
	return nil
}

func (c ttyControl) raise() error {
	if err := unix.IoctlSetPointerInt(c.fd, unix.TIOCMBIS, unix.TIOCM_DTR|unix.TIOCM_RTS); err != nil {
		return os.NewSyscallError("TIOCMBIS", err)
	}
	bits, err := unix.IoctlGetInt(c.fd, unix.TIOCMGET)
	if err != nil {
		return os.NewSyscallError("TIOCMGET", err)
	}
	if both := unix.TIOCM_DTR | unix.TIOCM_RTS; bits&both != both {
		return errors.New("they stay low")
	}
	return nil
}

func (c ttyControl) ready() (cts, dsr bool, err error) {
	bits, err := unix.IoctlGetInt(c.fd, unix.TIOCMGET)
	return bits&unix.TIOCM_CTS != 0, bits&unix.TIOCM_DSR != 0, os.NewSyscallError("TIOCMGET", err)
}

// discard is TCOFLUSH; without it Close may wait 30 s for a printer that takes
// nothing.
func (c ttyControl) discard() { _ = unix.IoctlSetInt(c.fd, unix.TCFLSH, unix.TCIOFLUSH) }
