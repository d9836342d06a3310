//go:build !linux

package printer

import "errors"

func openUSB(string) (Conn, error) {
	return nil, errors.New("usb: ports are on Linux only; on Windows use windows:QUEUE or the COM port of the printer's driver")
}
