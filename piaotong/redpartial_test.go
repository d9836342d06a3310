package piaotong

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestInitRed(t *testing.T) {
	p := newTestPlatform(t, answerContent(`{"blueAllEleInvNo":"26112000000000000001","buyerName":"甲","remainNoTaxAmount":9.34,"remainTaxAmount":"0.56",`+
		`"itemList":[{"blueItemNo":1,"goodsName":"*餐饮服务*餐费","taxClassificationCode":"3070401000000000000","specificationModel":null,`+
		`"meteringUnit":"份","unitPrice":"9.43396226","remainQuantity":0.99,"remainAmount":9.34,"taxRateValue":0.06,"remainTaxAmount":"0.56","zeroTaxFlag":""}]}`))
	c := newTestClient(t, testOptions(t, p.URL))
	got, err := c.InitRed(t.Context(), testBlue)
	if err != nil {
		t.Fatal(err)
	}
	want := RedInit{BuyerName: "甲", RemainNet: "9.34", RemainTax: "0.56", Lines: []RedInitLine{{
		BlueItemNo: "1", Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Unit: "份", UnitPrice: "9.43396226",
		RemainQuantity: "0.99", RemainAmount: "9.34", Rate: "0.06", RemainTax: "0.56",
	}}}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if s := string(p.last.Load().Content); s != `{"taxpayerNum":"91110108TEST00001X","blueAllEleInvNo":"26112000000000000001","applicantType":"0"}` {
		t.Errorf("content %s", s)
	}
	if _, err := c.InitRed(t.Context(), BlueRef{TaxpayerNum: "91110108TEST00001X", AllEleInvNo: "26112000000000000002"}); KindOf(err) != Unknown {
		t.Errorf("an answer about another invoice: %v", err)
	}
	if _, err := c.InitRed(t.Context(), BlueRef{TaxpayerNum: "91110108TEST00001X", Code: "011001900111", No: "12345678"}); err != nil {
		t.Error(err)
	}
	if s := string(p.last.Load().Content); s != `{"taxpayerNum":"91110108TEST00001X","blueInvoiceCode":"011001900111","blueInvoiceNo":"12345678","applicantType":"0"}` {
		t.Errorf("content %s", s)
	}
}

func TestRedFlushLines(t *testing.T) {
	p := newTestPlatform(t, answerContent(`{"invoiceReqSerialNo":"TEST2026030110203010","qrCodePath":"`+b64("https://example.com/r")+`"}`))
	got, err := newTestClient(t, testOptions(t, p.URL)).RedFlushLines(t.Context(), testLines)
	if err != nil || got != (RedAccepted{"TEST2026030110203010", "https://example.com/r"}) {
		t.Errorf("%+v, %v", got, err)
	}
	const want = `{"taxpayerNum":"91110108TEST00001X","invoiceReqSerialNo":"TEST2026030110203010","blueAllEleInvNo":"26112000000000000001",` +
		`"redReason":"销货退回","returnNo":"R1","buyerName":"测试购买方有限公司","definedData":"a&b","itemList":[` +
		`{"blueItemNo":"1","goodsName":"*餐饮服务*餐费","taxClassificationCode":"3070401000000000000","quantity":"-1","includeTaxFlag":"1",` +
		`"unitPrice":"10.00","invoiceAmount":"-10.00","taxRateValue":"0.06","discountAmount":"0.10"},` +
		`{"blueItemNo":"2","goodsName":"*蔬菜*白菜","taxClassificationCode":"1010112010000000000","includeTaxFlag":"1","invoiceAmount":"-2.00",` +
		`"taxRateValue":"0","preferentialPolicyFlag":"1","zeroTaxFlag":"1","vatSpecialManage":"免税"}]}`
	if s := string(p.last.Load().Content); s != want {
		t.Errorf("content\n%s\nwant\n%s", s, want)
	}
}

