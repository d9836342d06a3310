//go:build linux

package main

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fillDisk gives the data folder a disk of 64 KB and fills it. Who may not mount
// one gets a folder that is none.
func (c *clinic) fillDisk() {
	dir := filepath.Join(c.dir, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.line("data_dir", dir)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		if err := os.Remove(dir); err != nil {
			c.t.Fatal(err)
		}
		c.write(dir, "no folder", 0o600)
		return
	}
	c.t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			c.t.Error(err)
		}
	})
	// It fails when the disk is full, which is what is wanted.
	_ = os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 128<<10), 0o600)
}
