package queue

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillagent/trade"
)

// openBench opens a store on the disk of the sources: the system's folder for
// temporary files is in memory on many machines, where a commit costs nothing.
func openBench(b *testing.B) *Store {
	b.Helper()
	root, err := filepath.Abs("../.bench")
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, "queue")
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(Options{Path: filepath.Join(dir, "agent.db"), Prefix: "DEMO", QRValid: 180 * 24 * time.Hour, Printer: true, QRWait: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return s
}

// supper is a sale of five lines, about 1 KiB in all.
func supper(n int64) trade.Sale {
	s := trade.Sale{ID: fmt.Sprintf("B%09d", n), SoldAt: time.Now(), Payments: []trade.Payment{{Method: "wechat", Amount: 14000}}, Cashier: "02", Register: "1"}
	for i := range 5 {
		s.Items = append(s.Items, trade.Line{SKU: fmt.Sprintf("6901028075%03d", i), Name: "宫保鸡丁盖浇饭(大份)", Unit: "份",
			Quantity: 2_0000_0000, UnitPrice: 14_0000_0000, Amount: 2800, TaxCode: "3070401000000000000", Rate: 6})
		s.Total += 2800
	}
	s.Normalise()
	return s
}

// BenchmarkIntake is the intake without HTTP, with so many callers at a time.
func BenchmarkIntake(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := openBench(b)
			var next atomic.Int64
			var working sync.WaitGroup
			b.ResetTimer()
			for range callers {
				working.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						sale := supper(n)
						if _, created, err := s.AcceptSale(b.Context(), sale, sale.Digest()); err != nil || !created {
							b.Errorf("%s: created %v, %v", sale.ID, created, err)
							return
						}
					}
				})
			}
			working.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sales/s")
		})
	}
}

// BenchmarkOperation is what the database has to do for one call of the
// platform: the claim and the outcome.
func BenchmarkOperation(b *testing.B) {
	s := openBench(b)
	for n := range b.N {
		sale := supper(int64(n))
		if _, _, err := s.AcceptSale(b.Context(), sale, sale.Digest()); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for range b.N {
		c, _, err := s.ClaimOp(b.Context(), trade.LaneLive)
		if err != nil || c == nil {
			b.Fatal(c, err)
		}
		if err := s.Settle(c, trade.QRCreated{Gen: c.Op.Gen, URL: "https://example.cn/q", At: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
}
