package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf16"
	"unsafe"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"

	"tillagent/cmd/agent/config"
)

// This file has the hidden commands that both of Windows' installers call: they
// bring the program under another name into the folder and have it do the rest,
// so that an upgrade goes on, and back, in one way.

const (
	installedProgram = "piaotong-agent.exe"
	// setupReport is what came of it, beside the program, in UTF-16, for the
	// installer to show.
	setupReport = "setup.txt"
	// setupSaved is where an upgrade keeps what it may go back to.
	setupSaved = "upgrade"
)

func systemCommands() []*cobra.Command {
	cmd := &cobra.Command{
		Use:    "setup",
		Short:  "供 Windows 安装程序调用  For Windows' installers",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(errUsage, cmd.Help())
		},
	}
	var purge bool
	apply := setupCommand("apply", "把本程序安装或升级到 DIR 并注册服务  Puts this program into DIR, new or in the place of an older one, and registers the service",
		`  piaotong-agent-setup.exe setup apply --dir "C:\Program Files\piaotong-agent"`, applySetup)
	remove := setupCommand("remove", "删除服务、令牌和 DIR 里的程序;数据保留  Removes the service, the tokens and the program in DIR; data stays",
		`  piaotong-agent-setup.exe setup remove --dir "C:\Program Files\piaotong-agent"`,
		func(ctx context.Context, dir string, out io.Writer) error { return removeSetup(ctx, dir, purge, out) })
	remove.Flags().BoolVar(&purge, "purge", false, "连同数据和配置一起删除  with data and configuration")
	cmd.AddCommand(apply, remove)
	return []*cobra.Command{cmd}
}

// setupCommand does one thing with the folder of the program, and reports.
func setupCommand(name, short, example string, do func(ctx context.Context, dir string, out io.Writer) error) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     name + " --dir DIR",
		Short:   short,
		Example: example,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return missing(cmd, "--dir")
			}
			dir, err := filepath.Abs(dir)
			if err != nil {
				return err
			}
			var report bytes.Buffer
			if !mayInstall() {
				err = serviceError(errors.New(say("不能安装", "cannot install")))
			} else {
				err = do(cmd.Context(), dir, &report)
			}
			fmt.Fprint(cmd.OutOrStdout(), report.String()) // called by an MSI there is no standard output
			if err != nil {
				tellEventLog(message(err))
				fmt.Fprintln(&report, message(err))
			}
			if failed := writeReport(dir, report.String()); err == nil {
				err = failed
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "程序所在的文件夹  folder of the program")
	return cmd
}

// writeReport leaves the report where there is still a folder.
func writeReport(dir, text string) error {
	units := utf16.Encode([]rune("\ufeff" + strings.ReplaceAll(text, "\n", "\r\n")))
	data := make([]byte, 0, 2*len(units))
	for _, u := range units {
		data = append(data, byte(u), byte(u>>8))
	}
	err := os.WriteFile(filepath.Join(dir, setupReport), data, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// registration is the service as Windows' service manager has it.
type registration struct {
	program, config string
	running         bool
}

// registered gives the registration of our service; nil without one.
func registered() (*registration, error) {
	s, end, err := windowsManager{}.open()
	if err != nil || s == nil {
		return nil, err
	}
	defer end()
	line, err := commandLine(s.Handle)
	if err != nil {
		return nil, err
	}
	words, err := windows.DecomposeCommandLine(line)
	if err != nil || len(words) == 0 {
		return nil, fmt.Errorf(say("看不懂已注册的服务命令行:%s", "the service is registered with a command line that makes no sense: %s"), line)
	}
	r := &registration{program: words[0]}
	for i, w := range words[:len(words)-1] {
		if w == "--config" {
			r.config = words[i+1]
		}
	}
	st, err := s.Query()
	r.running = st.State != svc.Stopped
	return r, err
}

// commandLine is what the service manager starts for a service.
func commandLine(service windows.Handle) (string, error) {
	const most = 8 << 10 // bytes; QueryServiceConfig gives no more
	buf := make([]uint64, most/8)
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buf[0]))
	var needed uint32
	if err := windows.QueryServiceConfig(service, c, most, &needed); err != nil {
		return "", os.NewSyscallError("QueryServiceConfig", err)
	}
	return windows.UTF16PtrToString(c.BinaryPathName), nil
}

// applySetup installs this program, or changes the one that is there for it.
func applySetup(ctx context.Context, dir string, out io.Writer) error {
	there, err := registered()
	if err != nil {
		return err
	}
	target, path := filepath.Join(dir, installedProgram), defaultConfigFile()
	if there != nil {
		if !strings.EqualFold(filepath.Clean(there.program), target) {
			return fmt.Errorf(say("服务已由 %s 安装:先在那里运行 agent uninstall(数据保留,令牌换新),再安装", "the service was installed by %s: run its agent uninstall first (data stays, tokens are new), then install again"), there.program)
		}
		if there.config != "" {
			path = there.config
		}
	}
	cfg, err := loadIfThere(path)
	if err != nil {
		// What runs goes on with what it has read; a new program could not start.
		return errors.New(say("什么也没有改动:请先改好配置", "nothing was changed: correct the configuration first") + "\n" + message(err))
	}
	if cfg == nil && there != nil && there.running {
		return fmt.Errorf(say("什么也没有改动:服务在运行,但它的配置 %s 不见了", "nothing was changed: the service runs, but its configuration %s is gone"), path)
	}
	if err := protect(dir, programFolder); err != nil {
		return err
	}
	saved := filepath.Join(dir, setupSaved)
	if there == nil {
		if err := registerSetup(cfg, target, path); err != nil {
			return err
		}
		fmt.Fprintln(out, say("已注册服务 ", "the service is registered: ")+serviceName)
	} else if cfg != nil {
		if err := saveSetup(ctx, path, saved, target, out); err != nil {
			return err
		}
	}
	failed := takePlace(target)
	if err := addToPath(dir); err != nil {
		failed = errors.Join(failed, err)
	}
	if cfg == nil {
		if failed == nil {
			fmt.Fprintf(out, say("还没有配置,服务没有启动。下一步:以管理员身份运行 piaotong-agent init(开始菜单里有),它写好 %s 并启动服务\n",
				"there is no configuration yet, so the service was not started. Next: run piaotong-agent init as administrator (it is in the start menu): it writes %s and starts the service\n"), path)
		}
		return failed
	}
	// Where the program could not be changed this starts the old one again.
	s, err := newSettler(ctx, path, saved, target)
	if err == nil {
		s.out = out
		err = s.run(ctx)
	}
	return errors.Join(failed, err)
}

