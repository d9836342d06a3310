package trade

import "time"

// Standing is how one sale stands: its QR codes by generation, its invoices,
// its refunds. With an Event it is all that Step needs, and with nothing else
// it is all that Next needs.
type Standing struct {
	SaleID   string
	Total    Money
	Wish     Wish
	QRs      []QR // by generation; the last is the current one; empty where Wish is none
	Invoices []Invoice
	Refunds  []Refund
	Problem  Message // why the sale is rejected; zero otherwise
}

// QRState is where a QR code stands.
type QRState string

// The states of a QR code.
const (
	QRReady     QRState = "ready"     // numbered, never sent
	QRInFlight  QRState = "in_flight" // 2.16 is being sent
	QRUnknown   QRState = "unknown"   // sent, no verified answer: 2.18 is asked before anything else
	QRActive    QRState = "active"    // the platform has it, nobody has claimed it
	QRSubmitted QRState = "submitted" // a customer has submitted it; an invoice is under way
	QRConsumed  QRState = "consumed"  // its invoices have come to an end
	QRVoiding   QRState = "voiding"   // 2.17 was sent and is not confirmed
	QRVoided    QRState = "voided"    // 2.17 confirmed
	QRCancelled QRState = "cancelled" // refunded before it was sent
	QRExpired   QRState = "expired"   // ran out unclaimed
	QRRejected  QRState = "rejected"  // the platform refuses the data
)

// QR is one invoicing QR code of a sale.
type QR struct {
	Gen         int // 0, then one more for each partial refund before the invoice
	No          string
	Amount      Money
	State       QRState
	URL         string
	ExtractCode string
	ExpiresAt   time.Time
	FetchedAt   time.Time // zero until active
	VoidTries   int       // answers to 2.17 that did not confirm
	SentAt      time.Time // when 2.16 was last sent; zero: never
	Misses      int       // times 2.18 did not know it since then
	Doubt       bool      // an answer to 2.16 was lost: the platform may have it, or get it late
	Taken       bool      // 2.16 answered that the number exists (8038): ours if 2.18 knows it as ours
}

// InvoiceKind tells a blue invoice from a red one.
type InvoiceKind string

// The kinds.
const (
	Blue InvoiceKind = "blue"
	Red  InvoiceKind = "red"
)

// InvoiceState is where an invoice stands. Scanned ones move from issuing on;
// ours, the direct and the red ones, from ready.
type InvoiceState string

// The states of an invoice.
const (
	InvReady    InvoiceState = "ready"        // ours: numbered, not sent
	InvInFlight InvoiceState = "in_flight"    // ours: 2.9, 2.10 or 2.37 is being sent
	InvUnknown  InvoiceState = "unknown"      // ours: sent, no verified answer: 2.11 is asked first
	InvIssuing  InvoiceState = "issuing"      // 7777
	InvFailed   InvoiceState = "failed"       // 9999
	InvWithdrew InvoiceState = "withdrawn"    // 6666
	InvBlocked  InvoiceState = "blocked_auth" // 3999
	InvIssued   InvoiceState = "issued"       // 0000
	InvRedPend  InvoiceState = "red_pending"  // blue: its red invoice is under way
	InvRedPart  InvoiceState = "red_partial"  // blue: reversed in part
	InvRedFull  InvoiceState = "red_full"     // blue: reversed in full
	InvRejected InvoiceState = "rejected"     // direct: the platform refuses the data
	InvCancel   InvoiceState = "cancelled"    // direct: refunded before it was sent, or the number was not ours
)

// rank orders the states of an invoice for late and repeated news: an event
// never moves an invoice to a lower rank. What is not issued yet may change
// either way: 2.11 is asked one question at a time, so its answers come in
// order, and staff can turn a failure into a new attempt.
var rank = map[InvoiceState]int{
	InvReady: 0, InvInFlight: 1, InvUnknown: 1, InvIssuing: 2, InvFailed: 2, InvWithdrew: 2, InvBlocked: 2, InvRejected: 2, InvCancel: 2,
	InvIssued: 3, InvRedPend: 4, InvRedPart: 5, InvRedFull: 6,
}

// furthest orders the states of several invoices of one sale for the POS.
var furthest = map[InvoiceState]int{
	InvIssuing: 1, InvFailed: 2, InvWithdrew: 2, InvBlocked: 3, InvIssued: 4, InvRedPend: 5, InvRedPart: 6, InvRedFull: 7,
}

