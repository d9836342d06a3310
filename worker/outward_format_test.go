package worker_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"tillagent/trade"
	"tillagent/worker"
)

func signature(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestOutwardFormats holds what each target gets over real HTTP, whole, for an
// alert and its end, with what may be a buyer's masked.
func TestOutwardFormats(t *testing.T) {
	raised := time.Date(2024, 11, 22, 11, 30, 5, 0, time.UTC)
	ended := raised.Add(time.Minute)
	title := "🔴 告警,需要处理:退货单 R-1 须人工处理"
	over := "🟢 告警已恢复:退货单 R-1 须人工处理"
	first := []string{"红冲被拒绝:税号914••••与手机138••••不符 (8995)", "处理办法:请按说明在票通平台处理,避免多开发票",
		"单号:POS1-202411221930050001", "税务账号:139••••", "发生:2024-11-22 19:30:05", "恢复:2024-11-22 19:31:05", "收银机:测试商贸有限公司 · SHOP01 · 7K2QP · till-3", "",
		"🔴 alert, somebody must act: refund R-1 needs a person", "the red-flush was refused: 税号914••••与手机138••••不符 (8995)",
		"what to do: follow the text on the platform so that no wrong invoice stays"}
	second := append(append([]string{first[0]}, first[2:8]...), "🟢 alert is over: refund R-1 needs a person", first[9])
	markdown := func(newline, title string, ls []string) string {
		return strings.Join(append([]string{"**" + title + "**"}, ls...), newline)
	}
	card := func(title, color string, ls []string) map[string]any {
		return map[string]any{"msg_type": "interactive", "card": map[string]any{
			"header":   map[string]any{"title": map[string]any{"tag": "plain_text", "content": title}, "template": color},
			"elements": []any{map[string]any{"tag": "div", "text": map[string]any{"tag": "plain_text", "content": strings.Join(ls, "\n")}}}}}
	}
	object := func(event string) map[string]any {
		return map[string]any{"event": event, "id": 1.0, "kind": "refund_failed", "severity": "error", "title": "退货单 R-1 须人工处理",
			"detail": "红冲被拒绝:税号914••••与手机138••••不符 (8995)", "action": "请按说明在票通平台处理,避免多开发票", "sale_id": "POS1-202411221930050001", "account": "139••••",
			"count": 1.0, "raised_at": "2024-11-22T19:30:05+08:00", "last_at": "2024-11-22T19:30:05+08:00", "cleared_at": "2024-11-22T19:31:05+08:00", "acked_at": nil,
			"till": map[string]any{"till_code": "7K2QP", "shop_num": "SHOP01", "enterprise_name": "测试商贸有限公司", "host": "till-3"}}
	}
	dingtalk := func(title string, ls []string) map[string]any {
		return map[string]any{"msgtype": "markdown", "markdown": map[string]any{"title": title, "text": markdown("  \n", title, ls)}}
	}
	wecom := func(title string, ls []string) map[string]any {
		return map[string]any{"msgtype": "markdown", "markdown": map[string]any{"content": markdown("\n", title, ls)}}
	}
	want := map[string][2]map[string]any{
		"/webhook":  {object("alert.raised"), object("alert.cleared")},
		"/wecom":    {wecom(title, first), wecom(over, second)},
		"/dingtalk": {dingtalk(title, first), dingtalk(over, second)},
		"/feishu":   {card(title, "red", first), card(over, "green", second)},
	}
	for _, signed := range []bool{false, true} {
		t.Run(fmt.Sprintf("signed %v", signed), func(t *testing.T) {
			o := newOutside(accepts)
			server := httptest.NewServer(o)
			defer server.Close()
			at := raised
			d := newDesk(t, func() time.Time { return at })
			defer func() { d.close() }()
			d.known("webhook", "wecom", "dingtalk", "feishu")
			d.raises(trade.Raise{Kind: trade.AlertRefund, Subject: "R-1", SaleID: "POS1-202411221930050001", Account: "13987654321", Title: trade.Say(trade.RefundFailed, "R-1"),
				Detail: trade.Say(trade.RedRefused, "8995", "税号91440300TEST00001X与手机13812345678不符"), Action: trade.Say(trade.RefundFailedDo)})
			at = ended
			d.clear(trade.AlertRefund, "R-1")
			address := func(path string) string { return server.URL + path + "?access_token=canary-token" }
			opts := worker.OutwardOptions{Webhook: address("/webhook"), WeCom: address("/wecom"), DingTalk: address("/dingtalk"), Feishu: address("/feishu")}
			if signed {
				opts.DingTalkSecret, opts.FeishuSecret = "SEC+/=1", "秘密"
			}
			d.start(opts)
			got := map[string][]map[string]any{}
			for range 2 * len(want) {
				c := o.next(t)
				q := c.url.Query()
				if signed {
					unsign(t, c, q)
				}
				if len(q) != 1 || q.Get("access_token") != "canary-token" {
					t.Errorf("called %v", c.url)
				}
				got[c.url.Path] = append(got[c.url.Path], c.body)
			}
			for path, w := range want {
				if len(got[path]) != 2 || !reflect.DeepEqual([2]map[string]any(got[path]), w) {
					t.Errorf("%s got\n%v\nwant\n%v", path, got[path], w)
				}
			}
		})
	}
}

// unsign checks the signature of a robot that has a secret, and takes it away.
func unsign(t *testing.T, c call, q url.Values) {
	t.Helper()
	switch c.url.Path {
	case "/dingtalk":
		at := q.Get("timestamp")
		if time.Since(time.UnixMilli(number(t, at))).Abs() > time.Minute || q.Get("sign") != signature("SEC+/=1", at+"\nSEC+/=1") {
			t.Errorf("signed with %s", c.url.RawQuery)
		}
		q.Del("timestamp")
		q.Del("sign")
	case "/feishu":
		at, _ := c.body["timestamp"].(string)
		if time.Since(time.Unix(number(t, at), 0)).Abs() > time.Minute || c.body["sign"] != signature(at+"\n秘密", "") {
			t.Errorf("signed with %v, %v", c.body["timestamp"], c.body["sign"])
		}
		delete(c.body, "timestamp")
		delete(c.body, "sign")
	}
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Errorf("%q: %v", s, err)
	}
	return n
}

