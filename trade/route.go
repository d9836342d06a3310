package trade

import "time"

// route decides afresh, from the standing alone, what each open refund waits
// for. It runs after every event, so that the order of events does not matter.
func (s *Standing) route(at time.Time) {
	for i := range s.Refunds {
		r := &s.Refunds[i]
		if !r.Open() {
			continue
		}
		q := s.Current()
		switch {
		case q == nil:
			r.finish(PathRecord, at)
		case r.Amount != s.Total:
			r.State, r.Problem = RefNeedsPerson, Say(PartialByHand, r.Amount.String())
		default:
			s.routeWhole(r, q, at)
		}
	}
}

// routeWhole decides for a refund of the whole sale.
func (s *Standing) routeWhole(r *Refund, q *QR, at time.Time) {
	switch q.State {
	case QRReady:
		q.State = QRCancelled
		r.finish(PathCancel, at)
	case QRRejected, QRExpired:
		r.finish(PathRecord, at)
	case QRCancelled:
		r.finish(PathCancel, at)
	case QRInFlight, QRUnknown:
		r.State, r.Path = RefWaitCertainty, PathWait
	case QRActive, QRVoiding:
		r.State, r.Path = RefWaitVoid, PathVoid
		if q.State == QRActive && q.VoidTries >= maxVoidTries {
			r.State, r.Problem = RefNeedsPerson, Say(VoidUnconfirmed)
		}
	case QRVoided:
		r.finish(PathVoid, at)
	case QRSubmitted:
		r.State, r.Path = RefWaitIssue, PathWait
	case QRConsumed:
		s.routeInvoiced(r, at)
	}
}

// routeInvoiced decides for a refund of a sale whose invoices have ended.
// Only an invoice over exactly this sale is reversed in full (2.10): one that
// covers several QR codes, or a part of this one, is not.
func (s *Standing) routeInvoiced(r *Refund, at time.Time) {
	var standing []*Invoice
	reversed := false
	for _, b := range s.blues() {
		switch b.State {
		case InvIssued, InvRedPend, InvRedPart:
			standing = append(standing, b)
		case InvRedFull:
			reversed = true
		}
	}
	switch {
	case len(standing) == 0 && reversed:
		r.finish(PathRedFlush, at)
	case len(standing) == 0:
		r.finish(PathRecord, at) // failed or withdrawn: nothing to reverse
	case len(standing) > 1 || standing[0].Amount != s.Total:
		sum := Money(0)
		for _, b := range standing {
			sum += b.Amount
		}
		r.State, r.Problem = RefNeedsPerson, Say(MergedByHand, sum.String(), s.Total.String())
	default:
		r.State, r.Path = RefWaitRed, PathRedFlush
		blue := standing[0]
		blue.State = InvRedPend
		if s.Invoice(r.RedSerial) == nil {
			s.Invoices = append(s.Invoices, Invoice{Serial: r.RedSerial, Gen: blue.Gen, Kind: Red, RefundID: r.ID, State: InvReady, Amount: -blue.Amount})
		}
	}
}

// finish ends a refund. A path decided before stays: it says what was done.
func (r *Refund) finish(p Path, at time.Time) {
	r.State, r.Path, r.DoneAt = RefDone, p, at
}
