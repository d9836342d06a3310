package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
)

// saveState saves the program and the database of a configuration into a
// folder. What it notes is written last: without it nothing counts as saved.
func saveState(ctx context.Context, path, dir, program string) (n *savedState, err error) {
	if n, err = describeState(ctx, path, program); err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := emptyFolder(dir, n); err != nil {
		return nil, err
	}
	if n.Config != "" {
		if err := waitFree(ctx, n.databasePath()); err != nil {
			return nil, err
		}
	}
	if err := n.copyTo(ctx, dir); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", say("无法保存", "cannot save"), err), removeSaved(dir))
	}
	return n, nil
}

// describeState gives what is there: a configuration that is missing, and a
// program that is, are no errors.
func describeState(ctx context.Context, path, program string) (*savedState, error) {
	n := &savedState{SavedAt: time.Now().UTC().Truncate(time.Second), Phase: phaseSaved}
	var err error
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	if n.Program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(n.Program); err == nil {
		n.Program = real // else there is none yet
	}
	n.Version = programVersion(ctx, n.Program)
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	cfg, err := config.Load(path, os.Environ())
	if err != nil {
		return nil, err
	}
	local, err := localOf(cfg)
	if err != nil {
		return nil, errors.New(say("[api] listen 没有固定端口:无法知道服务是否就绪", "[api] listen has no fixed port: nobody can tell whether the service is ready"))
	}
	n.Config, n.DataDir, n.URL, n.TokenFile, n.CertFile = path, cfg.DataDir, local.url, local.tokenFile, local.certFile
	return n, nil
}

func (n *savedState) databasePath() string { return filepath.Join(n.DataDir, "agent.db") }

// copyTo copies what is there, and then notes it.
func (n *savedState) copyTo(ctx context.Context, dir string) (err error) {
	there, err := fileExists(n.Program)
	if err != nil {
		return err
	}
	if there {
		if n.SHA256, err = copyFile(n.Program, filepath.Join(dir, savedProgram), 0o700); err != nil {
			return err
		}
	}
	if n.Config != "" {
		if err := n.copyDatabase(ctx, filepath.Join(dir, savedDatabase)); err != nil {
			return err
		}
	}
	return n.write(dir)
}

// copyDatabase makes a copy of the database, if there is one.
func (n *savedState) copyDatabase(ctx context.Context, to string) error {
	there, err := fileExists(n.databasePath())
	if err != nil || !there {
		return err
	}
	if err := queue.BackupFile(ctx, n.databasePath(), to); err != nil {
		return err
	}
	if n.Database, err = readHead(ctx, to); err != nil {
		return err
	}
	// What somebody writes who has taken the lock meanwhile is not in the copy.
	return waitFree(ctx, n.databasePath())
}

