package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tillagent/trade"
)

// tells stores events, several to a commit.
func (r *rig) tells(n int) {
	r.t.Helper()
	err := r.do(noDeadline, func(t *tx) error {
		for range n {
			if err := t.tell("printer.state", "", "", "ready", ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// take reads events until one has the number last, and checks that they have
// every number from the one after first on.
func take(ctx context.Context, f *Follower, first, last int64) error {
	for want := first + 1; want <= last; {
		events, err := f.Next(ctx)
		if err != nil {
			return fmt.Errorf("after %d: %w", want-1, err)
		}
		for _, e := range events {
			if e.Seq != want {
				return fmt.Errorf("event %d, want %d", e.Seq, want)
			}
			want++
		}
	}
	return nil
}

// TestFollowFromEveryNumber resumes at every event, over the border between the
// database and what is at hand, with more coming meanwhile.
func TestFollowFromEveryNumber(t *testing.T) {
	r := open(t)
	const before, after = 300, 40
	r.tells(before)
	r.reopen() // what is at hand begins here
	r.tells(after)
	for from := int64(0); from < before+after; from++ {
		if from < before-30 && from%10 != 0 {
			continue // far from the border one is like the other
		}
		if err := take(t.Context(), r.Follow(from), from, before+after); err != nil {
			t.Fatalf("from %d: %v", from, err)
		}
	}
	for _, from := range []int64{before + after, before + after + 1000, Latest} {
		f := r.Follow(from)
		if f.Seq() != before+after {
			t.Errorf("Follow(%d) begins after %d", from, f.Seq())
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if events, err := f.Next(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("Follow(%d) gives %v, %v", from, events, err)
		}
	}
}

// TestFollowLive has many followers at many speeds beside several writers;
// what is at hand is renewed several times meanwhile.
func TestFollowLive(t *testing.T) {
	r := open(t)
	const writers, rounds, each, readers = 4, 30, 40, 50
	const total = writers * rounds * each
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for i := range readers {
		all.Go(func() {
			f, seq := r.Follow(0), int64(0)
			for seq < total { // goes and comes back, as a broken connection does
				events, err := f.Next(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				for n, e := range events {
					if seq++; e.Seq != seq {
						t.Errorf("reader %d: event %d, want %d", i, e.Seq, seq)
						return
					}
					if n == i {
						f = r.Follow(seq)
						break
					}
				}
			}
		})
	}
	for range writers {
		all.Go(func() {
			for range rounds {
				r.tells(each)
			}
		})
	}
	all.Wait()
}

// What is undone is told to nobody, and its numbers are given again.
func TestFollowUndone(t *testing.T) {
	r := open(t)
	r.tells(1)
	undo := errors.New("undo")
	err := r.do(noDeadline, func(t *tx) error {
		return errors.Join(t.tell("printer.state", "", "", "offline", ""), undo)
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	r.tells(1)
	f := r.Follow(0)
	if err := take(t.Context(), f, 0, 2); err != nil {
		t.Error(err)
	}
}

// Events that are deleted leave no gap in which a follower would hang.
func TestFollowDeleted(t *testing.T) {
	r := open(t)
	r.tells(10)
	r.reopen()
	if _, err := r.writer.conn.ExecContext(noDeadline, "DELETE FROM events WHERE seq < 8"); err != nil {
		t.Fatal(err)
	}
	if oldest, err := r.OldestEvent(t.Context()); err != nil || oldest != 8 {
		t.Errorf("oldest %d, %v", oldest, err)
	}
	if err := take(t.Context(), r.Follow(3), 7, 10); err != nil {
		t.Error(err)
	}
	if _, err := r.writer.conn.ExecContext(noDeadline, "DELETE FROM events"); err != nil {
		t.Fatal(err)
	}
	f := r.Follow(3)
	r.tells(1)
	if err := take(t.Context(), f, 10, 11); err != nil {
		t.Error(err)
	}
}

func TestFollowEndsAtClose(t *testing.T) {
	r := open(t)
	done, f := make(chan error), r.Follow(Latest)
	go func() {
		_, err := f.Next(context.Background())
		done <- err
	}()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrStopping) {
		t.Error(err)
	}
}

// A sale's events reach a follower with what the resource says.
func TestFollowSale(t *testing.T) {
	r := open(t)
	f := r.Follow(Latest)
	r.accept(lunch("S1"))
	events, err := f.Next(t.Context())
	if err != nil || len(events) != 2 || events[0].Type != "sale.accepted" || events[0].SaleID != "S1" || events[0].State != string(trade.StateQueued) ||
		!events[0].At.Equal(r.clock.Now()) || events[1].Type != "print.queued" || events[1].Detail != "sale:S1" {
		t.Errorf("%+v, %v", events, err)
	}
	stored, err := r.EventsAfter(t.Context(), 0, 10)
	if err != nil || fmt.Sprint(stored) != fmt.Sprint(events) {
		t.Errorf("stored %+v, told %+v, %v", stored, events, err)
	}
}
