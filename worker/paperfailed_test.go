package worker_test

import (
	"strings"
	"testing"
	"time"

	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/trade"
)

// printerAlert is the active alert about a paper whose subject begins so.
func (s *shop) printerAlert(subject string) *queue.Alert {
	s.t.Helper()
	alerts, err := s.store.ActiveAlerts()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range alerts {
		if a.Kind == trade.AlertPrinter && strings.HasPrefix(a.Subject, subject) {
			return &a
		}
	}
	return nil
}

// TestPaperThatCannotBeLaidOut is told to a person: it does not come by itself.
func TestPaperThatCannotBeLaidOut(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.sellAs("S1", trade.PrintWish{Mode: trade.PrintLines, Lines: []byte(`[{"image":"bm8gcG5n"}]`)})
	s.await("S1", "failed", paperIs(0, trade.PrintFailed))
	a := s.printerAlert("failed:")
	if a == nil || a.SaleID != "S1" || !strings.Contains(a.Title.In(trade.EN), "S1") || a.Action.In(trade.ZH) == "" {
		t.Fatalf("the alert: %+v", a)
	}
	p, err := s.store.AcceptPrint(t.Context(), "J1", trade.Content{Form: "lines", Data: []byte(`[{"image":"bm8gcG5n"}]`)}, trade.ReceiptPrinter, 1)
	if err != nil {
		t.Fatal(err)
	}
	for p.State != trade.PrintFailed {
		if p, err = s.store.Print(t.Context(), "J1"); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Millisecond)
	}
	if a := s.printerAlert("failed_job:J1"); a == nil || a.SaleID != "" {
		t.Errorf("the alert of the POS's own job: %+v", a)
	}
}

// TestUncertainAlertEndsWithTheReprint: the paper came out after all, and nobody
// else says so.
func TestUncertainAlertEndsWithTheReprint(t *testing.T) {
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.printer.SetFaults(paper.Faults{PowerCutAfter: 100})
	s.sellAs("S1", trade.PrintWish{Mode: trade.PrintReceipt})
	s.await("S1", "uncertain", paperIs(0, trade.PrintUncertain))
	if s.printerAlert("uncertain:S1") == nil {
		t.Fatal("no alert asks to look at the paper")
	}
	s.printer.SetFaults(paper.Faults{})
	for n, what := range []trade.Paper{trade.PaperSlip, trade.PaperReceipt} {
		if _, err := s.store.AskPrint(t.Context(), "S1", "again"+string(what), what, trade.ReceiptPrinter, 1); err != nil {
			t.Fatal(err)
		}
		s.await("S1", "printed", paperIs(n+1, trade.PrintPrinted))
		if stands := s.printerAlert("uncertain:S1") != nil; stands != (what == trade.PaperSlip) {
			t.Errorf("with the %s on paper the alert stands: %v", what, stands)
		}
	}
}
