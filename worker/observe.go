package worker

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// Observer is told what the worker does, for figures about it. Its methods must
// not block.
type Observer interface {
	// Called is told of each call of the platform.
	Called(trade.Call)
	// Printed is told of each print job that was handed to a printer.
	Printed(printer string, e trade.PrintEvent)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Called(trade.Call)                {}
func (nobody) Printed(string, trade.PrintEvent) {}

// interfaces are the platform's numbers of what sales need.
var interfaces = map[trade.OpKind]string{
	trade.OpCreateQR: "2.16", trade.OpQueryQR: "2.18", trade.OpVoidQR: "2.17", trade.OpRedFlush: "2.10",
	trade.OpRedPart: "2.37", trade.OpQueryInvoice: "2.11", trade.OpIssue: "2.9",
}

// outcomes are the client's kinds of failure, by the words that are stored.
var outcomes = map[piaotong.Kind]trade.Outcome{
	0: trade.OutcomeOK, piaotong.Refused: trade.OutcomeRefused, piaotong.Unavailable: trade.OutcomeUnavailable,
	piaotong.Unknown: trade.OutcomeUnknown, piaotong.Duplicate: trade.OutcomeDuplicate, piaotong.Pending: trade.OutcomePending,
	piaotong.AlreadyRed: trade.OutcomeAlreadyRed, piaotong.NotFound: trade.OutcomeNotFound,
	piaotong.Misconfigured: trade.OutcomeMisconfigured, piaotong.Auth: trade.OutcomeAuth,
}

// observe notes a call of a claimed operation: for the figures, and for the
// sale's timeline where its outcome is stored: of several calls the last. What
// never went out is no call.
func (w *Worker) observe(c *queue.OpClaim, e trade.Event, err error, started time.Time) {
	answered := answering(c.Op, e)
	if call, made := callOf(answered[len(answered)-1], err, started); made {
		c.Call = &call
		w.Observer.Called(call)
	}
}

// observeAccount notes a call about a tax account, which no sale keeps.
func (w *Worker) observeAccount(key string, err error, started time.Time) {
	i := slices.IndexFunc(endpoints, func(e piaotong.EndpointKey) bool { return e.Key == key })
	if call, made := callOf(endpoints[i].Interface, err, started); made {
		w.Observer.Called(call)
	}
}

// endpoints tell the number of the interface that a key names.
var endpoints = piaotong.EndpointKeys()

// callOf describes a call that has ended. number is the interface, where the
// error names no other; made is false where nothing was sent.
func callOf(number string, err error, started time.Time) (call trade.Call, made bool) {
	call = trade.Call{Interface: number, Outcome: trade.OutcomeOK, Took: time.Since(started)}
	if err == nil {
		return call, true
	}
	call.Outcome = trade.OutcomeUnknown // not the client's error: assume nothing
	var pe *piaotong.Error
	if errors.As(err, &pe) {
		call.Interface, call.Outcome, call.Code = cmp.Or(pe.Interface, number), outcomes[pe.Kind], pe.Code
		return call, !neverSent(pe)
	}
	return call, true
}
