package localapi

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

func TestRefund(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("A/1")).want(t, 201, "")
	x.fetchQR()
	a := x.post("/v1/sales/A%2F1/refunds", `{"refund_id":"R/1","reason":"wrong_invoice","extra":{"a":1}}`).want(t, 201, "")
	if got := a.header.Get("Location"); got != "/v1/refunds/R%2F1" {
		t.Errorf("Location %q", got)
	}
	for path, want := range map[string]any{"refund_id": "R/1", "sale_id": "A/1", "state": "queued", "path": "void_qr", "amount": "58.50", "reason": "wrong_invoice",
		"problem": nil, "done_at": nil, "attempts": "0"} {
		if got := a.json(t, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if a.json(t, "red_invoice", "kind") != "red" || a.json(t, "created_at") == nil || a.json(t, "next_attempt_at") == nil {
		t.Errorf("%s", a.body)
	}
	same := `{"extra":{"a":1},"reason":"wrong_invoice","refund_id":"R/1","amount":null,"items":null,"print":{}}`
	x.post("/v1/sales/A%2F1/refunds", same).want(t, 200, "")
	a = x.post("/v1/sales/A%2F1/refunds", `{"refund_id":"R/1","amount":"1.00"}`).want(t, 409, trade.ErrRefundConflict)
	if a.json(t, "stored_digest") == a.json(t, "posted_digest") {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/sales", saleBody("B")).want(t, 201, "")
	x.post("/v1/sales/B/refunds", same).want(t, 409, trade.ErrRefundConflict)

	x.settle(trade.LaneUndo, trade.VoidConfirmed{At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)})
	a = x.get("/v1/refunds/R%2F1").want(t, 200, "")
	if a.json(t, "state") != "done" || a.json(t, "done_at") != "2026-11-22T20:00:00+08:00" || a.json(t, "next_attempt_at") != nil {
		t.Errorf("%s", a.body)
	}
	a = x.get("/v1/sales/A%2F1").want(t, 200, "")
	if a.json(t, "state") != "voided" || a.json(t, "refunded") != "58.50" || a.json(t, "refunds", 0) != "R/1" || a.json(t, "qr", "png") != "" {
		t.Errorf("%s", a.body)
	}
	x.get("/v1/sales/A%2F1/qr.png").want(t, 409, trade.ErrInvalidState)
	x.post("/v1/sales/A%2F1/refunds", `{"refund_id":"R2"}`).want(t, 409, trade.ErrInvalidState)
	x.post("/v1/sales/A%2F1/refunds", `{"refund_id":"R2","amount":"0.01"}`).want(t, 409, trade.ErrInvalidState)
	x.post("/v1/sales/none/refunds", `{"refund_id":"R2"}`).want(t, 404, trade.ErrNotFound)
	x.post("/v1/sales/none/refunds", `{"refund_id":"R2","items":[{"line":1,"amount":"1"}]}`).want(t, 404, trade.ErrNotFound)
	x.get("/v1/refunds/R2").want(t, 404, trade.ErrNotFound)
}

// A refund that is stored stays a repetition when its printer was taken out since.
func TestRefundReplayUnderOtherRules(t *testing.T) {
	printers := []string{"kitchen"}
	x := newTill(t, func(o *Options, q *queue.Options) { o.Rules.Printers, q.Printers = printers, []string{"kitchen"} })
	x.post("/v1/sales", plainBody("S1", "9.90")).want(t, 201, "")
	body := `{"refund_id":"R1","amount":"1.00","print":{"printer":"kitchen"}}`
	x.post("/v1/sales/S1/refunds", body).want(t, 201, "")
	printers[0] = "bar"
	x.post("/v1/sales/S1/refunds", body).want(t, 200, "")
	x.post("/v1/sales/S1/refunds", strings.Replace(body, "R1", "R2", 1)).want(t, 422, trade.ErrValidation)
	x.get("/v1/refunds/R2").want(t, 404, trade.ErrNotFound)
}

func TestRefundSums(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", `{"sale_id":"P1","total":"10.00","items":[{"name":"茶","amount":"7.00","discount":"-1.00"},{"name":"水","amount":"4.00"}],"invoice":"none"}`).want(t, 201, "")
	a := x.post("/v1/sales/P1/refunds", `{"refund_id":"R1","items":[{"line":1,"quantity":"1","amount":"2.00"},{"line":2,"amount":1}]}`).want(t, 201, "")
	if a.json(t, "amount") != "3.00" || a.json(t, "path") != "record" || a.json(t, "state") != "done" {
		t.Errorf("%s", a.body)
	}
	a = x.post("/v1/sales/P1/refunds", `{"refund_id":"R2","amount":"7.01"}`).want(t, 422, trade.ErrRefundExceeds)
	if got := a.json(t, "detail"); got != "7.00 is left to refund, 7.01 was asked for" {
		t.Errorf("detail %v", got)
	}
	x.post("/v1/sales/P1/refunds", `{"refund_id":"R2","amount":"4.00"}`).want(t, 201, "")
	if got := x.post("/v1/sales/P1/refunds", `{"refund_id":"R3"}`).want(t, 201, "").json(t, "amount"); got != "3.00" {
		t.Errorf("the rest is %v", got)
	}
	x.post("/v1/sales/P1/refunds", `{"refund_id":"R4"}`).want(t, 409, trade.ErrInvalidState)
	if got := x.get("/v1/sales/P1").json(t, "refunded"); got != "10.00" {
		t.Errorf("refunded %v", got)
	}
}

// A refund with nothing left to do has no attempts, though its sale may have.
func TestRefundAttempts(t *testing.T) {
	due := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	r := &queue.Record{Op: &queue.PlannedOp{Attempts: 3, DueAt: due}}
	for state, next := range map[trade.RefundState]string{trade.RefWaitVoid: "2026-11-22T20:00:00+08:00", trade.RefDone: "", trade.RefNeedsPerson: ""} {
		out := refundResource(r, &trade.Refund{ID: "R1", State: state, Problem: trade.Say(trade.VoidUnconfirmed)}, trade.EN)
		if got := out.NextAttemptAt; (got != nil) != (next != "") || got != nil && *got != next || (out.Attempts == 3) != (next != "") {
			t.Errorf("%s: %d attempts, next %v", state, out.Attempts, got)
		}
		if out.Problem == nil || out.Problem.Code != trade.VoidUnconfirmed || out.Problem.Detail == "" {
			t.Errorf("problem %v", out.Problem)
		}
	}
}

func TestConcurrentRefunds(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", plainBody("P1", "10.00")).want(t, 201, "")
	answers := make([]answer, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = x.post("/v1/sales/P1/refunds", fmt.Sprintf(`{"refund_id":"R%d","amount":"4.00"}`, i))
		})
	}
	all.Wait()
	taken := 0
	for _, a := range answers {
		if a.status == 201 {
			taken++
		} else {
			a.want(t, 422, trade.ErrRefundExceeds)
		}
	}
	if taken != 2 {
		t.Errorf("%d refunds of 4.00 out of 10.00", taken)
	}
}

