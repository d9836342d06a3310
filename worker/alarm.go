package worker

import (
	"sync"
	"sync/atomic"
)

// alarm is whether an alert about the surroundings stands. At first that is
// not known: a process before this one may have raised it and died.
type alarm struct{ state atomic.Int32 }

const (
	alarmOn  = 1
	alarmOff = 2
)

// turn notes that the trouble is there, or is not, and reports whether that is
// news.
func (a *alarm) turn(on bool) bool {
	want := int32(alarmOff)
	if on {
		want = alarmOn
	}
	return a.state.Swap(want) != want
}

// alarmBy is an alarm that each of several can raise and only itself can end.
type alarmBy struct {
	alarm
	mu sync.Mutex
	by map[string]bool
}

// rise notes who has the trouble and reports whether the alarm is news.
func (a *alarmBy) rise(who string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[string]bool{}
	}
	a.by[who] = true
	return a.turn(true)
}

// fall notes who no longer has it and reports whether the alarm's end is news.
func (a *alarmBy) fall(who ...string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range who {
		delete(a.by, w)
	}
	return len(a.by) == 0 && a.turn(false)
}

// stands reports whether anyone has the trouble.
func (a *alarmBy) stands() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.by) > 0
}
