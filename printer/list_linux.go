package printer

import (
	"os"
	"path/filepath"
	"strings"
)

func (s system) root() (sys, dev string) {
	if s.sys == "" {
		return "/sys", "/dev"
	}
	return s.sys, s.dev
}

// ports reads the kernel's tables. go.bug.st/serial would open every ttyS port to
// see whether it is there, which disturbs whoever uses it.
func (s system) ports() ([]PortInfo, error) {
	sys, dev := s.root()
	byID := linksTo(filepath.Join(dev, "serial", "by-id"))
	var all []PortInfo
	for _, class := range []struct{ dir, dev, kind, prefix string }{
		{"tty", "", PortSerial, ""},
		{"usbmisc", "usb", PortUSB, "usb:"},
	} {
		entries, err := os.ReadDir(filepath.Join(sys, "class", class.dir))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, e := range entries {
			name := e.Name()
			at := filepath.Join(sys, "class", class.dir, name)
			if class.kind == PortSerial && !isSerial(at) || class.kind == PortUSB && !strings.HasPrefix(name, "lp") {
				continue
			}
			path := filepath.Join(dev, class.dev, name)
			info := PortInfo{Port: class.prefix + path, Kind: class.kind, ByID: byID[name]}
			info.describe(filepath.Join(at, "device"))
			all = append(all, info)
		}
	}
	return all, nil
}

// isSerial tells real serial ports from consoles, from pseudo-terminals and from
// the 8250 driver's places for ports that are not there.
func isSerial(tty string) bool {
	driver, err := filepath.EvalSymlinks(filepath.Join(tty, "device"))
	if err != nil || driver == "" {
		return false
	}
	const noUART = "0"
	return line(filepath.Join(tty, "type")) != noUART
}

// describe reads the USB device above one of its interfaces.
func (p *PortInfo) describe(device string) {
	dir, err := filepath.EvalSymlinks(device)
	if err != nil {
		return
	}
	for range 4 { // port, interface, device
		if vid := line(filepath.Join(dir, "idVendor")); vid != "" {
			p.VID, p.PID = strings.ToUpper(vid), strings.ToUpper(line(filepath.Join(dir, "idProduct")))
			p.Serial = line(filepath.Join(dir, "serial"))
			p.Name = strings.TrimSpace(line(filepath.Join(dir, "manufacturer")) + " " + line(filepath.Join(dir, "product")))
			p.StableID = stableID(p.VID, p.PID, p.Serial)
			return
		}
		dir = filepath.Dir(dir)
	}
}

// line is the first line of a file; "" where there is none.
func line(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(first)
}

// linksTo gives the links of a directory by the names they lead to.
func linksTo(dir string) map[string]string {
	links := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return links // no device has such a name
	}
	for _, e := range entries {
		link := filepath.Join(dir, e.Name())
		if to, err := os.Readlink(link); err == nil {
			links[filepath.Base(to)] = link
		}
	}
	return links
}
