//go:build unix

package printer

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// portLock keeps others off a serial port, which Unix lets any number of
// programs open: flock against other tills' agents, TIOCEXCL against the rest.
type portLock struct {
	fd   int
	once sync.Once
}

func lockPort(name string) (*portLock, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, busyError{holders(name)}
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		return nil, busyError{holders(name)}
	}
	return &portLock{fd: fd}, nil
}

// exclude makes further opens fail. It comes after our own second open.
func (l *portLock) exclude() {
	// What is no terminal has no such lock; the flock holds all the same.
	_ = unix.IoctlSetInt(l.fd, unix.TIOCEXCL, 0)
}

func (l *portLock) release() {
	l.once.Do(func() {
		_ = unix.IoctlSetInt(l.fd, unix.TIOCNXCL, 0)
		unix.Close(l.fd)
	})
}
