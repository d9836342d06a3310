package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/printer/paper"
	"tillagent/receipt"
)

// printed is a paper printer over TCP and what comes out of it.
type printed struct {
	*paper.Printer
	t        *testing.T
	port     string
	receipts chan paper.Receipt
}

func newPrinted(t *testing.T) *printed {
	t.Helper()
	p := &printed{t: t, receipts: make(chan paper.Receipt, 50)}
	var err error
	if p.Printer, err = paper.New(paper.Options{OnReceipt: func(r paper.Receipt) { p.receipts <- r }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	addr, err := p.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = "tcp://" + addr.String()
	return p
}

// next waits for paper and looks whether these texts are on it.
func (p *printed) next(texts ...string) paper.Receipt {
	p.t.Helper()
	select {
	case r := <-p.receipts:
		for _, text := range texts {
			if !strings.Contains(r.Text, text) {
				p.t.Errorf("no %q on the paper:\n%s", text, r.Text)
			}
		}
		return r
	case <-time.After(time.Minute):
		p.t.Fatal("nothing is printed")
		return paper.Receipt{}
	}
}

// TestPrintingForThePOS prints, by calls of the local API alone, what a POS laid
// out, with and without a sale, and opens the drawer.
func TestPrintingForThePOS(t *testing.T) {
	p := newPrinted(t)
	dir := t.TempDir()
	models := filepath.Join(dir, "models.toml")
	if err := os.WriteFile(models, []byte("[[model]]\nname = \"counter\"\nbase = \"generic-58\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	template := filepath.Join(dir, "template.toml")
	if err := os.WriteFile(template, []byte("[words]\nsale = \"流水\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, pos := kiosk(t, func(c *config.Config) {
		c.Printer.Port, c.Printer.Drawer, c.Printer.Profile, c.Printer.Profiles = p.port, "pin2", "counter", models
		c.Receipt.Template, c.Receipt.QRWait = template, 10*time.Second
	})
	with := func(print string) string { return strings.Replace(coffee("S1"), "{", `{"print":`+print+`,`, 1) }
	if a := pos.must(422, "POST", "/v1/sales", with(`{"mode":"lines","lines":[{"columns":[{"text":"a","width":33}]}]}`)); !strings.HasPrefix(a["detail"].(string), "print.lines[0].columns[0].width") {
		t.Errorf("58 mm paper has 32 columns: %v", a)
	}
	pos.must(201, "POST", "/v1/sales", with(`{"mode":"lines","open_drawer":true,"lines":[{"text":"自家小票"},{"cut":"partial"}]}`))
	r := p.next("自家小票", "扫码自助开具电子发票", "凭证码 ")
	if len(r.QRs) != 1 || r.DrawerKicks != 1 {
		t.Errorf("QR codes %v, %d pulses", r.QRs, r.DrawerKicks)
	}
	key, err := os.ReadFile(filepath.Join(pos.data, "voucher.key"))
	if code := receipt.Vouchers(key)("S1"); err != nil || !strings.Contains(r.Text, code[:4]+"-"+code[4:]) {
		t.Errorf("the voucher %s is not on the paper (%v):\n%s", code, err, r.Text)
	}
	if info, err := os.Stat(filepath.Join(pos.data, "voucher.key")); err != nil || len(key) != 32 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("voucher.key: %d bytes, %v, %v", len(key), info, err)
	}
	for _, form := range []struct{ name, kind, text string }{{"txt", "text/plain; charset=utf-8", "自家小票"}, {"svg", "image/svg+xml", "<svg"}, {"png", "image/png", "PNG"}} {
		resp, text := pos.file("/v1/sales/S1/receipt." + form.name)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != form.kind || !strings.Contains(text, form.text) {
			t.Errorf("receipt.%s: %d %s %.80s", form.name, resp.StatusCode, resp.Header.Get("Content-Type"), text)
		}
	}
	raw := base64.StdEncoding.EncodeToString([]byte("\x1b@KITCHEN 7\n\x1dV\x00"))
	pos.must(202, "POST", "/v1/print", `{"job_id":"K1","raw":"`+raw+`"}`)
	if r := p.next("KITCHEN 7"); len(r.QRs) != 0 {
		t.Errorf("QR codes %v", r.QRs)
	}
	pos.until("/v1/print-jobs/K1", "printed", func(j map[string]any) bool { return j["state"] == "printed" })
	if a := pos.must(202, "POST", "/v1/drawer/open", "{}"); a["state"] != "printed" || p.State().DrawerKicks != 2 {
		t.Errorf("%v, %d pulses", a, p.State().DrawerKicks)
	}
	if a := pos.must(200, "GET", "/v1/printer", ""); a["state"] != "ready" || a["model"] != "counter" || a["confirm"] != "process_id" || a["last_seen"] == nil {
		t.Errorf("%v", a)
	}
	pos.must(201, "POST", "/v1/sales", strings.Replace(coffee("S2"), "{", `{"invoice":"none",`, 1))
	p.next("流水 S2")

	p.SetFaults(paper.Faults{PaperOut: true})
	if a := pos.must(503, "POST", "/v1/drawer/open", "{}"); a["code"] != "printer_unavailable" {
		t.Errorf("%v", a)
	}
	pos.must(202, "POST", "/v1/print", `{"job_id":"K2","lines":[{"text":"later"}]}`)
	pos.until("/v1/print-jobs/K2", "held", func(j map[string]any) bool { return j["state"] == "held" && j["reason"] == "paper_out" })
	pos.must(200, "DELETE", "/v1/print-jobs/K2", "{}")
	p.SetFaults(paper.Faults{})
	if p.State().DrawerKicks != 2 {
		t.Error("the drawer opened later by itself")
	}
}

// TestTrainingOnPaper rings up practice: nothing goes to the platform, and all
// paper says what it is.
func TestTrainingOnPaper(t *testing.T) {
	p := newPrinted(t)
	platform, pos := kiosk(t, func(c *config.Config) { c.Printer.Port, c.Receipt.Training = p.port, true })
	const mark = "练习单 不可开票 不作凭证"
	if a := pos.must(201, "POST", "/v1/sales", coffee("S1")); a["state"] != "recorded" || a["training"] != true {
		t.Errorf("%v", a)
	}
	if r := p.next(mark, "拿铁咖啡"); len(r.QRs) != 0 || strings.Contains(r.Text, "凭证码") {
		t.Errorf("QR codes %v:\n%s", r.QRs, r.Text)
	}
	pos.must(201, "POST", "/v1/sales/S1/refunds", `{"refund_id":"R1"}`)
	p.next(mark, "退货单")
	pos.must(202, "POST", "/v1/sales/S1/print", `{"job_id":"J1"}`)
	p.next(mark, "*** 重打 第2次 ***")
	pos.must(202, "POST", "/v1/print", `{"job_id":"K1","lines":[{"text":"厨打"},{"cut":"partial"}]}`)
	p.next(mark, "厨打")
	if a := pos.must(201, "POST", "/v1/invoices", kioskInvoice("I1")); a["state"] != "recorded" {
		t.Errorf("%v", a)
	}
	p.next(mark)
	l, err := platform.Ledger()
	if err != nil || len(l.Calls) != 0 {
		t.Errorf("the platform was called: %v, %v", l.Calls, err)
	}
}

func TestBrokenTemplate(t *testing.T) {
	p := newPrinted(t)
	template := filepath.Join(t.TempDir(), "template.toml")
	if err := os.WriteFile(template, []byte("order = [\"claim\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, pos := kiosk(t, func(c *config.Config) { c.Printer.Port, c.Receipt.Template = p.port, template })
	as := pos.must(200, "GET", "/v1/alerts", "")["alerts"].([]any)
	if len(as) != 1 || as[0].(map[string]any)["kind"] != "printer" || !strings.Contains(as[0].(map[string]any)["detail"].(string), "order") {
		t.Errorf("alerts %v", as)
	}
	pos.must(201, "POST", "/v1/sales", coffee("S1"))
	p.next("拿铁咖啡", "单号 S1")
}

// TestWhyThePrinterIsAway has the alert tell what the port said.
func TestWhyThePrinterIsAway(t *testing.T) {
	_, pos := kiosk(t, func(c *config.Config) { c.Printer.Port = fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t)) })
	pos.must(201, "POST", "/v1/sales", coffee("S1"))
	pos.until("/v1/alerts", "an alert", func(a map[string]any) bool { return len(a["alerts"].([]any)) > 0 })
	a := pos.must(200, "GET", "/v1/alerts", "")["alerts"].([]any)[0].(map[string]any)
	if a["kind"] != "printer" || !strings.Contains(a["detail"].(string), "refused") {
		t.Errorf("%v; want what the port said", a)
	}
}
