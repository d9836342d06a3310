package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/trade"
)

// BenchmarkFirstByte measures how long it takes from the commit that stores a
// sale's QR code until the first byte for its receipt comes to the printer's
// port, which is a question, and until the receipt itself begins to come: the
// printer has answered by then. Between them and the commit lies another one:
// that the job is being printed is on disk before it leaves.
//
// The commit is known by its event, which comes right behind it. What is measured
// from inside the transaction, before its flush, is given beside it as the most
// that it can have been.
func BenchmarkFirstByte(b *testing.B) {
	dir := benchDir(b)
	var flush time.Duration
	b.Run("append+fsync", func(b *testing.B) { flush = benchAppend(b, dir) })
	b.Run("receipt", func(b *testing.B) {
		clock := &firstByte{}
		a := clock.start(b, dir)
		news := a.store.Follow(queue.Latest)
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
		defer cancel()
		var byte1, receipt, before samples
		for n := 0; b.Loop(); n++ {
			id := fmt.Sprintf("B%07d", n)
			clock.reset(id)
			s := trade.Sale{ID: id, Total: 5850, Items: []trade.Line{{Name: "午餐", Amount: 5850, TaxCode: "3070401000000000000", Rate: 6}},
				Print: trade.PrintWish{Mode: trade.PrintReceipt, Copies: 1}}
			s.Normalise()
			if _, _, err := a.store.AcceptSale(ctx, s, s.Digest()); err != nil {
				b.Fatal(err)
			}
			stored := clock.follow(ctx, b, news, id)
			clock.mu.Lock()
			if n > 0 { // at the first one the printer is asked who it is
				byte1 = append(byte1, clock.first.Sub(stored))
				receipt = append(receipt, clock.receipt.Sub(stored))
				before = append(before, clock.first.Sub(clock.moved))
			}
			clock.mu.Unlock()
		}
		if len(byte1) == 0 {
			return // the benchmark is being sized
		}
		byte1.report(b)
		for name, s := range map[string]samples{"receipt": receipt, "before-flush": before} {
			b.ReportMetric(micros(s.at(0.5)), name+"-p50-µs")
			b.ReportMetric(micros(s.at(0.99)), name+"-p99-µs")
		}
		ratio(b, micros(byte1.at(0.5)), micros(flush), "p50÷fsync")
	})
}

// firstByte notes when things happen to one sale.
type firstByte struct {
	mu      sync.Mutex
	sale    string
	moved   time.Time // its QR code was put into the database, and is not on disk yet
	first   time.Time // the first byte since then came to the printer
	receipt time.Time // the receipt's first byte did
}

func (f *firstByte) reset(sale string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sale, f.moved, f.first, f.receipt = sale, time.Time{}, time.Time{}, time.Time{}
}

// start runs the agent with a printer behind a port that is watched.
func (f *firstByte) start(b *testing.B, dir string) *agent {
	b.Helper()
	platform, err := startSandbox("127.0.0.1:0", filepath.Join(dir, "sandbox"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { platform.Close() })
	tape, err := paper.New(paper.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { tape.Close() })
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { port.Close() })
	go func() {
		for {
			conn, err := port.Accept()
			if err != nil {
				return
			}
			f.relay(conn, tape.Conn())
		}
	}()
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = \"127.0.0.1:0\"\n[printer]\nport = \"tcp://%s\"\n[receipt]\nqr_wait = \"30s\"\n%s",
		filepath.Join(dir, "data"), port.Addr(), platform.Account().ConfigTOML(platform.URL, filepath.Join(dir, "sandbox")))
	cfg, err := config.Parse(filepath.Join(dir, "config.toml"), []byte(text), nil)
	if err != nil {
		b.Fatal(err)
	}
	a, err := start(cfg, nil, slog.New(f))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(a.stop)
	return a
}

// relay passes on what goes between agent and printer, until one hangs up.
func (f *firstByte) relay(agent net.Conn, printer io.ReadWriteCloser) {
	defer agent.Close()
	defer printer.Close()
	go func() {
		_, _ = io.Copy(agent, printer) // the other direction tells of its end
		agent.Close()
	}()
	buf := make([]byte, 4096)
	for {
		n, err := agent.Read(buf)
		if n > 0 {
			f.came(buf[:n])
			if _, err := printer.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// came notes the bytes that come to the printer's port.
func (f *firstByte) came(chunk []byte) {
	now := time.Now()
	const question = 20 // no question is so long
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moved.IsZero() {
		return
	}
	if f.first.IsZero() {
		f.first = now
	}
	if f.receipt.IsZero() && len(chunk) > question && bytes.HasPrefix(chunk, []byte("\x1b@")) {
		f.receipt = now
	}
}

// follow waits until the sale's receipt is printed, and gives the time of the
// commit that stored its QR code.
func (f *firstByte) follow(ctx context.Context, b *testing.B, news *queue.Follower, id string) (stored time.Time) {
	b.Helper()
	for {
		events, err := news.Next(ctx)
		now := time.Now()
		if err != nil {
			b.Fatalf("%s is not printed: %v", id, err)
		}
		for _, e := range events {
			switch {
			case e.SaleID != id:
			case e.Type == "sale.qr_ready":
				stored = now
			case e.Type == "print.printed":
				return stored
			case strings.HasPrefix(e.Type, "print.") && e.Type != "print.queued":
				b.Fatalf("%s: %s %s", id, e.Type, e.State)
			}
		}
	}
}

// The agent's log tells when the QR code is put into the database.

// Enabled implements slog.Handler.
func (f *firstByte) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (f *firstByte) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup implements slog.Handler.
func (f *firstByte) WithGroup(string) slog.Handler { return f }

// Handle implements slog.Handler.
func (f *firstByte) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "sale moved" {
		return nil
	}
	found := 0
	r.Attrs(func(a slog.Attr) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if a.Key == "sale" && a.Value.String() == f.sale || a.Key == "event" && a.Value.String() == "QRCreated" {
			found++
		}
		return true
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if found == 2 && f.moved.IsZero() {
		f.moved = time.Now()
	}
	return nil
}
