package queue

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tillagent/trade"
)

// tampered is a database with sales and a refund, changed by other means than
// the store.
func tampered(t *testing.T, statements ...string) string {
	t.Helper()
	r := open(t)
	for i := range 5 {
		r.accept(lunch(fmt.Sprintf("S%d", i+1)))
	}
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, r.opts.Path, statements...)
	return r.opts.Path
}

func tamper(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", fileURL(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// versions is what is said of a version that this program does not know.
func versions(t *testing.T, version int) string {
	t.Helper()
	known, err := migrationNames()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("version %d, this program knows 1 to %d", version, len(known))
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	good, err := os.ReadFile(tampered(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		statements []string
		check      string
		seq        int64
		what       string
	}{
		"changed entry":     {[]string{"UPDATE journal SET digest = 'x' WHERE seq = 3"}, CheckJournal, 3, "the entry does not match its hash: it or the one before was changed"},
		"missing entry":     {[]string{"DELETE FROM journal WHERE seq = 2"}, CheckJournal, 2, "the entry is missing, the next one is 3"},
		"first entry gone":  {[]string{"DELETE FROM journal WHERE seq = 1"}, CheckJournal, 1, "the entry is missing, the next one is 2"},
		"entries swapped":   {[]string{"UPDATE journal SET seq = -1 WHERE seq = 2", "UPDATE journal SET seq = 2 WHERE seq = 3", "UPDATE journal SET seq = 3 WHERE seq = -1"}, CheckJournal, 2, "the entry does not match its hash: it or the one before was changed"},
		"journal cut short": {[]string{"DELETE FROM journal WHERE seq >= (SELECT seq FROM journal WHERE kind = 'RefundAccepted')"}, CheckRefunded, 0, "R1"},
		"sale slipped in": {[]string{`INSERT INTO sales (sale_id, digest, body, total, wish, view, accepted_at, updated_at) VALUES ('X','d','{}',1,'none','recorded',0,0)`},
			CheckAccepted, 0, "X"},
		"sale changed":    {[]string{"UPDATE sales SET digest = 'other' WHERE sale_id = 'S2'"}, CheckAccepted, 0, "S2"},
		"sale removed":    {[]string{"DELETE FROM prints WHERE sale = 5", "DELETE FROM ops WHERE sale = 5", "DELETE FROM qrs WHERE sale = 5", "DELETE FROM sales WHERE seq = 5"}, CheckMissing, 0, "S5"},
		"refund too big":  {[]string{"UPDATE refunds SET amount = 5851"}, CheckRefunds, 0, "S1"},
		"orphan":          {[]string{"PRAGMA foreign_keys = 0", "UPDATE ops SET sale = 99 WHERE sale = 2"}, CheckKeys, 0, "ops row 99"},
		"newer program's": {[]string{"PRAGMA user_version = 99"}, CheckOpen, 0, versions(t, 99)},
		"somebody else's": {[]string{"PRAGMA user_version = 0"}, CheckOpen, 0, versions(t, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "agent.db")
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
			tamper(t, path, c.statements...)
			report, err := Verify(t.Context(), path)
			if err != nil || report.Whole() {
				t.Fatalf("%+v, %v; want a problem", report, err)
			}
			if p := report.Problems[0]; p != (Problem{c.check, c.seq, c.what}) {
				t.Errorf("found %+v, want %+v", p, Problem{c.check, c.seq, c.what})
			}
		})
	}
}

func TestVerifyDamagedFiles(t *testing.T) {
	path := tampered(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data  []byte
		check string
	}{
		"no database": {bytes.Repeat([]byte("x"), 10_000), CheckOpen},
		"cut":         {data[:len(data)/2], CheckIntegrity},
	} {
		file := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(file, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := Verify(t.Context(), file)
		if err != nil || report.Whole() || report.Problems[0].Check != c.check && report.Problems[0].Check != CheckOpen {
			t.Errorf("%s: %+v, %v; want %s", name, report, err, c.check)
		}
	}
	if _, err := Verify(t.Context(), filepath.Join(t.TempDir(), "none.db")); err == nil {
		t.Error("a missing file was verified")
	}
}

// TestVerifyLooksOnly verifies a database in use, one that a power cut left
// with its -wal, and one at rest, and leaves all of them as they are.
func TestVerifyLooksOnly(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.accept(lunch("S2"))
	if report := whole(t, r.opts.Path); report.Sales != 2 || report.Journal != 2 || len(report.Head) != 64 {
		t.Errorf("in use: %+v", report)
	}
	cut := filepath.Join(t.TempDir(), "agent.db")
	for _, side := range []string{"", "-wal"} {
		data, err := os.ReadFile(r.opts.Path + side)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(cut+side, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if report := whole(t, cut); report.Sales != 2 {
		t.Errorf("after a power cut: %+v", report)
	}
	after := open(t, func(o *Options) { o.Path = cut }) // nothing was taken from its -wal
	if _, err := after.Sale(t.Context(), "S2"); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(r.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, r.opts.Path)
	if data, err := os.ReadFile(r.opts.Path); err != nil || !bytes.Equal(before, data) {
		t.Errorf("verifying changed the file (%v)", err)
	}
}

// TestVerifySavedDatabases looks at what earlier versions saved before this
// program migrates it.
func TestVerifySavedDatabases(t *testing.T) {
	for _, path := range savedDatabases(t) {
		if report := whole(t, path); report.Sales != 5 {
			t.Errorf("%+v", report)
		}
	}
}
