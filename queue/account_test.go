package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tillagent/trade"
)

// direct is a sale that asks for its invoice at once.
func direct(id string) trade.Sale {
	s := lunch(id)
	s.Wish, s.Kind, s.InvoiceID, s.Buyer = trade.WishDirect, trade.KindOrdinary, "I-"+id, trade.Buyer{Name: "张三"}
	return s
}

// blocked brings direct invoices to 3999.
func (r *rig) blocked(ids ...string) (serials []string) {
	r.t.Helper()
	for _, id := range ids {
		serial := r.accept(direct(id)).Standing.Invoices[0].Serial
		r.settle(r.claim(trade.LaneLive, trade.OpIssue), trade.IssueAccepted{Serial: serial, ViewURL: "https://view"})
		serials = append(serials, serial)
	}
	r.clock.add(2 * time.Minute)
	for _, serial := range serials {
		r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: serial, State: trade.InvBlocked, At: r.clock.Now()})
	}
	return serials
}

func (r *rig) nothingDue(lanes ...trade.Lane) {
	r.t.Helper()
	for _, lane := range lanes {
		if c, _, err := r.ClaimOp(r.t.Context(), lane); c != nil || err != nil {
			r.t.Fatalf("claimed %+v, %v in lane %s; want nothing", c, err, lane)
		}
	}
}

func (r *rig) authAlerts() []Alert {
	r.t.Helper()
	all, err := r.ActiveAlerts()
	if err != nil {
		r.t.Fatal(err)
	}
	var auth []Alert
	for _, a := range all {
		if a.Kind == trade.AlertAuth {
			auth = append(auth, a)
		}
	}
	return auth
}

func TestDirectInvoiceIsKnownByItsIDs(t *testing.T) {
	r := open(t)
	sale := direct("S1")
	r.accept(sale)
	for _, get := range []func() (*Record, error){
		func() (*Record, error) { return r.Sale(t.Context(), "S1") },
		func() (*Record, error) { return r.Invoice(t.Context(), "I-S1") },
	} {
		rec, err := get()
		if err != nil || rec.Sale.InvoiceID != "I-S1" || rec.Sale.Kind != trade.KindOrdinary || rec.Standing.View() != trade.StateQueued {
			t.Fatalf("%+v, %v", rec, err)
		}
	}
	if _, err := r.Invoice(t.Context(), ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("the empty id finds %v, want ErrNotFound", err)
	}
	r.accept(lunch("S2")) // has no invoice id, as every ordinary sale
	r.accept(lunch("S3"))

	if _, created, err := r.AcceptSale(t.Context(), sale, sale.Digest()); created || err != nil {
		t.Errorf("a repetition: created %v, %v", created, err)
	}
	other := direct("S4")
	other.InvoiceID = "I-S1"
	var conflict *ConflictError
	if _, _, err := r.AcceptSale(t.Context(), other, other.Digest()); !errors.As(err, &conflict) {
		t.Errorf("the same invoice id for another sale: %v, want a conflict", err)
	}
}

