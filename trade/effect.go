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

func (Tell) effect()     {}
func (PaperDue) effect() {}
func (Raise) effect()    {}
func (Clear) effect()    {}

// The kinds of alerts.
const (
	AlertAuth        = "auth_required"
	AlertPrinter     = "printer"
	AlertUnreachable = "platform_unreachable"
	AlertCredentials = "platform_credentials"
	AlertRejected    = "sale_rejected"
	AlertRefund      = "refund_failed"
)

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
		if b == StateAuthRequired {
			es = append(es, Raise{Kind: AlertAuth, Subject: "", SaleID: after.SaleID, Title: Say(LoginNeeded), Action: Say(LoginNeededDo)})
		}
		if a == StateAuthRequired && b != StateInvoiceFailed {
			es = append(es, Clear{AlertAuth, ""})
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
		switch is {
		case "done":
			es = append(es, Tell{"refund.done", r.ID, is}, PaperDue{r.ID})
			if was == "failed" {
				es = append(es, Clear{AlertRefund, r.ID})
			}
		case "failed":
			es = append(es, Tell{"refund.failed", r.ID, is}, PaperDue{r.ID},
				Raise{Kind: AlertRefund, Subject: r.ID, SaleID: after.SaleID, Title: Say(RefundFailed, r.ID), Detail: r.Problem, Action: Say(RefundFailedDo)})
		case "waiting_invoice", "waiting_auth":
			es = append(es, Tell{"refund.waiting", r.ID, is})
		}
	}
	return es
}
