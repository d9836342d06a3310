package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong/sandbox"
)

// TestPushes has the platform push what becomes of invoices (2.13), repeated
// and out of order, to the agent's own URL.
func TestPushes(t *testing.T) {
	dir := t.TempDir()
	log := logger(os.Stderr, "error")
	platform, err := startSandbox("127.0.0.1:0", filepath.Join(dir, "sandbox"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer platform.Close()
	platform.SetIssueDelay(0)
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = \"127.0.0.1:0\"\n%s", filepath.Join(dir, "data"), platform.Account().ConfigTOML(platform.URL, filepath.Join(dir, "sandbox")))
	cfg, err := config.Parse(filepath.Join(dir, "config.toml"), []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Piaotong.Poll = config.Poll{Fast: time.Hour, Slow: time.Hour} // only pushes bring news
	a, err := start(cfg, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	defer a.stop()
	p := &pos{t, a.url(), filepath.Join(dir, "data")}
	target := p.url + "/v1/push/piaotong"
	if err := platform.SetPush(sandbox.PushTarget{URL: target, Repeat: 2, Shuffle: true}); err != nil {
		t.Fatal(err)
	}
	sale := p.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("S1"))
	if _, err := platform.Claim(sandbox.Claim{URL: field(sale, "qr", "url").(string), BuyerName: "某某公司"}); err != nil {
		t.Fatal(err)
	}
	s := p.until("/v1/sales/S1", "invoiced", func(s map[string]any) bool { return s["state"] == "invoiced" })
	if n := len(s["invoices"].([]any)); n != 1 {
		t.Errorf("%d invoices after repeated pushes", n)
	}
	if err := platform.AwaitPushes(t.Context()); err != nil {
		t.Fatal(err)
	}
	pushes := platform.Pushes()
	if len(pushes) < 3 {
		t.Errorf("%d pushes were sent", len(pushes))
	}
	for _, x := range pushes {
		if x.State != sandbox.PushStored {
			t.Errorf("push %+v was not answered as stored", x)
		}
	}
	for name, body := range map[string]string{"not an envelope": "{}", "a stranger's": `{"platformCode":"X","sign":"AAAA","content":"AAAA"}`} {
		resp, err := http.Post(target, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || resp.ContentLength > 0 {
			t.Errorf("%s: %d with %d bytes, want 400 and nothing", name, resp.StatusCode, resp.ContentLength)
		}
	}
}
