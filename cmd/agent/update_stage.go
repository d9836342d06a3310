package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// stagedProgram is the program of a release, verified. It is read from the open
// file: what somebody puts in the place of its name does not count.
type stagedProgram struct {
	root *os.Root // the data folder
	file *os.File
	sum  string // SHA-256 in hex
}

// stageDir is the folder in the data folder for what was fetched.
const stageDir = "update"

// stage fetches the archive of a release and takes the program out of it. On an
// error nothing is left of it.
func (u *updater) stage(ctx context.Context, src releaseSource, f releaseFile) (*stagedProgram, error) {
	root, err := os.OpenRoot(u.cfg.DataDir)
	if err != nil {
		return nil, err
	}
	s := &stagedProgram{root: root}
	if err := s.fetch(ctx, src, f); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// fetch makes the folder for what is fetched and fills it.
func (s *stagedProgram) fetch(ctx context.Context, src releaseSource, f releaseFile) error {
	if err := s.root.RemoveAll(stageDir); err != nil {
		return err
	}
	if err := s.root.Mkdir(stageDir, 0o700); err != nil {
		return err
	}
	archive, err := s.create(f.Name)
	if err != nil {
		return err
	}
	defer archive.Close() // it is read from, once it is whole
	if err := src.archive(ctx, f, archive); err != nil {
		return err
	}
	if s.file, err = s.create("program"); err != nil {
		return err
	}
	if err := extractProgram(archive, releasedName(runtime.GOOS), s.file); err != nil {
		return err
	}
	if err := checkBuiltFor(s.file, runtime.GOOS+"/"+runtime.GOARCH); err != nil {
		return err
	}
	s.sum, err = s.sumOpen()
	return err
}

// sumOpen is the SHA-256 of the open file in hex.
func (s *stagedProgram) sumOpen() (string, error) {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	_, err := io.Copy(h, s.file)
	return hex.EncodeToString(h.Sum(nil)), err
}

// put puts the program in the place of another.
func (s *stagedProgram) put(program string) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return putProgram(s.file, program, s.sum)
}

func (s *stagedProgram) create(name string) (*os.File, error) {
	return s.root.OpenFile(filepath.Join(stageDir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// remove removes what was fetched.
func (s *stagedProgram) remove() error {
	var err error
	if s.file != nil {
		err = s.file.Close()
	}
	return errors.Join(err, s.root.RemoveAll(stageDir), s.root.Close())
}
