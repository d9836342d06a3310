package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/printer/paper"
)

// TestSoak is TestKill with everything at once: refunds of every kind, faults
// of platform and printer, customers who claim their codes, and staff who mend
// what failed. It runs where SOAK says how long, as `make soak` does; with
// SOAK_KILLS it ends after so many kills instead. SOAK_SEED repeats the choice
// of events of an earlier run, as far as timing allows.
func TestSoak(t *testing.T) {
	text := os.Getenv("SOAK")
	if text == "" {
		t.Skip("SOAK does not say how long")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	kills := 0 // until the time is up
	if text := os.Getenv("SOAK_KILLS"); text != "" {
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("SOAK_KILLS: %v", err)
		}
	}
	w := newWorld(t)
	w.pace = 700 * time.Millisecond
	over := make(chan struct{})
	if kills == 0 {
		time.AfterFunc(d, func() { close(over) })
	}
	w.goOn(w.platformTrouble, w.printerTrouble, w.customers, w.staff)
	for n := range tills {
		w.goOn(w.newCheckout(n).sell)
	}
	w.killing(kills, 1200*time.Millisecond, over)
	w.rest(5 * time.Minute)
	w.count()
}

// pick is one of several, by chance.
func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// between is a time from a to b, by chance.
func between(r *rand.Rand, a, b time.Duration) time.Duration {
	return a + time.Duration(r.Int64N(int64(b-a)))
}

// platformTrouble makes calls to the platform fail in every way that leaves
// the set-up as it is.
func (w *world) platformTrouble(r *rand.Rand) {
	interfaces := []string{"*", "2.10", "2.11", "2.16", "2.16", "2.17", "2.18", "2.36", "2.37"}
	kinds := []sandbox.FaultKind{sandbox.FaultLostAnswer, sandbox.FaultLostAnswer, sandbox.FaultDelay, sandbox.FaultDelay, sandbox.FaultReset,
		sandbox.FaultHTTP500, sandbox.FaultHTML, sandbox.FaultBadSignature, sandbox.FaultNoSignature, sandbox.FaultTimeout}
	outcomes := []sandbox.Outcome{sandbox.Issued, sandbox.Issued, sandbox.Issued, sandbox.Issued, sandbox.Issued, sandbox.Issued, sandbox.Auth, sandbox.Failed}
	for w.pause(between(r, 100*time.Millisecond, 1500*time.Millisecond)) {
		f := sandbox.Fault{Interface: pick(r, interfaces), Kind: pick(r, kinds), Times: 1 + r.IntN(2)}
		switch n := r.IntN(12); {
		case n == 0:
			f = sandbox.Fault{Interface: "2.17", Kind: sandbox.FaultVoidFalse, Times: 1}
		case n == 1:
			f = sandbox.Fault{Interface: "2.17", Kind: sandbox.FaultVoidFalseDone, Times: 1}
		case n == 2:
			f = sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Times: 1}
		case n == 3:
			f.Times = 4 // enough to open the breaker
		}
		if f.Kind == sandbox.FaultDelay {
			f.Delay = between(r, 10*time.Millisecond, 300*time.Millisecond)
		}
		w.must(w.platform.SetFault(f))
		w.platform.SetIssueDelay(between(r, 0, 2*time.Second))
		w.must(w.platform.SetRedOutcome(pick(r, outcomes)))
		w.platform.SetIsDeleteText(r.IntN(2) == 0)
	}
	w.platform.ClearFaults()
	w.platform.SetIssueDelay(0)
	w.must(w.platform.SetRedOutcome(sandbox.Issued))
}

// printerTrouble makes the printer fail for a while, again and again.
func (w *world) printerTrouble(r *rand.Rand) {
	usual := paper.Faults{DelayMS: 1} // slow enough to be killed while printing
	w.tape.SetFaults(usual)
	for w.pause(between(r, 100*time.Millisecond, 3*time.Second)) {
		f := usual
		switch r.IntN(9) {
		case 0:
			f.PaperOut = true
		case 1:
			f.PaperOutAfter = 1 + r.IntN(2000)
		case 2:
			f.CoverOpen = true
		case 3:
			f.PowerCutAfter = 1 + r.IntN(2000)
		case 4:
			f.PowerOff = true
		case 5:
			f.Mute = true
		case 6:
			f.Stalled = true
		case 7:
			f.StallAfter = 1 + r.IntN(2000)
		case 8:
			f.DelayMS = 20
		}
		w.tape.SetFaults(f)
		if !w.pause(between(r, 100*time.Millisecond, 2500*time.Millisecond)) {
			break
		}
		w.tape.SetFaults(usual)
	}
	w.tape.SetFaults(paper.Faults{})
}

// customers scan codes, on paper or on the display, and submit some of them.
func (w *world) customers(r *rand.Rand) {
	outcomes := []sandbox.Outcome{sandbox.Issued, sandbox.Issued, sandbox.Issued, sandbox.Issued, sandbox.Failed, sandbox.Auth, sandbox.Hang}
	for w.pause(between(r, 20*time.Millisecond, 400*time.Millisecond)) {
		urls := w.takeCodes(r, 1)
		if more := w.takeCodes(r, 1); r.IntN(12) == 0 && !slices.Equal(urls, more) {
			urls = append(urls, more...)
		}
		w.desk.Lock()
		switch {
		case len(urls) > 1:
			_, err := w.platform.ClaimMerged(sandbox.ClaimMerged{URLs: urls, Outcome: pick(r, outcomes)})
			w.happened(err)
		case len(urls) == 1:
			c := sandbox.Claim{URL: urls[0], Outcome: pick(r, outcomes)}
			if r.IntN(8) == 0 {
				c.Split = 2
			}
			_, err := w.platform.Claim(c)
			w.happened(err)
		}
		w.desk.Unlock()
	}
}

// staff issue again what failed or stopped, on the platform, and now and then
// reverse an invoice there by hand.
func (w *world) staff(r *rand.Rand) {
	for w.pause(between(r, 200*time.Millisecond, time.Second)) {
		w.desk.Lock()
		if ledger := w.ledger(); len(ledger.Invoices) > 0 {
			i := pick(r, ledger.Invoices)
			switch {
			case i.Code == failedCode && claimedAgain(ledger, i): // that would be a second invoice of the same sale
			case i.Code != issuedCode:
				w.happened(w.platform.Settle(i.ReqSerialNo, pick(r, []sandbox.Outcome{sandbox.Issued, sandbox.Issued, sandbox.Failed})))
			case r.IntN(10) == 0:
				w.happened(w.platform.RedByHand(i.ReqSerialNo))
			}
		}
		w.desk.Unlock()
	}
}

// claimedAgain reports whether the customer of a failed invoice has submitted
// one of its codes once more.
func claimedAgain(l sandbox.Ledger, failed sandbox.Invoice) bool {
	return slices.ContainsFunc(l.QRs, func(q sandbox.QR) bool {
		at := slices.Index(q.Invoices, failed.ReqSerialNo)
		return at >= 0 && slices.ContainsFunc(l.Invoices, func(i sandbox.Invoice) bool {
			return i.RequestedAt.After(failed.RequestedAt) && slices.Contains(q.Invoices, i.ReqSerialNo)
		})
	})
}

// settleAll ends what would wait for staff for ever.
func (w *world) settleAll() {
	for _, i := range w.ledger().Invoices {
		if i.Code != issuedCode && i.Code != failedCode {
			w.happened(w.platform.Settle(i.ReqSerialNo, sandbox.Issued))
		}
	}
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Error(fmt.Errorf("the test itself: %w", err))
	}
}
