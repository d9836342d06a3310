package worker_test

import (
	"context"
	"fmt"
	"os"
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

// till is the till of a column of the matrix: it suffers one cell's fault after
// the other's.
type till struct {
	*lab
	wire *wire
	seq  int64 // of the last event that was looked at
}

// column plays cells, each on a till that is at peace when the cell begins. It
// opens a new till where a cell leaves something behind, or went wrong.
func column(t *testing.T, cells []*cell) {
	for len(cells) > 0 {
		synctest.Test(t, func(t *testing.T) {
			l := openTill(t)
			for fit := true; fit && len(cells) > 0; cells = cells[1:] {
				fit = cells[0].run(l)
			}
			l.shut(t)
		})
	}
}

// shut closes the till. Its journal must verify.
func (l *till) shut(t *testing.T) {
	l.stop()
	if err := l.store.VerifyJournal(); err != nil {
		t.Error(err)
	}
	for _, err := range []error{l.store.Close(), l.sandbox.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
}

func openTill(t *testing.T) *till {
	t.Helper()
	l := &till{lab: &lab{shop: &shop{t: t}, path: filepath.Join(t.TempDir(), "agent.db"), clock: &worker.Clock{}, valid: 24 * time.Hour}}
	var err error
	if err := freshDatabase(l.path); err != nil {
		t.Fatal(err)
	}
	if l.sandbox, err = sandbox.New(sandbox.Options{PublicURL: "http://platform.test"}); err != nil {
		t.Fatal(err)
	}
	opts, err := l.sandbox.Account().ClientOptions("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if l.wire, err = newWire(handlerTransport{l.sandbox}, opts); err != nil {
		t.Fatal(err)
	}
	opts.Transport, opts.Timeout, opts.OnDate, opts.Now = l.wire, 10*time.Second, l.clock.SawDate, l.clock.Now
	if l.platform, err = piaotong.New(opts); err != nil {
		t.Fatal(err)
	}
	l.open()
	l.run()
	synctest.Wait() // what a start asks for must not meet the first cell's fault
	return l
}

// emptyDatabase is a database in which nothing happened yet: to copy one is
// quicker than to make one.
var emptyDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "matrix")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "agent.db")
	s, err := queue.Open(queue.Options{Path: path, Prefix: "DEMO", QRValid: time.Hour, Pause: worker.Pause(time.Second, time.Second)})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func freshDatabase(path string) error {
	data, err := emptyDatabase()
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// end is how a sale stands when nothing moves any more, in our books and in
// the platform's.
type end struct {
	view      trade.SaleState
	refund    string      // state of the refund, "" without one
	invoiced  trade.Money // blue less red
	claimable trade.Money // in codes that a customer can still submit
	codes     int         // ever made
	blues     int         // invoices issued
	reds      int
	watched   bool // something is still asked about now and then
}

// play is a cell that is being played: its sale, what was told of it, and what
// people had to do.
type play struct {
	*till
	c        *cell
	sale     string
	view     trade.SaleState
	refunded string         // state of the refund
	alerts   map[string]int // raised
	rejected int            // times the sale was refused, and put back in line
	handed   int            // times the refund was handed to a person, who had it tried again
	blocked  int            // times the tax account had to log in
}

// gaveUp ends a play that cannot go on.
type gaveUp struct{}

func (p *play) errorf(format string, args ...any) {
	p.c.problems = append(p.c.problems, fmt.Sprintf(format, args...))
}

func (p *play) fatalf(format string, args ...any) {
	p.errorf(format, args...)
	panic(gaveUp{})
}

func (p *play) must(err error) {
	if err != nil {
		p.fatalf("%v", err)
	}
}

// patience is how long, in the bubble's time, a cell may take to a next step.
const patience = 6 * time.Hour

// until waits until the sale is as wanted. On the way it does what people do:
// it puts what was refused back in line, and logs the account in. False says
// that the void of a code is a person's to find out about.
func (p *play) until(what string, ok func() bool) bool {
	pause := time.Second
	for began := time.Now(); time.Since(began) < patience; {
		synctest.Wait()
		p.news()
		switch {
		case ok():
			return true
		case p.refunded == "failed" && p.c.unconfirmed():
			return false
		case p.refunded == "failed":
			p.handed++
			p.alertStands(trade.AlertRefund)
			_, err := p.store.RetryRefund(context.Background(), p.refundID())
			p.must(err)
			p.refunded = ""
		case p.view == trade.StateRejected:
			p.rejected++
			p.alertStands(trade.AlertRejected)
			_, err := p.store.Retry(context.Background(), p.sale)
			p.must(err)
			p.view = trade.StateQueued
		case p.view == trade.StateAuthRequired, p.refunded == "waiting_auth":
			p.blocked++
			p.alertStands(trade.AlertAuth)
			p.must(p.store.AccountReady(context.Background()))
			p.view, p.refunded = "", ""
		default:
			time.Sleep(pause)
			pause = min(3*pause, 30*time.Second)
		}
	}
	r := p.record()
	p.fatalf("the sale is not %s: %+v, op %+v", what, r.Standing, r.Op)
	return false
}

func (p *play) record() *queue.Record {
	r, err := p.store.Sale(context.Background(), p.sale)
	p.must(err)
	return r
}

// news hears what was told since the last time.
func (p *play) news() {
	events, err := p.store.EventsAfter(context.Background(), p.seq, 1000)
	p.must(err)
	for _, e := range events {
		p.seq = e.Seq
		switch {
		case e.Type == "alert.raised":
			p.alerts[alertName(e.State, e.SaleID, e.Detail)]++
		case e.SaleID != p.sale:
		case strings.HasPrefix(e.Type, "refund."):
			p.refunded = e.State
		case strings.HasPrefix(e.Type, "sale."):
			p.view = trade.SaleState(e.State)
		}
	}
}

// alertStands holds that there is just one alert of a kind, for this trouble.
func (p *play) alertStands(kind string) {
	as, err := p.store.ActiveAlerts()
	p.must(err)
	n := 0
	for _, a := range as {
		if a.Kind == kind {
			n++
		}
	}
	if n != 1 {
		p.errorf("%d alerts %s stand, want 1", n, kind)
	}
}

// restFor is how long nothing may move before a sale counts as being at its end.
const restFor = 10 * time.Minute

// comesTo holds that the sale comes to an end and stays there.
func (p *play) comesTo(want end) {
	there := func() bool {
		if p.view != want.view || p.refunded != want.refund {
			return false
		}
		r, state := p.record(), ""
		for _, f := range r.Standing.Refunds {
			state = r.Standing.RefundView(f)
		}
		return r.Standing.View() == want.view && state == want.refund && (r.Op == nil) != want.watched
	}
	if !p.until(string(want.view), there) {
		p.fatalf("the refund needs a person: %+v", p.record().Standing)
	}
	before := len(p.wire.heard())
	time.Sleep(restFor)
	synctest.Wait()
	if after := p.wire.heard()[before:]; !want.watched && p.c.times != alone && slices.ContainsFunc(after, func(h heard) bool { return len(h.ids) > 0 }) {
		p.errorf("the sale does not rest: %v", after)
	}
	p.books(want)
}

// books holds that the platform's ledger has what it should of the sale, and
// nothing twice.
func (p *play) books(want end) {
	l, err := p.sandbox.Ledger()
	p.must(err)
	got := end{view: want.view, refund: want.refund, watched: want.watched}
	once := map[string]int{}
	for _, e := range l.Entries {
		switch e.Kind {
		case sandbox.QRCreatedEntry:
			once["code "+e.QRCodeNo]++
		case sandbox.ClaimedEntry, sandbox.BlueRequestedEntry, sandbox.RedRequestedEntry:
			once["request "+e.ReqSerialNo]++
		case sandbox.InvoiceIssuedEntry, sandbox.RedIssuedEntry:
			once["issue "+e.ReqSerialNo]++
		}
	}
	for what, n := range once {
		if n != 1 {
			p.errorf("%s is in the ledger %d times", what, n)
		}
	}
	active := 0
	for _, q := range l.QRs {
		if q.TradeNo != p.sale {
			continue
		}
		got.codes++
		if q.State == "active" {
			m, err := trade.ParseMoney(q.Amount)
			p.must(err)
			got.claimable += m
			active++
		}
	}
	for _, i := range l.Invoices {
		m, err := trade.ParseMoney(i.Amount)
		p.must(err)
		switch {
		case i.TradeNo != p.sale:
			continue
		case i.Code != piaotong.StateIssued:
			p.errorf("invoice %s ended as %s", i.ReqSerialNo, i.Code)
		case i.Type == piaotong.TypeRed:
			got.reds++
		default:
			got.blues++
		}
		got.invoiced += m
	}
	if active > 1 {
		p.errorf("%d codes can be claimed", active)
	}
	if got != want {
		p.errorf("the ledger has %+v, want %+v", got, want)
	}
}
