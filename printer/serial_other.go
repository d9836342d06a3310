//go:build !linux && !windows

package printer

import (
	"errors"
	"io"
)

const deniedMeansBusy = false

// noControl: elsewhere the drivers' own settings must do.
type noControl struct{}

func newControl(io.ReadWriteCloser, *portLock) (control, error) { return noControl{}, nil }

var errNoLines = errors.New("not on this system")

func (noControl) configure(serialLine) error        { return nil }
func (noControl) raise() error                      { return errNoLines }
func (noControl) ready() (cts, dsr bool, err error) { return false, false, errNoLines }
func (noControl) discard()                          {}
