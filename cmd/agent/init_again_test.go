package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
