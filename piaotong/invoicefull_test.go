package piaotong

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

const fullAnswer = `{"invoiceReqSerialNo":"P1075733838694584320","code":"0000","msg":"开票成功","invoiceType":2,"allEleInvNo":"26112000000000000009",` +
	`"invoiceDate":"2026-03-01 10:25:00","noTaxAmount":-9.34,"taxAmount":"-0.56","amountWithTax":-9.90,"tradeNo":20260301000001,` +
	`"downloadUrl":"aHR0cHM6Ly9leGFtcGxlLmNvbS9kL2EucGRm","buyerName":"购方","buyerTaxpayerNum":"91110108TEST00002Y","buyerAddress":"址1","buyerTel":"1",` +
	`"buyerBankName":"行1","buyerBankAccount":6222000000000000001,"sellerTaxpayerNum":"91110108TEST00001X","sellerName":"售方","sellerAddress":"址2",` +
	`"sellerTel":"2","sellerBankName":"行2","sellerBankAccount":"623","invoiceKind":82,"specialInvoiceKind":"00","invoiceCode":"","invoiceNo":null,` +
	`"blueAllEleInvNo":"26112000000000000001","blueInvoiceCode":"011001900111","blueInvoiceNo":"12345678","invalidFlag":"NOT_DESTROY","redFlag":"PART_RED",` +
	`"casherName":"收","reviewerName":"复","drawerName":"开","detailedListFlag":0,"checkCode":"c","qrCode":"01,32","remark":"备注","diskType":"UKEY",` +
	`"invoiceLayoutFileType":"ofd","invoicePdf":"UEsDBA==","invoiceXml":"PGE+PC9hPg==","vatPlatformInvPreviewUrl":"aHR0cHM6Ly9leGFtcGxlLmNvbS92",` +
	`"invPreviewQrcodePath":"aHR0cHM6Ly9leGFtcGxlLmNvbS9z","itemList":[` +
	`{"goodsName":"*餐饮服务*餐费","taxClassificationCode":3070401000000000000,"specificationModel":"大","meteringUnit":"份","quantity":-0.99,` +
	`"unitPrice":9.43396226,"itemAmount":-9.34,"taxRate":0.06,"taxRateAmount":"-0.56","deduction":"","preferentialPolicyFlag":"","zeroTaxFlag":"",` +
	`"itemProperty":2,"itemNo":1},` +
	`{"goodsName":"b","itemAmount":"0.00","taxRate":"0","preferentialPolicyFlag":1,"zeroTaxFlag":1,"vatSpecialManage":"免税","itemProperty":"1","itemNo":"2"}]}`

