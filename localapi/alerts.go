package localapi

import (
	"strconv"

	"tillagent/queue"
	"tillagent/trade"
)

type alertsJSON struct {
	Alerts     []alertJSON `json:"alerts"`
	NextCursor *string     `json:"next_cursor"`
}

type alertJSON struct {
	ID        int64   `json:"id"`
	Kind      string  `json:"kind"`
	Severity  string  `json:"severity"` // error: somebody must act; warning: it may mend itself
	Title     string  `json:"title"`
	Detail    string  `json:"detail"`
	Action    string  `json:"action"`
	SaleID    string  `json:"sale_id"`
	Account   string  `json:"account"`
	Count     int     `json:"count"`
	RaisedAt  *string `json:"raised_at"`
	LastAt    *string `json:"last_at"`
	ClearedAt *string `json:"cleared_at"`
	AckedAt   *string `json:"acked_at"`
}

// postAck notes that somebody has seen an alert.
func (s *Server) postAck(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(c.id, 10, 64)
	if err != nil {
		return nil, queue.ErrNotFound
	}
	ctx, cancel := storing(c)
	defer cancel()
	a, err := s.o.Store.AckAlert(ctx, id)
	if err != nil {
		return nil, err
	}
	return alertResource(*a, c.lang), nil
}

func alertResource(a queue.Alert, lang trade.Lang) alertJSON {
	return alertJSON{ID: a.ID, Kind: a.Kind, Severity: a.Severity(), Title: text(a.Title, lang), Detail: text(a.Detail, lang), Action: text(a.Action, lang),
		SaleID: a.SaleID, Account: a.Account, Count: a.Count,
		RaisedAt: stampMS(a.Raised), LastAt: stampMS(a.Last), ClearedAt: stampMS(a.Cleared), AckedAt: stampMS(a.Acked)}
}
