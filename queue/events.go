package queue

import (
	"context"
	"time"
)

// Event is what subscribers of the local API are told. Seq has no gaps as long
// as events are kept, and never goes back.
type Event struct {
	Seq      int64
	At       time.Time
	Type     string // such as sale.qr_ready
	SaleID   string
	RefundID string
	State    string
	Detail   string
}

// EventsAfter reads up to limit events after a sequence number, oldest first.
func (s *Store) EventsAfter(ctx context.Context, seq int64, limit int) ([]Event, error) {
	var events []Event
	err := s.read(ctx, func(q querier) error {
		return each(q, "SELECT seq, at, type, sale_id, refund_id, state, detail FROM events WHERE seq > ? ORDER BY seq LIMIT ?", []any{seq, limit}, func(scan func(...any) error) error {
			var e Event
			var when int64
			err := scan(&e.Seq, &when, &e.Type, &e.SaleID, &e.RefundID, &e.State, &e.Detail)
			e.At = at(when)
			events = append(events, e)
			return err
		})
	})
	return events, err
}
