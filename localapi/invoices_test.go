package localapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// invoiceBody is a valid direct invoice; members are put in front.
func invoiceBody(id string, members ...string) string {
	return fmt.Sprintf(`{%s"invoice_id":%q,"sold_at":"2026-11-22T19:30:05+08:00","total":"12.50",
		"items":[{"name":"拿铁咖啡","amount":12.50,"tax_code":"3070401000000000000","tax_rate":"0.06"}],"buyer":{"name":"某某公司","tax_no":"91110108MA01ABCD2X"}}`,
		strings.Join(members, ""), id)
}

const viewURL = "https://fp.example.cn/i?n=1&m=2"

// accept plays the worker to the platform's taking a direct invoice.
func (x *till) accept() string {
	x.t.Helper()
	c, next, err := x.store.ClaimOp(x.t.Context(), trade.LaneLive)
	if err != nil || c == nil || c.Op.Kind != trade.OpIssue {
		x.t.Fatalf("no invoice to issue: %+v (next %v): %v", c, next, err)
	}
	if err := x.store.Settle(c, trade.IssueAccepted{Serial: c.Op.Serial, ViewURL: viewURL}); err != nil {
		x.t.Fatal(err)
	}
	return c.Op.Serial
}

// issue plays it to the end of an accepted one.
func (x *till) issue(serial string) {
	x.t.Helper()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for {
		c, next, err := x.store.ClaimOp(x.t.Context(), trade.LaneWatch)
		if err != nil || c == nil {
			x.t.Fatalf("nobody asks about invoice %s (next %v): %v", serial, next, err)
		}
		if c.Op.Serial != serial { // another sale's question
			defer func() {
				if err := x.store.HandBack(c); err != nil {
					x.t.Error(err)
				}
			}()
			continue
		}
		err = x.store.Settle(c, trade.InvoiceSeen{Serial: serial, State: trade.InvIssued, Net: 1179, Tax: 71, Number: "26442000000012345678", IssuedAt: at,
			DownloadURL: "https://fp.example.cn/d", At: at})
		if err != nil {
			x.t.Fatal(err)
		}
		return
	}
}

func (x *till) issueDirect(id string) {
	x.t.Helper()
	x.post("/v1/invoices", invoiceBody(id)).want(x.t, 201, "")
	x.issue(x.accept())
}

