package printer

import (
	"context"
	"net"
	"testing"
	"time"
)

// mute is a device whose printer takes everything and never answers.
func mute(t *testing.T, timeout time.Duration) *Device {
	t.Helper()
	d, err := NewDevice(Options{Timeout: timeout, Dial: func(context.Context) (Conn, error) {
		ours, printers := net.Pipe()
		go func() {
			buf := make([]byte, 4096)
			for {
				if _, err := printers.Read(buf); err != nil {
					return
				}
			}
		}()
		return ours, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestLateTillIsNoOfflinePrinter: on a machine too slow for every wait, a printer
// that never answers is still one that cannot, and not one that is off.
func TestLateTillIsNoOfflinePrinter(t *testing.T) {
	t.Parallel()
	for range 20 {
		d := mute(t, time.Microsecond)
		for range 2 {
			if r, ok := d.Ready(t.Context()); !ok {
				t.Fatalf("%s: %v", r.Cause, r.Err)
			}
		}
	}
}
