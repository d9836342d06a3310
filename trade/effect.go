package trade

// Effect is what follows from a step beside the new standing itself. Effects
// are derived from what changed, so that an event which changes nothing can
// have none.
type Effect interface{ effect() }

// Tell is an event for subscribers of the local API, for example sale.qr_ready.
type Tell struct {
	Type     string
	RefundID string // "" for an event of the sale
	State    string
}

// PaperDue says that paper which waited for news need wait no longer: the
// sale's receipt and slip, or the receipt of a refund.
type PaperDue struct{ RefundID string }

// SlipDue asks for the slip of a further generation: the paper that the
// customer holds shows a code that was voided.
type SlipDue struct{ Gen int }

// NewTill says that a number of this till is somebody else's: coming numbers
// are made with another till code, where none is assigned.
type NewTill struct{}

// Unblocked says that an invoice of this sale no longer waits for the tax
// account; Issued, that this is so because it was issued.
type Unblocked struct{ Issued bool }

// Raise asks for an alert, Clear ends it. Subject is the sale or the refund.
type (
	Raise struct {
		Kind, Subject   string
		Title, Detail   Message
		Action          Message
		SaleID, Account string
	}
	Clear struct{ Kind, Subject string }
)

func (Tell) effect()      {}
func (PaperDue) effect()  {}
func (SlipDue) effect()   {}
func (NewTill) effect()   {}
func (Unblocked) effect() {}
func (Raise) effect()     {}
func (Clear) effect()     {}

// The kinds of alerts.
const (
	AlertAuth        = "auth_required"
	AlertPrinter     = "printer"
	AlertUnreachable = "platform_unreachable"
	AlertCredentials = "platform_credentials"
	AlertClock       = "clock_skew"
	AlertDatabase    = "database"
	AlertRejected    = "sale_rejected"
	AlertRefund      = "refund_failed"
	AlertCatalogue   = "catalogue"
)

// issuedSince reports whether an invoice that told about the tax account is
// issued now.
func (s *Standing) issuedSince(before Standing) bool {
	for _, i := range before.Invoices {
		if now := s.Invoice(i.Serial); before.undecided(&i) && rank[now.State] >= rank[InvIssued] {
			return true
		}
	}
	return false
}

// tillClash is what follows when a number turns out to be somebody else's.
func tillClash(saleID, number string) []Effect {
	return []Effect{NewTill{}, Raise{Kind: AlertCredentials, Subject: "till_clash", SaleID: saleID, Title: Say(TillClash, number), Action: Say(TillClashDo)}}
}

// effects compares two standings of a sale.
func effects(before, after Standing) []Effect {
	var es []Effect
	if a, b := before.View(), after.View(); a != b {
		if b != StateQueued { // back in line after a person's retry: nothing to tell
			es = append(es, Tell{Type: "sale." + string(b), State: string(b)})
		}
		if a == StateQueued {
			es = append(es, PaperDue{})
		}
		if b == StateRejected {
			es = append(es, Raise{Kind: AlertRejected, Subject: after.SaleID, SaleID: after.SaleID, Title: after.Problem, Action: Say(SaleRefusedDo)})
		}
		if a == StateRejected {
			es = append(es, Clear{AlertRejected, after.SaleID})
		}
	}
	if was, is := before.blocked(), after.blocked(); was < is {
		es = append(es, Raise{Kind: AlertAuth, SaleID: after.SaleID, Title: Say(LoginNeeded), Action: Say(LoginNeededDo)})
	} else if after.countUndecided() < before.countUndecided() {
		es = append(es, Unblocked{Issued: after.issuedSince(before)})
	}
	if n := len(before.QRs); n > 0 && len(after.QRs) > n {
		switch old := after.QRs[n-1]; old.State {
		case QRVoided:
			es = append(es, SlipDue{Gen: old.Gen + 1})
		case QRCancelled:
			es = append(es, tillClash(after.SaleID, old.No)...)
		}
	}
	if a, b := before.direct(), after.direct(); a != nil && a.Serial != b.Serial {
		es = append(es, tillClash(after.SaleID, a.Serial)...)
	}
	for _, b := range after.blues() {
		old := before.Invoice(b.Serial)
		if q := after.qr(b.Gen, QRVoided); q != nil && b.State == InvIssued && (old == nil || old.State != InvIssued) {
			es = append(es, Raise{Kind: AlertRefund, Subject: after.SaleID, SaleID: after.SaleID, Title: Say(IssuedAfterVoid, b.Number), Action: Say(RefundFailedDo)})
		}
	}
	for _, b := range after.blues() {
		old := before.Invoice(b.Serial)
		was, is := old != nil && before.reissue(old), after.reissue(b)
		switch {
		case is && !was:
			es = append(es, Raise{Kind: AlertRejected, Subject: "reissue:" + b.Serial, SaleID: after.SaleID, Title: Say(ReissueByHand, after.SaleID), Action: Say(ReissueByHandDo)})
		case was && !is:
			es = append(es, Clear{AlertRejected, "reissue:" + b.Serial})
		}
	}
	for _, r := range after.Refunds {
		old := before.Refund(r.ID)
		was, is := "", after.RefundView(r)
		if old != nil {
			was = before.RefundView(*old)
		}
		if was == is {
			continue
		}
		if was == "failed" && is != "done" { // a person's retry
			es = append(es, Clear{AlertRefund, r.ID})
		}
		switch is {
		case "done":
			es = append(es, Tell{"refund.done", r.ID, is}, PaperDue{r.ID})
			if old != nil {
				es = append(es, Clear{AlertRefund, r.ID})
			}
		case "failed":
			es = append(es, Tell{"refund.failed", r.ID, is}, PaperDue{r.ID},
				Raise{Kind: AlertRefund, Subject: r.ID, SaleID: after.SaleID, Title: Say(RefundFailed, r.ID), Detail: r.Problem, Action: Say(RefundFailedDo)})
		case "queued", "working":
			if was == "done" {
				es = append(es, Raise{Kind: AlertRefund, Subject: r.ID, SaleID: after.SaleID, Title: Say(RefundReopened, r.ID), Detail: r.Problem, Action: Say(IssuedLaterDo)})
			}
		case "waiting_invoice", "waiting_auth":
			es = append(es, Tell{"refund.waiting", r.ID, is})
		}
	}
	return es
}
