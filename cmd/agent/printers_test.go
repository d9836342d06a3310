package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillagent/cmd/agent/config"
	"tillagent/printer/paper"
)

// kitchenOf is a further printer of a configuration.
func kitchenOf(c *config.Config, p *printed) config.Printer {
	kitchen := c.Printer
	kitchen.Name, kitchen.Port, kitchen.Drawer = "kitchen", p.port, "none"
	return kitchen
}

// TestTwoPrinters: what names the kitchen's printer comes out there, all else at
// the counter, and neither waits for the other.
func TestTwoPrinters(t *testing.T) {
	counter, kitchen := newPrinted(t), newPrinted(t)
	_, pos := kiosk(t, func(c *config.Config) {
		c.Printers = []config.Printer{kitchenOf(c, kitchen)}
		c.Printers[0].Paper, c.Printers[0].Tickets = "58mm", true
		c.Printer.Port, c.Printer.Drawer = counter.port, "pin2"
	})
	pos.must(202, "POST", "/v1/print", `{"job_id":"K1","printer":"kitchen","lines":[{"text":"桌号 7"},{"cut":"partial"}]}`)
	kitchen.next("桌号 7")
	if a := pos.must(422, "POST", "/v1/print", `{"job_id":"K2","printer":"kitchen","lines":[{"columns":[{"text":"a","width":33}]}]}`); !strings.HasPrefix(a["detail"].(string), "lines[0].columns[0].width") {
		t.Errorf("58 mm paper has 32 columns: %v", a)
	}
	if a := pos.must(422, "POST", "/v1/print", `{"job_id":"K2","printer":"bar","raw":"YQ=="}`); !strings.Contains(a["detail"].(string), "receipt, kitchen") {
		t.Errorf("%v", a)
	}

	// A sale: the receipt at the counter, the ticket in the kitchen, without prices.
	pos.must(201, "POST", "/v1/sales", strings.Replace(coffee("S1"), "{", `{"register":"R2",`, 1))
	if r := kitchen.next("拿铁咖啡", "S1", "R2"); strings.Contains(r.Text, "12.50") || len(r.QRs) != 0 {
		t.Errorf("QR codes %v:\n%s", r.QRs, r.Text)
	}
	counter.next("拿铁咖啡", "12.50")
	pos.must(202, "POST", "/v1/sales/S1/print", `{"job_id":"T2","what":"ticket","printer":"kitchen"}`)
	kitchen.next("拿铁咖啡", "*** 重打 第2次 ***")
	pos.must(202, "POST", "/v1/drawer/open", "{}")
	if a := pos.must(503, "POST", "/v1/drawer/open", `{"printer":"kitchen"}`); a["code"] != "printer_unavailable" {
		t.Errorf("%v", a)
	}
	if n := counter.State().DrawerKicks; n != 1 || kitchen.State().DrawerKicks != 0 {
		t.Errorf("%d pulses at the counter, %d in the kitchen", n, kitchen.State().DrawerKicks)
	}

	// The kitchen has no paper: receipts go on.
	kitchen.SetFaults(paper.Faults{PaperOut: true})
	pos.must(201, "POST", "/v1/sales", coffee("S2"))
	counter.next("S2")
	pos.until("/v1/print-jobs/sale:S2@kitchen", "held", func(j map[string]any) bool { return j["state"] == "held" && j["reason"] == "paper_out" })
	pos.until("/v1/sales/S2", "printed", func(s map[string]any) bool { return field(s, "print", "state") == "printed" })
	all := pos.until("/v1/printers", "known", func(a map[string]any) bool {
		return a["printers"].([]any)[1].(map[string]any)["state"] == "paper_out"
	})["printers"].([]any)
	first, second := all[0].(map[string]any), all[1].(map[string]any)
	if len(all) != 2 || first["name"] != "receipt" || first["state"] != "ready" || second["name"] != "kitchen" || second["model"] != "generic-58" || second["jobs_waiting"] != 1.0 {
		t.Errorf("%v", all)
	}
	as := pos.must(200, "GET", "/v1/alerts?active=true", "")["alerts"].([]any)
	if len(as) != 1 || !strings.Contains(as[0].(map[string]any)["title"].(string), "kitchen") {
		t.Errorf("alerts %v", as)
	}
	kitchen.SetFaults(paper.Faults{})
	kitchen.next("S2")
	pos.until("/v1/alerts?active=true", "over", func(a map[string]any) bool { return len(a["alerts"].([]any)) == 0 })
	if status := pos.must(200, "GET", "/v1/status", ""); len(status["printers"].([]any)) != 2 || field(status, "printer", "port") != counter.port {
		t.Errorf("%v", status)
	}
}

