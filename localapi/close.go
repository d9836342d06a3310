package localapi

import (
	"net/http"
	"strconv"

	"tillagent/queue"
	"tillagent/trade"
)

// closeJSON is a day compared with what the POS has, and what is open.
type closeJSON struct {
	Date    string      `json:"date"`
	Over    bool        `json:"over"` // false: the day is not over, the figures may change
	Sales   tallyJSON   `json:"sales"`
	Refunds tallyJSON   `json:"refunds"`
	Net     trade.Money `json:"net"` // sales less refunds
	// Result is agrees, differs, or not_compared where the POS gave no figure.
	Result string `json:"result"`
	// Differences are this agent's figures minus the POS's; null where it gave none.
	TotalDifference *trade.Money `json:"total_difference"`
	CountDifference *int         `json:"count_difference"`
	SoldElse        tallyJSON    `json:"sold_on_another_day"`  // of Sales
	TakenElse       tallyJSON    `json:"taken_on_another_day"` // sold on this day, not in Sales
	Summary         []string     `json:"summary"`              // sentences
	Open            []openJSON   `json:"open"`
	OpenMore        int          `json:"open_not_listed"`
	Journal         headJSON     `json:"journal"`
}

// closeRequest is the body of POST /v1/close.
type closeRequest struct {
	date  string
	total *trade.Money // as the POS counts it, before refunds or after
	count *int         // of sales
}

// maxCount bounds the number of sales that a POS may give for a day.
const maxCount = 1_000_000

func readClose(body []byte) (closeRequest, error) {
	var req closeRequest
	err := readOptional(body, func(o *object) {
		req.date = o.text("date")
		if total, ok := o.money("total"); ok {
			req.total = &total
		}
		if o.take("count") != nil {
			n := o.integer("count", 0, maxCount, 0)
			req.count = &n
		}
	})
	return req, err
}

// postClose compares a day with the POS's figures and lists what is open and
// why. It changes nothing and stops nothing: a day may be closed again and
// again, and sales go on.
func (s *Server) postClose(c *call) (any, error) {
	req, err := readClose(c.body)
	if err != nil {
		return nil, err
	}
	date, err := dayOf(req.date)
	if err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	day, err := s.o.Store.DayReport(ctx, date, trade.Beijing)
	if err != nil {
		return nil, err
	}
	r := reportOf(day, s.around(ctx), c.lang)
	out := closeJSON{Date: r.Date, Over: r.Over, Sales: r.Sales, Refunds: r.Refunds, Net: r.Net,
		SoldElse: tallyJSON{day.SoldElse.Count, day.SoldElse.Sum}, TakenElse: tallyJSON{day.TakenElse.Count, day.TakenElse.Sum},
		Open: r.Open, OpenMore: r.OpenMore, Journal: r.Journal}
	for _, m := range out.compare(req, day) {
		out.Summary = append(out.Summary, sentences(c.lang, m))
	}
	// What was compared is kept, so that it can be shown later; the sales of
	// the day are in the journal already.
	err = s.o.Store.CloseDay(ctx, out.Date, out.Result, []any{req.total, req.count, out.Sales, out.Refunds})
	if err != nil {
		return nil, err
	}
	return result{http.StatusOK, "", out}, nil
}

// compare sets the result and the differences, and says them in sentences.
func (out *closeJSON) compare(req closeRequest, day *queue.DayReport) []trade.Message {
	say := []trade.Message{trade.Say(trade.DayHas, out.Date, strconv.Itoa(out.Sales.Count), out.Sales.Total.String(),
		strconv.Itoa(out.Refunds.Count), out.Refunds.Total.String(), out.Net.String())}
	if !out.Over {
		say = append(say, trade.Say(trade.DayNotOver))
	}
	out.Result = "agrees"
	agrees := trade.Say(trade.DayAgrees)
	if req.total != nil {
		diff := out.Sales.Total - *req.total
		if diff != 0 && out.Net == *req.total {
			diff, agrees = 0, trade.Say(trade.DayAgreesNet)
		}
		out.TotalDifference = &diff
		switch {
		case diff > 0:
			say = append(say, trade.Say(trade.DayTotalMore, diff.String()))
		case diff < 0:
			say = append(say, trade.Say(trade.DayTotalLess, (-diff).String()))
		}
	}
	if req.count != nil {
		diff := out.Sales.Count - *req.count
		out.CountDifference = &diff
		switch {
		case diff > 0:
			say = append(say, trade.Say(trade.DayCountMore, strconv.Itoa(diff)))
		case diff < 0:
			say = append(say, trade.Say(trade.DayCountLess, strconv.Itoa(-diff)))
		}
	}
	switch {
	case req.total == nil && req.count == nil:
		out.Result = "not_compared"
		say = append(say, trade.Say(trade.DayNoneGiven))
	case out.TotalDifference != nil && *out.TotalDifference != 0, out.CountDifference != nil && *out.CountDifference != 0:
		out.Result = "differs"
		say = append(say, elsewhere(day)...)
	default:
		say = append(say, agrees)
	}
	if day.OpenCount == 0 {
		return append(say, trade.Say(trade.DayAllDone))
	}
	return append(say, trade.Say(trade.DayOpen, strconv.Itoa(day.OpenCount)))
}

// elsewhere says which sales the POS may count to another day.
func elsewhere(day *queue.DayReport) (say []trade.Message) {
	if t := day.SoldElse; t.Count > 0 {
		say = append(say, trade.Say(trade.DaySoldElse, strconv.Itoa(t.Count), t.Sum.String()))
	}
	if t := day.TakenElse; t.Count > 0 {
		say = append(say, trade.Say(trade.DayTakenElse, strconv.Itoa(t.Count), t.Sum.String()))
	}
	return say
}
