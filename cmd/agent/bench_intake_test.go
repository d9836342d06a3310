package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// recordSize is the size of what the disk and SQLite alone are measured with.
const recordSize = 1 << 10

// flushTime is what the slow disk needs longer for each flush: about what the
// small SSDs in tills take. The disks of test machines often flush into memory
// that outlives a power cut, in a tenth of a millisecond.
const flushTime = 5 * time.Millisecond

// BenchmarkIntake measures how fast sales are taken, beside what the same disk
// does with the least that a durable record needs.
func BenchmarkIntake(b *testing.B) {
	dir := benchDir(b)
	var disk, message, trip time.Duration
	b.Run("append+fsync", func(b *testing.B) { disk = benchAppend(b, dir) })
	b.Run("sqlite-one-transaction-each", func(b *testing.B) { message = benchTransactions(b, dir) })
	t, _ := startTill(b, filepath.Join(dir, "data"))
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("bare-call/callers=%d", callers), func(b *testing.B) {
			took := t.load(b, callers, http.StatusOK, func(int64) (string, string, string) { return http.MethodGet, "/healthz", "" })
			took.report(b)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			if callers == 1 {
				trip = took.at(0.5)
			}
		})
	}
	benchCallers(b, t, disk+trip, message)
	t.stop()
	b.Run("database", func(b *testing.B) {
		b.ReportMetric(bytesPerSale(b, filepath.Join(dir, "data", "agent.db")), "bytes/sale")
		b.ReportMetric(0, "ns/op")
	})
	b.Run(fmt.Sprintf("disk+%v", flushTime), func(b *testing.B) {
		slow, _ := startTill(b, filepath.Join(dir, "slow"), slowedDisk(b)...)
		benchCallers(b, slow, disk+trip+flushTime, message+flushTime)
	})
}

// slowedDisk is the command under which an agent waits flushTime longer for each
// flush of the disk.
func slowedDisk(b *testing.B) []string {
	if out, err := exec.Command("strace", "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		b.Skipf("SKIPPED: strace, which slows the disk down, does not run here: %v\n%s", err, out)
	}
	// With -D the agent is our child, with --seccomp-bpf other calls go on at full speed.
	return []string{"strace", "-D", "-f", "--seccomp-bpf", "-o", os.DevNull, "-e", "signal=none",
		"-e", "trace=fsync,fdatasync", "-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", flushTime.Microseconds())}
}

// benchCallers posts sales from 1, 16 and 64 callers at a time. least is what
// one caller waits at the least, message the time of a transaction of its own.
func benchCallers(b *testing.B, t *till, least, message time.Duration) {
	var posted atomic.Int64
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			took := t.load(b, callers, http.StatusCreated, func(int64) (string, string, string) {
				return http.MethodPost, "/v1/sales", supper(fmt.Sprintf("B%09d", posted.Add(1)))
			})
			took.report(b)
			rate := float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate, "sales/s")
			switch callers {
			case 1:
				ratio(b, micros(took.at(0.5)), micros(least), "p50÷(fsync+call)")
			case 64:
				ratio(b, rate*message.Seconds(), 1, "×one-transaction-each")
			}
		})
	}
}

// benchAppend appends records to a file, each to the disk before the next.
func benchAppend(b *testing.B, dir string) time.Duration {
	f, err := os.Create(filepath.Join(dir, "append"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	record := bytes.Repeat([]byte("x"), recordSize)
	var took samples
	for b.Loop() {
		began := time.Now()
		if _, err := f.Write(record); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	took.report(b)
	return took.at(0.5)
}

// benchTransactions stores records in SQLite, each in a transaction of its
// own, with the settings that the agent has. It gives the mean time of one.
func benchTransactions(b *testing.B, dir string) time.Duration {
	db, err := sql.Open("sqlite", filepath.Join(dir, "messages.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE messages (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT"); err != nil {
		b.Fatal(err)
	}
	body := strings.Repeat("x", recordSize)
	var took samples
	for b.Loop() {
		began := time.Now()
		if _, err := db.Exec("INSERT INTO messages (body) VALUES (?)", body); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	took.report(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
	return b.Elapsed() / time.Duration(b.N)
}

// bytesPerSale is what the pages of a database take, by the sales in it.
func bytesPerSale(b *testing.B, path string) float64 {
	db, err := sql.Open("sqlite", path+"?_pragma=query_only(1)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var bytes, sales float64
	if err := db.QueryRow("SELECT page_count * page_size, (SELECT count(*) FROM sales) FROM pragma_page_count, pragma_page_size").Scan(&bytes, &sales); err != nil {
		b.Fatal(err)
	}
	return bytes / max(sales, 1)
}
