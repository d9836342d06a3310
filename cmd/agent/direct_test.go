package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
)

// kiosk starts the stand-in platform and an agent of it.
func kiosk(t *testing.T, change func(*config.Config)) (*platformSandbox, *pos) {
	t.Helper()
	dir := t.TempDir()
	log := logger(os.Stderr, "error")
	platform, err := startSandbox("127.0.0.1:0", filepath.Join(dir, "sandbox"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := platform.Close(); err != nil {
			t.Error(err)
		}
	})
	platform.SetIssueDelay(0)
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = \"127.0.0.1:0\"\n%s", filepath.Join(dir, "data"), platform.Account().ConfigTOML(platform.URL, filepath.Join(dir, "sandbox")))
	cfg, err := config.Parse(filepath.Join(dir, "config.toml"), []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Piaotong.Poll = config.Poll{Fast: 50 * time.Millisecond, Slow: time.Second}
	change(cfg)
	a, err := start(cfg, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.stop)
	return platform, &pos{t, a.url(), cfg.DataDir}
}

func kioskInvoice(id string) string {
	return strings.Replace(coffee(id), `"sale_id"`, `"buyer":{"name":"某某公司","tax_no":"91110108MA01ABCD2X"},"invoice_id"`, 1)
}

// file fetches a resource that is no JSON.
func (p *pos) file(path string) (*http.Response, string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(p.data, "api-token"))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp, string(raw)
}

// is reports whether a resource is in a state.
func is(state string) func(map[string]any) bool {
	return func(r map[string]any) bool { return r["state"] == state }
}

// invoices are the invoices of the ledger by sale: "blue 12.50", "red -12.50".
func invoices(t *testing.T, platform *platformSandbox) map[string][]string {
	t.Helper()
	l, err := platform.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	blues, out := map[string]string{}, map[string][]string{}
	for _, i := range l.Invoices {
		if i.Type == piaotong.TypeBlue {
			blues[i.ReqSerialNo] = i.TradeNo
			out[i.TradeNo] = append(out[i.TradeNo], "blue "+i.Amount+" "+i.Code)
		} else {
			sale := blues[i.BlueSerial]
			out[sale] = append(out[sale], "red "+i.Amount+" "+i.Code)
		}
	}
	return out
}

func TestKioskInvoice(t *testing.T) {
	platform, p := kiosk(t, func(*config.Config) {})
	p.must(http.StatusCreated, http.MethodPost, "/v1/invoices?wait=10s", kioskInvoice("K/1"))
	i := p.until("/v1/invoices/K%2F1", "invoiced", is("invoiced"))
	number, _ := field(i, "invoice", "number").(string)
	if len(number) != 20 || !strings.HasPrefix(i["view_url"].(string), platform.URL+"/") || i["kind"] != "82" || field(i, "invoice", "tax") == "" {
		t.Errorf("the invoice is %v", i)
	}
	if page, err := http.Get(i["view_url"].(string)); err != nil || page.StatusCode != http.StatusOK {
		t.Errorf("the page to follow it: %v %v", page, err)
	} else {
		page.Body.Close()
	}
	p.must(http.StatusOK, http.MethodPost, "/v1/invoices", kioskInvoice("K/1"))
	p.must(http.StatusConflict, http.MethodPost, "/v1/invoices", strings.ReplaceAll(kioskInvoice("K/1"), "12.50", "12.60"))

	for kind, begin := range map[string]string{"pdf": "%PDF-", "ofd": "PK", "xml": "<"} {
		resp, file := p.file("/v1/invoices/K%2F1/file?type=" + kind)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/"+kind || !strings.HasPrefix(file, begin) ||
			!strings.Contains(resp.Header.Get("Content-Disposition"), number+"."+kind) {
			t.Errorf("%s: %d %v %.40q", kind, resp.StatusCode, resp.Header, file)
		}
	}
	for _, tt := range []struct {
		fault  sandbox.Fault
		status int
	}{
		{sandbox.Fault{Interface: "2.15", Kind: sandbox.FaultRefuse, Code: "8041", Msg: "发票未开具"}, http.StatusConflict},
		{sandbox.Fault{Interface: "2.15", Kind: sandbox.FaultRefuse, Code: "8042", Msg: "非电子发票"}, http.StatusConflict},
		{sandbox.Fault{Interface: "2.15", Kind: sandbox.FaultRefuse, Code: "8043", Msg: "转换失败"}, http.StatusServiceUnavailable},
		{sandbox.Fault{Interface: "2.15", Kind: sandbox.FaultRefuse, Code: "8003", Msg: "发票不存在"}, http.StatusNotFound},
		{sandbox.Fault{Interface: "2.15", Kind: sandbox.FaultRefuse, Code: "9998", Msg: "平台编码不存在"}, http.StatusServiceUnavailable},
		{sandbox.Fault{Interface: "2.15", Kind: sandbox.FaultBadSignature}, http.StatusServiceUnavailable},
	} {
		if err := platform.SetFault(tt.fault); err != nil {
			t.Fatal(err)
		}
		if resp, body := p.file("/v1/invoices/K%2F1/file"); resp.StatusCode != tt.status || !strings.Contains(body, tt.fault.Msg) {
			t.Errorf("%+v: %d %s", tt.fault, resp.StatusCode, body)
		}
		platform.ClearFaults()
	}

	p.must(http.StatusCreated, http.MethodPost, "/v1/sales/K%2F1/refunds", `{"refund_id":"R1"}`)
	p.until("/v1/refunds/R1", "done", is("done"))
	p.until("/v1/invoices/K%2F1", "red_flushed", is("red_flushed"))
	if got := invoices(t, platform)["K/1"]; !slices.Equal(got, []string{"blue 12.50 0000", "red -12.50 0000"}) {
		t.Errorf("the ledger has %v", got)
	}
}

