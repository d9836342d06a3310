package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tillagent/queue"
)

// OutwardOptions say where alerts are told outside the till. An address that
// is "" is not used. Addresses and secrets stand in no log and no error.
type OutwardOptions struct {
	Store    *queue.Store
	Webhook  string // gets a JSON POST
	WeCom    string // robot of a WeCom (企业微信) group
	DingTalk string // robot of a DingTalk (钉钉) group
	Feishu   string // robot of a Feishu (飞书) group
	// The robots' signing secrets; "" where the robot has none.
	DingTalkSecret, FeishuSecret string
	Shop                         OutwardShop
	Transport                    http.RoundTripper // nil is one of our own
	Log                          *slog.Logger      // nil discards
}

// OutwardShop says whose till it is; the till's code comes from the store.
type OutwardShop struct {
	EnterpriseName string
	ShopNum        string
	Host           string // the machine's name
}

// Outward tells alerts outside: each that is raised, and its end. The store's
// events are its outbox, so what was raised before a crash is told after it; a
// message whose answer was lost comes twice.
type Outward struct {
	OutwardOptions
	client *http.Client
}

const (
	// quiet is the life of an alert that is not worth telling.
	quiet = 10 * time.Second
	// quietMargin is how long after it an alert is looked at: its end may be on
	// its way to the disk.
	quietMargin = 2 * time.Second
	// At most outwardMost messages go to a target in outwardWindow; what is more
	// is joined in one. WeCom and DingTalk take 20 a minute, Feishu 100 a minute
	// and 5 a second, from all tills together that share a robot.
	outwardMost   = 10
	outwardWindow = 10 * time.Minute
	outwardGap    = 250 * time.Millisecond
	// outwardWithin is the deadline of a call.
	outwardWithin = 10 * time.Second
	// outwardPatience is how long a target may refuse before what is as old is
	// given up.
	outwardPatience = 24 * time.Hour
	// outwardAhead bounds how many alerts are held in memory for a target.
	outwardAhead = 100
	// lookAfter is the pause after a commit before the outbox is looked at:
	// sales are stored by the dozen, and one look is enough for all.
	lookAfter = time.Second
	// saveEvery is after how many events without an alert it is noted that they
	// need not be read again.
	saveEvery = 1000
	// storeRetry is the pause after the database could not be read or written.
	storeRetry = 5 * time.Second
	// complainEvery is how often a trouble of a target is logged.
	complainEvery = time.Hour
)

