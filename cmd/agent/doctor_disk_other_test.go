//go:build !linux

package main

import "path/filepath"

// fillDisk makes the data folder one that takes no files.
func (c *clinic) fillDisk() {
	path := filepath.Join(c.dir, "small")
	c.write(path, "no folder", 0o600)
	c.line("data_dir", path)
}