// Invoice is one blue or red invoice. Amounts are with tax, a red one's
// negative.
type Invoice struct {
	Serial      string // invoiceReqSerialNo: the platform's own for a scanned one, else ours
	Gen         int
	Kind        InvoiceKind
	RefundID    string // red: the refund it is for
	State       InvoiceState
	Amount      Money
	Net, Tax    Money
	Number      string // allEleInvNo
	Code, No    string // of the older kinds
	IssuedAt    time.Time
	DownloadURL string
	Msg         string    // the platform's words for a failure
	ViewURL     string    // direct: the page on which the buyer follows it
	FailedAt    time.Time // blue: when it was first seen failed or withdrawn
	Recheck     bool      // 2.11 is to be asked whether it came back: failed, or blocked by an account that is ready by now
	// Known: of ours, the platform has this number, so it goes out again
	// unchanged or not at all. Of a scanned one that is blocked, it stayed so
	// although the account is ready: staff must issue it again on the platform.
	Known      bool
	BlueSerial string    // red: the blue invoice it reverses
	Partial    bool      // red: over lines (2.37), not the whole invoice (2.10)
	SentAt     time.Time // ours: when it was last sent
	Misses     int       // ours: times 2.11 did not know it since then
}

// RefundState is where a refund stands.
type RefundState string

// The states of a refund.
const (
	RefRequested     RefundState = "requested"
	RefWaitCertainty RefundState = "wait_certainty" // whether the platform has the QR code is being asked
	RefWaitVoid      RefundState = "wait_void"
	RefWaitIssue     RefundState = "wait_issue" // an invoice is under way; it decides
	RefWaitRed       RefundState = "wait_red"
	RefDone          RefundState = "done"
	RefNeedsPerson   RefundState = "needs_person"
)

// Path is the way a refund takes, in the words of the local API.
type Path string

// The paths.
const (
	PathCancel   Path = "cancel"
	PathVoid     Path = "void_qr"
	PathWait     Path = "wait"
	PathRedFlush Path = "red_flush"
	PathRedPart  Path = "red_flush_partial"
	PathRecord   Path = "record"
)

// Refund is one refund of a sale.
type Refund struct {
	ID        string
	Amount    Money
	Lines     []RefundLine // what comes back, where the POS said so
	Reason    Reason
	State     RefundState
	Path      Path
	Gen       int    // the generation from which on the QR code leaves this refund out; Unaccounted for none
	RedSerial string // minted when the refund was accepted, used by every attempt
	Problem   Message
	CreatedAt time.Time
	DoneAt    time.Time
}

// Unaccounted is the Gen of a refund that no QR code leaves out (yet): it is
// undone by a red invoice, or there was nothing to undo.
const Unaccounted = -1

// Open reports whether something remains to be done by the agent.
func (r Refund) Open() bool { return r.State != RefDone && r.State != RefNeedsPerson }

// Current is the QR code of the newest generation; nil where there is none.
func (s *Standing) Current() *QR {
	if len(s.QRs) == 0 {
		return nil
	}
	return &s.QRs[len(s.QRs)-1]
}

// Refunded is the sum of the refunds.
func (s *Standing) Refunded() Money {
	sum := Money(0)
	for _, r := range s.Refunds {
		sum += r.Amount
	}
	return sum
}

// Invoice finds an invoice by its serial number; nil where unknown.
func (s *Standing) Invoice(serial string) *Invoice {
	for i := range s.Invoices {
		if s.Invoices[i].Serial == serial {
			return &s.Invoices[i]
		}
	}
	return nil
}

// Refund finds a refund; nil where unknown.
func (s *Standing) Refund(id string) *Refund {
	for i := range s.Refunds {
		if s.Refunds[i].ID == id {
			return &s.Refunds[i]
		}
	}
	return nil
}

// undecided reports whether an invoice waits for the tax account, or was sent
// again after that and nothing came of it yet.
func (s *Standing) undecided(i *Invoice) bool {
	switch i.State {
	case InvBlocked:
		return !s.reissue(i)
	case InvReady, InvInFlight, InvUnknown, InvIssuing:
		return i.Known
	}
	return false
}

// countUndecided counts them.
func (s *Standing) countUndecided() int {
	n := 0
	for i := range s.Invoices {
		if s.undecided(&s.Invoices[i]) {
			n++
		}
	}
	return n
}

// reissue reports whether staff must issue an invoice again on the platform.
func (s *Standing) reissue(i *Invoice) bool { return i.State == InvBlocked && i.Known && !s.ours(i) }

// redsOf are the red invoices that reverse a blue one.
func (s *Standing) redsOf(serial string) []*Invoice {
	var reds []*Invoice
	for i := range s.Invoices {
		if s.Invoices[i].Kind == Red && s.Invoices[i].BlueSerial == serial {
			reds = append(reds, &s.Invoices[i])
		}
	}
	return reds
}

// blues are the blue invoices.
func (s *Standing) blues() []*Invoice {
	var b []*Invoice
	for i := range s.Invoices {
		if s.Invoices[i].Kind == Blue {
			b = append(b, &s.Invoices[i])
		}
	}
	return b
}

// clone copies what Step changes.
func (s Standing) clone() Standing {
	s.QRs = append([]QR(nil), s.QRs...)
	s.Invoices = append([]Invoice(nil), s.Invoices...)
	s.Refunds = append([]Refund(nil), s.Refunds...)
	return s
}
