package worker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// How often the platform is asked whether the tax account works while work
// waits for it, and how often that is tried out where it cannot tell.
const (
	accountEvery  = time.Minute
	accountEager  = time.Hour // since work waits; afterwards it is asked seldom
	accountSeldom = 5 * time.Minute
	accountTry    = 15 * time.Minute
)

// accounts is what the worker knows of the tax accounts beside the database.
type accounts struct {
	mu      sync.Mutex
	issuing string            // login name of the account that issues, "" where it is not known
	logins  map[string]*login // by login name
	passed  string            // the last face check that was seen to be passed
	release release
}

// releasePauses are the pauses after the 1st, 2nd, … release in a row.
var releasePauses = []time.Duration{2 * time.Minute, 5 * time.Minute, 15 * time.Minute}

// releasePeace is how long after a release it no longer counts.
const releasePeace = time.Hour

// release damps how often what waits for the account is let go on the
// platform's word that the account works, for the word may be wrong. The zero
// value is ready.
type release struct {
	inRow int
	last  time.Time
}

// next is before which time there is to be no further release.
func (r *release) next() time.Time {
	if r.inRow == 0 {
		return time.Time{}
	}
	return r.last.Add(releasePauses[min(r.inRow, len(releasePauses))-1])
}

// note notes a release.
func (r *release) note(now time.Time) {
	if now.Sub(r.last) >= releasePeace {
		r.inRow = 0
	}
	r.inRow, r.last = r.inRow+1, now
}

// accountWatch is the loop that finds out whether the tax account works again
// while work waits for it.
type accountWatch struct {
	*Worker
	begun    bool
	works    bool      // an invoice that waited was issued, and that is not acted on yet
	since    time.Time // when the wait began; zero while nothing waits
	due      time.Time // of the next question
	tried    time.Time // when it was last tried out, or the wait began
	unlisted bool      // the list of accounts is to be fetched
	listDue  time.Time
}

// account runs the watch until stop ends. What it asks changes nothing on the
// platform, so a question may be broken off.
func (w *Worker) account(stop context.Context) {
	a := &accountWatch{Worker: w, unlisted: true}
	for w.sleep(stop, w.Store.WakeAccount(), w.breaker.changed(), a.step(stop)) {
	}
}

// step does what is due and gives the time until the next step; zero is until
// news. No call goes out while the breaker is open.
func (a *accountWatch) step(stop context.Context) time.Duration {
	waiting, works, err := a.Store.AccountStands(stop)
	a.works = a.works || works
	if err == nil && a.works {
		a.proven()
		err, waiting = a.Store.AccountReady(stop), false
	}
	if err != nil {
		return a.claimFailed(stop, err)
	}
	a.works = false
	a.turn(waiting)
	if !waiting {
		a.nameAccount()
	}
	if !waiting && !a.unlisted {
		return 0
	}
	if a.breaker.isOpen() {
		return accountEvery
	}
	if a.unlisted && !time.Now().Before(a.listDue) {
		a.list(stop)
	}
	if waiting && !time.Now().Before(a.nextQuestion()) {
		a.question(stop)
	}
	return a.rest(waiting)
}

// turn notes whether work waits. At the start of the process the account is
// asked about at once: somebody may have logged in meanwhile.
func (a *accountWatch) turn(waiting bool) {
	now := time.Now()
	switch {
	case !waiting:
		a.since = time.Time{}
	case a.since.IsZero() && a.begun:
		a.since, a.due, a.tried = now, now.Add(accountEvery), now
		a.unlisted = true
	case a.since.IsZero():
		a.since = now
	}
	a.begun = true
}

// nextQuestion is when the account is asked about: also not before what it
// leads to may be done.
func (a *accountWatch) nextQuestion() time.Time {
	if next := a.nextRelease(); next.After(a.due) {
		return next
	}
	return a.due
}

func (a *accountWatch) rest(waiting bool) time.Duration {
	var next time.Time
	if waiting && !a.since.IsZero() {
		next = a.nextQuestion()
	}
	if a.unlisted && (next.IsZero() || a.listDue.Before(next)) {
		next = a.listDue
	}
	return until(next)
}

// list fetches the list of accounts (2.45), which tells the one that issues.
func (a *accountWatch) list(stop context.Context) {
	if a.tokens.Wait(stop) != nil {
		return
	}
	_, err := a.listAccounts(stop)
	a.unlisted = passing(err)
	a.listDue = time.Now().Add(accountSeldom)
}

// passing reports whether the platform may answer when it is asked again.
func passing(err error) bool {
	kind := piaotong.KindOf(err)
	return kind == piaotong.Unavailable || kind == piaotong.Unknown
}

// question asks for the state of the account that issues (2.8). Where the
// platform cannot tell, one piece of work finds out.
func (a *accountWatch) question(stop context.Context) {
	if a.tokens.Wait(stop) != nil {
		return
	}
	var account trade.Account
	name, err := a.issuing(), error(nil)
	if name != "" {
		account, err = a.queryAccount(stop, name)
	}
	now := time.Now()
	a.due = now.Add(accountEvery)
	if now.Sub(a.since) >= accountEager {
		a.due = now.Add(accountSeldom)
	}
	told := err == nil && account.Login != trade.AccountUnknown && account.Auth != trade.AccountUnknown && name != ""
	switch {
	case stop.Err() != nil:
	case told && account.Ready():
		if a.free(stop) {
			a.since = time.Time{}
		}
	case !told && now.Sub(a.tried) >= accountTry:
		a.tried = now
		a.report("that the tax account is tried out", a.Store.TryAccount(stop))
	}
}

