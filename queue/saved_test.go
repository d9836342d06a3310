package queue

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/trade"
)

var update = flag.Bool("update", false, "save the databases of versions that are not saved yet")

// savedV1 is a database as the first version left it: one row or more in every
// table. It is SQL and not calls of the store, so that it stays what it was.
func savedV1(t *testing.T, path string) {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	tables, err := os.ReadFile("migrations/0001.sql")
	if err != nil {
		t.Fatal(err)
	}
	exec(string(tables))
	exec("PRAGMA user_version = 1")

	mint := trade.Mint{Prefix: "DEMO", Till: "T1R5A"}
	t0 := time.Date(2025, 11, 22, 4, 0, 0, 0, time.UTC).UnixMilli()
	for k, v := range map[string]string{metaTill: mint.Till, metaEpoch: "0", metaCounter: "105", "checked_at": fmt.Sprint(t0)} {
		exec("INSERT INTO meta VALUES (?,?)", k, v)
	}
	seq, hash := int64(0), ""
	journal := func(kind, sale, ref, state, digest string) {
		seq++
		h := entry{kind, sale, ref, state, digest}.hash(hash, seq, t0+seq)
		exec("INSERT INTO journal VALUES (?,?,?,?,?,?,?,?)", seq, t0+seq, kind, sale, ref, state, digest, h)
		exec("INSERT INTO events (at, type, sale_id, refund_id, state) VALUES (?,?,?,?,?)", t0+seq, "sale."+state, sale, ref, state)
		hash = h
	}
	const body = `{"sale_id":"%s","sold_at":"2025-11-22T12:00:00+08:00","total":"58.50","items":[{"sku":"","name":"午餐","spec":"","unit":"","quantity":"","unit_price":"","amount":"60.00","discount":"-1.50","tax_code":"3070401000000000000","tax_rate":"0.06","zero_tax_flag":""}],"payments":null,"cashier":"","register":"","shop_num":"","remark":"","buyer":{"name":"某某公司","tax_no":"91110108MA00000000","address":"","phone":"","bank":"","account":"","email":"","mobile":"13800000000"},"invoice":"%s","print":{"mode":"receipt","copies":1,"open_drawer":false}}`
	sale := func(id, wish, view, problem string) (digest string) {
		digest = strings.Repeat(id, 32)[:64]
		exec("INSERT INTO sales (sale_id, digest, body, total, wish, view, problem, accepted_at, updated_at) VALUES (?,?,?,5850,?,?,?,?,?)",
			id, digest, fmt.Sprintf(body, id, wish), wish, view, problem, t0, t0+60_000)
		journal("SaleAccepted", id, "", "queued", digest)
		return digest
	}
	qr := func(sale, counter int64, state, url string) {
		exec("INSERT INTO qrs VALUES (?,0,?,5850,?,?,'123456789012',?,?,0)", sale, mint.Number(counter, 0), state, url, t0+86_400_000*180, t0+1000)
	}
	print := func(id string, sale int64, refund, paper, state string, due int64) {
		exec("INSERT INTO prints (job_id, sale, refund_id, paper, state, copies, with_qr, attempts, due_at, created_at) VALUES (?,?,?,?,?,1,1,1,?,?)",
			id, sale, refund, paper, state, due, t0)
		journal("Print", "", id, state, "")
	}
	op := func(sale int64, kind, lane string) {
		exec("INSERT INTO ops VALUES (?,?,0,'',?,'ready',3,?)", sale, kind, lane, t0)
	}

	sale("A1", "qr", "qr_ready", "")
	qr(1, 101, "active", "https://example.com/q1")
	op(1, "qr_query", "watch")
	print("sale:A1", 1, "", "receipt", "printed", t0)

	sale("A2", "qr", "queued", "")
	qr(2, 102, "ready", "")
	op(2, "qr_create", "backlog")
	print("sale:A2", 2, "", "receipt", "printed", t0)
	print("slip-A2", 2, "", "slip", "waiting_qr", never.UnixMilli())

	sale("A3", "qr", "red_flushed", "")
	qr(3, 103, "consumed", "https://example.com/q3")
	red := mint.Number(104, 0)
	exec(`INSERT INTO invoices (sale, serial, gen, kind, refund_id, state, amount, net, tax, number, issued_at) VALUES
		(3,'P3',0,'blue','','red_full',5850,5519,331,'25110000000000000001',?1), (3,?2,0,'red','R3','issued',-5850,-5519,-331,'25110000000000000002',?1)`, t0, red)
	refund := strings.Repeat("R3", 32)
	exec("INSERT INTO refunds VALUES ('R3',3,?,?,5850,'sales_return','done','red_flush',?,'',?,?)", refund,
		`{"refund_id":"R3","sale_id":"A3","amount":"0.00","items":null,"reason":"sales_return","print":{"mode":"receipt","copies":1,"open_drawer":false}}`, red, t0, t0)
	journal("RefundAccepted", "A3", "R3", "requested", refund)
	print("refund:R3", 3, "R3", "refund", "printed", t0)

	sale("A4", "none", "recorded", "")
	print("sale:A4", 4, "", "receipt", "uncertain", t0)
	exec("INSERT INTO alerts (kind, subject, sale_id, title, detail, action, raised_at, last_at) VALUES ('printer','uncertain:A4','A4',?,'','',?,?)",
		`{"key":"print_uncertain","args":["A4"]}`, t0, t0)

	sale("A5", "qr", "rejected", `{"key":"sale_refused","args":["8016","税收分类编码"]}`)
	qr(5, 105, "rejected", "")
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

// saveMissing makes the database of each version that is not saved yet: of the
// first by hand, of each further one by its migration. A saved one is never
// made again: it is what shops have.
func saveMissing(t *testing.T) {
	t.Helper()
	names, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		path := fmt.Sprintf("testdata/v%d.db", i+1)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if i == 0 {
			savedV1(t, path)
			continue
		}
		data, err := os.ReadFile(fmt.Sprintf("testdata/v%d.db", i))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		migration, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", dsn(abs, ""))
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		for _, query := range []string{string(migration), fmt.Sprintf("PRAGMA user_version = %d", i+1), "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
			if _, err := db.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// savedDatabases gives copies of the databases that earlier versions saved.
func savedDatabases(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/v*.db")
	versions, err2 := filepath.Glob("migrations/*.sql")
	if err != nil || err2 != nil || len(names) != len(versions) {
		t.Fatalf("%d databases are saved for %d versions; run with -update (%v, %v)", len(names), len(versions), err, err2)
	}
	var copies []string
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), filepath.Base(name))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, path)
	}
	return copies
}

