package trade

import "time"

// OpKind is a platform operation that a sale can need.
type OpKind string

// The operations, with their interface.
const (
	OpCreateQR     OpKind = "qr_create"     // 2.16
	OpQueryQR      OpKind = "qr_query"      // 2.18
	OpVoidQR       OpKind = "qr_void"       // 2.17
	OpRedFlush     OpKind = "red_full"      // 2.10
	OpRedPart      OpKind = "red_partial"   // 2.36 and 2.37
	OpQueryInvoice OpKind = "invoice_query" // 2.11
	OpIssue        OpKind = "invoice_issue" // 2.9
)

// Lane is the order of precedence between operations.
type Lane string

// The lanes. Backlog is where live work goes when it is older than a minute.
const (
	LaneLive    Lane = "live"
	LaneUndo    Lane = "undo"
	LaneBacklog Lane = "backlog"
	LaneWatch   Lane = "watch"
)

// Lanes are all lanes, most urgent first.
var Lanes = []Lane{LaneLive, LaneUndo, LaneBacklog, LaneWatch}

// Op is the one operation that a sale needs next.
type Op struct {
	Kind   OpKind
	Gen    int    // of the QR code, for the qr_ operations
	Serial string // of the invoice, for the others
	Lane   Lane
}

// Changing reports whether the operation changes something on the platform, so
// that a lost answer must be asked about.
func (o Op) Changing() bool {
	return o.Kind == OpCreateQR || o.Kind == OpVoidQR || o.issues()
}

// issues reports whether the operation makes an invoice, blue or red.
func (o Op) issues() bool {
	return o.Kind == OpIssue || o.Kind == OpRedFlush || o.Kind == OpRedPart
}

// NeedsAccount reports whether an operation waits while the tax account must
// log in. One whose number the platform has already does not: it is how we
// find out that the account works again.
func (s *Standing) NeedsAccount(o Op) bool {
	i := s.Invoice(o.Serial)
	return o.issues() && i != nil && !i.Known
}

// InDoubt reports whether an operation is part of getting something through to
// the platform that it may not have.
func (s *Standing) InDoubt(o Op) bool {
	if i := s.Invoice(o.Serial); i != nil {
		return i.State == InvReady || i.State == InvInFlight || i.State == InvUnknown
	}
	q := s.Current()
	return q != nil && q.Gen == o.Gen && o.Lane != LaneWatch
}

// reissueFor is how long a failed invoice may come back: staff can re-issue
// those of the last 30 days on the platform, and some days are added.
const reissueFor = 35 * 24 * time.Hour

// Next says which operation the platform must be asked for next, if any. Being
// derived from the standing alone, it is the same after a restart, and there
// is at most one for a sale.
func Next(s Standing, now time.Time) (Op, bool) {
	if s.Wish == WishDirect {
		return s.nextDirect(now)
	}
	q := s.Current()
	if q == nil {
		return Op{}, false
	}
	refunding := len(s.open()) > 0
	switch q.State {
	case QRReady:
		return Op{Kind: OpCreateQR, Gen: q.Gen, Lane: LaneLive}, true
	case QRInFlight, QRUnknown:
		return Op{Kind: OpQueryQR, Gen: q.Gen, Lane: LaneLive}, true
	case QRVoiding:
		return Op{Kind: OpQueryQR, Gen: q.Gen, Lane: LaneUndo}, true
	case QRActive:
		if refunding {
			return Op{Kind: OpVoidQR, Gen: q.Gen, Lane: LaneUndo}, true
		}
		return Op{Kind: OpQueryQR, Gen: q.Gen, Lane: LaneWatch}, true
	}
	if op, ok := s.nextInvoice(); ok {
		return op, true
	}
	if now.Before(s.watchedUntil(q)) {
		return Op{Kind: OpQueryQR, Gen: q.Gen, Lane: LaneWatch}, true
	}
	return Op{}, false
}

// nextInvoice is the operation of the invoices that the platform knows.
func (s *Standing) nextInvoice() (Op, bool) {
	if op, ok := s.nextRed(); ok {
		return op, true
	}
	lane := LaneWatch
	if len(s.open()) > 0 {
		lane = LaneUndo
	}
	for _, i := range s.blues() {
		if i.State == InvIssuing || i.State == InvBlocked || i.Recheck {
			return Op{Kind: OpQueryInvoice, Gen: i.Gen, Serial: i.Serial, Lane: lane}, true
		}
	}
	return Op{}, false
}

// nextRed is the operation of the red invoice that comes first.
func (s *Standing) nextRed() (Op, bool) {
	for _, i := range s.Invoices {
		if i.Kind != Red {
			continue
		}
		switch i.State {
		case InvReady:
			kind := OpRedFlush
			if i.Partial {
				kind = OpRedPart
			}
			if i.Recheck {
				kind = OpQueryInvoice
			}
			if r := s.Refund(i.RefundID); r != nil && r.Open() {
				return Op{Kind: kind, Gen: i.Gen, Serial: i.Serial, Lane: LaneUndo}, true
			}
		case InvInFlight, InvUnknown, InvIssuing, InvBlocked:
			return Op{Kind: OpQueryInvoice, Gen: i.Gen, Serial: i.Serial, Lane: LaneUndo}, true
		}
	}
	return Op{}, false
}

// watchedUntil is how long a QR code that was submitted can bring further
// invoices: one that was split, or whose invoice failed and may be issued
// again. Zero where its invoices cover it.
func (s *Standing) watchedUntil(q *QR) time.Time {
	if q.State != QRSubmitted && q.State != QRConsumed {
		return time.Time{}
	}
	covered, until := Money(0), q.ExpiresAt.Add(expiryGrace)
	for _, b := range s.blues() {
		if b.Gen != q.Gen {
			continue
		}
		if b.State != InvFailed && b.State != InvWithdrew {
			covered += b.Amount
		} else if t := b.FailedAt.Add(reissueFor); t.After(until) {
			until = t
		}
	}
	if covered >= q.Amount {
		return time.Time{}
	}
	return until
}
