package queue

import (
	"reflect"
	"testing"
	"time"

	"tillagent/trade"
)

// TestDay takes sales around midnight in Beijing, which is 16:00 UTC.
func TestDay(t *testing.T) {
	r := open(t) // 20:00 in Beijing on 22 November
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	s := lunch("S2")
	s.Wish = trade.WishNone
	r.accept(s)
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R2", SaleID: "S2", Amount: 1000, Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	r.clock.add(4*time.Hour - time.Millisecond)
	r.accept(lunch("S3")) // the last millisecond of the day
	head, err := r.Day(t.Context(), r.clock.Now(), trade.Beijing)
	if err != nil {
		t.Fatal(err)
	}
	r.clock.add(time.Millisecond)
	r.accept(lunch("S4")) // the first of the next
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, trade.Beijing)
	for name, c := range map[string]struct {
		date time.Time
		want DayView
	}{
		"first": {midnight.Add(-time.Nanosecond), DayView{From: midnight.AddDate(0, 0, -1), To: midnight, Sales: Tally{3, 3 * 5850},
			ByState:        map[trade.SaleState]Tally{trade.StateQRReady: {1, 5850}, trade.StateRecorded: {1, 5850}, trade.StateQueued: {1, 5850}},
			Refunds:        Tally{1, 1000},
			RefundsByState: map[trade.RefundState]Tally{trade.RefDone: {1, 1000}},
			OpenSales:      1, OpenPrints: 1, JournalSeq: head.JournalSeq, JournalHash: head.JournalHash}},
		"second": {midnight, DayView{From: midnight, To: midnight.AddDate(0, 0, 1), Sales: Tally{1, 5850},
			ByState:        map[trade.SaleState]Tally{trade.StateQueued: {1, 5850}},
			Refunds:        Tally{1, 5850},
			RefundsByState: map[trade.RefundState]Tally{trade.RefWaitVoid: {1, 5850}},
			OpenSales:      1, OpenRefunds: 1, OpenPrints: 1}},
	} {
		got, err := r.Day(t.Context(), c.date, trade.Beijing)
		if err != nil {
			t.Fatal(err)
		}
		if name == "second" { // the journal goes on
			if got.JournalSeq <= head.JournalSeq || got.JournalHash == head.JournalHash {
				t.Errorf("the head of the second day is %d, of the first %d", got.JournalSeq, head.JournalSeq)
			}
			c.want.JournalSeq, c.want.JournalHash = got.JournalSeq, got.JournalHash
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s day:\n%+v, want\n%+v", name, got, c.want)
		}
	}
	empty, err := r.Day(t.Context(), midnight.AddDate(-1, 0, 0), trade.Beijing)
	if err != nil || empty.Sales.Count != 0 || empty.JournalSeq != 0 {
		t.Errorf("a day before the first sale: %+v, %v", empty, err)
	}
}
