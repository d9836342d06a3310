package printer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// tier is how a job's end is proved.
type tier int

const (
	tierNone tier = iota
	tierStatus
	tierToken
)

var (
	errStalled = errors.New("the printer took no byte in time")
	errNoProof = errors.New("the printer did not confirm the job in time")
	errSilent  = errors.New("the printer does not answer")
)

// session is one conversation with the printer over an open port.
type session struct {
	d    *Device
	l    *link
	ctx  context.Context
	idle *time.Timer // runs out without progress

	want     string // the token waited for; "" is an answer to GS r
	waiting  bool   // for want
	proved   bool   // it came
	paperEnd bool   // GS r was answered with "no paper"
	heard    bool   // a realtime answer came since the last question
	answer   byte   // it
	state    State  // as last told; "" is not yet
}

func (d *Device) session(ctx context.Context) *session {
	return &session{d: d, l: d.link, ctx: ctx, idle: time.NewTimer(d.timeout)}
}

func (s *session) end() { s.idle.Stop() }

func (s *session) progress() { s.idle.Reset(s.d.timeout) }

// cause is what the printer told last.
func (s *session) cause() Cause { return s.state.cause() }

// causeOf names the cause of a failure: what the printer told, otherwise that it
// was not there, unless we gave up ourselves.
func (s *session) causeOf(err error) Cause {
	if c := s.cause(); c != "" || errors.Is(err, s.ctx.Err()) || errors.Is(err, ErrClosed) {
		return c
	}
	return CauseOffline
}

// greet opens the port where needed and asks the printer how it is. A port that
// was open already may have died unnoticed: it gets one second try.
func (d *Device) greet(ctx context.Context) (*session, State, error) {
	for {
		fresh := d.link == nil || !d.link.alive()
		if fresh {
			d.drop()
			if err := d.open(ctx); err != nil {
				d.noteFailure(ctx)
				return nil, StateOffline, err
			}
		}
		s := d.session(ctx)
		err := s.hello()
		if err == nil && (s.state != StateOffline || s.heard || fresh) { // an answer, or nothing better to be had
			d.note(s.state)
			return s, s.state, nil
		}
		s.end()
		d.drop()
		if err == nil {
			continue
		}
		if fresh || ctx.Err() != nil || d.isClosed() {
			d.noteFailure(ctx)
			return nil, StateOffline, fmt.Errorf("cannot ask the printer: %w", err)
		}
	}
}

// noteFailure notes that the printer could not be asked, unless we gave up.
func (d *Device) noteFailure(ctx context.Context) {
	if ctx.Err() == nil && !d.isClosed() {
		d.note(StateOffline)
	}
}

// hello asks for the printer's state before a job. A printer that has never
// answered is taken for one that cannot, unless its way of confirmation needs
// answers; one that has, for switched off.
func (s *session) hello() error {
	tries := 2
	if s.d.broken {
		// The printer may take what comes for the rest of a command.
		if _, err := s.sendAll(make([]byte, maxCommand)); err != nil {
			return err
		}
		tries = 4 // a slow line is busy with that for two seconds
	}
	s.l.drain()
	err := errSilent
	for ; tries > 0 && s.d.confirm != ConfirmNone && errors.Is(err, errSilent); tries-- {
		err = s.poll(true)
	}
	switch {
	case err == nil:
	case !errors.Is(err, errSilent):
		return err
	case s.d.confirm == ConfirmNone, s.d.confirm == ConfirmAuto && !s.d.answered:
		s.state = StateUnknown
	default:
		s.state = StateOffline
		return nil // and the job that broke off is not forgotten
	}
	s.d.broken = false
	return nil
}

