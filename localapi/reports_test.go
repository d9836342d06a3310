package localapi

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// noon is when the tests of reports take place, so that no midnight comes in
// between.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, trade.Beijing)

// dayTill is a till with a day's work: a sale with its QR code, one that the
// platform refuses, one without invoice, and a refund that waits.
func dayTill(t *testing.T) *till {
	t.Helper()
	x := newTill(t, noPause, func(o *Options, qo *queue.Options) {
		qo.Now = func() time.Time { return noon }
		o.Around = func(context.Context) Around { return Around{Platform: Platform{Configured: true, Online: true}} }
	})
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.fetchQR()
	x.printed(trade.PaperPrinted, "")
	x.post("/v1/sales", saleBody("S2")).want(t, 201, "")
	x.called(trade.LaneLive, trade.Call{Interface: "2.16", Outcome: trade.OutcomeRefused, Code: "8016"}, func(c *queue.OpClaim) trade.Event {
		return trade.Refused{Op: c.Op, Code: "8016", Msg: "税收分类编码不存在"}
	})
	x.printed(trade.PaperHeld, "paper_out")
	x.post("/v1/sales", plainBody("P1", "1.00")).want(t, 201, "")
	x.post("/v1/sales/S1/refunds", `{"refund_id":"R1","amount":"10.00","print":{"mode":"none"}}`).want(t, 201, "")
	return x
}

func TestDailyReport(t *testing.T) {
	x := dayTill(t)
	a := x.get("/v1/reports/daily?date=2026-11-22", as(readSecret)).want(t, 200, "")
	for _, tt := range []struct {
		path []any
		want any
	}{
		{[]any{"date"}, "2026-11-22"}, {[]any{"from"}, "2026-11-22T00:00:00+08:00"}, {[]any{"to"}, "2026-11-23T00:00:00+08:00"},
		{[]any{"sales", "count"}, "3"}, {[]any{"sales", "total"}, "118.00"},
		{[]any{"sales_by_state", "qr_ready", "total"}, "58.50"}, {[]any{"sales_by_state", "rejected", "count"}, "1"}, {[]any{"sales_by_state", "expired", "count"}, "0"},
		{[]any{"refunds", "count"}, "1"}, {[]any{"refunds", "total"}, "10.00"}, {[]any{"refunds_by_state", "open", "count"}, "1"}, {[]any{"refunds_by_state", "done", "total"}, "0.00"},
		{[]any{"net"}, "108.00"}, {[]any{"invoices", "blue", "count"}, "0"}, {[]any{"invoices", "red", "tax"}, "0.00"},
		{[]any{"tax_rates", 0, "tax_rate"}, "0.06"}, {[]any{"tax_rates", 0, "total"}, "117.00"}, {[]any{"tax_rates", 0, "tax"}, "6.64"},
		{[]any{"tax_rates", 1, "tax_rate"}, ""},
		{[]any{"open", 0, "sale_id"}, "S1"}, {[]any{"open", 0, "refund_id"}, "R1"}, {[]any{"open", 0, "state"}, "queued"}, {[]any{"open", 0, "total"}, "10.00"},
		{[]any{"open", 1, "sale_id"}, "S2"}, {[]any{"open", 1, "state"}, "rejected"}, {[]any{"open", 1, "why"}, "the platform refuses this sale's data: 税收分类编码不存在 (8016)"},
		{[]any{"open", 1, "action"}, "mend the tax code, rate or amounts, then retry"},
		{[]any{"open", 2, "job_id"}, "sale:S2"}, {[]any{"open", 2, "state"}, "held"}, {[]any{"open", 2, "why"}, "the receipt is not printed: paper out"},
		{[]any{"open", 3, "job_id"}, "sale:P1"}, {[]any{"open_not_listed"}, "0"},
	} {
		if got := a.json(t, tt.path...); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.path, got, tt.want)
		}
	}
	if hash := a.json(t, "journal", "hash").(string); len(hash) != 64 || a.json(t, "journal", "seq") == "0" {
		t.Errorf("%s", a.body)
	}
	empty := x.get("/v1/reports/daily?date=2025-01-01").want(t, 200, "")
	if empty.json(t, "over") != true || empty.json(t, "sales", "count") != "0" || empty.json(t, "sales", "total") != "0.00" || !strings.Contains(string(empty.body), `"open":[]`) {
		t.Errorf("%s", empty.body)
	}
	today := x.get("/v1/reports/daily").want(t, 200, "")
	if got, want := today.json(t, "date"), time.Now().In(trade.Beijing).Format(time.DateOnly); got != want || today.json(t, "over") != false {
		t.Errorf("without a date it is %v, want %s", got, want)
	}
	for _, bad := range []string{"2026-13-01", "22.11.2026", "1999-12-31", "2100-01-01", "2026-11-22T00:00:00Z"} {
		x.get("/v1/reports/daily?date="+bad).want(t, 422, trade.ErrValidation)
	}
}

