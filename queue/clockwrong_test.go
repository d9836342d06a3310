package queue

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/trade"
)

// recorded is a sale that is at rest from the beginning.
func recorded(id string) trade.Sale {
	s := withBuyer(id)
	s.Wish, s.Print.Mode = trade.WishNone, trade.PrintNone
	return s
}

// TestNothingGoesByAWrongClock starts a till whose clock is 16 years ahead: what
// is young stays until the clock is known to be right, and then as well.
func TestNothingGoesByAWrongClock(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Duration(0)
		s, err := Open(Options{Path: filepath.Join(dir, "agent.db"), Prefix: "DEMO", Now: func() time.Time { return time.Now().Add(ahead) }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sale := recorded("S1")
		if _, _, err := s.AcceptSale(t.Context(), sale, sale.Digest()); err != nil {
			t.Fatal(err)
		}
		run := func(right bool, d time.Duration) {
			ctx, stop := context.WithTimeout(t.Context(), d)
			defer stop()
			o := UpkeepOptions{Retention: Retention{Buyers: 30 * day, Sales: 1830 * day}, ClockRight: func() bool { return right }}
			if err := s.Upkeep(ctx, o); err != nil {
				t.Error(err)
			}
		}
		known := func(want, buyer bool) {
			t.Helper()
			rec, err := s.Sale(t.Context(), "S1")
			if errors.Is(err, ErrNotFound) == want || want && rec.Sale.Buyer.Name == "" == buyer {
				t.Errorf("the sale: %+v, %v; want it known: %v, with its buyer: %v", rec, err, want, buyer)
			}
		}
		ahead = 16 * 365 * day
		run(false, time.Hour)
		known(true, true)
		ahead = 0
		run(true, time.Hour)
		known(true, true)
		run(true, 31*day)
		known(true, false)
		run(false, 1900*day) // always offline: the sale is kept
		known(true, false)
		run(true, time.Hour)
		known(false, false)
	})
}

// TestClockBehindMakesNothingOld has a clock that was years behind for a while
// and one that was ahead: what was taken meanwhile goes with what was taken
// before it, and holds nothing up.
func TestClockBehindMakesNothingOld(t *testing.T) {
	r := open(t)
	r.clock.add(-200 * day)
	r.accept(recorded("old"))
	r.clock.add(200*day - time.Hour)
	r.accept(recorded("before"))
	r.clock.add(-10 * 365 * day)
	r.accept(recorded("behind"))
	r.clock.add(26 * 365 * day)
	r.accept(recorded("ahead"))
	r.clock.add(-16*365*day + time.Hour)
	r.accept(recorded("after"))
	look := func(want ...string) {
		t.Helper()
		r.retain(30*day, 100*day)
		var left []string
		for _, id := range []string{"old", "before", "behind", "ahead", "after"} {
			rec, err := r.Sale(t.Context(), id)
			if err == nil && rec.Sale.Buyer.Name != "" {
				id += "+"
			}
			if err == nil {
				left = append(left, id)
			}
		}
		if got := strings.Join(left, " "); got != strings.Join(want, " ") {
			t.Errorf("left are %q (+: with their buyers), want %q", got, want)
		}
		if events, err := r.EventsAfter(t.Context(), 0, 100); err != nil || len(events) != len(want) {
			t.Errorf("%d events are left, %v; want %d", len(events), err, len(want))
		}
	}
	look("before+", "behind+", "ahead+", "after+")
	r.clock.add(31 * day)
	look("before", "behind", "ahead+", "after")
	r.clock.add(70 * day)
	look("ahead+")
	whole(t, r.opts.Path)
}

// TestYoungRowsAreFoundByIndex holds that looking for them does not read a table
// of years.
func TestYoungRowsAreFoundByIndex(t *testing.T) {
	r := open(t)
	for query, index := range map[string]string{youngSale: "sales_accepted", youngContent: "prints_content", youngPrint: "prints_own"} {
		var plan []string
		err := each(r.reader, "EXPLAIN QUERY PLAN "+query, []any{1, 2}, func(scan func(...any) error) error {
			var id, parent, unused int
			var text string
			err := scan(&id, &parent, &unused, &text)
			plan = append(plan, text)
			return err
		})
		if err != nil || !strings.Contains(strings.Join(plan, "\n"), index) {
			t.Errorf("%s: %q, %v; want the index %s", query, plan, err, index)
		}
	}
}
