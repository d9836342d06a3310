package worker_test

import (
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
)

// TestDoubtEndsSoonAfterAnOutage: what the platform says it never got goes out
// again within minutes, however often it was asked about in vain before.
func TestDoubtEndsSoonAfterAnOutage(t *testing.T) {
	missed := func(r *queue.Record) bool {
		if r.Sale.Wish == trade.WishDirect {
			return r.Standing.Invoices[0].Misses > 0
		}
		return r.Standing.Current().Misses > 0
	}
	for number, play := range map[string]struct {
		sell func(b *bureau, id string)
		ends trade.SaleState
	}{
		"2.9":  {(*bureau).invoice, trade.StateInvoiced},
		"2.16": {func(b *bureau, id string) { b.sell(id) }, trade.StateQRReady},
	} {
		t.Run(number, func(t *testing.T) {
			atBureau(t, func(t *testing.T, b *bureau) {
				b.fault(sandbox.Fault{Interface: "*", Kind: sandbox.FaultReset})
				play.sell(b, "S1")
				time.Sleep(3 * time.Hour) // in the bubble
				b.sandbox.ClearFaults()
				b.until("S1", "unknown to the platform", missed)
				since := time.Now()
				b.until("S1", string(play.ends), view(play.ends))
				if took := time.Since(since); took > 3*time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}
