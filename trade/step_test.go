package trade

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, Beijing)

func fresh() Standing {
	return Standing{SaleID: "S1", Total: 5850, Wish: WishQR, QRs: []QR{{No: Mint{"DEMO", "A1B2C", 0}.Number(1, 0), Amount: 5850, State: QRReady, ExpiresAt: noon.AddDate(0, 6, 0)}}}
}

func whole(id string) RefundAsked {
	return RefundAsked{Refund{ID: id, Amount: 5850, Reason: SalesReturn, State: RefRequested, RedSerial: redSerial(id), CreatedAt: noon}, noon}
}

// redSerial is the number of a refund's red invoice.
func redSerial(id string) string {
	return Mint{Prefix: "DEMO", Till: "REDS0"}.Number(int64(id[len(id)-1]), 0)
}

func part(id string, amount Money) RefundAsked {
	return RefundAsked{Refund{ID: id, Amount: amount, Reason: SalesReturn, State: RefRequested, RedSerial: redSerial(id), CreatedAt: noon}, noon}
}

var (
	create = Op{Kind: OpCreateQR, Lane: LaneLive}
	ask    = Op{Kind: OpQueryQR}
	void   = Op{Kind: OpVoidQR}
	red    = Op{Kind: OpRedFlush, Serial: redSerial("R1")}
	made   = QRCreated{URL: "https://q", ExtractCode: "123456789012", At: noon}
	unused = QRSeen{URL: "https://q", At: noon}
	used   = QRSeen{URL: "https://q", Invoices: []SeenInvoice{{"P1", 5850}}, At: noon}
	issued = InvoiceSeen{Serial: "P1", State: InvIssued, Net: 5519, Tax: 331, Number: "26110000000000000001", At: noon}
)