func TestInvoice(t *testing.T) {
	x := newTill(t)
	a := x.post("/v1/invoices", invoiceBody("I/1")).want(t, 201, "")
	if got := a.header.Get("Location"); got != "/v1/invoices/I%2F1" {
		t.Errorf("Location %q", got)
	}
	want := []string{"accepted_at", "attempts", "invoice", "invoice_id", "kind", "next_attempt_at", "print", "problem", "sale_id", "state", "total", "updated_at", "view_url"}
	if got := slices.Sorted(maps.Keys(a.json(t).(map[string]any))); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	for path, want := range map[string]any{"invoice_id": "I/1", "sale_id": "I/1", "state": "queued", "kind": "82", "total": "12.50", "view_url": "", "problem": nil, "attempts": "0"} {
		if got := a.json(t, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if bytes.Contains(a.body, []byte("91110108MA01ABCD2X")) {
		t.Errorf("the buyer comes back: %s", a.body)
	}
	x.get("/v1/sales/I%2F1/qr.png").want(t, 409, trade.ErrInvalidState)

	serial := x.accept()
	a = x.get("/v1/invoices/I%2F1").want(t, 200, "")
	if a.json(t, "state") != "invoicing" || a.json(t, "view_url") != viewURL || a.json(t, "invoice", "req_serial_no") != serial || a.json(t, "invoice", "number") != "" {
		t.Errorf("%s", a.body)
	}
	x.issue(serial)
	a = x.get("/v1/invoices/I%2F1").want(t, 200, "")
	for path, want := range map[string]any{"number": "26442000000012345678", "net": "11.79", "tax": "0.71", "issued_at": "2026-11-22T20:00:00+08:00", "download_url": "https://fp.example.cn/d"} {
		if got := a.json(t, "invoice", path); got != want {
			t.Errorf("invoice.%s: %v, want %v", path, got, want)
		}
	}
	if a.json(t, "state") != "invoiced" {
		t.Errorf("%s", a.body)
	}
	for _, none := range []string{"/v1/invoices/none", "/v1/invoices/", "/v1/invoices/none/file"} {
		x.get(none).want(t, 404, trade.ErrNotFound)
	}
	x.post("/v1/invoices/none/retry", "").want(t, 404, trade.ErrNotFound)
}

// What the platform told unreadably is not shown, and hides nothing else.
func TestInvoiceInPart(t *testing.T) {
	day := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		seen          trade.InvoiceSeen
		net, tax, day any
	}{
		"no amounts": {trade.InvoiceSeen{IssuedAt: day}, "", "", "2026-11-22T20:00:00+08:00"},
		"no date":    {trade.InvoiceSeen{Net: 1179, Tax: 71}, "11.79", "0.71", nil},
		"no tax":     {trade.InvoiceSeen{Net: 1250}, "12.50", "0.00", nil},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTill(t)
			x.post("/v1/invoices", invoiceBody("I1")).want(t, 201, "")
			tt.seen.Serial, tt.seen.State, tt.seen.At = x.accept(), trade.InvIssued, day
			x.settle(trade.LaneWatch, tt.seen)
			for path, want := range map[string]any{"net": tt.net, "tax": tt.tax, "issued_at": tt.day} {
				if got := x.get("/v1/invoices/I1").want(t, 200, "").json(t, "invoice", path); got != want {
					t.Errorf("%s: %v, want %v", path, got, want)
				}
			}
		})
	}
}

// A sale that asks for its invoice shows it like any other, with the page
// behind it; and a sale of an invoice is a sale.
func TestDirectSale(t *testing.T) {
	x := newTill(t)
	direct := func(id string) string {
		return strings.Replace(saleBody(id), `"cashier"`, `"invoice":"direct","kind":"81","buyer":{"name":"某某公司","tax_no":"91110108MA01ABCD2X"},"cashier"`, 1)
	}
	x.post("/v1/sales", direct("S/1")).want(t, 201, "")
	x.post("/v1/sales", direct("S/1")).want(t, 200, "")
	x.post("/v1/sales", strings.Replace(direct("S/1"), `"81"`, `"82"`, 1)).want(t, 409, trade.ErrSaleConflict)
	serial := x.accept()
	a := x.get("/v1/sales/S%2F1").want(t, 200, "")
	if a.json(t, "state") != "invoicing" || a.json(t, "view_url") != viewURL || a.json(t, "qr", "url") != "" || a.json(t, "qr", "png") != "/v1/sales/S%2F1/qr.png" ||
		a.json(t, "invoice", "req_serial_no") != serial || a.json(t, "invoices", 0, "kind") != "blue" {
		t.Errorf("%s", a.body)
	}
	if _, err := png.Decode(bytes.NewReader(x.get("/v1/sales/S%2F1/qr.png").want(t, 200, "").body)); err != nil {
		t.Error(err)
	}
	x.get("/v1/invoices/S%2F1").want(t, 404, trade.ErrNotFound) // it has no id as an invoice

	x.issueDirect("I1")
	if a := x.get("/v1/sales/I1").want(t, 200, ""); a.json(t, "state") != "invoiced" || a.json(t, "view_url") != viewURL {
		t.Errorf("%s", a.body)
	}
	if a := x.post("/v1/sales/I1/refunds", `{"refund_id":"R1"}`).want(t, 201, ""); a.json(t, "path") != "red_flush" || a.json(t, "red_invoice", "amount") != "-12.50" {
		t.Errorf("%s", a.body)
	}
	if a := x.get("/v1/sales/I1"); a.json(t, "qr", "png") != "" { // a refunded invoice is no use to a customer
		t.Errorf("%s", a.body)
	}
	x.get("/v1/sales/I1/qr.png").want(t, 409, trade.ErrInvalidState)
	if got := x.get("/v1/invoices/I1").json(t, "state"); got != "invoiced" {
		t.Errorf("state %v", got)
	}
}