// ready brings the printer to where a job may begin. failed is the job's result
// where it cannot.
func (d *Device) ready(ctx context.Context) (s *session, t tier, failed *Result) {
	s, state, err := d.greet(ctx)
	if err != nil {
		r := &Result{Outcome: NotSent, Cause: CauseOffline, Err: err}
		if ctx.Err() != nil || d.isClosed() {
			r.Cause = ""
		}
		return nil, 0, r
	}
	if cause := state.cause(); cause != "" {
		s.end()
		err := fmt.Errorf("the printer is not ready: %s", state)
		if state == StateOffline && !s.heard {
			err = errSilent
			d.drop()
		}
		return nil, 0, &Result{Outcome: NotSent, Cause: cause, Err: err}
	}
	switch {
	case d.confirm == ConfirmProcessID:
		return s, tierToken, nil
	case d.confirm == ConfirmNone || state == StateUnknown || d.noProof:
		return s, tierNone, nil
	}
	if err := s.sync(); err != nil {
		s.end()
		if errors.Is(err, errNoProof) && s.cause() == "" && d.confirm == ConfirmAuto && !d.canGSr {
			d.log.Warn("the printer answers DLE EOT but not GS r: its jobs cannot be confirmed")
			d.noProof = true
			return d.session(ctx), tierNone, nil
		}
		d.drop()
		return nil, 0, &Result{Outcome: NotSent, Cause: s.causeOf(err), Err: fmt.Errorf("the printer is not ready: %w", err)}
	}
	return s, tierStatus, nil
}

// sync makes sure that the next answer to GS r is the job's own: it ends status
// sent unasked, asks once and waits for the answer, and for one more where an
// earlier job was given up before its answer came. The printer has then carried
// out whatever it had.
func (s *session) sync() error {
	if _, err := s.send(cmdASBOff); err != nil {
		return err
	}
	s.l.drain()
	limit := probeWait
	if s.d.canGSr || s.d.confirm == ConfirmStatus {
		limit = s.d.timeout
	}
	owed := s.d.owesReply
	s.d.owesReply = true
	if err := s.prove(cmdAskPaper, "", limit); err != nil {
		return err
	}
	if owed {
		s.proved, s.waiting = false, false
		if err := s.wait(s.quietWait(), never); !errors.Is(err, errWaited) {
			return err
		}
	}
	s.d.owesReply = false
	s.d.canGSr = true
	if s.paperEnd {
		s.state = StatePaperOut
		return errors.New("out of paper")
	}
	return nil
}

// print sends a job and waits for its proof.
func (s *session) print(job []byte, t tier) Result {
	n, err := s.sendAll(job)
	if err != nil {
		return s.brokenOff(n, err)
	}
	switch t {
	case tierStatus:
		s.d.owesReply = true
		if err = s.prove(cmdAskPaper, "", confirmWait); err == nil {
			s.d.owesReply = false
		}
		if err == nil && s.paperEnd {
			// Some clones answer GS r even when they have stopped for paper.
			s.state = StatePaperOut
			err = errors.New("the printer ran out of paper at the job's end")
		}
	case tierToken:
		token := s.d.token()
		err = s.prove(append(append([]byte(nil), cmdAskToken...), token...), token, confirmWait)
	default:
		return Result{Outcome: Sent, Written: n}
	}
	if err != nil {
		return Result{Outcome: Uncertain, Cause: s.causeOf(err), Written: n, Err: err}
	}
	if s.cause() != "" {
		s.d.note(StateReady) // it was put right while the job printed
	}
	return Result{Outcome: Printed, Written: n}
}

// brokenOff is the result of a job that did not leave completely.
func (s *session) brokenOff(n int, err error) Result {
	r := Result{Outcome: Uncertain, Cause: s.causeOf(err), Written: n, Err: err}
	var refused *writeError
	if n == 0 && errors.As(err, &refused) {
		r.Outcome = NotSent // the port itself says that it took nothing
	}
	return r
}

// prove sends a command that the printer answers once everything before it is
// done, and waits for that answer. Meanwhile it asks for the state: an answer
// that tells of no fault is progress, and a fault may be put right in time.
func (s *session) prove(command []byte, token string, limit time.Duration) error {
	s.progress()
	s.want, s.waiting, s.proved, s.paperEnd = token, true, false, false
	deadline := time.Now().Add(limit)
	if _, err := s.send(command); err != nil {
		return err
	}
	proved := func() bool { return s.proved }
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return errNoProof
		}
		err := s.wait(min(left, s.pollEvery()), proved)
		if !errors.Is(err, errWaited) {
			return err
		}
		switch err := s.poll(false); {
		case s.proved:
			return nil
		case errors.Is(err, errSilent):
			if s.d.answered {
				s.state = StateOffline
			}
		case err != nil:
			return err
		case s.state.cause() == "":
			s.progress()
		}
		if s.state != "" && s.state != StateUnknown {
			s.d.note(s.state)
		}
	}
}
