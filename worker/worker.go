// Package worker carries accepted work to its end. It is the one place that
// decides: which lane goes, what an answer of the platform or the printer
// means for a sale, when to try again, and when a person must be told.
package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"tillagent/piaotong"
	"tillagent/printer"
	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
)

// Issuer is who issues the invoices, in the platform's words.
type Issuer struct {
	TaxpayerNum    string
	EnterpriseName string
	ShopNum        string
	DrawerName     string
	CashierName    string
	ReviewerName   string
}

// Options say what a worker works with.
type Options struct {
	Store    *queue.Store
	Platform *piaotong.Client // nil: not set up; sales wait
	Issuer   Issuer
	Printers []Printer // by distinct names; none: nothing is printed
	Training bool      // what is printed for no sale is marked as practice
	// Concurrency is how many live sales may be at the platform at a time; 0 is 4.
	Concurrency int
	// CallEvery is the pause between two calls that the token bucket asks for;
	// 0 is 200 ms.
	CallEvery time.Duration
	// QRWait is how long a receipt waits for its QR code while the platform answers.
	QRWait   time.Duration
	Observer Observer     // nil: nobody
	Clock    *Clock       // fed by the platform's answers; nil is a clock of its own
	Log      *slog.Logger // nil discards
}

// Printer is a printer that the worker prints on.
type Printer struct {
	Name    string // by which print jobs name it
	Device  *printer.Device
	Profile printer.Profile
	Shop    receipt.Shop // for its paper and its drawer
	Beep    bool         // it sounds before each paper, where its model can
}

// The token bucket of a taxpayer. The platform documents no limit; five calls a
// second is the one assumed, and some may come at once. Of those, the backlog
// and the watch leave some to live sales and refunds, which so need not wait.
const (
	callEvery   = 200 * time.Millisecond
	callBurst   = 10
	callReserve = 5
)

// Worker runs the loops.
type Worker struct {
	Options
	breaker *breaker
	tokens  *rate.Limiter
	// The alerts of a wrong clock, of answers that do not verify, and of a
	// platform that is away or refuses us.
	clockAlert, away, untrusted alarm
	refused                     alarmBy
	stubborn                    putOffs
	clockOff                    alarm       // the clock's time is corrected in what is sent
	gone                        atomic.Bool // calls do not go out, and subscribers were told so
	waits                       qrWaits
	printers                    []*printing
	accounts                    accounts
}

// New makes a worker; Run starts it.
func New(o Options) *Worker {
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Clock == nil {
		o.Clock = &Clock{}
	}
	if o.CallEvery == 0 {
		o.CallEvery = callEvery
	}
	w := &Worker{Options: o, breaker: newBreaker(), tokens: rate.NewLimiter(rate.Every(o.CallEvery), callBurst)}
	w.waits = qrWaits{most: o.QRWait, set: func(d time.Duration) { o.Store.SetQRWait(d) }}
	for _, p := range o.Printers {
		w.printers = append(w.printers, &printing{Printer: p, news: make(chan struct{}, 1)})
	}
	return w
}

// Run works until stop ends: then nothing new is claimed, and what is claimed
// goes on until work ends. It returns when the last loop has.
func (w *Worker) Run(stop, work context.Context) {
	var loops sync.WaitGroup
	if w.Platform != nil {
		w.clearPaths()
		w.recallAccount(stop)
		loops.Go(func() { w.account(stop) })
		for _, lane := range trade.Lanes {
			n := 1
			switch lane { // live work has calls of its own, so that no backlog takes their place
			case trade.LaneLive:
				n = w.Concurrency
			case trade.LaneBacklog: // one less, so that a live call finds the platform less busy
				n = max(w.Concurrency-1, 1)
			}
			loops.Go(func() { w.lane(stop, work, lane, n) })
		}
	}
	w.report("what printers that were removed leave behind", w.Store.HoldOrphans())
	for _, p := range w.printers {
		loops.Go(func() { w.paper(stop, work, p) })
		loops.Go(func() { w.watchPrinter(stop, p) })
	}
	loops.Go(func() { w.watchJumps(stop) })
	loops.Wait()
}

