package printer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	errStalled  = errors.New("the printer took no byte in time")
	errNoProof  = errors.New("the printer did not confirm the job in time")
	errLate     = fmt.Errorf("%w", errNoProof) // of a printer that may be well
	errSilent   = errors.New("the printer does not answer")
	errEcho     = errors.New(`the port sends back what it is sent, which looks like answers: see its cable and adapter, or confirm = "none" to print unasked`)
	errPaperEnd = errors.New("the printer ran out of paper and says that it went on all the same")
)

// notReadyError is a fault that the printer tells of before a job has begun, or
// that nobody put right in time.
type notReadyError struct{ state State }

func (e notReadyError) Error() string { return fmt.Sprintf("the printer is not ready: %s", e.state) }

// session is one conversation with the printer over an open port.
type session struct {
	d    *Device
	l    *link
	ctx  context.Context
	idle *time.Timer // runs out without progress

	answers  int      // to GS r in this session
	paperEnd bool     // one of them said "no paper"
	token    string   // waited for; "" is none, or it has come
	texts    []string // answers to GS I
	echoed   bool     // a question itself came back
	heard    bool     // a realtime answer came since the last question
	answer   byte     // it
	state    State    // as last told; "" is not yet

	began  bool      // bytes of the job may have left
	shaken bool      // since the last proof a fault was seen, and may have cost bytes
	held   time.Time // since when a fault holds the job; zero is not now
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

// heed draws the conclusions from a poll, whose error it takes. A fault holds a
// job that has begun: while the printer tells of it, that is progress.
func (s *session) heed(err error) error {
	switch {
	case errors.Is(err, errSilent):
		if !s.d.answered {
			return nil
		}
		s.state, s.shaken = StateOffline, true
	case err != nil:
		return err
	case s.cause() == "":
		s.held = time.Time{}
	case !s.began:
		return notReadyError{s.state}
	default:
		s.shaken = true
		if s.held.IsZero() {
			s.held = time.Now()
		}
		if s.d.hold > 0 && time.Since(s.held) >= s.d.hold {
			return notReadyError{s.state}
		}
		s.progress()
	}
	s.d.note(s.state, !s.held.IsZero())
	return nil
}

// await waits until done, asking meanwhile how the printer is: an answer that
// tells of no fault is progress, and limit counts only while there is none.
func (s *session) await(done func() bool, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return errLate
		}
		if err := s.wait(min(left, s.pollEvery()), done); !errors.Is(err, errWaited) {
			return err
		}
		asked := s.poll(false)
		if done() {
			return nil
		}
		if err := s.heed(asked); err != nil {
			return err
		}
		switch {
		case !s.held.IsZero():
			deadline = time.Now().Add(limit)
		case asked == nil:
			s.progress()
		}
	}
}

// awaitAnswer is await for what proves a job or a part of it. A printer that is
// well and says nothing may be slow, or the question or its answer was lost: it is
// asked again, by GS r. When that is answered and no answer follows, the one
// waited for will never come, and the next job need not wait for it. It proves
// nothing of this one: the printer may have lost it with its power.
func (s *session) awaitAnswer(done func() bool) error {
	again, before := false, 0 // it has been asked again, after so many answers
	for range confirmWait / repeatWait {
		err := s.await(func() bool { return done() || again && s.answers > before }, repeatWait)
		switch {
		case err == nil:
			return s.awaitRest(done)
		case !errors.Is(err, errLate):
			return err
		}
		if s.heard && (s.d.proof.GSr == Yes || s.d.confirm == ConfirmStatus) {
			again, before = true, s.answers // the answer may come before the question has left for good
			if err := s.askStatus(); err != nil {
				return err
			}
		}
	}
	return errNoProof
}

