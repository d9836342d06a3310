package localapi

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

func TestWait(t *testing.T) {
	x := newTill(t)
	answers := make(chan answer, 1)
	go func() { answers <- x.post("/v1/sales?wait=30s", saleBody("S1")) }()
	<-x.store.Wake(trade.LaneLive) // taken
	x.fetchQR()
	if got := (<-answers).want(t, 201, "").json(t, "state"); got != "qr_ready" {
		t.Errorf("state %v", got)
	}
	x.post("/v1/sales?wait=30s", saleBody("S1")).want(t, 200, "") // there already
	x.post("/v1/sales?wait=30s", plainBody("P1", "1.00")).want(t, 201, "")

	go func() { answers <- x.post("/v1/sales?wait=30s", saleBody("S2")) }()
	<-x.store.Wake(trade.LaneLive)
	c, _, err := x.store.ClaimOp(t.Context(), trade.LaneLive)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.store.Settle(c, trade.Refused{Op: c.Op, Code: "8016", Msg: "金额不符"}); err != nil {
		t.Fatal(err)
	}
	a := (<-answers).want(t, 201, "")
	if a.json(t, "state") != "rejected" || a.json(t, "problem", "code") != string(trade.SaleRefused) || !strings.Contains(a.json(t, "problem", "detail").(string), "8016") {
		t.Errorf("%s", a.body)
	}

	start := time.Now()
	a = x.post("/v1/sales?wait=50ms", saleBody("S3")).want(t, 201, "")
	if took := time.Since(start); a.json(t, "state") != "queued" || took < 50*time.Millisecond {
		t.Errorf("state %v after %v", a.json(t, "state"), took)
	}
	for _, bad := range []string{"31s", "-1s", "3", "x", "1e9s"} {
		if got := x.post("/v1/sales?wait="+bad, saleBody("S4")).want(t, 422, trade.ErrValidation).json(t, "fields", 0, "field"); got != "wait" {
			t.Errorf("field %v", got)
		}
	}
	x.get("/v1/sales/S4").want(t, 404, trade.ErrNotFound)
}

// TestWaitDirect: a direct invoice has no QR code, so a sale with one is waited
// for until it is issued.
func TestWaitDirect(t *testing.T) {
	x := newTill(t)
	answers := make(chan answer, 1)
	go func() {
		answers <- x.post("/v1/sales?wait=30s", strings.Replace(saleBody("S1"), `"payments"`, `"invoice":"direct","buyer":{"name":"某某公司"},"payments"`, 1))
	}()
	<-x.store.Wake(trade.LaneLive)
	x.issue(x.accept())
	if a := (<-answers).want(t, 201, ""); a.json(t, "state") != "invoiced" || a.json(t, "invoice", "number") == "" {
		t.Errorf("%s", a.body)
	}
}

func TestStop(t *testing.T) {
	x := newTill(t)
	answers := make(chan answer, 1)
	go func() { answers <- x.post("/v1/sales?wait=30s", saleBody("S1")) }()
	<-x.store.Wake(trade.LaneLive)
	start := time.Now()
	x.server.Stop()
	(<-answers).want(t, 201, "")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the waiter was answered after %v", took)
	}
	for _, a := range []answer{x.post("/v1/sales", saleBody("S2")), x.post("/v1/sales/S1/retry", ""), x.get("/readyz")} {
		if got := a.want(t, 503, trade.ErrShuttingDown).header.Get("Retry-After"); got != "5" {
			t.Errorf("Retry-After %q", got)
		}
	}
	x.get("/v1/sales/S1").want(t, 200, "")
	x.get("/v1/sales/S2").want(t, 404, "")
}

// A caller that hangs up right after posting has its sale taken.
func TestHangUp(t *testing.T) {
	poked := make(chan string, 8)
	x := newTill(t, func(o *Options, _ *queue.Options) { o.Poke = func(id string) { poked <- id } })
	conn, err := net.Dial("tcp", x.host())
	if err != nil {
		t.Fatal(err)
	}
	body := saleBody("S1")
	_, err = fmt.Fprintf(conn, "POST /v1/sales?wait=30s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		x.host(), posSecret, len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if id := <-poked; id != "S1" {
		t.Errorf("poked for %q", id)
	}
	x.get("/v1/sales/S1").want(t, 200, "")
}

func TestPoke(t *testing.T) {
	poked := make(chan string, 8)
	x := newTill(t, func(o *Options, _ *queue.Options) { o.Poke = func(id string) { poked <- id } })
	for _, step := range []struct {
		path, body string
		want       int
	}{
		{"/v1/sales", saleBody("S1"), 1}, {"/v1/sales", saleBody("S1"), 0}, {"/v1/sales/S1/retry", "{}", 1},
		{"/v1/sales/S1/refunds", `{"refund_id":"R1"}`, 1}, {"/v1/sales/S1/refunds", `{"refund_id":"R1"}`, 0}, {"/v1/sales/none/retry", "", 0},
	} {
		x.post(step.path, step.body)
		if got := len(poked); got != step.want {
			t.Errorf("%s: poked %d times, want %d", step.path, got, step.want)
		}
		for len(poked) > 0 {
			if id := <-poked; id != "S1" {
				t.Errorf("poked for %q", id)
			}
		}
	}
}
