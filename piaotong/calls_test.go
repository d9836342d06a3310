package piaotong

import (
	"context"
	"testing"
	"time"
)

const (
	testTaxNo   = "91110108TEST00001X"
	testAccount = "13800000000"
	testConfirm = "RC00000001"
)

var (
	testLicence    = []byte("\x89PNG\r\n\x1a\n")
	testEnterprise = EnterpriseRegister{
		TaxpayerNum: testTaxNo, Name: "测试销售方有限公司", LegalPerson: "张三", Contact: "李四", Email: "a@example.com", Mobile: "13800000001",
		RegionCode: "11", City: "海淀区", Address: "测试路1号", Licence: testLicence,
	}
	testRegister = AccountRegister{TaxpayerNum: testTaxNo, Account: testAccount, Password: "pa$$w0rd", IdentityPassword: "id-pa55"}
	testAcct     = AccountRef{TaxpayerNum: testTaxNo, Account: testAccount}
	testLogin    = SMSLogin{TaxpayerNum: testTaxNo, Account: testAccount, Code: "493817", SerialNo: "SMS1"}
	testBlueReq  = BlueIssue{
		TaxpayerNum: testTaxNo, ReqSerialNo: "TEST2026030110203001", Kind: KindOrdinary,
		Buyer: BlueBuyer{Name: "测试购买方有限公司"},
		Items: []BlueItem{{Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Rate: "0.06", Amount: "58.50"}},
	}
	testApply = RedConfirmApply{
		SerialNo: "TEST2026030110203020", Applicant: ApplicantSeller, Blue: testBlue, Reason: RedReasonReturn, Amount: "-9.90",
	}
	testRedIssue = RedConfirmIssue{TaxpayerNum: testTaxNo, ReqSerialNo: "TEST2026030110203021", ConfirmNo: testConfirm, ConfirmUUID: "u1"}
	testList     = RedConfirmList{
		TaxpayerNum: testTaxNo, SerialNo: "TEST2026030110203022", Applicant: ApplicantBuyer,
		From: time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC),
	}
	testTask = RedConfirmTask{TaxpayerNum: testTaxNo, SerialNo: testList.SerialNo}
)

// testCall is one call of the client.
type testCall struct {
	op    *operation
	loose bool // a signed 0000 is enough: nothing is needed of the answer
	do    func(context.Context, *Client) error
}

