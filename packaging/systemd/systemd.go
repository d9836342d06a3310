// Package systemd holds what makes the agent a service of systemd: the hardened
// unit and the account under which it runs. Packages install the files as they
// are; `agent install` writes the unit for the places where things are.
package systemd

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
)

// User is the account of the service.
const User = "piaotong-agent"

// Where a package puts the unit, and the program and the configuration that the
// unit names.
const (
	PackagedUnit    = "/usr/lib/systemd/system/piaotong-agent.service"
	PackagedProgram = "/usr/bin/piaotong-agent"
	PackagedConfig  = "/etc/piaotong-agent/config.toml"
)

// OwnUnit is where `agent install` writes a unit, which holds before a package's;
// DropIn is where it opens further folders to a package's.
const (
	OwnUnit = "/etc/systemd/system/piaotong-agent.service"
	DropIn  = OwnUnit + ".d/folders.conf"
)

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
	folders, err := readWrite(writable)
	if err = errors.Join(err, fits(program), fits(config)); err != nil {
		return "", err
	}
	start := "ExecStart=" + argument(program) + " run --service --config " + argument(config)
	before, rest, _ := strings.Cut(Unit, "ExecStart=")
	_, after, _ := strings.Cut(rest, "\n")
	return before + start + "\n" + folders + after, nil
}

// ConfigOf gives the configuration that a unit of UnitFor names; "" where it
// names none in that form.
func ConfigOf(unit string) string {
	_, rest, _ := strings.Cut(unit, "\nExecStart=\"")
	line, _, _ := strings.Cut(rest, "\n")
	_, quoted, _ := strings.Cut(line, `" run --service --config "`)
	path, _ := strings.CutSuffix(quoted, `"`)
	return unquoted.Replace(path)
}

// DropInFor opens these folders to the unit of a package; "" where it has them
// already. The paths are absolute.
func DropInFor(writable []string) (string, error) {
	folders, err := readWrite(writable)
	if folders == "" || err != nil {
		return "", err
	}
	return "[Service]\n" + folders, nil
}

// readWrite is one line for each folder but the unit's own.
func readWrite(folders []string) (lines string, err error) {
	for _, dir := range folders {
		if dir != stateDirectory {
			lines += "ReadWritePaths=" + quote(dir) + "\n"
		}
		err = errors.Join(err, fits(dir))
	}
	return lines, err
}

// fits refuses paths that would be more than a word of a unit.
func fits(path string) error {
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' }) || strings.Contains(path, "{{") {
		return fmt.Errorf("the path %q cannot stand in a unit of systemd", path)
	}
	return nil
}

// quote makes one word of a path, in which systemd expands nothing.
func quote(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(path) + `"`
}

// argument quotes a word of ExecStart=, where alone $ stands for variables.
func argument(path string) string { return strings.ReplaceAll(quote(path), "$", "$$") }

// unquoted undoes argument, within the quotation marks.
var unquoted = strings.NewReplacer(`\\`, `\`, `\"`, `"`, "%%", "%", "$$", "$")
