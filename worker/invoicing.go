package worker

import (
	"context"
	"errors"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// makeInvoice has the invoice of an operation made, blue or red.
func (w *Worker) makeInvoice(ctx context.Context, c *queue.OpClaim) (trade.Event, error) {
	switch c.Op.Kind {
	case trade.OpRedPart:
		return w.redPart(ctx, c)
	case trade.OpIssue:
		return w.issue(ctx, c)
	}
	_, err := w.Platform.RedFlush(ctx, w.redRequest(&c.Record.Standing, c.Op))
	if w.reversing(ctx, c, err) {
		return trade.Unsent{Op: c.Op}, nil
	}
	return trade.RedAccepted{Serial: c.Op.Serial}, err
}

// meanwhile asks 2.11 about a number that the platform has already, just before
// it goes out again: the platform may have gone on by itself since it was asked
// last. Nil says that it has not.
func (w *Worker) meanwhile(ctx context.Context, c *queue.OpClaim) (trade.Event, error) {
	if i := c.Record.Standing.Invoice(c.Op.Serial); i == nil || !i.Known {
		return nil, nil
	}
	defer w.anotherToken(ctx)
	seen, err := w.Platform.QueryInvoice(ctx, piaotong.InvoiceRef{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: c.Op.Serial})
	var pe *piaotong.Error
	switch {
	case errors.As(err, &pe) && pe.Kind == piaotong.NotFound:
		return nil, nil
	case err != nil:
		return nil, unsent{err}
	}
	if state := invoiceStates[seen.Code]; state == trade.InvIssued || state == trade.InvIssuing {
		return w.invoiceSeen(c, seen), nil
	}
	return nil, nil
}

// reversing reports that a refusal to reverse a blue invoice (6005) is about a
// reversal that runs and may still fail, as 2.12 tells. It is believed for so
// many tries; then a person looks.
func (w *Worker) reversing(ctx context.Context, c *queue.OpClaim, err error) bool {
	var pe *piaotong.Error
	if !errors.As(err, &pe) || pe.Kind != piaotong.AlreadyRed || c.Attempts >= patience {
		return false
	}
	red := c.Record.Standing.Invoice(c.Op.Serial)
	w.anotherToken(ctx)
	full, err := w.Platform.QueryFullInvoice(ctx, piaotong.InvoiceRef{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: red.BlueSerial})
	return err == nil && full.Red == piaotong.RedFlagRunning
}