func TestDailyReportAsATable(t *testing.T) {
	x := dayTill(t)
	for lang, want := range map[string]string{
		"en":    "item|kind|count|amount|tax|note\ndate|2026-11-22||||*\nsales|all|3|118.00||\nsales|the QR code is ready, the customer has not claimed it|1|58.50||qr_ready\nsales|refused by the platform|1|58.50||rejected\nsales|kept without an invoice|1|1.00||recorded\nrefunds|all|1|10.00||\nnet|||108.00||\ninvoices|blue|0|0.00|0.00|\ninvoices|red|0|0.00|0.00|\ntax rate|6%||117.00|6.64|\ntax rate|no rate||1.00|0.00|\nopen|refund R1||10.00||refund R1 is not done (in line); nothing to do, it goes on by itself\nopen|sale S2||58.50||the platform refuses this sale's data: 税收分类编码不存在 (8016); mend the tax code, rate or amounts, then retry\nopen|print job sale:S2||58.50||the receipt is not printed: paper out; printing goes on by itself once this is mended\nopen|print job sale:P1||1.00||the receipt is not printed yet: in line; nothing to do, it goes on by itself\njournal|*||||*",
		"zh-CN": "项目|分类|笔数|金额|税额|说明\n日期|2026-11-22||||*\n销售|合计|3|118.00||",
	} {
		a := x.get("/v1/reports/daily?date=2026-11-22", with("Accept", "text/csv"), with("Accept-Language", lang)).want(t, 200, "")
		if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv; charset=utf-8") {
			t.Errorf("Content-Type %q", got)
		}
		if got := a.header.Get("Content-Disposition"); got != "attachment; filename=daily-2026-11-22.csv" {
			t.Errorf("Content-Disposition %q", got)
		}
		text, marked := bytes.CutPrefix(a.body, []byte{0xEF, 0xBB, 0xBF})
		if !marked || strings.Count(string(text), "\r\n") != strings.Count(string(text), "\n") {
			t.Errorf("no mark, or other line ends: %q", a.body)
		}
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll() // each row has as many cells as the first
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(want, "\n") {
			cells := strings.Split(line, "|")
			for j, cell := range cells {
				if cell != "*" && rows[i][j] != cell {
					t.Errorf("%s: row %d is %q, want %q", lang, i, rows[i], cells)
				}
			}
		}
		if last := rows[len(rows)-1]; lang == "en" && (len(rows) != strings.Count(want, "\n")+1 || len(last[5]) != 64) {
			t.Errorf("%d rows, the last is %q", len(rows), last)
		}
	}
}

func TestWantsCSV(t *testing.T) {
	for accept, want := range map[string]bool{"": false, "*/*": false, "application/json": false, "text/csv": true, "TEXT/CSV; q=0.9": true,
		"text/csv, application/json": false, "application/json;q=0.5, text/csv": true, "text/csv;q=0": false, "text/*": false} {
		if got := wantsCSV([]string{accept}); got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
	}
}

