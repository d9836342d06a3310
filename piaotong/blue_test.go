package piaotong

import (
	"fmt"
	"strings"
	"testing"
)

const blueAnswer = `{"invoiceReqSerialNo":"TEST2026030110203001","qrCodePath":"aHR0cHM6Ly9leGFtcGxlLmNvbS9pP2E9MSZiPTI=","qrCode":"iVBORw0KGgo="}`

// TestIssueBlue: the least that can be sent, and everything.
func TestIssueBlue(t *testing.T) {
	c, p := answered(t, answerContent(blueAnswer))
	got, err := c.IssueBlue(t.Context(), testBlueReq)
	if err != nil || got != (BlueAccepted{"TEST2026030110203001", "https://example.com/i?a=1&b=2"}) {
		t.Errorf("%+v, %v", got, err)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","invoiceReqSerialNo":"TEST2026030110203001","invoiceIssueKindCode":"82",`+
		`"buyerName":"测试购买方有限公司","itemList":[{"goodsName":"*餐饮服务*餐费","taxClassificationCode":"3070401000000000000",`+
		`"includeTaxFlag":"1","invoiceAmount":"58.50","taxRateValue":"0.06"}]}`)

	full := BlueIssue{
		TaxpayerNum: testTaxNo, ReqSerialNo: "TEST2026030110203001", Kind: KindSpecial,
		Buyer: BlueBuyer{
			Name: "甲<乙>", TaxpayerNum: "91110108TEST00002Y", NaturalPerson: true, Address: "地址", Tel: "010-1", BankName: "银行", BankAccount: "622",
			ShowAddressTel: true, ShowBank: true,
		},
		SellerAddress: "售址", SellerTel: "010-2", SellerBankName: "售行", SellerBankAccount: "623", CashierName: "收", ReviewerName: "复",
		DrawerName: "开", Account: "13800000000", TakerTel: "13800000001", TakerEmail: "a@example.com", SpecialInvoiceKind: "08",
		Remark: "备注", DefinedData: "S1", TradeNo: "T1", ShopNum: "SHOP01",
		Items: []BlueItem{
			{Name: "a", TaxCode: "1", Spec: "L", Unit: "升", Quantity: "2", UnitPrice: "5.00", Amount: "10.00", Rate: "0.13", Discount: "-0.10"},
			{Name: "b", TaxCode: "2", Amount: "1.00", Rate: "0", ZeroTaxFlag: "0"},
			{Name: "c", TaxCode: "2", Amount: "1.00", Rate: "0", ZeroTaxFlag: "1"},
			{Name: "d", TaxCode: "2", Amount: "1.00", Rate: "0", ZeroTaxFlag: "2"},
			{Name: "e", TaxCode: "2", Amount: "1.00", Rate: "0", ZeroTaxFlag: "3"},
		},
	}
	if _, err := c.IssueBlue(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	zero := `"taxClassificationCode":"2","includeTaxFlag":"1","invoiceAmount":"1.00","taxRateValue":"0",`
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","invoiceReqSerialNo":"TEST2026030110203001","invoiceIssueKindCode":"81",`+
		`"naturalPersonFlag":"1","buyerName":"甲<乙>","buyerTaxpayerNum":"91110108TEST00002Y","buyerAddress":"地址","buyerTel":"010-1",`+
		`"buyerBankName":"银行","buyerBankAccount":"622","showBuyerAddrTel":"1","showBuyerBank":"1","sellerAddress":"售址","sellerTel":"010-2",`+
		`"sellerBankName":"售行","sellerBankAccount":"623","casherName":"收","reviewerName":"复","drawerName":"开","account":"13800000000",`+
		`"takerTel":"13800000001","takerEmail":"a@example.com","specialInvoiceKind":"08","remark":"备注","definedData":"S1","tradeNo":"T1","shopNum":"SHOP01","itemList":[`+
		`{"goodsName":"a","taxClassificationCode":"1","specificationModel":"L","meteringUnit":"升","quantity":"2","includeTaxFlag":"1","unitPrice":"5.00",`+
		`"invoiceAmount":"10.00","taxRateValue":"0.13","discountAmount":"-0.10"},`+
		`{"goodsName":"b",`+zero+`"preferentialPolicyFlag":"1","zeroTaxFlag":"0","vatSpecialManage":"出口零税"},`+
		`{"goodsName":"c",`+zero+`"preferentialPolicyFlag":"1","zeroTaxFlag":"1","vatSpecialManage":"免税"},`+
		`{"goodsName":"d",`+zero+`"preferentialPolicyFlag":"1","zeroTaxFlag":"2","vatSpecialManage":"不征税"},`+
		`{"goodsName":"e",`+zero+`"zeroTaxFlag":"3"}]}`)
}

// TestBlueAnswers: what is accepted stays so, whatever the address looks like.
func TestBlueAnswers(t *testing.T) {
	for content, want := range map[string]string{
		`{"invoiceReqSerialNo":"TEST2026030110203001"}`:                                            "",
		`{"invoiceReqSerialNo":"TEST2026030110203001","qrCodePath":"@@"}`:                          "",
		`{"invoiceReqSerialNo":"TEST2026030110203001","qrCodePath":"` + b64("javascript:x") + `"}`: "",
		`{"invoiceReqSerialNo":"TEST2026030110203001","qrCodePath":"` + b64("http://h/1") + `"}`:   "http://h/1",
	} {
		c, _ := answered(t, answerContent(content))
		if got, err := c.IssueBlue(t.Context(), testBlueReq); err != nil || got.StatusURL != want {
			t.Errorf("%s: %+v, %v", content, got, err)
		}
	}
}

// TestBlueRequestsThatAreNotSent: what the platform might take for something
// else than was meant.
func TestBlueRequestsThatAreNotSent(t *testing.T) {
	c, p := answered(t, answerContent(blueAnswer))
	items := func(n int, discount string) []BlueItem {
		list := make([]BlueItem, n)
		for i := range list {
			list[i] = BlueItem{Name: fmt.Sprint(i), TaxCode: "1", Amount: "1.00", Rate: "0.13", Discount: discount}
		}
		return list
	}
	for name, change := range map[string]func(*BlueIssue){
		"no number":                 func(b *BlueIssue) { b.ReqSerialNo = "" },
		"short number":              func(b *BlueIssue) { b.ReqSerialNo = b.ReqSerialNo[1:] },
		"long number":               func(b *BlueIssue) { b.ReqSerialNo += "1" },
		"other signs in the number": func(b *BlueIssue) { b.ReqSerialNo = "TEST-026030110203001" },
		"no kind":                   func(b *BlueIssue) { b.Kind = "" },
		"no lines":                  func(b *BlueIssue) { b.Items = nil },
		"101 lines":                 func(b *BlueIssue) { b.Items = items(101, "") },
		"51 lines with discounts":   func(b *BlueIssue) { b.Items = items(51, "-0.01") },
	} {
		b := testBlueReq
		change(&b)
		if _, err := c.IssueBlue(t.Context(), b); KindOf(err) != Refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := p.calls.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
	b := testBlueReq
	b.Items = items(50, "-0.01")
	if _, err := c.IssueBlue(t.Context(), b); err != nil {
		t.Errorf("100 lines: %v", err)
	}
	if n := strings.Count(string(p.last.Load().Content), `"goodsName"`); n != 50 {
		t.Errorf("%d items arrived", n)
	}
}
