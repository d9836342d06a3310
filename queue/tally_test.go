package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"tillagent/trade"
)

// tallied holds the figures that are kept against those that are stored. Opening
// and closing a test's store does it.
func (r *rig) tallied() {
	r.t.Helper()
	kept, err := r.sales(context.Background())
	if err != nil {
		return // the test has spoiled its database
	}
	var stored map[trade.SaleState]int
	if err := r.read(context.Background(), func(q querier) (err error) {
		stored, err = salesByState(q)
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	maps.DeleteFunc(kept, func(_ trade.SaleState, n int) bool { return n == 0 })
	if !maps.Equal(kept, stored) {
		r.t.Errorf("kept %v, stored %v", kept, stored)
	}
}

func TestTally(t *testing.T) {
	r := open(t)
	want := func(want map[trade.SaleState]int) {
		t.Helper()
		c, err := r.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(c.Sales, func(_ trade.SaleState, n int) bool { return n == 0 })
		if !maps.Equal(c.Sales, want) {
			t.Errorf("%v, want %v", c.Sales, want)
		}
	}
	want(map[trade.SaleState]int{})

	// What is undone is not counted, what shares its commit is.
	boom := errors.New("boom")
	bad := request{t.Context(), func(t *tx) error {
		s := lunch("S3")
		_, err := t.accept(s, s.Digest())
		return errors.Join(err, boom)
	}, make(chan error, 1)}
	good := request{t.Context(), func(t *tx) error {
		s := lunch("S4")
		s.Wish, s.Print.Mode = trade.WishNone, trade.PrintNone
		_, err := t.accept(s, s.Digest())
		return err
	}, make(chan error, 1)}
	r.commit([]request{bad, good})
	if err := <-good.done; err != nil || !errors.Is(<-bad.done, boom) {
		t.Fatal(err)
	}
	want(map[trade.SaleState]int{trade.StateRecorded: 1})

	r.rest("old")
	want(map[trade.SaleState]int{trade.StateExpired: 1, trade.StateRecorded: 1})
	r.accept(lunch("S1"))
	if _, created, err := r.AcceptSale(t.Context(), lunch("S1"), lunch("S1").Digest()); created || err != nil {
		t.Fatal(created, err)
	}
	want(map[trade.SaleState]int{trade.StateExpired: 1, trade.StateQueued: 1, trade.StateRecorded: 1})

	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	want(map[trade.SaleState]int{trade.StateExpired: 1, trade.StateQRReady: 1, trade.StateRecorded: 1})
	r.reopen()
	want(map[trade.SaleState]int{trade.StateExpired: 1, trade.StateQRReady: 1, trade.StateRecorded: 1})

	r.clock.add(6 * 365 * day)
	r.retain(0, 5*365*day)
	want(map[trade.SaleState]int{trade.StateQRReady: 1})
}

// TestTallyWhileSelling counts while sales are taken: each is either in the
// snapshot or among what moved since.
func TestTallyWhileSelling(t *testing.T) {
	r := open(t)
	r.accept(lunch("before"))
	r.tally.counted = false
	err := r.read(t.Context(), func(q querier) error {
		if err := r.tally.begin(q); err != nil {
			return err
		}
		r.accept(lunch("meanwhile"))
		counted, err := salesByState(q)
		if err != nil || counted[trade.StateQueued] != 1 || r.tally.sales[trade.StateQueued] != 1 {
			t.Errorf("the snapshot has %v (%v), what moved since is %v", counted, err, r.tally.sales)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const tills, each = 4, 25
	var all sync.WaitGroup
	for n := range tills {
		all.Go(func() {
			for i := range each {
				s := lunch(fmt.Sprintf("S%d-%d", n, i))
				if _, _, err := r.AcceptSale(t.Context(), s, s.Digest()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Counts(gone); err == nil {
		t.Error("counted for nobody")
	}
	if c, err := r.Counts(t.Context()); err != nil || c.Sales[trade.StateQueued] < 2 {
		t.Errorf("%v, %v", c.Sales, err)
	}
	all.Wait()
	if c, err := r.Counts(t.Context()); err != nil || c.Sales[trade.StateQueued] != 2+tills*each {
		t.Errorf("%v, %v", c.Sales, err)
	}
}

// BenchmarkCounts reads the status' figures beside many sales.
func BenchmarkCounts(b *testing.B) {
	for _, sales := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("sales=%d", sales), func(b *testing.B) {
			s, err := Open(Options{Path: b.TempDir() + "/agent.db", Prefix: "DEMO", QRValid: day})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			_, err = s.writer.conn.ExecContext(noDeadline, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?)
				INSERT INTO sales (sale_id, digest, body, total, wish, view, accepted_at, updated_at) SELECT 'S'||i, '', '{}', 100, 'none', 'recorded', ?, 0 FROM n`,
				sales, time.Now().UnixMilli())
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := s.Counts(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
