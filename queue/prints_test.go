package queue

import (
	"testing"
	"time"

	"tillagent/trade"
)

// TestSlipOfAReceiptThatIsPrinting has the QR code come while the receipt is
// under way without it: a slip follows if that receipt came out, or may have.
func TestSlipOfAReceiptThatIsPrinting(t *testing.T) {
	for name, tt := range map[string]struct {
		ends func(*rig, *PrintClaim)
		slip bool
	}{
		"printed":   {func(r *rig, c *PrintClaim) { r.printed(c, trade.PaperPrinted, "") }, true},
		"sent":      {func(r *rig, c *PrintClaim) { r.printed(c, trade.PaperSent, "") }, true},
		"uncertain": {func(r *rig, c *PrintClaim) { r.printed(c, trade.PaperUncertain, "power_cycled") }, true},
		"killed":    {func(r *rig, _ *PrintClaim) { r.reopen() }, true},
		"held, then printed with it": {func(r *rig, c *PrintClaim) {
			r.printed(c, trade.PaperHeld, "paper_out")
			r.noPrint()
			r.clock.add(time.Minute)
			again := r.claimPrint()
			if again.JobID != c.JobID || !again.WithQR {
				t.Errorf("claimed %+v, want the receipt with its QR code", again)
			}
			r.printed(again, trade.PaperPrinted, "")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, func(o *Options) { o.SlipLater = true })
			r.accept(lunch("S1"))
			c := r.claim(trade.LaneLive, trade.OpCreateQR)
			r.clock.add(2 * time.Second)
			receipt := r.claimPrint()
			r.settle(c, r.created())
			r.noPrint()
			tt.ends(r, receipt)
			if !tt.slip {
				r.noPrint()
				return
			}
			if p := r.claimPrint(); p.Paper != trade.PaperSlip || !p.WithQR {
				t.Errorf("claimed %+v, want the slip", p)
			}
		})
	}
}
