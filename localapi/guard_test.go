package localapi

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// raw sends bytes over a connection of its own and reads the answer; closed
// says whether the server then said so and closed the connection.
func (x *till) raw(request string) (a answer, closed bool) {
	x.t.Helper()
	conn, err := net.Dial("tcp", x.host())
	if err != nil {
		x.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		x.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		x.t.Fatalf("%q: %v", request, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	if res.Close { // announced: it must follow
		_, err = in.ReadByte()
		closed = err == io.EOF
	}
	return answer{res.StatusCode, res.Header, body}, closed
}

func TestHost(t *testing.T) {
	x := newTill(t)
	port := fmt.Sprint(x.port)
	for _, host := range []string{"127.0.0.1:" + port, "localhost:" + port, "LocalHost:" + port, "[::1]:" + port, "till.example.cn:" + port, "TILL.example.cn:" + port} {
		a, _ := x.raw("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		a.want(t, 200, "")
	}
	bad := []string{
		"", "127.0.0.1", "localhost", "[::1]", "::1", "127.0.0.1.:" + port, "localhost.:" + port, "0.0.0.0:" + port, "[::]:" + port,
		"2130706433:" + port, "0x7f000001:" + port, "0177.0.0.1:" + port, "127.1:" + port, "127.0.0.2:" + port, "[::ffff:127.0.0.1]:" + port,
		"127.0.0.1:1", "evil.example.com:" + port, "evil.example.com", "localhost.evil.example.com:" + port, "127.0.0.1:" + port + ":" + port,
		"till.example.cn", "till.example.cn.:" + port, "xtill.example.cn:" + port,
	}
	for _, host := range bad {
		for _, method := range []string{"GET", "POST"} {
			for _, path := range []string{"/healthz", "/v1/sales"} {
				a, closed := x.raw(method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + posSecret +
					"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
				a.want(t, 421, trade.ErrMisdirectedHost)
				if !closed {
					t.Errorf("%s %s with Host %q: the connection stays open", method, path, host)
				}
				checkHeaders(t, a)
			}
		}
	}
	t.Run("absolute target", func(t *testing.T) {
		for _, target := range []string{"http://evil.example.com/healthz", "http://127.0.0.1:" + port + "/healthz"} {
			a, _ := x.raw("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n")
			a.want(t, 421, trade.ErrMisdirectedHost)
		}
	})
	t.Run("HTTP/1.0 without", func(t *testing.T) {
		a, closed := x.raw("GET /healthz HTTP/1.0\r\n\r\n")
		a.want(t, 421, trade.ErrMisdirectedHost)
		if !closed {
			t.Error("the connection stays open")
		}
	})
	t.Run("net/http's own", func(t *testing.T) { // it answers these before any handler
		for _, lines := range []string{"", "Host: 127.0.0.1:" + port + "\r\nHost: evil.example.com\r\n", "Host: a b\r\n"} {
			a, closed := x.raw("GET /healthz HTTP/1.1\r\n" + lines + "\r\n")
			if a.status != 400 || !closed {
				t.Errorf("%q: status %d, closed %v", lines, a.status, closed)
			}
		}
	})
	t.Run("OPTIONS *", func(t *testing.T) {
		a, _ := x.raw("OPTIONS * HTTP/1.1\r\nHost: evil.example.com\r\n\r\n")
		a.want(t, 421, trade.ErrMisdirectedHost)
	})
}

// checkHeaders holds an answer to what every answer must carry, and to what
// none may.
func checkHeaders(t *testing.T, a answer) {
	t.Helper()
	for name, value := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
	} {
		if got := a.header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(a.header.Get("Vary"), "Origin") {
		t.Errorf("headers: %v", a.header)
	}
	if a.header.Get("Access-Control-Allow-Origin") == "*" || a.header.Get("Access-Control-Allow-Credentials") != "" || a.header.Get("Set-Cookie") != "" || a.header.Get("Server") != "" {
		t.Errorf("headers: %v", a.header)
	}
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	x := newTill(t)
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.fetchQR()
	for _, a := range []answer{
		x.get("/healthz"), x.get("/readyz"), x.get("/v1/status"), x.get("/v1/sales/S1"), x.get("/v1/sales/S1/qr.png"), x.get("/v1/sales/S1/receipt.txt"),
		x.get("/v1/sales/none"), x.get("/nowhere"), x.do("DELETE", "/v1/sales/S1", ""), x.get("/v1/status", without("Authorization")),
		x.post("/v1/sales", "{"), x.post("/v1/sales", "{}"), x.post("/v1/sales", "", with("Content-Type", "text/plain")),
		x.get("/healthz", with("Origin", "null")), x.do("OPTIONS", "/v1/sales", "", with("Origin", goodOrigin), with("Access-Control-Request-Method", "POST")),
	} {
		checkHeaders(t, a)
	}
}

func TestContentType(t *testing.T) {
	x := newTill(t)
	for _, types := range [][]string{
		{}, {""}, {"text/plain"}, {"application/x-www-form-urlencoded"}, {"multipart/form-data; boundary=x"}, {"text/json"}, {"application/json5"},
		{"application/jsonp"}, {"text/plain; application/json"}, {"application/json", "text/plain"}, {"application/json; charset=gbk"}, {"application/json;;"},
	} {
		for _, path := range []string{"/v1/sales", "/v1/sales/S1/retry", "/nowhere"} {
			x.post(path, saleBody("S1"), with("Content-Type", types...)).want(t, 415, trade.ErrMediaType)
		}
	}
	x.get("/v1/sales/S1").want(t, 404, trade.ErrNotFound)
	for i, good := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", `application/json;charset="UTF-8"`} {
		x.post("/v1/sales", saleBody(fmt.Sprint("G", i)), with("Content-Type", good)).want(t, 201, "")
	}
}

func TestOrigin(t *testing.T) {
	x := newTill(t)
	for _, origins := range [][]string{
		{"null"}, {""}, {"*"}, {"http://pos.example.cn"}, {"https://pos.example.cn:8443"}, {"https://pos.example.cn.evil.example.com"},
		{"https://evilpos.example.cn"}, {"https://pos.example.cn/"}, {"HTTPS://pos.example.cn"}, {"https://evil.example.com"}, {"https://" + x.host()}, {"http://127.0.0.1"}, {"http://till.example.cn:" + fmt.Sprint(x.port)},
		{goodOrigin, goodOrigin}, {goodOrigin, "https://evil.example.com"}, {goodOrigin + " https://evil.example.com"},
	} {
		for _, a := range []answer{
			x.get("/healthz", with("Origin", origins...)),
			x.post("/v1/sales", saleBody("S1"), with("Origin", origins...)),
			x.do("OPTIONS", "/v1/sales", "", with("Origin", origins...), with("Access-Control-Request-Method", "POST")),
		} {
			a.want(t, 403, trade.ErrForbiddenOrigin)
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("Origin %q is answered with %s", origins, name)
				}
			}
		}
	}
	x.get("/v1/sales/S1").want(t, 404, trade.ErrNotFound)
	for _, a := range []answer{x.get("/v1/status", with("Origin", goodOrigin)), x.get("/nowhere", with("Origin", goodOrigin))} {
		if got := a.header.Get("Access-Control-Allow-Origin"); got != goodOrigin {
			t.Errorf("Access-Control-Allow-Origin %q", got)
		}
	}
	x.post("/v1/sales", saleBody("S1"), with("Origin", goodOrigin)).want(t, 201, "")
}

// The console's own pages call without any permission that others could use.
func TestOwnOrigin(t *testing.T) {
	x := newTill(t)
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]"} {
		own := with("Origin", fmt.Sprintf("http://%s:%d", name, x.port))
		x.post("/v1/sales", plainBody("own-"+strings.Trim(name, "[]"), "1.00"), own, with("Sec-Fetch-Site", "same-origin")).want(t, 201, "")
		for _, a := range []answer{x.get("/v1/status", own).want(t, 200, ""),
			x.do("OPTIONS", "/v1/sales", "", own, without("Authorization"), with("Access-Control-Request-Method", "POST")).want(t, 401, trade.ErrUnauthorized),
			x.get("/v1/status", own, with("Sec-Fetch-Site", "cross-site")).want(t, 403, trade.ErrForbiddenOrigin),
			x.get("/v1/status", own, with("Sec-Fetch-Site", "same-site")).want(t, 403, trade.ErrForbiddenOrigin)} {
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("answered with %s", name)
				}
			}
		}
	}
	// The same origin on a rebound name is stopped by its Host.
	x.get("/v1/status", with("Origin", "http://"+x.host()), func(r *http.Request) { r.Host = "evil.example.com:" + fmt.Sprint(x.port) }).want(t, 421, trade.ErrMisdirectedHost)
}

