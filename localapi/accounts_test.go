package localapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

const (
	password     = "pass word/¥秘密"
	registration = `{"account":" 13800138000 ","password":"` + password + `","name":"小王"}`
)

// bureau is a tax bureau with one account, or an error instead of anything.
type bureau struct {
	mu    sync.Mutex
	err   error
	only  string // the call that err strikes; "" is all
	qr    trade.AuthQR
	calls []string
	held  chan struct{} // where not nil, calls wait for the end of their context
}

func (b *bureau) call(ctx context.Context, name string, args ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d, ok := ctx.Deadline(); !ok || time.Until(d) > callTime {
		return fmt.Errorf("%s has the deadline %v", name, d)
	}
	b.calls = append(b.calls, strings.Join(append([]string{name}, args...), "|"))
	if b.held != nil {
		close(b.held)
		<-ctx.Done()
		return ctx.Err()
	}
	if b.only != "" && b.only != name {
		return nil
	}
	return b.err
}

// made are the calls since it was last asked.
func (b *bureau) made() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.calls = nil }()
	return strings.Join(b.calls, " ")
}

func (b *bureau) fail(only string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.only, b.err, b.calls = only, err, nil
}

func good(name string) trade.Account {
	return trade.Account{Account: name, Name: "小王", Phone: "138****8000", Login: trade.AccountOK, Auth: trade.AccountNeeded, Default: true}
}

func (b *bureau) Accounts(ctx context.Context) ([]trade.Account, time.Time, error) {
	return []trade.Account{good("13800138000")}, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), b.call(ctx, "list")
}

func (b *bureau) Account(ctx context.Context, name string) (trade.Account, error) {
	return good(name), b.call(ctx, "state", name)
}

func (b *bureau) RegisterAccount(ctx context.Context, r trade.Registration) error {
	return b.call(ctx, "register", r.Account, r.Password, r.Name, r.Phone)
}

func (b *bureau) SendLoginCode(ctx context.Context, name string) (string, error) {
	return "138****8000", b.call(ctx, "code", name)
}

func (b *bureau) Login(ctx context.Context, name, code string) (trade.Account, error) {
	return good(name), b.call(ctx, "login", name, code)
}

func (b *bureau) AuthQR(ctx context.Context, name string) (trade.AuthQR, error) {
	return b.qr, b.call(ctx, "qr", name)
}

func (b *bureau) AuthQRStatus(ctx context.Context, name, id string) (trade.ScanStatus, error) {
	return trade.ScanScanned, b.call(ctx, "scan", name, id)
}

func (b *bureau) Logout(ctx context.Context, name string) error { return b.call(ctx, "logout", name) }

// office is a till with a tax bureau.
func office(t *testing.T) (*till, *bureau) {
	t.Helper()
	b := &bureau{qr: trade.AuthQR{ID: "A1", URL: "https://etax.example.cn/f"}}
	return newTill(t, func(o *Options, _ *queue.Options) { o.Accounts = b }), b
}

