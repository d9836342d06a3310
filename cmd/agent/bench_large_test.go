package main

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// The sales of the small database, and how many times the large one has them.
// Making that takes a minute or two and some gigabytes, so it is made only where
// BENCH_LARGE=1, and kept for the next time.
const (
	fewSales = 1_000
	copied   = 1_000
)

// BenchmarkStock measures the agent on databases with sales of days long past:
// how soon it takes sales after its start, the memory it has then, and how long
// it takes to read one.
func BenchmarkStock(b *testing.B) {
	dir := filepath.Join(benchDir(b), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	fillStock(b, filepath.Join(dir, "agent.db"))
	var few samples
	b.Run(fmt.Sprintf("sales=%d", fewSales), func(b *testing.B) { few = benchStock(b, dir, fewSales, nil) })
	b.Run(fmt.Sprintf("sales=%d", fewSales*copied), func(b *testing.B) {
		if os.Getenv("BENCH_LARGE") != "1" {
			b.Skip("SKIPPED: making the database takes minutes and some gigabytes; BENCH_LARGE=1 runs it")
		}
		benchStock(b, largeStock(b, dir), fewSales*copied, few)
	})
}

// benchStock gives how long the readings of a sale took. few are those of the
// small database, to compare with.
func benchStock(b *testing.B, dir string, sales int, few samples) samples {
	const starts, readings = 5, 5000
	var started samples
	var reads samples
	for n := range starts {
		t, took := startTill(b, dir)
		started = append(started, took)
		if n < starts-1 {
			t.stop()
			continue
		}
		if memory, ok := residentBytes(t.cmd.Process.Pid); ok {
			b.ReportMetric(memory/(1<<20), "MiB-after-start")
		}
		c, err := t.dial()
		if err != nil {
			b.Fatal(err)
		}
		for i := range readings {
			path := "/v1/sales/" + stockID(i*7919%sales)
			began := time.Now()
			status, answer, err := c.call(http.MethodGet, path, "")
			if err != nil || status != http.StatusOK {
				b.Fatalf("%s: %d %s %v", path, status, answer, err)
			}
			reads = append(reads, time.Since(began))
		}
		for _, look := range []string{"/v1/status", "/metrics"} {
			c.look(b, look)
		}
		if err := c.conn.Close(); err != nil {
			b.Error(err)
		}
		if memory, ok := residentBytes(t.cmd.Process.Pid); ok {
			b.ReportMetric(memory/(1<<20), "MiB-after-reading")
		}
		t.stop()
	}
	reads.report(b)
	if few != nil {
		ratio(b, micros(reads.at(0.5)), micros(few.at(0.5)), "÷few-p50")
	}
	b.ReportMetric(micros(started.at(0.5))/1e3, "start-p50-ms")
	b.ReportMetric(bytesPerSale(b, filepath.Join(dir, "agent.db")), "bytes/sale")
	return reads
}

// look asks for what is counted: the first time, and the median of the next.
func (c *caller) look(b *testing.B, path string) {
	b.Helper()
	const times = 50
	var first time.Duration
	var next samples
	for i := range times {
		began := time.Now()
		status, answer, err := c.call(http.MethodGet, path, "")
		if err != nil || status != http.StatusOK {
			b.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
		if took := time.Since(began); i == 0 {
			first = took
		} else {
			next = append(next, took)
		}
	}
	b.ReportMetric(micros(first)/1e3, path+"-first-ms")
	b.ReportMetric(micros(next.at(0.5))/1e3, path+"-p50-ms")
}

// residentBytes is the memory of a process, where /proc tells.
func residentBytes(pid int) (float64, bool) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(text), " kB"))
			return float64(kb) * 1024, err == nil
		}
	}
	return 0, false
}

// stockID is the id of the n-th sale of a stock.
func stockID(n int) string {
	id := fmt.Sprintf("OLD%04d", n%fewSales)
	if k := n / fewSales; k > 0 {
		id += fmt.Sprintf("-%d", k)
	}
	return id
}

