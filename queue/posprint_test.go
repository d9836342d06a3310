package queue

import (
	"errors"
	"testing"
	"time"

	"tillagent/trade"
)

var kitchen = trade.Content{Form: trade.PrintLines, Data: []byte(`[{"text":"桌号 7"}]`)}

func (r *rig) ownPrint(id string, c trade.Content) *Print {
	r.t.Helper()
	p, err := r.AcceptPrint(r.t.Context(), id, c, trade.ReceiptPrinter, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// TestOwnPrintsKeepTheirPlace: paper for no sale stands in the same line as
// receipts, and goes through the same states.
func TestOwnPrintsKeepTheirPlace(t *testing.T) {
	r := open(t)
	plain := lunch("S1")
	plain.Wish = trade.WishNone
	r.ownPrint("K1", kitchen)
	r.accept(plain)
	r.ownPrint("K2", trade.Content{Form: trade.PrintRaw, Data: []byte("\x1b@a\n")})

	c := r.claimPrint()
	if c.JobID != "K1" || c.Record != nil || c.Content.Form != kitchen.Form || string(c.Content.Data) != string(kitchen.Data) || c.Mark != trade.MarkNone {
		t.Fatalf("claimed %+v", c)
	}
	r.printed(c, trade.PaperHeld, "paper_out")
	r.clock.add(time.Minute)
	if c = r.claimPrint(); c.JobID != "K1" || c.Attempts != 2 {
		t.Fatalf("claimed %+v, want the one that was held", c)
	}
	r.printed(c, trade.PaperPrinted, "")
	if c = r.claimPrint(); c.SaleID() != "S1" || c.Content.Form != "" {
		t.Fatalf("claimed %+v", c)
	}
	r.printed(c, trade.PaperPrinted, "")
	c = r.claimPrint()
	if c.JobID != "K2" {
		t.Fatalf("claimed %+v", c)
	}

	// The power goes while it prints: nobody prints it again by itself.
	r.reopen()
	r.noPrint()
	if p, err := r.Print(t.Context(), "K2"); err != nil || p.State != trade.PrintUncertain {
		t.Errorf("%+v, %v", p, err)
	}
	if as, err := r.ActiveAlerts(); err != nil || len(as) != 1 || as[0].Title.In(trade.ZH) != "打印任务 K2 可能没有打完整" {
		t.Errorf("alerts %+v, %v", as, err)
	}
	if err := r.SettlePrint(c, trade.PaperPrinted, "", time.Time{}); !errors.Is(err, ErrNotOurs) {
		t.Errorf("a settled job was settled again: %v", err)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
	if p := r.ownPrint("K1", kitchen); p.State != trade.PrintPrinted {
		t.Errorf("the repetition is %+v", p)
	}
	r.noPrint()
}

// TestContentOfASale: a POS's own layout is kept with the paper and not with the
// sale, comes with reprints, and goes when it is old.
func TestContentOfASale(t *testing.T) {
	r := open(t)
	s := lunch("S1")
	s.Wish = trade.WishNone
	s.Print = trade.PrintWish{Mode: trade.PrintRaw, Copies: 1, Raw: []byte("\x1b@own\n")}
	rec := r.accept(s)
	if rec.Sale.Print.Mode != trade.PrintRaw || rec.Sale.Print.Raw != nil {
		t.Errorf("stored with the sale: %+v", rec.Sale.Print)
	}
	if _, created, err := r.AcceptSale(t.Context(), s, s.Digest()); err != nil || created {
		t.Errorf("the repetition: %v, %v", created, err)
	}
	c := r.claimPrint()
	if string(c.Content.Data) != "\x1b@own\n" {
		t.Errorf("claimed %+v", c)
	}
	r.printed(c, trade.PaperPrinted, "")
	r.ownPrint("K1", kitchen)
	r.ownPrint("K2", kitchen)
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	reprint := func(id string) *PrintClaim {
		t.Helper()
		if _, err := r.AskPrint(t.Context(), "S1", id, trade.PaperReceipt, trade.ReceiptPrinter, 1); err != nil {
			t.Fatal(err)
		}
		r.printed(r.claimPrint(), trade.PaperPrinted, "") // K2 at first
		return r.claimPrint()
	}
	if c = reprint("J1"); c.JobID != "J1" || c.Content.Form != trade.PrintRaw || c.Mark != trade.MarkReprint {
		t.Errorf("the reprint is %+v", c)
	}
	r.printed(c, trade.PaperPrinted, "")
	r.clock.add(48 * time.Hour)
	r.ownPrint("K3", kitchen)
	r.retain(24*time.Hour, 30*24*time.Hour)
	if c = reprint("J2"); c.JobID != "J2" || c.Content.Form != "" || c.Mark != trade.MarkReprint {
		t.Errorf("the reprint of what was forgotten is %+v", c)
	}
	r.printed(c, trade.PaperPrinted, "")
	r.clock.add(40 * 24 * time.Hour)
	r.retain(24*time.Hour, 30*24*time.Hour)
	for _, id := range []string{"K1", "K2", "K3"} {
		if p, err := r.Print(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s is kept: %+v, %v", id, p, err)
		}
	}
}

// TestTraining: nothing of practice is sent, counted or mixed with what was
// sold.
func TestTraining(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.Store.opts.Training = true
	rec := r.accept(lunch("T1"))
	if !rec.Training || rec.Standing.View() != trade.StateRecorded || rec.Op != nil || len(rec.Standing.QRs) != 0 {
		t.Errorf("%+v", rec)
	}
	again := lunch("T1")
	if rec, created, err := r.AcceptSale(t.Context(), again, again.Digest()); err != nil || created || !rec.Training {
		t.Errorf("the repetition: %+v, %v, %v", rec, created, err)
	}
	if c := r.claimPrint(); !c.Record.Training {
		t.Errorf("claimed %+v", c.Record)
	}
	var state *StateError
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); !errors.As(err, &state) {
		t.Errorf("a real sale was refunded in training: %v", err)
	}
	if rec, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R2", SaleID: "T1", Reason: trade.SalesReturn}); err != nil || rec.Standing.Refunds[0].Path != trade.PathRecord {
		t.Errorf("%+v, %v", rec, err)
	}
	v, err := r.Day(t.Context(), r.clock.Now(), trade.Beijing)
	if err != nil || v.Sales.Count != 1 || v.Refunds.Count != 0 {
		t.Errorf("the day has %+v, %v", v, err)
	}
	d, err := r.DayReport(t.Context(), r.clock.Now(), trade.Beijing)
	if err != nil || d.OpenCount != 1 {
		t.Errorf("open is %+v, %v", d.Open, err)
	}
}
