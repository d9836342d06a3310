package queue

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"tillagent/trade"
)

// TestBuyersAreEncrypted looks for a buyer in the database's files; the platform's
// operations alone have it back.
func TestBuyersAreEncrypted(t *testing.T) {
	r := open(t, func(o *Options) { o.BuyerKey = bytes.Repeat([]byte{7}, 32) })
	sale := withBuyer("S1")
	r.accept(sale)
	if rec, err := r.Sale(t.Context(), "S1"); err != nil || rec.Sale.Buyer != (trade.Buyer{}) {
		t.Errorf("%+v, %v; want a sale that does not tell its buyer", rec.Sale.Buyer, err)
	}
	files := 0
	for _, path := range []string{r.opts.Path, r.opts.Path + "-wal"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{sale.Buyer.Name, sale.Buyer.Mobile, sale.Buyer.Email} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		if bytes.Contains(b, []byte("sealed_buyer")) {
			files++
		}
	}
	if files == 0 {
		t.Error("the sale is in neither file")
	}
	if _, created, err := r.AcceptSale(t.Context(), sale, sale.Digest()); err != nil || created {
		t.Errorf("the same sale again: created %v, %v", created, err)
	}
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	if c.Record.Sale.Buyer != sale.Buyer {
		t.Errorf("to the platform goes %+v, want %+v", c.Record.Sale.Buyer, sale.Buyer)
	}
	r.settle(c, trade.Unsent{Op: c.Op})

	r.opts.BuyerKey = bytes.Repeat([]byte{8}, 32)
	r.reopen() // with the key of another data folder
	r.clock.add(time.Hour)
	r.nothingDue(trade.LaneLive)
	if c = r.claim(trade.LaneBacklog, trade.OpCreateQR); c.Record.Sale.Buyer != (trade.Buyer{}) {
		t.Errorf("another key reads %+v", c.Record.Sale.Buyer)
	}
	r.settle(c, r.created())

	r.clock.add(31 * day)
	r.retain(30*day, 0)
	var body string
	if err := r.reader.QueryRow("SELECT body FROM sales").Scan(&body); err != nil || strings.Contains(body, "sealed_buyer") {
		t.Errorf("after its time: %s, %v", body, err)
	}
}
