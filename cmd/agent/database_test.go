package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/queue"
)

// run carries a command of the binary out and gives its exit status and what
// it said. One that does not end by itself is killed: status -1.
func (p *pos) run(args ...string) (status int, out, errs string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	var said, complained bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, append(args, "--lang", "en")...)
	cmd.Stdout, cmd.Stderr = &said, &complained
	if err := cmd.Run(); cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), said.String(), complained.String()
}

// stopAgent stops the service as a service manager does.
func (a *apart) stopAgent(t *testing.T) {
	t.Helper()
	if err := a.agent.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if got := a.agent.wait(); got != 0 {
		t.Fatalf("a stop exits with %d\n%s", got, a.agent.errors.String())
	}
}

// codesOf counts the QR codes that the platform has for each sale.
func (a *apart) codesOf(t *testing.T) map[string]int {
	t.Helper()
	resp, err := http.Get("http://" + a.platform + "/_sandbox/ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var ledger sandbox.Ledger
	if err := json.NewDecoder(resp.Body).Decode(&ledger); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, q := range ledger.QRs {
		count[q.TradeNo]++
	}
	return count
}

// TestRestoredFromYesterday is R18 on the shipped binary: a copy is made
// beside the running agent, the till goes on, its disk is lost, and the copy is
// restored. Nothing that the till did since is done again.
func TestRestoredFromYesterday(t *testing.T) {
	a := startApart(t)
	backup := filepath.Join(a.dir, "backup.db")
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("done"))
	a.until("/v1/sales/done", "printed", func(s map[string]any) bool { return field(s, "print", "state") == "printed" })
	a.sandbox.kill()
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("waiting"))
	a.until("/v1/sales/waiting", "printed deferred", func(s map[string]any) bool { return field(s, "print", "state") == "printed" })
	a.must(http.StatusAccepted, http.MethodPost, "/v1/sales/waiting/print", `{"job_id":"slip-1","what":"slip"}`)

	if got, out, errs := a.run("backup", "--config", a.config, "--to", backup); got != 0 || !strings.Contains(out, backup) {
		t.Fatalf("backup: %d %s %s", got, out, errs)
	}
	if got, out, errs := a.run("verify", "--config", a.config); got != 0 || !strings.Contains(out, "whole: 2 sales") {
		t.Errorf("verify beside the agent: %d %s %s", got, out, errs)
	}
	if got, _, errs := a.run("restore", "--config", a.config, "--from", backup); got != 1 || !strings.Contains(errs, "stop it first") {
		t.Errorf("restore beside the agent: %d %s", got, errs)
	}

	// The day goes on: the code is fetched and its slip printed.
	a.startSandbox(t)
	a.must(http.StatusAccepted, http.MethodPost, "/v1/sales/waiting/retry", "{}")
	a.until("/v1/print-jobs/slip-1", "printed", func(j map[string]any) bool { return j["state"] == "printed" })
	a.stopAgent(t)
	papers, err := filepath.Glob(filepath.Join(a.dir, "paper", "*.png"))
	if err != nil || len(papers) != 3 {
		t.Fatalf("%d pieces of paper (%v), want two receipts and a slip", len(papers), err)
	}

	got, out, errs := a.run("restore", "--config", a.config, "--from", backup)
	if got != 0 || !strings.Contains(out, "restored 2 sales; numbers start epoch 1") || !strings.Contains(out, "asked about first: 1") {
		t.Fatalf("restore: %d %s %s", got, out, errs)
	}
	a.startAgent(t)
	a.must(http.StatusAccepted, http.MethodPost, "/v1/sales/waiting/retry", "{}")
	a.until("/v1/sales/waiting", "found on the platform", func(s map[string]any) bool { return s["state"] == "qr_ready" })
	a.until("/v1/print-jobs/slip-1", "uncertain", func(j map[string]any) bool { return j["state"] == "uncertain" })
	// A new sale comes out after whatever waits for the printer.
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("next"))
	a.until("/v1/sales/next", "printed", func(s map[string]any) bool { return field(s, "print", "state") == "printed" })
	if papers, err = filepath.Glob(filepath.Join(a.dir, "paper", "*.png")); err != nil || len(papers) != 4 {
		t.Errorf("%d pieces of paper (%v), want the receipt of the next sale alone to be new", len(papers), err)
	}
	codes := a.codesOf(t)
	for _, sale := range []string{"done", "waiting", "next"} {
		if codes[sale] != 1 {
			t.Errorf("the platform has %d codes for %s, want one", codes[sale], sale)
		}
	}
	if got, out, errs := a.run("verify", "--config", a.config, "--json"); got != 0 || !strings.Contains(out, `"problems":[]`) {
		t.Errorf("verify after the restore: %d %s %s", got, out, errs)
	}
}

