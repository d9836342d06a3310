package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

func (b *bench) control(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.url+"/_sandbox/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out
}

func TestControl(t *testing.T) {
	b := newBench(t, "")
	q := b.create(t, qrNo)
	b.create(t, "SBOX000002")
	steps := []struct {
		method, path, body string
		status             int
		want               string // in the answer
	}{
		{"POST", "settings", `{"issue_delay":"0s","red_outcome":"failed"}`, 200, `"ok":true`},
		{"POST", "settings", `{"issue_delay":"soon"}`, 400, "duration"},
		{"POST", "settings", `{"red_outcome":"x"}`, 400, "outcome"},
		{"POST", "claim", `{"url":"` + q.URL + `","buyer_name":"甲","outcome":"failed"}`, 200, `"req_serial_no":"P`},
		{"POST", "claim", `{"qrcode_no":"SBOX000002"}`, 200, `"req_serial_no":"P`},
		{"POST", "claim", `{"qrcode_no":"SBOX000002"}`, 409, "claimed"},
		{"POST", "claim", `{"qrcode_no":"SBOX999999"}`, 404, "unknown"},
		{"POST", "claim", `{}`, 400, "qrcode_no"},
		{"POST", "claim", `{"qrcode_no":"SBOX000002","outcome":"maybe"}`, 400, "outcome"},
		{"POST", "claim", `{"qrcodeNo":"SBOX000002"}`, 400, "qrcodeNo"},
		{"POST", "claim", `{"qrcode_no":"SBOX000002"} x`, 400, "after"},
		{"POST", "settle", `{"req_serial_no":"P","outcome":"issued"}`, 404, "unknown"},
		{"POST", "settle", `{"req_serial_no":"P","outcome":"hang"}`, 400, "hang"},
		{"POST", "faults", `{"interface":"2.18","kind":"refuse","code":"5001","times":1}`, 200, `"ok":true`},
		{"POST", "faults", `{"interface":"2.18","kind":"delay","delay":"x"}`, 400, "delay"},
		{"POST", "faults", `{"interface":"2.18","kind":"nonsense"}`, 400, "nonsense"},
		{"GET", "ledger", ``, 200, `"kind":"claimed"`},
	}
	for _, s := range steps {
		status, out := b.control(t, s.method, s.path, s.body)
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		if status != s.status || !strings.Contains(string(text), s.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", s.path, s.body, status, text, s.status, s.want)
		}
	}
	if _, err := b.client.QueryQR(t.Context(), b.ref(qrNo)); piaotong.KindOf(err) != piaotong.NotFound {
		t.Errorf("the fault did not strike: %v", err)
	}
	l := b.ledger(t)
	if l.kinds() != "qr_created qr_created claimed invoice_failed claimed invoice_issued" || l.Invoices[0].BuyerName != "甲" {
		t.Errorf("ledger %s", l.kinds())
	}
	if status, _ := b.control(t, "POST", "settle", `{"req_serial_no":"`+l.Invoices[0].ReqSerialNo+`","outcome":"issued"}`); status != 200 {
		t.Errorf("settle: %d", status)
	}
	if st := b.state(t, l.Invoices[0].ReqSerialNo); st.Code != piaotong.StateIssued {
		t.Errorf("settled: %+v", st)
	}
	for _, call := range []struct{ method, path string }{{"DELETE", "faults"}, {"POST", "reset"}} {
		if status, _ := b.control(t, call.method, call.path, ""); status != 200 {
			t.Errorf("%s %s: %d", call.method, call.path, status)
		}
	}
	if l := b.ledger(t); len(l.Entries) != 0 {
		t.Errorf("after the reset: %s", l.kinds())
	}
}

