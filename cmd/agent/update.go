package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
)

// updater changes the program for a signed release.
type updater struct {
	cfg     *config.Config
	config  string // its file
	program string // that is changed
	version string // of it
	force   bool
	wait    time.Duration // how long what is under way is waited for
	within  time.Duration // how long the new program may take until it serves
	steady  time.Duration // how long it must serve until that is believed
	every   time.Duration // between two looks
	out     io.Writer
	service serviceManager
}

// updateResult is what `agent update --json` tells.
type updateResult struct {
	Current string `json:"current"` // the version of this program
	Version string `json:"version"` // of the release
	Newer   bool   `json:"newer"`
	Updated bool   `json:"updated"` // the release serves by now
}

func updateCommand() *cobra.Command {
	var path, from string
	var check, asJSON bool
	u := &updater{version: version, within: defaultWithin, steady: steadyFor, every: lookEvery}
	cmd := &cobra.Command{
		Use:   "update --from FILE|URL [--config FILE] [--check]",
		Short: "更新到签名的新版本,不成功就自动退回  Updates to a signed release, and goes back by itself if that does not serve",
		Long: `更新到签名的新版本。--from 是发布清单(release.json)的文件或 https 地址,旁边是签名和压缩包。先验证签名、大小、SHA-256、版本和平台,
任何一项不对都不改动;等没有单在办理时停服务、换程序、启动;30 秒内没有就绪就放回原来的程序和数据,退出码 1。
默认不启用:配置 [update] keys 里要有签名公钥。由 deb、rpm、MSI 安装的请用它们更新。

Updates to a signed release. --from is its manifest (release.json), a file or an https address, with its signature and the archives beside it.
Signature, size, SHA-256, version and platform are checked before anything is touched. When no sale is under way the service is stopped, the program
changed and started; if it is not ready within 30 seconds, the old program and its data are put back, exit status 1.
Off by default: the key that signs must be in [update] keys of the configuration. What deb, rpm or MSI installed is updated by them.`,
		Example: "  sudo agent update --from https://releases.example.cn/till/release.json --check\n  sudo agent update --from /media/usb/release.json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if u.config, err = filepath.Abs(path); err != nil {
				return err
			}
			if from == "" {
				return missing(cmd, "--from")
			}
			if u.cfg, err = loadConfig(cmd, path); err != nil {
				return err
			}
			if u.wait < 0 || u.within <= 0 {
				return fmt.Errorf("%w: --wait, --within\n%s", errUsage, cmd.UsageString())
			}
			u.out = cmd.OutOrStdout()
			if asJSON {
				u.out = cmd.ErrOrStderr()
			}
			r, err := u.run(cmd.Context(), from, check)
			if asJSON && r != nil {
				err = errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(r))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "发布清单的文件或 https 地址  the release's manifest, a file or an https address")
	f.StringVar(&path, "config", defaultConfigFile(), configUsage)
	f.BoolVar(&check, "check", false, "只检查,不更新  only look, change nothing")
	f.BoolVar(&asJSON, "json", false, "JSON")
	f.BoolVar(&u.force, "force", false, "不比现在新也换  change to a version that is not newer, too")
	f.DurationVar(&u.wait, "wait", 2*time.Minute, "正在办理的单最多等多久  how long what is under way is waited for")
	f.DurationVar(&u.within, "within", defaultWithin, "新程序多久之内要就绪  how long the new program may take until it serves")
	cmd.AddCommand(makeCommand())
	return cmd
}

// run looks at a release and, unless only that is wanted, changes to it. The
// result is nil where there is no release to tell of.
func (u *updater) run(ctx context.Context, from string, check bool) (*updateResult, error) {
	keys, err := trustedKeys(u.cfg)
	if err != nil {
		return nil, err
	}
	src, err := sourceOf(from)
	if err != nil {
		return nil, err
	}
	text, err := src.small(ctx, src.name, mostManifest)
	if err != nil {
		return nil, err
	}
	sig, err := src.small(ctx, src.name+sigSuffix, mostManifest)
	if err != nil {
		return nil, err
	}
	m, err := openManifest(text, sig, keys)
	if err != nil {
		return nil, err
	}
	r := &updateResult{Current: u.version, Version: m.Version, Newer: m.newer(u.version)}
	if check {
		return r, u.tell(m, r)
	}
	if err := m.fits(u.version, u.force); err != nil {
		return r, err
	}
	f, err := m.mine()
	if err != nil {
		return r, err
	}
	if err := u.prepare(ctx); err != nil {
		return r, err
	}
	if done, err := u.finishEarlier(ctx); done || err != nil {
		return r, err
	}
	s, err := u.stage(ctx, src, f)
	if err != nil {
		return r, err
	}
	if err = u.calm(ctx); err == nil {
		// From here on a Ctrl-C would leave the till without a service.
		err = u.change(context.WithoutCancel(ctx), s, m.Version)
	}
	r.Updated = err == nil
	return r, errors.Join(err, s.remove())
}

