package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/printer/paper"
)

// The first and the last line of every receipt.
const (
	soakHeader = "打印长跑店"
	soakFooter = "谢谢惠顾 欢迎再来"
)

// printTill is a till: its agent, its printer, and the clerk who sells and looks
// after the paper.
type printTill struct {
	t      *testing.T
	name   string // begins every id
	serial bool   // bytes can be lost on the way
	proves bool
	pos    *pos
	tape   *paper.Printer
	port   string
	config string
	usual  paper.Faults // when nothing is wrong
	home   chan struct{}
	once   sync.Once
	people sync.WaitGroup
	ids    int
	sales  []*printSale
	open   []*printJob // whose end the clerk has not seen

	mu     sync.Mutex // of what follows
	papers []paper.Receipt
	agent  *process
	log    bytes.Buffer // of every life of the agent
	story  []string     // of the faults
	losses []span       // when bytes may have been lost between agent and printer
}

// span is a time that something took.
type span struct{ from, to time.Time }

func (s span) overlaps(o span) bool { return !s.to.Before(o.from) && !o.to.Before(s.from) }

// printSale is a sale as its POS knows it.
type printSale struct {
	id     string
	lines  []string // of the receipt, all of them
	copies int
	jobs   []*printJob
}

// printJob is a piece of work for the printer.
type printJob struct {
	sale   *printSale
	id     string
	what   string // receipt or slip
	copies int
	state  string
	withQR bool
}

func newPrintTill(t *testing.T, name string, serial bool, traits paper.Traits) *printTill {
	t.Helper()
	k := &printTill{t: t, name: name, serial: serial, home: make(chan struct{})}
	var err error
	// A receipt ends by its cut, or by the next one; never because the printer
	// waits for somebody.
	if k.tape, err = paper.New(paper.Options{Traits: traits, Idle: time.Hour, OnReceipt: k.printed}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.tape.Close() })
	if serial && runtime.GOOS == "linux" {
		if k.port, err = k.tape.OpenPTY(); err != nil {
			t.Fatal(err)
		}
		return k
	}
	k.serial = false
	k.usual.DelayMS = 1 // slow enough for faults to meet it
	addr, err := k.tape.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k.port = "tcp://" + addr.String()
	return k
}

// configure writes the agent's configuration.
func (k *printTill) configure(account sandbox.Account, platform, printer string) {
	dir := k.t.TempDir()
	keys, data := filepath.Join(dir, "keys"), filepath.Join(dir, "data")
	k.pos = &pos{k.t, fmt.Sprintf("http://127.0.0.1:%d", freePort(k.t)), data}
	k.config = filepath.Join(dir, "config.toml")
	config := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\nport = %q\nbaud = 115200\n%s[receipt]\nheader = [%q]\nfooter = [%q]\nqr_wait = \"150ms\"\ndeferred = \"slip\"\n%s",
		data, strings.TrimPrefix(k.pos.url, "http://"), k.port, printer, soakHeader, soakFooter, account.ConfigTOML(platform, keys))
	for name, text := range map[string]string{
		filepath.Join(keys, sandbox.PrivateKeyFile): account.PrivateKeyPEM, filepath.Join(keys, sandbox.PlatformKeyFile): account.PlatformPublicKeyPEM, k.config: config,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			k.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			k.t.Fatal(err)
		}
	}
	k.t.Cleanup(k.goHome)
}

func (k *printTill) printed(r paper.Receipt) {
	r.Image, r.Bytes = nil, nil
	k.mu.Lock()
	defer k.mu.Unlock()
	k.papers = append(k.papers, r)
}

func (k *printTill) startAgent() {
	agent := launch(k.t, "run", "--config", k.config)
	k.mu.Lock()
	k.agent = agent
	k.mu.Unlock()
	k.pos.ready()
}

// killAgent ends the agent as a power cut does.
func (k *printTill) killAgent() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.agent != nil {
		k.agent.kill()
		k.log.Write(k.agent.errors.Bytes())
		k.agent = nil
	}
}

// goHome ends the trouble.
func (k *printTill) goHome() {
	k.once.Do(func() { close(k.home) })
	k.people.Wait()
}

// pause waits, and reports false when it is time to go home.
func (k *printTill) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.home:
		return false
	}
}

// call calls the agent until it answers: it may be dead for a moment.
func (k *printTill) call(method, path, body string) (int, map[string]any) {
	deadline := time.After(time.Minute)
	for {
		status, answer, err := k.pos.call(method, path, body)
		if err == nil && status != http.StatusServiceUnavailable {
			return status, answer
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			k.t.Fatalf("%s %s: %d %v", method, path, status, err)
		}
	}
}

func (k *printTill) newID(kind string) string {
	k.ids++
	return fmt.Sprintf("%s-%s%05d", k.name, kind, k.ids)
}