func TestControlOfTheUnusual(t *testing.T) {
	b := newBench(t, "")
	r := newReceiver(t, b)
	b.SetIssueDelay(0)
	for i := range 4 {
		b.create(t, fmt.Sprintf("SBOX%06d", i))
	}
	field := func(out map[string]any, name string) string { s, _ := out[name].(string); return s }
	do := func(method, path, body string, status int, want string) map[string]any {
		t.Helper()
		got, out := b.control(t, method, path, body)
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		if got != status || !strings.Contains(string(text), want) {
			t.Errorf("%s %s: %d %s, want %d with %s", path, body, got, text, status, want)
		}
		return out
	}
	do("POST", "push", `{"url":"`+r.url+`","repeat":1,"shuffle":true}`, 200, `"ok":true`)
	do("POST", "push", `{"url":"till"}`, 400, "url")
	merged := field(do("POST", "merge", `{"qrcode_nos":["SBOX000000"],"urls":["`+b.url+`/q/SBOX000001"],"buyer_name":"甲"}`, 200, `"req_serial_no":"P`), "req_serial_no")
	do("POST", "merge", `{"qrcode_nos":["SBOX000002"]}`, 400, "two codes")
	split := do("POST", "claim", `{"qrcode_no":"SBOX000002","split":2}`, 200, `"req_serial_nos":["P`)
	if l, _ := split["req_serial_nos"].([]any); len(l) != 2 || l[0] != split["req_serial_no"] {
		t.Errorf("split %v", split)
	}
	do("POST", "plant", `{"qrcode_no":"SBOX000009","trade_no":"X","amount":"1.00"}`, 200, `"ok":true`)
	do("POST", "plant", `{"qrcode_no":"SBOX000009","trade_no":"X","amount":"1.00"}`, 409, "there already")
	b.await(t)
	do("POST", "red", `{"req_serial_no":"`+merged+`"}`, 200, `"ok":true`)
	do("POST", "red", `{"req_serial_no":"`+merged+`"}`, 409, "reversed")
	do("POST", "push/now", `{"req_serial_no":"`+merged+`"}`, 200, `"ok":true`)
	do("POST", "push/now", `{"req_serial_no":"P"}`, 404, "unknown")
	b.await(t)
	if n := len(b.Pushes()); n != 2+4+2+1 { // merged, two of the split, red, and once by hand
		t.Errorf("%d pushes: %s", n, r.story())
	}
	do("GET", "pushes", "", 200, `"state":"stored"`)
	if raw, err := json.Marshal(do("GET", "push/envelope?req_serial_no="+merged, "", 200, `"sign"`)); err != nil {
		t.Error(err)
	} else if p, err := r.codec.OpenInvoicePush(raw); err != nil || p.ReqSerialNo != merged || p.QRCodeNo != "SBOX000000" {
		t.Errorf("%+v, %v", p, err)
	}
	do("GET", "push/envelope?req_serial_no=P", "", 404, "unknown")
	if l := b.ledger(t); l.Invoices[0].RedFlag != AlreadyRed {
		t.Errorf("%+v", l.Invoices[0])
	}
	if _, page := get(t, b.url+"/q/SBOX000001"); !strings.Contains(page, "已红冲") {
		t.Error("the customer's page does not say that the invoice is reversed")
	}
}

