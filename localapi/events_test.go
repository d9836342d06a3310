package localapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// eventReader reads a stream of events as a client does.
type eventReader struct {
	res      *http.Response
	in       *bufio.Scanner
	last     string // the id that a client keeps
	comments []string
}

// read gives the next event that has data; io.EOF where the stream ends.
func (r *eventReader) read() (e eventJSON, err error) {
	data := ""
	for r.in.Scan() {
		line := r.in.Text()
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && data != "":
			err := json.Unmarshal([]byte(data), &e)
			if err == nil && fmt.Sprint(e.Seq) != r.last {
				err = fmt.Errorf("event %d has id %s", e.Seq, r.last)
			}
			return e, err
		case line == "":
		case name == "":
			r.comments = append(r.comments, value)
		case name == "id":
			r.last = value
		case name == "data":
			data = value
		default:
			return e, fmt.Errorf("unexpected line %q", line)
		}
	}
	if r.in.Err() != nil {
		return e, r.in.Err()
	}
	return e, io.EOF
}

// follow opens a stream, which the test's end closes.
func (x *till) follow(query string, edits ...edit) *eventReader {
	x.t.Helper()
	r, err := x.stream(query, edits...)
	if err != nil {
		x.t.Fatal(err)
	}
	if r.res.StatusCode != 200 || r.res.Header.Get("Content-Type") != eventStream || r.res.Header.Get("Cache-Control") != "no-store" {
		x.t.Fatalf("%d %v", r.res.StatusCode, r.res.Header)
	}
	return r
}

func (x *till) stream(query string, edits ...edit) (*eventReader, error) {
	ctx, cancel := context.WithTimeout(x.t.Context(), time.Minute)
	x.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+x.host()+"/v1/events"+query, nil)
	if err != nil {
		return nil, err
	}
	as(posSecret)(r)
	for _, e := range edits {
		e(r)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	x.t.Cleanup(func() { res.Body.Close() })
	return &eventReader{res: res, in: bufio.NewScanner(res.Body)}, nil
}

// take reads events with the numbers from first to last and leaves.
func (r *eventReader) take(t *testing.T, first, last int64) (events []eventJSON) {
	t.Helper()
	for seq := first; seq <= last; seq++ {
		e, err := r.read()
		if err != nil || e.Seq != seq {
			t.Fatalf("event %d, want %d: %v", e.Seq, seq, err)
		}
		events = append(events, e)
	}
	return events
}

