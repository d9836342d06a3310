package queue

import (
	"os"
	"path/filepath"
	"testing"
)

// TestIsCopy tells the copies of a till from everything that a backup must not
// take the place of.
func TestIsCopy(t *testing.T) {
	r := open(t, func(o *Options) { o.TillCode = "T1R5A" })
	r.accept(lunch("A"))
	other := open(t, func(o *Options) { o.TillCode = "T1R5B" })
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for to, from := range map[string]*rig{"ours.db": r, "theirs.db": other, "torn.db": r} {
		if err := from.Backup(t.Context(), file(to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(file("torn.db"), 50); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("letter.txt"), []byte("not a database, and somebody's only copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	restored := r.restore(file("ours.db"))
	r.opts.TillCode = "T1R5C" // the till goes on by another code
	r.again()
	r.accept(lunch("B"))
	if err := r.Backup(t.Context(), file("newer.db")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{file("ours.db"): true, file("newer.db"): true, file("theirs.db"): false, file("torn.db"): false,
		file("letter.txt"): false, file("nothing.db"): false, dir: false, restored.MovedTo: false, other.opts.Path: false} {
		if got := IsCopy(t.Context(), path, r.opts.Path); got != want {
			t.Errorf("%s: %v, want %v", filepath.Base(path), got, want)
		}
	}
	for _, name := range names(t, dir) {
		if ext := filepath.Ext(name); ext != ".db" && ext != ".txt" {
			t.Errorf("looking left %s behind", name)
		}
	}
}
