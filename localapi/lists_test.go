package localapi

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// all reads a list to its end and gives a field of each entry.
func (x *till) all(path, list, field string) string {
	x.t.Helper()
	var got []string
	for cursor := ""; ; {
		a := x.get(path+cursor).want(x.t, 200, "")
		for i := range a.json(x.t, list).([]any) {
			got = append(got, a.json(x.t, list, i, field).(string))
		}
		next, more := a.json(x.t, "next_cursor").(string)
		if !more {
			return strings.Join(got, " ")
		}
		cursor = "&cursor=" + next
	}
}

func TestSalesList(t *testing.T) {
	x := newTill(t)
	if got := string(x.get("/v1/sales").want(t, 200, "").body); got != `{"sales":[],"next_cursor":null}`+"\n" {
		t.Errorf("%s", got)
	}
	began := time.Now()
	for i := range 7 {
		if i%3 == 0 {
			x.post("/v1/sales", saleBody(fmt.Sprintf("POS1/%d", i))).want(t, 201, "")
		} else {
			x.post("/v1/sales", plainBody(fmt.Sprintf("POS1/%d", i), "1.00")).want(t, 201, "")
		}
	}
	x.fetchQR()
	for query, want := range map[string]string{
		"":                                  "6 5 4 3 2 1 0",
		"state=queued":                      "6 3",
		"state=qr_ready,recorded":           "5 4 2 1 0",
		"print_state=waiting_qr":            "6 3",
		"print_state=queued&state=qr_ready": "0",
		"q=1%2F4":                           "4",
		"q=POS1/&state=queued":              "6 3",
		"q=none":                            "",
		"to=" + url.QueryEscape(began.Add(-time.Hour).Format(time.RFC3339)):                      "",
		"from=" + url.QueryEscape(began.Add(-time.Hour).Format(time.RFC3339)):                    "6 5 4 3 2 1 0",
		"from=" + began.Add(-time.Hour).In(trade.Beijing).Format(time.RFC3339) + "&state=queued": "6 3", // + is sent as it is
		"state=&from=&to=&q=": "6 5 4 3 2 1 0",
	} {
		for _, limit := range []string{"1", "2", "200"} {
			if got := strings.ReplaceAll(x.all("/v1/sales?limit="+limit+"&"+query, "sales", "sale_id"), "POS1/", ""); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
	listed := x.get("/v1/sales?q=POS1/0")
	if one := x.get("/v1/sales/POS1%2F0").body; !strings.Contains(string(listed.body), strings.TrimSpace(string(one))) {
		t.Errorf("a list shows %s, the sale is %s", listed.body, one)
	}
	for query, field := range map[string]string{
		"state=paid": "state", "state=queued,": "state", "state=queued;rejected": "query", "print_state=gone": "print_state", "from=yesterday": "from", "to=2026-11-22": "to", "limit=0": "limit", "limit=201": "limit", "limit=x": "limit",
		"cursor=x": "cursor", "cursor=e30": "cursor", "states=queued": "states", "state=queued&state=rejected": "state", "q=" + strings.Repeat("1", 51): "q",
	} {
		if got := x.get("/v1/sales?"+query).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != field {
			t.Errorf("%s: field %v, want %s", query, got, field)
		}
	}
}

func TestRefundsList(t *testing.T) {
	x := newTill(t)
	for i := range 4 {
		body := plainBody(fmt.Sprint("S", i), "1.00")
		if i == 2 {
			body = saleBody("S2")
		}
		x.post("/v1/sales", body).want(t, 201, "")
	}
	x.fetchQR()
	for i := range 4 {
		x.post(fmt.Sprintf("/v1/sales/S%d/refunds", i), fmt.Sprintf(`{"refund_id":"R%d"}`, i)).want(t, 201, "")
	}
	for query, want := range map[string]string{"": "R3 R2 R1 R0", "state=done": "R3 R1 R0", "state=queued": "R2", "state=failed": "", "state=done,queued&from=2026-01-01T00:00:00Z&to=2090-01-01T00:00:00Z": "R3 R2 R1 R0"} {
		for _, limit := range []string{"1", "3", "200"} {
			if got := x.all("/v1/refunds?limit="+limit+"&"+query, "refunds", "refund_id"); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
	x.get("/v1/refunds?state=open").want(t, 422, trade.ErrValidation)
	a := x.post("/v1/refunds/R2/retry", "").want(t, 202, "")
	if a.json(t, "refund_id") != "R2" || a.header.Get("Location") != "/v1/refunds/R2" {
		t.Errorf("%v %s", a.header, a.body)
	}
	x.post("/v1/refunds/R2/retry", `{"now":true}`).want(t, 422, trade.ErrValidation)
	x.post("/v1/refunds/none/retry", "{}").want(t, 404, trade.ErrNotFound)
}

func TestPastAlerts(t *testing.T) {
	x := newTill(t)
	for i := range 5 {
		if err := x.store.Raise(trade.Raise{Kind: trade.AlertPrinter, Subject: fmt.Sprint(i), SaleID: fmt.Sprint(i), Title: trade.Say(trade.PrinterHeld)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.store.Clear(trade.AlertPrinter, "1"); err != nil {
		t.Fatal(err)
	}
	if err := x.store.Clear(trade.AlertPrinter, "3"); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{"active=true": "0 2 4", "active=false": "3 1", "": "4 3 2 1 0", "active=": "4 3 2 1 0"} {
		for _, limit := range []string{"1", "2", "200"} {
			if got := x.all("/v1/alerts?limit="+limit+"&"+query, "alerts", "sale_id"); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
	if a := x.get("/v1/alerts?active=false"); a.json(t, "alerts", 0, "cleared_at") == nil {
		t.Errorf("%s", a.body)
	}
}

func TestCancelPrintJob(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	for range 2 {
		if a := x.do("DELETE", "/v1/print-jobs/sale:S1", "").want(t, 200, ""); a.json(t, "state") != "cancelled" {
			t.Errorf("%s", a.body)
		}
	}
	if got := x.get("/v1/sales/S1").json(t, "print", "state"); got != "cancelled" {
		t.Errorf("print.state %v", got)
	}
	x.post("/v1/sales", plainBody("P1", "1.00")).want(t, 201, "")
	if _, _, err := x.store.ClaimPrint(t.Context(), trade.ReceiptPrinter); err != nil {
		t.Fatal(err)
	}
	x.do("DELETE", "/v1/print-jobs/sale:P1", "{}").want(t, 409, trade.ErrInvalidState)
	x.do("DELETE", "/v1/print-jobs/none", "").want(t, 404, trade.ErrNotFound)
	x.do("DELETE", "/v1/print-jobs/sale:P1", "", without("Content-Type")).want(t, 415, trade.ErrMediaType)
	x.do("DELETE", "/v1/print-jobs/sale:P1", "", as(readSecret)).want(t, 403, trade.ErrForbiddenRole)
	x.server.Stop()
	x.do("DELETE", "/v1/print-jobs/sale:S1", "").want(t, 503, trade.ErrShuttingDown)
}

func nowOf(a Around) func(context.Context) Around {
	return func(context.Context) Around { return a }
}

func TestPrinter(t *testing.T) {
	seen := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	x := newTill(t, func(o *Options, _ *queue.Options) {
		o.Around = nowOf(Around{Printers: []Printer{{trade.ReceiptPrinter, "tcp://192.0.2.1:9100", "generic-80", "paper_low", seen, "status"}}})
	})
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	a := x.get("/v1/printer").want(t, 200, "")
	for name, want := range map[string]any{"configured": true, "model": "generic-80", "port": "tcp://192.0.2.1:9100", "state": "paper_low", "last_seen": "2026-11-22T20:00:00+08:00", "jobs_waiting": "1"} {
		if got := a.json(t, name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	bare := newTill(t, func(o *Options, _ *queue.Options) { o.Around = nowOf(Around{}) })
	a = bare.get("/v1/printer").want(t, 200, "")
	if a.json(t, "configured") != false || a.json(t, "state") != "" || a.json(t, "last_seen") != nil || a.json(t, "jobs_waiting") != "0" {
		t.Errorf("%s", a.body)
	}
}

// TestMendSale replaces the lines of a sale that the platform refused.
func TestMendSale(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	line := func(amount string) string {
		return fmt.Sprintf(`{"items":[{"name":" 套餐","amount":%s,"tax_code":"3070401000000000000","tax_rate":0.06}]}`, amount)
	}
	x.post("/v1/sales/S1/retry", line("58.50")).want(t, 409, trade.ErrInvalidState)
	c, _, err := x.store.ClaimOp(t.Context(), trade.LaneLive)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.store.Settle(c, trade.Refused{Op: c.Op, Code: "8016", Msg: "x"}); err != nil {
		t.Fatal(err)
	}
	for body, field := range map[string]string{line("58.51"): "total", line(`"-1"`): "items[0].amount",
		`{"items":[{"name":"套餐","amount":58.50}]}`: "items[0].tax_code"} {
		if got := x.post("/v1/sales/S1/retry", body).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != field {
			t.Errorf("%s: field %v, want %s", body, got, field)
		}
	}
	if got := x.get("/v1/sales/S1").json(t, "state"); got != "rejected" {
		t.Errorf("state %v", got)
	}
	a := x.post("/v1/sales/S1/retry", line("58.50")).want(t, 202, "")
	if a.json(t, "state") != "queued" || a.json(t, "items", 0, "name") != "套餐" || a.json(t, "problem") != nil || a.json(t, "cashier") != "小王" {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/sales", saleBody("S1")).want(t, 200, "") // what was posted is still known
	x.fetchQR()
	x.post("/v1/sales/none/retry", line("58.50")).want(t, 404, trade.ErrNotFound)
}
