package piaotong

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestNotSent(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	p := newTestPlatform(t, answerContent("{}"))
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler()) // a certificate nobody trusts
	t.Cleanup(tlsServer.Close)
	tlsServer.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	for _, tc := range []struct {
		name, url string
		ctx       context.Context
	}{
		{"refused connection", "http://127.0.0.1:1", t.Context()},
		{"cancelled before", p.URL, cancelled},
		{"untrusted certificate", tlsServer.URL, t.Context()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := testOptions(t, tc.url)
			o.Timeout = 5 * time.Second
			if _, err := newTestClient(t, o).CreateQR(tc.ctx, testQR); KindOf(err) != Unavailable {
				t.Errorf("%v is %s, want unavailable", err, KindOf(err))
			}
		})
	}
	if n := p.calls.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
}

func TestTimeoutIsUnknown(t *testing.T) {
	release := make(chan struct{})
	p := newTestPlatform(t, func(http.ResponseWriter, *testPlatform, Request) { <-release })
	defer close(release)
	o := testOptions(t, p.URL)
	o.Timeout = 50 * time.Millisecond
	_, err := newTestClient(t, o).RedFlush(t.Context(), testRed)
	if KindOf(err) != Unknown || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is %s, want unknown", err, KindOf(err))
	}
}

// TestConnectTimeout: a connection that never comes to be is not "unknown".
func TestConnectTimeout(t *testing.T) {
	o := testOptions(t, "http://127.0.0.1:1")
	o.Timeout = 30 * time.Millisecond
	o.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	if _, err := newTestClient(t, o).CreateQR(t.Context(), testQR); KindOf(err) != Unavailable {
		t.Errorf("%v is %s, want unavailable", err, KindOf(err))
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestForeignTransport: a round tripper that tells nothing of its connections
// is believed only when it says that it could not dial.
func TestForeignTransport(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want Kind
	}{
		{&net.OpError{Op: "dial", Err: errors.New("no route")}, Unavailable},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, Unknown},
		{errors.New("anything"), Unknown},
	} {
		o := testOptions(t, "https://example.com")
		o.Transport = roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, tc.err })
		_, err := newTestClient(t, o).CreateQR(t.Context(), testQR)
		if KindOf(err) != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%v is %s, want %s", err, KindOf(err), tc.want)
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	target := newTestPlatform(t, answerContent("{}"))
	p := newTestPlatform(t, func(w http.ResponseWriter, _ *testPlatform, _ Request) {
		w.Header().Set("Location", target.URL+"/secret?x=1")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	_, err := newTestClient(t, testOptions(t, p.URL)).CreateQR(t.Context(), testQR)
	if KindOf(err) != Unknown || target.calls.Load() != 0 {
		t.Errorf("%v; %d calls arrived at the target", err, target.calls.Load())
	}
	if !strings.Contains(err.Error(), "redirect") || strings.Contains(err.Error(), "secret") {
		t.Errorf("message %q", err)
	}
}

func TestOversizedAnswer(t *testing.T) {
	p := newTestPlatform(t, func(w http.ResponseWriter, _ *testPlatform, _ Request) {
		w.Write(bytes.Repeat([]byte{' '}, maxResponse+1))
	})
	_, err := newTestClient(t, testOptions(t, p.URL)).QueryInvoice(t.Context(), testInvoice)
	if KindOf(err) != Unknown || !strings.Contains(err.Error(), "20 MiB") {
		t.Error(err)
	}
}

// TestNoReplayOnAReusedConnection: net/http repeats requests that met a dying
// idle connection only when none of it was sent; one that arrived stays alone.
func TestNoReplayOnAReusedConnection(t *testing.T) {
	var first, second string
	var addr atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if addr.Swap(r.RemoteAddr) != nil {
			second = r.RemoteAddr
			panic(http.ErrAbortHandler)
		}
		first = r.RemoteAddr
	}))
	t.Cleanup(srv.Close)
	c := newTestClient(t, testOptions(t, srv.URL))
	c.CreateQR(t.Context(), testQR)
	_, err := c.CreateQR(t.Context(), testQR)
	if KindOf(err) != Unknown || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is %s, want unknown", err, KindOf(err))
	}
	srv.Close() // so that the handlers' writes are visible
	if first == "" || first != second {
		t.Errorf("connections %q and %q: not reused, or replayed on a third", first, second)
	}
}
