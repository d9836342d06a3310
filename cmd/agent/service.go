package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
)

// This file has the commands that make the agent a service of the system:
// Windows' service manager or systemd. What differs is in service_windows.go,
// service_unix.go and service_packaged.go; uninstall is in service_uninstall.go.

const (
	serviceName = "piaotong-agent"
	// serviceFlag tells `agent run` that a service manager started it.
	serviceFlag = "service"
	// serviceWait bounds what a service manager is waited for. A start may bring a
	// large database up to date first.
	serviceWait = 2 * time.Minute
)

// noProgram is for commands that steer the service and are not it.
type noProgram struct{}

func (noProgram) Start(service.Service) error { return nil }
func (noProgram) Stop(service.Service) error  { return nil }

// aService is the service as the system's manager knows it, whatever its
// configuration.
func aService(c *service.Config) (service.Service, error) {
	if !canServe() {
		return nil, errNoManager
	}
	c.Name = serviceName
	c.DisplayName = "票通收银开票代理 Piaotong till agent"
	c.Description = "Takes sales from the cash register, prints receipts with invoicing QR codes"
	s, err := service.New(noProgram{}, c)
	if err != nil {
		return nil, err
	}
	return asPackaged(s), nil
}

func serviceCommands() []*cobra.Command {
	done := func(zh, en string) func(*cobra.Command) error {
		return func(cmd *cobra.Command) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), say(zh, en))
			return err
		}
	}
	return []*cobra.Command{
		installCommand(),
		uninstallCommand(),
		steerCommand("start", "启动系统服务  Starts the service", service.Service.Start, done("已启动。", "started")),
		steerCommand("stop", "停止系统服务  Stops the service; what is on paper is finished", stop, done("已停止。", "stopped")),
		steerCommand("restart", "重新启动系统服务,使配置生效  Starts the service again, with its configuration as it is now", restart, done("已重新启动。", "started again")),
		statusCommand(),
	}
}

func steerCommand(name, short string, do func(service.Service) error, done func(*cobra.Command) error) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     name,
		Short:   short,
		Example: "  agent " + name,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := aService(&service.Config{})
			if err != nil {
				return serviceError(err)
			}
			if _, err := s.Status(); errors.Is(err, service.ErrNotInstalled) {
				return serviceError(err)
			}
			if err := within(serviceWait, func() error { return do(s) }); err != nil {
				return fmt.Errorf("%w\n%s", serviceError(err), whereReasons())
			}
			return done(cmd)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "不需要:服务记得它的配置  not needed: the service knows its own")
	return cmd
}

// within does what may hang: kardianos' stop on Windows can wait for ever.
func within(limit time.Duration, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf(say("服务管理器 %s 内没有完成;请用 agent status 查看", "the service manager did not finish within %s; look at agent status"), limit)
	}
}

// stop stops the service if it runs: Windows' manager would refuse otherwise.
func stop(s service.Service) error {
	if state, err := s.Status(); err == nil && state == service.StatusStopped {
		return nil
	}
	return s.Stop()
}

// restart starts a service that does not run, too.
func restart(s service.Service) error {
	if state, err := s.Status(); err == nil && state == service.StatusStopped {
		return s.Start()
	}
	return s.Restart()
}

// readyWait bounds how long a started service is waited for until it serves.
const readyWait = 30 * time.Second

