package worker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"image"
	_ "image/gif" // the forms of the platform's pictures
	_ "image/jpeg"
	"image/png"
	"slices"
	"time"

	"tillagent/piaotong"
	"tillagent/trade"
)

// What a person may ask of the platform about the tax accounts. These calls go
// out also while the breaker is open; each has the client's deadline and is
// sent once. Failures of the platform are *trade.CallError; others are the
// database's.

// Accounts lists the tax accounts (2.45) as of a time; where the platform
// cannot be asked, as they were last known.
func (w *Worker) Accounts(ctx context.Context) ([]trade.Account, time.Time, error) {
	known, asOf, err := w.Store.Accounts(ctx)
	if err != nil {
		return nil, asOf, err
	}
	if pass, _ := w.breaker.allow(true); !pass && !asOf.IsZero() {
		return known, asOf, nil
	}
	list, err := w.listAccounts(ctx)
	if err != nil && !asOf.IsZero() {
		return known, asOf, nil
	}
	if err != nil {
		return nil, asOf, w.callError("", err)
	}
	if a, ok := trade.Issuing(list, w.Issuer.DrawerName); ok {
		w.seen(ctx, a)
	}
	return list, time.Now(), nil
}

// Account asks for the state of an account (2.8).
func (w *Worker) Account(ctx context.Context, name string) (trade.Account, error) {
	a, err := w.queryAccount(ctx, name)
	if err != nil {
		return a, w.callError(name, err)
	}
	w.seen(ctx, a)
	return a, nil
}

// RegisterAccount makes the platform keep an account (2.3). The password is
// passed on and kept nowhere.
func (w *Worker) RegisterAccount(ctx context.Context, r trade.Registration) error {
	err := w.asked(ctx, "account_register", r.Account, func() error {
		return w.Platform.RegisterAccount(ctx, piaotong.AccountRegister{TaxpayerNum: w.Issuer.TaxpayerNum, Account: r.Account,
			Password: piaotong.Secret(r.Password), Name: r.Name, Mobile: r.Phone})
	})
	if err != nil {
		return w.callError("", err)
	}
	list, _ := w.listAccounts(ctx) // it may issue from now on
	for _, a := range list {
		if a.Account == r.Account && a.Ready() {
			w.mended(ctx, a)
		}
	}
	return nil
}

// anyAuthID stands for the id of a face check where the platform gives none.
const anyAuthID = "-"

// AuthQR fetches the code of the face check (2.6).
func (w *Worker) AuthQR(ctx context.Context, name string) (trade.AuthQR, error) {
	var qr piaotong.AuthQR
	err := w.asked(ctx, "account_auth_qr", name, func() (err error) {
		qr, err = w.Platform.FetchAuthQR(ctx, w.accountRef(name))
		return err
	})
	if err != nil {
		return trade.AuthQR{}, w.callError(name, err)
	}
	w.accounts.mu.Lock()
	w.accounts.passed = "" // which a check without an id could be taken for
	w.accounts.mu.Unlock()
	shown := trade.AuthQR{ID: cmp.Or(qr.AuthID, anyAuthID), URL: qr.Content, Picture: pngOf(qr.Picture, qr.PictureType), ExpiresAt: qr.ExpiresAt}
	if shown.URL == "" && shown.Picture == nil {
		return trade.AuthQR{}, &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallNoPicture)}
	}
	return shown, nil
}

// maxPicture bounds the sides of a picture of a QR code, in dots.
const maxPicture = 4096