// tell stores events without a meaning of their own.
func (x *till) tell(n int, state string) {
	x.t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := x.store.Tell("printer.state", state, trade.ReceiptPrinter); err != nil {
				x.t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestEvents(t *testing.T) {
	tokens := readers(3)
	x := newTill(t, func(o *Options, _ *queue.Options) { o.Tokens = append(o.Tokens, tokens...) })
	live := x.follow("", as(readSecret))
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.fetchQR()
	x.post("/v1/sales/S1/refunds", `{"refund_id":"R1"}`).want(t, 201, "")
	x.settle(trade.LaneUndo, trade.VoidConfirmed{At: time.Now()})
	want := []eventJSON{
		{Type: "sale.accepted", SaleID: "S1", State: "queued"},
		{Type: "print.queued", SaleID: "S1", State: "waiting_qr", Detail: "sale:S1"},
		{Type: "sale.qr_ready", SaleID: "S1", State: "qr_ready"},
		{Type: "refund.accepted", SaleID: "S1", RefundID: "R1", State: "queued"},
		{Type: "print.queued", SaleID: "S1", RefundID: "R1", State: "waiting_qr", Detail: "refund:R1"},
		{Type: "sale.voided", SaleID: "S1", State: "voided"},
		{Type: "refund.done", SaleID: "S1", RefundID: "R1", State: "done"},
	}
	got := live.take(t, 1, int64(len(want)))
	for i, e := range got {
		if at, err := time.Parse(time.RFC3339, *e.At); err != nil || time.Since(at) > time.Minute {
			t.Errorf("at %v, %v", *e.At, err)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		checkSchema(t, "Event", text)
		e.Seq, e.At = 0, nil
		if e != want[i] {
			t.Errorf("event %d is %+v, want %+v", i+1, e, want[i])
		}
	}
	// Cut anywhere, it goes on there: whatever says where it was.
	for cut := range len(want) {
		after := strconv.Itoa(cut)
		for i, r := range []*eventReader{x.follow("?after="+after, as(tokens[0].Secret)), x.follow("", with("Last-Event-ID", after), as(tokens[1].Secret)),
			x.follow("?after=0", with("Last-Event-ID", after), as(tokens[2].Secret))} {
			if got := r.take(t, int64(cut)+1, int64(len(want))); len(got) != len(want)-cut {
				t.Errorf("cut at %d, reader %d: %d events", cut, i, len(got))
			}
		}
	}
	for _, bad := range []string{"?after=x", "?after=-1", "?after=1.5", "?after=99999999999999999999", "?after=1&after=2", "?since=1"} {
		x.get("/v1/events"+bad).want(t, 422, trade.ErrValidation)
	}
	x.get("/v1/events", with("Last-Event-ID", "x")).want(t, 422, trade.ErrValidation)
	if a := x.do("HEAD", "/v1/events", "").want(t, 200, ""); a.header.Get("Content-Type") != eventStream {
		t.Errorf("HEAD: %v", a.header)
	}
}

// Whoever begins with what comes next, or is ahead of what there is, is told
// where that is, so that a break before the first event loses nothing.
func TestEventsBeginning(t *testing.T) {
	x := newTill(t)
	x.tell(5, "ready")
	for _, edits := range [][]edit{nil, {with("Last-Event-ID", "6")}, {with("Last-Event-ID", "1000000")}} {
		r := x.follow("", edits...)
		for r.last == "" && r.in.Scan() {
			if id, ok := strings.CutPrefix(r.in.Text(), "id: "); ok {
				r.last = id
			}
		}
		if r.last != "5" {
			t.Errorf("it begins after %q", r.last)
		}
		r.res.Body.Close()
	}
	r := x.follow("?after=5")
	x.tell(1, "offline")
	if e := r.take(t, 6, 6)[0]; e.State != "offline" || r.comments[0] != "from 5" {
		t.Errorf("%+v %v", e, r.comments)
	}
}

// TestEventsRestart cuts streams by restarts of the agent, while sales come in.
func TestEventsRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	const rounds, sales = 4, 5
	last, want := "0", int64(1)
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			x := newTill(t, func(_ *Options, q *queue.Options) { q.Path = path })
			r := x.follow("", with("Last-Event-ID", last))
			for i := range sales {
				x.post("/v1/sales", plainBody(fmt.Sprintf("S%d-%d", round, i), "1.00")).want(t, 201, "")
			}
			// Two events a sale; some are left for after the restart.
			n := int64(2*sales - round)
			r.take(t, want, want+n-1)
			last, want = r.last, want+n
			x.server.Stop()
			for {
				e, err := r.read()
				if err != nil {
					break
				}
				if e.Seq != want {
					t.Fatalf("event %d, want %d", e.Seq, want)
				}
				last, want = r.last, want+1
			}
		})
	}
	x := newTill(t, func(_ *Options, q *queue.Options) { q.Path = path })
	x.tell(1, "ready")
	x.follow("?after="+last).take(t, want, rounds*sales*2+1)
}

// readers are tokens, so that there can be more streams than one has.
func readers(n int) (tokens []Token) {
	for i := range n {
		tokens = append(tokens, Token{fmt.Sprint("reader ", i), RoleRead, fmt.Sprint(readSecret, i)})
	}
	return tokens
}

// TestEventsManyReaders has 50 readers of 7 tokens follow the same events.
func TestEventsManyReaders(t *testing.T) {
	tokens := readers(7)
	x := newTill(t, func(o *Options, _ *queue.Options) { o.Tokens = append(o.Tokens, tokens...) })
	const many, events = 50, 400
	var all sync.WaitGroup
	for i := range many {
		r := x.follow("?after=0", as(tokens[i%7].Secret))
		all.Go(func() {
			for seq := range int64(events) {
				if e, err := r.read(); err != nil || e.Seq != seq+1 {
					t.Errorf("reader %d: event %d, want %d: %v", i, e.Seq, seq+1, err)
					return
				}
			}
		})
	}
	x.tell(events, "ready")
	all.Wait()
}

