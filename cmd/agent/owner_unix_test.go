//go:build unix

package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
)

// TestRootLeavesTheDataToItsOwner: whatever root does in the folder of the
// service's account, the service can go on with what is there afterwards.
func TestRootLeavesTheDataToItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give files away")
	}
	lang = "en"
	const service = 4001
	path := writeConfig(t, "[api]\nlisten = \"127.0.0.1:0\"\n")
	cfg, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(cfg.DataDir, service, service); err != nil {
		t.Fatal(err)
	}
	owned := func(what string) {
		t.Helper()
		n := 0
		err := filepath.WalkDir(cfg.DataDir, func(p string, _ fs.DirEntry, err error) error {
			info, failed := os.Lstat(p)
			if err != nil || failed != nil {
				t.Fatal(err, failed)
			}
			if st := info.Sys().(*syscall.Stat_t); st.Uid != service || st.Gid != service {
				t.Errorf("after %s %s belongs to %d:%d", what, p, st.Uid, st.Gid)
			}
			n++
			return nil
		})
		if err != nil || n < 2 {
			t.Fatalf("%d files after %s, %v", n, what, err)
		}
	}
	store, err := queue.Open(databaseOptions(cfg))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	owned("open")
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, args := range [][]string{
		{"backup", "--to", copied}, {"verify"}, {"restore", "--from", copied}, {"restore", "--from", copied}, {"verify"},
		{"token", "add", "--role", "pos", "till-2"}, {"export", "--format", "jsonl"}, {"doctor"}, {"support", "--out", filepath.Join(t.TempDir(), "support.zip")},
	} {
		if code, out, errs := try(append(args, "--config", path)...); code != 0 && args[0] != "doctor" {
			t.Errorf("%v: exit status %d: %s%s", args, code, out, errs)
		}
		owned(strings.Join(args[:1], " "))
	}

	// By hand, in the foreground, where it makes keys, tokens and a log.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if err := (&runner{path: path, stderr: io.Discard, ready: stop}).run(ctx); err != nil {
		t.Error(err)
	}
	owned("run")
}

// TestKeyIsItsUsersOwn: root makes the key that the installed agent's configuration
// names for the account of the service, and any other for the owner of its folder.
func TestKeyIsItsUsersOwn(t *testing.T) {
	path := writeConfig(t, "")
	cfg, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if got := keyUser(cfg.Piaotong.PrivateKeyFile, path); got != dir {
		t.Errorf("before there is a data folder it is like %s, want %s", got, dir)
	}
	if err := os.Mkdir(cfg.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{cfg.Piaotong.PrivateKeyFile: cfg.DataDir, filepath.Join(dir, "other.pem"): dir} {
		if got := keyUser(key, path); got != want {
			t.Errorf("%s is like %s, want %s", filepath.Base(key), got, want)
		}
		if got := keyUser(key, filepath.Join(dir, "none.toml")); got != dir {
			t.Errorf("without an installation %s is like %s", filepath.Base(key), got)
		}
	}
}

// TestDoctorsWordsOnTheKeyWork: what doctor prints about our key can be typed as it
// is, in any folder.
func TestDoctorsWordsOnTheKeyWork(t *testing.T) {
	lang = "en"
	key := filepath.Join(t.TempDir(), "private.pem")
	if err := makeKey(key, documentedBits); err != nil {
		t.Fatal(err)
	}
	_, advice, found := strings.Cut(credentialsHelp("9999", key), "agent keygen ")
	if !found {
		t.Fatal(advice)
	}
	words := strings.Fields(advice)[:3]
	words[2] = strings.Trim(words[2], `"`)
	t.Chdir(t.TempDir())
	want, err := publicKey(key)
	if code, out, errs := try(append([]string{"keygen"}, words...)...); code != 0 || err != nil || out != want+"\n" {
		t.Errorf("%v: exit status %d: %s%s", words, code, out, errs)
	}
}

// TestOpenFolder: the service comes into a folder of copies that others use too,
// and their files stay theirs.
func TestOpenFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give files away")
	}
	const theirs, uid, gid = 4001, 4002, 4003
	for owner, want := range map[int][2]int{0: {uid, 0}, theirs: {theirs, gid}, uid: {uid, uid}} {
		dir := t.TempDir()
		file := filepath.Join(dir, "letter.txt")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for path, owner := range map[string]int{dir: owner, file: theirs} {
			if err := os.Chown(path, owner, owner); err != nil {
				t.Fatal(err)
			}
		}
		if err := openFolder(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string][2]int{dir: want, file: {theirs, theirs}} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if st := info.Sys().(*syscall.Stat_t); [2]int{int(st.Uid), int(st.Gid)} != want {
				t.Errorf("%s of %d belongs to %d:%d, want %v", filepath.Base(path), owner, st.Uid, st.Gid, want)
			}
		}
		if info, err := os.Stat(dir); err != nil || owner == theirs && info.Mode().Perm()&0o070 != 0o070 {
			t.Errorf("the service cannot write into it: %v, %v", info.Mode(), err)
		}
	}
}
