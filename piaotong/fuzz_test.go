package piaotong

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// FuzzOpenResponse: whatever arrives, nothing panics, every failure is an
// EnvelopeError, and nothing opens that the platform did not sign.
func FuzzOpenResponse(f *testing.F) {
	v := loadVectors(f)
	codec := v.partner(f, "rsa1024", "main")
	signed := map[string]bool{}
	for _, tc := range v.Responses {
		f.Add([]byte(tc.Raw))
		if tc.StringToVerify != nil {
			signed[*tc.StringToVerify] = true
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := codec.OpenResponse(raw)
		if err != nil {
			if _, ok := errors.AsType[*EnvelopeError](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if !codePattern.MatchString(r.Code) || r.Rule == "" {
			t.Fatalf("opened %+v", r)
		}
		if r.Content != nil && !json.Valid(r.Content) {
			t.Fatalf("content %q", r.Content)
		}
		if fields, _, _ := openShape(raw, checkResponseShape); r.Rule == SignExact && !signed[signString(fields)] {
			t.Fatalf("opened what nobody signed: %s", raw)
		}
	})
}

func FuzzOpenRequest(f *testing.F) {
	v := loadVectors(f)
	codec := v.platform(f, "rsa1024", "main")
	for _, tc := range v.Requests {
		f.Add([]byte(tc.Gson))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := codec.OpenRequest(raw)
		if _, ok := errors.AsType[*EnvelopeError](err); err != nil && !ok {
			t.Fatalf("%T: %v", err, err)
		}
		if err == nil && !json.Valid(r.Content) {
			t.Fatalf("content %q", r.Content)
		}
	})
}

// FuzzOpenInvoicePush: nothing opens that the platform did not sign; what it
// did sign is read or refused, and can be answered.
func FuzzOpenInvoicePush(f *testing.F) {
	v := loadVectors(f)
	platform, ours := v.platform(f, "rsa1024", "main"), v.partner(f, "rsa1024", "main")
	for _, tc := range v.Pushes {
		if tc.Plaintext != nil {
			f.Add([]byte(tc.Raw), []byte(*tc.Plaintext))
		}
	}
	f.Add([]byte(`{}`), []byte(`{"invoiceReqSerialNo":1,"code":true,"invoiceDate":null,"downloadUrl":"x"}`))
	signed := map[string]bool{}
	for _, tc := range v.Pushes {
		if fields, _, err := openShape([]byte(tc.Raw), checkRequestShape); err == nil && tc.SignatureValid {
			signed[signString(fields)] = true
		}
	}
	f.Fuzz(func(t *testing.T, raw, content []byte) {
		if _, err := ours.OpenInvoicePush(raw); err == nil {
			if fields, _, _ := openShape(raw, checkRequestShape); !signed[signString(fields)] {
				t.Fatalf("opened what nobody signed: %s", raw)
			}
		} else if _, ok := errors.AsType[*EnvelopeError](err); !ok {
			t.Fatalf("%T: %v", err, err)
		}
		sealed, err := platform.SealRequest("TESTCODE", "TEST_1", tradeTime, content)
		if err != nil {
			t.Fatal(err)
		}
		push, err := ours.OpenInvoicePush(sealed)
		if err != nil {
			if e, ok := errors.AsType[*EnvelopeError](err); !ok || e.Problem != BadContent {
				t.Fatalf("%q: %v", content, err)
			}
			return
		}
		if push.ReqSerialNo == "" || push.Code == "" || push.SerialNo != "TEST_1" {
			t.Fatalf("%q was read as %+v", content, push)
		}
		reply, err := ours.SealPushReply(push, true)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := platform.OpenResponse(reply); err != nil || r.Code != codeOK {
			t.Fatalf("reply %s opens as %+v, %v", reply, r, err)
		}
	})
}

// FuzzOpenContent: what opens is what was sealed, and JSON; no ciphertext
// panics or opens as anything else.
func FuzzOpenContent(f *testing.F) {
	v := loadVectors(f)
	codec := v.partner(f, "rsa1024", "main")
	for _, tc := range v.Requests {
		f.Add([]byte(tc.Plaintext), tc.Ciphertext)
	}
	for _, tc := range v.TripleDES {
		f.Add([]byte(tc.Plaintext), tc.Ciphertext)
	}
	f.Fuzz(func(t *testing.T, plain []byte, text string) {
		got, err := codec.openContent(codec.cipher[0].encrypt(plain))
		if ok := isJSONDocument(plain); ok != (err == nil) || ok && string(got) != string(plain) {
			t.Fatalf("%q opens as %q, %v", plain, got, err)
		}
		got, err = codec.openContent(text)
		if e, ok := errors.AsType[*EnvelopeError](err); err != nil && (!ok || e.Problem != BadContent) {
			t.Fatalf("%T: %v", err, err)
		}
		if err == nil && !isJSONDocument(got) {
			t.Fatalf("%q opens as %q", text, got)
		}
	})
}

// FuzzAnswers: no signed content makes a call panic or fail without saying
// what is known of it.
func FuzzAnswers(f *testing.F) {
	for i := range allCalls {
		f.Add(byte(i), []byte(`{"invoiceReqSerialNo":"TEST2026030110203001","code":"0000","msg":"x"}`))
	}
	for _, seed := range []string{
		fullAnswer, blueAnswer, `[]`, `[{"account":"1"}]`, `{"accountList":[null]}`, `{"qrCode":"data:","qrCodeContent":null}`,
		`{"taskStatus":1,"totalCount":1,"redConfirmList":[{"itemList":[{}]}]}`, `{"fileContent":"JVBERi0=","resultCode":0}`,
	} {
		f.Add(byte(0), []byte(seed))
	}
	platform := loadVectors(f).platform(f, "rsa1024", "main")
	o := testOptions(f, "https://example.com")
	var content []byte
	o.Transport = roundTripFunc(func(*http.Request) (*http.Response, error) {
		raw, err := platform.SealResponse(Response{Code: codeOK, Msg: "x", SerialNo: "S", Content: content})
		return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(raw))}, err
	})
	c, err := New(o)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		content = b
		call := allCalls[int(which)%len(allCalls)]
		err := call.do(t.Context(), c)
		if err == nil {
			if !isJSONDocument(b) {
				t.Fatalf("%s succeeded with %q", call.op.key, b)
			}
			return
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind == 0 || e.Op == "" {
			t.Fatalf("%s with %q: %#v", call.op.key, b, err)
		}
	})
}

