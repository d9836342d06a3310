package queue

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tillagent/trade"
)

// settleCall settles a claim as the worker does, with what became of its call.
func (r *rig) settleCall(c *OpClaim, call trade.Call, e trade.Event) {
	r.t.Helper()
	c.Call = &call
	r.settle(c, e)
}

// TestCallsOfASale: each call that comes to another end is a row, the same
// again and again is one with a count, and none is kept without its outcome.
func TestCallsOfASale(t *testing.T) {
	r := open(t, func(o *Options) {
		o.Pause = func(trade.Op, trade.Standing, int, time.Time) time.Duration { return 0 }
	})
	r.accept(lunch("S1"))
	start := r.clock.Now()
	away := trade.Call{Interface: "2.16", Outcome: trade.OutcomeUnavailable, Took: 5 * time.Second}
	for range 3 {
		c := r.claim(trade.LaneLive, trade.OpCreateQR)
		r.clock.add(time.Second)
		r.settleCall(c, away, trade.Unsent{Op: c.Op})
	}
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	r.settleCall(c, trade.Call{Interface: "2.16", Outcome: trade.OutcomeOK, Code: "0000", Took: 230 * time.Millisecond}, r.created())
	if err := r.Settle(c, r.created()); !errors.Is(err, ErrNotOurs) {
		t.Fatal(err)
	}
	watched := trade.Call{Interface: "2.18", Outcome: trade.OutcomeOK, Code: "0000", Took: 40 * time.Millisecond}
	for range 2 {
		r.settleCall(r.claim(trade.LaneWatch, trade.OpQueryQR), watched, nil)
	}
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), nil) // no call was made

	want := []CallRow{
		{Call: away, Attempt: 2, Times: 3, At: start.Add(time.Second), LastAt: start.Add(3 * time.Second)},
		{Call: trade.Call{Interface: "2.16", Outcome: trade.OutcomeOK, Code: "0000", Took: 230 * time.Millisecond}, Attempt: 3, Times: 1,
			At: start.Add(3 * time.Second), LastAt: start.Add(3 * time.Second)},
		{Call: watched, Attempt: 1, Times: 2, At: start.Add(3 * time.Second), LastAt: start.Add(3 * time.Second)},
	}
	got, err := r.Calls(t.Context(), "S1")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("calls\n%+v, %v, want\n%+v", got, err, want)
	}
	if _, err := r.Calls(t.Context(), "S2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("calls of no sale: %v", err)
	}
}

// TestCallsGoWithTheirSale: retention deletes them.
func TestCallsGoWithTheirSale(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	r.settleCall(c, trade.Call{Interface: "2.16", Outcome: trade.OutcomeRefused, Code: "8016"}, trade.Refused{Op: c.Op, Code: "8016"})
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	r.clock.add(40 * 24 * time.Hour)
	if err := r.Retain(t.Context(), Retention{Buyers: time.Hour, Sales: 31 * 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := r.reader.QueryRow("SELECT (SELECT count(*) FROM calls) + (SELECT count(*) FROM sales)").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows of the sale are left, %v", left, err)
	}
}
