package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/piaotong"
)

// receiver is a partner's side of 2.13 behind a real server.
type receiver struct {
	codec *piaotong.Codec
	url   string

	mu   sync.Mutex
	got  []piaotong.InvoicePush
	raws []string
	// answer, when set, writes the reply instead.
	answer func(w http.ResponseWriter, p piaotong.InvoicePush)
}

func newReceiver(t *testing.T, b *bench) *receiver {
	t.Helper()
	o, err := b.Account().ClientOptions(b.url)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{}
	if r.codec, err = piaotong.NewCodec(o.PrivateKey, o.PlatformKey, o.DES3Key); err != nil {
		t.Fatal(err)
	}
	r.serve(t)
	return r
}

func (r *receiver) serve(t *testing.T) {
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	r.url = srv.URL
}

// pushTo has everything pushed to r from now on, and invoices issued at once.
func (b *bench) pushTo(t *testing.T, r *receiver) {
	t.Helper()
	b.SetIssueDelay(0)
	r.serve(t)
	b.setPush(t, PushTarget{URL: r.url})
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	p, err := r.codec.OpenInvoicePush(raw)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.raws = append(r.got, p), append(r.raws, string(raw))
	if r.answer != nil {
		r.answer(w, p)
		return
	}
	r.reply(w, p, true)
}

func (r *receiver) reply(w http.ResponseWriter, p piaotong.InvoicePush, stored bool) {
	out, err := r.codec.SealPushReply(p, stored)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Write(out)
}

// story is what arrived, as "number code" in order.
func (r *receiver) story() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var s []string
	for _, p := range r.got {
		s = append(s, p.ReqSerialNo+" "+p.Code)
	}
	return strings.Join(s, ", ")
}

func (b *bench) await(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.AwaitPushes(ctx); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) setPush(t *testing.T, p PushTarget) {
	t.Helper()
	if err := b.SetPush(p); err != nil {
		t.Fatal(err)
	}
}

// TestPushes: every change of an invoice arrives, and its reply is noted.
func TestPushes(t *testing.T) {
	b := newBench(t, "")
	b.publicURL = b.url
	r := newReceiver(t, b)
	b.setPush(t, PushTarget{URL: r.url})
	b.SetIssueDelay(0)
	ctx := t.Context()
	b.create(t, qrNo)
	b.create(t, "SBOX000002")
	b.create(t, "SBOX000003")

	auth := b.claim(t, Claim{QRCodeNo: qrNo, BuyerName: "甲公司", Outcome: Auth})
	b.await(t)
	if err := b.Settle(auth, Issued); err != nil {
		t.Fatal(err)
	}
	failed := b.claim(t, Claim{QRCodeNo: "SBOX000002", Outcome: Failed})
	b.await(t)
	b.claim(t, Claim{QRCodeNo: "SBOX000003", Outcome: Hang}) // nothing to push
	blue := b.state(t, auth)
	red := b.lines(red1, blue.AllEleInvNo, milk("-1", "-20.00"))
	red.DefinedData = "our own"
	if _, err := b.client.RedFlushLines(ctx, red); err != nil {
		t.Fatal(err)
	}
	b.await(t)
	want := fmt.Sprintf("%s 3999, %s 0000, %s 9999, %s 0000", auth, auth, failed, red1)
	if got := r.story(); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	p := r.got[1]
	if p.InvoiceState != blue || p.QRCodeNo != qrNo || p.TaxpayerNum != b.Account().TaxpayerNum || p.SerialNo != "SBOX_T000001_"+auth {
		t.Errorf("issued: %+v, 2.11 says %+v", p, blue)
	}
	if p := r.got[0]; p.QRCodeNo != qrNo || p.AllEleInvNo != "" || p.TradeNo != "" {
		t.Errorf("waiting for the login: %+v", p)
	}
	if p := r.got[3]; p.Type != piaotong.TypeRed || p.QRCodeNo != "" || p.TradeNo != "T000001" || p.DefinedData != "our own" {
		t.Errorf("red: %+v", p)
	}
	for i, p := range b.Pushes() {
		if p.N != i+1 || p.State != PushStored || p.Status != 200 || p.ReplyCode != "0000" || p.Problem != "" || !p.At.Equal(b.clock.now()) {
			t.Errorf("%+v", p)
		}
	}
	if l := b.ledger(t); len(l.Pushes) != 4 || l.Pushes[3].ReqSerialNo != red1 || l.Pushes[3].Type != "2" {
		t.Errorf("ledger: %+v", l.Pushes)
	}
}

