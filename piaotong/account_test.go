package piaotong

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

const testAcctWire = `"taxpayerNum":"91110108TEST00001X","account":"13800000000"`

func TestRegisterAccount(t *testing.T) {
	c, p := answered(t, answerContent(`{`+testAcctWire+`}`))
	if err := c.RegisterAccount(t.Context(), AccountRegister{TaxpayerNum: testTaxNo, Account: testAccount, Password: "pa$$w0rd"}); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","loginMethod":"1","account":"13800000000","password":"pa$$w0rd","operationType":"1"}`)
	if err := c.RegisterAccount(t.Context(), AccountRegister{
		TaxpayerNum: testTaxNo, Account: testAccount, Password: "a<b>&c", IdentityType: "03", IdentityPassword: "x", Mobile: "13800000001", Name: "张三",
	}); err != nil {
		t.Fatal(err)
	}
	p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X","loginMethod":"1","account":"13800000000","password":"a<b>&c",`+
		`"identityType":"03","identityPwd":"x","phoneNum":"13800000001","name":"张三","operationType":"1"}`)

	c, p = answered(t, answerContent(`{"account":"13800000009"}`))
	if err := c.RegisterAccount(t.Context(), testRegister); KindOf(err) != Unknown || strings.Contains(err.Error(), "13800000009") {
		t.Errorf("an answer about another account: %v", err)
	}
	before := p.calls.Load()
	for _, r := range []AccountRegister{{Account: testAccount}, {Password: "x"}} {
		if err := c.RegisterAccount(t.Context(), r); KindOf(err) != Refused {
			t.Errorf("without account or password: %v", err)
		}
	}
	if p.calls.Load() != before {
		t.Error("an attempt that must fail was sent")
	}
}

func TestSendSMSCode(t *testing.T) {
	for content, want := range map[string]SMSCode{
		`{` + testAcctWire + `,"phoneNum":"138****0000","smsSerialNo":1234567890123456789}`: {"138****0000", "1234567890123456789"},
		`{}`: {},
	} {
		c, p := answered(t, answerContent(content))
		got, err := c.SendSMSCode(t.Context(), testAcct)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", content, got, err)
		}
		p.wantContent(t, `{`+testAcctWire+`}`)
	}
}

func TestLoginBySMS(t *testing.T) {
	for _, tc := range []struct {
		content string
		want    AccountState
		kind    Kind
	}{
		{`{` + testAcctWire + `,"loginStatus":1,"authStatus":"0","resultCode":"0000"}`, AccountState{Login: LoginOK, Auth: AuthOK}, 0},
		{`{"loginStatus":"1","authStatus":1}`, AccountState{Login: LoginOK, Auth: AuthNeeded}, 0},
		{`{"resultCode":"0000"}`, AccountState{}, 0}, // done, and no word on the state
		{`{"resultCode":"9999","resultMsg":"验证码错误","loginStatus":"1"}`, AccountState{}, Refused},
		{`{"resultMsg":"?"}`, AccountState{}, Unknown},
	} {
		c, p := answered(t, answerContent(tc.content))
		got, err := c.LoginBySMS(t.Context(), testLogin)
		if got != tc.want || KindOf(err) != tc.kind {
			t.Errorf("%s: %+v, %v", tc.content, got, err)
		}
		p.wantContent(t, `{`+testAcctWire+`,"smsCode":"493817","smsSerialNo":"SMS1"}`)
	}
	c, p := answered(t, answerContent(`{}`))
	if _, err := c.LoginBySMS(t.Context(), SMSLogin{TaxpayerNum: testTaxNo, Account: testAccount}); KindOf(err) != Refused || p.calls.Load() != 0 {
		t.Errorf("without a code: %v, %d calls", err, p.calls.Load())
	}
}