func TestSecFetch(t *testing.T) {
	x := newTill(t)
	tests := []struct {
		origin, site, dest string
		served             bool
	}{
		{"", "", "", true},
		{"", "none", "document", true},
		{"", "same-origin", "empty", true},
		{"", "same-site", "empty", false},
		{"", "cross-site", "empty", false},
		{"", "cross-site", "image", false},
		{"", "something-new", "", false},
		{goodOrigin, "cross-site", "empty", true},
		{goodOrigin, "same-site", "empty", true},
		{"https://evil.example.com", "cross-site", "empty", false},
		{"", "none", "iframe", false},
		{"", "same-origin", "frame", false},
		{"", "none", "embed", false},
		{goodOrigin, "cross-site", "object", false},
	}
	for _, tt := range tests {
		var edits []edit
		for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site, "Sec-Fetch-Dest": tt.dest} {
			if value != "" {
				edits = append(edits, with(name, value))
			}
		}
		for _, a := range []answer{x.get("/healthz", edits...), x.post("/v1/sales", saleBody("S1"), edits...)} {
			if served := a.status < 300; served != tt.served {
				t.Errorf("%+v: status %d", tt, a.status)
			}
		}
	}
	if a := x.get("/healthz", with("Sec-Fetch-Site", "none", "cross-site")); a.status != 403 {
		t.Errorf("doubled: status %d", a.status)
	}
}