func TestAccounts(t *testing.T) {
	x, b := office(t)
	const account = `{"account":"13800138000","name":"小王","phone":"138****8000","login":"ok","auth":"needed","default":true}`
	for _, tt := range []struct{ method, path, body, answer, calls string }{
		{"GET", "/v1/accounts", "", `{"accounts":[` + account + `],"as_of":"2026-11-22T20:00:00+08:00"}`, "list"},
		{"GET", "/v1/accounts/13800138000", "", account, "state|13800138000"},
		{"GET", "/v1/accounts/a%2Fb%20c", "", strings.Replace(account, "13800138000", "a/b c", 1), "state|a/b c"},
		{"POST", "/v1/accounts", registration, account, "register|13800138000|" + password + "|小王| state|13800138000"},
		{"POST", "/v1/accounts", `{"account":"id_1","password":"p","phone":"13900139000"}`, strings.Replace(account, "13800138000", "id_1", 1), "register|id_1|p||13900139000 state|id_1"},
		{"POST", "/v1/accounts/13800138000/sms-code", "", `{"account":"13800138000","phone":"138****8000"}`, "code|13800138000"},
		{"POST", "/v1/accounts/13800138000/sms-code", "{}", `{"account":"13800138000","phone":"138****8000"}`, "code|13800138000"},
		{"POST", "/v1/accounts/13800138000/login", `{"code":"012345"}`, account, "login|13800138000|012345"},
		{"GET", "/v1/accounts/13800138000/auth-qr/A%2F1", "", `{"auth_id":"A/1","status":"scanned"}`, "scan|13800138000|A/1"},
		{"POST", "/v1/accounts/13800138000/logout", "", account, "logout|13800138000 state|13800138000"},
	} {
		a := x.do(tt.method, tt.path, tt.body, as(consoleSecret)).want(t, 200, "")
		if got := strings.TrimSpace(string(a.body)); got != tt.answer {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, got, tt.answer)
		}
		if got := b.made(); got != tt.calls {
			t.Errorf("%s %s calls %s, want %s", tt.method, tt.path, got, tt.calls)
		}
		checkHeaders(t, a)
	}
	// What was done is done, even where nobody tells how it stands now.
	b.fail("state", &trade.CallError{})
	for path, body := range map[string]string{"/v1/accounts": registration, "/v1/accounts/13800138000/logout": ""} {
		a := x.post(path, body, as(consoleSecret)).want(t, 200, "")
		if a.json(t, "account") != "13800138000" || a.json(t, "login") != "unknown" || a.json(t, "auth") != "unknown" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

func TestAuthQR(t *testing.T) {
	x, b := office(t)
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 7, 7))); err != nil {
		t.Fatal(err)
	}
	expires := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const post, url = "/v1/accounts/a%2Fb/auth-qr", "https://etax.example.cn/f?a=1&b=2"
	for name, tt := range map[string]struct {
		qr    trade.AuthQR
		width int
	}{
		"both":      {trade.AuthQR{ID: "A/1", URL: url, Picture: drawn.Bytes(), ExpiresAt: expires}, 7},
		"a text":    {trade.AuthQR{ID: "A/1", URL: url}, qrSize},
		"a picture": {trade.AuthQR{ID: "A/1", Picture: drawn.Bytes()}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			b.qr = tt.qr
			a := x.post(post, "", as(consoleSecret)).want(t, 200, "")
			if a.json(t, "auth_id") != "A/1" || a.json(t, "url") != tt.qr.URL || (a.json(t, "expires_at") == nil) != tt.qr.ExpiresAt.IsZero() {
				t.Errorf("%s", a.body)
			}
			if got := a.header.Get("Location"); got != post+"/A%2F1" {
				t.Errorf("Location %q", got)
			}
			data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a.json(t, "png").(string), "data:image/png;base64,"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := png.Decode(bytes.NewReader(data))
			if err != nil || p.Bounds().Dx() != tt.width {
				t.Errorf("a picture of %v: %v", p, err)
			}
		})
	}
}

