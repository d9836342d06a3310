package worker

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// TestOutcomeThatCannotBeStored: an answer with a value that no database takes
// does not leave its sale claimed for good; the platform is asked again.
func TestOutcomeThatCannotBeStored(t *testing.T) {
	at := func(trade.Op, trade.Standing, int, time.Time) time.Duration { return 0 }
	store, err := queue.Open(queue.Options{Path: filepath.Join(t.TempDir(), "agent.db"), Prefix: "DEMO", QRValid: time.Hour, Pause: at})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sale := trade.Sale{ID: "S1", Total: 100, SoldAt: time.Now(), Items: []trade.Line{{Name: "午餐", Amount: 100, TaxCode: "3070401000000000000", Rate: 6}}}
	sale.Normalise()
	if _, _, err := store.AcceptSale(t.Context(), sale, sale.Digest()); err != nil {
		t.Fatal(err)
	}
	w := New(Options{Store: store})
	claim := func(lane trade.Lane, want trade.OpKind) *queue.OpClaim {
		t.Helper()
		c, _, err := store.ClaimOp(t.Context(), lane)
		if err != nil || c == nil || c.Op.Kind != want {
			t.Fatalf("claimed %+v, want %s, %v", c, want, err)
		}
		return c
	}
	made := claim(trade.LaneLive, trade.OpCreateQR)
	w.settle(t.Context(), made, trade.QRCreated{Gen: made.Op.Gen, URL: "https://fp.example.cn/q", At: time.Now()})
	seen := claim(trade.LaneWatch, trade.OpQueryQR)
	w.settle(t.Context(), seen, trade.QRSeen{Gen: seen.Op.Gen, At: time.Now(), Invoices: []trade.SeenInvoice{{Serial: strings.Repeat("P", 65), Amount: 100}}})
	again := claim(trade.LaneWatch, trade.OpQueryQR)
	w.settle(t.Context(), again, trade.QRSeen{Gen: again.Op.Gen, At: time.Now(), Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 100}}})
	claim(trade.LaneWatch, trade.OpQueryInvoice)
}

// TestSignOfAmounts: a red invoice is below zero with whichever sign the
// platform tells it, so that the blue one counts as reversed.
func TestSignOfAmounts(t *testing.T) {
	blue, red := &trade.Invoice{Kind: trade.Blue}, &trade.Invoice{Kind: trade.Red}
	for name, tc := range map[string]struct {
		invoice          *trade.Invoice
		net, tax         string
		wantNet, wantTax trade.Money
		wantOK           bool
	}{
		"blue":                   {blue, "55.19", "3.31", 5519, 331, true},
		"blue, exempt":           {blue, "58.50", "0.00", 5850, 0, true},
		"blue, below zero":       {blue, "-55.19", "-3.31", 0, 0, false},
		"red":                    {red, "-55.19", "-3.31", -5519, -331, true},
		"red, told without sign": {red, "55.19", "3.31", -5519, -331, true},
		"red, exempt, no sign":   {red, "58.50", "0.00", -5850, 0, true},
		"no tax told":            {red, "55.19", "", 0, 0, false},
		"no net amount told":     {blue, "", "3.31", 0, 0, false},
		"of none that is known":  {nil, "55.19", "3.31", 5519, 331, true},
	} {
		t.Run(name, func(t *testing.T) {
			net, tax, ok := amounts(piaotong.InvoiceState{NetAmount: tc.net, TaxAmount: tc.tax}, tc.invoice)
			if net != tc.wantNet || tax != tc.wantTax || ok != tc.wantOK {
				t.Errorf("got %s, %s, %t", net, tax, ok)
			}
		})
	}
}

// TestCodeOfAnotherSale: a code of the same number and amount is another sale's
// where its trade number says so.
func TestCodeOfAnotherSale(t *testing.T) {
	w, c := New(Options{}), &queue.OpClaim{Record: &queue.Record{Sale: trade.Sale{ID: "S1"}}}
	for tradeNo, want := range map[string]bool{"S1": false, "": false, "S2": true} {
		if _, foreign := w.qrSeen(c, piaotong.QRStatus{TradeNo: tradeNo}).(trade.QRForeign); foreign != want {
			t.Errorf("trade number %q: another sale's %t, want %t", tradeNo, foreign, want)
		}
	}
}

// TestCodeEndsByThePlatformsClock: a till whose clock is years ahead takes no code
// for expired that a customer can still claim.
func TestCodeEndsByThePlatformsClock(t *testing.T) {
	w := New(Options{})
	platform := time.Now().AddDate(-2, 0, 0)
	w.Clock.SawDate(platform, time.Now())
	c := &queue.OpClaim{Record: &queue.Record{Sale: trade.Sale{ID: "S1"}}}
	seen, ok := w.qrSeen(c, piaotong.QRStatus{}).(trade.QRSeen)
	if !ok || seen.At.Sub(platform).Abs() > time.Hour {
		t.Errorf("seen at %v, by the platform's clock it is %v", seen.At, platform)
	}
}
