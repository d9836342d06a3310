package sandbox

import (
	"context"
	"fmt"
	"testing"

	"tillagent/piaotong"
)

// faultCall is a call of an interface that works, again and again.
type faultCall struct {
	number string
	entry  EntryKind // what the call leaves in the ledger; "" = none
	do     func(*piaotong.Client, context.Context) error
}

// prepare makes what the calls need.
func prepare(t *testing.T, b *bench) []faultCall {
	t.Helper()
	b.SetIssueDelay(0)
	for i := range 4 {
		b.create(t, fmt.Sprintf("SBOX%06d", i))
	}
	serial := b.claim(t, Claim{QRCodeNo: "SBOX000000", BuyerName: "甲公司"})
	blueNo := b.state(t, serial).AllEleInvNo
	partly := b.state(t, b.claim(t, Claim{QRCodeNo: "SBOX000001", BuyerName: "甲公司"})).AllEleInvNo
	third := b.issueDirect(t, blue2).AllEleInvNo
	c, err := b.client.ApplyRedConfirm(t.Context(), b.apply(confirm1, third, "-58.50"))
	if err != nil {
		t.Fatal(err)
	}
	toReview, err := b.ApplyAsBuyer(b.claim(t, Claim{QRCodeNo: "SBOX000002"}))
	if err != nil {
		t.Fatal(err)
	}
	no, name := b.Account().TaxpayerNum, b.Account().EnterpriseName
	var sms piaotong.SMSCode
	search := piaotong.RedConfirmList{TaxpayerNum: no, SerialNo: search1, From: b.clock.now(), To: b.clock.now(), Applicant: piaotong.ApplicantBuyer}
	task, err := b.client.ListRedConfirms(t.Context(), search)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetAccount(SecondAccount, true, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.FetchAuthQR(t.Context(), b.accountRef(SecondAccount)); err != nil {
		t.Fatal(err)
	}
	if sms, err = b.client.SendSMSCode(t.Context(), b.accountRef(SecondAccount)); err != nil {
		t.Fatal(err)
	}
	code := b.SMSCodes()[0].Code
	return []faultCall{
		{"2.2", EnterpriseEntry, func(c *piaotong.Client, ctx context.Context) error {
			return c.RegisterEnterprise(ctx, piaotong.EnterpriseRegister{
				TaxpayerNum: "91110108SHOP00001X", Name: "某某商店", LegalPerson: "法人", Contact: "联系人", Email: "shop@example.com",
				Mobile: "10000000009", RegionCode: "31", City: "上海市", Address: "某路 1 号", Licence: []byte("\x89PNG\r\n\x1a\n"),
			})
		}},
		{"2.2-info", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.QueryEnterprise(ctx, piaotong.EnterpriseRef{TaxpayerNum: no, Name: name})
			return err
		}},
		{"2.3", AccountEntry, func(c *piaotong.Client, ctx context.Context) error {
			return c.RegisterAccount(ctx, piaotong.AccountRegister{TaxpayerNum: no, Account: "10000000003", Password: AccountPassword})
		}},
		{"2.4", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.SendSMSCode(ctx, b.accountRef(DefaultAccount))
			return err
		}},
		{"2.5", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.LoginBySMS(ctx, piaotong.SMSLogin{TaxpayerNum: no, Account: SecondAccount, Code: piaotong.Secret(code), SerialNo: sms.SerialNo})
			return err
		}},
		{"2.6", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.FetchAuthQR(ctx, b.accountRef(DefaultAccount))
			return err
		}},
		{"2.7", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.QueryAuthQR(ctx, b.accountRef(SecondAccount), "")
			return err
		}},
		{"2.8", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.QueryAccount(ctx, b.accountRef(DefaultAccount))
			return err
		}},
		{"2.9", BlueRequestedEntry, func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.IssueBlue(ctx, b.direct(blue1))
			return err
		}},
		{"2.10", RedRequestedEntry, func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.RedFlush(ctx, b.red(red1, blueNo))
			return err
		}},
		{"2.11", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.QueryInvoice(ctx, b.invoice(serial))
			return err
		}},
		{"2.12", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.QueryFullInvoice(ctx, b.invoice(serial))
			return err
		}},
		{"2.15", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.FetchFile(ctx, b.invoice(serial), piaotong.FilePDF)
			return err
		}},
		{"2.16", QRCreatedEntry, func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.CreateQR(ctx, b.sale("SBOX000009"))
			return err
		}},
		{"2.17", QRVoidedEntry, func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.VoidQRs(ctx, []piaotong.QRRef{b.ref("SBOX000003")})
			return err
		}},
		{"2.18", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.QueryQR(ctx, b.ref("SBOX000000"))
			return err
		}},
		{"2.28", ConfirmAppliedEntry, func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.ApplyRedConfirm(ctx, b.apply(confirm2, partly, "-20.00", milk("-1", "-20.00")))
			return err
		}},
		{"2.29", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.ViewRedConfirm(ctx, b.confirm(confirm1))
			return err
		}},
		{"2.30", RedRequestedEntry, func(client *piaotong.Client, ctx context.Context) error {
			_, err := client.IssueConfirmedRed(ctx, b.confirmed(red3, c))
			return err
		}},
		{"2.31", ConfirmMovedEntry, func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.ReviewRedConfirm(ctx, no, toReview, true, "")
			return err
		}},
		{"2.32", ConfirmMovedEntry, func(c *piaotong.Client, ctx context.Context) error {
			// Its number comes from 2.29, which does not fail here.
			made, err := b.client.ViewRedConfirm(context.WithoutCancel(ctx), b.confirm(confirm2))
			if err != nil {
				return err
			}
			_, err = c.CancelRedConfirm(ctx, no, made.No, "")
			return err
		}},
		{"2.33", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.ListRedConfirms(ctx, search)
			return err
		}},
		{"2.34", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.RedConfirmsFound(ctx, task, 1, 10)
			return err
		}},
		{"2.36", "", func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.InitRed(ctx, b.blueRef(partly))
			return err
		}},
		{"2.37", RedRequestedEntry, func(c *piaotong.Client, ctx context.Context) error {
			_, err := c.RedFlushLines(ctx, b.lines(red2, partly, milk("-1", "-20.00")))
			return err
		}},
		{"2.45", "", func(c *piaotong.Client, ctx context.Context) error { _, err := c.Accounts(ctx, no); return err }},
		{"2.46", AccountEntry, func(c *piaotong.Client, ctx context.Context) error {
			return c.Logout(ctx, b.accountRef(SecondAccount))
		}},
	}
}
