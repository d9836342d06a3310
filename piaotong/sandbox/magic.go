package sandbox

import (
	"encoding/json"
	"fmt"
	"time"

	"tillagent/piaotong"
)

// The magic amounts: a sale over 4040 yuan and some fen brings about the
// situation that the fen name. Nothing costs 4040 yuan by accident (4 sounds
// like death, and HTTP says 404), and the tens tell the stage: 1 fetching the
// code, 2 voiding, 3 issuing, 4 reversing.
const (
	magicYuan = 4040
	magicSlow = 20 * time.Second // how much longer a slow invoice takes
)

// magicAmount is one situation.
type magicAmount struct {
	fen  int64 // of the amount, beside magicYuan
	text string

	// Of 2.16 and 2.9: a fault of their calls, of each number so many times.
	fault   Fault
	foreign bool // of 2.16: somebody else has the number already

	void FaultKind // of 2.17

	// Of the blue invoice. A code is scanned and submitted at once.
	outcome Outcome
	slow    time.Duration
	split   int // of a code

	// Of its reversal.
	redRefusal error
	redByHand  bool
	redOutcome Outcome
	redSlow    time.Duration // and the answer is 8040 although the request was taken
}

var magicAmounts = []magicAmount{
	{fen: 11, text: "取码或开票 3 秒后才应答 · answer after 3 s", fault: Fault{Kind: FaultDelay, Delay: 3 * time.Second}},
	{fen: 12, text: "第一次已处理但应答丢失 · processed, the first answer is lost", fault: Fault{Kind: FaultLostAnswer, Times: 1}},
	{fen: 13, text: "前两次返回 8996，第三次成功 · 8996 twice, then good", fault: Fault{Kind: FaultRefuse, Code: codeTrouble, Msg: "业务异常，请联系客服", Times: 2}},
	{fen: 14, text: "每次返回 8995 数据校验不通过 · data refused (8995)", fault: Fault{Kind: FaultRefuse, Code: codeData, Msg: "数据校验不通过：沙箱金额暗号"}},
	{fen: 15, text: "二维码编号已被他人占用 8038 · number of somebody else's code (8038)", foreign: true},
	{fen: 16, text: "第一次已处理但应答签名不对 · processed, the first answer is badly signed", fault: Fault{Kind: FaultBadSignature, Times: 1}},
	{fen: 17, text: "第一次一直没有应答 · no answer the first time", fault: Fault{Kind: FaultTimeout, Times: 1}},

	{fen: 21, text: "作废总是返回 false · voiding is always denied", void: FaultVoidFalse},
	{fen: 22, text: "作废成功但返回 false · voided, but the answer says false", void: FaultVoidFalseDone},

	{fen: 31, text: "立即被扫码并开出 · scanned at once, issued", outcome: Issued},
	{fen: 32, text: "立即被扫码，20 秒后开出 · scanned at once, issued after 20 s", outcome: Issued, slow: magicSlow},
	{fen: 33, text: "立即被扫码，开票失败 9999 · scanned at once, fails (9999)", outcome: Failed},
	{fen: 34, text: "立即被扫码，需要登录认证 3999 · scanned at once, login needed (3999)", outcome: Auth},
	{fen: 35, text: "立即被扫码，一直开票中 7777 · scanned at once, in progress for ever", outcome: Hang},
	{fen: 36, text: "立即被扫码，拆成两张 · scanned at once, two invoices", outcome: Issued, split: 2},

	{fen: 41, text: "冲红被拒 8995 · reversal refused", outcome: Issued, redRefusal: refuse(codeData, "冲红被拒绝：沙箱金额暗号")},
	{fen: 42, text: "冲红返回 8040，20 秒后完成 · reversal pending (8040), done after 20 s", outcome: Issued, redOutcome: Issued, redSlow: magicSlow},
	{fen: 43, text: "冲红失败 9999 · reversal fails (9999)", outcome: Issued, redOutcome: Failed},
	{fen: 44, text: "冲红需要登录认证 3999 · reversal needs login (3999)", outcome: Issued, redOutcome: Auth},
	{fen: 45, text: "已被人工冲红 6005 · reversed by hand a moment before (6005)", outcome: Issued, redByHand: true},
}

// Amount is the amount as it is rung up.
func (m magicAmount) Amount() string { return formatFen(magicYuan*100 + m.fen) }

// Text says what happens, in Chinese and English.
func (m magicAmount) Text() string { return m.text }

// magicOf finds the situation of an amount. The caller holds mu.
func (s *Sandbox) magicOf(amount string) (magicAmount, bool) {
	fen, err := parseFen(amount)
	if err != nil || !s.settings.magic || fen/100 != magicYuan {
		return magicAmount{}, false
	}
	for _, m := range magicAmounts {
		if m.fen == fen%100 {
			return m, true
		}
	}
	return magicAmount{}, false
}

// magicFault is the fault of a call of 2.16 or 2.9 whose amount has one. The
// caller holds mu.
func (s *Sandbox) magicFault(pi platformInterface, content []byte) (Fault, bool) {
	number, amount := "", ""
	switch pi.key {
	case "qr_create":
		var r struct {
			QRCodeNo piaotong.Scalar `json:"qrcodeNo"`
			Amount   piaotong.Scalar `json:"invoiceAmount"`
		}
		if json.Unmarshal(content, &r) != nil {
			return Fault{}, false
		}
		number, amount = string(r.QRCodeNo), string(r.Amount)
	case "invoice_blue":
		var r blueRequest
		if json.Unmarshal(content, &r) != nil {
			return Fault{}, false
		}
		e, err := s.checkBlue(&r)
		if err != nil {
			return Fault{}, false
		}
		number, amount = e.ReqSerialNo, e.Amount
	default:
		return Fault{}, false
	}
	m, ok := s.magicOf(amount)
	if !ok || m.fault.Kind == "" {
		return Fault{}, false
	}
	key := pi.number + " " + number
	s.magicHits[key]++
	return m.fault, m.fault.Times == 0 || s.magicHits[key] <= m.fault.Times
}

// magicCode lets a customer scan and submit a new code at once, if its amount
// asks for that. The caller holds mu.
func (s *Sandbox) magicCode(qrcodeNo string, m magicAmount) error {
	if m.outcome == "" {
		return nil
	}
	_, err := s.submit([]string{qrcodeNo}, submission{outcome: m.outcome, slow: m.slow, n: max(m.split, 1)})
	if err != nil {
		return fmt.Errorf("cannot submit the code of a magic amount: %v", err)
	}
	return nil
}

// magicTable is the table for people, nil while magic amounts are off.
func (s *Sandbox) magicTable() []magicAmount {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.settings.magic {
		return nil
	}
	return magicAmounts
}
