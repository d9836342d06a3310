package queue

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tillagent/trade"
)

// DayReport is a day as an accountant looks at it: DayView with what was invoiced
// and taxed, what is open, and what the POS may count to another day.
type DayReport struct {
	DayView
	// Blue and Red are the issued invoices of the sales that were accepted on
	// that day, whenever they were issued; those of Red are negative. One over
	// several sales counts once.
	Blue, Red Issued
	// Rates are the lines of the day's sales by tax rate, highest first.
	Rates []RateTally
	// SoldElse are those of Sales that were sold on another day; TakenElse those
	// that were sold on this day and accepted on another, at most a week apart.
	SoldElse, TakenElse Tally
	// Open is what of that day a person may ask about, by time; the first
	// MaxOpen of OpenCount.
	Open      []OpenItem
	OpenCount int
}

// MaxOpen bounds the list of what is open.
const MaxOpen = 200

// Issued are issued invoices with their net amount and their tax.
type Issued struct {
	Tally
	Net, Tax trade.Money
}

// RateTally is what was sold at a tax rate, with tax, and the tax within it:
// of each line by itself, rounded. NoRate is of lines that nobody invoices.
type RateTally struct {
	Rate       trade.Rate
	Gross, Tax trade.Money
}

// OpenItem is a sale, a refund or a print job that is not at its end, or that
// came to one with which a person has something to do.
type OpenItem struct {
	Record   *Record
	RefundID string // "" where it is the sale itself or its paper
	JobID    string // "" where it is not about paper
	At       time.Time
}

// accepted are the sales of a day, in SQL, without those of training; those
// within a week of it may belong to it although they were accepted on another.
const (
	accepted = "accepted_at >= ?1 AND accepted_at < ?2 AND training = 0"
	aWeek    = 7 * 24 * time.Hour
)

// DayReport reads the day in loc in which date lies.
func (s *Store) DayReport(ctx context.Context, date time.Time, loc *time.Location) (*DayReport, error) {
	day, err := s.Day(ctx, date, loc)
	if err != nil {
		return nil, err
	}
	r := &DayReport{DayView: day}
	err = s.read(ctx, func(q querier) error {
		for _, part := range []func(querier) error{r.invoices, r.rates, r.elsewhere, r.open} {
			if err := part(q); err != nil {
				return err
			}
		}
		return nil
	})
	return r, err
}

func (r *DayReport) within() []any { return []any{ms(r.From), ms(r.To)} }

func (r *DayReport) invoices(q querier) error {
	// One invoice over several sales' codes is every one's, over the sum of them all.
	return each(q, `SELECT kind, count(*), sum(amount), sum(net), sum(tax) FROM (
		SELECT i.kind, max(i.amount) AS amount, max(i.net) AS net, max(i.tax) AS tax FROM sales s JOIN invoices i ON i.sale = s.seq
		WHERE `+accepted+` AND i.issued_at > 0 AND i.state IN ('issued','red_pending','red_partial','red_full') GROUP BY i.kind, i.serial) GROUP BY kind`, r.within(), func(scan func(...any) error) error {
		var kind trade.InvoiceKind
		var v Issued
		err := scan(&kind, &v.Count, &v.Sum, &v.Net, &v.Tax)
		if kind == trade.Blue {
			r.Blue = v
		} else {
			r.Red = v
		}
		return err
	})
}

func (r *DayReport) rates(q querier) error {
	tallies := map[trade.Rate]*RateTally{}
	err := each(q, "SELECT body -> '$.items' FROM sales WHERE "+accepted, r.within(), func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		var items []trade.Line
		if err := json.Unmarshal([]byte(text), &items); err != nil {
			return err
		}
		for _, l := range items {
			t := tallies[l.Rate]
			if t == nil {
				t = &RateTally{Rate: l.Rate}
				tallies[l.Rate] = t
			}
			t.Gross += l.Net()
			t.Tax += l.Tax()
		}
		return nil
	})
	for _, t := range tallies {
		r.Rates = append(r.Rates, *t)
	}
	slices.SortFunc(r.Rates, func(a, b RateTally) int { return int(b.Rate) - int(a.Rate) })
	return err
}

// elsewhere counts what was sold and accepted on two different days.
func (r *DayReport) elsewhere(q querier) error {
	return each(q, "SELECT accepted_at, total, body ->> '$.sold_at' FROM sales WHERE "+accepted,
		[]any{ms(r.From.Add(-aWeek)), ms(r.To.Add(aWeek))}, func(scan func(...any) error) error {
			var when int64
			var total trade.Money
			var text string
			if err := scan(&when, &total, &text); err != nil {
				return err
			}
			sold, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return err
			}
			switch taken := at(when); {
			case r.holds(taken) && !r.holds(sold):
				r.SoldElse.add(1, total)
			case r.holds(sold) && !r.holds(taken):
				r.TakenElse.add(1, total)
			}
			return nil
		})
}

func (r *DayReport) holds(t time.Time) bool { return !t.Before(r.From) && t.Before(r.To) }

// openViews are the states of a sale with which somebody has something to do,
// or the platform has.
const openViews = "('queued','invoicing','auth_required','invoice_failed','rejected')"

// open lists what is not at its end: sales, refunds, and paper that is not out
// or may not be complete.
func (r *DayReport) open(q querier) error {
	type found struct {
		sale        int64
		refund, job string
		at          int64
	}
	var all []found
	err := each(q, `SELECT seq, '', '', accepted_at FROM sales WHERE `+accepted+` AND view IN `+openViews+`
		UNION ALL SELECT sale, refund_id, '', created_at FROM refunds WHERE created_at >= ?1 AND created_at < ?2 AND state <> 'done' AND sale NOT IN (SELECT seq FROM sales WHERE training = 1)
		UNION ALL SELECT p.sale, '', p.job_id, p.created_at FROM sales s JOIN prints p ON p.sale = s.seq
			WHERE `+accepted+` AND p.state IN ('queued','printing','held','uncertain','failed')
		ORDER BY 4, 1`, r.within(), func(scan func(...any) error) error {
		var f found
		err := scan(&f.sale, &f.refund, &f.job, &f.at)
		all = append(all, f)
		return err
	})
	if err != nil {
		return err
	}
	r.OpenCount = len(all)
	for _, f := range all[:min(len(all), MaxOpen)] {
		l, err := load(q, f.sale)
		if err != nil {
			return err
		}
		rec, err := record(q, l)
		if err != nil {
			return err
		}
		r.Open = append(r.Open, OpenItem{rec, f.refund, f.job, at(f.at)})
	}
	return nil
}

// CloseDay notes in the journal that a day was closed: its date, the result of
// the comparison and a digest of what was compared. A day may be closed as
// often as somebody likes.
func (s *Store) CloseDay(ctx context.Context, date, result string, compared any) error {
	return s.do(ctx, func(t *tx) error {
		return t.record(entry{kind: "DayClosed", ref: date, state: result, digest: digestOf(compared)})
	})
}
