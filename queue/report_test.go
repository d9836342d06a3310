package queue

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"tillagent/trade"
)

// invoice plays the platform: the code of the sale that is claimed next is
// claimed by a customer, and its invoice issued.
func (r *rig) invoice(amount, net, tax trade.Money) {
	r.t.Helper()
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: amount}}, At: r.clock.Now()})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: net, Tax: tax,
		Number: "26110000000000000001", IssuedAt: r.clock.Now(), At: r.clock.Now()})
}

// TestDayReport takes sales of every kind around a midnight in Beijing.
func TestDayReport(t *testing.T) {
	r := open(t) // 20:00 in Beijing on 22 November
	day := r.clock.Now()
	r.accept(lunch("S1"))
	r.invoice(5850, 5519, 331)
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	mixed := trade.Sale{ID: "S2", Total: 3000, Wish: trade.WishNone, SoldAt: day.Add(-24 * time.Hour), // rung up the day before, without a network
		Items: []trade.Line{{Name: "水", Amount: 1000, Rate: 13}, {Name: "菜", Amount: 1000, Rate: 0}, {Name: "卡", Amount: 1000, Rate: trade.NoRate}}}
	mixed.Normalise()
	r.accept(mixed)
	r.printed(r.claimPrint(), trade.PaperPrinted, "")
	r.printed(r.claimPrint(), trade.PaperUncertain, "offline")
	r.clock.add(4 * time.Hour)
	late := lunch("S3")
	late.SoldAt = day
	r.accept(late)

	got, err := r.DayReport(t.Context(), day, trade.Beijing)
	if err != nil {
		t.Fatal(err)
	}
	if got.Sales != (Tally{2, 8850}) || got.Blue != (Issued{Tally{1, 5850}, 5519, 331}) || got.Red != (Issued{}) {
		t.Errorf("sales %+v, blue %+v, red %+v", got.Sales, got.Blue, got.Red)
	}
	if want := []RateTally{{13, 1000, 115}, {6, 5850, 332}, {0, 1000, 0}, {trade.NoRate, 1000, 0}}; !reflect.DeepEqual(got.Rates, want) {
		t.Errorf("rates %+v, want %+v", got.Rates, want)
	}
	if got.SoldElse != (Tally{1, 3000}) || got.TakenElse != (Tally{1, 5850}) {
		t.Errorf("sold elsewhere %+v, taken elsewhere %+v", got.SoldElse, got.TakenElse)
	}
	var open []string
	for _, o := range got.Open {
		open = append(open, fmt.Sprintf("%s|%s|%s|%v", o.Record.Sale.ID, o.RefundID, o.JobID, o.At.Equal(day)))
	}
	if want := []string{"S1|R1||true", "S2||sale:S2|true"}; !reflect.DeepEqual(open, want) || got.OpenCount != 2 {
		t.Errorf("open %v (%d), want %v", open, got.OpenCount, want)
	}

	// The red invoice belongs to the day of its sale.
	red := got.Open[0].Record.Standing.Refunds[0].RedSerial
	r.settle(r.claim(trade.LaneUndo, trade.OpRedFlush), trade.RedAccepted{Serial: red})
	r.settle(r.claim(trade.LaneUndo, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: red, State: trade.InvIssued, Net: -5519, Tax: -331,
		Number: "26110000000000000002", IssuedAt: r.clock.Now(), At: r.clock.Now()})
	got, err = r.DayReport(t.Context(), day, trade.Beijing)
	if err != nil || got.Blue.Count != 1 || got.Red != (Issued{Tally{1, -5850}, -5519, -331}) || got.OpenCount != 1 {
		t.Errorf("after the refund: blue %+v, red %+v, open %d, %v", got.Blue, got.Red, got.OpenCount, err)
	}
}

func TestDayReportBoundsWhatIsOpen(t *testing.T) {
	r := open(t)
	for i := range MaxOpen + 5 {
		s := lunch(fmt.Sprintf("S%03d", i))
		s.Print.Mode = trade.PrintNone
		r.accept(s)
	}
	got, err := r.DayReport(t.Context(), r.clock.Now(), trade.Beijing)
	if err != nil || len(got.Open) != MaxOpen || got.OpenCount != MaxOpen+5 || got.Open[0].Record.Sale.ID != "S000" {
		t.Errorf("%d of %d are listed, %v", len(got.Open), got.OpenCount, err)
	}
}

func TestCloseDayIsInTheJournal(t *testing.T) {
	r := open(t)
	for range 2 {
		if err := r.CloseDay(t.Context(), "2026-11-22", "agrees", []string{"0.00"}); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	err := r.reader.QueryRow("SELECT count(*) FROM journal WHERE kind = 'DayClosed' AND ref = '2026-11-22' AND state = 'agrees' AND length(digest) = 64").Scan(&n)
	if err != nil || n != 2 {
		t.Errorf("%d entries, %v", n, err)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	r := open(t, func(o *Options) {
		o.Pause = func(op trade.Op, _ trade.Standing, _ int, _ time.Time) time.Duration {
			if op.Lane == trade.LaneWatch {
				return time.Minute
			}
			return 0
		}
	})
	empty, err := r.Load(t.Context())
	if err != nil || len(empty.Lanes)+len(empty.Prints)+len(empty.Alerts) != 0 {
		t.Errorf("%+v, %v", empty, err)
	}
	for i := range 3 {
		r.accept(lunch(fmt.Sprintf("S%d", i)))
	}
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.printed(r.claimPrint(), trade.PaperHeld, "paper_out")
	for _, sale := range []string{"S0", "S1"} {
		if err := r.Raise(UncertainAlert(trade.ReceiptPrinter, sale, "")); err != nil {
			t.Fatal(err)
		}
	}
	want := Load{Lanes: map[trade.Lane]Depth{trade.LaneLive: {Due: 2}, trade.LaneWatch: {Later: 1}},
		Prints: map[PrintPlace]int{{trade.ReceiptPrinter, trade.PrintHeld}: 1, {trade.ReceiptPrinter, trade.PrintWaitingQR}: 2}, Alerts: map[string]int{trade.AlertPrinter: 2}}
	if got, err := r.Load(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// TestCommitsAreTimed: each commit is told of once, a failed write is not.
func TestCommitsAreTimed(t *testing.T) {
	var times []time.Duration
	r := open(t, func(o *Options) { o.Committed = func(took time.Duration) { times = append(times, took) } })
	r.accept(lunch("S1"))
	other := lunch("S1")
	other.Cashier = "小王"
	if _, _, err := r.AcceptSale(t.Context(), other, other.Digest()); err == nil {
		t.Fatal("no conflict")
	}
	if err := r.Close(); err != nil { // after which nothing writes
		t.Fatal(err)
	}
	if len(times) != 1 || times[0] <= 0 {
		t.Errorf("commits took %v", times)
	}
}