func TestInvoiceReplayAndConflict(t *testing.T) {
	x := newTill(t)
	first := invoiceBody("I1")
	x.post("/v1/invoices", first).want(t, 201, "")
	for name, body := range map[string]string{
		"again": first, "defaults": invoiceBody("I1", `"kind":"82","invoice":"direct","sale_id":"I1","print":{},`), "nulls": invoiceBody("I1", `"kind":null,"invoice":"","sale_id":null,`),
	} {
		if a := x.post("/v1/invoices", body).want(t, 200, ""); a.json(t, "invoice_id") != "I1" || a.header.Get("Location") != "/v1/invoices/I1" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	for name, body := range map[string]string{
		"total": strings.ReplaceAll(first, "12.50", "12.60"), "kind": invoiceBody("I1", `"kind":"81",`), "buyer": strings.Replace(first, "某某", "某", 1), "sale_id": invoiceBody("I1", `"sale_id":"S9",`),
	} {
		t.Run(name, func(t *testing.T) {
			a := x.post("/v1/invoices", body).want(t, 409, trade.ErrInvoiceConflict)
			stored, posted := a.json(t, "stored_digest").(string), a.json(t, "posted_digest").(string)
			if detail := a.json(t, "detail").(string); len(stored) != 64 || len(posted) != 64 || stored == posted || !strings.Contains(detail, stored) {
				t.Errorf("%s", a.body)
			}
		})
	}
	x.get("/v1/sales/S9").want(t, 404, trade.ErrNotFound)

	// The sale's id is another sale's: a plain one, or one of another invoice.
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	for _, taken := range []string{"S1", "I1"} {
		a := x.post("/v1/invoices", invoiceBody("I2", `"sale_id":"`+taken+`",`)).want(t, 409, trade.ErrInvoiceConflict)
		if got := a.json(t, "detail"); got != "sale_id "+taken+" belongs to another sale" || len(a.json(t, "stored_digest").(string)) != 64 {
			t.Errorf("%s", a.body)
		}
	}
	x.post("/v1/sales", saleBody("I1")).want(t, 409, trade.ErrSaleConflict)
	x.get("/v1/invoices/I2").want(t, 404, trade.ErrNotFound)
	a := x.post("/v1/invoices", invoiceBody("I2", `"sale_id":"S2",`)).want(t, 201, "")
	if a.json(t, "invoice_id") != "I2" || a.json(t, "sale_id") != "S2" || x.get("/v1/sales/S2").json(t, "state") != "queued" {
		t.Errorf("%s", a.body)
	}
}

// One number, one invoice, however often and at once it is asked for.
func TestInvoiceConcurrentRepetition(t *testing.T) {
	x := newTill(t)
	const n = 16
	statuses := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { statuses[i] = x.post("/v1/invoices", invoiceBody("I1")).status })
	}
	all.Wait()
	slices.Sort(statuses)
	if want := append(slices.Repeat([]int{200}, n-1), 201); !slices.Equal(statuses, want) {
		t.Errorf("statuses %v", statuses)
	}
	if got := x.get("/v1/status").json(t, "queue", "sales", "queued"); got != "1" {
		t.Errorf("%v sales", got)
	}
}

