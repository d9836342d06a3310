package trade

import "time"

// What a sale needs whose invoice is issued directly (2.9), without a QR code.

// invoiceForeign takes the next generation's number for a direct invoice whose
// number belongs to somebody else.
func (s *Standing) invoiceForeign(e InvoiceForeign) {
	i := s.direct()
	if i == nil || i.Serial != e.Serial || i.State != InvUnknown {
		return
	}
	next, ok := NextGeneration(i.Serial)
	if !ok || i.Gen >= maxForeign {
		i.State, s.Problem = InvRejected, Say(NumberTaken, i.Serial)
		return
	}
	i.State = InvCancel // never ours
	s.Invoices = append(s.Invoices, Invoice{Serial: next, Gen: i.Gen + 1, Kind: Blue, State: InvReady, Amount: i.Amount})
}

// retry puts back in line what a person wants to be tried again. What was
// refused is asked about first, and goes out under its number if the platform
// does not have it. A direct invoice that failed keeps its number, too, as the
// platform asks; one that is refunded by now stays as it is.
func (s *Standing) retry() {
	s.recheckBlocked()
	if q := s.Current(); q != nil && q.State == QRRejected {
		q.State, s.Problem = QRUnknown, Message{}
	}
	i := s.direct()
	if i == nil || s.Refunded() >= s.Total {
		return
	}
	switch i.State {
	case InvRejected:
		i.State, i.Recheck, s.Problem = InvReady, true, Message{}
	case InvFailed, InvWithdrew:
		i.State, i.Known = InvReady, true
	}
}

// routeDirect does so for a sale whose invoice is issued directly.
func (s *Standing) routeDirect(i *Invoice, at time.Time) {
	s.reopen(i.Gen, i.Amount)
	refunds := s.open()
	if len(refunds) == 0 {
		return
	}
	switch {
	case i.State == InvReady && i.Misses > 0 && s.Refunded() < s.Total: // as with a QR code
		wait(refunds, RefWaitIssue, PathWait)
	case i.State == InvReady && !i.Known:
		s.withhold(i, refunds, PathCancel, at)
	case i.State == InvRejected:
		s.withhold(i, refunds, PathRecord, at)
	case i.State == InvCancel:
		finish(refunds, PathRecord, at)
	case i.State == InvReady && s.Refunded() >= s.Total:
		// The platform has the number and did not issue it; we never ask again.
		i.State, i.FailedAt = InvFailed, at
		finish(refunds, PathRecord, at)
	case i.State == InvInFlight, i.State == InvUnknown:
		wait(refunds, RefWaitCertainty, PathWait)
	case i.State == InvReady, i.State == InvIssuing, i.State == InvBlocked:
		wait(refunds, RefWaitIssue, PathWait)
	default:
		for _, r := range refunds {
			s.routeInvoiced(r, i.Amount, at)
		}
	}
}

// withhold takes refunds off a direct invoice that the platform does not have.
func (s *Standing) withhold(i *Invoice, refunds []*Refund, p Path, at time.Time) {
	account(refunds, &i.Amount, i.Gen, p, at)
	if i.Amount == 0 {
		i.Amount, i.State, s.Problem = s.Total, InvCancel, Message{}
	}
}

// nextDirect is the operation of a sale whose invoice is issued directly.
func (s *Standing) nextDirect(now time.Time) (Op, bool) {
	i := s.direct()
	switch i.State {
	case InvReady:
		kind := OpIssue
		if i.Recheck {
			kind = OpQueryInvoice
		}
		return Op{Kind: kind, Gen: i.Gen, Serial: i.Serial, Lane: LaneLive}, true
	case InvInFlight, InvUnknown:
		return Op{Kind: OpQueryInvoice, Gen: i.Gen, Serial: i.Serial, Lane: LaneLive}, true
	}
	if op, ok := s.nextInvoice(); ok {
		return op, true
	}
	if (i.State == InvFailed || i.State == InvWithdrew) && now.Before(i.FailedAt.Add(reissueFor)) {
		return Op{Kind: OpQueryInvoice, Gen: i.Gen, Serial: i.Serial, Lane: LaneWatch}, true
	}
	return Op{}, false
}

// direct is the invoice of a sale that asked for one (2.9), the newest where a
// number was not ours; nil for any other sale.
func (s *Standing) direct() *Invoice {
	if s.Wish != WishDirect {
		return nil
	}
	var newest *Invoice
	for _, b := range s.blues() {
		if newest == nil || b.Gen > newest.Gen {
			newest = b
		}
	}
	return newest
}