// TestAccountHoldsOnlyInvoices has one invoice stopped by 3999: QR codes go on,
// invoices blue and red wait, and all goes on when the account is ready, the
// blocked one after a question.
func TestAccountHoldsOnlyInvoices(t *testing.T) {
	r := open(t)
	r.SetAccount("138****0000")

	r.accept(lunch("sold")) // and invoiced, so that its refund needs a red invoice
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.clock.add(time.Minute)
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{URL: "u", At: r.clock.Now(), Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}})
	r.clock.add(time.Minute)
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 5519, Tax: 331})

	serials := r.blocked("D1", "D2")
	first, second := serials[0], serials[1]
	alerts := r.authAlerts()
	if len(alerts) != 1 || alerts[0].Count != 2 || alerts[0].Account != "138****0000" || alerts[0].Title.Args[0] != "138****0000" {
		t.Fatalf("alerts %+v, want one for both, naming the account", alerts)
	}
	r.accept(direct("D3"))
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "sold", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	r.nothingDue(trade.LaneLive, trade.LaneUndo)
	r.accept(lunch("S2"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	if waiting, works, err := r.AccountStands(t.Context()); !waiting || works || err != nil {
		t.Fatalf("the account stands %v, %v, %v; want waiting", waiting, works, err)
	}

	r.reopen() // the alert, and so the hold, outlives the process
	r.nothingDue(trade.LaneLive, trade.LaneUndo)
	if err := r.AccountReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := r.authAlerts(); len(left) != 0 {
		t.Errorf("alerts %+v left", left)
	}
	r.claim(trade.LaneUndo, trade.OpRedFlush)
	r.claim(trade.LaneLive, trade.OpIssue) // D3, which nobody has sent yet
	asked := map[string]bool{}
	for range 2 {
		c := r.claim(trade.LaneWatch, trade.OpQueryInvoice)
		asked[c.Op.Serial] = true
		if c.Op.Serial == first { // the platform has not gone on by itself
			r.settle(c, trade.InvoiceSeen{Serial: first, State: trade.InvBlocked, At: r.clock.Now()})
		} else {
			r.settle(c, trade.InvoiceSeen{Serial: second, State: trade.InvIssued, Net: 5519, Tax: 331})
		}
	}
	if !asked[first] || !asked[second] {
		t.Errorf("asked about %v, want %s and %s", asked, first, second)
	}
	again := r.claim(trade.LaneBacklog, trade.OpIssue)
	if again.Op.Serial != first {
		t.Errorf("sent again is %s, want the number %s", again.Op.Serial, first)
	}
	if _, works, err := r.AccountStands(t.Context()); !works || err != nil {
		t.Errorf("an invoice that waited was issued: works %v, %v", works, err)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

// TestRedGoesOnAtOnce has a red invoice wait for the account for hours: what it
// waited for as long is no reason to wait longer.
func TestRedGoesOnAtOnce(t *testing.T) {
	r := open(t, func(o *Options) {
		o.Pause = func(_ trade.Op, _ trade.Standing, attempts int, _ time.Time) time.Duration {
			return time.Duration(attempts) * time.Minute
		}
	})
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}, At: r.clock.Now()})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 5519, Tax: 331})
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	c := r.claim(trade.LaneUndo, trade.OpRedFlush)
	r.settle(c, trade.AuthNeeded{Op: c.Op})
	stays := trade.InvoiceSeen{Serial: c.Op.Serial, State: trade.InvBlocked, At: r.clock.Now()}
	for i := range 10 {
		r.clock.add(time.Duration(i) * time.Minute)
		r.settle(r.claim(trade.LaneUndo, trade.OpQueryInvoice), stays)
	}
	if err := r.AccountReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.settle(r.claim(trade.LaneUndo, trade.OpQueryInvoice), stays)
	if again := r.claim(trade.LaneUndo, trade.OpRedFlush); again.Op.Serial != c.Op.Serial {
		t.Errorf("sent again is %s, want %s", again.Op.Serial, c.Op.Serial)
	}
}

// TestTryAccount lets one piece of work out where the platform cannot be asked
// about the account: one that was blocked before what was never sent.
func TestTryAccount(t *testing.T) {
	r := open(t)
	serial := r.blocked("D1")[0]
	r.accept(direct("D2"))
	if err := r.TryAccount(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: serial, State: trade.InvBlocked, At: r.clock.Now()})
	c := r.claim(trade.LaneBacklog, trade.OpIssue)
	if c.Op.Serial != serial {
		t.Fatalf("sent is %s, want %s", c.Op.Serial, serial)
	}
	r.settle(c, trade.AuthNeeded{Op: c.Op}) // still
	r.nothingDue(trade.LaneLive)
	if got := r.authAlerts(); len(got) != 1 {
		t.Errorf("alerts %+v, want one", got)
	}
}

