package worker

import (
	"errors"
	"sync"
	"time"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

const (
	// patience is how often an operation is tried and asked about, on the
	// platform's word that it cannot be done now (8996) or on a code that nobody
	// knows, before a person is told; questions, how often one that is merely
	// watched is, as all its questions count.
	patience  = 8
	questions = 3
	// failures is how often the platform may say that it could not handle a request
	// (8993) before that counts as a refusal of what is in it.
	failures = 4
	// forgotten is when an operation that was not put off again counts as given up:
	// the longest pause, and some more.
	forgotten = time.Hour
)

// putOffs are the operations that the platform answers, and puts off.
type putOffs struct {
	alarm
	mu sync.Mutex
	by map[putOffKey]putOff
}

type putOffKey struct {
	sale string
	op   trade.OpKind
}

type putOff struct {
	last    time.Time
	code    string
	msg     string
	times   int  // in a row, with the same code
	lasting bool // a person was told
}

// again notes that an operation was put off and reports whether a person is to
// be told now.
func (p *putOffs) again(c *queue.OpClaim, pe *piaotong.Error) (tell bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[putOffKey]putOff{}
	}
	key := putOffKey{c.Record.Sale.ID, c.Op.Kind}
	was := p.by[key]
	now := putOff{last: time.Now(), code: pe.Code, msg: pe.Msg, times: 1}
	if was.code == now.code {
		now.times += was.times
	}
	now.lasting = c.Attempts >= patience && (c.Op.Lane != trade.LaneWatch || now.times >= questions)
	p.by[key] = now
	if tell = now.lasting && !was.lasting; tell {
		p.turn(true)
	}
	return tell
}

// over notes that an operation was answered otherwise, and reports whether that
// may end the alert: this process knows of none that is put off any more.
func (p *putOffs) over(c *queue.OpClaim) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, putOffKey{c.Record.Sale.ID, c.Op.Kind})
	for key, o := range p.by {
		if time.Since(o.last) > forgotten {
			delete(p.by, key)
		} else if o.lasting {
			return false
		}
	}
	return p.state.Load() != alarmOff
}

// failed is the refusal of an operation that the platform has failed to handle
// too often; nil for any other.
func (p *putOffs) failed(c *queue.OpClaim) trade.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := putOffKey{c.Record.Sale.ID, c.Op.Kind}
	o := p.by[key]
	if o.code != "8993" || o.times < failures {
		return nil
	}
	delete(p.by, key)
	return trade.Refused{Op: c.Op, Code: o.code, Msg: o.msg}
}

// putOff tells a person about an operation that the platform keeps putting off.
func (w *Worker) putOff(c *queue.OpClaim, err error) {
	var pe *piaotong.Error
	switch answered := errors.As(err, &pe) && pe.Code != ""; {
	case err != nil && !answered: // nothing that can be trusted was heard
	case answered && (pe.Kind == piaotong.Unavailable || pe.Kind == piaotong.Unknown):
		if w.stubborn.again(c, pe) {
			w.report("an alert", w.Store.Raise(trade.Raise{Kind: trade.AlertUnreachable, Subject: "answers", SaleID: c.Record.Sale.ID,
				Title: trade.Say(trade.PlatformStubborn, pe.Interface, pe.Code, pe.Msg), Action: trade.Say(trade.PlatformStubbornDo)}))
		}
	case w.stubborn.over(c):
		if w.stubborn.state.Load() == 0 { // a process before this one may know of more
			if waits, err := w.Store.WaitsLong(patience); waits || err != nil {
				w.report("what waits for long", err)
				return
			}
		}
		if w.stubborn.turn(false) {
			w.report("an alert's end", w.Store.Clear(trade.AlertUnreachable, "answers"))
		}
	}
}
