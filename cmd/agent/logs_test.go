package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong/sandbox"
)

// moveOf names the move of an entry of the journal, and of a line of the log, in
// the same way; "" for what is no move of a sale, a refund or a print.
func moveOf(journalKind, msg, event string) string {
	switch {
	case journalKind == "SaleAccepted" || msg == "sale accepted":
		return "sale accepted"
	case journalKind == "RefundAccepted" || msg == "refund accepted":
		return "refund accepted"
	case journalKind == "Print" || msg == "print moved":
		return "print"
	case msg == "sale moved":
		return event
	case msg != "", journalKind == "Called", journalKind == "AlertAcked":
		return ""
	}
	return journalKind
}

// TestOneLinePerMove: each move of a sale, a refund or a print that the journal
// has is one line of the log, with the sale; and nothing in it is anybody's
// business.
func TestOneLinePerMove(t *testing.T) {
	a := startApart(t)
	withBuyer := fmt.Sprintf(`{"sale_id":"L-1","total":"12.50","invoice":"direct","items":[{"name":"拿铁咖啡","amount":12.50,"tax_code":"3070401000000000000","tax_rate":"0.06"}],
		"buyer":{"name":%q,"tax_no":%q,"phone":%q,"mobile":%q,"email":%q}}`, secretBuyer, secretTaxNo, secretPhone, secretMobile, secretMail)
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales", withBuyer)
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("L-2"))
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("L-3"))
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales/L-2/refunds", `{"refund_id":"LR-2"}`)
	a.until("/v1/sales/L-1", "invoiced", func(s map[string]any) bool { return s["state"] == "invoiced" })
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales/L-1/refunds", `{"refund_id":"LR-1"}`)
	for _, id := range []string{"LR-1", "LR-2"} {
		a.until("/v1/refunds/"+id, "done", func(r map[string]any) bool { return r["state"] == "done" })
	}
	for _, id := range []string{"L-1", "L-2", "L-3"} {
		a.until("/v1/sales/"+id, "printed", func(s map[string]any) bool { return field(s, "print", "state") == "printed" })
	}
	if err := a.agent.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	a.agent.wait()
	cfg, err := config.Load(a.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(logFile(cfg))
	if err != nil {
		t.Fatal(err)
	}

	logged := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var l struct{ Time, Level, Msg, Sale, Event string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Level == "" || l.Msg == "" {
			t.Fatalf("a line that is no JSON of slog: %v %s", err, line)
		}
		if _, err := time.Parse(time.RFC3339Nano, l.Time); err != nil {
			t.Errorf("%v", err)
		}
		if move := moveOf("", l.Msg, l.Event); move != "" {
			if l.Sale == "" {
				t.Errorf("a move without its sale: %s", line)
			}
			logged[l.Sale+" "+move]++
		}
	}
	_, journal, _ := command(t, "", nil, "export", "--config", a.config, "--what", "journal", "--format", "jsonl")
	moved := map[string]int{}
	for line := range strings.Lines(journal) {
		var e struct{ Kind, Sale string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if move := moveOf(e.Kind, "", ""); move != "" && e.Sale != "" {
			moved[e.Sale+" "+move]++
		}
	}
	if !maps.Equal(logged, moved) || len(moved) < 15 {
		t.Errorf("the log has\n%v\nthe journal\n%v", logged, moved)
	}

	token, err := os.ReadFile(ownTokenFile(cfg))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(cfg.Piaotong.PrivateKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text) + a.agent.errors.String()
	for _, s := range []string{strings.TrimSpace(string(token)), cfg.Piaotong.DES3Key.Reveal(), strings.Split(string(key), "\n")[1], cfg.Piaotong.TaxpayerNum,
		secretBuyer, secretTaxNo, secretPhone, secretMobile, secretMail, sandbox.DefaultAccount} {
		if strings.Contains(all, s) {
			t.Errorf("the log has %q", s)
		}
	}
	if found := personal.FindString(regexp.MustCompile(`http://[^ "\\]*`).ReplaceAllString(all, "")); found != "" {
		t.Errorf("the log has %q, which looks like somebody's", found)
	}

	// agent logs shows the same.
	code, out, errs := command(t, "", nil, "logs", "--config", a.config, "--sale", "L-2", "--lines", "3")
	if code != 0 || strings.Count(out, "\n") != 3 || !strings.Contains(out, "sale=L-2") || strings.Contains(out, "{") {
		t.Errorf("logs: exit status %d: %s%s", code, out, errs)
	}
	code, out, errs = command(t, "", nil, "logs", "--config", a.config, "--json", "--lines", "10000")
	if code != 0 || out != string(text) {
		t.Errorf("logs --json: exit status %d, %d bytes of %d: %s", code, len(out), len(text), errs)
	}
	if code, _, _ := command(t, "", nil, "logs", "--config", a.config, "--lines", "0"); code != 2 {
		t.Errorf("no lines: exit status %d", code)
	}
}

// TestLastLinesAcrossFiles: the last lines are there when the file was begun a
// moment ago.
func TestLastLinesAcrossFiles(t *testing.T) {
	cfg := newLogConfig(t)
	if lines, err := lastLines(cfg)(supportLog); err != nil || len(lines) != 0 {
		t.Errorf("before the first line: %d %v", len(lines), err)
	}
	log, file, err := openLog(cfg, io.Discard, "error")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		log.Info("old", "i", i)
	}
	for range logMB {
		log.Info(strings.Repeat("x", 1<<20)) // the last of them begins a new file
	}
	for i := range 20 {
		log.Info("new", "i", i)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	rotatedPacked(t, cfg) // on Windows a reader keeps the file that is being compressed from being deleted
	lines, err := lastLines(cfg)(25)
	if err != nil || len(lines) < 20 || !strings.Contains(string(lines[len(lines)-1]), `"i":19`) {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

// rotatedPacked waits until what was rotated is compressed, which goes on after Close.
func rotatedPacked(t *testing.T, cfg *config.Config) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		rotated, err := filepath.Glob(filepath.Join(logDir(cfg), "agent-*.log"))
		if err != nil {
			t.Fatal(err)
		}
		if len(rotated) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%v are not compressed", rotated)
		}
	}
}

// TestLastLinesOfSmallFiles has the files as a rotation by hand leaves them.
func TestLastLinesOfSmallFiles(t *testing.T) {
	cfg := newLogConfig(t)
	dir := logDir(cfg)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "agent-2026-11-23T04-00-00.000.log")
	if err := os.WriteFile(old, []byte(strings.Repeat("{\"msg\":\"old\"}\n", 300)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(logFile(cfg), []byte("{\"msg\":\"new\"}\nnot JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, compressed := range []bool{false, true} {
		if compressed {
			gzipFile(t, old)
		}
		lines, err := lastLines(cfg)(supportLog)
		if err != nil || len(lines) != supportLog || !strings.Contains(string(lines[supportLog-1]), "new") || !strings.Contains(string(lines[supportLog-2]), "old") {
			t.Errorf("compressed %v: %d lines, %v", compressed, len(lines), err)
		}
	}
}

// gzipFile compresses a file as the rotation does.
func gzipFile(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
}
