package queue

import "context"

// PastAlerts lists the alerts that are over, or with those that are active all
// of them, newest first, and says after which place the list goes on; zero
// where it ends.
func (s *Store) PastAlerts(ctx context.Context, withActive bool, after Place, limit int) (found []Alert, next Place, err error) {
	sel := newSelection("alerts")
	if !withActive {
		sel.where("cleared_at > 0")
	}
	if after != (Place{}) {
		sel.where("id < ?", after.Seq)
	}
	query, args := sel.query(alertColumns, "id DESC", limit+1)
	err = s.read(ctx, func(q querier) error {
		return each(q, query, args, func(scan func(...any) error) error {
			a, err := scanAlert(scan)
			found = append(found, a)
			return err
		})
	})
	if len(found) > limit {
		found = found[:limit]
		next = Place{Seq: found[limit-1].ID}
	}
	return found, next, err
}

const alertColumns = "id, kind, subject, sale_id, account, title, detail, action, count, raised_at, last_at, cleared_at, acked_at"

func scanAlert(scan func(...any) error) (a Alert, err error) {
	var title, detail, action string
	err = scan(&a.ID, &a.Kind, &a.Subject, &a.SaleID, &a.Account, &title, &detail, &action, &a.Count, &a.Raised, &a.Last, &a.Cleared, &a.Acked)
	if err == nil {
		a.Title, a.Detail, a.Action, err = messages(title, detail, action)
	}
	return a, err
}
