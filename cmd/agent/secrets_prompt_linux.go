package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideInput stops the echo of a terminal until restore is called. isTerminal is
// false for pipes and files, of which nothing is changed.
func hideInput(f *os.File) (restore func(), isTerminal bool, err error) {
	fd := int(f.Fd())
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}, false, nil
	}
	hidden := *was
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
		return nil, true, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, was) }, true, nil
}
