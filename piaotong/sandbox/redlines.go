package sandbox

import (
	"math/big"
	"strconv"

	"tillagent/piaotong"
)

// The partial reversal. No public source has the platform's tables of 2.36 and
// 2.37, so the shapes are assumed, as in package piaotong, and so are these
// choices: discounts are taken off a line before anything is reversed of it;
// several reversals may be under way at once, each holding what it takes until
// it fails; lines come with amounts with tax (includeTaxFlag 1) alone.

// initRed is 2.36. An invoice of which nothing is left is refused with 6005.
func (s *Sandbox) initRed(c call) (any, error) {
	var r struct {
		TaxpayerNum     piaotong.Scalar `json:"taxpayerNum"`
		BlueAllEleInvNo piaotong.Scalar `json:"blueAllEleInvNo"`
		BlueCode        piaotong.Scalar `json:"blueInvoiceCode"`
		BlueNo          piaotong.Scalar `json:"blueInvoiceNo"`
		ApplicantType   piaotong.Scalar `json:"applicantType"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	blueNo := ch.blue(r.BlueAllEleInvNo, r.BlueCode, r.BlueNo)
	if t := r.ApplicantType; t != "" && t != "0" {
		ch.fail(invalid("applicantType 只能为 0（销方）"))
	}
	if ch.err != nil {
		return nil, ch.err
	}
	blue, err := s.blueInvoice(blueNo)
	if err != nil {
		return nil, err
	}
	left := blue.leftToReverse()
	if left.fen == 0 {
		return nil, refuse("6005", "原发票已冲红或正在冲红")
	}
	items := []map[string]string{}
	for i := range blue.lines {
		if l := &blue.lines[i]; l.left().fen > 0 {
			items = append(items, l.initItem(i+1))
		}
	}
	return map[string]any{
		"blueAllEleInvNo":   blueNo,
		"buyerName":         blue.BuyerName,
		"remainNoTaxAmount": formatFen(left.fen - left.tax),
		"remainTaxAmount":   formatFen(left.tax),
		"itemList":          items,
	}, nil
}

// initItem is what 2.36 says of a line.
func (l *line) initItem(no int) map[string]string {
	left := l.left()
	out := map[string]string{
		"blueItemNo":            strconv.Itoa(no),
		"goodsName":             l.item.Name,
		"taxClassificationCode": l.item.TaxCode,
		"specificationModel":    l.item.Spec,
		"meteringUnit":          l.item.Unit,
		"unitPrice":             l.netPrice(),
		"remainAmount":          formatFen(left.fen - left.tax),
		"taxRateValue":          formatFen(l.rate),
		"remainTaxAmount":       formatFen(left.tax),
		"zeroTaxFlag":           l.item.ZeroTaxFlag,
	}
	if left.quantity > 0 {
		out["remainQuantity"] = formatDecimal8(big.NewInt(left.quantity))
	}
	return out
}

type redItem struct {
	BlueItemNo       piaotong.Scalar `json:"blueItemNo"`
	GoodsName        piaotong.Scalar `json:"goodsName"`
	TaxCode          piaotong.Scalar `json:"taxClassificationCode"`
	Quantity         piaotong.Scalar `json:"quantity"`
	IncludeTaxFlag   piaotong.Scalar `json:"includeTaxFlag"`
	UnitPrice        piaotong.Scalar `json:"unitPrice"`
	Amount           piaotong.Scalar `json:"invoiceAmount"`
	TaxRate          piaotong.Scalar `json:"taxRateValue"`
	TaxAmount        piaotong.Scalar `json:"taxRateAmount"`
	Discount         piaotong.Scalar `json:"discountAmount"`
	PreferentialFlag piaotong.Scalar `json:"preferentialPolicyFlag"`
	ZeroTaxFlag      piaotong.Scalar `json:"zeroTaxFlag"`
	VATSpecialManage piaotong.Scalar `json:"vatSpecialManage"`
}

// redLines is 2.37.
func (s *Sandbox) redLines(c call) (any, error) {
	var r struct {
		TaxpayerNum     piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo     piaotong.Scalar `json:"invoiceReqSerialNo"`
		BlueAllEleInvNo piaotong.Scalar `json:"blueAllEleInvNo"`
		BlueCode        piaotong.Scalar `json:"oldInvoiceCode"`
		BlueNo          piaotong.Scalar `json:"oldInvoiceNo"`
		Reason          piaotong.Scalar `json:"redReason"`
		TradeNo         piaotong.Scalar `json:"tradeNo"`
		ReturnNo        piaotong.Scalar `json:"returnNo"`
		BuyerName       piaotong.Scalar `json:"buyerName"`
		CasherName      piaotong.Scalar `json:"casherName"`
		ReviewerName    piaotong.Scalar `json:"reviewerName"`
		DrawerName      piaotong.Scalar `json:"drawerName"`
		Remark          piaotong.Scalar `json:"remark"`
		DefinedData     piaotong.Scalar `json:"definedData"`
		Items           []redItem       `json:"itemList"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", "8004")
	serial := ch.required("invoiceReqSerialNo", r.ReqSerialNo, chars(20, 20))
	ch.match("invoiceReqSerialNo", serial, serialPattern)
	blueNo := ch.blue(r.BlueAllEleInvNo, r.BlueCode, r.BlueNo)
	ch.optional("redReason", r.Reason, gbk(1, 100))
	ch.optional("tradeNo", r.TradeNo, chars(1, 200))
	ch.optional("returnNo", r.ReturnNo, chars(1, 200))
	ch.optional("casherName", r.CasherName, gbk(1, 16))
	ch.optional("reviewerName", r.ReviewerName, gbk(1, 16))
	ch.optional("drawerName", r.DrawerName, gbk(1, 20))
	ch.optional("remark", r.Remark, gbk(1, 200))
	buyer := ch.required("buyerName", r.BuyerName, gbk(1, 100))
	ch.optional("definedData", r.DefinedData, chars(1, 200))
	if ch.err != nil {
		return nil, ch.err
	}
	if answer, known, err := s.answerKnown(c, serial); known {
		return answer, err
	}
	blue, err := s.redTarget(blueNo)
	switch {
	case err != nil:
		return nil, err
	case blue.leftToReverse().fen == 0:
		return nil, refuse("6005", "原发票已冲红或正在冲红")
	case buyer != blue.BuyerName:
		return nil, invalid("buyerName 与蓝字发票不一致")
	}
	lines, total := ch.redItems(blue, r.Items)
	if ch.err != nil {
		return nil, ch.err
	}
	return s.requestRed(blue, c, Entry{
		ReqSerialNo: serial, Amount: formatFen(total), Lines: lines,
		ReturnNo: string(r.ReturnNo), DefinedData: string(r.DefinedData),
	})
}

// redItems checks the lines of a partial reversal and returns them with their
// total, which is negative.
func (c *checker) redItems(blue *Invoice, items []redItem) (lines []RedLine, total int64) {
	count := len(items)
	seen := map[int]bool{}
	for i := range items {
		it := &items[i]
		index, ok := blue.lineAt(c.required("blueItemNo", it.BlueItemNo, chars(1, 8)))
		if !ok {
			c.fail(refuse("6012", "蓝字发票没有该明细行"))
			return nil, 0
		}
		if seen[index] {
			c.fail(invalid("同一蓝字明细行不能出现两次"))
		}
		seen[index] = true
		l := &blue.lines[index]
		c.sameLine(l, it)
		line, fen := c.redAmounts(l, it)
		lines = append(lines, line)
		total += fen
		if it.Discount != "" {
			count++
		}
	}
	if len(items) == 0 {
		c.fail(invalid("itemList 不能为空"))
	}
	if count > maxLines {
		c.fail(invalid("itemList 不能超过 %d 行（折扣行计入）", maxLines))
	}
	return lines, total
}

// sameLine checks what must be as on the blue line.
func (c *checker) sameLine(l *line, it *redItem) {
	rate, err := parseDecimal(string(it.TaxRate), 2)
	switch {
	case err != nil:
		c.fail(refuse("8006", "税率不存在"))
	case it.ZeroTaxFlag == "0":
		c.fail(refuse("8015", "红字明细的零税率标识只能为 1、2、3"))
	case l.item.Deduction != "":
		c.fail(invalid("沙箱不支持差额征税发票的部分冲红"))
	case string(it.GoodsName) != l.item.Name, string(it.TaxCode) != l.item.TaxCode,
		string(it.ZeroTaxFlag) != l.item.ZeroTaxFlag, rate.Cmp(big.NewInt(l.rate)) != 0:
		c.fail(refuse("6012", "明细与蓝字发票不一致"))
	default:
		c.zeroRate(l.rate, it.ZeroTaxFlag, it.PreferentialFlag, it.VATSpecialManage)
	}
}

// redAmounts checks a line's signs and sums, and that so much is left of it.
// A quantity above what is left is answered like such an amount, with 6009.
func (c *checker) redAmounts(l *line, it *redItem) (RedLine, int64) {
	if it.IncludeTaxFlag != "1" {
		c.fail(invalid("沙箱只支持 includeTaxFlag 为 1（含税）"))
	}
	amount := c.fen("invoiceAmount", it.Amount)
	if amount >= 0 {
		c.fail(refuse("6015", "价税合计金额必须小于 0"))
	}
	fen := amount
	if it.Discount != "" {
		discount := c.fen("discountAmount", it.Discount)
		switch {
		case discount <= 0:
			c.fail(invalid("红字明细的 discountAmount 必须为正数"))
		case discount > -amount:
			c.fail(refuse("8007", "折扣金额大于项目金额"))
		}
		fen += discount
	}
	quantity := c.redQuantity(it, amount)
	left := l.left()
	switch {
	case fen >= 0: // a discount of all
		c.fail(refuse("6015", "价税合计金额必须小于 0"))
	case quantity.Sign() > 0 && l.whole.quantity == 0:
		c.fail(refuse("6012", "蓝字明细没有数量"))
	case -fen > left.fen, quantity.Cmp(big.NewInt(left.quantity)) > 0:
		c.fail(refuse("6009", "金额大于剩余可冲红金额"))
	default:
		c.redTax(left, l.part(-fen, quantity.Int64()), it.TaxAmount)
	}
	line := RedLine{BlueItemNo: string(it.BlueItemNo), Amount: formatFen(fen)}
	if quantity.Sign() > 0 {
		line.Quantity = formatDecimal8(quantity)
	}
	return line, fen
}

// redQuantity checks a line's price and quantity and returns the quantity
// without its sign, 0 when there is none.
func (c *checker) redQuantity(it *redItem, amount int64) *big.Int {
	none := new(big.Int)
	if it.Quantity == "" && it.UnitPrice == "" {
		return none
	}
	quantity, err := parseDecimal(string(it.Quantity), 8)
	if err != nil || quantity.Sign() >= 0 {
		c.fail(invalid("红字明细的 quantity 必须为负数，并与 unitPrice 同时填写"))
		return none
	}
	price, err := parseDecimal(string(it.UnitPrice), 8)
	if err != nil || price.Sign() <= 0 {
		c.fail(invalid("红字明细的 unitPrice 必须为正数，并与 quantity 同时填写"))
		return none
	}
	quantity.Neg(quantity)
	if lineFen(price, quantity).Cmp(big.NewInt(-amount)) != 0 {
		c.fail(refuse("8016", "单价乘以数量不等于金额"))
	}
	return quantity
}

// redTax checks the tax of a line, which is better left out.
func (c *checker) redTax(left, part share, v piaotong.Scalar) {
	if v == "" {
		return
	}
	switch tax := c.fen("taxRateAmount", v); {
	case tax > 0:
		c.fail(refuse("6016", "税额不能大于 0"))
	case -tax > left.tax:
		c.fail(refuse("6010", "税额大于剩余可冲红税额"))
	case -tax != part.tax:
		c.fail(refuse("8011", "税额与税率不符"))
	}
}
