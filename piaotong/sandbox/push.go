package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"tillagent/piaotong"
)

// PushTarget is where the sandbox pushes the invoices' changes to (2.13): that
// one was issued, failed or waits for the tax account to log in. The sandbox
// retries nothing by itself. The zero value is "nowhere".
type PushTarget struct {
	URL     string       // of the receiver; "" = no pushes
	Repeat  int          // how often every push is sent again, 0 to 10
	Shuffle bool         // of several that wait the newest goes first
	Client  *http.Client // nil = one of the sandbox's own; a push has 10 s either way
}

const (
	maxRepeat   = 10
	pushTimeout = 10 * time.Second
)

func (t PushTarget) check() error {
	if t.Repeat < 0 || t.Repeat > maxRepeat {
		return badInput("repeat must be 0 to %d", maxRepeat)
	}
	if t.URL == "" {
		return nil
	}
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return badInput("url must be an absolute http(s) address")
	}
	return nil
}

// PushState is what became of a push.
type PushState string

// The states of a push.
const (
	PushWaiting PushState = "waiting"
	PushStored  PushState = "stored"  // answered 0000, as it should be
	PushRefused PushState = "refused" // answered with another code, signed
	PushFailed  PushState = "failed"  // no answer as it should be: see Problem
)

// Push is one sending of 2.13.
type Push struct {
	N           int       `json:"n"`  // counts from 1
	At          time.Time `json:"at"` // of the change, or of PushNow
	ReqSerialNo string    `json:"req_serial_no"`
	Type        string    `json:"type"`                // 1 blue, 2 red
	Code        string    `json:"code"`                // state of the invoice
	QRCodeNo    string    `json:"qrcode_no,omitempty"` // of a scanned one; the first of merged ones
	Copy        int       `json:"copy"`                // 0 = the first of its kind, above = a repeat
	State       PushState `json:"state"`
	Status      int       `json:"status,omitempty"`     // of HTTP
	ReplyCode   string    `json:"reply_code,omitempty"` // believed only after its signature held
	Problem     string    `json:"problem,omitempty"`

	raw    []byte
	serial string // of the envelope
	target PushTarget
}

// pusher is what Sandbox knows of pushes; its mu guards everything here.
type pusher struct {
	target  PushTarget
	all     []*Push
	waiting []*Push
	open    int           // waiting or under way
	idle    chan struct{} // closed when open falls to 0; nil = it is 0

	running bool
	wake    chan struct{} // capacity 1: something waits, or time has something new to settle
	stop    context.CancelFunc
	ended   sync.WaitGroup
	client  *http.Client
}

// SetPush sets where changes from now on are pushed to. What waits already goes
// where it was to go. With a target the sandbox settles invoices when their
// time comes, and not only when somebody looks.
func (s *Sandbox) SetPush(t PushTarget) error {
	if err := t.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.push.target = t
	if t.URL == "" || s.push.running {
		return nil
	}
	s.push.running = true
	s.push.wake = make(chan struct{}, 1)
	s.push.client = &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var ctx context.Context
	ctx, s.push.stop = context.WithCancel(context.Background())
	s.push.ended.Go(func() { s.pushLoop(ctx) })
	return nil
}

// stopPushing ends the loop and waits for it. The caller does not hold mu, and
// has set closed.
func (s *Sandbox) stopPushing() {
	if !s.push.running {
		return
	}
	s.push.stop()
	s.push.ended.Wait()
	s.push.client.CloseIdleConnections()
}

// Pushes returns a copy of all pushes, oldest first.
func (s *Sandbox) Pushes() []Push {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewPushes()
}

func (s *Sandbox) viewPushes() []Push {
	out := make([]Push, 0, len(s.push.all))
	for _, p := range s.push.all {
		v := *p
		v.raw, v.target = nil, PushTarget{}
		out = append(out, v)
	}
	return out
}

