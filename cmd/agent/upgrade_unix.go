//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/kardianos/service"
)

// systemManager is systemd, as the service manager of our service.
func systemManager() (serviceManager, error) {
	if !canServe() {
		return nil, serviceError(errNoManager)
	}
	if !mayInstall() {
		return nil, serviceError(errors.New(say("不能启停服务", "cannot start and stop the service")))
	}
	m := systemdManager{serviceName + ".service"}
	now, err := m.State(context.Background())
	if err == nil && !now.installed {
		err = serviceError(service.ErrNotInstalled)
	}
	return m, err
}

// systemdManager steers one unit.
type systemdManager struct{ unit string }

// Start does not wait: a unit of Type=notify that never says that it is ready
// would be waited for as long as its TimeoutStartSec.
func (m systemdManager) Start(ctx context.Context) error {
	_, err := m.systemctl(ctx, "start", "--no-block", m.unit)
	return err
}

// Stop ends the waiting for a restart, too.
func (m systemdManager) Stop(ctx context.Context) error {
	_, err := m.systemctl(ctx, "stop", m.unit)
	return err
}

func (m systemdManager) State(ctx context.Context) (serviceNow, error) {
	out, err := m.systemctl(ctx, "show", "--property=LoadState,ActiveState,MainPID", m.unit)
	if err != nil {
		return serviceNow{}, err
	}
	return unitState(out), nil
}

// unitState reads what systemctl show tells.
func unitState(text string) (now serviceNow) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "LoadState":
			now.installed = value != "not-found"
		case "ActiveState":
			now.running = value == "active"
		case "MainPID":
			now.pid, _ = strconv.Atoi(value) // 0 is none
		}
	}
	return now
}

func (m systemdManager) systemctl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, serviceWait)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("systemctl %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// ownLike gives a file to the owner of another file or folder. Only an
// administrator can, and only an administrator needs to.
func ownLike(like, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: the owner cannot be told", like)
	}
	return os.Lchown(path, int(st.Uid), int(st.Gid))
}

// handBack gives all that is in a data folder to the folder's owner: what root
// tried by hand must not keep the service's account from its files.
func handBack(dir string) error {
	info, err := os.Stat(dir)
	if os.Geteuid() != 0 || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil // it is root's own
	}
	return giveTree(dir, int(owner.Uid), int(owner.Gid))
}

// closeFolder closes a folder to everybody but its owner.
func closeFolder(dir string) error { return os.Chmod(dir, 0o700) }

// syncDir makes new names in a folder last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// inUse tells whether a file cannot be opened because another program has it open.
// Here none can keep others out.
func inUse(error) bool { return false }
