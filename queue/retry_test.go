package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tillagent/trade"
)

func TestMend(t *testing.T) {
	r := open(t)
	posted := lunch("S1")
	r.accept(posted)
	other := []trade.Line{{Name: "晚餐", Amount: 5850, TaxCode: "3070401000000000000", Rate: 6}}
	var state *StateError
	if _, err := r.Mend(t.Context(), "S1", other); !errors.As(err, &state) || !strings.Contains(err.Error(), "queued") {
		t.Errorf("of a queued sale: %v", err)
	}
	if _, err := r.Mend(t.Context(), "none", other); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no sale: %v", err)
	}
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	no := c.Record.Standing.QRs[0].No
	r.settle(c, trade.Refused{Op: c.Op, Code: "8016", Msg: "税收分类编码"})
	rec, err := r.Mend(t.Context(), "S1", other)
	if err != nil || rec.Standing.View() != trade.StateQueued || rec.Sale.Items[0].Name != "晚餐" || rec.Sale.Cashier != posted.Cashier {
		t.Fatalf("%+v, %v", rec, err)
	}
	if as, err := r.ActiveAlerts(); err != nil || len(as) != 0 {
		t.Errorf("alerts %+v, %v", as, err)
	}
	r.settle(r.claim(trade.LaneLive, trade.OpQueryQR), trade.QRMissing{At: r.clock.Now()})
	r.clock.add(time.Minute)
	if c = r.claim(trade.LaneLive, trade.OpCreateQR); c.Record.Sale.Items[0].Name != "晚餐" || c.Record.Standing.QRs[0].No != no {
		t.Errorf("sent again as %+v with %s, want the new line with the number %s", c.Record.Sale.Items, c.Record.Standing.QRs[0].No, no)
	}
	r.settle(c, r.created())
	r.reopen()
	if rec, err := r.Sale(t.Context(), "S1"); err != nil || rec.Sale.Items[0].Name != "晚餐" {
		t.Errorf("after a restart %+v, %v", rec, err)
	}
	if _, created, err := r.AcceptSale(t.Context(), posted, posted.Digest()); err != nil || created {
		t.Errorf("what was posted is no repetition any more: %v, %v", created, err)
	}
	var entries int
	if err := r.reader.QueryRow("SELECT count(*) FROM journal WHERE kind = 'SaleMended' AND sale = 'S1'").Scan(&entries); err != nil || entries != 1 || r.VerifyJournal() != nil {
		t.Errorf("%d entries, %v, %v", entries, err, r.VerifyJournal())
	}
}

func TestMendRefunded(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	r.settle(c, trade.Refused{Op: c.Op, Code: "8016", Msg: "x"})
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Amount: 1000, Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	var state *StateError
	if _, err := r.Mend(t.Context(), "S1", []trade.Line{{Name: "x", Amount: 5850}}); !errors.As(err, &state) || state.Why.Key != trade.DetailRefunded {
		t.Errorf("%v", err)
	}
}

// TestRetryRefund takes a refund up again whose red invoice was refused.
func TestRetryRefund(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}, At: r.clock.Now()})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 5519, Tax: 331, Number: "1", At: r.clock.Now()})
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	c := r.claim(trade.LaneUndo, trade.OpRedFlush)
	serial := c.Op.Serial
	r.settle(c, trade.Refused{Op: c.Op, Code: "9999", Msg: "额度不足"})
	view := func() string {
		rec, err := r.Refund(t.Context(), "R1")
		if err != nil {
			t.Fatal(err)
		}
		return rec.Standing.RefundView(rec.Standing.Refunds[0])
	}
	if as, err := r.ActiveAlerts(); view() != "failed" || err != nil || len(as) != 1 {
		t.Fatalf("%s, alerts %+v, %v", view(), as, err)
	}
	if _, err := r.RetryRefund(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	rec, err := r.RetryRefund(t.Context(), "R1")
	if as, err2 := r.ActiveAlerts(); err != nil || err2 != nil || view() != "queued" || len(as) != 0 || !rec.Standing.Refunds[0].Problem.IsZero() {
		t.Fatalf("%+v: %s, alerts %+v, %v, %v", rec.Standing.Refunds, view(), as, err, err2)
	}
	// A person may have done it meanwhile, so the number is asked about first.
	r.settle(r.claim(trade.LaneUndo, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: serial, State: trade.InvFailed, At: r.clock.Now()})
	c = r.claim(trade.LaneUndo, trade.OpRedFlush)
	if c.Op.Serial != serial {
		t.Errorf("the red invoice goes out as %s, was %s", c.Op.Serial, serial)
	}
	r.settle(c, trade.RedAccepted{Serial: serial})
	r.settle(r.claim(trade.LaneUndo, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: serial, State: trade.InvIssued, Net: -5519, Tax: -331, Number: "2", At: r.clock.Now()})
	if view() != "done" {
		t.Error(view())
	}
	if _, err := r.RetryRefund(t.Context(), "R1"); err != nil || view() != "done" {
		t.Errorf("a refund that is done: %s, %v", view(), err)
	}
}

func TestCancelPrint(t *testing.T) {
	r := open(t)
	for _, id := range []string{"S1", "S2", "S3"} {
		sale := lunch(id)
		sale.Wish = trade.WishNone
		r.accept(sale)
	}
	var state *StateError
	c := r.claimPrint()
	if _, err := r.CancelPrint(t.Context(), c.JobID); !errors.As(err, &state) {
		t.Errorf("while printing: %v", err)
	}
	r.printed(c, trade.PaperHeld, "paper_out")
	if p, err := r.CancelPrint(t.Context(), c.JobID); err != nil || p.State != trade.PrintCancelled {
		t.Errorf("held: %+v, %v", p, err)
	}
	if next := r.claimPrint(); next.JobID != "sale:S2" {
		t.Errorf("then comes %s", next.JobID)
	} else {
		r.printed(next, trade.PaperPrinted, "")
		if _, err := r.CancelPrint(t.Context(), next.JobID); !errors.As(err, &state) {
			t.Errorf("printed: %v", err)
		}
	}
	for range 2 {
		if p, err := r.CancelPrint(t.Context(), "sale:S3"); err != nil || p.State != trade.PrintCancelled {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if _, err := r.CancelPrint(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	r.noPrint()
	if n, err := r.PrintsWaiting(t.Context()); err != nil || len(n) != 0 {
		t.Errorf("%v waiting, %v", n, err)
	}
}
