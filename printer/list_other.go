//go:build !linux && !windows

package printer

import "go.bug.st/serial"

func (system) ports() ([]PortInfo, error) {
	names, err := serial.GetPortsList()
	var all []PortInfo
	for _, name := range names {
		all = append(all, PortInfo{Port: name, Kind: PortSerial})
	}
	return all, err
}
