package worker

import (
	"context"
	"strconv"
	"time"

	"tillagent/piaotong"
	"tillagent/trade"
)

// codePause is how long after a login code was sent the next may be (2.4,
// assumed).
const codePause = time.Minute

// loginKept is how long it is remembered which codes of an account went out.
const loginKept = time.Hour

// login is what is known of a login by SMS. It dies with the process: a code
// lives for minutes.
type login struct {
	used   time.Time // for forgetting
	sent   time.Time // when a code was last sent
	serial string    // that 2.5 takes with the code
	// tried are the codes that went out, with the platform's refusal where there
	// was one. None goes out twice: the tax bureau locks accounts.
	tried map[piaotong.Secret]*trade.CallError
}

// login finds what is known of an account's login. It is called with mu held.
func (a *accounts) login(name string, now time.Time) *login {
	for n, l := range a.logins {
		if now.Sub(l.used) >= loginKept {
			delete(a.logins, n)
		}
	}
	l := a.logins[name]
	if l == nil {
		if a.logins == nil {
			a.logins = map[string]*login{}
		}
		l = &login{tried: map[piaotong.Secret]*trade.CallError{}}
		a.logins[name] = l
	}
	l.used = now
	return l
}

// SendLoginCode has the tax bureau send a login code to the operator (2.4), at
// most one a minute for an account, and gives the telephone, masked.
func (w *Worker) SendLoginCode(ctx context.Context, name string) (phone string, err error) {
	now := time.Now()
	w.accounts.mu.Lock()
	l := w.accounts.login(name, now)
	if wait := codePause - now.Sub(l.sent); !l.sent.IsZero() && wait > 0 {
		w.accounts.mu.Unlock()
		seconds := int((wait + time.Second - 1) / time.Second)
		return "", &trade.CallError{Failure: trade.CallTooSoon, Why: trade.Say(trade.CallWait, strconv.Itoa(seconds)), After: wait}
	}
	l.sent = now
	w.accounts.mu.Unlock()
	var code piaotong.SMSCode
	err = w.asked(ctx, "account_sms_code", name, func() (err error) {
		code, err = w.Platform.SendSMSCode(ctx, w.accountRef(name))
		return err
	})
	w.accounts.mu.Lock()
	if err == nil || piaotong.KindOf(err) == piaotong.Unknown {
		l.serial = code.SerialNo
		clear(l.tried)
	} else {
		l.sent = time.Time{} // none was sent
	}
	w.accounts.mu.Unlock()
	if err != nil {
		return "", w.callError(name, err)
	}
	return maskAccount(code.Mobile), nil
}

// Login completes a login with the code that the operator received (2.5). A
// code is sent once; asked to send it again, it asks what came of it (2.8). The
// account may still want the face check.
func (w *Worker) Login(ctx context.Context, name, code string) (trade.Account, error) {
	secret := piaotong.Secret(code)
	w.accounts.mu.Lock()
	l := w.accounts.login(name, time.Now())
	refused, again := l.tried[secret]
	l.tried[secret] = refused
	serial := l.serial
	w.accounts.mu.Unlock()
	switch {
	case refused != nil:
		return trade.Account{}, refused
	case again:
		return w.loginUnsure(ctx, name, &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallUnsure)})
	}
	var state piaotong.AccountState
	err := w.asked(ctx, "account_sms_login", name, func() (err error) {
		state, err = w.Platform.LoginBySMS(ctx, piaotong.SMSLogin{TaxpayerNum: w.Issuer.TaxpayerNum, Account: name, Code: secret, SerialNo: serial})
		return err
	})
	if err != nil {
		return w.loginFailed(ctx, l, name, secret, err)
	}
	a := w.describe(ctx, name, state.Login, state.Auth)
	if a.Login == trade.AccountUnknown || a.Auth == trade.AccountUnknown {
		if now, err := w.queryAccount(ctx, name); err == nil {
			a = now
		}
	}
	w.mended(ctx, a)
	return a, nil
}

// loginFailed notes what came of a code that did not log in.
func (w *Worker) loginFailed(ctx context.Context, l *login, name string, code piaotong.Secret, err error) (trade.Account, error) {
	why := w.callError(name, err)
	w.accounts.mu.Lock()
	switch piaotong.KindOf(err) {
	case piaotong.Unknown:
		w.accounts.mu.Unlock()
		return w.loginUnsure(ctx, name, why)
	case piaotong.Unavailable, piaotong.Misconfigured, 0: // surely not processed
		delete(l.tried, code)
	default:
		l.tried[code] = why
	}
	w.accounts.mu.Unlock()
	return trade.Account{}, why
}

// loginUnsure asks what came of a code that went out. Where that cannot be
// told, or the account is not logged in, the error is why.
func (w *Worker) loginUnsure(ctx context.Context, name string, why *trade.CallError) (trade.Account, error) {
	a, err := w.queryAccount(ctx, name)
	if err != nil || a.Login != trade.AccountOK {
		return trade.Account{}, why
	}
	w.mended(ctx, a)
	return a, nil
}