// A tax account that must log in stops issuing, with one alert that names it;
// the person logs in through the local API, and everything goes on by itself.
func TestKioskLogin(t *testing.T) {
	platform, p := kiosk(t, func(*config.Config) {})
	accounts := p.must(http.StatusOK, http.MethodGet, "/v1/accounts", "")["accounts"].([]any)
	account := "/v1/accounts/" + sandbox.DefaultAccount
	if len(accounts) != 2 || field(accounts[0].(map[string]any), "login") != "ok" || p.must(http.StatusOK, http.MethodGet, account, "")["auth"] != "ok" {
		t.Fatalf("at first the accounts are %v", accounts)
	}
	if err := platform.SetAccount("", false, true); err != nil {
		t.Fatal(err)
	}
	p.must(http.StatusCreated, http.MethodPost, "/v1/invoices?wait=10s", kioskInvoice("K1"))
	p.until("/v1/invoices/K1", "auth_required", is("auth_required"))
	p.must(http.StatusCreated, http.MethodPost, "/v1/invoices", kioskInvoice("K2"))
	alerts := p.until("/v1/alerts?active=true", "one that names the account", func(a map[string]any) bool {
		list := a["alerts"].([]any)
		return len(list) == 1 && strings.HasSuffix(fmt.Sprint(list[0].(map[string]any)["account"]), "0001")
	})["alerts"].([]any)
	alert := alerts[0].(map[string]any)
	if alert["kind"] != "auth_required" || strings.Contains(fmt.Sprint(alert), sandbox.DefaultAccount) {
		t.Errorf("the alert is %v", alert)
	}
	if acked := p.must(http.StatusOK, http.MethodPost, fmt.Sprintf("/v1/alerts/%v/ack", alert["id"]), "{}"); acked["acked_at"] == nil {
		t.Errorf("acknowledged: %v", acked)
	}

	// The code by SMS, and one wrong try.
	if sent := p.must(http.StatusOK, http.MethodPost, account+"/sms-code", "{}"); sent["phone"] == "" || sent["phone"] == sandbox.DefaultAccount {
		t.Errorf("the code was sent to %v", sent)
	}
	p.must(http.StatusTooManyRequests, http.MethodPost, account+"/sms-code", "{}")
	code := platform.SMSCodes()[0].Code
	wrong := "0000"
	if refused := p.must(http.StatusUnprocessableEntity, http.MethodPost, account+"/login", `{"code":"`+wrong+`"}`); field(refused["fields"].([]any)[0].(map[string]any), "field") != "code" {
		t.Errorf("a wrong code is answered %v", refused)
	}
	if a := p.must(http.StatusOK, http.MethodPost, account+"/login", `{"code":"`+code+`"}`); a["login"] != "ok" || a["auth"] != "needed" {
		t.Errorf("logged in, the account is %v", a)
	}

	// The face check.
	qr := p.must(http.StatusOK, http.MethodPost, account+"/auth-qr", "{}")
	if !strings.HasPrefix(fmt.Sprint(qr["png"]), "data:image/png;base64,") || qr["url"] == "" || qr["expires_at"] == nil {
		t.Errorf("the face check's code is %v", qr)
	}
	scan := account + "/auth-qr/" + qr["auth_id"].(string)
	for _, step := range []struct {
		move   sandbox.FaceStep
		status string
	}{{"", "waiting"}, {sandbox.FaceScan, "scanned"}, {sandbox.FacePass, "passed"}} {
		if step.move != "" {
			if err := platform.MoveFace(qr["auth_id"].(string), step.move); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.must(http.StatusOK, http.MethodGet, scan, "")["status"]; got != step.status {
			t.Errorf("after %q the face check is %v, want %s", step.move, got, step.status)
		}
	}

	for _, id := range []string{"K1", "K2"} {
		p.until("/v1/invoices/"+id, "invoiced", is("invoiced"))
	}
	p.until("/v1/alerts?active=true", "empty", func(a map[string]any) bool { return len(a["alerts"].([]any)) == 0 })
	p.must(http.StatusCreated, http.MethodPost, "/v1/sales/K1/refunds", `{"refund_id":"R1"}`)
	p.until("/v1/invoices/K1", "red_flushed", is("red_flushed"))
	got := invoices(t, platform)
	if !slices.Equal(got["K1"], []string{"blue 12.50 0000", "red -12.50 0000"}) || !slices.Equal(got["K2"], []string{"blue 12.50 0000"}) {
		t.Errorf("the ledger has %v", got)
	}
	if a := p.must(http.StatusOK, http.MethodPost, account+"/logout", "{}"); a["login"] != "needed" {
		t.Errorf("logged out, the account is %v", a)
	}
}

// An enterprise whose partner was not told the accounts' paths is told which.
func TestKioskWithoutAccountPaths(t *testing.T) {
	_, p := kiosk(t, func(c *config.Config) {
		for _, key := range []string{"account_list", "account_sms_code", "account_auth_status"} {
			delete(c.Piaotong.Endpoints, key)
		}
	})
	for path, key := range map[string]string{"/v1/accounts": "account_list", "/v1/accounts/A": "account_auth_status"} {
		if a := p.must(http.StatusServiceUnavailable, http.MethodGet, path, ""); a["code"] != "platform_unavailable" || !strings.Contains(fmt.Sprint(a["detail"]), key) {
			t.Errorf("%s: %v", path, a)
		}
	}
	if a := p.must(http.StatusServiceUnavailable, http.MethodPost, "/v1/accounts/A/sms-code", "{}"); !strings.Contains(fmt.Sprint(a["detail"]), "account_sms_code") {
		t.Errorf("%v", a)
	}
	p.must(http.StatusCreated, http.MethodPost, "/v1/invoices", kioskInvoice("K1")) // which needs none of them
	p.until("/v1/invoices/K1", "invoiced", is("invoiced"))
}

// TestPlainHTTPIsTold has the warning stand as long as the platform is called
// without TLS.
func TestPlainHTTPIsTold(t *testing.T) {
	_, pos := kiosk(t, func(c *config.Config) { c.Piaotong.AllowHTTP = true })
	as := pos.must(200, "GET", "/v1/alerts", "")["alerts"].([]any)
	if len(as) != 1 || as[0].(map[string]any)["kind"] != "platform_credentials" || !strings.Contains(as[0].(map[string]any)["title"].(string), "http") {
		t.Errorf("alerts %v", as)
	}
}
