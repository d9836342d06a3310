package queue

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// closed is a rig with some sales whose store is closed, so that a test can
// work on its files.
func closed(t *testing.T, sales int) *rig {
	t.Helper()
	r := open(t)
	for i := range sales {
		r.accept(lunch(fmt.Sprintf("S%d", i+1)))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// again opens the store again, however often it was closed.
func (r *rig) again() {
	r.t.Helper()
	s, err := Open(r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Store = s
}

// Close closes the store once, so that tests may close it early.
func (r *rig) Close() error {
	if r.Store == nil {
		return nil
	}
	r.tallied()
	s := r.Store
	r.Store = nil
	return s.Close()
}

func TestOneAgentPerFolder(t *testing.T) {
	r := open(t)
	synctest.Test(t, func(t *testing.T) { // waits for the lock in no time
		if s, err := Open(r.opts); !errors.Is(err, ErrInUse) {
			t.Fatalf("a second agent on the same folder: %v, %v; want ErrInUse", s, err)
		}
		if err := NewDatabase(r.opts); !errors.Is(err, ErrInUse) {
			t.Errorf("a new database under a running agent: %v", err)
		}
	})
	r.reopen() // the lock goes with the store
}

func TestDamageIsMovedAsideAndNeverReplaced(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string, data []byte) []byte{
		"header": func(_ *testing.T, _ string, d []byte) []byte { copy(d, "no database at all"); return d },
		"zeros":  func(_ *testing.T, _ string, d []byte) []byte { return make([]byte, len(d)) },
		"page": func(_ *testing.T, _ string, d []byte) []byte {
			copy(d[3*4096:], bytes.Repeat([]byte{0xa5}, 4096))
			return d
		},
		"schema": func(_ *testing.T, _ string, d []byte) []byte {
			copy(d[100:], bytes.Repeat([]byte{0xff}, 400))
			return d
		},
		"truncated": func(_ *testing.T, _ string, d []byte) []byte { return d[:len(d)/2] },
		"scrap":     func(*testing.T, string, []byte) []byte { return []byte("?") },
		"short":     func(_ *testing.T, _ string, d []byte) []byte { return bytes.Repeat([]byte("?"), smallest) },
		"empty":     func(*testing.T, string, []byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			r := closed(t, 3)
			r.opts.BackupDir = t.TempDir()
			backup := filepath.Join(r.opts.BackupDir, copyName("K0K0K", r.clock.Now()))
			for _, name := range []string{backup, filepath.Join(r.opts.BackupDir, "agent-T7T7T-2030-01-01.db")} { // the second is another till's
				if err := os.WriteFile(name, []byte("copy"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := (epochs{"K0K0K": 4}).write(r.opts.Path); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(r.opts.Path)
			if err != nil {
				t.Fatal(err)
			}
			data = damage(t, r.opts.Path, data)
			if err := os.WriteFile(r.opts.Path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			var first *DamagedError
			if s, err := Open(r.opts); !errors.As(err, &first) {
				t.Fatalf("opened as %v, %v; want a DamagedError", s, err)
			}
			if first.Reason == "" || first.Backup != backup || first.BackupAt.IsZero() || !first.FoundAt.Equal(r.clock.Now()) {
				t.Errorf("%+v", first)
			}
			kept, err := os.ReadFile(first.MovedTo)
			if err != nil || !bytes.Equal(kept, data) {
				t.Errorf("moved to %q: %d bytes, %v; want the %d as they were", first.MovedTo, len(kept), err, len(data))
			}
			var second *DamagedError
			if _, err := Open(r.opts); !errors.As(err, &second) || second.MovedTo != first.MovedTo || exists(r.opts.Path) {
				t.Fatalf("the next start: %v; want the same refusal and no new database", err)
			}
			if err := NewDatabase(r.opts); err != nil {
				t.Fatal(err)
			}
			r.again()
			if _, err := r.Sale(t.Context(), "S1"); !errors.Is(err, ErrNotFound) {
				t.Errorf("a new database knows S1: %v", err)
			}
			if !exists(first.MovedTo) {
				t.Error("the damaged database is gone")
			}
		})
	}
}

func TestVanishedDatabaseIsNotMadeAnew(t *testing.T) {
	r := closed(t, 1)
	if err := removeDatabase(r.opts.Path); err != nil {
		t.Fatal(err)
	}
	var gone *DamagedError
	if _, err := Open(r.opts); !errors.As(err, &gone) || gone.Reason != ReasonMissing || gone.MovedTo != "" {
		t.Fatalf("%v, want a DamagedError for a missing database", err)
	}
	// Put back by hand, it is still for Restore to say so.
	if err := os.WriteFile(r.opts.Path, []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(r.opts); !errors.As(err, &gone) || gone.MovedTo != "" || !exists(r.opts.Path) {
		t.Fatalf("%v, want the marker to hold and the file to stay", err)
	}
}

// TestNewDatabaseMintsInANewEpoch keeps the till code: only the epoch tells the
// numbers of the new database from those of the lost one.
func TestNewDatabaseMintsInANewEpoch(t *testing.T) {
	r := open(t, func(o *Options) { o.TillCode = "T1R5A" })
	before := r.accept(lunch("S1")).Standing.QRs[0].No
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := removeDatabase(r.opts.Path); err != nil {
		t.Fatal(err)
	}
	if err := NewDatabase(r.opts); err != nil {
		t.Fatal(err)
	}
	r.again()
	after := r.accept(lunch("S1")).Standing.QRs[0].No
	if before[:10] != "DEMOT1R5A0" || after[:10] != "DEMOT1R5A1" {
		t.Errorf("numbers %s and %s, want the epochs 0 and 1", before, after)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := NewDatabase(r.opts); err != nil { // nothing to do: it is whole
		t.Fatal(err)
	}
	r.again()
	if _, err := r.Sale(t.Context(), "S1"); err != nil {
		t.Errorf("NewDatabase lost a whole database: %v", err)
	}
}

func TestFirstStartBrokenOff(t *testing.T) {
	r := open(t, func(o *Options) { o.Path = filepath.Join(t.TempDir(), "agent.db") })
	empty := filepath.Join(t.TempDir(), "agent.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.opts.Path = empty
	r.reopen() // nothing was in it yet
}

// TestCheckLater finds in upkeep the damage that the start had no time for,
// and the next start acts on it.
func TestCheckLater(t *testing.T) {
	r := open(t)
	for i := range 50 {
		r.accept(lunch(fmt.Sprintf("S%d", i)))
	}
	if _, err := r.writer.conn.ExecContext(noDeadline, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	var page int64 // of an index, which opening does not read
	if err := r.reader.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = 'sales_view'").Scan(&page); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(r.opts.Path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0x5a}, 4096), (page-1)*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s := &Store{opts: r.opts, log: r.opts.Log, unchecked: true}
	s.opts.defaults()
	if s.reader, err = openReader(r.opts.Path); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if err := s.checkLater(t.Context()); !errors.As(err, &damaged) {
		t.Fatalf("%v, want a DamagedError", err)
	}
	if err := s.reader.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(r.opts); !errors.As(err, &damaged) || !exists(damaged.MovedTo) || exists(r.opts.Path) {
		t.Fatalf("the next start: %v; want the database moved aside", err)
	}
	if !strings.Contains(damaged.Error(), "moved to") || damaged.FoundAt.Before(r.clock.Now().Add(-time.Hour)) {
		t.Errorf("%v", damaged)
	}
}

func TestNewerDatabaseIsLeftAlone(t *testing.T) {
	r := open(t)
	if _, err := r.writer.conn.ExecContext(noDeadline, "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if _, err := Open(r.opts); err == nil || errors.As(err, &damaged) || !strings.Contains(err.Error(), "install the newer program") {
		t.Errorf("%v, want the advice to install the newer program", err)
	}
	if !exists(r.opts.Path) {
		t.Error("it was moved")
	}
}

func TestEpochs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	e, err := readEpochs(path)
	if err != nil || len(e) != 0 {
		t.Fatal(e, err)
	}
	e.used("T1R5A", 3)
	e.used("T1R5A", 2)
	e.used("K0K0K", lastEpoch)
	if err := e.write(path); err != nil {
		t.Fatal(err)
	}
	if e, err = readEpochs(path); err != nil {
		t.Fatal(err)
	}
	for till, want := range map[string]int{"T1R5A": 4, "ZZZZZ": 0} {
		if n, err := e.next(till); err != nil || n != want {
			t.Errorf("the next epoch of %s is %d, %v; want %d", till, n, err, want)
		}
	}
	var over *EpochsUsedUpError
	if _, err := e.next("K0K0K"); !errors.As(err, &over) || over.Till != "K0K0K" {
		t.Errorf("after the last epoch: %v", err)
	}
	for _, bad := range []string{"T1R5A", "T1R5A x", "LOUIS 1", "T1R5A 32", "T1R5A -1"} {
		if err := os.WriteFile(epochPath(path), []byte(bad+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEpochs(path); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// FuzzEpochs reads any file; what it takes is written and read again as it was.
func FuzzEpochs(f *testing.F) {
	for _, seed := range []string{"", "T1R5A 0\n", "T1R5A 3\nK0K0K 31\n", "T1R5A 3\r\nT1R5A 2", "T1R5A\n", "\x00"} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "agent.db")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(epochPath(path), text, 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := readEpochs(path)
		if err != nil {
			return
		}
		if err := first.write(path); err != nil {
			t.Fatal(err)
		}
		if second, err := readEpochs(path); err != nil || !maps.Equal(first, second) {
			t.Errorf("%v became %v, %v", first, second, err)
		}
	})
}
