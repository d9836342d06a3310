package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tillagent/piaotong"
)

const (
	red1 = "SBOXRED0000000000001"
	red2 = "SBOXRED0000000000002"
	red3 = "SBOXRED0000000000003"
	red4 = "SBOXRED0000000000004"
)

// issue makes a code and an issued invoice of it, without waiting.
func (b *bench) issue(t *testing.T) piaotong.InvoiceState {
	t.Helper()
	b.SetIssueDelay(0)
	b.create(t, qrNo)
	return b.state(t, b.claim(t, Claim{QRCodeNo: qrNo, BuyerName: "甲公司"}))
}

func (b *bench) blueRef(no string) piaotong.BlueRef {
	return piaotong.BlueRef{TaxpayerNum: b.Account().TaxpayerNum, AllEleInvNo: no}
}

// lines is a request of 2.37 of the invoice of bench.sale: line 1 is 2 × 20.00
// of milk at 13 %, line 2 is apples for 18.50 at 9 %.
func (b *bench) lines(serial, blue string, lines ...piaotong.RedLine) piaotong.RedLines {
	return piaotong.RedLines{
		TaxpayerNum: b.Account().TaxpayerNum, ReqSerialNo: serial, BlueAllEleInvNo: blue,
		Reason: "销货退回", ReturnNo: "R-" + serial, BuyerName: "甲公司", Lines: lines,
	}
}

func milk(quantity, amount string) piaotong.RedLine {
	l := piaotong.RedLine{BlueItemNo: "1", Name: "*乳制品*牛奶", TaxCode: "1030301000000000000", Rate: "0.13", Quantity: quantity, Amount: amount}
	if quantity != "" {
		l.UnitPrice = "20.00"
	}
	return l
}

func apples(amount, discount string) piaotong.RedLine {
	return piaotong.RedLine{BlueItemNo: "2", Name: "*水果*苹果", TaxCode: "1010115010100000000", Rate: "0.09", Amount: amount, Discount: discount}
}

func (b *bench) redFlag(t *testing.T) string {
	t.Helper()
	return b.ledger(t).Invoices[0].RedFlag
}

