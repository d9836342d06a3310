package queue

import (
	"context"
	"sync"
)

// waiters lets callers wait for the next change of a sale.
type waiters struct {
	mu   sync.Mutex
	wait map[string][]chan struct{}
}

// on returns a channel that is closed at the next change of the sale, and a
// function that gives it up.
func (w *waiters) on(saleID string) (<-chan struct{}, func()) {
	c := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wait == nil {
		w.wait = map[string][]chan struct{}{}
	}
	w.wait[saleID] = append(w.wait[saleID], c)
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		left := w.wait[saleID][:0]
		for _, x := range w.wait[saleID] {
			if x != c {
				left = append(left, x)
			}
		}
		if len(left) == 0 {
			delete(w.wait, saleID)
		} else {
			w.wait[saleID] = left
		}
	}
}

func (w *waiters) tell(sales []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range sales {
		for _, c := range w.wait[id] {
			close(c)
		}
		delete(w.wait, id)
	}
}

// Await returns the sale as soon as until holds for it, or as it stands when
// ctx ends.
func (s *Store) Await(ctx context.Context, saleID string, until func(*Record) bool) (*Record, error) {
	for {
		changed, leave := s.waiters.on(saleID)
		r, err := s.Sale(context.WithoutCancel(ctx), saleID)
		if err != nil || until(r) {
			leave()
			return r, err
		}
		select {
		case <-changed:
			leave()
		case <-ctx.Done():
			leave()
			return r, nil
		case <-s.stop:
			leave()
			return r, nil
		}
	}
}
