package trade

import "time"

// route decides afresh, from the standing alone, what each open refund waits
// for. It runs after every event, so that the order of events does not matter.
func (s *Standing) route(at time.Time) {
	if i := s.direct(); i != nil {
		s.routeDirect(i, at)
		return
	}
	q := s.Current()
	if q == nil {
		finish(s.open(), PathRecord, at)
		return
	}
	s.reopen(q.Gen, q.Amount)
	refunds := s.open()
	if len(refunds) == 0 {
		return
	}
	switch q.State {
	case QRReady: // the platform does not have it: a smaller sale goes out instead, or none
		switch whole := sum(refunds) == q.Amount; {
		case !whole && q.Misses > 0: // a number that was sent goes out again as it was, to be voided then
			wait(refunds, RefWaitCertainty, PathWait)
		case q.Doubt: // or it may come to have it
			q.State = QRUnknown
			wait(refunds, RefWaitCertainty, PathWait)
		default:
			account(refunds, &q.Amount, q.Gen, PathCancel, at)
			if q.Amount == 0 {
				q.Amount, q.State = s.Total, QRCancelled
			}
		}
	case QRRejected:
		account(refunds, &q.Amount, q.Gen, PathRecord, at)
		if q.Amount == 0 {
			q.Amount, q.State, s.Problem = s.Total, QRCancelled, Message{}
		}
	case QRCancelled, QRExpired:
		finish(refunds, PathRecord, at)
	case QRInFlight, QRUnknown:
		wait(refunds, RefWaitCertainty, PathWait)
	case QRActive, QRVoiding:
		wait(refunds, RefWaitVoid, PathVoid)
		if q.State == QRActive && q.VoidTries >= maxVoidTries {
			for _, r := range refunds {
				r.State, r.Problem = RefNeedsPerson, Say(VoidUnconfirmed)
			}
		}
	case QRVoided:
		s.regenerate(refunds, *q, at)
	case QRSubmitted:
		wait(refunds, RefWaitIssue, PathWait)
	case QRConsumed:
		for _, r := range refunds {
			s.routeInvoiced(r, q.Amount, at)
		}
	}
}

// open are the refunds with something left to do.
func (s *Standing) open() []*Refund {
	var rs []*Refund
	for i := range s.Refunds {
		if s.Refunds[i].Open() {
			rs = append(rs, &s.Refunds[i])
		}
	}
	return rs
}

func sum(refunds []*Refund) (all Money) {
	for _, r := range refunds {
		all += r.Amount
	}
	return all
}

func wait(refunds []*Refund, state RefundState, p Path) {
	for _, r := range refunds {
		r.State, r.Path = state, p
	}
}

func finish(refunds []*Refund, p Path, at time.Time) {
	for _, r := range refunds {
		r.finish(p, at)
	}
}

// finish ends a refund.
func (r *Refund) finish(p Path, at time.Time) {
	r.State, r.Path, r.DoneAt = RefDone, p, at
}

// account takes refunds off the amount of a QR code or a direct invoice that is
// not on the platform.
func account(refunds []*Refund, amount *Money, gen int, p Path, at time.Time) {
	for _, r := range refunds {
		*amount -= r.Amount
		r.Gen = gen
		r.finish(p, at)
	}
}

// regenerate makes the next generation over what the refunds leave of a voided
// QR code, if they leave anything.
func (s *Standing) regenerate(refunds []*Refund, q QR, at time.Time) {
	rest := q.Amount
	for _, r := range refunds {
		rest -= r.Amount
		r.Gen = min(q.Gen+1, lastGeneration)
		r.finish(PathVoid, at)
	}
	if rest <= 0 {
		return
	}
	no, ok := NextGeneration(q.No)
	if !ok {
		s.Problem = Say(NumberTaken, q.No) // after 31 partial refunds of one sale
		return
	}
	s.QRs = append(s.QRs, QR{Gen: q.Gen + 1, No: no, Amount: rest, State: QRReady, ExpiresAt: q.ExpiresAt})
}