func TestClose(t *testing.T) {
	x := dayTill(t)
	late := strings.Replace(saleBody("S0"), "2026-11-22T19:30:05", "2026-11-21T23:59:00", 1) // the day before, without a network
	x.post("/v1/sales", late).want(t, 201, "")
	has := "2026-11-22: 4 sales of 176.50, 1 refunds of 10.00, net 166.50."
	open := "5 things are open, see below."
	for name, tt := range map[string]struct {
		body, result, total, count string
		summary                    []string
	}{
		"nothing given": {`{"date":"2026-11-22"}`, "not_compared", "<nil>", "<nil>", []string{has, "no total of the POS was given, nothing was compared.", open}},
		"all agrees":    {`{"date":"2026-11-22","total":"176.50","count":4}`, "agrees", "0.00", "0", []string{has, "the POS's figures agree.", open}},
		"net":           {`{"date":"2026-11-22","total":166.5}`, "agrees", "0.00", "<nil>", []string{has, "the POS's total is the net after refunds, and agrees.", open}},
		"without the late one": {`{"date":"2026-11-22","total":"118.00","count":3}`, "differs", "58.50", "1",
			[]string{has, "this agent has 58.50 more than the POS.", "this agent has 1 sales more than the POS.", "1 of them, of 58.50, were sold on another day.", open}},
		"lost one": {`{"date":"2026-11-22","total":"200","count":5}`, "differs", "-23.50", "-1",
			[]string{has, "this agent has 23.50 less than the POS.", "this agent has 1 sales less than the POS.", "1 of them, of 58.50, were sold on another day.", open}},
		"the total alone": {`{"date":"2026-11-22","total":"176.49","count":4}`, "differs", "0.01", "0",
			[]string{has, "this agent has 0.01 more than the POS.", "1 of them, of 58.50, were sold on another day.", open}},
		"the count alone": {`{"date":"2026-11-22","total":"176.50","count":5}`, "differs", "0.00", "-1",
			[]string{has, "this agent has 1 sales less than the POS.", "1 of them, of 58.50, were sold on another day.", open}},
	} {
		for range 2 { // as often as somebody likes
			a := x.post("/v1/close", tt.body).want(t, 200, "")
			summary := strings.Join(tt.summary, " ")
			var got []string
			for i := range strings.Count(string(a.body[strings.Index(string(a.body), `"summary"`):strings.Index(string(a.body), `"open":`)]), `."`) {
				got = append(got, a.json(t, "summary", i).(string))
			}
			said := strings.Replace(strings.Join(got, " "), " the day is not over, the figures may change.", "", 1)
			if said != summary || a.json(t, "result") != tt.result || fmt.Sprint(a.json(t, "total_difference")) != tt.total || fmt.Sprint(a.json(t, "count_difference")) != tt.count {
				t.Errorf("%s: %s\n%q, want\n%q", name, a.body, said, summary)
			}
			if a.json(t, "open", 0, "why") == "" || a.json(t, "sold_on_another_day", "total") != "58.50" {
				t.Errorf("%s: %s", name, a.body)
			}
		}
	}
	before := x.post("/v1/close", `{"date":"2026-11-21"}`, with("Accept-Language", "zh")).want(t, 200, "")
	if before.json(t, "taken_on_another_day", "count") != "1" || !strings.Contains(string(before.body), `"2026-11-21 共 0 单 0.00 元,退货 0 笔 0.00 元,净额 0.00 元。"`) ||
		!strings.Contains(string(before.body), "没有未了的事。") {
		t.Errorf("%s", before.body)
	}
	x.post("/v1/close", "").want(t, 200, "") // today
	for body, code := range map[string]trade.Key{`{"date":"yesterday"}`: trade.ErrValidation, `{"total":"1.001"}`: trade.ErrValidation,
		`{"count":-1}`: trade.ErrValidation, `{"count":1.5}`: trade.ErrValidation, `{"sum":"1"}`: trade.ErrValidation, `[`: trade.ErrInvalidJSON} {
		x.post("/v1/close", body).want(t, map[trade.Key]int{trade.ErrValidation: 422, trade.ErrInvalidJSON: 400}[code], code)
	}
	x.post("/v1/close", "{}", as(readSecret)).want(t, 403, trade.ErrForbiddenRole)
	if err := x.store.VerifyJournal(); err != nil {
		t.Error(err)
	}
}
