package trade

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestEveryWordHasASentence: whatever the machines can say, a person can read.
func TestEveryWordHasASentence(t *testing.T) {
	source, err := os.ReadFile("event.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []Message
	events := regexp.MustCompile(`(?m)^func \((\w+)\) event\(\)`).FindAllSubmatch(source, -1)
	if len(events) < 20 {
		t.Fatalf("only %d events found", len(events))
	}
	for _, e := range events {
		all = append(all, MoveWords(string(e[1])))
	}
	for _, s := range SaleStates {
		all = append(all, StateWords(s))
	}
	for _, v := range RefundViews {
		all = append(all, RefundWords(v))
	}
	for _, p := range []Paper{PaperReceipt, PaperSlip, PaperRefund, PaperPOS} {
		all = append(all, PaperWords(p))
	}
	for _, s := range []PrintState{PrintWaitingQR, PrintQueued, PrintPrinting, PrintPrinted, PrintSent, PrintUncertain, PrintHeld, PrintFailed, PrintCancelled} {
		all = append(all, PrintWords(s))
	}
	for _, o := range Outcomes {
		all = append(all, OutcomeWords(o))
	}
	for _, number := range []string{"2.9", "2.10", "2.11", "2.16", "2.17", "2.18", "2.36", "2.37"} {
		all = append(all, InterfaceWords(number))
	}
	for _, m := range all {
		if !m.known() || m.Key == TimelineOther {
			t.Errorf("%s %v has no words", m.Key, m.Args)
		}
	}
}

// TestSentencesInBothLanguages: each has a text in both, which read the same
// arguments unless each language has its own.
func TestSentencesInBothLanguages(t *testing.T) {
	verbs := regexp.MustCompile(`%(\[\d\])?s`)
	for k, w := range sentences {
		if _, twice := catalogue[k]; twice {
			t.Errorf("%s is in the catalogue too", k)
		}
		if w.zh == "" || w.en == "" {
			t.Errorf("%s lacks a language", k)
		}
		zh, en := verbs.FindAllString(w.zh, -1), verbs.FindAllString(w.en, -1)
		if !strings.Contains(w.zh, "[1]") && strings.Join(zh, "") != strings.Join(en, "") {
			t.Errorf("%s: %s and %s differ in what they say", k, w.zh, w.en)
		}
	}
}

func TestAdvice(t *testing.T) {
	expires := time.Date(2027, 5, 21, 23, 59, 59, 0, Beijing)
	qr := func(state QRState, more ...func(*Standing)) Standing {
		s := Standing{SaleID: "S1", Total: 5850, Wish: WishQR, QRs: []QR{{No: "N", Amount: 5850, State: state, ExpiresAt: expires}}}
		for _, f := range more {
			f(&s)
		}
		return s
	}
	invoice := func(state InvoiceState) func(*Standing) {
		return func(s *Standing) {
			s.Invoices = append(s.Invoices, Invoice{Serial: "P1", Kind: Blue, Amount: 5850, State: state, Number: "26110000000000000001", Msg: "余额不足"})
		}
	}
	refund := func(state RefundState, problem Message) func(*Standing) {
		return func(s *Standing) {
			s.Refunds = append(s.Refunds, Refund{ID: "R1", Amount: 100, State: state, Problem: problem})
		}
	}
	well := Surroundings{Configured: true, Online: true, Printed: true}
	for name, tt := range map[string]struct {
		s         Standing
		in        Surroundings
		where, do string
	}{
		"no platform":   {qr(QRReady), Surroundings{}, "the platform is not set up, so this sale has no QR code", "fill in [piaotong] of the configuration"},
		"away":          {qr(QRReady), Surroundings{Configured: true}, "the platform cannot be reached, so this sale has no QR code yet", "check the network; it follows by itself"},
		"in line":       {qr(QRReady), well, "the sale is in line for the platform", "nothing to do, it goes on by itself"},
		"tried":         {qr(QRUnknown), Surroundings{Configured: true, Online: true, Attempts: 3}, "the platform has not done it yet, after 3 attempts", "nothing to do, it goes on by itself"},
		"ready":         {qr(QRActive), well, "the QR code was given, the customer has not claimed it; it is valid until 2027-05-21 23:59", "let the customer scan the receipt; print it again if it is lost"},
		"not printed":   {qr(QRActive), Surroundings{Configured: true, Online: true}, "the QR code came but is not on paper; it is valid until 2027-05-21 23:59", "print the slip with the QR code for the customer"},
		"invoicing":     {qr(QRSubmitted, invoice(InvIssuing)), well, "the invoice is under way at the platform", "nothing to do, it goes on by itself"},
		"invoiced":      {qr(QRConsumed, invoice(InvIssued)), well, "the invoice is issued, number 26110000000000000001", "send the invoice to the customer"},
		"login":         {qr(QRSubmitted, invoice(InvBlocked)), well, "the tax account must log in or be authenticated; the sale has stopped there", "let the invoice clerk log in to the tax bureau or pass the face check"},
		"reissue":       {qr(QRSubmitted, invoice(InvBlocked), func(s *Standing) { s.Invoices[0].Known = true }), well, "the invoice stopped at the tax account; the account works again, and the platform has not gone on", "issue that invoice again on the platform's own site"},
		"failed":        {qr(QRConsumed, invoice(InvFailed)), well, "issuing the invoice failed: 余额不足", "see why on the platform, and issue it again there"},
		"expired":       {qr(QRExpired), well, "the QR code has expired unclaimed", "if the customer still wants one, issue it on the platform by hand"},
		"cancelled":     {qr(QRCancelled), well, "the sale was refunded before anything was sent; there will be no invoice", "nothing is to be done"},
		"voided":        {qr(QRVoided, refund(RefDone, Message{})), well, "the sale was refunded in full and its QR code is void; there will be no invoice", "nothing is to be done"},
		"partly red":    {qr(QRConsumed, invoice(InvRedPart), refund(RefDone, Message{})), well, "invoice 26110000000000000001 is issued, and red-flushed for what was refunded", "nothing is to be done"},
		"red":           {qr(QRConsumed, invoice(InvRedFull)), well, "the sale was refunded and its invoice red-flushed in full", "nothing is to be done"},
		"rejected":      {qr(QRRejected, func(s *Standing) { s.Problem = Say(SaleRefused, "8016", "税收分类编码") }), well, "the platform refuses this sale's data: 税收分类编码 (8016)", "mend the tax code, rate or amounts, then retry"},
		"recorded":      {Standing{Wish: WishNone}, well, "the sale was handed in without wish for an invoice", "nothing is to be done"},
		"refund open":   {qr(QRSubmitted, invoice(InvIssuing), refund(RefWaitIssue, Message{})), well, "refund R1 is not done (waits for the invoice)", "nothing to do, it goes on by itself"},
		"refund login":  {qr(QRSubmitted, invoice(InvBlocked), refund(RefWaitIssue, Message{})), well, "refund R1 waits for the tax account to log in", "let the invoice clerk log in to the tax bureau or pass the face check"},
		"refund failed": {qr(QRConsumed, invoice(InvIssued), refund(RefNeedsPerson, Say(LinesByHand))), well, "refund R1 needs a person: the refund's lines are not on the invoice: red-flush the part on the platform by hand", "follow the text on the platform so that no wrong invoice stays"},
	} {
		where, do := tt.s.Advice(tt.in)
		if where.In(EN) != tt.where || do.In(EN) != tt.do {
			t.Errorf("%s: %q, %q\nwant %q, %q", name, where.In(EN), do.In(EN), tt.where, tt.do)
		}
		for _, m := range []Message{where, do} {
			if zh := m.In(ZH); strings.Contains(zh, "%!") || strings.Contains(m.In(EN), "%!") || zh == string(m.Key) {
				t.Errorf("%s in Chinese: %s", name, zh)
			}
		}
	}
}

func TestPaperAdvice(t *testing.T) {
	for state, want := range map[PrintState]string{
		PrintHeld:      "the receipt is not printed: paper out",
		PrintUncertain: "the receipt may not be complete on paper",
		PrintWaitingQR: "the receipt is not printed yet: waits for the QR code",
		PrintPrinted:   "", PrintSent: "", PrintCancelled: "",
	} {
		where, do, ok := PaperAdvice(PaperReceipt, state, "paper_out")
		if ok != (want != "") || ok && (where.In(EN) != want || do.IsZero() || strings.Contains(where.In(ZH), "%!")) {
			t.Errorf("%s: %q %q %v, want %q", state, where.In(EN), where.In(ZH), ok, want)
		}
	}
	if where, _, _ := PaperAdvice(PaperSlip, PrintFailed, "the picture is too wide"); where.In(EN) != "the slip with the QR code is not printed: the picture is too wide" {
		t.Errorf("%q", where.In(EN))
	}
}
