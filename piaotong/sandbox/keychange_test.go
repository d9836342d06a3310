package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tillagent/piaotong"
)

// newPair makes a key pair in the forms in which people pass it on.
func newPair(t *testing.T) (own *rsa.PrivateKey, private, public string) {
	t.Helper()
	own, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&own.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return own, base64.StdEncoding.EncodeToString(pkcs8), base64.StdEncoding.EncodeToString(spki)
}

// counting counts the requests that go out, and can lose the answer of one.
type counting struct {
	http.Transport
	n    atomic.Int32
	lose int32 // the request whose answer is lost; 0 = none
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	n := c.n.Add(1)
	resp, err := c.Transport.RoundTrip(r)
	if err == nil && n == c.lose {
		resp.Body.Close()
		return nil, fmt.Errorf("request %d: the answer is lost", n)
	}
	return resp, err
}

const newDES3 = "a-new-key-of-24-letters!"

// TestChangeOfKeys: the platform changes over at a moment that it does not tell,
// and no call fails, nor is anything done twice.
func TestChangeOfKeys(t *testing.T) {
	own, _, ownPublic := newPair(t)
	platform, platformPrivate, _ := newPair(t)
	all := piaotong.NextKeys{PrivateKey: own, PlatformKey: &platform.PublicKey, DES3Key: newDES3}
	for _, tt := range []struct {
		name   string
		next   piaotong.NextKeys
		change KeyChange
		resent int32 // requests that go once more, in all
	}{
		{"our pair", piaotong.NextKeys{PrivateKey: own}, KeyChange{PartnerPublicKey: ownPublic}, 1},
		{"the platform's pair", piaotong.NextKeys{PlatformKey: &platform.PublicKey}, KeyChange{PlatformPrivateKey: platformPrivate}, 0},
		{"the 3DES key", piaotong.NextKeys{DES3Key: newDES3}, KeyChange{DES3Key: newDES3}, 1},
		{"all at once", all, KeyChange{PartnerPublicKey: ownPublic, PlatformPrivateKey: platformPrivate, DES3Key: newDES3}, 2},
		{"not yet", all, KeyChange{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			count := &counting{}
			defer count.CloseIdleConnections()
			b := newBench(t, "", func(o *piaotong.Options) { o.Next, o.Transport = tt.next, count })
			b.create(t, "SBOX000001")
			if err := b.ChangeKeys(tt.change); err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				b.create(t, fmt.Sprintf("SBOX00001%d", i))
			}
			if l := b.ledger(t); len(l.Entries) != 5 {
				t.Errorf("the platform did %q", l.kinds())
			}
			if n := count.n.Load(); n != 5+tt.resent {
				t.Errorf("%d requests for 5 calls, want %d resent", n, tt.resent)
			}
			// A push and its reply go with the keys of the same day.
			r := &receiver{codec: b.client.Codec()}
			b.pushTo(t, r)
			b.claim(t, Claim{QRCodeNo: "SBOX000010"})
			b.await(t)
			for _, p := range b.Pushes() {
				if p.State != PushStored {
					t.Errorf("push: %+v", p)
				}
			}
			if len(r.got) == 0 {
				t.Error("no push came")
			}
		})
	}
}

// TestPushTellsOfTheNewDES3Key: what the platform encrypts with the new key says
// that it has changed over.
func TestPushTellsOfTheNewDES3Key(t *testing.T) {
	count := &counting{}
	defer count.CloseIdleConnections()
	b := newBench(t, "", func(o *piaotong.Options) { o.Next.DES3Key, o.Transport = newDES3, count })
	b.create(t, qrNo)
	if err := b.ChangeKeys(KeyChange{DES3Key: newDES3}); err != nil {
		t.Fatal(err)
	}
	b.pushTo(t, &receiver{codec: b.client.Codec()})
	b.claim(t, Claim{QRCodeNo: qrNo})
	b.await(t)
	b.create(t, "SBOX000002")
	if n := count.n.Load(); n != 2 {
		t.Errorf("%d requests for 2 calls", n)
	}
}

