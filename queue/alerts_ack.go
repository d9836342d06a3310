package queue

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// AckAlert notes that a person has seen an alert and gives the alert as it then
// stands; ErrNotFound where there is none. The first time counts. It ends
// nothing: that an alert is over shows in the trouble alone.
func (s *Store) AckAlert(ctx context.Context, id int64) (*Alert, error) {
	err := s.do(ctx, func(t *tx) error {
		var kind, sale string
		var acked int64
		err := t.QueryRow("SELECT kind, sale_id, acked_at FROM alerts WHERE id = ?", id).Scan(&kind, &sale, &acked)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNotFound
		case err != nil || acked != 0:
			return err
		}
		_, err = t.Exec("UPDATE alerts SET acked_at = ? WHERE id = ?", t.now, id)
		return errors.Join(err, t.record(entry{kind: "AlertAcked", sale: sale, ref: strconv.FormatInt(id, 10), state: kind}))
	})
	if err != nil {
		return nil, err
	}
	a, err := s.AlertByID(ctx, id)
	return &a, err
}
