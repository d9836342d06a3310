//go:build unix

package queue

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// likeFolder gives a file that was just made to the owner of its folder. The
// service runs under an account of its own; root, who restores, would keep it
// from its own database.
func likeFolder(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	dir, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	file, err := f.Stat()
	if err != nil {
		return err
	}
	owner, known := dir.Sys().(*syscall.Stat_t)
	is, ok := file.Sys().(*syscall.Stat_t)
	if !known || !ok || is.Uid == owner.Uid && is.Gid == owner.Gid { // some file systems have one owner, and refuse to be told
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// syncFolder makes the renames and new names in the folder of a file last
// through a power cut, where its file system can: some network shares cannot.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
