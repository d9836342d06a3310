package trade

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMatrix lists every pair of state and event of the QR code, the blue
// invoice, the red invoice and the refund, and what it leads to; "·" is a pair
// in which the event is refused and nothing changes. Read the file when it
// changes: it is the whole of the machines.
func TestMatrix(t *testing.T) {
	late := noon.AddDate(1, 0, 0)
	void := Op{Kind: OpVoidQR}
	red := Op{Kind: OpRedFlush, Serial: redSerial("R1")}
	issue := Op{Kind: OpIssue, Serial: directSerial}
	events := []struct {
		name string
		e    Event
	}{
		{"2.16 goes out", Sending{create, noon}}, {"2.16 unsent", Unsent{create}}, {"2.16 lost", Lost{create}}, {"2.16 refused", Refused{create, "8005", ""}},
		{"2.16 created", made}, {"2.16 exists", QRTaken{}}, {"2.18 unused", unused}, {"2.18 used", used}, {"2.18 unused, past its end", QRSeen{URL: "u", At: late}},
		{"2.18 not found", QRMissing{}}, {"2.18 another's", QRForeign{}},
		{"2.17 goes out", Sending{void, noon}}, {"2.17 unsent", Unsent{void}}, {"2.17 lost", Lost{void}}, {"2.17 yes", VoidConfirmed{0, noon}},
		{"2.17 no", VoidDenied{}}, {"2.17 refused", Refused{void, "8995", ""}},
		{"push", InvoiceHinted{0, "P1", noon}}, {"2.11 issuing", InvoiceSeen{Serial: "P1", State: InvIssuing}}, {"2.11 issued", issued},
		{"2.11 failed", InvoiceSeen{Serial: "P1", State: InvFailed, At: noon}}, {"2.11 withdrawn", InvoiceSeen{Serial: "P1", State: InvWithdrew, At: noon}},
		{"2.11 login", InvoiceSeen{Serial: "P1", State: InvBlocked}}, {"2.11 not found", InvoiceMissing{"P1", late}},
		{"2.10 goes out", Sending{red, noon}}, {"2.10 unsent", Unsent{red}}, {"2.10 lost", Lost{red}}, {"2.10 refused", Refused{red, "8003", ""}},
		{"2.10 accepted", RedAccepted{red.Serial}}, {"2.10 already red", RedAlready{red.Serial, noon}}, {"2.37 cannot be made", Unmatched{red, Say(LinesByHand)}},
		{"red 2.11 issuing", InvoiceSeen{Serial: red.Serial, State: InvIssuing}}, {"red 2.11 issued", InvoiceSeen{Serial: red.Serial, State: InvIssued, Net: -5519, Tax: -331}},
		{"red 2.11 failed", InvoiceSeen{Serial: red.Serial, State: InvFailed}}, {"red 2.11 login", InvoiceSeen{Serial: red.Serial, State: InvBlocked}},
		{"red 2.11 not found", InvoiceMissing{red.Serial, late}},
		{"2.10 needs a login", AuthNeeded{red}},
		{"2.9 goes out", Sending{issue, noon}}, {"2.9 unsent", Unsent{issue}}, {"2.9 lost", Lost{issue}}, {"2.9 refused", Refused{issue, "8005", ""}},
		{"2.9 accepted", IssueAccepted{issue.Serial, "v"}}, {"2.9 needs a login", AuthNeeded{issue}}, {"2.9 another's", InvoiceForeign{issue.Serial}},
		{"direct 2.11 issuing", InvoiceSeen{Serial: issue.Serial, State: InvIssuing}}, {"direct 2.11 issued", InvoiceSeen{Serial: issue.Serial, State: InvIssued, Net: 5519, Tax: 331}},
		{"direct 2.11 failed", InvoiceSeen{Serial: issue.Serial, State: InvFailed, At: noon}}, {"direct 2.11 login", InvoiceSeen{Serial: issue.Serial, State: InvBlocked}},
		{"direct 2.11 not found", InvoiceMissing{issue.Serial, late}}, {"direct push", InvoiceHinted{0, issue.Serial, noon}},
		{"account ready", AccountReady{}},
		{"refund", whole("R1")}, {"part refund", part("R2", 1000)}, {"retry", RetryAsked{}},
	}
	qr := func(s QRState) Standing {
		x := fresh()
		x.QRs[0].State = s
		if s == QRSubmitted {
			x.Invoices = []Invoice{{Serial: "P1", Kind: Blue, State: InvIssuing, Amount: 5850}}
		}
		if s == QRConsumed {
			x.Invoices = []Invoice{{Serial: "P1", Kind: Blue, State: InvIssued, Amount: 5850, Net: 5519, Tax: 331}}
		}
		return x
	}
	blue := func(s InvoiceState) Standing {
		x := qr(QRConsumed)
		x.Invoices[0].State = s
		if s == InvIssuing || s == InvBlocked {
			x.QRs[0].State = QRSubmitted
		}
		return x
	}
	redIs := func(s InvoiceState) Standing {
		x := blue(InvIssued)
		x.Refunds = []Refund{{ID: "R1", Amount: 5850, State: RefWaitRed, Path: PathRedFlush, Gen: Unaccounted, RedSerial: red.Serial}}
		x.Invoices = append(x.Invoices, Invoice{Serial: red.Serial, Kind: Red, BlueSerial: "P1", RefundID: "R1", State: s, Amount: -5850, SentAt: noon, Misses: 1})
		x.reckon()
		x.route(noon)
		return x
	}
	var b strings.Builder
	section := func(title string, states []string, make func(string) Standing, look func(Standing) string) {
		fmt.Fprintf(&b, "%s\n", title)
		for _, st := range states {
			before := make(st)
			at := look(before)
			fmt.Fprintf(&b, "\n  %s\n", at)
			for _, e := range events {
				after, effects := Step(before, e.e)
				to := look(after)
				if to == at && len(effects) == 0 && fmt.Sprint(before) == fmt.Sprint(after) {
					to = "·"
				}
				fmt.Fprintf(&b, "    %-26s %s\n", e.name, to)
			}
		}
		b.WriteString("\n")
	}
	section("QR CODE", []string{"ready", "in_flight", "unknown", "active", "submitted", "consumed", "voiding", "voided", "cancelled", "expired", "rejected"},
		func(s string) Standing { return qr(QRState(s)) }, func(s Standing) string {
			text := string(s.QRs[0].State)
			if len(s.QRs) > 1 {
				text += ", next generation " + string(s.Current().State)
			}
			return text
		})
	section("BLUE INVOICE", []string{"issuing", "failed", "withdrawn", "blocked_auth", "blocked_auth, recheck", "blocked_auth, known", "issued", "red_full"},
		func(st string) Standing {
			state, flag, _ := strings.Cut(st, ", ")
			s := blue(InvoiceState(state))
			s.Invoices[0].Known, s.Invoices[0].Recheck = flag == "known", flag == "recheck"
			return s
		}, func(s Standing) string { return flagged(s.Invoice("P1")) })
	section("RED INVOICE, BLUE INVOICE AND REFUND", []string{"ready", "in_flight", "unknown", "issuing", "blocked_auth", "issued", "failed"},
		func(s string) Standing { return redIs(InvoiceState(s)) }, func(s Standing) string {
			return fmt.Sprintf("%s, %s, %s", s.Invoice(red.Serial).State, s.Invoice("P1").State, s.Refund("R1").State)
		})
	section("DIRECT INVOICE, WITH ITS REFUND", []string{"ready", "ready, known", "in_flight", "unknown", "issuing", "failed", "withdrawn", "blocked_auth", "blocked_auth, recheck", "issued", "red_full", "rejected", "cancelled"},
		func(st string) Standing {
			s := freshDirect()
			state, flag, _ := strings.Cut(st, ", ")
			i := &s.Invoices[0]
			i.State, i.Known, i.Recheck = InvoiceState(state), flag == "known", flag == "recheck"
			if i.State == InvUnknown {
				i.SentAt, i.Misses = noon, 1
			}
			return s
		}, func(s Standing) string {
			i := s.direct()
			text := flagged(i)
			if i.Gen > 0 {
				text += ", next number"
			}
			for _, r := range s.Refunds {
				text += ", refund " + string(r.State)
			}
			return text
		})
	const file = "testdata/machines.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the machines differ from %s; look at the difference, then run with -update\n%s", file, b.String())
	}
}

