package queue

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tillagent/trade"
)

// Tally is a number of sales or refunds and their sum.
type Tally struct {
	Count int
	Sum   trade.Money
}

func (t *Tally) add(n int, sum trade.Money) {
	t.Count += n
	t.Sum += sum
}

// DayView is what came of one day's sales and refunds, as they stand now. Those
// of training are none.
type DayView struct {
	From, To time.Time // the day begins at From and ends before To
	// Sales are those that were accepted on that day, whenever they were sold.
	Sales   Tally
	ByState map[trade.SaleState]Tally
	// Refunds are those that were accepted on that day, of sales of any day.
	Refunds        Tally
	RefundsByState map[trade.RefundState]Tally
	// What of that day is open: sales without the QR code they wait for, refunds
	// that are not done, paper that is not out.
	OpenSales, OpenRefunds, OpenPrints int
	// JournalSeq and JournalHash are the journal's last entry before To. The
	// hash stands for the whole history until then: written down elsewhere, it
	// shows a changed one. 0 and "" where there is none.
	JournalSeq  int64
	JournalHash string
}

// Day reads the day in loc in which date lies.
func (s *Store) Day(ctx context.Context, date time.Time, loc *time.Location) (DayView, error) {
	y, m, d := date.In(loc).Date()
	v := DayView{From: time.Date(y, m, d, 0, 0, 0, 0, loc), To: time.Date(y, m, d+1, 0, 0, 0, 0, loc),
		ByState: map[trade.SaleState]Tally{}, RefundsByState: map[trade.RefundState]Tally{}}
	within := []any{ms(v.From), ms(v.To)}
	err := s.read(ctx, func(q querier) error {
		err := each(q, "SELECT view, count(*), sum(total) FROM sales WHERE accepted_at >= ? AND accepted_at < ? AND training = 0 GROUP BY view", within, func(scan func(...any) error) error {
			var state trade.SaleState
			var t Tally
			err := scan(&state, &t.Count, &t.Sum)
			v.ByState[state] = t
			v.Sales.add(t.Count, t.Sum)
			return err
		})
		if err != nil {
			return err
		}
		v.OpenSales = v.ByState[trade.StateQueued].Count
		err = each(q, "SELECT state, count(*), sum(amount) FROM refunds WHERE created_at >= ? AND created_at < ? AND sale NOT IN (SELECT seq FROM sales WHERE training = 1) GROUP BY state", within, func(scan func(...any) error) error {
			var state trade.RefundState
			var t Tally
			err := scan(&state, &t.Count, &t.Sum)
			v.RefundsByState[state] = t
			v.Refunds.add(t.Count, t.Sum)
			if state != trade.RefDone {
				v.OpenRefunds += t.Count
			}
			return err
		})
		if err != nil {
			return err
		}
		err = q.QueryRow("SELECT count(*) FROM prints WHERE state IN ('waiting_qr','queued','printing','held') AND created_at >= ? AND created_at < ?", within...).Scan(&v.OpenPrints)
		if err != nil {
			return err
		}
		err = q.QueryRow("SELECT seq, hash FROM journal WHERE at < ? ORDER BY seq DESC LIMIT 1", ms(v.To)).Scan(&v.JournalSeq, &v.JournalHash)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return v, err
}
