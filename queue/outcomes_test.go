package queue

import (
	"errors"
	"testing"
	"time"

	"tillagent/trade"
)

// TestLateAnswerOfAnEarlierAttempt: what an attempt came to after the next one was
// claimed is not the next one's outcome.
func TestLateAnswerOfAnEarlierAttempt(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), trade.Lost{Op: trade.Op{Kind: trade.OpCreateQR}})
	first := r.claim(trade.LaneLive, trade.OpQueryQR)
	r.settle(first, nil)
	second := r.claim(trade.LaneLive, trade.OpQueryQR)
	if err := r.Settle(first, trade.QRMissing{At: r.clock.Now()}); !errors.Is(err, ErrNotOurs) {
		t.Errorf("the first attempt is settled again: %v", err)
	}
	r.settle(second, r.created())
}

// TestRefundIsDated: a refund that is done says when, whatever ended it.
func TestRefundIsDated(t *testing.T) {
	ends := map[string]func(r *rig, c *OpClaim){
		"stopped": func(r *rig, c *OpClaim) {
			if err := r.HandBack(c); err != nil {
				t.Fatal(err)
			}
		},
		"unsent":  func(r *rig, c *OpClaim) { r.settle(c, trade.Unsent{Op: c.Op}) },
		"refused": func(r *rig, c *OpClaim) { r.settle(c, trade.Refused{Op: c.Op, Code: "8005"}) },
		"foreign": func(r *rig, c *OpClaim) { r.settle(c, trade.QRForeign{Gen: c.Op.Gen}) },
	}
	for name, end := range ends {
		r := open(t)
		r.accept(lunch("S1"))
		c := r.claim(trade.LaneLive, trade.OpCreateQR)
		if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
			t.Fatal(err)
		}
		r.clock.add(time.Second)
		end(r, c)
		rec, err := r.Sale(t.Context(), "S1")
		if err != nil {
			t.Fatal(err)
		}
		if f := rec.Standing.Refunds[0]; f.State != trade.RefDone || !f.DoneAt.Equal(r.clock.Now()) {
			t.Errorf("%s: the refund is %s, done at %v", name, f.State, f.DoneAt)
		}
	}
}

// TestNewsReleasesItsOwnPaper: a sale's QR code has the receipt printed, and says
// nothing about the refund whose receipt waits beside it.
func TestNewsReleasesItsOwnPaper(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	f := trade.RefundRequest{ID: "R1", SaleID: "S1", Amount: 1000}
	f.Normalise()
	if _, _, err := r.AcceptRefund(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	r.settle(c, r.created())
	if sale, refund := r.job("sale:S1"), r.job("refund:R1"); sale.State != trade.PrintQueued || refund.State != trade.PrintWaitingQR {
		t.Errorf("the receipt is %s, the refund's %s", sale.State, refund.State)
	}
	r.settle(r.claim(trade.LaneUndo, trade.OpVoidQR), trade.VoidConfirmed{At: r.clock.Now()})
	if refund := r.job("refund:R1"); refund.State != trade.PrintQueued {
		t.Errorf("after the refund the receipt of it is %s", refund.State)
	}
}
