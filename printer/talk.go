package printer

import (
	"errors"
	"fmt"
	"time"
)

// poll asks for the state by DLE EOT 1, 2, 3 and 4; where all is not asked for,
// 2 and 4 only when 1 says offline, and 3 only when 2 says error. errSilent tells
// that there was no answer.
//
// An answer does not say what it answers. So each question waits for its own,
// and after one that had none a late answer is let pass first.
func (s *session) poll(all bool) error {
	if s.l.owesAnswer {
		if err := s.wait(s.quietWait(), never); !errors.Is(err, errWaited) {
			return err
		}
		s.l.owesAnswer = false
	}
	status := [5]byte{1: healthyReply, 2: healthyReply, 3: healthyReply, 4: healthyReply}
	for _, n := range []byte{1, 2, 3, 4} {
		offline, fault := status[1]&0x08 != 0, status[2]&0x40 != 0
		if n == 3 && !fault || n > 1 && !all && !offline {
			continue
		}
		s.heard = false
		if err := s.ask(askRealtime(n)); err != nil {
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
				return s.pollPort()
			}
		}
	}
	s.heard = true
	s.d.answered = true
	s.state = realtimeState(status[1], status[2], status[3], status[4])
	return nil
}

// stateful is a Conn that knows something of the printer by itself.
type stateful interface{ portState() (State, bool) }

// pollPort asks the port about a printer that does not answer.
func (s *session) pollPort() error {
	if c, ok := s.l.conn.(stateful); ok {
		if state, ok := c.portState(); ok {
			s.state = state
			return nil
		}
	}
	return errSilent
}

var errWaited = errors.New("waited in vain")

func never() bool { return false }

// wait handles replies until done, or errWaited after limit.
func (s *session) wait(limit time.Duration, done func() bool) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for !done() {
		var err error
		select {
		case r := <-s.l.replies:
			s.handle(r)
			continue
		case <-timer.C:
			err = errWaited
		case <-s.idle.C:
			err = errNoProof
		case <-s.l.dead:
			err = s.l.err
		case <-s.ctx.Done():
			err = s.ctx.Err()
		case <-s.d.closing:
			err = ErrClosed
		}
		s.handleRest() // what has come already counts: it may be the proof
		if !done() {
			return err
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

// ask sends a question past whatever the printer has no room for. Where even that
// does not leave, there will be no answer: the caller waits for it in vain.
func (s *session) ask(question []byte) error {
	timer := time.NewTimer(s.answerWait())
	defer timer.Stop()
	for {
		select {
		case s.l.urgent <- question:
			return nil
		case r := <-s.l.replies:
			s.handle(r)
		case <-timer.C:
			return nil
		case <-s.idle.C:
			return errStalled
		case <-s.l.dead:
			return &writeError{s.l.err}
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-s.d.closing:
			return ErrClosed
		}
	}
}

// send gives the port one chunk and waits until it is taken. Meanwhile it asks a
// printer that has no room why.
func (s *session) send(chunk []byte) (n int, err error) {
	select {
	case s.l.writes <- chunk:
	case w := <-s.l.wrote: // the writer ended at a question
		return 0, &writeError{w.err}
	case <-s.l.dead:
		return 0, &writeError{s.l.err}
	case <-s.idle.C:
		return 0, errStalled
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-s.d.closing:
		return 0, ErrClosed
	}
	stuck := time.NewTicker(s.pollEvery())
	defer stuck.Stop()
	for {
		select {
		case w := <-s.l.wrote:
			if w.err != nil {
				return w.n, &writeError{w.err}
			}
			return w.n, nil
		case r := <-s.l.replies:
			s.handle(r)
		case <-stuck.C:
			if s.l.gate == nil || s.d.confirm == ConfirmNone {
				continue // the question would be stuck too
			}
			if err := s.heed(s.poll(false)); err != nil {
				return 0, err
			}
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
	s.l.silent = false
	switch r.kind {
	case replyRealtime:
		s.answer, s.heard = r.status, true
	case replyASB:
		s.state = asbState(r.asb)
	case replyInOrder:
		if s.d.owed == 0 {
			s.d.log.Debug("an answer to GS r that nobody asked for", "status", r.status)
			return
		}
		s.d.owed--
		s.answers++
		s.paperEnd = s.paperEnd || paperEnd(r.status)
	case replyToken:
		if s.token != "" && r.token == s.token {
			s.token = ""
			return
		}
		s.d.log.Debug("a confirmation that nobody waits for", "token", r.token)
	case replyEcho:
		s.echoed = true
	case replyText:
		s.texts = append(s.texts, r.text)
	}
}