// TestWalks plays events and says where the sale, its refund and the next
// operation stand after the last one.
func TestWalks(t *testing.T) {
	sent := Sending{create, noon}
	invoiced := []Event{sent, made, used, issued}
	reversing := append(append([]Event{}, invoiced...), whole("R1"), Sending{red, noon})
	redPart := Op{Kind: OpRedPart, Serial: redSerial("R1")}
	splitInvoiced := []Event{sent, made, QRSeen{Invoices: []SeenInvoice{{"P1", 1850}, {"P2", 4000}}}, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 1745, Tax: 105},
		InvoiceSeen{Serial: "P2", State: InvIssued, Net: 3774, Tax: 226}, whole("R1")}
	for name, c := range map[string]struct {
		events []Event
		view   SaleState
		refund string // RefundView, "" for none
		next   OpKind // "" for none
	}{
		"new":                           {nil, StateQueued, "", OpCreateQR},
		"being sent":                    {[]Event{sent}, StateQueued, "", OpQueryQR},
		"surely not sent":               {[]Event{sent, Unsent{create}}, StateQueued, "", OpCreateQR},
		"answer lost: ask first":        {[]Event{sent, Lost{create}}, StateQueued, "", OpQueryQR},
		"lost, then found":              {[]Event{sent, Lost{create}, unused}, StateQRReady, "", OpQueryQR},
		"lost, then not found: again":   {[]Event{sent, Lost{create}, QRMissing{Gen: 0, At: noon}}, StateQueued, "", OpCreateQR},
		"taken, ours":                   {[]Event{sent, QRTaken{0}, unused}, StateQRReady, "", OpQueryQR},
		"taken, not found as ours":      {[]Event{sent, QRTaken{0}, QRMissing{Gen: 0, At: noon}}, StateQueued, "", OpCreateQR},
		"number of another sale: next":  {[]Event{sent, Lost{create}, QRForeign{0}}, StateQueued, "", OpCreateQR},
		"refused":                       {[]Event{sent, Refused{create, "8005", "编码"}}, StateRejected, "", ""},
		"refused, retried: ask":         {[]Event{sent, Refused{create, "8005", "编码"}, RetryAsked{}}, StateQueued, "", OpQueryQR},
		"refused, retried, not there":   {[]Event{sent, Refused{create, "8005", "编码"}, RetryAsked{}, QRMissing{0, noon}}, StateQueued, "", OpCreateQR},
		"created":                       {[]Event{sent, made}, StateQRReady, "", OpQueryQR},
		"claimed":                       {[]Event{sent, made, used}, StateInvoicing, "", OpQueryInvoice},
		"invoiced":                      {invoiced, StateInvoiced, "", ""},
		"auth":                          {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvBlocked}}, StateAuthRequired, "", OpQueryInvoice},
		"failed: watched":               {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}}, StateInvoiceFailed, "", OpQueryQR},
		"failed, still named: recheck":  {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}, used}, StateInvoiceFailed, "", OpQueryInvoice},
		"failed, claimed once more":     {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}, QRSeen{Invoices: []SeenInvoice{{"P2", 5850}}, At: noon}}, StateInvoiceFailed, "", OpQueryInvoice},
		"hinted by a push":              {[]Event{sent, made, InvoiceHinted{0, "P1", noon}}, StateInvoicing, "", OpQueryInvoice},
		"hinted twice, already issued":  {append(invoiced[:4:4], InvoiceHinted{0, "P1", noon}, InvoiceHinted{0, "P1", noon}), StateInvoiced, "", ""},
		"split: the rest may follow":    {[]Event{sent, made, QRSeen{Invoices: []SeenInvoice{{"P1", 1850}}}, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 1745, Tax: 105}}, StateInvoiced, "", OpQueryQR},
		"failed, then re-issued":        {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvFailed}, issued}, StateInvoiced, "", ""},
		"issued, then a late failure":   {append(invoiced[:4:4], InvoiceSeen{Serial: "P1", State: InvFailed}), StateInvoiced, "", ""},
		"expired":                       {[]Event{sent, made, QRSeen{At: noon.AddDate(1, 0, 0)}}, StateExpired, "", ""},
		"expired by a clock ahead":      {[]Event{sent, made, QRSeen{At: noon.AddDate(1, 0, 0)}, whole("R1")}, StateQueued, "working", OpQueryQR},
		"so, unclaimed: void":           {[]Event{sent, made, QRSeen{At: noon.AddDate(1, 0, 0)}, whole("R1"), unused}, StateQRReady, "queued", OpVoidQR},
		"so, claimed: wait":             {[]Event{sent, made, QRSeen{At: noon.AddDate(1, 0, 0)}, part("R1", 1000), used, issued}, StateInvoiced, "queued", OpRedPart},
		"expired, then a refund":        {[]Event{sent, made, QRSeen{At: noon.AddDate(1, 0, 0)}, RefundAsked{whole("R1").Refund, noon.AddDate(1, 0, 0)}}, StateExpired, "done", ""},
		"just expired: may be scanned":  {[]Event{sent, made, QRSeen{At: noon.AddDate(0, 6, 0).Add(time.Minute)}}, StateQRReady, "", OpQueryQR},
		"refund before sending":         {[]Event{whole("R1")}, StateCancelled, "done", ""},
		"refund while sending":          {[]Event{sent, whole("R1")}, StateQueued, "working", OpQueryQR},
		"refund while sending, created": {[]Event{sent, whole("R1"), made}, StateQRReady, "queued", OpVoidQR},
		"refund while sending, unsent":  {[]Event{sent, whole("R1"), Unsent{create}}, StateCancelled, "done", ""},
		"refund in doubt, not found":    {[]Event{sent, Lost{create}, whole("R1"), QRMissing{0, noon}}, StateQueued, "working", OpQueryQR},
		"refund in doubt, too early":    {[]Event{sent, Lost{create}, whole("R1"), QRMissing{0, noon}, QRMissing{0, noon.Add(59 * time.Second)}}, StateQueued, "working", OpQueryQR},
		"refund in doubt, found late":   {[]Event{sent, Lost{create}, whole("R1"), QRMissing{0, noon}, unused}, StateQRReady, "queued", OpVoidQR},
		"refund in doubt, clock back":   {[]Event{sent, Lost{create}, whole("R1"), QRMissing{0, noon.AddDate(-1, 0, 0)}, QRMissing{0, noon.AddDate(-1, 0, 0).Add(59 * time.Second)}}, StateQueued, "working", OpQueryQR},
		"refund in doubt, back, late":   {[]Event{sent, Lost{create}, whole("R1"), QRMissing{0, noon.AddDate(-1, 0, 0)}, QRMissing{0, noon.AddDate(-1, 0, 0).Add(time.Minute)}}, StateCancelled, "done", ""},
		"refund in doubt, never made":   {[]Event{sent, Lost{create}, whole("R1"), QRMissing{0, noon}, QRMissing{0, noon.Add(time.Minute)}}, StateCancelled, "done", ""},
		"not found, then a refund: ask": {[]Event{sent, Lost{create}, QRMissing{0, noon}, whole("R1")}, StateQueued, "working", OpQueryQR},
		"not found, then a part: again": {[]Event{sent, Lost{create}, QRMissing{0, noon}, part("R1", 1000)}, StateQueued, "working", OpCreateQR},
		"in doubt twice, then a part":   {[]Event{sent, Lost{create}, QRMissing{0, noon}, sent, Lost{create}, QRMissing{0, noon}, QRMissing{0, noon.Add(time.Minute)}, part("R1", 1000)}, StateQueued, "working", OpCreateQR},
		"in doubt, a part, then rest":   {[]Event{sent, Lost{create}, QRMissing{0, noon}, QRMissing{0, noon.Add(time.Minute)}, part("R1", 1000), part("R2", 4850)}, StateQueued, "working", OpQueryQR},
		"sent again, then the part":     {[]Event{sent, Lost{create}, QRMissing{0, noon}, part("R1", 1000), sent, made}, StateQRReady, "queued", OpVoidQR},
		"never sent, then a part":       {[]Event{sent, Unsent{create}, part("R1", 1000)}, StateQueued, "done", OpCreateQR},
		"lost, unsent, refund: ask":     {[]Event{sent, Lost{create}, QRMissing{0, noon}, sent, Unsent{create}, whole("R1")}, StateQueued, "working", OpQueryQR},
		"refund of an unclaimed code":   {[]Event{sent, made, whole("R1"), Sending{void, noon}, VoidConfirmed{0, noon}}, StateVoided, "done", ""},
		"void denied: ask":              {[]Event{sent, made, whole("R1"), Sending{void, noon}, VoidDenied{0}}, StateQRReady, "working", OpQueryQR},
		"void denied, unclaimed: again": {[]Event{sent, made, whole("R1"), Sending{void, noon}, VoidDenied{0}, unused}, StateQRReady, "working", OpVoidQR},
		"void denied, claimed: wait":    {[]Event{sent, made, whole("R1"), Sending{void, noon}, VoidDenied{0}, used}, StateInvoicing, "waiting_invoice", OpQueryInvoice},
		"refund while issuing":          {[]Event{sent, made, used, whole("R1")}, StateInvoicing, "waiting_invoice", OpQueryInvoice},
		"refund while issuing, issued":  {[]Event{sent, made, used, whole("R1"), issued}, StateInvoiced, "queued", OpRedFlush},
		"refund while auth is needed":   {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvBlocked}, whole("R1")}, StateAuthRequired, "waiting_auth", OpQueryInvoice},
		"refund, issuing fails: watch":  {[]Event{sent, made, used, whole("R1"), InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}}, StateInvoiceFailed, "done", OpQueryQR},
		"refunded, issued after all":    {[]Event{sent, made, used, whole("R1"), InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}, issued}, StateInvoiced, "queued", OpRedFlush},
		"red being sent":                {reversing, StateInvoiced, "working", OpQueryInvoice},
		"red accepted":                  {append(reversing[:6:6], RedAccepted{redSerial("R1")}), StateInvoiced, "working", OpQueryInvoice},
		"red issued":                    {append(reversing[:6:6], RedAccepted{redSerial("R1")}, InvoiceSeen{Serial: redSerial("R1"), State: InvIssued, Net: -5519, Tax: -331}), StateRedFlushed, "done", ""},
		"red failed":                    {append(reversing[:6:6], RedAccepted{redSerial("R1")}, InvoiceSeen{Serial: redSerial("R1"), State: InvFailed}), StateInvoiced, "failed", ""},
		"red failed, retried: ask":      {append(reversing[:6:6], Refused{red, "8003", "没有"}, RefundRetryAsked{"R1", noon}), StateInvoiced, "queued", OpQueryInvoice},
		"red retried, issued meanwhile": {append(reversing[:6:6], Refused{red, "8003", "没有"}, RefundRetryAsked{"R1", noon}, InvoiceSeen{Serial: redSerial("R1"), State: InvIssued, Net: -5519, Tax: -331}), StateRedFlushed, "done", ""},
		"red retried, as it was: again": {append(reversing[:6:6], Refused{red, "8003", "没有"}, RefundRetryAsked{"R1", noon}, InvoiceSeen{Serial: redSerial("R1"), State: InvFailed}), StateInvoiced, "queued", OpRedFlush},
		"red retried, unknown: again":   {append(reversing[:6:6], Refused{red, "8003", "没有"}, RefundRetryAsked{"R1", noon}, InvoiceMissing{redSerial("R1"), noon}), StateInvoiced, "queued", OpRedFlush},
		"red refused":                   {append(reversing[:6:6], Refused{red, "8003", "没有"}), StateInvoiced, "failed", ""},
		"red already, by hand":          {append(reversing[:6:6], RedAlready{redSerial("R1"), noon}), StateRedFlushed, "done", ""},
		"red lost, unknown once":        {append(reversing[:6:6], Lost{red}, InvoiceMissing{redSerial("R1"), noon.Add(time.Hour)}), StateInvoiced, "working", OpQueryInvoice},
		"red lost, unknown too early":   {append(reversing[:6:6], Lost{red}, InvoiceMissing{redSerial("R1"), noon}, InvoiceMissing{redSerial("R1"), noon.Add(59 * time.Second)}), StateInvoiced, "working", OpQueryInvoice},
		"red lost, clock back: again":   {append(reversing[:6:6], Lost{red}, InvoiceMissing{redSerial("R1"), noon.AddDate(-1, 0, 0)}, InvoiceMissing{redSerial("R1"), noon.AddDate(-1, 0, 0).Add(time.Minute)}), StateInvoiced, "queued", OpRedFlush},
		"red lost, unknown: again":      {append(reversing[:6:6], Lost{red}, InvoiceMissing{redSerial("R1"), noon}, InvoiceMissing{redSerial("R1"), noon.Add(time.Minute)}), StateInvoiced, "queued", OpRedFlush},
		"merged: this sale's part":      {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 10000, Tax: 600}, whole("R1")}, StateInvoiced, "queued", OpRedPart},
		"merged, its lines not found":   {[]Event{sent, made, used, InvoiceSeen{Serial: "P1", State: InvIssued, Net: 10000, Tax: 600}, whole("R1"), Sending{redPart, noon}, Unmatched{redPart, Say(LinesByHand)}}, StateInvoiced, "failed", ""},
		"split: whole, first red":       {splitInvoiced, StateInvoiced, "queued", OpRedFlush},
		"part before sending":           {[]Event{part("R1", 1000)}, StateQueued, "done", OpCreateQR},
		"part, the code unclaimed":      {[]Event{sent, made, part("R1", 1000)}, StateQRReady, "queued", OpVoidQR},
		"part, voided: next generation": {[]Event{sent, made, part("R1", 1000), Sending{void, noon}, VoidConfirmed{0, noon}}, StateQueued, "done", OpCreateQR},
		"part, void denied, claimed":    {[]Event{sent, made, part("R1", 1000), Sending{void, noon}, VoidDenied{0}, used, issued}, StateInvoiced, "queued", OpRedPart},
		"part of an invoice":            {append(invoiced[:4:4], part("R1", 1000)), StateInvoiced, "queued", OpRedPart},
		"part of an invoice, reversed":  {append(invoiced[:4:4], part("R1", 1000), Sending{redPart, noon}, RedAccepted{redSerial("R1")}, InvoiceSeen{Serial: redSerial("R1"), State: InvIssued, Net: -943, Tax: -57}), StatePartlyRed, "done", ""},
		"second part, the rest":         {append(invoiced[:4:4], part("R1", 1000), Sending{redPart, noon}, RedAccepted{redSerial("R1")}, InvoiceSeen{Serial: redSerial("R1"), State: InvIssued, Net: -943, Tax: -57}, part("R2", 4850)), StatePartlyRed, "done", OpRedPart},
		"more than was sold: ignored":   {append(invoiced[:4:4], part("R1", 5851)), StateInvoiced, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh()
			for _, e := range c.events {
				s, _ = Step(s, e)
			}
			if got := s.View(); got != c.view {
				t.Errorf("view %s, want %s", got, c.view)
			}
			refund := ""
			if len(s.Refunds) > 0 {
				refund = s.RefundView(s.Refunds[0])
			}
			if refund != c.refund {
				t.Errorf("refund %q, want %q (%+v)", refund, c.refund, s.Refunds)
			}
			if op, ok := Next(s, noon); op.Kind != c.next || ok != (c.next != "") {
				t.Errorf("next %q (%v), want %q", op.Kind, ok, c.next)
			}
		})
	}
}

