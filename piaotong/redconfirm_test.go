package piaotong

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"
)

const testConfirmWire = `"redConfirmReqSerialNo":"TEST2026030110203020","redConfirmNo":"RC00000001","redConfirmUuid":"u1"`

func TestApplyRedConfirm(t *testing.T) {
	c, p := answered(t, answerContent(`{`+testConfirmWire+`,"confirmStatus":1}`))
	got, err := c.ApplyRedConfirm(t.Context(), testApply)
	want := RedConfirm{SerialNo: "TEST2026030110203020", No: testConfirm, UUID: "u1", Status: ConfirmNotNeeded}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","redConfirmReqSerialNo":"TEST2026030110203020","applicantType":"0",`+
		`"blueAllEleInvNo":"26112000000000000001","redReasonCode":"02","amount":"-9.90"}`)

	a := testApply
	a.Applicant, a.Reason, a.DefinedData = ApplicantBuyer, RedReasonMistake, "R1"
	a.Blue = BlueRef{TaxpayerNum: testTaxNo, Code: "011001900111", No: "12345678"}
	a.Lines = testLines.Lines
	if _, err := c.ApplyRedConfirm(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","redConfirmReqSerialNo":"TEST2026030110203020","applicantType":"1",`+
		`"blueInvoiceCode":"011001900111","blueInvoiceNo":"12345678","redReasonCode":"01","amount":"-9.90","itemList":[`+
		`{"blueItemNo":"1","goodsName":"*餐饮服务*餐费","taxClassificationCode":"3070401000000000000","quantity":"-1","includeTaxFlag":"1",`+
		`"unitPrice":"10.00","invoiceAmount":"-10.00","taxRateValue":"0.06","discountAmount":"0.10"},`+
		`{"blueItemNo":"2","goodsName":"*蔬菜*白菜","taxClassificationCode":"1010112010000000000","includeTaxFlag":"1","invoiceAmount":"-2.00",`+
		`"taxRateValue":"0","preferentialPolicyFlag":"1","zeroTaxFlag":"1","vatSpecialManage":"免税"}],"definedData":"R1"}`)
}

