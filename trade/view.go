package trade

// SaleState is the state of a sale in the local API: a view over the machines.
type SaleState string

// The states of a sale as the POS sees it.
const (
	StateQueued        SaleState = "queued"
	StateQRReady       SaleState = "qr_ready"
	StateInvoicing     SaleState = "invoicing"
	StateInvoiced      SaleState = "invoiced"
	StateAuthRequired  SaleState = "auth_required"
	StateInvoiceFailed SaleState = "invoice_failed"
	StateExpired       SaleState = "expired"
	StateCancelled     SaleState = "cancelled"
	StateVoided        SaleState = "voided"
	StatePartlyRed     SaleState = "partly_red"
	StateRedFlushed    SaleState = "red_flushed"
	StateRejected      SaleState = "rejected"
	StateRecorded      SaleState = "recorded"
)

// SaleStates are all states a sale can show.
var SaleStates = []SaleState{StateQueued, StateQRReady, StateInvoicing, StateInvoiced, StateAuthRequired, StateInvoiceFailed,
	StateExpired, StateCancelled, StateVoided, StatePartlyRed, StateRedFlushed, StateRejected, StateRecorded}

// View is the state of the sale for the POS. Where a QR code was split, the
// furthest of the invoices decides.
func (s *Standing) View() SaleState {
	if i := s.direct(); i != nil {
		switch i.State {
		case InvReady, InvInFlight, InvUnknown:
			return StateQueued
		case InvRejected:
			return StateRejected
		case InvCancel:
			return StateCancelled
		}
		return s.invoiceView()
	}
	q := s.Current()
	if q == nil {
		return StateRecorded
	}
	switch q.State {
	case QRReady, QRInFlight, QRUnknown:
		return StateQueued
	case QRActive, QRVoiding:
		return StateQRReady
	case QRVoided:
		return StateVoided
	case QRCancelled:
		return StateCancelled
	case QRExpired:
		return StateExpired
	case QRRejected:
		return StateRejected
	}
	return s.invoiceView()
}

// invoiceView is the state of a sale that has invoices.
func (s *Standing) invoiceView() SaleState {
	if s.allReversed() {
		return StateRedFlushed
	}
	view, best := StateInvoicing, -1
	for _, b := range s.blues() {
		if furthest[b.State] > best {
			view, best = blueView[b.State], furthest[b.State]
		}
	}
	return view
}

// allReversed reports whether red invoices cover the whole sale; one that was
// invoiced together with others stays red in part as an invoice.
func (s *Standing) allReversed() bool {
	red := Money(0)
	for _, i := range s.Invoices {
		if i.Kind == Red && i.State == InvIssued {
			red -= i.Amount
		}
	}
	return red > 0 && red >= s.asked()
}

// asked is the amount that the platform was last asked to invoice.
func (s *Standing) asked() Money {
	if i := s.direct(); i != nil {
		return i.Amount
	}
	if q := s.Current(); q != nil {
		return q.Amount
	}
	return 0
}

var blueView = map[InvoiceState]SaleState{
	InvIssuing: StateInvoicing, InvFailed: StateInvoiceFailed, InvWithdrew: StateInvoiceFailed, InvBlocked: StateAuthRequired,
	InvIssued: StateInvoiced, InvRedPend: StateInvoiced, InvRedPart: StatePartlyRed, InvRedFull: StateRedFlushed,
}

// Ended reports whether a POS that waits has nothing more to wait for: the QR
// code is there or will not come by itself; of a direct invoice, which has no
// code, it is issued or has stopped.
func (s *Standing) Ended() bool {
	switch s.View() {
	case StateQueued:
		return false
	case StateInvoicing:
		return s.Wish != WishDirect
	}
	return true
}

// OnPaper is the QR code that may stand on paper: one that a customer can
// still claim, over just what refunds have left. Nil where none may.
func (s *Standing) OnPaper() *QR {
	q := s.Current()
	if q == nil || q.URL == "" || (q.State != QRActive && q.State != QRSubmitted) {
		return nil
	}
	for _, r := range s.Refunds {
		if r.Open() || r.Gen == Unaccounted {
			return nil
		}
	}
	return q
}

// ViewURL is the page on which the buyer of a direct invoice follows it; "" for
// none.
func (s *Standing) ViewURL() string {
	if i := s.direct(); i != nil {
		return i.ViewURL
	}
	return ""
}

// LinkOnPaper is what the QR code on paper leads to: the page where the
// customer asks for the invoice, or the one where a direct invoice is
// followed. "" where none may stand there.
func (s *Standing) LinkOnPaper() string {
	if q := s.OnPaper(); q != nil {
		return q.URL
	}
	if i := s.direct(); i != nil && len(s.Refunds) == 0 && (i.State == InvIssuing || i.State == InvIssued) {
		return i.ViewURL
	}
	return ""
}

// InvoiceProblem says why the sale has no invoice, zero where nothing is wrong.
func (s *Standing) InvoiceProblem() Message {
	if !s.Problem.IsZero() {
		return s.Problem
	}
	switch s.View() {
	case StateAuthRequired:
		return Say(LoginNeeded)
	case StateInvoiceFailed:
		for _, b := range s.blues() {
			if b.State == InvFailed {
				return Say(IssueFailed, b.Msg)
			}
			if b.State == InvWithdrew {
				return Say(IssueWithdrawn, b.Msg)
			}
		}
	}
	return Message{}
}

// RefundView is the state of a refund for the POS: queued, working,
// waiting_invoice, waiting_auth, done or failed.
func (s *Standing) RefundView(r Refund) string {
	switch r.State {
	case RefDone:
		return "done"
	case RefNeedsPerson:
		return "failed"
	case RefWaitIssue, RefWaitRed:
		for _, i := range s.Invoices {
			if i.State == InvBlocked {
				return "waiting_auth"
			}
		}
		if r.State == RefWaitIssue {
			return "waiting_invoice"
		}
		if red := s.Invoice(r.RedSerial); red == nil || red.State == InvReady {
			return "queued"
		}
	case RefWaitVoid:
		if q := s.Current(); q != nil && q.State == QRActive && q.VoidTries == 0 {
			return "queued"
		}
	}
	return "working"
}

// RefundViews are all states a refund can show.
var RefundViews = []string{"queued", "working", "waiting_invoice", "waiting_auth", "done", "failed"}
