package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestWebExample opens examples/web in a browser, from another origin than the
// agent's: a sale, its QR code, the event stream and a refund, over a line that
// loses answers and breaks the stream. From an origin that is not allowed the
// browser lets nothing through.
func TestWebExample(t *testing.T) {
	page := browser(t)
	serve := func() (origin string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.FileServer(http.Dir(source("web"))), ReadHeaderTimeout: 5 * time.Second}
		var serving sync.WaitGroup
		serving.Go(func() { _ = s.Serve(l) })
		t.Cleanup(func() {
			s.Close()
			serving.Wait()
		})
		return "http://" + l.Addr().String()
	}
	allowed, other := serve(), serve()
	dir := t.TempDir()
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	launch(t, "demo", "--sales", "0", "--data", dir, "--listen", listen, "--origin", allowed)
	p := &pos{t, "http://" + listen, filepath.Join(dir, "demo-data")}
	p.ready()
	token, err := os.ReadFile(filepath.Join(p.data, "api-token"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(origin, base string) chromedp.Action {
		return chromedp.Tasks{chromedp.Navigate(origin + "/"), chromedp.SetValue("#base", base), chromedp.SetValue("#token", strings.TrimSpace(string(token)))}
	}
	line := newBadLine(t, p.url)
	var log string
	do(t, page, "example-sold", open(allowed, line.url), chromedp.Click("#sell"), shows("event sale.qr_ready"),
		chromedp.WaitVisible("#qr"), chromedp.Poll("document.getElementById('qr').naturalWidth === 240", nil, chromedp.WithPollingTimeout(pageTime)))
	do(t, page, "example-refunded", chromedp.WaitEnabled("#refund"), chromedp.Click("#refund"), shows(": done"),
		chromedp.WaitNotVisible("#qr"), chromedp.Text("#log", &log))
	for _, want := range []string{`(?m)^sold WEB-\d+: qr_ready http://\S+$`, `(?m)^again: the same QR code$`, `(?m)^refund R-\S+: void_qr$`, `(?m)^event refund\.done$`, `(?m)^refund R-\S+: done$`} {
		if !regexp.MustCompile(want).MatchString(log) {
			t.Errorf("%s is not in\n%s", want, log)
		}
	}
	line.mu.Lock()
	if len(line.resumed) == 0 || line.resumed[0] == "" || line.seen["POST /v1/sales"] < 3 {
		t.Errorf("calls %v, streams resumed as %q", line.seen, line.resumed)
	}
	line.mu.Unlock()
	if sold := regexp.MustCompile(`WEB-\d+`).FindString(log); sold != "" {
		if s := p.must(http.StatusOK, http.MethodGet, "/v1/sales/"+sold, ""); s["state"] != "voided" || s["refunded"] != "12.50" {
			t.Errorf("the agent has %v", s)
		}
	}

	// The page asks without an end for a stream that it does not get.
	var outcome string
	do(t, page, "example-stranger", open(other, p.url), chromedp.Click("#sell"),
		chromedp.Evaluate(`fetch(document.getElementById('base').value + '/healthz').then(() => { window.outcome = 'answered'; }, () => { window.outcome = 'refused'; }); 0`, nil),
		chromedp.Poll("window.outcome", &outcome, chromedp.WithPollingTimeout(pageTime)))
	if outcome != "refused" {
		t.Errorf("a page of another origin is %s", outcome)
	}
	if all := p.must(http.StatusOK, http.MethodGet, "/v1/sales", "")["sales"].([]any); len(all) != 1 {
		t.Errorf("%d sales are stored", len(all))
	}
}