// startAlone starts an agent without platform and printer.
func startAlone(t *testing.T) *apart {
	t.Helper()
	a := &apart{dir: t.TempDir()}
	a.pos = &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), filepath.Join(a.dir, "data")}
	a.config = filepath.Join(a.dir, "config.toml")
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[backup]\ndir = %q\n", a.data, strings.TrimPrefix(a.url, "http://"), filepath.Join(a.dir, "copies"))
	if err := os.WriteFile(a.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a.startAgent(t)
	return a
}

func TestDamagedDatabase(t *testing.T) {
	a := startAlone(t)
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("S1"))
	backup := filepath.Join(a.dir, "backup.db")
	if got, _, errs := a.run("backup", "--config", a.config, "--to", backup); got != 0 {
		t.Fatal(errs)
	}
	a.stopAgent(t) // what a kill leaves in the -wal would mend most of it
	db := filepath.Join(a.data, "agent.db")
	scrap := bytes.Repeat([]byte("scrap"), 10_000)
	if err := os.WriteFile(db, scrap, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, out, errs := a.run("verify", "--config", a.config); got != 1 || !strings.Contains(out, "✗ not a database of this program") {
		t.Errorf("verify: %d %s %s", got, out, errs)
	}
	for range 2 { // a service manager tries again
		got, _, errs := a.run("run", "--config", a.config)
		if got != 1 || !strings.Contains(errs, "moved to (keep it): "+db+".damaged-") || !strings.Contains(errs, "agent restore --config \""+a.config+"\"") {
			t.Fatalf("a start on a damaged database: %d\n%s", got, errs)
		}
	}
	if _, err := os.Stat(db); !os.IsNotExist(err) {
		t.Errorf("a database was made in its place: %v", err)
	}
	aside, err := filepath.Glob(db + ".damaged-*")
	if err != nil || len(aside) == 0 {
		t.Fatalf("nothing was kept: %v", err)
	}
	if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, scrap) {
		t.Errorf("kept %d bytes, %v", len(kept), err)
	}
	if got, _, errs := a.run("restore", "--config", a.config, "--from", backup); got != 0 {
		t.Fatal(errs)
	}
	a.startAgent(t)
	a.must(http.StatusOK, http.MethodGet, "/v1/sales/S1", "")
	a.stopAgent(t)

	// The other way out.
	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}
	if got, _, errs := a.run("run", "--config", a.config); got != 1 || !strings.Contains(errs, "the file is gone") {
		t.Fatalf("a start without its database: %d\n%s", got, errs)
	}
	a.agent = launch(t, "run", "--config", a.config, "--new-database")
	a.ready()
	a.must(http.StatusNotFound, http.MethodGet, "/v1/sales/S1", "")
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("S2"))
	a.stopAgent(t)
	a.agent = launch(t, "run", "--config", a.config, "--new-database") // left in the service's command line by mistake
	a.ready()
	a.must(http.StatusOK, http.MethodGet, "/v1/sales/S2", "")
}

func TestVerifyNamesTheBrokenEntry(t *testing.T) {
	a := startAlone(t)
	for _, id := range []string{"S1", "S2", "S3"} {
		a.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee(id))
	}
	a.stopAgent(t)
	db := filepath.Join(a.data, "agent.db")
	if got, out, errs := a.run("verify", "--db", db); got != 0 {
		t.Fatalf("%d %s %s", got, out, errs)
	}
	tables, err := sql.Open("sqlite", "file:"+filepath.ToSlash(db))
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	if _, err := tables.Exec("UPDATE journal SET digest = 'x' WHERE seq = 2"); err != nil {
		t.Fatal(err)
	}
	if got, out, _ := a.run("verify", "--db", db); got != 1 || !strings.Contains(out, "✗ the journal's hash chain is broken: entry 2") {
		t.Errorf("%d %s", got, out)
	}
	var report queue.Report
	got, out, errs := a.run("verify", "--db", db, "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || got != 1 || len(report.Problems) == 0 || report.Problems[0].Seq != 2 {
		t.Errorf("%d %+v %v %s", got, report, err, errs)
	}
}