// largeStock makes the large database of the small one in dir, unless there is
// one of the same version from an earlier run. It gives its folder.
func largeStock(b *testing.B, dir string) string {
	b.Helper()
	root, err := filepath.Abs(benchRoot)
	if err != nil {
		b.Fatal(err)
	}
	kept := filepath.Join(root, "stock")
	if schemaVersion(b, kept) == schemaVersion(b, dir) {
		return kept
	}
	making := filepath.Join(root, "stock.part")
	for _, old := range []string{kept, making} {
		if err := os.RemoveAll(old); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.CopyFS(making, os.DirFS(dir)); err != nil {
		b.Fatal(err)
	}
	// A copy has other rights, which the agent refuses for its token; it makes another.
	if err := os.Remove(filepath.Join(making, "api-token")); err != nil {
		b.Fatal(err)
	}
	multiply(b, filepath.Join(making, "agent.db"))
	if err := os.Rename(making, kept); err != nil {
		b.Fatal(err)
	}
	return kept
}

// schemaVersion is that of the database in a folder; 0 where there is none.
func schemaVersion(b *testing.B, dir string) (n int) {
	b.Helper()
	path := filepath.Join(dir, "agent.db")
	if _, err := os.Stat(path); err != nil {
		return 0
	}
	db, err := sql.Open("sqlite", path+"?_pragma=query_only(1)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("PRAGMA user_version").Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// fillStock takes fewSales sales of half a year ago to their end, through the
// store's own events: sold, fetched, printed, invoiced.
func fillStock(b *testing.B, path string) {
	b.Helper()
	now := time.Now().AddDate(0, -6, 0)
	s, err := queue.Open(queue.Options{Path: path, Prefix: "DEMO", QRValid: 30 * 24 * time.Hour, Printer: true, Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	settle := func(lane trade.Lane, outcome func(op trade.Op) trade.Event) {
		b.Helper()
		c, _, err := s.ClaimOp(b.Context(), lane)
		must(err)
		if c == nil {
			b.Fatalf("nothing to do in lane %s", lane)
		}
		must(s.Settle(c, outcome(c.Op)))
	}
	for n := range fewSales {
		now = now.Add(time.Minute)
		sale := trade.Sale{ID: stockID(n), Payments: []trade.Payment{{Method: "wechat", Amount: 14000}}, Cashier: "02", Register: "1"}
		for i := range 5 {
			sale.Items = append(sale.Items, trade.Line{SKU: fmt.Sprintf("6901028075%03d", i), Name: "宫保鸡丁盖浇饭(大份)", Unit: "份",
				Quantity: 2_0000_0000, UnitPrice: 14_0000_0000, Amount: 2800, TaxCode: "3070401000000000000", Rate: 6})
			sale.Total += 2800
		}
		sale.Normalise()
		_, _, err := s.AcceptSale(b.Context(), sale, sale.Digest())
		must(err)
		serial := fmt.Sprintf("DEMO2026%012d", n)
		settle(trade.LaneLive, func(op trade.Op) trade.Event {
			return trade.QRCreated{Gen: op.Gen, URL: "https://fpkj.vpiaotong.com/tp/qr/" + serial, ExtractCode: "1234", At: now}
		})
		p, _, err := s.ClaimPrint(b.Context(), trade.ReceiptPrinter)
		must(err)
		must(s.SettlePrint(p, trade.PaperPrinted, "", now))
		settle(trade.LaneWatch, func(op trade.Op) trade.Event {
			return trade.QRSeen{Gen: op.Gen, Invoices: []trade.SeenInvoice{{Serial: serial, Amount: sale.Total}}, At: now}
		})
		settle(trade.LaneWatch, func(trade.Op) trade.Event {
			return trade.InvoiceSeen{Serial: serial, State: trade.InvIssued, Net: 13208, Tax: 792, Number: "2644" + serial[:16], IssuedAt: now,
				DownloadURL: "https://fpkj.vpiaotong.com/tp/invoice/" + serial, At: now}
		})
	}
	must(s.Close())
}

// differs is what is other in the k-th copy of a row, by table and column. own
// is the highest seq of the row's table before copying. The journal's hashes are
// copied as they are, so that its chain is not whole; nothing measured walks it.
var differs = []struct {
	table   string
	columns map[string]string
}{
	{"sales", map[string]string{"seq": "seq + k*own", "sale_id": "sale_id || '-' || k"}},
	{"qrs", map[string]string{"sale": copiedSale, "no": "printf('DEMO%016d', " + copiedSale + ")"}},
	{"invoices", map[string]string{"sale": copiedSale}},
	{"prints", map[string]string{"seq": "seq + k*own", "job_id": "job_id || '-' || k", "sale": copiedSale}},
	{"events", map[string]string{"seq": "seq + k*own", "sale_id": "sale_id || '-' || k"}},
	{"journal", map[string]string{"seq": "seq + k*own", "sale": "sale || '-' || k"}},
}

var copiedSale = fmt.Sprintf("sale + k*%d", fewSales)

// multiply makes copies of all sales of a database, each table in one
// transaction.
func multiply(b *testing.B, path string) {
	b.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(query string) {
		b.Helper()
		if _, err := db.Exec(query); err != nil {
			b.Fatalf("%s: %v", query, err)
		}
	}
	for _, d := range differs {
		var columns, values []string
		rows, err := db.Query("SELECT name FROM pragma_table_info(?)", d.table)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				b.Fatal(err)
			}
			value := d.columns[name]
			if value == "" {
				value = name
			}
			columns, values = append(columns, name), append(values, value)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			b.Fatal(err)
		}
		own := "0"
		if d.columns["seq"] != "" {
			own = "(SELECT max(seq) FROM " + d.table + ")"
		}
		exec("CREATE TEMP TABLE source AS SELECT *, " + own + " AS own FROM " + d.table)
		exec(fmt.Sprintf("INSERT INTO %s (%s) WITH RECURSIVE ks(k) AS (SELECT 1 UNION ALL SELECT k+1 FROM ks WHERE k < %d) SELECT %s FROM ks CROSS JOIN source",
			d.table, strings.Join(columns, ", "), copied-1, strings.Join(values, ", ")))
		exec("DROP TABLE source")
	}
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
}