// AwaitPushes returns when no push waits or is under way.
func (s *Sandbox) AwaitPushes(ctx context.Context) error {
	s.mu.Lock()
	err := s.advance()
	idle := s.push.idle
	s.mu.Unlock()
	if err != nil || idle == nil {
		return err
	}
	select {
	case <-idle:
		return nil
	case <-s.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// PushNow pushes an invoice's present state, once more or for the first time.
func (s *Sandbox) PushNow(reqSerialNo string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	inv, err := s.pushable(reqSerialNo)
	if err != nil {
		return err
	}
	if s.push.target.URL == "" {
		return fmt.Errorf("no push target is set: %w", ErrConflict)
	}
	return s.enqueue(inv, 1)
}

// PushEnvelope returns the signed envelope of 2.13 with an invoice's present
// state, for those who want to post it themselves.
func (s *Sandbox) PushEnvelope(reqSerialNo string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inv, err := s.pushable(reqSerialNo)
	if err != nil {
		return nil, err
	}
	return s.sealPush(inv)
}

// pushable finds an invoice that has something to tell. The caller holds mu.
func (s *Sandbox) pushable(reqSerialNo string) (*Invoice, error) {
	if s.closed {
		return nil, errClosed
	}
	if err := s.advance(); err != nil {
		return nil, err
	}
	inv := s.state.invoices[reqSerialNo]
	if inv == nil {
		return nil, fmt.Errorf("invoice %q: %w", reqSerialNo, ErrNotFound)
	}
	if inv.Code == piaotong.StatePending {
		return nil, fmt.Errorf("invoice %q is in progress, which is not pushed: %w", reqSerialNo, ErrConflict)
	}
	return inv, nil
}

// noteChange wakes the loop after an entry and pushes what the entry changed.
// The caller holds mu.
func (s *Sandbox) noteChange(e Entry) {
	if !s.push.running {
		return
	}
	s.wakePusher()
	inv := s.state.invoices[e.ReqSerialNo]
	if s.push.target.URL == "" || inv == nil || inv.Code == piaotong.StatePending {
		return
	}
	if err := s.enqueue(inv, 1+s.push.target.Repeat); err != nil {
		s.log.Error("cannot seal a push", "invoice", inv.ReqSerialNo, "err", err)
	}
}

func (s *Sandbox) wakePusher() {
	select {
	case s.push.wake <- struct{}{}:
	default: // it will wake anyway
	}
}

// enqueue puts an invoice's state into the queue n times.
func (s *Sandbox) enqueue(inv *Invoice, n int) error {
	raw, err := s.sealPush(inv)
	if err != nil {
		return err
	}
	for i := range n {
		p := &Push{
			N: len(s.push.all) + 1, At: s.now().UTC(), ReqSerialNo: inv.ReqSerialNo, Type: inv.Type, Code: inv.Code,
			QRCodeNo: inv.QRCodeNo, Copy: i, State: PushWaiting,
			raw: raw, serial: s.pushSerial(inv), target: s.push.target,
		}
		s.push.all = append(s.push.all, p)
		s.push.waiting = append(s.push.waiting, p)
	}
	s.countOpen(n)
	s.wakePusher()
	return nil
}

// countOpen changes the number of pushes that are not done.
func (s *Sandbox) countOpen(by int) {
	s.push.open += by
	switch {
	case s.push.open > 0 && s.push.idle == nil:
		s.push.idle = make(chan struct{})
	case s.push.open == 0 && s.push.idle != nil:
		close(s.push.idle)
		s.push.idle = nil
	}
}

// forgetPushes empties the queue. One under way goes on to its end.
func (s *Sandbox) forgetPushes() {
	s.countOpen(-len(s.push.waiting))
	s.push.all, s.push.waiting = nil, nil
}

// pushLoop sends what waits, and looks when time has something to settle.
func (s *Sandbox) pushLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		batch, next := s.takePushes()
		for _, p := range batch {
			s.deliver(ctx, p)
		}
		if len(batch) > 0 && ctx.Err() == nil {
			continue
		}
		var due <-chan time.Time
		if next > 0 {
			timer.Reset(next)
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-s.push.wake:
		case <-due:
		}
	}
}

// takePushes takes what waits, and tells in how long time will settle the next
// invoice; 0 = never.
func (s *Sandbox) takePushes() (batch []*Push, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		if !errors.Is(err, errClosed) {
			s.log.Error("cannot settle an invoice", "err", err)
		}
	} else if at, ok := s.state.nextDue(); ok {
		next = max(at.Sub(s.now()), time.Millisecond)
	}
	batch, s.push.waiting = s.push.waiting, nil
	if s.push.target.Shuffle {
		slices.Reverse(batch)
	}
	return batch, next
}

// deliver sends one push and notes what became of it.
func (s *Sandbox) deliver(ctx context.Context, p *Push) {
	status, code, err := s.postPush(ctx, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Status, p.ReplyCode = status, code
	p.raw = nil // the list of pushes is kept, the envelopes are not
	switch {
	case err != nil:
		p.State, p.Problem = PushFailed, err.Error()
	case code == codeOK:
		p.State = PushStored
	default:
		p.State = PushRefused
	}
	s.countOpen(-1)
	s.log.Info("sandbox pushed", "invoice", p.ReqSerialNo, "code", p.Code, "state", p.State, "problem", p.Problem)
}
