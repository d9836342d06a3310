package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"tillagent/trade"
)

// noDeadline is for what must be stored whoever asked.
var noDeadline = context.Background()

// querier is a transaction or the read-only pool.
type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) *sql.Row
}

// loaded is a sale's standing with its place in the tables.
type loaded struct {
	seq        int64
	view       trade.SaleState // as it is stored
	acceptedAt time.Time
	trade.Standing
}

// load reads how a sale stands, by its sequence number.
func load(q querier, seq int64) (*loaded, error) {
	l := &loaded{seq: seq}
	var accepted int64
	var problem string
	err := q.QueryRow("SELECT sale_id, total, wish, view, problem, accepted_at FROM sales WHERE seq = ?", seq).Scan(&l.SaleID, &l.Total, &l.Wish, &l.view, &problem, &accepted)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	l.acceptedAt = at(accepted)
	if l.Problem, err = readMessage(problem); err != nil {
		return nil, err
	}
	err = each(q, "SELECT gen, no, amount, state, url, extract_code, expires_at, fetched_at, sent_at, misses, doubt, void_tries, taken FROM qrs WHERE sale = ? ORDER BY gen", seq, func(scan func(...any) error) error {
		var c trade.QR
		var expires, fetched, sent int64
		if err := scan(&c.Gen, &c.No, &c.Amount, &c.State, &c.URL, &c.ExtractCode, &expires, &fetched, &sent, &c.Misses, &c.Doubt, &c.VoidTries, &c.Taken); err != nil {
			return err
		}
		c.ExpiresAt, c.FetchedAt, c.SentAt = at(expires), at(fetched), at(sent)
		l.QRs = append(l.QRs, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = each(q, `SELECT serial, gen, kind, refund_id, state, amount, net, tax, number, code, no, issued_at, download_url, msg, sent_at, misses,
		failed_at, recheck, blue_serial, partial, view_url, known FROM invoices WHERE sale = ? ORDER BY gen, kind, serial`, seq, func(scan func(...any) error) error {
		var i trade.Invoice
		var issued, sent, failed int64
		if err := scan(&i.Serial, &i.Gen, &i.Kind, &i.RefundID, &i.State, &i.Amount, &i.Net, &i.Tax, &i.Number, &i.Code, &i.No, &issued, &i.DownloadURL, &i.Msg, &sent, &i.Misses,
			&failed, &i.Recheck, &i.BlueSerial, &i.Partial, &i.ViewURL, &i.Known); err != nil {
			return err
		}
		i.IssuedAt, i.SentAt, i.FailedAt = at(issued), at(sent), at(failed)
		l.Invoices = append(l.Invoices, i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = each(q, "SELECT refund_id, amount, reason, state, path, gen, red_serial, problem, created_at, done_at, body -> '$.items' FROM refunds WHERE sale = ? ORDER BY "+byAcceptance, seq, func(scan func(...any) error) error {
		var r trade.Refund
		var created, done int64
		var problem, lines string
		err := scan(&r.ID, &r.Amount, &r.Reason, &r.State, &r.Path, &r.Gen, &r.RedSerial, &problem, &created, &done, &lines)
		if err == nil {
			err = json.Unmarshal([]byte(lines), &r.Lines)
		}
		if err == nil {
			r.Problem, err = readMessage(problem)
		}
		r.CreatedAt, r.DoneAt = at(created), at(done)
		l.Refunds = append(l.Refunds, r)
		return err
	})
	return l, err
}

// byAcceptance is the order in which refunds were accepted, in SQL, whatever
// the clock said: that of the epoch and the counter in their numbers. What a
// refund takes from each line depends on those before it.
const byAcceptance = "substr(red_serial, 10, 8)"

// each runs a query with one argument, or a slice of them, and calls row for
// every row.
func each(q querier, query string, arg any, row func(scan func(...any) error) error) error {
	args, many := arg.([]any)
	if !many {
		args = []any{arg}
	}
	rows, err := q.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// seqsOf are the sequence numbers that a query finds.
func seqsOf(q querier, query string, arg any) ([]int64, error) {
	var seqs []int64
	err := each(q, query, arg, func(scan func(...any) error) error {
		var seq int64
		err := scan(&seq)
		seqs = append(seqs, seq)
		return err
	})
	return seqs, err
}

// save writes what a step changed.
func (t *tx) save(l *loaded, before, after trade.Standing) error {
	if err := t.saveParts(l.seq, before, after); err != nil {
		return err
	}
	view := after.View()
	if _, err := t.Exec("UPDATE sales SET view = ?, problem = ?, updated_at = ? WHERE seq = ?", view, message(after.Problem), t.now, l.seq); err != nil {
		return err
	}
	t.views[l.view]--
	t.views[view]++
	l.view = view
	return nil
}

// saveParts writes what a step changed beside the sale's own row.
func (t *tx) saveParts(seq int64, before, after trade.Standing) error {
	for i, q := range after.QRs {
		if i < len(before.QRs) && reflect.DeepEqual(before.QRs[i], q) {
			continue
		}
		if _, err := t.Exec(`INSERT INTO qrs (sale, gen, no, amount, state, url, extract_code, expires_at, fetched_at, sent_at, misses, doubt, void_tries, taken) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT (sale, gen) DO UPDATE SET amount = excluded.amount, state = excluded.state, url = excluded.url, extract_code = excluded.extract_code,
			fetched_at = excluded.fetched_at, sent_at = excluded.sent_at, misses = excluded.misses, doubt = excluded.doubt, void_tries = excluded.void_tries, taken = excluded.taken`,
			seq, q.Gen, q.No, q.Amount, q.State, q.URL, q.ExtractCode, ms(q.ExpiresAt), ms(q.FetchedAt), ms(q.SentAt), q.Misses, q.Doubt, q.VoidTries, q.Taken); err != nil {
			return err
		}
	}
	for _, i := range after.Invoices {
		if old := before.Invoice(i.Serial); old != nil && reflect.DeepEqual(*old, i) {
			continue
		}
		if _, err := t.Exec(`INSERT INTO invoices (sale, serial, gen, kind, refund_id, state, amount, net, tax, number, code, no, issued_at, download_url, msg, sent_at, misses,
			failed_at, recheck, blue_serial, partial, view_url, known) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT (sale, serial) DO UPDATE SET state = excluded.state, amount = excluded.amount, net = excluded.net, tax = excluded.tax, number = excluded.number,
			code = excluded.code, no = excluded.no, issued_at = excluded.issued_at, download_url = excluded.download_url, msg = excluded.msg,
			sent_at = excluded.sent_at, misses = excluded.misses, failed_at = excluded.failed_at, recheck = excluded.recheck,
			view_url = excluded.view_url, known = excluded.known`,
			seq, i.Serial, i.Gen, i.Kind, i.RefundID, i.State, i.Amount, i.Net, i.Tax, i.Number, i.Code, i.No, ms(i.IssuedAt), i.DownloadURL, i.Msg, ms(i.SentAt), i.Misses,
			ms(i.FailedAt), i.Recheck, i.BlueSerial, i.Partial, i.ViewURL, i.Known); err != nil {
			return err
		}
	}
	for _, r := range after.Refunds {
		if old := before.Refund(r.ID); old != nil && reflect.DeepEqual(*old, r) {
			continue
		}
		if _, err := t.Exec("UPDATE refunds SET state = ?, path = ?, gen = ?, problem = ?, done_at = ? WHERE refund_id = ?",
			r.State, r.Path, r.Gen, message(r.Problem), ms(r.DoneAt), r.ID); err != nil {
			return err
		}
	}
	return nil
}

// apply moves a sale by an event and stores everything that follows: the new
// standing, its journal entry, events, alerts, paper that is due, and the
// operation that is needed next. settled says that the event is the outcome of
// the sale's claimed operation.
func (t *tx) apply(l *loaded, e trade.Event, settled bool) error {
	before := l.Standing
	after, effects := trade.Step(before, e)
	t.dateDone(before, after)
	if !reflect.DeepEqual(before, after) {
		if err := t.save(l, before, after); err != nil {
			return fmt.Errorf("cannot store sale %s: %w", l.SaleID, err)
		}
	}
	if moved(before, after, e) {
		kind := strings.TrimPrefix(fmt.Sprintf("%T", e), "trade.")
		if err := t.record(entry{kind: kind, sale: l.SaleID, state: string(after.View()), digest: digestOf(after)}); err != nil {
			return err
		}
		t.log(slog.LevelInfo, "sale moved", "sale", l.SaleID, "event", kind, "state", after.View())
	}
	l.Standing = after
	for _, f := range effects {
		if err := t.effect(l, f); err != nil {
			return err
		}
	}
	t.sales = append(t.sales, l.SaleID)
	return t.plan(l, before, settled)
}

// dateDone says when refunds were done of which the event itself does not.
func (t *tx) dateDone(before, after trade.Standing) {
	for i := range after.Refunds {
		r := &after.Refunds[i]
		if old := before.Refund(r.ID); r.State == trade.RefDone && r.DoneAt.IsZero() && (old == nil || old.State != trade.RefDone) {
			r.DoneAt = at(t.now)
		}
	}
}

// moved reports whether an event changed more than which invoices 2.11 is to be
// asked about. One that failed is asked about each hour until its code ends, and
// the journal is kept whole.
func moved(before, after trade.Standing, e trade.Event) bool {
	switch e.(type) {
	case trade.QRSeen, trade.InvoiceSeen:
		before.Invoices, after.Invoices = unasked(before.Invoices), unasked(after.Invoices)
	}
	return !reflect.DeepEqual(before, after)
}

func unasked(invoices []trade.Invoice) []trade.Invoice {
	invoices = slices.Clone(invoices)
	for i := range invoices {
		invoices[i].Recheck = false
	}
	return invoices
}

func (t *tx) effect(l *loaded, f trade.Effect) error {
	switch f := f.(type) {
	case trade.Tell:
		return t.tell(f.Type, l.SaleID, f.RefundID, f.State, "")
	case trade.PaperDue:
		t.paper = true
		if _, err := t.Exec("UPDATE prints SET state = 'queued', due_at = min(due_at, ?) WHERE sale = ? AND refund_id = ? AND state = 'waiting_qr'",
			t.now, l.seq, f.RefundID); err != nil {
			return err
		}
		if err := t.holdOrphans(); err != nil {
			return err
		}
		return t.slipLater(l, f)
	case trade.SlipDue:
		return t.nextSlip(l, f)
	case trade.NewTill:
		return t.newTill()
	case trade.Raise:
		if f.Kind == trade.AlertAuth {
			f.Account = *t.s.account.Load()
			f.Subject, t.accountNews = f.Account, true
			if f.Account != "" {
				f.Title = trade.Say(trade.LoginNeededBy, f.Account)
			}
		}
		return t.raise(f)
	case trade.Unblocked:
		return t.unblocked(f)
	case trade.Clear:
		return t.clear(f.Kind, f.Subject)
	}
	return fmt.Errorf("unknown effect %T", f)
}

// plan stores the operation that the sale needs next; before is its standing
// until now. One that is claimed stays until it is settled, so that there is
// never a second in flight.
func (t *tx) plan(l *loaded, before trade.Standing, settled bool) error {
	var old trade.Op
	var state string
	var attempts int
	err := t.QueryRow("SELECT kind, gen, serial, lane, state, attempts FROM ops WHERE sale = ?", l.seq).Scan(&old.Kind, &old.Gen, &old.Serial, &old.Lane, &state, &attempts)
	known := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if known && state == "claimed" && !settled {
		return nil
	}
	op, need := trade.Next(l.Standing, at(t.now))
	if !need {
		_, err := t.Exec("DELETE FROM ops WHERE sale = ?", l.seq)
		return err
	}
	about := known && old.Gen == op.Gen && old.Serial == op.Serial
	same := about && old.Kind == op.Kind
	switch {
	case same && settled:
		attempts++
	case same:
		return nil // already in line
	case about && settled && old.Lane != trade.LaneWatch && before.InDoubt(op) && l.InDoubt(op):
		attempts++ // sent, asked about, sent again: one piece of trouble, with growing pauses
	default:
		attempts = 0
	}
	_, err = t.enqueue(l, op, attempts)
	return err
}

// enqueue puts an operation in line in place of the one before.
func (t *tx) enqueue(l *loaded, op trade.Op, attempts int) (*PlannedOp, error) {
	now := at(t.now)
	if op.Lane == trade.LaneLive && now.Sub(l.acceptedAt) > liveFor {
		op.Lane = trade.LaneBacklog
	}
	due := now.Add(t.s.opts.Pause(op, l.Standing, attempts, now))
	t.lanes[op.Lane] = true
	_, err := t.Exec(`INSERT INTO ops (sale, kind, gen, serial, lane, state, attempts, due_at, account) VALUES (?,?,?,?,?,'ready',?,?,?)
		ON CONFLICT (sale) DO UPDATE SET kind = excluded.kind, gen = excluded.gen, serial = excluded.serial, lane = excluded.lane,
		state = 'ready', attempts = excluded.attempts, due_at = excluded.due_at, account = excluded.account`,
		l.seq, op.Kind, op.Gen, op.Serial, op.Lane, attempts, ms(due), l.NeedsAccount(op))
	return &PlannedOp{Op: op, Attempts: attempts, DueAt: at(ms(due))}, err
}

// liveFor is how long a sale's work is live: the customer stands at the till.
const liveFor = time.Minute
