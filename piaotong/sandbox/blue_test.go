package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

const (
	blue1 = "SBOXBLUE000000000001"
	blue2 = "SBOXBLUE000000000002"
)

// direct is a request of 2.9 that the sandbox takes: the sale of bench.sale.
func (b *bench) direct(serial string) piaotong.BlueIssue {
	return piaotong.BlueIssue{
		TaxpayerNum: b.Account().TaxpayerNum, ReqSerialNo: serial, Kind: piaotong.KindOrdinary, TradeNo: "T-" + serial,
		Buyer: piaotong.BlueBuyer{Name: "甲公司", TaxpayerNum: "91110108BUYER0001X"}, DefinedData: "till 1", DrawerName: "开票员",
		Items: []piaotong.BlueItem{
			{Name: "*乳制品*牛奶", TaxCode: "1030301000000000000", Unit: "盒", Rate: "0.13", UnitPrice: "20.00", Quantity: "2", Amount: "40.00"},
			{Name: "*水果*苹果", TaxCode: "1010115010100000000", Rate: "0.09", Amount: "20.00", Discount: "-1.50"},
		},
	}
}

// issueDirect makes a direct invoice without waiting, and returns its state.
func (b *bench) issueDirect(t *testing.T, serial string) piaotong.InvoiceState {
	t.Helper()
	if _, err := b.client.IssueBlue(t.Context(), b.direct(serial)); err != nil {
		t.Fatal(err)
	}
	return b.state(t, serial)
}

// sound fails the test when the judge complains.
func (b *bench) sound(t *testing.T) {
	t.Helper()
	if p := b.ledger(t).Problems(); len(p) > 0 {
		t.Errorf("the judge complains: %q", p)
	}
}

func TestDirectInvoice(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	_, err := b.client.QueryInvoice(ctx, b.invoice(blue1))
	wantCode(t, err, piaotong.NotFound, "8003")
	a, err := b.client.IssueBlue(ctx, b.direct(blue1))
	if err != nil || a.StatusURL != b.url+"/i/"+blue1 {
		t.Fatalf("%+v, %v", a, err)
	}
	_, err = b.client.IssueBlue(ctx, b.direct(blue1))
	wantCode(t, err, piaotong.Pending, "8040")
	if inv := b.state(t, blue1); inv.Code != piaotong.StatePending {
		t.Errorf("before its time: %+v", inv)
	}
	if status, page := get(t, a.StatusURL); status != 200 || !strings.Contains(page, "开票中") {
		t.Errorf("status page: %d", status)
	}
	b.clock.add(time.Second)
	inv := b.state(t, blue1)
	if inv.Code != piaotong.StateIssued || inv.Type != piaotong.TypeBlue || len(inv.AllEleInvNo) != 20 ||
		inv.TaxAmount != "6.13" || inv.NetAmount != "52.37" || inv.TradeNo != "T-"+blue1 {
		t.Errorf("issued: %+v", inv)
	}
	raw, err := b.PushEnvelope(blue1)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := newReceiver(t, b).codec.OpenInvoicePush(raw); err != nil || p.ReqSerialNo != blue1 || p.DefinedData != "till 1" || p.QRCodeNo != "" || p.Code != "0000" {
		t.Errorf("push %+v, %v", p, err)
	}
	_, err = b.client.IssueBlue(ctx, b.direct(blue1))
	wantCode(t, err, piaotong.Duplicate, "8021")
	if again := b.state(t, blue1); again != inv {
		t.Errorf("a second request changed %+v to %+v", inv, again)
	}

	// A part comes back by 2.37, the rest by 2.37; 2.10 is too late.
	if _, err := b.client.RedFlushLines(ctx, b.lines(red1, inv.AllEleInvNo, milk("-1", "-20.00"))); err != nil {
		t.Fatal(err)
	}
	_, err = b.client.RedFlush(ctx, b.red(red2, inv.AllEleInvNo))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	b.clock.add(time.Second)
	l := b.ledger(t)
	if l.kinds() != "blue_requested invoice_issued red_requested red_issued" {
		t.Error(l.kinds())
	}
	got := l.Invoices[0]
	if !got.Direct || got.Kind != "82" || got.RedFlag != PartRed || got.DefinedData != "till 1" || got.Title.TaxpayerNum != "91110108BUYER0001X" || got.QRCodeNo != "" {
		t.Errorf("%+v", got)
	}
	b.sound(t)

	b.SetIssueDelay(0)
	second := b.issueDirect(t, blue2)
	if _, err := b.client.RedFlush(ctx, b.red(red3, second.AllEleInvNo)); err != nil {
		t.Error(err)
	}
	if l := b.ledger(t); l.Invoices[2].RedFlag != AlreadyRed {
		t.Errorf("%+v", l.Invoices[2])
	}
}

