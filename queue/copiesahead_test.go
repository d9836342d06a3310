package queue

import (
	"path/filepath"
	"testing"
	"time"
)

// TestCopyOfAClockAheadIsNotTheNewest: the copy that a clock years ahead named
// is neither kept for years nor given as the one to restore.
func TestCopyOfAClockAheadIsNotTheNewest(t *testing.T) {
	r := open(t, func(o *Options) { o.TillCode = "T1R5A" })
	dir := t.TempDir()
	for i, by := range []time.Duration{0, 16 * 365 * day, -16*365*day + time.Hour, day, day} {
		r.clock.add(by)
		if err := r.dailyCopy(t.Context(), dir, 3); err != nil {
			t.Fatal(err)
		}
		if path, _ := newestCopy(dir, epochs{"T1R5A": 0}, r.clock.Now()); path != filepath.Join(dir, copyName("T1R5A", r.clock.Now())) {
			t.Errorf("after day %d the newest is %s", i, path)
		}
	}
	for _, name := range names(t, dir) {
		if name > copyName("T1R5A", r.clock.Now()) {
			t.Errorf("%s is kept still", name)
		}
	}
}
