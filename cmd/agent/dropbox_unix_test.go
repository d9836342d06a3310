//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPOSReadsItsAnswers: under the service's umask, too, the POS can read what
// became of its files, and clear failed; those who may not use the drop folder
// can do nothing of it.
func TestPOSReadsItsAnswers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can be other users")
	}
	const pos, stranger, uid, gid = 4001, 4009, 4002, 4003
	was := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(was) })
	as := func(user, group int, command ...string) bool {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(group)}}
		return cmd.Run() == nil
	}
	for name, owner := range map[string]int{"the POS's": pos, "root's, of the POS's group": 0} {
		t.Run(name, func(t *testing.T) {
			d := newDrop(t)
			d.dir = t.TempDir()
			if err := os.Chmod(filepath.Dir(d.dir), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Chown(d.dir, owner, pos), os.Chmod(d.dir, 0o770)); err != nil {
				t.Fatal(err)
			}
			if err := shareFolder(d.dir, uid, gid); err != nil {
				t.Fatal(err)
			}
			d.put("good.json", coffee("GOOD"))
			d.put("wrong.json", "{}")
			d.looks()
			for _, name := range []string{"done/good", "failed/wrong"} {
				answer := filepath.Join(d.dir, name+dropAnswer)
				if !as(uid, gid, "touch", answer+".tmp") {
					t.Errorf("the service cannot write beside %s", name)
				}
				if !as(pos, pos, "cat", answer) {
					t.Errorf("the POS cannot read the answer to %s", name)
				}
				if as(stranger, stranger, "cat", answer) {
					t.Errorf("anybody can read the answer to %s", name)
				}
				if !as(pos, pos, "rm", filepath.Join(d.dir, name+dropEnd)) {
					t.Errorf("the POS cannot delete %s", name)
				}
			}
		})
	}
	t.Run("made by the service", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o775); err != nil {
			t.Fatal(err)
		}
		root, err := (&dropbox{dir: dir}).open()
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		for _, folder := range []string{dropDone, dropFailed} {
			if info, err := root.Stat(folder); err != nil || info.Mode().Perm() != 0o775 {
				t.Errorf("%s: %v, %v", folder, info, err)
			}
		}
	})
}
