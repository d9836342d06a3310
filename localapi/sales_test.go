package localapi

import (
	"bytes"
	"encoding/json"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

func TestSale(t *testing.T) {
	x := newTill(t)
	a := x.post("/v1/sales", saleBody("POS1-1")).want(t, 201, "")
	if got := a.header.Get("Location"); got != "/v1/sales/POS1-1" {
		t.Errorf("Location %q", got)
	}
	for path, want := range map[string]any{
		"sale_id": "POS1-1", "state": "queued", "total": "58.50", "refunded": "0.00", "sold_at": "2026-11-22T19:30:05+08:00",
		"generation": "0", "attempts": "0", "problem": nil, "cashier": "小王", "register": "1",
	} {
		if got := a.json(t, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	for _, path := range [][]any{{"items", 0, "amount"}, {"items", 0, "discount"}, {"items", 0, "quantity"}, {"items", 0, "unit_price"}, {"payments", 0, "amount"}} {
		if _, ok := a.json(t, path...).(string); !ok {
			t.Errorf("%v is no string", path)
		}
	}
	if got := a.json(t, "print", "state"); got != "waiting_qr" {
		t.Errorf("print.state %v", got)
	}
	if !bytes.Contains(a.body, []byte(`"extra":{"order":{"no":12345678901234567890,"f":1.50}}`)) {
		t.Errorf("extra does not come back as it was: %s", a.body)
	}
	x.fetchQR()
	a = x.get("/v1/sales/POS1-1").want(t, 200, "")
	for path, want := range map[string]string{"url": "https://fp.example.cn/q?n=1&m=2", "extract_code": "123456789012", "png": "/v1/sales/POS1-1/qr.png"} {
		if got := a.json(t, "qr", path); got != want {
			t.Errorf("qr.%s: %v, want %s", path, got, want)
		}
	}
	if got := a.json(t, "qr", "expires_at"); got != "2027-05-21T23:59:59+08:00" {
		t.Errorf("qr.expires_at: %v", got)
	}
	if a.json(t, "state") != "qr_ready" || a.json(t, "print", "state") != "queued" || a.json(t, "next_attempt_at") == nil {
		t.Errorf("after the QR code came: %s", a.body)
	}
}

// TestSaleKeys holds the resource against the keys of the contract, new and
// empty as it may be.
func TestSaleKeys(t *testing.T) {
	x := newTill(t)
	a := x.post("/v1/sales", plainBody("P1", "9.90")).want(t, 201, "")
	want := map[string][]string{
		"": {"sale_id", "state", "total", "refunded", "sold_at", "accepted_at", "updated_at", "qr", "invoice", "view_url", "print", "invoices", "refunds", "generation",
			"attempts", "next_attempt_at", "problem", "items", "payments", "cashier", "register", "extra"},
		"qr":      {"no", "url", "extract_code", "expires_at", "fetched_at", "png"},
		"invoice": {"req_serial_no", "number", "code", "no", "issued_at", "net", "tax", "download_url"},
		"print":   {"state", "job_id", "copies", "reprints", "printed_at", "reason"},
	}
	for path, keys := range want {
		var v any
		if path == "" {
			v = a.json(t)
		} else {
			v = a.json(t, path)
		}
		var got []string
		for k := range v.(map[string]any) {
			got = append(got, k)
		}
		slices.Sort(got)
		slices.Sort(keys)
		if !slices.Equal(got, keys) {
			t.Errorf("%q has %v, want %v", path, got, keys)
		}
	}
	for _, empty := range []string{`"invoices":[]`, `"refunds":[]`, `"payments":[]`, `"extra":{}`, `"issued_at":null`, `"next_attempt_at":null`} {
		if !bytes.Contains(a.body, []byte(empty)) {
			t.Errorf("no %s in %s", empty, a.body)
		}
	}
	if a.json(t, "state") != "recorded" || a.json(t, "sold_at") == nil {
		t.Errorf("%s", a.body)
	}
}

func TestReplayAndConflict(t *testing.T) {
	x := newTill(t)
	first := `{"sale_id":"S1","total":"9.90","items":[{"name":"茶","amount":"9.90","quantity":"1","tax_code":"3070401000000000000","tax_rate":"0.06"}],"sold_at":"2026-11-22T19:30:05+08:00"}`
	x.post("/v1/sales", first).want(t, 201, "")
	same := map[string]string{
		"again":        first,
		"numbers":      strings.NewReplacer(`"9.90"`, `9.9`, `"1"`, `1`, `"0.06"`, `0.060`).Replace(first),
		"defaults":     strings.Replace(first, `{"sale_id"`, `{"invoice":"qr","print":{"mode":"receipt","copies":1},"payments":[],"extra":{},"buyer":null,"remark":"","sale_id"`, 1),
		"other zone":   strings.Replace(first, "2026-11-22T19:30:05+08:00", "2026-11-22T11:30:05Z", 1),
		"outer blanks": strings.Replace(first, "茶", " 茶\u00a0", 1),
		"escaped":      strings.Replace(first, "茶", `\u8336`, 1),
	}
	for name, body := range same {
		t.Run(name, func(t *testing.T) {
			if a := x.post("/v1/sales", body).want(t, 200, ""); a.json(t, "sale_id") != "S1" {
				t.Errorf("%s", a.body)
			}
		})
	}
	other := map[string]string{
		"total":   strings.ReplaceAll(first, "9.90", "9.91"),
		"name":    strings.Replace(first, "茶", "水", 1),
		"time":    strings.Replace(first, ":05+08", ":06+08", 1),
		"extra":   strings.Replace(first, `{"sale_id"`, `{"extra":{"a":1},"sale_id"`, 1),
		"no time": strings.Replace(first, `,"sold_at":"2026-11-22T19:30:05+08:00"`, "", 1),
	}
	for name, body := range other {
		t.Run(name, func(t *testing.T) {
			a := x.post("/v1/sales", body).want(t, 409, trade.ErrSaleConflict)
			stored, posted := a.json(t, "stored_digest").(string), a.json(t, "posted_digest").(string)
			if len(stored) != 64 || len(posted) != 64 || stored == posted {
				t.Errorf("digests %q and %q", stored, posted)
			}
			if detail := a.json(t, "detail").(string); !strings.Contains(detail, stored) || !strings.Contains(detail, posted) {
				t.Errorf("detail %q", detail)
			}
		})
	}
	if got := x.get("/v1/sales/S1").json(t, "total"); got != "9.90" {
		t.Errorf("a conflict changed the total to %v", got)
	}
}

// A sale that is stored stays a repetition when the rules have changed since.
func TestReplayUnderOtherRules(t *testing.T) {
	filled := trade.Rate(6)
	x := newTill(t, func(o *Options, _ *queue.Options) {
		o.Rules.Fill = func(l *trade.Line) { l.TaxCode, l.Rate = "3070401000000000000", filled }
	})
	body := `{"sale_id":"S1","total":"9.90","items":[{"name":"茶","amount":"9.90"}]}`
	if got := x.post("/v1/sales", body).want(t, 201, "").json(t, "items", 0, "tax_rate"); got != "0.06" {
		t.Errorf("tax_rate %v", got)
	}
	filled = 9
	if got := x.post("/v1/sales", body).want(t, 200, "").json(t, "items", 0, "tax_rate"); got != "0.06" {
		t.Errorf("tax_rate %v", got)
	}
	filled = trade.NoRate
	x.post("/v1/sales", body).want(t, 200, "")
	x.post("/v1/sales", strings.Replace(body, "茶", "水", 1)).want(t, 422, trade.ErrValidation)
	x.post("/v1/sales", strings.Replace(body, "S1", "S2", 1)).want(t, 422, trade.ErrValidation)
}

func TestConcurrentRepetition(t *testing.T) {
	x := newTill(t)
	const n = 24
	statuses := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { statuses[i] = x.post("/v1/sales", saleBody("S1")).status })
	}
	all.Wait()
	slices.Sort(statuses)
	want := append(slices.Repeat([]int{200}, n-1), 201)
	if !slices.Equal(statuses, want) {
		t.Errorf("statuses %v", statuses)
	}
}

func TestIDs(t *testing.T) {
	x := newTill(t)
	for _, id := range []string{"a/b", "/v1/sales", "A:1/2", "x/qr.png", "..a", "a-.:_/9", strings.Repeat("x", 50), "//1"} {
		body := saleBody(id)
		a := x.post("/v1/sales", body).want(t, 201, "")
		path := "/v1/sales/" + url.PathEscape(id)
		if got := a.header.Get("Location"); got != path {
			t.Errorf("Location %q, want %q", got, path)
		}
		if got := x.get(path).want(t, 200, "").json(t, "sale_id"); got != id {
			t.Errorf("%s gives %v", path, got)
		}
		x.fetchQR()
		png := x.get(path).json(t, "qr", "png").(string)
		x.get(png).want(t, 200, "")
		x.post(path+"/retry", "").want(t, 202, "")
	}
	for _, path := range []string{"/v1/sales/a/b", "/v1/sales/", "/v1/sales/A:1/2", "/v1/sales/x/qr.png/", "/v1//sales/x", "/v1/sales/..a/../..a", "/v1/sales/%00", "/v1/sales/%ff"} {
		x.get(path).want(t, 404, trade.ErrNotFound)
	}
}

func TestPictures(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.get("/v1/sales/S1/qr.png").want(t, 409, trade.ErrInvalidState)
	x.fetchQR()
	for query, width := range map[string]int{"": 320, "?size=96": 96, "?size=1024&unknown=1": 1024} {
		a := x.get("/v1/sales/S1/qr.png"+query).want(t, 200, "")
		picture, err := png.Decode(bytes.NewReader(a.body))
		if err != nil || a.header.Get("Content-Type") != "image/png" {
			t.Fatalf("%v, %v", a.header, err)
		}
		if got := picture.Bounds(); got.Dx() != width || got.Dy() != width {
			t.Errorf("%s gives %v", query, got)
		}
	}
	for _, bad := range []string{"95", "1025", "x", "3e2", "99999999999999999999"} {
		x.get("/v1/sales/S1/qr.png?size="+bad).want(t, 422, trade.ErrValidation)
	}
	a := x.get("/v1/sales/S1/receipt.txt").want(t, 200, "")
	if string(a.body) != "小票 S1" || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v %s", a.header, a.body)
	}
	a = x.get("/v1/sales/S1/receipt.png").want(t, 200, "")
	if picture, err := png.Decode(bytes.NewReader(a.body)); err != nil || picture.Bounds().Dx() != 384 {
		t.Errorf("receipt.png: %v", err)
	}
	for _, what := range []string{"qr.png", "receipt.png", "receipt.txt"} {
		x.get("/v1/sales/none/"+what).want(t, 404, trade.ErrNotFound)
	}
	x.post("/v1/sales", plainBody("P1", "1.00"))
	x.get("/v1/sales/P1/qr.png").want(t, 409, trade.ErrInvalidState)
}

