package printer

import (
	"errors"
	"strings"

	"go.bug.st/serial/enumerator"
)

func (system) ports() ([]PortInfo, error) {
	var all []PortInfo
	ports, failed := enumerator.GetDetailedPortsList()
	for _, p := range ports {
		all = append(all, PortInfo{Port: p.Name, Kind: PortSerial, Name: strings.TrimSpace(p.Manufacturer + " " + p.Product),
			VID: p.VID, PID: p.PID, Serial: p.SerialNumber, StableID: stableID(p.VID, p.PID, p.SerialNumber)})
	}
	queues, err := queueNames()
	for _, name := range queues {
		all = append(all, PortInfo{Port: "windows:" + name, Kind: PortQueue, Name: name})
	}
	return all, errors.Join(failed, err)
}
