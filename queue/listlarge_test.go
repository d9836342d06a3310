package queue

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tillagent/trade"
)

// TestListOfLargeSales: a page of sales with a megabyte of extra each ends before
// it takes more memory than a till has, and the pages together have them all.
func TestListOfLargeSales(t *testing.T) {
	r := open(t)
	var want, wantRefunds []string
	for n := range 20 {
		sale := lunch(fmt.Sprintf("S%02d", n))
		sale.Extra = json.RawMessage(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)
		r.accept(sale)
		refund := trade.RefundRequest{ID: fmt.Sprintf("R%02d", n), SaleID: sale.ID, Items: []trade.RefundLine{}, Reason: "sales_return"}
		if _, _, err := r.AcceptRefund(t.Context(), refund); err != nil {
			t.Fatal(err)
		}
		want, wantRefunds = append([]string{sale.ID}, want...), append([]string{refund.ID}, wantRefunds...)
		r.clock.add(1e9)
	}
	var got []string
	for f, pages := (SaleFilter{Limit: 200}), 0; ; pages++ {
		page, next, err := r.Sales(t.Context(), f)
		if err != nil || pages > 20 {
			t.Fatal(pages, err)
		}
		if len(page) > maxPage>>20+1 {
			t.Errorf("a page of %d", len(page))
		}
		for _, x := range page {
			got = append(got, x.Sale.ID)
		}
		if f.After = next; next == (Place{}) {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("listed %v\nwant   %v", got, want)
	}
	got = nil
	for f, pages := (RefundFilter{Limit: 200}), 0; ; pages++ {
		page, next, err := r.Refunds(t.Context(), f)
		if err != nil || pages > 20 {
			t.Fatal(pages, err)
		}
		if len(page) > maxPage>>20+1 {
			t.Errorf("a page of %d refunds", len(page))
		}
		for _, x := range page {
			got = append(got, x.Refund.ID)
		}
		if f.After = next; next == (Place{}) {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(wantRefunds) {
		t.Errorf("listed %v\nwant   %v", got, wantRefunds)
	}
}
