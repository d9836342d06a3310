package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// This file has what the drop folder makes and deletes.

const (
	// doneKept is how long what is done stays, for a POS that looks later.
	doneKept = 90 * 24 * time.Hour
	// tidyEvery is how often done is looked through for what is older.
	tidyEvery = time.Hour
)

// makeBeside makes a folder within the drop folder, where it is missing, for
// everybody who may use the drop folder, whatever the service's umask.
func makeBeside(root *os.Root, folder string) error {
	err := root.Mkdir(folder, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	drop, err := root.Stat(".")
	if err != nil {
		return err
	}
	return root.Chmod(folder, drop.Mode().Perm()|0o700)
}

// putAnswer writes an answer, which appears whole. Its folder says who comes in;
// whoever does may read it, whatever the service's umask.
func putAnswer(root *os.Root, name string, answer []byte) error {
	part := name + ".tmp"
	if err := root.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := errors.Join(root.WriteFile(part, answer, 0o600), root.Chmod(part, 0o644)); err != nil {
		return err
	}
	return root.Rename(part, name)
}

// tidy deletes from done what has been there for longer than doneKept, at most
// once in tidyEvery. What failed stays until somebody has seen to it.
func (d *dropbox) tidy(now time.Time) error {
	if now.Sub(d.tidied).Abs() < tidyEvery || d.clockRight != nil && !d.clockRight() {
		return nil
	}
	d.tidied = now
	root, err := d.open()
	if err != nil {
		return err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), dropDone)
	if err != nil {
		return err
	}
	var old []string
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(strings.ToLower(e.Name()), dropEnd) {
			continue
		}
		// The answer has the time at which the file was done; the file itself has
		// whatever the POS gave it.
		info, err := root.Lstat(path.Join(dropDone, e.Name()[:len(e.Name())-len(dropEnd)]+dropAnswer))
		if errors.Is(err, fs.ErrNotExist) {
			info, err = e.Info()
		}
		if err == nil && now.Sub(info.ModTime()) > doneKept {
			old = append(old, e.Name())
		}
	}
	err = nil
	for _, name := range old {
		err = errors.Join(err, root.Remove(path.Join(dropDone, name)))
	}
	return err
}