func TestVoidGivesUpAfterFiveDenials(t *testing.T) {
	s := fresh()
	for _, e := range []Event{Sending{create, noon}, made, whole("R1")} {
		s, _ = Step(s, e)
	}
	for i := range 5 {
		if op, _ := Next(s, noon); op.Kind != OpVoidQR {
			t.Fatalf("try %d: next is %q, want a void", i, op.Kind)
		}
		for _, e := range []Event{Sending{void, noon}, VoidDenied{0}, unused} {
			s, _ = Step(s, e)
		}
	}
	if s.Refunds[0].State != RefNeedsPerson || s.Refunds[0].Problem.Key != VoidUnconfirmed {
		t.Errorf("refund is %+v, want needs_person", s.Refunds[0])
	}
}

func TestRecordedSaleRefunds(t *testing.T) {
	s := Standing{SaleID: "S1", Total: 5850, Wish: WishNone}
	s, es := Step(s, RefundAsked{Refund{ID: "R1", Amount: 1000}, noon})
	if s.Refunds[0].State != RefDone || s.Refunds[0].Path != PathRecord || !s.Refunds[0].DoneAt.Equal(noon) {
		t.Errorf("refund is %+v, want done by record", s.Refunds[0])
	}
	if want := []Effect{Tell{"refund.done", "R1", "done"}, PaperDue{"R1"}}; !reflect.DeepEqual(es, want) {
		t.Errorf("effects %v, want %v", es, want)
	}
}

