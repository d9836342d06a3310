package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// What another program or a guesser may try.

func (f *fortress) roles() {
	f.want(f.ask("GET", "/v1/status?token="+f.tokens["console"]+"&access_token="+f.tokens["console"], ""), 401)
	f.want(f.ask("GET", "/v1/status", "", "Cookie: token="+f.tokens["console"]), 401)
	f.want(f.ask("GET", "/v1/status", "", "Authorization: Basic "+f.tokens["console"]), 401)
	f.want(f.ask("GET", "/v1/status", "", f.bearer("read")), 200)
	f.want(f.ask("POST", "/v1/sales", coffee("role"), typeJSON, f.bearer("read")), 403)
	f.notTaken("role")
	f.want(f.ask("POST", "/v1/console-codes", "{}", typeJSON, f.bearer("pos")), 403)
	f.want(f.ask("POST", "/v1/console-codes", "{}", typeJSON, f.bearer("read")), 403)
}

// run runs a command of the program beside the agent, and gives its output.
func (f *fortress) run(args ...string) string {
	f.t.Helper()
	cmd := exec.Command(binary, append(args, "--config", f.config, "--lang", "en")...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		f.t.Fatalf("agent %v: %v %s", args, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

func (f *fortress) givenOut() {
	secret := f.run("token", "add", "--role", "pos", "till-2")
	f.secrets = append(f.secrets, secret)
	bearer := "Authorization: Bearer " + secret
	f.want(f.ask("POST", "/v1/sales", coffee("given"), typeJSON, bearer), 201)
	if list := f.run("token", "list", "--json"); strings.Contains(list, secret) || !strings.Contains(list, `"till-2"`) {
		f.t.Errorf("the list is %s", list)
	}
	f.run("token", "revoke", "till-2")
	f.want(f.ask("GET", "/v1/sales/given", "", bearer), 401)
	f.want(f.ask("GET", "/v1/sales/given", "", f.bearer("read")), 200)
	if who := f.stored(); !strings.Contains(who, "'till-2','POST /v1/sales'") {
		f.t.Error("the journal does not say whose sale it was")
	}
	for _, name := range []string{"till-1", "api-token", "nobody"} {
		if got := launch(f.t, "token", "revoke", name, "--config", f.config).wait(); got != 1 {
			f.t.Errorf("revoking %s exits with %d", name, got)
		}
	}
}

func (f *fortress) console() {
	link := f.run("console")
	at, code, _ := strings.Cut(link, "#code=")
	if at != f.pos.url+"/" || len(code) < 43 {
		f.t.Fatalf("the link is %q", link)
	}
	body, err := json.Marshal(map[string]string{"code": code})
	if err != nil {
		f.t.Fatal(err)
	}
	page := []string{typeJSON, "Origin: " + f.pos.url, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: empty"}
	a := f.want(f.ask("POST", "/v1/session", string(body), page...), 201)
	var session struct{ Token, Role string }
	if err := json.Unmarshal([]byte(a.body), &session); err != nil || session.Role != "console" || a.header.Get("Set-Cookie") != "" {
		f.t.Errorf("%s %v %v", a.body, a.header, err)
	}
	f.secrets = append(f.secrets, code, session.Token)
	f.want(f.ask("GET", "/v1/status", "", "Authorization: Bearer "+session.Token), 200)
	f.want(f.ask("POST", "/v1/session", string(body), page...), 401)
	f.want(f.ask("DELETE", "/v1/session", "", typeJSON, "Authorization: Bearer "+session.Token), 200)
	f.want(f.ask("GET", "/v1/status", "", "Authorization: Bearer "+session.Token), 401)
}

// stripped is an answer without what always differs.
func stripped(a seen) string {
	h := a.header.Clone()
	h.Del("Date")
	return fmt.Sprint(a.status, h, a.body)
}

func (f *fortress) equalAnswers() {
	first := f.want(f.ask("GET", "/v1/sales/S1", ""), 401)
	for _, path := range []string{"/v1/sales/none", "/v1/status", "/nowhere", "/v1/sales/S1/", "/v1/refunds/R1", "/debug/pprof/", "/..%2f", "/v1/console-codes", "/metrics"} {
		if a := f.ask("GET", path, ""); stripped(a) != stripped(first) {
			f.t.Errorf("%s is told from others:\n%s\n%s", path, stripped(a), stripped(first))
		}
	}
	post := f.want(f.ask("POST", "/v1/sales", coffee("x"), typeJSON), 401)
	for _, path := range []string{"/v1/sales/S1/retry", "/nowhere", "/v1/status"} {
		if a := f.ask("POST", path, coffee("x"), typeJSON); stripped(a) != stripped(post) {
			f.t.Errorf("%s is told from others:\n%s", path, stripped(a))
		}
	}
}

func (f *fortress) slow() {
	half := func(head string) net.Conn {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			f.t.Fatal(err)
		}
		if _, err := io.WriteString(c, head); err != nil {
			f.t.Fatal(err)
		}
		return c
	}
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for range 200 { // more than there are places
		held = append(held, half("POST /v1/sales HTTP/1.1\r\nHost: "+f.addr+"\r\nX-Slow: "))
	}
	for range 8 {
		held = append(held, half("POST /v1/sales HTTP/1.1\r\nHost: "+f.addr+"\r\n"+typeJSON+"\r\nContent-Length: 1000\r\n\r\n{"),
			half("POST /v1/sales HTTP/1.1\r\nHost: "+f.addr+"\r\n"+typeJSON+"\r\n"+f.bearer("pos")+"\r\nContent-Length: 1000\r\n\r\n{"))
	}
	for i := range 20 {
		began := time.Now()
		f.want(f.ask("POST", "/v1/sales", coffee(fmt.Sprint("beside-", i)), typeJSON, f.bearer("pos")), 201)
		if took := time.Since(began); took > 5*time.Second {
			f.t.Errorf("a sale took %v beside slow callers", took)
		}
	}
	slowest := held[199]
	if err := slowest.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		f.t.Fatal(err)
	}
	if _, err := io.ReadAll(slowest); err != nil && strings.Contains(err.Error(), "timeout") {
		f.t.Error("a slow header is waited for")
	}
}

func (f *fortress) large() {
	f.want(f.ask("POST", "/v1/sales", "", typeJSON, f.bearer("pos"), "Content-Length: 1073741824"), 413)
	f.want(f.ask("POST", "/v1/sales", "", typeJSON, "Content-Length: 1073741824"), 401)
	f.want(f.ask("POST", "/v1/sales", strings.Repeat(" ", 1<<20+1), typeJSON, f.bearer("pos")), 413)
	f.want(f.send("chunks without end", "POST /v1/sales HTTP/1.1\r\nHost: "+f.addr+"\r\n"+typeJSON+"\r\n"+f.bearer("pos")+"\r\nTransfer-Encoding: chunked\r\n\r\n"+
		strings.Repeat("10000\r\n"+strings.Repeat(" ", 1<<16)+"\r\n", 17)), 413)
	deep := strings.Repeat(`{"extra":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	f.want(f.ask("POST", "/v1/sales", deep, typeJSON, f.bearer("pos")), 422)
	f.want(f.ask("POST", "/v1/sales", strings.Repeat("[", 100_000), typeJSON, f.bearer("pos")), 400)
	f.want(f.ask("POST", "/v1/sales", coffee("large")+"{}", typeJSON, f.bearer("pos")), 400)
	f.want(f.ask("POST", "/v1/sales", strings.Replace(coffee("large"), `"total"`, `"total":"12.50","total"`, 1), typeJSON, f.bearer("pos")), 422)
	f.want(f.ask("POST", "/v1/sales", strings.Replace(coffee("large"), `"total"`, `"totl":"12.50","total"`, 1), typeJSON, f.bearer("pos")), 422)
	f.notTaken("large")

	req, err := http.NewRequest(http.MethodGet, f.pos.url+"/healthz", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := range 10_000 {
		req.Header.Set(fmt.Sprint("X-", i), "x")
	}
	if resp, err := http.DefaultTransport.RoundTrip(req); err == nil { // or cut off while sending
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			f.t.Errorf("10,000 headers: %d", resp.StatusCode)
		}
	}
}

func (f *fortress) bruteForce() {
	slowed := 0
	for i := range 15 {
		guess := fmt.Sprintf("guess-%02d-%s", i, strings.Repeat("g", 30))
		f.secrets = append(f.secrets, guess)
		a := f.ask("GET", "/v1/status", "", "Authorization: Bearer "+guess)
		switch {
		case a.status == 429 && a.header.Get("Retry-After") != "":
			slowed++
		case a.status != 401:
			f.t.Errorf("%s: %d", a.what, a.status)
		}
	}
	if slowed < 5 {
		f.t.Errorf("%d of 15 guesses were slowed", slowed)
	}
	f.want(f.ask("POST", "/v1/session", `{"code":"guess"}`, typeJSON), 429)
	f.want(f.ask("POST", "/v1/sales", coffee("beside-guesses"), typeJSON, f.bearer("pos")), 201)
	f.want(f.ask("GET", "/v1/status", "", f.bearer("read")), 200)
}

func (f *fortress) everyAnswer() {
	if len(f.answers) < 500 {
		f.t.Fatalf("only %d answers were seen", len(f.answers))
	}
	for _, a := range f.answers {
		h := a.header
		if h.Get("Access-Control-Allow-Origin") == "*" || h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Set-Cookie") != "" || h.Get("Server") != "" {
			f.t.Errorf("%s: %v", a.what, h)
		}
		if strings.HasPrefix(h.Get("Content-Type"), "text/plain") && (a.status == 400 || a.status == 431) {
			continue // of the HTTP library itself
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if h.Get(name) != value {
				f.t.Errorf("%s: %s is %q", a.what, name, h.Get(name))
			}
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") && !strings.HasPrefix(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") || !strings.Contains(h.Get("Vary"), "Origin") {
			f.t.Errorf("%s: CSP %q, Vary %q", a.what, csp, h.Get("Vary"))
		}
		if !strings.Contains(a.what, "Authorization") && strings.HasPrefix(a.what, "GET /healthz") && strings.Contains(a.body, version) {
			f.t.Errorf("%s tells the version: %s", a.what, a.body)
		}
	}
}

// logKeepsQuiet comes last: it ends the agent and reads what it logged of all
// this.
func (f *fortress) logKeepsQuiet() {
	if f.agent.cmd.Process.Signal(os.Interrupt) == nil {
		if got := f.agent.wait(); got != 0 {
			f.t.Errorf("the agent ends with %d", got)
		}
	} else {
		f.agent.kill()
	}
	log := f.agent.errors.String()
	if strings.Count(log, "\n") < 500 {
		f.t.Fatalf("the log has only\n%s", log)
	}
	for _, secret := range f.secrets {
		if secret == "" || strings.Contains(log, secret) {
			for line := range strings.Lines(log) {
				if strings.Contains(line, secret) {
					f.t.Errorf("%q is in the log: %s", secret, line)
					break
				}
			}
		}
	}
	for _, pattern := range []string{`(?i)bearer [a-z0-9_-]{20,}`, `\b1[3-9][0-9]{9}\b`, `BEGIN (RSA )?PRIVATE KEY`} {
		if found := regexp.MustCompile(pattern).FindString(log); found != "" {
			f.t.Errorf("the log has %q", found)
		}
	}
}
