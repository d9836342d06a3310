package main

import (
	"archive/zip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
)

// The buyer of the sale that must not get into a file for support.
const (
	secretBuyer  = "购买方名称秘密公司"
	secretTaxNo  = "91110105MA01ABCD7X"
	secretPhone  = "010-65432198"
	secretMobile = "13912345678"
	secretMail   = "geheim.buyer@example.com"
)

// TestExportAndSupport rings up sales with a buyer, and reads what comes out.
func TestExportAndSupport(t *testing.T) {
	a := startApart(t)
	withBuyer := fmt.Sprintf(`{"sale_id":"B-1","total":"12.50","cashier":"=1+1","invoice":"direct","items":[{"name":"拿铁咖啡","amount":12.50,"tax_code":"3070401000000000000","tax_rate":"0.06"}],
		"buyer":{"name":%q,"tax_no":%q,"phone":%q,"mobile":%q,"email":%q,"address":"北京市某路1号","bank":"某银行","account":"6222000012345678"}}`, secretBuyer, secretTaxNo, secretPhone, secretMobile, secretMail)
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales", withBuyer)
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("S-1"))
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales/S-1/refunds", `{"refund_id":"R-1"}`)
	a.until("/v1/sales/B-1", "invoiced", func(s map[string]any) bool { return s["state"] == "invoiced" })
	a.until("/v1/refunds/R-1", "done", func(r map[string]any) bool { return r["state"] == "done" })

	personal := []string{secretBuyer, secretTaxNo, secretPhone, secretMobile, secretMail, "6222000012345678", "某路1号"}
	none := func(where, text string, more ...string) {
		t.Helper()
		for _, p := range append(more, personal...) {
			if strings.Contains(text, p) {
				t.Errorf("%s has %q", where, p)
			}
		}
	}

	t.Run("csv", func(t *testing.T) {
		for what, want := range map[string]string{"sales": "S-1", "refunds": "R-1", "invoices": "B-1", "journal": "SaleAccepted"} {
			code, out, errs := command(t, "", nil, "export", "--config", a.config, "--what", what, "--from", "2020-01-01", "--to", "2099-12-31")
			text, bom := strings.CutPrefix(out, "\ufeff")
			rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if code != 0 || !bom || err != nil || len(rows) < 2 || len(rows[0]) != len(exports[what].columns) || !strings.Contains(out, want) {
				t.Errorf("%s: exit status %d, %v: %s %s", what, code, err, out, errs)
			}
			none(what, out)
		}
		_, out, _ := command(t, "", nil, "export", "--config", a.config)
		if !strings.Contains(out, "'=1+1") || !strings.Contains(out, ",12.50,") {
			t.Errorf("a formula of the POS, or an amount: %s", out)
		}
		if _, out, _ := command(t, "", nil, "export", "--config", a.config, "--to", "2020-01-01"); strings.Count(out, "\n") != 1 {
			t.Errorf("of years without sales: %s", out)
		}
	})
	t.Run("jsonl", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "all.jsonl")
		code, _, errs := command(t, "", nil, "export", "--config", a.config, "--format", "jsonl", "--out", file)
		text, err := os.ReadFile(file)
		if code != 0 || err != nil {
			t.Fatalf("exit status %d: %v %s", code, err, errs)
		}
		types := map[string]int{}
		for l := range strings.Lines(string(text)) {
			var row map[string]any
			if err := json.Unmarshal([]byte(l), &row); err != nil {
				t.Fatalf("%v: %s", err, l)
			}
			types[fmt.Sprint(row["type"])]++
			if row["type"] == "sale" && row["total"] != "12.50" {
				t.Errorf("an amount: %s", l)
			}
		}
		if types["sale"] != 2 || types["refund"] != 1 || types["invoice"] != 1 || types["journal"] < 5 {
			t.Errorf("%v", types)
		}
		none("jsonl", string(text))
	})
	for _, args := range [][]string{{"--from", "1.11.2026"}, {"--format", "xml"}, {"--what", "buyers"}} {
		if code, _, _ := command(t, "", nil, append([]string{"export", "--config", a.config}, args...)...); code != 2 {
			t.Errorf("%v: exit status %d", args, code)
		}
	}
	t.Run("support", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "support.zip")
		code, _, errs := command(t, "", nil, "support", "--config", a.config, "--out", file)
		if code != 0 {
			t.Fatalf("exit status %d: %s", code, errs)
		}
		z, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		cfg, err := config.Load(a.config, nil)
		if err != nil {
			t.Fatal(err)
		}
		token, err := os.ReadFile(ownTokenFile(cfg))
		if err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(cfg.Piaotong.PrivateKeyFile)
		if err != nil {
			t.Fatal(err)
		}
		secrets := []string{cfg.Piaotong.DES3Key.Reveal(), strings.TrimSpace(string(token)), strings.Split(string(key), "\n")[1], cfg.Piaotong.TaxpayerNum, cfg.Piaotong.EnterpriseName, sandbox.DefaultAccount}
		held := map[string]string{}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			held[f.Name] = string(text)
			none(f.Name, string(text), secrets...)
		}
		for name, want := range map[string]string{"version.json": `"go"`, "doctor.json": `"service_running": true`, "config.json": `"DES3Key": "[secret]"`, "agent.log": "agent started", "journal.jsonl": "SaleAccepted"} {
			if !strings.Contains(held[name], want) {
				t.Errorf("%s has no %q:\n%.2000s", name, want, held[name])
			}
		}
	})
}