// Every failure of every call comes out as the contract has it.
func TestAccountFailures(t *testing.T) {
	x, b := office(t)
	const words = "短信验证码错误"
	why := trade.Say(trade.IssueFailed, words)
	calls := []struct{ method, path, body, refused string }{
		{"GET", "/v1/accounts", "", ""},
		{"POST", "/v1/accounts", registration, "password"},
		{"GET", "/v1/accounts/A", "", ""},
		{"POST", "/v1/accounts/A/sms-code", "", ""},
		{"POST", "/v1/accounts/A/login", `{"code":"1234"}`, "code"},
		{"POST", "/v1/accounts/A/auth-qr", "", ""},
		{"GET", "/v1/accounts/A/auth-qr/1", "", ""},
		{"POST", "/v1/accounts/A/logout", "", ""},
	}
	for _, c := range calls {
		do := func(err error) answer {
			b.fail("", err)
			return x.do(c.method, c.path, c.body, as(consoleSecret))
		}
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			if a := do(&trade.CallError{Failure: trade.CallUnavailable, Why: why}).want(t, 503, trade.ErrPlatformAway); !strings.Contains(string(a.body), words) {
				t.Errorf("%s", a.body)
			}
			if c.refused != "" {
				a := do(&trade.CallError{Failure: trade.CallRefused, Why: why}).want(t, 422, trade.ErrValidation)
				if a.json(t, "fields", 0, "field") != c.refused || !strings.Contains(a.json(t, "fields", 0, "message").(string), words) {
					t.Errorf("%s", a.body)
				}
			} else if a := do(&trade.CallError{Failure: trade.CallRefused, Why: why}).want(t, 409, trade.ErrInvalidState); !strings.Contains(string(a.body), words) {
				t.Errorf("%s", a.body)
			}
			for after, seconds := range map[time.Duration]string{59*time.Second + time.Millisecond: "60", 0: "1"} {
				a := do(&trade.CallError{Failure: trade.CallTooSoon, Why: why, After: after}).want(t, 429, trade.ErrRateLimited)
				if got := a.header.Get("Retry-After"); got != seconds {
					t.Errorf("Retry-After %q, want %s", got, seconds)
				}
			}
			do(&trade.CallError{Failure: trade.CallNotFound, Why: why}).want(t, 404, trade.ErrNotFound)
			do(fmt.Errorf("cannot call: %w", context.DeadlineExceeded)).want(t, 503, trade.ErrPlatformAway)
			do(queue.ErrNotWritable).want(t, 507, trade.ErrStorageFull)
			do(errors.New("x")).want(t, 500, trade.ErrInternal)
		})
	}
	alone := newTill(t)
	for _, c := range calls {
		alone.do(c.method, c.path, c.body, as(consoleSecret)).want(t, 503, trade.ErrPlatformAway)
	}
}

func TestAccountRequests(t *testing.T) {
	x, b := office(t)
	for _, tt := range []struct{ path, body, field string }{
		{"/v1/accounts", `{}`, "account"},
		{"/v1/accounts", `{"account":"A"}`, "password"},
		{"/v1/accounts", `{"account":" ","password":"p"}`, "account"},
		{"/v1/accounts", `{"account":"A","password":""}`, "password"},
		{"/v1/accounts", `{"account":"A","password":1}`, "password"},
		{"/v1/accounts", `{"account":"` + strings.Repeat("1", 51) + `","password":"p"}`, "account"},
		{"/v1/accounts", `{"account":"A\u0000","password":"p"}`, "account"},
		{"/v1/accounts", `{"account":"A","password":"` + strings.Repeat("1", 101) + `"}`, "password"},
		{"/v1/accounts", `{"account":"A","password":"p","name":"` + strings.Repeat("王", 11) + `"}`, "name"},
		{"/v1/accounts", `{"account":"A","password":"p","phone":"1380013800x"}`, "phone"},
		{"/v1/accounts", `{"account":"A","password":"p","pasword":"q"}`, "pasword"},
		{"/v1/accounts/A/login", `{}`, "code"},
		{"/v1/accounts/A/login", `{"code":123456}`, "code"},
		{"/v1/accounts/A/login", `{"code":"123"}`, "code"},
		{"/v1/accounts/A/login", `{"code":"123456789"}`, "code"},
		{"/v1/accounts/A/login", `{"code":"12345a"}`, "code"},
		{"/v1/accounts/A/login", `{"code":"１２３４"}`, "code"},
		{"/v1/accounts/A/login", `{"code":"123456","x":1}`, "x"},
		{"/v1/accounts/A/sms-code", `{"code":"1"}`, "code"},
		{"/v1/accounts/A/auth-qr", `{"x":1}`, "x"},
		{"/v1/accounts/A/logout", `{"x":1}`, "x"},
	} {
		a := x.post(tt.path, tt.body, as(consoleSecret)).want(t, 422, trade.ErrValidation)
		if a.json(t, "fields", 0, "field") != tt.field {
			t.Errorf("%s %s: %s", tt.path, tt.body, a.body)
		}
	}
	for _, path := range []string{"/v1/accounts", "/v1/accounts/A/login", "/v1/accounts/A/sms-code", "/v1/accounts/A/logout"} {
		x.post(path, "[", as(consoleSecret)).want(t, 400, trade.ErrInvalidJSON)
	}
	x.post("/v1/accounts/A/login", "", as(consoleSecret)).want(t, 400, trade.ErrInvalidJSON)
	for _, none := range []string{strings.Repeat("1", 51), "A%00"} {
		x.get("/v1/accounts/"+none).want(t, 404, trade.ErrNotFound)
		x.post("/v1/accounts/"+none+"/login", `{"code":"1234"}`, as(consoleSecret)).want(t, 404, trade.ErrNotFound)
	}
	x.get("/v1/accounts/A/auth-qr/").want(t, 404, trade.ErrNotFound)
	if got := b.made(); got != "" {
		t.Errorf("the platform was asked: %s", got)
	}
}

