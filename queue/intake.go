package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tillagent/trade"
)

// ConflictError is ErrConflict with both digests.
type ConflictError struct{ Stored, Posted string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("same id, other content: stored digest %s, posted %s", e.Stored, e.Posted)
}

func (e *ConflictError) Unwrap() error { return ErrConflict }

// ExceedsError is ErrExceeds with what is left and what was asked for.
type ExceedsError struct{ Left, Asked trade.Money }

func (e *ExceedsError) Error() string {
	return fmt.Sprintf("%s is left to refund, %s was asked for", e.Left, e.Asked)
}

func (e *ExceedsError) Unwrap() error { return ErrExceeds }

// InvalidError names what is wrong with a refund in view of its sale.
type InvalidError struct{ Problems []trade.Problem }

func (e *InvalidError) Error() string {
	return fmt.Sprintf("%s: %s", e.Problems[0].Field, e.Problems[0].Message.In(trade.EN))
}

// AcceptSale stores a checked sale with its number, its first operation and
// its print job, and returns when they are on disk. digest is the sale's as it
// was posted. A sale that is known with the same digest is returned as it
// stands, created false; with another one the error is a ConflictError. A
// direct invoice that was asked for by itself is known by either of its ids.
func (s *Store) AcceptSale(ctx context.Context, sale trade.Sale, digest string) (r *Record, created bool, err error) {
	err = s.do(ctx, func(t *tx) error {
		l, err := find(t, sale.ID)
		if errors.Is(err, ErrNotFound) && sale.InvoiceID != "" {
			l, err = findBy(t, saleByInvoice, sale.InvoiceID)
		}
		if err == nil {
			r, err = t.known(l, digest)
			return err
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		created = true
		r, err = t.accept(sale, digest)
		return err
	})
	return r, created && err == nil, err
}

func (t *tx) known(l *loaded, digest string) (*Record, error) {
	r, err := record(t, l)
	if err == nil && r.Digest != digest {
		err = &ConflictError{r.Digest, digest}
	}
	return r, err
}

func (t *tx) accept(sale trade.Sale, digest string) (*Record, error) {
	if sale.SoldAt.IsZero() {
		sale.SoldAt = at(t.now).In(trade.Beijing)
	}
	content := sale.Print.Content()
	sale.Print.Lines, sale.Print.Raw = nil, nil // kept with the print job
	if t.s.opts.Training {
		sale.Wish, sale.Kind = trade.WishNone, ""
	}
	stored, err := t.s.sealed(sale)
	var body string
	if err == nil {
		body, err = bodyOf(stored)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot store sale %s: %w", sale.ID, err)
	}
	standing := trade.Standing{SaleID: sale.ID, Total: sale.Total, Wish: sale.Wish}
	if sale.Wish != trade.WishNone {
		no, err := t.nextNumber()
		if err != nil {
			return nil, err
		}
		if sale.Wish == trade.WishDirect {
			standing.Invoices = []trade.Invoice{{Serial: no, Kind: trade.Blue, Amount: sale.Total, State: trade.InvReady}}
		} else {
			standing.QRs = []trade.QR{{No: no, Amount: sale.Total, State: trade.QRReady, ExpiresAt: trade.ExpiresAt(sale.SoldAt, t.s.opts.QRValid).UTC()}}
		}
	}
	res, err := t.Exec("INSERT INTO sales (sale_id, digest, body, total, wish, view, accepted_at, updated_at, invoice_id, training) VALUES (?,?,?,?,?,?,?,?,?,?)",
		sale.ID, digest, body, sale.Total, sale.Wish, standing.View(), t.now, t.now, sale.InvoiceID, t.s.opts.Training)
	if err != nil {
		return nil, err
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return nil, err
	}
	if err := t.saveParts(seq, trade.Standing{}, standing); err != nil {
		return nil, err
	}
	err = errors.Join(
		t.record(entry{kind: "SaleAccepted", sale: sale.ID, state: string(standing.View()), digest: digest}),
		t.tell("sale.accepted", sale.ID, "", string(standing.View()), ""))
	if err != nil {
		return nil, err
	}
	l := &loaded{seq: seq, view: standing.View(), acceptedAt: at(t.now), Standing: standing}
	t.views[l.view]++
	if err := t.firstPaper(l, sale, content); err != nil {
		return nil, err
	}
	// What was stored is known here and need not be read again: the till waits.
	r := &Record{Sale: sale, Standing: standing, Digest: digest, AcceptedAt: at(t.now), UpdatedAt: at(t.now), Training: t.s.opts.Training}
	if op, need := trade.Next(standing, at(t.now)); need {
		if r.Op, err = t.enqueue(l, op, 0); err != nil {
			return nil, err
		}
	}
	t.log(slog.LevelInfo, "sale accepted", "sale", sale.ID, "total", sale.Total.String(), "invoice", sale.Wish)
	if t.paper { // there is a print job
		r.Prints, err = printsOf(t, seq)
	}
	return r, err
}

// firstPaper makes the print job of a new sale. A receipt waits for its QR
// code a short while, a slip as long as it takes.
func (t *tx) firstPaper(l *loaded, sale trade.Sale, content trade.Content) error {
	j := job{id: "sale:" + sale.ID, paper: trade.PaperReceipt, printer: sale.Print.Printer, copies: sale.Print.Copies, drawer: sale.Print.OpenDrawer, state: trade.PrintQueued, due: at(t.now), content: content}
	switch {
	case sale.Print.Mode == trade.PrintNone, sale.Print.Mode == trade.PrintSlip && sale.Wish == trade.WishNone:
		return nil
	case sale.Print.Mode == trade.PrintSlip:
		j.paper, j.state, j.due = trade.PaperSlip, trade.PrintWaitingQR, never
	case sale.Wish != trade.WishNone:
		j.state, j.due = trade.PrintWaitingQR, at(t.now).Add(time.Duration(t.s.qrWait.Load()))
	}
	if err := t.addJob(l, j); err != nil || sale.Print.Mode != trade.PrintReceipt {
		return err
	}
	for _, name := range t.s.opts.Tickets {
		if err := t.addJob(l, job{id: ticketID(sale.ID, name), paper: trade.PaperTicket, printer: name, copies: 1, state: trade.PrintQueued, due: at(t.now)}); err != nil {
			return err
		}
	}
	return nil
}

// ticketID names the ticket of a sale at a printer. No id of a POS has an @.
func ticketID(saleID, printer string) string { return "sale:" + saleID + "@" + printer }

// AcceptRefund stores a checked refund of a sale and decides its path. amount
// zero means the whole of what is left. The same refund_id with the same
// content gives the refund as it stands; the errors are ErrNotFound for the
// sale, a ConflictError, an ExceedsError and an InvalidError.
func (s *Store) AcceptRefund(ctx context.Context, req trade.RefundRequest) (r *Record, created bool, err error) {
	digest := req.Digest()
	err = s.do(ctx, func(t *tx) error {
		l, err := find(t, req.SaleID)
		if err != nil {
			return err
		}
		var stored string
		err = t.QueryRow("SELECT digest FROM refunds WHERE refund_id = ?", req.ID).Scan(&stored)
		switch {
		case err == nil && stored != digest:
			return &ConflictError{stored, digest}
		case err == nil:
			r, err = record(t, l)
			return err
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		created = true
		r, err = t.refund(l, req, digest)
		return err
	})
	return r, created && err == nil, err
}

func (t *tx) refund(l *loaded, req trade.RefundRequest, digest string) (*Record, error) {
	if err := t.mayRefund(l); err != nil {
		return nil, err
	}
	left, amount := l.Total-l.Refunded(), req.Amount
	for _, i := range req.Items {
		if req.Amount == 0 {
			amount += i.Amount
		}
	}
	if amount == 0 {
		amount = left
	}
	if amount > left || amount <= 0 {
		return nil, &ExceedsError{left, amount}
	}
	items, err := saleItems(t, l.seq)
	if err != nil {
		return nil, err
	}
	serial, err := t.nextNumber()
	if err != nil {
		return nil, err
	}
	body, err := bodyOf(req)
	if err != nil {
		return nil, fmt.Errorf("cannot store refund %s: %w", req.ID, err)
	}
	if ps := trade.CheckLines(items, l.Refunds, req.Items); len(ps) > 0 {
		return nil, &InvalidError{ps}
	}
	f := trade.Refund{ID: req.ID, Amount: amount, Lines: req.Items, Reason: req.Reason, State: trade.RefRequested, RedSerial: serial, CreatedAt: at(t.now)}
	_, err = t.Exec("INSERT INTO refunds (refund_id, sale, digest, body, amount, reason, state, path, red_serial, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)",
		f.ID, l.seq, digest, body, f.Amount, f.Reason, f.State, f.Path, f.RedSerial, t.now)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		t.record(entry{kind: "RefundAccepted", sale: l.SaleID, ref: req.ID, state: string(f.State), digest: digest}),
		t.tell("refund.accepted", l.SaleID, req.ID, "queued", ""))
	if err != nil {
		return nil, err
	}
	t.log(slog.LevelInfo, "refund accepted", "sale", l.SaleID, "refund", req.ID, "amount", f.Amount.String())
	if req.Print.Mode == trade.PrintReceipt {
		j := job{id: "refund:" + req.ID, refundID: req.ID, paper: trade.PaperRefund, printer: req.Print.Printer, copies: req.Print.Copies, drawer: req.Print.OpenDrawer,
			state: trade.PrintWaitingQR, due: at(t.now).Add(time.Duration(t.s.qrWait.Load()))}
		if err := t.addJob(l, j); err != nil {
			return nil, err
		}
	}
	if err := t.apply(l, trade.RefundAsked{Refund: f, At: at(t.now)}, false); err != nil {
		return nil, err
	}
	return record(t, l)
}

// saleItems are the lines of a sale.
func saleItems(q querier, seq int64) ([]trade.Line, error) {
	var text string
	if err := q.QueryRow("SELECT body -> '$.items' FROM sales WHERE seq = ?", seq).Scan(&text); err != nil {
		return nil, err
	}
	var items []trade.Line
	err := json.Unmarshal([]byte(text), &items)
	return items, err
}

// bodyOf is the stored JSON of a request. Nothing is escaped that need not be,
// so that the POS's extra comes back as it was.
func bodyOf(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.String(), err
}

// The queries of a sale's sequence number by the POS's ids.
const (
	saleByID      = "SELECT seq FROM sales WHERE sale_id = ?"
	saleByRefund  = "SELECT sale FROM refunds WHERE refund_id = ?"
	saleByInvoice = "SELECT seq FROM sales WHERE invoice_id = ? AND invoice_id <> ''"
)

// find loads a sale by the POS's id.
func find(q querier, saleID string) (*loaded, error) { return findBy(q, saleByID, saleID) }

// findBy loads the sale that a query finds by an id.
func findBy(q querier, query, id string) (*loaded, error) {
	var seq int64
	err := q.QueryRow(query, id).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return load(q, seq)
}
