//go:build !linux

package paper

import "errors"

// OpenPTY fails: pseudo-terminals that look like serial ports are on Linux only.
func (p *Printer) OpenPTY() (path string, err error) {
	return "", errors.New("there are no pseudo-terminals on this system: use TCP")
}
