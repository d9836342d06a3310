// Package systemd holds what makes the agent a service of systemd: the hardened
// unit and the account under which it runs. Packages install the files as they
// are; `agent install` writes the unit for the places where things are.
package systemd

import (
	_ "embed"
	"fmt"
	"strings"
)

// User is the account of the service.
const User = "piaotong-agent"

// Unit is the service as packages install it.
//
//go:embed piaotong-agent.service
var Unit string

// Sysusers makes the account, in the form of sysusers.d(5).
//
//go:embed piaotong-agent.sysusers
var Sysusers string

// stateDirectory is what StateDirectory= of the unit makes.
const stateDirectory = "/var/lib/piaotong-agent"

// UnitFor is the unit for a program and a configuration at other places, which
// writes to these folders. The paths are absolute.
func UnitFor(program, config string, writable []string) (string, error) {
	for _, path := range append([]string{program, config}, writable...) {
		if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' }) || strings.Contains(path, "{{") {
			return "", fmt.Errorf("the path %q cannot stand in a unit of systemd", path)
		}
	}
	start := "ExecStart=" + quote(program) + " run --service --config " + quote(config)
	for _, dir := range writable {
		if dir != stateDirectory {
			start += "\nReadWritePaths=" + quote(dir)
		}
	}
	before, rest, _ := strings.Cut(Unit, "ExecStart=")
	_, after, _ := strings.Cut(rest, "\n")
	return before + start + "\n" + after, nil
}

// quote makes one word of a path, in which systemd expands nothing.
func quote(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$").Replace(path) + `"`
}
