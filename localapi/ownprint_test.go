package localapi

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// claim takes the next print job, as the print loop does.
func (x *till) claim() *queue.PrintClaim {
	x.t.Helper()
	c, next, err := x.store.ClaimPrint(x.t.Context(), trade.ReceiptPrinter)
	if err != nil || c == nil {
		x.t.Fatalf("nothing to print (next %v): %v", next, err)
	}
	return c
}

// TestPrintModes: what a POS lays out for a sale reaches the print loop as it
// was sent, and its meaning is part of the sale's.
func TestPrintModes(t *testing.T) {
	x := newTill(t)
	body := func(id, print string) string {
		return strings.Replace(plainBody(id, "1.00"), "{", `{"print":`+print+`,`, 1)
	}
	lines := `{"mode":"lines","copies":2,"lines":[ {"text":"茶","bold":true} , {"cut":"partial"} ]}`
	x.post("/v1/sales", body("S1", lines)).want(t, 201, "")
	x.post("/v1/sales", body("S1", `{"copies":2,"lines":[{"bold":true,"text":"茶"},{"cut":"partial"}],"mode":"lines"}`)).want(t, 200, "")
	x.post("/v1/sales", body("S1", strings.Replace(lines, "茶", "水", 1))).want(t, 409, trade.ErrSaleConflict)
	x.post("/v1/sales", body("S2", `{"mode":"raw","raw":"G0BBCh1WAA=="}`)).want(t, 201, "")
	x.post("/v1/sales", body("S2", `{"mode":"raw","raw":"G0BCCh1WAA=="}`)).want(t, 409, trade.ErrSaleConflict)

	c := x.claim()
	if c.SaleID() != "S1" || c.Content.Form != trade.PrintLines || string(c.Content.Data) != `[{"bold":true,"text":"茶"},{"cut":"partial"}]` || c.Copies != 2 || c.Mark != trade.MarkNone {
		t.Errorf("claimed %+v %s", c, c.Content.Data)
	}
	if err := x.store.SettlePrint(c, trade.PaperPrinted, "", x.server.started); err != nil {
		t.Fatal(err)
	}
	c = x.claim()
	if c.SaleID() != "S2" || c.Content.Form != trade.PrintRaw || !bytes.Equal(c.Content.Data, []byte("\x1b@A\n\x1dV\x00")) {
		t.Errorf("claimed %+v %q", c, c.Content.Data)
	}
	if err := x.store.SettlePrint(c, trade.PaperPrinted, "", x.server.started); err != nil {
		t.Fatal(err)
	}
	if got := x.get("/v1/sales/S1").json(t, "print", "state"); got != "printed" {
		t.Errorf("print.state %v", got)
	}

	// Printed again, it is the same paper and marked.
	x.post("/v1/sales/S1/print", `{"job_id":"again"}`).want(t, 202, "")
	if c = x.claim(); c.Content.Form != trade.PrintLines || c.Mark != trade.MarkReprint || c.Nth != 2 {
		t.Errorf("the reprint is %+v", c)
	}
	x.post("/v1/sales/S1/refunds", `{"refund_id":"R1","print":{"mode":"lines","lines":[{"text":"a"}]}}`).want(t, 422, trade.ErrValidation)
}

