package localapi

import (
	"strings"
	"testing"
	"time"

	"tillagent/trade"
)

// print plays the print loop: it takes the next job and stores its outcome.
func (x *till) print(e trade.PrintEvent, reason string) {
	x.t.Helper()
	c, next, err := x.store.ClaimPrint(x.t.Context(), trade.ReceiptPrinter)
	if err != nil || c == nil {
		x.t.Fatalf("nothing to print (next %v): %v", next, err)
	}
	if err := x.store.SettlePrint(c, e, reason, time.Now()); err != nil {
		x.t.Fatal(err)
	}
}

func TestPrint(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S/1")).want(t, 201, "")
	x.fetchQR()
	x.print(trade.PaperHeld, "paper_out")
	a := x.get("/v1/sales/S%2F1")
	if a.json(t, "print", "state") != "held" || a.json(t, "print", "reason") != "paper_out" || a.json(t, "print", "printed_at") != nil {
		t.Errorf("%s", a.body)
	}
	x.print(trade.PaperPrinted, "")
	a = x.get("/v1/sales/S%2F1")
	if a.json(t, "print", "state") != "printed" || a.json(t, "print", "job_id") != "sale:S/1" || a.json(t, "print", "reprints") != "0" || a.json(t, "print", "printed_at") == nil {
		t.Errorf("%s", a.body)
	}
	a = x.get("/v1/print-jobs/sale:S%2F1").want(t, 200, "")
	if a.json(t, "what") != "receipt" || a.json(t, "with_qr") != true || a.json(t, "attempts") != "2" {
		t.Errorf("%s", a.body)
	}

	a = x.post("/v1/sales/S%2F1/print", `{"job_id":"J/1","what":"slip","copies":2}`).want(t, 202, "")
	if a.json(t, "job_id") != "J/1" || a.json(t, "state") != "queued" || a.json(t, "copies") != "2" || a.header.Get("Location") != "/v1/print-jobs/J%2F1" {
		t.Errorf("%v %s", a.header, a.body)
	}
	x.post("/v1/sales/S%2F1/print", `{"copies":2,"what":"slip","job_id":"J/1"}`).want(t, 200, "")
	x.post("/v1/sales/S%2F1/print", `{"job_id":"J/1"}`).want(t, 409, trade.ErrJobConflict)
	x.print(trade.PaperSent, "")
	if got := x.get("/v1/print-jobs/J%2F1").json(t, "state"); got != "sent" {
		t.Errorf("state %v", got)
	}
	a = x.get("/v1/sales/S%2F1")
	if a.json(t, "print", "reprints") != "1" || a.json(t, "print", "job_id") != "sale:S/1" {
		t.Errorf("%s", a.body)
	}

	for body, field := range map[string]string{
		`{}`: "job_id", `{"job_id":""}`: "job_id", `{"job_id":"J2","what":"refund"}`: "what", `{"job_id":"J2","copies":6}`: "copies", `{"job_id":"J2","x":1}`: "x",
		`{"job_id":"sale:S2"}`: "job_id", `{"job_id":"refund:R"}`: "job_id", `{"job_id":"slip:S"}`: "job_id",
	} {
		if got := x.post("/v1/sales/S%2F1/print", body).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != field {
			t.Errorf("%s: field %v", body, got)
		}
	}
	x.post("/v1/sales/none/print", `{"job_id":"J2"}`).want(t, 404, trade.ErrNotFound)
	x.get("/v1/print-jobs/J2").want(t, 404, trade.ErrNotFound)
	x.post("/v1/sales", plainBody("P1", "1.00")).want(t, 201, "")
	x.post("/v1/sales/P1/print", `{"job_id":"J2","what":"slip"}`).want(t, 409, trade.ErrInvalidState)
}

// A refund's paper is not the sale's.
func TestPrintOfRefund(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", strings.Replace(plainBody("P1", "1.00"), "{", `{"print":{"mode":"none"},`, 1)).want(t, 201, "")
	x.post("/v1/sales/P1/refunds", `{"refund_id":"R1"}`).want(t, 201, "")
	if got := x.get("/v1/sales/P1").json(t, "print", "state"); got != "none" {
		t.Errorf("print.state %v", got)
	}
	if a := x.get("/v1/print-jobs/refund:R1").want(t, 200, ""); a.json(t, "what") != "refund" || a.json(t, "refund_id") != "R1" {
		t.Errorf("%s", a.body)
	}
}

func TestRetry(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	c, _, err := x.store.ClaimOp(t.Context(), trade.LaneLive)
	if err != nil {
		t.Fatal(err)
	}
	if a := x.get("/v1/sales/S1"); a.json(t, "next_attempt_at") != nil {
		t.Errorf("an attempt is running: %s", a.body)
	}
	if err := x.store.Settle(c, trade.Refused{Op: c.Op, Code: "8016", Msg: "x"}); err != nil {
		t.Fatal(err)
	}
	if got := x.get("/v1/sales/S1").json(t, "state"); got != "rejected" {
		t.Errorf("state %v", got)
	}
	for body, field := range map[string]string{`{"items":[]}`: "items", `{"items":[{"name":"a"}]}`: "items[0].amount", `{"x":1}`: "x", `{"items":{}}`: "items"} {
		if got := x.post("/v1/sales/S1/retry", body).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != field {
			t.Errorf("%s: field %v, want %s", body, got, field)
		}
	}
	x.post("/v1/sales/S1/retry", `[`).want(t, 400, trade.ErrInvalidJSON)
	for _, body := range []string{``, `{}`, `{"items":null}`} {
		if a := x.post("/v1/sales/S1/retry", body).want(t, 202, ""); a.json(t, "state") != "queued" || a.json(t, "problem") != nil {
			t.Errorf("%s", a.body)
		}
	}
	x.post("/v1/sales/none/retry", "").want(t, 404, trade.ErrNotFound)
}