// tell says what a release is to this program.
func (u *updater) tell(m *manifest, r *updateResult) error {
	if _, err := m.mine(); err != nil {
		return err
	}
	text := say("已是最新:现在 %s,发布 %s", "nothing newer: %s is installed, the release is %s")
	if r.Newer {
		text = say("可以更新:现在 %s,发布 %s(签名有效)", "an update: %s is installed, the release is %s (its signature is good)")
	}
	_, err := fmt.Fprintf(u.out, text+"\n", u.version, m.Version)
	return err
}

// prepare finds the program and its service, and refuses what is not to be
// changed here.
func (u *updater) prepare(ctx context.Context) error {
	if u.program == "" {
		exe, err := os.Executable()
		if err == nil {
			u.program, err = filepath.EvalSymlinks(exe)
		}
		if err != nil {
			return err
		}
		if instead := packageCommand(ctx, u.program); instead != "" {
			return errors.New(say("本程序由安装包管理,请用它更新:", "this program belongs to a package, update that: ") + instead)
		}
	}
	if u.service == nil {
		var err error
		if u.service, err = systemManager(); err != nil {
			return err
		}
	}
	return nil
}

// savedDir is where the old program and the copy of the database are until the
// new program serves: beside the program, where the service's account cannot
// change them.
func (u *updater) savedDir() string { return u.program + ".upgrade" }

// settler settles a change of the program.
func (u *updater) settler(n *savedState, want string) *settler {
	return &settler{dir: u.savedDir(), notes: n, service: u.service, within: u.within, steady: u.steady, every: u.every, want: want, out: u.out}
}

// finishEarlier brings an update to its end that was broken off.
func (u *updater) finishEarlier(ctx context.Context) (done bool, err error) {
	n, err := readNotes(u.savedDir())
	if err != nil || n == nil || n.Phase == phaseWentBack {
		return false, err
	}
	fmt.Fprintln(u.out, say("上一次更新中断了,先把它做完;之后请再运行一次。", "an earlier update was broken off and is finished first; run this again afterwards"))
	return true, u.settler(n, "").run(ctx)
}

// calm waits until the running service has nothing under way that somebody
// waits for.
func (u *updater) calm(ctx context.Context) error {
	deadline := time.NewTimer(u.wait)
	defer deadline.Stop()
	tick := time.NewTicker(u.every)
	defer tick.Stop()
	told := ""
	for {
		now, err := u.service.State(ctx)
		if err != nil || !now.running {
			return err
		}
		there, err := fileExists(databasePath(u.cfg))
		if err != nil || !there {
			return err
		}
		what, err := underWay(ctx, databasePath(u.cfg))
		if err != nil || what == "" {
			return err
		}
		if what != told {
			fmt.Fprintln(u.out, say("等待办完:", "waiting for: ")+what)
			told = what
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf(say("%s 后还没有办完(%s),没有更新;请稍后再试", "after %s there is still something under way (%s); nothing was changed, try again later"), u.wait, what)
		}
	}
}

// change stops the service, saves what is there, changes the program and
// settles that. The service runs afterwards, with the one or the other.
func (u *updater) change(ctx context.Context, s *stagedProgram, version string) error {
	stopping, cancel := context.WithTimeout(ctx, serviceWait)
	err := u.service.Stop(stopping)
	cancel()
	var n *savedState
	if err == nil {
		n, err = saveState(ctx, u.config, u.savedDir(), u.program)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", say("没有更新", "nothing was changed"), err), u.service.Start(ctx))
	}
	if err := s.put(u.program); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", say("换不了程序", "cannot change the program"), err), u.settler(n, "").run(ctx))
	}
	err = u.settler(n, version).run(ctx)
	if kept, failed := fileExists(filepath.Join(u.savedDir(), savedProgram)); !kept && failed == nil {
		err = errors.Join(err, removeSaved(u.savedDir())) // nothing is left to be done with it
	}
	return err
}
