package piaotong

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// The accounts of the tax bureau with which an enterprise issues, 2.3–2.8, 2.45
// and 2.46. Only the path and the request of 2.3 are known publicly. All other
// shapes of this file are assumed, are to be corrected here alone, and have no
// default path; see [Error].NoPath.
//
// A wrong password or code is Refused, with the platform's text. It must never
// be tried again by a program: the tax bureau locks accounts.

// AccountRef names an account of an enterprise: a mobile number or an ID.
type AccountRef struct{ TaxpayerNum, Account string }

// LoginState is the platform's word on an account's login, as it was received.
type LoginState string

// The known states. Anything else is unknown, and not good.
const (
	LoginNeeded LoginState = "0"
	LoginOK     LoginState = "1"
)

// AuthState is the platform's word on an account's real-name authentication,
// as it was received.
type AuthState string

// The known states. Anything else is unknown, and not good.
const (
	AuthOK     AuthState = "0" // done, or not needed
	AuthNeeded AuthState = "1"
)

// AccountRegister makes the platform keep an account (2.3), which it tries at
// once. Empty optional fields are left out.
type AccountRegister struct {
	TaxpayerNum      string // seller, 15–20 ch
	Account          string // mobile number or ID
	Password         Secret // required
	IdentityType     string // optional role at the tax bureau; its codes are not public
	IdentityPassword Secret // optional
	Mobile           string // optional; receives the SMS codes
	Name             string // optional, the operator's; may serve as drawer of invoices
}

// SMSCode says that a code is on its way.
type SMSCode struct {
	Mobile   string // masked; may be ""
	SerialNo string // to be handed to SMSLogin; may be ""
}

// SMSLogin completes the login that SendSMSCode began (2.5).
type SMSLogin struct {
	TaxpayerNum string
	Account     string
	Code        Secret // required
	SerialNo    string // of SMSCode
}

// AccountState is the state of an account (2.5, 2.8). Without a word on one of
// them it is "", which is not good.
type AccountState struct {
	Login     LoginState
	Auth      AuthState
	Msg       string    // of the platform, may be ""
	ExpiresAt time.Time // of the login; zero when not told
}

// Good reports whether the account may issue: logged in and authenticated.
func (s AccountState) Good() bool { return s.Login == LoginOK && s.Auth == AuthOK }

// AuthQR is the code that the operator scans with the tax bureau's app (2.6).
// It has a picture, a text to be drawn, or both.
type AuthQR struct {
	AuthID      string    // to be handed to QueryAuthQR; may be ""
	Picture     []byte    // nil when there is none
	PictureType string    // MIME type of Picture, e.g. "image/png"
	Content     string    // "" when there is none
	ExpiresAt   time.Time // zero when not told
}

// ScanStatus is what became of an AuthQR. Words that are not listed are kept
// as they were received.
type ScanStatus string

// The states of a scan; all but the first two are final.
const (
	ScanWaiting ScanStatus = "0"
	ScanScanned ScanStatus = "1"
	ScanPassed  ScanStatus = "2"
	ScanExpired ScanStatus = "3"
	ScanFailed  ScanStatus = "4"
)

// Final reports whether asking again is of no use.
func (s ScanStatus) Final() bool { return s == ScanPassed || s == ScanExpired || s == ScanFailed }

// AuthScan is the answer of QueryAuthQR.
type AuthScan struct {
	Status ScanStatus
	Msg    string // may be ""
}

// Account is one account that the platform keeps for an enterprise (2.45).
type Account struct {
	Account      string
	Name         string // the operator's, may serve as drawer of invoices; may be ""
	IdentityType string // may be ""
	Mobile       string // masked; may be ""
	Login        LoginState
	Auth         AuthState
	Default      bool
}

// accountRegisterRequest is the content of 2.3. Its names are known from a
// client's code, its meanings in part assumed.
type accountRegisterRequest struct {
	TaxpayerNum   string `json:"taxpayerNum"`            // 纳税人识别号 Y
	LoginMethod   string `json:"loginMethod"`            // 登录方式: 1 account and password
	Account       string `json:"account"`                // 登录账号 Y
	Password      string `json:"password"`               // 登录密码 Y
	IdentityType  string `json:"identityType,omitempty"` // 身份类型 N
	IdentityPwd   string `json:"identityPwd,omitempty"`  // 身份密码 N
	PhoneNum      string `json:"phoneNum,omitempty"`     // 手机号 N
	Name          string `json:"name,omitempty"`         // 姓名 N
	OperationType string `json:"operationType"`          // 操作类型: 1 add (a client sends it as a number)
}

// accountRequest is the content of 2.4–2.8 and 2.46 (assumed).
type accountRequest struct {
	TaxpayerNum string `json:"taxpayerNum"`           // 纳税人识别号 Y
	Account     string `json:"account"`               // 登录账号 Y
	AuthID      string `json:"authId,omitempty"`      // 认证标识, of 2.6 C
	SMSCode     string `json:"smsCode,omitempty"`     // 短信验证码 Y in 2.5
	SMSSerialNo string `json:"smsSerialNo,omitempty"` // 短信流水号, of 2.4 C
}