func TestEffects(t *testing.T) {
	s, _ := Step(fresh(), Sending{create, noon})
	s, es := Step(s, made)
	if want := []Effect{Tell{Type: "sale.qr_ready", State: "qr_ready"}, PaperDue{}}; !reflect.DeepEqual(es, want) {
		t.Errorf("effects of a created code: %v, want %v", es, want)
	}
	if _, es = Step(s, made); es != nil {
		t.Errorf("effects of the same answer again: %v, want none", es)
	}
}

// TestReissuedAfterRefund: the alert about it asks nothing of a person, nor does
// its title.
func TestReissuedAfterRefund(t *testing.T) {
	s := fresh()
	var es []Effect
	for _, e := range []Event{Sending{create, noon}, made, used, InvoiceSeen{Serial: "P1", State: InvFailed}, whole("R1"), issued} {
		s, es = Step(s, e)
	}
	for _, e := range es {
		if a, ok := e.(Raise); ok && a.Kind == AlertRefund {
			if a.Title.Key != RefundReopened || a.Detail.Key != IssuedLater || a.Action.Key != IssuedLaterDo {
				t.Errorf("raised %+v", a)
			}
			return
		}
	}
	t.Errorf("no alert among %v", es)
}

// TestAnyOrderAndRepetition plays random events, late and repeated ones among
// them, and holds the invariants after each.
func TestAnyOrderAndRepetition(t *testing.T) {
	pool := []Event{
		Sending{create, noon}, Unsent{create}, Lost{create}, made, unused, used, QRMissing{Gen: 0, At: noon}, Refused{create, "8005", ""}, RetryAsked{},
		Sending{void, noon}, Unsent{void}, Lost{void}, VoidConfirmed{0, noon}, VoidDenied{0}, QRSeen{At: noon.AddDate(1, 0, 0)},
		Sending{red, noon}, Unsent{red}, Lost{red}, RedAccepted{redSerial("R1")}, RedAlready{redSerial("R1"), noon}, Refused{red, "8003", ""},
		InvoiceMissing{redSerial("R1"), noon.Add(time.Hour)}, whole("R1"), whole("R2"), issued, Sending{ask, noon}, Lost{ask},
		InvoiceSeen{Serial: "P1", State: InvFailed}, InvoiceSeen{Serial: "P1", State: InvBlocked}, InvoiceSeen{Serial: "P1", State: InvIssuing},
		InvoiceSeen{Serial: redSerial("R1"), State: InvIssued, Net: -5519, Tax: -331}, InvoiceSeen{Serial: redSerial("R1"), State: InvFailed},
	}
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		s := fresh()
		var played []string
		for range 40 {
			e := pool[rnd.IntN(len(pool))]
			before := s
			after, _ := Step(s, e)
			played = append(played, fmt.Sprintf("%T", e))
			if again, _ := Step(before, e); !reflect.DeepEqual(again, after) {
				t.Fatalf("seed %d: the same event twice from the same standing differs after %v", seed, played)
			}
			if why := broken(before, after); why != "" {
				t.Fatalf("seed %d: %s after %s\n%+v", seed, why, strings.Join(played, " "), after)
			}
			s = after
		}
	}
}

