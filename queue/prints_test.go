package queue

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tillagent/trade"
)

// TestSlipOfAReceiptThatIsPrinting has the QR code come while the receipt is
// under way without it: a slip follows if that receipt came out, or may have.
func TestSlipOfAReceiptThatIsPrinting(t *testing.T) {
	for name, tt := range map[string]struct {
		ends func(*rig, *PrintClaim)
		slip bool
	}{
		"printed":   {func(r *rig, c *PrintClaim) { r.printed(c, trade.PaperPrinted, "") }, true},
		"sent":      {func(r *rig, c *PrintClaim) { r.printed(c, trade.PaperSent, "") }, true},
		"uncertain": {func(r *rig, c *PrintClaim) { r.printed(c, trade.PaperUncertain, "power_cycled") }, true},
		"killed":    {func(r *rig, _ *PrintClaim) { r.reopen() }, true},
		"held, then printed with it": {func(r *rig, c *PrintClaim) {
			r.printed(c, trade.PaperHeld, "paper_out")
			r.noPrint()
			r.clock.add(time.Minute)
			again := r.claimPrint()
			if again.JobID != c.JobID || !again.WithQR {
				t.Errorf("claimed %+v, want the receipt with its QR code", again)
			}
			r.printed(again, trade.PaperPrinted, "")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, func(o *Options) { o.SlipLater = true })
			r.accept(lunch("S1"))
			c := r.claim(trade.LaneLive, trade.OpCreateQR)
			r.clock.add(2 * time.Second)
			receipt := r.claimPrint()
			r.settle(c, r.created())
			r.noPrint()
			tt.ends(r, receipt)
			if !tt.slip {
				r.noPrint()
				return
			}
			if p := r.claimPrint(); p.Paper != trade.PaperSlip || !p.WithQR {
				t.Errorf("claimed %+v, want the slip", p)
			}
		})
	}
}

// TestSlipsOfLikeNames has the slip of one sale's second code beside the slip of
// another sale that is called what the first would be by its generation.
func TestSlipsOfLikeNames(t *testing.T) {
	r := open(t, func(o *Options) { o.SlipLater = true })
	for _, id := range []string{"S1", "S1:1"} {
		r.accept(lunch(id))
	}
	first, second := r.claim(trade.LaneLive, trade.OpCreateQR), r.claim(trade.LaneLive, trade.OpCreateQR)
	r.settle(first, r.created())
	r.clock.add(2 * time.Second)
	for range 2 {
		r.printed(r.claimPrint(), trade.PaperPrinted, "")
	}
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Amount: 1000, Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	r.settle(r.claim(trade.LaneUndo, trade.OpVoidQR), trade.VoidConfirmed{At: r.clock.Now()})
	r.settle(second, r.created())
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), trade.QRCreated{Gen: 1, URL: "https://example.com/q1", At: r.clock.Now()})
	slips := map[string]bool{}
	for range 2 {
		p := r.claimPrint()
		if p.Paper != trade.PaperSlip {
			t.Errorf("claimed %+v, want a slip", p)
		}
		slips[p.SaleID()] = true
		r.printed(p, trade.PaperPrinted, "")
	}
	if !slips["S1"] || !slips["S1:1"] {
		t.Errorf("slips of %v, want one of each sale", slips)
	}
}

// TestRefundsKeepTheirOrder takes refunds of one sale within a millisecond and
// when the clock was set back: what the second takes depends on the first.
func TestRefundsKeepTheirOrder(t *testing.T) {
	r := open(t)
	s := lunch("S1")
	s.Items = []trade.Line{{Name: "茶", Amount: 3000}, {Name: "饭", Amount: 2850}}
	r.accept(s)
	want := []string{"R3", "R2", "R1"}
	for i, id := range want {
		req := trade.RefundRequest{ID: id, SaleID: "S1", Amount: 1000, Reason: trade.SalesReturn}
		if i == 0 {
			req.Amount, req.Items = 3000, []trade.RefundLine{{Line: 1, Amount: 3000}}
		}
		if _, _, err := r.AcceptRefund(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			r.clock.add(-time.Hour)
		}
	}
	rec, err := r.Sale(t.Context(), "S1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range rec.Standing.Refunds {
		got = append(got, f.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the refunds are %v, want %v", got, want)
	}
	for _, l := range trade.LinesLeft(rec.Sale.Items, rec.Standing.Refunds, 0) {
		if l.Name != "饭" || l.Net() != 850 {
			t.Errorf("left is %+v, want 8.50 of the second line", l)
		}
	}
}

// TestOtherPaperIsNoCopy: the receipt of a second refund, and the slip of a further
// code, are no copies of those before them.
func TestOtherPaperIsNoCopy(t *testing.T) {
	r := open(t)
	s := lunch("S1")
	s.Print.Mode = trade.PrintSlip
	r.accept(s)
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	out := func(paper trade.Paper, mark trade.Mark) {
		t.Helper()
		c := r.claimPrint()
		if c.Paper != paper || c.Mark != mark {
			t.Errorf("a %s marked %q, want a %s marked %q", c.Paper, c.Mark, paper, mark)
		}
		r.printed(c, trade.PaperPrinted, "")
	}
	out(trade.PaperSlip, trade.MarkNone)
	for n := range 2 {
		f := trade.RefundRequest{ID: fmt.Sprint("R", n), SaleID: "S1", Amount: 1000}
		f.Normalise()
		if _, _, err := r.AcceptRefund(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		r.settle(r.claim(trade.LaneUndo, trade.OpVoidQR), trade.VoidConfirmed{Gen: n, At: r.clock.Now()})
		out(trade.PaperRefund, trade.MarkNone)
		r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), trade.QRCreated{Gen: n + 1, URL: "https://example.com/q", At: r.clock.Now()})
		out(trade.PaperSlip, trade.MarkNone)
	}
	if _, err := r.AskPrint(t.Context(), "S1", "again", trade.PaperSlip, trade.ReceiptPrinter, 1); err != nil {
		t.Fatal(err)
	}
	out(trade.PaperSlip, trade.MarkReprint)
}

// TestOneSlipIsEnough: where the POS has asked for the slip of a receipt that went
// out without its QR code, none comes by itself.
func TestOneSlipIsEnough(t *testing.T) {
	r := open(t, func(o *Options) { o.SlipLater = true })
	r.accept(lunch("S1"))
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	r.clock.add(2 * time.Second)
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	if _, err := r.AskPrint(t.Context(), "S1", "asked", trade.PaperSlip, trade.ReceiptPrinter, 1); err != nil {
		t.Fatal(err)
	}
	r.settle(c, r.created())
	p := r.claimPrint()
	if p.JobID != "asked" || !p.WithQR {
		t.Errorf("printed %s, with the QR code: %v", p.JobID, p.WithQR)
	}
	r.printed(p, trade.PaperPrinted, "")
	r.noPrint()
}
