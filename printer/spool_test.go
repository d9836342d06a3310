package printer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// fakeQueue is a print queue that follows a plan.
type fakeQueue struct {
	queue     State
	taken     int   // bytes it takes; -1 is all
	refuse    error // of submit
	jobs      []State
	done      bool // after jobs
	cancelled bool
	data      []byte
}

func (q *fakeQueue) submit(_ string, data []byte) (uint32, int, error) {
	if q.refuse != nil {
		return 0, q.taken, q.refuse
	}
	q.data = append(q.data, data...)
	return 7, len(data), nil
}

func (q *fakeQueue) job(id uint32) (State, bool, error) {
	if id != 7 {
		return "", false, errors.New("no such document")
	}
	if len(q.jobs) == 0 {
		return StateUnknown, q.done, nil
	}
	s := q.jobs[0]
	q.jobs = q.jobs[1:]
	return s, false, nil
}

func (q *fakeQueue) cancel(uint32) error   { q.cancelled = true; return nil }
func (q *fakeQueue) state() (State, error) { return q.queue, nil }

func TestR08PrintQueue(t *testing.T) {
	held := make([]State, 100)
	for i := range held {
		held[i] = StatePaperOut
	}
	tests := []struct {
		name      string
		queue     fakeQueue
		hold      time.Duration
		outcome   Outcome
		cause     Cause
		cancelled bool
	}{
		{"passed on", fakeQueue{queue: StateUnknown, done: true}, 0, Sent, "", false},
		{"paper out before", fakeQueue{queue: StatePaperOut}, 0, NotSent, CausePaperOut, false},
		{"refused", fakeQueue{queue: StateUnknown, refuse: errors.New("no")}, 0, NotSent, CauseOffline, false},
		{"broken off", fakeQueue{queue: StateUnknown, refuse: errors.New("no"), taken: 3}, 0, Uncertain, CauseOffline, false},
		{"paper out and refilled", fakeQueue{queue: StateUnknown, jobs: held, done: true}, 0, Sent, "", false},
		{"paper out too long", fakeQueue{queue: StateUnknown, jobs: held, done: true}, 10 * time.Second, Uncertain, CausePaperOut, true},
		{"stuck", fakeQueue{queue: StateUnknown}, 0, Uncertain, "", true},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			d, err := NewDevice(Options{Hold: tt.hold, Dial: func(context.Context) (Conn, error) { return nil, errors.New("not this way") }})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			d.spool = &tt.queue
			r := d.Print(t.Context(), []byte("job\n"))
			if r.Outcome != tt.outcome || r.Cause != tt.cause || tt.queue.cancelled != tt.cancelled {
				t.Errorf("%s: %s %q (%v), taken back: %v", tt.name, r.Outcome, r.Cause, r.Err, tt.queue.cancelled)
			}
			if r.Outcome == Sent && string(tt.queue.data) != "job\n" {
				t.Errorf("%s: %q", tt.name, tt.queue.data)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{queue: StateUnknown}
		d, err := NewDevice(Options{Dial: func(context.Context) (Conn, error) { return nil, errors.New("not this way") }})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		d.spool = q
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if r := d.Print(ctx, []byte("job\n")); r.Outcome != Uncertain || !errors.Is(r.Err, context.DeadlineExceeded) || !q.cancelled {
			t.Errorf("cancelled: %s, %v", r.Outcome, r.Err)
		}
	})
}