// fileExists reports whether there is a file or folder of a name.
func fileExists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// emptyFolder makes the folder to save to. It may have what an earlier save
// left there, and nothing else; an upgrade that is not settled stays.
func emptyFolder(dir string, n *savedState) error {
	before, err := readNotes(dir)
	if err != nil {
		return err
	}
	if before != nil && (before.Phase == phaseSaved || before.Phase == phaseGoingBack) {
		if sum, err := sumFile(before.Program); err != nil || sum != before.SHA256 {
			return fmt.Errorf(say("上一次换程序还没有了结:先运行 agent upgrade settle --config %q --from %q", "an earlier change of the program is not settled: run agent upgrade settle --config %q --from %q first"),
				before.Config, dir)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(savedFiles, e.Name()) && !isPart(e.Name()) {
			return fmt.Errorf(say("文件夹 %s 里有别的文件:请用空文件夹", "the folder %s has other files in it: use an empty one"), dir)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := closeFolder(dir); err != nil { // before there is something in it
		return err
	}
	return removeFiles(dir)
}

// savedFiles are all that save makes, the notes first.
var savedFiles = []string{savedNotes, savedProgram, savedDatabase}

// isPart tells files that were being written when something ended.
func isPart(name string) bool {
	for _, pattern := range []string{"*.part", "*.part-*", ".part-*"} {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// removeSaved deletes what save made, and the folder if there is nothing else
// in it.
func removeSaved(dir string) error {
	there, err := fileExists(dir)
	if err != nil || !there {
		return err
	}
	err = removeFiles(dir)
	_ = os.Remove(dir) // somebody else's files keep it
	return err
}

// removeFiles deletes what save made in its folder, the notes first.
func removeFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	names := slices.Clone(savedFiles)
	for _, e := range entries {
		if isPart(e.Name()) {
			names = append(names, e.Name())
		}
	}
	for _, name := range names {
		if failed := os.Remove(filepath.Join(dir, name)); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// lockFree is how long save waits for a service that has just been stopped.
const lockFree = 5 * time.Second

// waitFree waits until nothing holds the lock of a database.
func waitFree(ctx context.Context, path string) error {
	deadline := time.NewTimer(lockFree)
	defer deadline.Stop()
	again := time.NewTicker(lockFree / 50)
	defer again.Stop()
	for {
		c, err := queue.Inspect(ctx, queue.Options{Path: path})
		if err != nil {
			return err
		}
		if !c.InUse {
			return nil
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return fmt.Errorf("%w (%s)", queue.ErrInUse, path)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// programVersion asks a program for its version; "" where it does not tell.
func programVersion(ctx context.Context, program string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "version", "--json")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	var b build
	if err != nil || json.Unmarshal(out, &b) != nil {
		return ""
	}
	return b.Version
}

// sumFile is the SHA-256 of a file in hex.
func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// copyFile makes a copy that is on disk before it takes its name, and gives its
// SHA-256 in hex. A file that has the name is replaced.
func copyFile(from, to string, mode fs.FileMode) (sum string, err error) {
	f, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if sum, err = writePart(f, to+".part", mode); err != nil {
		return "", err
	}
	if err := os.Rename(to+".part", to); err != nil {
		return "", err
	}
	return sum, syncDir(filepath.Dir(to))
}

// writePart writes a new file, in the place of one that was left behind, and
// gives its SHA-256 in hex.
func writePart(from io.Reader, part string, mode fs.FileMode) (sum string, err error) {
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), from)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(part))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// putProgram puts a program with this SHA-256 in the place of another, which
// may be running. At no moment is there half a program.
func putProgram(from io.Reader, to, sum string) error {
	mode, like := fs.FileMode(0o755), filepath.Dir(to)
	if info, err := os.Stat(to); err == nil {
		mode, like = info.Mode().Perm(), to
	}
	part := to + ".part"
	got, err := writePart(from, part, mode)
	if err != nil {
		return err
	}
	if got != sum {
		return errors.Join(fmt.Errorf(say("程序文件被改动过:%s", "the program was changed by somebody: %s"), part), os.Remove(part))
	}
	if err := ownLike(like, part); err != nil {
		return err
	}
	if err := replaceProgram(part, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// replaceProgram renames a program over another. Windows refuses that while
// the other runs, but lets it be renamed away.
func replaceProgram(part, to string) error {
	err := os.Rename(part, to)
	if err == nil || runtime.GOOS != "windows" {
		return err
	}
	away := fmt.Sprintf("%s.old-%d", to, time.Now().UnixNano())
	if err := os.Rename(to, away); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return errors.Join(err, os.Rename(away, to))
	}
	removeReplaced(to)
	return nil
}

// removeReplaced deletes the programs that were renamed away and run no more.
func removeReplaced(program string) {
	entries, err := os.ReadDir(filepath.Dir(program))
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(program)+".old-") {
			_ = os.Remove(filepath.Join(filepath.Dir(program), e.Name())) // one that still runs stays until the next time
		}
	}
}
