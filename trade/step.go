package trade

import "time"

// maxVoidTries is how many unconfirmed answers to 2.17 are taken before a
// person is asked to look: the first and after 5, 15, 60 and 300 s.
const maxVoidTries = 5

// resendAfter and resendMisses are how long after sending, and how often, 2.11
// must not know an invoice of ours before the same number is sent again, and
// 2.18 a QR code before it counts as never made.
const (
	resendAfter  = 60 * time.Second
	resendMisses = 2
)

// Step is the one way in which a sale's standing moves. It is pure: the same
// standing and event give the same result. An event that is late, repeated or
// makes no sense in this standing changes nothing and has no effects.
func Step(before Standing, e Event) (Standing, []Effect) {
	s := before.clone()
	var at time.Time
	switch e := e.(type) {
	case Sending:
		s.sending(e)
	case Unsent:
		s.unsent(e.Op)
	case Lost:
		s.lost(e.Op)
	case Refused:
		s.refused(e)
	case QRCreated:
		if q := s.qr(e.Gen, QRInFlight, QRUnknown); q != nil {
			q.State, q.URL, q.ExtractCode, q.FetchedAt, q.Doubt = QRActive, e.URL, e.ExtractCode, e.At, false
		}
	case QRSeen:
		at = e.At
		s.qrSeen(e)
	case QRTaken:
		if q := s.qr(e.Gen, QRInFlight); q != nil {
			q.State, q.Taken = QRUnknown, true
		}
	case QRMissing:
		switch q := s.qr(e.Gen, QRUnknown); {
		case q == nil:
		case q.Taken: // it exists, and not with our amount
			s.qrForeign(QRForeign{e.Gen})
		default:
			at = e.At
			q.missing(e.At)
		}
	case QRForeign:
		s.qrForeign(e)
	case VoidConfirmed:
		at = e.At
		if q := s.qr(e.Gen, QRVoiding, QRActive); q != nil {
			q.State = QRVoided
		}
	case VoidDenied:
		if q := s.qr(e.Gen, QRVoiding); q != nil {
			q.VoidTries++ // stays in doubt: 2.18 decides
		}
	case InvoiceSeen:
		at = e.At
		s.invoiceSeen(e)
	case InvoiceHinted:
		at = e.At
		s.invoiceHinted(e)
	case InvoiceMissing:
		s.invoiceMissing(e)
	case Unmatched:
		if i := s.Invoice(e.Op.Serial); i != nil && i.State == InvInFlight {
			i.State = InvFailed
			s.giveUp(i.RefundID, e.Why)
		}
	case RedAccepted:
		s.accepted(e.Serial)
	case IssueAccepted:
		if i := s.accepted(e.Serial); i != nil {
			i.ViewURL = e.ViewURL
		}
	case InvoiceForeign:
		s.invoiceForeign(e)
	case AuthNeeded:
		if i := s.Invoice(e.Op.Serial); i != nil && i.State == InvInFlight {
			i.State = InvBlocked
		}
	case AccountReady:
		s.recheckBlocked()
	case RedAlready:
		at = e.At
		s.redAlready(e)
	case RefundAsked:
		at = e.At
		if s.Refund(e.Refund.ID) == nil && s.Refunded()+e.Refund.Amount <= s.Total {
			e.Refund.Gen = Unaccounted
			s.Refunds = append(s.Refunds, e.Refund)
			s.doubtEnd(e.At)
		}
	case RetryAsked:
		s.retry()
	case RefundRetryAsked:
		at = e.At
		s.retryRefund(e.RefundID)
	}
	s.reckon()
	s.route(at)
	s.reckon()
	return s, effects(before, s)
}

// qr is the QR code of a generation if it is in one of the states.
func (s *Standing) qr(gen int, in ...QRState) *QR {
	for i := range s.QRs {
		if q := &s.QRs[i]; q.Gen == gen {
			for _, st := range in {
				if q.State == st {
					return q
				}
			}
		}
	}
	return nil
}

