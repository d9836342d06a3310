package sandbox

import (
	"strconv"

	"tillagent/piaotong"
)

// qrRef is an element of 2.17's array and the content of 2.18.
type qrRef struct {
	TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
	QRCodeNo    piaotong.Scalar `json:"qrcodeNo"`
	Amount      piaotong.Scalar `json:"invoiceAmount"`
}

func (s *Sandbox) checkRef(r qrRef, malformed, unknown string) (no string, fen int64, err error) {
	var c checker
	s.taxpayer(&c, r.TaxpayerNum, malformed, unknown)
	no = c.required("qrcodeNo", r.QRCodeNo, chars(10, 20))
	fen = c.fen("invoiceAmount", r.Amount)
	return no, fen, c.err
}

type voidResult struct {
	TaxpayerNum string `json:"taxpayerNum"`
	QRCodeNo    string `json:"qrcodeNo"`
	Amount      string `json:"invoiceAmount"`
	IsDelete    any    `json:"isDelete"` // boolean by the table, string in its sample
	DeleteMsg   string `json:"deleteMsg"`
}

// voidQRs is 2.17. A wrong element refuses the whole batch; an element that
// is right but cannot be voided is answered with isDelete false.
func (s *Sandbox) voidQRs(c call) (any, error) {
	var refs []qrRef
	if err := decode(c.content, &refs); err != nil {
		return nil, err
	}
	if len(refs) == 0 || len(refs) > piaotong.MaxVoidBatch {
		return nil, invalid("每次作废 1 到 %d 个二维码", piaotong.MaxVoidBatch)
	}
	for _, r := range refs {
		if _, _, err := s.checkRef(r, codeData, "8104"); err != nil {
			return nil, err
		}
	}
	out := make([]voidResult, 0, len(refs))
	for _, r := range refs {
		msg, err := s.voidQR(r, c.fault.Kind)
		if err != nil {
			return nil, err
		}
		res := voidResult{
			TaxpayerNum: string(r.TaxpayerNum), QRCodeNo: string(r.QRCodeNo), Amount: string(r.Amount),
			IsDelete: msg == "", DeleteMsg: orText(msg, "作废二维码成功"),
		}
		if s.settings.isDeleteText {
			res.IsDelete = strconv.FormatBool(msg == "")
		}
		out = append(out, res)
	}
	return out, nil
}

// voidQR voids one code, or says why not. A failed invoice still holds its
// code, because staff may issue it again. That an expired code cannot be
// voided is the sandbox's choice: there is nothing left to void.
func (s *Sandbox) voidQR(r qrRef, fault FaultKind) (reason string, err error) {
	q := s.state.qrs[string(r.QRCodeNo)]
	if m, ok := s.magicOf(string(r.Amount)); ok && fault == "" {
		fault = m.void
	}
	fen, err := parseFen(string(r.Amount))
	switch {
	case err != nil:
		return "", err
	case q == nil:
		return "二维码不存在", nil
	case q.fen != fen:
		return "二维码金额不一致", nil
	case !q.VoidedAt.IsZero():
		return "二维码已作废", nil
	case len(q.Invoices) > 0:
		return "二维码已开票", nil
	case s.now().After(q.ExpireAt):
		return "二维码已过期", nil
	case fault == FaultVoidFalse:
		return "作废二维码失败", nil
	}
	err = s.record(Entry{Kind: QRVoidedEntry, QRCodeNo: q.QRCodeNo, TradeNo: q.TradeNo, Amount: q.Amount})
	if fault == FaultVoidFalseDone {
		reason = "作废二维码失败"
	}
	return reason, err
}

func orText(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

type queryItem struct {
	ReqSerialNo string `json:"invoiceReqSerialNo"`
	Amount      string `json:"invoiceItemAmount"`
}

// queryQR is 2.18. Like the platform's it says nothing of voiding and expiry.
// The code for a wrong amount is not documented: 8995.
func (s *Sandbox) queryQR(c call) (any, error) {
	var r qrRef
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	no, fen, err := s.checkRef(r, codeData, "8004")
	if err != nil {
		return nil, err
	}
	q := s.state.qrs[no]
	if q == nil {
		return nil, refuse("5001", "二维码不存在")
	}
	if q.fen != fen {
		return nil, invalid("invoiceAmount 与二维码金额不一致")
	}
	items := []queryItem{}
	for _, serial := range q.Invoices {
		items = append(items, queryItem{serial, s.state.invoices[serial].Amount})
	}
	if len(items) == 0 {
		items = append(items, queryItem{"", q.Amount}) // empty number: not invoiced yet
	}
	return struct {
		TaxpayerNum string      `json:"taxpayerNum"`
		QRCodeNo    string      `json:"qrcodeNo"`
		TradeNo     string      `json:"tradeNo"`
		InvoiceURL  string      `json:"invoiceUrl"`
		Items       []queryItem `json:"itemList"`
	}{s.account.TaxpayerNum, q.QRCodeNo, q.TradeNo, encodeURL(q.URL), items}, nil
}

// stateTexts are what 2.11 says beside the state.
var stateTexts = map[string]string{
	piaotong.StateIssued:  "开票成功",
	piaotong.StatePending: "开票中",
	piaotong.StateFailed:  "开票失败：沙箱按设置失败",
	piaotong.StateAuth:    "数电账号未登录，请完成认证",

	piaotong.StateWithdrawn: "未开票：开票请求已撤回",
}

// queryInvoice is 2.11. 3999 as a state is promised for pushes only; the
// sandbox answers it here, because clients must be ready for it.
func (s *Sandbox) queryInvoice(c call) (any, error) {
	inv, err := s.invoiceOf(c, "9997")
	if err != nil {
		return nil, err
	}
	return s.invoiceContent(inv, c.base), nil
}

// invoiceContent is what 2.11 answers about an invoice; 2.13 has the same and
// more. base is of addresses; without one there are none.
func (s *Sandbox) invoiceContent(inv *Invoice, base string) map[string]string {
	out := map[string]string{
		"taxpayerNum":        s.account.TaxpayerNum,
		"invoiceReqSerialNo": inv.ReqSerialNo,
		"invoiceType":        inv.Type,
		"code":               inv.Code,
		"msg":                stateTexts[inv.Code],
	}
	if inv.Code == piaotong.StateIssued {
		out["allEleInvNo"] = inv.AllEleInvNo
		out["tradeNo"] = inv.TradeNo
		out["invoiceDate"] = piaotong.FormatTime(inv.IssuedAt)
		out["noTaxAmount"] = inv.NetAmount
		out["taxAmount"] = inv.TaxAmount
		if base != "" {
			out["downloadUrl"] = encodeURL(base + "/i/" + inv.ReqSerialNo)
		}
	}
	return out
}
