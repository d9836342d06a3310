package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/printer/paper"
)

// tills is how many post sales at a time.
const tills = 2

// The platform's words for the end of an invoice.
const (
	issuedCode = piaotong.StateIssued
	failedCode = piaotong.StateFailed
)

// world is everything around an agent that is killed again and again: the
// platform, the printer, and the people who go on with their work meanwhile.
type world struct {
	t        *testing.T
	pos      *pos
	platform *sandbox.Sandbox
	tape     *paper.Printer
	config   string
	pace     time.Duration // the most that a till waits between two customers
	home     chan struct{} // closed when everybody is to stop
	once     sync.Once
	people   sync.WaitGroup
	seed     uint64
	rands    uint64
	kills    int
	stops    int
	log      bytes.Buffer // of every life of the agent

	desk sync.Mutex // of the platform, where customers and staff are served

	mu      sync.Mutex // of what follows
	papers  []paper.Receipt
	codes   []string // addresses that customers have seen and not claimed
	tickets []*ticket
	wrongs  [][2]string // of which sale, and what
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, home: make(chan struct{}), seed: rand.Uint64()}
	if text := os.Getenv("SOAK_SEED"); text != "" {
		var err error
		if w.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SOAK_SEED: %v", err)
		}
	}
	t.Logf("SOAK_SEED=%d", w.seed)
	dir := t.TempDir()
	var err error
	if w.platform, err = sandbox.New(sandbox.Options{PublicURL: "http://platform.test"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.platform)
	t.Cleanup(func() {
		w.platform.Close() // ends answers that are held back, which the server waits for
		server.Close()
	})
	// A receipt ends by its cut, or by the next one; never because the printer
	// waits for somebody.
	if w.tape, err = paper.New(paper.Options{Idle: time.Hour, OnReceipt: w.printed}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.tape.Close() })
	printerAt, err := w.tape.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	keys, data := filepath.Join(dir, "keys"), filepath.Join(dir, "data")
	account := w.platform.Account()
	w.pos = &pos{t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), data}
	w.config = filepath.Join(dir, "config.toml")
	config := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n[printer]\nport = \"tcp://%s\"\n[receipt]\nqr_wait = \"100ms\"\ndeferred = \"slip\"\n"+
		"[piaotong.poll]\nfast = \"30s\"\nslow = \"60s\"\n%s",
		data, strings.TrimPrefix(w.pos.url, "http://"), printerAt, strings.Replace(account.ConfigTOML(server.URL, keys), "[piaotong]\n", "[piaotong]\ntimeout = \"2s\"\n", 1))
	for name, text := range map[string]string{
		filepath.Join(keys, sandbox.PrivateKeyFile): account.PrivateKeyPEM, filepath.Join(keys, sandbox.PlatformKeyFile): account.PlatformPublicKeyPEM, w.config: config,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(w.goHome)
	return w
}

// goHome ends everybody's work and waits until they have gone.
func (w *world) goHome() {
	w.once.Do(func() { close(w.home) })
	w.people.Wait()
}

// rand is a source of chance of its own for each who needs one, so that the
// seed gives each the same choices again.
func (w *world) rand() *rand.Rand {
	w.rands++
	return rand.New(rand.NewPCG(w.seed, w.rands))
}

// goOn lets people do their work until they are sent home.
func (w *world) goOn(works ...func(*rand.Rand)) {
	for _, work := range works {
		r := w.rand()
		w.people.Go(func() { work(r) })
	}
}

// pause waits, and reports false when it is time to go home.
func (w *world) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.home:
		return false
	}
}

func (w *world) printed(r paper.Receipt) {
	r.Image, r.Bytes = nil, nil
	w.mu.Lock()
	defer w.mu.Unlock()
	w.papers = append(w.papers, r)
	for _, url := range r.QRs {
		if strings.Contains(url, "/q/") { // a direct invoice's page has nothing to submit
			w.codes = append(w.codes, url)
		}
	}
}

// display shows a code to a customer without paper.
func (w *world) display(url string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.codes = append(w.codes, url)
}

// takeCodes takes up to n of the codes that customers hold.
func (w *world) takeCodes(r *rand.Rand, n int) (urls []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; n > 0 && len(w.codes) > 0; n-- {
		i := r.IntN(len(w.codes))
		urls = append(urls, w.codes[i])
		w.codes[i] = w.codes[len(w.codes)-1]
		w.codes = w.codes[:len(w.codes)-1]
	}
	return urls
}

// happened takes what came of somebody's doing on the platform: it may have
// come too late, and nothing else.
func (w *world) happened(err error) {
	if err != nil && !errors.Is(err, sandbox.ErrConflict) {
		w.must(err)
	}
}

func (w *world) ledger() sandbox.Ledger {
	l, err := w.platform.Ledger()
	w.must(err)
	return l
}

// timeline is all that is known of a sale: what the platform did and what the
// agent logged.
func (w *world) timeline(saleID string) string {
	var b strings.Builder
	for _, e := range w.ledger().Entries {
		if e.TradeNo == saleID {
			fmt.Fprintf(&b, "%s ledger %s qr=%s invoice=%s blue=%s amount=%s %s\n", e.At.Format("15:04:05.000"), e.Kind, e.QRCodeNo, e.ReqSerialNo, e.BlueSerial, e.Amount, e.Outcome)
		}
	}
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, "sale="+saleID+" ") || strings.Contains(line, "sale="+saleID+"\n") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// wrong notes what is wrong with a sale; report tells of it.
func (w *world) wrong(saleID, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrongs = append(w.wrongs, [2]string{saleID, fmt.Sprintf(format, args...)})
}

func (w *world) failing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t.Failed() || len(w.wrongs) > 0
}

// report fails the test where something was wrong; the first sales come with
// their timelines. No agent runs any more.
func (w *world) report() {
	const timelines = 4
	told := map[string]bool{}
	for _, x := range w.wrongs {
		text := x[0] + ": " + x[1]
		if !told[x[0]] && len(told) < timelines {
			told[x[0]] = true
			text += "\n" + w.timeline(x[0])
		}
		w.t.Error(text)
	}
}

// get reads a resource of a running agent.
func (w *world) get(path string) map[string]any {
	w.t.Helper()
	return w.pos.must(http.StatusOK, http.MethodGet, path, "")
}
