package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong/sandbox"
	"tillagent/printer"
	"tillagent/printer/paper"
	"tillagent/queue"
)

// clinic is a set-up in which everything is right, to be broken.
type clinic struct {
	t         *testing.T
	dir, data string
	config    string // the file
	text      string // and what stands in it, until it is written
	sandbox   *sandbox.Sandbox
	platform  *httptest.Server
	paper     *paper.Printer
	port      string
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("pseudo-terminals are a thing of unix")
	}
	lang = "en"
	t.Cleanup(func() { lang = "" })
	c := &clinic{t: t, dir: t.TempDir()}
	c.data, c.config = filepath.Join(c.dir, "data"), filepath.Join(c.dir, "config.toml")
	keys := filepath.Join(c.dir, "keys")
	var err error
	if c.sandbox, err = sandbox.New(sandbox.Options{Dir: keys}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.sandbox.Close() })
	c.platform = httptest.NewServer(c.sandbox)
	t.Cleanup(c.platform.Close)
	if c.paper, err = paper.New(paper.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.paper.Close() })
	if c.port, err = c.paper.OpenPTY(); err != nil {
		t.Fatal(err)
	}
	c.text = fmt.Sprintf("data_dir = %q\n[api]\nlisten = \"127.0.0.1:%d\"\n[printer]\nport = %q\n%s\n", c.data, freePort(t), c.port, c.sandbox.Account().ConfigTOML(c.platform.URL, keys))
	// A first start has been.
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		t.Fatal(err)
	}
	c.store().Close()
	c.write(filepath.Join(c.data, ownToken), "A token that is not the service's, which does not run.", 0o600)
	return c
}

func (c *clinic) database() string { return filepath.Join(c.data, "agent.db") }

func (c *clinic) store() *queue.Store {
	c.t.Helper()
	s, err := queue.Open(queue.Options{Path: c.database()})
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *clinic) write(path, text string, mode os.FileMode) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		c.t.Fatal(err)
	}
}

// edit changes the configuration.
func (c *clinic) edit(old, new string) {
	c.t.Helper()
	if !strings.Contains(c.text, old) {
		c.t.Fatalf("the configuration has no %q:\n%s", old, c.text)
	}
	c.text = strings.Replace(c.text, old, new, 1)
}

// line replaces the line of a key.
func (c *clinic) line(key, value string) {
	c.t.Helper()
	lines := strings.Split(c.text, "\n")
	for i, l := range lines {
		if name, _, ok := strings.Cut(l, "="); ok && strings.TrimSpace(name) == key {
			lines[i] = fmt.Sprintf("%s = %q", key, value)
			c.text = strings.Join(lines, "\n")
			return
		}
	}
	c.t.Fatalf("the configuration has no %q:\n%s", key, c.text)
}

func (c *clinic) cfg() *config.Config {
	c.t.Helper()
	c.write(c.config, c.text, 0o600)
	cfg, err := config.Load(c.config, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return cfg
}

// doctor runs the command and gives its exit status and what it said.
func (c *clinic) doctor() (int, diagnosis) {
	c.t.Helper()
	c.write(c.config, c.text, 0o600)
	var out, errs bytes.Buffer
	code := run([]string{"doctor", "--config", c.config, "--json", "--lang", "en"}, &out, &errs)
	var d diagnosis
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		c.t.Fatalf("%v: %s %s", err, &out, &errs)
	}
	return code, d
}

func TestDoctorFindsNothing(t *testing.T) {
	c := newClinic(t)
	code, d := c.doctor()
	if code != 0 || !d.OK || d.Service {
		t.Errorf("exit status %d: %+v", code, d)
	}
	for _, check := range []string{checkConfig, checkKeys, checkDisk, checkDatabase, checkToken, checkPort, checkPrinter, checkPlatform, checkCredentials, checkClock, checkAccounts} {
		if !slices.ContainsFunc(d.Findings, func(f finding) bool { return f.Check == check && f.Verdict == verdictOK }) {
			t.Errorf("nothing good about %s", check)
		}
	}
	if n := c.paper.State().Receipts; n != 0 {
		t.Errorf("doctor printed %d receipts", n)
	}
	if l, err := c.sandbox.Ledger(); err != nil || len(l.Entries) != 0 {
		t.Errorf("doctor left %d entries on the platform, %v", len(l.Entries), err)
	}
	var text bytes.Buffer
	if err := d.write(&text); err != nil || strings.Count(text.String(), "\n") != len(d.Findings) || !strings.Contains(text.String(), "✓ printer: answers, state ready") {
		t.Errorf("%v\n%s", err, &text)
	}
}

