package worker

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestWarnsOfACorrectedClock: once when the clock goes wrong by more than two
// minutes, and again only after it was right.
func TestWarnsOfACorrectedClock(t *testing.T) {
	var log bytes.Buffer
	w := &Worker{Options: Options{Clock: &Clock{}, Log: slog.New(slog.NewTextHandler(&log, nil))}}
	w.clockAlert.turn(false) // it does not stand: the store need not hear of it
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		ahead time.Duration
		told  int
	}{{time.Minute, 0}, {5 * time.Minute, 1}, {5 * time.Minute, 1}, {0, 1}, {-5 * time.Minute, 2}} {
		w.Clock.SawDate(now.Add(step.ahead), now)
		w.watchClock()
		if told := strings.Count(log.String(), "level=WARN"); told != step.told {
			t.Errorf("step %d, %s ahead: warned %d times, want %d:\n%s", i, step.ahead, told, step.told, &log)
		}
	}
}
