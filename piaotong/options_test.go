package piaotong

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseKeys(t *testing.T) {
	set := loadVectors(t).Keys.RSA1024
	key := mustPrivate(t, set.Partner.Private)
	pkcs1 := x509.MarshalPKCS1PrivateKey(key)
	pkcs8, err := base64.StdEncoding.DecodeString(set.Partner.Private)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := base64.StdEncoding.DecodeString(set.Partner.Public)
	if err != nil {
		t.Fatal(err)
	}
	armour := func(label string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	broken := func(s string) string { // lines of 64, as many tools write them
		var b strings.Builder
		for len(s) > 64 {
			b.WriteString(s[:64] + "\r\n")
			s = s[64:]
		}
		return b.String() + s + "\r\n"
	}
	for name, in := range map[string]string{
		"bare PKCS#8":             set.Partner.Private,
		"bare, in lines, BOM":     "\ufeff" + broken(set.Partner.Private),
		"PEM PKCS#8":              armour("PRIVATE KEY", pkcs8),
		"PEM PKCS#1":              armour("RSA PRIVATE KEY", pkcs1),
		"PKCS#8 with wrong label": armour("RSA PRIVATE KEY", pkcs8),
		"bare PKCS#1":             base64.StdEncoding.EncodeToString(pkcs1),
	} {
		if got, err := ParsePrivateKey([]byte(in)); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string]string{
		"bare SPKI": set.Partner.Public,
		"PEM SPKI":  armour("PUBLIC KEY", spki),
		"PKCS#1":    armour("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
	} {
		if got, err := ParsePublicKey([]byte(in)); err != nil || !got.Equal(&key.PublicKey) {
			t.Errorf("%s: %v", name, err)
		}
	}

	big, err := rsa.GenerateKey(rand.Reader, maxKeyBits+8)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"empty":     {" \n", "empty"},
		"nonsense":  {"!!", "neither PEM nor base64"},
		"not a key": {"AAAA", "neither PKCS#8 nor PKCS#1"},
		"damaged":   {"-----BEGIN PRIVATE KEY-----\nAA", "damaged PEM"},
		"password":  {armour("ENCRYPTED PRIVATE KEY", pkcs8), "password"},
		"public":    {set.Partner.Public, "this is a public key"},
		"too long":  {armour("X", x509.MarshalPKCS1PrivateKey(big)), "1024 to 4096"},
	} {
		_, err := ParsePrivateKey([]byte(tc.in))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tc.want)
		}
	}
	if _, err := ParsePublicKey([]byte(set.Partner.Private)); err == nil || strings.Contains(err.Error(), "MII") {
		t.Errorf("a private key as public: %v", err)
	}
}

func TestNewReportsEveryProblem(t *testing.T) {
	good := testOptions(t, "https://fpkj.vpiaotong.com")
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	_, err := New(Options{Endpoints: map[string]string{"nope": "/x", "qr_create": "x"}, Timeout: -1})
	for _, option := range []string{"BaseURL: ", "PlatformCode: ", "PlatformPrefix: ", "DES3Key: ", "PrivateKey: ", "PlatformKey: ", "Timeout: ", `unknown key "nope"`, "qr_create: a path"} {
		if err == nil || !strings.Contains(err.Error(), option) {
			t.Errorf("%v\nlacks %q", err, option)
		}
	}
	for name, tc := range map[string]struct {
		change func(*Options)
		want   string // "" = accepted
	}{
		"http elsewhere":        {func(o *Options) { o.BaseURL = "http://fpkj.testnw.vpiaotong.cn" }, "BaseURL"},
		"http allowed":          {func(o *Options) { o.BaseURL, o.AllowHTTP = "http://fpkj.testnw.vpiaotong.cn", true }, ""},
		"http to the loopback":  {func(o *Options) { o.BaseURL = "http://[::1]:1/" }, ""},
		"http to localhost":     {func(o *Options) { o.BaseURL = "http://localhost:1" }, ""},
		"looks like localhost":  {func(o *Options) { o.BaseURL = "http://localhost.example.com" }, "BaseURL"},
		"other scheme":          {func(o *Options) { o.BaseURL = "ftp://x" }, "BaseURL"},
		"query":                 {func(o *Options) { o.BaseURL += "?a=1" }, "BaseURL"},
		"password in address":   {func(o *Options) { o.BaseURL = "https://u:p@x" }, "BaseURL"},
		"our own public key":    {func(o *Options) { o.PlatformKey = &o.PrivateKey.PublicKey }, "PlatformKey: is our own"},
		"3DES key not ASCII":    {func(o *Options) { o.DES3Key = strings.Repeat("键", 8) }, "DES3Key"},
		"3DES key of 23":        {func(o *Options) { o.DES3Key = o.DES3Key[1:] }, "DES3Key"},
		"code with other signs": {func(o *Options) { o.PlatformCode = "TEST&ODE" }, "PlatformCode"},
	} {
		o := testOptions(t, good.BaseURL)
		tc.change(&o)
		_, err := New(o)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), good.DES3Key[1:]) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
}