func (s *Standing) refused(e Refused) {
	switch e.Op.Kind {
	case OpCreateQR:
		if q := s.qr(e.Op.Gen, QRInFlight); q != nil {
			q.State, s.Problem = QRRejected, Say(SaleRefused, e.Code, e.Msg)
		}
	case OpVoidQR:
		if q := s.qr(e.Op.Gen, QRVoiding); q != nil {
			q.VoidTries++
		}
	case OpIssue:
		switch i := s.Invoice(e.Op.Serial); {
		case i == nil || i.State != InvInFlight:
		case i.Known: // as before: the platform has it and did not issue it
			i.State, i.Msg, i.FailedAt = InvFailed, e.Msg, i.SentAt
		default:
			i.State, s.Problem = InvRejected, Say(SaleRefused, e.Code, e.Msg)
		}
	case OpRedFlush, OpRedPart:
		if i := s.Invoice(e.Op.Serial); i != nil && i.State == InvInFlight {
			i.State, i.Msg = InvFailed, e.Msg
			s.giveUp(i.RefundID, redRefused(e, i))
		}
	}
}

// maxForeign is how many numbers may be taken by others before a person is
// asked: then it is no accident.
const maxForeign = 3

// qrForeign takes the next generation's number where this one belongs to
// somebody else's sale.
func (s *Standing) qrForeign(e QRForeign) {
	q := s.qr(e.Gen, QRInFlight, QRUnknown)
	if q == nil || q.Gen != s.Current().Gen {
		return
	}
	next, ok := NextGeneration(q.No)
	if !ok || q.Gen >= maxForeign {
		q.State, s.Problem = QRRejected, Say(NumberTaken, q.No)
		return
	}
	q.State = QRCancelled // never ours
	s.QRs = append(s.QRs, QR{Gen: q.Gen + 1, No: next, Amount: q.Amount, State: QRReady, ExpiresAt: q.ExpiresAt})
}

// expiryGrace is how long after its end a QR code that shows no invoice is
// still asked about: it may have been submitted in the last minute.
const expiryGrace = time.Hour

func (s *Standing) qrSeen(e QRSeen) {
	q := s.qr(e.Gen, QRInFlight, QRUnknown, QRActive, QRVoiding, QRSubmitted, QRConsumed, QRExpired)
	if q == nil {
		return
	}
	if q.URL == "" {
		q.URL = e.URL
	}
	if q.FetchedAt.IsZero() {
		q.FetchedAt = e.At
	}
	q.Doubt = false
	for _, seen := range e.Invoices {
		switch i := s.Invoice(seen.Serial); {
		case i == nil:
			s.Invoices = append(s.Invoices, Invoice{Serial: seen.Serial, Gen: e.Gen, Kind: Blue, State: InvIssuing, Amount: seen.Amount})
		case i.State == InvFailed || i.State == InvWithdrew:
			i.Recheck = true
		}
	}
	switch {
	case len(e.Invoices) > 0:
		q.State = QRSubmitted
	case q.State == QRSubmitted || q.State == QRConsumed: // an older answer
	case !q.ExpiresAt.IsZero() && e.At.After(q.ExpiresAt.Add(expiryGrace)):
		q.State = QRExpired
	default:
		q.State = QRActive
	}
}

// doubtEnd has 2.18 asked again about a QR code that was taken to have run out
// by a clock that was ahead: a customer can still claim it.
func (s *Standing) doubtEnd(at time.Time) {
	if q := s.Current(); q != nil && q.State == QRExpired && at.Before(q.ExpiresAt) {
		q.State = QRUnknown
	}
}

// invoiceHinted puts an invoice in line for 2.11. One that names a code which
// was voided or has run out is taken up all the same: the platform knows best.
func (s *Standing) invoiceHinted(e InvoiceHinted) {
	if i := s.Invoice(e.Serial); i != nil {
		i.Recheck = i.Recheck || i.State == InvFailed || i.State == InvWithdrew || i.State == InvReady && i.Known
		return
	}
	q := s.qr(e.Gen, QRInFlight, QRUnknown, QRActive, QRVoiding, QRSubmitted, QRConsumed, QRExpired, QRVoided)
	if q == nil {
		return
	}
	s.Invoices = append(s.Invoices, Invoice{Serial: e.Serial, Gen: e.Gen, Kind: Blue, State: InvIssuing, Amount: q.Amount})
	if q.FetchedAt.IsZero() {
		q.FetchedAt = e.At
	}
	if q.State != QRVoided {
		q.State = QRSubmitted
	}
}