func TestViewRedConfirm(t *testing.T) {
	c, p := answered(t, answerContent(`{`+testConfirmWire+`,"confirmStatus":"04","applicantType":1,"blueAllEleInvNo":"26112000000000000001",`+
		`"blueInvoiceCode":null,"buyerName":"购方","sellerName":"售方","redReasonCode":2,"noTaxAmount":-9.34,"taxAmount":"-0.56","amount":-9.90,`+
		`"itemList":[{"blueItemNo":1,"goodsName":"*餐饮服务*餐费","taxClassificationCode":"3070401000000000000","taxRateValue":0.06,"zeroTaxFlag":"",`+
		`"quantity":-1,"unitPrice":"10.00","invoiceAmount":-10.00,"discountAmount":0.10}]}`))
	got, err := c.ViewRedConfirm(t.Context(), RedConfirmRef{TaxpayerNum: testTaxNo, No: testConfirm, SerialNo: "ignored"})
	want := RedConfirm{
		SerialNo: "TEST2026030110203020", No: testConfirm, UUID: "u1", Status: ConfirmBothAgreed, Applicant: ApplicantBuyer,
		BlueAllEleInvNo: "26112000000000000001", BuyerName: "购方", SellerName: "售方", Reason: RedReasonReturn,
		NetAmount: "-9.34", TaxAmount: "-0.56", Amount: "-9.90",
		Lines: []RedLine{{BlueItemNo: "1", Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Rate: "0.06", Quantity: "-1", UnitPrice: "10.00", Amount: "-10.00", Discount: "0.10"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","redConfirmNo":"RC00000001"}`)
	if _, err := c.ViewRedConfirm(t.Context(), RedConfirmRef{TaxpayerNum: testTaxNo, SerialNo: "TEST2026030110203020"}); err != nil {
		t.Error(err)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","redConfirmReqSerialNo":"TEST2026030110203020"}`)
}

func TestConfirmStatus(t *testing.T) {
	awaited := map[ConfirmStatus]bool{"02": true, "03": true}
	mayIssue := map[ConfirmStatus]bool{"01": true, "04": true}
	words := []ConfirmStatus{"", "1", "4", "1 ", "00", "11", "成功", "true"}
	for i := 1; i <= 10; i++ {
		words = append(words, ConfirmStatus(fmt.Sprintf("%02d", i)))
	}
	for _, s := range words {
		if s.MayIssue() != mayIssue[s] || s.Awaited() != awaited[s] {
			t.Errorf("%q: may issue %t, awaited %t", s, s.MayIssue(), s.Awaited())
		}
	}
	// What a JSON number has lost comes back, and nothing else is invented.
	for in, want := range map[string]ConfirmStatus{`4`: "04", `"04"`: "04", `10`: "10", `"1"`: "01", `0`: "0", `"同意"`: "同意"} {
		c, _ := answered(t, answerContent(`{"redConfirmNo":"RC00000001","confirmStatus":`+in+`}`))
		got, err := c.ViewRedConfirm(t.Context(), RedConfirmRef{TaxpayerNum: testTaxNo, No: testConfirm})
		if err != nil || got.Status != want {
			t.Errorf("%s: %q, %v", in, got.Status, err)
		}
	}
}

func TestIssueConfirmedRed(t *testing.T) {
	c, p := answered(t, answerContent(`{"invoiceReqSerialNo":"TEST2026030110203021","qrCodePath":"`+b64("https://example.com/r")+`"}`))
	got, err := c.IssueConfirmedRed(t.Context(), testRedIssue)
	if err != nil || got != (RedAccepted{"TEST2026030110203021", "https://example.com/r"}) {
		t.Errorf("%+v, %v", got, err)
	}
	const want = `{"taxpayerNum":"91110108TEST00001X","invoiceReqSerialNo":"TEST2026030110203021","redConfirmNo":"RC00000001","redConfirmUuid":"u1"`
	p.wantContent(t, want+`}`)
	i := testRedIssue
	i.DrawerName, i.TakerEmail, i.DefinedData = "开", "a@example.com", "R1"
	if _, err := c.IssueConfirmedRed(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, want+`,"drawerName":"开","takerEmail":"a@example.com","definedData":"R1"}`)
}

func TestReviewAndCancelRedConfirm(t *testing.T) {
	c, p := answered(t, answerContent(`{"redConfirmNo":"RC00000001","confirmStatus":"06"}`))
	for _, tc := range []struct {
		do      func(context.Context) (RedConfirm, error)
		content string
	}{
		{func(ctx context.Context) (RedConfirm, error) {
			return c.ReviewRedConfirm(ctx, testTaxNo, testConfirm, false, "不同意")
		}, `"auditResult":"0","auditOpinion":"不同意"`},
		{func(ctx context.Context) (RedConfirm, error) {
			return c.ReviewRedConfirm(ctx, testTaxNo, testConfirm, true, "")
		}, `"auditResult":"1"`},
		{func(ctx context.Context) (RedConfirm, error) {
			return c.CancelRedConfirm(ctx, testTaxNo, testConfirm, "填错")
		}, `"revokeReason":"填错"`},
	} {
		got, err := tc.do(t.Context())
		if err != nil || got.Status != ConfirmRefusedByBuyer || got.No != testConfirm {
			t.Errorf("%+v, %v", got, err)
		}
		p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","redConfirmNo":"RC00000001",`+tc.content+`}`)
	}
}

func TestListRedConfirms(t *testing.T) {
	c, p := answered(t, answerContent(`{"queryReqSerialNo":"TEST2026030110203022","taskNo":77}`))
	got, err := c.ListRedConfirms(t.Context(), testList)
	if err != nil || got != (RedConfirmTask{testTaxNo, "TEST2026030110203022", "77"}) {
		t.Errorf("%+v, %v", got, err)
	}
	// Days are those of Beijing.
	const want = `{"taxpayerNum":"91110108TEST00001X","queryReqSerialNo":"TEST2026030110203022","applicantType":"1","startDate":"2026-03-01","endDate":"2026-03-02"`
	p.wantContent(t, want+`}`)
	l := testList
	l.Status = ConfirmAwaitsSeller
	if _, err := c.ListRedConfirms(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, want+`,"confirmStatus":"03"}`)
}

func TestRedConfirmsFound(t *testing.T) {
	for content, want := range map[string]struct {
		page RedConfirmPage
		kind Kind
	}{
		`{"taskStatus":0}`:    {RedConfirmPage{Status: TaskRunning}, 0},
		`{"taskStatus":"2"}`:  {RedConfirmPage{Status: TaskFailed}, 0},
		`{"taskStatus":"完成"}`: {RedConfirmPage{Status: "完成"}, 0},
		`{"totalCount":0}`:    {RedConfirmPage{}, Unknown},
		`{"taskStatus":"1"}`:  {RedConfirmPage{}, Unknown},
		`{"taskStatus":[]}`:   {RedConfirmPage{}, Unknown},
		`{"taskStatus":1,"totalCount":"0","redConfirmList":[]}`:   {RedConfirmPage{Status: TaskDone}, 0},
		`{"taskStatus":1,"totalCount":"-1"}`:                      {RedConfirmPage{}, Unknown},
		`{"taskStatus":1,"totalCount":1.5}`:                       {RedConfirmPage{}, Unknown},
		`{"taskStatus":1,"totalCount":0,"redConfirmList":[{}]}`:   {RedConfirmPage{}, Unknown},
		`{"taskStatus":1,"totalCount":1,"redConfirmList":["RC"]}`: {RedConfirmPage{}, Unknown},
		`{"taskStatus":1,"totalCount":41,"redConfirmList":[{` + testConfirmWire + `,"confirmStatus":"03"}]}`: {RedConfirmPage{Status: TaskDone, Total: 41,
			Confirms: []RedConfirm{{SerialNo: "TEST2026030110203020", No: testConfirm, UUID: "u1", Status: ConfirmAwaitsSeller}}}, 0},
	} {
		c, p := answered(t, answerContent(content))
		got, err := c.RedConfirmsFound(t.Context(), testTask, 3, 20)
		if KindOf(err) != want.kind || !reflect.DeepEqual(got, want.page) {
			t.Errorf("%s: %+v, %v", content, got, err)
		}
		p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","queryReqSerialNo":"TEST2026030110203022","pageNo":"3","pageSize":"20"}`)
	}
}

// TestRedConfirmRequestsThatAreNotSent: what would name nothing, or two things.
func TestRedConfirmRequestsThatAreNotSent(t *testing.T) {
	c, p := answered(t, answerContent("{}"))
	both, none, serial := testApply, testApply, testApply
	both.Blue.Code, both.Blue.No = "011001900111", "12345678"
	none.Blue = BlueRef{TaxpayerNum: testTaxNo}
	serial.SerialNo = "short"
	for _, a := range []RedConfirmApply{both, none, serial} {
		if _, err := c.ApplyRedConfirm(t.Context(), a); KindOf(err) != Refused {
			t.Errorf("2.28 of %+v: %v", a, err)
		}
	}
	if _, err := c.ViewRedConfirm(t.Context(), RedConfirmRef{TaxpayerNum: testTaxNo}); KindOf(err) != Refused {
		t.Errorf("2.29 of nothing: %v", err)
	}
	i := testRedIssue
	i.ReqSerialNo = ""
	if _, err := c.IssueConfirmedRed(t.Context(), i); KindOf(err) != Refused {
		t.Errorf("2.30 without a number: %v", err)
	}
	i = testRedIssue
	i.ConfirmNo = ""
	if _, err := c.IssueConfirmedRed(t.Context(), i); KindOf(err) != Refused {
		t.Errorf("2.30 of nothing: %v", err)
	}
	if _, err := c.ReviewRedConfirm(t.Context(), testTaxNo, "", true, ""); KindOf(err) != Refused {
		t.Errorf("2.31 of nothing: %v", err)
	}
	if _, err := c.CancelRedConfirm(t.Context(), testTaxNo, "", ""); KindOf(err) != Refused {
		t.Errorf("2.32 of nothing: %v", err)
	}
	for _, change := range []func(*RedConfirmList){
		func(l *RedConfirmList) { l.SerialNo = "" },
		func(l *RedConfirmList) { l.From = time.Time{} },
		func(l *RedConfirmList) { l.From, l.To = l.To, l.From },
	} {
		l := testList
		change(&l)
		if _, err := c.ListRedConfirms(t.Context(), l); KindOf(err) != Refused {
			t.Errorf("2.33 of %+v: %v", l, err)
		}
	}
	if n := p.calls.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
}

// TestRedConfirmNotFound: what was applied for and did not arrive may be
// applied for again.
func TestRedConfirmNotFound(t *testing.T) {
	c, _ := answered(t, answerCode("8003", "确认单不存在", ""))
	if _, err := c.ViewRedConfirm(t.Context(), RedConfirmRef{SerialNo: testApply.SerialNo}); KindOf(err) != NotFound {
		t.Error(err)
	}
	c, _ = answered(t, answerContent(`{"redConfirmReqSerialNo":"TEST2026030110203029","confirmStatus":"04"}`))
	if _, err := c.ViewRedConfirm(t.Context(), RedConfirmRef{SerialNo: testApply.SerialNo}); KindOf(err) != Unknown {
		t.Errorf("about another confirmation: %v", err)
	}
	c, _ = answered(t, answerContent(`{`+testConfirmWire+`}`))
	if _, err := c.ApplyRedConfirm(t.Context(), testApply); KindOf(err) != Unknown {
		t.Errorf("without a state: %v", err)
	}
}
