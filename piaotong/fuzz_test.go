package piaotong

import (
	"encoding/json"
	"errors"
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
