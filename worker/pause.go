package worker

import (
	"math/rand/v2"
	"time"

	"tillagent/trade"
)

// delays are the pauses before the 1st, 2nd, … repetition of what failed.
var delays = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute}

// Delay is the pause before the attempt-th repetition, counted from 1, with
// ±20 % of jitter so that the tills of a chain do not come back in step. It is
// at most 15 minutes.
func Delay(attempt int) time.Duration {
	d := delays[min(max(attempt, 1), len(delays))-1]
	return min(d*time.Duration(80+rand.IntN(41))/100, delays[len(delays)-1])
}

// voidDelays are the pauses before 2.17 is sent again after an answer that did
// not confirm.
var voidDelays = []time.Duration{0, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute}

// watchFast is how long an unclaimed QR code is asked about often; afterwards
// one call an hour is enough, as most are never claimed.
const watchFast = 24 * time.Hour

// Pause makes the queue's rule for how long the next operation of a sale
// waits. fast and slow bound how often unclaimed QR codes and running invoices
// are asked for.
func Pause(fast, slow time.Duration) func(trade.Op, trade.Standing, int, time.Time) time.Duration {
	return func(op trade.Op, s trade.Standing, attempts int, now time.Time) time.Duration {
		switch op.Kind {
		case trade.OpQueryQR:
			q := s.Current()
			if q != nil && q.State == trade.QRVoiding && q.VoidTries > 0 {
				return min(Delay(attempts+1), voidDelays[len(voidDelays)-2]) // 2.17 was answered, and a person is to know soon
			}
			if op.Lane != trade.LaneWatch || q == nil {
				return Delay(attempts/2 + 1) // in doubt: the answer was lost a moment ago
			}
			age := now.Sub(q.FetchedAt)
			if age.Abs() > watchFast { // or it was fetched by a clock that was ahead
				return time.Hour
			}
			return min(max(age/10, fast), slow)
		case trade.OpVoidQR:
			if q := s.Current(); q != nil {
				if q.VoidTries > 0 || attempts == 0 {
					return voidDelays[min(q.VoidTries, len(voidDelays)-1)]
				}
				return Delay(attempts)
			}
		case trade.OpCreateQR: // each attempt is asked about, and that counts as well
			if q := s.Current(); q != nil && attempts > 0 {
				return afterMiss(q.Misses, Delay((attempts+1)/2))
			}
		case trade.OpQueryInvoice:
			switch i := s.Invoice(op.Serial); {
			case i != nil && i.State == trade.InvUnknown:
				return min(afterMiss(i.Misses, Delay(attempts+2)), slow)
			case i != nil && i.Recheck:
				if attempts == 0 {
					return 0 // 2.18 has just named it
				}
				return min(Delay(attempts), slow)
			case i != nil && i.State == trade.InvBlocked:
				return slow
			case i != nil && (i.State == trade.InvFailed || i.State == trade.InvWithdrew):
				return time.Hour // staff may issue it again
			}
			return min(Delay(attempts+2), slow)
		}
		if attempts == 0 {
			return 0
		}
		if i := s.Invoice(op.Serial); i != nil {
			return afterMiss(i.Misses, Delay(attempts))
		}
		return Delay(attempts)
	}
}

// afterMiss bounds a pause once the platform has said that it does not have what
// was sent: however often it was asked in vain before, it answers now, and the
// same number is to go out again.
func afterMiss(misses int, d time.Duration) time.Duration {
	if misses > 0 {
		return min(d, time.Minute)
	}
	return d
}
