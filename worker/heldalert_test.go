package worker_test

import (
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/trade"
)

// awaitHeldAlert waits until an alert about the receipt printer stands that has
// these words, or, without words, none does.
func (s *shop) awaitHeldAlert(words string) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		a := s.printerAlert("held")
		if words == "" && a == nil || words != "" && a != nil && strings.Contains(a.Title.In(trade.EN), words) {
			return
		}
	}
	s.t.Fatalf("the alert about the printer does not become %q", words)
}

// TestHeldAlertComesBack: a job that waited for a cover ended, and that it did is
// told only when the next is held for want of paper already. That one still waits,
// and a person must know.
func TestHeldAlertComesBack(t *testing.T) {
	t.Parallel()
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.printer.SetFaults(paper.Faults{PaperOut: true})
	s.sell("S1")
	s.await("S1", "held", paperIs(0, trade.PrintHeld))
	s.awaitHeldAlert("paper out")
	s.worker.PrinterSaw(trade.ReceiptPrinter, printer.Status{State: printer.StateCoverOpen, Held: true})
	s.awaitHeldAlert("cover")
	s.worker.PrinterSaw(trade.ReceiptPrinter, printer.Status{State: printer.StatePaperOut})
	s.awaitHeldAlert("paper out")
	s.printer.SetFaults(paper.Faults{})
	has(t, s.paper(), "S1")
	s.awaitHeldAlert("")
}

// TestHeldAlertEndsWithTheJob: once what waited is cancelled nothing waits, and no
// alert says so; a next job that finds the same brings it back.
func TestHeldAlertEndsWithTheJob(t *testing.T) {
	t.Parallel()
	s := open(t, wishes{qrWait: 10 * time.Second})
	s.printer.SetFaults(paper.Faults{PaperOut: true})
	s.printOn(trade.ReceiptPrinter, "K1")
	s.awaitHeldAlert("paper out")
	for p := (&queue.Print{}); p.State != trade.PrintHeld; <-time.After(time.Millisecond) {
		var err error
		if p, err = s.store.Print(t.Context(), "K1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.store.CancelPrint(t.Context(), "K1"); err != nil {
		t.Fatal(err)
	}
	s.awaitHeldAlert("")
	s.printOn(trade.ReceiptPrinter, "K2")
	s.awaitHeldAlert("paper out")
	s.printer.SetFaults(paper.Faults{})
	has(t, s.paper(), "K2")
	s.awaitHeldAlert("")
}
