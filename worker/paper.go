package worker

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"tillagent/printer"
	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
)

// heldRetry is how soon a held job is tried again: long enough to be cheap,
// short enough that paper goes on while the cashier still stands there.
const heldRetry = 2 * time.Second

// printing is what the print loop knows of the printer.
type printing struct {
	mu    sync.Mutex
	alert alarm
	held  string // the cause that is being alerted, "" for none
	state printer.Status
}

// paper prints one job after the other.
func (w *Worker) paper(stop, work context.Context) {
	for {
		claim, next, err := w.Store.ClaimPrint(stop)
		if claim != nil {
			w.print(work, claim)
			continue
		}
		wait := until(next)
		if err != nil {
			wait = w.claimFailed(stop, err)
		}
		if !w.sleep(stop, w.Store.WakePaper(), nil, wait) {
			return
		}
		if stop.Err() != nil {
			return
		}
	}
}

// print brings one claimed job to paper and stores what became of it.
func (w *Worker) print(work context.Context, c *queue.PrintClaim) {
	e, reason := w.toPaper(work, c)
	switch e {
	case trade.PaperHeld:
		w.hold(reason)
	case trade.PaperUncertain:
		w.report("an alert", w.Store.Raise(queue.UncertainAlert(c.Record.Sale.ID)))
	case trade.PaperPrinted, trade.PaperSent:
		w.hold("")
	}
	err := w.Store.SettlePrint(c, e, reason, time.Now().Add(heldRetry))
	if err != nil && !errors.Is(err, queue.ErrNotOurs) {
		w.Log.Error("cannot store what was printed; it will show as uncertain", "sale", c.Record.Sale.ID, "job", c.JobID, "err", err)
	}
}

// toPaper lays a job out, encodes it and prints it.
func (w *Worker) toPaper(work context.Context, c *queue.PrintClaim) (trade.PrintEvent, string) {
	if c.Paper == trade.PaperSlip && !c.WithQR {
		return trade.PaperCancelled, "" // its code is claimed, voided or refused by now
	}
	job, warnings, err := printer.Encode(w.layout(c), w.Profile)
	if err != nil {
		w.Log.Error("cannot lay out paper", "sale", c.Record.Sale.ID, "job", c.JobID, "err", err)
		return trade.PaperFailed, err.Error()
	}
	for _, warning := range warnings {
		w.Log.Warn("printed otherwise than asked for", "sale", c.Record.Sale.ID, "job", c.JobID, "what", warning.Message)
	}
	r := w.Printer.Print(work, bytes.Repeat(job, c.Copies))
	if r.Err != nil {
		w.Log.Warn("printer", "sale", c.Record.Sale.ID, "job", c.JobID, "cause", r.Cause, "written", r.Written, "err", r.Err)
	}
	cause := string(r.Cause)
	switch r.Outcome {
	case printer.Printed:
		return trade.PaperPrinted, ""
	case printer.Sent:
		return trade.PaperSent, ""
	case printer.NotSent:
		if cause == "" {
			cause = string(printer.CauseOffline)
		}
		return trade.PaperHeld, cause
	}
	return trade.PaperUncertain, cause
}

func (w *Worker) layout(c *queue.PrintClaim) printer.Doc {
	return w.Shop.Layout(receipt.Paper{Kind: c.Paper, Sale: c.Record.Sale, Standing: c.Record.Standing, Refund: c.Refund,
		Mark: c.Mark, Nth: c.Nth, Now: time.Now(), Drawer: c.Drawer})
}

// hold raises the printer's alert when the cause changes and clears it when
// paper comes again.
func (w *Worker) hold(cause string) {
	w.printing.mu.Lock()
	was := w.printing.held
	w.printing.held = cause
	w.printing.mu.Unlock()
	if changed := w.printing.alert.turn(cause != ""); !changed && was == cause {
		return
	}
	state := string(printer.StateReady)
	if cause == "" {
		w.report("an alert's end", w.Store.Clear(trade.AlertPrinter, "held"))
	} else {
		state = cause
		w.report("an alert", w.Store.Raise(trade.Raise{Kind: trade.AlertPrinter, Subject: "held",
			Title: trade.Say(trade.PrinterHeld, trade.Say(trade.Key(cause)).In(trade.ZH)), Action: trade.Say(trade.PrinterHeldDo)}))
	}
	w.report("the printer's state", w.Store.Tell("printer.state", state))
}

// PrinterStatus is how the printer is, asked for at most once a second.
func (w *Worker) PrinterStatus(ctx context.Context) printer.Status {
	if w.Printer == nil {
		return printer.Status{State: printer.StateUnknown}
	}
	w.printing.mu.Lock()
	defer w.printing.mu.Unlock()
	if time.Since(w.printing.state.At) > time.Second {
		s, err := w.Printer.Status(ctx)
		if err != nil {
			s.State = printer.StateOffline
		}
		s.At = time.Now()
		w.printing.state = s
	}
	return w.printing.state
}

// PlatformStatus is whether calls go out, when the platform last answered, and
// how much its clock is ahead of ours.
func (w *Worker) PlatformStatus() (online bool, contact time.Time, skew time.Duration) {
	online, contact = w.breaker.state()
	return online, contact, w.Clock.Skew()
}