// TestDirectAgain: a number whose invoice came to nothing.
func TestDirectAgain(t *testing.T) {
	for o, code := range map[Outcome]string{Auth: "3999", Failed: "9999", Withdrawn: "6666"} {
		t.Run(string(o), func(t *testing.T) {
			b := newBench(t, "")
			b.SetIssueDelay(0)
			if err := b.SetBlueOutcome(o); err != nil {
				t.Fatal(err)
			}
			if st := b.issueDirect(t, blue1); st.Code != code || st.AllEleInvNo != "" {
				t.Fatalf("%+v", st)
			}
			if err := b.SetBlueOutcome(Issued); err != nil {
				t.Fatal(err)
			}
			// Other data under the number are never taken.
			other := b.direct(blue1)
			other.Buyer.Name = "乙公司"
			_, err := b.client.IssueBlue(t.Context(), other)
			wantCode(t, err, piaotong.Duplicate, "8021")
			b.SetAcceptAgain(false)
			_, err = b.client.IssueBlue(t.Context(), b.direct(blue1))
			wantCode(t, err, piaotong.Duplicate, "8021")
			if st := b.state(t, blue1); st.Code != code {
				t.Errorf("%+v", st)
			}
			b.SetAcceptAgain(true)
			if st := b.issueDirect(t, blue1); st.Code != "0000" {
				t.Errorf("%+v", st)
			}
			_, err = b.client.IssueBlue(t.Context(), b.direct(blue1))
			wantCode(t, err, piaotong.Duplicate, "8021")
			l := b.ledger(t)
			if !strings.HasPrefix(l.kinds(), "blue_requested invoice_") || !strings.HasSuffix(l.kinds(), " reissued invoice_issued") || len(l.Invoices) != 1 {
				t.Error(l.kinds())
			}
			b.sound(t)
		})
	}
}

// TestRedAgain: the same for a reversal, which must still fit.
func TestRedAgain(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	no := b.issueDirect(t, blue1).AllEleInvNo
	outcome := func(o Outcome) {
		t.Helper()
		if err := b.SetRedOutcome(o); err != nil {
			t.Fatal(err)
		}
	}
	outcome(Failed)
	if _, err := b.client.RedFlush(t.Context(), b.red(red1, no)); err != nil {
		t.Fatal(err)
	}
	b.ledger(t)
	outcome(Issued)
	if _, err := b.client.RedFlushLines(t.Context(), b.lines(red2, no, milk("-1", "-20.00"))); err != nil {
		t.Fatal(err)
	}
	_, err := b.client.RedFlush(t.Context(), b.red(red1, no)) // less is left
	wantCode(t, err, piaotong.Duplicate, "8021")
	outcome(Auth)
	rest := b.lines(red3, no, milk("-1", "-20.00"), apples("-20.00", "1.50"))
	if _, err := b.client.RedFlushLines(t.Context(), rest); err != nil {
		t.Fatal(err)
	}
	if st := b.state(t, red3); st.Code != "3999" {
		t.Errorf("%+v", st)
	}
	outcome(Issued)
	if _, err := b.client.RedFlushLines(t.Context(), rest); err != nil {
		t.Error(err)
	}
	if st := b.state(t, red3); st.Code != "0000" || b.ledger(t).Invoices[0].RedFlag != AlreadyRed {
		t.Errorf("%+v", st)
	}
	b.sound(t)
}

const bluePath = "/tp/openapi/invoiceBlue.pt"

const goodBlue = `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"SBOXBLUE000000000001","invoiceIssueKindCode":"82","buyerName":"甲公司",
"itemList":[{"goodsName":"餐费","taxClassificationCode":"3070401000000000000","includeTaxFlag":"1","invoiceAmount":"10.00","taxRateValue":"0.06"}]}`