func flagged(i *Invoice) string {
	text := string(i.State)
	if i.Known {
		text += ", known"
	}
	if i.Recheck {
		text += ", recheck"
	}
	return text
}

// TestTenMillionNumbers makes ten million numbers of two tills and of a
// restored database and takes each apart again: what was put in comes out, so
// no two of them are alike.
func TestTenMillionNumbers(t *testing.T) {
	t.Parallel()
	mints := []Mint{{"DEMO", "A1B2C", 0}, {"DEMO", "A1B2D", 0}, {"DEMO", "A1B2C", 1}, {"DEMO", "A1B2D", 31}}
	heads := map[string]bool{}
	const each = 2_500_000
	for _, m := range mints {
		head := m.Number(0, 0)[:10]
		if heads[head] {
			t.Fatalf("two mints share %s", head)
		}
		heads[head] = true
		start := CounterLimit - each/2 // across the end, where the counter begins again
		for i := range int64(each) {
			n := (start + i) % CounterLimit
			num := m.Number(n, 0)
			back := int64(0)
			for _, c := range []byte(num[10:17]) {
				back = back<<5 | int64(strings.IndexByte(alphabet, c))
			}
			if num[:10] != head || back != n || num[17] != '0' || len(num) != NumberLen {
				t.Fatalf("number %d of %+v is %s", n, m, num)
			}
		}
	}
}

