package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/trade"
)

// What AcceptSale gives back is not read again from the tables; it must be what
// a reader finds there.
func TestAcceptedSaleIsAsRead(t *testing.T) {
	r := open(t)
	for i, change := range []func(*trade.Sale){
		func(*trade.Sale) {},
		func(s *trade.Sale) { s.SoldAt = r.clock.Now().In(trade.Beijing).Add(-time.Minute) },
		func(s *trade.Sale) { s.SoldAt = r.clock.Now().Add(-time.Hour) },
		func(s *trade.Sale) { s.Wish = trade.WishNone },
		func(s *trade.Sale) { s.Print.Mode = trade.PrintSlip },
		func(s *trade.Sale) { s.Print.Mode = trade.PrintNone },
		func(s *trade.Sale) { s.Extra, s.Buyer.Name = json.RawMessage(`{"a":[1,"<é>"]}`), "某某公司" },
	} {
		sale := lunch(fmt.Sprintf("S%d", i))
		change(&sale)
		accepted := r.accept(sale)
		read, err := r.Sale(t.Context(), sale.ID)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(accepted)
		want, _ := json.Marshal(read)
		if string(got) != string(want) {
			t.Errorf("accepted:\n%s\nread:\n%s", got, want)
		}
	}
}

// hold keeps the writer busy until the returned function is called, so that
// what is asked for meanwhile shares the next commit.
func hold(r *rig) (release func()) {
	r.t.Helper()
	taken, free := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- r.do(noDeadline, func(*tx) error { close(taken); <-free; return nil })
	}()
	<-taken
	return func() {
		close(free)
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

// A request that fails is undone alone, whether it has the transaction to
// itself or shares it, and whether its statements are compiled yet or not.
func TestFailedRequestIsUndoneAlone(t *testing.T) {
	r := open(t)
	broken := errors.New("broken")
	write := func(key string, err error) error {
		return r.do(noDeadline, func(t *tx) error { return errors.Join(t.setMeta(key, "x"), err) })
	}
	for round := range 3 {
		name := func(s string) string { return fmt.Sprintf("%s%d", s, round) }
		if err := write(name("alone"), broken); !errors.Is(err, broken) {
			t.Errorf("a failed request alone gives %v", err)
		}
		release := hold(r)
		results := make(chan error, 3)
		for _, key := range []string{"good", "bad", "fine"} {
			go func() {
				err := error(nil)
				if key == "bad" {
					err = broken
				}
				if got := write(name(key), err); !errors.Is(got, err) {
					results <- fmt.Errorf("%s: %v", key, got)
					return
				}
				results <- nil
			}()
		}
		release()
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		for key, want := range map[string]string{"alone": "", "good": "x", "bad": "", "fine": "x"} {
			var got string
			err := r.do(noDeadline, func(t *tx) (err error) { got, err = t.meta(name(key)); return err })
			if err != nil || got != want {
				t.Errorf("round %d: %s is %q, want %q (%v)", round, key, got, want, err)
			}
		}
	}
}

// What the writer goes on from without reading it is given up with what is
// undone: the journal stays one chain without a gap, and each number is the one
// after the last that was kept.
func TestUndoneEntriesAndNumbersAreTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t)
		counter := func() (n int64) {
			if err := r.reader.QueryRow("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", metaCounter).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		broken := errors.New("broken")
		fail := func() {
			err := r.do(noDeadline, func(t *tx) error {
				_, err := t.nextNumber()
				return errors.Join(err, t.record(entry{kind: "Undone"}), broken)
			})
			if !errors.Is(err, broken) {
				t.Errorf("a request that fails gives %v", err)
			}
		}
		accept := func(id string) {
			sale := lunch(id)
			if _, _, err := r.AcceptSale(noDeadline, sale, sale.Digest()); err != nil {
				t.Error(err)
			}
		}
		start := counter()
		fail()
		accept("S1")
		fail()
		accept("S2")
		release := hold(r)
		for _, do := range []func(){func() { accept("S3") }, fail, func() { accept("S4") }, fail} { // in one commit, in this order
			go do()
			synctest.Wait()
		}
		release()
		synctest.Wait()
		accept("S5")
		if moved := (counter() - start + trade.CounterLimit) % trade.CounterLimit; moved != 5 {
			t.Errorf("5 sales took %d numbers", moved)
		}
		r.reopen()
		accept("S6")

		if err := r.VerifyJournal(); err != nil {
			t.Error(err)
		}
		var entries, newest int
		if err := r.reader.QueryRow("SELECT count(*), max(seq) FROM journal WHERE kind = 'SaleAccepted'").Scan(&entries, &newest); err != nil {
			t.Fatal(err)
		}
		if entries != 6 || newest != 6 {
			t.Errorf("%d entries up to number %d, want 6", entries, newest)
		}
	})
}

// The statements that are kept compiled are bounded, whatever texts are run.
func TestCompiledStatementsAreBounded(t *testing.T) {
	r := open(t)
	for n := range maxStatements + 10 {
		for range 2 { // compiled from the second time on
			err := r.do(noDeadline, func(t *tx) error {
				var got int
				if err := t.QueryRow(fmt.Sprintf("SELECT %d + ?", n), 1).Scan(&got); err != nil || got != n+1 {
					return fmt.Errorf("%d + 1 is %d, %v", n, got, err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := 0
	if err := r.do(noDeadline, func(t *tx) error { kept = len(t.compiled); return nil }); err != nil {
		t.Fatal(err)
	}
	if kept != maxStatements {
		t.Errorf("%d statements are kept, want %d", kept, maxStatements)
	}
	r.accept(lunch("S1")) // runs all the same
}
