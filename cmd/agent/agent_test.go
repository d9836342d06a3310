package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tillagent/localapi"
)

// binary is the agent as it is shipped, built once for all tests here.
var binary string

func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-test.fuzzworker") {
		os.Exit(m.Run()) // none of them starts the agent
	}
	if binary = os.Getenv("AGENT_UNDER_TEST"); binary != "" {
		os.Exit(m.Run()) // where there is no Go
	}
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "agent")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// process is a started command of the binary.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan string // of standard output
	errors bytes.Buffer
	ended  chan error
}

func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, append(args, "--lang", "en")...), lines: make(chan string, 1000), ended: make(chan error, 1)}
	p.cmd.Stderr = &p.errors
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			p.lines <- s.Text()
		}
		close(p.lines)
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the process without any goodbye, as a power cut does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	for range p.lines {
	}
	p.ended <- <-p.ended
}

// wait waits for the end and gives the exit status.
func (p *process) wait() int {
	p.t.Helper()
	for range p.lines {
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		p.t.Fatalf("%v does not end\n%s", p.cmd.Args, p.errors.String())
		return -1
	}
}

// line waits for a line of output that contains text.
func (p *process) line(text string) string {
	p.t.Helper()
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%v ended without saying %q\n%s", p.cmd.Args, text, p.errors.String())
			}
			if strings.Contains(l, text) {
				return l
			}
		case <-time.After(time.Minute):
			p.t.Fatalf("%v does not say %q\n%s", p.cmd.Args, text, p.errors.String())
		}
	}
}

// pos is a POS: it knows the agent's address and token.
type pos struct {
	t    *testing.T
	url  string
	data string
}

// nextPort is where freePort looks. Tests beside this one, in programs of their
// own, begin elsewhere.
var nextPort atomic.Int64

func init() { nextPort.Store(10000 + rand.Int64N(15000)) }

// freePort is a port of both loopback addresses that nothing listens on, drawn
// once a run. It is below those that systems give to clients (32768 on Linux,
// 49152 on Windows): no connection takes it while an agent is being restarted.
func freePort(tb testing.TB) int {
	tb.Helper()
	for range 1000 {
		port := int(nextPort.Add(1))
		l, err := localapi.Listen(fmt.Sprintf("127.0.0.1:%d", port), nil, false)
		if err != nil {
			continue
		}
		for _, l := range l {
			l.Close()
		}
		return port
	}
	tb.Fatal("no port is free")
	return 0
}

// ready waits until the agent can take sales.
func (p *pos) ready() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatal("the agent does not become ready")
		}
	}
}

// call makes a call with the agent's token and gives status and JSON answer.
func (p *pos) call(method, path, body string) (int, map[string]any, error) {
	token, err := os.ReadFile(filepath.Join(p.data, "api-token"))
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := (&http.Client{Timeout: 2 * time.Minute}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	answer := map[string]any{}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(raw, &answer)
	}
	return resp.StatusCode, answer, err
}

// must is call where the answer has to have this status.
func (p *pos) must(status int, method, path, body string) map[string]any {
	p.t.Helper()
	got, answer, err := p.call(method, path, body)
	if err != nil || got != status {
		p.t.Fatalf("%s %s: %d %v %v, want %d", method, path, got, answer, err, status)
	}
	return answer
}

// until asks for a resource until it is as wanted.
func (p *pos) until(path, what string, ok func(map[string]any) bool) map[string]any {
	p.t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer := p.must(http.StatusOK, http.MethodGet, path, "")
		if ok(answer) {
			return answer
		}
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("%s is not %s: %v", path, what, answer)
		}
	}
}

func coffee(id string) string {
	return fmt.Sprintf(`{"sale_id":%q,"total":"12.50","items":[{"name":"拿铁咖啡","amount":12.50,"tax_code":"3070401000000000000","tax_rate":"0.06"}]}`, id)
}