// free lets go what waits for the tax account, and reports whether it did.
func (w *Worker) free(ctx context.Context) bool {
	w.accounts.mu.Lock()
	w.accounts.release.note(time.Now())
	w.accounts.mu.Unlock()
	w.Log.Info("the tax account works again", "account", maskAccount(w.issuing()))
	err := w.Store.AccountReady(ctx)
	w.report("that the tax account works", err)
	w.nameAccount()
	return err == nil
}

// proven notes a better proof than 2.8's word that the account works.
func (w *Worker) proven() {
	w.accounts.mu.Lock()
	defer w.accounts.mu.Unlock()
	w.accounts.release = release{}
}

func (w *Worker) nextRelease() time.Time {
	w.accounts.mu.Lock()
	defer w.accounts.mu.Unlock()
	return w.accounts.release.next()
}

func (w *Worker) issuing() string {
	w.accounts.mu.Lock()
	defer w.accounts.mu.Unlock()
	return w.accounts.issuing
}

// recallAccount takes the account that issues from the list as it was last
// known, so that an alert names it also where the platform is away at first. An
// alert that stands keeps the name that it has.
func (w *Worker) recallAccount(ctx context.Context) {
	list, _, err := w.Store.Accounts(ctx)
	if err != nil {
		if ctx.Err() == nil { // a stop is no failure
			w.Log.Error("cannot read the list of tax accounts", "err", err)
		}
		return
	}
	w.learn(list)
	if alert, stands, err := w.authAlert(); err == nil && stands {
		w.Store.SetAccount(alert.Account)
	} else {
		w.nameAccount()
	}
}

// learn finds the account that issues in a list.
func (w *Worker) learn(list []trade.Account) {
	a, _ := trade.Issuing(list, w.Issuer.DrawerName)
	w.accounts.mu.Lock()
	defer w.accounts.mu.Unlock()
	w.accounts.issuing = a.Account
}

// nameAccount has coming alerts name the account that issues. While one stands
// its name stays, so that the same trouble is not told under two. The name is
// masked: alerts go outward, and it may be a telephone number.
func (w *Worker) nameAccount() {
	if _, stands, err := w.authAlert(); err == nil && !stands {
		w.Store.SetAccount(maskAccount(w.issuing()))
	}
}

// authAlert is the alert which says that work waits for the tax account.
func (w *Worker) authAlert() (alert queue.Alert, stands bool, err error) {
	alerts, err := w.Store.ActiveAlerts()
	for _, a := range alerts {
		if a.Kind == trade.AlertAuth {
			return a, true, err
		}
	}
	return queue.Alert{}, false, err
}

// maskAccount hides the middle of a name that may be a telephone number or an
// identity card's.
func maskAccount(name string) string {
	if r := []rune(name); len(r) >= 11 {
		return string(r[:3]) + "****" + string(r[len(r)-4:])
	}
	return name
}

// asked makes a call about an account, with its bookkeeping. That one of these
// interfaces is refused for the till's set-up says nothing about the others, so
// it does not stop the work.
func (w *Worker) asked(ctx context.Context, key, account string, call func() error) error {
	if w.Platform == nil {
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallNoPlatform)}
	}
	started := time.Now()
	err := call()
	var pe *piaotong.Error
	if errors.As(err, &pe) && pe.Kind == piaotong.Misconfigured {
		w.breaker.unused()
	} else {
		w.noticed(ctx, err)
	}
	w.watchClock()
	w.observeAccount(key, err, started)
	if pe != nil && pe.NoPath {
		return err
	}
	w.Log.Info("platform called", "op", key, "account", maskAccount(account), "took", time.Since(started).Round(time.Millisecond), "err", masked(err))
	return err
}

// masked is an error for the log, without what is people's own: the platform's
// text may repeat it.
func masked(err error) any {
	if err == nil {
		return nil
	}
	return hide(err.Error())
}

// pathPrefix begins the subject of an alert about a path that is missing.
const pathPrefix = "path:"

// missingPath is the key of the path for want of which nothing was sent.
func missingPath(pe *piaotong.Error) string {
	return strings.TrimPrefix(pe.Msg, "path not configured: ")
}

// pathMissing tells that work needs a path that is not configured.
func (w *Worker) pathMissing(pe *piaotong.Error) {
	key := missingPath(pe)
	w.report("an alert", w.Store.Raise(trade.Raise{Kind: trade.AlertCredentials, Subject: pathPrefix + key,
		Title: trade.Say(trade.PathMissing, key), Action: trade.Say(trade.PathMissingDo)}))
}

// clearPaths ends the alerts of paths that are configured by now.
func (w *Worker) clearPaths() {
	alerts, err := w.Store.ActiveAlerts()
	w.report("the end of alerts", err)
	for _, a := range alerts {
		if key, ok := strings.CutPrefix(a.Subject, pathPrefix); ok && a.Kind == trade.AlertCredentials && w.Platform.HasPath(key) {
			w.report("an alert's end", w.Store.Clear(a.Kind, a.Subject))
		}
	}
}
