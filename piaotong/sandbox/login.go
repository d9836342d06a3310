package sandbox

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/skip2/go-qrcode"

	"tillagent/piaotong"
)

// The two ways by which an account becomes good: a code by SMS (2.4, 2.5), and
// the face check behind a QR code (2.6, 2.7). What is under way is kept in
// memory alone, like a code on somebody's telephone.

const (
	smsPause  = time.Minute     // between two codes of an account
	smsLife   = 5 * time.Minute // of a code
	smsTries  = 5               // wrong ones, until the code is dead
	faceLife  = 3 * time.Minute // of the QR code of a face check
	maxFaces  = 1000            // kept; the oldest go first
	faceScale = -4              // dots of the picture, as go-qrcode counts them
)

// SMSCode is a code that the tax bureau sent to an operator's telephone.
type SMSCode struct {
	Account string    `json:"account"`
	Code    string    `json:"code"`
	SentAt  time.Time `json:"sent_at"`

	serial string
	wrong  int // tries
}

// FaceStep is what the operator does with the tax bureau's app.
type FaceStep string

// The steps of a face check.
const (
	FaceScan FaceStep = "scan"
	FacePass FaceStep = "pass"
	FaceFail FaceStep = "fail"
)

// FaceCheck is a QR code of 2.6 and what became of it.
type FaceCheck struct {
	AuthID    string    `json:"auth_id"`
	Account   string    `json:"account"`
	Status    string    `json:"status"` // of 2.7: 0 waiting, 1 scanned, 2 passed, 3 expired, 4 failed
	URL       string    `json:"url"`    // what the QR code says
	ExpiresAt time.Time `json:"expires_at"`
}

// logins is what is under way; the Sandbox's mu guards it.
type logins struct {
	sms   map[string]*SMSCode // by account, the latest
	faces []*FaceCheck        // oldest first
}

func newLogins() logins { return logins{sms: map[string]*SMSCode{}} }

// sendSMS is 2.4.
func (s *Sandbox) sendSMS(c call) (any, error) {
	a, err := s.accountOf(c)
	if err != nil {
		return nil, err
	}
	now := s.now()
	last := s.logins.sms[a.Account]
	switch {
	case a.Phone == "":
		return nil, invalid("账号没有接收验证码的手机号")
	case last != nil && now.Before(last.SentAt.Add(smsPause)):
		return nil, invalid("短信验证码获取过于频繁，请 60 秒后再试")
	}
	code := &SMSCode{Account: a.Account, Code: randomDigits(6), SentAt: now.UTC(), serial: randomDigits(16)}
	s.logins.sms[a.Account] = code
	return map[string]string{
		"taxpayerNum": s.account.TaxpayerNum, "account": a.Account, "phoneNum": maskPhone(a.Phone), "smsSerialNo": code.serial,
	}, nil
}

