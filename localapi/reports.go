package localapi

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// reportJSON is a day's report. Days are Beijing's.
type reportJSON struct {
	Date     string                        `json:"date"`
	From     *string                       `json:"from"`
	To       *string                       `json:"to"`
	Over     bool                          `json:"over"` // false: the day is not over, the figures may change
	Sales    tallyJSON                     `json:"sales"`
	States   map[trade.SaleState]tallyJSON `json:"sales_by_state"` // every state is there
	Refunds  tallyJSON                     `json:"refunds"`
	Paths    map[string]tallyJSON          `json:"refunds_by_state"` // done, failed, open
	Net      trade.Money                   `json:"net"`              // sales less refunds
	Invoices issuedPairJSON                `json:"invoices"`         // issued ones of the day's sales
	Rates    []rateJSON                    `json:"tax_rates"`
	Open     []openJSON                    `json:"open"`
	OpenMore int                           `json:"open_not_listed"`
	Journal  headJSON                      `json:"journal"`
}

type tallyJSON struct {
	Count int         `json:"count"`
	Total trade.Money `json:"total"`
}

type issuedPairJSON struct {
	Blue issuedJSON `json:"blue"`
	Red  issuedJSON `json:"red"` // amounts are negative
}

type issuedJSON struct {
	Count int         `json:"count"`
	Total trade.Money `json:"total"` // with tax
	Net   trade.Money `json:"net"`
	Tax   trade.Money `json:"tax"`
}

// rateJSON is what the lines of the day's sales have at a tax rate. The tax is
// that within each line, rounded.
type rateJSON struct {
	Rate  trade.Rate  `json:"tax_rate"` // "" of lines that nobody invoices
	Total trade.Money `json:"total"`
	Tax   trade.Money `json:"tax"`
}

// openJSON is one thing that is not at its end, and why.
type openJSON struct {
	SaleID   string      `json:"sale_id"`
	RefundID string      `json:"refund_id"` // "" where it is the sale or its paper
	JobID    string      `json:"job_id"`    // "" where it is not about paper
	State    string      `json:"state"`     // of the sale, of the refund or of the paper
	Total    trade.Money `json:"total"`     // of the sale, or of the refund
	At       *string     `json:"at"`
	Why      string      `json:"why"`
	Action   string      `json:"action"`
}