// FuzzDES3: what is encrypted comes back, and no ciphertext panics.
func FuzzDES3(f *testing.F) {
	d, err := newDES3("TESTONLY-3DES-KEY-000001")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("票通"), "EEG35Kw2hv0=")
	f.Fuzz(func(t *testing.T, plain []byte, text string) {
		got, err := d.decrypt(d.encrypt(plain))
		if err != nil || string(got) != string(plain) {
			t.Fatalf("%q came back as %q, %v", plain, got, err)
		}
		d.decrypt(text)
	})
}

// FuzzScalar: every single JSON value is read, and numbers keep their text.
func FuzzScalar(f *testing.F) {
	for _, s := range []string{`"a"`, `1.50`, `true`, `null`, `{}`, `[1]`, `-0`, `1e9`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got Scalar
		err := json.Unmarshal([]byte(s), &got)
		text := strings.Trim(s, " \t\r\n")
		single := json.Valid([]byte(s)) && text[0] != '{' && text[0] != '['
		if single != (err == nil) {
			t.Fatalf("%q: single value %t, but %v", s, single, err)
		}
		if single && text[0] != '"' && text != "null" && string(got) != text {
			t.Fatalf("%q was read as %q", s, got)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	set := loadVectors(f).Keys.RSA1024.Partner
	f.Add([]byte(set.Private))
	f.Add([]byte(set.Public))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := ParsePrivateKey(data); (k == nil) == (err == nil) {
			t.Fatal(k, err)
		}
		if k, err := ParsePublicKey(data); (k == nil) == (err == nil) {
			t.Fatal(k, err)
		}
	})
}