func TestSupportWithABrokenConfiguration(t *testing.T) {
	dir := t.TempDir()
	path, file := filepath.Join(dir, "config.toml"), filepath.Join(dir, "support.zip")
	if err := os.WriteFile(path, []byte("[piaotong]\ndes3_key = \"too-short-but-secret\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command(t, "", nil, "support", "--config", path, "--out", file); code != 0 {
		t.Fatalf("exit status %d: %s", code, errs)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); err != nil || strings.Contains(string(text), "too-short-but-secret") {
			t.Errorf("%s: %v %s", f.Name, err, text)
		}
	}
}

// TestScrubHidesSecrets: what the configuration has is hidden wherever it stands.
func TestScrubHidesSecrets(t *testing.T) {
	cfg := newLogConfig(t)
	cfg.Piaotong.TaxpayerNum, cfg.Piaotong.EnterpriseName, cfg.Piaotong.CashierName = "91110108SANDBOX01X", "某某公司", "王小明"
	cfg.Piaotong.DES3KeyNext = "the-next-key-of-24-chars"
	cfg.API.Tokens = []config.Token{{Name: "pos", Role: "pos", Token: "a-token-of-the-configuration-abc"}}
	const text = "%s 91110108SANDBOX01X 某某公司 王小明 the-next-key-of-24-chars a-token-of-the-configuration-abc"
	if got := string(newScrubber(cfg).scrub([]byte(text))); got != "%s"+strings.Repeat(" [hidden]", 5) {
		t.Errorf("it becomes %s", got)
	}
}

// TestExportedDays: both days are Beijing's, and the last one is included.
func TestExportedDays(t *testing.T) {
	for later, want := range []string{"2026-11-30T00:00:00+08:00", "2026-12-01T00:00:00+08:00"} {
		if got, err := dayOf("2026-11-30", later); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%d days later: %v %v", later, got, err)
		}
	}
}

func TestNoFormula(t *testing.T) {
	for text, want := range map[string]string{"": "", "S-1": "S-1", "=1+1": "'=1+1", "+1": "'+1", "-1+cmd": "'-1+cmd", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1"} {
		if got := noFormula(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// TestOwnPrint: a copy that somebody asked for, a refund's slip and the kitchen's
// ticket say nothing of the sale's own receipt.
func TestOwnPrint(t *testing.T) {
	r := &queue.Record{Prints: []queue.Print{{RefundID: "R-1", State: trade.PrintPrinted}, {Asked: true, State: trade.PrintPrinted}, {Paper: trade.PaperTicket, State: trade.PrintPrinted}}}
	if got := ownPrint(r); got != string(queue.PrintNone) {
		t.Errorf("without one: %s", got)
	}
	r.Prints = append(r.Prints, queue.Print{Paper: trade.PaperReceipt, State: trade.PrintHeld})
	if got := ownPrint(r); got != string(trade.PrintHeld) {
		t.Errorf("held: %s", got)
	}
}

func TestScrub(t *testing.T) {
	s := newScrubber(nil)
	for text, want := range map[string]string{
		"手机13912345678。":           "手机[hidden]。",
		"tel 010-65432198":         "tel [hidden]",
		"a.b+c@example.com, 12:00": "[hidden], 12:00",
		"91110105MA01ABCD7X":       "[hidden]",
		"DEMO0000000000000001":     "DEMO0000000000000001", // a number of ours
		"2026-11-23T10:00:00.123":  "2026-11-23T10:00:00.123",
	} {
		if got := string(s.scrub([]byte(text))); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}
