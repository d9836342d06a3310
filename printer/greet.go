package printer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

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
			d.note(s.state, false)
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
		d.note(StateOffline, false)
	}
}

// hello asks for the printer's state before a job. A printer that has never
// answered is taken for one that cannot, unless its way of confirmation needs
// answers; one that has, for switched off.
func (s *session) hello() error {
	tries := 2
	if s.d.broken || s.d.stuck {
		// The printer may take what comes for the rest of a command: one that broke
		// off or, where it stays silent, one whose length was damaged on its way.
		rest := maxCommand
		if s.d.stuck {
			rest *= 4
		}
		if _, err := s.sendAll(make([]byte, rest)); err != nil {
			return err
		}
		s.d.stuck = false
		tries = 4 // a slow line is busy with that for some seconds
	}
	s.idle.Stop() // only the answers' own time counts, however busy the till is
	defer s.progress()
	s.l.drain()
	err := errSilent
	if s.l.silent && !s.d.answered && s.d.confirm == ConfirmAuto {
		switch err := s.tryRealtime(); {
		case errors.Is(err, errWaited):
			tries = 0
		case err != nil:
			return err
		}
	}
	for ; tries > 0 && s.d.confirm != ConfirmNone && errors.Is(err, errSilent); tries-- {
		err = s.poll(true)
	}
	if err == nil && s.l.fresh && !s.l.network() && s.cause() != "" {
		// An answer to what was asked before the port was closed may have come first,
		// and each of ours been taken for the next: "all is well" is "cover open" then.
		s.l.owesAnswer = true
		err = s.poll(true)
	}
	s.l.fresh = false
	switch {
	case s.echoed:
		return errEcho
	case err == nil:
	case !errors.Is(err, errSilent):
		return err
	case s.d.confirm == ConfirmNone, s.d.confirm == ConfirmAuto && !s.d.answered:
		s.state, s.l.silent = StateUnknown, true
	default:
		s.state = StateOffline
		return nil // and the job that broke off is not forgotten
	}
	s.d.broken = false
	return nil
}

// tryRealtime asks a printer that has never answered once more, in case that it
// was off, but no job waits long for it: errWaited tells that it is silent still.
func (s *session) tryRealtime() error {
	s.heard = false
	if err := s.ask(askRealtime(1)); err != nil {
		return err
	}
	err := s.wait(silentWait, func() bool { return s.heard })
	s.l.owesAnswer = err != nil
	return err
}

// ready brings the printer to where a job may begin. failed is the job's result
// where it cannot.
func (d *Device) ready(ctx context.Context) (s *session, p plan, failed *Result) {
	s, state, err := d.greet(ctx)
	if err != nil {
		r := &Result{Outcome: NotSent, Cause: CauseOffline, Err: err}
		if ctx.Err() != nil || d.isClosed() {
			r.Cause = ""
		}
		return nil, p, r
	}
	if cause := state.cause(); cause != "" {
		s.end()
		var err error = notReadyError{state}
		if state == StateOffline && !s.heard {
			err = errSilent
			d.stuck = true
			d.drop()
		}
		return nil, p, &Result{Outcome: NotSent, Cause: cause, Err: err}
	}
	switch {
	case d.confirm == ConfirmProcessID:
		d.owed = 0 // what a job before asked in vain; a token is nobody else's
		return s, plan{TierProcessID, TierProcessID}, nil
	case d.confirm == ConfirmNone || !s.heard:
		return s, plan{TierNone, TierNone}, nil
	case d.noProof:
		return s, plan{TierRealtime, TierNone}, nil
	}
	tier, err := s.sync()
	if errors.Is(err, errNoProof) && s.cause() == "" && d.confirm == ConfirmAuto {
		// One that has answered GS r some time may be busy with what it was sent
		// before a restart; it may also have been replaced by one that does not.
		if d.unproved++; d.proof.GSr != Yes || d.unproved > patience {
			tier, err = s.tryToken()
		}
	}
	if err == nil {
		d.unproved = 0
	}
	switch {
	case err != nil:
		s.end()
		d.drop()
		return nil, p, &Result{Outcome: NotSent, Cause: s.causeOf(err), Err: fmt.Errorf("the printer is not ready: %w", err)}
	case tier == TierRealtime:
		d.log.Warn("the printer answers DLE EOT but neither GS r nor GS ( H: its jobs cannot be confirmed")
		d.noProof = true
		s.end()
		return d.session(ctx), plan{TierRealtime, TierNone}, nil
	case tier == TierProcessID && d.proof.GSr != Yes:
		return s, plan{tier, TierProcessID}, nil
	}
	return s, plan{tier, TierStatus}, nil
}

// patience is how many jobs in a row are kept back by a printer that is well and
// does not answer GS r any more, before it is taken for another one.
const patience = 3

