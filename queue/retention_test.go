package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/trade"
)

const day = 24 * time.Hour

// withBuyer is a sale with an invoice title.
func withBuyer(id string) trade.Sale {
	s := lunch(id)
	s.Buyer = trade.Buyer{Name: "某某公司", Mobile: "13812345678", Email: "someone@example.com"}
	return s
}

// rest brings a sale to rest: its QR code ran out, its receipt is printed.
func (r *rig) rest(id string) {
	r.t.Helper()
	rec := r.accept(withBuyer(id))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	q := r.claim(trade.LaneWatch, trade.OpQueryQR)
	if q.Record.Sale.ID != id {
		r.t.Fatalf("asked about %s, want %s", q.Record.Sale.ID, id)
	}
	r.settle(q, trade.QRSeen{URL: "https://example.com/q", At: rec.Standing.QRs[0].ExpiresAt.Add(30 * day)})
	if rec, err := r.Sale(r.t.Context(), id); err != nil || rec.Op != nil {
		r.t.Fatalf("%s is not at rest: %+v, %v", id, rec, err)
	}
}

func (r *rig) retain(buyers, sales time.Duration) {
	r.t.Helper()
	if err := r.Retain(r.t.Context(), Retention{Buyers: buyers, Sales: sales}); err != nil {
		r.t.Fatal(err)
	}
}

func TestBuyersAreWiped(t *testing.T) {
	r := open(t)
	sale := withBuyer("watched")
	r.accept(sale)
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.accept(withBuyer("unsent"))
	r.clock.add(20 * day)
	r.accept(withBuyer("young"))
	r.clock.add(11 * day)
	r.retain(30*day, 0)
	for id, wiped := range map[string]bool{"watched": true, "unsent": false, "young": false} {
		rec, err := r.Sale(t.Context(), id)
		if err != nil || rec.Sale.Buyer.Mobile == "" != wiped || rec.Sale.Items[0].Name != "午餐" || rec.Sale.Total != 5850 {
			t.Errorf("%s: %+v, %v; buyer wiped: want %v", id, rec.Sale, err, wiped)
		}
	}
	// The POS may still repeat the sale, and still not change it.
	if _, created, err := r.AcceptSale(t.Context(), sale, sale.Digest()); err != nil || created {
		t.Errorf("the wiped sale again: created %v, %v", created, err)
	}
	sale.Buyer = trade.Buyer{}
	if _, _, err := r.AcceptSale(t.Context(), sale, sale.Digest()); !errors.Is(err, ErrConflict) {
		t.Errorf("the wiped sale with other content: %v", err)
	}
	whole(t, r.opts.Path)
}

// TestWipedBytesAreGone looks for a buyer's number in the file itself.
func TestWipedBytesAreGone(t *testing.T) {
	r := open(t)
	s := withBuyer("S1")
	s.Wish = trade.WishNone
	r.accept(s)
	r.clock.add(31 * day)
	r.retain(30*day, 0)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(r.opts.Path)
	if err != nil || bytes.Contains(data, []byte(s.Buyer.Mobile)) || !bytes.Contains(data, []byte("3070401000000000000")) {
		t.Errorf("the buyer's number is in the file still, or the sale is not (%v)", err)
	}
}

func TestOldSalesAreDeleted(t *testing.T) {
	r := open(t)
	r.rest("old")
	r.accept(lunch("open")) // never fetched: open however old
	s := lunch("refunded")
	s.Wish = trade.WishNone
	r.accept(s)
	s = lunch("uncertain") // a person is asked to look
	s.Wish = trade.WishNone
	r.accept(s)
	for c, _, err := r.ClaimPrint(t.Context(), trade.ReceiptPrinter); c != nil && err == nil; c, _, err = r.ClaimPrint(t.Context(), trade.ReceiptPrinter) {
		e := trade.PaperPrinted
		if c.Record.Sale.ID == "uncertain" {
			e = trade.PaperUncertain
		}
		r.printed(c, e, "")
	}
	if err := r.Raise(UncertainAlert(trade.ReceiptPrinter, "uncertain", "")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Raise(trade.Raise{Kind: "x"}), r.Clear("x", "")); err != nil {
		t.Fatal(err)
	}
	r.clock.add(90 * day)
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "refunded", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	if _, created, err := r.AcceptSale(t.Context(), withBuyer("old"), withBuyer("old").Digest()); err != nil || created {
		t.Fatalf("before its time is over the sale is unknown: created %v, %v", created, err)
	}
	r.clock.add(11 * day)
	r.retain(30*day, 100*day)
	for id, gone := range map[string]bool{"old": true, "open": false, "refunded": false, "uncertain": false} {
		if _, err := r.Sale(t.Context(), id); errors.Is(err, ErrNotFound) != gone {
			t.Errorf("%s: %v; deleted: want %v", id, err, gone)
		}
	}
	for table, want := range map[string]int{"qrs": 1, "ops": 1, "events": 4, "alerts": 1} { // of those that stay; events of the refund alone
		var n int
		if err := r.reader.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n > want {
			t.Errorf("%d rows are left in %s (%v), want %d at most", n, table, err, want)
		}
	}
	whole(t, r.opts.Path) // the journal too, which knows what was deleted
	if _, created, err := r.AcceptSale(t.Context(), withBuyer("old"), withBuyer("old").Digest()); err != nil || !created {
		t.Errorf("after its time the id is free: created %v, %v", created, err)
	}
	whole(t, r.opts.Path)
}

