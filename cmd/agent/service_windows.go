package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"tillagent/cmd/agent/config"
)

// serviceAccount may open COM ports and the network, and little else.
const serviceAccount = `NT AUTHORITY\LocalService`

// asService runs the agent as the service that Windows started. It is not left
// to kardianos: that takes us for a program on the desktop in some sessions, in
// which the service manager would wait in vain.
func asService(ctx context.Context, r *runner) error {
	return svc.Run(serviceName, &handler{ctx, r})
}

// handler is the agent in the hands of Windows' service manager.
type handler struct {
	ctx    context.Context
	runner *runner
}

// exitConfig is the service-specific exit code of a configuration that cannot be
// used; the event log has the words.
const exitConfig = 1

// Execute implements svc.Handler.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	ctx, stop := context.WithCancel(h.ctx)
	defer stop()
	done, ready := make(chan error, 1), make(chan struct{})
	h.runner.ready = func() { close(ready) }
	go func() { done <- h.runner.run(ctx) }()
	// A start may bring a large database up to date first.
	now := svc.Status{State: svc.StartPending, WaitHint: uint32(serviceWait.Milliseconds())}
	status <- now
	for {
		select {
		case <-ready:
			ready = nil
			now = svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
			status <- now
		case err := <-done:
			if err == nil {
				return false, 0
			}
			if _, bad := errors.AsType[*config.Problems](err); bad {
				tellEventLog(message(err) + "\n" + say("改好后运行 piaotong-agent start;还没有配置就运行 piaotong-agent init",
					"correct it, then run piaotong-agent start; where there is no configuration yet, run piaotong-agent init"))
				return true, exitConfig // trying again would change nothing
			}
			tellEventLog(message(err))
			// Only the end of the process counts as a failure with the service
			// manager: then it starts the service again.
			os.Exit(1)
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- now
			case svc.Stop, svc.Shutdown:
				now = svc.Status{State: svc.StopPending, WaitHint: uint32((2 * stopWithin).Milliseconds())}
				status <- now
				stop()
			}
		}
	}
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

// servedConfig gives the configuration of the installed service.
func servedConfig() (string, error) {
	there, err := registered()
	if err != nil {
		return "", err
	}
	if there == nil || there.config == "" {
		return defaultConfigFile(), nil
	}
	return there.config, nil
}

// removeTokens removes the tokens from a data folder; removed is false where there
// were none.
func removeTokens(ctx context.Context, dir string) (removed bool, err error) {
	for _, name := range []string{ownToken, tokensFile} {
		path := filepath.Join(dir, name)
		if _, none := os.Lstat(path); errors.Is(none, fs.ErrNotExist) {
			continue
		}
		err = errors.Join(err, removeSoon(ctx, path))
		removed = true
	}
	return removed, err
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
