package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"tillagent/trade"
)

// Retention says how long data is kept.
type Retention struct {
	// Buyers is the age at which buyers' data are wiped from sales that have
	// nothing left to send.
	Buyers time.Duration
	// Sales is the age at which sales are deleted with all that belongs to
	// them, counted from the last move; 0 keeps them for ever. What is open
	// stays however old it is.
	Sales time.Duration
}

// kindDeleted is the journal's entry for a sale whose time was over.
const kindDeleted = "SaleDeleted"

// ofSale are the tables with rows of a sale, in the order in which they can be
// deleted.
var ofSale = []string{"ops", "calls", "prints", "invoices", "refunds", "qrs"}

const (
	stepWithin   = 25 * time.Millisecond  // no further row is begun in a step; the commit comes on top
	betweenSteps = 100 * time.Millisecond // sales have the database to themselves
	mostRows     = 200                    // of a step
)

// mayWipe holds for sales whose buyer may go: nothing of them is still to be
// sent. Those of the watch lane are only asked about, but for a direct invoice,
// which may have to go out again unchanged. ?1 is the latest time of
// what is too old.
const mayWipe = `buyer_wiped = 0 AND accepted_at < ?1
	AND NOT EXISTS (SELECT 1 FROM ops WHERE ops.sale = sales.seq AND (ops.lane <> 'watch' OR sales.wish = 'direct'))`

// mayDelete holds for sales at rest: the platform has nothing more to say, no
// refund and no paper is under way, and no person is asked to act.
const mayDelete = `accepted_at < ?1 AND updated_at < ?1
	AND NOT EXISTS (SELECT 1 FROM ops WHERE ops.sale = sales.seq)
	AND NOT EXISTS (SELECT 1 FROM refunds WHERE refunds.sale = sales.seq AND refunds.state <> 'done')
	AND NOT EXISTS (SELECT 1 FROM prints WHERE prints.sale = sales.seq AND (prints.created_at >= ?1 OR prints.state IN ('waiting_qr','queued','printing','held')))
	AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.sale_id = sales.sale_id AND alerts.cleared_at = 0 AND alerts.acked_at = 0)`

// The queries of sweep.young. The + leaves SQLite the index of times: a table of
// a million sales is not read for them. Of events the oldest are looked at first,
// and the first is young as soon as the old ones are gone.
const (
	youngSale    = "SELECT min(+seq) FROM sales WHERE accepted_at BETWEEN ?1 AND ?2"
	youngContent = "SELECT min(+seq) FROM prints WHERE content IS NOT NULL AND created_at BETWEEN ?1 AND ?2"
	youngPrint   = "SELECT min(+seq) FROM prints INDEXED BY prints_own WHERE sale IS NULL AND created_at BETWEEN ?1 AND ?2"
	youngEvent   = "SELECT (SELECT seq FROM events WHERE at BETWEEN ?1 AND ?2 ORDER BY seq LIMIT 1)"
)

// sweep is one kind of row that goes.
type sweep struct {
	what   string // for the log
	table  string
	key    string
	where  string // which rows may go
	before time.Time
	// young finds the key of the first row that was made from ?1 to ?2, where the
	// order of the keys is that of making; "" for none. What comes after it is
	// young as well, whatever its time says: the clock was behind when it was made.
	young string
	// change wipes or deletes the row with this key, for which where holds.
	change func(t *tx, key int64) error
}

// Retain wipes and deletes what is older than it may be, in short steps with
// pauses between them, so that a sale waits some 50 ms at most. It returns when
// nothing is left or ctx ends. The journal is kept whole, and the digest of a
// sale as long as the sale: a repetition is still known.
func (s *Store) Retain(ctx context.Context, r Retention) error {
	now := s.opts.Now()
	buyers := now.Add(-r.Buyers)
	sweeps := []sweep{
		{"buyers wiped", "sales", "seq", mayWipe, buyers, youngSale, (*tx).wipeBuyer},
		{"print contents wiped", "prints", "seq", mayForgetContent, buyers, youngContent, (*tx).forgetContent},
	}
	if old := now.Add(-r.Sales); r.Sales > 0 {
		sweeps = append(sweeps,
			sweep{"sales deleted", "sales", "seq", mayDelete, old, youngSale, (*tx).deleteSale},
			sweep{"events deleted", "events", "seq", "at < ?1", old, youngEvent, func(t *tx, seq int64) error {
				_, err := t.Exec("DELETE FROM events WHERE seq = ?", seq)
				return err
			}},
			sweep{"print jobs deleted", "prints", "seq", mayDeletePrint, old, youngPrint, (*tx).deletePrint},
			sweep{"alerts deleted", "alerts", "id", "cleared_at BETWEEN 1 AND ?1", old, "", func(t *tx, id int64) error {
				_, err := t.Exec("DELETE FROM alerts WHERE id = ?", id)
				return err
			}})
	}
	for _, w := range sweeps {
		if err := s.sweep(ctx, w); err != nil {
			return fmt.Errorf("cannot keep to the retention (%s): %w", w.what, err)
		}
	}
	return nil
}

