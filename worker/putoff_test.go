package worker_test

import (
	"fmt"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
)

// TestPutOffForLong has an alert stand as long as one sale is put off, though
// others get through.
func TestPutOffForLong(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8996", Msg: "业务异常"})
		l.sell("S1")
		for l.alerts()[trade.AlertUnreachable] == 0 {
			if time.Sleep(time.Second); l.record("S1").Op.Attempts > 20 {
				t.Fatal("nobody is told")
			}
		}
		l.sandbox.ClearFaults()
		l.stop()
		l.restart()
		l.sell("S2")
		l.url("S2")
		if r := l.record("S1"); r.Standing.View() != trade.StateQueued || l.alerts()[trade.AlertUnreachable] != 1 {
			t.Errorf("S1 is %s, alerts %v; want it to wait, and the alert to stand", r.Standing.View(), l.alerts())
		}
		l.url("S1")
		for range 300 {
			if l.alerts()[trade.AlertUnreachable] == 0 {
				return
			}
			time.Sleep(time.Second)
		}
		t.Error("the alert stands after all went through")
	})
}

// TestOnePollPutOff has one poll of a code that nobody has claimed put off, after
// many that were answered: that is no news.
func TestOnePollPutOff(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		l.until("S1", "polled", func(r *queue.Record) bool { return r.Op != nil && r.Op.Attempts > 12 })
		l.fault(sandbox.Fault{Interface: "2.18", Kind: sandbox.FaultRefuse, Code: "8996", Times: 1})
		polls := l.ledger().Calls["2.18"]
		l.called("2.18", func() int { return l.ledger().Calls["2.18"] - polls })
		if as := l.alerts(); len(as) != 0 {
			t.Errorf("alerts %v", as)
		}
	})
}

// TestFailedTooOften has 8993 count as a refusal after three repetitions; what a
// person has tried again then is asked about first.
func TestFailedTooOften(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8993", Msg: "处理失败"})
		l.sell("S1")
		r := l.until("S1", "rejected", view(trade.StateRejected))
		if n := l.ledger().Calls["2.16"]; n != 4 || r.Standing.Problem.Key != trade.SaleRefused {
			t.Errorf("rejected after %d calls for %v, want 4", n, r.Standing.Problem)
		}
		l.sandbox.ClearFaults()
		asked := l.ledger().Calls["2.18"]
		if _, err := l.store.Retry(t.Context(), "S1"); err != nil {
			t.Fatal(err)
		}
		l.url("S1")
		if calls := l.ledger().Calls; calls["2.16"] != 5 || calls["2.18"] == asked {
			t.Errorf("calls %v: want a question, then one more 2.16", calls)
		}
	})
}

// TestRefusedProbe has an operation that failed too often be the one that is let
// through to find out whether the platform is back: others follow it.
func TestRefusedProbe(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8993", Msg: "处理失败"})
		l.sell("S1")
		l.until("S1", "asked about after the last time", func(r *queue.Record) bool { return r.Op != nil && r.Op.Attempts >= 8 })
		l.sandbox.ClearFaults()
		l.fault(sandbox.Fault{Interface: "*", Kind: sandbox.FaultReset})
		l.sell("S2")
		l.until("S1", "rejected", view(trade.StateRejected))
		l.sandbox.ClearFaults()
		l.url("S2")
	})
}

// TestPaceOfCalls has many sales come at once: live ones keep to the pace, too.
func TestPaceOfCalls(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		began := time.Now()
		for i := range 40 {
			l.sell(fmt.Sprint("S", i))
		}
		for second := 1; second <= 6; second++ {
			time.Sleep(time.Until(began.Add(time.Duration(second) * time.Second)))
			calls := 0
			for _, n := range l.ledger().Calls {
				calls += n
			}
			if most := 10 + 5*second; calls > most {
				t.Fatalf("%d calls in %d s, want at most %d", calls, second, most)
			}
		}
		for i := range 40 {
			l.url(fmt.Sprint("S", i))
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("40 codes took %v", took)
		}
	})
}

// record is a sale as it is stored.
func (l *lab) record(id string) *queue.Record {
	l.t.Helper()
	r, err := l.store.Sale(l.t.Context(), id)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}
