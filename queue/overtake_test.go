package queue

import (
	"testing"
	"time"

	"tillagent/trade"
)

// A reprint that is asked for while the first receipt still waits for its QR
// code must not leave two receipts on paper that look like the only one.
func TestReprintBeforeTheFirstReceipt(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	if _, err := r.AskPrint(t.Context(), "S1", "again", trade.PaperReceipt, trade.ReceiptPrinter, 1); err != nil {
		t.Fatal(err)
	}
	unmarked := 0
	for range 2 {
		c, _, err := r.ClaimPrint(t.Context(), trade.ReceiptPrinter)
		if err != nil {
			t.Fatal(err)
		}
		if c == nil { // the first waits for its QR code
			r.clock.add(2 * time.Second)
			if c, _, err = r.ClaimPrint(t.Context(), trade.ReceiptPrinter); err != nil || c == nil {
				t.Fatal(c, err)
			}
		}
		if c.Mark == trade.MarkNone {
			unmarked++
		}
		if err := r.SettlePrint(c, trade.PaperPrinted, "", time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if unmarked != 1 {
		t.Errorf("%d receipts without a mark, want 1", unmarked)
	}
}