func TestInvoiceProblems(t *testing.T) {
	x := newTill(t)
	for name, tt := range map[string]struct{ body, fields string }{
		"nothing":        {`{}`, "invoice_id required, total required, items required"},
		"bad id":         {invoiceBody("中"), "invoice_id bad_id"},
		"bad sale's id":  {invoiceBody("I1", `"sale_id":"中",`), "sale_id bad_id"},
		"empty":          {invoiceBody("I1", `"sale_id":"",`), "sale_id bad_id"},
		"a code":         {invoiceBody("I1", `"invoice":"qr",`), "invoice one_of"},
		"none":           {invoiceBody("I1", `"invoice":"none",`), "invoice one_of"},
		"kind by number": {invoiceBody("I1", `"kind":82,`), "kind wrong_type"},
		"unknown":        {invoiceBody("I1", `"invoiceid":"I1",`), "invoiceid unknown_field"},
		"unknown, buyer": {strings.Replace(invoiceBody("I1"), `"buyer":{`, `"buyer":{"nmae":"",`, 1), "buyer.nmae unknown_field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readInvoice([]byte(tt.body))
			if got := strings.Join(fieldsOf(t, err), ", "); got != tt.fields {
				t.Errorf("got  %s\nwant %s", got, tt.fields)
			}
			x.post("/v1/invoices", tt.body).want(t, 422, trade.ErrValidation)
		})
	}
	for name, tt := range map[string]struct{ body, field string }{
		"no buyer":      {strings.Replace(invoiceBody("I1"), `"buyer"`, `"extra"`, 1), "buyer.name"},
		"kind":          {invoiceBody("I1", `"kind":"01",`), "kind"},
		"short tax no":  {strings.Replace(invoiceBody("I1"), "91110108MA01ABCD2X", "911101", 1), "buyer.tax_no"},
		"no tax rate":   {strings.Replace(invoiceBody("I1"), `,"tax_rate":"0.06"`, "", 1), "items[0].tax_rate"},
		"special, none": {strings.Replace(invoiceBody("I1", `"kind":"81",`), `,"tax_no":"91110108MA01ABCD2X"`, "", 1), "buyer.tax_no"},
	} {
		if got := x.post("/v1/invoices", tt.body).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != tt.field {
			t.Errorf("%s: field %v, want %s", name, got, tt.field)
		}
	}
	x.get("/v1/invoices/I1").want(t, 404, trade.ErrNotFound)
}

