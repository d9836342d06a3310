package worker

import (
	"bytes"
	"log/slog"
	"slices"
	"time"

	"tillagent/printer"
	"tillagent/queue"
	"tillagent/receipt"
)

// encode gives the bytes of a job with all its copies. The drawer opens once.
func (w *Worker) encode(on *printing, c *queue.PrintClaim, log *slog.Logger) ([]byte, error) {
	first, err := w.compose(on, c, c.Drawer)
	if err != nil {
		return nil, err
	}
	for _, warning := range first.Warnings {
		log.Warn("printed otherwise than asked for", "what", warning.Message)
	}
	for _, qr := range first.QRs {
		log.Info("QR code on paper", "how", qr.String())
	}
	further := first
	if c.Copies > 1 && c.Drawer {
		if further, err = w.compose(on, c, false); err != nil {
			return nil, err
		}
	}
	var beep []byte
	if on.Beep {
		beep = on.Profile.Beep()
	}
	return slices.Concat(beep, first.Bytes, bytes.Repeat(further.Bytes, c.Copies-1)), nil
}

// compose gives the bytes of one copy.
func (w *Worker) compose(on *printing, c *queue.PrintClaim, drawer bool) (printer.Rendered, error) {
	p := receipt.Paper{Kind: c.Paper, Refund: c.Refund, Mark: c.Mark, Nth: c.Nth, Now: time.Now(), Drawer: drawer, Training: w.Training}
	if c.Record != nil {
		p.Sale, p.Standing, p.Training = c.Record.Sale, c.Record.Standing, c.Record.Training
	}
	return on.Shop.Encode(p, c.Content, on.Profile)
}