// TestAccountStates: only the known good words are good, and unknown ones are
// kept for people to read.
func TestAccountStates(t *testing.T) {
	for _, tc := range []struct {
		login, auth string // JSON
		want        AccountState
		good        bool
	}{
		{`"1"`, `"0"`, AccountState{Login: LoginOK, Auth: AuthOK}, true},
		{`1`, `0`, AccountState{Login: LoginOK, Auth: AuthOK}, true},
		{`"0"`, `"0"`, AccountState{Login: LoginNeeded, Auth: AuthOK}, false},
		{`"1"`, `"1"`, AccountState{Login: LoginOK, Auth: AuthNeeded}, false},
		{`true`, `false`, AccountState{Login: "true", Auth: "false"}, false},
		{`"已登录"`, `null`, AccountState{Login: "已登录"}, false},
		{`"1"`, `null`, AccountState{Login: LoginOK}, false},
		{`null`, `"0"`, AccountState{Auth: AuthOK}, false},
		{`"01"`, `"00"`, AccountState{Login: "01", Auth: "00"}, false},
	} {
		c, p := answered(t, answerContent(`{`+testAcctWire+`,"loginStatus":`+tc.login+`,"authStatus":`+tc.auth+`,"expireTime":"not told"}`))
		got, err := c.QueryAccount(t.Context(), testAcct)
		if err != nil || got != tc.want || got.Good() != tc.good {
			t.Errorf("%s %s: %+v, good %t, %v", tc.login, tc.auth, got, got.Good(), err)
		}
		p.wantContent(t, `{`+testAcctWire+`}`)
	}
	c, _ := answered(t, answerContent(`{"loginStatus":"1","authStatus":"0","msg":"一\n二","expireTime":"2026-03-01 10:25:00"}`))
	got, err := c.QueryAccount(t.Context(), testAcct)
	if err != nil || got.Msg != "一 二" || !got.ExpiresAt.Equal(time.Date(2026, 3, 1, 2, 25, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFetchAuthQR(t *testing.T) {
	png := []byte("\x89PNG\r\n\x1a\n rest")
	picture := b64(string(png))
	for _, tc := range []struct {
		name, content string
		want          AuthQR
		kind          Kind
	}{
		{"picture", `{"authId":7,"qrCode":"` + picture + `"}`, AuthQR{AuthID: "7", Picture: png, PictureType: "image/png"}, 0},
		{"data URL", `{"qrCode":"data:image/png;base64,` + picture + `"}`, AuthQR{Picture: png, PictureType: "image/png"}, 0},
		{"text", `{"qrCodeContent":"https://example.com/f?a=1"}`, AuthQR{Content: "https://example.com/f?a=1"}, 0},
		{"both", `{"qrCode":"` + picture + `","qrCodeContent":"x","expireTime":"2026-03-01 10:25:00"}`,
			AuthQR{Picture: png, PictureType: "image/png", Content: "x", ExpiresAt: time.Date(2026, 3, 1, 10, 25, 0, 0, beijing)}, 0},
		{"text and no picture", `{"qrCode":"@@","qrCodeContent":"x"}`, AuthQR{Content: "x"}, 0},
		{"no picture", `{"qrCode":"` + b64("<svg onload=x>") + `"}`, AuthQR{}, Unknown},
		{"neither", `{` + testAcctWire + `,"authId":"A1"}`, AuthQR{}, Unknown},
	} {
		c, p := answered(t, answerContent(tc.content))
		got, err := c.FetchAuthQR(t.Context(), testAcct)
		if KindOf(err) != tc.kind || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		p.wantContent(t, `{`+testAcctWire+`}`)
	}
}

func TestQueryAuthQR(t *testing.T) {
	for in, want := range map[string]struct {
		status ScanStatus
		final  bool
	}{
		`"0"`: {ScanWaiting, false}, `1`: {ScanScanned, false}, `2`: {ScanPassed, true}, `"3"`: {ScanExpired, true},
		`"4"`: {ScanFailed, true}, `"完成"`: {"完成", false},
	} {
		c, p := answered(t, answerContent(`{"scanStatus":`+in+`,"msg":"m"}`))
		got, err := c.QueryAuthQR(t.Context(), testAcct, "A1")
		if err != nil || got != (AuthScan{want.status, "m"}) || got.Status.Final() != want.final {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
		p.wantContent(t, `{`+testAcctWire+`,"authId":"A1"}`)
	}
}

func TestAccounts(t *testing.T) {
	const list = `[{"account":"13800000000","name":"张三","identityType":3,"phoneNum":"138****0000","loginStatus":1,"authStatus":"0","defaultFlag":1},` +
		`{"account":110101199001010011,"loginStatus":"x","defaultFlag":"false"}]`
	want := []Account{
		{"13800000000", "张三", "3", "138****0000", LoginOK, AuthOK, true},
		{"110101199001010011", "", "", "", "x", "", false},
	}
	for _, content := range []string{list, ` ` + list, `{"taxpayerNum":"91110108TEST00001X","accountList":` + list + `}`} {
		c, p := answered(t, answerContent(content))
		got, err := c.Accounts(t.Context(), testTaxNo)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", content, got, err)
		}
		p.wantContent(t, `{"taxpayerNum":"91110108TEST00001X"}`)
	}
	for content, kind := range map[string]Kind{
		`[]`: 0, `{"accountList":[]}`: 0, `{"accountList":null}`: 0,
		`{}`: Unknown, `{"accounts":[]}`: Unknown, `{"accountList":{}}`: Unknown, `[{"name":"张三"}]`: Unknown, `[[]]`: Unknown,
	} {
		c, _ := answered(t, answerContent(content))
		if got, err := c.Accounts(t.Context(), testTaxNo); KindOf(err) != kind || len(got) != 0 {
			t.Errorf("%s: %+v, %v", content, got, err)
		}
	}
}

func TestLogout(t *testing.T) {
	for content, kind := range map[string]Kind{
		`{` + testAcctWire + `,"resultCode":"0000"}`: 0, `{` + testAcctWire + `}`: 0, `{}`: 0,
		`{"resultCode":9999,"resultMsg":"失败"}`: Refused, `{"account":"13800000009"}`: Unknown,
	} {
		c, p := answered(t, answerContent(content))
		if err := c.Logout(t.Context(), testAcct); KindOf(err) != kind {
			t.Errorf("%s: %v", content, err)
		}
		p.wantContent(t, `{`+testAcctWire+`}`)
	}
}

// TestAccountSecrets: neither an error nor a log shows a password or a code,
// not even when the platform's text repeats it.
func TestAccountSecrets(t *testing.T) {
	var log bytes.Buffer
	var out string
	try := func(answer func(echo string) answerFunc) {
		for echo, do := range map[string]func(*Client) error{
			"密码pa$$w0rd或id-pa55错误": func(c *Client) error { return c.RegisterAccount(t.Context(), testRegister) },
			"验证码493817错误":          func(c *Client) error { _, err := c.LoginBySMS(t.Context(), testLogin); return err },
		} {
			o := testOptions(t, newTestPlatform(t, answer(echo)).URL)
			o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			err := do(newTestClient(t, o))
			if e, ok := errors.AsType[*Error](err); ok {
				out += fmt.Sprintf("%v %+v %#v %s\n", err, err, *e, e.Msg)
			}
			slog.New(slog.NewTextHandler(&log, nil)).Info("failed", "err", err)
		}
	}
	try(func(echo string) answerFunc { return answerCode("8995", echo, "") })
	if !strings.Contains(out, "密码[secret]或[secret]错误") || !strings.Contains(out, "验证码[secret]错误") {
		t.Errorf("the platform's text is gone: %s", out)
	}
	try(func(echo string) answerFunc { return answerContent(`{"resultCode":"9999","resultMsg":"` + echo + `"}`) })
	try(func(echo string) answerFunc { return answerContent(`{"account":{},"x":"` + echo + `"}`) })
	try(func(echo string) answerFunc { return answerContent(`{"account":"` + echo + `"}`) })
	try(func(echo string) answerFunc { return answerRaw(500, echo) })
	try(func(echo string) answerFunc { return answerRaw(200, echo) })

	for _, v := range []any{testRegister, testLogin, testRegister.Password, &testRegister, []Secret{testLogin.Code}} {
		out += fmt.Sprintf("%v %+v %#v %s %q %x %d %t\n", v, v, v, v, v, v, v, v)
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out += string(j)
		for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
			slog.New(h).Info("x", "v", v)
		}
	}
	out += log.String()
	for _, secret := range []Secret{testRegister.Password, testRegister.IdentityPassword, testLogin.Code} {
		for _, form := range []string{string(secret), fmt.Sprintf("%x", string(secret)), fmt.Sprintf("%v", []byte(secret))} {
			if i := strings.Index(out, form); i >= 0 {
				t.Errorf("a secret in: …%s…", out[max(0, i-80):i+len(form)])
			}
		}
	}
	var back struct{ Password Secret }
	if err := json.Unmarshal([]byte(`{"Password":"x"}`), &back); err != nil || string(back.Password) != "x" {
		t.Errorf("a secret cannot be read: %v", err)
	}
}