// TestDoctorNamesWhatIsBroken breaks one thing after the other.
func TestDoctorNamesWhatIsBroken(t *testing.T) {
	newKey := func(c *clinic) string {
		path := filepath.Join(c.dir, "other.pem")
		if err := makeKey(path, documentedBits); err != nil {
			c.t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name     string
		break_   func(*clinic)
		check    string
		verdict  verdict
		what, do string
	}{
		{"a wrong key", func(c *clinic) { c.line("private_key_file", newKey(c)) }, checkCredentials, verdictFailed, "9999", "that Piaotong has our public key"},
		{"swapped keys", func(c *clinic) {
			c.edit(sandbox.PrivateKeyFile, "third.pem")
			c.edit(sandbox.PlatformKeyFile, sandbox.PrivateKeyFile)
			c.edit("third.pem", sandbox.PlatformKeyFile)
		}, checkKeys, verdictFailed, "swapped", "swap private_key_file and platform_public_key_file"},
		{"our own key as the platform's", func(c *clinic) {
			own := filepath.Join(c.dir, "keys", sandbox.PrivateKeyFile)
			line, err := publicKey(own)
			if err != nil {
				c.t.Fatal(err)
			}
			c.write(filepath.Join(c.dir, "own.txt"), line, 0o600)
			c.line("platform_public_key_file", filepath.Join(c.dir, "own.txt"))
		}, checkKeys, verdictFailed, "our own public key", "the key that Piaotong gave"},
		{"another platform's key", func(c *clinic) {
			line, err := publicKey(newKey(c))
			if err != nil {
				c.t.Fatal(err)
			}
			c.write(filepath.Join(c.dir, "other.txt"), line, 0o600)
			c.line("platform_public_key_file", filepath.Join(c.dir, "other.txt"))
		}, checkCredentials, verdictFailed, "does not verify", "check the platform's public key"},
		{"no private key", func(c *clinic) { c.line("private_key_file", "gone.pem") }, checkKeys, verdictFailed, "gone.pem", "agent keygen"},
		{"a wrong platform code", func(c *clinic) { c.line("platform_code", "WRONG000") }, checkCredentials, verdictFailed, "9998", "platform_code"},
		{"the clock off", func(c *clinic) { c.sandbox.SetClockOffset(time.Hour) }, checkClock, verdictFailed, "behind the platform's by ", "NTP"},
		{"the port missing", func(c *clinic) { c.line("port", "/dev/ttyNOSUCH0") }, checkPort, verdictFailed, "no such file", "agent ports"},
		{"the port busy", func(c *clinic) {
			d, err := printer.NewDevice(printer.Options{Port: c.port})
			if err != nil {
				c.t.Fatal(err)
			}
			c.t.Cleanup(func() { d.Close() })
			if _, err := d.Status(c.t.Context()); err != nil {
				c.t.Fatal(err)
			}
		}, checkPort, verdictFailed, "占用", "close the program that has the port"},
		{"the printer mute", func(c *clinic) { c.paper.SetFaults(paper.Faults{Mute: true}) }, checkPrinter, verdictFailed, "says nothing", `printer.confirm = "none"`},
		{"no paper", func(c *clinic) { c.paper.SetFaults(paper.Faults{PaperOut: true}) }, checkPrinter, verdictFailed, "out of paper", "put paper in"},
		{"the cover open", func(c *clinic) { c.paper.SetFaults(paper.Faults{CoverOpen: true}) }, checkPrinter, verdictFailed, "cover", "close"},
		{"the disk full", (*clinic).fillDisk, checkDisk, verdictFailed, "takes no files", "free some space"},
		{"the database locked", func(c *clinic) {
			s := c.store()
			c.t.Cleanup(func() { s.Close() })
		}, checkDatabase, verdictFailed, "locked", "stop that agent"},
		{"the database damaged", func(c *clinic) { c.write(c.database(), strings.Repeat("not a database ", 500), 0o600) }, checkDatabase, verdictFailed, "not a database", "agent restore"},
		{"an old schema", func(c *clinic) { c.copyDatabase("v1.db") }, checkDatabase, verdictNote, "version 1", "agent backup"},
		{"a newer schema", func(c *clinic) { c.version(99) }, checkDatabase, verdictFailed, "version 99", "install the newer program"},
		{"the token open to all", func(c *clinic) {
			c.write(filepath.Join(c.data, ownToken), "token", 0o644)
		}, checkToken, verdictFailed, "other users can read", "chmod 600"},
		{"the private key open to all", func(c *clinic) {
			if err := os.Chmod(filepath.Join(c.dir, "keys", sandbox.PrivateKeyFile), 0o644); err != nil {
				c.t.Fatal(err)
			}
		}, checkRights, verdictFailed, "0644", "chmod 600"},
		{"a path missing", func(c *clinic) { c.line("red_partial", "") }, checkPath, verdictNote, "path not configured: red_partial", "[piaotong.endpoints]"},
		{"http without allow_http", func(c *clinic) { c.line("base_url", "http://platform.example.com") }, checkConfig, verdictFailed, "piaotong.base_url: must be https://", "run agent doctor again"},
		{"the account logged out", func(c *clinic) {
			if err := c.sandbox.SetAccount(sandbox.DefaultAccount, false, false); err != nil {
				c.t.Fatal(err)
			}
		}, checkAccounts, verdictFailed, "logged out", "log it in"},
		{"the platform away", func(c *clinic) { c.platform.Close() }, checkPlatform, verdictFailed, "cannot be reached", "check network"},
		{"somebody else at our address", func(c *clinic) {
			other := httptest.NewServer(http.NotFoundHandler())
			c.t.Cleanup(other.Close)
			c.line("listen", strings.TrimPrefix(other.URL, "http://"))
		}, checkService, verdictFailed, "does not take our token: 404", "[api] listen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClinic(t)
			tt.break_(c)
			code, d := c.doctor()
			if want := tt.verdict != verdictFailed; d.OK != want || (code == 0) != want {
				t.Errorf("exit status %d, ok %v", code, d.OK)
			}
			for _, f := range d.Findings {
				if f.Check == tt.check && f.Verdict == tt.verdict && strings.Contains(f.What, tt.what) && strings.Contains(f.Do, tt.do) {
					return
				}
			}
			t.Errorf("%s %s %q %q is not among\n%+v", tt.check, tt.verdict, tt.what, tt.do, d.Findings)
		})
	}
}

