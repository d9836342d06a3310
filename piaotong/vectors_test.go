package piaotong

import (
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"testing"
	"time"
)

// vectors is testdata/vectors.json: invented keys and messages, checked with
// several independent implementations.
type vectors struct {
	Keys struct {
		RSA1024   rsaSet            `json:"rsa1024"`
		RSA2048   rsaSet            `json:"rsa2048"`
		TripleDES map[string]string `json:"tripleDes"`
	} `json:"keys"`
	TripleDES []struct {
		Name       string `json:"name"`
		Key        string `json:"tripleDesKey"`
		Plaintext  string `json:"plaintext"`
		PlainHex   string `json:"plaintextUtf8Hex"`
		Ciphertext string `json:"ciphertextBase64"`
	} `json:"tripleDes"`
	Requests []struct {
		Name         string            `json:"name"`
		KeySet       string            `json:"keySet"`
		Key          string            `json:"tripleDesKey"`
		Plaintext    string            `json:"contentPlaintext"`
		Ciphertext   string            `json:"contentCiphertext"`
		StringToSign string            `json:"stringToSign"`
		Sign         string            `json:"sign"`
		Envelope     map[string]string `json:"envelope"`
		Gson         string            `json:"rawAsGsonWouldWriteIt"`
	} `json:"requests"`
	Responses []struct {
		Name           string  `json:"name"`
		KeySet         string  `json:"keySet"`
		Key            string  `json:"tripleDesKey"`
		Raw            string  `json:"raw"`
		StringToVerify *string `json:"stringToVerify"`
		AcceptedBy     string  `json:"acceptedBy"`
		Expect         struct {
			Outcome     string  `json:"outcome"`
			Code        *string `json:"code"`
			Msg         *string `json:"msg"`
			ContentKind string  `json:"contentKind"`
			Plaintext   *string `json:"contentPlaintext"`
		} `json:"expect"`
	} `json:"responses"`
	Pushes []struct {
		Name           string  `json:"name"`
		KeySet         string  `json:"keySet"`
		Key            string  `json:"tripleDesKey"`
		Raw            string  `json:"raw"`
		SignatureValid bool    `json:"signatureValid"`
		Plaintext      *string `json:"contentPlaintext"`
		Reply          *struct {
			Plaintext string `json:"contentPlaintext"`
			Raw       string `json:"raw"`
		} `json:"reply"`
	} `json:"pushes"`
	GBK []struct {
		Text  string `json:"text"`
		Bytes *int   `json:"gbkBytes"`
	} `json:"gbkLengths"`
}

type rsaSet struct {
	Partner  rsaPair `json:"partner"`
	Platform rsaPair `json:"platform"`
}

type rsaPair struct {
	Private string `json:"privateKeyPkcs8Base64"`
	Public  string `json:"publicKeySpkiBase64"`
}

func loadVectors(t testing.TB) *vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	v := new(vectors)
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
	// A part that went missing must not pass for one that agrees.
	if len(v.TripleDES) != 9 || len(v.Requests) != 5 || len(v.Responses) != 37 || len(v.Pushes) != 3 || len(v.GBK) != 17 {
		t.Fatal("vectors.json lacks a part, or has more than is tested")
	}
	return v
}

func (v *vectors) set(t testing.TB, name string) rsaSet {
	t.Helper()
	switch name {
	case "rsa1024":
		return v.Keys.RSA1024
	case "rsa2048":
		return v.Keys.RSA2048
	}
	t.Fatalf("unknown key set %q", name)
	return rsaSet{}
}