// broken names the invariant that a move breaks: what has been issued is never
// forgotten (I5), a red-flushed refund leaves no unreversed invoice (I3), nothing
// cancelled or voided goes out again, a refund never reopens.
func broken(before, after Standing) string {
	for _, old := range before.Invoices {
		now := after.Invoice(old.Serial)
		switch {
		case now == nil:
			return "an invoice was forgotten"
		case old.Kind == Blue && rank[old.State] > rank[now.State] && old.State != InvRedPend &&
			!(before.Wish == WishDirect && rank[old.State] < rank[InvIssued] && now.State == InvReady): // sent again with its number
			return fmt.Sprintf("blue invoice fell from %s to %s", old.State, now.State)
		case old.Kind == Red && old.State == InvIssued && now.State != InvIssued:
			return "an issued red invoice fell"
		}
	}
	for i := range before.Refunds {
		if !before.Refunds[i].Open() && after.Refunds[i].Open() && after.Refunds[i].Problem.Key != IssuedLater {
			return "a finished refund reopened"
		}
	}
	for _, r := range after.Refunds {
		if r.State != RefDone || r.Path != PathRedFlush {
			continue
		}
		for _, b := range after.Invoices {
			if b.Kind == Blue && (b.State == InvRedPend || b.State == InvRedPart) {
				return "a refund is done beside an invoice that stands"
			}
		}
	}
	if after.Refunded() > after.Total {
		return "more was refunded than sold"
	}
	q := before.Current()
	if op, ok := Next(after, noon); ok && op.Kind == OpCreateQR && (q.State == QRCancelled || q.State == QRVoided || q.State == QRActive) {
		return "a code that was " + string(q.State) + " would go out again"
	}
	return ""
}