// Whoever sells may look at the accounts; only the console may change them.
func TestAccountRoles(t *testing.T) {
	x, b := office(t)
	for _, path := range []string{"/v1/accounts", "/v1/accounts/A", "/v1/accounts/A/auth-qr/1"} {
		x.get(path, as(readSecret)).want(t, 200, "")
	}
	b.made()
	for path, body := range map[string]string{"/v1/accounts": registration, "/v1/accounts/A/sms-code": "", "/v1/accounts/A/login": `{"code":"1234"}`,
		"/v1/accounts/A/auth-qr": "", "/v1/accounts/A/logout": ""} {
		for _, secret := range []string{readSecret, posSecret} {
			x.post(path, body, as(secret)).want(t, 403, trade.ErrForbiddenRole)
		}
	}
	for _, path := range []string{"/v1/invoices", "/v1/invoices/I1/retry", "/v1/alerts/1/ack"} {
		x.post(path, "", as(readSecret)).want(t, 403, trade.ErrForbiddenRole)
	}
	if got := b.made(); got != "" {
		t.Errorf("the platform was asked: %s", got)
	}
}

// Neither passwords nor codes come into the log, nor whose accounts they are.
func TestAccountsLog(t *testing.T) {
	x, b := office(t)
	x.post("/v1/accounts", registration, as(consoleSecret)).want(t, 200, "")
	x.post("/v1/accounts", strings.Replace(registration, "{", `{"x":1,`, 1), as(consoleSecret)).want(t, 422, "")
	x.post("/v1/accounts/13800138000/login", `{"code":"864209"}`, as(consoleSecret)).want(t, 200, "")
	b.fail("", &trade.CallError{Failure: trade.CallRefused, Why: trade.Say(trade.IssueFailed, "x")})
	for path, body := range map[string]string{"/v1/accounts": registration, "/v1/accounts/13800138000/login": `{"code":"864209"}`} {
		if a := x.post(path, body, as(consoleSecret)).want(t, 422, ""); bytes.Contains(a.body, []byte(password)) || bytes.Contains(a.body, []byte("864209")) {
			t.Errorf("%s", a.body)
		}
	}
	log := x.log.String()
	if !strings.Contains(log, "route=/v1/accounts/{id}/login") {
		t.Errorf("the log lacks the calls: %s", log)
	}
	for _, secret := range []string{password, "864209", "13800138000", "小王"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// A stop breaks off what a person waits for, and a caller who hangs up does
// not break off what changes something.
func TestAccountCallsEnd(t *testing.T) {
	x, b := office(t)
	b.held = make(chan struct{})
	answers := make(chan answer, 1)
	go func() { answers <- x.post("/v1/accounts/A/login", `{"code":"123456"}`, as(consoleSecret)) }()
	<-b.held
	x.server.Stop()
	if got := (<-answers).want(t, 503, trade.ErrShuttingDown).header.Get("Retry-After"); got != "5" {
		t.Errorf("Retry-After %q", got)
	}

	for method, broken := range map[string]bool{"GET": true, "POST": false} {
		ctx, hangUp := context.WithCancel(t.Context())
		r := httptest.NewRequest(method, "/", nil).WithContext(ctx)
		called, cancel := New(Options{}).calling(&call{Request: r})
		hangUp()
		if got := called.Err() != nil; got != broken {
			t.Errorf("%s: broken off by a hang-up: %v", method, got)
		}
		cancel()
	}
}
