package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"tillagent/cmd/agent/config"
)

// serviceAccount may open COM ports and the network, and little else.
const serviceAccount = `NT AUTHORITY\LocalService`

// onlyServices lets SYSTEM, the administrators and LocalService in and nobody
// else, for a folder and what is in it, whatever is above it.
const onlyServices = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;LS)"

// program is the agent in the hands of Windows' service manager.
type program struct {
	ctx  context.Context
	run  func(context.Context) error
	stop context.CancelFunc
	done chan struct{}
}

// asService runs the agent as the service that Windows started. It does not ask
// kardianos whether it is one: in some sessions that takes us for a program on
// the desktop, and the service manager waits in vain.
func asService(ctx context.Context, run func(context.Context) error) error {
	p := &program{run: run, done: make(chan struct{})}
	p.ctx, p.stop = context.WithCancel(ctx)
	defer p.stop()
	s, err := service.New(p, &service.Config{Name: serviceName})
	if err != nil {
		return err
	}
	handler, ok := s.(svc.Handler)
	if !ok {
		return errors.New("this system's services have no handler")
	}
	return svc.Run(serviceName, handler)
}

func (p *program) Start(service.Service) error {
	go func() {
		defer close(p.done)
		if err := p.run(p.ctx); err != nil {
			tellEventLog(message(err))
			// The service manager can be told of a failure only by the end of the
			// process: then it starts the service again.
			os.Exit(1)
		}
	}()
	return nil
}

func (p *program) Stop(service.Service) error {
	p.stop()
	<-p.done // within stopWithin
	return nil
}

// tellEventLog writes why the service ends to Windows' event log.
func tellEventLog(text string) {
	const serviceEnds = 1
	l, err := eventlog.Open(serviceName)
	if err != nil {
		return // the log file has it
	}
	_ = l.Error(serviceEnds, text)
	_ = l.Close()
}

// canServe reports whether we know this system's service manager.
func canServe() bool { return true }

// mayInstall asks for all that the service manager gives to administrators.
func mayInstall() bool {
	m, err := mgr.Connect()
	if err != nil {
		return false
	}
	return m.Disconnect() == nil
}

func serviceConfig(_ *config.Config, exe, path string) (*service.Config, error) {
	return &service.Config{
		Executable: exe,
		Arguments:  []string{"run", "--" + serviceFlag, "--config", path},
		UserName:   serviceAccount,
		Option: service.KeyValue{
			service.StartType:              service.ServiceStartAutomatic,
			"DelayedAutoStart":             true,
			service.OnFailure:              service.OnFailureRestart,
			service.OnFailureDelayDuration: "5s",
			service.OnFailureResetPeriod:   86400,
		},
	}, nil
}

// giveRights opens the data folder and the configuration to the service's
// account and closes them to other users: they hold keys and tokens.
func giveRights(cfg *config.Config, path string) error {
	folders := []string{cfg.DataDir}
	if cfg.Backup.Dir != "" {
		folders = append(folders, cfg.Backup.Dir)
	}
	for _, dir := range folders {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := protect(dir, onlyServices); err != nil {
			return err
		}
	}
	for _, file := range ownFiles(cfg, path) {
		if inside(cfg.DataDir, file) {
			continue // it has the folder's rights
		}
		if err := protect(file, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;LS)"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func inside(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(rel)
}

// protect sets who may use a file or folder, in SDDL.
func protect(path, sddl string) error {
	d, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return err
	}
	acl, _, err := d.DACL()
	if err != nil {
		return err
	}
	err = windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, acl, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// afterInstall sets what kardianos leaves out: the service is started again
// soon, then less soon.
func afterInstall() error {
	m, err := mgr.Connect()
	if err != nil {
		return err
	}
	defer m.Disconnect()
	s, err := m.OpenService(serviceName)
	if err != nil {
		return err
	}
	defer s.Close()
	restart := func(after time.Duration) mgr.RecoveryAction {
		return mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: after}
	}
	const day = 86400 // seconds without failure after which counting starts again
	return s.SetRecoveryActions([]mgr.RecoveryAction{restart(5 * time.Second), restart(15 * time.Second), restart(time.Minute)}, day)
}