// loginBySMS is 2.5. The code is good for one login. The face check, when it
// is due, stays so.
func (s *Sandbox) loginBySMS(c call) (any, error) {
	var r struct {
		accountRef
		SMSCode     piaotong.Scalar `json:"smsCode"`
		SMSSerialNo piaotong.Scalar `json:"smsSerialNo"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	a := s.checkAccount(&ch, r.accountRef)
	code := ch.required("smsCode", r.SMSCode, chars(4, 8))
	serial := ch.required("smsSerialNo", r.SMSSerialNo, chars(1, 50)) // 2.4 always gives one here
	if ch.err != nil {
		return nil, ch.err
	}
	sent := s.logins.sms[a.Account]
	switch {
	case sent == nil || sent.Code == "" || s.now().After(sent.SentAt.Add(smsLife)):
		return nil, invalid("短信验证码已失效，请重新获取")
	case serial != sent.serial:
		return nil, invalid("smsSerialNo 不正确")
	case code != sent.Code:
		if sent.wrong++; sent.wrong == smsTries {
			sent.Code = ""
		}
		return nil, invalid("短信验证码错误")
	}
	out := map[string]string{}
	if c.result(out) {
		out["taxpayerNum"], out["account"] = s.account.TaxpayerNum, a.Account
		return out, nil
	}
	sent.Code = ""
	changed := *a
	changed.LoggedIn = true
	if err := s.changeAccount(changed); err != nil {
		return nil, err
	}
	out = s.accountStatus(&changed)
	c.result(out)
	return out, nil
}

// authQR is 2.6. A new code ends the one before. That the account must be
// logged in is the sandbox's choice: the face check is a part of a login.
func (s *Sandbox) authQR(c call) (any, error) {
	var r struct {
		accountRef
		AuthID piaotong.Scalar `json:"authId"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	a := s.checkAccount(&ch, r.accountRef)
	ch.optional("authId", r.AuthID, chars(1, 64))
	switch {
	case ch.err != nil:
		return nil, ch.err
	case !a.LoggedIn:
		return nil, invalid("账号未登录电子税务局，请先完成短信登录")
	}
	f := &FaceCheck{AuthID: "A" + randomDigits(19), Account: a.Account, Status: "0", ExpiresAt: s.now().Add(faceLife).UTC()}
	f.URL = c.base + "/face/" + f.AuthID
	picture, err := qrcode.Encode(f.URL, qrcode.Medium, faceScale)
	if err != nil {
		return nil, err
	}
	for _, old := range s.logins.faces {
		if old.Account == a.Account && !old.final() {
			old.Status = "3"
		}
	}
	s.logins.faces = append(s.logins.faces, f)
	if n := len(s.logins.faces); n > maxFaces {
		s.logins.faces = s.logins.faces[n-maxFaces:]
	}
	return map[string]string{
		"taxpayerNum": s.account.TaxpayerNum, "account": a.Account, "authId": f.AuthID,
		"qrCode": base64.StdEncoding.EncodeToString(picture), "qrCodeContent": f.URL, "expireTime": piaotong.FormatTime(f.ExpiresAt),
	}, nil
}

func (f *FaceCheck) final() bool { return f.Status != "0" && f.Status != "1" }

var faceTexts = map[string]string{"0": "未扫码", "1": "已扫码", "2": "认证完成", "3": "二维码已过期", "4": "认证失败"}

// authQRStatus is 2.7. Without an authId it is about the account's latest code.
func (s *Sandbox) authQRStatus(c call) (any, error) {
	var r struct {
		accountRef
		AuthID piaotong.Scalar `json:"authId"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	a := s.checkAccount(&ch, r.accountRef)
	id := ch.optional("authId", r.AuthID, chars(1, 64))
	if ch.err != nil {
		return nil, ch.err
	}
	s.expireFaces()
	for i := len(s.logins.faces) - 1; i >= 0; i-- {
		f := s.logins.faces[i]
		if f.Account == a.Account && (id == "" || id == f.AuthID) {
			return map[string]string{
				"taxpayerNum": s.account.TaxpayerNum, "account": a.Account, "authId": f.AuthID,
				"scanStatus": f.Status, "msg": faceTexts[f.Status],
			}, nil
		}
	}
	return nil, invalid("认证二维码不存在")
}

func (s *Sandbox) expireFaces() {
	now := s.now()
	for _, f := range s.logins.faces {
		if !f.final() && now.After(f.ExpiresAt) {
			f.Status = "3"
		}
	}
}

// FaceChecks returns the codes of 2.6 since the start, oldest first.
func (s *Sandbox) FaceChecks() []FaceCheck {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireFaces()
	out := make([]FaceCheck, 0, len(s.logins.faces))
	for _, f := range s.logins.faces {
		out = append(out, *f)
	}
	return out
}

// SMSCodes returns each account's latest code that is still good.
func (s *Sandbox) SMSCodes() []SMSCode {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []SMSCode{}
	for _, name := range s.state.accountOrder {
		if code := s.logins.sms[name]; code != nil && code.Code != "" && !s.now().After(code.SentAt.Add(smsLife)) {
			out = append(out, SMSCode{Account: name, Code: code.Code, SentAt: code.SentAt})
		}
	}
	return out
}

// MoveFace does what the operator does with the tax bureau's app. Passing
// needs no scan before: who passes has scanned.
func (s *Sandbox) MoveFace(authID string, step FaceStep) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return err
	}
	s.expireFaces()
	for _, f := range s.logins.faces {
		if f.AuthID != authID {
			continue
		}
		if f.final() {
			return fmt.Errorf("face check %q: %s: %w", authID, faceTexts[f.Status], ErrConflict)
		}
		return s.moveFace(f, step)
	}
	return fmt.Errorf("face check %q: %w", authID, ErrNotFound)
}

func (s *Sandbox) moveFace(f *FaceCheck, step FaceStep) error {
	switch step {
	case FaceScan:
		f.Status = "1"
	case FaceFail:
		f.Status = "4"
	case FacePass:
		changed := *s.state.accounts[f.Account]
		changed.AuthNeeded = false
		if err := s.changeAccount(changed); err != nil {
			return err
		}
		f.Status = "2"
	default:
		return badInput("step must be scan, pass or fail")
	}
	return nil
}