// TestPartialReds takes an invoice back in three parts.
func TestPartialReds(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	blue := b.issue(t).AllEleInvNo
	if f := b.redFlag(t); f != NotRed {
		t.Errorf("flag %s", f)
	}
	init, err := b.client.InitRed(ctx, b.blueRef(blue))
	want := piaotong.RedInit{RemainNet: "52.37", RemainTax: "6.13", Lines: []piaotong.RedInitLine{
		{BlueItemNo: "1", Name: "*乳制品*牛奶", TaxCode: "1030301000000000000", UnitPrice: "17.7", RemainQuantity: "2", RemainAmount: "35.40", Rate: "0.13", RemainTax: "4.60"},
		{BlueItemNo: "2", Name: "*水果*苹果", TaxCode: "1010115010100000000", UnitPrice: "16.97", RemainQuantity: "1", RemainAmount: "16.97", Rate: "0.09", RemainTax: "1.53"},
	}}
	if err != nil || fmt.Sprintf("%+v", init) != fmt.Sprintf("%+v", want) {
		t.Errorf("before: %+v, %v\nwant %+v", init, err, want)
	}

	r, err := b.client.RedFlushLines(ctx, b.lines(red1, blue, milk("-1", "-20.00")))
	if err != nil || r.ReqSerialNo != red1 || r.StatusURL != b.url+"/i/"+red1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if st := b.state(t, red1); st.Code != "0000" || st.Type != piaotong.TypeRed || st.NetAmount != "-17.70" || st.TaxAmount != "-2.30" || len(st.AllEleInvNo) != 20 {
		t.Errorf("first red: %+v", st)
	}
	if f := b.redFlag(t); f != PartRed {
		t.Errorf("flag %s", f)
	}
	// A full reversal is too late, the same number is known, and less is left.
	_, err = b.client.RedFlush(ctx, b.red(red2, blue))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	_, err = b.client.RedFlushLines(ctx, b.lines(red1, blue, milk("-1", "-20.00")))
	wantCode(t, err, piaotong.Duplicate, "8021")
	_, err = b.client.RedFlushLines(ctx, b.lines(red2, blue, milk("-2", "-40.00")))
	wantCode(t, err, piaotong.Refused, "6009")

	// In progress it holds what it takes, and gives it back when it fails.
	if err := b.SetRedOutcome(Hang); err != nil {
		t.Fatal(err)
	}
	if _, err = b.client.RedFlushLines(ctx, b.lines(red2, blue, milk("-1", "-20.00"), apples("-10.00", "0.50"))); err != nil {
		t.Fatal(err)
	}
	if f := b.redFlag(t); f != BeingRed {
		t.Errorf("flag %s", f)
	}
	_, err = b.client.RedFlushLines(ctx, b.lines(red2, blue, milk("-1", "-20.00")))
	wantCode(t, err, piaotong.Pending, "8040")
	init, err = b.client.InitRed(ctx, b.blueRef(blue))
	if err != nil || len(init.Lines) != 1 || init.Lines[0].BlueItemNo != "2" || init.RemainNet != "8.26" || init.RemainTax != "0.74" {
		t.Errorf("while the second is under way: %+v, %v", init, err)
	}
	if err := b.Settle(red2, Failed); err != nil {
		t.Fatal(err)
	}
	if f := b.redFlag(t); f != PartRed {
		t.Errorf("flag %s", f)
	}

	// The rest, and then nothing is left, not even for the failed one.
	if err := b.SetRedOutcome(Issued); err != nil {
		t.Fatal(err)
	}
	if _, err = b.client.RedFlushLines(ctx, b.lines(red3, blue, milk("", "-20"), apples("-18.50", ""))); err != nil {
		t.Fatal(err)
	}
	if st := b.state(t, red3); st.NetAmount != "-34.67" || st.TaxAmount != "-3.83" {
		t.Errorf("the rest: %+v", st)
	}
	if f := b.redFlag(t); f != AlreadyRed {
		t.Errorf("flag %s", f)
	}
	if err := b.Settle(red2, Issued); err == nil || !strings.Contains(err.Error(), "less is left") {
		t.Errorf("the failed one was issued: %v", err)
	}
	_, err = b.client.RedFlushLines(ctx, b.lines(red4, blue, milk("", "-0.01")))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	_, err = b.client.InitRed(ctx, b.blueRef(blue))
	wantCode(t, err, piaotong.AlreadyRed, "6005")

	l := b.ledger(t)
	if inv := l.Invoices[0]; fmt.Sprint(inv.RedSerials) != fmt.Sprint([]string{red1, red3}) || inv.RedSerial != red3 {
		t.Errorf("blue %+v", inv)
	}
	if e := l.Entries[3]; e.Kind != RedRequestedEntry || e.Amount != "-20.00" || e.ReturnNo != "R-"+red1 ||
		fmt.Sprint(e.Lines) != "[{1 -20.00 -2.30 1}]" {
		t.Errorf("entry %+v", e)
	}
}

// TestCentByCent: the roundings of the tax never leave less than nothing, and
// the parts add up to the whole.
func TestCentByCent(t *testing.T) {
	for _, rate := range []string{"13", "9", "6", "3", "1", "0"} {
		for _, step := range []int64{1, 2, 3, 7, 50} {
			lines, err := newLines([]Item{{Name: "x", Rate: rate, Quantity: "1", Amount: "1.01"}})
			if err != nil {
				t.Fatal(err)
			}
			l := &lines[0]
			var total share
			for l.left().fen > 0 {
				p := l.part(min(step, l.left().fen), 0)
				if !p.within(l.left()) || p.fen <= 0 || p.tax < 0 || p.tax > p.fen {
					t.Fatalf("rate %s step %d: part %+v of %+v", rate, step, p, l.left())
				}
				l.red, total = l.red.plus(p), total.plus(p)
			}
			if total != l.whole {
				t.Errorf("rate %s step %d: %+v of %+v", rate, step, total, l.whole)
			}
		}
	}
}

func TestRedByHand(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	blue := b.issue(t)
	b.SetIssueDelay(1e9)
	if _, err := b.client.RedFlushLines(ctx, b.lines(red1, blue.AllEleInvNo, milk("-1", "-20.00"))); err != nil {
		t.Fatal(err)
	}
	for _, loggedIn := range []bool{false, true} {
		if err := b.SetAccount("", loggedIn, false); err != nil {
			t.Fatal(err)
		}
		if err := b.RedByHand(blue.ReqSerialNo); errors.Is(err, ErrConflict) == loggedIn {
			t.Fatalf("logged in %t: %v", loggedIn, err)
		}
	}
	l := b.ledger(t)
	inv := l.Invoices[0]
	hand := l.Invoices[len(l.Invoices)-1]
	if hand.Amount != "-38.50" || hand.Code != "0000" || hand.ReqSerialNo[0] != 'P' || inv.RedSerial != hand.ReqSerialNo || inv.RedFlag != BeingRed {
		t.Errorf("by hand %+v of %+v", hand, inv)
	}
	_, err := b.client.RedFlush(ctx, b.red(red2, blue.AllEleInvNo))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	_, err = b.client.RedFlushLines(ctx, b.lines(red2, blue.AllEleInvNo, milk("-1", "-20.00")))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	for serial, want := range map[string]error{blue.ReqSerialNo: ErrConflict, red1: ErrConflict, "nothing": ErrNotFound} {
		if err := b.RedByHand(serial); !errors.Is(err, want) {
			t.Errorf("%s: %v", serial, err)
		}
	}
}

