//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"tillagent/packaging/systemd"
)

// rightsAreCertain: a mode says who may read.
const rightsAreCertain = true

// othersOf says which users other than a file's owner may use it, by its mode; ""
// where none may. The group of the service's account may read: nobody else is in
// it, and a configuration that is root's keeps the service from changing it.
func othersOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	mode := info.Mode().Perm()
	allowed := fs.FileMode(0o700)
	if ownGroup(info) {
		allowed |= 0o040
	}
	if mode&^allowed == 0 {
		return "", nil
	}
	return fmt.Sprintf("%04o", mode), nil
}

// ownGroup reports whether a file's group is the service's.
func ownGroup(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	group, err := user.LookupGroup(systemd.User)
	return err == nil && group.Gid == strconv.FormatUint(uint64(owner.Gid), 10)
}

// othersMayWrite reports whether users other than its owner may change a file.
func othersMayWrite(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().Perm()&0o022 != 0
}

// closeToOthers is what to do about a file that others can use.
func closeToOthers(path string) string { return "chmod 600 " + inCommand(path) }

// guardSecret closes a file or folder that was just written to others. Where we
// are root it goes to whom the folder of data belongs: the service's account.
func guardSecret(path, dataDir string) error {
	info, err := os.Stat(dataDir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}

// keepOwner gives a file that takes another's place its owner and group.
func keepOwner(path string, was fs.FileInfo) error {
	owner, ok := was.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}
