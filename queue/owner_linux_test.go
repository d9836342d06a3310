package queue

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRootLeavesTheFolderToItsOwner: root restores and begins anew in the folder
// of the service's account. The service must be able to go on with all that is
// there afterwards.
func TestRootLeavesTheFolderToItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give files away")
	}
	const service = 4001
	owned := func(t *testing.T, dir string) {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) == 0 {
			t.Fatalf("%d files, %v", len(entries), err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			if st := info.Sys().(*syscall.Stat_t); st.Uid != service || st.Gid != service {
				t.Errorf("%s belongs to %d:%d", e.Name(), st.Uid, st.Gid)
			}
		}
	}
	give := func(t *testing.T, dir string) {
		t.Helper()
		paths, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append(paths, dir) {
			if err := os.Lchown(p, service, service); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, backup := yesterday(t)
	dir := filepath.Dir(r.opts.Path)
	give(t, dir)
	r.restore(backup)
	owned(t, dir)
	r.restore(backup) // the second one reads what the first has left, and is looked at
	whole(t, r.opts.Path)
	owned(t, dir)

	t.Run("a folder with nothing in it", func(t *testing.T) {
		empty := t.TempDir()
		give(t, empty)
		o := r.opts
		o.Path = filepath.Join(empty, "agent.db")
		if _, err := Restore(t.Context(), o, backup); err != nil {
			t.Fatal(err)
		}
		owned(t, empty)
	})
	t.Run("a new database", func(t *testing.T) {
		if err := (marker{Reason: ReasonMissing}).write(r.opts.Path); err != nil {
			t.Fatal(err)
		}
		owned(t, dir)
		if err := NewDatabase(r.opts); err != nil {
			t.Fatal(err)
		}
		s, err := Open(r.opts)
		if err != nil {
			t.Fatal(err)
		}
		owned(t, dir) // beside a database that is open, too
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRootGivesAwayNothingElse: whoever has the folder may put links there, and
// gets nothing by them.
func TestRootGivesAwayNothingElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give files away")
	}
	dir, mine := t.TempDir(), filepath.Join(t.TempDir(), "root's own")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 4001, 4001); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"agent.db", "agent.lock", "epoch"} {
		if err := os.Symlink(mine, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(Options{Path: filepath.Join(dir, "agent.db"), Prefix: "DEMO"})
	if err == nil {
		err = s.Close()
	}
	if info, failed := os.Stat(mine); failed != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("it was given away (%v, %v)", err, failed)
	}
}

// TestSecondRestoreLeavesNoSideFiles: what SQLite keeps beside a database that
// was closed has nothing in it, and is not kept with it.
func TestSecondRestoreLeavesNoSideFiles(t *testing.T) {
	r, backup := yesterday(t)
	r.restore(backup)
	got := r.restore(backup)
	entries, err := os.ReadDir(filepath.Dir(r.opts.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "before-restore") && (strings.HasSuffix(e.Name(), "-wal") || strings.HasSuffix(e.Name(), "-shm")) {
			t.Errorf("%s is left behind", e.Name())
		}
	}
	whole(t, got.MovedTo)
}

// TestMovedAsideWithItsLog: a database that was not closed keeps its newest
// commits, which are in its log.
func TestMovedAsideWithItsLog(t *testing.T) {
	r, backup := yesterday(t)
	r.accept(lunch("newest"))
	crashed := filepath.Join(t.TempDir(), "agent.db")
	for _, side := range sideFiles {
		data, err := os.ReadFile(r.opts.Path + side)
		if err != nil {
			continue
		}
		if err := os.WriteFile(crashed+side, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := r.opts
	o.Path = crashed
	got, err := Restore(t.Context(), o, backup)
	if err != nil {
		t.Fatal(err)
	}
	if report := whole(t, got.MovedTo); report.Sales != 5 {
		t.Errorf("moved aside with %d sales, want all 5", report.Sales)
	}
}