func TestMint(t *testing.T) {
	m := Mint{Prefix: "DEMO", Till: "A1B2C", Epoch: 3}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := range int64(100_000) {
		num := m.Number(n, 0)
		if len(num) != NumberLen || seen[num] {
			t.Fatalf("number %d is %q: wrong length or made twice", n, num)
		}
		seen[num] = true
		if err := CheckNumber(num); err != nil {
			t.Fatal(err)
		}
	}
	num := m.Number(123456, 1)
	for i := range num {
		for _, c := range alphabet {
			if bad := num[:i] + string(c) + num[i+1:]; bad != num && CheckNumber(bad) == nil {
				t.Fatalf("%q passes for %q", bad, num)
			}
		}
	}
	if a, b := m.Number(5, 0), (Mint{"DEMO", "A1B2C", 4}).Number(5, 0); a == b {
		t.Error("two epochs make the same number")
	}
	for _, bad := range []Mint{{"DEM", "A1B2C", 0}, {"DEMO", "A1B2I", 0}, {"DEMO", "A1B2", 0}, {"DEMO", "A1B2C", 32}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

func TestExpiresAt(t *testing.T) {
	utc := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC) // already the 23rd in Beijing
	want := time.Date(2027, 5, 22, 23, 59, 59, 0, Beijing)
	if got := ExpiresAt(utc, 180*24*time.Hour); !got.Equal(want) {
		t.Errorf("expires %v, want %v", got, want)
	}
}
