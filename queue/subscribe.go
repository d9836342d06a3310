package queue

import (
	"context"
	"math"
	"sort"
	"sync"
)

const (
	// tailLength is how many of the newest events are kept at hand, so that
	// those who follow live need not ask the database.
	tailLength = 1024
	// eventPage bounds how many events a follower is given at once.
	eventPage = 256
)

// tail has the newest events. The zero value is not ready: see start.
type tail struct {
	mu sync.Mutex
	// events are without a gap from the one after floor to newest.
	events        []Event
	floor, newest int64
	more          chan struct{} // closed when events are added
}

// start begins after the newest event on disk.
func (l *tail) start(newest int64) { l.floor, l.newest, l.more = newest, newest, make(chan struct{}) }

// add appends what has just reached the disk. What was handed out is never
// overwritten.
func (l *tail) add(events []Event) {
	if len(events) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events = append(l.events, events...); len(l.events) > 2*tailLength {
		old := len(l.events) - tailLength
		l.floor = l.events[old-1].Seq
		l.events = append(make([]Event, 0, 2*tailLength), l.events[old:]...)
	}
	l.newest = events[len(events)-1].Seq
	close(l.more)
	l.more = make(chan struct{})
}

// after gives events after a number; at hand is false where the database has
// earlier ones. Without events, more says when to ask again.
func (l *tail) after(seq int64) (events []Event, atHand bool, newest int64, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq < l.floor {
		return nil, false, l.newest, nil
	}
	i := sort.Search(len(l.events), func(i int) bool { return l.events[i].Seq > seq })
	j := min(i+eventPage, len(l.events))
	return l.events[i:j:j], true, l.newest, l.more
}

// Follower gives the events after a number, each once and in order, for as
// long as its caller likes. It holds nothing that need be given back. It
// belongs to one goroutine.
type Follower struct {
	store *Store
	seq   int64
}

// Follow starts after an event's number. One that has not been given out yet,
// such as a number from before an older copy of the database was taken back,
// and Latest mean the newest event.
func (s *Store) Follow(after int64) *Follower {
	_, _, newest, _ := s.tail.after(after)
	return &Follower{s, min(after, newest)}
}

// Latest, as a number to follow, means to begin with what comes next.
const Latest = math.MaxInt64

// Seq is the number of the event that was given last, or where the follower
// started.
func (f *Follower) Seq() int64 { return f.seq }

// Next gives the next events, at most some hundred, and waits for one where
// there is none. It ends with the error of ctx, or ErrStopping.
func (f *Follower) Next(ctx context.Context) ([]Event, error) {
	for {
		events, atHand, newest, more := f.store.tail.after(f.seq)
		if !atHand {
			var err error
			if events, err = f.stored(ctx, newest); err != nil {
				return nil, err
			}
			if len(events) == 0 { // all of them are deleted by now
				f.seq = newest
				continue
			}
		}
		if len(events) > 0 {
			f.seq = events[len(events)-1].Seq
			return events, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.store.stop:
			return nil, ErrStopping
		}
	}
}

// stored reads events from the database, none beyond the tail's newest: what
// is not announced yet comes from there.
func (f *Follower) stored(ctx context.Context, newest int64) ([]Event, error) {
	events, err := f.store.EventsAfter(ctx, f.seq, eventPage)
	for len(events) > 0 && events[len(events)-1].Seq > newest {
		events = events[:len(events)-1]
	}
	return events, err
}

// OldestEvent is the number of the oldest event that is kept, 0 for none.
func (s *Store) OldestEvent(ctx context.Context) (seq int64, err error) {
	err = s.reader.QueryRowContext(ctx, "SELECT coalesce(min(seq), 0) FROM events").Scan(&seq)
	return seq, err
}