// field walks into nested objects: field(a, "print", "state").
func field(a map[string]any, path ...string) any {
	var v any = a
	for _, k := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func TestVersion(t *testing.T) {
	var b build
	out, err := exec.Command(binary, "version", "--json").Output()
	if err != nil || json.Unmarshal(out, &b) != nil || b.Version == "" || b.Platform != runtime.GOOS+"/"+runtime.GOARCH {
		t.Errorf("%s %+v %v", out, b, err)
	}
}

func TestWrongUsageExitsWithTwo(t *testing.T) {
	for _, args := range [][]string{{}, {"run"}, {"run", "--nonsense"}, {"demo", "left", "over"}, {"demo", "--sales", "-1"}, {"paper", "--listen", "udp://x"},
		{"backup"}, {"backup", "--config", "../../config.example.toml"}, {"restore", "--from", "x.db"}, {"restore", "--config", "../../config.example.toml"},
		{"verify"}, {"verify", "--config", "x", "--db", "y"}} {
		if got := launch(t, args...).wait(); got != 2 {
			t.Errorf("agent %v exits with %d, want 2", args, got)
		}
	}
}

func TestBadConfigurationIsNamedAllAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte("[printer]\nbaud = 12\nprot = \"COM3\"\n[api]\nlisten = \"0.0.0.0:17216\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "run", "--config", path)
	if got := p.wait(); got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
	for _, want := range []string{"config.toml:2: printer.baud", "config.toml:3: printer.prot", "config.toml:5: api.listen"} {
		if !strings.Contains(p.errors.String(), want) {
			t.Errorf("no %q in\n%s", want, p.errors.String())
		}
	}
}

func TestDemo(t *testing.T) {
	dir, examples := t.TempDir(), len(exampleNames())
	for _, args := range [][]string{nil, {"--sales", "1"}} { // all by default, then another at once
		p := launch(t, append([]string{"demo", "--exit", "--data", dir, "--listen", fmt.Sprintf("127.0.0.1:%d", freePort(t))}, args...)...)
		if got := p.wait(); got != 0 {
			t.Fatalf("exit status %d\n%s", got, p.errors.String())
		}
	}
	if pages, err := filepath.Glob(filepath.Join(dir, "paper", "*.png")); err != nil || len(pages) != examples+1 {
		t.Errorf("%d receipts, want %d: %v", len(pages), examples+1, err)
	}
	for n := 1; n <= examples+1; n++ {
		for _, ext := range []string{"png", "txt", "bin"} {
			if info, err := os.Stat(filepath.Join(dir, "paper", fmt.Sprintf("%04d.%s", n, ext))); err != nil || info.Size() == 0 {
				t.Errorf("receipt %d has no %s: %v", n, ext, err)
			}
		}
	}
}

// apart starts sandbox, paper printer and agent as three programs, as a POS
// developer would by hand.
type apart struct {
	*pos
	sandbox, paper, agent *process
	config, dir, platform string
}

func startApart(t *testing.T) *apart {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("pseudo-terminals are a thing of unix")
	}
	a := &apart{dir: t.TempDir(), platform: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	a.startSandbox(t)
	var section strings.Builder
	for l := a.sandbox.line("[piaotong]"); strings.TrimSpace(l) != ""; l = a.sandbox.line("") {
		section.WriteString(l + "\n")
	}
	a.paper = launch(t, "paper", "--pty", "--dir", filepath.Join(a.dir, "paper"))
	port := a.paper.line("port = ")
	data := filepath.Join(a.dir, "data")
	a.pos = &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), data}
	a.config = filepath.Join(a.dir, "config.toml")
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\n%s\n%s\n", data, strings.TrimPrefix(a.url, "http://"), port, section.String())
	if err := os.WriteFile(a.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a.startAgent(t)
	return a
}

func (a *apart) startSandbox(t *testing.T) {
	t.Helper()
	a.sandbox = launch(t, "sandbox", "--listen", a.platform, "--data", filepath.Join(a.dir, "sandbox"))
}

func (a *apart) startAgent(t *testing.T) {
	t.Helper()
	a.agent = launch(t, "run", "--config", a.config)
	a.ready()
}

func TestThreeProgramsApart(t *testing.T) {
	a := startApart(t)
	sale := a.must(http.StatusCreated, http.MethodPost, "/v1/sales?wait=10s", coffee("S/1:a"))
	if sale["state"] != "qr_ready" || field(sale, "qr", "url") == "" {
		t.Fatalf("after waiting for the QR code the sale is %v", sale)
	}
	a.until("/v1/sales/S%2F1:a", "printed", func(s map[string]any) bool { return field(s, "print", "state") == "printed" })
	a.must(http.StatusOK, http.MethodPost, "/v1/sales", coffee("S/1:a"))
	a.must(http.StatusConflict, http.MethodPost, "/v1/sales", strings.ReplaceAll(coffee("S/1:a"), "12.50", "12.60"))

	// The platform goes away: the next receipt comes out deferred, and its slip
	// once it is back.
	a.sandbox.kill()
	a.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee("S2"))
	a.until("/v1/sales/S2", "printed deferred", func(s map[string]any) bool {
		return field(s, "print", "state") == "printed" && s["state"] == "queued"
	})
	a.must(http.StatusAccepted, http.MethodPost, "/v1/sales/S2/print", `{"job_id":"slip-S2","what":"slip"}`)
	a.startSandbox(t)
	a.must(http.StatusAccepted, http.MethodPost, "/v1/sales/S2/retry", "{}")
	a.until("/v1/print-jobs/slip-S2", "printed", func(j map[string]any) bool { return j["state"] == "printed" })
	slip, err := os.ReadFile(filepath.Join(a.dir, "paper", "0003.txt"))
	if err != nil || !strings.Contains(string(slip), "补打开票码") || !strings.Contains(string(slip), "QR: http://"+a.platform) {
		t.Errorf("the slip reads\n%s\n%v", slip, err)
	}
	deferred, err := os.ReadFile(filepath.Join(a.dir, "paper", "0002.txt"))
	if err != nil || !strings.Contains(string(deferred), "网络暂不可用,未能生成开票码") {
		t.Errorf("the deferred receipt reads\n%s\n%v", deferred, err)
	}

	// A refund of an unclaimed code voids it.
	refund := a.must(http.StatusCreated, http.MethodPost, "/v1/sales/S2/refunds", `{"refund_id":"R2"}`)
	if refund["path"] != "void_qr" {
		t.Errorf("the refund takes the path %v", refund["path"])
	}
	a.until("/v1/refunds/R2", "done", func(r map[string]any) bool { return r["state"] == "done" })

	// A stop by the service manager is clean.
	if err := a.agent.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if got := a.agent.wait(); got != 0 {
		t.Errorf("a stop exits with %d\n%s", got, a.agent.errors.String())
	}
}

func TestTwoAgentsCannotShareAPortOrAFolder(t *testing.T) {
	a := startApart(t)
	text, err := os.ReadFile(a.config)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(a.dir, "elsewhere.toml")
	if err := os.WriteFile(elsewhere, bytes.Replace(text, []byte(a.data), []byte(a.data+"2"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for config, want := range map[string]string{a.config: "another agent may be running on this data folder", elsewhere: "cannot listen (another agent may be running"} {
		p := launch(t, "run", "--config", config)
		if got := p.wait(); got != 1 || !strings.Contains(p.errors.String(), want) {
			t.Errorf("exit status %d, want 1 and %q\n%s", got, want, p.errors.String())
		}
	}
}