func TestEventsLimit(t *testing.T) {
	x := newTill(t)
	var open []*eventReader
	for range maxStreams {
		open = append(open, x.follow(""))
	}
	a := x.get("/v1/events").want(t, 429, trade.ErrRateLimited)
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	other := x.follow("?after=0", as(readSecret)) // another token has its own
	open[0].res.Body.Close()
	// The place is free once the server has noticed.
	for deadline := time.Now().Add(time.Minute); ; {
		r, err := x.stream("?after=0")
		if err != nil {
			t.Fatal(err)
		}
		if r.res.StatusCode == 200 {
			open = append(open, r)
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a closed stream keeps its place")
		}
	}
	x.tell(1, "ready")
	for _, r := range append(open[1:], other) {
		r.take(t, 1, 1)
	}
	x.server.Stop()
	for _, r := range append(open[1:], other) {
		if e, err := r.read(); !errors.Is(err, io.EOF) {
			t.Errorf("after Stop: %+v, %v", e, err)
		}
	}
	x.get("/v1/events").want(t, 503, trade.ErrShuttingDown)
}

// A reader that takes nothing is cut off; the others notice nothing, and it
// can go on where it was.
func TestEventsSlowReader(t *testing.T) {
	x := newTill(t)
	x.server.streams.patience = 2 * time.Second
	conn, err := net.Dial("tcp", x.host())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(128 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET /v1/events?after=0 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", x.host(), posSecret); err != nil {
		t.Fatal(err)
	}
	quick := x.follow("?after=0")
	quick.in.Buffer(nil, 1<<20)
	const events = 200
	big := strings.Repeat("x", 64<<10) // more than all buffers between the two
	read := make(chan error, 1)
	go func() {
		for seq := range int64(events) {
			if e, err := quick.read(); err != nil || e.Seq != seq+1 {
				read <- fmt.Errorf("event %d, want %d: %w", e.Seq, seq+1, err)
				return
			}
		}
		read <- nil
	}()
	x.tell(events, big)
	if err := <-read; err != nil {
		t.Errorf("the quick reader: %v", err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(x.log.String(), "event stream ends"); {
		if time.Now().After(deadline) {
			t.Fatal("the slow reader is not cut off")
		}
		x.get("/healthz") // the loop waits for the server, not for a clock
	}
	// What it has not read is there for it.
	conn.SetDeadline(time.Now().Add(time.Minute))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	slow := &eventReader{res: res, in: bufio.NewScanner(res.Body)}
	slow.in.Buffer(nil, 1<<20)
	seq := int64(0)
	for {
		e, err := slow.read()
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			t.Fatal("the connection stays open")
		}
		if err != nil {
			break
		}
		if seq++; e.Seq != seq {
			t.Fatalf("event %d, want %d", e.Seq, seq)
		}
	}
	if seq == 0 || seq >= events {
		t.Fatalf("the slow reader got %d events", seq)
	}
	again := x.follow("?after=" + fmt.Sprint(seq))
	again.in.Buffer(nil, 1<<20)
	again.take(t, seq+1, events)
}

// TestEventsQuiet shows the comments of a stream without events, and that the
// times of a request do not end it.
func TestEventsQuiet(t *testing.T) {
	x := newTill(t)
	x.server.streams.quiet = 50 * time.Millisecond
	hasty := x.server.HTTPServer()
	hasty.ReadTimeout, hasty.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { hasty.Serve(l) })
	defer serving.Wait()
	defer hasty.Close()
	r := x.follow("?after=0", func(r *http.Request) { r.URL.Host, r.Host = l.Addr().String(), x.host() })
	for n := 0; n < 8; { // four times as long as a request may take
		if !r.in.Scan() {
			t.Fatalf("the stream ended after %d comments: %v", n, r.in.Err())
		}
		if r.in.Text() == ": " {
			n++
		}
	}
	x.tell(1, "ready")
	r.take(t, 1, 1)
}

// BenchmarkEventFanOut measures events to 50 readers over real connections:
// an operation is one event to all of them.
func BenchmarkEventFanOut(b *testing.B) {
	tokens := readers(7)
	x := newTill(b, func(o *Options, _ *queue.Options) { o.Tokens, o.Log = tokens, nil })
	const many, writers = 50, 64
	var all sync.WaitGroup
	for i := range many {
		r := x.follow("?after=0", as(tokens[i%7].Secret))
		all.Go(func() {
			for range b.N {
				if _, err := r.read(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.ResetTimer()
	for w := range writers { // commits are shared, as under load
		all.Go(func() {
			for i := w; i < b.N; i += writers {
				if err := x.store.Tell("printer.state", "ready", trade.ReceiptPrinter); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N*many)/b.Elapsed().Seconds(), "deliveries/s")
}