// TestPushComesByItself: nobody has to look for an invoice's time to come.
func TestPushComesByItself(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	arrived := make(chan string, 1)
	if err := s.SetPush(PushTarget{URL: "http://till.test/push", Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		arrived <- r.URL.String()
		return nil, errors.New("no reply")
	})}}); err != nil {
		t.Fatal(err)
	}
	s.SetIssueDelay(20 * time.Millisecond)
	if err := s.PlantQR(qrNo, "T1", "1.00"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(Claim{QRCodeNo: qrNo}); err != nil {
		t.Fatal(err)
	}
	select {
	case u := <-arrived:
		if u != "http://till.test/push" {
			t.Error(u)
		}
	case <-time.After(time.Minute):
		t.Fatal("no push came")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPushRepeatsAndShuffles(t *testing.T) {
	b := newBench(t, "")
	r := newReceiver(t, b)
	b.setPush(t, PushTarget{URL: r.url, Repeat: 2, Shuffle: true})
	b.create(t, "SBOX000001")
	b.create(t, "SBOX000002")
	first := b.claim(t, Claim{QRCodeNo: "SBOX000001"})
	b.clock.add(time.Millisecond)
	second := b.claim(t, Claim{QRCodeNo: "SBOX000002"})
	b.clock.add(time.Second)
	b.await(t) // settles both at once
	one, two := first+" 0000", second+" 0000"
	if got, want := r.story(), strings.Join([]string{two, two, two, one, one, one}, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if r.raws[0] != r.raws[1] || r.raws[2] == r.raws[3] {
		t.Error("repeats differ, or different pushes are the same")
	}
	var copies []int
	for _, p := range b.Pushes() {
		copies = append(copies, p.Copy)
	}
	if fmt.Sprint(copies) != "[0 1 2 0 1 2]" {
		t.Error(copies)
	}
}

func TestPushNow(t *testing.T) {
	b := newBench(t, "")
	r := newReceiver(t, b)
	b.create(t, qrNo)
	serial := b.claim(t, Claim{QRCodeNo: qrNo})
	if err := b.PushNow(serial); !errors.Is(err, ErrConflict) {
		t.Errorf("in progress: %v", err)
	}
	b.clock.add(time.Second)
	if err := b.PushNow(serial); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "target") {
		t.Errorf("without a target: %v", err)
	}
	raw, err := b.PushEnvelope(serial)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := r.codec.OpenInvoicePush(raw); err != nil || p.ReqSerialNo != serial || p.Code != "0000" || p.QRCodeNo != qrNo || p.DownloadURL != "" {
		t.Errorf("%+v, %v", p, err)
	}
	b.setPush(t, PushTarget{URL: r.url, Repeat: 3})
	for range 2 {
		if err := b.PushNow(serial); err != nil {
			t.Fatal(err)
		}
	}
	b.await(t)
	if got, want := r.story(), serial+" 0000, "+serial+" 0000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, f := range []func(string) error{b.PushNow, func(s string) error { _, err := b.PushEnvelope(s); return err }} {
		if err := f("nothing"); !errors.Is(err, ErrNotFound) {
			t.Errorf("unknown invoice: %v", err)
		}
	}
	// Switched off, changes are not pushed any more.
	b.setPush(t, PushTarget{})
	b.create(t, "SBOX000002")
	b.claim(t, Claim{QRCodeNo: "SBOX000002"})
	b.clock.add(time.Second)
	b.await(t)
	if n := len(b.Pushes()); n != 2 {
		t.Errorf("%d pushes", n)
	}
	if err := b.Reset(); err != nil || len(b.Pushes()) != 0 {
		t.Errorf("after the reset: %v, %+v", err, b.Pushes())
	}
}

// TestPushReplies: what the sandbox says of replies, right and wrong.
func TestPushReplies(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	r := newReceiver(t, b)
	b.setPush(t, PushTarget{URL: r.url})
	b.create(t, qrNo)
	serial := b.claim(t, Claim{QRCodeNo: qrNo})
	b.await(t)
	sealed := func(contentType, serialNo, msg, content string) func(http.ResponseWriter, piaotong.InvoicePush) {
		return func(w http.ResponseWriter, p piaotong.InvoicePush) {
			resp := piaotong.Response{Code: "0000", Msg: msg, SerialNo: strings.Replace(serialNo, "same", p.SerialNo, 1)}
			if content != "" {
				resp.Content = []byte(content)
			}
			out, err := r.codec.SealResponse(resp)
			if err != nil {
				panic(err)
			}
			w.Header().Set("Content-Type", contentType)
			w.Write(out)
		}
	}
	const js = "application/json;charset=UTF-8"
	good := `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + serial + `"}`
	status := func(n int) func(http.ResponseWriter, piaotong.InvoicePush) {
		return func(w http.ResponseWriter, _ piaotong.InvoicePush) { w.WriteHeader(n) }
	}
	for _, tc := range []struct {
		name    string
		answer  func(http.ResponseWriter, piaotong.InvoicePush)
		state   PushState
		code    string
		problem string
	}{
		{"stored", func(w http.ResponseWriter, p piaotong.InvoicePush) { r.reply(w, p, true) }, PushStored, "0000", ""},
		{"by hand", sealed(js, "same", "ok", good), PushStored, "0000", ""},
		{"not stored", func(w http.ResponseWriter, p piaotong.InvoicePush) { r.reply(w, p, false) }, PushRefused, "9999", ""},
		{"status 400", status(400), PushFailed, "", "HTTP status 400"},
		{"status 500", status(500), PushFailed, "", "HTTP status 500"},
		{"redirect", func(w http.ResponseWriter, _ piaotong.InvoicePush) {
			w.Header().Set("Location", "/")
			w.WriteHeader(307)
		}, PushFailed, "", "HTTP status 307"},
		{"empty", status(200), PushFailed, "", "cannot be trusted"},
		{"not signed", func(w http.ResponseWriter, p piaotong.InvoicePush) {
			io.WriteString(w, `{"code":"0000","msg":"ok","serialNo":"`+p.SerialNo+`","content":"AA=="}`)
		}, PushFailed, "", "missing_signature"},
		{"signed by the platform", func(w http.ResponseWriter, p piaotong.InvoicePush) {
			out, err := b.ring.Load().codec.SealResponse(piaotong.Response{Code: "0000", Msg: "ok", SerialNo: p.SerialNo, Content: []byte(good)})
			if err != nil {
				panic(err)
			}
			w.Write(out)
		}, PushFailed, "", "bad_signature"},
		{"text/plain", sealed("text/plain", "same", "ok", good), PushFailed, "0000", "Content-Type"},
		{"another serial number", sealed(js, "SBOX_other", "ok", good), PushFailed, "0000", "serialNo"},
		{"no msg", sealed(js, "same", "", good), PushFailed, "0000", "msg"},
		{"long msg", sealed(js, "same", strings.Repeat("长", 61), good), PushFailed, "0000", "61 characters"},
		{"no content", sealed(js, "same", "ok", ""), PushFailed, "0000", "content is missing"},
		{"another invoice", sealed(js, "same", "ok", strings.Replace(good, serial, "P0", 1)), PushFailed, "0000", "another invoice"},
		{"another enterprise", sealed(js, "same", "ok", strings.Replace(good, "01X", "02X", 1)), PushFailed, "0000", "another invoice"},
		{"too long", func(w http.ResponseWriter, _ piaotong.InvoicePush) {
			io.WriteString(w, strings.Repeat(" ", maxReply+1))
		}, PushFailed, "", "too long"},
		{"cut off", func(http.ResponseWriter, piaotong.InvoicePush) { panic(http.ErrAbortHandler) }, PushFailed, "", "EOF"},
	} {
		r.mu.Lock()
		r.answer = tc.answer
		r.mu.Unlock()
		if err := b.PushNow(serial); err != nil {
			t.Fatal(err)
		}
		b.await(t)
		all := b.Pushes()
		p := all[len(all)-1]
		if p.State != tc.state || p.ReplyCode != tc.code || (p.Problem == "") != (tc.problem == "") || !strings.Contains(p.Problem, tc.problem) {
			t.Errorf("%s: %+v", tc.name, p)
		}
	}
}

func TestBadPushTargets(t *testing.T) {
	b := newBench(t, "")
	for _, p := range []PushTarget{{URL: "till"}, {URL: "ftp://till/"}, {URL: "http://"}, {URL: "http://till/", Repeat: -1}, {URL: "http://till/", Repeat: 11}} {
		if _, ok := errors.AsType[inputError](b.SetPush(p)); !ok {
			t.Errorf("%+v was accepted", p)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b.SetPush(PushTarget{URL: "http://till/"}) == nil {
		t.Error("set after Close")
	}
}

// TestCloseEndsPushes: a push that hangs ends with the sandbox, and so does
// whoever waits for it.
func TestCloseEndsPushes(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	arrived, release := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(arrived)
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer srv.Close()
	defer close(release)
	b.setPush(t, PushTarget{URL: srv.URL})
	b.create(t, qrNo)
	b.claim(t, Claim{QRCodeNo: qrNo})
	waited := make(chan error, 1)
	go func() { waited <- b.AwaitPushes(context.Background()) }()
	<-arrived
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if p := b.Pushes()[0]; p.State != PushFailed {
		t.Errorf("%+v", p)
	}
	<-waited
}