// TestRedLineWithItsTax: net amount and tax go out as they are.
func TestRedLineWithItsTax(t *testing.T) {
	p := newTestPlatform(t, answerContent(`{"invoiceReqSerialNo":"TEST2026030110203010","qrCodePath":"`+b64("https://example.com/r")+`"}`))
	r := testLines
	r.Lines = []RedLine{
		{BlueItemNo: "1", Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Rate: "0.03", WithoutTax: true, Amount: "-11.16", Tax: "-0.34"},
		{BlueItemNo: "2", Name: "*蔬菜*白菜", TaxCode: "1010112010000000000", Rate: "0.09", Amount: "-0.01", Tax: "-0.01"},
	}
	if _, err := newTestClient(t, testOptions(t, p.URL)).RedFlushLines(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	const want = `"itemList":[{"blueItemNo":"1","goodsName":"*餐饮服务*餐费","taxClassificationCode":"3070401000000000000","includeTaxFlag":"0",` +
		`"invoiceAmount":"-11.16","taxRateValue":"0.03","taxRateAmount":"-0.34"},` +
		`{"blueItemNo":"2","goodsName":"*蔬菜*白菜","taxClassificationCode":"1010112010000000000","includeTaxFlag":"1",` +
		`"invoiceAmount":"-0.01","taxRateValue":"0.09","taxRateAmount":"-0.01"}]}`
	if s := string(p.last.Load().Content); !strings.HasSuffix(s, want) {
		t.Errorf("content\n%s\nwant at its end\n%s", s, want)
	}
}

// TestUnknownPaths: without a configured path nothing is sent, and the error
// says so in a way that code can read.
func TestUnknownPaths(t *testing.T) {
	p := newTestPlatform(t, answerContent("{}"))
	o := testOptions(t, p.URL)
	o.Endpoints = nil
	c := newTestClient(t, o)
	unknown := 0
	for _, call := range allCalls {
		if call.op.endpoint().Default != "" {
			continue
		}
		unknown++
		e, ok := errors.AsType[*Error](call.do(t.Context(), c))
		if !ok || e.Kind != Misconfigured || !e.NoPath || e.Msg != "path not configured: "+call.op.key || e.Interface != call.op.endpoint().Interface {
			t.Errorf("%s: %+v", call.op.key, e)
		}
	}
	if unknown != 16 {
		t.Errorf("%d interfaces without a public path, want 16", unknown)
	}
	if n := p.calls.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
	// Other misconfigurations are not about paths.
	p2 := newTestPlatform(t, answerCode("8104", "未绑定", ""))
	_, err := newTestClient(t, testOptions(t, p2.URL)).RedFlushLines(t.Context(), testLines)
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Misconfigured || e.NoPath {
		t.Errorf("8104: %+v", e)
	}
}

// TestRedRequestsThatAreNotSent: what would reverse another invoice, or more.
func TestRedRequestsThatAreNotSent(t *testing.T) {
	p := newTestPlatform(t, answerContent("{}"))
	c := newTestClient(t, testOptions(t, p.URL))
	for name, blue := range map[string]BlueRef{
		"none":      {},
		"both":      {AllEleInvNo: "26112000000000000001", Code: "011001900111", No: "12345678"},
		"code only": {Code: "011001900111"},
		"half more": {AllEleInvNo: "26112000000000000001", No: "12345678"},
	} {
		if _, err := c.InitRed(t.Context(), blue); KindOf(err) != Refused {
			t.Errorf("2.36 of %s: %v", name, err)
		}
		r := testLines
		r.BlueAllEleInvNo, r.BlueCode, r.BlueNo = blue.AllEleInvNo, blue.Code, blue.No
		if _, err := c.RedFlushLines(t.Context(), r); KindOf(err) != Refused {
			t.Errorf("2.37 of %s: %v", name, err)
		}
	}
	r := testLines
	r.Lines = nil
	if _, err := c.RedFlushLines(t.Context(), r); KindOf(err) != Refused {
		t.Errorf("without lines: %v", err)
	}
	if n := p.calls.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
}
