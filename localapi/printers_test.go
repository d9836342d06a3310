package localapi

import (
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
)

// twoPrinters gives the till a kitchen printer of 58 mm.
func twoPrinters(o *Options, qo *queue.Options) {
	qo.Printers = []string{"kitchen"}
	o.Rules.Printers = []string{"kitchen"}
	o.Rules.Lines = func(printer string, lines []byte) []trade.Problem {
		_, problems := receipt.Shop{Columns: map[string]int{trade.ReceiptPrinter: 48, "kitchen": 32}[printer]}.Lines(lines, nil)
		return problems
	}
}

// claimFrom takes what a printer prints next, as its loop does.
func (x *till) claimFrom(printer string) *queue.PrintClaim {
	x.t.Helper()
	c, next, err := x.store.ClaimPrint(x.t.Context(), printer)
	if err != nil || c == nil {
		x.t.Fatalf("nothing for %s (next %v): %v", printer, next, err)
	}
	return c
}

// TestPrintersByName: each call that prints may name a printer; one that there
// is not is refused by the field's name with those that there are.
func TestPrintersByName(t *testing.T) {
	x := newTill(t, twoPrinters)
	x.post("/v1/sales", plainBody("S1", "1.00")).want(t, 201, "")
	sale := func(id, print string) string {
		return strings.Replace(plainBody(id, "1.00"), "{", `{"print":`+print+`,`, 1)
	}
	for _, tt := range []struct{ path, body, field string }{
		{"/v1/print", `{"job_id":"A","raw":"YQ==","printer":"kitchn"}`, "printer"},
		{"/v1/sales/S1/print", `{"job_id":"A","printer":"kitchn"}`, "printer"},
		{"/v1/drawer/open", `{"printer":"kitchn"}`, "printer"},
		{"/v1/sales", sale("S9", `{"printer":"kitchn"}`), "print.printer"},
		{"/v1/sales/S1/refunds", `{"refund_id":"R9","print":{"printer":"kitchn"}}`, "print.printer"},
	} {
		a := x.post(tt.path, tt.body).want(t, 422, trade.ErrValidation)
		if a.json(t, "fields", 0, "field") != tt.field || !strings.Contains(a.json(t, "fields", 0, "message").(string), "receipt, kitchen") {
			t.Errorf("%s: %s", tt.path, a.body)
		}
	}
	x.post("/v1/print", `{"job_id":"A","raw":"YQ==","printer":7}`).want(t, 422, trade.ErrValidation)

	if a := x.post("/v1/print", `{"job_id":"K1","raw":"YQ==","printer":"kitchen"}`).want(t, 202, ""); a.json(t, "printer") != "kitchen" {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/print", `{"job_id":"K1","raw":"YQ==","printer":"kitchen"}`).want(t, 200, "")
	x.post("/v1/print", `{"job_id":"K1","raw":"YQ=="}`).want(t, 409, trade.ErrJobConflict)
	x.post("/v1/print", `{"job_id":"K1","raw":"YQ==","printer":"kitchn"}`).want(t, 409, trade.ErrJobConflict)
	x.post("/v1/sales/S1/print", `{"job_id":"K2","printer":"kitchen","what":"ticket"}`).want(t, 202, "")
	x.post("/v1/sales", sale("S2", `{"printer":"kitchen"}`)).want(t, 201, "")
	x.post("/v1/sales", sale("S2", `{}`)).want(t, 409, trade.ErrSaleConflict)
	x.post("/v1/sales", sale("S3", `{"printer":"receipt"}`)).want(t, 201, "")
	x.post("/v1/sales", sale("S3", `{}`)).want(t, 200, "")
	x.post("/v1/sales/S1/refunds", `{"refund_id":"R1","print":{"printer":"kitchen"}}`).want(t, 201, "")

	// Lines are checked for the paper on which they will stand.
	wide := `{"columns":[{"text":"a","width":40}]}`
	x.post("/v1/print", `{"job_id":"W1","lines":[`+wide+`]}`).want(t, 202, "")
	if a := x.post("/v1/print", `{"job_id":"W2","lines":[`+wide+`],"printer":"kitchen"}`).want(t, 422, trade.ErrValidation); a.json(t, "fields", 0, "field") != "lines[0].columns[0].width" {
		t.Errorf("%s", a.body)
	}

	for printer, jobs := range map[string][]string{"kitchen": {"K1", "K2", "sale:S2", "refund:R1"}, trade.ReceiptPrinter: {"sale:S1", "sale:S3", "W1"}} {
		for _, id := range jobs {
			c := x.claimFrom(printer)
			if c.JobID != id {
				t.Fatalf("%s prints %s, want %s", printer, c.JobID, id)
			}
			if err := x.store.SettlePrint(c, trade.PaperPrinted, "", time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a := x.get("/v1/print-jobs/refund:R1"); a.json(t, "printer") != "kitchen" || a.json(t, "state") != "printed" {
		t.Errorf("%s", a.body)
	}
}

// TestPrintersShown: every printer is shown with what waits for it, one that was
// removed as long as something does.
func TestPrintersShown(t *testing.T) {
	x := newTill(t, twoPrinters, func(o *Options, qo *queue.Options) {
		qo.Printers = append(qo.Printers, "bar")
		o.Rules.Printers = append(o.Rules.Printers, "bar")
		o.Around = nowOf(Around{Printers: []Printer{{Name: trade.ReceiptPrinter, State: "ready", Profile: "generic-80"}, {Name: "kitchen", State: "paper_out", Profile: "generic-58"}}})
	})
	x.post("/v1/print", `{"job_id":"K1","raw":"YQ==","printer":"kitchen"}`).want(t, 202, "")
	x.post("/v1/print", `{"job_id":"B1","raw":"YQ==","printer":"bar"}`).want(t, 202, "")
	x.post("/v1/print", `{"job_id":"B2","raw":"YQ==","printer":"bar"}`).want(t, 202, "")
	a := x.get("/v1/printers", as(readSecret)).want(t, 200, "")
	for i, want := range [][]any{{"receipt", true, "ready", "generic-80", "0"}, {"kitchen", true, "paper_out", "generic-58", "1"}, {"bar", false, "", "", "2"}} {
		for j, key := range []string{"name", "configured", "state", "model", "jobs_waiting"} {
			if got := a.json(t, "printers", i, key); got != want[j] {
				t.Errorf("printers[%d].%s is %v, want %v", i, key, got, want[j])
			}
		}
	}
	if a := x.get("/v1/printer"); a.json(t, "model") != "generic-80" || a.json(t, "jobs_waiting") != "0" {
		t.Errorf("%s", a.body)
	}
	a = x.get("/v1/status")
	if a.json(t, "printer", "state") != "ready" || a.json(t, "printers", 1, "name") != "kitchen" || a.json(t, "printers", 1, "state") != "paper_out" || a.json(t, "queue", "prints_waiting") != "3" {
		t.Errorf("%s", a.body)
	}
	figures := scraped(t, x.get("/metrics").want(t, 200, ""))
	for name, want := range map[string]string{
		`tillagent_printer_state{printer="kitchen",state="paper_out"}`: "1", `tillagent_printer_state{printer="receipt",state="paper_out"}`: "0",
		`tillagent_prints_waiting{printer="bar",state="queued"}`: "2", `tillagent_prints_waiting{printer="receipt",state="queued"}`: "0",
	} {
		if figures[name] != want {
			t.Errorf("%s is %q, want %s", name, figures[name], want)
		}
	}
	none := newTill(t).get("/v1/printers").want(t, 200, "")
	if string(none.body) != `{"printers":[]}`+"\n" {
		t.Errorf("%s", none.body)
	}
}