func TestRefundProblems(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", `{"sale_id":"P1","total":"10.00","items":[{"name":"茶","amount":"7.00","discount":"-1.00"},{"name":"水","amount":"4.00"}],"invoice":"none"}`).want(t, 201, "")
	tests := []struct{ body, want string }{
		{`{}`, "refund_id"},
		{`{"refund_id":"?"}`, "refund_id"},
		{`{"refund_id":"R","amount":0}`, "amount"},
		{`{"refund_id":"R","amount":"0.00"}`, "amount"},
		{`{"refund_id":"R","amount":"-1"}`, "amount"},
		{`{"refund_id":"R","amount":""}`, "amount"},
		{`{"refund_id":"R","items":[]}`, "items"},
		{`{"refund_id":"R","items":[{}]}`, "items[0].line,items[0].amount"},
		{`{"refund_id":"R","items":[{"line":0,"amount":1}]}`, "items[0].line"},
		{`{"refund_id":"R","items":[{"line":1,"amount":0}]}`, "items[0].amount"},
		{`{"refund_id":"R","items":[{"line":1,"amount":1,"qty":1}]}`, "items[0].qty"},
		{`{"refund_id":"R","items":[{"line":3,"amount":1}]}`, "items[0].line"},
		{`{"refund_id":"R","items":[{"line":1,"amount":"6.01"}]}`, "items[0].amount"},
		{`{"refund_id":"R","items":[{"line":1,"amount":"3"},{"line":2,"amount":"3"},{"line":1,"amount":"3.01"}]}`, "items[2].amount"},
		{`{"refund_id":"R","amount":"5","items":[{"line":1,"amount":"3"}]}`, "amount"},
		{`{"refund_id":"R","items":[` + strings.Repeat(`{"line":1,"amount":"0.01"},`, 100) + `{"line":1,"amount":"0.01"}]}`, "items"},
		{`{"refund_id":"R","reason":"other"}`, "reason"},
		{`{"refund_id":"R","print":{"mode":"lines"}}`, "print.mode"},
		{`{"refund_id":"R","sale_id":"P1"}`, "sale_id"},
	}
	for _, tt := range tests {
		a := x.post("/v1/sales/P1/refunds", tt.body).want(t, 422, trade.ErrValidation)
		for i, field := range strings.Split(tt.want, ",") {
			if got := a.json(t, "fields", i, "field"); got != field {
				t.Errorf("%s: field %v, want %s", tt.body, got, field)
			}
		}
	}
	x.post("/v1/sales/P1/refunds", `{"refund_id":"R","amount":"5","items":[]}`).want(t, 201, "")
}