func (c *clinic) copyDatabase(name string) {
	data, err := os.ReadFile(filepath.Join("..", "..", "queue", "testdata", name))
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(c.database(), string(data), 0o600)
}

// version writes the version of the tables.
func (c *clinic) version(n int) {
	db, err := sql.Open("sqlite", c.database())
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(fmt.Sprintf("PRAGMA user_version = %d", n)); err != nil {
		c.t.Fatal(err)
	}
}

// TestDoctorBesideTheService: the service is asked, and neither the database nor
// the port is opened a second time.
func TestDoctorBesideTheService(t *testing.T) {
	c := newClinic(t)
	if err := os.Remove(filepath.Join(c.data, ownToken)); err != nil {
		t.Fatal(err)
	}
	cfg := c.cfg()
	service := launch(t, "run", "--config", c.config)
	(&pos{t, "http://" + cfg.API.Listen, c.data}).ready()
	code, d := c.doctor()
	if code != 0 || !d.OK || !d.Service {
		t.Errorf("exit status %d: %+v", code, d)
	}
	for _, want := range []string{"the service has it open", "as the service tells"} {
		if !slices.ContainsFunc(d.Findings, func(f finding) bool { return f.Verdict == verdictOK && strings.Contains(f.What, want) }) {
			t.Errorf("no %q in %+v", want, d.Findings)
		}
	}
	c.paper.SetFaults(paper.Faults{PaperOut: true})
	// The service asks its printer at most once a second.
	deadline := time.After(time.Minute)
	for {
		if _, d = c.doctor(); !d.OK {
			break
		}
		select {
		case <-deadline:
			t.Fatal("doctor does not hear that the paper is out")
		default:
		}
	}
	if d.failures() != 1 {
		t.Errorf("%+v", d.Findings)
	}
	if err := printTest(t.Context(), cfg, io.Discard); err == nil || !strings.Contains(err.Error(), "agent stop first") {
		t.Errorf("print-test beside the service: %v", err)
	}
	service.kill()
}

// TestPrintTestInDoubt: what may be on paper is not said to be missing.
func TestPrintTestInDoubt(t *testing.T) {
	err := notPrinted(printer.Result{Outcome: printer.Uncertain, Cause: printer.CauseOffline})
	if err == nil || strings.Contains(err.Error(), "没有打印") || !strings.Contains(err.Error(), "请看纸: 未连接或脱机") {
		t.Errorf("said: %v", err)
	}
}

func TestPrintTest(t *testing.T) {
	c := newClinic(t)
	c.cfg()
	for _, tt := range []struct {
		name   string
		faults paper.Faults
		code   int
		said   string
	}{
		{"ready", paper.Faults{}, 0, "the printer has confirmed it"},
		{"no paper", paper.Faults{PaperOut: true}, 1, "not printed: paper out"},
		{"jammed", paper.Faults{Jammed: true}, 1, "not printed: the cutter is jammed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.paper.SetFaults(tt.faults)
			before := c.paper.State().Receipts
			var out bytes.Buffer
			if code := run([]string{"print-test", "--config", c.config, "--lang", "en"}, &out, &out); code != tt.code || !strings.Contains(out.String(), tt.said) {
				t.Errorf("exit status %d: %s", code, &out)
			}
			if got := c.paper.State().Receipts - before; got != 1-tt.code {
				t.Errorf("%d pages", got)
			}
			out.Reset()
			var told struct{ Outcome string }
			code := run([]string{"print-test", "--config", c.config, "--json"}, &out, io.Discard)
			if err := json.Unmarshal(out.Bytes(), &told); err != nil || code != tt.code || told.Outcome != []string{"printed", "not_sent"}[tt.code] {
				t.Errorf("--json: exit status %d, %v: %s", code, err, &out)
			}
		})
	}

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	c.line("listen", strings.TrimPrefix(other.URL, "http://"))
	c.cfg()
	var errs bytes.Buffer
	if code := run([]string{"print-test", "--config", c.config, "--lang", "en"}, io.Discard, &errs); code != 1 || !strings.Contains(errs.String(), "another [api] listen") {
		t.Errorf("another program at our address: exit status %d, %s", code, &errs)
	}
}
