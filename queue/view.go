package queue

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	"tillagent/trade"
)

// A View reads a database, beside a running agent too, and never changes it.
type View struct{ reader *sql.DB }

// OpenView opens a database for reading alone. Its tables must be of this
// program's version: reading brings nothing up to date.
func OpenView(ctx context.Context, path string) (*View, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	c, err := Inspect(ctx, Options{Path: path})
	switch {
	case err != nil:
		return nil, err
	case c.Missing:
		return nil, fmt.Errorf("cannot read %s: there is no such file", path)
	case c.Version != c.Latest:
		return nil, &VersionError{path, c.Version, c.Latest}
	}
	db, err := sql.Open("sqlite", readOnly(path))
	if err != nil {
		return nil, err
	}
	return &View{db}, nil
}

// VersionError says that a database has tables of another version than this
// program's.
type VersionError struct {
	Path            string
	Version, Latest int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has version %d, this program %d", e.Path, e.Version, e.Latest)
}

// Close ends the view.
func (v *View) Close() error { return v.reader.Close() }

// viewPage is how many sales are read in one transaction: a long one would keep
// a running agent from emptying its log of writes.
const viewPage = 200

// Sales calls f for each sale that was accepted at from or later and before to,
// the oldest first. An error of f ends the walk and is returned.
func (v *View) Sales(ctx context.Context, from, to time.Time, f func(*Record) error) error {
	for last := int64(0); ; {
		records, next, err := v.page(ctx, last, from, to)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := f(r); err != nil {
				return err
			}
		}
		if len(records) < viewPage {
			return nil
		}
		last = next
	}
}

// page reads the sales after one by its place in the order of acceptance, and
// gives the place of the last.
func (v *View) page(ctx context.Context, after int64, from, to time.Time) (records []*Record, last int64, err error) {
	s := Store{reader: v.reader}
	err = s.read(ctx, func(q querier) error {
		sel := newSelection("sales s")
		sel.where("s.seq > ?", after)
		sel.within("s.accepted_at", from, to)
		query, args := sel.query("s.seq", "s.seq", viewPage)
		seats, err := seqsOf(q, query, args)
		if err != nil {
			return err
		}
		for _, seq := range seats {
			l, err := load(q, seq)
			if err != nil {
				return err
			}
			r, err := record(q, l)
			if err != nil {
				return err
			}
			records, last = append(records, r), seq
		}
		return nil
	})
	return records, last, err
}

// Refunds calls f for each refund that was accepted at from or later and before
// to, the newest first. An error of f ends the walk and is returned.
func (v *View) Refunds(ctx context.Context, from, to time.Time, f func(FoundRefund) error) error {
	s := Store{reader: v.reader}
	for filter := (RefundFilter{From: from, To: to, Limit: viewPage}); ; {
		found, next, err := s.Refunds(ctx, filter)
		if err != nil {
			return err
		}
		for _, r := range found {
			if err := f(r); err != nil {
				return err
			}
		}
		if next == (Place{}) {
			return nil
		}
		filter.After = next
	}
}

// Invoices calls f for each invoice that was issued at from or later and before
// to, with its sale, in the order of sales. An error of f ends the walk and is
// returned.
func (v *View) Invoices(ctx context.Context, from, to time.Time, f func(saleID string, i trade.Invoice) error) error {
	s := Store{reader: v.reader}
	for last := int64(0); ; {
		var seats []int64
		var standings []trade.Standing
		err := s.read(ctx, func(q querier) error {
			sel := newSelection("invoices")
			sel.where("sale > ?", last)
			sel.where("issued_at > 0")
			sel.within("issued_at", from, to)
			query, args := sel.query("DISTINCT sale", "sale", viewPage)
			err := each(q, query, args, func(scan func(...any) error) error {
				var seq int64
				err := scan(&seq)
				seats = append(seats, seq)
				return err
			})
			if err != nil {
				return err
			}
			for _, seq := range seats {
				l, err := load(q, seq)
				if err != nil {
					return err
				}
				standings = append(standings, l.Standing)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, st := range standings {
			for _, i := range st.Invoices {
				if i.IssuedAt.IsZero() || i.IssuedAt.Before(from) || !to.IsZero() && !i.IssuedAt.Before(to) {
					continue
				}
				if err := f(st.SaleID, i); err != nil {
					return err
				}
			}
		}
		if len(seats) < viewPage {
			return nil
		}
		last = seats[len(seats)-1]
	}
}

// A JournalEntry is one move as the journal has it.
type JournalEntry struct {
	Seq    int64
	At     time.Time
	Kind   string
	Sale   string
	Ref    string
	State  string
	Digest string
	Hash   string
}

const journalColumns = "seq, at, kind, sale, ref, state, digest, hash"

func scanJournal(scan func(...any) error) (e JournalEntry, err error) {
	var ms int64
	err = scan(&e.Seq, &ms, &e.Kind, &e.Sale, &e.Ref, &e.State, &e.Digest, &e.Hash)
	e.At = at(ms)
	return e, err
}

// Journal calls f for each entry made at from or later and before to, in their
// order. An error of f ends the walk and is returned.
func (v *View) Journal(ctx context.Context, from, to time.Time, f func(JournalEntry) error) error {
	s := Store{reader: v.reader}
	for last := int64(0); ; {
		var page []JournalEntry
		err := s.read(ctx, func(q querier) error {
			sel := newSelection("journal")
			sel.where("seq > ?", last)
			sel.within("at", from, to)
			query, args := sel.query(journalColumns, "seq", viewPage)
			return each(q, query, args, func(scan func(...any) error) error {
				e, err := scanJournal(scan)
				page = append(page, e)
				return err
			})
		})
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := f(e); err != nil {
				return err
			}
		}
		if len(page) < viewPage {
			return nil
		}
		last = page[len(page)-1].Seq
	}
}

// JournalTail gives the last entries, at most n, in their order.
func (v *View) JournalTail(ctx context.Context, n int) (tail []JournalEntry, err error) {
	s := Store{reader: v.reader}
	err = s.read(ctx, func(q querier) error {
		return each(q, "SELECT * FROM (SELECT "+journalColumns+" FROM journal ORDER BY seq DESC LIMIT ?) ORDER BY seq", n, func(scan func(...any) error) error {
			e, err := scanJournal(scan)
			tail = append(tail, e)
			return err
		})
	})
	return tail, err
}
