package worker

import (
	"errors"
	"testing"
	"time"
)

func TestReceiptsWaitAsThePlatformIs(t *testing.T) {
	const most = 1500 * time.Millisecond
	failed := errors.New("no answer")
	now := most
	q := qrWaits{most: most, set: func(d time.Duration) { now = d }}
	for _, step := range []struct {
		name string
		do   func()
		want time.Duration
	}{
		{"in time", func() { q.took(most-1, nil) }, most},
		{"too late for a receipt", func() { q.took(most, nil) }, slowWait},
		{"refused at once", func() { q.took(time.Millisecond, failed) }, slowWait},
		{"away", func() { q.turn(true) }, 0},
		{"away, and a late answer", func() { q.took(4*time.Second, nil) }, 0},
		{"back, still slow", func() { q.turn(false) }, slowWait},
		{"fast again", func() { q.took(time.Millisecond, nil) }, most},
		{"no answer in time", func() { q.took(10*time.Second, failed) }, slowWait},
		{"away once more", func() { q.turn(true) }, 0},
		{"a fast answer of the probe", func() { q.took(time.Millisecond, nil); q.turn(false) }, most},
	} {
		if step.do(); now != step.want {
			t.Errorf("%s: receipts wait %s, want %s", step.name, now, step.want)
		}
	}
}

func TestReceiptsNeverWaitLongerThanConfigured(t *testing.T) {
	for _, most := range []time.Duration{0, 300 * time.Millisecond} {
		q := qrWaits{most: most, set: func(d time.Duration) { t.Errorf("of %s: told %s", most, d) }}
		q.took(time.Minute, nil)
		if got := q.wait(); got != most {
			t.Errorf("of %s: receipts wait %s", most, got)
		}
	}
}
