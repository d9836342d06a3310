package queue

import (
	"context"
	"maps"
	"sync"

	"tillagent/trade"
)

// tally has how many sales are in which state. They are counted when they are
// asked for first, which takes a moment where there are a million, and from then
// on each commit moves the figures. Nobody else writes to the database.
type tally struct {
	asking  sync.Mutex // held by who counts
	landing sync.Mutex // held while a commit lands and moves the figures
	mu      sync.Mutex
	counted bool
	sales   map[trade.SaleState]int // not counted: what moved since the snapshot
}

// land commits a batch and moves the figures by what was done in it. No snapshot
// is taken between the two.
func (s *Store) land(b *batch, done []*tx) error {
	s.tally.landing.Lock()
	defer s.tally.landing.Unlock()
	if err := b.Commit(); err != nil {
		return err
	}
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	for _, t := range done {
		for state, n := range t.views {
			s.tally.sales[state] += n
		}
	}
	return nil
}

// sales is how many sales are in which state.
func (s *Store) sales(ctx context.Context) (map[trade.SaleState]int, error) {
	c := &s.tally
	c.asking.Lock()
	defer c.asking.Unlock()
	if !c.counted {
		if err := s.read(ctx, s.countSales); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.sales), nil
}

// countSales counts the sales of a snapshot while others may be taken, and adds
// what moved since.
func (s *Store) countSales(q querier) error {
	c := &s.tally
	if err := c.begin(q); err != nil {
		return err
	}
	counted, err := salesByState(q)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for state, n := range counted {
		c.sales[state] += n
	}
	c.counted = true
	return nil
}

// begin takes the snapshot and notes from then on what moves.
func (c *tally) begin(q querier) error {
	c.landing.Lock()
	defer c.landing.Unlock()
	var version int
	if err := q.QueryRow("PRAGMA user_version").Scan(&version); err != nil { // a transaction's first reading takes its snapshot
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.sales)
	return nil
}

// salesByState counts sales as they are stored.
func salesByState(q querier) (map[trade.SaleState]int, error) {
	counted := map[trade.SaleState]int{}
	err := each(q, "SELECT view, count(*) FROM sales GROUP BY view", []any{}, func(scan func(...any) error) error {
		var v trade.SaleState
		var n int
		err := scan(&v, &n)
		counted[v] = n
		return err
	})
	return counted, err
}
