package trade

import (
	"strconv"
	"time"
)

// Surroundings are what a sale's standing does not say, and whoever asks why a
// customer has no invoice must know.
type Surroundings struct {
	Configured bool // the platform is set up
	Online     bool // and can be reached
	Attempts   int  // of the operation that the sale waits for
	Printed    bool // the QR code stands on paper, or the POS prints it by itself
}

// Advice says in a sentence each how the sale stands and what to do. A refund
// that is not done comes first: it decides what becomes of the invoice.
func (s *Standing) Advice(in Surroundings) (where, do Message) {
	for i := range s.Refunds {
		if r := &s.Refunds[i]; r.State == RefNeedsPerson {
			return s.RefundAdvice(r)
		}
	}
	for i := range s.Refunds {
		if r := &s.Refunds[i]; r.Open() {
			return s.RefundAdvice(r)
		}
	}
	switch s.View() {
	case StateQueued:
		return s.inLine(in)
	case StateQRReady:
		until := minute(s.Current().ExpiresAt)
		if !in.Printed {
			return Say(WhereReadyNoPaper, until), Say(DoPrintSlip)
		}
		return Say(WhereReady, until), Say(DoScan)
	case StateInvoicing:
		return Say(WhereInvoicing), Say(DoNothing)
	case StateInvoiced:
		return Say(WhereInvoiced, s.blueNumber()), Say(DoSendInvoice)
	case StateAuthRequired:
		for i := range s.Invoices {
			if s.reissue(&s.Invoices[i]) {
				return Say(WhereReissue), Say(ReissueByHandDo)
			}
		}
		return Say(WhereAuth), Say(LoginNeededDo)
	case StateInvoiceFailed:
		return both(WhereFailed, s.InvoiceProblem()), Say(DoReissue)
	case StateExpired:
		return Say(WhereExpired), Say(DoByHand)
	case StateCancelled:
		return Say(WhereCancelled), Say(DoNone)
	case StateVoided:
		return Say(WhereVoided), Say(DoNone)
	case StatePartlyRed:
		return Say(WherePartlyRed, s.blueNumber()), Say(DoNone)
	case StateRedFlushed:
		return Say(WhereRed), Say(DoNone)
	case StateRejected:
		return both(WhereRejected, s.InvoiceProblem()), Say(SaleRefusedDo)
	}
	return Say(WhereRecorded), Say(DoNone)
}

// inLine is the advice for a sale of which the platform knows nothing yet.
func (s *Standing) inLine(in Surroundings) (where, do Message) {
	switch {
	case !in.Configured:
		return Say(WhereNoPlatform), Say(DoSetUp)
	case !in.Online:
		return Say(WhereAway), Say(DoNetwork)
	case in.Attempts > 0:
		return Say(WhereTrying, strconv.Itoa(in.Attempts)), Say(DoNothing)
	}
	return Say(WhereQueued), Say(DoNothing)
}

// RefundAdvice is Advice about one refund that is not done.
func (s *Standing) RefundAdvice(r *Refund) (where, do Message) {
	view := s.RefundView(*r)
	switch view {
	case "failed":
		return Say(WhereRefundFailed, r.ID, r.Problem.In(ZH), r.Problem.In(EN)), Say(RefundFailedDo)
	case "waiting_auth":
		return Say(WhereRefundAuth, r.ID), Say(LoginNeededDo)
	}
	return Say(WhereRefundOpen, r.ID, RefundWords(view).In(ZH), RefundWords(view).In(EN)), Say(DoNothing)
}

// PaperAdvice is Advice about a print job of which the paper is not out, or
// may not be complete; false where nothing is wrong with it.
func PaperAdvice(p Paper, state PrintState, cause string) (where, do Message, ok bool) {
	zh, en := PaperWords(p).In(ZH), PaperWords(p).In(EN)
	switch state {
	case PrintHeld, PrintFailed:
		return Say(WherePaperHeld, zh, CauseWords(cause).In(ZH), en, CauseWords(cause).In(EN)), Say(PrinterHeldDo), true
	case PrintUncertain:
		return Say(WherePaperUnsure, zh, en), Say(AlertPrintUncertainDo), true
	case PrintWaitingQR, PrintQueued, PrintPrinting:
		return Say(WherePaperWaits, zh, PrintWords(state).In(ZH), en, PrintWords(state).In(EN)), Say(DoNothing), true
	}
	return Message{}, Message{}, false
}

// both says a message within a sentence.
func both(k Key, m Message) Message { return Say(k, m.In(ZH), m.In(EN)) }

// minute is a time for people.
func minute(t time.Time) string { return t.In(Beijing).Format("2006-01-02 15:04") }

// blueNumber is the number of the blue invoice that got furthest, by its
// serial number where it has none.
func (s *Standing) blueNumber() string {
	number, best := "", -1
	for _, b := range s.blues() {
		if furthest[b.State] <= best {
			continue
		}
		best = furthest[b.State]
		switch {
		case b.Number != "":
			number = b.Number
		case b.No != "":
			number = b.Code + " " + b.No
		default:
			number = b.Serial
		}
	}
	return number
}