// TestTablesOfASale holds that deleting a sale leaves no table out.
func TestTablesOfASale(t *testing.T) {
	r := open(t)
	var tables []string
	err := each(r.reader, `SELECT m.name FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = ? AND f."table" = 'sales' AND f."from" = 'sale'`, "table",
		func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			tables = append(tables, name)
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(ofSale))
	if slices.Sort(tables); !slices.Equal(tables, want) {
		t.Errorf("%q have rows of a sale, %q are deleted", tables, want)
	}
	var others int
	if err := r.reader.QueryRow(`SELECT count(*) FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f."table" <> 'sales'`).Scan(&others); err != nil || others > 0 {
		t.Errorf("%d tables hang on others than sales (%v)", others, err)
	}
}

// TestRetentionInSteps deletes many sales while a till goes on, and stops when
// it is told to.
func TestRetentionInSteps(t *testing.T) {
	const many = 300
	r := open(t)
	if _, err := r.writer.conn.ExecContext(noDeadline, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO sales (sale_id, digest, body, total, wish, view, accepted_at, updated_at)
		SELECT 'F' || i, 'd', ?, 100, 'none', 'recorded', 1, 1 FROM n`, many, `{"buyer":{"name":"x"},"pad":"`+strings.Repeat("x", 2000)+`"}`); err != nil {
		t.Fatal(err)
	}
	r.tally.counted = false // these came past the store
	left := func() (n int) {
		t.Helper()
		if err := r.reader.QueryRow("SELECT count(*) FROM sales WHERE sale_id LIKE 'F%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Retain(ctx, Retention{Sales: day}); err != nil {
		t.Error(err)
	}
	if n := left(); n < many-mostRows {
		t.Errorf("%d of %d are left after the first step", n, many)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; left() > 0; i++ {
			s := lunch(fmt.Sprintf("S%d", i))
			if _, _, err := r.AcceptSale(t.Context(), s, s.Digest()); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	r.retain(0, day)
	<-done
	if n := left(); n != 0 {
		t.Errorf("%d are left", n)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

// TestUpkeep runs the loop itself over several days: copies, wiping and
// deleting, until it is stopped.
func TestUpkeep(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		o := Options{Path: dir + "/agent.db", Prefix: "DEMO", TillCode: "T1R5A", QRValid: day}
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.unchecked = true
		sale := withBuyer("S1")
		sale.Wish = trade.WishNone
		if _, _, err := s.AcceptSale(t.Context(), sale, sale.Digest()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- s.Upkeep(ctx, UpkeepOptions{BackupDir: dir + "/copies", Kept: 2, Retention: Retention{Buyers: 2 * day, Sales: 4 * day}})
		}()
		look := func(buyer, known bool, copies int) {
			t.Helper()
			rec, err := s.Sale(t.Context(), "S1")
			if errors.Is(err, ErrNotFound) == known || known && rec.Sale.Buyer.Name == "" == buyer {
				t.Errorf("S1: %+v, %v; want its buyer %v, known %v", rec, err, buyer, known)
			}
			if got := names(t, dir+"/copies"); len(got) != copies {
				t.Errorf("copies %q, want %d", got, copies)
			}
		}
		time.Sleep(time.Hour)
		look(true, true, 1)
		time.Sleep(3 * day) // looked at once a day
		look(false, true, 2)
		time.Sleep(2 * day)
		look(false, false, 2)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if s.unchecked {
			t.Error("the check that the start had no time for was not made")
		}
	})
}

// TestUpkeepGoesOnAfterAFailure points the copies at a file.
func TestUpkeepGoesOnAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/copies", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Options{Path: dir + "/agent.db", Prefix: "DEMO"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Upkeep(ctx, UpkeepOptions{BackupDir: dir + "/copies", Kept: 1}) }()
		time.Sleep(time.Hour)
		if err := os.Remove(dir + "/copies"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got := names(t, dir+"/copies"); len(got) != 1 {
			t.Errorf("copies after the trouble: %q", got)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
