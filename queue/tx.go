package queue

import (
	"log/slog"
	"time"

	"tillagent/trade"
)

// tx is one business event being stored, and what to announce after it is on
// disk.
type tx struct {
	*batch
	s            *Store
	now          int64 // UTC ms
	lanes        map[trade.Lane]bool
	paper        bool
	accountNews  bool // the tax account must log in, or need not any more
	accountWorks bool // an invoice that waited for it was issued
	sales        []string
	events       []Event                 // told
	subject      string                  // the sale of the first journal entry that has one
	views        map[trade.SaleState]int // how many sales more, or fewer, are in a state
	lines        []line                  // for the log
	// newMint takes over once the transaction is on disk.
	newMint *trade.Mint
}

func (s *Store) begin(dbtx *batch) *tx {
	return &tx{batch: dbtx, s: s, now: s.opts.Now().UnixMilli(), lanes: map[trade.Lane]bool{}, views: map[trade.SaleState]int{}}
}

// line is a line of the log about what a transaction stores.
type line struct {
	level slog.Level
	text  string
	args  []any
}

// log has a line written once the transaction is on disk, and never if it does
// not get there.
func (t *tx) log(level slog.Level, text string, args ...any) {
	t.lines = append(t.lines, line{level, text, args})
}

// writeLog writes the lines of a transaction that is on disk.
func (t *tx) writeLog() {
	for _, l := range t.lines {
		t.s.log.Log(noDeadline, l.level, l.text, l.args...)
	}
}

// wakeAll wakes every lane.
func (t *tx) wakeAll() {
	for _, lane := range trade.Lanes {
		t.lanes[lane] = true
	}
}

func (t *tx) announce() {
	if t.newMint != nil {
		t.s.mint.Store(t.newMint)
	}
	for l := range t.lanes {
		wake(t.s.wakes[l])
	}
	if t.paper {
		for _, c := range t.s.papers {
			wake(c)
		}
	}
	if t.accountWorks {
		t.s.accountWorks.Store(true)
	}
	if t.accountNews {
		wake(t.s.accountWake)
	}
	t.s.waiters.tell(t.sales)
	t.s.tail.add(t.events)
	t.s.outward.wake()
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a wake is pending already
	}
}

// ms and at convert between the database's milliseconds and times; 0 is the
// zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
