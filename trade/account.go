package trade

import (
	"log/slog"
	"time"
)

// AccountState is how far a tax account is ready, in the words of the local API.
type AccountState string

// The states of an account's login and of its authentication.
const (
	AccountOK      AccountState = "ok"
	AccountNeeded  AccountState = "needed"
	AccountUnknown AccountState = "unknown"
)

// Account is an account of the enterprise at the tax bureau (数电账号), with
// which invoices are issued.
type Account struct {
	Account string       `json:"account"` // the login name
	Name    string       `json:"name"`    // of the person
	Phone   string       `json:"phone"`   // masked, as the platform gives it
	Login   AccountState `json:"login"`
	Auth    AccountState `json:"auth"`
	Default bool         `json:"default"`
}

// Ready reports whether invoices can be issued with the account.
func (a Account) Ready() bool { return a.Login == AccountOK && a.Auth == AccountOK }

// Issuing is the account with which a till issues: that of its drawer, else
// the default one, else the only one; false where none of them is there.
func Issuing(accounts []Account, drawer string) (Account, bool) {
	for _, a := range accounts {
		if drawer != "" && a.Name == drawer {
			return a, true
		}
	}
	for _, a := range accounts {
		if a.Default {
			return a, true
		}
	}
	if len(accounts) == 1 {
		return accounts[0], true
	}
	return Account{}, false
}

// Registration is an account to be registered with the platform. The password
// is passed on and kept nowhere.
type Registration struct {
	Account  string
	Password string
	Name     string // of the person
	Phone    string // that gets the codes; "" is the account itself
}

// LogValue keeps the password out of logs.
func (r Registration) LogValue() slog.Value { return slog.StringValue("[account]") }

// AuthQR is the code that a person scans with the tax bureau's app to be
// authenticated. It has a text to be drawn, a picture, or both.
type AuthQR struct {
	ID        string
	URL       string
	Picture   []byte    // PNG; nil where the platform gives none
	ExpiresAt time.Time // zero where not told
}

// ScanStatus is what became of an AuthQR, in the words of the local API.
type ScanStatus string

// The states of a scan.
const (
	ScanWaiting ScanStatus = "waiting"
	ScanScanned ScanStatus = "scanned"
	ScanPassed  ScanStatus = "passed"
	ScanFailed  ScanStatus = "failed"
	ScanExpired ScanStatus = "expired"
)

// CallFailure is why a call to the platform failed, for a person who waits.
type CallFailure int

// The failures of a call.
const (
	CallUnavailable CallFailure = iota // no answer, or no path: not now
	CallRefused                        // the platform said no: wrong password, wrong code
	CallTooSoon                        // not before CallError.After has passed
	CallNotFound                       // the platform does not know the account
)

// CallError says why a call to the platform that a person waits for failed.
type CallError struct {
	Failure CallFailure
	Why     Message
	After   time.Duration // of CallTooSoon
}

func (e *CallError) Error() string { return e.Why.In(EN) }