// TestPrinterTakenOut: the built agent is restarted without its kitchen printer;
// what waited for it is kept and told, by doctor too, and printed once it is back.
func TestPrinterTakenOut(t *testing.T) {
	kitchen := newPrinted(t)
	dir := t.TempDir()
	p := &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), filepath.Join(dir, "data")}
	base := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\nport = \"paper:receipts\"\n", p.data, strings.TrimPrefix(p.url, "http://"))
	with := base + fmt.Sprintf("[[printers]]\nname = \"kitchen\"\nport = %q\n", kitchen.port)
	path := filepath.Join(dir, "config.toml")
	run1 := func(text string) *process {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		agent := launch(t, "run", "--config", path)
		p.ready()
		return agent
	}
	ask := func() (int, string) {
		t.Helper()
		var out bytes.Buffer
		code := run([]string{"doctor", "--config", path, "--lang", "en"}, &out, &out)
		return code, out.String()
	}
	agent := run1(with)
	kitchen.SetFaults(paper.Faults{PaperOut: true})
	for _, id := range []string{"K1", "K2", "K3"} {
		p.must(http.StatusAccepted, "POST", "/v1/print", fmt.Sprintf(`{"job_id":%q,"printer":"kitchen","lines":[{"text":%q},{"cut":"partial"}]}`, id, "order "+id))
	}
	p.until("/v1/print-jobs/K1", "held", is("held"))
	if code, text := ask(); code != 1 || !strings.Contains(text, "✗ printer: kitchen: out of paper") || !strings.Contains(text, "✓ printer: prints into files") {
		t.Errorf("exit status %d\n%s", code, text)
	}
	agent.kill()

	agent = run1(base)
	for _, id := range []string{"K1", "K2", "K3"} {
		if j := p.must(200, "GET", "/v1/print-jobs/"+id, ""); j["state"] != "held" || j["reason"] != "not_configured:kitchen" || j["printer"] != "kitchen" {
			t.Errorf("%v", j)
		}
	}
	as := p.must(200, "GET", "/v1/alerts?active=true", "")["alerts"].([]any)
	if len(as) != 1 || !strings.Contains(as[0].(map[string]any)["title"].(string), "kitchen") {
		t.Errorf("alerts %v", as)
	}
	const waits = "✗ printer: kitchen is not in the configuration, and 3 print jobs wait for it"
	if code, text := ask(); code != 1 || !strings.Contains(text, waits) {
		t.Errorf("exit status %d\n%s", code, text)
	}
	agent.kill()
	if code, text := ask(); code != 1 || !strings.Contains(text, waits) {
		t.Errorf("with the service stopped: exit status %d\n%s", code, text)
	}

	kitchen.SetFaults(paper.Faults{})
	run1(with)
	for _, id := range []string{"K1", "K2", "K3"} {
		kitchen.next("order " + id)
	}
	p.until("/v1/print-jobs/K3", "printed", is("printed"))
	p.until("/v1/alerts?active=true", "over", func(a map[string]any) bool { return len(a["alerts"].([]any)) == 0 })
	if code, text := ask(); strings.Contains(text, waits) || !strings.Contains(text, "✓ printer: kitchen: answers, state ready (as the service tells)") {
		t.Errorf("exit status %d\n%s", code, text)
	}
}

// TestDoctorAndPrintTestOfAFurtherPrinter: without the service, each printer is
// looked at by itself, and a test page goes to the one that is named.
func TestDoctorAndPrintTestOfAFurtherPrinter(t *testing.T) {
	c := newClinic(t)
	kitchen := newPrinted(t)
	c.text += fmt.Sprintf("[[printers]]\nname = \"kitchen\"\nport = %q\n", kitchen.port)
	if code, d := c.doctor(); code != 0 || !d.OK {
		t.Errorf("exit status %d: %+v", code, d)
	}
	kitchen.SetFaults(paper.Faults{CoverOpen: true})
	code, d := c.doctor()
	var failed []finding
	for _, f := range d.Findings {
		if f.Verdict == verdictFailed {
			failed = append(failed, f)
		}
	}
	if code != 1 || len(failed) != 1 || failed[0].Check != checkPrinter || !strings.HasPrefix(failed[0].What, "kitchen: the cover is open") {
		t.Errorf("exit status %d: %+v", code, failed)
	}
	kitchen.SetFaults(paper.Faults{})
	for name, want := range map[string]string{"kitchen": "confirmed", "kitchn": "receipt, kitchen"} {
		var out bytes.Buffer
		if code := run([]string{"print-test", "--config", c.config, "--printer", name, "--lang", "en"}, &out, &out); (code == 0) != (name == "kitchen") || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit status %d: %s", name, code, &out)
		}
	}
	if n := c.paper.State().Receipts; n != 0 || kitchen.State().Receipts != 1 {
		t.Errorf("%d pages on the receipt printer, %d in the kitchen", n, kitchen.State().Receipts)
	}
}
