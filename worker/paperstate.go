package worker

import (
	"cmp"
	"context"
	"sync"
	"time"

	"tillagent/printer"
	"tillagent/trade"
)

// printing is what is known of the printer.
type printing struct {
	news chan struct{} // has something when saw has changed

	asking sync.Mutex // belongs to who asks the printer

	mu    sync.Mutex
	saw   printer.Status // told by the printer
	asked time.Time      // when it was asked last,
	state printer.State  // how it was then,
	seen  time.Time      // and when it last answered or took what was sent

	telling sync.Mutex // belongs to who raises, clears or tells
	alert   alarm
	held    string // the cause that is being alerted, "" for none
	told    string // the state that was told last
}

// PrinterSaw is told of every change of the printer's state. It only notes it,
// so that the goroutine that speaks with the printer goes on.
func (w *Worker) PrinterSaw(s printer.Status) {
	w.printing.mu.Lock()
	w.printing.saw = s
	w.printing.mu.Unlock()
	select {
	case w.printing.news <- struct{}{}:
	default: // the news are waiting already
	}
}

// watchPrinter tells what PrinterSaw noted. A job that waits within its print
// cannot tell by itself: its outcome is still to come.
func (w *Worker) watchPrinter(stop context.Context) {
	waits := false
	for w.sleep(stop, w.printing.news, nil, 0) {
		s := w.sawPrinter()
		switch {
		case s.Held:
			waits = true
			w.hold(string(s.State))
		case waits: // whatever comes of the job, it does not wait any more
			waits = false
			w.hold("")
		default:
			w.printing.telling.Lock()
			w.tellState(string(s.State))
			w.printing.telling.Unlock()
		}
	}
}

func (w *Worker) sawPrinter() printer.Status {
	w.printing.mu.Lock()
	defer w.printing.mu.Unlock()
	return w.printing.saw
}

// hold raises the printer's alert when the cause changes and clears it when
// paper comes again.
func (w *Worker) hold(cause string) {
	w.printing.telling.Lock()
	defer w.printing.telling.Unlock()
	was := w.printing.held
	w.printing.held = cause
	if changed := w.printing.alert.turn(cause != ""); !changed && was == cause {
		return
	}
	if cause == "" {
		w.report("an alert's end", w.Store.Clear(trade.AlertPrinter, "held"))
		w.tellState(string(cmp.Or(w.sawPrinter().State, printer.StateReady)))
		return
	}
	w.report("an alert", w.Store.Raise(trade.Raise{Kind: trade.AlertPrinter, Subject: "held",
		Title: trade.Say(trade.PrinterHeld, trade.Say(trade.Key(cause)).In(trade.ZH)), Action: trade.Say(trade.PrinterHeldDo)}))
	w.tellState(cause)
}

// tellState tells subscribers how the printer is, once.
func (w *Worker) tellState(state string) {
	if w.printing.told == state {
		return
	}
	w.printing.told = state
	w.report("the printer's state", w.Store.Tell("printer.state", state))
}

// PrinterStatus is how the printer is, asked for at most once a second, and when
// it was last there; zero for never.
func (w *Worker) PrinterStatus(ctx context.Context) (state printer.State, seen time.Time) {
	if w.Printer == nil {
		return printer.StateUnknown, time.Time{}
	}
	p := &w.printing
	p.asking.Lock()
	defer p.asking.Unlock()
	p.mu.Lock()
	fresh := time.Since(p.asked) <= time.Second
	p.mu.Unlock()
	var s printer.Status
	var err error
	if !fresh { // without the lock: the printer may call PrinterSaw before it answers
		s, err = w.Printer.Status(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !fresh {
		if p.state = s.State; err != nil {
			p.state = printer.StateOffline
		}
		p.asked = time.Now()
		if p.state != printer.StateOffline {
			p.seen = p.asked
		}
	}
	return p.state, p.seen
}

// PrinterProof is how the printer proves what it has printed, in the words of
// [printer] confirm; realtime tells of faults and proves nothing. It is "" where
// that is not known yet.
func (w *Worker) PrinterProof() string {
	if w.Printer == nil {
		return ""
	}
	proof := w.Printer.Proof()
	switch tier := proof.Tier(); {
	case proof.From == "":
		return ""
	case tier == printer.TierStatus:
		return "status"
	default:
		return tier.String()
	}
}
