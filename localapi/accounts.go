package localapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/skip2/go-qrcode"

	"tillagent/queue"
	"tillagent/trade"
)

// Accounts are the enterprise's accounts at the tax bureau. Every call asks the
// platform while a person waits; what goes wrong is a *trade.CallError.
type Accounts interface {
	// Accounts is the list, and when the platform gave it (2.45): the last known
	// one where it cannot be asked.
	Accounts(ctx context.Context) ([]trade.Account, time.Time, error)
	// Account is how an account stands now (2.8).
	Account(ctx context.Context, name string) (trade.Account, error)
	// RegisterAccount registers or changes an account (2.3).
	RegisterAccount(ctx context.Context, r trade.Registration) error
	// SendLoginCode sends a code to the person's telephone, whose masked number it
	// returns (2.4).
	SendLoginCode(ctx context.Context, name string) (phone string, err error)
	// Login completes a login with the code (2.5).
	Login(ctx context.Context, name, code string) (trade.Account, error)
	// AuthQR fetches the code of a face check (2.6), AuthQRStatus asks what became
	// of it (2.7) by its id.
	AuthQR(ctx context.Context, name string) (trade.AuthQR, error)
	AuthQRStatus(ctx context.Context, name, id string) (trade.ScanStatus, error)
	// Logout ends the platform's login (2.46).
	Logout(ctx context.Context, name string) error
}

type accountsJSON struct {
	Accounts []trade.Account `json:"accounts"`
	AsOf     *string         `json:"as_of"`
}

type codeSentJSON struct {
	Account string `json:"account"`
	Phone   string `json:"phone"` // masked; "" where the platform does not say
}

type authQRJSON struct {
	ID        string  `json:"auth_id"`
	URL       string  `json:"url"` // what the code says; "" where the platform gives a picture alone
	PNG       string  `json:"png"` // a data: URL, as an <img> takes it
	ExpiresAt *string `json:"expires_at"`
}

type authScanJSON struct {
	ID     string           `json:"auth_id"`
	Status trade.ScanStatus `json:"status"`
}

func (s *Server) getAccounts(c *call) (any, error) {
	if s.o.Accounts == nil {
		return nil, errNoPlatform
	}
	ctx, cancel := s.calling(c)
	defer cancel()
	list, at, err := s.o.Accounts.Accounts(ctx)
	if err != nil {
		return nil, s.callFailure(err, "")
	}
	return accountsJSON{append([]trade.Account{}, list...), stamp(at)}, nil
}

func (s *Server) postAccount(c *call) (any, error) {
	r, err := readRegistration(c.body)
	if err != nil {
		return nil, err
	}
	if s.o.Accounts == nil {
		return nil, errNoPlatform
	}
	ctx, cancel := s.calling(c)
	defer cancel()
	if err := s.o.Accounts.RegisterAccount(ctx, r); err != nil {
		return nil, s.callFailure(err, "password")
	}
	return result{http.StatusOK, accountPath(r.Account), s.accountNow(ctx, r.Account)}, nil
}

func (s *Server) getAccount(c *call) (any, error) {
	return s.onAccount(c, func(ctx context.Context) (any, error) {
		a, err := s.o.Accounts.Account(ctx, c.id)
		return a, s.callFailure(err, "")
	})
}

func (s *Server) postLoginCode(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	return s.onAccount(c, func(ctx context.Context) (any, error) {
		phone, err := s.o.Accounts.SendLoginCode(ctx, c.id)
		return codeSentJSON{c.id, phone}, s.callFailure(err, "")
	})
}

func (s *Server) postLogin(c *call) (any, error) {
	code, err := readLoginCode(c.body)
	if err != nil {
		return nil, err
	}
	return s.onAccount(c, func(ctx context.Context) (any, error) {
		a, err := s.o.Accounts.Login(ctx, c.id, code)
		return a, s.callFailure(err, "code")
	})
}