// TestTryAccountWithNothingBlocked is for a 3999 that only scanned invoices met.
func TestTryAccountWithNothingBlocked(t *testing.T) {
	r := open(t)
	if err := r.Raise(trade.Raise{Kind: trade.AlertAuth, Title: trade.Say(trade.LoginNeeded)}); err != nil {
		t.Fatal(err)
	}
	r.accept(direct("D1"))
	r.accept(direct("D2"))
	r.nothingDue(trade.LaneLive)
	if err := r.TryAccount(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := r.claim(trade.LaneLive, trade.OpIssue); c.Record.Sale.ID != "D1" {
		t.Errorf("let out is %s, want the oldest", c.Record.Sale.ID)
	}
	r.nothingDue(trade.LaneLive)
}

// TestRetryGoesOutAlone is for a person who has seen to the account.
func TestRetryGoesOutAlone(t *testing.T) {
	r := open(t)
	r.accept(direct("D2"))
	r.accept(direct("D3"))
	if err := r.Raise(trade.Raise{Kind: trade.AlertAuth, Title: trade.Say(trade.LoginNeeded)}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Retry(t.Context(), "D3"); err != nil {
		t.Fatal(err)
	}
	if c := r.claim(trade.LaneLive, trade.OpIssue); c.Record.Sale.ID != "D3" {
		t.Errorf("let out is %s, want D3", c.Record.Sale.ID)
	}
	r.nothingDue(trade.LaneLive)
}

func TestAccountsAreKept(t *testing.T) {
	r := open(t)
	if list, asOf, err := r.Accounts(t.Context()); len(list) != 0 || !asOf.IsZero() || err != nil {
		t.Fatalf("at first %v, %v, %v", list, asOf, err)
	}
	want := []trade.Account{{Account: "13800000000", Name: "小王", Phone: "138****0000", Login: trade.AccountOK, Auth: trade.AccountNeeded, Default: true}}
	if err := r.SaveAccounts(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	list, asOf, err := r.Accounts(t.Context())
	if err != nil || len(list) != 1 || list[0] != want[0] || !asOf.Equal(r.clock.Now()) {
		t.Errorf("kept %+v as of %v, %v", list, asOf, err)
	}
}

// TestBuyerOfAnOpenDirectInvoiceStays keeps what must go out again unchanged.
func TestBuyerOfAnOpenDirectInvoiceStays(t *testing.T) {
	r := open(t)
	r.blocked("D1")
	wipe := Retention{Buyers: 24 * time.Hour}
	r.clock.add(48 * time.Hour)
	if err := r.Retain(t.Context(), wipe); err != nil {
		t.Fatal(err)
	}
	if rec, err := r.Sale(t.Context(), "D1"); err != nil || rec.Sale.Buyer.Name != "张三" {
		t.Fatalf("the buyer of an open invoice is %+v, %v", rec.Sale.Buyer, err)
	}
	c := r.claim(trade.LaneWatch, trade.OpQueryInvoice)
	r.settle(c, trade.InvoiceSeen{Serial: c.Op.Serial, State: trade.InvIssued, Net: 5519, Tax: 331})
	if err := r.Retain(t.Context(), wipe); err != nil {
		t.Fatal(err)
	}
	if rec, err := r.Sale(t.Context(), "D1"); err != nil || rec.Sale.Buyer != (trade.Buyer{}) {
		t.Errorf("the buyer of an issued invoice is %+v, %v; want wiped", rec.Sale.Buyer, err)
	}
}

// TestBlockedAreFoundByIndex: a till with a million sales does not read them all
// while an invoice is settled.
func TestBlockedAreFoundByIndex(t *testing.T) {
	r := open(t)
	for _, query := range []string{stillBlocked, toRecheck} {
		err := each(r.reader, "EXPLAIN QUERY PLAN "+query, []any{1}[:strings.Count(query, "?")], func(scan func(...any) error) error {
			var id, parent, unused int
			var step string
			err := scan(&id, &parent, &unused, &step)
			if strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" && !strings.Contains(step, "INDEX invoices_blocked") {
				t.Errorf("%s\n%s", query, step)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
