package sandbox

import (
	"strings"
	"testing"

	"tillagent/piaotong"
)

// TestJudge: the judge sees what must not be, and nothing else.
func TestJudge(t *testing.T) {
	blue := func(serial, trade, amount string) Invoice {
		return Invoice{ReqSerialNo: serial, Type: piaotong.TypeBlue, Code: "0000", TradeNo: trade, Amount: amount}
	}
	red := func(serial, of, amount, confirm string) Invoice {
		return Invoice{ReqSerialNo: serial, Type: piaotong.TypeRed, Code: "0000", BlueSerial: of, Amount: amount, ConfirmNo: confirm}
	}
	issued := func(serial, no string) Entry {
		return Entry{Kind: InvoiceIssuedEntry, ReqSerialNo: serial, AllEleInvNo: no}
	}
	scanned := func(serial, amount string, codes ...string) Invoice {
		inv := blue(serial, "the first code's", amount)
		inv.QRCodeNo = codes[0]
		if len(codes) > 1 {
			inv.QRCodeNos = codes
		}
		return inv
	}
	codes := []QR{{QRCodeNo: "Q1", TradeNo: "T1"}, {QRCodeNo: "Q2", TradeNo: "T2"}, {QRCodeNo: "Q3", TradeNo: "T1"}}
	reversed := blue("B1", "T1", "10.00")
	reversed.RedFlag = AlreadyRed
	failed := blue("B2", "T1", "10.00")
	failed.Code = "9999"
	for _, tc := range []struct {
		name string
		l    Ledger
		want string // "" = sound
	}{
		{"nothing", Ledger{}, ""},
		{"one sale", Ledger{Invoices: []Invoice{blue("B1", "T1", "10.00")}, Entries: []Entry{issued("B1", "1")}}, ""},
		{"one number twice", Ledger{Entries: []Entry{issued("B1", "1"), issued("B1", "2")}}, "request B1 was issued twice"},
		{"one invoice number for two", Ledger{Entries: []Entry{issued("B1", "1"), issued("B2", "1")}}, "invoice number 1 belongs to B1 and B2"},
		{"two direct ones", Ledger{Invoices: []Invoice{blue("B1", "T1", "10.00"), blue("B2", "T1", "10.00")}}, "sale T1 is invoiced 2 times: B1, B2"},
		{"direct and scanned", Ledger{QRs: codes, Invoices: []Invoice{blue("B1", "T1", "10.00"), scanned("P1", "10.00", "Q1")}}, "sale T1 is invoiced 2 times: B1, P1"},
		{"two codes of a sale", Ledger{QRs: codes, Invoices: []Invoice{scanned("P1", "10.00", "Q1"), scanned("P2", "10.00", "Q3")}}, "sale T1"},
		{"merged, and alone", Ledger{QRs: codes, Invoices: []Invoice{scanned("P1", "20.00", "Q1", "Q2"), scanned("P2", "10.00", "Q2")}}, "sale T2"},
		{"merged", Ledger{QRs: codes, Invoices: []Invoice{scanned("P1", "20.00", "Q1", "Q2")}}, ""},
		{"split", Ledger{
			QRs: codes, Invoices: []Invoice{scanned("P1", "5.00", "Q1"), scanned("P2", "5.00", "Q1")},
			Entries: []Entry{{Kind: ClaimedEntry, ReqSerialNo: "P1", Parts: []Part{{ReqSerialNo: "P1"}, {ReqSerialNo: "P2"}}}},
		}, ""},
		{"reversed and invoiced anew", Ledger{Invoices: []Invoice{reversed, blue("B2", "T1", "10.00")}}, ""},
		{"failed and invoiced anew", Ledger{Invoices: []Invoice{blue("B1", "T1", "10.00"), failed}}, ""},
		{"reversed in parts", Ledger{Invoices: []Invoice{blue("B1", "T1", "10.00"), red("R1", "B1", "-4.00", ""), red("R2", "B1", "-6.00", "")}}, ""},
		{"reversed too much", Ledger{Invoices: []Invoice{blue("B1", "T1", "10.00"), red("R1", "B1", "-4.00", ""), red("R2", "B1", "-6.01", "")}}, "more than all of invoice B1"},
		{"reversed what failed", Ledger{Invoices: []Invoice{failed, red("R1", "B2", "-4.00", "")}}, "R1 reverses B2, which is not issued"},
		{"reversed nothing", Ledger{Invoices: []Invoice{red("R1", "B2", "-4.00", "")}}, "R1"},
		{"two of a confirmation", Ledger{
			Invoices: []Invoice{blue("B1", "T1", "10.00"), red("R1", "B1", "-4.00", "C1"), red("R2", "B1", "-4.00", "C1")}, Confirms: []Confirm{{No: "C1", Status: "01"}},
		}, "confirmation C1 made two red invoices: R1 and R2"},
		{"of a refused confirmation", Ledger{
			Invoices: []Invoice{blue("B1", "T1", "10.00"), red("R1", "B1", "-4.00", "C1")}, Confirms: []Confirm{{No: "C1", Status: "05"}},
		}, "confirmation C1 has status 05"},
	} {
		got := strings.Join(tc.l.Problems(), "; ")
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestJudgeOfARealDouble: staff issues what the customer had submitted again.
func TestJudgeOfARealDouble(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	b.create(t, qrNo)
	failed := b.claim(t, Claim{QRCodeNo: qrNo, Outcome: Failed})
	b.claim(t, Claim{QRCodeNo: qrNo})
	b.sound(t)
	if err := b.Settle(failed, Issued); err != nil {
		t.Fatal(err)
	}
	if p := b.ledger(t).Problems(); len(p) != 1 || !strings.Contains(p[0], "T000001") {
		t.Errorf("%q", p)
	}
	if status, out := b.control(t, "GET", "ledger", ""); status != 200 || len(out["problems"].([]any)) != 1 {
		t.Errorf("%d %v", status, out["problems"])
	}
	if _, page := get(t, b.url+"/"); !strings.Contains(page, "账本发现问题") {
		t.Error("the page does not say so")
	}
}
