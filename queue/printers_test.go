package queue

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/trade"
)

// twoPrinters is a till with a second printer, which prints tickets where asked.
func twoPrinters(tickets ...string) func(*Options) {
	return func(o *Options) { o.Printers, o.Tickets = []string{"kitchen"}, tickets }
}

func (r *rig) claimFrom(printer string) *PrintClaim {
	r.t.Helper()
	c, next, err := r.ClaimPrint(r.t.Context(), printer)
	if err != nil || c == nil {
		r.t.Fatalf("nothing for %s (next %v), %v", printer, next, err)
	}
	return c
}

func (r *rig) noneFrom(printer string) {
	r.t.Helper()
	if c, _, err := r.ClaimPrint(r.t.Context(), printer); err != nil || c != nil {
		r.t.Fatalf("%s claimed %+v, %v; want none", printer, c, err)
	}
}

// restart starts the till anew with other further printers.
func (r *rig) restart(printers ...string) {
	r.t.Helper()
	r.opts.Printers = printers
	r.reopen()
	if err := r.HoldOrphans(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) printOn(printer, id string) {
	r.t.Helper()
	content := trade.Content{Form: trade.PrintRaw, Data: []byte(id)}
	if _, err := r.AcceptPrint(r.t.Context(), id, content, printer, 1); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) job(id string) *Print {
	r.t.Helper()
	p, err := r.Print(r.t.Context(), id)
	if err != nil {
		r.t.Fatalf("%s: %v", id, err)
	}
	return p
}

// subjects are those of the active alerts.
func (r *rig) subjects() (all []string) {
	r.t.Helper()
	as, err := r.ActiveAlerts()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, a := range as {
		all = append(all, a.Subject)
	}
	return all
}

// TestLanesOfPrinters: a printer that holds a job delays its own alone.
func TestLanesOfPrinters(t *testing.T) {
	r := open(t, twoPrinters())
	r.printOn("kitchen", "K1")
	r.printOn(trade.ReceiptPrinter, "R1")
	r.printOn("kitchen", "K2")
	c := r.claimFrom("kitchen")
	if c.JobID != "K1" || c.Printer != "kitchen" {
		t.Fatalf("claimed %+v", c.Print)
	}
	r.printed(c, trade.PaperHeld, "paper_out")
	r.noneFrom("kitchen")
	if c = r.claimFrom(trade.ReceiptPrinter); c.JobID != "R1" {
		t.Errorf("claimed %+v", c.Print)
	}
	r.printed(c, trade.PaperPrinted, "")
	r.noneFrom(trade.ReceiptPrinter)
	r.clock.add(time.Minute)
	for _, id := range []string{"K1", "K2"} { // in order
		if c = r.claimFrom("kitchen"); c.JobID != id {
			t.Fatalf("claimed %s, want %s", c.JobID, id)
		}
		r.printed(c, trade.PaperPrinted, "")
	}
	if w, err := r.PrintsWaiting(t.Context()); err != nil || len(w) != 0 {
		t.Errorf("%v wait, %v", w, err)
	}
}

// TestPrinterIsPartOfAJob: the same job id for another printer is a conflict,
// and a printer that there is not takes nothing.
func TestPrinterIsPartOfAJob(t *testing.T) {
	r := open(t, twoPrinters())
	content := trade.Content{Form: trade.PrintRaw, Data: []byte("K")}
	for _, tt := range []struct {
		printer string
		err     error
	}{{"kitchen", nil}, {"kitchen", nil}, {trade.ReceiptPrinter, ErrConflict}, {"bar", ErrConflict}} {
		if _, err := r.AcceptPrint(t.Context(), "K", content, tt.printer, 1); !errors.Is(err, tt.err) {
			t.Errorf("on %s: %v, want %v", tt.printer, err, tt.err)
		}
	}
	if _, err := r.AcceptPrint(t.Context(), "B", content, "bar", 1); !errors.Is(err, ErrNoPrinter) {
		t.Errorf("%v", err)
	}
	r.accept(lunch("S1"))
	for _, tt := range []struct {
		printer string
		err     error
	}{{"bar", ErrNoPrinter}, {"kitchen", nil}, {"kitchen", nil}, {trade.ReceiptPrinter, ErrConflict}} {
		p, err := r.AskPrint(t.Context(), "S1", "J", trade.PaperReceipt, tt.printer, 1)
		if !errors.Is(err, tt.err) || err == nil && p.Printer != "kitchen" {
			t.Errorf("on %s: %+v, %v, want %v", tt.printer, p, err, tt.err)
		}
	}
}

// TestPaperFollowsTheReceipt: the slip of a receipt goes where the receipt went,
// and to the receipt printer once that one is gone.
func TestPaperFollowsTheReceipt(t *testing.T) {
	for _, removed := range []bool{false, true} {
		r := open(t, twoPrinters(), func(o *Options) { o.SlipLater = true })
		sale := lunch("S1")
		sale.Print.Printer = "kitchen"
		r.accept(sale)
		r.clock.add(2 * time.Second)
		c := r.claimFrom("kitchen")
		if c.JobID != "sale:S1" || c.WithQR {
			t.Fatalf("claimed %+v", c.Print)
		}
		r.printed(c, trade.PaperPrinted, "")
		on := "kitchen"
		if removed {
			on = trade.ReceiptPrinter
			r.restart()
		}
		r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
		if p := r.job("slip:S1"); p.Printer != on || p.State != trade.PrintQueued {
			t.Errorf("removed %v: the slip is %+v", removed, p)
		}
	}
}

func TestTickets(t *testing.T) {
	r := open(t, twoPrinters("kitchen"))
	for _, mode := range []trade.PrintMode{trade.PrintSlip, trade.PrintNone, trade.PrintLines} {
		sale := lunch(string(mode))
		sale.Print = trade.PrintWish{Mode: mode, Copies: 1, Lines: []byte(`[{"feed":1}]`)}
		r.accept(sale)
	}
	r.noneFrom("kitchen")
	r.accept(lunch("S1"))
	c := r.claimFrom("kitchen") // it waits for no QR code
	if c.JobID != "sale:S1@kitchen" || c.Paper != trade.PaperTicket || c.Mark != trade.MarkNone || c.Record.Sale.ID != "S1" {
		t.Errorf("claimed %+v", c.Print)
	}
	r.printed(c, trade.PaperUncertain, "interrupted")
	if _, err := r.AskPrint(t.Context(), "S1", "again", trade.PaperTicket, "kitchen", 1); err != nil {
		t.Fatal(err)
	}
	if c = r.claimFrom("kitchen"); c.Paper != trade.PaperTicket || c.Mark != trade.MarkCutOff {
		t.Errorf("claimed %+v, mark %q", c.Print, c.Mark)
	}
	r.printed(c, trade.PaperPrinted, "")
	for sale := ""; sale != "S1"; { // those before it come first
		op := r.claim(trade.LaneLive, trade.OpCreateQR)
		r.settle(op, r.created())
		sale = op.Record.Sale.ID
	}
	if _, err := r.AskPrint(t.Context(), "S1", "third", trade.PaperTicket, "kitchen", 1); err != nil {
		t.Fatal(err)
	}
	if c = r.claimFrom("kitchen"); c.WithQR {
		t.Error("a ticket is said to carry the QR code")
	}

	// The receipt knows nothing of it.
	list, _, err := r.Sales(t.Context(), SaleFilter{Prints: []trade.PrintState{trade.PrintUncertain}, Limit: 10})
	if err != nil || len(list) != 0 {
		t.Errorf("%+v, %v: the ticket's state is not the sale's", list, err)
	}
	if c = r.claimPrintLater(); c.JobID != "sale:S1" || c.Mark != trade.MarkNone {
		t.Errorf("claimed %+v, mark %q", c.Print, c.Mark)
	}
}

// claimPrintLater claims from the receipt printer what waits for a QR code no
// longer.
func (r *rig) claimPrintLater() *PrintClaim {
	r.clock.add(2 * time.Second)
	for {
		c := r.claimFrom(trade.ReceiptPrinter)
		if c.SaleID() == "S1" {
			return c
		}
		r.printed(c, trade.PaperPrinted, "")
	}
}

// TestRemovedPrinter: what waits for a printer that is taken out of the
// configuration is held and told, and goes on in order when it is back.
func TestRemovedPrinter(t *testing.T) {
	r := open(t, twoPrinters())
	for _, id := range []string{"K1", "K2"} {
		r.printOn("kitchen", id)
	}
	r.printed(r.claimFrom("kitchen"), trade.PaperHeld, "paper_out")
	if err := r.RaiseHeld("kitchen", "paper_out", ""); err != nil {
		t.Fatal(err)
	}
	slip, receipt := lunch("SLIP"), lunch("RECEIPT")
	slip.Print.Mode, slip.Print.Printer, receipt.Print.Printer = trade.PrintSlip, "kitchen", "kitchen"
	r.accept(slip)
	r.accept(receipt)
	if got := r.subjects(); !slices.Equal(got, []string{"held:kitchen"}) {
		t.Fatalf("alerts %v", got)
	}

	r.restart()
	if got := r.subjects(); !slices.Equal(got, []string{"gone:kitchen"}) {
		t.Errorf("alerts %v", got)
	}
	as, _ := r.ActiveAlerts()
	if !strings.Contains(as[0].Title.In(trade.ZH), "kitchen") || !strings.Contains(as[0].Title.In(trade.EN), "kitchen") {
		t.Errorf("the alert does not name the printer: %+v", as[0])
	}
	for id, want := range map[string]trade.PrintState{"K1": trade.PrintHeld, "K2": trade.PrintHeld, "sale:RECEIPT": trade.PrintHeld, "sale:SLIP": trade.PrintWaitingQR} {
		p := r.job(id)
		if p.State != want || p.Printer != "kitchen" || want == trade.PrintHeld && !strings.Contains(trade.CauseWords(p.Reason).In(trade.EN), "kitchen") {
			t.Errorf("%s is %+v, want %s", id, p, want)
		}
	}
	if w, err := r.PrintsWaiting(t.Context()); err != nil || w["kitchen"] != 4 {
		t.Errorf("%v wait, %v", w, err)
	}
	if c, err := Inspect(t.Context(), r.opts); err != nil || c.Waiting["kitchen"] != 4 || len(c.Waiting) != 1 {
		t.Errorf("from beside it: %+v, %v", c, err)
	}
	r.noneFrom(trade.ReceiptPrinter)

	// The slip's code comes while the printer is away.
	for range 2 {
		op := r.claim(trade.LaneLive, trade.OpCreateQR)
		r.settle(op, r.created())
	}
	if p := r.job("sale:SLIP"); p.State != trade.PrintHeld {
		t.Errorf("the slip is %+v", p)
	}

	r.restart("kitchen")
	if got := r.subjects(); len(got) != 0 {
		t.Errorf("alerts %v after the printer is back", got)
	}
	for _, id := range []string{"K1", "K2", "sale:SLIP", "sale:RECEIPT"} {
		c := r.claimFrom("kitchen")
		if c.JobID != id || c.Record != nil && !c.WithQR {
			t.Fatalf("claimed %+v, want %s", c.Print, id)
		}
		r.printed(c, trade.PaperPrinted, "")
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

// TestOrphansAreCancelled: a person who cancels the last job of a removed
// printer ends the alert; a start where nothing waits raises none.
func TestOrphansAreCancelled(t *testing.T) {
	r := open(t, twoPrinters())
	r.printOn("kitchen", "K1")
	r.printOn("kitchen", "K2")
	r.restart()
	for i, id := range []string{"K1", "K2"} {
		if got := r.subjects(); len(got) != 1 || got[0] != "gone:kitchen" {
			t.Fatalf("alerts %v with %d cancelled", got, i)
		}
		if _, err := r.CancelPrint(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.subjects(); len(got) != 0 {
		t.Errorf("alerts %v", got)
	}
	r.restart()
	if got := r.subjects(); len(got) != 0 {
		t.Errorf("alerts %v at the next start", got)
	}
}

// TestNoReceiptPrinter: a till may have further printers alone.
func TestNoReceiptPrinter(t *testing.T) {
	r := open(t, twoPrinters("kitchen"), func(o *Options) { o.Printer = false })
	rec := r.accept(lunch("S1"))
	if len(rec.Prints) != 1 || rec.Prints[0].Paper != trade.PaperTicket {
		t.Errorf("print jobs %+v", rec.Prints)
	}
	if _, err := r.AskPrint(t.Context(), "S1", "J", trade.PaperReceipt, trade.ReceiptPrinter, 1); !errors.Is(err, ErrNoPrinter) {
		t.Errorf("%v", err)
	}
}

// TestNextPrintRunsAlongItsIndex: thousands of jobs of one printer do not slow
// another's.
func TestNextPrintRunsAlongItsIndex(t *testing.T) {
	r := open(t)
	recovered := openPapers + "(p.state = 'printing') ORDER BY p.seq"
	for _, query := range []string{nextHeld, nextDue, nextLater, recovered} {
		err := each(r.reader, "EXPLAIN QUERY PLAN "+query, []any{trade.ReceiptPrinter, 0}[:strings.Count(query, "?")], func(scan func(...any) error) error {
			var id, parent, unused int
			var step string
			err := scan(&id, &parent, &unused, &step)
			if (strings.HasPrefix(step, "SCAN") || strings.HasPrefix(step, "SEARCH")) && !strings.Contains(step, "INDEX prints_open") && !strings.HasPrefix(step, "SEARCH s ") {
				t.Errorf("%s\n%s", query, step)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestPaperThatWaitsHalfWay is held to whoever looks for it, and goes on where it
// was; killed meanwhile it is in doubt.
func TestPaperThatWaitsHalfWay(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	c := r.claimPrint()
	shown := func(want trade.PrintState, reason string) {
		t.Helper()
		rec, err := r.Sale(t.Context(), "S1")
		if err != nil {
			t.Fatal(err)
		}
		if p := rec.Prints[0]; p.Shown() != want || p.Reason != reason {
			t.Errorf("shown as %s (%s), want %s (%s)", p.Shown(), p.Reason, want, reason)
		}
		for _, state := range []trade.PrintState{trade.PrintPrinting, trade.PrintHeld, trade.PrintUncertain} {
			if found := r.ids(SaleFilter{Prints: []trade.PrintState{state}, Limit: 10}); found == "S1" != (state == want) {
				t.Errorf("shown as %s, found as %s: %q", want, state, found)
			}
		}
	}
	waits := func(printer, cause string) {
		t.Helper()
		if err := r.PaperWaits(printer, cause); err != nil {
			t.Fatal(err)
		}
	}
	shown(trade.PrintPrinting, "")
	waits("kitchen", "paper_out")
	shown(trade.PrintPrinting, "")
	waits(trade.ReceiptPrinter, "paper_out")
	shown(trade.PrintHeld, "paper_out")
	if _, err := r.CancelPrint(t.Context(), c.JobID); err == nil {
		t.Error("what is half on paper is cancelled")
	}
	waits(trade.ReceiptPrinter, "")
	shown(trade.PrintPrinting, "")
	waits(trade.ReceiptPrinter, "cover_open")
	r.reopen()
	shown(trade.PrintUncertain, "interrupted")
}