// NewOutward makes an Outward; Run starts it.
func NewOutward(o OutwardOptions) *Outward {
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second}
	}
	return &Outward{o, &http.Client{
		Transport: o.Transport,
		// Alerts go where the configuration says and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Run tells alerts until stop ends; a call under way is broken off then. A
// target that is not used is forgotten, so that it is new when it comes back.
func (o *Outward) Run(stop context.Context) {
	defer o.client.CloseIdleConnections()
	var tellers sync.WaitGroup
	defer tellers.Wait()
	for _, t := range o.targets() {
		tellers.Go(func() {
			if t.address != "" {
				(&teller{Outward: o, target: t, logged: map[bool]time.Time{}}).run(stop)
			} else if err := o.Store.ForgetOutward(stop, t.name); err != nil && stop.Err() == nil {
				o.Log.Error("cannot forget a target of alerts", "target", t.name, "err", err)
			}
		})
	}
}

// teller tells one target.
type teller struct {
	*Outward
	target
	cursor  queue.OutwardCursor // as stored
	loaded  bool
	through int64      // the events up to here are pending or settled
	pending []outgoing // oldest first; those of the cursor's First before all others
	sent    []time.Time
	// attempts counts failed calls in a row; no call goes out before the time after.
	attempts int
	after    time.Time
	logged   map[bool]time.Time // when trouble was last logged, refusals and others apart
}

// outgoing is an alert's raising or end, to be told.
type outgoing struct {
	news  queue.AlertNews
	first bool      // was active when the target was new; news has no number
	due   time.Time // not to be told before
	alert queue.Alert
}

func (t *teller) run(stop context.Context) {
	wake, leave := t.Store.WakeAlerts()
	defer leave()
	for {
		woken, ok := doze(stop, wake, t.step(stop))
		if ok && woken {
			_, ok = doze(stop, nil, lookAfter)
		}
		if !ok {
			return
		}
	}
}

// doze waits for a wake or the time; zero waits without a time. It is not ok
// when the agent stops.
func doze(stop context.Context, wake <-chan struct{}, d time.Duration) (woken, ok bool) {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-stop.Done():
		return false, false
	case <-wake:
		return true, true
	case <-timer:
		return false, true
	}
}

// step sends at most one message and gives the time until the next step; zero
// is until news.
func (t *teller) step(stop context.Context) time.Duration {
	if err := t.look(stop); err != nil {
		return t.storeFailed(stop, err)
	}
	if wait := time.Until(t.after); wait > 0 {
		return wait
	}
	held := len(t.pending)
	due, err := t.due(stop)
	if err != nil {
		return t.storeFailed(stop, err)
	}
	if due == 0 && len(t.pending) < held {
		return time.Millisecond // what was dropped makes room for more
	}
	if due == 0 {
		return t.rest()
	}
	now := time.Now()
	for len(t.sent) > 0 && now.Sub(t.sent[0]) >= outwardWindow {
		t.sent = t.sent[1:]
	}
	room := outwardMost - len(t.sent)
	if room == 0 {
		return until(t.sent[0].Add(outwardWindow))
	}
	if room > 1 {
		due = 1
	}
	failed := t.post(stop, t.pending[:due])
	if stop.Err() != nil {
		return 0 // told again at the next start
	}
	if failed != nil {
		t.failed(failed)
		return max(time.Until(t.after), time.Millisecond)
	}
	t.sent = append(t.sent, time.Now())
	t.attempts, t.after, t.cursor.RefusedSince = 0, time.Now().Add(outwardGap), 0
	t.settle(due)
	return outwardGap
}

// look reads what is new in the outbox.
func (t *teller) look(stop context.Context) error {
	if !t.loaded {
		c, err := t.Store.OutwardCursor(stop, t.name)
		if err != nil {
			return err
		}
		t.cursor, t.through, t.loaded = c, c.Seq, true
		for _, id := range c.First {
			t.pending = append(t.pending, outgoing{news: queue.AlertNews{AlertID: id}, first: true, due: time.Now().Add(quiet + quietMargin)})
		}
	}
	if len(t.pending) >= outwardAhead {
		return nil
	}
	news, through, err := t.Store.AlertNews(stop, t.through, outwardAhead)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, n := range news {
		due := now
		if !n.Cleared { // no longer than this, also where the clock was set
			due = now.Add(min(max(n.At.Add(quiet+quietMargin).Sub(now), 0), quiet+quietMargin))
		}
		t.pending = append(t.pending, outgoing{news: n, due: due})
	}
	t.through = through
	if len(t.pending) == 0 && t.through-t.cursor.Seq > saveEvery {
		t.settle(0)
	}
	return nil
}

// due counts what can be told now, from the head of what is pending, with each
// alert as it stands. What need not be told at all is dropped. The order is
// kept: an end that waits behind a beginning waits some seconds.
func (t *teller) due(stop context.Context) (n int, err error) {
	now := time.Now()
	for n < len(t.pending) && !t.pending[n].due.After(now) {
		p := &t.pending[n]
		p.alert, err = t.Store.AlertByID(stop, p.news.AlertID)
		if err != nil && !errors.Is(err, queue.ErrNotFound) {
			return 0, err
		}
		if err == nil && !(p.alert.Cleared > 0 && short(p.alert)) {
			n++
			continue
		}
		t.pending = append(t.pending[:n], t.pending[n+1:]...)
	}
	return n, nil
}

// short reports whether an ended alert was too short to be told. It is decided
// by what is stored, so that a beginning and its end are told both or neither.
// A negative life comes of a clock that was set and says nothing.
func short(a queue.Alert) bool {
	life := time.Duration(a.Cleared-a.Raised) * time.Millisecond
	return 0 <= life && life < quiet
}

// rest is the time until the first of what is pending is due; zero for never.
func (t *teller) rest() time.Duration {
	if len(t.pending) == 0 {
		return 0
	}
	return until(t.pending[0].due)
}

// settle notes that the first n of what is pending need not be told any more.
func (t *teller) settle(n int) {
	t.pending = t.pending[n:]
	t.cursor.Seq, t.cursor.First = t.through, nil
	for _, p := range t.pending {
		if !p.first {
			t.cursor.Seq = p.news.Seq - 1
			break
		}
		t.cursor.First = append(t.cursor.First, p.news.AlertID)
	}
	if err := t.Store.SetOutwardCursor(t.name, t.cursor); err != nil {
		t.complain(false, "cannot store how far alerts were told; some may come again after a restart", err)
	}
}

// failed decides when to try again after a call that the target did not accept,
// and gives up what it has refused for long, so that what comes later gets its
// turn.
func (t *teller) failed(f *notTold) {
	now := time.Now()
	t.attempts++
	pause := Delay(t.attempts)
	if f.tooMany {
		pause = max(pause, time.Minute) // the limits are per minute
	}
	t.after = now.Add(pause)
	t.complain(f.refused, "cannot tell an alert", f)
	switch {
	case !f.refused:
	case t.cursor.RefusedSince == 0:
		t.cursor.RefusedSince = now.UnixMilli()
		t.settle(0)
	case now.Sub(time.UnixMilli(t.cursor.RefusedSince)) >= outwardPatience:
		n := 1
		for n < len(t.pending) && now.Sub(t.pending[n].news.At) >= outwardPatience {
			n++
		}
		t.Log.Warn("gave up alerts that were refused", "target", t.name, "count", n)
		t.attempts, t.cursor.RefusedSince = 0, 0
		t.settle(n)
	}
}

func (t *teller) storeFailed(stop context.Context, err error) time.Duration {
	if stop.Err() == nil {
		t.complain(false, "cannot read which alerts are to be told", err)
	}
	return storeRetry
}

// complain logs a trouble, refusals and others once an hour each.
func (t *teller) complain(refused bool, what string, err error) {
	now := time.Now()
	if last, known := t.logged[refused]; known && now.Sub(last) < complainEvery {
		return
	}
	t.logged[refused] = now
	t.Log.Warn(what, "target", t.name, "waiting", len(t.pending), "err", err)
}
