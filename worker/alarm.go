package worker

import "sync/atomic"

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
