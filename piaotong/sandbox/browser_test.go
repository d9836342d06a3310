package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// stepTime is how long a page may take for a step.
const stepTime = time.Minute

// phone starts a real browser as wide as a telephone, which ends with the test.
func phone(t *testing.T) context.Context {
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
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "zh-CN"))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))); err != nil {
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

// steps are taken on the page, which must fit the telephone then. SCREENSHOTS
// names a folder that gets a picture.
func steps(t *testing.T, page context.Context, picture string, all ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(page, stepTime)
	defer cancel()
	var text string
	var wide bool
	err := chromedp.Run(ctx, append(all,
		chromedp.Evaluate("document.body.innerText", &text),
		chromedp.Evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth", &wide))...)
	if err != nil {
		t.Fatalf("%s: %v; the page shows: %s", picture, err, text)
	}
	if wide {
		t.Errorf("%s is wider than a telephone", picture)
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		var png []byte
		if err := errors.Join(chromedp.Run(ctx, chromedp.FullScreenshot(&png, 100)), os.WriteFile(filepath.Join(dir, picture+".png"), png, 0o600)); err != nil {
			t.Error(err)
		}
	}
}

// until waits for a text on the page, which may become another page meanwhile.
func until(text string) chromedp.Action {
	quoted, _ := json.Marshal(text) // a string has JSON
	return chromedp.ActionFunc(func(ctx context.Context) error {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var shown bool
			err := chromedp.Evaluate("document.body !== null && document.body.innerText.includes("+string(quoted)+")", &shown).Do(ctx)
			if shown {
				return nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("%s does not come: %w", text, errors.Join(err, ctx.Err()))
			}
		}
	})
}

// TestCustomerWithTelephone is the customer: scans, mistypes, mends it, waits
// for the invoice and looks at it.
func TestCustomerWithTelephone(t *testing.T) {
	page := phone(t)
	b := newBench(t, "")
	q := b.create(t, qrNo)
	steps(t, page, "qr", chromedp.Navigate(q.URL), until("提交开票"))
	steps(t, page, "qr-wrong",
		chromedp.WaitNotVisible("#buyer_taxpayer_num"), chromedp.Click(`//label[normalize-space(.)='企业']`, chromedp.BySearch),
		chromedp.SendKeys("#buyer_name", "北京某某科技有限公司"), chromedp.SendKeys("#buyer_taxpayer_num", "123"),
		chromedp.Click("button[type=submit]"), until("企业税号应为"))
	steps(t, page, "qr-waiting", chromedp.SetValue("#buyer_taxpayer_num", strings.ToLower(companyNum)), chromedp.SendKeys("#taker_tel", "13800000000"),
		chromedp.Click("button[type=submit]"), until("此开票码已使用"))
	b.clock.add(time.Minute)
	// The page asks again by itself.
	steps(t, page, "qr-issued", until("发票号码"))
	steps(t, page, "invoice", chromedp.Click(`//a[contains(., '查看发票')]`, chromedp.BySearch), until("价税合计"), until(companyNum))
	if got := b.ledger(t).Invoices; len(got) != 1 || got[0].BuyerName != "北京某某科技有限公司" || got[0].Title.TaxpayerNum != companyNum || got[0].Title.TakerTel != "13800000000" {
		t.Errorf("%+v", got)
	}
	steps(t, page, "qr-claimed", chromedp.Navigate(q.URL), until("不能再次提交"))
	steps(t, page, "index", chromedp.Navigate(b.url+"/"), until(qrNo))
}
