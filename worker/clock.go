package worker

import (
	"slices"
	"sync"
	"time"
)

// Clock is the platform's clock against ours: the median of the last offsets,
// which one slow answer does not move. The zero value is ready.
type Clock struct {
	mu      sync.Mutex
	offsets []time.Duration
}

// SawDate takes the Date header of an answer and when it was received.
func (c *Clock) SawDate(server, received time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offsets = append(c.offsets, server.Sub(received))
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
