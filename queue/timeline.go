package queue

import (
	"context"
	"time"
)

// Move is what the journal has of a sale: an entry for each event that changed
// how it stands, and for each move of its paper.
type Move struct {
	At    time.Time
	Kind  string // the name of a trade.Event, SaleAccepted, RefundAccepted, or Print for paper
	Ref   string // the refund, or the print job
	State string // of the sale after the move; of the print job for paper
	Cause string // why paper is held or uncertain
}

// kindPrint is the journal's entry for a move of paper.
const kindPrint = "Print"

// IsPaper reports whether the move is one of paper.
func (m Move) IsPaper() bool { return m.Kind == kindPrint }

const movesOfSale = "SELECT at, kind, ref, state, digest FROM journal WHERE sale = ? AND sale <> '' ORDER BY seq"

// Timeline is a sale with all that happened to it, each part in the order in
// which it was stored.
type Timeline struct {
	Record *Record
	Moves  []Move
	Calls  []CallRow
}

// Timeline reads what happened to a sale; ErrNotFound where there is none.
func (s *Store) Timeline(ctx context.Context, saleID string) (*Timeline, error) {
	t := &Timeline{}
	err := s.read(ctx, func(q querier) error {
		l, err := find(q, saleID)
		if err != nil {
			return err
		}
		if t.Record, err = record(q, l); err != nil {
			return err
		}
		if t.Calls, err = callsOf(q, l.seq); err != nil {
			return err
		}
		return each(q, movesOfSale, saleID, func(scan func(...any) error) error {
			var m Move
			var when int64
			err := scan(&when, &m.Kind, &m.Ref, &m.State, &m.Cause)
			if m.At = at(when); !m.IsPaper() {
				m.Cause = "" // it is the digest of what moved
			}
			t.Moves = append(t.Moves, m)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}
