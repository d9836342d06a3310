package main

import (
	"context"
	"errors"
	"time"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// systemManager is Windows' service manager.
func systemManager() (serviceManager, error) {
	if !mayInstall() {
		return nil, serviceError(errors.New(say("不能启停服务", "cannot start and stop the service")))
	}
	now, err := windowsManager{}.State(context.Background())
	if err == nil && !now.installed {
		err = serviceError(service.ErrNotInstalled)
	}
	return windowsManager{}, err
}

type windowsManager struct{}

// open opens our service; nil where it is not installed.
func (windowsManager) open() (*mgr.Service, func(), error) {
	m, err := mgr.Connect()
	if err != nil {
		return nil, nil, err
	}
	s, err := m.OpenService(serviceName)
	if err != nil {
		_ = m.Disconnect()
		if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
			return nil, func() {}, nil
		}
		return nil, nil, err
	}
	return s, func() { _, _ = s.Close(), m.Disconnect() }, nil
}

// Start starts the service, and again after failures.
func (w windowsManager) Start(context.Context) error {
	s, end, err := w.open()
	if err != nil {
		return err
	}
	defer end()
	if s == nil {
		return service.ErrNotInstalled
	}
	if err := afterInstall(); err != nil { // Stop took the restarts away
		return err
	}
	if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
		return err
	}
	return nil
}

// stopGrace is how long a service has for its stop before its process is ended.
const stopGrace = stopWithin + 10*time.Second

// Stop stops the service, keeps the manager from starting it again, and ends
// the process of one that takes no orders.
func (w windowsManager) Stop(ctx context.Context) error {
	s, end, err := w.open()
	if err != nil {
		return err
	}
	defer end()
	if s == nil {
		return service.ErrNotInstalled
	}
	if err := s.ResetRecoveryActions(); err != nil {
		return err
	}
	_, _ = s.Control(svc.Stop) // one that is starting or hangs refuses; it is ended below
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		st, err := s.Query()
		if err != nil || st.State == svc.Stopped {
			return err
		}
		select {
		case <-tick.C:
		case <-grace.C:
			if err := endProcess(st.ProcessId); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// endProcess ends a process at once.
func endProcess(pid uint32) error {
	h, err := windows.OpenProcess(windows.PROCESS_TERMINATE, false, pid)
	if err != nil {
		return err
	}
	return errors.Join(windows.TerminateProcess(h, 1), windows.CloseHandle(h))
}

func (w windowsManager) State(context.Context) (serviceNow, error) {
	s, end, err := w.open()
	if err != nil {
		return serviceNow{}, err
	}
	defer end()
	if s == nil {
		return serviceNow{}, nil
	}
	st, err := s.Query()
	return serviceNow{installed: true, running: st.State == svc.Running, pid: int(st.ProcessId)}, err
}

// ownLike does nothing: new files have the rights of their folder.
func ownLike(_, _ string) error { return nil }

// handBack does nothing: new files have the rights of their folder.
func handBack(string) error { return nil }

// closeFolder closes a folder to everybody but administrators: the program's
// own folder lets all users read.
func closeFolder(dir string) error { return protect(dir, onlyAdministrators) }

// syncDir does nothing: NTFS journals its names.
func syncDir(string) error { return nil }

// inUse tells whether a file cannot be opened because another program has it open.
func inUse(err error) bool { return errors.Is(err, windows.ERROR_SHARING_VIOLATION) }