func TestPreflight(t *testing.T) {
	x := newTill(t)
	for _, path := range []string{"/v1/sales", "/v1/sales/S1", "/nowhere"} {
		for _, private := range []string{"", "true", "false"} {
			edits := []edit{without("Authorization"), without("Content-Type"), with("Origin", goodOrigin), with("Access-Control-Request-Method", "POST"),
				with("Access-Control-Request-Headers", "authorization,content-type")}
			if private != "" {
				edits = append(edits, with("Access-Control-Request-Private-Network", private))
			}
			a := x.do("OPTIONS", path, "", edits...).want(t, 204, "")
			for name, value := range map[string]string{
				"Access-Control-Allow-Origin": goodOrigin, "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE",
				"Access-Control-Allow-Headers": "authorization, content-type, last-event-id", "Access-Control-Max-Age": "600",
				"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network",
			} {
				if got := a.header.Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			if got := a.header.Get("Access-Control-Allow-Private-Network"); (got == "true") != (private == "true") {
				t.Errorf("private network %q is answered %q", private, got)
			}
		}
	}
	t.Run("not a preflight", func(t *testing.T) {
		x.do("OPTIONS", "/v1/sales", "", without("Authorization")).want(t, 401, trade.ErrUnauthorized)
		x.do("OPTIONS", "/v1/sales", "", without("Authorization"), with("Origin", goodOrigin)).want(t, 401, trade.ErrUnauthorized)
		a := x.do("OPTIONS", "/v1/sales/S1/retry", "").want(t, 405, trade.ErrMethod)
		if got := a.header.Get("Allow"); got != "POST" {
			t.Errorf("Allow %q", got)
		}
	})
}

// strangers are ways to have no right token.
func strangers() []edit {
	return []edit{
		without("Authorization"), as("wrong-token"), as(""), with("Authorization", posSecret), with("Authorization", "Basic "+posSecret),
		as(posSecret + "x"), as(posSecret[1:]), as(strings.ToUpper(posSecret)), with("Authorization", "Bearer "+posSecret, "Bearer "+posSecret),
	}
}

func TestTokens(t *testing.T) {
	x := newTill(t, func(o *Options, _ *queue.Options) { o.Tokens = append(o.Tokens, Token{"empty", RoleConsole, ""}) })
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	var first *answer
	for _, stranger := range strangers() {
		*x.server.guard.wrong = wrongTokens{now: time.Now}
		for _, path := range []string{"/v1/sales/S1", "/v1/sales/none", "/v1/status", "/nowhere", "/nowhere/else"} {
			a := x.get(path, stranger).want(t, 401, trade.ErrUnauthorized)
			a.header.Del("Date")
			if first == nil {
				first = &a
			}
			if !bytes.Equal(a.body, first.body) || fmt.Sprint(a.header) != fmt.Sprint(first.header) {
				t.Errorf("%s is told from others: %v %s", path, a.header, a.body)
			}
			if strings.Contains(fmt.Sprint(a.header)+string(a.body), version) {
				t.Errorf("%s tells the version", path)
			}
		}
	}
	x.get("/v1/status?token="+posSecret, without("Authorization")).want(t, 401, trade.ErrUnauthorized)
	x.get("/v1/status", with("Authorization", "bearer "+posSecret)).want(t, 200, "")
	for _, open := range []string{"/healthz", "/readyz"} {
		a := x.get(open, without("Authorization")).want(t, 200, "")
		if strings.Contains(fmt.Sprint(a.header)+string(a.body), version) {
			t.Errorf("%s tells the version", open)
		}
	}
}

func TestBruteForce(t *testing.T) {
	x := newTill(t)
	now := time.Now()
	x.server.guard.wrong.now = func() time.Time { return now }
	for range 30 { // a missing token is no attempt
		x.get("/v1/status", without("Authorization")).want(t, 401, trade.ErrUnauthorized)
	}
	for i := range maxWrong {
		x.get("/v1/status", as(fmt.Sprint("guess", i))).want(t, 401, trade.ErrUnauthorized)
	}
	now = now.Add(500 * time.Millisecond)
	for _, stranger := range []edit{as("guess"), without("Authorization")} {
		a := x.get("/v1/status", stranger).want(t, 429, trade.ErrRateLimited)
		if got := a.header.Get("Retry-After"); got != "60" {
			t.Errorf("Retry-After %q", got)
		}
	}
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "") // the till goes on selling
	now = now.Add(time.Minute)
	for range maxWrong {
		x.get("/v1/status", as("guess")).want(t, 401, trade.ErrUnauthorized)
	}
	x.get("/v1/status", as("guess")).want(t, 429, trade.ErrRateLimited)
}

