package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// badLine stands between a POS and the agent and fails as lines do: of each
// first call of a path the answer is lost after the agent has taken it, and the
// first event stream breaks off in the middle of an event that the POS waits
// for.
type badLine struct {
	agent, url string
	http       *http.Server
	mu         sync.Mutex
	seen       map[string]int
	resumed    []string // the Last-Event-ID of each stream but the first
}

func newBadLine(t *testing.T, agent string) *badLine {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &badLine{agent: agent, url: "http://" + l.Addr().String(), seen: map[string]int{}}
	b.http = &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = b.http.Serve(l) })
	t.Cleanup(func() {
		b.http.Close()
		serving.Wait()
	})
	return b
}

// streamCut is where the first event stream breaks off.
const streamCut = "sale.qr_ready"

func (b *badLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	key := r.Method + " " + r.URL.Path
	first := b.seen[key] == 0 && r.Method != http.MethodOptions
	b.seen[key]++
	stream := r.URL.Path == "/v1/events" && r.Method == http.MethodGet
	if stream && !first {
		b.resumed = append(b.resumed, r.Header.Get("Last-Event-ID"))
	}
	b.mu.Unlock()

	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	forward, err := http.NewRequestWithContext(r.Context(), r.Method, b.agent+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	forward.Header = r.Header.Clone()
	answer, err := http.DefaultTransport.RoundTrip(forward)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	if first && !stream {
		panic(http.ErrAbortHandler) // done, and the answer lost
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	var sent bytes.Buffer
	piece := make([]byte, 512)
	for {
		n, err := answer.Body.Read(piece)
		sent.Write(piece[:n])
		if cut := bytes.Index(sent.Bytes(), []byte(streamCut)); first && cut >= 0 {
			n -= sent.Len() - cut // what of the cut's own text went out before is part of the event
			_, _ = w.Write(piece[:max(n, 0)])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		if _, failed := w.Write(piece[:n]); failed != nil || err != nil {
			break
		}
		_ = http.NewResponseController(w).Flush()
	}
}

// example is a POS in some language.
type example struct {
	name  string
	needs []string // programs that must be on the machine
	// run gives the commands, the last of which is the POS; dir is empty and its
	// own.
	run func(t *testing.T, dir string) [][]string
}

func source(parts ...string) string {
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "examples"}, parts...)...))
	if err != nil {
		panic(err) // there is no working directory
	}
	return path
}

// inPage stands for a browser's page: what the script of web/index.html needs.
const inPage = `
const elements = new Map();
globalThis.document = { getElementById: (id) => {
  if (!elements.has(id)) elements.set(id, { value: {base: process.env.BASE, token: process.env.TOKEN}[id] ?? '', hidden: true, disabled: true, textContent: '', on: {},
    addEventListener(name, f) { this.on[name] = f; } });
  return elements.get(id);
} };
URL.createObjectURL = (blob) => blob.type + ' ' + blob.size;
`

// asClicked clicks the page's buttons and prints what it shows.
const asClicked = `
await $('sell').on.click();
if (!/^image\/png \d{3,}$/.test($('qr').src)) say('no picture of the QR code: ' + $('qr').src);
if ($('refund').disabled) say('the refund stays disabled');
await $('refund').on.click();
console.log($('log').textContent);
process.exit(0);
`

