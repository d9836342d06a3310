package trade

import "testing"

// TestDirectWalks is TestWalks for a sale whose invoice is issued directly.
func TestDirectWalks(t *testing.T) {
	issue := Op{Kind: OpIssue, Serial: directSerial}
	sent := Sending{issue, noon}
	taken := IssueAccepted{issue.Serial, "v"}
	is := func(state InvoiceState) InvoiceSeen { return InvoiceSeen{Serial: issue.Serial, State: state, At: noon} }
	done := InvoiceSeen{Serial: issue.Serial, State: InvIssued, Net: 5519, Tax: 331, At: noon}
	for name, c := range map[string]struct {
		events []Event
		view   SaleState
		refund string
		next   OpKind
	}{
		"new":                            {nil, StateQueued, "", OpIssue},
		"being sent":                     {[]Event{sent}, StateQueued, "", OpQueryInvoice},
		"accepted":                       {[]Event{sent, taken}, StateInvoicing, "", OpQueryInvoice},
		"issued":                         {[]Event{sent, taken, done}, StateInvoiced, "", ""},
		"needs a login":                  {[]Event{sent, AuthNeeded{issue}}, StateAuthRequired, "", OpQueryInvoice},
		"login, ready: ask":              {[]Event{sent, AuthNeeded{issue}, AccountReady{}}, StateAuthRequired, "", OpQueryInvoice},
		"login, ready, as it was: again": {[]Event{sent, AuthNeeded{issue}, AccountReady{}, is(InvBlocked)}, StateQueued, "", OpIssue},
		"failed: watched":                {[]Event{sent, taken, is(InvFailed)}, StateInvoiceFailed, "", OpQueryInvoice},
		"failed, retried: again":         {[]Event{sent, taken, is(InvFailed), RetryAsked{}}, StateQueued, "", OpIssue},
		"failed, again, refused":         {[]Event{sent, taken, is(InvFailed), RetryAsked{}, sent, Refused{issue, "8005", ""}}, StateInvoiceFailed, "", OpQueryInvoice},
		"failed, refunded, retried":      {[]Event{sent, taken, is(InvFailed), whole("R1"), RetryAsked{}}, StateInvoiceFailed, "done", OpQueryInvoice},
		"refused, refunded, retried":     {[]Event{sent, Refused{issue, "8005", ""}, whole("R1"), RetryAsked{}}, StateCancelled, "done", ""},
		"again, then refunded: stopped":  {[]Event{sent, taken, is(InvFailed), RetryAsked{}, whole("R1")}, StateInvoiceFailed, "done", OpQueryInvoice},
		"again, then a part: waits":      {[]Event{sent, taken, is(InvFailed), RetryAsked{}, part("R1", 1000)}, StateQueued, "waiting_invoice", OpIssue},
		"refunded, blocked: not wanted":  {[]Event{sent, taken, is(InvFailed), whole("R1"), is(InvBlocked)}, StateInvoiceFailed, "done", OpQueryInvoice},
		"a part back, blocked: wanted":   {[]Event{sent, taken, is(InvFailed), part("R1", 1000), is(InvBlocked)}, StateAuthRequired, "done", OpQueryInvoice},
		"refund before sending":          {[]Event{whole("R1")}, StateCancelled, "done", ""},
		"part before sending":            {[]Event{part("R1", 1000)}, StateQueued, "done", OpIssue},
		"refund while sending":           {[]Event{sent, whole("R1")}, StateQueued, "working", OpQueryInvoice},
		"refund while issuing":           {[]Event{sent, taken, whole("R1")}, StateInvoicing, "waiting_invoice", OpQueryInvoice},
		"refund, issued":                 {[]Event{sent, taken, whole("R1"), done}, StateInvoiced, "queued", OpRedFlush},
		"number of another's: next":      {[]Event{sent, Lost{issue}, InvoiceForeign{issue.Serial}}, StateQueued, "", OpIssue},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(freshDirect(), c.events...)
			refund := ""
			if len(s.Refunds) > 0 {
				refund = s.RefundView(s.Refunds[0])
			}
			op, ok := Next(s, noon)
			if s.View() != c.view || refund != c.refund || op.Kind != c.next || ok != (c.next != "") {
				t.Errorf("%s, refund %q, next %q; want %s, %q, %q\n%+v", s.View(), refund, op.Kind, c.view, c.refund, c.next, s)
			}
		})
	}
}

// TestNumbersOfOthers: after three numbers that are somebody else's a person is
// asked, for it is no accident.
func TestNumbersOfOthers(t *testing.T) {
	for name, s := range map[string]Standing{"QR code": fresh(), "direct": freshDirect()} {
		numbers := 0
		for op, ok := Next(s, noon); ok; op, ok = Next(s, noon) {
			if numbers++; numbers > 9 {
				break
			}
			s = play(s, Sending{op, noon}, Lost{op}, QRForeign{op.Gen}, InvoiceForeign{op.Serial})
		}
		if numbers != 1+maxForeign || s.View() != StateRejected || s.Problem.Key != NumberTaken {
			t.Errorf("%s: %d numbers, then %s with %q", name, numbers, s.View(), s.Problem.Key)
		}
	}
}