// TestForeignPages: a web page elsewhere cannot work the controls.
func TestForeignPages(t *testing.T) {
	b := newBench(t, "")
	b.create(t, qrNo)
	for _, path := range []string{"/_sandbox/reset", "/q/" + qrNo} {
		req, err := http.NewRequest("POST", b.url+path, strings.NewReader("buyer_name=x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if k := b.ledger(t).kinds(); k != "qr_created" {
		t.Error(k)
	}
}

// TestControlsSpeakJSON: also to a wrong path, a wrong method and a foreign page.
func TestControlsSpeakJSON(t *testing.T) {
	b := newBench(t, "")
	for _, tc := range []struct {
		method, path, origin string
		status               int
		allow                string
	}{
		{"GET", "/_sandbox/nosuch", "", http.StatusNotFound, ""},
		{"PUT", "/_sandbox/account", "", http.StatusMethodNotAllowed, "POST"},
		{"PATCH", "/_sandbox/faults", "", http.StatusMethodNotAllowed, "DELETE, GET, HEAD, POST"},
		{"POST", "/_sandbox/reset", "https://evil.example", http.StatusForbidden, ""},
	} {
		req, err := http.NewRequest(tc.method, b.url+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tc.origin != "" {
			req.Header.Set("Origin", tc.origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var said map[string]string
		err = json.NewDecoder(resp.Body).Decode(&said)
		resp.Body.Close()
		if resp.StatusCode != tc.status || resp.Header.Get("Allow") != tc.allow || err != nil || len(said) != 1 || said["error"] == "" ||
			resp.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s %s: %d, %v, %v, %v", tc.method, tc.path, resp.StatusCode, resp.Header, said, err)
		}
	}
}

func postForm(t *testing.T, to, buyer string) (int, string) {
	t.Helper()
	resp, err := http.PostForm(to, url.Values{"buyer_name": {buyer}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestCustomerPage(t *testing.T) {
	b := newBench(t, "")
	sale := b.sale(qrNo)
	sale.TradeNo = `"><script>alert(1)</script>`
	q, err := b.client.CreateQR(t.Context(), sale)
	if err != nil {
		t.Fatal(err)
	}
	status, page := get(t, q.URL)
	if status != 200 || !strings.Contains(page, "58.50") || !strings.Contains(page, "<form") || !strings.Contains(page, "2026-03-01 10:30:00") {
		t.Errorf("%d %s", status, page)
	}
	if strings.Contains(page, "<script") {
		t.Error("the trade number is not escaped")
	}
	for buyer, want := range map[string]string{"": "请填写发票抬头", " ": "请填写发票抬头", "<b>": "不能含有", strings.Repeat("长", 51): "太长", "𠮷": "无法打印"} {
		if status, page := postForm(t, q.URL, buyer); status != 422 || !strings.Contains(page, want) || !strings.Contains(page, "<form") {
			t.Errorf("%q: %d, lacks %s", buyer, status, want)
		}
	}
	status, page = postForm(t, q.URL, " 甲&乙公司 ")
	if status != 200 || !strings.Contains(page, "甲&amp;乙公司") || !strings.Contains(page, "开票中") || strings.Contains(page, "<form") {
		t.Errorf("submitted: %d %s", status, page)
	}
	b.clock.add(time.Second)
	l := b.ledger(t)
	if l.kinds() != "qr_created claimed invoice_issued" || l.Invoices[0].BuyerName != "甲&乙公司" {
		t.Errorf("%s %+v", l.kinds(), l.Invoices)
	}
	if _, page = get(t, q.URL); !strings.Contains(page, l.Invoices[0].AllEleInvNo) {
		t.Error("the page does not show the invoice's number")
	}
	if status, page := postForm(t, q.URL, "丙"); status != 422 || !strings.Contains(page, "现在不能提交") {
		t.Errorf("submitted twice: %d", status)
	}
	if status, page := get(t, b.url+"/i/"+l.Invoices[0].ReqSerialNo); status != 200 || !strings.Contains(page, "52.37") {
		t.Errorf("invoice page: %d", status)
	}
	for _, path := range []string{"/q/nothing", "/i/nothing"} {
		if status, _ := get(t, b.url+path); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := postForm(t, b.url+"/q/nothing", "x"); status != 404 {
		t.Errorf("form of nothing: %d", status)
	}
}

func TestIndexPage(t *testing.T) {
	b := newBench(t, "")
	if status, page := get(t, b.url+"/"); status != 200 || !strings.Contains(page, "还没有") || strings.Contains(page, b.Account().DES3Key) {
		t.Errorf("empty: %d", status)
	}
	b.create(t, qrNo)
	if _, page := get(t, b.url+"/"); !strings.Contains(page, `href="/q/`+qrNo+`"`) || !strings.Contains(page, b.url+"/_sandbox/claim") {
		t.Errorf("page %s", page)
	}
}

func TestPublicURL(t *testing.T) {
	b := newBench(t, "")
	b.publicURL = "https://sandbox.example/base/"
	if q := b.create(t, qrNo); q.URL != "https://sandbox.example/base/q/"+qrNo {
		t.Error(q.URL)
	}
}

func FuzzMoney(f *testing.F) {
	f.Add("58.50")
	f.Add("-0.1")
	f.Fuzz(func(t *testing.T, s string) {
		fen, err := parseFen(s)
		if err != nil {
			return
		}
		again, err := parseFen(formatFen(fen))
		if err != nil || again != fen {
			t.Fatalf("%q is %d fen, written %s, read %d, %v", s, fen, formatFen(fen), again, err)
		}
	})
}