// TestQuantities: what the quantity of a line is when 2.16 left things out.
func TestQuantities(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	for i, tc := range []struct{ price, quantity, want, netPrice string }{
		{"", "", "1", "9.43"},
		{"0", "0", "", ""},
		{"4", "", "2.5", "3.772"},
		{"", "3", "3", "3.14333333"},
		{"3.33333333", "3", "3", "3.14333333"},
		{"0", "", "", ""},
	} {
		no := fmt.Sprintf("SBOX%06d", i)
		m := map[string]any{"qrcodeNo": no}
		if tc.price != "" {
			m["item.unitPrice"] = tc.price
		}
		if tc.quantity != "" {
			m["item.quantity"] = tc.quantity
		}
		if out := r.send(t, createPath, with(t, m)); out.Code != "0000" {
			t.Fatalf("%+v: %s %s", tc, out.Code, out.Msg)
		}
		init, err := r.client.InitRed(t.Context(), r.blueRef(r.state(t, r.claim(t, Claim{QRCodeNo: no})).AllEleInvNo))
		if err != nil {
			t.Fatal(err)
		}
		if l := init.Lines[0]; l.RemainQuantity != tc.want || l.UnitPrice != tc.netPrice {
			t.Errorf("price %q, quantity %q: %+v", tc.price, tc.quantity, l)
		}
	}
	if out := r.send(t, createPath, with(t, map[string]any{"qrcodeNo": "SBOX999999", "item.unitPrice": "0.00000001"})); out.Code != "8995" {
		t.Errorf("a quantity beyond all limits: %s", out.Code)
	}
}

// FuzzParts: however a line is taken back, the parts stay within it and add up
// to it.
func FuzzParts(f *testing.F) {
	f.Add(int64(5850), byte(0), []byte{1, 2, 3})
	f.Add(int64(9_999_999_999), byte(4), []byte{255})
	f.Fuzz(func(t *testing.T, fen int64, rate byte, steps []byte) {
		if fen < 1 || fen > 9_999_999_999 {
			return
		}
		percent := ratePercents[int(rate)%len(ratePercents)]
		lines, err := newLines([]Item{{Rate: fmt.Sprint(percent), Quantity: "3", Amount: formatFen(fen)}})
		if err != nil {
			t.Fatal(err)
		}
		l := &lines[0]
		var total share
		take := func(fen int64) {
			p := l.part(fen, 0)
			if !p.within(l.left()) || p.tax < 0 || p.tax > p.fen {
				t.Fatalf("%d of %+v is %+v", fen, l.left(), p)
			}
			l.red, total = l.red.plus(p), total.plus(p)
		}
		for _, s := range steps {
			if left := l.left().fen; left > 0 {
				take(min(left, 1+int64(s)*left/300))
			}
		}
		if left := l.left().fen; left > 0 {
			take(left)
		}
		if total != l.whole || l.left() != (share{}) {
			t.Fatalf("%+v of %+v", total, l.whole)
		}
	})
}

