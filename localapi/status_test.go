package localapi

import (
	"context"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

func TestStatus(t *testing.T) {
	seen := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	x := newTill(t, func(o *Options, _ *queue.Options) {
		o.Around = func(ctx context.Context) Around {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("Around has no deadline")
			}
			return Around{Platform{true, true, seen, -1500 * time.Millisecond}, []Printer{{trade.ReceiptPrinter, "tcp://192.0.2.1:9100", "generic", "paper_low", time.Time{}, "none"}}, &Disk{5 << 30}}
		}
	})
	if err := x.store.SaveAccounts(t.Context(), []trade.Account{{Account: "kpy", Login: trade.AccountNeeded, Auth: trade.AccountOK, Default: true}}); err != nil {
		t.Fatal(err)
	}
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.post("/v1/sales", plainBody("P1", "1.00")).want(t, 201, "")
	a := x.get("/v1/status").want(t, 200, "")
	for _, tt := range []struct {
		path []any
		want any
	}{
		{[]any{"version"}, version},
		{[]any{"platform", "online"}, true},
		{[]any{"platform", "last_contact"}, "2026-11-22T20:00:00+08:00"},
		{[]any{"platform", "clock_skew_ms"}, "-1500"},
		{[]any{"printer", "state"}, "paper_low"},
		{[]any{"printer", "seen_at"}, nil},
		{[]any{"queue", "sales", "queued"}, "1"},
		{[]any{"queue", "sales", "recorded"}, "1"},
		{[]any{"queue", "sales", "rejected"}, "0"},
		{[]any{"queue", "prints_waiting"}, "2"},
		{[]any{"alerts"}, "0"},
		{[]any{"accounts", 0, "account"}, "kpy"},
		{[]any{"accounts", 0, "login"}, "needed"},
		{[]any{"disk", "free_bytes"}, "5368709120"},
	} {
		if got := a.json(t, tt.path...); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.path, got, tt.want)
		}
	}
	if a.json(t, "queue", "oldest_waiting_at") == nil || a.json(t, "started_at") == nil || a.json(t, "database", "bytes") == "0" {
		t.Errorf("%s", a.body)
	}
	plain := newTill(t).get("/v1/status").want(t, 200, "")
	if plain.json(t, "disk") != nil || plain.json(t, "platform") != nil || plain.json(t, "printer") != nil || plain.json(t, "queue", "oldest_waiting_at") != nil {
		t.Errorf("%s", plain.body)
	}
}

func TestAlerts(t *testing.T) {
	x := newTill(t)
	if got := string(x.get("/v1/alerts?active=true").want(t, 200, "").body); got != `{"alerts":[],"next_cursor":null}`+"\n" {
		t.Errorf("%s", got)
	}
	raise := trade.Raise{Kind: trade.AlertUnreachable, Title: trade.Say(trade.PlatformAway), Action: trade.Say(trade.PlatformAwayDo)}
	for range 2 {
		if err := x.store.Raise(raise); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.store.Raise(queue.UncertainAlert(trade.ReceiptPrinter, "S1", "sale:S1")); err != nil {
		t.Fatal(err)
	}
	a := x.get("/v1/alerts?active=true").want(t, 200, "")
	for path, want := range map[string]any{"kind": "platform_unreachable", "severity": "warning", "title": "the platform cannot be reached", "detail": "", "count": "2",
		"cleared_at": nil, "acked_at": nil, "sale_id": "", "account": ""} {
		if got := a.json(t, "alerts", 0, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if a.json(t, "alerts", 1, "severity") != "error" || a.json(t, "alerts", 1, "sale_id") != "S1" || a.json(t, "alerts", 1, "raised_at") == nil {
		t.Errorf("%s", a.body)
	}
	if got := x.get("/v1/alerts?active=true", with("Accept-Language", "zh-CN")).json(t, "alerts", 0, "title"); got != "连不上票通平台" {
		t.Errorf("title %v", got)
	}
	if err := x.store.Clear(trade.AlertUnreachable, ""); err != nil {
		t.Fatal(err)
	}
	if got := x.get("/v1/status").json(t, "alerts"); got != "1" {
		t.Errorf("%v alerts", got)
	}
	for _, query := range []string{"?active=1", "?active=true&activ=false", "?cursor=x", "?limit=0", "?limit=201"} {
		x.get("/v1/alerts"+query).want(t, 422, trade.ErrValidation)
	}
}

func TestReadinessIsRemembered(t *testing.T) {
	x := newTill(t)
	x.get("/readyz").want(t, 200, "")
	first := x.server.ready.at
	x.get("/readyz").want(t, 200, "")
	if x.server.ready.at != first {
		t.Error("the database was written again at once")
	}
	x.server.ready.at = first.Add(-readyFor)
	x.get("/readyz").want(t, 200, "")
	if !x.server.ready.at.After(first.Add(-readyFor)) {
		t.Error("an old answer was given again")
	}
}

func TestAckAlert(t *testing.T) {
	x := newTill(t)
	x.post("/v1/alerts/1/ack", "").want(t, 404, trade.ErrNotFound)
	if err := x.store.Raise(queue.UncertainAlert(trade.ReceiptPrinter, "S1", "sale:S1")); err != nil {
		t.Fatal(err)
	}
	id := x.get("/v1/alerts?active=true").json(t, "alerts", 0, "id").(string)
	a := x.post("/v1/alerts/"+id+"/ack", "").want(t, 200, "")
	acked := a.json(t, "acked_at")
	if a.json(t, "id") != id || a.json(t, "sale_id") != "S1" || acked == nil || a.json(t, "cleared_at") != nil {
		t.Errorf("%s", a.body)
	}
	if got := x.post("/v1/alerts/"+id+"/ack", "{}").want(t, 200, "").json(t, "acked_at"); got != acked {
		t.Errorf("acknowledged again at %v, first at %v", got, acked)
	}
	if got := x.get("/v1/alerts?active=true").json(t, "alerts", 0, "acked_at"); got != acked {
		t.Errorf("in the list: %v", got)
	}
	for _, none := range []string{"2", "0", "-1", "x", "1.0", "99999999999999999999"} {
		x.post("/v1/alerts/"+none+"/ack", "").want(t, 404, trade.ErrNotFound)
	}
	x.post("/v1/alerts/"+id+"/ack", `{"by":"me"}`).want(t, 422, trade.ErrValidation)
	x.post("/v1/alerts/"+id+"/ack", `[`).want(t, 400, trade.ErrInvalidJSON)
}
