package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tillagent/trade"
)

// clock is a hand-driven time, so that tests wait for nothing.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type rig struct {
	*Store
	t     *testing.T
	clock *clock
	opts  Options
}

func open(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	o := Options{Path: filepath.Join(t.TempDir(), "till agent.db"), Prefix: "DEMO", QRValid: 180 * 24 * time.Hour, Printer: true, QRWait: 1500 * time.Millisecond, Now: c.Now}
	for _, f := range change {
		f(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{s, t, c, o}
	r.tallied()
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// reopen is what happens after a power cut: nothing is settled or handed back.
func (r *rig) reopen() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	s, err := Open(r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Store = s
	r.tallied()
}

func lunch(id string) trade.Sale {
	s := trade.Sale{ID: id, Total: 5850, Items: []trade.Line{{Name: "午餐", Amount: 6000, Discount: -150, TaxCode: "3070401000000000000", Rate: 6}}}
	s.Normalise()
	return s
}

func (r *rig) accept(s trade.Sale) *Record {
	r.t.Helper()
	rec, created, err := r.AcceptSale(r.t.Context(), s, s.Digest())
	if err != nil || !created {
		r.t.Fatalf("AcceptSale(%s): created %v, %v", s.ID, created, err)
	}
	return rec
}

func (r *rig) claim(lane trade.Lane, want trade.OpKind) *OpClaim {
	r.t.Helper()
	c, next, err := r.ClaimOp(r.t.Context(), lane)
	if err != nil || c == nil || c.Op.Kind != want {
		r.t.Fatalf("claimed %+v (next %v), %v in lane %s; want %s", c, next, err, lane, want)
	}
	return c
}

func (r *rig) settle(c *OpClaim, e trade.Event) {
	r.t.Helper()
	if err := r.Settle(c, e); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) claimPrint() *PrintClaim {
	r.t.Helper()
	c, next, err := r.ClaimPrint(r.t.Context(), trade.ReceiptPrinter)
	if err != nil || c == nil {
		r.t.Fatalf("no print claimed (next %v), %v", next, err)
	}
	return c
}

func (r *rig) noPrint() time.Time {
	r.t.Helper()
	c, next, err := r.ClaimPrint(r.t.Context(), trade.ReceiptPrinter)
	if err != nil || c != nil {
		r.t.Fatalf("claimed print %+v, %v; want none", c, err)
	}
	return next
}

func (r *rig) printed(c *PrintClaim, e trade.PrintEvent, reason string) {
	r.t.Helper()
	if err := r.SettlePrint(c, e, reason, r.clock.Now().Add(2*time.Second)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) created() trade.Event {
	return trade.QRCreated{URL: "https://example.com/q", ExtractCode: "123456789012", At: r.clock.Now()}
}

func TestSaleToPaper(t *testing.T) {
	r := open(t)
	rec := r.accept(lunch("S1"))
	if rec.Standing.View() != trade.StateQueued || trade.CheckNumber(rec.Standing.QRs[0].No) != nil || rec.Sale.SoldAt.IsZero() {
		t.Fatalf("accepted as %+v", rec)
	}
	if next := r.noPrint(); !next.Equal(r.clock.Now().Add(1500 * time.Millisecond)) {
		t.Fatalf("the receipt is due at %v, want 1.5 s after the sale", next)
	}
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	if c.Record.Standing.QRs[0].State != trade.QRInFlight {
		t.Fatalf("a claimed sale is %s, want in_flight before anything is sent", c.Record.Standing.QRs[0].State)
	}
	r.settle(c, r.created())
	if err := r.Settle(c, r.created()); !errors.Is(err, ErrNotOurs) {
		t.Errorf("settling twice: %v, want ErrNotOurs", err)
	}
	p := r.claimPrint()
	if p.Paper != trade.PaperReceipt || p.Mark != trade.MarkNone || p.Record.Standing.OnPaper() == nil {
		t.Fatalf("claimed %+v, want an unmarked receipt with its QR code", p)
	}
	r.printed(p, trade.PaperPrinted, "")
	got, err := r.Sale(t.Context(), "S1")
	if err != nil || got.Prints[0].State != trade.PrintPrinted || got.Standing.View() != trade.StateQRReady || got.Op.Kind != trade.OpQueryQR {
		t.Fatalf("stands as %+v %+v, %v", got.Standing, got.Prints, err)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

func TestR09SameIDOtherContent(t *testing.T) {
	r := open(t)
	first := r.accept(lunch("S1"))
	again, created, err := r.AcceptSale(t.Context(), lunch("S1"), lunch("S1").Digest())
	if err != nil || created || again.Standing.QRs[0].No != first.Standing.QRs[0].No || len(again.Prints) != 1 {
		t.Fatalf("the same sale again: created %v, %+v, %v", created, again, err)
	}
	other := lunch("S1")
	other.Cashier = "小王"
	_, _, err = r.AcceptSale(t.Context(), other, other.Digest())
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.Stored != first.Digest || conflict.Posted != other.Digest() {
		t.Fatalf("other content: %v, want a conflict with both digests", err)
	}
}

// TestR08ConcurrentRepeats posts many sales, each several times at once: each is
// taken once, all numbers differ, and the journal's chain holds.
func TestR08ConcurrentRepeats(t *testing.T) {
	r := open(t)
	const sales, times = 40, 5
	var mu sync.Mutex
	created, numbers := 0, map[string]bool{}
	var wg sync.WaitGroup
	for i := range sales * times {
		wg.Go(func() {
			s := lunch(fmt.Sprintf("S%d", i%sales))
			rec, isNew, err := r.AcceptSale(t.Context(), s, s.Digest())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			numbers[rec.Standing.QRs[0].No] = true
			if isNew {
				created++
			}
		})
	}
	wg.Wait()
	if created != sales || len(numbers) != sales {
		t.Errorf("%d sales created with %d numbers, want %d of each", created, len(numbers), sales)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

// TestOneBadWriteSparesItsNeighbours shares a commit between a good and a
// failing write.
func TestOneBadWriteSparesItsNeighbours(t *testing.T) {
	r := open(t)
	boom := errors.New("boom")
	good := request{t.Context(), func(t *tx) error { return t.setMeta("good", "1") }, make(chan error, 1)}
	bad := request{t.Context(), func(t *tx) error { return errors.Join(t.setMeta("bad", "1"), boom) }, make(chan error, 1)}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	left := request{gone, func(t *tx) error { return t.setMeta("left", "1") }, make(chan error, 1)}
	r.commit([]request{bad, good, left})
	if e := <-good.done; e != nil {
		t.Error(e)
	}
	if e := <-bad.done; !errors.Is(e, boom) {
		t.Errorf("bad write: %v", e)
	}
	if e := <-left.done; !errors.Is(e, context.Canceled) {
		t.Errorf("a caller that left: %v", e)
	}
	var n int
	if err := r.reader.QueryRow("SELECT count(*) FROM meta WHERE key IN ('good','bad','left')").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d of the three writes are stored (%v), want the good one", n, err)
	}
}

func TestCrashLeavesNothingUnasked(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.claim(trade.LaneLive, trade.OpCreateQR)
	r.clock.add(2 * time.Second)
	r.claimPrint()
	r.reopen()
	got, err := r.Sale(t.Context(), "S1")
	if err != nil {
		t.Fatal(err)
	}
	if got.Standing.QRs[0].State != trade.QRUnknown || got.Op.Kind != trade.OpQueryQR {
		t.Errorf("after a crash the QR code is %s and next is %s; want unknown and a question", got.Standing.QRs[0].State, got.Op.Kind)
	}
	if got.Prints[0].State != trade.PrintUncertain {
		t.Errorf("after a crash the print is %s, want uncertain", got.Prints[0].State)
	}
	r.clock.add(time.Hour)
	r.noPrint()
	as, err := r.ActiveAlerts()
	if err != nil || len(as) != 1 || as[0].SaleID != "S1" {
		t.Errorf("alerts %+v, %v; want one for the paper of S1", as, err)
	}
	p, err := r.AskPrint(t.Context(), "S1", "again-1", trade.PaperReceipt, trade.ReceiptPrinter, 1)
	if err != nil || p.State != trade.PrintQueued {
		t.Fatal(p, err)
	}
	if c := r.claimPrint(); c.Mark != trade.MarkCutOff {
		t.Errorf("the copy is marked %q, want %q", c.Mark, trade.MarkCutOff)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

func TestNumbersGoOnAfterRestart(t *testing.T) {
	r := open(t)
	a := r.accept(lunch("S1")).Standing.QRs[0].No
	r.reopen()
	b := r.accept(lunch("S2")).Standing.QRs[0].No
	if a == b || a[:10] != b[:10] {
		t.Errorf("numbers %s and %s: want the same till and epoch, and another counter", a, b)
	}
}

func TestReprintsAreMarked(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	for n := 1; n <= 2; n++ {
		id := fmt.Sprintf("again-%d", n)
		for range 2 { // the POS repeats itself
			if _, err := r.AskPrint(t.Context(), "S1", id, trade.PaperReceipt, trade.ReceiptPrinter, 1); err != nil {
				t.Fatal(err)
			}
		}
		c := r.claimPrint()
		if c.Mark != trade.MarkReprint || c.Nth != n+1 {
			t.Errorf("reprint %d is marked %q %d", n, c.Mark, c.Nth)
		}
		r.printed(c, trade.PaperPrinted, "")
		r.noPrint()
	}
	if _, err := r.AskPrint(t.Context(), "S1", "again-1", trade.PaperSlip, trade.ReceiptPrinter, 1); !errors.Is(err, ErrConflict) {
		t.Errorf("a job id for other paper: %v, want ErrConflict", err)
	}
}

func TestHeldPrintKeepsItsPlace(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.clock.add(2 * time.Second)
	r.printed(r.claimPrint(), trade.PaperHeld, "paper_out")
	r.accept(lunch("S2"))
	r.clock.add(1900 * time.Millisecond)
	r.noPrint()
	r.clock.add(200 * time.Millisecond)
	if c := r.claimPrint(); c.Record.Sale.ID != "S1" || c.Mark != trade.MarkNone {
		t.Errorf("claimed %s marked %q, want the held S1 without a mark", c.Record.Sale.ID, c.Mark)
	}
}

func TestSlipWaitsForItsQR(t *testing.T) {
	for name, later := range map[string]bool{"asked for": false, "by itself": true} {
		t.Run(name, func(t *testing.T) {
			r := open(t, func(o *Options) { o.SlipLater = later })
			r.accept(lunch("S1"))
			c := r.claim(trade.LaneLive, trade.OpCreateQR)
			r.clock.add(2 * time.Second)
			receipt := r.claimPrint()
			if receipt.Record.Standing.OnPaper() != nil {
				t.Fatal("a receipt without an answer has a QR code")
			}
			r.printed(receipt, trade.PaperPrinted, "")
			if !later {
				if p, err := r.AskPrint(t.Context(), "S1", "slip-1", trade.PaperSlip, trade.ReceiptPrinter, 1); err != nil || p.State != trade.PrintWaitingQR {
					t.Fatalf("%+v, %v; want it to wait", p, err)
				}
			}
			r.noPrint()
			r.settle(c, r.created())
			if p := r.claimPrint(); p.Paper != trade.PaperSlip || p.Mark != trade.MarkNone || !p.WithQR {
				t.Errorf("claimed %+v, want the slip", p)
			}
			r.noPrint()
		})
	}
}

func TestR12RefundSumIsGuarded(t *testing.T) {
	r := open(t)
	s := lunch("S1")
	s.Wish = trade.WishNone
	r.accept(s)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken, exceeded := 0, 0
	for i := range 10 {
		wg.Go(func() {
			_, created, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: fmt.Sprintf("R%d", i), SaleID: "S1", Amount: 2000, Reason: trade.SalesReturn})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case created:
				taken++
			case errors.Is(err, ErrExceeds):
				exceeded++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if taken != 2 || exceeded != 8 {
		t.Errorf("%d refunds of 20.00 taken and %d refused for a sale of 58.50, want 2 and 8", taken, exceeded)
	}
	rec, err := r.Refund(t.Context(), "R0")
	if err == nil && (rec.Standing.Refunded() != 4000 || rec.Standing.Refunds[0].State != trade.RefDone) {
		t.Errorf("standing %+v", rec.Standing)
	}
}

func TestRefundPaths(t *testing.T) {
	ask := trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn, Print: trade.PrintWish{Mode: trade.PrintReceipt, Copies: 1}}
	t.Run("cancel", func(t *testing.T) {
		r := open(t)
		r.accept(lunch("S1"))
		rec, _, err := r.AcceptRefund(t.Context(), ask)
		if err != nil || rec.Standing.View() != trade.StateCancelled || rec.Standing.Refunds[0].Path != trade.PathCancel || rec.Op != nil {
			t.Fatalf("%+v, %v", rec, err)
		}
		if c, _, err := r.ClaimOp(t.Context(), trade.LaneLive); c != nil || err != nil {
			t.Errorf("claimed %+v, %v after a cancel", c, err)
		}
		if again, created, err := r.AcceptRefund(t.Context(), ask); err != nil || created || len(again.Standing.Refunds) != 1 {
			t.Errorf("the same refund again: created %v, %v", created, err)
		}
	})
	t.Run("void while the create is in flight", func(t *testing.T) {
		r := open(t)
		r.accept(lunch("S1"))
		c := r.claim(trade.LaneLive, trade.OpCreateQR)
		if _, _, err := r.AcceptRefund(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
		if c2, _, _ := r.ClaimOp(t.Context(), trade.LaneUndo); c2 != nil {
			t.Fatal("a second operation is in flight for the sale")
		}
		r.settle(c, r.created())
		v := r.claim(trade.LaneUndo, trade.OpVoidQR)
		r.settle(v, trade.VoidConfirmed{At: r.clock.Now()})
		rec, err := r.Refund(t.Context(), "R1")
		if err != nil || rec.Standing.View() != trade.StateVoided || rec.Standing.Refunds[0].State != trade.RefDone {
			t.Fatalf("%+v, %v", rec, err)
		}
		receipt := r.claimPrint()
		if receipt.Paper != trade.PaperReceipt || receipt.WithQR {
			t.Errorf("the receipt of a refunded sale carries a QR code: %+v", receipt)
		}
		r.printed(receipt, trade.PaperPrinted, "")
		if p := r.claimPrint(); p.Paper != trade.PaperRefund || p.Refund == nil {
			t.Errorf("claimed %+v, want the refund's receipt", p)
		}
	})
	t.Run("red-flush", func(t *testing.T) {
		r := open(t)
		r.accept(lunch("S1"))
		r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
		r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}, At: r.clock.Now()})
		r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 5519, Tax: 331, Number: "1"})
		if _, _, err := r.AcceptRefund(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
		red := r.claim(trade.LaneUndo, trade.OpRedFlush)
		if trade.CheckNumber(red.Op.Serial) != nil || red.Record.Standing.Invoice(red.Op.Serial).State != trade.InvInFlight {
			t.Fatalf("red-flush claimed as %+v", red)
		}
		r.reopen() // the answer is lost with the agent
		q := r.claim(trade.LaneUndo, trade.OpQueryInvoice)
		if q.Op.Serial != red.Op.Serial {
			t.Fatalf("asks for %s, want %s", q.Op.Serial, red.Op.Serial)
		}
		r.settle(q, trade.InvoiceSeen{Serial: q.Op.Serial, State: trade.InvIssued, Net: -5519, Tax: -331, Number: "2"})
		rec, err := r.Refund(t.Context(), "R1")
		if err != nil || rec.Standing.View() != trade.StateRedFlushed || rec.Standing.Refunds[0].State != trade.RefDone {
			t.Fatalf("%+v, %v", rec, err)
		}
	})
}

func TestAwait(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	got := make(chan *Record, 1)
	go func() {
		rec, err := r.Await(t.Context(), "S1", func(rec *Record) bool { return rec.Standing.Ended() })
		if err != nil {
			t.Error(err)
		}
		got <- rec
	}()
	r.settle(c, r.created())
	if rec := <-got; rec.Standing.View() != trade.StateQRReady {
		t.Errorf("woken at %s", rec.Standing.View())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if rec, err := r.Await(gone, "S1", func(*Record) bool { return false }); err != nil || rec == nil {
		t.Errorf("a caller that leaves gets %v, %v; want the sale as it stands", rec, err)
	}
}

func TestPausesAndLanes(t *testing.T) {
	r := open(t, func(o *Options) {
		o.Pause = func(_ trade.Op, _ trade.Standing, attempts int, _ time.Time) time.Duration {
			return time.Duration(attempts) * time.Minute
		}
	})
	r.accept(lunch("S1"))
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	r.settle(c, trade.Unsent{Op: c.Op})
	got, next, err := r.ClaimOp(t.Context(), trade.LaneLive)
	if got != nil || err != nil || !next.Equal(r.clock.Now().Add(time.Minute)) {
		t.Fatalf("claimed %+v, next %v, %v; want a pause of one minute", got, next, err)
	}
	r.clock.add(time.Minute)
	c = r.claim(trade.LaneLive, trade.OpCreateQR)
	r.settle(c, trade.Unsent{Op: c.Op})
	r.clock.add(time.Second)
	if _, err := r.Retry(t.Context(), "S1"); err != nil {
		t.Fatal(err)
	}
	r.nothingDue(trade.LaneLive)
	r.claim(trade.LaneBacklog, trade.OpCreateQR) // older than a minute by now
}

// TestOldWorkIsNotLive has the sales of an outage, which nobody tried, make way
// for the sale of now.
func TestOldWorkIsNotLive(t *testing.T) {
	r := open(t)
	r.accept(lunch("old 1"))
	r.accept(lunch("old 2"))
	r.clock.add(61 * time.Second)
	if err := r.HastenAll(); err != nil {
		t.Fatal(err)
	}
	r.clock.add(time.Second)
	r.accept(lunch("now"))
	if c := r.claim(trade.LaneLive, trade.OpCreateQR); c.Record.Sale.ID != "now" {
		t.Errorf("%s goes first, want the sale of now", c.Record.Sale.ID)
	}
	r.nothingDue(trade.LaneLive)
	for _, id := range []string{"old 1", "old 2"} {
		if c := r.claim(trade.LaneBacklog, trade.OpCreateQR); c.Record.Sale.ID != id || c.Op.Lane != trade.LaneBacklog {
			t.Errorf("%s goes in lane %s, want %s in the backlog", c.Record.Sale.ID, c.Op.Lane, id)
		}
	}
}

func TestDiskFull(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	var pages int
	if err := r.writer.conn.QueryRowContext(noDeadline, "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := r.writer.conn.ExecContext(noDeadline, fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages)
	var err error
	taken := 1
	for i := 2; i < 200 && err == nil; i++ {
		s := lunch(fmt.Sprintf("S%d", i))
		if _, _, err = r.AcceptSale(t.Context(), s, s.Digest()); err == nil {
			taken++
		}
	}
	if !errors.Is(err, ErrNotWritable) {
		t.Fatalf("a full disk: %v, want ErrNotWritable", err)
	}
	counts, err := r.Counts(t.Context())
	if err != nil || counts.Sales[trade.StateQueued] != taken {
		t.Errorf("%d sales stored (%v), %d were taken", counts.Sales[trade.StateQueued], err, taken)
	}
	limit(1 << 30)
	r.accept(lunch("after"))
}

// TestOtherWriter has another program hold the database, as a tool for SQLite
// may: what came of a claim is not lost, its caller knows to store it again.
func TestOtherWriter(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	if _, err := r.writer.conn.ExecContext(noDeadline, "PRAGMA busy_timeout(0)"); err != nil {
		t.Fatal(err)
	}
	other, err := openWriter(r.opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := other.begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Settle(c, r.created()); !errors.Is(err, ErrNotWritable) {
		t.Errorf("while another program writes: %v, want ErrNotWritable", err)
	}
	if err := errors.Join(b.Rollback(), other.close()); err != nil {
		t.Fatal(err)
	}
	r.settle(c, r.created())
}

func TestAlertsCountAndClear(t *testing.T) {
	r := open(t)
	raise := trade.Raise{Kind: trade.AlertPrinter, Subject: "held", Title: trade.Say(trade.PrinterHeld, "缺纸")}
	for range 3 {
		if err := r.Raise(raise); err != nil {
			t.Fatal(err)
		}
	}
	as, err := r.ActiveAlerts()
	if err != nil || len(as) != 1 || as[0].Count != 3 || as[0].Title.In(trade.ZH) != "打印机:缺纸,小票在等待" {
		t.Fatalf("%+v, %v", as, err)
	}
	if err := r.Clear(trade.AlertPrinter, "held"); err != nil {
		t.Fatal(err)
	}
	if as, err := r.ActiveAlerts(); err != nil || len(as) != 0 {
		t.Fatalf("%+v, %v after the trouble ended", as, err)
	}
}

func TestVerifyJournalNamesTheBrokenEntry(t *testing.T) {
	r := open(t)
	for i := range 5 {
		r.accept(lunch(fmt.Sprintf("S%d", i)))
	}
	if _, err := r.writer.conn.ExecContext(noDeadline, "UPDATE journal SET digest = 'x' WHERE seq = 3"); err != nil {
		t.Fatal(err)
	}
	if err := r.VerifyJournal(); err == nil || err.Error() != "journal entry 3 is broken" {
		t.Errorf("got %v", err)
	}
}

func BenchmarkAcceptSale(b *testing.B) {
	s, err := Open(Options{Path: filepath.Join(b.TempDir(), "b.db"), Prefix: "DEMO"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0
	for b.Loop() {
		n++
		sale := lunch(fmt.Sprintf("B%d", n))
		if _, _, err := s.AcceptSale(b.Context(), sale, sale.Digest()); err != nil {
			b.Fatal(err)
		}
	}
}

// TestR19ClockJumps sets the clock a day back and forth: what waits goes on as if
// nothing had happened, in the order in which it was asked for (R19).
func TestR19ClockJumps(t *testing.T) {
	for _, by := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			r := open(t, func(o *Options) {
				o.Pause = func(_ trade.Op, _ trade.Standing, attempts int, _ time.Time) time.Duration {
					return time.Duration(attempts) * time.Minute
				}
			})
			r.accept(lunch("S1"))
			c := r.claim(trade.LaneLive, trade.OpCreateQR)
			r.settle(c, trade.Unsent{Op: c.Op}) // due in a minute
			r.clock.add(by)
			if err := r.ClockJumped(by); err != nil {
				t.Fatal(err)
			}
			r.accept(lunch("S2"))
			r.clock.add(2 * time.Second)
			for _, want := range []string{"S1", "S2"} {
				p := r.claimPrint()
				if p.Record.Sale.ID != want {
					t.Errorf("printed %s, want %s", p.Record.Sale.ID, want)
				}
				r.printed(p, trade.PaperPrinted, "")
			}
			if c, _, err := r.ClaimOp(t.Context(), trade.LaneLive); err != nil || c.Record.Sale.ID != "S2" {
				t.Errorf("claimed %+v, %v; want S2", c, err)
			}
			_, next, err := r.ClaimOp(t.Context(), trade.LaneLive)
			if d := next.Sub(r.clock.Now()); err != nil || d != 58*time.Second {
				t.Errorf("S1 is due in %v, %v; want the rest of its minute", d, err)
			}
		})
	}
	t.Run("planned since", func(t *testing.T) {
		r := open(t, func(o *Options) {
			o.Pause = func(_ trade.Op, _ trade.Standing, attempts int, _ time.Time) time.Duration {
				return time.Duration(attempts) * time.Minute
			}
		})
		const by = 16 * 365 * 24 * time.Hour // of a flat battery; seen only after a sale and its first attempt
		r.clock.add(by)
		r.accept(lunch("S1"))
		c := r.claim(trade.LaneLive, trade.OpCreateQR)
		r.settle(c, trade.Unsent{Op: c.Op})
		r.accept(lunch("S2"))
		if _, err := r.Retry(t.Context(), "S2"); err != nil {
			t.Fatal(err)
		}
		r.clock.add(10 * time.Second)
		if err := r.ClockJumped(by); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r.printed(r.claimPrint(), trade.PaperPrinted, "")
		}
		if c := r.claim(trade.LaneLive, trade.OpCreateQR); c.Record.Sale.ID != "S2" {
			t.Errorf("claimed %s, want S2", c.Record.Sale.ID)
		}
		_, next, err := r.ClaimOp(t.Context(), trade.LaneLive)
		if d := next.Sub(r.clock.Now()); err != nil || d != 50*time.Second {
			t.Errorf("S1 is due in %v, %v; want the rest of its minute", d, err)
		}
	})
	t.Run("while the agent was off", func(t *testing.T) {
		r := open(t, func(o *Options) {
			o.Pause = func(_ trade.Op, _ trade.Standing, attempts int, _ time.Time) time.Duration {
				return time.Duration(attempts) * time.Minute
			}
		})
		r.accept(lunch("S1"))
		c := r.claim(trade.LaneLive, trade.OpCreateQR)
		r.settle(c, trade.Unsent{Op: c.Op})
		r.clock.add(-24 * time.Hour)
		r.reopen()
		r.claim(trade.LaneLive, trade.OpCreateQR)
	})
}

// TestEventsResume reads the events in pieces, across a restart: none is
// missing, none comes twice.
func TestEventsResume(t *testing.T) {
	r := open(t)
	var seen []string
	last := int64(0)
	read := func() {
		t.Helper()
		for {
			events, err := r.EventsAfter(t.Context(), last, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) == 0 {
				return
			}
			for _, e := range events {
				if e.Seq != last+1 {
					t.Fatalf("event %d follows %d", e.Seq, last)
				}
				last = e.Seq
				seen = append(seen, e.Type)
			}
		}
	}
	r.accept(lunch("S1"))
	read()
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.reopen()
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	read()
	if got := fmt.Sprint(seen); got != "[sale.accepted print.queued sale.qr_ready print.printed]" {
		t.Errorf("events %s", got)
	}
}
