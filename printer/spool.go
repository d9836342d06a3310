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
	state, err := d.spool.state()
	if err != nil {
		d.note(StateOffline, false)
		return Result{Outcome: NotSent, Cause: CauseOffline, Err: err}
	}
	d.note(state, false)
	if cause := state.cause(); cause != "" {
		return Result{Outcome: NotSent, Cause: cause, Err: notReadyError{state}}
	}
	id, n, err := d.spool.submit("receipt", job)
	switch {
	case err != nil && n > 0:
		return Result{Outcome: Uncertain, Cause: CauseOffline, Written: n, Err: err}
	case err != nil:
		return Result{Outcome: NotSent, Cause: CauseOffline, Err: err}
	}
	poll := time.NewTicker(spoolPoll)
	defer poll.Stop()
	var heldSince time.Time
	last := time.Now().Add(d.timeout)
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
			last = time.Now().Add(d.timeout)
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

// takenBack is the result of a document that was given up. Some of it may be on
// paper.
func (d *Device) takenBack(id uint32, n int, state State, err error) Result {
	d.note(state, false)
	if cancelled := d.spool.cancel(id); cancelled != nil {
		err = fmt.Errorf("%w (and it cannot be taken out of the print queue: %v)", err, cancelled)
	}
	return Result{Outcome: Uncertain, Cause: state.cause(), Written: n, Err: err}
}
