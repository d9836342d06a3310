package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/printer/paper"
)

// What the agent may take while nothing is sold.
const (
	idleRSS     = 40 << 20 // bytes
	idleCPU     = 5        // thousandths of a core
	idleWrites  = 1 << 20  // bytes an hour
	idleReady   = 300 * time.Millisecond
	idleProgram = 25_000_000 // bytes
)

// TestIdle measures what the agent takes of the machine while it waits, with the
// platform and a serial printer attached and some sales behind it. It runs where
// IDLE says how long, as `make idle` does.
func TestIdle(t *testing.T) {
	text := os.Getenv("IDLE")
	if text == "" {
		t.Skip("IDLE does not say how long")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("IDLE: %v", err)
	}
	r := newIdleRig(t)
	fastest := time.Hour
	for range 5 {
		fastest = min(fastest, r.start())
		r.stop()
	}
	r.start()
	r.sell(4)
	before := r.taken()
	time.Sleep(d)
	after := r.taken()
	took := after.at.Sub(before.at)
	info, err := os.Stat(r.program)
	if err != nil {
		t.Fatal(err)
	}
	hourly := (after.written - before.written) * int64(time.Hour) / int64(took)
	cpu := int64(1000 * (after.cpu - before.cpu) / took) // of a core
	line := func(what string, is, most int64, figures string) {
		mark := "✓"
		if is > most {
			mark = "✗"
			if what != "ready" { // how fast a start is, other programs have a hand in
				t.Errorf("%s: %d, more than %d", what, is, most)
			}
		}
		t.Logf("%s %-14s %s", mark, what, figures)
	}
	line("memory", after.rss, idleRSS, fmt.Sprintf("%.1f MB resident, of at most 40", float64(after.rss)/(1<<20)))
	line("processor", cpu, idleCPU, fmt.Sprintf("%.2f %% of a core over %s, of at most 0.5", 100*float64(after.cpu-before.cpu)/float64(took), took.Round(time.Second)))
	line("disk", hourly, idleWrites, fmt.Sprintf("%.2f MB an hour (%d bytes were written), of at most 1", float64(hourly)/(1<<20), after.written-before.written))
	line("ready", int64(fastest), int64(idleReady), fmt.Sprintf("within %s, the fastest of 5 starts, of at most 300ms", fastest.Round(time.Millisecond)))
	line("program", info.Size(), idleProgram, fmt.Sprintf("%.1f MB, of at most 25", float64(info.Size())/1e6))
}

// idleRig is an agent between a platform and a serial printer.
type idleRig struct {
	t                    *testing.T
	platform             *sandbox.Sandbox
	dir, program, config string
	url                  string
	cmd                  *exec.Cmd
}

func newIdleRig(t *testing.T) *idleRig {
	t.Helper()
	dir := t.TempDir()
	r := &idleRig{t: t, dir: dir, program: filepath.Join(dir, "agent"), config: filepath.Join(dir, "config.toml"), url: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", r.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var err error
	if r.platform, err = sandbox.New(sandbox.Options{PublicURL: "http://platform.test"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.platform)
	t.Cleanup(func() {
		r.platform.Close()
		server.Close()
	})
	tape, err := paper.New(paper.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tape.Close() })
	port, err := tape.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	a := r.platform.Account()
	config := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\nport = %q\n%s", filepath.Join(dir, "data"), r.url, port, a.ConfigTOML(server.URL, dir))
	for name, text := range map[string]string{filepath.Join(dir, sandbox.PrivateKeyFile): a.PrivateKeyPEM, filepath.Join(dir, sandbox.PlatformKeyFile): a.PlatformPublicKeyPEM, r.config: config} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// start starts the agent and gives the time until it is ready.
func (r *idleRig) start() time.Duration {
	r.t.Helper()
	r.cmd = exec.Command(r.program, "run", "--config", r.config)
	began := time.Now()
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	for time.Since(began) < 30*time.Second {
		resp, err := http.Get("http://" + r.url + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		time.Sleep(time.Millisecond)
	}
	r.t.Fatal("the agent does not become ready")
	return 0
}

func (r *idleRig) stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

// sell posts sales, waits for their receipts, has the customers claim their codes
// and waits for the invoices: until then the platform is asked about each, first
// often, later by the hour. What a sale leaves to be done then gets some seconds.
func (r *idleRig) sell(sales int) {
	r.t.Helper()
	p := &pos{r.t, "http://" + r.url, filepath.Join(r.dir, "data")}
	path := func(n int) string { return fmt.Sprintf("/v1/sales/IDLE-%d", n) }
	state := func(want string) func(map[string]any) bool {
		return func(s map[string]any) bool { return s["state"] == want && field(s, "print", "state") == "printed" }
	}
	for n := range sales {
		p.must(http.StatusCreated, http.MethodPost, "/v1/sales", coffee(filepath.Base(path(n))))
		sale := p.until(path(n), "on paper", state("qr_ready"))
		if _, err := r.platform.Claim(sandbox.Claim{URL: field(sale, "qr", "url").(string), BuyerName: "某某公司"}); err != nil {
			r.t.Fatal(err)
		}
	}
	for n := range sales {
		p.until(path(n), "invoiced", state("invoiced"))
	}
	time.Sleep(5 * time.Second)
}

// used is what a process has taken by a time.
type used struct {
	at      time.Time
	rss     int64 // bytes that are resident now
	cpu     time.Duration
	written int64 // bytes that went to the disk, since the start
}

// taken reads the process' accounts; proc(5) says what is in them.
func (r *idleRig) taken() used {
	r.t.Helper()
	const tick = 10 * time.Millisecond // sysconf(_SC_CLK_TCK) is 100 wherever Linux runs
	u := used{at: time.Now(), rss: 1024 * r.account("status", "VmRSS:"), written: r.account("io", "write_bytes:")}
	stat := r.read("stat")
	_, after, _ := strings.Cut(stat, ") ") // the name may have spaces
	f := strings.Fields(after)
	for _, n := range []int{11, 12} { // utime, stime: 14 and 15 of all
		ticks, err := strconv.ParseInt(f[n], 10, 64)
		if err != nil {
			r.t.Fatal(err)
		}
		u.cpu += time.Duration(ticks) * tick
	}
	return u
}

func (r *idleRig) read(file string) string {
	r.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", r.cmd.Process.Pid, file))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// account reads one figure of a file with a figure to a line.
func (r *idleRig) account(file, key string) int64 {
	r.t.Helper()
	for line := range strings.Lines(r.read(file)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == key {
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				r.t.Fatal(err)
			}
			return n
		}
	}
	r.t.Fatalf("/proc has no %s in %s", key, file)
	return 0
}
