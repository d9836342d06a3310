package trade

import (
	"testing"
	"time"
)

// play steps through events.
func play(s Standing, events ...Event) Standing {
	for _, e := range events {
		s, _ = Step(s, e)
	}
	return s
}

// TestOnPaper: a QR code stands on paper while a customer can claim it, over just
// what refunds have left.
func TestOnPaper(t *testing.T) {
	sent := Sending{create, noon}
	create1, void0 := Op{Kind: OpCreateQR, Gen: 1}, Sending{void, noon}
	issue := Op{Kind: OpIssue, Serial: directSerial}
	directSent := []Event{Sending{issue, noon}, IssueAccepted{issue.Serial, "v"}}
	for name, c := range map[string]struct {
		sale   Standing
		events []Event
		want   string
	}{
		"new":                         {fresh(), nil, ""},
		"created":                     {fresh(), []Event{sent, made}, "https://q"},
		"lost, found by 2.18":         {fresh(), []Event{sent, Lost{create}, unused}, "https://q"},
		"2.18 keeps the link of 2.16": {fresh(), []Event{sent, made, QRSeen{URL: "https://other", At: noon}}, "https://q"},
		"claimed":                     {fresh(), []Event{sent, made, used}, "https://q"},
		"invoiced":                    {fresh(), []Event{sent, made, used, issued}, ""},
		"expired":                     {fresh(), []Event{sent, made, QRSeen{At: noon.AddDate(1, 0, 0)}}, ""},
		"a refund is open":            {fresh(), []Event{sent, made, part("R1", 1000)}, ""},
		"being voided":                {fresh(), []Event{sent, made, part("R1", 1000), void0}, ""},
		"voided":                      {fresh(), []Event{sent, made, whole("R1"), void0, VoidConfirmed{0, noon}}, ""},
		"over the rest, not made yet": {fresh(), []Event{sent, made, part("R1", 1000), void0, VoidConfirmed{0, noon}}, ""},
		"over the rest":               {fresh(), []Event{sent, made, part("R1", 1000), void0, VoidConfirmed{0, noon}, Sending{create1, noon}, QRCreated{Gen: 1, URL: "https://r", At: noon}}, "https://r"},
		"a part before sending":       {fresh(), []Event{part("R1", 1000), sent, made}, "https://q"},
		// What was only recorded is over the whole sale still.
		"refunded while it had failed, claimed again": {fresh(), []Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}, part("R1", 1000), QRSeen{Invoices: []SeenInvoice{{"P2", 5850}}, At: noon}}, ""},
		"direct, new":                         {freshDirect(), nil, ""},
		"direct, accepted":                    {freshDirect(), directSent, "v"},
		"direct, told by 2.11":                {freshDirect(), []Event{Sending{issue, noon}, Lost{issue}, InvoiceSeen{Serial: issue.Serial, State: InvIssuing, ViewURL: "w"}}, "w"},
		"direct, 2.11 has none":               {freshDirect(), append(directSent[:2:2], InvoiceSeen{Serial: issue.Serial, State: InvIssued, Net: 5519, Tax: 331}), "v"},
		"direct, failed":                      {freshDirect(), append(directSent[:2:2], InvoiceSeen{Serial: issue.Serial, State: InvFailed, At: noon}), ""},
		"direct, refund is open":              {freshDirect(), append(directSent[:2:2], part("R1", 1000)), ""},
		"recorded":                            {Standing{SaleID: "S1", Total: 5850, Wish: WishNone}, nil, ""},
		"scanned, its page is the customer's": {fresh(), []Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 5519, Tax: 331, ViewURL: "theirs"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(c.sale, c.events...)
			if got := s.LinkOnPaper(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestEnded: a POS that waits gets its answer when there is nothing to wait for.
func TestEnded(t *testing.T) {
	issue := Op{Kind: OpIssue, Serial: directSerial}
	for name, c := range map[string]struct {
		s    Standing
		want bool
	}{
		"new":              {fresh(), false},
		"created":          {play(fresh(), Sending{create, noon}, made), true},
		"claimed":          {play(fresh(), Sending{create, noon}, made, used), true},
		"refused":          {play(fresh(), Sending{create, noon}, Refused{create, "8005", ""}), true},
		"direct, new":      {freshDirect(), false},
		"direct, accepted": {play(freshDirect(), Sending{issue, noon}, IssueAccepted{issue.Serial, "v"}), false},
		"direct, issued":   {play(freshDirect(), Sending{issue, noon}, IssueAccepted{issue.Serial, "v"}, InvoiceSeen{Serial: issue.Serial, State: InvIssued, Net: 5519, Tax: 331}), true},
	} {
		if got := c.s.Ended(); got != c.want {
			t.Errorf("%s: ended %v", name, got)
		}
	}
}

// TestFailedIsWatched: staff can issue a failed invoice again for 30 days, also
// when its QR code has ended meanwhile.
func TestFailedIsWatched(t *testing.T) {
	issue := Op{Kind: OpIssue, Serial: directSerial}
	for _, state := range []InvoiceState{InvFailed, InvWithdrew} {
		late := fresh().QRs[0].ExpiresAt
		for name, s := range map[string]Standing{
			"scanned": play(fresh(), Sending{create, noon}, made, used, InvoiceSeen{Serial: "P1", State: InvIssuing, At: late}, InvoiceSeen{Serial: "P1", State: state, At: late}, InvoiceSeen{Serial: "P1", State: state, At: late.AddDate(0, 0, 20)}),
			"direct":  play(freshDirect(), Sending{issue, noon}, IssueAccepted{issue.Serial, "v"}, InvoiceSeen{Serial: issue.Serial, State: state, At: late}, InvoiceSeen{Serial: issue.Serial, State: state, At: late.AddDate(0, 0, 20)}),
		} {
			if op, ok := Next(s, late.Add(34*24*time.Hour)); !ok || op.Lane != LaneWatch {
				t.Errorf("%s, %s 34 days ago: next is %+v", name, state, op)
			}
			if op, ok := Next(s, late.Add(36*24*time.Hour)); ok {
				t.Errorf("%s, %s 36 days ago: next is %+v, want none", name, state, op)
			}
		}
	}
}