func TestRoutesByRole(t *testing.T) {
	x := newTill(t, func(o *Options, _ *queue.Options) {
		o.Accounts, o.Files = &bureau{qr: trade.AuthQR{ID: "A1", URL: "https://etax.example.cn/f"}}, &archive{}
		o.Drawers = map[string]func(context.Context) (trade.PrintEvent, string){
			trade.ReceiptPrinter: func(context.Context) (trade.PrintEvent, string) { return trade.PaperPrinted, "" }}
	})
	bodies := map[string]string{"/v1/sales/{id}/print": `{"job_id":"J1"}`, "/v1/print": `{"job_id":"J2","raw":"YQ=="}`, "/v1/sales/{id}/refunds": `{"refund_id":"R1"}`, "/v1/sales": saleBody("S2"),
		"/v1/invoices": invoiceBody("I1"), "/v1/accounts": registration, "/v1/accounts/{id}/login": `{"code":"123456"}`,
		"/v1/session": fmt.Sprintf(`{"token":%q}`, readSecret)}
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.fetchQR()
	x.issueDirect("I1")
	if err := x.store.Raise(queue.UncertainAlert(trade.ReceiptPrinter, "S1", "sale:S1")); err != nil {
		t.Fatal(err)
	}
	roles := []struct {
		name  string
		token edit
		may   map[Role]bool
	}{
		{"stranger", without("Authorization"), map[Role]bool{"": true}},
		{"read", as(readSecret), map[Role]bool{"": true, RoleRead: true}},
		{"pos", as(posSecret), map[Role]bool{"": true, RoleRead: true, RolePOS: true}},
		{"console", as(consoleSecret), map[Role]bool{"": true, RoleRead: true, RolePOS: true, RoleConsole: true}},
	}
	for _, rt := range routes {
		if rt.method == "DELETE" && rt.path == "/v1/session" {
			continue // it is a session's alone: TestSession
		}
		path := strings.NewReplacer("{id}", "S1", "{part}", "P1").Replace(rt.path)
		switch rt.path {
		case "/v1/invoices/{id}", "/v1/invoices/{id}/file", "/v1/invoices/{id}/retry":
			path = strings.Replace(rt.path, "{id}", "I1", 1)
		case "/console/{id}":
			path = "/console/console.js"
		case "/display/{id}":
			path = "/display/display.js"
		case "/v1/alerts/{id}/ack":
			path = "/v1/alerts/1/ack"
		case "/v1/refunds/{id}":
			path = "/v1/refunds/R1"
		case "/v1/print-jobs/{id}":
			path = "/v1/print-jobs/sale:S1"
		case "/v1/alerts":
			path += "?active=true"
		case "/v1/refunds/{id}/retry":
			path = "/v1/refunds/R1/retry"
		}
		for _, who := range roles {
			a := x.do(rt.method, path, bodies[rt.path], who.token)
			switch {
			case who.may[rt.role]:
				if a.status >= 300 {
					t.Errorf("%s: %s %s: %d %s", who.name, rt.method, path, a.status, a.body)
				}
				if rt.method == "GET" {
					h := x.do("HEAD", path, "", who.token)
					if h.status != a.status || len(h.body) != 0 || h.header.Get("Content-Length") == "" {
						t.Errorf("HEAD %s: %d, %d bytes, %v", path, h.status, len(h.body), h.header)
					}
				}
			case who.name == "stranger":
				a.want(t, 401, trade.ErrUnauthorized)
			default:
				a.want(t, 403, trade.ErrForbiddenRole)
			}
		}
	}
}
