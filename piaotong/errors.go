package piaotong

import (
	"errors"
	"strings"
	"unicode"
)

// Kind says what a failed call means for the number it carried. There are few,
// because the caller has only so many things it can do.
type Kind uint8

// The zero Kind means "no failure of a platform call".
const (
	// Refused: the platform understood and said no, because of the data or of
	// the invoice's state. Sending the same again cannot succeed.
	Refused Kind = iota + 1
	// Unavailable: surely not processed. The same call may be sent again later.
	Unavailable
	// Unknown: the request may have been processed, no answer that can be
	// trusted says so. Ask (2.18, 2.11) before sending the same number again.
	Unknown
	// Duplicate: the number is already known (8038, 8021). Ask and compare.
	Duplicate
	// Pending: the number is being worked on (8040, 8041). Ask later.
	Pending
	// AlreadyRed: the blue invoice is reversed or voided, or being so (6003, 6005).
	AlreadyRed
	// NotFound: the platform does not know the number (5001; 8003 of queries).
	NotFound
	// Misconfigured: our keys, codes, paths or the enterprise's binding are
	// wrong. No call of this kind can succeed until a person acts.
	Misconfigured
	// Auth: the tax account must log in or be authenticated (3999).
	Auth
)

var kindNames = [...]string{
	"ok", "refused", "unavailable", "unknown outcome", "duplicate number",
	"in progress", "already reversed", "not found", "misconfigured", "tax account must log in",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid kind"
}

// Error is what every call of [Client] returns when it did not succeed.
type Error struct {
	Op        string // what could not be done, e.g. "create the invoicing QR code"
	Interface string // the platform's number of the interface, e.g. "2.16"
	Kind      Kind
	Code      string // the platform's code, believed only after its signature held; "" when there was none
	Msg       string // the platform's text, or ours when there is no Code
	// Untrusted marks an answer whose signature, form or content does not hold:
	// wrong keys, a proxy in between, or an attack. Worth an alert. Kind is Unknown.
	Untrusted bool
	// Repeatable says that this request may be sent again without asking first,
	// whatever became of it: it changes nothing, or nothing more the second time.
	Repeatable bool
	// NoPath says that nothing was sent, because the interface's path is neither
	// known publicly nor configured. Kind is Misconfigured.
	NoPath bool
	Err    error // the cause, where there is one
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("cannot ")
	b.WriteString(e.Op)
	b.WriteString(" (")
	b.WriteString(e.Interface)
	b.WriteString("): ")
	b.WriteString(e.Kind.String())
	if e.Code != "" {
		b.WriteString(" ")
		b.WriteString(e.Code)
	}
	if e.Msg != "" {
		b.WriteString(": ")
		b.WriteString(e.Msg)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause, so that callers can tell a cancelled context or
// an [EnvelopeError].
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of err, 0 when err is nil or not of this package.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}

// maxMsg is generous: the platform's msg has 60 characters by its document,
// and more in life.
const maxMsg = 300

// cleanMsg makes the platform's text fit for one line of a log.
func cleanMsg(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxMsg {
		s = string(r[:maxMsg]) + "…"
	}
	return strings.TrimSpace(s)
}

// retry stands in the tables below for passing trouble that may have struck
// after the work was done: a reading call is Unavailable, a changing one Unknown.
const retry Kind = 0xff

// commonCodes is the platform's error table, envelope codes only (the state of
// an invoice inside the content uses some of the same numbers with another
// meaning). An operation's own codes come first.
var commonCodes = map[string]Kind{
	"3999": Auth,          // operator must log in or pass authentication
	"5001": NotFound,      // QR code not found
	"6003": AlreadyRed,    // invoice voided or being voided
	"6005": AlreadyRed,    // invoice already reversed or being reversed
	"6009": Refused,       // net amount above what is left to reverse
	"6010": Refused,       // tax above what is left
	"6011": Refused,       // tax-rate flag differs from the blue invoice
	"6012": Refused,       // lines differ from the blue invoice
	"6013": Refused,       // this kind of invoice not supported here
	"6014": Refused,       // blockchain invoice: no partial reversal
	"6015": Refused,       // total must be negative
	"6016": Refused,       // tax must not be positive
	"7001": Refused,       // fewer items than allowed invoices
	"7002": Refused,       // items do not add up to the amount
	"8001": Misconfigured, // enterprise missing
	"8002": Misconfigured, // tax number unknown, or enterprise disabled
	"8003": Refused,       // the blue invoice named in a changing call not found
	"8004": Misconfigured, // issuing enterprise not found
	"8005": Refused,       // tax class code unknown
	"8006": Refused,       // tax rate unknown
	"8007": Refused,       // discount above the line amount
	"8008": Refused,       // policy flag without vatSpecialManage
	"8009": Unavailable,   // enterprise being registered or changed: passes by itself
	"8011": Refused,       // tax does not fit the rate
	"8012": Refused,       // deduction too large
	"8013": Refused,       // differential: one line only
	"8014": Refused,       // rate 0 without zero-rate flag
	"8015": Refused,       // unknown zero-rate flag
	"8016": Refused,       // price × quantity ≠ amount
	"8017": Refused,       // discount tax does not fit
	"8021": Duplicate,     // request number exists
	"8022": Misconfigured, // enterprise disabled
	"8033": retry,         // no terminal online
	"8037": Misconfigured, // this kind of invoice is not enabled
	"8038": Duplicate,     // QR number exists
	"8039": Refused,       // group-edition check failed
	"8040": Pending,       // this request number is being processed
	"8041": Pending,       // not issued yet
	"8042": Refused,       // not electronic
	"8043": retry,         // file conversion failed
	"8104": Misconfigured, // platform and enterprise are not bound
	"8993": retry,         // handling failed, see text
	"8995": Refused,       // data check failed, see text
	"8996": retry,         // business exception
	"9001": Refused,       // region unknown
	"9002": Refused,       // city unknown
	"9003": Refused,       // picture not stored
	"9004": Misconfigured, // enterprise registered by another platform
	"9005": Unavailable,   // enterprise under review: passes by itself
	"9996": Misconfigured, // enterprise name wrong
	"9997": Misconfigured, // tax number invalid
	"9998": Misconfigured, // platform code invalid
	"9999": retry,         // internal error; signature check failed where the operation says so
}

// classify turns a verified envelope code other than 0000 into a Kind. A code
// in no table counts as passing trouble, never as success.
func classify(op *operation, code, msg string) Kind {
	if refusesSignature(code, msg) {
		return Misconfigured
	}
	kind, ok := op.codes[code]
	if !ok {
		kind, ok = commonCodes[code]
	}
	switch {
	case ok && kind != retry:
		return kind
	case op.changes:
		return Unknown
	default:
		return Unavailable
	}
}
