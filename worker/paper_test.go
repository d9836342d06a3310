package worker_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/trade"
)

// sellAs sells with a wish for paper.
func (s *shop) sellAs(id string, p trade.PrintWish) {
	s.t.Helper()
	sale := lunch(id)
	p.Copies = max(p.Copies, 1)
	sale.Print = p
	if _, created, err := s.store.AcceptSale(s.t.Context(), sale, sale.Digest()); err != nil || !created {
		s.t.Fatal(created, err)
	}
}

func paperIs(n int, state trade.PrintState) func(*queue.Record) bool {
	return func(r *queue.Record) bool { return len(r.Prints) > n && r.Prints[n].State == state }
}

const ownLines = `[{"text":"自家小票","align":"center"},{"columns":[{"text":"午餐"},{"text":"58.50","width":10,"align":"right"}]},{"feed":2},{"cut":"partial"}]`

// ownRaw is a POS's own paper: text, a feed, a question that must not reach the
// printer, and the cut.
var ownRaw = []byte("\x1b@OWN RECEIPT\n58.50\n\x1dr\x01\x1bd\x03\x1dV\x00")

// TestPOSLayoutsCarryTheQR: lines and bytes of a POS come out with the QR code
// before their cut, a reprint is marked.
func TestPOSLayoutsCarryTheQR(t *testing.T) {
	for name, wish := range map[string]trade.PrintWish{
		"lines": {Mode: trade.PrintLines, Lines: []byte(ownLines)},
		"raw":   {Mode: trade.PrintRaw, Raw: ownRaw},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, wishes{qrWait: 10 * time.Second})
			s.sellAs("S1", wish)
			r := s.paper()
			if len(r.QRs) != 1 || !r.Cut || strings.Contains(r.Text, "重打") {
				t.Errorf("QR codes %v, cut %v:\n%s", r.QRs, r.Cut, r.Text)
			}
			own, scan := strings.Index(r.Text, "58.50"), strings.Index(r.Text, "扫码自助开具电子发票")
			if own < 0 || scan < own {
				t.Errorf("the QR code is not behind the POS's own paper:\n%s", r.Text)
			}
			if bytes.Contains(r.Bytes, []byte("58.50\n\x1dr\x01")) {
				t.Error("the POS's own question reached the printer")
			}
			s.await("S1", "printed", paperIs(0, trade.PrintPrinted))
			if _, err := s.store.AskPrint(t.Context(), "S1", "again", trade.PaperReceipt, trade.ReceiptPrinter, 1); err != nil {
				t.Fatal(err)
			}
			r = s.paper()
			has(t, r, "58.50", "*** 重打 第2次 ***")
			if len(r.QRs) != 1 {
				t.Errorf("QR codes of the reprint: %v", r.QRs)
			}
		})
	}
}

// TestPOSLayoutsWaitNoLonger: without the platform they come out as receipts do.
func TestPOSLayoutsWaitNoLonger(t *testing.T) {
	s := open(t, wishes{qrWait: 50 * time.Millisecond, away: true})
	s.sellAs("S1", trade.PrintWish{Mode: trade.PrintLines, Lines: []byte(ownLines)})
	r := s.paper()
	has(t, r, "自家小票", "网络暂不可用,未能生成开票码", "S1")
	if len(r.QRs) != 0 {
		t.Errorf("QR codes %v", r.QRs)
	}
}

// TestR16PowerCutInPOSLayout: a torn one is never repeated by itself, and the
// copy that is asked for says so.
func TestR16PowerCutInPOSLayout(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.printer.SetFaults(paper.Faults{PowerCutAfter: 100})
	s.sellAs("S1", trade.PrintWish{Mode: trade.PrintRaw, Raw: ownRaw})
	s.await("S1", "uncertain", paperIs(0, trade.PrintUncertain))
	s.printer.SetFaults(paper.Faults{})
	if _, err := s.store.AskPrint(t.Context(), "S1", "again", trade.PaperReceipt, trade.ReceiptPrinter, 1); err != nil {
		t.Fatal(err)
	}
	s.await("S1", "printed again", paperIs(1, trade.PrintPrinted))
	for {
		if r := s.paper(); r.Cut {
			has(t, r, "OWN RECEIPT", "*** 补打:前张可能不完整 ***")
			return
		}
	}
}

