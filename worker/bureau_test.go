package worker_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
	"tillagent/worker"
)

// bureau is a lab whose tax accounts are at stake: it has the worker at hand,
// and records the calls and the log.
type bureau struct {
	*lab
	w     *worker.Worker
	calls *recorder
	log   *logText
}

// shown is the sandbox's default account as alerts name it.
const shown = "100****0001"

// recorder notes the path and time of each call.
type recorder struct {
	http.RoundTripper
	mu   sync.Mutex
	made []madeCall
}

type madeCall struct {
	number string // of the interface
	at     time.Time
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	number := strings.TrimPrefix(req.URL.Path, "/sim/")
	for _, k := range piaotong.EndpointKeys() {
		if k.Default == req.URL.Path {
			number = k.Interface
		}
	}
	r.mu.Lock()
	r.made = append(r.made, madeCall{number, time.Now()})
	r.mu.Unlock()
	return r.RoundTripper.RoundTrip(req)
}

// since gives the interfaces that were called since a mark, in order.
func (r *recorder) since(mark time.Time) (numbers []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.made {
		if !m.at.Before(mark) {
			numbers = append(numbers, m.number)
		}
	}
	return numbers
}

// mark is a moment after all calls so far: the bubble's clock stands still
// while somebody works.
func mark() time.Time {
	synctest.Wait()
	time.Sleep(time.Millisecond)
	return time.Now()
}

// of gives when an interface was called.
func (r *recorder) of(number string) (at []time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.made {
		if m.number == number {
			at = append(at, m.at)
		}
	}
	return at
}

// logText collects a log.
type logText struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

// withoutPaths leaves the paths of some keys unconfigured.
func withoutPaths(keys ...string) func(*piaotong.Options) {
	return func(o *piaotong.Options) {
		for _, k := range keys {
			delete(o.Endpoints, k)
		}
	}
}

// atBureau plays in a bubble with a running worker. The options' changes are of
// the client.
func atBureau(t *testing.T, play func(*testing.T, *bureau), change ...func(*piaotong.Options)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bureau{lab: &lab{shop: &shop{t: t}, path: filepath.Join(t.TempDir(), "agent.db"), clock: &worker.Clock{}, valid: 24 * time.Hour},
			calls: &recorder{}, log: &logText{}}
		var err error
		if b.sandbox, err = sandbox.New(sandbox.Options{PublicURL: "http://platform.test"}); err != nil {
			t.Fatal(err)
		}
		b.calls.RoundTripper = handlerTransport{b.sandbox}
		b.connect(change...)
		b.start()
		play(t, b)
		b.close()
		if err := b.sandbox.Close(); err != nil {
			t.Error(err)
		}
		b.keepsSecrets()
	})
}

// connect makes the client.
func (b *bureau) connect(change ...func(*piaotong.Options)) {
	b.t.Helper()
	opts, err := b.sandbox.Account().ClientOptions("http://127.0.0.1:1")
	if err != nil {
		b.t.Fatal(err)
	}
	opts.Transport, opts.Timeout, opts.OnDate, opts.Now = b.calls, 10*time.Second, b.clock.SawDate, b.clock.Now
	opts.Logger = slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, c := range change {
		c(&opts)
	}
	if b.platform, err = piaotong.New(opts); err != nil {
		b.t.Fatal(err)
	}
}

// start opens the database and runs a worker.
func (b *bureau) start() {
	b.t.Helper()
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	b.store, err = queue.Open(queue.Options{Path: b.path, Prefix: "DEMO", QRValid: b.valid, Pause: worker.Pause(15*time.Second, 10*time.Minute), Log: log})
	if err != nil {
		b.t.Fatal(err)
	}
	account := b.sandbox.Account()
	b.w = worker.New(worker.Options{Store: b.store, Platform: b.platform, Clock: b.clock, Log: log,
		Issuer: worker.Issuer{TaxpayerNum: account.TaxpayerNum, EnterpriseName: account.EnterpriseName, DrawerName: "沙箱开票员"}})
	stop, cancelStop := context.WithCancel(context.Background())
	work, cancelWork := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.w.Run(stop, work) }()
	b.stop = func() {
		cancelStop()
		cancelWork()
		<-done
		b.stop = func() {}
	}
	synctest.Wait() // the list of accounts is known
}

func (b *bureau) close() {
	b.t.Helper()
	b.stop()
	if err := b.store.VerifyJournal(); err != nil {
		b.t.Error(err)
	}
	if err := b.store.Close(); err != nil {
		b.t.Error(err)
	}
}

// keepsSecrets looks for what must not be in the log.
func (b *bureau) keepsSecrets() {
	b.t.Helper()
	log := b.log.String()
	if !strings.Contains(log, "platform called") {
		b.t.Error("the log has no calls; nothing was tested")
	}
	for _, secret := range []string{sandbox.AccountPassword, sandbox.DefaultAccount, sandbox.SecondAccount, b.sandbox.Account().DES3Key} {
		if strings.Contains(log, secret) {
			b.t.Errorf("the log has %q", secret)
		}
	}
}

// account makes the sandbox's default account good or not.
func (b *bureau) account(loggedIn, authNeeded bool) {
	b.t.Helper()
	if err := b.sandbox.SetAccount(sandbox.DefaultAccount, loggedIn, authNeeded); err != nil {
		b.t.Fatal(err)
	}
}

// invoice sells with an invoice that is issued directly.
func (b *bureau) invoice(id string) {
	b.t.Helper()
	sale := lunch(id)
	sale.Wish, sale.Buyer = trade.WishDirect, trade.Buyer{Name: "某某公司"}
	sale.Normalise()
	if _, created, err := b.store.AcceptSale(b.t.Context(), sale, sale.Digest()); err != nil || !created {
		b.t.Fatal(created, err)
	}
}

func (b *bureau) blocked(ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		b.until(id, "auth_required", view(trade.StateAuthRequired))
	}
}

// issued waits until the sales are invoiced, and holds that each has one
// invoice, of the number that it had first.
func (b *bureau) issued(ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		r := b.until(id, "invoiced", view(trade.StateInvoiced))
		if len(r.Standing.Invoices) != 1 {
			b.t.Errorf("%s has the invoices %+v, want one", id, r.Standing.Invoices)
		}
		b.holds(id, 5850, 0)
	}
}

// auth are the active alerts about the account.
func (b *bureau) auth() []queue.Alert {
	b.t.Helper()
	as, err := b.store.ActiveAlerts()
	if err != nil {
		b.t.Fatal(err)
	}
	return slices.DeleteFunc(as, func(a queue.Alert) bool { return a.Kind != trade.AlertAuth })
}

// code has a login code sent and reads it from the operator's telephone.
func (b *bureau) code(account string) string {
	b.t.Helper()
	phone, err := b.w.SendLoginCode(b.t.Context(), account)
	if err != nil || phone != account[:3]+"****"+account[7:] {
		b.t.Fatalf("the code went to %q, %v", phone, err)
	}
	for _, c := range b.sandbox.SMSCodes() {
		if c.Account == account {
			return c.Code
		}
	}
	b.t.Fatal("no code was sent")
	return ""
}

func count(numbers []string, number string) (n int) {
	for _, m := range numbers {
		if m == number {
			n++
		}
	}
	return n
}
