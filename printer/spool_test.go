package printer

import (
	"bytes"
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
	block     chan struct{} // submit comes back when it is closed; nil is at once
}

func (q *fakeQueue) submit(_ string, data []byte) (uint32, int, error) {
	if q.block != nil {
		<-q.block
	}
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

// spooled is a device before a queue.
func spooled(t *testing.T, q spooler) *Device {
	t.Helper()
	d, err := NewDevice(Options{Profile: p80, Dial: func(context.Context) (Conn, error) { return nil, errors.New("not this way") }})
	if err != nil {
		t.Fatal(err)
	}
	d.spool = q
	return d
}

// TestSlowQueue holds that a document is not taken out of the queue while its
// printer may still be printing it.
func TestSlowQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{queue: StateUnknown, done: true, jobs: make([]State, 40)} // for 20 s
		for i := range q.jobs {
			q.jobs[i] = StateUnknown
		}
		d := spooled(t, q)
		defer d.Close()
		copies := bytes.Repeat([]byte("\x1bd\xff"), 2) // two metres of paper
		if r := d.Print(t.Context(), copies); r.Outcome != Sent || q.cancelled {
			t.Errorf("%s (%v), taken back: %v", r.Outcome, r.Err, q.cancelled)
		}
	})
}

// TestQueueThatBlocks is a queue that prints directly: it takes no more than its
// printer does.
func TestQueueThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{queue: StateUnknown, done: true, block: make(chan struct{})}
		d := spooled(t, q)
		if r := d.Print(t.Context(), []byte("job\n")); r.Outcome != Uncertain || r.Cause != CauseOffline || r.Err == nil {
			t.Errorf("%s %q (%v)", r.Outcome, r.Cause, r.Err)
		}
		if r := d.Print(t.Context(), []byte("job\n")); r.Outcome != NotSent || r.Err == nil {
			t.Errorf("the next: %s (%v)", r.Outcome, r.Err)
		}
		if st, err := d.Status(t.Context()); st.State != StateOffline || err == nil {
			t.Errorf("meanwhile: %s, %v", st.State, err)
		}
		close(q.block)
		synctest.Wait()
		if !q.cancelled {
			t.Error("what was given up stays in the queue, and comes out beside its reprint")
		}
		if r := d.Print(t.Context(), []byte("job\n")); r.Outcome != Sent || string(q.data) != "job\njob\n" {
			t.Errorf("afterwards: %s (%v), %q", r.Outcome, r.Err, q.data)
		}
		q.block = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r := d.Print(ctx, []byte("job\n")); r.Outcome != Uncertain || r.Cause != "" || !errors.Is(r.Err, context.DeadlineExceeded) {
			t.Errorf("cancelled: %s %q (%v)", r.Outcome, r.Cause, r.Err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		close(q.block)
	})
}
