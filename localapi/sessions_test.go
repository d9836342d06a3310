package localapi

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// oneTimeCode asks for a code as `agent console` does.
func (x *till) oneTimeCode(edits ...edit) string {
	x.t.Helper()
	a := x.post("/v1/console-codes", "{}", append([]edit{as(consoleSecret)}, edits...)...).want(x.t, 201, "")
	return a.json(x.t, "code").(string)
}

func codeBody(code string) string { return fmt.Sprintf(`{"code":%q}`, code) }

// session trades a code as the console's page does, which has no token.
func (x *till) session(body string) answer {
	x.t.Helper()
	return x.post("/v1/session", body, without("Authorization"), with("Origin", "http://"+x.host()), with("Sec-Fetch-Site", "same-origin"))
}

func TestSession(t *testing.T) {
	x := newTill(t)
	now := time.Now()
	x.server.guard.sessions.now = func() time.Time { return now }
	code := x.oneTimeCode()
	a := x.session(codeBody(code)).want(t, 201, "")
	if a.json(t, "role") != "console" || a.json(t, "name") != "office/console" || a.json(t, "idle_seconds") != "43200" || a.header.Get("Set-Cookie") != "" {
		t.Errorf("%s %v", a.body, a.header)
	}
	session := a.json(t, "token").(string)
	x.session(codeBody(code)).want(t, 401, trade.ErrUnauthorized) // once
	x.get("/v1/status", as(code)).want(t, 401, trade.ErrUnauthorized)

	x.post("/v1/sales", plainBody("S1", "1.00"), as(session)).want(t, 201, "")
	second := x.post("/v1/session", codeBody(x.oneTimeCode(as(session))), without("Authorization")).want(t, 201, "")
	if second.json(t, "name") != "office/console" {
		t.Errorf("%s", second.body)
	}

	now = now.Add(sessionIdle - time.Second)
	x.get("/v1/status", as(session)).want(t, 200, "") // which keeps it
	now = now.Add(sessionIdle - time.Second)
	x.get("/v1/status", as(session)).want(t, 200, "")
	x.get("/v1/status", as(second.json(t, "token").(string))).want(t, 401, trade.ErrUnauthorized)
	x.do("DELETE", "/v1/session", "", as(session)).want(t, 200, "")
	x.get("/v1/status", as(session)).want(t, 401, trade.ErrUnauthorized)
	x.do("DELETE", "/v1/session", "").want(t, 409, trade.ErrInvalidState)

	idle := x.session(codeBody(x.oneTimeCode())).json(t, "token").(string)
	now = now.Add(sessionIdle)
	x.get("/v1/status", as(idle)).want(t, 401, trade.ErrUnauthorized)
	for _, secret := range []string{code, session, idle} {
		if strings.Contains(x.log.String(), secret) {
			t.Error("the log has a code or a token")
		}
	}
}

func TestCodeTime(t *testing.T) {
	x := newTill(t)
	now := time.Now()
	x.server.guard.sessions.now = func() time.Time { return now }
	inTime, late := x.oneTimeCode(), x.oneTimeCode()
	now = now.Add(codeTime - time.Second)
	x.session(codeBody(inTime)).want(t, 201, "")
	now = now.Add(time.Second)
	x.session(codeBody(late)).want(t, 401, trade.ErrUnauthorized)
	x.post("/v1/console-codes", "{}").want(t, 403, trade.ErrForbiddenRole) // a POS makes none
	first := x.oneTimeCode()
	for range maxCodes {
		now = now.Add(time.Millisecond)
		x.oneTimeCode()
	}
	x.session(codeBody(first)).want(t, 401, trade.ErrUnauthorized)
}

// Guessing codes is slowed with guessing tokens, and answered like it.
func TestCodeGuesses(t *testing.T) {
	x := newTill(t)
	wrong := x.get("/v1/status", as("guess")).want(t, 401, trade.ErrUnauthorized)
	for i := range maxWrong - 1 {
		a := x.session(codeBody(fmt.Sprint("guess", i))).want(t, 401, trade.ErrUnauthorized)
		if string(a.body) != string(wrong.body) {
			t.Errorf("told from a wrong token: %s", a.body)
		}
	}
	x.session(codeBody("guess")).want(t, 429, trade.ErrRateLimited)
	x.get("/v1/status", as("guess")).want(t, 429, trade.ErrRateLimited)
	x.session(codeBody(x.oneTimeCode())).want(t, 201, "") // a right one is served
}

func TestSessionBodies(t *testing.T) {
	x := newTill(t)
	for _, body := range []string{`{}`, `{"code":1}`, `{"code":"x","who":"me"}`, `[]`, `{"token":null}`} {
		x.session(body).want(t, 422, trade.ErrValidation)
	}
	x.session(``).want(t, 400, trade.ErrInvalidJSON)
	// The token itself opens a session with its own role.
	a := x.session(fmt.Sprintf(`{"token":%q}`, readSecret)).want(t, 201, "")
	if a.json(t, "role") != "read" {
		t.Errorf("%s", a.body)
	}
	x.post("/v1/sales", plainBody("S1", "1.00"), as(a.json(t, "token").(string))).want(t, 403, trade.ErrForbiddenRole)
}

// TestSessionTakesNoLargeBody: a stranger's body is not taken apart, in memory
// many times its size.
func TestSessionTakesNoLargeBody(t *testing.T) {
	x := newTill(t)
	code := x.oneTimeCode()
	list := `{"code":[` + strings.Repeat("0,", maxProof) + `0]}`
	x.session(list).want(t, 413, trade.ErrTooLarge)
	x.session(codeBody(code)[:1]+strings.Repeat(" ", maxProof)+codeBody(code)[1:]).want(t, 413, trade.ErrTooLarge)
	x.session(codeBody(code)).want(t, 201, "") // it was not spent
}

// A session ends with the token that opened it.
func TestSessionOfRevoked(t *testing.T) {
	l := TokenList{filepath.Join(t.TempDir(), "tokens.json")}
	x := newTill(t, func(o *Options, _ *queue.Options) { o.TokenList = l })
	boss, err := l.Add("boss", RoleConsole, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pending := x.oneTimeCode(as(boss))
	session := x.session(codeBody(x.oneTimeCode(as(boss)))).json(t, "token").(string)
	who := x.server.guard.sessions.sessions
	if len(who) != 1 {
		t.Fatalf("%d sessions", len(who))
	}
	var c *client
	for _, ticket := range who {
		c = ticket.client
	}
	if !x.server.guard.stands(c) {
		t.Error("a session does not stand")
	}
	if err := l.Revoke("boss"); err != nil {
		t.Fatal(err)
	}
	if x.server.guard.stands(c) {
		t.Error("the session of a revoked token stands")
	}
	x.get("/v1/status", as(session)).want(t, 401, trade.ErrUnauthorized)
	x.session(codeBody(pending)).want(t, 401, trade.ErrUnauthorized)
}

func TestSessionsBounded(t *testing.T) {
	s := newSessions(time.Now)
	of := &client{name: "office", role: RoleConsole}
	for range maxSessions + 5 {
		s.open(of)
	}
	if len(s.sessions) != maxSessions {
		t.Errorf("%d sessions", len(s.sessions))
	}
}