func TestR10OwnPrint(t *testing.T) {
	x := newTill(t)
	a := x.post("/v1/print", `{"job_id":"K/1","lines":[{"text":"桌号 7"}],"copies":2}`).want(t, 202, "")
	if a.json(t, "job_id") != "K/1" || a.json(t, "state") != "queued" || a.json(t, "what") != "pos" || a.json(t, "copies") != "2" || a.header.Get("Location") != "/v1/print-jobs/K%2F1" {
		t.Errorf("%v %s", a.header, a.body)
	}
	x.post("/v1/print", `{"copies":2,"lines":[ {"text":"桌号 7"} ],"job_id":"K/1"}`).want(t, 200, "")
	if a := x.post("/v1/print", `{"job_id":"K/1","lines":[{"text":"桌号 8"}],"copies":2}`).want(t, 409, trade.ErrJobConflict); a.json(t, "stored_digest") == a.json(t, "posted_digest") {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/print", `{"job_id":"K/1","lines":[{"text":"桌号 7"}]}`).want(t, 409, trade.ErrJobConflict)
	x.post("/v1/print", `{"job_id":"K2","raw":"G0BBCg=="}`).want(t, 202, "")
	if n := x.get("/v1/printer").json(t, "jobs_waiting"); n != "2" {
		t.Errorf("%v jobs wait", n)
	}

	c := x.claim()
	if c.JobID != "K/1" || c.Record != nil || c.Paper != trade.PaperPOS || c.Content.Form != trade.PrintLines || c.Copies != 2 {
		t.Errorf("claimed %+v", c)
	}
	x.do("DELETE", "/v1/print-jobs/K%2F1", "").want(t, 409, trade.ErrInvalidState)
	if err := x.store.SettlePrint(c, trade.PaperPrinted, "", x.server.started); err != nil {
		t.Fatal(err)
	}
	if got := x.get("/v1/print-jobs/K%2F1").json(t, "state"); got != "printed" {
		t.Errorf("state %v", got)
	}
	if got := x.do("DELETE", "/v1/print-jobs/K2", "").want(t, 200, "").json(t, "state"); got != "cancelled" {
		t.Errorf("state %v", got)
	}

	// The ids of print jobs are one set.
	x.post("/v1/sales", plainBody("P1", "1.00")).want(t, 201, "")
	x.post("/v1/sales/P1/print", `{"job_id":"J1"}`).want(t, 202, "")
	x.post("/v1/print", `{"job_id":"J1","raw":"YQ=="}`).want(t, 409, trade.ErrJobConflict)
	x.post("/v1/sales/P1/print", `{"job_id":"K2"}`).want(t, 409, trade.ErrJobConflict)

	for body, field := range map[string]string{
		`{"job_id":"X"}`: "lines", `{"job_id":"X","lines":[{"feed":1}],"raw":"YQ=="}`: "lines", `{"lines":[{"feed":1}]}`: "job_id",
		`{"job_id":"sale:1","raw":"YQ=="}`: "job_id", `{"job_id":"X","raw":"?"}`: "raw", `{"job_id":"X","raw":""}`: "raw", `{"job_id":"X","lines":[]}`: "lines",
		`{"job_id":"X","lines":[{"feed":1},{"text":"a","size":"huge"}]}`: "lines[1].size", `{"job_id":"X","raw":"YQ==","copies":6}`: "copies", `{"job_id":"X","raw":"YQ==","x":1}`: "x",
	} {
		if got := x.post("/v1/print", body).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != field {
			t.Errorf("%s: field %v", body, got)
		}
	}
	if err := x.store.VerifyJournal(); err != nil {
		t.Error(err)
	}
	away := newTill(t, func(_ *Options, q *queue.Options) { q.Printer = false })
	away.post("/v1/print", `{"job_id":"X","raw":"YQ=="}`).want(t, 503, trade.ErrPrinterAway)
}

func TestDrawer(t *testing.T) {
	newTill(t).post("/v1/drawer/open", "").want(t, 503, trade.ErrPrinterAway)

	event, kicks, noted := trade.PaperPrinted, 0, int64(0)
	var x *till
	entries := func() int64 { // of the journal
		day, err := x.store.DayReport(t.Context(), time.Now().In(trade.Beijing), trade.Beijing)
		if err != nil {
			t.Error(err)
			return 0
		}
		return day.JournalSeq
	}
	x = newTill(t, func(o *Options, _ *queue.Options) {
		o.Rules.Printers = []string{"bar", "kitchen"}
		o.Drawers = map[string]func(context.Context) (trade.PrintEvent, string){"bar": func(context.Context) (trade.PrintEvent, string) {
			kicks++
			noted = entries()
			return event, "paper_out"
		}}
		o.Drawers[trade.ReceiptPrinter] = o.Drawers["bar"]
	})
	x.post("/v1/drawer/open", `{"printer":"kitchen"}`).want(t, 503, trade.ErrPrinterAway)
	if a := x.post("/v1/drawer/open", `{"printer":"kitchn"}`).want(t, 422, trade.ErrValidation); a.json(t, "fields", 0, "field") != "printer" {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/drawer/open", `{"printer":"bar"}`).want(t, 202, "")
	for _, event = range []trade.PrintEvent{trade.PaperPrinted, trade.PaperSent, trade.PaperUncertain} {
		before := entries()
		if a := x.post("/v1/drawer/open", "{}").want(t, 202, ""); a.json(t, "state") != string(event) {
			t.Errorf("%s: %s", event, a.body)
		}
		if noted <= before || entries() <= noted {
			t.Errorf("the journal has entry %d, %d when the pulse leaves, %d afterwards", before, noted, entries())
		}
	}
	event = trade.PaperHeld
	if a := x.post("/v1/drawer/open", "").want(t, 503, trade.ErrPrinterAway); !strings.Contains(a.json(t, "detail").(string), "paper") {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/drawer/open", `{"x":1}`).want(t, 422, trade.ErrValidation)
	x.post("/v1/drawer/open", "", as(readSecret)).want(t, 403, trade.ErrForbiddenRole)
	if kicks != 5 {
		t.Errorf("%d pulses", kicks)
	}
	if err := x.store.VerifyJournal(); err != nil {
		t.Error(err)
	}
}