// allCalls has every call. The first and the third are used by TestEndpoints.
var allCalls = []testCall{
	{opCreateQR, false, func(ctx context.Context, c *Client) error { _, err := c.CreateQR(ctx, testQR); return err }},
	{opVoidQRs, false, func(ctx context.Context, c *Client) error { _, err := c.VoidQRs(ctx, []QRRef{testRef}); return err }},
	{opQueryQR, false, func(ctx context.Context, c *Client) error { _, err := c.QueryQR(ctx, testRef); return err }},
	{opRedFlush, false, func(ctx context.Context, c *Client) error { _, err := c.RedFlush(ctx, testRed); return err }},
	{opQueryInvoice, false, func(ctx context.Context, c *Client) error { _, err := c.QueryInvoice(ctx, testInvoice); return err }},
	{opInitRed, false, func(ctx context.Context, c *Client) error { _, err := c.InitRed(ctx, testBlue); return err }},
	{opRedPartial, false, func(ctx context.Context, c *Client) error { _, err := c.RedFlushLines(ctx, testLines); return err }},
	{opRegisterEnterprise, false, func(ctx context.Context, c *Client) error { return c.RegisterEnterprise(ctx, testEnterprise) }},
	{opQueryEnterprise, false, func(ctx context.Context, c *Client) error {
		_, err := c.QueryEnterprise(ctx, EnterpriseRef{testTaxNo, "测试销售方有限公司"})
		return err
	}},
	{opRegisterAccount, true, func(ctx context.Context, c *Client) error { return c.RegisterAccount(ctx, testRegister) }},
	{opSendSMSCode, true, func(ctx context.Context, c *Client) error { _, err := c.SendSMSCode(ctx, testAcct); return err }},
	{opLoginBySMS, false, func(ctx context.Context, c *Client) error { _, err := c.LoginBySMS(ctx, testLogin); return err }},
	{opFetchAuthQR, false, func(ctx context.Context, c *Client) error { _, err := c.FetchAuthQR(ctx, testAcct); return err }},
	{opQueryAuthQR, false, func(ctx context.Context, c *Client) error { _, err := c.QueryAuthQR(ctx, testAcct, "A1"); return err }},
	{opQueryAccount, false, func(ctx context.Context, c *Client) error { _, err := c.QueryAccount(ctx, testAcct); return err }},
	{opListAccounts, false, func(ctx context.Context, c *Client) error { _, err := c.Accounts(ctx, testTaxNo); return err }},
	{opLogout, true, func(ctx context.Context, c *Client) error { return c.Logout(ctx, testAcct) }},
	{opIssueBlue, false, func(ctx context.Context, c *Client) error { _, err := c.IssueBlue(ctx, testBlueReq); return err }},
	{opQueryFullInvoice, false, func(ctx context.Context, c *Client) error { _, err := c.QueryFullInvoice(ctx, testInvoice); return err }},
	{opFetchFile, false, func(ctx context.Context, c *Client) error {
		_, err := c.FetchFile(ctx, testInvoice, FilePDF)
		return err
	}},
	{opApplyRed, false, func(ctx context.Context, c *Client) error { _, err := c.ApplyRedConfirm(ctx, testApply); return err }},
	{opViewRed, false, func(ctx context.Context, c *Client) error {
		_, err := c.ViewRedConfirm(ctx, RedConfirmRef{TaxpayerNum: testTaxNo, No: testConfirm})
		return err
	}},
	{opIssueRed, false, func(ctx context.Context, c *Client) error {
		_, err := c.IssueConfirmedRed(ctx, testRedIssue)
		return err
	}},
	{opReviewRed, false, func(ctx context.Context, c *Client) error {
		_, err := c.ReviewRedConfirm(ctx, testTaxNo, testConfirm, true, "")
		return err
	}},
	{opCancelRed, false, func(ctx context.Context, c *Client) error {
		_, err := c.CancelRedConfirm(ctx, testTaxNo, testConfirm, "")
		return err
	}},
	{opListRed, false, func(ctx context.Context, c *Client) error { _, err := c.ListRedConfirms(ctx, testList); return err }},
	{opFoundRed, false, func(ctx context.Context, c *Client) error {
		_, err := c.RedConfirmsFound(ctx, testTask, 1, 20)
		return err
	}},
}

// TestCallsMakeTheVectors: the calls write the very contents of the sample
// requests, which were not made by this code.
func TestCallsMakeTheVectors(t *testing.T) {
	want := map[string]string{}
	for _, tc := range loadVectors(t).Requests {
		want[tc.Name] = tc.Plaintext
	}
	for name, do := range map[string]func(*Client){
		"blue_1024": func(c *Client) {
			c.IssueBlue(t.Context(), BlueIssue{
				TaxpayerNum: testTaxNo, ReqSerialNo: "TEST2026030110203001", Kind: KindOrdinary,
				Buyer:      BlueBuyer{Name: "测试购买方（北京）有限公司", TaxpayerNum: "91110108TEST00002Y"},
				TakerEmail: "qa@example.com", Remark: "引号\"反斜杠\\斜杠/尖括号<a>&等号=单引号'加号+百分号%￥换行\n制表\t完", TradeNo: "T/2026=03&01",
				Items: []BlueItem{{Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Quantity: "3.00000000", UnitPrice: "33.33333333", Amount: "100.00", Rate: "0.06"}},
			})
		},
		"void_qr_array_1024": func(c *Client) {
			c.VoidQRs(t.Context(), []QRRef{{testTaxNo, "TEST20260301000001", "9.90"}, {testTaxNo, "TEST20260301000002", "20.00"}})
		},
		"red_full_1024_punctuation_key": func(c *Client) {
			c.RedFlush(t.Context(), RedFull{TaxpayerNum: testTaxNo, ReqSerialNo: "TEST2026030110203099", BlueAllEleInvNo: "26112000000000000001", Reason: "销货退回", Amount: "-100.00"})
		},
	} {
		c, p := answered(t, answerCode("8996", "x", ""))
		do(c)
		if want[name] == "" {
			t.Fatalf("no vector %s", name)
		}
		p.wantContent(t, want[name])
	}
}
