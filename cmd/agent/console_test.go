package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// pageTime is how long a page may take for a step.
const pageTime = time.Minute

// browser starts a real browser, which ends with the test. Its language is
// Chinese.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("SKIPPED: there is no Chromium here")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profileFolder(t)),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "zh-CN"), chromedp.WindowSize(1100, 900))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits for its end, unlike the context's own
			t.Error(err)
		}
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// profileFolder is for a browser's data. Some of its processes outlive it by a
// moment and go on writing there, which t.TempDir takes for a failure.
func profileFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(time.Minute); os.RemoveAll(dir) != nil && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond) // they are nobody's children: nothing tells of their end
		}
	})
	return dir
}

// do takes steps on the page; a step that takes too long fails with what the
// page shows. SCREENSHOTS names a folder that gets a picture after the steps.
func do(t *testing.T, page context.Context, picture string, steps ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(page, pageTime)
	defer cancel()
	err := chromedp.Run(ctx, steps...)
	if dir := os.Getenv("SCREENSHOTS"); dir != "" && picture != "" {
		var png []byte
		if err := errors.Join(chromedp.Run(ctx, chromedp.FullScreenshot(&png, 100)), os.WriteFile(filepath.Join(dir, picture+".png"), png, 0o600)); err != nil {
			t.Error(err)
		}
	}
	if err != nil {
		var text string
		late, cancel := context.WithTimeout(page, pageTime)
		defer cancel()
		_ = chromedp.Run(late, chromedp.Evaluate("document.body.innerText", &text))
		t.Fatalf("%s: %v; the page shows: %s", picture, err, text)
	}
}

// shows waits until the page has a text.
func shows(text string) chromedp.Action {
	quoted, _ := json.Marshal(text) // a string has JSON
	return chromedp.Poll("document.body && document.body.innerText.includes("+string(quoted)+")", nil, chromedp.WithPollingTimeout(pageTime))
}

// presses clicks the button with a text.
func presses(text string) chromedp.Action {
	return chromedp.Click("//button[normalize-space(.)='"+text+"']", chromedp.BySearch)
}

// shop is the built agent with a stand-in platform, which disconnect ends, and
// a paper printer.
func shop(t *testing.T) (x *pos, config string, disconnect func() error) {
	t.Helper()
	dir := t.TempDir()
	platform, err := startSandbox("127.0.0.1:0", filepath.Join(dir, "sandbox"), logger(os.Stderr, "error"))
	if err != nil {
		t.Fatal(err)
	}
	disconnect = sync.OnceValue(platform.Close)
	t.Cleanup(func() {
		if err := disconnect(); err != nil {
			t.Error(err)
		}
	})
	x = &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), filepath.Join(dir, "data")}
	config = filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\nport = %q\n%s", x.data, strings.TrimPrefix(x.url, "http://"), newPrinted(t).port,
		platform.Account().ConfigTOML(platform.URL, filepath.Join(dir, "sandbox")))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, "run", "--config", config)
	x.ready()
	return x, config, disconnect
}

// token is the agent's own.
func (p *pos) token() string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.data, "api-token"))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// TestConsole opens the console by the link of `agent console` and does with
// it what staff do.
func TestConsole(t *testing.T) {
	page := browser(t)
	x, config, disconnect := shop(t)
	if got := x.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("C-1")); got["state"] != "qr_ready" {
		t.Fatalf("%v", got)
	}
	out, err := exec.Command(binary, "console", "--config", config).Output()
	if err != nil {
		t.Fatal(err)
	}
	link := strings.TrimSpace(string(out))
	var title, address string
	do(t, page, "console-overview", chromedp.Navigate(link), shows("一切正常"), shows("￥12.50"), shows("在线"), chromedp.Title(&title), chromedp.Location(&address))
	if title != "收银开票代理" || strings.Contains(address, "code") {
		t.Errorf("the title is %q, the address %s", title, address)
	}

	do(t, page, "console-sales", presses("销售"), shows("C-1"), shows("可开票"))
	do(t, page, "console-sale", presses("C-1"), shows("来龙去脉"), chromedp.WaitVisible("img.paper"))
	do(t, page, "", chromedp.Evaluate("window.confirm = () => true", nil), presses("补打小票"))
	x.until("/v1/sales/C-1", "printed again", func(s map[string]any) bool { return field(s, "print", "reprints") == float64(1) })

	do(t, page, "console-accounts", presses("税务账号"), shows("发短信验证码"))
	do(t, page, "", chromedp.Click("//button[normalize-space(.)='发短信验证码']", chromedp.BySearch), shows("验证码已发到"))
	do(t, page, "console-day", presses("日结"), shows("还没了结"), chromedp.SendKeys("input[name=total]", "1.00"), presses("日结核对"), chromedp.WaitVisible(".note .bad"))
	do(t, page, "console-log", presses("日志"), shows("sale accepted"), shows("sale=C-1"))

	// The first page follows what happens.
	do(t, page, "", presses("概况"), shows("一切正常"))
	if err := disconnect(); err != nil {
		t.Error(err)
	}
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("C-2"))
	do(t, page, "console-alert", shows("连不上"), shows("知道了"))
	do(t, page, "", presses("知道了"), shows("已知"))

	do(t, page, "console-english", presses("English"), shows("Sales are taken and printed meanwhile"))
	do(t, page, "", presses("Sign out"), shows("Sign in"), chromedp.Navigate("about:blank"), chromedp.Navigate(link), shows("too old"))
	do(t, page, "console-door", chromedp.SendKeys("input[name=token]", "wrong"), presses("Sign in"), shows("a wrong one"))
	do(t, page, "", chromedp.SendKeys("input[name=token]", x.token()), presses("Sign in"), shows("Overview"))
}

