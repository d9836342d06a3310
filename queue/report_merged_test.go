package queue

import (
	"testing"

	"tillagent/trade"
)

// TestDayReportCountsAMergedInvoiceOnce has a customer make one invoice of two
// sales' codes: either sale has it, over the amount of both.
func TestDayReportCountsAMergedInvoiceOnce(t *testing.T) {
	r := open(t)
	for _, id := range []string{"S1", "S2"} {
		r.accept(lunch(id))
		r.invoice(11700, 11038, 662)
	}
	got, err := r.DayReport(t.Context(), r.clock.Now(), trade.Beijing)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Issued{Tally{1, 11700}, 11038, 662}); got.Sales.Sum != 11700 || got.Blue != want {
		t.Errorf("sold %s, blue %+v, want %+v", got.Sales.Sum, got.Blue, want)
	}
}
