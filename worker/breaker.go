package worker

import (
	"math/rand/v2"
	"sync"
	"time"
)

// The breaker's figures: so many transport failures in a row open it; a probe
// is let through after the first pause, then after twice as long each time.
const (
	openAfter  = 3
	firstProbe = 5 * time.Second
	lastProbe  = 60 * time.Second
	// liveProbe is how soon after a probe a new live sale may carry the next.
	liveProbe = time.Second
)

// breaker stops calls to a platform that cannot be reached, so that no sale
// waits for it, and finds out when it is back.
type breaker struct {
	mu       sync.Mutex
	failures int
	open     bool
	probing  bool
	probed   time.Time // when the last probe went out
	pause    time.Duration
	contact  time.Time // the last verified answer
	change   chan struct{}
}

func newBreaker() *breaker { return &breaker{change: make(chan struct{})} }

// allow reports whether a call may go out now, and if not, when to ask again
// at the latest. A call that is let through while the breaker is open is the
// probe; it ends with success, failure or unused.
func (b *breaker) allow(live bool) (bool, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true, 0
	}
	pause := b.pause
	if live {
		pause = min(pause, liveProbe)
	}
	wait := time.Until(b.probed.Add(pause))
	if b.probing || wait > 0 {
		return false, max(wait, 100*time.Millisecond)
	}
	b.probing = true
	return true, 0
}

// unused gives a permission back that no call came to use.
func (b *breaker) unused() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// success notes a verified answer and reports whether it closed the breaker.
func (b *breaker) success(now time.Time) (closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.probing, b.contact = 0, false, now
	if !b.open {
		return false
	}
	b.open = false
	b.announce()
	return true
}

// failure notes a transport failure and reports whether it opened the breaker.
func (b *breaker) failure(now time.Time) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	if b.open {
		b.probing, b.probed = false, now
		b.pause = min(2*b.pause, lastProbe) * time.Duration(80+rand.IntN(41)) / 100
		return false
	}
	if b.failures < openAfter {
		return false
	}
	b.trip(now)
	return true
}

// stop opens the breaker at once: no call can succeed until a person acts. It
// reports whether the breaker was closed before.
func (b *breaker) stop(now time.Time) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		b.probing, b.probed, b.pause = false, now, lastProbe
		return false
	}
	b.trip(now)
	b.pause = lastProbe
	return true
}

func (b *breaker) trip(now time.Time) {
	b.open, b.probing, b.probed, b.pause = true, false, now, firstProbe
	b.announce()
}

// announce wakes the loops that wait for a change.
func (b *breaker) announce() {
	close(b.change)
	b.change = make(chan struct{})
}

func (b *breaker) changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change
}

// isOpen reports whether calls are held back.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// state gives whether calls go out and when the platform last answered.
func (b *breaker) state() (online bool, contact time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.open && !b.contact.IsZero(), b.contact
}