var theExamples = []example{
	{"curl", []string{"sh", "curl"}, func(*testing.T, string) [][]string { return [][]string{{"sh", source("curl", "pos.sh")}} }},
	{"python", []string{"python3"}, func(*testing.T, string) [][]string { return [][]string{{"python3", source("python", "pos.py")}} }},
	{"node", []string{"node"}, func(*testing.T, string) [][]string { return [][]string{{"node", source("node", "pos.mjs")}} }},
	{"web", []string{"node"}, func(t *testing.T, dir string) [][]string {
		page, err := os.ReadFile(source("web", "index.html"))
		if err != nil {
			t.Fatal(err)
		}
		script := regexp.MustCompile(`(?s)<script type="module">(.*)</script>`).FindSubmatch(page)
		if script == nil {
			t.Fatal("the page has no script")
		}
		file := filepath.Join(dir, "page.mjs")
		if err := os.WriteFile(file, []byte(inPage+string(script[1])+asClicked), 0o600); err != nil {
			t.Fatal(err)
		}
		return [][]string{{"node", file}}
	}},
	{"java", []string{"java", "javac"}, func(*testing.T, string) [][]string { return [][]string{{"java", source("java", "Pos.java")}} }},
	{"csharp", []string{"dotnet"}, func(t *testing.T, dir string) [][]string {
		for _, name := range []string{"Pos.cs", "Pos.csproj"} { // a build leaves files beside them
			text, err := os.ReadFile(source("csharp", name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return [][]string{{"dotnet", "build", dir, "-o", filepath.Join(dir, "out")}, {"dotnet", filepath.Join(dir, "out", "Pos.dll")}}
	}},
	{"csharp for .NET Framework", []string{"mcs", "mono"}, func(_ *testing.T, dir string) [][]string {
		program := filepath.Join(dir, "Pos.exe")
		return [][]string{{"mcs", "-langversion:6", "-warnaserror+", "-r:System.Net.Http.dll", "-r:System.Web.Extensions.dll", "-out:" + program, source("csharp", "Pos.cs")}, {"mono", program}}
	}},
	{"pascal", []string{"fpc"}, func(_ *testing.T, dir string) [][]string {
		return [][]string{{"fpc", "-FE" + dir, source("pascal", "pos.pas")}, {filepath.Join(dir, "pos")}}
	}},
}

// TestExamples runs each example whose language is on the machine, as it
// stands, against the demo, over a line that loses answers.
func TestExamples(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of unix")
	}
	dir := t.TempDir()
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	launch(t, "demo", "--sales", "0", "--data", dir, "--listen", listen)
	p := &pos{t, "http://" + listen, filepath.Join(dir, "demo-data")}
	p.ready()
	token, err := os.ReadFile(filepath.Join(p.data, "api-token"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range theExamples {
		t.Run(e.name, func(t *testing.T) {
			for _, program := range e.needs {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("there is no %s on this machine", program)
				}
			}
			line := newBadLine(t, p.url)
			out := e.start(t, "BASE="+line.url, "TOKEN="+strings.TrimSpace(string(token)))
			for _, want := range []string{`(?m)^sold (\S+): qr_ready http://\S+$`, `(?m)^again: the same QR code$`, `(?m)^event sale\.qr_ready$`,
				`(?m)^refund R-\S+: void_qr$`, `(?m)^event refund\.done$`, `(?m)^refund R-\S+: done$`} {
				if !regexp.MustCompile(want).MatchString(out) {
					t.Errorf("%s is not in\n%s", want, out)
				}
			}
			sold := regexp.MustCompile(`(?m)^sold (\S+):`).FindStringSubmatch(out)
			if sold == nil {
				return
			}
			line.mu.Lock()
			defer line.mu.Unlock()
			if line.seen["POST /v1/sales"] < 3 || line.seen["POST /v1/sales/"+sold[1]+"/refunds"] < 2 {
				t.Errorf("calls %v: lost answers were not asked for again", line.seen)
			}
			if len(line.resumed) == 0 || line.resumed[0] == "" {
				t.Errorf("the stream that broke was resumed as %q", line.resumed)
			}
			s := (&pos{t, p.url, p.data}).must(http.StatusOK, http.MethodGet, "/v1/sales/"+sold[1], "")
			if s["state"] != "voided" || s["refunded"] != "12.50" || len(s["refunds"].([]any)) != 1 {
				t.Errorf("the agent has %v", s)
			}
		})
	}
}

// start runs the example's commands and gives what the last one wrote.
func (e example) start(t *testing.T, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // the first use of a compiler takes its time
	defer cancel()
	dir := t.TempDir()
	var out []byte
	for _, command := range e.run(t, dir) {
		c := exec.CommandContext(ctx, command[0], command[1:]...)
		c.Dir, c.Env, c.WaitDelay = dir, append(os.Environ(), env...), time.Second
		c.Cancel = func() error { return c.Process.Kill() }
		var err error
		if out, err = c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	return string(out)
}