// accountResponse is the answer of 2.3–2.8 and 2.46 (assumed), and an element
// of that of 2.45.
type accountResponse struct {
	Account       Scalar `json:"account"`       // 登录账号
	Name          Scalar `json:"name"`          // 姓名 (2.45)
	IdentityType  Scalar `json:"identityType"`  // 身份类型 (2.45)
	PhoneNum      Scalar `json:"phoneNum"`      // 手机号, masked (2.4, 2.45)
	SMSSerialNo   Scalar `json:"smsSerialNo"`   // 短信流水号 N (2.4)
	LoginStatus   Scalar `json:"loginStatus"`   // 登录状态 0, 1 (2.5, 2.8, 2.45)
	AuthStatus    Scalar `json:"authStatus"`    // 认证状态 0, 1 (2.5, 2.8, 2.45)
	DefaultFlag   Scalar `json:"defaultFlag"`   // 默认账号 (2.45)
	ResultCode    Scalar `json:"resultCode"`    // 0000 or absent: done (2.5, 2.46)
	ResultMsg     Scalar `json:"resultMsg"`     // (2.5, 2.46)
	AuthID        Scalar `json:"authId"`        // 认证标识 (2.6)
	QRCode        Scalar `json:"qrCode"`        // 二维码图片, base64 N (2.6)
	QRCodeContent Scalar `json:"qrCodeContent"` // 二维码内容 N (2.6)
	ScanStatus    Scalar `json:"scanStatus"`    // 扫码状态 0–4 (2.7)
	Msg           Scalar `json:"msg"`           // (2.7, 2.8)
	ExpireTime    Scalar `json:"expireTime"`    // 过期时间 19 N (2.6, 2.8)
}

// accountListResponse is the answer of 2.45: an object with the list, or the
// list alone (assumed).
type accountListResponse struct {
	Accounts []accountResponse
	has      bool
}

func (l *accountListResponse) UnmarshalJSON(data []byte) error {
	list := json.RawMessage(data)
	if data[0] == '{' {
		var w struct {
			Accounts json.RawMessage `json:"accountList"`
		}
		if err := json.Unmarshal(data, &w); err != nil {
			return err
		}
		list = w.Accounts
	}
	if list == nil {
		return nil
	}
	l.has = true
	return json.Unmarshal(list, &l.Accounts)
}

// RegisterAccount makes the platform keep an account and checks its password
// (2.3). After Unknown look at Accounts before doing it again: each attempt
// with a wrong password counts at the tax bureau.
func (c *Client) RegisterAccount(ctx context.Context, r AccountRegister) error {
	if r.Account == "" || r.Password == "" {
		return c.refused(opRegisterAccount, "account and password are required")
	}
	resp, err := call[accountRegisterRequest, accountResponse](ctx, c, opRegisterAccount, accountRegisterRequest{
		TaxpayerNum:   r.TaxpayerNum,
		LoginMethod:   "1",
		Account:       r.Account,
		Password:      string(r.Password),
		IdentityType:  r.IdentityType,
		IdentityPwd:   string(r.IdentityPassword),
		PhoneNum:      r.Mobile,
		Name:          r.Name,
		OperationType: "1",
	})
	if err == nil {
		err = c.checkAccount(opRegisterAccount, resp, r.Account)
	}
	return hide(err, r.Password, r.IdentityPassword)
}

// SendSMSCode makes the tax bureau send a login code to the operator (2.4).
// Each call may send one: leave a minute between two, and after Unknown let the
// person ask for another.
func (c *Client) SendSMSCode(ctx context.Context, ref AccountRef) (SMSCode, error) {
	r, err := c.askAccount(ctx, opSendSMSCode, accountRequest{TaxpayerNum: ref.TaxpayerNum, Account: ref.Account})
	if err != nil {
		return SMSCode{}, err
	}
	return SMSCode{Mobile: string(r.PhoneNum), SerialNo: string(r.SMSSerialNo)}, nil
}

// LoginBySMS completes a login (2.5). After Unknown ask QueryAccount; a code is
// never sent twice. The state it returns may still want authentication.
func (c *Client) LoginBySMS(ctx context.Context, l SMSLogin) (AccountState, error) {
	if l.Code == "" {
		return AccountState{}, c.refused(opLoginBySMS, "the code is missing")
	}
	r, err := c.askAccount(ctx, opLoginBySMS, accountRequest{
		TaxpayerNum: l.TaxpayerNum, Account: l.Account, SMSCode: string(l.Code), SMSSerialNo: l.SerialNo,
	})
	if err == nil && r.ResultCode == "" && r.LoginStatus == "" {
		err = c.malformed(opLoginBySMS, errors.New("the answer does not say what came of it"))
	}
	if err != nil {
		return AccountState{}, hide(err, l.Code)
	}
	return r.state(), nil
}

