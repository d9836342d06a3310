package localapi

import (
	"bufio"
	"context"
	"database/sql"
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

// dial opens a connection and sends bytes.
func (x *till) dial(bytes string) net.Conn {
	x.t.Helper()
	conn, err := net.Dial("tcp", x.host())
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, bytes); err != nil {
		x.t.Fatal(err)
	}
	return conn
}

// count waits until so many of the server's connections are as wanted.
func (x *till) count(want int, what string, is func(*guest) bool) {
	x.t.Helper()
	c := x.server.crowd
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		c.mu.Lock()
		n := 0
		for _, g := range c.open {
			if is(g) {
				n++
			}
		}
		c.mu.Unlock()
		if n == want {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			x.t.Fatalf("%d connections are %s, want %d", n, what, want)
		}
	}
}

func anyhow(*guest) bool { return true }

func active(g *guest) bool { return g.state == http.StateActive }

// half is a sale whose body does not come.
func (x *till) half(id string) string {
	body := plainBody(id, "1.00")
	return x.head("POST", "/v1/sales", fmt.Sprint("Content-Length: ", len(body))) + body[:5]
}

// Whoever opens connections and says nothing loses the oldest of them, and
// keeps nobody out.
func TestIdleCrowd(t *testing.T) {
	x := newTill(t)
	kept := x.dial(x.head("GET", "/healthz", "X-A: b"))
	in := bufio.NewReader(kept)
	served := func() {
		t.Helper()
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
			t.Fatal(res.Status, err)
		}
	}
	served()
	first := x.dial("")
	x.count(2, "open", anyhow)
	for range 3 * maxConnections {
		x.dial("")
	}
	x.count(maxConnections, "open", anyhow)
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the oldest connection is still open")
	}
	began := time.Now()
	a, _ := x.raw(x.head("POST", "/v1/sales", fmt.Sprint("Content-Length: ", len(plainBody("S1", "1.00")))) + plainBody("S1", "1.00"))
	a.want(t, 201, "")
	if took := time.Since(began); took > time.Second {
		t.Errorf("a sale took %v", took)
	}
	// A till that was served before keeps its connection.
	if _, err := io.WriteString(kept, x.head("GET", "/healthz", "X-A: b")); err != nil {
		t.Fatal(err)
	}
	served()
}

// Where every connection is busy there is room for sales alone, and where that
// is full too, a connection is closed at once.
func TestBusyCrowd(t *testing.T) {
	x := newTill(t)
	var held []net.Conn
	const usual = maxConnections - salesConnections
	for i := range usual {
		held = append(held, x.dial(x.half(fmt.Sprint("half", i))))
	}
	x.count(usual, "busy", active)
	for range 3 {
		body := plainBody("S1", "1.00")
		a, _ := x.raw(x.head("POST", "/v1/sales", fmt.Sprint("Content-Length: ", len(body))) + body)
		if a.status >= 300 {
			t.Errorf("a sale: status %d", a.status)
		}
	}
	began := time.Now()
	for _, path := range []string{"/v1/status", "/v1/sales/S1", "/v1/accounts"} {
		a, _ := x.raw(x.head("GET", path))
		a.want(t, 503, trade.ErrOverloaded)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %v", path, a.header)
		}
		checkHeaders(t, a)
	}
	a, _ := x.raw(x.head("GET", "/healthz", "X-A: b"))
	a.want(t, 200, "")
	stranger, _ := x.raw(strings.Replace(x.head("POST", "/v1/push/piaotong", "Content-Length: 100"), posSecret, "", 1))
	stranger.want(t, 503, trade.ErrOverloaded)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("refusing took %v", took)
	}
	for i := range salesConnections {
		held = append(held, x.dial(x.half(fmt.Sprint("more", i))))
	}
	x.count(maxConnections, "busy", active)
	if _, err := x.dial("").Read(make([]byte, 1)); err == nil {
		t.Error("one connection more is served")
	}
	for _, c := range held {
		c.Close()
	}
	x.count(0, "open", anyhow)
	x.get("/v1/status").want(t, 200, "")
}

// A full crowd makes room at the cost of who is idle: a call that runs goes on,
// however long its connection has been there.
func TestBusyOutlastsIdle(t *testing.T) {
	x := newTill(t)
	running := x.dial(x.half("S1"))
	x.count(1, "busy", active)
	for range maxConnections - 1 {
		in := bufio.NewReader(x.dial(x.head("GET", "/healthz", "X-A: b")))
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
	}
	x.count(maxConnections-1, "idle", func(g *guest) bool { return g.state == http.StateIdle })
	a, _ := x.raw(x.head("GET", "/v1/status", "X-A: b"))
	a.want(t, 200, "")
	if _, err := io.WriteString(running, plainBody("S1", "1.00")[5:]); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(running), nil)
	if err != nil || res.StatusCode != 201 {
		t.Fatal("the call that ran: ", res, err)
	}
}

