package queue

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tillagent/trade"
)

// Place is the place of an entry in a list, after which the list goes on. The
// zero value is before everything.
type Place struct {
	At  int64 // UTC ms: when the entry was accepted
	Seq int64 // of a sale or an alert
	ID  string
}

// SaleFilter says which sales are wanted; what is zero leaves nothing out.
type SaleFilter struct {
	States []trade.SaleState
	// Prints are states of the paper that the sale itself asked for, PrintNone
	// for sales without.
	Prints   []trade.PrintState
	From, To time.Time // accepted at From or later, and before To
	// Text is part of the sale_id, of an invoice's number or of a QR code's.
	Text  string
	After Place
	Limit int // at least 1
}

// PrintNone stands for a sale that asked for no paper.
const PrintNone trade.PrintState = "none"

// maxPage is how many bytes of extra a page of a list takes in before it ends
// early: an extra may be a megabyte, and a page of such more memory than a till
// has.
const maxPage = 8 << 20

// Sales lists sales, newest first by the time of acceptance, and says after
// which place the list goes on; zero where it ends. A page of large sales has
// fewer than the limit.
func (s *Store) Sales(ctx context.Context, f SaleFilter) (found []*Record, next Place, err error) {
	err = s.read(ctx, func(q querier) error {
		seats, err := findSales(q, f)
		if err != nil {
			return err
		}
		if len(seats) > f.Limit {
			seats = seats[:f.Limit]
			next = seats[f.Limit-1]
		}
		size := 0
		for i, x := range seats {
			l, err := load(q, x.Seq)
			if err != nil {
				return err
			}
			r, err := record(q, l)
			if err != nil {
				return err
			}
			found = append(found, r)
			if size += len(r.Sale.Extra); size > maxPage && i < len(seats)-1 {
				next = x
				return nil
			}
		}
		return nil
	})
	return found, next, err
}

// The ways in of a list of sales. The first two run along an index, newest
// first; searching reads all numbers, from indexes alone; few sales have paper
// that did not simply come out.
const (
	byTime  = "sales s INDEXED BY sales_accepted"
	byState = "sales s INDEXED BY sales_view"
	byText  = `(SELECT seq FROM sales WHERE instr(sale_id, ?) > 0
		UNION SELECT sale FROM qrs WHERE instr(no, ?) > 0
		UNION SELECT sale FROM invoices INDEXED BY invoices_number WHERE (number <> '' OR no <> '') AND (instr(number, ?) > 0 OR instr(no, ?) > 0)) h
		CROSS JOIN sales s ON s.seq = h.seq`
	byPaper = `(SELECT DISTINCT sale FROM prints INDEXED BY prints_unusual WHERE state NOT IN ('printed','sent') AND state IN ?) h
		CROSS JOIN sales s ON s.seq = h.sale`
	// ownPaper is the state of the paper that a sale itself asked for, as Print.Shown has it.
	ownPaper = `coalesce((SELECT iif(state = 'printing' AND reason <> '', 'held', state) FROM prints p WHERE p.sale = s.seq AND p.refund_id = '' AND p.asked = 0 AND p.paper <> 'ticket' ORDER BY p.seq LIMIT 1), 'none')`
)

// findSales finds one sale more than the filter's limit.
func findSales(q querier, f SaleFilter) ([]Place, error) {
	switch {
	case f.Text != "":
		return runSales(q, f, f.States, newSelection(byText, f.Text, f.Text, f.Text, f.Text))
	case unusual(f.Prints):
		stored := f.Prints
		if slices.Contains(stored, trade.PrintHeld) {
			stored = append(slices.Clip(stored), trade.PrintPrinting)
		}
		return runSales(q, f, f.States, newSelection(strings.Replace(byPaper, "IN ?", "IN "+marks(stored), 1), values(stored)...))
	case len(f.States) == 0:
		return runSales(q, f, nil, newSelection(byTime))
	}
	var all []Place
	for _, state := range f.States { // one run along the index each
		some, err := runSales(q, f, []trade.SaleState{state}, newSelection(byState))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Place) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.Seq, a.Seq)) })
	return all[:min(len(all), f.Limit+1)], nil
}

// unusual reports whether only paper is wanted that few sales have.
func unusual(states []trade.PrintState) bool {
	for _, p := range states {
		if p == PrintNone || p == trade.PrintPrinted || p == trade.PrintSent {
			return false
		}
	}
	return len(states) > 0
}

func runSales(q querier, f SaleFilter, states []trade.SaleState, s *selection) (found []Place, err error) {
	query, args := salesQuery(f, states, s)
	err = each(q, query, args, func(scan func(...any) error) error {
		var p Place
		err := scan(&p.At, &p.Seq)
		found = append(found, p)
		return err
	})
	return found, err
}

func salesQuery(f SaleFilter, states []trade.SaleState, s *selection) (query string, args []any) {
	if len(states) > 0 {
		s.where("s.view IN "+marks(states), values(states)...)
	}
	if len(f.Prints) > 0 {
		s.where(ownPaper+" IN "+marks(f.Prints), values(f.Prints)...)
	}
	s.within("s.accepted_at", f.From, f.To)
	if f.After != (Place{}) {
		s.where("s.accepted_at <= ? AND (s.accepted_at < ? OR s.seq < ?)", f.After.At, f.After.At, f.After.Seq)
	}
	return s.query("s.accepted_at, s.seq", "s.accepted_at DESC, s.seq DESC", f.Limit+1)
}

// selection is a query in the making.
type selection struct {
	from       string
	conditions []string
	args       []any
}

func newSelection(from string, args ...any) *selection { return &selection{from: from, args: args} }

func (s *selection) where(condition string, args ...any) {
	s.conditions = append(s.conditions, "("+condition+")")
	s.args = append(s.args, args...)
}

// within wants a column's time at from or later and before to, where they are
// given.
func (s *selection) within(column string, from, to time.Time) {
	if !from.IsZero() {
		s.where(column+" >= ?", ms(from))
	}
	if !to.IsZero() {
		s.where(column+" < ?", ms(to))
	}
}

func (s *selection) query(columns, order string, limit int) (string, []any) {
	where := ""
	if len(s.conditions) > 0 {
		where = " WHERE " + strings.Join(s.conditions, " AND ")
	}
	return "SELECT " + columns + " FROM " + s.from + where + " ORDER BY " + order + " LIMIT ?", append(s.args, limit)
}

// marks are SQL's placeholders for a list of words, values their arguments.
func marks[T ~string](words []T) string {
	return "(" + strings.TrimSuffix(strings.Repeat("?,", len(words)), ",") + ")"
}

func values[T ~string](words []T) []any {
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = string(w)
	}
	return args
}