// TestSecretsStayOut: options, client and buyer print none of what they keep.
func TestSecretsStayOut(t *testing.T) {
	var b bytes.Buffer
	o := testOptions(t, "https://fpkj.vpiaotong.com")
	o.Logger = slog.New(slog.NewJSONHandler(&b, nil))
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	buyer := QRBuyer{Name: "张三丰", TakerTel: "13800000000"}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&b, nil)} {
		slog.New(h).Info("x", "options", o, "client", c, "buyer", buyer)
	}
	fmt.Fprintf(&b, "%v %+v %#v %s %v %+v", o, o, o, o, c, c)
	for _, secret := range []string{o.DES3Key, o.PrivateKey.D.String(), fmt.Sprintf("%x", o.PrivateKey.D), "张三丰", "13800000000"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("found %q in\n%s", secret, b.String())
		}
	}
	if !strings.Contains(b.String(), "short") {
		t.Error("a 1024-bit key was not warned of")
	}
}

func TestEndpointKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range EndpointKeys() {
		if seen[k.Key] || k.Key == "" || !strings.HasPrefix(k.Interface, "2.") {
			t.Errorf("row %+v", k)
		}
		seen[k.Key] = true
		if k.Default != "" && (!strings.HasPrefix(k.Default, "/tp/openapi/") || !strings.HasSuffix(k.Default, ".pt")) {
			t.Errorf("%s: default %q", k.Key, k.Default)
		}
	}
	for _, op := range []*operation{opCreateQR, opVoidQRs, opQueryQR, opRedFlush, opQueryInvoice} {
		if !seen[op.key] || op.endpoint().Default == "" {
			t.Errorf("operation %s has no row or path", op.key)
		}
	}
	for _, op := range []*operation{opInitRed, opRedPartial} {
		if !seen[op.key] || op.endpoint().Default != "" {
			t.Errorf("operation %s has no row, or a path that was guessed", op.key)
		}
	}
	EndpointKeys()[0].Key = "changed"
	if EndpointKeys()[0].Key == "changed" {
		t.Error("the table can be changed from outside")
	}
}

