//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"

	"tillagent/cmd/agent/config"
	"tillagent/packaging/systemd"
)

// This file is for systems on which a package brought the unit: there the service
// is enabled instead of written, and what the package owns stays its own.

// packaged is the service of a package.
type packaged struct {
	service.Service
}

// asPackaged gives the service as the package's where it is.
func asPackaged(s service.Service) service.Service {
	if isPackaged() {
		return packaged{s}
	}
	return s
}

// isPackaged reports whether systemd takes the unit from a package: one in /etc
// would hold before it.
func isPackaged() bool {
	_, own := os.Lstat(systemd.OwnUnit)
	_, theirs := os.Stat(systemd.PackagedUnit)
	return errors.Is(own, fs.ErrNotExist) && theirs == nil
}

// Status takes a unit that is neither enabled nor running for one that is not
// installed: nobody has set it up.
func (p packaged) Status() (service.Status, error) {
	state, err := p.Service.Status()
	if err == nil && state == service.StatusStopped && systemctl("is-enabled", "--quiet", serviceName) != nil {
		return service.StatusUnknown, service.ErrNotInstalled
	}
	return state, err
}

// Install has the service start with the system, and now. It returns when the
// service is ready.
func (p packaged) Install() error {
	if err := systemctl("enable", "--quiet", serviceName); err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return fmt.Errorf("%w\n%s", err, whereReasons())
	}
	return nil
}

// Start returns when the service is ready, and says what systemd says.
func (p packaged) Start() error { return systemctl("start", serviceName) }

// Uninstall leaves the unit to the package.
func (p packaged) Uninstall() error {
	if err := systemctl("disable", "--quiet", "--now", serviceName); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Dir(systemd.DropIn)); err != nil {
		return err
	}
	return systemctl("daemon-reload")
}

// openFolders opens further folders to the unit of a package, and closes those
// that the configuration does not name any more.
func openFolders(cfg *config.Config) error {
	text, err := systemd.DropInFor(writable(cfg))
	if err != nil {
		return err
	}
	was, err := os.ReadFile(systemd.DropIn)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case string(was) == text:
		return nil
	case text == "":
		err = os.Remove(systemd.DropIn)
	default:
		err = writeWhole(systemd.DropIn, []byte(text), 0o644)
	}
	if err != nil {
		return err
	}
	return systemctl("daemon-reload")
}

// checkPackaged refuses to make a service beside the package's.
func checkPackaged(exe, path string) error {
	switch {
	case exe != systemd.PackagedProgram:
		return fmt.Errorf(say("服务已由软件包提供:请用 %s 而不是 %s", "a package brings the service: use %s, not %s"), systemd.PackagedProgram, exe)
	case path != systemd.PackagedConfig:
		return fmt.Errorf(say("软件包的服务读取 %s:请把配置放在那里,而不是 %s", "the package's service reads %s: put the configuration there, not into %s"), systemd.PackagedConfig, path)
	}
	return nil
}

func systemctl(args ...string) error {
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