// FetchAuthQR fetches the code for the real-name authentication (2.6). Show one
// at a time: it may end the one before.
func (c *Client) FetchAuthQR(ctx context.Context, ref AccountRef) (AuthQR, error) {
	r, err := c.askAccount(ctx, opFetchAuthQR, accountRequest{TaxpayerNum: ref.TaxpayerNum, Account: ref.Account})
	if err != nil {
		return AuthQR{}, err
	}
	qr := AuthQR{AuthID: string(r.AuthID), Content: string(r.QRCodeContent), ExpiresAt: optionalTime(r.ExpireTime)}
	if qr.Picture, err = decodePicture(string(r.QRCode)); err == nil {
		qr.PictureType = http.DetectContentType(qr.Picture)
	} else if qr.Content == "" {
		return AuthQR{}, c.malformed(opFetchAuthQR, err)
	}
	return qr, nil
}

// QueryAuthQR asks what became of an AuthQR (2.7): every 3 s, for 5 minutes at
// most, until the status is final.
func (c *Client) QueryAuthQR(ctx context.Context, ref AccountRef, authID string) (AuthScan, error) {
	r, err := c.askAccount(ctx, opQueryAuthQR, accountRequest{TaxpayerNum: ref.TaxpayerNum, Account: ref.Account, AuthID: authID})
	if err != nil {
		return AuthScan{}, err
	}
	if r.ScanStatus == "" {
		return AuthScan{}, c.malformed(opQueryAuthQR, errors.New("the answer names no status"))
	}
	return AuthScan{Status: ScanStatus(r.ScanStatus), Msg: cleanMsg(string(r.Msg))}, nil
}

// QueryAccount asks for the state of an account (2.8).
func (c *Client) QueryAccount(ctx context.Context, ref AccountRef) (AccountState, error) {
	r, err := c.askAccount(ctx, opQueryAccount, accountRequest{TaxpayerNum: ref.TaxpayerNum, Account: ref.Account})
	if err != nil {
		return AccountState{}, err
	}
	if r.LoginStatus == "" && r.AuthStatus == "" {
		return AccountState{}, c.malformed(opQueryAccount, errors.New("the answer names no state"))
	}
	return r.state(), nil
}

// Accounts lists the accounts that the platform keeps for an enterprise (2.45).
func (c *Client) Accounts(ctx context.Context, taxpayerNum string) ([]Account, error) {
	type request struct {
		TaxpayerNum string `json:"taxpayerNum"` // 纳税人识别号 Y
	}
	r, err := call[request, accountListResponse](ctx, c, opListAccounts, request{taxpayerNum})
	if err != nil {
		return nil, err
	}
	if !r.has {
		return nil, c.malformed(opListAccounts, errors.New("the answer has no list"))
	}
	out := make([]Account, len(r.Accounts))
	for i, a := range r.Accounts {
		if a.Account == "" {
			return nil, c.malformed(opListAccounts, errors.New("the answer lists an account without its name"))
		}
		out[i] = Account{
			Account:      string(a.Account),
			Name:         string(a.Name),
			IdentityType: string(a.IdentityType),
			Mobile:       string(a.PhoneNum),
			Login:        LoginState(a.LoginStatus),
			Auth:         AuthState(a.AuthStatus),
			Default:      a.DefaultFlag.Bool(),
		}
	}
	return out, nil
}

// Logout ends the platform's login to the tax bureau, so that a person can
// work there (2.46). Invoices of the account that are under way end in
// StateAuth: warn before.
func (c *Client) Logout(ctx context.Context, ref AccountRef) error {
	_, err := c.askAccount(ctx, opLogout, accountRequest{TaxpayerNum: ref.TaxpayerNum, Account: ref.Account})
	return err
}

// askAccount makes one of the calls about an account, which have a result of
// their own in the content.
func (c *Client) askAccount(ctx context.Context, op *operation, req accountRequest) (accountResponse, error) {
	r, err := call[accountRequest, accountResponse](ctx, c, op, req)
	if err != nil {
		return r, err
	}
	if code := string(r.ResultCode); code != "" && code != codeOK {
		return r, c.fail(op, Error{Kind: Refused, Code: code, Msg: cleanMsg(string(r.ResultMsg))})
	}
	return r, c.checkAccount(op, r, req.Account)
}

// checkAccount refuses an answer about another account. It quotes neither:
// they are people's telephone numbers.
func (c *Client) checkAccount(op *operation, r accountResponse, account string) error {
	if r.Account != "" && string(r.Account) != account {
		return c.malformed(op, errors.New("the answer is about another account"))
	}
	return nil
}

func (r *accountResponse) state() AccountState {
	return AccountState{
		Login:     LoginState(r.LoginStatus),
		Auth:      AuthState(r.AuthStatus),
		Msg:       cleanMsg(string(r.Msg)),
		ExpiresAt: optionalTime(r.ExpireTime),
	}
}

// decodePicture reads the base64 of a picture, which may be a data URL.
func decodePicture(s string) ([]byte, error) {
	if strings.HasPrefix(s, "data:") {
		_, s, _ = strings.Cut(s, ",")
	}
	b, err := decodeBase64(s)
	if err != nil || !strings.HasPrefix(http.DetectContentType(b), "image/") {
		return nil, errors.New("neither a picture nor a text of the QR code")
	}
	return b, nil
}
