package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows/svc"
)

// asPackaged gives the service with a Start that waits. Otherwise there is
// nothing to do: the installers register the service as `agent install` does.
func asPackaged(s service.Service) service.Service { return awaited{s} }

// awaited is a service whose Start returns when it serves: the service manager's
// own call returns at once.
type awaited struct{ service.Service }

func (a awaited) Start() error {
	if err := a.Service.Start(); err != nil {
		return err
	}
	return waitRunning()
}

func (a awaited) Restart() error {
	if err := a.Stop(); err != nil {
		return err
	}
	return a.Start()
}

// Uninstall removes the firewall's rules for the program, too.
func (a awaited) Uninstall() error {
	there, err := registered()
	if err != nil {
		return err
	}
	if err := a.Service.Uninstall(); err != nil || there == nil {
		return err
	}
	closeFirewall(context.Background(), there.program)
	return nil
}

// waitRunning waits until the service says that it runs, or has ended.
func waitRunning() error {
	s, end, err := windowsManager{}.open()
	if err != nil {
		return err
	}
	if s == nil {
		return service.ErrNotInstalled
	}
	defer end()
	deadline := time.NewTimer(serviceWait)
	defer deadline.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		st, err := s.Query()
		switch {
		case err != nil || st.State == svc.Running:
			return err
		case st.State == svc.Stopped && st.ServiceSpecificExitCode == exitConfig:
			return errors.New(say("服务没有启动:配置不能用", "the service does not start: its configuration cannot be used"))
		case st.State == svc.Stopped:
			return fmt.Errorf(say("服务没有启动就结束了(代码 %d)", "the service ended before it served (code %d)"), st.Win32ExitCode)
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf(say("服务 %s 内没有就绪", "the service is not ready within %s"), serviceWait)
		}
	}
}
