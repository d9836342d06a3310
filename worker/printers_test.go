package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/trade"
)

func (s *shop) printOn(name, id string) {
	s.t.Helper()
	content := trade.Content{Form: trade.PrintLines, Data: []byte(`[{"text":"` + id + `"},{"cut":"partial"}]`)}
	if _, err := s.store.AcceptPrint(s.t.Context(), id, content, name, 1); err != nil {
		s.t.Fatal(err)
	}
}

// fromKitchen waits for the next paper of the kitchen's printer.
func (s *shop) fromKitchen(text string) {
	s.t.Helper()
	select {
	case r := <-s.tickets:
		has(s.t, r, text)
	case <-time.After(time.Minute):
		s.t.Fatal("nothing comes out in the kitchen")
	}
}

// follow reads events until one is as wanted.
func (s *shop) follow(news *queue.Follower, what string, is func(queue.Event) bool) {
	s.t.Helper()
	for {
		events, err := news.Next(s.t.Context())
		if err != nil {
			s.t.Fatalf("no %s: %v", what, err)
		}
		if slices.ContainsFunc(events, is) {
			return
		}
	}
}

// TestKitchenDelaysNoReceipt: a printer that has no paper, or does not answer at
// all, delays its own jobs alone; its alert names it and the other has none.
func TestKitchenDelaysNoReceipt(t *testing.T) {
	for cause, faults := range map[string]paper.Faults{"paper_out": {PaperOut: true}, "stalled": {Stalled: true}} {
		t.Run(cause, func(t *testing.T) {
			s := open(t, wishes{qrWait: 10 * time.Second, kitchen: true})
			news := s.store.Follow(queue.Latest)
			s.printOn("kitchen", "K0")
			s.fromKitchen("K0")
			s.kitchen.SetFaults(faults)
			s.printOn("kitchen", "K1")
			s.printOn("kitchen", "K2")
			s.sell("S1")
			has(t, s.paper(), "S1")
			s.await("S1", "printed", paperIs(0, trade.PrintPrinted))
			if cause == "paper_out" {
				s.follow(news, "state of the kitchen's printer", func(e queue.Event) bool {
					return e.Type == "printer.state" && e.State == "paper_out" && e.Detail == "kitchen"
				})
				as, err := s.store.ActiveAlerts()
				if err != nil || len(as) != 1 || as[0].Subject != "held:kitchen" || !strings.Contains(as[0].Title.In(trade.EN), "kitchen: paper out") {
					t.Errorf("alerts %+v, %v", as, err)
				}
				if state, _ := s.worker.PrinterStatus(t.Context(), "kitchen"); state != printer.StatePaperOut {
					t.Errorf("the kitchen's printer is %s", state)
				}
			}
			if state, _ := s.worker.PrinterStatus(t.Context(), trade.ReceiptPrinter); state != printer.StateReady {
				t.Errorf("the receipt printer is %s", state)
			}
			if cause != "paper_out" {
				return // what a printer took without a word is uncertain, and not printed again
			}
			if p, err := s.store.Print(t.Context(), "K2"); err != nil || p.State != trade.PrintQueued {
				t.Errorf("%+v, %v: nothing overtakes on the way to the same printer", p, err)
			}
			s.kitchen.SetFaults(paper.Faults{})
			s.fromKitchen("K1")
			s.fromKitchen("K2")
			s.follow(news, "end of the alert", func(e queue.Event) bool { return e.Type == "alert.cleared" && e.Detail == "held:kitchen" })
		})
	}
}

// TestDrawerOfAPrinter: the pulse goes to the printer that is named.
func TestDrawerOfAPrinter(t *testing.T) {
	s := open(t, wishes{drawer: 2, kitchen: true})
	if e, cause := s.worker.OpenDrawer(t.Context(), "bar"); e != trade.PaperHeld || !strings.Contains(trade.CauseWords(cause).In(trade.EN), "bar") {
		t.Errorf("%s %s", e, cause)
	}
	if e, _ := s.worker.OpenDrawer(t.Context(), trade.ReceiptPrinter); e != trade.PaperPrinted {
		t.Error(e)
	}
	if n := s.printer.State().DrawerKicks; n != 1 || s.kitchen.State().DrawerKicks != 0 {
		t.Errorf("%d pulses at the receipt printer, %d in the kitchen", n, s.kitchen.State().DrawerKicks)
	}
}