// sync makes sure that the next answer to GS r is the job's own: it ends status
// sent unasked, asks once and waits for the answer, and for those of earlier jobs
// that were given up before theirs came. The printer has then carried out
// whatever it had. It tells the best proof this printer gives.
func (s *session) sync() (Tier, error) {
	if _, err := s.send(cmdASBOff); err != nil {
		return 0, err
	}
	s.l.drain()
	limit := probeWait
	if s.d.proof.GSr == Yes || s.d.confirm == ConfirmStatus {
		limit = s.d.timeout
	}
	s.progress()
	if s.leftover() {
		const nobodyKnowsHowMany = 1000
		s.d.owed += nobodyKnowsHowMany
		s.d.lateWait = lateWait
	}
	earlier := s.d.owed
	if err := s.askStatus(); err != nil {
		return 0, err
	}
	if err := s.await(func() bool { return s.answers > 0 }, limit); err != nil {
		return 0, err
	}
	if earlier > 0 {
		if err := s.awaitLate(); err != nil {
			return 0, err
		}
	}
	s.d.synced = true
	if s.paperEnd {
		s.state = StatePaperOut
		return 0, notReadyError{StatePaperOut}
	}
	if s.d.confirm == ConfirmStatus {
		return TierStatus, nil
	}
	if err := s.learn(); err != nil {
		return 0, err
	}
	if s.d.proof.ProcessID == Yes {
		return TierProcessID, nil
	}
	return TierStatus, nil
}

// leftover tells that an earlier run of the program, which ended within a job, may
// have asked what is answered only now. A network printer answers those who asked.
func (s *session) leftover() bool {
	return !s.d.synced && s.d.store != nil && !s.l.network() && (s.d.proof.GSr == Yes || s.d.confirm == ConfirmStatus)
}

// awaitLate lets answers to earlier questions pass. The answers look alike: where
// the printer knows tokens, or tells who it is, that tells when the last has been;
// otherwise there are no more once none has come for as long as a window may take.
func (s *session) awaitLate() error {
	switch {
	case s.d.proof.ProcessID == Yes:
		if err := s.askToken(); err != nil {
			return err
		}
		if err := s.await(func() bool { return s.token == "" }, s.d.timeout); err != nil {
			return err
		}
		s.d.owed = 0
	case s.d.proof.Identity.Model != "":
		s.texts = nil
		if _, err := s.send(askIdentity(67)); err != nil {
			return err
		}
		if err := s.await(func() bool { return len(s.texts) > 0 }, s.d.timeout); err != nil {
			return err
		}
		s.d.owed = 0
	}
	for s.d.owed > 0 {
		before := s.answers
		err := s.wait(min(s.d.lateWait, s.d.timeout/2), func() bool { return s.answers > before })
		if errors.Is(err, errWaited) {
			break // lost with the printer's power, or with the connection
		}
		if err != nil {
			return err
		}
		s.progress()
	}
	s.d.owed = 0
	return nil
}

// learn finds out, once for each opened port, who the printer is, and once for
// each printer whether it knows GS ( H. The printer is idle: what it does not
// know of this it may take for text, which ESC @ then throws away.
func (s *session) learn() error {
	d := s.d
	if d.known {
		return nil
	}
	s.texts = nil
	var ask []byte
	for _, n := range identityTexts {
		ask = append(ask, askIdentity(n)...)
	}
	probing := d.proof.ProcessID == ""
	if probing {
		s.token = d.token()
		ask = append(append(ask, cmdAskToken...), s.token...)
	}
	if _, err := s.send(append(ask, cmdInitLine...)); err != nil {
		return err
	}
	if err := s.askStatus(); err != nil {
		return err
	}
	if err := s.await(func() bool { return s.d.owed == 0 }, d.timeout); err != nil {
		return err
	}
	who := identityOf(s.texts)
	if !probing && who != d.proof.Identity {
		d.log.Warn("another printer answers at this port", "was", d.proof.Identity.String(), "is", who.String())
		d.proof = Proof{Identity: who}
		return s.learn()
	}
	d.known = true
	if probing {
		d.proof.ProcessID = No
		if s.token == "" {
			d.proof.ProcessID = Yes
		}
		d.learned(Proof{Realtime: Yes, GSr: Yes, ProcessID: d.proof.ProcessID, Identity: who, At: time.Now(), From: FromProbe})
	}
	s.token, s.paperEnd = "", false
	return nil
}

// tryToken is for a printer that does not answer GS r: it may know GS ( H.
func (s *session) tryToken() (Tier, error) {
	s.d.owed = 0
	s.progress()
	if err := s.askToken(); err != nil {
		return 0, err
	}
	if _, err := s.send(cmdInitLine); err != nil {
		return 0, err
	}
	got := Proof{Realtime: Yes, GSr: No, ProcessID: Yes, At: time.Now(), From: FromProbe}
	tier := TierProcessID
	switch err := s.await(func() bool { return s.token == "" }, probeWait); {
	case errors.Is(err, errNoProof):
		got.ProcessID, tier, s.token = No, TierRealtime, ""
	case err != nil:
		return 0, err
	}
	s.d.learned(got)
	return tier, nil
}

// identityTexts are what is asked for by GS I: maker, model, firmware.
var identityTexts = []byte{66, 67, 65}

// identityOf reads the answers. They do not say what they answer: where some are
// missing, all stand for the model.
func identityOf(texts []string) Identity {
	if len(texts) == len(identityTexts) {
		return Identity{Maker: texts[0], Model: texts[1], Firmware: texts[2]}
	}
	return Identity{Model: strings.Join(texts, " ")}
}
