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

// publicPaths are the paths that public sources name.
var publicPaths = map[string]string{
	"enterprise_register": "/tp/openapi/register.pt",
	"enterprise_info":     "/tp/openapi/getEnterpriseInfo.pt",
	"account_register":    "/tp/openapi/registerUser.pt",
	"invoice_blue":        "/tp/openapi/invoiceBlue.pt",
	"invoice_red_full":    "/tp/openapi/invoiceRed.pt",
	"invoice_query":       "/tp/openapi/queryInvoice.pt",
	"invoice_query_full":  "/tp/openapi/queryInvoiceInfo.pt",
	"invoice_file":        "/tp/openapi/getAllEleInvFile.pt",
	"qr_create":           "/tp/openapi/getInvoiceIssueQrcode.pt",
	"qr_void":             "/tp/openapi/batchDelInvoiceQrcode.pt",
	"qr_query":            "/tp/openapi/queryQrcodeInvoiceInfo.pt",
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
	called := map[string]bool{}
	for _, call := range allCalls {
		// What no public source names is never guessed.
		if public := publicPaths[call.op.key]; !seen[call.op.key] || call.op.endpoint().Default != public {
			t.Errorf("%s has the path %q, want %q", call.op.key, call.op.endpoint().Default, public)
		}
		called[call.op.key] = true
	}
	for key := range seen {
		if !called[key] && key != "push_main" {
			t.Errorf("%s is configured for no call, or for none that is tested", key)
		}
	}
	EndpointKeys()[0].Key = "changed"
	if EndpointKeys()[0].Key == "changed" {
		t.Error("the table can be changed from outside")
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