// TestConsoleOfPaper: paper that waits behind other paper waits for no code.
func TestConsoleOfPaper(t *testing.T) {
	page := browser(t)
	dir := t.TempDir()
	x := &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), filepath.Join(dir, "data")}
	config := filepath.Join(dir, "config.toml")
	// Nobody listens at the printer's address.
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\nport = \"tcp://127.0.0.1:%d\"\n", x.data, strings.TrimPrefix(x.url, "http://"), freePort(t))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, "run", "--config", config)
	x.ready()
	none := func(id string) string { return strings.Replace(coffee(id), `"total"`, `"invoice":"none","total"`, 1) }
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales", none("P-1"))
	x.until("/v1/sales/P-1", "held", func(s map[string]any) bool { return field(s, "print", "state") == "held" })
	if got := x.must(http.StatusCreated, http.MethodPost, "/v1/sales", none("P-2")); field(got, "print", "state") != "queued" {
		t.Fatalf("%v", got)
	}
	// More is open than the report lists.
	const more = `window.fetch = ((fetch) => async (path, o) => {
		const answer = await fetch(path, o);
		if (!path.startsWith("/v1/reports/daily")) return answer;
		return new Response(JSON.stringify({ ...await answer.json(), open_not_listed: 777 }));
	})(window.fetch)`
	for _, p := range []struct{ lang, sales, day, open, want, not string }{
		{"zh-CN", "销售", "日结", "还没了结", "排队中", "等开票码"},
		{"en", "Sales", "The day", "Still open", "in line", "waiting for its code"},
	} {
		var sales, day string
		do(t, page, "", chromedp.Navigate("about:blank"), chromedp.Navigate(x.url+"/#token="+x.token()), chromedp.WaitVisible("main .card"), chromedp.Evaluate(more, nil))
		if p.lang == "en" {
			do(t, page, "", presses("English"))
		}
		do(t, page, "", presses(p.sales), shows("P-2"), chromedp.Text("main table", &sales, chromedp.ByQuery), presses(p.day), shows(p.open), chromedp.Text("main", &day, chromedp.ByQuery))
		for _, shown := range []string{sales, day} {
			if !strings.Contains(shown, p.want) || strings.Contains(shown, p.not) {
				t.Errorf("%s: %s", p.lang, shown)
			}
		}
		if !strings.Contains(day, "777") {
			t.Errorf("%s: nothing tells that more is open: %s", p.lang, day)
		}
	}
}

// TestDisplay: the customer's display shows the code of the newest sale and
// takes it away when it is voided.
func TestDisplay(t *testing.T) {
	page := browser(t)
	x, _, _ := shop(t)
	do(t, page, "", chromedp.Navigate(x.url+"/display"), shows("#token="))
	do(t, page, "", chromedp.Navigate("about:blank"), chromedp.Navigate(x.url+"/display#token="+x.token()), shows("欢迎光临"))
	// Events that come before the page listens are not shown.
	do(t, page, "", chromedp.WaitReady("body.connected"))
	if got := x.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("D-1")); got["state"] != "qr_ready" {
		t.Fatalf("%v", got)
	}
	do(t, page, "display", shows("扫码自助开具电子发票"), chromedp.WaitVisible("img"))
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales/D-1/refunds", `{"refund_id":"D-R1"}`)
	do(t, page, "", shows("欢迎光临"))
}

// TestDisplayShowsTheNewestSale: a code that comes late, as all those of an
// outage do, is no code for the customer who stands there now.
func TestDisplayShowsTheNewestSale(t *testing.T) {
	page := browser(t)
	x, _, _ := shop(t)
	do(t, page, "", chromedp.Navigate(x.url+"/display#token="+x.token()), chromedp.WaitReady("body.connected"), chromedp.Evaluate(`
		window.shown = "";
		new MutationObserver(() => window.shown += document.body.innerText).observe(document.body, { childList: true, subtree: true })`, nil))
	sale := func(id, total string) string { return strings.NewReplacer("12.50", total).Replace(coffee(id)) }
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales", sale("LATE", "4040.11")) // the sandbox takes its time for that
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("NOW"))
	do(t, page, "", shows("￥12.50"))
	x.until("/v1/sales/LATE", "a code", func(s map[string]any) bool { return s["state"] == "qr_ready" })
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", sale("NEXT", "3.00"))
	var shown string
	do(t, page, "", shows("￥3.00"), chromedp.Evaluate("window.shown", &shown))
	if strings.Contains(shown, "4040.11") {
		t.Errorf("the code of an earlier sale was shown: %s", shown)
	}
	// Who brings a part of it back stands there, too. The new code is not over the sale's amount.
	x.must(http.StatusCreated, http.MethodPost, "/v1/sales/LATE/refunds", `{"refund_id":"LATE-R1","amount":"40.11","items":[{"line":1,"amount":"40.11"}]}`)
	do(t, page, "", chromedp.Poll(`document.querySelector("img") && !document.body.innerText.includes("￥")`, nil, chromedp.WithPollingTimeout(pageTime)))
}
