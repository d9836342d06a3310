package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestInitAgainLooksForNoPrinter: a shop that has no printer gets none by a second
// init, whatever answers at this machine's ports.
func TestInitAgainLooksForNoPrinter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	const looks = "looking for the printer"
	args := []string{"init", "--yes", "--config", path, "--data-dir", filepath.Join(dir, "data")}
	if code, out, errs := command(t, "", nil, args...); code != 0 || !strings.Contains(out, looks) {
		t.Fatalf("the first: exit status %d\n%s%s", code, out, errs)
	}
	without := "# by hand\n[printer]\nport = \"\"\n"
	if err := os.WriteFile(path, []byte(without), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := command(t, "", nil, args[:4]...); code != 0 || strings.Contains(out, looks) {
		t.Errorf("the second: exit status %d\n%s%s", code, out, errs)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != without {
		t.Errorf("the configuration is now %q, %v", now, err)
	}
	if code, out, errs := command(t, "", nil, append(args[:4], "--printer", "tcp://127.0.0.1:9")...); code != 0 {
		t.Errorf("one that is named: exit status %d\n%s%s", code, out, errs)
	}
	if now, err := os.ReadFile(path); err != nil || !strings.Contains(string(now), `port = "tcp://127.0.0.1:9"`) {
		t.Errorf("the configuration is now %q, %v", now, err)
	}
}

// TestInitIsCancelled: Ctrl-C ends the wait for an answer, and nothing is made.
func TestInitIsCancelled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no interrupt can be sent to a process of its own")
	}
	dir := t.TempDir()
	cmd := exec.Command(binary, "init", "--config", filepath.Join(dir, "config.toml"), "--lang", "en")
	in, err := cmd.StdinPipe() // stays open, as a keyboard does
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // then the exit status tells
	defer deadline.Stop()
	if _, err := out.Read(make([]byte, 1024)); err != nil { // the first question
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || errs.String() != "cancelled\n" {
		t.Errorf("%v, %q", err, errs.String())
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Errorf("it made %v, %v", made, err)
	}
}

// TestInitKeepsTheDES3Key: the key in use is not replaced by another one.
func TestInitKeepsTheDES3Key(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	was := "data_dir = 'data'\n[piaotong]\nplatform_code = 'SANDBOX1'\nplatform_prefix = 'SBOX'\ntaxpayer_num = '91110108SANDBOX01X'\nenterprise_name = '某某公司'\ndes3_key = 'the-key-in-use-24-chars!'\n"
	if err := os.WriteFile(path, []byte(was), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := command(t, "", []string{"AGENT_PIAOTONG_DES3_KEY=another-key-of-24-chars!"}, "init", "--yes", "--config", path)
	if code != 1 || !strings.Contains(errs, "agent secrets rotate start des3_key") {
		t.Errorf("exit status %d, %s", code, errs)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != was {
		t.Errorf("the configuration is now %q, %v", now, err)
	}
	if _, err := os.Stat(filepath.Join(dir, des3File)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another key was stored: %v", err)
	}
}
