package printer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A spooler is a print queue of the operating system. It takes whole documents
// and tells how they fare; whether they are on paper it does not know.
type spooler interface {
	// submit gives the queue one raw document. n is how many bytes it took: of a
	// document that fails after some, a queue that does not spool may have printed
	// them.
	submit(title string, data []byte) (job uint32, n int, err error)
	// job tells of a document: done, that the queue has passed it on.
	job(id uint32) (state State, done bool, err error)
	// cancel takes a document back, if it is still there.
	cancel(id uint32) error
	// state is the queue's.
	state() (State, error)
}

const spoolPoll = 500 * time.Millisecond

// printSpooled prints by way of a queue: Sent when the queue has passed it on.
// While the queue tells what is wrong the job is held.
func (d *Device) printSpooled(ctx context.Context, job []byte) Result {
	if r := d.spoolReady(ctx); r.Err != nil {
		return r
	}
	// The document may leave the queue no faster than it prints.
	limit := d.timeout + min(d.pacer.takesJob(job, d.profile), 2*confirmWait)
	doc, err := d.submit(ctx, job, limit)
	switch {
	case errors.Is(err, errStalled):
		d.note(StateOffline, false)
		return Result{Outcome: Uncertain, Cause: CauseOffline, Err: err}
	case err != nil:
		return Result{Outcome: Uncertain, Err: err}
	case doc.err != nil && doc.n > 0:
		return Result{Outcome: Uncertain, Cause: CauseOffline, Written: doc.n, Err: doc.err}
	case doc.err != nil:
		return Result{Outcome: NotSent, Cause: CauseOffline, Err: doc.err}
	}
	id, n := doc.id, doc.n
	poll := time.NewTicker(spoolPoll)
	defer poll.Stop()
	var heldSince time.Time
	last := time.Now().Add(limit)
	for {
		state, done, err := d.spool.job(id)
		held := err == nil && !done && state.cause() != ""
		switch {
		case err != nil:
			return d.takenBack(id, n, StateOffline, err)
		case done:
			d.note(state, false)
			return Result{Outcome: Sent, Written: n}
		case !held:
			heldSince = time.Time{}
			if time.Now().After(last) {
				return d.takenBack(id, n, state, errors.New("the print queue does not print"))
			}
		default:
			if heldSince.IsZero() {
				heldSince = time.Now()
			}
			if d.hold > 0 && time.Since(heldSince) >= d.hold {
				return d.takenBack(id, n, state, notReadyError{state})
			}
			last = time.Now().Add(limit)
		}
		d.note(state, held)
		select {
		case <-poll.C:
		case <-ctx.Done():
			return d.takenBack(id, n, state, ctx.Err())
		case <-d.closing:
			return d.takenBack(id, n, state, ErrClosed)
		}
	}
}

// spoolReady is NotSent, with an error, while the queue takes no document.
func (d *Device) spoolReady(ctx context.Context) Result {
	if err := d.unblocked(ctx); err != nil {
		d.noteFailure(ctx)
		return Result{Outcome: NotSent, Cause: CauseOffline, Err: err}
	}
	state, err := d.spool.state()
	if err != nil {
		d.note(StateOffline, false)
		return Result{Outcome: NotSent, Cause: CauseOffline, Err: err}
	}
	d.note(state, false)
	if cause := state.cause(); cause != "" {
		return Result{Outcome: NotSent, Cause: cause, Err: notReadyError{state}}
	}
	return Result{}
}

// submitted is what became of a document's way into the queue.
type submitted struct {
	id  uint32
	n   int
	err error
}

// submit gives the queue a document. A queue that prints directly takes it no
// faster than its printer does, which may be never: the error tells that it was
// given up after limit or by the caller. Some of it may be on paper then; the
// queue is not used until it lets go, and what it has not printed is taken back.
func (d *Device) submit(ctx context.Context, job []byte, limit time.Duration) (submitted, error) {
	result := make(chan submitted, 1)
	go func() {
		id, n, err := d.spool.submit("receipt", job)
		result <- submitted{id, n, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var cause error
	select {
	case doc := <-result:
		return doc, nil
	case <-timer.C:
		cause = errStalled
	case <-ctx.Done():
		cause = ctx.Err()
	case <-d.closing:
		cause = ErrClosed
	}
	freed := make(chan struct{})
	d.abandoned = freed
	go func() {
		defer close(freed)
		if doc := <-result; doc.err == nil { // it is in the queue as a whole, and a person may have printed it again
			if err := d.spool.cancel(doc.id); err != nil {
				d.log.Warn("a document that was given up cannot be taken out of the print queue", "err", err)
			}
		}
	}()
	return submitted{}, cause
}

// takenBack is the result of a document that was given up. Some of it may be on
// paper.
func (d *Device) takenBack(id uint32, n int, state State, err error) Result {
	d.note(state, false)
	if cancelled := d.spool.cancel(id); cancelled != nil {
		err = fmt.Errorf("%w (and it cannot be taken out of the print queue: %v)", err, cancelled)
	}
	return Result{Outcome: Uncertain, Cause: state.cause(), Written: n, Err: err}
}
