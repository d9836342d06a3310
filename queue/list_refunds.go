package queue

import (
	"context"
	"slices"
	"time"

	"tillagent/trade"
)

// RefundFilter says which refunds are wanted; what is zero leaves nothing out.
type RefundFilter struct {
	States   []string  // of trade.RefundViews
	From, To time.Time // accepted at From or later, and before To
	After    Place
	Limit    int // at least 1
}

// FoundRefund is a refund with its sale.
type FoundRefund struct {
	*Record
	Refund *trade.Refund
}

// Refunds lists refunds, newest first by the time of acceptance, and says
// after which place the list goes on; zero where it ends. A page of refunds of
// large sales has fewer than the limit.
func (s *Store) Refunds(ctx context.Context, f RefundFilter) (found []FoundRefund, next Place, err error) {
	err = s.read(ctx, func(q querier) error {
		var last Place
		size := 0
		// How a refund shows depends on its sale, so that of those that are open
		// some may turn out not to be wanted.
		for after := f.After; ; {
			seats, err := findRefunds(q, f, after)
			if err != nil {
				return err
			}
			for _, x := range seats {
				r, err := foundRefund(q, x)
				if err != nil {
					return err
				}
				if len(f.States) > 0 && !slices.Contains(f.States, r.Standing.RefundView(*r.Refund)) {
					continue
				}
				if len(found) == f.Limit || size > maxPage {
					next = last
					return nil
				}
				found, last = append(found, r), x
				size += len(r.Sale.Extra)
			}
			if len(seats) <= f.Limit {
				return nil
			}
			after = seats[len(seats)-1]
		}
	})
	return found, next, err
}

// findRefunds finds one refund more than the filter's limit, of those that may
// show one of its states.
func findRefunds(q querier, f RefundFilter, after Place) ([]Place, error) {
	stored := storedStates(f.States)
	s := newSelection("refunds r INDEXED BY refunds_created")
	if len(stored) == 1 || len(stored) > 1 && !slices.Contains(stored, trade.RefDone) { // most are done
		s = newSelection("refunds r INDEXED BY refunds_state")
	}
	if len(stored) > 0 {
		s.where("r.state IN "+marks(stored), values(stored)...)
	}
	s.within("r.created_at", f.From, f.To)
	if after != (Place{}) {
		s.where("r.created_at <= ? AND (r.created_at < ? OR r.refund_id < ?)", after.At, after.At, after.ID)
	}
	query, args := s.query("r.created_at, r.sale, r.refund_id", "r.created_at DESC, r.refund_id DESC", f.Limit+1)
	var found []Place
	err := each(q, query, args, func(scan func(...any) error) error {
		var p Place
		err := scan(&p.At, &p.Seq, &p.ID)
		found = append(found, p)
		return err
	})
	return found, err
}

// storedStates are the states of refunds that can show as one of the views;
// none where every refund may.
func storedStates(views []string) []trade.RefundState {
	var states []trade.RefundState
	for _, v := range views {
		switch v {
		case "done":
			states = append(states, trade.RefDone)
		case "failed":
			states = append(states, trade.RefNeedsPerson)
		default:
			states = append(states, trade.RefRequested, trade.RefWaitCertainty, trade.RefWaitVoid, trade.RefWaitIssue, trade.RefWaitRed)
		}
	}
	slices.Sort(states)
	return slices.Compact(states)
}

func foundRefund(q querier, p Place) (FoundRefund, error) {
	l, err := load(q, p.Seq)
	if err != nil {
		return FoundRefund{}, err
	}
	r, err := record(q, l)
	if err != nil {
		return FoundRefund{}, err
	}
	return FoundRefund{r, r.Standing.Refund(p.ID)}, nil
}