func TestBlueIsStrict(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	type m = map[string]any
	long := func(n int) string { return strings.Repeat("长", n) }
	zero := func(flag, preferential, manage any) m {
		return m{"item.taxRateValue": "0", "item.zeroTaxFlag": flag, "item.preferentialPolicyFlag": preferential, "item.vatSpecialManage": manage}
	}
	var many []any
	for range 51 {
		many = append(many, m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceAmount": "1.00", "discountAmount": "-0.10"})
	}
	for i, tc := range []struct {
		name string
		m    m
		code string
	}{
		{"as it is", m{}, "0000"},
		{"no taxpayer", m{"taxpayerNum": nil}, "8995"},
		{"taxpayer malformed", m{"taxpayerNum": "x"}, "9997"},
		{"taxpayer of somebody else", m{"taxpayerNum": "91110108TEST00001X"}, "8004"},
		{"number of 19", m{"invoiceReqSerialNo": "SBOXBLUE00000000001"}, "8995"},
		{"number with dash", m{"invoiceReqSerialNo": "SBOXBLUE-00000000001"}, "8995"},
		{"no kind", m{"invoiceIssueKindCode": nil}, "8995"},
		{"old kind", m{"invoiceIssueKindCode": "10"}, "8995"},
		{"special without tax number", m{"invoiceIssueKindCode": "81"}, "8995"},
		{"special", m{"invoiceIssueKindCode": "81", "buyerTaxpayerNum": "91110108BUYER0001X"}, "0000"},
		{"no buyer", m{"buyerName": nil}, "8995"},
		{"buyer of 102 bytes", m{"buyerName": long(51)}, "8995"},
		{"buyer with angle brackets", m{"buyerName": "<b>"}, "8995"},
		{"buyer's number of 14", m{"buyerTaxpayerNum": "91110108BUYER0"}, "8995"},
		{"buyer's number in small letters", m{"buyerTaxpayerNum": "91110108buyer0001x"}, "8995"},
		{"buyer's address and telephone too long", m{"buyerAddress": long(45), "buyerTel": "010-12345678"}, "8995"},
		{"buyer's bank and account too long", m{"buyerBankName": long(30), "buyerBankAccount": strings.Repeat("1", 41)}, "8995"},
		{"telephone with letters", m{"buyerTel": "call me"}, "8995"},
		{"seller's address too long", m{"sellerAddress": long(51)}, "8995"},
		{"natural person", m{"naturalPersonFlag": 1}, "0000"},
		{"natural person as word", m{"naturalPersonFlag": "yes"}, "8995"},
		{"account", m{"account": SecondAccount}, "0000"},
		{"account that nobody registered", m{"account": "10000000009"}, "8995"},
		{"drawer of 22 bytes", m{"drawerName": long(11)}, "8995"},
		{"drawer not in GBK", m{"drawerName": "𠮷"}, "8995"},
		{"cashier of 18 bytes", m{"casherName": long(9)}, "8995"},
		{"taker's telephone", m{"takerTel": "1380000"}, "8995"},
		{"taker's mail", m{"takerEmail": "nobody"}, "8995"},
		{"remark of 242 bytes", m{"remark": long(121)}, "8995"},
		{"defined data of 201", m{"definedData": strings.Repeat("1", 201)}, "8995"},
		{"trade number of 201", m{"tradeNo": strings.Repeat("1", 201)}, "8995"},
		{"shop too short", m{"shopNum": "S1"}, "8995"},
		{"special kind", m{"specialInvoiceKind": "99"}, "8995"},
		{"oil without litres", m{"specialInvoiceKind": "08"}, "8995"},
		{"oil", m{"specialInvoiceKind": "08", "item.meteringUnit": "升", "item.quantity": "2", "item.unitPrice": "5"}, "0000"},
		{"purchase with tax", m{"specialInvoiceKind": "02"}, "8995"},
		{"no lines", m{"itemList": []any{}}, "8995"},
		{"51 lines with discount", m{"itemList": many}, "8995"},
		{"50 lines with discount", m{"itemList": many[:50]}, "0000"},
		{"no goods", m{"item.goodsName": nil}, "8995"},
		{"goods of 102 bytes", m{"item.goodsName": long(51)}, "8995"},
		{"tax code with letters", m{"item.taxClassificationCode": "30A"}, "8005"},
		{"tax code of 20", m{"item.taxClassificationCode": "30704010000000000000"}, "8005"},
		{"old rate", m{"item.taxRateValue": "0.17"}, "8006"},
		{"no rate", m{"item.taxRateValue": nil}, "8995"},
		{"amount of three places", m{"item.invoiceAmount": "10.000"}, "8995"},
		{"amount negative", m{"item.invoiceAmount": "-10"}, "8995"},
		{"amount zero", m{"item.invoiceAmount": "0"}, "8995"},
		{"amount as number", m{"item.invoiceAmount": 10.5}, "0000"},
		{"tax flag", m{"item.includeTaxFlag": "2"}, "8995"},
		{"price fits", m{"item.unitPrice": "3.33333333", "item.quantity": "3"}, "0000"},
		{"price does not fit", m{"item.unitPrice": "3.33", "item.quantity": "3"}, "8016"},
		{"price alone", m{"item.unitPrice": "10"}, "8995"},
		{"quantity zero", m{"item.unitPrice": "0", "item.quantity": "0"}, "8995"},
		{"price of nine places", m{"item.unitPrice": "3.333333333", "item.quantity": "3"}, "8995"},
		{"discount", m{"item.discountAmount": "-1"}, "0000"},
		{"discount positive", m{"item.discountAmount": "1"}, "8995"},
		{"discount too large", m{"item.discountAmount": "-10.01"}, "8007"},
		{"discount of all", m{"item.discountAmount": "-10.00"}, "8995"},
		{"tax fits", m{"item.taxRateAmount": "0.57"}, "0000"},
		{"tax a fen off", m{"item.taxRateAmount": "0.58"}, "0000"},
		{"tax two fen off", m{"item.taxRateAmount": "0.59"}, "8011"},
		{"discount tax fits", m{"item.taxRateAmount": "0.57", "item.discountAmount": "-1", "item.discountTaxRateAmount": "-0.06"}, "0000"},
		{"discount tax does not fit", m{"item.taxRateAmount": "0.57", "item.discountAmount": "-1", "item.discountTaxRateAmount": "-0.16"}, "8017"},
		{"discount tax alone", m{"item.discountAmount": "-1", "item.discountTaxRateAmount": "-0.06"}, "8995"},
		{"deduction", m{"item.deductionAmount": "4"}, "0000"},
		{"deduction too large", m{"item.deductionAmount": "10.01"}, "8012"},
		{"deduction of two lines", m{"itemList": []any{
			m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceAmount": "1.00", "deductionAmount": "0.5"},
			m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceAmount": "1.00"},
		}}, "8013"},
		{"policy without text", m{"item.preferentialPolicyFlag": "1"}, "8008"},
		{"policy", m{"item.preferentialPolicyFlag": "1", "item.vatSpecialManage": "简易征收"}, "0000"},
		{"no policy, as 0", m{"item.preferentialPolicyFlag": "0"}, "0000"},
		{"zero without flag", m{"item.taxRateValue": "0"}, "8014"},
		{"flag without zero", m{"item.zeroTaxFlag": "1"}, "8015"},
		{"unknown flag", zero("4", nil, nil), "8015"},
		{"export", zero("0", "1", "出口零税"), "0000"},
		{"exempt", zero("1", "1", "免税"), "0000"},
		{"not taxed", zero("2", "1", "不征税"), "0000"},
		{"plain zero", zero("3", nil, nil), "0000"},
		{"exempt without policy", zero("1", nil, nil), "8995"},
		{"exempt without text", zero("1", "1", nil), "8008"},
		{"exempt with another's text", zero("1", "1", "不征税"), "8995"},
		{"plain zero with policy", zero("3", "1", "免税"), "8995"},
	} {
		if _, named := tc.m["invoiceReqSerialNo"]; !named {
			tc.m["invoiceReqSerialNo"] = fmt.Sprintf("SBOXBLUE%012d", i)
		}
		if out := r.send(t, bluePath, change(t, goodBlue, tc.m)); out.Code != tc.code {
			t.Errorf("%s: %s %s, want %s", tc.name, out.Code, out.Msg, tc.code)
		}
	}
	r.sound(t)
}

// TestBlueTax: amounts with and without tax, discounts, deductions and taxes
// that are sent.
func TestBlueTax(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	for i, tc := range []struct {
		name     string
		changes  map[string]any
		net, tax string
	}{
		{"with tax", map[string]any{"item.invoiceAmount": "100", "item.taxRateValue": "0.09"}, "91.74", "8.26"},
		{"without tax", map[string]any{"item.includeTaxFlag": "0", "item.invoiceAmount": "100", "item.taxRateValue": "0.09"}, "100.00", "9.00"},
		{"by default without tax", map[string]any{"item.includeTaxFlag": nil, "item.invoiceAmount": "100"}, "100.00", "6.00"},
		{"without tax, discount", map[string]any{"item.includeTaxFlag": "0", "item.invoiceAmount": "100", "item.discountAmount": "-10"}, "90.00", "5.40"},
		{"half a fen rounds up", map[string]any{"item.includeTaxFlag": "0", "item.invoiceAmount": "0.25", "item.taxRateValue": "0.06"}, "0.25", "0.02"},
		{"deduction", map[string]any{"item.invoiceAmount": "106", "item.deductionAmount": "53"}, "103.00", "3.00"},
		{"deduction without tax", map[string]any{"item.includeTaxFlag": "0", "item.invoiceAmount": "100", "item.deductionAmount": "50"}, "100.00", "3.00"},
		{"sent", map[string]any{"item.taxRateAmount": "0.58"}, "9.42", "0.58"},
		{"sent with a discount", map[string]any{"item.taxRateAmount": "0.56", "item.discountAmount": "-1", "item.discountTaxRateAmount": "-0.05"}, "8.49", "0.51"},
		{"exempt", map[string]any{"item.taxRateValue": "0.00", "item.zeroTaxFlag": "1", "item.preferentialPolicyFlag": "1", "item.vatSpecialManage": "免税"}, "10.00", "0.00"},
	} {
		serial := fmt.Sprintf("SBOXBLUE%012d", i)
		tc.changes["invoiceReqSerialNo"] = serial
		if out := r.send(t, bluePath, change(t, goodBlue, tc.changes)); out.Code != "0000" {
			t.Errorf("%s: %s %s", tc.name, out.Code, out.Msg)
			continue
		}
		full, err := r.client.QueryFullInvoice(t.Context(), r.invoice(serial))
		if err != nil || full.NetAmount != tc.net || full.TaxAmount != tc.tax {
			t.Errorf("%s: %s and %s, want %s and %s, %v", tc.name, full.NetAmount, full.TaxAmount, tc.net, tc.tax, err)
		}
		var net, tax int64
		for _, l := range full.Lines {
			n, err1 := parseFen(l.Amount)
			x, err2 := parseFen(l.TaxAmount)
			if err1 != nil || err2 != nil {
				t.Errorf("%s: line %+v", tc.name, l)
			}
			net, tax = net+n, tax+x
		}
		if formatFen(net) != tc.net || formatFen(tax) != tc.tax {
			t.Errorf("%s: the lines add up to %s and %s", tc.name, formatFen(net), formatFen(tax))
		}
	}
}

func FuzzBlueTax(f *testing.F) {
	f.Add(int64(10000), int64(0), int64(2), true)
	f.Add(int64(25), int64(10), int64(0), false)
	f.Fuzz(func(t *testing.T, amount, discount, rate int64, withTax bool) {
		if amount <= 0 || amount > maxFen/2 || discount < 0 || discount >= amount || rate < 0 {
			return
		}
		percent := ratePercents[rate%6] // above 0
		item := map[string]any{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": formatFen(percent), "invoiceAmount": formatFen(amount)}
		if discount > 0 {
			item["discountAmount"] = formatFen(-discount)
		}
		if withTax {
			item["includeTaxFlag"] = "1"
		}
		raw, err := json.Marshal(map[string]any{"itemList": []any{item}})
		if err != nil {
			t.Fatal(err)
		}
		var r blueRequest
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		var c checker
		items, total := c.blueItems(&r)
		if c.err != nil {
			t.Fatal(c.err)
		}
		lines, err := newLines(items)
		if err != nil {
			t.Fatal(err)
		}
		l := lines[0].whole
		want := amount - discount
		if !withTax {
			want += taxOn(want, percent)
		}
		if l.fen != total || total != want || l.tax < 0 || l.tax > l.fen || !withTax && l.fen-l.tax != amount-discount {
			t.Fatalf("%s: %+v, total %d, want %d", raw, l, total, want)
		}
	})
}