// reopen takes up again a refund that was done when an invoice over its sale
// is issued after all: a failed one that staff issued again (they can for 30
// days), or the rest of a code that the customer splits. gen and asked are
// those of the sale's current QR code or direct invoice.
func (s *Standing) reopen(gen int, asked Money) {
	for i := range s.Refunds {
		r := &s.Refunds[i]
		if r.State != RefDone || r.Gen != Unaccounted {
			continue
		}
		for _, b := range s.blues() {
			untouched := r.Path == PathRecord && len(s.redsFor(r.ID)) == 0 ||
				r.Path == PathRedFlush && r.Amount == asked && len(s.redsOf(b.Serial)) == 0
			if b.Gen == gen && untouched && (b.State == InvIssued || b.State == InvRedPend || b.State == InvRedPart) {
				r.State, r.Problem, r.DoneAt = RefWaitRed, Say(IssuedLater), time.Time{}
			}
		}
	}
}

// routeInvoiced decides for a refund of a sale whose invoices have ended. asked
// is the amount that they are over.
func (s *Standing) routeInvoiced(r *Refund, asked Money, at time.Time) {
	var standing []*Invoice
	var reversed, issued Money
	for _, b := range s.blues() {
		switch b.State {
		case InvIssued, InvRedPend, InvRedPart:
			standing = append(standing, b)
			issued += b.Amount
		case InvRedFull:
			reversed += b.Amount
		}
	}
	if r.Amount == asked && issued+reversed <= asked { // the whole of every invoice
		for _, b := range standing {
			if len(s.redsOf(b.Serial)) == 0 {
				s.addRed(r, b, b.Amount, false)
			}
		}
	}
	switch mine := s.redsFor(r.ID); {
	case len(mine) > 0:
		r.settleReds(mine, s, at)
	case len(standing) == 0 && reversed > 0: // by other refunds, or by hand
		r.finish(PathRedFlush, at)
	case len(standing) == 0:
		r.finish(PathRecord, at) // failed or withdrawn: nothing to reverse
	case len(standing) == 1 && issued >= asked:
		// A part, or an invoice that covers other sales too: its lines alone.
		s.addRed(r, standing[0], r.Amount, true)
		r.State, r.Path = RefWaitRed, PathRedPart
	default:
		r.State, r.Problem = RefNeedsPerson, Say(MergedByHand, issued.String(), s.Total.String())
	}
}

// addRed numbers a red invoice of a refund over a blue one. Those of the same
// refund differ in the generation of its number.
func (s *Standing) addRed(r *Refund, blue *Invoice, amount Money, partial bool) {
	serial, n := r.RedSerial, len(s.redsFor(r.ID))
	if n > 0 {
		var ok bool
		if serial, ok = withGeneration(r.RedSerial, n); !ok {
			r.State, r.Problem = RefNeedsPerson, Say(MergedByHand, blue.Amount.String(), s.Total.String())
			return
		}
	}
	s.Invoices = append(s.Invoices, Invoice{Serial: serial, Gen: blue.Gen, Kind: Red, RefundID: r.ID, BlueSerial: blue.Serial, Partial: partial, State: InvReady, Amount: -amount})
}

func (s *Standing) redsFor(refundID string) []*Invoice {
	var reds []*Invoice
	for i := range s.Invoices {
		if s.Invoices[i].Kind == Red && s.Invoices[i].RefundID == refundID {
			reds = append(reds, &s.Invoices[i])
		}
	}
	return reds
}

// settleReds ends a refund whose red invoices have all come to an end.
func (r *Refund) settleReds(reds []*Invoice, s *Standing, at time.Time) {
	if !r.Open() {
		return
	}
	path := PathRedFlush
	for _, red := range reds {
		if red.Partial {
			path = PathRedPart
		}
		blue := s.Invoice(red.BlueSerial)
		if red.State != InvIssued && (blue == nil || blue.State != InvRedFull) {
			r.State, r.Path = RefWaitRed, path
			return
		}
	}
	r.finish(path, at)
}
