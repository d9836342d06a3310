package localapi

import (
	"slices"
	"unicode/utf8"

	"tillagent/queue"
	"tillagent/trade"
)

type salesJSON struct {
	Sales      []saleJSON `json:"sales"`
	NextCursor *string    `json:"next_cursor"`
}

type refundsJSON struct {
	Refunds    []refundJSON `json:"refunds"`
	NextCursor *string      `json:"next_cursor"`
}

// printStates are the states that a sale's paper can show.
var printStates = []trade.PrintState{queue.PrintNone, trade.PrintWaitingQR, trade.PrintQueued, trade.PrintPrinting, trade.PrintPrinted,
	trade.PrintSent, trade.PrintHeld, trade.PrintUncertain, trade.PrintFailed, trade.PrintCancelled}

// maxSearch is the longest text to look for, in characters: that of an id.
const maxSearch = 50

// getSales lists sales, newest first. from and to are about the time of
// acceptance, which the order follows.
func (s *Server) getSales(c *call) (any, error) {
	p := c.query()
	f := queue.SaleFilter{States: words(p, "state", trade.SaleStates), Prints: words(p, "print_state", printStates),
		From: p.time("from"), To: p.time("to"), Text: p.text("q"), Limit: p.limit(), After: p.cursor()}
	if n := utf8.RuneCountInString(f.Text); n > maxSearch {
		p.add("q", trade.Between, "1", "50")
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	ctx, cancel := reading(c)
	defer cancel()
	found, next, err := s.o.Store.Sales(ctx, f)
	if err != nil {
		return nil, err
	}
	out := salesJSON{Sales: make([]saleJSON, len(found))}
	for i, r := range found {
		out.Sales[i] = saleResource(r, c.lang)
	}
	out.NextCursor, err = nextCursor(next)
	return out, err
}

// getRefunds lists refunds, newest first.
func (s *Server) getRefunds(c *call) (any, error) {
	p := c.query()
	f := queue.RefundFilter{States: words(p, "state", trade.RefundViews), From: p.time("from"), To: p.time("to"), Limit: p.limit(), After: p.cursor()}
	if err := p.end(); err != nil {
		return nil, err
	}
	ctx, cancel := reading(c)
	defer cancel()
	found, next, err := s.o.Store.Refunds(ctx, f)
	if err != nil {
		return nil, err
	}
	out := refundsJSON{Refunds: make([]refundJSON, len(found))}
	for i, r := range found {
		out.Refunds[i] = refundResource(r.Record, r.Refund, c.lang)
	}
	out.NextCursor, err = nextCursor(next)
	return out, err
}

// getAlerts lists alerts: the active ones, all of them and oldest first; those
// that are over, or both kinds, newest first and page by page.
func (s *Server) getAlerts(c *call) (any, error) {
	p := c.query()
	active := p.text("active")
	if !slices.Contains([]string{"", "true", "false"}, active) {
		p.add("active", trade.OneOf, "true, false")
	}
	limit, after := p.limit(), p.cursor()
	if err := p.end(); err != nil {
		return nil, err
	}
	ctx, cancel := reading(c)
	defer cancel()
	var alerts []queue.Alert
	var next queue.Place
	var err error
	if active == "true" {
		alerts, err = s.o.Store.ActiveAlerts()
	} else {
		alerts, next, err = s.o.Store.PastAlerts(ctx, active == "", after, limit)
	}
	if err != nil {
		return nil, err
	}
	out := alertsJSON{Alerts: make([]alertJSON, len(alerts))}
	for i, a := range alerts {
		out.Alerts[i] = alertResource(a, c.lang)
	}
	out.NextCursor, err = nextCursor(next)
	return out, err
}
