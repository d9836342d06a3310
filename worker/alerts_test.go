package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
)

// An alert that a process before this one raised, and died, ends as one of our
// own does: with the first answer of the platform and the first paper.
func TestAlertsOfAnEarlierProcessEnd(t *testing.T) {
	s := open(t, wishes{raised: []trade.Raise{{Kind: trade.AlertUnreachable}, {Kind: trade.AlertCredentials}, {Kind: trade.AlertCredentials, Subject: "untrusted"},
		{Kind: trade.AlertClock}, {Kind: trade.AlertPrinter, Subject: "held"}}})
	s.sell("S1")
	s.await("S1", "on paper and with its QR code", func(r *queue.Record) bool {
		return r.Standing.View() == trade.StateQRReady && r.Prints[0].State == trade.PrintPrinted
	})
	s.stop()
	alerts, err := s.store.ActiveAlerts()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		t.Errorf("the alert %s %q is active", a.Kind, a.Subject)
	}
}

// TestRefusalAfterAnOutage has the platform come back and refuse the set-up: that
// is told, and no longer that it is away.
func TestRefusalAfterAnOutage(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "*", Kind: sandbox.FaultReset})
		l.sell("S1")
		time.Sleep(time.Minute) // in the bubble
		if as := l.alerts(); as[trade.AlertUnreachable] != 1 {
			t.Fatalf("alerts %v of an outage", as)
		}
		l.sandbox.ClearFaults()
		l.fault(sandbox.Fault{Interface: "*", Kind: sandbox.FaultMisconfigured})
		time.Sleep(10 * time.Minute)
		if as := l.alerts(); as[trade.AlertCredentials] != 1 || as[trade.AlertUnreachable] != 0 {
			t.Errorf("alerts %v, want one for the set-up alone", as)
		}
		l.sandbox.ClearFaults()
		l.url("S1")
		if as := l.alerts(); len(as) != 0 {
			t.Errorf("alerts %v after all went through", as)
		}
	})
}

// TestRefusalOfOurOwn: what the client refuses to send is no answer of a platform
// that is away.
func TestRefusalOfOurOwn(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "*", Kind: sandbox.FaultReset})
		l.sell("S1")
		time.Sleep(time.Minute) // in the bubble
		sale := lunch("D1")
		sale.Wish, sale.Buyer = trade.WishDirect, trade.Buyer{Name: "某某公司"}
		sale.Items, sale.Total = nil, 0
		for range trade.MaxLines + 1 {
			sale.Items = append(sale.Items, trade.Line{Name: "茶", Amount: 100, TaxCode: "3070401000000000000", Rate: 6})
			sale.Total += 100
		}
		sale.Normalise()
		if _, _, err := l.store.AcceptSale(t.Context(), sale, sale.Digest()); err != nil {
			t.Fatal(err)
		}
		l.until("D1", "rejected", view(trade.StateRejected))
		if as := l.alerts(); as[trade.AlertUnreachable] != 1 {
			t.Errorf("alerts %v, want the one of the outage", as)
		}
		if rows, err := l.store.Calls(t.Context(), "D1"); err != nil || slices.ContainsFunc(rows, func(r queue.CallRow) bool { return r.Outcome == trade.OutcomeRefused }) {
			t.Errorf("calls %+v, %v: the refused one never went out", rows, err)
		}
	})
}

// TestRefusalOfOneInterface: while the platform refuses to reverse an invoice,
// receipts wait for the QR codes that it gives.
func TestRefusalOfOneInterface(t *testing.T) {
	s := open(t, wishes{qrWait: time.Minute, timeout: time.Minute})
	s.sell("S1")
	has(t, s.paper(), "扫码自助开具电子发票")
	r := s.await("S1", "qr_ready", view(trade.StateQRReady))
	if _, err := s.sandbox.Claim(sandbox.Claim{URL: r.Standing.Current().URL, Outcome: sandbox.Issued}); err != nil {
		t.Fatal(err)
	}
	s.await("S1", "invoiced", view(trade.StateInvoiced))
	for _, f := range []sandbox.Fault{{Kind: sandbox.FaultMisconfigured, Times: 1}, {Kind: sandbox.FaultTimeout}} {
		f.Interface = "2.10" // the next call of which has no end
		if err := s.sandbox.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	news := s.store.Follow(queue.Latest)
	s.refund("R1", "S1")
	s.paper()
	for told := false; !told; {
		events, err := news.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		told = slices.ContainsFunc(events, func(e queue.Event) bool { return e.Type == "platform.offline" })
	}
	s.sell("S2") // finds out that QR codes can be had
	s.paper()
	s.await("S2", "qr_ready", view(trade.StateQRReady))
	s.sell("S3")
	for {
		r := s.paper()
		if strings.Contains(r.Text, "S3") {
			has(t, r, "扫码自助开具电子发票")
			return
		}
	}
}
