package printer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"golang.org/x/sys/windows"
)

// deniedMeansBusy: a port that another program has is refused in these words.
const deniedMeansBusy = true

// dcbControl works on the library's own handle: Windows opens a port once only.
type dcbControl struct{ handle windows.Handle }

// The libraries keep their handle to themselves: tarm/serial in fd,
// go.bug.st/serial in handle. A test holds that the fields are there.
var handleFields = []string{"fd", "handle"}

func newControl(port io.ReadWriteCloser, _ *portLock) (control, error) {
	v := reflect.Indirect(reflect.ValueOf(port))
	for _, name := range handleFields {
		if f := v.FieldByName(name); f.IsValid() && f.Kind() == reflect.Uintptr {
			return dcbControl{windows.Handle(f.Uint())}, nil
		}
	}
	return nil, errors.New("the serial library has changed: it has no handle where it was")
}

// The bits of DCB.Flags (winbase.h) that x/sys/windows has no names for.
const (
	dcbBinary       = 0x0001
	dcbOutxCtsFlow  = 0x0004
	dcbOutxDsrFlow  = 0x0008
	dcbDtrControl   = 0x0030
	dcbDtrEnable    = 0x0010
	dcbDsrSensitive = 0x0040
	dcbOutX         = 0x0100
	dcbInX          = 0x0200
	dcbNull         = 0x0800
	dcbRtsControl   = 0x3000
	dcbRtsEnable    = 0x1000
	dcbAbortOnError = 0x4000
)

// configure raises DTR and RTS, which tarm/serial leaves low, switches off the
// driver's own flow control, and reads back. The time-outs are such that Read
// returns what there is, or after serialReadTimeout.
func (c dcbControl) configure(l serialLine) error {
	var dcb windows.DCB
	if err := windows.GetCommState(c.handle, &dcb); err != nil {
		return fmt.Errorf("it is no serial port: %w", os.NewSyscallError("GetCommState", err))
	}
	const off = dcbOutxCtsFlow | dcbOutxDsrFlow | dcbDsrSensitive | dcbOutX | dcbInX | dcbNull | dcbAbortOnError
	const on = dcbBinary | dcbDtrEnable | dcbRtsEnable
	dcb.Flags = dcb.Flags&^(off|dcbDtrControl|dcbRtsControl) | on
	if err := windows.SetCommState(c.handle, &dcb); err != nil {
		return os.NewSyscallError("SetCommState", err)
	}
	if err := windows.GetCommState(c.handle, &dcb); err != nil {
		return os.NewSyscallError("GetCommState", err)
	}
	parity := map[byte]byte{windows.NOPARITY: 'N', windows.ODDPARITY: 'O', windows.EVENPARITY: 'E'}[dcb.Parity]
	stop := map[byte]int{windows.ONESTOPBIT: 1, windows.TWOSTOPBITS: 2}[dcb.StopBits]
	switch {
	case dcb.BaudRate != uint32(l.baud) || int(dcb.ByteSize) != l.bits || parity != l.parity || stop != l.stop:
		return fmt.Errorf("it took %d %d%c%d for %d %d%c%d", dcb.BaudRate, dcb.ByteSize, parity, stop, l.baud, l.bits, l.parity, l.stop)
	case dcb.Flags&off != 0 || dcb.Flags&on != on:
		return fmt.Errorf("its flow control cannot be set (DCB flags %#x)", dcb.Flags)
	}
	return os.NewSyscallError("SetCommTimeouts", windows.SetCommTimeouts(c.handle, &windows.CommTimeouts{
		ReadIntervalTimeout:      10,
		ReadTotalTimeoutConstant: uint32(serialReadTimeout.Milliseconds()),
	}))
}

// raise: configure has done it, and the driver answers for it.
func (c dcbControl) raise() error {
	if err := windows.EscapeCommFunction(c.handle, windows.SETDTR); err != nil {
		return os.NewSyscallError("EscapeCommFunction", err)
	}
	return os.NewSyscallError("EscapeCommFunction", windows.EscapeCommFunction(c.handle, windows.SETRTS))
}

func (c dcbControl) ready() (cts, dsr bool, err error) {
	const ctsOn, dsrOn = 0x10, 0x20 // MS_CTS_ON, MS_DSR_ON
	var bits uint32
	err = windows.GetCommModemStatus(c.handle, &bits)
	return bits&ctsOn != 0, bits&dsrOn != 0, os.NewSyscallError("GetCommModemStatus", err)
}

func (c dcbControl) discard() {
	_ = windows.PurgeComm(c.handle, windows.PURGE_TXABORT|windows.PURGE_TXCLEAR|windows.PURGE_RXABORT|windows.PURGE_RXCLEAR)
}
