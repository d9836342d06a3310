package sandbox

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tillagent/piaotong"
)

// raw is a partner that can send anything, also what the client never would.
type raw struct {
	*bench
	codec *piaotong.Codec
}

func newRaw(t *testing.T) *raw {
	t.Helper()
	b := newBench(t, "")
	o, err := b.Account().ClientOptions(b.url)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := piaotong.NewCodec(o.PrivateKey, o.PlatformKey, o.DES3Key)
	if err != nil {
		t.Fatal(err)
	}
	return &raw{b, codec}
}

const (
	createPath = "/tp/openapi/getInvoiceIssueQrcode.pt"
	redPath    = "/tp/openapi/invoiceRed.pt"
	voidPath   = "/tp/openapi/batchDelInvoiceQrcode.pt"
	queryPath  = "/tp/openapi/queryQrcodeInvoiceInfo.pt"
	statePath  = "/tp/openapi/queryInvoice.pt"
	testSerial = "SBOX20260301103000aB3dE6gH"
)

func (r *raw) post(t *testing.T, path string, body []byte) piaotong.Response {
	t.Helper()
	resp, err := http.Post(r.url+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.codec.OpenResponse(data)
	if err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	if n := utf8.RuneCountInString(out.Msg); n > 60 {
		t.Errorf("msg of %d characters: %s", n, out.Msg)
	}
	return out
}

func (r *raw) send(t *testing.T, path, content string) piaotong.Response {
	t.Helper()
	body, err := r.codec.SealRequest(platformCode, testSerial, r.clock.now(), []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	out := r.post(t, path, body)
	if out.SerialNo != testSerial {
		t.Errorf("serialNo %q does not repeat the request's", out.SerialNo)
	}
	return out
}

const goodCreate = `{"taxpayerNum":"91110108SANDBOX01X","enterpriseName":"沙箱测试销售有限公司","qrcodeNo":"SBOX000001","tradeNo":"T1",
"tradeTime":"2026-03-01 10:20:29","invoiceAmount":"10.00","expireTime":"2026-08-28 10:20:29","itemList":[
{"itemName":"餐费","taxClassificationCode":"3070401000000000000","taxRateValue":"0.06","invoiceItemAmount":"10.00"}]}`

// with returns goodCreate with fields changed.
func with(t *testing.T, changes map[string]any) string {
	t.Helper()
	return change(t, goodCreate, changes)
}

// change returns content with fields changed; names in "item." belong to its
// first line. A nil value removes a field.
func change(t *testing.T, content string, changes map[string]any) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(content), &m); err != nil {
		t.Fatal(err)
	}
	lines, _ := m["itemList"].([]any)
	for k, v := range changes {
		target := m
		if name, ok := strings.CutPrefix(k, "item."); ok {
			target, k = lines[0].(map[string]any), name
		}
		if v == nil {
			delete(target, k)
		} else {
			target[k] = v
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCreateIsStrict(t *testing.T) {
	r := newRaw(t)
	type m = map[string]any
	long := func(n int) string { return strings.Repeat("长", n) }
	line := m{"itemName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceItemAmount": "0.10"}
	lines := func(n int, extra m) []any {
		var out []any
		for range n {
			l := maps.Clone(line)
			maps.Copy(l, extra)
			out = append(out, l)
		}
		return out
	}
	for _, tc := range []struct {
		name string
		m    m
		code string
	}{
		{"as it is", m{}, "0000"},
		{"no taxpayer", m{"taxpayerNum": nil}, "8995"},
		{"taxpayer malformed", m{"taxpayerNum": "x"}, "9997"},
		{"taxpayer of somebody else", m{"taxpayerNum": "91110108TEST00001X"}, "8004"},
		{"another enterprise name", m{"enterpriseName": "沙箱"}, "8995"},
		{"shop", m{"shopNum": "SHOP01"}, "0000"},
		{"shop too short", m{"shopNum": "S1"}, "8995"},
		{"shop with dash", m{"shopNum": "SHOP-01"}, "8995"},
		{"no number", m{"qrcodeNo": ""}, "8995"},
		{"number of 9", m{"qrcodeNo": "SBOX00001"}, "8995"},
		{"number of 21", m{"qrcodeNo": "SBOX00000000000000001"}, "8995"},
		{"number with dash", m{"qrcodeNo": "SBOX-00001"}, "8995"},
		{"no trade number", m{"tradeNo": nil}, "8995"},
		{"trade number of 51", m{"tradeNo": strings.Repeat("1", 51)}, "8995"},
		{"trade time malformed", m{"tradeTime": "2026-03-01T10:20:29"}, "8995"},
		{"no such day", m{"tradeTime": "2026-02-30 10:20:29"}, "8995"},
		{"no expiry", m{"expireTime": nil}, "0000"},
		{"expiry malformed", m{"expireTime": "never"}, "8995"},
		{"no amount", m{"invoiceAmount": nil}, "8995"},
		{"amount of three places", m{"invoiceAmount": "10.000"}, "8995"},
		{"amount with exponent", m{"invoiceAmount": "1e1"}, "8995"},
		{"amount as number", m{"invoiceAmount": 10}, "0000"},
		{"amount zero", m{"invoiceAmount": "0", "item.invoiceItemAmount": "0"}, "8995"},
		{"amount too large", m{"invoiceAmount": "100000000.00", "item.invoiceItemAmount": "100000000.00"}, "8995"},
		{"sum above", m{"invoiceAmount": "10.01"}, "7002"},
		{"sum below", m{"invoiceAmount": "9.99"}, "7002"},
		{"one place is enough", m{"invoiceAmount": "10.0"}, "0000"},
		{"drawer of 20 bytes", m{"drawerName": long(10)}, "0000"},
		{"drawer of 22 bytes", m{"drawerName": long(11)}, "8995"},
		{"cashier of 18 bytes", m{"casherName": long(9)}, "8995"},
		{"reviewer of 18 bytes", m{"reviewerName": long(9)}, "8995"},
		{"name not in GBK", m{"reviewerName": "𠮷"}, "8995"},
		{"seller together too long", m{"sellerAddress": long(45), "sellerTel": "010-12345678"}, "8995"},
		{"seller's address and telephone of 100", m{"sellerAddress": long(44), "sellerTel": "010-12345678"}, "0000"},
		{"seller's telephone with letters", m{"sellerTel": "010-CALL"}, "8995"},
		{"seller with angle brackets", m{"sellerAddress": "<路"}, "8995"},
		{"seller's bank together too long", m{"sellerBankName": long(45), "sellerBankAccount": "12345678901"}, "8995"},
		{"seller's bank with angle brackets", m{"sellerBankName": "银行>"}, "8995"},
		{"control character", m{"invoiceRemark": "a\u0007b"}, "8995"},
		{"remark of 242 bytes", m{"invoiceRemark": long(121)}, "8995"},
		{"buyer preset", m{"buyerName": "购方", "buyerTaxpayerNum": "91110108TEST00002Y", "allowEditFlag": true}, "0000"},
		{"buyer without name", m{"buyerTaxpayerNum": "91110108TEST00002Y"}, "8995"},
		{"buyer with angle brackets", m{"buyerName": "<b>"}, "8995"},
		{"buyer's bank account with angle brackets", m{"buyerName": "x", "buyerBankAccount": "<1"}, "8995"},
		{"buyer's tax number of 5", m{"buyerName": "x", "buyerTaxpayerNum": "12345"}, "8995"},
		{"buyer's mobile of 10", m{"buyerName": "x", "takerTel": "1380000000"}, "8995"},
		{"buyer's mail malformed", m{"buyerName": "x", "takerEmail": "nobody"}, "8995"},
		{"buyer's title type", m{"buyerName": "x", "invoiceTitleType": "2"}, "8995"},
		{"mail malformed", m{"email": "nobody"}, "8995"},
		{"flag as text", m{"smsFlag": "true"}, "0000"},
		{"flag as word", m{"smsFlag": "yes"}, "8995"},
		{"kind 82", m{"invoiceIssueOptions": []any{m{"invoiceType": "82"}}}, "0000"},
		{"kind not enabled", m{"invoiceIssueOptions": []any{m{"invoiceType": "10"}}}, "8037"},
		{"more invoices than items", m{"allowInvoiceCount": 2}, "7001"},
		{"invoice count as text", m{"allowInvoiceCount": "1"}, "0000"},
		{"invoice count zero", m{"allowInvoiceCount": 0}, "8995"},
		{"oil", m{"specialInvoiceKind": "08", "item.meteringUnit": "升"}, "0000"},
		{"oil by the bottle", m{"specialInvoiceKind": "08", "item.meteringUnit": "瓶"}, "8995"},
		{"another special kind", m{"specialInvoiceKind": "02"}, "8995"},
		{"no items", m{"itemList": []any{}}, "8995"},
		{"items that are no list", m{"itemList": m{}}, "8995"},
		{"100 lines", m{"itemList": lines(100, nil)}, "0000"},
		{"101 lines", m{"itemList": lines(101, nil), "invoiceAmount": "10.10"}, "8995"},
		{"51 lines with discount", m{"itemList": lines(51, m{"invoiceItemDisAmount": "-0.01"}), "invoiceAmount": "4.59"}, "8995"},
		{"item name of 102 bytes", m{"item.itemName": long(51)}, "8995"},
		{"no tax code", m{"item.taxClassificationCode": nil}, "8995"},
		{"tax code with letters", m{"item.taxClassificationCode": "30A"}, "8005"},
		{"old rate", m{"item.taxRateValue": "0.17"}, "8006"},
		{"rate of three places", m{"item.taxRateValue": "0.015"}, "8006"},
		{"rate 0 without flag", m{"item.taxRateValue": "0"}, "8014"},
		{"rate 0 with flag", m{"item.taxRateValue": "0.00", "item.zeroTaxFlag": "1"}, "0000"},
		{"flag 4", m{"item.taxRateValue": "0", "item.zeroTaxFlag": "4"}, "8015"},
		{"flag without rate 0", m{"item.zeroTaxFlag": "1"}, "8015"},
		{"price fits", m{"item.unitPrice": "3.33333333", "item.quantity": "3"}, "0000"},
		{"half a fen rounds up", m{"item.unitPrice": "1.999", "item.quantity": "5", "item.invoiceItemAmount": "10.00"}, "0000"},
		{"price does not fit", m{"item.unitPrice": "3.33", "item.quantity": "3"}, "8016"},
		{"price alone", m{"item.unitPrice": "3"}, "0000"},
		{"both zero", m{"item.unitPrice": "0", "item.quantity": "0"}, "0000"},
		{"one zero", m{"item.unitPrice": "0", "item.quantity": "3"}, "8995"},
		{"price of nine places", m{"item.unitPrice": "3.333333333", "item.quantity": "3"}, "8995"},
		{"quantity of 11 characters", m{"item.unitPrice": "1", "item.quantity": "10.00000000"}, "8995"},
		{"discount", m{"item.invoiceItemDisAmount": "-1.5", "invoiceAmount": "8.50"}, "0000"},
		{"discount of nothing", m{"item.invoiceItemDisAmount": "0"}, "8995"},
		{"discount positive", m{"item.invoiceItemDisAmount": "1.50", "invoiceAmount": "11.50"}, "8995"},
		{"discount above the line", m{"item.invoiceItemDisAmount": "-10.01", "invoiceAmount": "1"}, "8007"},
		{"discount above the line, another makes up", m{"itemList": append(lines(1, m{"invoiceItemDisAmount": "-0.11"}), lines(2, nil)...), "invoiceAmount": "0.19"}, "8007"},
		{"item negative", m{"item.invoiceItemAmount": "-10.00"}, "8995"},
		{"nested where a value belongs", m{"tradeNo": m{}}, "8995"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := r.Reset(); err != nil {
				t.Fatal(err)
			}
			out := r.send(t, createPath, with(t, tc.m))
			if out.Code != tc.code {
				t.Errorf("%s %s, want %s", out.Code, out.Msg, tc.code)
			}
			if n := len(r.ledger(t).Entries); (n == 1) != (tc.code == "0000") {
				t.Errorf("%d entries in the ledger", n)
			}
		})
	}
	if out := r.send(t, createPath, "[]"); out.Code != "8995" {
		t.Errorf("an array: %s", out.Code)
	}
}

func TestOthersAreStrict(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	r.send(t, createPath, goodCreate)
	blue := r.state(t, r.claim(t, Claim{QRCodeNo: "SBOX000001"})).AllEleInvNo
	red := func(serial, blue, amount, reason string) string {
		return `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + serial + `","blueAllEleInvNo":"` + blue + `","amount":"` + amount + `","redReason":"` + reason + `"}`
	}
	const serial = "SBOXRED0000000000001"
	const voidOne = `{"taxpayerNum":"91110108SANDBOX01X","qrcodeNo":"SBOX000001","invoiceAmount":"10"}`
	for _, tc := range []struct{ name, path, content, code string }{
		{"red of too little", redPath, red(serial, blue, "-9.99", "退货"), "8995"},
		{"red, positive", redPath, red(serial, blue, "10.00", "退货"), "8995"},
		{"red without reason", redPath, red(serial, blue, "-10.00", ""), "8995"},
		{"red number of 19", redPath, red(serial[1:], blue, "-10.00", "退货"), "8995"},
		{"red of nothing", redPath, red(serial, "", "-10.00", "退货"), "8995"},
		{"red of an unknown invoice", redPath, red(serial, "26110000000000000000", "-10.00", "退货"), "8003"},
		{"red of an old invoice", redPath, `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + serial + `","invoiceCode":"011001900111","invoiceNo":"12345678","amount":"-1","redReason":"x"}`, "8003"},
		{"red with both names", redPath, `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + serial + `","blueAllEleInvNo":"` + blue + `","invoiceCode":"011001900111","invoiceNo":"12345678","amount":"-10","redReason":"x"}`, "8995"},
		{"red with half a name", redPath, `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + serial + `","blueAllEleInvNo":"` + blue + `","invoiceCode":"011001900111","amount":"-10","redReason":"x"}`, "8995"},
		{"void as an object", voidPath, `{}`, "8995"},
		{"void of nothing", voidPath, `[]`, "8995"},
		{"void of 51", voidPath, "[" + strings.Repeat(voidOne+",", 50) + voidOne + "]", "8995"},
		{"void of another's", voidPath, `[{"taxpayerNum":"91110108TEST00001X","qrcodeNo":"SBOX000001","invoiceAmount":"10"}]`, "8104"},
		{"void without amount", voidPath, `[{"taxpayerNum":"91110108SANDBOX01X","qrcodeNo":"SBOX000001"}]`, "8995"},
		{"query with another amount", queryPath, `{"taxpayerNum":"91110108SANDBOX01X","qrcodeNo":"SBOX000001","invoiceAmount":"11"}`, "8995"},
		{"query of another's", queryPath, `{"taxpayerNum":"91110108TEST00001X","qrcodeNo":"SBOX000001","invoiceAmount":"10"}`, "8004"},
		{"state of an unknown one", statePath, `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"P0000000000000000000"}`, "8003"},
		{"state without number", statePath, `{"taxpayerNum":"91110108SANDBOX01X"}`, "8995"},
		{"red, at last", redPath, red(serial, blue, "-10.0", "退货"), "0000"},
	} {
		if out := r.send(t, tc.path, tc.content); out.Code != tc.code {
			t.Errorf("%s: %s %s, want %s", tc.name, out.Code, out.Msg, tc.code)
		}
	}
}

// seal makes an envelope in which one field is another than the client would
// ever send; "" leaves it out.
func (r *raw) seal(t *testing.T, field, value string) []byte {
	t.Helper()
	body, err := r.codec.SealRequest(platformCode, testSerial, r.clock.now(), []byte(with(t, map[string]any{"qrcodeNo": "SBOX000002"})))
	if err != nil {
		t.Fatal(err)
	}
	var env map[string]string
	if err := json.Unmarshal(body, &env); err != nil {
		t.Fatal(err)
	}
	env[field] = value
	if value == "" {
		delete(env, field)
	}
	delete(env, "sign")
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		pairs = append(pairs, k+"="+env[k])
	}
	key, err := piaotong.ParsePrivateKey([]byte(r.Account().PrivateKeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte(strings.Join(pairs, "&")))
	sign, err := rsa.SignPKCS1v15(nil, key, crypto.SHA1, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	env["sign"] = base64.StdEncoding.EncodeToString(sign)
	if body, err = json.Marshal(env); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestEnvelopeIsStrict(t *testing.T) {
	r := newRaw(t)
	seal := func(code, serial string, at time.Time) []byte {
		b, err := r.codec.SealRequest(code, serial, at, []byte(goodCreate))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := string(seal(platformCode, testSerial, r.clock.now()))
	stranger, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	own, err := piaotong.ParsePrivateKey([]byte(stranger.PartnerPrivate))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := piaotong.NewCodec(own, &stranger.platform.PublicKey, r.Account().DES3Key)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := codec.SealRequest(platformCode, testSerial, r.clock.now(), []byte(goodCreate))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		body   string
		code   string
		serial string
	}{
		{"another platform code", string(seal("SANDBOX2", testSerial, r.clock.now())), "9998", testSerial},
		{"serial number of 25", string(seal(platformCode, testSerial[:25], r.clock.now())), "8995", testSerial[:25]},
		{"serial number of another platform", string(seal(platformCode, "XXXX"+testSerial[4:], r.clock.now())), "8995", "XXXX" + testSerial[4:]},
		{"another way to sign", string(r.seal(t, "signType", "RSA2")), "8995", testSerial},
		{"another format", string(r.seal(t, "format", "XML")), "8995", testSerial},
		{"no format", string(r.seal(t, "format", "")), "0000", testSerial},
		{"another version", string(r.seal(t, "version", "2.0")), "8995", testSerial},
		{"time without seconds", string(r.seal(t, "timestamp", "2026-03-01 10:30")), "8995", testSerial},
		{"no such day", string(r.seal(t, "timestamp", "2026-02-30 10:30:00")), "8995", testSerial},
		{"changed time", strings.Replace(good, "2026-03-01 10:30:00", "2026-03-01 10:30:01", 1), "9999", ""},
		{"without signature", good[:strings.Index(good, `,"sign"`)] + "}", "9999", ""},
		{"signed by a stranger", string(foreign), "9999", ""},
		{"no JSON", "hello", "8995", ""},
		{"nothing", "", "8995", ""},
		{"as it should be", good, "0000", testSerial},
	} {
		out := r.post(t, createPath, []byte(tc.body))
		if out.Code != tc.code || out.SerialNo != tc.serial {
			t.Errorf("%s: %s %s with serial %q, want %s with %q", tc.name, out.Code, out.Msg, out.SerialNo, tc.code, tc.serial)
		}
	}
	if status, _ := get(t, r.url+createPath); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
	if status, _ := get(t, r.url+"/tp/openapi/nothing.pt"); status != http.StatusNotFound {
		t.Errorf("unknown path: %d", status)
	}
}
