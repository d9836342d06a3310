package trade

import (
	"testing"
	"time"
)

// TestRefundPaths follows refunds of invoices to their end.
func TestRefundPaths(t *testing.T) {
	redOf := func(id string) Op { return Op{Kind: OpRedPart, Serial: redSerial(id)} }
	issuedRed := func(id string, net, tax Money) InvoiceSeen {
		return InvoiceSeen{Serial: redSerial(id), State: InvIssued, Net: net, Tax: tax, At: noon.Add(time.Hour)}
	}
	claimed := []Event{Sending{create, noon}, made, used}
	failed := InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}
	split := []Event{Sending{create, noon}, made, QRSeen{Invoices: []SeenInvoice{{"P1", 1850}, {"P2", 4000}}}, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 1745, Tax: 105}, InvoiceSeen{Serial: "P2", State: InvIssued, Net: 3774, Tax: 226}}
	merged := []Event{Sending{create, noon}, made, used, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 10000, Tax: 600}}
	mended := []Event{Sending{create, noon}, Refused{create, "8005", ""}, part("R1", 1000), RetryAsked{}, QRMissing{0, noon}, Sending{create, noon}, made,
		QRSeen{Invoices: []SeenInvoice{{"P1", 4850}}, At: noon}, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 4575, Tax: 275}}
	for name, c := range map[string]struct {
		events []Event
		state  RefundState
		path   Path
		next   OpKind
	}{
		"part of an invoice that was split":     {append(split[:5:5], part("R1", 1000)), RefNeedsPerson, "", ""},
		"part of one of two, the other failed":  {append(split[:4:4], InvoiceSeen{Serial: "P2", State: InvFailed, At: noon}, part("R1", 1000)), RefNeedsPerson, "", OpQueryQR},
		"whole of one of two, the other failed": {append(split[:4:4], InvoiceSeen{Serial: "P2", State: InvFailed, At: noon}, whole("R1")), RefWaitRed, PathRedFlush, OpRedFlush},
		"merged, this sale's part reversed":     {append(merged[:4:4], whole("R1"), Sending{redOf("R1"), noon}, RedAccepted{redSerial("R1")}, issuedRed("R1", -5519, -331)), RefDone, PathRedPart, ""},
		"reversed by hand before":               {append(claimed[:3:3], issued, part("R1", 1000), Sending{redOf("R1"), noon}, RedAlready{redSerial("R1"), noon}, part("R2", 500)), RefDone, PathRedPart, ""},
		"taken off a refused sale: stays done":  {mended, RefDone, PathRecord, ""},
		"recorded, then issued: taken up":       {append(claimed[:3:3], failed, part("R1", 1000), issued), RefWaitRed, PathRedPart, OpRedPart},
		"taken off before sending: stays done":  {[]Event{part("R1", 1000), Sending{create, noon}, made, QRSeen{Invoices: []SeenInvoice{{"P1", 4850}}, At: noon}, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 4575, Tax: 275}}, RefDone, PathCancel, ""},
		"sent, not there yet, a refund":         {[]Event{Sending{create, noon}, Lost{create}, QRMissing{0, noon}, whole("R1")}, RefWaitCertainty, PathWait, OpQueryQR},
		"sent, not there, a part":               {[]Event{Sending{create, noon}, Lost{create}, QRMissing{0, noon}, part("R1", 1000)}, RefWaitCertainty, PathWait, OpCreateQR},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(fresh(), c.events...)
			r := s.Refund("R1")
			op, _ := Next(s, noon)
			if r.State != c.state || r.Path != c.path || op.Kind != c.next {
				t.Errorf("%s by %q, next %q; want %s, %q, %q\n%+v", r.State, r.Path, op.Kind, c.state, c.path, c.next, s)
			}
			if r.State == RefDone && r.DoneAt.IsZero() {
				t.Errorf("done, and not said when: %+v", r)
			}
		})
	}
	s := play(fresh(), append(claimed[:3:3], issued, part("R1", 1000), Sending{redOf("R1"), noon}, RedAlready{redSerial("R1"), noon}, part("R2", 500))...)
	if r := s.Refund("R2"); r.State != RefDone || r.Path != PathRedFlush {
		t.Errorf("a refund of an invoice that was reversed by hand: %s by %q", r.State, r.Path)
	}
}

// TestLanes: what undoes something goes before what is only watched.
func TestLanes(t *testing.T) {
	claimed := play(fresh(), Sending{create, noon}, made, used)
	for name, c := range map[string]struct {
		s    Standing
		want Lane
	}{
		"sale":                 {fresh(), LaneLive},
		"unclaimed":            {play(fresh(), Sending{create, noon}, made), LaneWatch},
		"being issued":         {claimed, LaneWatch},
		"being issued, refund": {play(claimed, whole("R1")), LaneUndo},
		"refund of a code":     {play(fresh(), Sending{create, noon}, made, whole("R1")), LaneUndo},
		"being voided":         {play(fresh(), Sending{create, noon}, made, whole("R1"), Sending{void, noon}), LaneUndo},
		"red invoice":          {play(claimed, issued, whole("R1")), LaneUndo},
	} {
		if op, ok := Next(c.s, noon); !ok || op.Lane != c.want {
			t.Errorf("%s: %+v, want lane %s", name, op, c.want)
		}
	}
}

// TestNeedsAccount: what makes an invoice waits for the tax account, unless the
// platform has its number: that is how it shows that the account works again.
func TestNeedsAccount(t *testing.T) {
	claimed := play(fresh(), Sending{create, noon}, made, used)
	issue := Op{Kind: OpIssue, Serial: directSerial}
	for name, c := range map[string]struct {
		s       Standing
		needs   bool
		inDoubt bool // not through to the platform yet
	}{
		"sale":                {s: fresh(), inDoubt: true},
		"in doubt":            {s: play(fresh(), Sending{create, noon}, Lost{create}), inDoubt: true},
		"unclaimed":           {s: play(fresh(), Sending{create, noon}, made)},
		"being issued":        {s: claimed},
		"red invoice":         {s: play(claimed, issued, whole("R1")), needs: true, inDoubt: true},
		"red, sent":           {s: play(claimed, issued, whole("R1"), Sending{red, noon}), inDoubt: true},
		"red, in doubt":       {s: play(claimed, issued, whole("R1"), Sending{red, noon}, Lost{red}), inDoubt: true},
		"red, accepted":       {s: play(claimed, issued, whole("R1"), Sending{red, noon}, RedAccepted{red.Serial})},
		"direct":              {s: freshDirect(), needs: true, inDoubt: true},
		"direct, once more":   {s: play(freshDirect(), Sending{issue, noon}, AuthNeeded{issue}, AccountReady{}, InvoiceSeen{Serial: issue.Serial, State: InvBlocked}), inDoubt: true},
		"direct, being asked": {s: play(freshDirect(), Sending{issue, noon}, AuthNeeded{issue})},
	} {
		op, _ := Next(c.s, noon)
		if c.s.NeedsAccount(op) != c.needs || c.s.InDoubt(op) != c.inDoubt {
			t.Errorf("%s, %s: needs the account %v, in doubt %v", name, op.Kind, c.s.NeedsAccount(op), c.s.InDoubt(op))
		}
	}
}