// Reads that take long keep other such reads waiting for a moment, and neither
// sales nor whoever looks one up.
func TestReadsWait(t *testing.T) {
	busy := make(chan struct{})
	x := newTill(t, func(o *Options, _ *queue.Options) {
		o.Preview = func(context.Context, *queue.Record) (Drawing, error) {
			<-busy
			return drawn("S1"), nil
		}
	})
	x.post("/v1/sales", plainBody("S1", "1.00")).want(t, 201, "")
	places := x.server.limits.reads
	reads := make(chan answer, cap(places))
	for range cap(places) {
		go func() {
			a, _ := x.raw(x.head("GET", "/v1/sales/S1/receipt.png"))
			reads <- a
		}()
	}
	full := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(places) < cap(places) {
		select {
		case <-tick.C:
		case <-full:
			t.Fatal("the reads do not begin")
		}
	}
	x.post("/v1/sales", plainBody("S2", "1.00")).want(t, 201, "")
	x.get("/v1/sales/S2").want(t, 200, "")
	x.get("/healthz").want(t, 200, "")
	began := time.Now()
	a := x.get("/v1/status").want(t, 503, trade.ErrOverloaded)
	if took := time.Since(began); took < readWait || took > readWait+2*time.Second || a.header.Get("Retry-After") != "1" {
		t.Errorf("refused after %v: %v", took, a.header)
	}
	close(busy)
	for range cap(places) {
		r := <-reads
		r.want(t, 200, "")
	}
	x.get("/v1/status").want(t, 200, "")
}

// A refused caller gets its answer at once, and no time to go on.
func TestSlowRefusedBody(t *testing.T) {
	x := newTill(t)
	t.Run("all", func(t *testing.T) {
		for name, lines := range map[string]string{
			"no token":     "Content-Type: application/json\r\nContent-Length: 1000",
			"text":         "Content-Type: text/plain\r\nContent-Length: 1000",
			"origin":       "Origin: https://evil.example.com\r\nContent-Type: application/json\r\nContent-Length: 1000",
			"chunks":       "Content-Type: application/json\r\nTransfer-Encoding: chunked",
			"continue":     "Content-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue",
			"huge, length": "Content-Type: application/json\r\nContent-Length: 1073741824",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got, took := closedAfter(t, x.host(), "POST /v1/sales HTTP/1.1\r\nHost: "+x.host()+"\r\n"+lines+"\r\n\r\n")
				if !strings.HasPrefix(got, "HTTP/1.1 4") || !strings.Contains(got, "Connection: close") || took > 5*refusedTime {
					t.Errorf("after %v: %q", took, got)
				}
			})
		}
	})
}

// Large bodies wait for large ones; a sale of the usual size does not.
func TestLargeBodies(t *testing.T) {
	x := newTill(t)
	large := x.head("POST", "/v1/sales", fmt.Sprint("Content-Length: ", largeBody+1)) + "{"
	var held []net.Conn
	for range maxLarge {
		held = append(held, x.dial(large))
	}
	x.count(maxLarge, "busy", active)
	x.post("/v1/sales", plainBody("S1", "1.00")).want(t, 201, "")
	began := time.Now()
	a, closed := x.raw(large)
	a.want(t, 503, trade.ErrOverloaded)
	if took := time.Since(began); took < largeWait || took > largeWait+2*time.Second || !closed {
		t.Errorf("refused after %v, closed %v", took, closed)
	}
	for _, c := range held {
		c.Close()
	}
	body := strings.Replace(sale(`"extra":{"a":""},`), `"a":""`, `"a":"`+strings.Repeat("x", largeBody)+`"`, 1)
	for range 3 {
		x.post("/v1/sales", body) // 201, then 200: the places were given back
	}
	x.get("/v1/sales/S1").want(t, 200, "")
	if n := len(x.server.limits.large); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// TestJournalOfCalls: what a token changed is in the journal under its name.
func TestJournalOfCalls(t *testing.T) {
	var path string
	x := newTill(t, func(o *Options, qo *queue.Options) { o.Accounts, path = &bureau{}, qo.Path })
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.post("/v1/sales", saleBody("S1"), as(consoleSecret)).want(t, 200, "") // changes nothing
	x.post("/v1/sales", "{", as(consoleSecret)).want(t, 400, trade.ErrInvalidJSON)
	x.post("/v1/sales/S1/retry", "{}", as(consoleSecret)).want(t, 202, "")
	x.post("/v1/sales/S1/refunds", `{"refund_id":"R1"}`).want(t, 201, "")
	x.post("/v1/accounts/A1/logout", "{}", as(consoleSecret)).want(t, 200, "")
	session := x.session(codeBody(x.oneTimeCode())).json(t, "token").(string)
	x.post("/v1/sales", plainBody("S2", "1.00"), as(session)).want(t, 201, "")
	x.get("/v1/status", as(session)).want(t, 200, "")
	want := []string{
		"S1|till|POST /v1/sales", "S1|office|POST /v1/sales/{id}/retry", "S1|till|POST /v1/sales/{id}/refunds", "|office|POST /v1/accounts/{id}/logout",
		"|office|POST /v1/console-codes", "|office/console|POST /v1/session", "S2|office/console|POST /v1/sales",
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT sale || '|' || ref || '|' || state FROM journal WHERE kind = 'Called' ORDER BY seq")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var entry string
		if err := rows.Scan(&entry); err != nil {
			t.Fatal(err)
		}
		got = append(got, entry)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the journal has\n%v, want\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
