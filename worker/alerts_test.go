package worker_test

import (
	"testing"

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
