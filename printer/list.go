package printer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// PortInfo is a port that a printer may be at.
type PortInfo struct {
	Port string `json:"port"` // as Options.Port takes it
	Kind string `json:"kind"` // PortSerial, PortUSB or PortQueue
	Name string `json:"name"` // what the device or the queue calls itself
	// StableID names the same device wherever it is plugged in, as VID:PID:serial
	// number; "" where it has no serial number, or is not on USB.
	StableID string `json:"stable_id"`
	ByID     string `json:"by_id"`  // the path under /dev/serial/by-id, on Linux
	VID      string `json:"vid"`    // USB vendor, 4 hexadecimal digits
	PID      string `json:"pid"`    // USB product, likewise
	Serial   string `json:"serial"` // USB serial number
}

// The kinds of ports.
const (
	PortSerial = "serial"
	PortUSB    = "usb"
	PortQueue  = "queue"
)

// List finds the ports of this machine: serial ports, USB printers (Linux) and
// print queues (Windows). It opens none of them. Network printers are not looked
// for.
func List(ctx context.Context) ([]PortInfo, error) { return system{}.list(ctx) }

// system is where ports are looked for; zero is this machine.
type system struct{ sys, dev string }

func (s system) list(ctx context.Context) ([]PortInfo, error) {
	type found struct {
		ports []PortInfo
		err   error
	}
	result := make(chan found, 1)
	go func() { // drivers have been seen to take their time
		ports, err := s.ports()
		result <- found{ports, err}
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot list the ports: %w", ctx.Err())
	case f := <-result:
		slices.SortFunc(f.ports, func(a, b PortInfo) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(len(a.Port), len(b.Port)), cmp.Compare(a.Port, b.Port))
		})
		return f.ports, f.err
	}
}

func stableID(vid, pid, serial string) string {
	if serial == "" {
		return ""
	}
	return strings.ToUpper(vid+":"+pid) + ":" + serial
}

// A finder finds a device again that was unplugged and comes back under another
// name, and tells it from one that took its name meanwhile.
type finder struct {
	system system
	path   string // as configured

	mu sync.Mutex
	id string // of the device first opened; "" is not known
}

func newFinder(s system, path string) *finder { return &finder{system: s, path: path} }

// open opens the device where it is now.
func (f *finder) open(open func(path string) (Conn, error)) (Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := f.path
	if f.id != "" {
		at, err := f.locate()
		if err != nil {
			return nil, err
		}
		path = at
	}
	conn, err := open(path)
	if err == nil && f.id == "" {
		f.id = f.idOf(path)
	}
	return conn, err
}

// locate gives the path at which the device is now.
func (f *finder) locate() (string, error) {
	ports, err := f.system.ports()
	if err != nil {
		return f.path, nil // then it is tried where it was
	}
	other := ""
	for _, p := range ports {
		path := strings.TrimPrefix(p.Port, "usb:")
		if p.StableID == f.id {
			return path, nil
		}
		if sameDevice(path, f.path) {
			other = p.StableID
		}
	}
	if other != "" {
		return "", fmt.Errorf("cannot open port %s: another device (%s) is there now; %s is not plugged in", f.path, other, f.id)
	}
	return "", fmt.Errorf("cannot open port %s: %s is not plugged in: %w", f.path, f.id, fs.ErrNotExist)
}

func (f *finder) idOf(path string) string {
	ports, err := f.system.ports()
	if err != nil {
		return ""
	}
	for _, p := range ports {
		if p.StableID != "" && sameDevice(strings.TrimPrefix(p.Port, "usb:"), path) {
			return f.unique(ports, p.StableID)
		}
	}
	return ""
}

// unique is "" for an id that several devices have: cheap adapters all carry the
// same serial number.
func (f *finder) unique(ports []PortInfo, id string) string {
	n := 0
	for _, p := range ports {
		if p.StableID == id {
			n++
		}
	}
	if n > 1 {
		return ""
	}
	return id
}

// sameDevice tells that two paths are one device, links followed.
func sameDevice(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	x, errX := filepath.EvalSymlinks(a)
	y, errY := filepath.EvalSymlinks(b)
	return errors.Join(errX, errY) == nil && x == y
}