func TestClassify(t *testing.T) {
	for _, tc := range []struct {
		op        *operation
		code, msg string
		want      Kind
	}{
		{opCreateQR, "7001", "", Refused},
		{opCreateQR, "7002", "", Refused},
		{opCreateQR, "8016", "", Refused},
		{opCreateQR, "8037", "", Misconfigured},
		{opCreateQR, "8038", "", Duplicate},
		{opCreateQR, "8039", "", Refused},
		{opCreateQR, "8004", "", Misconfigured},
		{opCreateQR, "8009", "", Unavailable},
		{opCreateQR, "8996", "", Unavailable},
		{opCreateQR, "9997", "", Misconfigured},
		{opCreateQR, "9998", "", Misconfigured},
		{opCreateQR, "9999", "系统异常", Unknown},
		{opCreateQR, "9999", "验签失败", Misconfigured},
		{opCreateQR, "9999", "签名错误", Misconfigured},
		{opCreateQR, "8995", "签名笔名称不合法", Refused}, // the text counts for 9999 only
		{opCreateQR, "3999", "", Auth},
		{opCreateQR, "0001", "", Unknown},
		{opVoidQRs, "8104", "", Misconfigured},
		{opVoidQRs, "9999", "系统异常", Unknown},
		{opQueryQR, "5001", "", NotFound},
		{opQueryQR, "9999", "系统异常", Unavailable},
		{opQueryQR, "9999", "验签失败", Misconfigured},
		{opQueryQR, "0001", "", Unavailable},
		{opRedFlush, "8003", "", Refused},
		{opRedFlush, "8021", "", Duplicate},
		{opRedFlush, "8040", "", Pending},
		{opRedFlush, "6003", "", AlreadyRed},
		{opRedFlush, "6005", "", AlreadyRed},
		{opRedFlush, "8993", "", Unknown},
		{opRedFlush, "8033", "", Unknown},
		{opRedFlush, "9999", "处理失败", Misconfigured},
		{opRedPartial, "6003", "", AlreadyRed},
		{opRedPartial, "6005", "", AlreadyRed},
		{opRedPartial, "6009", "", Refused},
		{opRedPartial, "6010", "", Refused},
		{opRedPartial, "6011", "", Refused},
		{opRedPartial, "6012", "", Refused},
		{opRedPartial, "6013", "", Refused},
		{opRedPartial, "6014", "", Refused},
		{opRedPartial, "6015", "", Refused},
		{opRedPartial, "6016", "", Refused},
		{opRedPartial, "8003", "", Refused},
		{opRedPartial, "8021", "", Duplicate},
		{opRedPartial, "8022", "", Misconfigured},
		{opRedPartial, "8033", "", Unknown}, // retry, but ask first
		{opRedPartial, "8037", "", Misconfigured},
		{opRedPartial, "8040", "", Pending},
		{opRedPartial, "8104", "", Misconfigured},
		{opRedPartial, "8993", "", Unknown},
		{opRedPartial, "9999", "处理失败", Misconfigured},
		{opRedPartial, "1234", "", Unknown},
		{opInitRed, "6005", "", AlreadyRed},
		{opInitRed, "8003", "", Refused},
		{opInitRed, "8033", "", Unavailable},
		{opInitRed, "9999", "系统异常", Unavailable},
		{opInitRed, "9999", "验签失败", Misconfigured},
		{opInitRed, "1234", "", Unavailable},
		{opQueryInvoice, "8003", "", NotFound},
		{opQueryInvoice, "8041", "", Pending},
		{opQueryInvoice, "8043", "", Unavailable},
		{opQueryInvoice, "8993", "", Unavailable},
		{opQueryInvoice, "9999", "系统异常", Unavailable},
	} {
		if got := classify(tc.op, tc.code, tc.msg); got != tc.want {
			t.Errorf("%s %s %s: %s, want %s", tc.op.key, tc.code, tc.msg, got, tc.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	c := newTestClient(t, testOptions(t, "https://example.com"))
	err := c.fail(opCreateQR, Error{Kind: Refused, Code: "8995", Msg: cleanMsg("第一行\n第二行" + strings.Repeat("长", maxMsg))})
	if s := err.Error(); !strings.HasPrefix(s, "cannot create the invoicing QR code (2.16): refused 8995: 第一行 第二行长") || !strings.HasSuffix(s, "长…") {
		t.Errorf("%q", s)
	}
	if KindOf(nil) != 0 || KindOf(fmt.Errorf("wrapped: %w", err)) != Refused || KindOf(fmt.Errorf("other")) != 0 {
		t.Error("KindOf")
	}
	for k := Kind(0); k <= Auth; k++ {
		if k.String() == "" || k.String() == "invalid kind" {
			t.Errorf("kind %d has no name", k)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, bad := range []string{"", "2026-03-01", "2026-03-01T10:20:30", "2026-03-01 10:20:30.5", "2026-13-01 10:20:30", "2026-3-1 10:20:30  "} {
		if _, err := ParseTime(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
