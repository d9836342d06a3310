package trade

import "time"

// Event is what happened to a sale, wherever it was learnt: from the local
// API, an answer, a push, a question after a time-out, a person.
type Event interface{ event() }

// Sending says that an operation is about to go out. It is stored before the
// first byte, so that after a crash the operation is asked about, not repeated.
type Sending struct {
	Op Op
	At time.Time
}

// Unsent says that the operation surely was not processed.
type Unsent struct{ Op Op }

// Lost says that the operation was sent and has no verified answer, or that
// the platform knows its number already (8038, 8021, 8040): ask.
type Lost struct{ Op Op }

// Refused says that the platform understood the operation and will not do it.
type Refused struct {
	Op        Op
	Code, Msg string
}

// QRCreated is a verified answer to 2.16.
type QRCreated struct {
	Gen              int
	URL, ExtractCode string
	At               time.Time
}

// QRTaken is 2.16's "this number exists" (8038): an earlier attempt of ours, or
// somebody else's sale. 2.18 tells.
type QRTaken struct{ Gen int }

// QRSeen is a verified answer to 2.18: the code is ours and the platform has it.
type QRSeen struct {
	Gen      int
	URL      string
	Invoices []SeenInvoice
	At       time.Time
}

// SeenInvoice is an invoice that 2.18 names for a QR code.
type SeenInvoice struct {
	Serial string
	Amount Money
}

// QRMissing is 2.18's verified "not found" (5001).
type QRMissing struct {
	Gen int
	At  time.Time
}

// QRForeign says that the number belongs to a sale that is not ours.
type QRForeign struct{ Gen int }

// VoidConfirmed is 2.17's "yes" for a code, VoidDenied its "no".
type (
	VoidConfirmed struct {
		Gen int
		At  time.Time
	}
	VoidDenied struct{ Gen int }
)

// InvoiceSeen is the state of an invoice as 2.11 or a push gives it.
type InvoiceSeen struct {
	Serial      string
	State       InvoiceState
	Net, Tax    Money
	Number      string
	Code, No    string
	IssuedAt    time.Time
	DownloadURL string
	ViewURL     string
	Msg         string
	At          time.Time
}

// InvoiceHinted says that a push names an invoice. It is a hint: 2.11 is asked
// before anything is believed, so a late, repeated or contradicting push does
// no harm.
type InvoiceHinted struct {
	Gen    int
	Serial string
	At     time.Time
}

// Unmatched says that a partial red-flush cannot be put together, so that
// nothing was sent: a person must do it.
type Unmatched struct {
	Op  Op
	Why Message
}

// InvoiceMissing is 2.11's verified "not found" (8003).
type InvoiceMissing struct {
	Serial string
	At     time.Time
}

// IssueAccepted is a verified 0000 to 2.9: accepted, not yet issued.
type IssueAccepted struct{ Serial, ViewURL string }

// InvoiceForeign says that the number of an invoice of ours is somebody else's.
type InvoiceForeign struct{ Serial string }

// AuthNeeded says that the operation was not done, because the tax account
// must log in or be authenticated first (3999).
type AuthNeeded struct{ Op Op }

// AccountReady says that the tax account is logged in and authenticated again.
type AccountReady struct{}

// RedAccepted is a verified 0000 to 2.10: accepted, not yet issued.
type RedAccepted struct{ Serial string }

// RedAlready says that the blue invoice is reversed already, by someone else (6005).
type RedAlready struct {
	Serial string
	At     time.Time
}

// RefundAsked is a refund that the POS posted.
type RefundAsked struct {
	Refund Refund
	At     time.Time
}

// RetryAsked is a person's wish to try again what was rejected.
type RetryAsked struct{}

// RefundRetryAsked is a person's wish to try a refund again that was handed to
// a person.
type RefundRetryAsked struct {
	RefundID string
	At       time.Time
}

func (Sending) event()        {}
func (Unsent) event()         {}
func (Lost) event()           {}
func (Refused) event()        {}
func (QRCreated) event()      {}
func (QRTaken) event()        {}
func (QRSeen) event()         {}
func (QRMissing) event()      {}
func (QRForeign) event()      {}
func (VoidConfirmed) event()  {}
func (VoidDenied) event()     {}
func (InvoiceSeen) event()    {}
func (InvoiceMissing) event() {}
func (InvoiceHinted) event()  {}
func (Unmatched) event()      {}
func (IssueAccepted) event()  {}
func (InvoiceForeign) event() {}
func (AuthNeeded) event()     {}
func (AccountReady) event()   {}
func (RedAccepted) event()    {}
func (RedAlready) event()     {}
func (RefundAsked) event()    {}
func (RetryAsked) event()     {}

func (RefundRetryAsked) event() {}