func TestQueryFullInvoice(t *testing.T) {
	c, p := answered(t, answerContent(fullAnswer))
	got, err := c.QueryFullInvoice(t.Context(), testInvoice)
	want := FullInvoice{
		InvoiceState: InvoiceState{
			ReqSerialNo: "P1075733838694584320", Type: TypeRed, Code: StateIssued, Msg: "开票成功", AllEleInvNo: "26112000000000000009",
			NetAmount: "-9.34", TaxAmount: "-0.56", DownloadURL: "https://example.com/d/a.pdf", TradeNo: "20260301000001",
			IssuedAt: time.Date(2026, 3, 1, 10, 25, 0, 0, beijing), StatusURL: "https://example.com/s",
		},
		Kind: KindOrdinary, SpecialKind: "00", Total: "-9.90",
		Buyer:  Party{"购方", "91110108TEST00002Y", "址1", "1", "行1", "6222000000000000001"},
		Seller: Party{"售方", testTaxNo, "址2", "2", "行2", "623"},
		Red:    RedFlagPart, Invalid: InvalidFlagNone, BlueAllEleInvNo: "26112000000000000001", BlueCode: "011001900111", BlueNo: "12345678",
		CashierName: "收", ReviewerName: "复", DrawerName: "开", CheckCode: "c", QRText: "01,32", Remark: "备注",
		PreviewURL: "https://example.com/v",
		Files:      []File{{FileOFD, []byte("PK\x03\x04")}, {FileXML, []byte("<a></a>")}},
		Lines: []FullLine{
			{No: "1", Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Spec: "大", Unit: "份", Quantity: "-0.99", UnitPrice: "9.43396226",
				Amount: "-9.34", Rate: "0.06", TaxAmount: "-0.56", Property: LineDiscounted},
			{No: "2", Name: "b", Amount: "0.00", Rate: "0", Preferential: true, ZeroTaxFlag: "1", Policy: "免税", Property: LineDiscount},
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","invoiceReqSerialNo":"P1075733838694584320"}`)
}

// TestFullInvoiceOfLittle: an invoice that is not issued has a state and no
// more; words that nobody knows are kept, and files that are none are not.
func TestFullInvoiceOfLittle(t *testing.T) {
	c, _ := answered(t, answerContent(`{"invoiceReqSerialNo":"P1075733838694584320","code":7777}`))
	got, err := c.QueryFullInvoice(t.Context(), testInvoice)
	if want := (FullInvoice{InvoiceState: InvoiceState{ReqSerialNo: "P1075733838694584320", Code: StatePending}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	c, _ = answered(t, answerContent(`{"invoiceReqSerialNo":"P1075733838694584320","code":"0000","redFlag":"HALF","invalidFlag":1,`+
		`"invoicePdf":"`+b64("<html>")+`","invoiceXml":"@@","vatPlatformInvPreviewUrl":"x"}`))
	got, err = c.QueryFullInvoice(t.Context(), testInvoice)
	if err != nil || got.Red != "HALF" || got.Invalid != "1" || got.Files != nil || got.PreviewURL != "" {
		t.Errorf("%+v, %v", got, err)
	}
	c, _ = answered(t, answerContent(`{"invoiceReqSerialNo":"P1075733838694584320","msg":"x"}`))
	if _, err = c.QueryFullInvoice(t.Context(), testInvoice); KindOf(err) != Unknown {
		t.Errorf("without a state: %v", err)
	}
}

// TestPeopleStayOutOfLogs: buyers and parties print nothing in logs.
func TestPeopleStayOutOfLogs(t *testing.T) {
	var b strings.Builder
	for _, h := range []slog.Handler{slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&b, nil)} {
		slog.New(h).Info("x", "buyer", BlueBuyer{Name: "张三丰"}, "party", Party{Name: "张三丰"})
	}
	if s := b.String(); strings.Contains(s, "张三丰") || strings.Count(s, "[buyer]") != 2 || strings.Count(s, "[party]") != 2 {
		t.Error(s)
	}
}

func TestFetchFile(t *testing.T) {
	files := map[FileType]string{FilePDF: "%PDF-1.7\n…", FileOFD: "PK\x03\x04…", FileXML: "\ufeff\n<?xml version=\"1.0\"?>"}
	for typ, data := range files {
		for form, content := range map[string]string{
			"all":                `{"fileType":"` + string(typ) + `","resultCode":"0000","resultMsg":"成功","fileContent":"` + b64(data) + `"}`,
			"without a result":   `{"fileContent":"` + b64(data) + `"}`,
			"null, lower case":   `{"fileType":"` + strings.ToLower(string(typ)) + `","resultCode":null,"fileContent":"` + b64(data) + `"}`,
			"lines, no padding":  `{"fileContent":"` + strings.TrimRight(b64(data)[:4]+`\r\n`+b64(data)[4:], "=") + `"}`,
			"other fields first": `{"x":[],"fileContent":"` + b64(data) + `"}`,
		} {
			c, p := answered(t, answerContent(content))
			got, err := c.FetchFile(t.Context(), testInvoice, typ)
			if err != nil || got.Type != typ || string(got.Data) != data {
				t.Errorf("%s, %s: %q, %v", typ, form, got.Data, err)
			}
			p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","invoiceReqSerialNo":"P1075733838694584320","fileType":"`+string(typ)+`"}`)
		}
		for other, data := range files {
			if other == typ {
				continue
			}
			c, _ := answered(t, answerContent(`{"resultCode":"0000","fileContent":"`+b64(data)+`"}`))
			if got, err := c.FetchFile(t.Context(), testInvoice, typ); KindOf(err) != Unknown || got.Data != nil {
				t.Errorf("%s for %s: %v", other, typ, err)
			}
		}
	}
}

// TestFetchFileRefused: a part of the answer that says no is as good as a no.
func TestFetchFileRefused(t *testing.T) {
	good := `"fileContent":"` + b64("%PDF-1.7") + `"`
	for content, want := range map[string]struct {
		kind Kind
		code string
	}{
		`{"resultCode":"8041","resultMsg":"未开票",` + good + `}`: {Pending, "8041"},
		`{"resultCode":8042,` + good + `}`:                     {Refused, "8042"},
		`{"resultCode":"8043"}`:                                {Unavailable, "8043"},
		`{"resultCode":"9999"}`:                                {Unavailable, "9999"},
		`{"resultCode":"9999","resultMsg":"验签失败"}`:             {Misconfigured, "9999"},
		`{"resultCode":"1",` + good + `}`:                      {Unavailable, "1"},
		`{"resultCode":"0000"}`:                                {Unknown, ""},
		`{"resultCode":"0000","fileContent":""}`:               {Unknown, ""},
		`{"resultCode":"0000","fileContent":"%%"}`:             {Unknown, ""},
		`{"fileContent":"` + b64(" %PDF-1.7") + `"}`:           {Unknown, ""},
		`{"fileType":"OFD",` + good + `}`:                      {Unknown, ""},
	} {
		c, _ := answered(t, answerContent(content))
		got, err := c.FetchFile(t.Context(), testInvoice, FilePDF)
		if e, ok := err.(*Error); !ok || e.Kind != want.kind || e.Code != want.code || !e.Repeatable || got.Data != nil {
			t.Errorf("%s: %v, want %s", content, err, want.kind)
		}
	}
	c, p := answered(t, answerContent(`{`+good+`}`))
	for _, typ := range []FileType{"", "pdf", "ZIP"} {
		if _, err := c.FetchFile(t.Context(), testInvoice, typ); KindOf(err) != Refused {
			t.Errorf("type %q: %v", typ, err)
		}
	}
	if n := p.calls.Load(); n != 0 {
		t.Errorf("%d calls for files of no type", n)
	}
}

// TestFetchLargeFile: files come inside the envelope.
func TestFetchLargeFile(t *testing.T) {
	data := "%PDF-" + strings.Repeat("x", 512<<10)
	c, _ := answered(t, answerContent(fmt.Sprintf(`{"fileContent":%q}`, b64(data))))
	if got, err := c.FetchFile(t.Context(), testInvoice, FilePDF); err != nil || len(got.Data) != len(data) {
		t.Errorf("%d bytes, %v", len(got.Data), err)
	}
}
