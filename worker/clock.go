package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"tillagent/piaotong"
	"tillagent/trade"
)

// Up to ignoredSkew a difference of the clocks is left alone, up to wrongSkew
// it is corrected in what is sent; beyond that nothing with a time is sent.
const (
	ignoredSkew = 2 * time.Minute
	wrongSkew   = 10 * time.Minute
)

// Clock is the platform's clock against ours: the median of the last offsets,
// which one slow answer does not move. The zero value is ready.
type Clock struct {
	mu      sync.Mutex
	offsets []time.Duration
	server  time.Time // of the last answer, by the platform's clock
	heard   time.Time // and by ours, with the monotonic reading
}

// SawDate takes the Date header of an answer and when it was received.
func (c *Clock) SawDate(server, received time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.heard = server, received
	// A jump of our own clock makes what was seen before it worthless.
	offset := server.Round(0).Sub(received.Round(0))
	if n := len(c.offsets); n > 0 && (offset-c.offsets[n-1]).Abs() > ignoredSkew {
		c.offsets = nil
	}
	c.offsets = append(c.offsets, offset)
	if len(c.offsets) > 9 {
		c.offsets = c.offsets[1:]
	}
}

// Skew is how much the platform's clock is ahead of ours, to the second; zero
// before the first answer.
func (c *Clock) Skew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.offsets) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(c.offsets))
	return sorted[len(sorted)/2].Round(time.Second)
}

// Now is the time to write into what is sent: ours, corrected where it is
// wrong by more than two minutes.
func (c *Clock) Now() time.Time {
	if skew := c.Skew(); skew.Abs() > ignoredSkew {
		return time.Now().Add(skew)
	}
	return time.Now()
}

// Wrong reports whether our clock is wrong by more than ten minutes.
func (c *Clock) Wrong() bool { return c.Skew().Abs() > wrongSkew }

// Agrees reports whether our clock is known to be right: the platform was heard
// in this run, and ours is within ten minutes of what the platform's must show
// by now. The time since is the monotonic one, so that a clock that was set
// meanwhile is not believed before the next answer.
func (c *Clock) Agrees() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.offsets) == 0 {
		return false
	}
	now := time.Now()
	return now.Round(0).Sub(c.server.Add(now.Sub(c.heard))).Abs() <= wrongSkew
}

// jumpCheck is how often our own clock is compared with the monotonic one, and
// jumpLeast what counts as a jump rather than as being set right little by little.
const (
	jumpCheck = 10 * time.Second
	jumpLeast = 5 * time.Second
)

// jump is how far the wall clock moved between two times beyond what passed.
func jump(before, after time.Time) time.Duration {
	return after.Round(0).Sub(before.Round(0)) - after.Sub(before)
}

// watchJumps moves what waits when somebody sets the machine's clock.
func (w *Worker) watchJumps(stop context.Context) {
	tick := time.NewTicker(jumpCheck)
	defer tick.Stop()
	before := time.Now()
	for {
		select {
		case <-stop.Done():
			return
		case <-tick.C:
		}
		after := time.Now()
		if d := jump(before, after); d.Abs() >= jumpLeast {
			w.report("a jump of the clock", w.Store.ClockJumped(d))
		}
		before = after
	}
}

// awaitClock stands for 2.16 while our clock is wrong: the sale waits. It asks
// about the number, which was never sent, only to read the platform's clock.
func (w *Worker) awaitClock(ctx context.Context, ref piaotong.QRRef, op trade.Op) (trade.Event, error) {
	if _, err := w.Platform.QueryQR(ctx, ref); err != nil && piaotong.KindOf(err) != piaotong.NotFound {
		return nil, unsent{err}
	}
	return trade.Unsent{Op: op}, nil
}

// watchClock looks at the clock after a call: it warns of one whose time is
// corrected, and raises and clears the alert of a wrong one.
func (w *Worker) watchClock() {
	skew := w.Clock.Skew()
	if off := skew.Abs() > ignoredSkew; w.clockOff.turn(off) && off {
		w.Log.Warn("this machine's clock is not the platform's; calls carry the platform's time", "platform_ahead", skew)
	}
	wrong := skew.Abs() > wrongSkew
	if !w.clockAlert.turn(wrong) {
		return
	}
	if wrong {
		w.report("an alert", w.Store.Raise(trade.Raise{Kind: trade.AlertClock, Title: trade.Say(trade.ClockWrong, skew.String()), Action: trade.Say(trade.ClockWrongDo)}))
	} else {
		w.report("an alert's end", w.Store.Clear(trade.AlertClock, ""))
	}
}
