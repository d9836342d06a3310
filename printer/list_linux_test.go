package printer

import (
	"os"
	"path/filepath"
	"testing"
)

// The kernel's tables as a machine with two adapters, a board port, an empty
// place, a pseudo-terminal and a USB printer has them.
func TestListReadsTheKernelsTables(t *testing.T) {
	sys, dev := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(sys, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	write("devices/usb1/1-1/idVendor", "1a86")
	write("devices/usb1/1-1/idProduct", "7523")
	write("devices/usb1/1-1/product", "USB Serial")
	write("devices/usb1/1-1/1-1:1.0/ttyUSB0/port_number", "0")
	write("devices/usb1/1-2/idVendor", "067b")
	write("devices/usb1/1-2/idProduct", "2303")
	write("devices/usb1/1-2/serial", "A7")
	write("devices/usb1/1-2/manufacturer", "Prolific")
	write("devices/usb1/1-2/product", "PL2303")
	write("devices/usb1/1-2/1-2:1.0/ttyUSB1/port_number", "0")
	write("devices/usb1/1-3/idVendor", "0483")
	write("devices/usb1/1-3/idProduct", "5743")
	write("devices/usb1/1-3/serial", "P9")
	write("devices/usb1/1-3/1-3:1.0/bInterfaceClass", "07")
	write("devices/serial8250/uevent", "")
	for name, at := range map[string]string{"ttyUSB0": "usb1/1-1/1-1:1.0/ttyUSB0", "ttyUSB1": "usb1/1-2/1-2:1.0/ttyUSB1", "ttyS0": "serial8250", "ttyS1": "serial8250"} {
		link(filepath.Join(sys, "devices", at), filepath.Join(sys, "class/tty", name, "device"))
	}
	write("class/tty/ttyS0/type", "4")
	write("class/tty/ttyS1/type", "0")
	write("class/tty/ptmx/dev", "5:2")
	link(filepath.Join(sys, "devices/usb1/1-3/1-3:1.0"), filepath.Join(sys, "class/usbmisc/lp0/device"))
	link("../../ttyUSB1", filepath.Join(dev, "serial/by-id/usb-Prolific_PL2303_A7"))

	got, err := system{sys, dev}.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []PortInfo{
		{Port: dev + "/ttyS0", Kind: PortSerial},
		{Port: dev + "/ttyUSB0", Kind: PortSerial, Name: "USB Serial", VID: "1A86", PID: "7523"},
		{Port: dev + "/ttyUSB1", Kind: PortSerial, Name: "Prolific PL2303", VID: "067B", PID: "2303", Serial: "A7", StableID: "067B:2303:A7",
			ByID: filepath.Join(dev, "serial/by-id/usb-Prolific_PL2303_A7")},
		{Port: "usb:" + dev + "/usb/lp0", Kind: PortUSB, VID: "0483", PID: "5743", Serial: "P9", StableID: "0483:5743:P9"},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v\nwant %+v", got[i], want[i])
		}
	}
}

func TestR11USBPrinterClassStatus(t *testing.T) {
	for bits, want := range map[int]State{
		lpNoError | lpSelected:              StateUnknown,
		lpNoError | lpSelected | lpPaperOut: StatePaperOut,
		lpSelected:                          StateError,
		lpNoError:                           StateOffline,
	} {
		if got := lpState(bits); got != want {
			t.Errorf("%02X: %s, want %s", bits, got, want)
		}
	}
}
