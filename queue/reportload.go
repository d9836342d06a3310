package queue

import (
	"context"

	"tillagent/trade"
)

// Load is how much waits at the moment, by where it waits.
type Load struct {
	Lanes  map[trade.Lane]Depth
	Prints map[PrintPlace]int // of those that are not on paper yet
	Alerts map[string]int     // active ones, by kind
}

// PrintPlace is where print jobs wait.
type PrintPlace struct {
	Printer string
	State   trade.PrintState
}

// Depth is how many operations a lane has.
type Depth struct {
	Due   int // could go out now, or are out
	Later int // wait for a later time
}

// Load reads how much waits.
func (s *Store) Load(ctx context.Context) (Load, error) {
	l := Load{map[trade.Lane]Depth{}, map[PrintPlace]int{}, map[string]int{}}
	err := s.read(ctx, func(q querier) error {
		err := each(q, "SELECT lane, count(*), coalesce(sum(due_at <= ?), 0) FROM ops GROUP BY lane", s.opts.Now().UnixMilli(), func(scan func(...any) error) error {
			var lane trade.Lane
			var all, due int
			err := scan(&lane, &all, &due)
			l.Lanes[lane] = Depth{Due: due, Later: all - due}
			return err
		})
		if err != nil {
			return err
		}
		err = each(q, "SELECT printer, state, count(*) FROM prints WHERE "+isOpen+" GROUP BY printer, state", []any{}, func(scan func(...any) error) error {
			var at PrintPlace
			var n int
			err := scan(&at.Printer, &at.State, &n)
			l.Prints[at] = n
			return err
		})
		if err != nil {
			return err
		}
		return each(q, "SELECT kind, count(*) FROM alerts WHERE cleared_at = 0 GROUP BY kind", []any{}, func(scan func(...any) error) error {
			var kind string
			var n int
			err := scan(&kind, &n)
			l.Alerts[kind] = n
			return err
		})
	})
	return l, err
}
