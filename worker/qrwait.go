package worker

import (
	"sync"
	"time"
)

// slowWait is how long a receipt waits, at most, for the QR code of a platform
// that is slow.
const slowWait = 600 * time.Millisecond

// qrWaits decides how long the receipts of coming sales wait for their QR code:
// as configured, less while the platform is slow, and not at all while it cannot
// be reached. It is slow when its last QR code came too late for a receipt.
type qrWaits struct {
	most time.Duration       // as configured
	set  func(time.Duration) // told of each change

	mu         sync.Mutex
	away, slow bool
}

// turn notes that the platform is away, or back.
func (q *qrWaits) turn(away bool) { q.change(func() { q.away = away }) }

// took notes how long a call for a QR code lasted. One that failed at once says
// nothing of how long an answer takes.
func (q *qrWaits) took(d time.Duration, err error) {
	q.change(func() {
		switch {
		case d >= q.most:
			q.slow = true
		case err == nil:
			q.slow = false
		}
	})
}

// change tells set what comes of a change.
func (q *qrWaits) change(do func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := q.wait()
	do()
	if after := q.wait(); after != before {
		q.set(after)
	}
}

func (q *qrWaits) wait() time.Duration {
	switch {
	case q.away:
		return 0
	case q.slow:
		return min(q.most, slowWait)
	}
	return q.most
}
