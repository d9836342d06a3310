package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
	"tillagent/worker"
)

// The platform of the drain takes a call each paceEvery at the most, whoever
// calls, and answers it after paceTime. What comes sooner waits.
const (
	paceEvery = 5 * time.Millisecond
	paceTime  = 8 * time.Millisecond
	// waitingSales wait when the platform comes back.
	waitingSales = 10_000
	// atATime is the agent's [piaotong] concurrency, and that of the plain client
	// that measures the platform's limit.
	atATime = 4
)

// paced is a platform with a limit of its own.
type paced struct {
	http.Handler
	mu   sync.Mutex
	next time.Time // when the next call is taken
}

func (p *paced) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	p.mu.Lock()
	if p.next.Before(now) {
		p.next = now
	}
	at := p.next
	p.next = at.Add(paceEvery)
	p.mu.Unlock()
	select {
	case <-time.After(time.Until(at.Add(paceTime))):
		p.Handler.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// drain is a store and a platform without the rest of the agent.
type drain struct {
	b       *testing.B
	store   *queue.Store
	client  *piaotong.Client
	account sandbox.Account
}

func openDrain(b *testing.B) *drain {
	b.Helper()
	d := &drain{b: b}
	s, err := sandbox.New(sandbox.Options{PublicURL: "http://platform.test"})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(&paced{Handler: s})
	d.account = s.Account()
	opts, err := d.account.ClientOptions(server.URL)
	if err != nil {
		b.Fatal(err)
	}
	if d.client, err = piaotong.New(opts); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		d.client.Close()
		server.Close()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return d
}

// run opens the database and runs the worker on it until the returned stop.
func (d *drain) run(path string) (stop func()) {
	d.open(path, time.Now)
	w := worker.New(worker.Options{Store: d.store, Platform: d.client, Concurrency: atATime, CallEvery: time.Microsecond,
		Issuer: worker.Issuer{TaxpayerNum: d.account.TaxpayerNum, EnterpriseName: d.account.EnterpriseName}})
	ctx, cancel := context.WithCancel(d.b.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx, ctx) }()
	return func() {
		cancel()
		<-done
		d.close()
	}
}

func (d *drain) open(path string, now func() time.Time) {
	d.b.Helper()
	var err error
	d.store, err = queue.Open(queue.Options{Path: path, Prefix: "DEMO", QRValid: 180 * 24 * time.Hour, Now: now,
		Pause: worker.Pause(15*time.Second, 10*time.Minute)}) // as config.example.toml has it
	if err != nil {
		d.b.Fatal(err)
	}
}

func (d *drain) close() {
	if err := d.store.Close(); err != nil {
		d.b.Error(err)
	}
}

// accept stores a sale.
func (d *drain) accept(id string) error {
	s := trade.Sale{ID: id, Total: 5850, Items: []trade.Line{{Name: "午餐", Amount: 5850, TaxCode: "3070401000000000000", Rate: 6}}}
	s.Normalise()
	_, _, err := d.store.AcceptSale(d.b.Context(), s, s.Digest())
	return err
}

// sell stores a sale and gives the time until its QR code is stored.
func (d *drain) sell(id string) time.Duration {
	began := time.Now()
	if err := d.accept(id); err != nil {
		d.b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(d.b.Context(), time.Minute)
	defer cancel()
	r, err := d.store.Await(ctx, id, func(r *queue.Record) bool { return r.Standing.View() == trade.StateQRReady })
	if err != nil || r.Standing.View() != trade.StateQRReady {
		d.b.Fatalf("%s: no QR code, %v", id, err)
	}
	return time.Since(began)
}

// sellEach sells one sale each period until n are sold or enough is closed.
func (d *drain) sellEach(period time.Duration, prefix string, n int, enough <-chan struct{}) samples {
	var took samples
	tick := time.NewTicker(period)
	defer tick.Stop()
	for len(took) < n {
		select {
		case <-tick.C:
			took = append(took, d.sell(fmt.Sprintf("%s%05d", prefix, len(took))))
		case <-enough:
			return took
		}
	}
	return took
}

// limit is how many calls a second the platform takes of a plain client.
func (d *drain) limit(calls int) float64 {
	var next atomic.Int64
	var working sync.WaitGroup
	began := time.Now()
	for range atATime {
		working.Go(func() {
			for n := next.Add(1); n <= int64(calls); n = next.Add(1) {
				_, err := d.client.CreateQR(d.b.Context(), piaotong.QRCreate{TaxpayerNum: d.account.TaxpayerNum, EnterpriseName: d.account.EnterpriseName,
					QRCodeNo: fmt.Sprintf("DEMOPLAIN%011d", n), TradeNo: fmt.Sprintf("P%d", n), TradeTime: time.Now(), ExpireTime: time.Now().AddDate(0, 0, 180),
					Amount: "58.50", IssueKinds: []string{"82"}, Items: []piaotong.QRItem{{Name: "午餐", TaxCode: "3070401000000000000", Rate: "0.06", Amount: "58.50"}}})
				if err != nil {
					d.b.Errorf("the plain client: %v", err)
					return
				}
			}
		})
	}
	working.Wait()
	return float64(calls) / time.Since(began).Seconds()
}

// BenchmarkDrain measures how fast sales that wait for a platform get their QR
// codes once it is back, and what a customer at the till notices of that.
func BenchmarkDrain(b *testing.B) {
	d := openDrain(b)
	limit := d.limit(600)
	path := filepath.Join(benchDir(b), "agent.db")

	// Sold an hour ago, when there was no platform.
	d.open(path, func() time.Time { return time.Now().Add(-time.Hour) })
	var next atomic.Int64
	var tills sync.WaitGroup
	for range 64 {
		tills.Go(func() {
			for n := next.Add(1); n <= waitingSales; n = next.Add(1) {
				if err := d.accept(fmt.Sprintf("W%05d", n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	tills.Wait()
	d.close()

	b.ResetTimer()
	began := time.Now()
	stop := d.run(path)
	drained := make(chan struct{})
	var took time.Duration
	go func() {
		defer close(drained)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			c, err := d.store.Counts(b.Context())
			if err != nil {
				b.Error(err)
				return
			}
			if c.Sales[trade.StateQRReady] >= waitingSales && c.Sales[trade.StateQueued] <= 1 { // one may be a live sale under way
				took = time.Since(began)
				return
			}
		}
	}()
	busy := d.sellEach(250*time.Millisecond, "L", waitingSales, drained)
	<-drained
	stop()
	b.StopTimer()

	stop = d.run(filepath.Join(benchDir(b), "agent.db"))
	idle := d.sellEach(50*time.Millisecond, "I", 200, nil)
	stop()

	rate := waitingSales / took.Seconds()
	b.ReportMetric(limit, "platform-calls/s")
	b.ReportMetric(rate, "drained-sales/s")
	ratio(b, rate, limit, "drained÷limit")
	b.ReportMetric(micros(idle.at(0.5)), "idle-p50-µs")
	b.ReportMetric(micros(idle.at(0.99)), "idle-p99-µs")
	b.ReportMetric(float64(len(busy)), "live-sales")
	b.ReportMetric(micros(busy.at(0.5)), "live-p50-µs")
	b.ReportMetric(micros(busy.at(0.99)), "live-p99-µs")
	ratio(b, micros(busy.at(0.99)), micros(idle.at(0.99)), "live÷idle-p99")
	b.ReportMetric(0, "ns/op")
}