// lane claims the due operations of a lane, at most n at a time, and sleeps
// until the next is due, a commit wakes it or the breaker lets it try.
func (w *Worker) lane(stop, work context.Context, lane trade.Lane, n int) {
	var handling sync.WaitGroup
	defer handling.Wait()
	slots := make(chan struct{}, n)
	for {
		select {
		case slots <- struct{}{}:
		case <-stop.Done():
			return
		}
		if lane == trade.LaneWatch && !w.letWatch(stop) {
			return
		}
		pass, wait := w.breaker.allow(lane == trade.LaneLive)
		var claim *queue.OpClaim
		if pass {
			var next time.Time
			var err error
			if claim, next, err = w.Store.ClaimOp(stop, lane); err != nil {
				wait = w.claimFailed(stop, err)
			} else if claim == nil {
				wait = until(next)
			}
			if claim == nil {
				w.breaker.unused()
			}
		}
		if claim == nil {
			<-slots
			if !w.sleep(stop, w.Store.Wake(lane), w.breaker.changed(), wait) {
				return
			}
			continue
		}
		handling.Go(func() {
			defer func() { <-slots }()
			if w.takeToken(stop, lane) {
				w.handle(work, claim)
			} else {
				w.report("that a claim is handed back", w.Store.HandBack(claim))
			}
		})
	}
}

// watchPause is how long the watch lane rests between two calls while sales of
// the backlog wait for theirs.
const watchPause = time.Second

// letWatch lets the sales of a backlog go before what is merely watched, which
// still goes on. False where the agent stops first.
func (w *Worker) letWatch(stop context.Context) bool {
	due, err := w.Store.Due(stop, trade.LaneBacklog)
	if err != nil || !due {
		return stop.Err() == nil // a claim reports what is wrong with the database
	}
	return w.sleep(stop, nil, nil, watchPause)
}

// takeToken draws on the bucket, for a call in a lane. False where the agent
// stops first.
func (w *Worker) takeToken(stop context.Context, lane trade.Lane) bool {
	if lane == trade.LaneLive || lane == trade.LaneUndo {
		return w.tokens.Wait(stop) == nil
	}
	for w.tokens.Tokens() <= callReserve || !w.tokens.Allow() {
		if !w.sleep(stop, nil, nil, w.CallEvery) {
			return false
		}
	}
	return true
}

// anotherToken draws on the bucket for a further call of the same operation. It
// waits as long as that; the call tells that it came to nothing.
func (w *Worker) anotherToken(ctx context.Context) { _ = w.tokens.Wait(ctx) }

// handle carries one claimed operation to the platform and stores what came
// of it, even if the agent is stopping by then.
func (w *Worker) handle(work context.Context, c *queue.OpClaim) {
	if c.Op.Kind == trade.OpVoidQR {
		w.voids(work, c)
		return
	}
	w.settle(work, c, w.call(work, c))
}

// settle stores what came of a claimed operation. A stop is no failed attempt.
func (w *Worker) settle(work context.Context, c *queue.OpClaim, e trade.Event) {
	if _, unsent := e.(trade.Unsent); work.Err() != nil && (unsent || e == nil) {
		w.report("that a claim is handed back", w.Store.HandBack(c))
		return
	}
	err := w.stored(work, func() error { return w.Store.Settle(c, e) })
	if err == nil || errors.Is(err, queue.ErrNotOurs) {
		return
	}
	w.Log.Error("cannot store an outcome; it is asked for again", "sale", c.Record.Sale.ID, "op", c.Op.Kind, "err", err)
	if !errors.Is(err, queue.ErrNotWritable) { // else the agent stops, and asks after its start
		w.report("that an outcome is asked for again", w.Store.Settle(c, w.lost(c)))
	}
}

// stored stores an outcome, and tries again while the database cannot be
// written, as on a full disk: otherwise what is claimed would stay so until a
// restart.
func (w *Worker) stored(work context.Context, store func() error) error {
	for told := false; ; told = true {
		err := store()
		if !errors.Is(err, queue.ErrNotWritable) {
			return err
		}
		if !told {
			w.Log.Error("cannot store an outcome; it is tried again", "err", err)
		}
		if !w.sleep(work, nil, nil, storeRetry) {
			return err
		}
	}
}

// claimFailed is the pause after a failed claim: the database cannot be read
// or written at the moment.
func (w *Worker) claimFailed(stop context.Context, err error) time.Duration {
	if stop.Err() == nil {
		w.Log.Error("cannot take work from the database", "err", err)
	}
	return storeRetry
}

// sleep waits for a wake, a change or the time; zero waits without a time. It
// reports false when the worker is to stop.
func (w *Worker) sleep(stop context.Context, wake, change <-chan struct{}, d time.Duration) bool {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-stop.Done():
		return false
	case <-wake:
	case <-change:
	case <-timer:
	}
	return true
}

// until is the time to sleep before t: zero for never, at least a millisecond.
func until(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(time.Until(t), time.Millisecond)
}

// report logs what could not be stored beside the work itself.
func (w *Worker) report(what string, err error) {
	if err != nil {
		w.Log.Error("cannot store "+what, "err", err)
	}
}