// TestCopiesOpenTheDrawerOnce: every copy is whole, and the drawer opens with
// the first.
func TestCopiesOpenTheDrawerOnce(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second, drawer: 2, beep: true})
	s.sellAs("S1", trade.PrintWish{Mode: trade.PrintReceipt, Copies: 3, OpenDrawer: true})
	for n := range 3 {
		r := s.paper()
		if beeps := bytes.Contains(r.Bytes, []byte("\x1bB")); beeps != (n == 0) {
			t.Errorf("copy %d beeps: %v", n, beeps)
		}
		has(t, r, "午餐", "扫码自助开具电子发票")
		if !r.Cut || strings.Contains(r.Text, "重打") {
			t.Errorf("copy %d: cut %v\n%s", n, r.Cut, r.Text)
		}
	}
	s.await("S1", "printed", paperIs(0, trade.PrintPrinted))
	if n := s.printer.State().DrawerKicks; n != 1 {
		t.Errorf("the drawer opened %d times", n)
	}
}

func TestOwnPaperAndDrawer(t *testing.T) {
	s := open(t, wishes{drawer: 5})
	if _, err := s.store.AcceptPrint(t.Context(), "K1", trade.Content{Form: trade.PrintLines, Data: []byte(ownLines)}, trade.ReceiptPrinter, 2); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := s.paper()
		has(t, r, "自家小票")
		if !r.Cut || len(r.QRs) != 0 || strings.Contains(r.Text, "凭证码") {
			t.Errorf("cut %v, QR codes %v:\n%s", r.Cut, r.QRs, r.Text)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if e, cause := s.worker.OpenDrawer(ctx, trade.ReceiptPrinter); e != trade.PaperPrinted || s.printer.State().DrawerKicks != 1 {
		t.Errorf("%s %s, %d pulses", e, cause, s.printer.State().DrawerKicks)
	}
	s.printer.SetFaults(paper.Faults{PaperOut: true})
	if e, cause := s.worker.OpenDrawer(ctx, trade.ReceiptPrinter); e != trade.PaperHeld || cause != "paper_out" {
		t.Errorf("%s %s without paper", e, cause)
	}
	s.printer.SetFaults(paper.Faults{})
	if e, cause := s.worker.OpenDrawer(ctx, trade.ReceiptPrinter); e != trade.PaperPrinted {
		t.Errorf("%s %s", e, cause)
	}
	if n := s.printer.State().DrawerKicks; n != 2 {
		t.Errorf("%d pulses: one was sent later, or twice", n)
	}
}

// TestPaperOutWithinAJob raises the alert while the job waits, and ends it when
// the job goes on.
func TestPaperOutWithinAJob(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	news := s.store.Follow(queue.Latest)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	told := func(typ, state string) {
		t.Helper()
		for {
			events, err := news.Next(ctx)
			if err != nil {
				t.Fatalf("no %s %s: %v", typ, state, err)
			}
			for _, e := range events {
				if e.Type == typ && e.State == state {
					return
				}
			}
		}
	}
	s.printer.SetFaults(paper.Faults{PaperOutAfter: 200})
	s.sell("S1")
	told("print.held", "paper_out")
	r, err := s.store.Sale(t.Context(), "S1")
	if err != nil || r.Prints[0].State != trade.PrintPrinting || r.Prints[0].Shown() != trade.PrintHeld || r.Prints[0].Reason != "paper_out" {
		t.Errorf("%+v, %v: the job is under way, and waits", r.Prints, err)
	}
	told("alert.raised", trade.AlertPrinter)
	s.printer.SetFaults(paper.Faults{})
	r = s.await("S1", "printed", paperIs(0, trade.PrintPrinted))
	if p := r.Prints[0]; p.Shown() != trade.PrintPrinted || p.Reason != "" {
		t.Errorf("%+v: shown as %s", p, p.Shown())
	}
	if as, err := s.store.ActiveAlerts(); err != nil || len(as) != 0 {
		t.Errorf("alerts %+v, %v after paper was put in", as, err)
	}
	if r := s.paper(); strings.Contains(r.Text, "重打") {
		t.Errorf("a receipt that waited is marked:\n%s", r.Text)
	}
}

// TestEveryCauseHasWords: what a printer tells of itself reaches the staff in
// their language.
func TestEveryCauseHasWords(t *testing.T) {
	for _, c := range []printer.Cause{printer.CausePaperOut, printer.CauseCoverOpen, printer.CauseOffline, printer.CauseCutter, printer.CauseError} {
		if m := trade.CauseWords(string(c)); m.Key == trade.TimelineOther {
			t.Errorf("%s has no words", c)
		}
	}
}