// sell sells once, as soon as the printer is not too far behind, and serves the
// customer for about as long as the printer takes: one that cannot answer would be
// given far more than it has printed, and lose all of that with its power.
func (k *printTill) sell(r *rand.Rand) {
	const most = 6 // jobs that wait
	for k.look(); len(k.open) >= most; k.look() {
		<-time.After(20 * time.Millisecond)
	}
	<-time.After(between(r, 200*time.Millisecond, 1200*time.Millisecond))
	s := &printSale{id: k.newID("S"), copies: 1}
	mode := pick(r, []string{"receipt", "receipt", "receipt", "receipt", "slip"})
	if r.IntN(10) == 0 {
		s.copies = 2
	}
	total := 0
	var items []string
	for i := range 1 + r.IntN(6) {
		fen := 1 + r.IntN(99999)
		name, amount := fmt.Sprintf("手冲咖啡 第%d种", i+1), fmt.Sprintf("%d.%02d", fen/100, fen%100)
		items = append(items, fmt.Sprintf(`{"name":%q,"amount":%q,"tax_code":"3070401000000000000","tax_rate":"0.06"}`, name, amount))
		s.lines = append(s.lines, name, amount)
		total += fen
	}
	sum := fmt.Sprintf("%d.%02d", total/100, total%100)
	s.lines = append(s.lines, "￥"+sum)
	body := fmt.Sprintf(`{"sale_id":%q,"total":%q,"items":[%s],"print":{"mode":%q,"copies":%d}}`, s.id, sum, strings.Join(items, ","), mode, s.copies)
	k.sales = append(k.sales, s)
	status, answer := k.call(http.MethodPost, "/v1/sales", body)
	id, _ := field(answer, "print", "job_id").(string)
	if status != http.StatusCreated && status != http.StatusOK || id == "" {
		k.t.Errorf("%s: %d %v", s.id, status, answer)
		return
	}
	k.expect(s, id, mode, s.copies)
}

func (k *printTill) expect(s *printSale, id, what string, copies int) {
	j := &printJob{sale: s, id: id, what: what, copies: copies}
	s.jobs = append(s.jobs, j)
	k.open = append(k.open, j)
}

// look asks about every job that has not ended. What is uncertain is printed
// again; a receipt without its QR code has a slip to come.
func (k *printTill) look() {
	jobs := k.open
	k.open = nil
	for _, j := range jobs {
		status, answer := k.call(http.MethodGet, "/v1/print-jobs/"+j.id, "")
		if status == http.StatusNotFound && strings.HasPrefix(j.id, "slip:") {
			k.open = append(k.open, j) // its code is still on its way
			continue
		}
		if status != http.StatusOK {
			k.t.Errorf("%s: %d %v", j.id, status, answer)
			continue
		}
		j.state, j.withQR = answer["state"].(string), answer["with_qr"].(bool)
		switch j.state {
		case "printed", "sent":
		case "uncertain":
			again := k.newID("J")
			if status, answer := k.call(http.MethodPost, "/v1/sales/"+j.sale.id+"/print", fmt.Sprintf(`{"job_id":%q,"what":%q}`, again, j.what)); status != http.StatusAccepted {
				k.t.Errorf("reprint of %s: %d %v", j.id, status, answer)
			}
			k.expect(j.sale, again, j.what, 1)
		case "failed", "cancelled":
			k.t.Errorf("%s is %s: %v", j.id, j.state, answer)
		default:
			k.open = append(k.open, j)
			continue
		}
		if j == j.sale.jobs[0] && j.what == "receipt" && !j.withQR {
			k.expect(j.sale, "slip:"+j.sale.id, "slip", 1)
		}
	}
}

// rest waits until every job has ended, with nothing wrong any more.
func (k *printTill) rest(limit time.Duration) {
	k.tape.FailAfter(1<<30, paper.Faults{})
	k.tape.SetFaults(paper.Faults{})
	deadline := time.Now().Add(limit)
	k.settle(deadline)
	for _, s := range k.sales {
		id := "slip:" + s.id
		if slices.ContainsFunc(s.jobs, func(j *printJob) bool { return j.id == id }) {
			continue
		}
		if status, answer := k.call(http.MethodGet, "/v1/print-jobs/"+id, ""); status != http.StatusNotFound {
			k.t.Errorf("%s: a slip that nobody was to get: %d %v", s.id, status, answer)
		}
	}
}

// settle waits until the clerk has seen the end of every job.
func (k *printTill) settle(deadline time.Time) {
	for k.look(); len(k.open) > 0; k.look() {
		if time.Now().After(deadline) {
			for _, j := range k.open {
				k.t.Errorf("%s of %s is still %q", j.id, j.sale.id, j.state)
			}
			break
		}
		<-time.After(50 * time.Millisecond)
	}
}
