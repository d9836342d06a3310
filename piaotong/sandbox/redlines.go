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
// it fails; net amount and tax of a line are each held to what is left of them;
// a tax that is sent is used as it is where it is near what the rate says or is
// all that is left.

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

// redItem is a line of 2.37 and 2.28: one of 2.9, with other signs, of a line of
// the blue invoice.
type redItem struct {
	BlueItemNo piaotong.Scalar `json:"blueItemNo"`
	blueItem
}

// redLines is 2.37.
func (s *Sandbox) redLines(c call) (any, error) {
	var r struct {
		partyFields
		TaxpayerNum     piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo     piaotong.Scalar `json:"invoiceReqSerialNo"`
		BlueAllEleInvNo piaotong.Scalar `json:"blueAllEleInvNo"`
		BlueCode        piaotong.Scalar `json:"oldInvoiceCode"`
		BlueNo          piaotong.Scalar `json:"oldInvoiceNo"`
		Reason          piaotong.Scalar `json:"redReason"`
		ReturnNo        piaotong.Scalar `json:"returnNo"`
		Remark          piaotong.Scalar `json:"remark"`
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
	ch.optional("returnNo", r.ReturnNo, chars(1, 200))
	ch.optional("remark", r.Remark, gbk(1, 200))
	ch.parties(&r.partyFields)
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
	case string(r.BuyerName) != blue.BuyerName:
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
	c.optional("specificationModel", it.Specification, gbk(1, 40))
	c.optional("meteringUnit", it.MeteringUnit, gbk(1, 20))
	rate, err := parseDecimal(string(it.TaxRate), 2)
	switch {
	case err != nil:
		c.fail(refuse("8006", "税率不存在"))
	case it.ZeroTaxFlag == "0":
		c.fail(refuse("8015", "红字明细的零税率标识只能为 1、2、3"))
	case l.item.Deduction == "" && it.Deduction != "":
		c.fail(refuse("6011", "征税方式与蓝字发票不一致"))
	case l.item.Deduction != "":
		c.fail(invalid("沙箱不支持差额征税发票的部分冲红"))
	case string(it.GoodsName) != l.item.Name, string(it.TaxCode) != l.item.TaxCode,
		string(it.ZeroTaxFlag) != l.item.ZeroTaxFlag, rate.Cmp(big.NewInt(l.rate)) != 0:
		c.fail(refuse("6012", "明细与蓝字发票不一致"))
	default:
		c.zeroRate(l.rate, it.ZeroTaxFlag, it.PreferentialFlag, it.VATSpecialManage)
	}
}

// redAmounts checks a line's signs and sums, and that so much is left of it, of
// net amount and tax each. A quantity above what is left is answered like such
// an amount, with 6009. Fen is with tax.
func (c *checker) redAmounts(l *line, it *redItem) (_ RedLine, fen int64) {
	c.oneOf("includeTaxFlag", it.IncludeTaxFlag, "0", "1")
	amount := c.fen("invoiceAmount", it.Amount)
	if amount >= 0 {
		c.fail(refuse("6015", "价税合计金额必须小于 0"))
		return RedLine{}, 0
	}
	var discount int64
	if it.Discount != "" {
		discount = c.fen("discountAmount", it.Discount)
		switch {
		case discount <= 0:
			c.fail(invalid("红字明细的 discountAmount 必须为正数"))
			return RedLine{}, 0
		case discount > -amount:
			c.fail(refuse("8007", "折扣金额大于项目金额"))
		}
	}
	quantity := c.redQuantity(it, amount)
	of := taxOn
	if it.IncludeTaxFlag == "1" {
		of = taxIn
	}
	off := of(discount, l.rate)
	computed := of(-amount, l.rate) - off
	part := share{fen: -amount - discount, tax: c.redTax(it, computed, off), quantity: quantity.Int64()}
	if it.IncludeTaxFlag != "1" {
		part.fen += part.tax
	}
	c.within(l, part, computed)
	line := RedLine{BlueItemNo: string(it.BlueItemNo), Amount: formatFen(-part.fen), Tax: formatFen(-part.tax)}
	if quantity.Sign() > 0 {
		line.Quantity = formatDecimal8(quantity)
	}
	return line, -part.fen
}

// within checks that a part is left of a line, and that its tax is near what
// the rate says, unless it is all that is left.
func (c *checker) within(l *line, part share, computed int64) {
	left := l.left()
	switch {
	case part.fen <= 0: // a discount of all
		c.fail(refuse("6015", "价税合计金额必须小于 0"))
	case part.quantity > 0 && l.whole.quantity == 0:
		c.fail(refuse("6012", "蓝字明细没有数量"))
	case part.fen-part.tax > left.fen-left.tax, part.quantity > left.quantity:
		c.fail(refuse("6009", "金额大于剩余可冲红金额"))
	case part.tax > left.tax:
		c.fail(refuse("6010", "税额大于剩余可冲红税额"))
	case part.tax < 0, part.fen != left.fen && !near(part.tax, computed):
		c.fail(refuse("8011", "税额与税率不符"))
	}
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

// redTax is the tax of a line less its discount's, off: each as it is sent, else
// as the platform computes it.
func (c *checker) redTax(it *redItem, computed, off int64) int64 {
	switch {
	case it.DiscountTax == "":
	case it.Discount == "" || it.TaxAmount == "":
		c.fail(invalid("discountTaxRateAmount 须与折扣金额、税额同时填写"))
	default:
		given := c.fen("discountTaxRateAmount", it.DiscountTax)
		if given < 0 || !near(given, off) {
			c.fail(refuse("8017", "折扣税额与税率不符"))
		}
		off = given
	}
	if it.TaxAmount == "" {
		return computed
	}
	tax := c.fen("taxRateAmount", it.TaxAmount)
	if tax > 0 {
		c.fail(refuse("6016", "税额不能大于 0"))
	}
	return -tax - off
}
