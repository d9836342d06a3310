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

// answerWait is how long to wait for DLE EOT.
func (s *session) answerWait() time.Duration { return min(answerWait, s.d.timeout/2) }

// pollEvery is the pause between questions while a job prints.
func (s *session) pollEvery() time.Duration { return min(pollEvery, s.d.timeout/4) }

// greet opens the port where needed and asks the printer how it is. A port that
// was open already may have died unnoticed: it gets one second try.
func (d *Device) greet(ctx context.Context) (*session, State, error) {
	for {
		fresh := d.link == nil || !d.link.alive()
		if fresh {
			d.drop()
			if err := d.open(ctx); err != nil {
				d.note(StateOffline)
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
			d.note(StateOffline)
			return nil, StateOffline, fmt.Errorf("cannot ask the printer: %v", err)
		}
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
		s.d.broken = false
		tries = 4 // a slow line is busy with that for two seconds
	}
	s.state = StateUnknown
	if s.d.confirm == ConfirmNone {
		return nil
	}
	s.l.drain()
	for range tries {
		s.progress()
		if err := s.poll(true); !errors.Is(err, errSilent) {
			return err
		}
	}
	if s.d.answered || s.d.confirm != ConfirmAuto {
		s.state = StateOffline
	}
	return nil
}

// ready brings the printer to where a job may begin. failed is the job's result
// where it cannot.
func (d *Device) ready(ctx context.Context) (s *session, t tier, failed *Result) {
	s, state, err := d.greet(ctx)
	if err != nil {
		return nil, 0, &Result{Outcome: NotSent, Cause: CauseOffline, Err: err}
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
		if err := s.wait(quietWait, func() bool { return false }); err != nil && !errors.Is(err, errWaited) {
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
		if s.proved {
			return nil
		}
	}
}

// poll asks for the state by DLE EOT 1, 2 and 4; where all is not asked for, 2
// and 4 only when 1 says offline. errSilent tells that there was no answer.
//
// An answer does not say what it answers. So each question waits for its own,
// and after one that had none a late answer is let pass first.
func (s *session) poll(all bool) error {
	if s.l.owesAnswer {
		if err := s.wait(quietWait, func() bool { return false }); !errors.Is(err, errWaited) {
			return err
		}
		s.l.owesAnswer = false
	}
	status := [5]byte{1: healthyReply, 2: healthyReply, 4: healthyReply}
	for _, n := range []byte{1, 2, 4} {
		if n > 1 && !all && status[1]&0x08 == 0 {
			break
		}
		s.heard = false
		if _, err := s.send(askRealtime(n)); err != nil {
			return err
		}
		err := s.wait(s.answerWait(), func() bool { return s.heard })
		switch {
		case err == nil:
			status[n] = s.answer
		case !errors.Is(err, errWaited):
			return err
		default:
			s.l.owesAnswer = true
			if n == 1 {
				return errSilent
			}
		}
	}
	s.heard = true
	s.d.answered = true
	s.state = realtimeState(status[1], status[2], status[4])
	return nil
}

var errWaited = errors.New("waited in vain")

// wait handles replies until done, or errWaited after limit.
func (s *session) wait(limit time.Duration, done func() bool) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for !done() {
		select {
		case r := <-s.l.replies:
			s.handle(r)
		case <-timer.C:
			return errWaited
		case <-s.idle.C:
			return errNoProof
		case <-s.l.dead:
			s.handleRest() // the last thing it said may be the proof
			if !done() {
				return s.l.err
			}
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-s.d.closing:
			return ErrClosed
		}
	}
	return nil
}

func (s *session) handleRest() {
	for {
		select {
		case r := <-s.l.replies:
			s.handle(r)
		default:
			return
		}
	}
}

// writeError is an error of the port's Write, with the bytes it took before.
type writeError struct{ err error }

func (e *writeError) Error() string { return fmt.Sprintf("cannot write to the printer: %v", e.err) }
func (e *writeError) Unwrap() error { return e.err }

// sendAll gives the port bytes a chunk at a time and returns how many it took.
// Each chunk taken is progress.
func (s *session) sendAll(data []byte) (n int, err error) {
	for n < len(data) && err == nil {
		var took int
		s.progress()
		took, err = s.send(data[n:min(n+chunkBytes, len(data))])
		n += took
	}
	return n, err
}

// send gives the port one chunk and waits until it is taken.
func (s *session) send(chunk []byte) (n int, err error) {
	select {
	case s.l.writes <- chunk:
	case <-s.l.dead:
		return 0, &writeError{s.l.err}
	case <-s.d.closing:
		return 0, ErrClosed
	}
	for {
		select {
		case w := <-s.l.wrote:
			if w.err != nil {
				return w.n, &writeError{w.err}
			}
			return w.n, nil
		case r := <-s.l.replies:
			s.handle(r)
		case <-s.idle.C:
			return 0, errStalled
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case <-s.d.closing:
			return 0, ErrClosed
		}
	}
}

// handle takes one reply for what its bits say it is.
func (s *session) handle(r reply) {
	switch r.kind {
	case replyRealtime:
		s.answer, s.heard = r.status, true
	case replyASB:
		s.state = asbState(r.asb)
	case replyInOrder:
		if s.waiting && s.want == "" {
			s.proved, s.paperEnd = true, paperEnd(r.status)
		}
	case replyToken:
		if s.waiting && s.want != "" && r.token == s.want {
			s.proved = true
			return
		}
		s.d.log.Debug("a confirmation that nobody waits for", "token", r.token)
	}
}
