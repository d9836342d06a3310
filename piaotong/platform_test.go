package piaotong

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// testPlatform is a real HTTP server with the platform's keys of the vectors.
type testPlatform struct {
	*httptest.Server
	codec *Codec
	last  atomic.Pointer[Request]
	calls atomic.Int32
}

// answerFunc writes the answer to an opened request.
type answerFunc func(w http.ResponseWriter, p *testPlatform, req Request)

func newTestPlatform(t *testing.T, answer answerFunc) *testPlatform {
	t.Helper()
	p := &testPlatform{codec: loadVectors(t).platform(t, "rsa1024", "main")}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		req, err := p.codec.OpenRequest(raw)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
			t.Errorf("%s %s with %q: %v", r.Method, r.URL, r.Header.Get("Content-Type"), err)
			return
		}
		p.last.Store(&req)
		answer(w, p, req)
	}))
	t.Cleanup(p.Close)
	return p
}

func testOptions(t testing.TB, baseURL string) Options {
	t.Helper()
	v := loadVectors(t)
	return Options{
		BaseURL: baseURL, PlatformCode: "TESTCODE", PlatformPrefix: "TEST", DES3Key: v.Keys.TripleDES["main"],
		PrivateKey:  mustPrivate(t, v.Keys.RSA1024.Partner.Private),
		PlatformKey: mustPublic(t, v.Keys.RSA1024.Platform.Public),
		Endpoints:   simPaths(),
	}
}

// simPaths gives a path to each interface that has no public one.
func simPaths() map[string]string {
	paths := map[string]string{}
	for _, k := range EndpointKeys() {
		if k.Default == "" && k.Key != "push_main" {
			paths[k.Key] = "/sim/" + k.Interface
		}
	}
	return paths
}

func newTestClient(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answerContent answers 0000 with a content.
func answerContent(content string) answerFunc {
	return answerCode("0000", "处理成功", content)
}

func answerCode(code, msg, content string) answerFunc {
	return func(w http.ResponseWriter, p *testPlatform, req Request) {
		r := Response{Code: code, Msg: msg, SerialNo: req.SerialNo}
		if content != "" {
			r.Content = []byte(content)
		}
		raw, err := p.codec.SealResponse(r)
		if err != nil {
			panic(err)
		}
		w.Write(raw)
	}
}

func answerRaw(status int, body string) answerFunc {
	return func(w http.ResponseWriter, _ *testPlatform, _ Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// answered returns a client of a platform that gives one answer.
func answered(t *testing.T, answer answerFunc) (*Client, *testPlatform) {
	t.Helper()
	p := newTestPlatform(t, answer)
	return newTestClient(t, testOptions(t, p.URL)), p
}

// wantContent compares the content of the last request.
func (p *testPlatform) wantContent(t *testing.T, want string) {
	t.Helper()
	if got := string(p.last.Load().Content); got != want {
		t.Errorf("content\n%s\nwant\n%s", got, want)
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

var (
	tradeTime = time.Date(2026, 3, 1, 2, 20, 29, 0, time.UTC)
	testQR    = QRCreate{
		TaxpayerNum: "91110108TEST00001X", EnterpriseName: "测试销售方有限公司", QRCodeNo: "TEST20260301000001",
		TradeNo: "20260301000001", TradeTime: tradeTime, Amount: "9.90", ExpireTime: tradeTime.AddDate(0, 0, 180),
		IssueKinds: []string{"82"},
		Items: []QRItem{{Name: "*餐饮服务*餐费<a&b>", TaxCode: "3070401000000000000", Rate: "0.06",
			UnitPrice: "10.00", Quantity: "1", Amount: "10.00", Discount: "-0.10"}},
	}
	testRef   = QRRef{TaxpayerNum: "91110108TEST00001X", QRCodeNo: "TEST20260301000001", Amount: "9.90"}
	testRed   = RedFull{TaxpayerNum: "91110108TEST00001X", ReqSerialNo: "TEST2026030110203009", BlueAllEleInvNo: "26112000000000000001", Reason: "销货退回", Amount: "-9.90"}
	testBlue  = BlueRef{TaxpayerNum: "91110108TEST00001X", AllEleInvNo: "26112000000000000001"}
	testLines = RedLines{
		TaxpayerNum: "91110108TEST00001X", ReqSerialNo: "TEST2026030110203010", BlueAllEleInvNo: "26112000000000000001",
		Reason: "销货退回", ReturnNo: "R1", BuyerName: "测试购买方有限公司", DefinedData: "a&b",
		Lines: []RedLine{
			{BlueItemNo: "1", Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Rate: "0.06", Quantity: "-1", UnitPrice: "10.00", Amount: "-10.00", Discount: "0.10"},
			{BlueItemNo: "2", Name: "*蔬菜*白菜", TaxCode: "1010112010000000000", Rate: "0", ZeroTaxFlag: "1", Amount: "-2.00"},
		},
	}
	testInvoice = InvoiceRef{TaxpayerNum: "91110108TEST00001X", ReqSerialNo: "P1075733838694584320"}
)
