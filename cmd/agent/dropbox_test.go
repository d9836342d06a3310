package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tillagent/localapi"
	"tillagent/printer"
	"tillagent/queue"
	"tillagent/trade"
)

// drop is a drop folder with a real API and a real database behind it.
type drop struct {
	*dropbox
	t   *testing.T
	api *localapi.Server
}

func newDrop(t *testing.T) *drop {
	t.Helper()
	lang = "en"
	store, err := queue.Open(queue.Options{Path: filepath.Join(t.TempDir(), "agent.db"), Prefix: "DEMO", QRValid: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token := dropToken()
	log := slog.New(slog.DiscardHandler)
	api := localapi.New(localapi.Options{Store: store, Rules: trade.Rules{Encodable: printer.Encodable}, Tokens: []localapi.Token{token}, Port: 17216, Log: log})
	d := &drop{&dropbox{dir: filepath.Join(t.TempDir(), "not there yet", "drop"), host: "127.0.0.1:17216", token: token, api: api.Handler(), store: store, log: log,
		seen: map[string]stamp{}, refused: -1}, t, api}
	t.Cleanup(func() {
		api.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d.looks() // makes the folders
	return d
}

func (d *drop) looks() {
	d.t.Helper()
	if err := d.look(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *drop) put(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *drop) has(name string) bool {
	d.t.Helper()
	_, err := os.Lstat(filepath.Join(d.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	return err == nil
}

// answer reads the answer beside a file.
func (d *drop) answer(name string) map[string]any {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	var a map[string]any
	if err := json.Unmarshal(text, &a); err != nil {
		d.t.Fatalf("%v: %s", err, text)
	}
	return a
}

func TestDropFolderTakesSalesAndRefunds(t *testing.T) {
	d := newDrop(t)
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(coffee("GBK-1"))
	if err != nil {
		t.Fatal(err)
	}
	d.put("1-sale.json", coffee("S/1"))
	d.put("2-refund.json", `{"sale_id":"S/1","refund_id":"R1","amount":"2.50"}`) // behind its sale, by name
	d.put("3-GBK.JSON", gbk)
	d.put("4-marked.json", "\ufeff"+coffee("BOM-1"))
	d.put("note.txt", "not a sale")
	d.put(".hidden.json", coffee("HIDDEN"))
	d.put("writing.json.tmp", coffee("TMP"))
	if err := os.Mkdir(filepath.Join(d.dir, "folder.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.looks()
	for name, want := range map[string]map[string]any{
		"1-sale":   {"sale_id": "S/1", "state": "queued", "total": "12.50"},
		"2-refund": {"refund_id": "R1", "sale_id": "S/1", "amount": "2.50", "state": "done"},
		"3-GBK":    {"sale_id": "GBK-1"},
		"4-marked": {"sale_id": "BOM-1"},
	} {
		got := d.answer("done/" + name + ".answer.json")
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %v, want %v", name, k, got[k], v)
			}
		}
	}
	r, err := d.store.Sale(t.Context(), "GBK-1")
	if err != nil || r.Sale.Items[0].Name != "拿铁咖啡" {
		t.Errorf("read as %+v, %v", r, err)
	}
	for name, want := range map[string]bool{"done/1-sale.json": true, "1-sale.json": false, "done/3-GBK.JSON": true, "note.txt": true, ".hidden.json": true,
		"writing.json.tmp": true, "folder.json": true, "failed/1-sale.json": false} {
		if got := d.has(name); got != want {
			t.Errorf("%s is there: %v, want %v", name, got, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(d.dir, "*", "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// The journal says who it was.
	line, err := d.store.Timeline(t.Context(), "S/1")
	if err != nil || !strings.Contains(fmt.Sprint(line.Moves), "dropbox") {
		t.Errorf("%+v, %v", line.Moves, err)
	}
}

func TestDropFolderRefuses(t *testing.T) {
	d := newDrop(t)
	d.put("known.json", coffee("S1"))
	d.looks()
	for name, tt := range map[string]struct{ text, code, about string }{
		"conflict":  {strings.ReplaceAll(coffee("S1"), "12.50", "12.60"), "sale_conflict", ""},
		"misspelt":  {strings.Replace(coffee("S2"), `"total"`, `"totel"`, 1), "validation_failed", "totel"},
		"twice":     {`{"sale_id":"S3","sale_id":"S4"}`, "validation_failed", "sale_id"},
		"no sale":   {`{"sale_id":"S9","refund_id":"R1"}`, "not_found", ""},
		"unnamed":   {`{"refund_id":"R1"}`, "validation_failed", "sale_id"},
		"two sales": {`{"sale_id":"S1","refund_id":"R1","sale_id":"S2"}`, "validation_failed", "sale_id"},
		"refund id": {`{"sale_id":"S1","refund_id":"R1","refund_id":"R2"}`, "validation_failed", "refund_id"},
		"after it":  {`{"sale_id":"S1","refund_id":"R1"} {}`, "invalid_json", ""},
		"too much":  {`{"sale_id":"S1","refund_id":"R1","amount":"99.00"}`, "refund_exceeds_sale", "12.50"},
		"number":    {`{"sale_id":7,"total":"1.00"}`, "validation_failed", "sale_id"},
		"list":      {`[` + coffee("S5") + `]`, "validation_failed", ""},
		"no text":   {strings.Replace(coffee("S6"), "拿铁", "\xff\xff", 1), "validation_failed", "items[0].name"},
		"too large": {`{"sale_id":"` + strings.Repeat("x", maxDrop+5) + `"}`, "payload_too_large", ""},
	} {
		d.put(name+".json", tt.text)
		d.looks()
		if tt.code == "invalid_json" { // it could be in the writing
			d.looks()
		}
		if d.has(name + ".json") {
			t.Errorf("%s is not taken at the first look", name)
			continue
		}
		got := d.answer("failed/" + name + ".answer.json")
		if got["code"] != tt.code || !strings.Contains(fmt.Sprint(got), tt.about) {
			t.Errorf("%s: %v, want %s about %q", name, got, tt.code, tt.about)
		}
		if text, err := os.ReadFile(filepath.Join(d.dir, "failed", name+".json")); err != nil || string(text) != tt.text {
			t.Errorf("%s has changed, %v", name, err)
		}
	}
}

// TestDropFolderWaitsForAWriter: a file that is being written is left alone,
// with all that comes after it; one that never becomes JSON is refused once it
// rests.
func TestDropFolderWaitsForAWriter(t *testing.T) {
	d := newDrop(t)
	whole := coffee("S1")
	d.put("a.json", "")
	d.put("b.json", coffee("S2"))
	for _, n := range []int{0, 20, len(whole) - 1} {
		d.put("a.json", whole[:n])
		d.looks()
		if !d.has("a.json") || !d.has("b.json") {
			t.Fatalf("after %d bytes something was taken", n)
		}
	}
	d.put("a.json", whole)
	d.looks()
	if !d.has("done/a.json") || !d.has("done/b.json") {
		t.Fatal("nothing was taken although both are complete")
	}

	d.put("broken.json", `{"sale_id":`)
	d.looks()
	if !d.has("broken.json") {
		t.Fatal("refused at once: it could have been in the writing")
	}
	d.looks()
	if got := d.answer("failed/broken.answer.json"); got["code"] != "invalid_json" {
		t.Errorf("%v", got)
	}
}

// TestDropFolderNames: what is done gives way to a later file of its name, what
// failed does not.
func TestDropFolderNames(t *testing.T) {
	d := newDrop(t)
	for _, id := range []string{"S1", "S2"} {
		d.put("sale.json", coffee(id))
		d.looks()
		if got := d.answer("done/sale.answer.json")["sale_id"]; got != id {
			t.Errorf("the answer is of %v, want %s", got, id)
		}
	}
	for range 3 {
		d.put("sale.json", "{}")
		d.looks()
	}
	for _, name := range []string{"sale", "sale-2", "sale-3"} {
		if !d.has("failed/"+name+".json") || d.answer("failed/" + name + ".answer.json")["code"] != "validation_failed" {
			t.Errorf("%s is not kept", name)
		}
	}
}

// TestDropFolderAlert: files that nobody took raise one alert, which ends when
// they are gone.
func TestDropFolderAlert(t *testing.T) {
	d := newDrop(t)
	alerts := func() string {
		t.Helper()
		as, err := d.store.ActiveAlerts()
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, a := range as {
			texts = append(texts, fmt.Sprintf("%s %d: %s", a.Kind, a.Count, a.Title.In(trade.EN)))
		}
		return strings.Join(texts, "; ")
	}
	for i, want := range []string{"sale_rejected 1: 1 files of the drop folder were not taken, such as f0.json", "sale_rejected 2: 2 files of the drop folder were not taken, such as f1.json"} {
		d.put(fmt.Sprintf("f%d.json", i), "{}")
		for range 2 {
			d.looks()
			if got := alerts(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	if err := os.RemoveAll(filepath.Join(d.dir, "failed")); err != nil {
		t.Fatal(err)
	}
	d.looks()
	if got := alerts(); got != "" {
		t.Errorf("the alert stands: %s", got)
	}
}

// TestDropFolderKeepsWhatCannotBeTakenNow: while the agent stops, or its folder
// is gone, nothing is lost and nothing is refused.
func TestDropFolderKeepsWhatCannotBeTakenNow(t *testing.T) {
	d := newDrop(t)
	if err := os.RemoveAll(d.dir); err != nil {
		t.Fatal(err)
	}
	d.looks()
	d.put("a.json", coffee("S1"))
	d.looks()
	if !d.has("done/a.json") {
		t.Fatal("the folder that came back is not looked at")
	}
	d.put("b.json", coffee("S2"))
	api := d.dropbox.api
	d.dropbox.api = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	if err := d.look(t.Context()); err == nil || !d.has("b.json") {
		t.Errorf("a sale was refused because there were too many calls: %v", err)
	}
	d.dropbox.api = api
	d.api.Stop()
	if err := d.look(t.Context()); err == nil || !strings.Contains(err.Error(), "shutting_down") {
		t.Errorf("%v", err)
	}
	if !d.has("b.json") {
		t.Error("a sale was refused because the agent was stopping")
	}
}

// TestDropFolderStuck: a folder that cannot be worked on for a while is told of,
// once, until it can.
func TestDropFolderStuck(t *testing.T) {
	d := newDrop(t)
	obstacle := filepath.Join(d.dir, "done", "sale.json", "something")
	if err := os.MkdirAll(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	d.put("sale.json", coffee("S1"))
	alerts := func() []queue.Alert {
		t.Helper()
		all, err := d.store.ActiveAlerts()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	began := time.Now()
	for _, after := range []time.Duration{0, dropPatience - time.Second} {
		if d.note(d.look(t.Context()), began.Add(after)); len(alerts()) != 0 {
			t.Fatalf("after %s there is an alert already", after)
		}
	}
	for range 3 {
		d.note(d.look(t.Context()), began.Add(dropPatience))
	}
	all := alerts()
	if len(all) != 1 || all[0].Count != 1 || all[0].Kind != trade.AlertRejected {
		t.Fatalf("%+v", all)
	}
	for lang, want := range map[trade.Lang]string{trade.ZH: "投放文件夹", trade.EN: "drop folder"} {
		if title := all[0].Title.In(lang); !strings.Contains(title, want) || !strings.Contains(title, "sale.json") || strings.Contains(title, d.dir) {
			t.Errorf("%s: %s", lang, title)
		}
	}
	if err := os.RemoveAll(filepath.Dir(obstacle)); err != nil {
		t.Fatal(err)
	}
	if d.note(d.look(t.Context()), began.Add(2*dropPatience)); len(alerts()) != 0 || !d.has("done/sale.json") {
		t.Errorf("worked on again: %+v", alerts())
	}
}

// TestDropFolderFollowsNoLinks: a link is no file of the folder.
func TestDropFolderFollowsNoLinks(t *testing.T) {
	d := newDrop(t)
	outside := filepath.Join(t.TempDir(), "outside.json")
	if err := os.WriteFile(outside, []byte(coffee("S1")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(d.dir, "link.json")); err != nil {
		t.Skip("no links here:", err)
	}
	elsewhere := t.TempDir()
	if err := os.RemoveAll(filepath.Join(d.dir, "done")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(d.dir, "done")); err != nil {
		t.Fatal(err)
	}
	d.put("sale.json", coffee("S2"))
	if err := d.look(t.Context()); err == nil {
		t.Error("a folder that leads elsewhere is taken")
	}
	if _, err := d.store.Sale(t.Context(), "S1"); !errors.Is(err, queue.ErrNotFound) {
		t.Errorf("a link was taken: %v", err)
	}
	if inside, err := os.ReadDir(elsewhere); err != nil || len(inside) > 0 {
		t.Errorf("written outside: %v, %v", inside, err)
	}
}

func TestDropFolderStops(t *testing.T) {
	d := newDrop(t)
	stop, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.run(stop) }()
	cancel()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it goes on after its stop")
	}
}

// TestDropFolderKilled kills the agent between the moment at which a file's
// sale is stored and the one at which the file is moved: the sale is there once,
// and on paper once, and the file is moved by the next process.
func TestDropFolderKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pseudo-terminals are a thing of unix")
	}
	a := startApart(t)
	a.agent.kill()
	dir := filepath.Join(a.dir, "drop")
	f, err := os.OpenFile(a.config, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "\n[dropbox]\ndir = \"drop\"\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// Where the file would be moved to lies a folder: it is taken, and stays.
	obstacle := filepath.Join(dir, "done", "sale.json")
	if err := os.MkdirAll(filepath.Join(obstacle, "something"), 0o700); err != nil {
		t.Fatal(err)
	}
	// Written elsewhere and renamed, as POS software should.
	if err := os.WriteFile(filepath.Join(dir, "sale.tmp"), []byte(coffee("DROP-1")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "sale.tmp"), filepath.Join(dir, "sale.json")); err != nil {
		t.Fatal(err)
	}
	a.startAgent(t)
	a.appears("/v1/sales/DROP-1")
	a.until("/v1/sales/DROP-1", "printed", func(s map[string]any) bool { return field(s, "print", "state") == "printed" })
	a.agent.kill()
	if _, err := os.Stat(filepath.Join(dir, "sale.json")); err != nil {
		t.Fatalf("the file was moved before the kill: %v", err)
	}
	if err := os.RemoveAll(obstacle); err != nil {
		t.Fatal(err)
	}
	a.startAgent(t)
	a.until("/v1/sales/DROP-1", "moved", func(map[string]any) bool {
		_, err := os.Stat(filepath.Join(dir, "sale.json"))
		return errors.Is(err, fs.ErrNotExist)
	})
	if info, err := os.Stat(obstacle); err != nil || info.IsDir() {
		t.Errorf("the file is not in done: %v", err)
	}
	if list := a.must(http.StatusOK, http.MethodGet, "/v1/sales", ""); len(list["sales"].([]any)) != 1 {
		t.Errorf("the sale is there more than once: %v", list)
	}
	receipts, err := filepath.Glob(filepath.Join(a.dir, "paper", "*.txt"))
	if err != nil || len(receipts) != 1 {
		t.Errorf("%d receipts, %v", len(receipts), err)
	}
}

// appears waits until there is a resource.
func (p *pos) appears(path string) {
	p.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _, err := p.call(http.MethodGet, path, ""); err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("there is no %s", path)
		}
	}
}