func (s *Server) postAuthQR(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	return s.onAccount(c, func(ctx context.Context) (any, error) {
		q, err := s.o.Accounts.AuthQR(ctx, c.id)
		if err != nil {
			return nil, s.callFailure(err, "")
		}
		picture, err := authPicture(q)
		if err != nil {
			return nil, err
		}
		out := authQRJSON{ID: q.ID, URL: q.URL, PNG: "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture), ExpiresAt: stamp(q.ExpiresAt)}
		return result{http.StatusOK, accountPath(c.id) + "/auth-qr/" + url.PathEscape(q.ID), out}, nil
	})
}

// authPicture is the platform's picture of the code, else ours of what it says.
func authPicture(q trade.AuthQR) ([]byte, error) {
	if q.Picture != nil {
		return q.Picture, nil
	}
	drawn, err := qrcode.Encode(q.URL, qrcode.Medium, qrSize)
	if err != nil {
		return nil, fmt.Errorf("cannot draw the code of a face check: %w", err)
	}
	return drawn, nil
}

func (s *Server) getAuthQR(c *call) (any, error) {
	return s.onAccount(c, func(ctx context.Context) (any, error) {
		status, err := s.o.Accounts.AuthQRStatus(ctx, c.id, c.part)
		return authScanJSON{c.part, status}, s.callFailure(err, "")
	})
}

func (s *Server) postLogout(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	return s.onAccount(c, func(ctx context.Context) (any, error) {
		if err := s.o.Accounts.Logout(ctx, c.id); err != nil {
			return nil, s.callFailure(err, "")
		}
		return s.accountNow(ctx, c.id), nil
	})
}

// maxAccount is the longest name of an account, in characters (interface 2.3).
const maxAccount = 50

// onAccount makes a call about the account of the path.
func (s *Server) onAccount(c *call, do func(context.Context) (any, error)) (any, error) {
	switch {
	case utf8.RuneCountInString(c.id) > maxAccount || strings.ContainsFunc(c.id, unicode.IsControl):
		return nil, queue.ErrNotFound // no account has such a name
	case s.o.Accounts == nil:
		return nil, errNoPlatform
	}
	ctx, cancel := s.calling(c)
	defer cancel()
	return do(ctx)
}

// accountNow is how an account stands after something was done to it, unknown
// where the platform does not say: it is done all the same.
func (s *Server) accountNow(ctx context.Context, name string) trade.Account {
	a, err := s.o.Accounts.Account(ctx, name)
	if err != nil {
		return trade.Account{Account: name, Login: trade.AccountUnknown, Auth: trade.AccountUnknown}
	}
	return a
}

// errNoPlatform answers what needs the platform where none is set up.
var errNoPlatform = &failure{code: trade.ErrPlatformAway, detail: trade.Say(trade.DetailNoPlatform)}

// calling is the context of a call to the platform that a person waits for.
// What changes something is not broken off when the caller hangs up; a stop of
// the agent breaks off all.
func (s *Server) calling(c *call) (context.Context, context.CancelFunc) {
	parent := c.Context()
	if c.Method == http.MethodPost {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithTimeout(parent, callTime)
	release := context.AfterFunc(s.running, cancel)
	return ctx, func() {
		release()
		cancel()
	}
}

// callFailure turns what went wrong with a call to the platform into an
// answer. field is the one to blame where the platform refuses, "" for none.
func (s *Server) callFailure(err error, field string) error {
	var ce *trade.CallError
	switch {
	case !errors.As(err, &ce):
		return s.unanswered(err)
	case ce.Failure == trade.CallRefused && field != "":
		return &failure{code: trade.ErrValidation, fields: []trade.Problem{{Field: field, Message: ce.Why}}}
	case ce.Failure == trade.CallRefused:
		return &failure{code: trade.ErrInvalidState, detail: ce.Why}
	case ce.Failure == trade.CallTooSoon:
		return &failure{code: trade.ErrRateLimited, detail: ce.Why, retryAfter: max(ce.After, time.Second)}
	case ce.Failure == trade.CallNotFound:
		return &failure{code: trade.ErrNotFound, detail: ce.Why}
	}
	return &failure{code: trade.ErrPlatformAway, detail: ce.Why}
}

// unanswered is callFailure for what is no trade.CallError.
func (s *Server) unanswered(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{code: trade.ErrPlatformAway, detail: trade.Say(trade.DetailNoAnswer)}
	case errors.Is(err, context.Canceled) && s.running.Err() != nil:
		return &failure{code: trade.ErrShuttingDown, retryAfter: stopRetry}
	}
	return err
}