// TestPrivilegedReds: lines of the zero rate carry their policy, and a line
// taxed by the difference is reversed as a whole only.
func TestPrivilegedReds(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	d := r.direct(blue1)
	d.Items = []piaotong.BlueItem{{Name: "*图书*书", TaxCode: "1060201010000000000", Rate: "0", ZeroTaxFlag: "1", Amount: "10.00"}}
	if _, err := r.client.IssueBlue(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	no := r.state(t, blue1).AllEleInvNo
	line := piaotong.RedLine{BlueItemNo: "1", Name: "*图书*书", TaxCode: "1060201010000000000", Rate: "0", ZeroTaxFlag: "1", Amount: "-4.00"}
	if _, err := r.client.RedFlushLines(t.Context(), r.lines(red1, no, line)); err != nil {
		t.Error(err)
	}
	bare := `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + red2 + `","blueAllEleInvNo":"` + no + `","buyerName":"甲公司","itemList":[` +
		`{"blueItemNo":"1","goodsName":"*图书*书","taxClassificationCode":"1060201010000000000","includeTaxFlag":"1","invoiceAmount":"-4.00","taxRateValue":"0","zeroTaxFlag":"1"}]}`
	if out := r.send(t, "/sim/2.37", bare); out.Code != "8995" {
		t.Errorf("without policy: %s %s", out.Code, out.Msg)
	}
	serial := "SBOXBLUE000000000009"
	if out := r.send(t, bluePath, change(t, goodBlue, map[string]any{"invoiceReqSerialNo": serial, "item.deductionAmount": "4"})); out.Code != "0000" {
		t.Fatal(out.Msg)
	}
	part := piaotong.RedLine{BlueItemNo: "1", Name: "餐费", TaxCode: "3070401000000000000", Rate: "0.06", Amount: "-4.00"}
	no = r.state(t, serial).AllEleInvNo
	_, err := r.client.RedFlushLines(t.Context(), r.lines(red3, no, part))
	wantCode(t, err, piaotong.Refused, "8995")
	whole := r.red(red4, no)
	whole.Amount = "-10.00"
	if _, err := r.client.RedFlush(t.Context(), whole); err != nil {
		t.Error(err)
	}
	if st := r.state(t, red4); st.TaxAmount != "-0.34" || st.NetAmount != "-9.66" {
		t.Errorf("%+v", st)
	}
	r.sound(t)
}

// TestCentsOfNetAndTax: net amount and tax are each held to what is left of
// them, and what is left goes through when both are said exactly.
func TestCentsOfNetAndTax(t *testing.T) {
	for name, c := range map[string]struct {
		item    piaotong.BlueItem
		first   []string // of an earlier reversal: net amount and tax
		left    string
		rest    piaotong.RedLine // which the platform refuses
		code    string
		exactly piaotong.RedLine
	}{
		"a cent of net amount": {item: piaotong.BlueItem{Rate: "0.03", Amount: "20.00"}, first: []string{"-8.26", "-0.24"}, left: "11.16 0.34",
			rest: piaotong.RedLine{Amount: "-11.50"}, code: "6009", exactly: piaotong.RedLine{WithoutTax: true, Amount: "-11.16", Tax: "-0.34"}},
		"a discounted line is two rows": {item: piaotong.BlueItem{Rate: "0.05", Amount: "60.11", Discount: "-0.12"}, left: "57.14 2.85",
			rest: piaotong.RedLine{Amount: "-59.99"}, code: "6010", exactly: piaotong.RedLine{WithoutTax: true, Amount: "-57.14", Tax: "-2.85"}},
		"with tax and the tax beside it": {item: piaotong.BlueItem{Rate: "0.05", Amount: "60.11", Discount: "-0.12"}, left: "57.14 2.85",
			rest: piaotong.RedLine{Amount: "-59.99", Tax: "-2.86"}, code: "6010", exactly: piaotong.RedLine{Amount: "-59.99", Tax: "-2.85"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "")
			b.SetIssueDelay(0)
			d := b.direct(blue1)
			c.item.Name, c.item.TaxCode = "*水果*苹果", "1010115010100000000"
			d.Items = []piaotong.BlueItem{c.item}
			if _, err := b.client.IssueBlue(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			no := b.state(t, blue1).AllEleInvNo
			flush := func(serial string, l piaotong.RedLine) error {
				l.BlueItemNo, l.Name, l.TaxCode, l.Rate = "1", c.item.Name, c.item.TaxCode, c.item.Rate
				_, err := b.client.RedFlushLines(t.Context(), b.lines(serial, no, l))
				return err
			}
			if c.first != nil {
				if err := flush(red1, piaotong.RedLine{WithoutTax: true, Amount: c.first[0], Tax: c.first[1]}); err != nil {
					t.Fatal(err)
				}
			}
			init, err := b.client.InitRed(t.Context(), b.blueRef(no))
			if got := init.RemainNet + " " + init.RemainTax; err != nil || got != c.left {
				t.Fatalf("left %s, %v, want %s", got, err, c.left)
			}
			wantCode(t, flush(red2, c.rest), piaotong.Refused, c.code)
			if err := flush(red3, c.exactly); err != nil {
				t.Error(err)
			}
			if f := b.redFlag(t); f != AlreadyRed {
				t.Errorf("flag %s", f)
			}
			b.sound(t)
		})
	}
}
