package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
)

// The tokens of the tests.
const (
	posSecret     = "pos-token-of-the-tests-0123456789abcdef"
	consoleSecret = "console-token-of-the-tests-0123456789ab"
	readSecret    = "read-token-of-the-tests-0123456789abcde"
	version       = "9.8.7-test"
	goodOrigin    = "https://pos.example.cn"
)

// till is a running server with a real store behind real listeners.
type till struct {
	t      testing.TB
	store  *queue.Store
	server *Server
	http   *http.Server
	port   int
	log    *logBuffer
}

// drawn is the receipt of a sale.
type drawn string

func (d drawn) Text() string       { return "小票 " + string(d) }
func (drawn) Height() int          { return 200 }
func (drawn) Picture() image.Image { return image.NewGray(image.Rect(0, 0, 384, 200)) }
func (drawn) SVG() []byte          { return []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`) }

// logBuffer collects the log of a server.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newTill(t testing.TB, change ...func(*Options, *queue.Options)) *till {
	t.Helper()
	x := &till{t: t, log: &logBuffer{}}
	listeners, err := Listen("127.0.0.1:0", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	x.port = listeners[0].Addr().(*net.TCPAddr).Port
	qo := queue.Options{Path: filepath.Join(t.TempDir(), "queue.db"), Prefix: "DEMO", QRValid: 180 * 24 * time.Hour, QRWait: time.Hour, Printer: true}
	o := Options{
		Push:   func(context.Context, []byte) ([]byte, bool) { return []byte("{}"), true },
		Tokens: []Token{{"till", RolePOS, posSecret}, {"office", RoleConsole, consoleSecret}, {"board", RoleRead, readSecret}},
		Port:   x.port, Hosts: []string{"till.example.cn"}, Origins: []string{goodOrigin, "null", "*", ""}, Version: version,
		Rules: trade.Rules{Encodable: func(r rune) bool { return r < 0x10000 }, Lines: func(_ string, lines []byte) []trade.Problem {
			_, problems := receipt.Shop{Columns: 48}.Lines(lines, nil)
			return problems
		}},
		Log:     slog.New(slog.NewTextHandler(x.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Preview: func(_ context.Context, r *queue.Record) (Drawing, error) { return drawn(r.Sale.ID), nil },
	}
	for _, f := range change {
		f(&o, &qo)
	}
	if x.store, err = queue.Open(qo); err != nil {
		t.Fatal(err)
	}
	o.Store = x.store
	x.server = New(o)
	x.http = x.server.HTTPServer()
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			if err := x.http.Serve(l); err != http.ErrServerClosed {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		x.server.Stop()
		if err := x.http.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
		if err := x.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func (x *till) host() string { return fmt.Sprintf("127.0.0.1:%d", x.port) }

// answer is an answer with its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// json reads a path of names and indexes out of the answer's body.
func (a answer) json(t testing.TB, path ...any) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("no JSON: %v: %s", err, a.body)
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			member, ok := m[p]
			if !ok {
				t.Fatalf("no %q in %s", p, a.body)
			}
			v = member
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				t.Fatalf("no [%d] in %s", p, a.body)
			}
			v = l[p]
		}
	}
	if n, ok := v.(json.Number); ok {
		return n.String()
	}
	return v
}

// want fails unless the answer has a status and, where code is given, this
// code of a problem.
func (a answer) want(t testing.TB, status int, code trade.Key) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if code != "" {
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("Content-Type %q", got)
		}
		if got := a.json(t, "code"); got != string(code) {
			t.Errorf("code %v, want %s", got, code)
		}
		if got := a.json(t, "status"); got != fmt.Sprint(status) {
			t.Errorf("status in the body %v, want %d", got, status)
		}
	}
	return a
}

// edit changes a request before it is sent.
type edit func(*http.Request)

func with(name string, values ...string) edit {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func without(name string) edit { return func(r *http.Request) { r.Header.Del(name) } }

func as(token string) edit { return with("Authorization", "Bearer "+token) }

// do sends a request as the POS, JSON where it has a body.
func (x *till) do(method, path, body string, edits ...edit) answer {
	x.t.Helper()
	r, err := http.NewRequest(method, "http://"+x.host()+path, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+posSecret)
	r.Header.Set("Accept-Language", "en")
	if method != "GET" && method != "HEAD" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edits {
		e(r)
	}
	return x.send(r)
}

func (x *till) send(r *http.Request) answer {
	x.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		x.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := readAnswer(res)
	if err != nil {
		x.t.Fatal(err)
	}
	a := answer{res.StatusCode, res.Header, body}
	sent := ""
	if r.GetBody != nil {
		again, err := r.GetBody()
		if err != nil {
			x.t.Fatal(err)
		}
		text, err := io.ReadAll(again)
		if err != nil {
			x.t.Fatal(err)
		}
		sent = string(text)
	}
	checkContract(x.t, r, sent, a)
	return a
}

// readAnswer reads a body to its end, or of a stream of events, which has none,
// the greeting.
func readAnswer(res *http.Response) ([]byte, error) {
	if res.Request.Method != "GET" || res.Header.Get("Content-Type") != eventStream {
		return io.ReadAll(res.Body)
	}
	var got []byte
	for one := make([]byte, 1); !bytes.HasSuffix(got, []byte("\n\n")); got = append(got, one...) {
		if _, err := io.ReadFull(res.Body, one); err != nil {
			return got, err
		}
	}
	return got, nil
}

func (x *till) get(path string, edits ...edit) answer {
	x.t.Helper()
	return x.do("GET", path, "", edits...)
}

func (x *till) post(path, body string, edits ...edit) answer {
	x.t.Helper()
	return x.do("POST", path, body, edits...)
}

// saleBody is a valid sale.
func saleBody(id string) string {
	return fmt.Sprintf(`{"sale_id":%q,"sold_at":"2026-11-22T19:30:05+08:00","total":"58.50",
		"items":[{"sku":"A01","name":"午餐","unit":"份","quantity":"2","unit_price":"30.00","amount":"60.00","discount":"-1.50",
		"tax_code":"3070401000000000000","tax_rate":"0.06"}],
		"payments":[{"method":"微信","amount":"58.50"}],"cashier":"小王","register":"1","extra":{"order":{"no":12345678901234567890,"f":1.50}}}`, id)
}

// plainBody is a valid sale that wants no invoice.
func plainBody(id, total string) string {
	return fmt.Sprintf(`{"sale_id":%q,"total":%q,"items":[{"name":"茶","amount":%q}],"invoice":"none"}`, id, total, total)
}

// fetchQR plays the worker: it takes the sale's operation and stores the QR
// code that the platform gave.
func (x *till) fetchQR() {
	x.t.Helper()
	x.settle(trade.LaneLive, trade.QRCreated{URL: "https://fp.example.cn/q?n=1&m=2", ExtractCode: "123456789012", At: time.Now()})
}

func (x *till) settle(lane trade.Lane, e trade.Event) {
	x.t.Helper()
	c, next, err := x.store.ClaimOp(x.t.Context(), lane)
	if err != nil || c == nil {
		x.t.Fatalf("nothing to claim in lane %s (next %v): %v", lane, next, err)
	}
	if err := x.store.Settle(c, e); err != nil {
		x.t.Fatal(err)
	}
}
