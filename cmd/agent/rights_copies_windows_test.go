package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOnlyCopies: a folder of copies is closed to others only if nothing of theirs
// is in it.
func TestOnlyCopies(t *testing.T) {
	for name, want := range map[string]bool{"agent-T1R5A-2026-11-22.db": true, ".part-agent-T1R5A-2026-11-22.db-1": true,
		"letter.txt": false, "agent.db": false} {
		dir := t.TempDir()
		if !onlyCopies(dir) || !onlyCopies(filepath.Join(dir, "none")) {
			t.Error("an empty folder, or none, is others'")
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := onlyCopies(dir); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
