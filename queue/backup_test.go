package queue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// whole verifies a database and gives the report.
func whole(t *testing.T, path string) *Report {
	t.Helper()
	report, err := Verify(t.Context(), path)
	if err != nil || !report.Whole() {
		t.Fatalf("%s: %+v, %v; want a whole database", path, report, err)
	}
	return report
}

// names are the files of a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestBackupWhileSalesGoOn(t *testing.T) {
	r := open(t)
	for i := range 20 {
		r.accept(lunch(fmt.Sprintf("A%d", i)))
	}
	stop := make(chan struct{})
	var tills sync.WaitGroup
	for n := range 2 {
		tills.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				s := lunch(fmt.Sprintf("B%d-%d", n, i))
				if _, _, err := r.AcceptSale(context.Background(), s, s.Digest()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	dir := t.TempDir()
	to := filepath.Join(dir, "till copy.db")
	for range 3 { // the second and third replace the one before
		if err := r.Backup(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if report := whole(t, to); report.Sales < 20 {
			t.Errorf("the copy has %d sales, want all 20 from before it", report.Sales)
		}
	}
	close(stop)
	tills.Wait()
	if got := names(t, dir); !slices.Equal(got, []string{"till copy.db"}) {
		t.Errorf("beside the copy lie %q", got)
	}
	if info, err := os.Stat(to); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("%v %v, want a file for its owner alone", info.Mode(), err)
	}
	c := open(t, func(o *Options) { o.Path = to })
	if _, err := c.Sale(t.Context(), "A19"); err != nil {
		t.Error(err)
	}
}

func TestBackupRefusesToOverwriteADatabaseInUse(t *testing.T) {
	r, other := open(t), open(t)
	r.accept(lunch("S1"))
	other.accept(lunch("S2"))
	for _, to := range []string{r.opts.Path, other.opts.Path, filepath.Join(t.TempDir(), "no folder", "x.db")} {
		if err := r.Backup(t.Context(), to); err == nil {
			t.Errorf("backed up to %s", to)
		}
	}
	if _, err := other.Sale(t.Context(), "S2"); err != nil {
		t.Error(err)
	}
}

func TestBackupLeavesNothingHalf(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	dir := t.TempDir()
	to := filepath.Join(dir, "x.db")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Backup(gone, to); err == nil {
		t.Error("a cancelled backup says it is done")
	}
	if err := BackupFile(t.Context(), filepath.Join(dir, "no such.db"), to); err == nil {
		t.Error("a missing database was backed up")
	}
	if got := names(t, dir); len(got) > 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestDailyCopies(t *testing.T) {
	r := open(t, func(o *Options) { o.TillCode = "T1R5A" })
	r.accept(lunch("S1"))
	dir := filepath.Join(t.TempDir(), "backups")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"agent-ZZZZZ-2020-01-01.db", "agent-T1R5A-notes.db", "other.txt", partPrefix + "agent-T1R5A-2026-11-21.db-123"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made := map[string]time.Time{}
	for range 5 {
		for range 2 { // the second finds the copy of the day
			if err := r.dailyCopy(t.Context(), dir, 3); err != nil {
				t.Fatal(err)
			}
			path, at := newestCopy(dir, epochs{"T1R5A": 0}, r.clock.Now())
			if before, seen := made[path]; seen && !before.Equal(at) {
				t.Errorf("%s was made twice", path)
			}
			made[path] = at
			whole(t, path)
		}
		r.clock.add(24 * time.Hour)
	}
	// 12:00 UTC on 22 November is still that day in Beijing.
	want := []string{"agent-T1R5A-2026-11-24.db", "agent-T1R5A-2026-11-25.db", "agent-T1R5A-2026-11-26.db", "agent-T1R5A-notes.db", "agent-ZZZZZ-2020-01-01.db", "other.txt"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder has\n%q, want\n%q", got, want)
	}
	if err := r.dailyCopy(t.Context(), filepath.Join(dir, "other.txt", "sub"), 3); err == nil || !strings.Contains(err.Error(), "backup folder") {
		t.Errorf("a folder that cannot be made: %v", err)
	}
}

// TestDailyCopyStays sets the clock years ahead and back, as a machine with a
// flat battery does: the copy of today is made once and stays, whatever the
// names of the others say.
func TestDailyCopyStays(t *testing.T) {
	r := open(t, func(o *Options) { o.TillCode = "T1R5A" })
	dir := t.TempDir()
	for _, by := range []int{0, 10, -30} {
		r.clock.add(time.Duration(by) * 365 * 24 * time.Hour)
		path := filepath.Join(dir, copyName("T1R5A", r.clock.Now()))
		var made os.FileInfo
		for range 2 {
			if err := r.dailyCopy(t.Context(), dir, 1); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if made != nil && !os.SameFile(made, info) {
				t.Errorf("%s was made twice", path)
			}
			made = info
		}
		if got := names(t, dir); len(got) != 1 {
			t.Errorf("the folder has %q, want one copy", got)
		}
	}
}

// BenchmarkAcceptDuringBackup is how long a sale waits for its commit while a
// database of 200 MB is copied over and over.
func BenchmarkAcceptDuringBackup(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(Options{Path: filepath.Join(dir, "b.db"), Prefix: "DEMO"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.writer.conn.ExecContext(noDeadline, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
		INSERT INTO sales (sale_id, digest, body, total, wish, view, accepted_at, updated_at)
		SELECT 'F' || i, hex(randomblob(32)), '{"x":"' || hex(randomblob(900)) || '"}', 100, 'none', 'recorded', i, i FROM n`); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var copying sync.WaitGroup
	copying.Go(func() {
		for ctx.Err() == nil {
			if err := s.Backup(ctx, filepath.Join(dir, "copy.db")); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		}
	})
	n, longest := 0, time.Duration(0)
	for b.Loop() {
		n++
		sale := lunch(fmt.Sprintf("B%d", n))
		began := time.Now()
		if _, _, err := s.AcceptSale(b.Context(), sale, sale.Digest()); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(began))
	}
	cancel()
	copying.Wait()
	b.ReportMetric(float64(longest.Microseconds()), "µs-longest")
}
