package worker

import (
	"cmp"
	"context"
	"sync"
	"time"

	"tillagent/printer"
)

// printing is a printer with what is known of it.
type printing struct {
	Printer
	news chan struct{} // has something when saw has changed

	asking sync.Mutex // belongs to who asks the device

	mu    sync.Mutex
	saw   printer.Status // told by the printer
	asked time.Time      // when it was asked last,
	state printer.State  // how it was then,
	seen  time.Time      // and when it last answered or took what was sent

	telling sync.Mutex // belongs to who raises, clears or tells
	alert   alarm
	held    string // the cause that is being alerted, "" for none
	told    string // the state that was told last

	waitsFor string    // why the first job in line is held; belongs to the print loop
	askAgain time.Time // when the printer may be asked for it again
}

// printer finds a printer by its name; nil where there is none.
func (w *Worker) printer(name string) *printing {
	for _, p := range w.printers {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// PrinterSaw is told of every change of a printer's state. It only notes it, so
// that the goroutine that speaks with the printer goes on.
func (w *Worker) PrinterSaw(name string, s printer.Status) {
	p := w.printer(name)
	if p == nil {
		return
	}
	p.mu.Lock()
	p.saw = s
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default: // the news are waiting already
	}
}

// watchPrinter tells what PrinterSaw noted. A job that waits within its print
// cannot tell by itself: its outcome is still to come.
func (w *Worker) watchPrinter(stop context.Context, p *printing) {
	waits := false
	for w.sleep(stop, p.news, nil, 0) {
		s := p.sawPrinter()
		switch {
		case s.Held:
			waits = true
			w.report("why paper waits", w.Store.PaperWaits(p.Name, string(s.State)))
			w.hold(p, string(s.State), "")
		case waits: // whatever comes of the job, it does not wait any more
			waits = false
			w.report("that paper goes on", w.Store.PaperWaits(p.Name, ""))
			w.hold(p, "", "")
		default:
			p.telling.Lock()
			w.tellState(p, string(s.State))
			p.telling.Unlock()
		}
	}
}

func (p *printing) sawPrinter() printer.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saw
}

// hold raises a printer's alert when the cause changes, with what the port says
// of it, and clears it when paper comes again.
func (w *Worker) hold(p *printing, cause, detail string) {
	p.telling.Lock()
	defer p.telling.Unlock()
	was := p.held
	p.held = cause
	if changed := p.alert.turn(cause != ""); !changed && was == cause {
		return
	}
	if cause == "" {
		w.report("an alert's end", w.Store.ClearHeld(p.Name))
		w.tellState(p, string(cmp.Or(p.sawPrinter().State, printer.StateReady)))
		return
	}
	w.report("an alert", w.Store.RaiseHeld(p.Name, cause, detail))
	w.tellState(p, cause)
}

// tellState tells subscribers how a printer is, once.
func (w *Worker) tellState(p *printing, state string) {
	if p.told == state {
		return
	}
	p.told = state
	w.report("a printer's state", w.Store.Tell("printer.state", state, p.Name))
}

// PrinterStatus is how a printer is, asked for at most once a second, and when
// it was last there; zero for never.
func (w *Worker) PrinterStatus(ctx context.Context, name string) (state printer.State, seen time.Time) {
	p := w.printer(name)
	if p == nil {
		return printer.StateUnknown, time.Time{}
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	p.mu.Lock()
	fresh := time.Since(p.asked) <= time.Second
	p.mu.Unlock()
	var s printer.Status
	var err error
	if !fresh { // without the lock: the printer may call PrinterSaw before it answers
		s, err = p.Device.Status(ctx)
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

// PrinterProof is how a printer proves what it has printed, in the words of the
// configuration's confirm; realtime tells of faults and proves nothing. It is ""
// where that is not known yet.
func (w *Worker) PrinterProof(name string) string {
	p := w.printer(name)
	if p == nil {
		return ""
	}
	proof := p.Device.Proof()
	switch tier := proof.Tier(); {
	case proof.From == "":
		return ""
	case tier == printer.TierStatus:
		return "status"
	default:
		return tier.String()
	}
}
