package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/trade"
)

// ids are the sales of a list, all its pages.
func (r *rig) ids(f SaleFilter) string {
	r.t.Helper()
	var got []string
	for {
		page, next, err := r.Sales(r.t.Context(), f)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(page) > f.Limit {
			r.t.Fatalf("%d sales, limit %d", len(page), f.Limit)
		}
		for _, x := range page {
			got = append(got, x.Sale.ID)
		}
		if next == (Place{}) {
			return strings.Join(got, " ")
		}
		f.After = next
	}
}

func TestListSales(t *testing.T) {
	r := open(t)
	began := r.clock.Now()
	// S2 and S3 come in the same millisecond; S5 comes when the clock was set back.
	for _, s := range []struct {
		id   string
		wait time.Duration
		wish trade.Wish
	}{{"S1", 0, trade.WishQR}, {"S2", time.Minute, trade.WishQR}, {"S3", 0, trade.WishNone}, {"S4", time.Minute, trade.WishQR}, {"S5", -90 * time.Second, trade.WishQR}} {
		r.clock.add(s.wait)
		sale := lunch(s.id)
		sale.Wish = s.wish
		if s.id == "S4" {
			sale.Print.Mode = trade.PrintNone
		}
		r.accept(sale)
	}
	c := r.claim(trade.LaneLive, trade.OpCreateQR)
	r.settle(c, r.created())
	qr := c.Record.Standing.QRs[0].No
	first := c.Record.Sale.ID
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}, At: r.clock.Now()})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 5519, Tax: 331, Number: "26440000009876543210", At: r.clock.Now()})
	if first != "S1" {
		t.Fatalf("the first sale is %s", first)
	}
	r.claimPrint() // is printing: S3's, which waits for nothing
	job, err := r.CancelPrint(t.Context(), "sale:S2")
	if err != nil || job.State != trade.PrintCancelled {
		t.Fatalf("%+v, %v", job, err)
	}
	tests := []struct {
		name string
		f    SaleFilter
		want string
	}{
		{"all", SaleFilter{}, "S4 S3 S2 S5 S1"},
		{"state", SaleFilter{States: []trade.SaleState{trade.StateQueued}}, "S4 S2 S5"},
		{"states", SaleFilter{States: []trade.SaleState{trade.StateQueued, trade.StateRecorded, trade.StateRejected}}, "S4 S3 S2 S5"},
		{"from", SaleFilter{From: began.Add(time.Minute)}, "S4 S3 S2"},
		{"to", SaleFilter{To: began.Add(time.Minute)}, "S5 S1"},
		{"from, to and state", SaleFilter{From: began.Add(time.Minute), To: began.Add(2 * time.Minute), States: []trade.SaleState{trade.StateQueued}}, "S2"},
		{"none printed", SaleFilter{Prints: []trade.PrintState{PrintNone}}, "S4"},
		{"cancelled", SaleFilter{Prints: []trade.PrintState{trade.PrintCancelled}}, "S2"},
		{"waiting or cancelled", SaleFilter{Prints: []trade.PrintState{trade.PrintCancelled, trade.PrintWaitingQR}}, "S2 S5"},
		{"cancelled or none", SaleFilter{Prints: []trade.PrintState{trade.PrintCancelled, PrintNone}}, "S4 S2"},
		{"cancelled and recorded", SaleFilter{Prints: []trade.PrintState{trade.PrintCancelled}, States: []trade.SaleState{trade.StateRecorded}}, ""},
		{"by sale_id", SaleFilter{Text: "S"}, "S4 S3 S2 S5 S1"},
		{"by part of it, with a state", SaleFilter{Text: "S", States: []trade.SaleState{trade.StateInvoiced}}, "S1"},
		{"by invoice", SaleFilter{Text: "98765"}, "S1"},
		{"by QR code", SaleFilter{Text: qr}, "S1"},
		{"by what SQL would take for more", SaleFilter{Text: "%"}, ""},
		{"by what is none", SaleFilter{Text: "S-9"}, ""}, // no number has a dash, as a drawn till code may have S9
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, limit := range []int{1, 2, 5} {
				tt.f.Limit = limit
				if got := r.ids(tt.f); got != tt.want {
					t.Errorf("limit %d: %q, want %q", limit, got, tt.want)
				}
			}
		})
	}
}

