package queue

import (
	"context"
	"time"

	"tillagent/trade"
)

// CallRow is one or several calls of the platform for a sale: the same call
// that came to the same end, again and again.
type CallRow struct {
	trade.Call           // Took is of the last
	Attempt    int       // of the operation, from 0, at the last of them
	Times      int       // at least 1
	At, LastAt time.Time // the end of the first and of the last; equal where there is one
}

// called keeps what became of a claim's call, if one was made. A code that
// nobody claims is asked about for months: only a call that comes to another
// end than the one before is a row of its own.
func (t *tx) called(c *OpClaim) error {
	if c.Call == nil {
		return nil
	}
	took := max(c.Call.Took.Milliseconds(), 0)
	res, err := t.Exec(`UPDATE calls SET times = times + 1, last_at = ?, attempt = ?, ms = ?
		WHERE seq = (SELECT max(seq) FROM calls WHERE sale = ?) AND interface = ? AND outcome = ? AND code = ?`,
		t.now, c.Attempts, took, c.seq, c.Call.Interface, c.Call.Outcome, c.Call.Code)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = t.Exec("INSERT INTO calls (sale, interface, outcome, code, attempt, at, last_at, ms) VALUES (?,?,?,?,?,?,?,?)",
		c.seq, c.Call.Interface, c.Call.Outcome, c.Call.Code, c.Attempts, t.now, t.now, took)
	return err
}

// Calls are the calls that were made for a sale, oldest first; ErrNotFound
// where there is no such sale.
func (s *Store) Calls(ctx context.Context, saleID string) ([]CallRow, error) {
	var rows []CallRow
	err := s.read(ctx, func(q querier) error {
		l, err := find(q, saleID)
		if err != nil {
			return err
		}
		rows, err = callsOf(q, l.seq)
		return err
	})
	return rows, err
}

func callsOf(q querier, seq int64) (rows []CallRow, err error) {
	err = each(q, "SELECT interface, outcome, code, attempt, times, at, last_at, ms FROM calls WHERE sale = ? ORDER BY seq", seq, func(scan func(...any) error) error {
		var r CallRow
		var first, last, took int64
		err := scan(&r.Interface, &r.Outcome, &r.Code, &r.Attempt, &r.Times, &first, &last, &took)
		r.At, r.LastAt, r.Took = at(first), at(last), time.Duration(took)*time.Millisecond
		rows = append(rows, r)
		return err
	})
	return rows, err
}