// headJSON is the journal's last entry before the end of the day. The hash
// stands for the whole history until then.
type headJSON struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// getDailyReport gives the report of a day, today's where no date is given, as
// JSON or as a table for a spreadsheet.
func (s *Server) getDailyReport(c *call) (any, error) {
	date, err := dayOf(c.URL.Query().Get("date"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := reading(c)
	defer cancel()
	day, err := s.o.Store.DayReport(ctx, date, trade.Beijing)
	if err != nil {
		return nil, err
	}
	out := reportOf(day, s.around(ctx), c.lang)
	if !wantsCSV(c.Header.Values("Accept")) {
		return out, nil
	}
	return document{contentType: "text/csv; charset=utf-8; header=present", data: table(out, c.lang), fileName: "daily-" + out.Date + ".csv"}, nil
}

// dayOf reads a date; "" is today.
func dayOf(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	date, err := time.ParseInLocation(time.DateOnly, text, trade.Beijing)
	if err != nil || date.Year() < firstYear || date.Year() > lastYear {
		var ps problems
		ps.add("date", trade.DayBadDate)
		return date, ps.failure()
	}
	return date, nil
}

func reportOf(d *queue.DayReport, around *Around, lang trade.Lang) reportJSON {
	out := reportJSON{Date: d.From.Format(time.DateOnly), From: stamp(d.From), To: stamp(d.To), Over: !time.Now().Before(d.To),
		Sales: tallyJSON{d.Sales.Count, d.Sales.Sum}, States: map[trade.SaleState]tallyJSON{},
		Refunds: tallyJSON{d.Refunds.Count, d.Refunds.Sum}, Paths: map[string]tallyJSON{"done": {}, "failed": {}, "open": {}},
		Net:      d.Sales.Sum - d.Refunds.Sum,
		Invoices: issuedPairJSON{issuedOf(d.Blue), issuedOf(d.Red)}, Rates: []rateJSON{}, Open: []openJSON{}, OpenMore: d.OpenCount - len(d.Open),
		Journal: headJSON{d.JournalSeq, d.JournalHash}}
	for _, state := range trade.SaleStates {
		out.States[state] = tallyJSON{d.ByState[state].Count, d.ByState[state].Sum}
	}
	for state, t := range d.RefundsByState {
		group := "open"
		switch state {
		case trade.RefDone:
			group = "done"
		case trade.RefNeedsPerson:
			group = "failed"
		}
		sum := out.Paths[group]
		out.Paths[group] = tallyJSON{sum.Count + t.Count, sum.Total + t.Sum}
	}
	for _, r := range d.Rates {
		out.Rates = append(out.Rates, rateJSON{r.Rate, r.Gross, r.Tax})
	}
	for _, o := range d.Open {
		out.Open = append(out.Open, openOf(o, around, lang))
	}
	return out
}

func issuedOf(i queue.Issued) issuedJSON { return issuedJSON{i.Count, i.Sum, i.Net, i.Tax} }

// openOf says of something that is open how it stands, why, and what to do.
func openOf(o queue.OpenItem, around *Around, lang trade.Lang) openJSON {
	r := o.Record
	out := openJSON{SaleID: r.Sale.ID, RefundID: o.RefundID, JobID: o.JobID, State: string(r.Standing.View()), Total: r.Standing.Total, At: stamp(o.At)}
	where, do := saleAdvice(r, around)
	if f := r.Standing.Refund(o.RefundID); f != nil {
		out.State, out.Total = r.Standing.RefundView(*f), f.Amount
		where, do = r.Standing.RefundAdvice(f)
	}
	for _, p := range r.Prints {
		if p.JobID == o.JobID {
			out.State = string(p.State)
			where, do, _ = trade.PaperAdvice(p.Paper, p.State, p.Reason)
		}
	}
	out.Why, out.Action = where.In(lang), do.In(lang)
	return out
}

// wantsCSV reports whether an Accept header likes a table better than JSON.
func wantsCSV(accept []string) bool {
	best := map[string]int{"text/csv": 0, "application/json": 0}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, known := best[name]; known {
			best[name] = max(best[name], quality(params))
		}
	}
	return best["text/csv"] > best["application/json"]
}

// table writes a report for a spreadsheet: UTF-8 with the mark by which
// spreadsheets know it.
func table(r reportJSON, lang trade.Lang) []byte {
	b := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(b)
	w.UseCRLF = true
	say := func(k trade.Key, args ...string) string { return trade.Say(k, args...).In(lang) }
	row := func(cells ...string) {
		_ = w.Write(cells) // to memory
	}
	count := strconv.Itoa
	row(strings.Split(say(trade.ReportHead), ",")...)
	note := ""
	if !r.Over {
		note = say(trade.DayNotOver)
	}
	row(say(trade.ReportDay), r.Date, "", "", "", note)
	row(say(trade.ReportSales), say(trade.ReportAll), count(r.Sales.Count), r.Sales.Total.String(), "", "")
	for _, state := range trade.SaleStates {
		if t := r.States[state]; t.Count > 0 {
			row(say(trade.ReportSales), trade.StateWords(state).In(lang), count(t.Count), t.Total.String(), "", string(state))
		}
	}
	row(say(trade.ReportRefunds), say(trade.ReportAll), count(r.Refunds.Count), r.Refunds.Total.String(), "", "")
	row(say(trade.ReportNet), "", "", r.Net.String(), "", "")
	row(say(trade.ReportInvoices), say(trade.ReportBlue), count(r.Invoices.Blue.Count), r.Invoices.Blue.Total.String(), r.Invoices.Blue.Tax.String(), "")
	row(say(trade.ReportInvoices), say(trade.ReportRed), count(r.Invoices.Red.Count), r.Invoices.Red.Total.String(), r.Invoices.Red.Tax.String(), "")
	for _, t := range r.Rates {
		rate := t.Rate.Percent()
		if t.Rate == trade.NoRate {
			rate = say(trade.ReportNoRate)
		}
		row(say(trade.ReportTax), rate, "", t.Total.String(), t.Tax.String(), "")
	}
	for _, o := range r.Open {
		row(say(trade.ReportOpen), o.name(lang), "", o.Total.String(), "", o.Why+trade.Say(trade.ReportThen).In(lang)+o.Action)
	}
	if r.OpenMore > 0 {
		row(say(trade.ReportOpen), "", count(r.OpenMore), "", "", say(trade.DayOpenMore, count(r.OpenMore)))
	}
	row(say(trade.ReportJournal), strconv.FormatInt(r.Journal.Seq, 10), "", "", "", r.Journal.Hash)
	w.Flush()
	return b.Bytes()
}

// name is what is open, in words: never an id alone, which a spreadsheet would
// take for a number or a formula.
func (o openJSON) name(lang trade.Lang) string {
	switch {
	case o.JobID != "":
		return trade.Say(trade.ReportOpenPaper, o.JobID).In(lang)
	case o.RefundID != "":
		return trade.Say(trade.ReportOpenRefund, o.RefundID).In(lang)
	}
	return trade.Say(trade.ReportOpenSale, o.SaleID).In(lang)
}
