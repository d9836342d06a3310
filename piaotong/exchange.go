package piaotong

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// maxResponse caps what is read of an answer: invoice files come inside.
const maxResponse = 20 << 20

// exchange sends one sealed request and returns the body of a 2xx answer. The
// failure it returns tells apart what surely did not leave this machine
// (Unavailable) from what may have arrived (Unknown).
func (c *Client) exchange(ctx context.Context, url string, body []byte) ([]byte, *Error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Kind: Unavailable, Msg: "not sent", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	progress := &progress{}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, progress.trace()),
		http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Kind: Misconfigured, Err: err}
	}
	req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	resp, err := c.http.Do(req)
	if err != nil {
		if progress.unsent(err, c.hooked) {
			return nil, &Error{Kind: Unavailable, Msg: "not sent", Err: err}
		}
		return nil, &Error{Kind: Unknown, Msg: "no answer", Err: err}
	}
	defer resp.Body.Close()
	c.noteDate(resp)
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, &Error{Kind: Unknown, Msg: "the answer broke off", Err: err}
	}
	if len(raw) > maxResponse {
		return nil, &Error{Kind: Unknown, Msg: fmt.Sprintf("the answer has more than %d MiB", maxResponse>>20)}
	}
	if failure := checkStatus(resp); failure != nil {
		return nil, failure
	}
	return raw, nil
}

// checkStatus judges the HTTP status, which the platform does not document:
// anything but 2xx leaves the outcome unknown, whatever its body says.
func checkStatus(resp *http.Response) *Error {
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	e := &Error{Kind: Unknown, Msg: fmt.Sprintf("HTTP status %d", status)}
	if status >= 300 && status < 400 {
		if to, err := resp.Location(); err == nil {
			e.Msg += fmt.Sprintf(" (a redirect to %s://%s, not followed)", to.Scheme, to.Host)
		}
	}
	return e
}

func (c *Client) noteDate(resp *http.Response) {
	if c.onDate == nil {
		return
	}
	if server, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.onDate(server, time.Now())
	}
}

// progress follows how far a request got. net/http sends a POST a second time
// only when it had written none of it to a dead idle connection, so asking for
// another connection means that nothing had been sent before.
type progress struct{ state atomic.Int32 }

const (
	noConnectionAsked int32 = iota
	waitingForConnection
	hasConnection // bytes may be on their way
)

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { p.state.Store(waitingForConnection) },
		GotConn: func(httptrace.GotConnInfo) { p.state.Store(hasConnection) },
	}
}

// unsent reports whether a request that failed with err surely sent nothing.
func (p *progress) unsent(err error, hooked bool) bool {
	switch p.state.Load() {
	case waitingForConnection:
		return true
	case noConnectionAsked:
		if hooked {
			return true
		}
		// Another round tripper: a failure to dial is the only proof.
		op, ok := errors.AsType[*net.OpError](err)
		return ok && op.Op == "dial"
	default:
		return false
	}
}