// awaitRest waits as long as answers come.
func (s *session) awaitRest(done func() bool) error {
	for !done() {
		before := s.answers
		err := s.wait(lateWait, func() bool { return done() || s.answers > before })
		if errors.Is(err, errWaited) {
			return errNoProof
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plan is how a job goes to this printer.
type plan struct {
	proof Tier // of its end
	fence Tier // between its windows: TierNone, TierStatus or TierProcessID
}

// askStatus sends GS r 1. Its answer is owed until it comes, even to a later job.
func (s *session) askStatus() error {
	s.d.owed++
	_, err := s.send(cmdAskPaper)
	return err
}

// askToken sends GS ( H fn 48 with a token that no other attempt has.
func (s *session) askToken() error {
	s.token = s.d.token()
	_, err := s.send(append(append([]byte(nil), cmdAskToken...), s.token...))
	return err
}

// print sends a job window by window and waits for its proof.
func (s *session) print(job []byte, p plan) Result {
	s.began = true
	scan := newScanner(s.d.profile)
	windows := [][]byte{job}
	limit := s.d.windowBytes()
	if p.fence != TierNone {
		windows = splitJob(job, s.d.profile, limit)
	}
	written := 0
	for i, window := range windows {
		if err := s.makeRoom(p); err != nil {
			return s.brokenOff(written, err)
		}
		send := s.sendAll
		if s.l.loses() && (p.fence == TierNone || len(window) > limit) {
			send = func(b []byte) (int, error) { return s.sendPaced(b, scan) }
		}
		n, err := send(window)
		written += n
		if err == nil && i < len(windows)-1 {
			err = s.fence(p)
		}
		if err != nil {
			return s.brokenOff(written, err)
		}
	}
	if err := s.prove(job, p); err != nil {
		return Result{Outcome: Uncertain, Cause: s.causeOf(err), Written: written, Err: err}
	}
	if s.cause() != "" && s.cause() != CauseCutter {
		s.state = StateReady // it was put right while the job printed
	}
	if s.state != "" {
		s.d.note(s.state, false)
	}
	if p.proof == TierProcessID || p.proof == TierStatus {
		s.d.pacer.forget()
		return Result{Outcome: Printed, Cause: s.cause(), Written: written}
	}
	return Result{Outcome: Sent, Written: written}
}

// fence asks at the end of a window.
func (s *session) fence(p plan) error {
	s.d.lateWait = lateWait
	switch p.fence {
	case TierStatus:
		return s.askStatus()
	case TierProcessID:
		return s.askToken()
	}
	return nil
}

// makeRoom waits until the next window may go: at most two may be on their way,
// and one where tokens end them, since a printer may answer only the newest.
// After a fault none may: the printer must have shown first that it has lost
// nothing.
func (s *session) makeRoom(p plan) error {
	may := 1
	for {
		if s.shaken {
			may = 0
		}
		room := func() bool { return s.paperEnd || s.d.owed <= may && s.token == "" }
		if !room() {
			if err := s.awaitAnswer(room); err != nil {
				return err
			}
			if may > 0 && s.shaken {
				continue
			}
		}
		if s.paperEnd {
			s.state = StatePaperOut
			return errPaperEnd
		}
		s.shaken = false
		return nil
	}
}

// prove waits for the proof that the job was printed.
func (s *session) prove(job []byte, p plan) error {
	s.progress()
	s.d.lateWait = quietWait
	switch p.proof {
	case TierStatus:
		if err := s.askStatus(); err != nil {
			return err
		}
		if err := s.awaitAnswer(func() bool { return s.d.owed == 0 || s.paperEnd }); err != nil {
			return err
		}
	case TierProcessID:
		fences := s.answers + s.d.owed
		if err := s.askToken(); err != nil {
			return err
		}
		if err := s.awaitAnswer(func() bool { return s.token == "" }); err != nil {
			return err
		}
		if s.answers < fences {
			return errNoProof // the printer lost a fence, with its power, and what stood before it
		}
	case TierRealtime:
		return s.awaitIdle(job)
	default:
		return nil
	}
	if s.paperEnd {
		// Some clones answer GS r even when they have stopped for paper.
		s.state = StatePaperOut
		return errPaperEnd
	}
	return s.checkCutter()
}

// awaitIdle waits as long as the printer should take for the job, and while it
// tells of a fault. That proves nothing, but a fault meanwhile is known.
func (s *session) awaitIdle(job []byte) error {
	over := time.Now().Add(min(s.d.pacer.takesJob(job, s.d.profile), confirmWait/2))
	return s.await(func() bool { return s.held.IsZero() && !time.Now().Before(over) }, confirmWait)
}

// checkCutter asks whether the cut that the proof includes has jammed.
func (s *session) checkCutter() error {
	if !s.d.profile.Cutter || !s.d.answered {
		return nil
	}
	s.heard = false
	if s.ask(askRealtime(3)) != nil || s.wait(s.answerWait(), func() bool { return s.heard }) != nil {
		s.l.owesAnswer = true
		return nil // the job is printed all the same
	}
	if s.answer&0x08 != 0 {
		s.state = StateCutter
	}
	return nil
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