// TestInvoiceWait: the page where the buyer follows the invoice ends the wait.
func TestInvoiceWait(t *testing.T) {
	x := newTill(t)
	answers := make(chan answer, 1)
	go func() { answers <- x.post("/v1/invoices?wait=30s", invoiceBody("I1")) }()
	<-x.store.Wake(trade.LaneLive)
	x.accept()
	select {
	case a := <-answers:
		if a.want(t, 201, ""); a.json(t, "state") != "invoicing" || a.json(t, "view_url") != viewURL {
			t.Errorf("%s", a.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the page is known and the caller still waits")
	}
	if got := x.post("/v1/invoices?wait=31s", invoiceBody("I2")).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != "wait" {
		t.Errorf("field %v", got)
	}
}

func TestInvoiceRetry(t *testing.T) {
	x := newTill(t)
	x.post("/v1/invoices", invoiceBody("I/1")).want(t, 201, "")
	c, _, err := x.store.ClaimOp(t.Context(), trade.LaneLive)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.store.Settle(c, trade.Refused{Op: c.Op, Code: "8016", Msg: "金额不符"}); err != nil {
		t.Fatal(err)
	}
	if a := x.get("/v1/invoices/I%2F1"); a.json(t, "state") != "rejected" || !strings.Contains(a.json(t, "problem", "detail").(string), "8016") {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/invoices/I%2F1/retry", `{"items":[]}`).want(t, 422, trade.ErrValidation)
	for _, body := range []string{"", "{}"} {
		a := x.post("/v1/invoices/I%2F1/retry", body).want(t, 202, "")
		if a.json(t, "state") != "queued" || a.json(t, "problem") != nil || a.header.Get("Location") != "/v1/invoices/I%2F1" {
			t.Errorf("%s", a.body)
		}
	}
	// The platform is asked whether it has the number after all.
	if c, _, err = x.store.ClaimOp(t.Context(), trade.LaneLive); err != nil || c == nil || c.Op.Kind != trade.OpQueryInvoice {
		t.Fatalf("%+v, %v; want a question first", c, err)
	}
	if err := x.store.Settle(c, trade.InvoiceMissing{Serial: c.Op.Serial}); err != nil {
		t.Fatal(err)
	}
	if serial := x.accept(); serial != c.Op.Serial {
		t.Errorf("sent again as %s, first as %s", serial, c.Op.Serial)
	}
}

// archive is a platform that has the files of invoices, or an error instead.
type archive struct {
	mu    sync.Mutex
	err   error
	asked []string
}

func (f *archive) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *archive) InvoiceFile(ctx context.Context, serial, kind string) ([]byte, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := ctx.Deadline(); !ok {
		return nil, "", errors.New("no deadline")
	}
	f.asked = append(f.asked, serial+" "+kind)
	return []byte("%PDF-1.7 " + kind), "application/" + kind, f.err
}

func TestInvoiceFile(t *testing.T) {
	files := &archive{}
	x := newTill(t, func(o *Options, _ *queue.Options) { o.Files = files })
	x.post("/v1/invoices", invoiceBody("I1")).want(t, 201, "")
	x.get("/v1/invoices/I1/file").want(t, 409, trade.ErrInvalidState)
	serial := x.accept()
	x.get("/v1/invoices/I1/file").want(t, 409, trade.ErrInvalidState)
	if len(files.asked) > 0 {
		t.Errorf("the platform was asked for %v", files.asked)
	}
	x.issue(serial)
	for query, kind := range map[string]string{"": "pdf", "?type=pdf": "pdf", "?type=ofd": "ofd", "?type=xml": "xml"} {
		a := x.get("/v1/invoices/I1/file"+query, as(readSecret)).want(t, 200, "")
		if a.header.Get("Content-Type") != "application/"+kind || string(a.body) != "%PDF-1.7 "+kind ||
			a.header.Get("Content-Disposition") != "attachment; filename=26442000000012345678."+kind {
			t.Errorf("%s: %v %s", query, a.header, a.body)
		}
		checkHeaders(t, a)
		if got := files.asked[len(files.asked)-1]; got != serial+" "+kind {
			t.Errorf("the platform was asked for %s", got)
		}
	}
	for _, bad := range []string{"PDF", "png", "pdf,ofd"} {
		x.get("/v1/invoices/I1/file?type="+bad).want(t, 422, trade.ErrValidation)
	}
	for _, tt := range []struct {
		err    error
		status int
		code   trade.Key
	}{
		{&trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.PlatformAway)}, 503, trade.ErrPlatformAway},
		{&trade.CallError{Failure: trade.CallRefused, Why: trade.Say(trade.DetailNotIssued)}, 409, trade.ErrInvalidState},
		{&trade.CallError{Failure: trade.CallNotFound, Why: trade.Say(trade.DetailNotIssued)}, 404, trade.ErrNotFound},
		{context.DeadlineExceeded, 503, trade.ErrPlatformAway},
		{errors.New("x"), 500, trade.ErrInternal},
	} {
		files.fail(tt.err)
		x.get("/v1/invoices/I1/file").want(t, tt.status, tt.code)
	}
	// A reversed invoice can still be fetched.
	files.fail(nil)
	x.post("/v1/sales/I1/refunds", `{"refund_id":"R1"}`).want(t, 201, "")
	x.get("/v1/invoices/I1/file").want(t, 200, "")

	alone := newTill(t)
	alone.issueDirect("I1")
	alone.get("/v1/invoices/I1/file").want(t, 503, trade.ErrPlatformAway)
}
