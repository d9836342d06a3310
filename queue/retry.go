package queue

import (
	"context"
	"errors"
	"log/slog"

	"tillagent/trade"
)

// StateError says that something makes no sense in the state in which its
// subject is.
type StateError struct{ Why trade.Message }

func (e *StateError) Error() string { return e.Why.In(trade.EN) }

// Mend puts other lines in the place of a rejected sale's and sends it again.
// The lines must be checked and add up to the sale's total. What the POS posted
// keeps its digest, so that a repetition of it is still known. ErrNotFound names
// an unknown sale; the error is a StateError where it is not rejected, or where
// a refund counts on its lines.
func (s *Store) Mend(ctx context.Context, saleID string, items []trade.Line) (*Record, error) {
	var r *Record
	err := s.do(ctx, func(t *tx) error {
		l, err := find(t, saleID)
		if err != nil {
			return err
		}
		switch {
		case l.View() != trade.StateRejected:
			return &StateError{trade.Say(trade.DetailNotRejected, string(l.View()))}
		case len(l.Refunds) > 0:
			return &StateError{trade.Say(trade.DetailRefunded)}
		}
		text, err := bodyOf(items)
		if err != nil {
			return err
		}
		if _, err := t.Exec("UPDATE sales SET body = json_set(body, '$.items', json(?)) WHERE seq = ?", text, l.seq); err != nil {
			return err
		}
		if err := t.record(entry{kind: "SaleMended", sale: saleID, state: string(l.View()), digest: digestOf(items)}); err != nil {
			return err
		}
		t.log(slog.LevelInfo, "sale mended", "sale", saleID)
		r, err = t.retry(l, trade.RetryAsked{})
		return err
	})
	return r, err
}

// RetryRefund makes what a refund waits for due now, and takes one up again
// that was handed to a person. ErrNotFound names an unknown refund.
func (s *Store) RetryRefund(ctx context.Context, refundID string) (*Record, error) {
	var r *Record
	err := s.do(ctx, func(t *tx) error {
		l, err := findBy(t, saleByRefund, refundID)
		if err != nil {
			return err
		}
		r, err = t.retry(l, trade.RefundRetryAsked{RefundID: refundID, At: at(t.now)})
		return err
	})
	return r, err
}

// retry moves a sale by a person's wish and makes its operation due before
// everything that is merely overdue, whether the tax account must log in or not.
func (t *tx) retry(l *loaded, e trade.Event) (*Record, error) {
	if err := t.apply(l, e, false); err != nil {
		return nil, err
	}
	if _, err := t.Exec("UPDATE ops SET due_at = ?, account = 0 WHERE sale = ? AND state = 'ready'", t.now-ahead, l.seq); err != nil {
		return nil, err
	}
	t.wakeAll()
	return record(t, l)
}

// CancelPrint cancels a print job that has not started and gives it as it then
// stands; one that is cancelled already stays so. ErrNotFound names an unknown
// job; the error is a StateError where it has started or is over.
func (s *Store) CancelPrint(ctx context.Context, jobID string) (*Print, error) {
	var p *Print
	err := s.do(ctx, func(t *tx) (err error) {
		if p, err = printJob(t, jobID); err != nil || p.State == trade.PrintCancelled {
			return err
		}
		if p.State == trade.PrintPrinting {
			return &StateError{trade.Say(trade.DetailPrintStarted, string(p.State))}
		}
		var saleID string
		if err := t.QueryRow("SELECT coalesce((SELECT sale_id FROM sales WHERE seq = prints.sale), '') FROM prints WHERE job_id = ?", jobID).Scan(&saleID); err != nil {
			return err
		}
		err = t.movePrint(saleID, p.seq, jobID, trade.PaperCancelled, "")
		if errors.Is(err, ErrNotOurs) {
			return &StateError{trade.Say(trade.DetailPrintStarted, string(p.State))}
		}
		if err != nil {
			return err
		}
		t.paper = true                          // what stood behind it comes next
		if err := t.holdOrphans(); err != nil { // it may have been the last one
			return err
		}
		p, err = printJob(t, jobID)
		return err
	})
	return p, err
}