// TestOutwardKeepsAddresses: a target that cannot be reached, or that sends one
// elsewhere, shows its address nowhere and is not followed.
func TestOutwardKeepsAddresses(t *testing.T) {
	elsewhere := httptest.NewServer(newOutside(accepts))
	defer elsewhere.Close()
	redirected := make(chan bool, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
		redirected <- true
	}))
	defer server.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	past := func() time.Time { return time.Date(2024, 11, 22, 11, 30, 5, 0, time.UTC) }
	d := newDesk(t, past)
	defer func() { d.close() }()
	d.known("webhook", "wecom", "dingtalk", "feishu")
	d.raise("缺纸")
	addresses := map[string]string{"webhook": server.URL, "wecom": closed.URL, "dingtalk": "https://canary-host.invalid", "feishu": "https://canary host"}
	for name := range addresses {
		addresses[name] += "/canary-token"
	}
	logged := make(lines, 100)
	o := worker.NewOutward(worker.OutwardOptions{Store: d.store, Webhook: addresses["webhook"], WeCom: addresses["wecom"], DingTalk: addresses["dingtalk"], Feishu: addresses["feishu"],
		Log: slog.New(slog.NewTextHandler(logged, nil))})
	stop, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.Run(stop) }()
	for range len(addresses) {
		select {
		case line := <-logged:
			if strings.Contains(line, "canary") || strings.Contains(line, "127.0.0.1") || strings.Contains(line, "http:") {
				t.Errorf("the log has an address: %s", line)
			}
			_, rest, _ := strings.Cut(line, "target=")
			name, _, _ := strings.Cut(rest, " ")
			delete(addresses, name)
		case <-time.After(time.Minute):
			t.Fatal("nothing is logged")
		}
	}
	cancel()
	<-done
	if len(addresses) != 0 {
		t.Errorf("not logged: %v", addresses)
	}
	if len(redirected) == 0 {
		t.Error("the redirecting target was not called")
	}
	if h := elsewhere.Config.Handler.(*outside); len(h.all()) != 0 {
		t.Error("a redirect was followed")
	}
}

type lines chan string

func (w lines) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}