func (s *Standing) invoiceSeen(e InvoiceSeen) {
	i := s.Invoice(e.Serial)
	if i == nil {
		return
	}
	again := i.Recheck
	i.Recheck = false
	if e.State == InvBlocked && i.Kind == Blue && s.Wish == WishDirect && s.Refunded() >= s.Total && len(s.open()) == 0 {
		e.State = InvFailed // it is not wanted any more, so nothing waits for the account
	}
	if rank[e.State] < rank[i.State] || (i.Kind == Blue && rank[i.State] > rank[InvIssued]) {
		return
	}
	if e.ViewURL != "" && s.Wish == WishDirect {
		i.ViewURL = e.ViewURL
	}
	if again && e.State == InvBlocked && i.State == InvBlocked { // the account is ready and the platform has not gone on by itself
		if i.Known = true; s.ours(i) {
			i.State = InvReady
		}
		return
	}
	if again && i.State == InvReady && (e.State == InvFailed || e.State == InvWithdrew || e.State == InvBlocked) {
		return // nothing came of it meanwhile, so it goes out again
	}
	if i.State != e.State && (e.State == InvFailed || e.State == InvWithdrew) {
		i.FailedAt = e.At
	}
	i.State, i.Msg = e.State, e.Msg
	i.Known = i.Known && (s.ours(i) || e.State == InvBlocked)
	if e.State == InvIssued {
		i.Net, i.Tax, i.Number, i.Code, i.No = e.Net, e.Tax, e.Number, e.Code, e.No
		i.IssuedAt, i.DownloadURL = e.IssuedAt, e.DownloadURL
		if gross := e.Net + e.Tax; gross != 0 {
			i.Amount = gross
		}
	}
	if i.Kind == Red && (e.State == InvFailed || e.State == InvWithdrew) {
		s.giveUp(i.RefundID, Say(RedFailed, e.Msg))
	}
}

func (s *Standing) invoiceMissing(e InvoiceMissing) {
	i := s.Invoice(e.Serial)
	if i == nil {
		return
	}
	again := i.Recheck
	i.Recheck = false
	if again && i.State == InvBlocked && s.ours(i) {
		i.State = InvReady
	}
	if i.State != InvUnknown {
		return
	}
	i.Misses++
	i.SentAt = earlier(i.SentAt, e.At)
	if i.Misses >= resendMisses && !e.At.Before(i.SentAt.Add(resendAfter)) {
		i.State = InvReady // the same number again
	}
}

// retryRefund takes a refund up again that was handed to a person. Its red
// invoices keep their numbers, so that none is made twice, and 2.11 is asked
// about them first: somebody may have issued them meanwhile.
func (s *Standing) retryRefund(id string) {
	r := s.Refund(id)
	if r == nil || r.State != RefNeedsPerson {
		return
	}
	r.State, r.Problem = RefRequested, Message{}
	for _, red := range s.redsFor(id) {
		if red.State == InvFailed || red.State == InvWithdrew {
			red.State, red.Msg, red.Recheck = InvReady, "", true
		}
	}
	if q := s.Current(); q != nil && q.State == QRActive {
		q.VoidTries = 0
	}
}

// reckon brings what follows from other parts up to date: how far each blue
// invoice is reversed, and whether a submitted QR code has come to its end.
func (s *Standing) reckon() {
	for _, b := range s.blues() {
		if rank[b.State] < rank[InvIssued] || b.State == InvRedFull {
			continue
		}
		reversed, pending := Money(0), false
		for _, red := range s.redsOf(b.Serial) {
			switch red.State {
			case InvIssued:
				reversed -= red.Amount
			case InvFailed, InvWithdrew:
			default:
				pending = true
			}
		}
		switch {
		case reversed >= b.Amount:
			b.State = InvRedFull
		case reversed > 0:
			b.State = InvRedPart
		case pending:
			b.State = InvRedPend
		default:
			b.State = InvIssued
		}
	}
	for i := range s.QRs {
		q := &s.QRs[i]
		if q.State != QRSubmitted && q.State != QRConsumed {
			continue
		}
		q.State = QRConsumed
		for _, b := range s.blues() {
			if b.Gen == q.Gen && (b.State == InvIssuing || b.State == InvBlocked) {
				q.State = QRSubmitted
			}
		}
	}
}

// giveUp hands a refund to a person.
func (s *Standing) giveUp(refundID string, why Message) {
	if r := s.Refund(refundID); r != nil && r.Open() {
		r.State, r.Problem = RefNeedsPerson, why
	}
}
