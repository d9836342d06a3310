package piaotong

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestNextKeysAreChecked(t *testing.T) {
	good := testOptions(t, "https://fpkj.vpiaotong.com")
	own, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, maxKeyBits+8)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		next NextKeys
		want string // "" = accepted
	}{
		"none":                       {NextKeys{}, ""},
		"all":                        {NextKeys{own, mustPublic(t, loadVectors(t).Keys.RSA2048.Platform.Public), "a-new-key-of-24-letters!"}, ""},
		"a short 3DES key":           {NextKeys{DES3Key: "short"}, "Next.DES3Key: has 5 bytes"},
		"too long a key":             {NextKeys{PrivateKey: long}, "Next.PrivateKey: "},
		"our key as the platform's":  {NextKeys{PlatformKey: &good.PrivateKey.PublicKey}, "Next.PlatformKey: is our own"},
		"our next as the platform's": {NextKeys{PrivateKey: own, PlatformKey: &own.PublicKey}, "Next.PlatformKey: is our own"},
	} {
		o := good
		o.Next = tc.next
		c, err := New(o)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if err == nil {
			c.Close()
		}
	}
	o := good
	o.PlatformKey, o.Next.PrivateKey = &own.PublicKey, own
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "Next.PrivateKey: its public key") {
		t.Errorf("the platform's key is that of our next pair: %v", err)
	}
}

// TestOnlyRefusedKeysAreTriedAgain: a refusal of anything else is not sent twice,
// though a change of keys is under way.
func TestOnlyRefusedKeysAreTriedAgain(t *testing.T) {
	own, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ code, msg string }{{"9999", "系统内部错误"}, {"8995", "数据校验不通过"}, {"8996", "业务异常"}, {"5001", "二维码不存在"}} {
		p := newTestPlatform(t, func(w http.ResponseWriter, p *testPlatform, req Request) {
			answerCode(tc.code, tc.msg, `{}`)(w, p, req)
		})
		o := testOptions(t, p.URL)
		o.Next = NextKeys{PrivateKey: own, DES3Key: "a-new-key-of-24-letters!"}
		if _, err := newTestClient(t, o).CreateQR(t.Context(), testQR); err == nil {
			t.Errorf("%s is no failure", tc.code)
		}
		if n := p.calls.Load(); n != 1 {
			t.Errorf("%s %s: %d requests", tc.code, tc.msg, n)
		}
	}
}

// TestTakenKeysStay: the call that finds out which keys the platform takes goes
// more than once, those after it do not. The platform's answers do not tell of a
// new 3DES key: they are encrypted with the present one.
func TestTakenKeysStay(t *testing.T) {
	const nextDES3 = "a-new-key-of-24-letters!"
	v := loadVectors(t)
	next, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		t.Fatal(err)
	}
	present, des3 := mustPublic(t, v.Keys.RSA1024.Partner.Public), v.Keys.TripleDES["main"]
	platform := func(partner *rsa.PublicKey, des3 string) *Codec {
		c, err := NewCodec(mustPrivate(t, v.Keys.RSA1024.Platform.Private), partner, des3)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, tc := range map[string]struct {
		next   NextKeys
		takes  *Codec // after the change
		resent int32
	}{
		"our pair":     {NextKeys{PrivateKey: next}, platform(&next.PublicKey, des3), 1},
		"the 3DES key": {NextKeys{DES3Key: nextDES3}, platform(present, nextDES3), 1},
		"both":         {NextKeys{PrivateKey: next, DES3Key: nextDES3}, platform(&next.PublicKey, nextDES3), 2},
	} {
		t.Run(name, func(t *testing.T) {
			before := platform(present, des3)
			var takes atomic.Pointer[Codec]
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				raw, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				req, err := takes.Load().OpenRequest(raw)
				answer := Response{Code: codeOK, Msg: "处理成功", SerialNo: req.SerialNo, Content: []byte(`{"scanStatus":"0"}`)}
				if problem, ok := errors.AsType[*EnvelopeError](err); ok {
					answer = Response{Code: "9999", Msg: "验签失败", SerialNo: "S1"}
					if problem.Problem == BadContent {
						answer = Response{Code: "8995", Msg: "解密失败", SerialNo: req.SerialNo}
					}
				}
				if raw, err = before.SealResponse(answer); err != nil {
					t.Error(err)
				}
				w.Write(raw)
			}))
			defer server.Close()
			o := testOptions(t, server.URL)
			o.Next = tc.next
			c := newTestClient(t, o)
			for _, day := range []struct {
				takes *Codec
				first int32 // how often its first call goes
			}{{before, 1}, {tc.takes, 1 + tc.resent}, {before, 1 + tc.resent}} {
				takes.Store(day.takes)
				for i, want := range []int32{day.first, 1, 1} {
					calls.Store(0)
					if _, err := c.QueryAuthQR(t.Context(), testAcct, "A1"); err != nil {
						t.Fatal(err)
					}
					if n := calls.Load(); n != want {
						t.Errorf("call %d: %d requests, want %d", i, n, want)
					}
				}
			}
		})
	}
}

// TestOpeningFollowsTheNextKey: what opens with the next 3DES key alone has the
// codec seal with it; what opens with the present one changes nothing.
func TestOpeningFollowsTheNextKey(t *testing.T) {
	const next = "a-new-key-of-24-letters!"
	v := loadVectors(t)
	own, peer := mustPrivate(t, v.Keys.RSA1024.Partner.Private), mustPublic(t, v.Keys.RSA1024.Platform.Public)
	c, err := NewCodec(own, peer, v.Keys.TripleDES["main"])
	if err != nil {
		t.Fatal(err)
	}
	if err := c.add(NextKeys{DES3Key: next}); err != nil {
		t.Fatal(err)
	}
	platform := func(des3 string) *Codec {
		p, err := NewCodec(mustPrivate(t, v.Keys.RSA1024.Platform.Private), mustPublic(t, v.Keys.RSA1024.Partner.Public), des3)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tc := range []struct {
		des3  string
		inUse int32
	}{{v.Keys.TripleDES["main"], 0}, {next, 1}} {
		raw, err := platform(tc.des3).SealResponse(Response{Code: codeOK, Msg: "ok", SerialNo: "S1", Content: []byte(`{"a":1}`)})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := c.OpenResponse(raw); err != nil || string(r.Content) != `{"a":1}` || c.cipherInUse.Load() != tc.inUse {
			t.Errorf("%v %+v, key %d in use, want %d", err, r, c.cipherInUse.Load(), tc.inUse)
		}
	}
	raw, err := platform("neither-of-these-two-ks!").SealResponse(Response{Code: codeOK, Msg: "ok", SerialNo: "S1", Content: []byte(`{"a":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.OpenResponse(raw); err == nil || r.Content != nil {
		t.Errorf("a third key: %v %+v", err, r)
	}
}
