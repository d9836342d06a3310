package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/queue"
	"tillagent/trade"
	"tillagent/worker"
)

// call is what a target was sent.
type call struct {
	at   time.Time
	url  *url.URL
	body map[string]any
}

// outside stands in for the targets: it notes each call and answers as told.
type outside struct {
	mu     sync.Mutex
	calls  []call
	answer func(n int, r *http.Request) (status int, body string) // n counts the calls, from 1
	came   chan call
}

func newOutside(answer func(int, *http.Request) (int, string)) *outside {
	return &outside{answer: answer, came: make(chan call, 1000)}
}

func accepts(int, *http.Request) (int, string) { return 200, `{"errcode":0,"errmsg":"ok"}` }

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := call{at: time.Now(), url: r.URL}
	data, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(data, &c.body)
	}
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		http.Error(w, fmt.Sprintf("not a JSON POST: %v", err), http.StatusTeapot)
		return
	}
	o.mu.Lock()
	o.calls = append(o.calls, c)
	n := len(o.calls)
	o.mu.Unlock()
	status, body := o.answer(n, r)
	o.came <- c
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // who hung up does not read it
}

func (o *outside) all() []call {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]call(nil), o.calls...)
}

// text is what a robot shows: all its texts.
func (c call) text() string {
	var b strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			b.WriteString(v + "\n")
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(c.body)
	return b.String()
}

// desk is a store and the teller over it, to be started again.
type desk struct {
	t     *testing.T
	path  string
	now   func() time.Time // of the store; nil is the present
	store *queue.Store
	log   bytes.Buffer
	stop  func()
}

func newDesk(t *testing.T, now func() time.Time) *desk {
	t.Helper()
	d := &desk{t: t, now: now, path: filepath.Join(t.TempDir(), "agent.db"), stop: func() {}}
	d.open()
	return d
}

func (d *desk) open() {
	d.t.Helper()
	var err error
	if d.store, err = queue.Open(queue.Options{Path: d.path, Prefix: "DEMO", TillCode: "7K2QP", QRValid: 24 * time.Hour, Now: d.now}); err != nil {
		d.t.Fatal(err)
	}
}

// known makes targets known, so that alerts raised from now on are news to them.
func (d *desk) known(targets ...string) {
	d.t.Helper()
	for _, name := range targets {
		if _, err := d.store.OutwardCursor(d.t.Context(), name); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *desk) close() {
	d.t.Helper()
	d.stop()
	if err := d.store.Close(); err != nil {
		d.t.Error(err)
	}
}

// start runs an Outward; stop returns when it has ended.
func (d *desk) start(o worker.OutwardOptions) {
	o.Store, o.Log = d.store, slog.New(slog.NewTextHandler(&d.log, nil))
	o.Shop = worker.OutwardShop{EnterpriseName: "测试商贸有限公司", ShopNum: "SHOP01", Host: "till-3"}
	stop, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); worker.NewOutward(o).Run(stop) }()
	d.stop = func() {
		cancel()
		<-done
		d.stop = func() {}
	}
}

func (d *desk) raise(subject string) {
	d.t.Helper()
	d.raises(trade.Raise{Kind: trade.AlertPrinter, Subject: subject, Title: trade.Say(trade.PrinterHeld, subject), Action: trade.Say(trade.PrinterHeldDo)})
}

func (d *desk) raises(r trade.Raise) {
	d.t.Helper()
	if err := d.store.Raise(r); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) clear(kind, subject string) {
	d.t.Helper()
	if err := d.store.Clear(kind, subject); err != nil {
		d.t.Fatal(err)
	}
}

// bubble plays with time under control: calls go to the stand-in without sockets.
func bubble(t *testing.T, play func(*testing.T, *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		play(t, d)
		d.close()
	})
}

// to sends to one robot, through the stand-in.
func to(o *outside) worker.OutwardOptions {
	return worker.OutwardOptions{WeCom: "https://robot.example/send?key=canary-token", Transport: handlerTransport{o}}
}

// has wants these calls and no more; each text is part of its call's.
func (o *outside) has(t *testing.T, texts ...string) []call {
	t.Helper()
	calls := o.all()
	if len(calls) != len(texts) {
		t.Fatalf("%d calls, want %d: %v", len(calls), len(texts), calls)
	}
	for i, want := range texts {
		if !strings.Contains(calls[i].text(), want) {
			t.Errorf("call %d lacks %q:\n%s", i+1, want, calls[i].text())
		}
	}
	return calls
}

func (o *outside) next(t *testing.T) call {
	t.Helper()
	select {
	case c := <-o.came:
		return c
	case <-time.After(time.Minute):
		t.Fatal("no call")
		return call{}
	}
}
