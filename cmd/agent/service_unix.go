//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/kardianos/service"

	"tillagent/cmd/agent/config"
	"tillagent/packaging/systemd"
)

// asService needs nothing special: systemd stops a service by SIGTERM.
func asService(ctx context.Context, r *runner) error { return r.run(ctx) }

// canServe reports whether we know this system's service manager.
func canServe() bool { return service.Platform() == "linux-systemd" }

func mayInstall() bool { return os.Geteuid() == 0 }

// serviceConfig is our own unit, with the program and the configuration where
// they are.
func serviceConfig(cfg *config.Config, exe, path string) (*service.Config, error) {
	if isPackaged() {
		if err := checkPackaged(exe, path); err != nil {
			return nil, err
		}
	}
	for _, p := range slices.Concat([]string{exe, path}, writable(cfg), ownFiles(cfg, path)) {
		if hidden(p) {
			return nil, fmt.Errorf(say("服务看不到 %s(/home、/root、/tmp 对它是隐藏的):程序请放到 /usr/local/bin,配置放到 /etc/piaotong-agent,数据放到 /var/lib/piaotong-agent",
				"the service cannot see %s (/home, /root and /tmp are hidden from it): put the program into /usr/local/bin, the configuration into /etc/piaotong-agent, the data into /var/lib/piaotong-agent"), p)
		}
	}
	unit, err := systemd.UnitFor(exe, path, writable(cfg))
	if err != nil {
		return nil, err
	}
	return &service.Config{UserName: systemd.User, Option: service.KeyValue{"SystemdScript": unit}}, nil
}

// hidden tells of the places that the unit hides.
func hidden(path string) bool {
	return slices.ContainsFunc([]string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"}, func(dir string) bool { return strings.HasPrefix(path, dir) })
}

// writable are the folders that the service writes to.
func writable(cfg *config.Config) []string {
	dirs := []string{cfg.DataDir}
	if cfg.Backup.Dir != "" {
		dirs = append(dirs, cfg.Backup.Dir)
	}
	if cfg.Dropbox.Dir != "" {
		dirs = append(dirs, cfg.Dropbox.Dir)
	}
	for _, p := range cfg.Plugged() {
		if dir, ok := strings.CutPrefix(p.Port, paperPort); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// giveRights makes the account of the service and gives it the configuration,
// the keys and the data folder.
func giveRights(cfg *config.Config, path string) error {
	if _, err := user.Lookup(systemd.User); err != nil {
		cmd := exec.Command("systemd-sysusers", "-")
		cmd.Stdin = strings.NewReader(systemd.Sysusers)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("systemd-sysusers: %w: %s", err, out)
		}
	}
	u, err := user.Lookup(systemd.User)
	if err != nil {
		return err
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return err
	}
	for _, dir := range writable(cfg) {
		give := openFolder // others' files in it stay theirs
		switch dir {
		case cfg.DataDir:
			give = giveTree
		case cfg.Dropbox.Dir:
			give = shareFolder
		}
		if err := errors.Join(os.MkdirAll(dir, 0o700), give(dir, uid, gid)); err != nil {
			return err
		}
	}
	for _, file := range ownFiles(cfg, path) {
		if err := os.Lchown(file, uid, gid); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if isPackaged() {
		if err := openFolders(cfg); err != nil {
			return err
		}
	}
	// The folder of the configuration stays root's; the service may pass.
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil || info.Mode()&0o001 != 0 {
		return err
	}
	return errors.Join(os.Chown(dir, 0, gid), os.Chmod(dir, info.Mode().Perm()|0o050))
}

// giveTree gives a folder to an account, with all that is in it and nothing that
// a link leads to, even if somebody puts one there meanwhile. What goes away
// meanwhile, as SQLite's files do, is gone.
func giveTree(dir string, uid, gid int) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(p string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = root.Lchown(p, uid, gid)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// openFolder lets an account work in a folder that others may use too: it takes
// root's own place, or else comes in by its group.
func openFolder(dir string, uid, gid int) error {
	f, err := os.Open(dir) // the folder's owner may change what has its name
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && int(owner.Uid) == uid:
		return nil
	case !ok || owner.Uid == 0:
		return f.Chown(uid, -1)
	}
	return errors.Join(f.Chown(-1, gid), f.Chmod(info.Mode().Perm()|fs.ModeSetgid|0o070))
}

// shareFolder lets an account work in a drop folder, into which the POS goes on
// writing. What is done and what failed is for the same people.
func shareFolder(dir string, uid, gid int) error {
	if err := openFolder(dir, uid, gid); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	return errors.Join(shareLike(root, dropDone, info), shareLike(root, dropFailed, info))
}

// shareLike gives a folder within another, made where it is missing, the other's
// owner, group and mode.
func shareLike(root *os.Root, name string, like fs.FileInfo) error {
	if err := root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if owner, ok := like.Sys().(*syscall.Stat_t); ok {
		err = f.Chown(int(owner.Uid), int(owner.Gid))
	}
	return errors.Join(err, f.Chmod(like.Mode()&(fs.ModePerm|fs.ModeSetgid)))
}

func afterInstall() error { return nil }

// servedConfig gives the configuration of the installed service.
func servedConfig() (string, error) {
	if isPackaged() {
		return systemd.PackagedConfig, nil
	}
	unit, err := os.ReadFile(systemd.OwnUnit)
	if err != nil {
		return "", err
	}
	path := systemd.ConfigOf(string(unit))
	if path == "" {
		return "", fmt.Errorf(say("看不出 %s 用哪个配置", "%s does not tell its configuration"), systemd.OwnUnit)
	}
	return path, nil
}

// removeTokens removes the tokens from a data folder; removed is false where there
// were none. Root does so only where the folder is the service's: its account may
// change the configuration, and others the way to the folder.
func removeTokens(_ context.Context, dir string) (removed bool, err error) {
	owner := os.Geteuid()
	if owner == 0 {
		u, err := user.Lookup(systemd.User)
		if _, none := errors.AsType[user.UnknownUserError](err); err != nil && !none {
			return false, err
		}
		owner = -1 // nobody's, without the account
		if err == nil {
			if owner, err = strconv.Atoi(u.Uid); err != nil {
				return false, err
			}
		}
	}
	return removeTokensOf(owner, dir)
}

// removeTokensOf removes the tokens from a data folder of an account, and nothing
// that a link leads to.
func removeTokensOf(uid int, dir string) (removed bool, err error) {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.IsDir(): // opening it could take for ever
		return false, &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false, err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return false, err
	}
	for _, name := range []string{ownToken, tokensFile} {
		if _, none := root.Lstat(name); errors.Is(none, fs.ErrNotExist) {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != uid {
			return removed, fmt.Errorf(say("数据目录 %s 不属于服务账号 %s", "the data folder %s is not of the service's account %s"), dir, systemd.User)
		}
		err = errors.Join(err, root.Remove(name))
		removed = true
	}
	return removed, err
}