func TestNextGeneration(t *testing.T) {
	m := Mint{"DEMO", "A1B2C", 0}
	no := m.Number(77, 0)
	for g := 1; g <= 31; g++ {
		var ok bool
		if no, ok = NextGeneration(no); !ok || no != m.Number(77, g) {
			t.Fatalf("generation %d is %s, %v; want %s", g, no, ok, m.Number(77, g))
		}
	}
	if _, ok := NextGeneration(no); ok {
		t.Error("there is a 33rd generation")
	}
	if _, ok := NextGeneration("P0000000000000000000"); ok {
		t.Error("a number that is not ours has a next generation")
	}
}

// TestPartsOfMany returns two lines a fen at a time: what a refund takes must
// not cost more than the refunds before it together.
func TestPartsOfMany(t *testing.T) {
	items := []Line{{Amount: 100}, {Amount: 100}}
	var refunds []Refund
	for i := range 200 {
		parts := Parts(items, refunds, Refund{Amount: 1})
		if len(parts) != 1 {
			t.Fatalf("fen %d is taken as %+v", i, parts)
		}
		refunds = append(refunds, Refund{Amount: 1, Lines: []RefundLine{{Line: parts[0].Line + 1, Amount: 1}}})
	}
	if left := LinesLeft(items, refunds, 0); len(left) > 0 {
		t.Errorf("of lines that were returned %+v are left", left)
	}
	if len(CheckLines(items, refunds, []RefundLine{{Line: 1, Amount: 1}})) == 0 {
		t.Error("more than a line passes")
	}
}

// TestLastGeneration refunds part of a code whose number has no next generation:
// the refund must stay within what is stored.
func TestLastGeneration(t *testing.T) {
	s := fresh()
	s.QRs[0].Gen, s.QRs[0].State = 31, QRActive
	s.QRs[0].No = Mint{"DEMO", "A1B2C", 0}.Number(1, 31)
	for _, e := range []Event{part("R1", 1000), Sending{Op{Kind: OpVoidQR, Gen: 31}, noon}, VoidConfirmed{31, noon}} {
		s, _ = Step(s, e)
	}
	if r := s.Refund("R1"); r.State != RefDone || r.Gen > 31 || len(s.QRs) != 1 {
		t.Errorf("the refund is %+v, the codes %+v", r, s.QRs)
	}
}

func TestParts(t *testing.T) {
	items := []Line{{Amount: 1000, Quantity: 2_0000_0000, UnitPrice: 5_0000_0000}, {Amount: 333, Discount: -33}, {Amount: 1}}
	total := Money(1301)
	for amount := Money(1); amount <= total; amount++ {
		sum := Money(0)
		for _, p := range Parts(items, nil, Refund{Amount: amount}) {
			if p.Amount <= 0 || p.Amount > items[p.Line].Net() {
				t.Fatalf("%s: %+v takes more than the line has", amount, p)
			}
			sum += p.Amount
		}
		if sum != amount {
			t.Fatalf("the parts of %s add up to %s", amount, sum)
		}
		left := Money(0)
		for _, l := range LinesLeft(items, []Refund{{Amount: amount, Gen: 0}}, 0) {
			left += l.Net()
		}
		if left != total-amount {
			t.Fatalf("after %s the lines left add up to %s, want %s", amount, left, total-amount)
		}
	}
	one := []Refund{{Amount: 500, Gen: 1, Lines: []RefundLine{{Line: 1, Quantity: 1_0000_0000, Amount: 500}}}}
	if l := LinesLeft(items, one, 1)[0]; l.Quantity != 1_0000_0000 || l.UnitPrice != 5_0000_0000 || l.Amount != 500 {
		t.Errorf("one of two left is %+v", l)
	}
	if l := LinesLeft(items, one, 0)[0]; l.Amount != 1000 {
		t.Errorf("generation 0 is made over %+v, want the whole line", l)
	}
	for name, lines := range map[string][]RefundLine{"all of it": {{Line: 1, Amount: 1000, Quantity: 2_0000_0000}, {Line: 2, Amount: 300}, {Line: 3, Amount: 1}}, "a quantity of a line without": {{Line: 3, Amount: 1, Quantity: 1_0000_0000}}} {
		if ps := CheckLines(items, nil, lines); len(ps) > 0 {
			t.Errorf("%s: %+v", name, ps)
		}
	}
	for name, lines := range map[string][]RefundLine{"line zero": {{Line: 0, Amount: 1}}, "a fen too much": {{Line: 2, Amount: 301}}, "no such line": {{Line: 4, Amount: 1}}, "twice": {{Line: 1, Amount: 600}, {Line: 1, Amount: 600}}, "too many pieces": {{Line: 1, Amount: 1, Quantity: 3_0000_0000}}} {
		if len(CheckLines(items, nil, lines)) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}
