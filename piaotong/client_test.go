package piaotong

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCreateQR(t *testing.T) {
	p := newTestPlatform(t, answerContent(`{"qrcodeNo":"TEST20260301000001","tradeNo":20260301000001,`+
		`"invoiceUrl":"`+b64("https://example.com/q?a=1&b=2")+`","extractCode":123456789012}`))
	now := time.Date(2026, 3, 1, 16, 0, 5, 0, time.UTC) // already tomorrow in Beijing
	o := testOptions(t, p.URL)
	o.Now = func() time.Time { return now }
	got, err := newTestClient(t, o).CreateQR(t.Context(), testQR)
	if err != nil {
		t.Fatal(err)
	}
	want := QRCreated{QRCodeNo: "TEST20260301000001", TradeNo: "20260301000001", URL: "https://example.com/q?a=1&b=2", ExtractCode: "123456789012"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	req := p.last.Load()
	const content = `{"taxpayerNum":"91110108TEST00001X","enterpriseName":"测试销售方有限公司","qrcodeNo":"TEST20260301000001",` +
		`"tradeNo":"20260301000001","tradeTime":"2026-03-01 10:20:29","invoiceAmount":"9.90","mobileRequiredFlag":false,` +
		`"smsFlag":false,"emailRequiredFlag":false,"emailSendFlag":true,"expireTime":"2026-08-28 10:20:29",` +
		`"invoiceIssueOptions":[{"invoiceType":"82"}],"itemList":[{"itemName":"*餐饮服务*餐费<a&b>",` +
		`"taxClassificationCode":"3070401000000000000","taxRateValue":"0.06","unitPrice":"10.00","quantity":"1",` +
		`"invoiceItemAmount":"10.00","invoiceItemDisAmount":"-0.10"}]}`
	if string(req.Content) != content {
		t.Errorf("content\n%s\nwant\n%s", req.Content, content)
	}
	if req.Timestamp != "2026-03-02 00:00:05" || req.PlatformCode != "TESTCODE" || req.SignType != "RSA" || req.Format != "JSON" || req.Version != "1.0" {
		t.Errorf("envelope %+v", req)
	}
	if !regexp.MustCompile(`^TEST20260302000005[0-9A-Za-z]{8}$`).MatchString(req.SerialNo) {
		t.Errorf("serialNo %q", req.SerialNo)
	}
}

func TestCreateQRWithBuyer(t *testing.T) {
	p := newTestPlatform(t, answerContent(`{"qrcodeNo":"TEST20260301000001","invoiceUrl":"`+b64("https://example.com/q")+`"}`))
	q := testQR
	q.AllowInvoiceCount, q.NoEmail, q.CashierName = 1, true, "收银"
	q.Buyer = &QRBuyer{Name: "购方", TaxpayerNum: "91110108TEST00002Y", TitleType: "0"}
	if _, err := newTestClient(t, testOptions(t, p.URL)).CreateQR(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	content := string(p.last.Load().Content)
	for _, want := range []string{`"allowInvoiceCount":1,`, `"emailSendFlag":false`, `"casherName":"收银"`, `"buyerName":"购方"`, `"allowEditFlag":false`, `"invoiceTitleType":"0"`} {
		if !strings.Contains(content, want) {
			t.Errorf("content lacks %s: %s", want, content)
		}
	}
}

func TestVoidQRsMatchesByNumber(t *testing.T) {
	p := newTestPlatform(t, answerContent(`[{"qrcodeNo":"B000000002","isDelete":"false","deleteMsg":"二维码已开票"},`+
		`{"qrcodeNo":"A000000001","isDelete":true},{"qrcodeNo":"D000000004","isDelete":"true"},{"qrcodeNo":"D000000004","isDelete":false},`+
		`{"qrcodeNo":"X000000009","isDelete":true}]`))
	var refs []QRRef
	for _, no := range []string{"A000000001", "B000000002", "C000000003", "D000000004"} {
		refs = append(refs, QRRef{"91110108TEST00001X", no, "20.00"})
	}
	c := newTestClient(t, testOptions(t, p.URL))
	got, err := c.VoidQRs(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	want := []QRVoided{{"A000000001", true, ""}, {"B000000002", false, "二维码已开票"}, {"C000000003", false, ""}, {"D000000004", true, ""}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, n := range []int{0, MaxVoidBatch + 1} {
		if _, err := c.VoidQRs(t.Context(), make([]QRRef, n)); KindOf(err) != Refused {
			t.Errorf("%d codes: %v", n, err)
		}
	}
	if n := p.calls.Load(); n != 1 {
		t.Errorf("%d calls arrived, want 1", n)
	}
}

func TestQueryQR(t *testing.T) {
	p := newTestPlatform(t, answerContent(`{"qrcodeNo":"TEST20260301000001","tradeNo":"S1","invoiceUrl":"`+b64("https://example.com/q")+`",`+
		`"itemList":[{"invoiceReqSerialNo":"","invoiceItemAmount":"9.90"},{"invoiceItemAmount":9.90},{"invoiceReqSerialNo":"P1075733838694584320","invoiceItemAmount":9.90}]}`))
	got, err := newTestClient(t, testOptions(t, p.URL)).QueryQR(t.Context(), testRef)
	if err != nil {
		t.Fatal(err)
	}
	// The number keeps its literal text: no float between.
	want := QRStatus{"TEST20260301000001", "S1", "https://example.com/q", []QRInvoice{{"P1075733838694584320", "9.90"}}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestQueryInvoiceStates(t *testing.T) {
	c := func(content string) (InvoiceState, error) {
		p := newTestPlatform(t, answerContent(content))
		return newTestClient(t, testOptions(t, p.URL)).QueryInvoice(t.Context(), testInvoice)
	}
	st, err := c(`{"invoiceReqSerialNo":"P1075733838694584320","invoiceType":1,"code":"7777","msg":"开票中"}`)
	if err != nil || st.Code != StatePending || st.Type != TypeBlue || !st.IssuedAt.IsZero() {
		t.Errorf("in progress: %+v, %v", st, err)
	}
	st, err = c(`{"invoiceReqSerialNo":"P1075733838694584320","invoiceType":"1","code":"0000","noTaxAmount":9.34,"taxAmount":"0.56",` +
		`"invoiceDate":"2026-03-01 10:25:00","downloadUrl":"not base64!","allEleInvNo":"26112000000000000001"}`)
	if err != nil || st.Code != StateIssued || st.NetAmount != "9.34" || st.TaxAmount != "0.56" || st.DownloadURL != "" ||
		!st.IssuedAt.Equal(time.Date(2026, 3, 1, 2, 25, 0, 0, time.UTC)) {
		t.Errorf("issued: %+v, %v", st, err)
	}
}

// TestAnswersThatSayTooLittle: they are verified, and about what was asked.
func TestAnswersThatSayTooLittle(t *testing.T) {
	for name, tc := range map[string]struct {
		op      *operation
		content string
	}{
		"no state":            {opQueryInvoice, `{"invoiceReqSerialNo":"P1075733838694584320","msg":"?"}`},
		"no address":          {opCreateQR, `{"qrcodeNo":"TEST20260301000001"}`},
		"no address of a web": {opCreateQR, `{"qrcodeNo":"TEST20260301000001","invoiceUrl":"` + b64("weixin://example.com/q") + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, testOptions(t, newTestPlatform(t, answerContent(tc.content)).URL))
			for _, call := range allCalls {
				if call.op == tc.op {
					if err := call.do(t.Context(), c); KindOf(err) != Unknown {
						t.Errorf("%v, want %s", err, Unknown)
					}
				}
			}
		})
	}
}

// TestAnswers: what each kind of answer means, for changing and reading calls.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name            string
		answer          answerFunc
		changing        Kind
		reading         Kind
		untrusted, code bool
	}{
		{"data refused", answerCode("8995", "数据校验不通过", ""), Refused, Refused, false, true},
		{"error with unreadable content", func(w http.ResponseWriter, p *testPlatform, r Request) {
			fields := map[string]string{"code": "8995", "msg": "x", "serialNo": r.SerialNo, "content": "@@"}
			fields["sign"], _ = sign(p.codec.own[0], signString(fields))
			json.NewEncoder(w).Encode(fields)
		}, Refused, Refused, false, true},
		{"unknown code", answerCode("1234", "？", ""), Unknown, Unavailable, false, true},
		{"signature refused", answerCode("9999", "验签失败", ""), Misconfigured, Misconfigured, false, true},
		{"login needed", answerCode("3999", "请登录", ""), Auth, Auth, false, true},
		{"success without content", answerCode("0000", "成功", ""), Unknown, Unknown, false, false},
		{"success about nothing", answerCode("0000", "成功", `{}`), Unknown, Unknown, false, false},
		{"wrong content", answerCode("0000", "成功", `[1]`), Unknown, Unknown, false, false},
		{"about another number", answerCode("0000", "成功", `{"qrcodeNo":"OTHER00001","invoiceUrl":"https://example.com/q","invoiceReqSerialNo":"OTHER","code":"0000",`+
			`"taxpayerNum":"OTHER","reviewStatus":"1","account":"OTHER","resultCode":"0000","loginStatus":"1","authStatus":"0","scanStatus":"2",`+
			`"qrCodeContent":"x","redConfirmNo":"OTHER","redConfirmReqSerialNo":"OTHER","confirmStatus":"04","queryReqSerialNo":"OTHER"}`), Unknown, Unknown, false, false},
		{"html", answerRaw(200, "<html>login</html>"), Unknown, Unknown, true, false},
		{"empty", answerRaw(200, ""), Unknown, Unknown, true, false},
		{"500", answerRaw(500, "x"), Unknown, Unknown, false, false},
		{"502 without body", answerRaw(502, ""), Unknown, Unknown, false, false},
		{"503 without body", answerRaw(503, "\n"), Unknown, Unknown, false, false},
		{"503 with body", answerRaw(503, "busy"), Unknown, Unknown, false, false},
		{"404", answerRaw(404, ""), Unknown, Unknown, false, false},
		{"unsigned success", func(w http.ResponseWriter, _ *testPlatform, r Request) {
			fmt.Fprintf(w, `{"code":"0000","msg":"ok","serialNo":%q,"content":"AAAA"}`, r.SerialNo)
		}, Unknown, Unknown, true, false},
		{"unsigned refusal", func(w http.ResponseWriter, _ *testPlatform, r Request) {
			fmt.Fprintf(w, `{"code":"8995","msg":"no","serialNo":%q}`, r.SerialNo)
		}, Unknown, Unknown, true, false},
		{"refusal with status 400", func(w http.ResponseWriter, p *testPlatform, r Request) {
			w.WriteHeader(400)
			answerCode("8995", "no", "")(w, p, r)
		}, Unknown, Unknown, false, false},
		{"connection cut", func(http.ResponseWriter, *testPlatform, Request) { panic(http.ErrAbortHandler) }, Unknown, Unknown, false, false},
		{"answer cut", func(w http.ResponseWriter, _ *testPlatform, _ Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"code":"0000"`)
		}, Unknown, Unknown, false, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p := newTestPlatform(t, tc.answer)
			c := newTestClient(t, testOptions(t, p.URL))
			for _, call := range allCalls {
				if call.op == opVoidQRs && tc.name == "about another number" {
					continue // its content is an array
				}
				err := call.do(t.Context(), c)
				if call.loose && tc.name == "success about nothing" {
					if err != nil {
						t.Errorf("%s: %v, but nothing is needed of its answer", call.op.key, err)
					}
					continue
				}
				want := tc.reading
				if call.op.changes {
					want = tc.changing
				}
				e, ok := errors.AsType[*Error](err)
				if !ok || e.Kind != want || e.Untrusted != tc.untrusted || (e.Code != "") != tc.code || e.Interface != call.op.endpoint().Interface {
					t.Errorf("%s: %#v (%v), want %s", call.op.key, e, err, want)
				}
			}
			if n := int(p.calls.Load()); n < len(allCalls)-1 || n > len(allCalls) {
				t.Errorf("%d calls arrived: the client repeated or kept one", n)
			}
		})
	}
}

func TestSerialNumbersAreNewForEveryAttempt(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	p := newTestPlatform(t, func(w http.ResponseWriter, p *testPlatform, r Request) {
		mu.Lock()
		seen[r.SerialNo] = true
		mu.Unlock()
		answerCode("8996", "x", "")(w, p, r)
	})
	c := newTestClient(t, testOptions(t, p.URL))
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { c.CreateQR(context.Background(), testQR) })
	}
	wg.Wait()
	if len(seen) != 40 {
		t.Errorf("%d different serial numbers in 40 attempts", len(seen))
	}
}

func TestOnDate(t *testing.T) {
	date := time.Date(2026, 3, 1, 1, 2, 3, 0, time.UTC)
	p := newTestPlatform(t, func(w http.ResponseWriter, _ *testPlatform, _ Request) {
		w.Header().Set("Date", date.Format(http.TimeFormat))
		w.WriteHeader(500)
	})
	var server, received time.Time
	o := testOptions(t, p.URL)
	o.OnDate = func(s, r time.Time) { server, received = s, r }
	before := time.Now()
	newTestClient(t, o).QueryQR(t.Context(), testRef)
	if !server.Equal(date) || received.Before(before) || received.After(time.Now()) {
		t.Errorf("OnDate(%v, %v)", server, received)
	}
}

func TestEndpoints(t *testing.T) {
	var path atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { path.Store(r.URL.Path) }))
	t.Cleanup(srv.Close)
	o := testOptions(t, srv.URL+"/base/")
	o.Endpoints = map[string]string{"qr_create": "/new/qr.pt", "qr_query": ""}
	c := newTestClient(t, o)
	for _, tc := range []struct {
		do   func(context.Context, *Client) error
		want string
	}{
		{allCalls[0].do, "/base/new/qr.pt"},
		{allCalls[2].do, "/base/tp/openapi/queryQrcodeInvoiceInfo.pt"},
	} {
		tc.do(t.Context(), c)
		if got := path.Load(); got != tc.want {
			t.Errorf("path %v, want %s", got, tc.want)
		}
	}
	c.paths["qr_create"] = ""
	_, err := c.CreateQR(t.Context(), testQR)
	if KindOf(err) != Misconfigured || !strings.Contains(err.Error(), "path not configured: qr_create") {
		t.Error(err)
	}
}

func TestMissingTimesAreRefused(t *testing.T) {
	p := newTestPlatform(t, answerContent("{}"))
	q := testQR
	q.ExpireTime = time.Time{}
	if _, err := newTestClient(t, testOptions(t, p.URL)).CreateQR(t.Context(), q); KindOf(err) != Refused || p.calls.Load() != 0 {
		t.Errorf("%v; %d calls", err, p.calls.Load())
	}
}
