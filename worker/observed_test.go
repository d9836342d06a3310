package worker_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
)

// notes are what an observer was told.
type notes struct {
	mu   sync.Mutex
	said []string
}

func (n *notes) note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, text)
}

func (n *notes) Called(c trade.Call) {
	if c.Took <= 0 {
		n.note("a call that took no time")
	}
	n.note(fmt.Sprintf("%s %s%s", c.Interface, c.Outcome, c.Code))
}

func (n *notes) Printed(printer string, e trade.PrintEvent) { n.note(printer + " " + string(e)) }

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.said)
}

// TestObserved: each call of the platform and each job on paper is told of, and
// the calls stand in the sale's timeline.
func TestObserved(t *testing.T) {
	n := &notes{}
	s := open(t, wishes{observer: n})
	if err := s.sandbox.SetFault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8016", Msg: "税收分类编码不存在", Times: 1}); err != nil {
		t.Fatal(err)
	}
	s.sell("S1")
	s.await("S1", "rejected", view(trade.StateRejected))
	s.await("S1", "printed", func(r *queue.Record) bool { return r.Prints[0].State == trade.PrintPrinted })
	if _, err := s.store.Retry(t.Context(), "S1"); err != nil {
		t.Fatal(err)
	}
	s.await("S1", "ready", view(trade.StateQRReady))
	s.refund("R1", "S1")
	s.await("S1", "voided", view(trade.StateVoided))
	said := n.all()
	for _, want := range []string{"2.16 refused8016", "2.16 ok", "2.17 ok", "receipt printed"} {
		if !slices.Contains(said, want) {
			t.Errorf("nobody told %q, only %v", want, said)
		}
	}
	if slices.Contains(said, "a call that took no time") {
		t.Error(said)
	}
	rows, err := s.store.Calls(t.Context(), "S1")
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, r := range rows {
		if r.Interface == "2.16" || r.Interface == "2.17" { // 2.18 may come in between
			kept = append(kept, fmt.Sprintf("%s %s%s", r.Interface, r.Outcome, r.Code))
		}
	}
	if !slices.Equal(kept, []string{"2.16 refused8016", "2.16 ok", "2.17 ok"}) {
		t.Errorf("kept %v", kept)
	}
}

// TestCallsAreNamedAsTheyWent: the timeline has no call that did not go out, also
// where an operation asked something else in its place.
func TestCallsAreNamedAsTheyWent(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		l.claim("S1", sandbox.Issued)
		blue := l.until("S1", "invoiced", view(trade.StateInvoiced)).Standing.Invoices[0]
		l.sandbox.SetIssueDelay(10 * time.Minute)
		if _, err := l.platform.RedFlush(t.Context(), piaotong.RedFull{TaxpayerNum: l.sandbox.Account().TaxpayerNum, ReqSerialNo: "SBOX0000000000000001",
			BlueAllEleInvNo: blue.Number, Reason: "开票有误", Amount: (-blue.Amount).String()}); err != nil {
			t.Fatal(err)
		}
		l.refund("R1", "S1")
		l.until("S1", "red_flushed", view(trade.StateRedFlushed))
		rows, err := l.store.Calls(t.Context(), "S1")
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]int{}
		for _, r := range rows {
			kept[r.Interface] += r.Times
		}
		if calls := l.ledger().Calls; kept["2.18"] != calls["2.18"] || kept["2.12"] == 0 {
			t.Errorf("the timeline has %v, of which went out %v", kept, calls)
		}
	})
}
