package localapi

import (
	"context"
	"errors"
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

func TestBodySize(t *testing.T) {
	x := newTill(t)
	padded := func(size int) string {
		body := sale(`"extra":{"a":""},`)
		return strings.Replace(body, `"a":""`, `"a":"`+strings.Repeat("x", size-len(body))+`"`, 1)
	}
	x.post("/v1/sales", padded(maxBody)).want(t, 201, "")
	x.post("/v1/sales", padded(maxBody+1)).want(t, 413, trade.ErrTooLarge)
	t.Run("without a length", func(t *testing.T) {
		x.post("/v1/sales", "", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(padded(maxBody+1))), -1
		}).want(t, 413, trade.ErrTooLarge)
	})
	t.Run("1 GB announced", func(t *testing.T) {
		a, _ := x.raw(x.head("POST", "/v1/sales", "Content-Length: 1073741824") + "{")
		a.want(t, 413, trade.ErrTooLarge)
	})
	t.Run("not read before the guard", func(t *testing.T) {
		a, _ := x.raw("POST /v1/sales HTTP/1.1\r\nHost: " + x.host() + "\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{")
		a.want(t, 401, trade.ErrUnauthorized)
	})
}

// head is the head of a request of the POS.
func (x *till) head(method, path string, lines ...string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n\r\n", method, path, x.host(), posSecret, strings.Join(lines, "\r\n"))
}

func TestHeaderSize(t *testing.T) {
	x := newTill(t)
	filled := func(n int) string {
		return x.head("GET", "/v1/status", "X-Fill: "+strings.Repeat("x", n-len(x.head("GET", "/v1/status", "X-Fill: "))))
	}
	if a, _ := x.raw(filled(maxHeader)); a.status != 200 {
		t.Errorf("16 KiB: status %d", a.status)
	}
	if a, _ := x.raw(filled(maxHeader + 2048)); a.status != 431 {
		t.Errorf("18 KiB: status %d", a.status)
	}
}

func TestTenThousandHeaders(t *testing.T) {
	x := newTill(t)
	r, err := http.NewRequest("GET", "http://"+x.host()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10_000 {
		r.Header.Set(fmt.Sprint("X-", i), "x")
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return // cut off while sending
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", res.StatusCode)
	}
}

// closedAfter sends bytes, then nothing, and gives what the server answers
// and how long it lets the connection be.
func closedAfter(t *testing.T, addr, bytes string) (string, time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	conn.SetDeadline(start.Add(time.Minute))
	if _, err := io.WriteString(conn, bytes); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("not closed: %v", err)
	}
	return string(answer), time.Since(start)
}

func TestSlowHeader(t *testing.T) {
	x := newTill(t)
	t.Run("all", func(t *testing.T) { // the till is closed when they are through
		for name, bytes := range map[string]string{"silent": "", "header": "POST /v1/sales HTTP/1.1\r\nHost: "} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if _, took := closedAfter(t, x.host(), bytes); took < headerTime/2 || took > 3*headerTime {
					t.Errorf("closed after %v", took)
				}
			})
		}
	})
}

func TestSlowBody(t *testing.T) {
	x := newTill(t)
	h := x.server.HTTPServer()
	if h.ReadTimeout != headerTime+bodyTime {
		t.Errorf("ReadTimeout %v", h.ReadTimeout)
	}
	h.ReadTimeout = 300 * time.Millisecond // the real one would be long to wait for
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	body := saleBody("S1")
	answer, _ := closedAfter(t, l.Addr().String(), x.head("POST", "/v1/sales", fmt.Sprint("Content-Length: ", len(body)))+body[:len(body)-1])
	if answer != "" {
		t.Errorf("what did not arrive is answered: %q", answer)
	}
	x.get("/v1/sales/S1").want(t, 404, trade.ErrNotFound)
	if err := errors.Join(h.Close(), <-served); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestHTTPServerLimits(t *testing.T) {
	h := newTill(t).http
	if h.IdleTimeout != 30*time.Second || h.WriteTimeout < maxWait+bodyTime+storeTime {
		t.Errorf("idle %v, write %v", h.IdleTimeout, h.WriteTimeout)
	}
}

// TestErrors holds the table of errors where the others do not reach.
func TestErrors(t *testing.T) {
	post, get := &route{method: "POST", conflict: trade.ErrSaleConflict}, &route{method: "GET"}
	for _, tt := range []struct {
		err    error
		rt     *route
		status int
		code   trade.Key
	}{
		{fmt.Errorf("%w: x", queue.ErrNotWritable), post, 507, trade.ErrStorageFull},
		{context.DeadlineExceeded, post, 507, trade.ErrStorageFull},
		{context.DeadlineExceeded, get, 500, trade.ErrInternal},
		{queue.ErrStopping, post, 503, trade.ErrShuttingDown},
		{&queue.ConflictError{}, post, 409, trade.ErrSaleConflict},
		{errors.New("x"), post, 500, trade.ErrInternal},
	} {
		if p := failureOf(tt.err, tt.rt).problem(trade.EN); p.Status != tt.status || p.Code != tt.code || p.Title == string(tt.code) {
			t.Errorf("%v: %+v", tt.err, p)
		}
	}
	for code := range statuses {
		if trade.Say(code).In(trade.ZH) == string(code) {
			t.Errorf("%s has no title", code)
		}
	}
}

func TestInternal(t *testing.T) {
	x := newTill(t, func(o *Options, _ *queue.Options) { o.Version = "v" })
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	if err := x.store.Close(); err != nil {
		t.Fatal(err)
	}
	x.get("/v1/sales/S1").want(t, 500, trade.ErrInternal)
	if got := strings.Count(x.log.String(), "level=ERROR"); got != 1 {
		t.Errorf("logged %d times", got)
	}
	x.post("/v1/sales", saleBody("S2")).want(t, 503, trade.ErrShuttingDown)
	x.get("/readyz").want(t, 503, trade.ErrStorageFull)
	x.get("/healthz").want(t, 200, "")
}
