package queue

import (
	"testing"
	"time"

	"tillagent/trade"
)

// TestWatchedFailureAddsNothingToTheJournal asks for weeks about the code of a
// customer whose invoice was withdrawn: 2.18 names it each time, and 2.11 says
// the same. What is new is written down.
func TestWatchedFailureAddsNothingToTheJournal(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	seen := func(state trade.InvoiceState) {
		t.Helper()
		r.clock.add(24 * time.Hour)
		r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}, At: r.clock.Now()})
		r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: state, Net: 5519, Tax: 331, IssuedAt: r.clock.Now(), At: r.clock.Now()})
	}
	entries := func() (n int) {
		t.Helper()
		if err := r.reader.QueryRow("SELECT count(*) FROM journal WHERE sale = 'S1'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	seen(trade.InvWithdrew)
	before := entries()
	for range 20 {
		seen(trade.InvWithdrew)
	}
	if n := entries(); n != before {
		t.Errorf("%d journal entries, %d before anything was watched", n, before)
	}
	seen(trade.InvIssued)
	if n := entries(); n != before+1 {
		t.Errorf("%d journal entries after the invoice came, want %d", n, before+1)
	}
	if got, err := r.Sale(t.Context(), "S1"); err != nil || got.Standing.View() != trade.StateInvoiced {
		t.Errorf("%v, %v", got.Standing.View(), err)
	}
}
