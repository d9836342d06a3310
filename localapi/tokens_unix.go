//go:build unix

package localapi

import (
	"os"
	"syscall"
)

// likeFolder gives a file to the owner of its folder. The service runs under an
// account of its own; root, who gives out tokens, would keep it from reading
// them.
func likeFolder(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// rename moves a file onto another.
func rename(from, to string) error { return os.Rename(from, to) }