func TestNoPrinter(t *testing.T) {
	x := newTill(t, func(o *Options, q *queue.Options) { o.Preview, q.Printer = nil, false })
	a := x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	if got := a.json(t, "print", "state"); got != "none" {
		t.Errorf("print.state %v", got)
	}
	x.get("/v1/sales/S1/receipt.png").want(t, 503, trade.ErrPrinterAway)
	x.post("/v1/sales/S1/print", `{"job_id":"J1"}`).want(t, 503, trade.ErrPrinterAway)
}

func TestMethods(t *testing.T) {
	x := newTill(t)
	for path, allow := range map[string]string{"/v1/sales": "GET, HEAD, POST", "/v1/sales/S1/retry": "POST", "/v1/sales/S1": "GET, HEAD", "/v1/sales/S1/print": "POST", "/healthz": "GET, HEAD"} {
		for _, method := range []string{"DELETE", "PUT", "PATCH", "TRACE"} {
			if got := x.do(method, path, "").want(t, 405, trade.ErrMethod).header.Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, allow)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	x := newTill(t)
	for header, english := range map[string]bool{
		"": false, "zh-CN": false, "en": true, "en-US,en;q=0.9,zh-CN;q=0.8": true, "zh;q=0.5, en;q=0.6": true, "de": false, "de, en;q=0.1": true,
		"en;q=0": false, "zh,en": false, "en;q=x": false, "*": false, "EN-gb": true,
	} {
		a := x.get("/v1/sales/none", with("Accept-Language", header)).want(t, 404, trade.ErrNotFound)
		if got := a.json(t, "title") == "no such resource"; got != english {
			t.Errorf("%q is answered %v", header, a.json(t, "title"))
		}
	}
}

// TestInvoiceInResource walks a sale to its red invoice.
func TestInvoiceInResource(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.fetchQR()
	issued := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	x.settle(trade.LaneWatch, trade.QRSeen{URL: "https://fp.example.cn/q", Invoices: []trade.SeenInvoice{{Serial: "SERIAL00000000000001", Amount: 5850}}, At: issued})
	if got := x.get("/v1/sales/S1").json(t, "state"); got != "invoicing" {
		t.Errorf("state %v", got)
	}
	x.settle(trade.LaneWatch, trade.InvoiceSeen{Serial: "SERIAL00000000000001", State: trade.InvIssued, Net: 5519, Tax: 331, Number: "26442000000012345678", IssuedAt: issued, DownloadURL: "https://fp.example.cn/d", At: issued})
	a := x.get("/v1/sales/S1").want(t, 200, "")
	var got map[string]any
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"req_serial_no": "SERIAL00000000000001", "number": "26442000000012345678", "code": "", "no": "", "issued_at": "2026-11-22T20:00:00+08:00",
		"net": "55.19", "tax": "3.31", "download_url": "https://fp.example.cn/d"}
	if !reflect.DeepEqual(got["invoice"], want) {
		t.Errorf("invoice %v", got["invoice"])
	}
	list := []any{map[string]any{"kind": "blue", "req_serial_no": "SERIAL00000000000001", "number": "26442000000012345678", "code": "", "no": "", "amount": "58.50",
		"state": "issued", "issued_at": "2026-11-22T20:00:00+08:00"}}
	if got["state"] != "invoiced" || !reflect.DeepEqual(got["invoices"], list) {
		t.Errorf("%s", a.body)
	}
	a = x.post("/v1/sales/S1/refunds", `{"refund_id":"R1"}`).want(t, 201, "")
	if a.json(t, "path") != "red_flush" || a.json(t, "state") != "queued" || a.json(t, "red_invoice", "amount") != "-58.50" || a.json(t, "red_invoice", "state") != "ready" {
		t.Errorf("%s", a.body)
	}
	x.get("/v1/sales/S1/qr.png").want(t, 409, trade.ErrInvalidState)
}

// The log never has what must not be in it.
func TestLog(t *testing.T) {
	x := newTill(t)
	body := strings.Replace(saleBody("S1"), `"cashier"`, `"buyer":{"name":"某某公司","tax_no":"91110108MA01ABCD2X","mobile":"13800138000"},"cashier"`, 1)
	x.post("/v1/sales", body).want(t, 201, "")
	x.post("/v1/sales", strings.Replace(body, "58.50", "58.51", 1)).want(t, 422, trade.ErrValidation)
	x.post("/v1/sales", strings.Replace(body, "小王", "小李", 1)).want(t, 409, trade.ErrSaleConflict)
	x.get("/v1/status", as("guess-of-a-token")).want(t, 401, trade.ErrUnauthorized)
	log := x.log.String()
	if !strings.Contains(log, "/v1/sales") || !strings.Contains(log, "client=till") {
		t.Errorf("the log lacks the calls: %s", log)
	}
	for _, secret := range []string{posSecret, readSecret, "guess-of-a-token", "91110108MA01ABCD2X", "13800138000", "某某公司"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	res, err := http.Get("http://" + x.host() + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || strings.Contains(string(text), version) {
		t.Errorf("%s, %v", text, err)
	}
}
