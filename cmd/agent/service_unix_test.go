//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

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