// TestListSalesCancelled shows that a reader's deadline holds.
func TestListSalesCancelled(t *testing.T) {
	r := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Sales(ctx, SaleFilter{Limit: 1}); err == nil {
		t.Error("no error")
	}
}

func TestListRefunds(t *testing.T) {
	r := open(t)
	began := r.clock.Now()
	for i := range 6 {
		sale := lunch(fmt.Sprint("S", i))
		if i%2 == 1 {
			sale.Wish = trade.WishNone // its refund is done at once
		}
		r.accept(sale)
	}
	for range 3 {
		r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	}
	for i := range 6 {
		if i%2 == 0 {
			r.clock.add(time.Second)
		}
		if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: fmt.Sprint("R", i), SaleID: fmt.Sprint("S", i), Reason: trade.SalesReturn}); err != nil {
			t.Fatal(err)
		}
	}
	c := r.claim(trade.LaneUndo, trade.OpVoidQR) // R0 is working, R2 and R4 are queued
	for _, tt := range []struct {
		f    RefundFilter
		want string
	}{
		{RefundFilter{}, "R5 R4 R3 R2 R1 R0"},
		{RefundFilter{States: []string{"done"}}, "R5 R3 R1"},
		{RefundFilter{States: []string{"queued"}}, "R4 R2"},
		{RefundFilter{States: []string{"working"}}, "R0"},
		{RefundFilter{States: []string{"done", "working"}}, "R5 R3 R1 R0"},
		{RefundFilter{States: []string{"failed"}}, ""},
		{RefundFilter{From: began.Add(2 * time.Second), To: began.Add(3 * time.Second)}, "R3 R2"},
	} {
		for _, limit := range []int{1, 2, 6} {
			f := tt.f
			f.Limit = limit
			var got []string
			for more := true; more; {
				page, next, err := r.Refunds(t.Context(), f)
				if err != nil || len(page) > limit {
					t.Fatalf("%d refunds, %v", len(page), err)
				}
				for _, x := range page {
					got = append(got, x.Refund.ID)
					if x.Record.Sale.ID != strings.Replace(x.Refund.ID, "R", "S", 1) {
						t.Errorf("%s is of %s", x.Refund.ID, x.Record.Sale.ID)
					}
				}
				more, f.After = next != Place{}, next
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%+v: %v, want %s", f, got, tt.want)
			}
		}
	}
	if err := r.HandBack(c); err != nil {
		t.Error(err)
	}
}

func TestPastAlerts(t *testing.T) {
	r := open(t)
	for i := range 5 {
		if err := r.Raise(trade.Raise{Kind: trade.AlertPrinter, Subject: fmt.Sprint(i), Title: trade.Say(trade.PrinterHeld)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{1, 3} {
		if err := r.Clear(trade.AlertPrinter, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, withActive := range []bool{false, true} {
		want := map[bool][]string{false: {"3", "1"}, true: {"4", "3", "2", "1", "0"}}[withActive]
		for limit := 1; limit <= 6; limit++ {
			var got []string
			for after, more := (Place{}), true; more; {
				page, next, err := r.PastAlerts(t.Context(), withActive, after, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range page {
					got = append(got, a.Subject)
				}
				after, more = next, next != Place{}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
	}
}

// TestListsRunAlongIndexes holds the ways in to their indexes.
func TestListsRunAlongIndexes(t *testing.T) {
	r := open(t)
	for _, f := range []SaleFilter{{}, {From: time.Now()}, {After: Place{At: 1, Seq: 1}}, {States: []trade.SaleState{trade.StateQueued}, From: time.Now(), After: Place{At: 1, Seq: 1}}} {
		from := byTime
		if len(f.States) > 0 {
			from = byState
		}
		query, args := salesQuery(f, f.States, newSelection(from))
		var plan []string
		err := each(r.reader, "EXPLAIN QUERY PLAN "+query, args, func(scan func(...any) error) error {
			var id, parent, unused int
			var line string
			err := scan(&id, &parent, &unused, &line)
			plan = append(plan, line)
			return err
		})
		if text := strings.Join(plan, "; "); err != nil || strings.Contains(text, "TEMP B-TREE") || !strings.Contains(text, "INDEX") {
			t.Errorf("%+v: %s, %v", f, text, err)
		}
	}
}