// pngOf is a picture as PNG; nil where it cannot be read.
func pngOf(picture []byte, mime string) []byte {
	if mime == "image/png" {
		return picture
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil || size.Width > maxPicture || size.Height > maxPicture {
		return nil
	}
	decoded, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	if err := png.Encode(&out, decoded); err != nil {
		return nil
	}
	return out.Bytes()
}

// scans are 2.7's states. An unknown one is no news.
var scans = map[piaotong.ScanStatus]trade.ScanStatus{
	piaotong.ScanWaiting: trade.ScanWaiting, piaotong.ScanScanned: trade.ScanScanned, piaotong.ScanPassed: trade.ScanPassed,
	piaotong.ScanExpired: trade.ScanExpired, piaotong.ScanFailed: trade.ScanFailed,
}

// AuthQRStatus asks what became of a face check (2.7), and for the account's
// state once it is passed.
func (w *Worker) AuthQRStatus(ctx context.Context, name, id string) (trade.ScanStatus, error) {
	asked := id
	if id == anyAuthID {
		asked = ""
	}
	var scan piaotong.AuthScan
	err := w.asked(ctx, "account_auth_qr_status", name, func() (err error) {
		scan, err = w.Platform.QueryAuthQR(ctx, w.accountRef(name), asked)
		return err
	})
	if err != nil {
		return "", w.callError(name, err)
	}
	if scan.Status == piaotong.ScanPassed {
		w.facePassed(ctx, name, id)
	}
	return cmp.Or(scans[scan.Status], trade.ScanWaiting), nil
}

// facePassed acts on a face check that was passed, which is news once.
func (w *Worker) facePassed(ctx context.Context, name, id string) {
	w.accounts.mu.Lock()
	news := w.accounts.passed != id
	w.accounts.passed = id
	w.accounts.mu.Unlock()
	if !news {
		return
	}
	a, err := w.queryAccount(ctx, name)
	if err != nil {
		a = trade.Account{Account: name, Login: trade.AccountUnknown, Auth: trade.AccountUnknown}
	}
	w.mended(ctx, a)
}

// Logout ends the platform's login to the tax bureau (2.46). Where no answer
// comes it asks for the account's state.
func (w *Worker) Logout(ctx context.Context, name string) error {
	err := w.asked(ctx, "account_logout", name, func() error { return w.Platform.Logout(ctx, w.accountRef(name)) })
	if piaotong.KindOf(err) == piaotong.Unknown {
		if a, asked := w.queryAccount(ctx, name); asked == nil && a.Login == trade.AccountNeeded {
			return nil
		}
	}
	if err != nil {
		return w.callError(name, err)
	}
	return nil
}

func (w *Worker) accountRef(name string) piaotong.AccountRef {
	return piaotong.AccountRef{TaxpayerNum: w.Issuer.TaxpayerNum, Account: name}
}

// listAccounts fetches the list of accounts (2.45) and keeps it.
func (w *Worker) listAccounts(ctx context.Context) ([]trade.Account, error) {
	var got []piaotong.Account
	err := w.asked(ctx, "account_list", "", func() (err error) {
		got, err = w.Platform.Accounts(ctx, w.Issuer.TaxpayerNum)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]trade.Account, len(got))
	for i, a := range got {
		list[i] = trade.Account{Account: a.Account, Name: a.Name, Phone: maskAccount(a.Mobile), Login: loginState(a.Login), Auth: authState(a.Auth), Default: a.Default}
	}
	w.report("the list of tax accounts", w.Store.SaveAccounts(context.WithoutCancel(ctx), list))
	w.learn(list)
	w.nameAccount()
	return list, nil
}

// queryAccount asks for the state of an account (2.8).
func (w *Worker) queryAccount(ctx context.Context, name string) (trade.Account, error) {
	var state piaotong.AccountState
	err := w.asked(ctx, "account_auth_status", name, func() (err error) {
		state, err = w.Platform.QueryAccount(ctx, w.accountRef(name))
		return err
	})
	if err != nil {
		return trade.Account{}, err
	}
	return w.describe(ctx, name, state.Login, state.Auth), nil
}

// describe is an account with its state now and what the last list has of it.
func (w *Worker) describe(ctx context.Context, name string, login piaotong.LoginState, auth piaotong.AuthState) trade.Account {
	described := trade.Account{Account: name}
	list, _, _ := w.Store.Accounts(ctx) // without it the account has no more than its name
	for _, a := range list {
		if a.Account == name {
			described = a
		}
	}
	described.Login, described.Auth = loginState(login), authState(auth)
	return described
}

func loginState(s piaotong.LoginState) trade.AccountState {
	switch s {
	case piaotong.LoginOK:
		return trade.AccountOK
	case piaotong.LoginNeeded:
		return trade.AccountNeeded
	}
	return trade.AccountUnknown
}

func authState(s piaotong.AuthState) trade.AccountState {
	switch s {
	case piaotong.AuthOK:
		return trade.AccountOK
	case piaotong.AuthNeeded:
		return trade.AccountNeeded
	}
	return trade.AccountUnknown
}

// seen acts on a look at an account: if it works and is the one that issues,
// what waits goes on, as often as release allows.
func (w *Worker) seen(ctx context.Context, a trade.Account) {
	if issuing := w.issuing(); !a.Ready() || issuing != "" && a.Account != issuing || time.Now().Before(w.nextRelease()) {
		return
	}
	if _, waiting, err := w.authAlert(); err == nil && waiting {
		w.free(context.WithoutCancel(ctx))
	}
}

// mended acts on what a person did about an account: what waits goes on at
// once. Where the platform does not tell whether the account works now, one
// piece of work finds out.
func (w *Worker) mended(ctx context.Context, a trade.Account) {
	if _, waiting, err := w.authAlert(); err != nil || !waiting {
		return
	}
	ctx = context.WithoutCancel(ctx)
	switch {
	case a.Ready():
		w.proven()
		w.free(ctx)
	case a.Login != trade.AccountNeeded && a.Auth != trade.AccountNeeded:
		w.report("that the tax account is tried out", w.Store.TryAccount(ctx))
	}
}

// callError tells a person why a call failed. An account that is not in the
// platform's list is not found, whatever the refusal was.
func (w *Worker) callError(name string, err error) *trade.CallError {
	var pe *piaotong.Error
	if ce, ok := errors.AsType[*trade.CallError](err); ok {
		return ce
	}
	if !errors.As(err, &pe) {
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallAway)}
	}
	text := pe.Msg
	if pe.Code != "" {
		text += " (" + pe.Code + ")"
	}
	switch {
	case pe.NoPath:
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.PathMissing, missingPath(pe))}
	case pe.Kind == piaotong.Misconfigured:
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.PlatformRefuses, pe.Code, pe.Msg)}
	case pe.Kind == piaotong.Unknown && !pe.Repeatable && pe.Code != "":
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallUnclear, text)}
	case pe.Kind == piaotong.Unknown && !pe.Repeatable:
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallUnsure)}
	case passing(pe) && pe.Code != "":
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallLater, text)}
	case passing(pe):
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallAway)}
	}
	failure := trade.CallRefused
	if pe.Kind == piaotong.NotFound || name != "" && w.unlistedAccount(name) {
		failure = trade.CallNotFound
	}
	return &trade.CallError{Failure: failure, Why: trade.Say(trade.CallSaidNo, text)}
}

// unlistedAccount reports whether the platform's list as it was last known is
// without an account.
func (w *Worker) unlistedAccount(name string) bool {
	list, _, err := w.Store.Accounts(context.Background())
	return err == nil && len(list) > 0 && !slices.ContainsFunc(list, func(a trade.Account) bool { return a.Account == name })
}
