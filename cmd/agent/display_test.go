package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestDisplayRemembers: neither a reload nor a break of its event stream has the
// display forget who stands there, or leaves the code of the customer before.
func TestDisplayRemembers(t *testing.T) {
	page := browser(t)
	x, _, _ := shop(t)
	agent, err := url.Parse(x.url)
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	between := httputil.NewSingleHostReverseProxy(agent)
	line := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() && r.URL.Path == "/v1/events" {
			panic(http.ErrAbortHandler)
		}
		r.Host = agent.Host
		r.Header.Del("Origin")
		between.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		broken.Store(true)
		line.CloseClientConnections() // the event stream does not end by itself
		line.Close()
	})
	sale := func(id, total string) string { return strings.ReplaceAll(coffee(id), "12.50", total) }
	do(t, page, "", chromedp.Navigate(line.URL+"/display#token="+x.token()), chromedp.WaitReady("body.connected"))

	// The sandbox takes its time for the code of 4040.11.
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales", sale("R-1", "4040.11"))
	do(t, page, "", chromedp.Poll(`sessionStorage.newest === "R-1"`, nil, chromedp.WithPollingTimeout(pageTime)), chromedp.Reload(), shows("￥4040.11"))
	do(t, page, "", chromedp.Reload(), shows("￥4040.11"))

	broken.Store(true)
	line.CloseClientConnections()
	do(t, page, "", chromedp.WaitReady("body.away"))
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", sale("R-2", "3.00"))
	broken.Store(false)
	do(t, page, "", shows("￥3.00"))

	x.must(http.StatusCreated, http.MethodPost, "/v1/sales/R-2/refunds", `{"refund_id":"R-2-R1"}`)
	do(t, page, "", shows("欢迎光临"), chromedp.Reload(), chromedp.WaitReady("body.connected"))
	var codes int
	do(t, page, "", chromedp.Evaluate(`document.images.length`, &codes))
	if codes != 0 {
		t.Error("a code that was voided is shown again")
	}
}