func mustPrivate(t testing.TB, s string) *rsa.PrivateKey {
	t.Helper()
	k, err := ParsePrivateKey([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustPublic(t testing.TB, s string) *rsa.PublicKey {
	t.Helper()
	k, err := ParsePublicKey([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// partner returns our side's codec, platform the other's.
func (v *vectors) partner(t testing.TB, set, des string) *Codec {
	s := v.set(t, set)
	return v.codec(t, s.Partner.Private, s.Platform.Public, des)
}

func (v *vectors) platform(t testing.TB, set, des string) *Codec {
	s := v.set(t, set)
	return v.codec(t, s.Platform.Private, s.Partner.Public, des)
}

func (v *vectors) codec(t testing.TB, private, public, des string) *Codec {
	t.Helper()
	c, err := NewCodec(mustPrivate(t, private), mustPublic(t, public), v.Keys.TripleDES[des])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestVectorsTripleDES(t *testing.T) {
	v := loadVectors(t)
	for _, tc := range v.TripleDES {
		t.Run(tc.Name, func(t *testing.T) {
			d, err := newDES3(v.Keys.TripleDES[tc.Key])
			if err != nil {
				t.Fatal(err)
			}
			plain, err := hex.DecodeString(tc.PlainHex)
			if err != nil || string(plain) != tc.Plaintext {
				t.Fatalf("bad vector: %v", err)
			}
			if got := d.encrypt(plain); got != tc.Ciphertext {
				t.Errorf("encrypt = %s, want %s", got, tc.Ciphertext)
			}
			got, err := d.decrypt(tc.Ciphertext)
			if err != nil || string(got) != tc.Plaintext {
				t.Errorf("decrypt = %q, %v", got, err)
			}
		})
	}
	t.Run("parity bits do not count", func(t *testing.T) {
		a, _ := newDES3(v.Keys.TripleDES["main"])
		b, _ := newDES3(v.Keys.TripleDES["sameAsMainToDES"])
		if a.encrypt([]byte("x")) != b.encrypt([]byte("x")) {
			t.Error("the two spellings of one DES key differ")
		}
	})
}

func TestVectorsRequests(t *testing.T) {
	v := loadVectors(t)
	for _, tc := range v.Requests {
		t.Run(tc.Name, func(t *testing.T) {
			at, err := ParseTime(tc.Envelope["timestamp"])
			if err != nil {
				t.Fatal(err)
			}
			codec := v.partner(t, tc.KeySet, tc.Key)
			// The zone of the caller's time must not matter.
			raw, err := codec.SealRequest(tc.Envelope["platformCode"], tc.Envelope["serialNo"],
				at.In(time.FixedZone("", -5*3600)), []byte(tc.Plaintext))
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tc.Envelope) {
				t.Errorf("envelope has %d fields, want %d", len(got), len(tc.Envelope))
			}
			for name, want := range tc.Envelope {
				if got[name] != want {
					t.Errorf("%s = %q, want %q", name, got[name], want)
				}
			}
			if got["content"] != tc.Ciphertext || got["sign"] != tc.Sign {
				t.Error("content or sign differ from the vector")
			}
			delete(got, "sign")
			if s := signString(got); s != tc.StringToSign {
				t.Errorf("signed string = %q, want %q", s, tc.StringToSign)
			}
			for form, raw := range map[string]string{"ours": string(raw), "gson": tc.Gson} {
				opened, err := v.platform(t, tc.KeySet, tc.Key).OpenRequest([]byte(raw))
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				want := Request{
					PlatformCode: tc.Envelope["platformCode"], SignType: "RSA", Format: "JSON",
					Timestamp: tc.Envelope["timestamp"], Version: "1.0", SerialNo: tc.Envelope["serialNo"],
				}
				content := string(opened.Content)
				opened.Content = nil
				if content != tc.Plaintext || !equalRequest(opened, want) {
					t.Errorf("%s: opened %+v with content %s", form, opened, content)
				}
			}
		})
	}
}

func equalRequest(a, b Request) bool {
	return a.PlatformCode == b.PlatformCode && a.SignType == b.SignType && a.Format == b.Format &&
		a.Timestamp == b.Timestamp && a.Version == b.Version && a.SerialNo == b.SerialNo
}

func TestVectorsResponses(t *testing.T) {
	v := loadVectors(t)
	outcomes := map[string]int{}
	for _, tc := range v.Responses {
		t.Run(tc.Name, func(t *testing.T) {
			r, err := v.partner(t, tc.KeySet, tc.Key).OpenResponse([]byte(tc.Raw))
			outcomes[outcome(t, r, err)]++
			if got := outcome(t, r, err); got != tc.Expect.Outcome {
				t.Fatalf("outcome %s (%v), want %s", got, err, tc.Expect.Outcome)
			}
			if got, want := string(r.Rule), tc.AcceptedBy; got != want && (got != "" || want != "none") {
				t.Errorf("accepted by %q, want %q", got, want)
			}
			if got, want := r.Code, deref(tc.Expect.Code); got != want {
				t.Errorf("code %q, want %q", got, want)
			}
			if got, want := r.Msg, deref(tc.Expect.Msg); got != want {
				t.Errorf("msg %q, want %q", got, want)
			}
			if got, want := string(r.Content), deref(tc.Expect.Plaintext); got != want {
				t.Errorf("content %q, want %q", got, want)
			}
			if kind := contentKind(r.Content); kind != tc.Expect.ContentKind {
				t.Errorf("content kind %s, want %s", kind, tc.Expect.ContentKind)
			}
			if r.Rule == "" {
				return
			}
			fields, _, err := openShape([]byte(tc.Raw), checkResponseShape)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range [...]string{"content", "msg"} {
				if v, ok := fields[name]; r.Rule == SignAbsentAsEmpty && !ok {
					fields[name] = ""
				} else if r.Rule == SignEmptyAsAbsent && v == "" {
					delete(fields, name)
				}
			}
			if s := signString(fields); s != *tc.StringToVerify {
				t.Errorf("verified string = %q, want %q", s, *tc.StringToVerify)
			}
		})
	}
	want := map[string]int{"ok": 10, "business_error": 6, "bad_signature": 6, "malformed_envelope": 6, "missing_signature": 2, "bad_content": 7}
	if !maps.Equal(outcomes, want) {
		t.Errorf("outcomes %v, want %v", outcomes, want)
	}
}

// outcome gives the result of OpenResponse the name that the vectors use.
func outcome(t *testing.T, r Response, err error) string {
	t.Helper()
	if err != nil {
		e, ok := errors.AsType[*EnvelopeError](err)
		if !ok {
			t.Fatalf("error %T: %v", err, err)
		}
		return string(e.Problem)
	}
	if r.Code == codeOK {
		return "ok"
	}
	return "business_error"
}

func contentKind(b []byte) string {
	switch {
	case b == nil:
		return "none"
	case b[0] == '[':
		return "array"
	}
	return "object"
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestVectorsPushes(t *testing.T) {
	v := loadVectors(t)
	opened := 0
	for _, tc := range v.Pushes {
		t.Run(tc.Name, func(t *testing.T) {
			codec := v.partner(t, tc.KeySet, tc.Key)
			push, err := codec.OpenInvoicePush([]byte(tc.Raw))
			if !tc.SignatureValid {
				if e, ok := errors.AsType[*EnvelopeError](err); !ok || e.Problem != BadSignature || push != (InvoicePush{}) {
					t.Fatalf("opened %+v, %v; want nothing and a bad signature", push, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			opened++
			req, err := codec.OpenRequest([]byte(tc.Raw))
			if err != nil || string(req.Content) != *tc.Plaintext {
				t.Errorf("content %s, %v; want %s", req.Content, err, *tc.Plaintext)
			}
			reply, err := codec.SealPushReply(push, true)
			if err != nil {
				t.Fatal(err)
			}
			if string(reply) != tc.Reply.Raw {
				t.Errorf("reply\n%s\nwant\n%s", reply, tc.Reply.Raw)
			}
			// The platform must be able to read it, and the refusal as well.
			back, err := v.platform(t, tc.KeySet, tc.Key).OpenResponse(reply)
			if err != nil || string(back.Content) != tc.Reply.Plaintext {
				t.Errorf("the platform reads %s, %v", back.Content, err)
			}
			refusal, err := codec.SealPushReply(push, false)
			if err != nil {
				t.Fatal(err)
			}
			back, err = v.platform(t, tc.KeySet, tc.Key).OpenResponse(refusal)
			if err != nil || back.Code != "9999" || back.SerialNo != push.SerialNo {
				t.Errorf("refusal reads %+v, %v", back, err)
			}
		})
	}
	if opened != 2 {
		t.Errorf("%d pushes opened, want 2", opened)
	}
}

func TestPushFields(t *testing.T) {
	v := loadVectors(t)
	push, err := v.partner(t, "rsa1024", "main").OpenInvoicePush([]byte(v.Pushes[0].Raw))
	if err != nil {
		t.Fatal(err)
	}
	want := InvoicePush{
		InvoiceState: InvoiceState{
			ReqSerialNo: "P1075733838694584320", Type: TypeBlue, Code: StateIssued, Msg: "开票成功",
			AllEleInvNo: "26112000000000000001", NetAmount: "9.34", TaxAmount: "0.56", TradeNo: "20260301000001",
			DownloadURL: "https://example.com/d/a.pdf",
			IssuedAt:    time.Date(2026, 3, 1, 10, 25, 0, 0, beijing),
		},
		TaxpayerNum: "91110108TEST00001X", QRCodeNo: "TEST20260301000001",
		SerialNo: "TEST_20260301000001_P1075733838694584320",
	}
	if push != want {
		t.Errorf("push = %+v\nwant   %+v", push, want)
	}
}

func TestVectorsGBK(t *testing.T) {
	for _, tc := range loadVectors(t).GBK {
		n, err := GBKLen(tc.Text)
		switch {
		case tc.Bytes == nil && err == nil:
			t.Errorf("%q: %d bytes, want an error", tc.Text, n)
		case tc.Bytes != nil && (err != nil || n != *tc.Bytes):
			t.Errorf("%q: %d, %v; want %d", tc.Text, n, err, *tc.Bytes)
		}
	}
}
