package trade

// OpKind is a platform operation that a sale can need.
type OpKind string

// The operations, with their interface.
const (
	OpCreateQR     OpKind = "qr_create"     // 2.16
	OpQueryQR      OpKind = "qr_query"      // 2.18
	OpVoidQR       OpKind = "qr_void"       // 2.17
	OpRedFlush     OpKind = "red_full"      // 2.10
	OpQueryInvoice OpKind = "invoice_query" // 2.11
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
	return o.Kind == OpCreateQR || o.Kind == OpVoidQR || o.Kind == OpRedFlush
}

// Next says which operation the platform must be asked for next, if any. Being
// derived from the standing alone, it is the same after a restart, and there
// is at most one for a sale.
func Next(s Standing) (Op, bool) {
	refunding := false
	for _, r := range s.Refunds {
		refunding = refunding || r.Open()
	}
	lane := LaneWatch
	if refunding {
		lane = LaneUndo
	}
	q := s.Current()
	if q == nil {
		return Op{}, false
	}
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
	for _, i := range s.Invoices {
		if i.Kind != Red {
			continue
		}
		switch i.State {
		case InvReady:
			return Op{Kind: OpRedFlush, Gen: i.Gen, Serial: i.Serial, Lane: LaneUndo}, true
		case InvInFlight, InvUnknown, InvIssuing, InvBlocked:
			return Op{Kind: OpQueryInvoice, Gen: i.Gen, Serial: i.Serial, Lane: LaneUndo}, true
		}
	}
	for _, i := range s.Invoices {
		if i.Kind == Blue && (i.State == InvIssuing || i.State == InvBlocked) {
			return Op{Kind: OpQueryInvoice, Gen: i.Gen, Serial: i.Serial, Lane: lane}, true
		}
	}
	return Op{}, false
}