// wipeBuyer empties the buyer of a sale. Its bytes are overwritten in the
// database (PRAGMA secure_delete).
func (t *tx) wipeBuyer(seq int64) error {
	nobody, err := json.Marshal(trade.Buyer{})
	if err != nil {
		return err
	}
	_, err = t.Exec("UPDATE sales SET body = json_remove(json_set(body, '$.buyer', json(?)), '$.sealed_buyer'), buyer_wiped = 1 WHERE seq = ?", string(nobody), seq)
	return err
}

// deleteSale deletes a sale with all that belongs to it, but for its events,
// which go by their own age.
func (t *tx) deleteSale(seq int64) error {
	var id, digest string
	var view trade.SaleState
	if err := t.QueryRow("SELECT sale_id, digest, view FROM sales WHERE seq = ?", seq).Scan(&id, &digest, &view); err != nil {
		return err
	}
	for _, table := range ofSale {
		if _, err := t.Exec("DELETE FROM "+table+" WHERE sale = ?", seq); err != nil {
			return err
		}
	}
	if _, err := t.Exec("DELETE FROM sales WHERE seq = ?", seq); err != nil {
		return err
	}
	if err := t.clearSale(id); err != nil {
		return err
	}
	t.views[view]--
	return t.record(entry{kind: kindDeleted, sale: id, digest: digest})
}

// sweep changes the rows of one kind, some at a time.
func (s *Store) sweep(ctx context.Context, w sweep) error {
	young, err := s.firstYoung(w)
	if err != nil {
		return err
	}
	find := fmt.Sprintf("SELECT %s FROM %s WHERE %s AND +%s < ?3 LIMIT ?2", w.key, w.table, w.where, w.key)
	total := 0
	defer func() {
		if total > 0 {
			s.log.Info(w.what, "count", total)
		}
	}()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil
		}
		// Found by a reader, which holds up nobody.
		keys, err := s.keys(find, w.before, young)
		if err != nil || len(keys) == 0 {
			return err
		}
		n, err := s.step(ctx, w, keys)
		if ctx.Err() != nil || errors.Is(err, ErrStopping) {
			return nil
		}
		if err != nil {
			return err
		}
		total += n
		pause.Reset(betweenSteps)
	}
}

// step changes the first of some rows in one transaction, as many as there is
// time for, and counts them.
func (s *Store) step(ctx context.Context, w sweep, keys []int64) (n int, err error) {
	still := fmt.Sprintf("SELECT count(*) FROM %s WHERE %s AND %s = ?2", w.table, w.where, w.key)
	err = s.do(ctx, func(t *tx) error {
		began := time.Now()
		for _, key := range keys {
			if n > 0 && time.Since(began) > stepWithin {
				break
			}
			var may int // since the look it may have moved
			if err := t.QueryRow(still, ms(w.before), key).Scan(&may); err != nil {
				return err
			}
			if may == 0 {
				continue
			}
			if err := w.change(t, key); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// firstYoung is the key of the first row that is not old yet. What claims to be
// of a time to come does not count: the clock was ahead when it was made.
func (s *Store) firstYoung(w sweep) (int64, error) {
	if w.young == "" {
		return math.MaxInt64, nil
	}
	var key sql.NullInt64
	err := s.reader.QueryRow(w.young, ms(w.before), s.opts.Now().UnixMilli()).Scan(&key)
	if !key.Valid {
		key.Int64 = math.MaxInt64
	}
	return key.Int64, err
}

// keys are the first rows that a query finds before a key.
func (s *Store) keys(query string, before time.Time, young int64) ([]int64, error) {
	var keys []int64
	err := each(s.reader, query, []any{ms(before), mostRows, young}, func(scan func(...any) error) error {
		var key int64
		err := scan(&key)
		keys = append(keys, key)
		return err
	})
	return keys, err
}
