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
