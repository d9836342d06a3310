package trade

import (
	"reflect"
	"testing"
)

// raised are the alerts that events raise and clear, by kind and subject.
func raised(s Standing, events ...Event) (Standing, []string) {
	var all []string
	for _, e := range events {
		var es []Effect
		s, es = Step(s, e)
		for _, f := range es {
			switch f := f.(type) {
			case Raise:
				all = append(all, "raise "+f.Kind+" "+f.Subject)
			case Clear:
				all = append(all, "clear "+f.Kind+" "+f.Subject)
			case NewTill:
				all = append(all, "new till")
			case Unblocked:
				if f.Issued {
					all = append(all, "account works")
				} else {
					all = append(all, "not blocked")
				}
			}
		}
	}
	return s, all
}

func TestAlerts(t *testing.T) {
	claimed := []Event{Sending{create, noon}, made, used}
	login := InvoiceSeen{Serial: "P1", State: InvBlocked, At: noon}
	failed := InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}
	refuse := []Event{Sending{create, noon}, Refused{create, "8005", "编码"}}
	voided := []Event{Sending{create, noon}, made, whole("R1"), Sending{void, noon}, VoidConfirmed{0, noon}}
	for name, c := range map[string]struct {
		events []Event
		want   []string
	}{
		"nothing wrong":               {append(claimed[:3:3], issued), nil},
		"refused, then retried":       {append(refuse[:2:2], RetryAsked{}, unused), []string{"raise sale_rejected S1", "clear sale_rejected S1"}},
		"refused, then refunded":      {append(refuse[:2:2], whole("R1")), []string{"raise sale_rejected S1", "clear sale_rejected S1"}},
		"login":                       {append(claimed[:3:3], login), []string{"raise auth_required "}},
		"login, said twice":           {append(claimed[:3:3], login, login), []string{"raise auth_required "}},
		"login, issued":               {append(claimed[:3:3], login, issued), []string{"raise auth_required ", "account works"}},
		"login, failed":               {append(claimed[:3:3], login, failed), []string{"raise auth_required ", "not blocked"}},
		"login, ready, still blocked": {append(claimed[:3:3], login, AccountReady{}, login), []string{"raise auth_required ", "not blocked", "raise sale_rejected reissue:P1"}},
		"so, issued by staff":         {append(claimed[:3:3], login, AccountReady{}, login, issued), []string{"raise auth_required ", "not blocked", "raise sale_rejected reissue:P1", "clear sale_rejected reissue:P1"}},
		"voided, issued all the same": {append(voided[:5:5], InvoiceHinted{0, "P1", noon}, issued), []string{"clear refund_failed R1", "raise refund_failed S1"}},
		"so, told again":              {append(voided[:5:5], InvoiceHinted{0, "P1", noon}, issued, issued), []string{"clear refund_failed R1", "raise refund_failed S1"}},
		"voided, failed":              {append(voided[:5:5], InvoiceHinted{0, "P1", noon}, failed), []string{"clear refund_failed R1"}},
		"number of another sale":      {[]Event{Sending{create, noon}, Lost{create}, QRForeign{0}}, []string{"new till", "raise platform_credentials till_clash"}},
		"void not confirmed, retried": {append(append([]Event{Sending{create, noon}, made, whole("R1")}, denials(5)...), RefundRetryAsked{"R1", noon}), []string{"raise refund_failed R1", "clear refund_failed R1"}},
		"refunded, issued after all":  {append(claimed[:3:3], whole("R1"), failed, issued), []string{"clear refund_failed R1", "raise refund_failed R1"}},
		"red invoice failed, then by hand": {append(claimed[:3:3], issued, whole("R1"), Sending{red, noon}, Refused{red, "8003", ""}, RefundRetryAsked{"R1", noon}, InvoiceMissing{red.Serial, noon}, Sending{red, noon}, RedAlready{red.Serial, noon}),
			[]string{"raise refund_failed R1", "clear refund_failed R1", "clear refund_failed R1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := raised(fresh(), c.events...); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// denials are answers to 2.17 that do not confirm, after each of which 2.18 shows
// no invoice.
func denials(n int) (events []Event) {
	for range n {
		events = append(events, Sending{void, noon}, VoidDenied{0}, unused)
	}
	return events
}

// TestVoidIsTriedAgain: a refund that a person gave back has all its tries again.
func TestVoidIsTriedAgain(t *testing.T) {
	s, _ := raised(fresh(), Sending{create, noon}, made, whole("R1"))
	s, _ = raised(s, denials(5)...)
	s, _ = raised(s, RefundRetryAsked{"R1", noon})
	if op, ok := Next(s, noon); !ok || op.Kind != OpVoidQR {
		t.Fatalf("next is %+v, want a void", op)
	}
	if s, _ = raised(s, denials(4)...); s.Refunds[0].State != RefWaitVoid {
		t.Errorf("after four more denials the refund is %s", s.Refunds[0].State)
	}
	s, _ = raised(s, Sending{void, noon}, VoidConfirmed{0, noon})
	if r := s.Refunds[0]; r.State != RefDone || !r.DoneAt.Equal(noon) || r.Gen != 1 {
		t.Errorf("the refund is %+v, want done", r)
	}
}
