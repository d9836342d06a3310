package worker

import (
	"context"
	"errors"
	"time"

	"tillagent/printer"
	"tillagent/queue"
	"tillagent/trade"
)

// heldRetry is how soon a held job is tried again: long enough to be cheap,
// short enough that paper goes on while the cashier still stands there.
const heldRetry = 2 * time.Second

// paper prints one job after the other on a printer.
func (w *Worker) paper(stop, work context.Context, p *printing) {
	for {
		wait := w.stillHeld(stop, p)
		if wait == 0 {
			claim, next, err := w.Store.ClaimPrint(stop, p.Name)
			if claim != nil {
				w.print(work, p, claim)
				continue
			}
			wait = until(next)
			if err != nil {
				wait = w.claimFailed(stop, err)
			}
		}
		if !w.sleep(stop, w.Store.WakePaper(p.Name), nil, wait) {
			return
		}
		if stop.Err() != nil {
			return
		}
	}
}

// stillHeld is how long the first job in line, which is held, goes on waiting;
// zero when it is to be tried, as the printer is ready or has another trouble.
// Asking writes nothing: to try the job would be two commits, an event and lines
// in the log every two seconds for as long as a printer is off.
func (w *Worker) stillHeld(stop context.Context, p *printing) time.Duration {
	if p.waitsFor == "" {
		return 0
	}
	held, err := w.Store.HoldsPrint(p.Name)
	if err != nil {
		return w.claimFailed(stop, err)
	}
	if !held { // cancelled meanwhile: nothing waits, until a next job finds the same
		p.waitsFor = ""
		w.hold(p, "", "")
		return 0
	}
	if wait := time.Until(p.askAgain); wait > 0 {
		return wait
	}
	r, ok := p.Device.Ready(stop)
	if stop.Err() != nil {
		return heldRetry
	}
	if _, cause := outcome(r); ok || cause != p.waitsFor {
		p.waitsFor = ""
		return 0
	}
	w.hold(p, p.waitsFor, r.Err.Error()) // where the end of an earlier trouble was told after this one
	p.askAgain = time.Now().Add(heldRetry)
	return heldRetry
}

// print brings one claimed job to paper and stores what became of it.
func (w *Worker) print(work context.Context, p *printing, c *queue.PrintClaim) {
	e, reason, err := w.toPaper(work, p, c)
	w.Observer.Printed(p.Name, e)
	p.waitsFor = ""
	switch e {
	case trade.PaperHeld:
		detail := ""
		if err != nil {
			detail = err.Error()
		}
		w.hold(p, reason, detail)
		p.waitsFor, p.askAgain = reason, time.Now().Add(heldRetry)
	case trade.PaperUncertain:
		w.report("an alert", w.Store.Raise(queue.UncertainAlert(p.Name, c.SaleID(), c.JobID)))
	case trade.PaperFailed:
		w.report("an alert", w.Store.Raise(queue.FailedAlert(p.Name, c.SaleID(), c.JobID, reason)))
	case trade.PaperPrinted, trade.PaperSent:
		w.hold(p, "", "")
	}
	err = w.stored(work, func() error { return w.Store.SettlePrint(c, e, reason, time.Now().Add(heldRetry)) })
	if err != nil && !errors.Is(err, queue.ErrNotOurs) {
		w.Log.Error("cannot store what was printed; it will show as uncertain", "sale", c.SaleID(), "job", c.JobID, "err", err)
	}
}

// toPaper lays a job out, encodes it and prints it. The error is why it is not
// printed as it should be, where that is known.
func (w *Worker) toPaper(work context.Context, p *printing, c *queue.PrintClaim) (e trade.PrintEvent, reason string, err error) {
	if c.Paper == trade.PaperSlip && !c.WithQR {
		return trade.PaperCancelled, "", nil // its code is claimed, voided or refused by now
	}
	log := w.Log.With("sale", c.SaleID(), "job", c.JobID, "printer", p.Name)
	job, err := w.encode(p, c, log)
	if err != nil {
		log.Error("cannot lay out paper", "err", err)
		return trade.PaperFailed, err.Error(), err
	}
	r := p.Device.Print(work, job)
	if r.Err != nil {
		log.Warn("not printed as it should be", "cause", r.Cause, "written", r.Written, "err", r.Err)
	}
	e, reason = outcome(r)
	return e, reason, r.Err
}

// outcome is what the printer's answer means for a job.
func outcome(r printer.Result) (trade.PrintEvent, string) {
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

// PlatformStatus is whether calls go out, when the platform last answered, and
// how much its clock is ahead of ours.
func (w *Worker) PlatformStatus() (online bool, contact time.Time, skew time.Duration) {
	online, contact = w.breaker.state()
	return online, contact, w.Clock.Skew()
}