// TestKeysThatThePlatformDoesNotTake: the refusal stands, and is asked for no
// more than is worth it.
func TestKeysThatThePlatformDoesNotTake(t *testing.T) {
	own, _, _ := newPair(t)
	_, _, third := newPair(t)
	for _, tt := range []struct {
		name     string
		next     piaotong.NextKeys
		change   KeyChange
		kind     piaotong.Kind
		code     string
		requests int32
	}{
		{"no next key", piaotong.NextKeys{}, KeyChange{PartnerPublicKey: third}, piaotong.Misconfigured, "9999", 1},
		{"a third pair", piaotong.NextKeys{PrivateKey: own}, KeyChange{PartnerPublicKey: third}, piaotong.Misconfigured, "9999", 2},
		{"a third 3DES key", piaotong.NextKeys{DES3Key: newDES3}, KeyChange{DES3Key: strings.ToUpper(newDES3)}, piaotong.Refused, "8995", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			count := &counting{}
			defer count.CloseIdleConnections()
			b := newBench(t, "", func(o *piaotong.Options) { o.Next, o.Transport = tt.next, count })
			if err := b.ChangeKeys(tt.change); err != nil {
				t.Fatal(err)
			}
			_, err := b.client.CreateQR(t.Context(), b.sale(qrNo))
			wantCode(t, err, tt.kind, tt.code)
			if n := count.n.Load(); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			if l := b.ledger(t); len(l.Entries) != 0 {
				t.Errorf("the platform did %q", l.kinds())
			}
		})
	}
}

// TestLostAnswerOfTheSecondTry: it may have been processed, and the error says so.
func TestLostAnswerOfTheSecondTry(t *testing.T) {
	own, _, public := newPair(t)
	count := &counting{lose: 2}
	defer count.CloseIdleConnections()
	b := newBench(t, "", func(o *piaotong.Options) { o.Next.PrivateKey, o.Transport = own, count })
	if err := b.ChangeKeys(KeyChange{PartnerPublicKey: public}); err != nil {
		t.Fatal(err)
	}
	_, err := b.client.CreateQR(t.Context(), b.sale(qrNo))
	wantCode(t, err, piaotong.Unknown, "")
	if l := b.ledger(t); len(l.Entries) != 1 {
		t.Errorf("the platform did %q", l.kinds())
	}
}

// TestCallsAtTheMomentOfTheChange: many calls under way meet it together.
func TestCallsAtTheMomentOfTheChange(t *testing.T) {
	own, _, public := newPair(t)
	b := newBench(t, "", func(o *piaotong.Options) { o.Next.PrivateKey, o.Next.DES3Key = own, newDES3 })
	const calls = 40
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			if i == calls/2 {
				if err := b.ChangeKeys(KeyChange{PartnerPublicKey: public, DES3Key: newDES3}); err != nil {
					t.Error(err)
				}
			}
			if _, err := b.client.CreateQR(t.Context(), b.sale(fmt.Sprintf("SBOX%06d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if l := b.ledger(t); len(l.Entries) != calls {
		t.Errorf("%d codes on the platform", len(l.Entries))
	}
}

// TestChangedKeysAreKept: a sandbox in a directory starts with them again.
func TestChangedKeysAreKept(t *testing.T) {
	dir := t.TempDir()
	own, _, public := newPair(t)
	s, err := New(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []KeyChange{{PartnerPublicKey: "x"}, {PlatformPrivateKey: public}, {DES3Key: "short"}} {
		if err := s.ChangeKeys(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := s.ChangeKeys(KeyChange{PartnerPublicKey: public, DES3Key: newDES3}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeKeys(KeyChange{DES3Key: newDES3}); err == nil {
		t.Error("a closed sandbox changes keys")
	}
	b := newBench(t, dir, func(o *piaotong.Options) { o.PrivateKey = own })
	if b.Account().PrivateKeyPEM != "" || b.Account().DES3Key != newDES3 {
		t.Errorf("%q", b.Account().DES3Key)
	}
	b.create(t, qrNo)
}
