//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// dataFolder makes a folder with tokens and other data.
func dataFolder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"agent.db", ownToken, tokensFile, "voucher.key"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// inFolder gives the names in a folder.
func inFolder(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

var (
	withTokens    = []string{"agent.db", ownToken, tokensFile, "voucher.key"}
	withoutTokens = []string{"agent.db", "voucher.key"}
)

func TestRemoveTokens(t *testing.T) {
	me := os.Geteuid()
	t.Run("the service's folder, through a link", func(t *testing.T) {
		dir := dataFolder(t, "收银 \"数据\" $x %")
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dir, link); err != nil {
			t.Fatal(err)
		}
		if removed, err := removeTokensOf(me, link); !removed || err != nil {
			t.Errorf("%v %v", removed, err)
		}
		if got := inFolder(t, dir); !slices.Equal(got, withoutTokens) {
			t.Errorf("there is %q", got)
		}
		if removed, err := removeTokensOf(me, dir); removed || err != nil {
			t.Errorf("again: %v %v", removed, err)
		}
	})
	t.Run("another's folder", func(t *testing.T) {
		dir := dataFolder(t, "data")
		if removed, err := removeTokensOf(me+1, dir); removed || err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v %v", removed, err)
		}
		if got := inFolder(t, dir); !slices.Equal(got, withTokens) {
			t.Errorf("there is %q", got)
		}
		for _, file := range []string{ownToken, tokensFile} {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
		if removed, err := removeTokensOf(me+1, dir); removed || err != nil {
			t.Errorf("without tokens: %v %v", removed, err)
		}
	})
	t.Run("tokens that are links", func(t *testing.T) {
		dir, other := dataFolder(t, "data"), dataFolder(t, "other")
		for _, file := range []string{ownToken, tokensFile} {
			path := filepath.Join(dir, file)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(other, file), path); err != nil {
				t.Fatal(err)
			}
		}
		if removed, err := removeTokensOf(me, dir); !removed || err != nil {
			t.Errorf("%v %v", removed, err)
		}
		if got := inFolder(t, dir); !slices.Equal(got, withoutTokens) {
			t.Errorf("there is %q", got)
		}
		if got := inFolder(t, other); !slices.Equal(got, withTokens) {
			t.Errorf("where the links lead there is %q", got)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		dir := t.TempDir()
		if removed, err := removeTokensOf(me, filepath.Join(dir, "gone")); removed || err != nil {
			t.Errorf("%v %v", removed, err)
		}
		pipe := filepath.Join(dir, "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		if removed, err := removeTokensOf(me, pipe); removed || err == nil {
			t.Errorf("a pipe: %v %v", removed, err)
		}
	})
}

// TestSetupRemove is what a package's script does. Root takes the service's folder
// alone, and nobody's is it.
func TestSetupRemove(t *testing.T) {
	dir := dataFolder(t, "收银 数据")
	path := filepath.Join(filepath.Dir(dir), "config.toml")
	if err := os.WriteFile(path, []byte("data_dir = '收银 数据'\n[piaotong]\nplatform_code = 'SANDBOX1'\n"), 0o600); err != nil {
		t.Fatal(err) // its secrets are elsewhere: with systemd, say
	}
	code, out, errs := try("setup", "remove", "--config", path)
	if os.Geteuid() == 0 {
		if got := inFolder(t, dir); code != 1 || out != "" || !strings.Contains(errs, dir) || !slices.Equal(got, withTokens) {
			t.Errorf("root's folder: exit status %d, %q left\n%s%s", code, got, out, errs)
		}
		return
	}
	if got := inFolder(t, dir); code != 0 || !strings.Contains(out, dir) || !slices.Equal(got, withoutTokens) {
		t.Errorf("exit status %d, %q left\n%s%s", code, got, out, errs)
	}
}

// TestSetupRemoveUnknown: where the data is cannot be told, and so it is said.
func TestSetupRemoveUnknown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte("data_dir = \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := try("setup", "remove", "--config", path); code != 1 || out != "" || !strings.Contains(errs, ownToken) || !strings.Contains(errs, path) {
		t.Errorf("exit status %d\n%s%s", code, out, errs)
	}
	if code, _, _ := try("setup", "remove"); code != 2 {
		t.Errorf("without a configuration: exit status %d", code)
	}
}

// TestShareFolder: the service's account gets into the POS's folder, and the POS
// keeps it.
func TestShareFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give files away")
	}
	const root, pos, uid, gid = 0, 4001, 4002, 4003
	for name, tt := range map[string]struct {
		owner, group int
		mode         fs.FileMode
		toUser       int
		toGroup      int
		to           fs.FileMode
	}{
		"the POS's":          {pos, pos, 0o755, pos, gid, 0o775 | fs.ModeSetgid},
		"root's":             {root, root, 0o700, uid, root, 0o700},
		"root's, of a group": {root, pos, 0o775 | fs.ModeSetgid, uid, pos, 0o775 | fs.ModeSetgid},
		"its own":            {uid, pos, 0o770, uid, pos, 0o770},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			done, file := filepath.Join(dir, dropDone), filepath.Join(dir, "sale.json")
			if err := os.Mkdir(done, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{file, dir} {
				if err := os.Chown(path, tt.owner, tt.group); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(dir, tt.mode); err != nil {
				t.Fatal(err)
			}
			for range 2 { // it is done again with each change of the configuration
				if err := shareFolder(dir, uid, gid); err != nil {
					t.Fatal(err)
				}
			}
			is := func(path string, user, group int) fs.FileMode {
				t.Helper()
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if owner := info.Sys().(*syscall.Stat_t); int(owner.Uid) != user || int(owner.Gid) != group {
					t.Errorf("%s is of %d:%d, want %d:%d", filepath.Base(path), owner.Uid, owner.Gid, user, group)
				}
				return info.Mode()
			}
			if mode := is(dir, tt.toUser, tt.toGroup); mode != tt.to|fs.ModeDir {
				t.Errorf("its mode is %v, want %v", mode, tt.to|fs.ModeDir)
			}
			for _, folder := range []string{done, filepath.Join(dir, dropFailed)} {
				if mode := is(folder, tt.toUser, tt.toGroup); mode != tt.to|fs.ModeDir {
					t.Errorf("the mode of %s is %v, want the folder's", filepath.Base(folder), mode)
				}
			}
			is(file, tt.owner, tt.group)
		})
	}
}
