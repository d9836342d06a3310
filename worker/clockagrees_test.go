package worker

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestClockAgrees: only with the platform's time of this run, and no more once
// ours was set to another.
func TestClockAgrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Clock{}
		look := func(what string, want bool) {
			t.Helper()
			if got := c.Agrees(); got != want {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		look("nothing heard", false)
		c.SawDate(time.Now().Add(3*time.Minute), time.Now())
		look("a little off", true)
		time.Sleep(30 * day)
		look("a month without an answer", true)
		c.heard = c.heard.Add(6 * 365 * day) // the wall clock has moved less than the monotonic one
		look("ours was set", false)
		c.SawDate(time.Now().Add(-16*365*day), time.Now())
		look("ours is 16 years ahead", false)
		c.SawDate(time.Now(), time.Now())
		look("ours was set right", true)
	})
}

const day = 24 * time.Hour
