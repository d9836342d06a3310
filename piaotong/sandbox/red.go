package sandbox

import (
	"regexp"

	"tillagent/piaotong"
)

var (
	serialPattern   = regexp.MustCompile(`^[0-9A-Za-z]{20}$`)
	eleInvNoPattern = regexp.MustCompile(`^[0-9]{20}$`)
)

// redFlush is 2.10. The sandbox issues 数电 invoices only, so a blue invoice
// named by code and number is never found. After a partial reversal, 2.10 is
// refused with 6005 like after a full one: the invoice is reversed already, if
// in part, and the rest is 2.37's to reverse.
func (s *Sandbox) redFlush(c call) (any, error) {
	var r struct {
		TaxpayerNum     piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo     piaotong.Scalar `json:"invoiceReqSerialNo"`
		BlueAllEleInvNo piaotong.Scalar `json:"blueAllEleInvNo"`
		BlueCode        piaotong.Scalar `json:"invoiceCode"`
		BlueNo          piaotong.Scalar `json:"invoiceNo"`
		Reason          piaotong.Scalar `json:"redReason"`
		Amount          piaotong.Scalar `json:"amount"`
		DefinedData     piaotong.Scalar `json:"definedData"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	serial := ch.required("invoiceReqSerialNo", r.ReqSerialNo, chars(20, 20))
	ch.match("invoiceReqSerialNo", serial, serialPattern)
	blueNo := ch.blue(r.BlueAllEleInvNo, r.BlueCode, r.BlueNo)
	ch.required("redReason", r.Reason, gbk(1, 100))
	amount := ch.fen("amount", r.Amount)
	ch.optional("definedData", r.DefinedData, chars(1, 200))
	if ch.err != nil {
		return nil, ch.err
	}
	if answer, known, err := s.answerKnown(c, serial); known {
		return answer, err
	}
	blue, err := s.redTarget(blueNo)
	if err != nil {
		return nil, err
	}
	switch {
	case blue.leftToReverse().fen < blue.fen:
		return nil, refuse("6005", "原发票已冲红或正在冲红")
	case amount != -blue.fen:
		return nil, invalid("amount 必须等于蓝字发票价税合计的负数")
	}
	return s.requestRed(blue, c, Entry{ReqSerialNo: serial, Amount: formatFen(amount), DefinedData: string(r.DefinedData)})
}

// blue checks that a blue invoice is named in one of the two ways, and returns
// its 20-digit number. The interfaces name the older way's fields differently.
func (c *checker) blue(number, code, no piaotong.Scalar) string {
	blueNo := c.optional("blueAllEleInvNo", number, chars(20, 20))
	c.match("blueAllEleInvNo", blueNo, eleInvNoPattern)
	c.optional("发票代码", code, chars(12, 12))
	c.optional("发票号码", no, chars(8, 8))
	if older := code != "" && no != ""; older == (blueNo != "") || (code == "") != (no == "") {
		c.fail(invalid("blueAllEleInvNo 与发票代码、发票号码必须且只能填写一种"))
	}
	return blueNo
}

// redTarget finds the blue invoice of a quick reversal, 2.10 or 2.37. That one
// which the buyer has booked needs a confirmation, and so is refused here, is
// the sandbox's choice: the platform may well wait for the buyer instead.
func (s *Sandbox) redTarget(blueNo string) (*Invoice, error) {
	blue, err := s.blueInvoice(blueNo)
	if err == nil && blue.Booked {
		return nil, invalid("购买方已入账，请通过红字发票确认单冲红")
	}
	return blue, err
}

// blueInvoice finds an issued blue invoice by its 20-digit number.
func (s *Sandbox) blueInvoice(blueNo string) (*Invoice, error) {
	blue := s.state.invoices[s.state.byNumber[blueNo]]
	if blue == nil || blue.Type != piaotong.TypeBlue {
		return nil, refuse("8003", "原蓝字发票不存在")
	}
	return blue, nil
}

// requestRed records a request for a red invoice and answers it. The entry
// has what is particular to it.
func (s *Sandbox) requestRed(blue *Invoice, c call, e Entry) (any, error) {
	e.At, e.Digest = s.now(), c.digest()
	e.Kind, e.BlueSerial, e.TradeNo = RedRequestedEntry, blue.ReqSerialNo, blue.TradeNo
	e.Outcome, e.ReadyAt = s.settings.redOutcome, e.At.Add(s.settings.issueDelay).UTC()
	m, magic := s.magicOf(blue.Amount)
	switch {
	case magic && m.redRefusal != nil:
		return nil, m.redRefusal
	case magic && m.redByHand:
		if err := s.redByHand(blue); err != nil {
			return nil, err
		}
		return nil, refuse("6005", "原发票已冲红或正在冲红")
	}
	if magic && m.redOutcome != "" {
		e.Outcome, e.ReadyAt = m.redOutcome, e.ReadyAt.Add(m.redSlow)
	}
	if err := s.record(e); err != nil {
		return nil, err
	}
	if magic && m.redSlow > 0 {
		return nil, refuse("8040", "该发票请求流水号正在处理中")
	}
	return accepted(e.ReqSerialNo, c.base)
}

// leftToReverse is what is left of a blue invoice in all.
func (inv *Invoice) leftToReverse() share { return sum(inv.lines, (*line).left) }