// TestSavedDatabases opens with this program what every earlier version left.
func TestSavedDatabases(t *testing.T) {
	if *update {
		saveMissing(t)
	}
	for _, path := range savedDatabases(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			r := open(t, func(o *Options) { o.Path = path })
			if err := r.VerifyJournal(); err != nil {
				t.Error(err)
			}
			for id, view := range map[string]trade.SaleState{"A1": trade.StateQRReady, "A2": trade.StateQueued, "A3": trade.StateRedFlushed,
				"A4": trade.StateRecorded, "A5": trade.StateRejected} {
				rec, err := r.Sale(t.Context(), id)
				if err != nil {
					t.Errorf("%s: %v", id, err)
					continue
				}
				if rec.Standing.View() != view || rec.Sale.Total != 5850 || rec.Sale.Items[0].Name != "午餐" || rec.Sale.Buyer.Mobile != "13800000000" {
					t.Errorf("%s is %s and reads %+v, want %s", id, rec.Standing.View(), rec.Sale, view)
				}
			}
			c := r.claim(trade.LaneBacklog, trade.OpCreateQR)
			r.settle(c, r.created())
			if p := r.claimPrint(); p.Record.Sale.ID != "A2" || p.Paper != trade.PaperSlip || !p.WithQR {
				t.Errorf("claimed %+v, want the slip of A2 that waited", p.Print)
			}
			rec, err := r.Refund(t.Context(), "R3")
			if err != nil || rec.Standing.Refunds[0].State != trade.RefDone || len(rec.Standing.Invoices) != 2 {
				t.Errorf("R3: %+v, %v", rec, err)
			}
			if as, err := r.ActiveAlerts(); err != nil || len(as) != 1 || as[0].SaleID != "A4" {
				t.Errorf("alerts %+v, %v", as, err)
			}
			if rec := r.accept(lunch("B1")); rec.Standing.QRs[0].No[4:10] != "T1R5A0" {
				t.Errorf("the next number is %s, want the same till and epoch", rec.Standing.QRs[0].No)
			}
		})
	}
}
