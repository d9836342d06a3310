package worker

import (
	"context"

	"tillagent/printer"
	"tillagent/trade"
)

// OpenDrawer sends the pulse that opens the cash drawer at a printer, once, and
// says what came of it: PaperHeld with the cause where nothing left. It is never tried
// again by itself: nobody may stand at the drawer by then.
func (w *Worker) OpenDrawer(ctx context.Context, name string) (trade.PrintEvent, string) {
	p := w.printer(name)
	if p == nil {
		return trade.PaperHeld, trade.NotConfigured(name)
	}
	job, err := printer.Render(printer.Doc{printer.Drawer{Pin: p.Shop.DrawerPin}}, p.Profile)
	if err != nil { // of a wrong pin or model alone
		w.Log.Error("cannot open the drawer", "err", err)
		return trade.PaperFailed, err.Error()
	}
	r := p.Device.Print(ctx, job.Bytes)
	e, cause := outcome(r)
	if s := p.sawPrinter(); r.Cause == "" && s.Held { // a job waits for somebody, and the drawer for the job
		cause = string(s.State)
	}
	w.Log.Info("drawer", "printer", name, "outcome", e, "cause", cause, "err", r.Err)
	return e, cause
}
