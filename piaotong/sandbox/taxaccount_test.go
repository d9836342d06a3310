package sandbox

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

func (b *bench) accountRef(account string) piaotong.AccountRef {
	return piaotong.AccountRef{TaxpayerNum: b.Account().TaxpayerNum, Account: account}
}

// refusedWith wants a refusal of data with a word in its text.
func refusedWith(t *testing.T, err error, word string) {
	t.Helper()
	e, ok := errors.AsType[*piaotong.Error](err)
	if !ok || e.Kind != piaotong.Refused || e.Code != "8995" || !strings.Contains(e.Msg, word) {
		t.Errorf("error %v, want 8995 with %s", err, word)
	}
}

// TestLogin walks an account from nothing to issuing: 2.3, 2.4, 2.5, 2.6, 2.7,
// 2.8, 2.45, 2.46.
func TestLogin(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	const account = "10000000007"
	ref := b.accountRef(account)
	_, err := b.client.QueryAccount(ctx, ref)
	refusedWith(t, err, "未登记")

	// 2.3
	register := piaotong.AccountRegister{TaxpayerNum: ref.TaxpayerNum, Account: account, Password: "wrong", Name: "开票员甲"}
	refusedWith(t, b.client.RegisterAccount(ctx, register), "密码错误")
	register.Password = AccountPassword
	register.IdentityPassword = "wrong"
	refusedWith(t, b.client.RegisterAccount(ctx, register), "身份密码")
	register.IdentityPassword = ""
	for range 2 { // again is a change of the same
		if err := b.client.RegisterAccount(ctx, register); err != nil {
			t.Fatal(err)
		}
	}
	list, err := b.client.Accounts(ctx, ref.TaxpayerNum)
	if err != nil || len(list) != 3 || !list[0].Default || list[0].Login != piaotong.LoginOK || list[0].Mobile != "100****0001" ||
		list[2].Account != account || list[2].Name != "开票员甲" || list[2].Login != piaotong.LoginNeeded {
		t.Errorf("%+v, %v", list, err)
	}
	b.SetAccountListArray(true)
	if again, err := b.client.Accounts(ctx, ref.TaxpayerNum); err != nil || len(again) != 3 {
		t.Errorf("as an array: %+v, %v", again, err)
	}

	// 2.4, 2.5
	_, err = b.client.FetchAuthQR(ctx, ref)
	refusedWith(t, err, "未登录")
	sms, err := b.client.SendSMSCode(ctx, ref)
	if err != nil || sms.Mobile != "100****0007" || sms.SerialNo == "" {
		t.Fatalf("%+v, %v", sms, err)
	}
	_, err = b.client.SendSMSCode(ctx, ref)
	refusedWith(t, err, "60 秒")
	login := piaotong.SMSLogin{TaxpayerNum: ref.TaxpayerNum, Account: account, SerialNo: sms.SerialNo, Code: "abcdef"}
	_, err = b.client.LoginBySMS(ctx, login)
	refusedWith(t, err, "验证码错误")
	login.Code = piaotong.Secret(b.SMSCodes()[0].Code)
	other := login
	other.SerialNo = "1"
	_, err = b.client.LoginBySMS(ctx, other)
	refusedWith(t, err, "smsSerialNo")
	if err := b.SetAccount(account, false, true); err != nil {
		t.Fatal(err)
	}
	if st, err := b.client.LoginBySMS(ctx, login); err != nil || st.Login != piaotong.LoginOK || st.Auth != piaotong.AuthNeeded {
		t.Errorf("%+v, %v", st, err)
	}
	_, err = b.client.LoginBySMS(ctx, login)
	refusedWith(t, err, "失效")

	// 2.6, 2.7: the first code ends with the second.
	first, err := b.client.FetchAuthQR(ctx, ref)
	if err != nil || first.PictureType != "image/png" || first.Content != b.url+"/face/"+first.AuthID || first.ExpiresAt.IsZero() {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := b.client.FetchAuthQR(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	scan := func(id string, want piaotong.ScanStatus) {
		t.Helper()
		if got, err := b.client.QueryAuthQR(ctx, ref, id); err != nil || got.Status != want {
			t.Errorf("%+v, %v, want %s", got, err, want)
		}
	}
	scan(first.AuthID, piaotong.ScanExpired)
	scan(second.AuthID, piaotong.ScanWaiting)
	scan("", piaotong.ScanWaiting)
	if status, page := get(t, second.Content); status != 200 || !strings.Contains(page, "未扫码") || strings.Contains(page, account) {
		t.Errorf("page: %d %s", status, page)
	}
	pressed(t, second.Content, "scan", 200)
	scan(second.AuthID, piaotong.ScanScanned)
	if st, err := b.client.QueryAccount(ctx, ref); err != nil || st.Good() {
		t.Errorf("%+v, %v", st, err)
	}
	pressed(t, second.Content, "pass", 200)
	scan(second.AuthID, piaotong.ScanPassed)
	if st, err := b.client.QueryAccount(ctx, ref); err != nil || !st.Good() {
		t.Errorf("%+v, %v", st, err)
	}
	pressed(t, second.Content, "fail", 422)
	pressed(t, b.url+"/face/nothing", "pass", 404)
	_, err = b.client.QueryAuthQR(ctx, ref, "A1")
	refusedWith(t, err, "不存在")
	third, err := b.client.FetchAuthQR(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.add(faceLife + time.Second)
	scan(third.AuthID, piaotong.ScanExpired)

	// 2.46, twice
	for range 2 {
		if err := b.client.Logout(ctx, ref); err != nil {
			t.Error(err)
		}
	}
	if st, err := b.client.QueryAccount(ctx, ref); err != nil || st.Login != piaotong.LoginNeeded {
		t.Errorf("%+v, %v", st, err)
	}
	if strings.Contains(b.ledger(t).kinds(), "blue") || strings.Contains(b.ledger(t).kinds(), "claimed") {
		t.Error(b.ledger(t).kinds())
	}
}

func pressed(t *testing.T, page, step string, want int) {
	t.Helper()
	resp, err := http.PostForm(page, url.Values{"step": {step}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("%s: %d, want %d", step, resp.StatusCode, want)
	}
}

// TestSMSCodeDies: by its age, and by guessing.
func TestSMSCodeDies(t *testing.T) {
	b := newBench(t, "")
	ref := b.accountRef(SecondAccount)
	login := func() piaotong.SMSLogin {
		t.Helper()
		sms, err := b.client.SendSMSCode(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		return piaotong.SMSLogin{TaxpayerNum: ref.TaxpayerNum, Account: ref.Account, SerialNo: sms.SerialNo, Code: piaotong.Secret(b.SMSCodes()[0].Code)}
	}
	old := login()
	b.clock.add(smsLife + time.Second)
	_, err := b.client.LoginBySMS(t.Context(), old)
	refusedWith(t, err, "失效")
	if codes := b.SMSCodes(); len(codes) != 0 {
		t.Errorf("%+v", codes)
	}
	good := login()
	guess := good
	guess.Code = "abcdef"
	for range smsTries {
		_, err = b.client.LoginBySMS(t.Context(), guess)
		refusedWith(t, err, "错误")
	}
	_, err = b.client.LoginBySMS(t.Context(), good)
	refusedWith(t, err, "失效")
}

// TestLoggedOut: while the account may not issue everything ends in 3999, and
// can be issued afterwards under its number.
func TestLoggedOut(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	b.SetIssueDelay(0)
	blueNo := b.issueDirect(t, blue1).AllEleInvNo
	b.create(t, qrNo)
	b.SetIssueDelay(time.Second)
	if _, err := b.client.IssueBlue(ctx, b.direct(blue2)); err != nil { // under way when the person logs out
		t.Fatal(err)
	}
	if err := b.client.Logout(ctx, b.accountRef(DefaultAccount)); err != nil {
		t.Fatal(err)
	}
	scanned := b.claim(t, Claim{QRCodeNo: qrNo})
	if _, err := b.client.RedFlush(ctx, b.red(red1, blueNo)); err != nil {
		t.Fatal(err)
	}
	if err := b.RedByHand(blue1); !errors.Is(err, ErrConflict) {
		t.Errorf("reversed by hand: %v", err)
	}
	// The second account is out, too, and its invoice names it.
	third := b.direct("SBOXBLUE000000000003")
	third.Account = SecondAccount
	if _, err := b.client.IssueBlue(ctx, third); err != nil {
		t.Fatal(err)
	}
	b.clock.add(time.Second)
	held := []string{blue2, scanned, red1, third.ReqSerialNo}
	for _, serial := range held {
		if st := b.state(t, serial); st.Code != "3999" {
			t.Errorf("%s: %+v", serial, st)
		}
	}
	// As long as nobody logs in, it goes on so.
	if err := b.Reissue(blue2); err != nil {
		t.Fatal(err)
	}
	b.clock.add(time.Second)
	if st := b.state(t, blue2); st.Code != "3999" {
		t.Errorf("%+v", st)
	}
	// Logged in, but the face check is due: still not.
	if err := b.SetAccount("", true, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.IssueBlue(ctx, b.direct(blue2)); err != nil {
		t.Fatal(err)
	}
	b.clock.add(time.Second)
	if st := b.state(t, blue2); st.Code != "3999" {
		t.Errorf("%+v", st)
	}
	if err := b.SetAccount("", true, false); err != nil {
		t.Fatal(err)
	}
	again, err := b.ReissueAll()
	if err != nil || len(again) != 4 {
		t.Errorf("%v, %v", again, err)
	}
	if err := b.Reissue(scanned); !errors.Is(err, ErrConflict) {
		t.Errorf("in progress: %v", err)
	}
	b.clock.add(time.Second)
	for i, serial := range held {
		want := "0000"
		if i == 3 { // its account is out still
			want = "3999"
		}
		if st := b.state(t, serial); st.Code != want {
			t.Errorf("%s: %+v, want %s", serial, st, want)
		}
	}
	if err := b.Reissue(blue2); !errors.Is(err, ErrConflict) {
		t.Errorf("issued: %v", err)
	}
	if err := b.Reissue("P"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	b.sound(t)
}

// TestReissueMakesNoSecond: a failed invoice whose customer tried again with
// success stays as it is.
func TestReissueMakesNoSecond(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	b.create(t, qrNo)
	failed := b.claim(t, Claim{QRCodeNo: qrNo, Outcome: Failed})
	b.claim(t, Claim{QRCodeNo: qrNo})
	b.ledger(t)
	if err := b.Reissue(failed); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	if all, err := b.ReissueAll(); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	b.sound(t)
	// What staff took back stays so.
	b.create(t, "SBOX000003")
	b.claim(t, Claim{QRCodeNo: "SBOX000003", Outcome: Withdrawn})
	if all, err := b.ReissueAll(); err != nil || len(all) != 0 {
		t.Errorf("withdrawn: %v, %v", all, err)
	}
	// After 30 days staff can no longer find what failed.
	b.create(t, "SBOX000002")
	b.claim(t, Claim{QRCodeNo: "SBOX000002", Outcome: Failed})
	b.clock.add(reissueWindow + time.Second)
	if all, err := b.ReissueAll(); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestEnterprise(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	png := []byte("\x89PNG\r\n\x1a\n and so on")
	good := piaotong.EnterpriseRegister{
		TaxpayerNum: "91110108SHOP00001X", Name: "某某商店", LegalPerson: "法人", Contact: "联系人", Email: "shop@example.com",
		Mobile: "10000000009", RegionCode: "31", City: "上海市", Address: "某路 1 号", Licence: png,
	}
	for name, tc := range map[string]struct {
		change func(*piaotong.EnterpriseRegister)
		kind   piaotong.Kind
		code   string
	}{
		"number":         {func(e *piaotong.EnterpriseRegister) { e.TaxpayerNum = "91110108shop00001x" }, piaotong.Refused, "8995"},
		"name of 3":      {func(e *piaotong.EnterpriseRegister) { e.Name = "abc" }, piaotong.Refused, "8995"},
		"angle brackets": {func(e *piaotong.EnterpriseRegister) { e.Address = "<1>" }, piaotong.Refused, "8995"},
		"contact of 18":  {func(e *piaotong.EnterpriseRegister) { e.Contact = strings.Repeat("长", 9) }, piaotong.Refused, "8995"},
		"mail":           {func(e *piaotong.EnterpriseRegister) { e.Email = "nobody" }, piaotong.Refused, "8995"},
		"mobile":         {func(e *piaotong.EnterpriseRegister) { e.Mobile = "021-123456" }, piaotong.Refused, "8995"},
		"address of 90":  {func(e *piaotong.EnterpriseRegister) { e.Address = strings.Repeat("长", 45) }, piaotong.Refused, "8995"},
		"device":         {func(e *piaotong.EnterpriseRegister) { e.DeviceTypes = "1|9" }, piaotong.Refused, "8995"},
		"region":         {func(e *piaotong.EnterpriseRegister) { e.RegionCode = "71" }, piaotong.Refused, "9001"},
		"city":           {func(e *piaotong.EnterpriseRegister) { e.City = "Shanghai" }, piaotong.Refused, "9002"},
		"licence":        {func(e *piaotong.EnterpriseRegister) { e.Licence = []byte("no picture") }, piaotong.Refused, "9003"},
		"our own name":   {func(e *piaotong.EnterpriseRegister) { e.TaxpayerNum = b.Account().TaxpayerNum }, piaotong.Refused, "8995"},
	} {
		e := good
		tc.change(&e)
		err := b.client.RegisterEnterprise(ctx, e)
		if pe, ok := errors.AsType[*piaotong.Error](err); !ok || pe.Kind != tc.kind || pe.Code != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
	ref := piaotong.EnterpriseRef{TaxpayerNum: good.TaxpayerNum, Name: good.Name}
	_, err := b.client.QueryEnterprise(ctx, ref)
	wantCode(t, err, piaotong.Misconfigured, "8002")
	if err := b.client.RegisterEnterprise(ctx, good); err != nil {
		t.Fatal(err)
	}
	if e, err := b.client.QueryEnterprise(ctx, ref); err != nil || e.Review != piaotong.ReviewWaiting || e.Ready() || e.City != "上海市" {
		t.Errorf("%+v, %v", e, err)
	}
	_, err = b.client.QueryEnterprise(ctx, piaotong.EnterpriseRef{TaxpayerNum: good.TaxpayerNum, Name: "别的商店"})
	wantCode(t, err, piaotong.Misconfigured, "9996")
	wantCode(t, b.client.RegisterEnterprise(ctx, good), piaotong.Unavailable, "9005")
	if err := b.ReviewEnterprise(good.TaxpayerNum, piaotong.ReviewRefused, "执照不清楚"); err != nil {
		t.Fatal(err)
	}
	if e, err := b.client.QueryEnterprise(ctx, ref); err != nil || e.Review != piaotong.ReviewRefused || e.ReviewOpinion != "执照不清楚" {
		t.Errorf("%+v, %v", e, err)
	}
	if err := b.client.RegisterEnterprise(ctx, good); err != nil {
		t.Error(err)
	}
	if err := b.ReviewEnterprise("nobody", piaotong.ReviewApproved, ""); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}

	// Our own, while it is being changed, issues nothing directly.
	own := good
	own.TaxpayerNum, own.Name = b.Account().TaxpayerNum, b.Account().EnterpriseName
	if err := b.client.RegisterEnterprise(ctx, own); err != nil {
		t.Fatal(err)
	}
	_, err = b.client.IssueBlue(ctx, b.direct(blue1))
	wantCode(t, err, piaotong.Unavailable, "8009")
	if status, _ := b.control(t, "POST", "enterprise", `{"review":"1"}`); status != 200 {
		t.Error(status)
	}
	if _, err := b.client.IssueBlue(ctx, b.direct(blue1)); err != nil {
		t.Error(err)
	}
	if e, err := b.client.QueryEnterprise(ctx, piaotong.EnterpriseRef{TaxpayerNum: own.TaxpayerNum, Name: own.Name}); err != nil || !e.Ready() {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestLicenceIsSmall: what the client would not send.
func TestLicenceIsSmall(t *testing.T) {
	for _, size := range []int{maxLicence - 1, maxLicence} {
		picture := make([]byte, size)
		copy(picture, "\x89PNG\r\n\x1a\n")
		var c checker
		c.licence(piaotong.Scalar(base64.StdEncoding.EncodeToString(picture)))
		if (c.err == nil) != (size < maxLicence) {
			t.Errorf("%d bytes: %v", size, c.err)
		}
	}
}
