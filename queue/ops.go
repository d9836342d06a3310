package queue

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"tillagent/trade"
)

// OpClaim is a platform operation that one worker has taken. For a changing
// one the sale is already marked as sent.
type OpClaim struct {
	Op       trade.Op
	Attempts int
	Record   *Record
	Call     *trade.Call // what became of the call, for Settle to keep; nil where none was made
	seq      int64
}

// notHeld leaves out, in SQL, the operations that wait for the tax account
// while an alert says that it must log in.
const notHeld = "(account = 0 OR NOT EXISTS (SELECT 1 FROM alerts WHERE kind = 'auth_required' AND cleared_at = 0))"

// ClaimOp takes the operation of a lane that has been due longest. With
// nothing due it returns nil and when the next one is, zero for never.
func (s *Store) ClaimOp(ctx context.Context, lane trade.Lane) (*OpClaim, time.Time, error) {
	seq, next, err := s.dueOp(ctx, lane)
	if err != nil || seq == 0 {
		return nil, next, err
	}
	if lane == trade.LaneLive {
		late, err := s.late(ctx, seq)
		if late && err == nil {
			if err = s.do(ctx, (*tx).demote); err == nil {
				return s.ClaimOp(ctx, lane)
			}
		}
		if err != nil {
			return nil, time.Time{}, err
		}
	}
	var c *OpClaim
	err = s.do(ctx, func(t *tx) (err error) {
		c, err = t.claim(seq, lane)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return s.ClaimOp(ctx, lane)
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return c, time.Time{}, nil
}

// late reports whether a sale's work has waited too long to be live.
func (s *Store) late(ctx context.Context, seq int64) (late bool, err error) {
	err = s.reader.QueryRowContext(ctx, "SELECT accepted_at < ? FROM sales WHERE seq = ?", s.opts.Now().Add(-liveFor).UnixMilli(), seq).Scan(&late)
	return late, err
}

// demote puts such work into the backlog, so that the sales of now, at whose
// tills somebody stands, do not wait behind those of an outage.
func (t *tx) demote() error {
	t.lanes[trade.LaneLive], t.lanes[trade.LaneBacklog] = true, true
	_, err := t.Exec("UPDATE ops SET lane = 'backlog' WHERE lane = 'live' AND state = 'ready' AND (SELECT accepted_at FROM sales WHERE seq = ops.sale) < ?",
		t.now-liveFor.Milliseconds())
	return err
}

// ClaimAlike takes up to n more due operations of the lane and kind of a
// claim, so that one call can carry them all (2.17).
func (s *Store) ClaimAlike(ctx context.Context, c *OpClaim, n int) ([]*OpClaim, error) {
	var more []*OpClaim
	err := s.do(ctx, func(t *tx) error {
		var sales []int64
		err := each(t, "SELECT sale FROM ops WHERE lane = ? AND state = 'ready' AND kind = ? AND due_at <= ? ORDER BY due_at, sale LIMIT ?",
			[]any{c.Op.Lane, c.Op.Kind, t.now, n}, func(scan func(...any) error) error {
				var seq int64
				err := scan(&seq)
				sales = append(sales, seq)
				return err
			})
		if err != nil {
			return err
		}
		for _, seq := range sales {
			one, err := t.claim(seq, c.Op.Lane)
			if err != nil {
				return err
			}
			more = append(more, one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return more, nil
}

// claim marks a due operation as claimed, and as sent where it changes
// something. It is guarded: sql.ErrNoRows says that another event has moved it
// since it was looked at.
func (t *tx) claim(seq int64, lane trade.Lane) (*OpClaim, error) {
	c := &OpClaim{seq: seq}
	err := t.QueryRow(`UPDATE ops SET state = 'claimed' WHERE sale = ? AND lane = ? AND state = 'ready' AND due_at <= ? AND `+notHeld+`
		RETURNING kind, gen, serial, lane, attempts`, seq, lane, t.now).Scan(&c.Op.Kind, &c.Op.Gen, &c.Op.Serial, &c.Op.Lane, &c.Attempts)
	if err != nil {
		return nil, err
	}
	l, err := load(t, seq)
	if err != nil {
		return nil, err
	}
	if c.Op.Changing() {
		if err := t.apply(l, trade.Sending{Op: c.Op, At: at(t.now)}, false); err != nil {
			return nil, err
		}
	}
	if c.Record, err = record(t, l); err != nil {
		return nil, err
	}
	if err := t.s.unseal(c.Record); err != nil {
		t.log(slog.LevelError, "a sale goes out without its buyer", "sale", c.Record.Sale.ID, "err", err)
	}
	return c, nil
}

// Due reports whether a lane has an operation that could go out now.
func (s *Store) Due(ctx context.Context, lane trade.Lane) (bool, error) {
	seq, _, err := s.dueOp(ctx, lane)
	return seq != 0, err
}

// WaitsLong reports whether a sale is not through to the platform after so many
// attempts.
func (s *Store) WaitsLong(attempts int) (waits bool, err error) {
	err = s.reader.QueryRow("SELECT EXISTS (SELECT 1 FROM ops WHERE lane IN ('live','backlog') AND attempts >= ?)", attempts).Scan(&waits)
	return waits, err
}

// dueOp looks, without writing, for the due operation of a lane.
func (s *Store) dueOp(ctx context.Context, lane trade.Lane) (seq int64, next time.Time, err error) {
	var due int64
	err = s.reader.QueryRowContext(ctx, "SELECT sale, due_at FROM ops WHERE lane = ? AND state = 'ready' AND "+notHeld+" ORDER BY due_at, sale LIMIT 1", lane).Scan(&seq, &due)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, err
	}
	if due > s.opts.Now().UnixMilli() {
		return 0, at(due), nil
	}
	return seq, time.Time{}, nil
}

// Settle stores what came of a claimed operation. A nil event means no news:
// the operation is tried again after the pause. ErrNotOurs says that the claim
// had been settled already.
func (s *Store) Settle(c *OpClaim, e trade.Event) error {
	return s.do(noDeadline, func(t *tx) error {
		l, err := t.unclaim(c)
		if err != nil {
			return err
		}
		if err := t.called(c); err != nil {
			return err
		}
		if e == nil {
			return t.plan(l, l.Standing, true)
		}
		return t.apply(l, e, true)
	})
}

// HandBack returns a claim of which nothing was sent, because the agent stops:
// it is no failed attempt.
func (s *Store) HandBack(c *OpClaim) error {
	return s.do(noDeadline, func(t *tx) error {
		l, err := t.unclaim(c)
		if err != nil {
			return err
		}
		if err := t.apply(l, trade.Unsent{Op: c.Op}, false); err != nil {
			return err
		}
		_, err = t.Exec("UPDATE ops SET due_at = ? WHERE sale = ? AND state = 'ready'", t.now, c.seq)
		return err
	})
}

// unclaim gives the operation of a claim free; ErrNotOurs where it no longer
// is the claim's.
func (t *tx) unclaim(c *OpClaim) (*loaded, error) {
	res, err := t.Exec("UPDATE ops SET state = 'ready' WHERE sale = ? AND kind = ? AND gen = ? AND serial = ? AND state = 'claimed' AND attempts = ?",
		c.seq, c.Op.Kind, c.Op.Gen, c.Op.Serial, c.Attempts)
	if err != nil {
		return nil, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return nil, errors.Join(ErrNotOurs, err)
	}
	return load(t, c.seq)
}

// ahead, in milliseconds, is how far before now work is due that somebody waits
// for, so that it goes before everything that is merely overdue.
const ahead = 24 * 60 * 60 * 1000

// HintInvoice notes that a push names an invoice: of the QR code where the
// push has its number, else of the sales that know the serial number. The
// platform is asked about it at once. known is false for an invoice that is
// none of ours.
func (s *Store) HintInvoice(ctx context.Context, qrNo, serial string) (known bool, err error) {
	err = s.do(ctx, func(t *tx) error {
		type place struct {
			sale int64
			gen  int
		}
		var places []place
		err := each(t, "SELECT sale, gen FROM qrs WHERE no = ?1 UNION SELECT sale, gen FROM invoices WHERE serial = ?2", []any{qrNo, serial}, func(scan func(...any) error) error {
			var p place
			err := scan(&p.sale, &p.gen)
			places = append(places, p)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range places {
			known = true
			l, err := load(t, p.sale)
			if err != nil {
				return err
			}
			if err := t.apply(l, trade.InvoiceHinted{Gen: p.gen, Serial: serial, At: at(t.now)}, false); err != nil {
				return err
			}
			if _, err := t.Exec("UPDATE ops SET due_at = ? WHERE sale = ? AND kind = 'invoice_query' AND state = 'ready'", t.now-ahead, p.sale); err != nil {
				return err
			}
			t.lanes[trade.LaneWatch], t.lanes[trade.LaneUndo] = true, true
		}
		if !known {
			return t.record(entry{kind: "PushOrphan", ref: serial})
		}
		return nil
	})
	return known, err
}

// Retry makes what waits for a later attempt due now, even where it waits for
// the tax account: whoever asks has seen to that. What was rejected comes back
// in line. ErrNotFound names an unknown sale.
func (s *Store) Retry(ctx context.Context, saleID string) (*Record, error) {
	var r *Record
	err := s.do(ctx, func(t *tx) error {
		l, err := find(t, saleID)
		if err != nil {
			return err
		}
		r, err = t.retry(l, trade.RetryAsked{})
		return err
	})
	return r, err
}

// HastenAll makes every operation that waits for a later attempt due now: the
// platform is back. Those of the watch lane keep their time.
func (s *Store) HastenAll() error {
	return s.do(noDeadline, func(t *tx) error {
		for _, lane := range []trade.Lane{trade.LaneLive, trade.LaneUndo, trade.LaneBacklog} {
			t.lanes[lane] = true
		}
		_, err := t.Exec("UPDATE ops SET due_at = ? WHERE lane <> 'watch' AND state = 'ready' AND due_at > ?", t.now, t.now)
		return err
	})
}

// ClockJumped moves what waits for a time by as much as the machine's clock
// jumped, so that it waits no longer. It is called up to jumpSeen after the jump,
// and what was planned in between has its time by the new clock already. After a
// jump ahead only what is due too early to be of these is moved; what else was
// planned before it waits shorter.
func (s *Store) ClockJumped(by time.Duration) error {
	return s.do(noDeadline, func(t *tx) error {
		t.wakeAll()
		t.paper = true
		t.log(slog.LevelWarn, "the machine's clock jumped", "by", by)
		before := ms(never)
		if by > 0 {
			before = t.now - max(min(by/2, jumpSeen), by-longestPause).Milliseconds()
		}
		_, err := t.Exec("UPDATE ops SET due_at = due_at + ? WHERE due_at < ?", by.Milliseconds(), before)
		if err == nil {
			_, err = t.Exec("UPDATE prints SET due_at = due_at + ? WHERE "+isOpen+" AND state <> 'printing' AND due_at < ?", by.Milliseconds(), before)
		}
		return err
	})
}

// jumpSeen is how soon after a jump of the clock ClockJumped is called at the
// latest.
const jumpSeen = time.Minute

// longestPause is more than any operation or print job waits by itself; what
// waits longer at a start had its time set by a clock that was wrong.
const longestPause = 2 * time.Hour

// recover settles, at start, what a crash broke off: an operation that was
// claimed may or may not have reached the platform, so it is asked about; a
// print may or may not be on paper, so it is never repeated by itself.
func (t *tx) recover() error {
	type broken struct {
		seq int64
		op  trade.Op
	}
	var ops []broken
	err := each(t, "SELECT sale, kind, gen, serial, lane FROM ops WHERE state = ?", "claimed", func(scan func(...any) error) error {
		var b broken
		err := scan(&b.seq, &b.op.Kind, &b.op.Gen, &b.op.Serial, &b.op.Lane)
		ops = append(ops, b)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range ops {
		l, err := load(t, b.seq)
		if err != nil {
			return err
		}
		if err := t.apply(l, trade.Lost{Op: b.op}, true); err != nil {
			return err
		}
	}
	for _, query := range []string{"UPDATE ops SET due_at = ?1 WHERE due_at > ?2",
		"UPDATE prints SET due_at = ?1 WHERE " + isOpen + " AND state <> 'printing' AND due_at > ?2 AND due_at < ?3"} {
		if _, err := t.Exec(query, t.now, t.now+longestPause.Milliseconds(), ms(never)); err != nil {
			return err
		}
	}
	if err := t.demote(); err != nil {
		return err
	}
	return t.recoverPrints()
}