// loadIfThere reads a configuration; nil without one.
func loadIfThere(path string) (*config.Config, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return config.Load(path, os.Environ())
}

// registerSetup registers the service. Its program may come later.
func registerSetup(cfg *config.Config, program, path string) error {
	if cfg == nil {
		cfg = config.Default()
	}
	c, err := serviceConfig(cfg, program, path)
	if err != nil {
		return err
	}
	s, err := aService(c)
	if err != nil {
		return err
	}
	if err := giveRights(cfg, path); err != nil {
		return fmt.Errorf("%s: %w", say("无法给服务账号授权", "cannot give the service's account its rights"), err)
	}
	if err := within(serviceWait, s.Install); err != nil {
		return err
	}
	return afterInstall()
}

// saveSetup stops the service and saves what an upgrade may go back to. Where
// that fails the service runs as before.
func saveSetup(ctx context.Context, path, dir, program string, out io.Writer) error {
	if before, err := readNotes(dir); err == nil && before != nil {
		// An earlier setup was broken off; what comes of it, the next one builds on.
		if s, err := newSettler(ctx, path, dir, program); err == nil {
			s.out = out
			if err := s.run(ctx); err != nil {
				fmt.Fprintln(out, message(err))
			}
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := protect(dir, onlyAdministrators); err != nil {
		return err
	}
	m := windowsManager{}
	err := m.Stop(ctx)
	if err == nil {
		_, err = saveState(ctx, path, dir, program)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", say("没有升级", "nothing was upgraded"), err), m.Start(ctx))
	}
	return nil
}

// takePlace puts this program into the place of the installed one.
func takePlace(target string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	sum, err := sumFile(self)
	if err != nil {
		return err
	}
	f, err := os.Open(self)
	if err != nil {
		return err
	}
	defer f.Close()
	return putProgram(f, target, sum)
}

// removeSetup takes away what the installers made but the files that they know
// themselves, and what only a service needs: tokens and openings in the firewall.
func removeSetup(ctx context.Context, dir string, purge bool, out io.Writer) error {
	there, err := registered()
	if err != nil {
		return err
	}
	target, path := filepath.Join(dir, installedProgram), defaultConfigFile()
	if there != nil && there.config != "" {
		path = there.config
	}
	usual := config.Default().DataDir
	data, err := config.DataDir(path, os.Environ())
	if err != nil { // no reason to keep the program
		fmt.Fprintln(out, message(tokensStay(err)))
		data = usual
	}
	known := err == nil
	if there != nil {
		if err := unregister(ctx); err != nil {
			return err
		}
		fmt.Fprintln(out, say("已删除服务 ", "the service is removed: ")+serviceName)
	}
	closeFirewall(ctx, target)
	_, failed := removeTokens(ctx, data)
	if self, err := os.Executable(); err == nil && !strings.EqualFold(self, target) {
		failed = errors.Join(failed, removeSoon(ctx, target)) // else the installer removes it when we have ended
	}
	removeReplaced(target)
	if err := errors.Join(failed, removeFromPath(dir), os.RemoveAll(filepath.Join(dir, setupSaved))); err != nil {
		return err
	}
	if !purge {
		if known {
			fmt.Fprintln(out, say("已删除令牌,重新安装后请把新令牌填入收银软件。数据和配置保留在 ", "the tokens are removed: after installing again the POS needs the new one. Data and configuration stay in ")+data)
		}
		return nil
	}
	if data != usual { // it may be any folder, with anything in it
		fmt.Fprintln(out, say("数据不在通常的位置,没有删除,请自己删除:", "data is not in its usual place and was not deleted, delete it yourself: ")+data)
	}
	if err := os.RemoveAll(usual); err != nil {
		return err
	}
	fmt.Fprintln(out, say("已删除:", "deleted: ")+usual)
	return nil
}

// unregister stops the service and removes it and its source in the event log.
func unregister(ctx context.Context) error {
	s, err := aService(&service.Config{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, serviceWait)
	defer cancel()
	if err := (windowsManager{}).Stop(ctx); err != nil {
		return err
	}
	if err := s.Uninstall(); err != nil {
		return err
	}
	_ = eventlog.Remove(serviceName) // it is gone, or was never there
	return nil
}

// closeFirewall deletes the firewall's rules for a program: Windows makes them
// when somebody has clicked on Allow.
func closeFirewall(ctx context.Context, program string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// Its status is 1 where there is no rule.
	_ = exec.CommandContext(ctx, "netsh", "advfirewall", "firewall", "delete", "rule", "name=all", "program="+program).Run()
}