// startAgain has the service run with its configuration as it is now, and returns
// when it serves. A new one may run already.
func startAgain(ctx context.Context, cfg *config.Config, isNew bool) error {
	s, err := aService(&service.Config{})
	if err != nil {
		return serviceError(err)
	}
	state, err := s.Status()
	if err != nil || state != service.StatusRunning || !isNew {
		if err := within(serviceWait, func() error { return restart(s) }); err != nil {
			return fmt.Errorf("%w\n%s", serviceError(err), whereReasons())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	look := time.NewTicker(readyWait / 200)
	defer look.Stop()
	for {
		if running, err := runningService(ctx, cfg); running != nil && err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf(say("服务 %s 内没有应答;%s", "the service did not answer within %s; %s"), readyWait, whereReasons())
		}
	}
}

// whereReasons says where a service that does not start tells why.
func whereReasons() string {
	return say("原因见 agent doctor、DATA_DIR/logs/agent.log,以及 journalctl -u piaotong-agent 或 Windows 事件日志",
		"agent doctor, DATA_DIR/logs/agent.log, and journalctl -u piaotong-agent or Windows' event log tell why")
}

// errNoManager says that this system has no service manager that we know.
var errNoManager = errors.New("there is no systemd here")

// serviceError adds what to do to what service managers say.
func serviceError(err error) error {
	switch {
	case errors.Is(err, errNoManager):
		return errors.New(say("本机没有 systemd:请让本机的服务管理器运行 agent run --config FILE", "there is no systemd here: have this machine's service manager run agent run --config FILE"))
	case errors.Is(err, service.ErrNotInstalled):
		return errors.New(say("服务没有安装:先运行 agent install --config FILE", "the service is not installed: run agent install --config FILE first"))
	case !mayInstall():
		return fmt.Errorf("%s: %w", say("需要管理员权限(Windows:以管理员身份运行;Linux:sudo)", "this needs administrator's rights (Windows: run as administrator; Linux: sudo)"), err)
	}
	return err
}

func installCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "install --config FILE",
		Short: "安装为系统服务,开机自启,失败自动重启  Installs the service: it starts with the system, and again after a failure",
		Long: `安装为系统服务(Windows 服务或 systemd),开机自启,失败自动重启。服务用权限很小的专用账号
运行(Windows:LocalService;Linux:piaotong-agent),配置和数据目录只授权给它。安装后用 agent start 启动。

Installs the service (Windows services or systemd): it starts with the system, and again after a failure. It runs under
an account of few rights (Windows: LocalService; Linux: piaotong-agent), to which alone the configuration and the data
folder are opened. agent start starts it.`,
		Example: "  sudo agent install --config /etc/piaotong-agent/config.toml\n  agent install --config C:\\ProgramData\\piaotong-agent\\config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			if err := install(cfg, path); err != nil {
				return err
			}
			state, err := systemService()
			if err != nil {
				return err
			}
			text := say("已安装。启动:%s start;检查:%[1]s doctor --config %s\n", "installed. Start it: %s start; check it: %[1]s doctor --config %s\n")
			if state == stateRunning {
				text = say("已安装并启动。检查:%s doctor --config %s\n", "installed and started. Check it: %s doctor --config %s\n")
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), text, programName(), inCommand(path))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	return cmd
}

// install makes the service of a configuration.
func install(cfg *config.Config, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return err
	}
	if !canServe() {
		return serviceError(errNoManager)
	}
	c, err := serviceConfig(cfg, exe, path)
	if err != nil {
		return err
	}
	s, err := aService(c)
	if err != nil {
		return serviceError(err)
	}
	if _, err := s.Status(); err == nil {
		return errors.New(say("服务已经安装:agent restart 使新配置生效;要重装先运行 agent uninstall,之后收银软件要换新令牌", "the service is installed already: agent restart makes it take a new configuration; to install it again run agent uninstall first; the POS needs a new token then"))
	}
	if !mayInstall() {
		return serviceError(errors.New(say("不能安装服务", "cannot install the service")))
	}
	if err := giveRights(cfg, path); err != nil {
		return fmt.Errorf("%s: %w", say("无法给服务账号授权", "cannot give the service's account its rights"), err)
	}
	if err := within(serviceWait, s.Install); err != nil {
		return serviceError(err)
	}
	return afterInstall()
}

// A serviceState is what `agent status` tells.
type serviceState string

const (
	stateRunning      serviceState = "running"
	stateStopped      serviceState = "stopped"
	stateNotInstalled serviceState = "not_installed"
	stateFailed       serviceState = "failed"
)

// systemService asks the service manager.
func systemService() (serviceState, error) {
	s, err := aService(&service.Config{})
	if errors.Is(err, errNoManager) {
		return stateNotInstalled, nil
	}
	if err != nil {
		return "", err
	}
	state, err := s.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return stateNotInstalled, nil
	case err != nil:
		return stateFailed, nil
	case state == service.StatusRunning:
		return stateRunning, nil
	}
	return stateStopped, nil
}

func statusCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "系统服务的状态  How the service is; exit status 0 only if it runs",
		Example: "  agent status\n  agent status --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := systemService()
			if err != nil {
				return err
			}
			words := map[serviceState]string{stateRunning: say("运行中", "running"), stateStopped: say("已停止", "stopped"),
				stateNotInstalled: say("未安装", "not installed"), stateFailed: say("启动失败", "failed")}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]serviceState{"service": serviceName, "state": state})
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", serviceName, words[state])
			}
			switch {
			case err != nil || state == stateRunning:
				return err
			case state == stateNotInstalled:
				return serviceError(service.ErrNotInstalled)
			case state == stateFailed:
				return errors.New(whereReasons())
			}
			return errors.New(say("启动:agent start", "start it: agent start"))
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "不需要:服务记得它的配置  not needed: the service knows its own")
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	return cmd
}
