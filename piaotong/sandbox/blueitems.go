package sandbox

import (
	"math/big"
	"strconv"

	"tillagent/piaotong"
)

// blueItem is a line of 2.9. Amounts and price are with tax or without, as
// includeTaxFlag says; "0", without, is the default.
type blueItem struct {
	GoodsName        piaotong.Scalar `json:"goodsName"`
	TaxCode          piaotong.Scalar `json:"taxClassificationCode"`
	Specification    piaotong.Scalar `json:"specificationModel"`
	MeteringUnit     piaotong.Scalar `json:"meteringUnit"`
	Quantity         piaotong.Scalar `json:"quantity"`
	IncludeTaxFlag   piaotong.Scalar `json:"includeTaxFlag"`
	UnitPrice        piaotong.Scalar `json:"unitPrice"`
	Amount           piaotong.Scalar `json:"invoiceAmount"`
	TaxRate          piaotong.Scalar `json:"taxRateValue"`
	TaxAmount        piaotong.Scalar `json:"taxRateAmount"`
	Discount         piaotong.Scalar `json:"discountAmount"`
	DiscountTax      piaotong.Scalar `json:"discountTaxRateAmount"`
	Deduction        piaotong.Scalar `json:"deductionAmount"`
	PreferentialFlag piaotong.Scalar `json:"preferentialPolicyFlag"`
	ZeroTaxFlag      piaotong.Scalar `json:"zeroTaxFlag"`
	VATSpecialManage piaotong.Scalar `json:"vatSpecialManage"`
}

// taxTolerance is by how much a tax that is sent may differ from what the rate
// says, in fen. The platform's is not documented.
const taxTolerance = 1

// blueItems checks the lines of a 2.9 and returns them with their total with
// tax, in fen.
func (c *checker) blueItems(r *blueRequest) (items []Item, total int64) {
	lines := len(r.Items)
	for i := range r.Items {
		it := &r.Items[i]
		item, fen := c.blueItem(it, string(r.SpecialKind))
		items = append(items, item)
		total += fen
		if it.Discount != "" {
			lines++
		}
		if it.Deduction != "" && len(r.Items) > 1 {
			c.fail(refuse("8013", "差额征税发票只能有一行明细"))
		}
	}
	switch {
	case len(r.Items) == 0:
		c.fail(invalid("itemList 不能为空"))
	case lines > maxLines:
		c.fail(invalid("itemList 不能超过 %d 行（折扣行计入）", maxLines))
	case c.err == nil && total <= 0:
		c.fail(invalid("价税合计必须大于 0"))
	case total > maxFen:
		c.fail(invalid("价税合计超过 99999999.99"))
	}
	return items, total
}

// maxFen is the largest amount that the platform's fields can hold.
const maxFen = 99_999_999_99

func (c *checker) blueItem(it *blueItem, special string) (Item, int64) {
	name := c.required("goodsName", it.GoodsName, gbk(1, 100))
	spec := c.optional("specificationModel", it.Specification, gbk(1, 40))
	unit := c.optional("meteringUnit", it.MeteringUnit, gbk(1, 20))
	code := c.required("taxClassificationCode", it.TaxCode, chars(1, 50))
	if code != "" && (!digitsPattern.MatchString(code) || len(code) > 19) {
		c.fail(refuse("8005", "税收分类编码不存在"))
	}
	rate := c.rate(it.TaxRate, it.ZeroTaxFlag)
	c.zeroRate(rate, it.ZeroTaxFlag, it.PreferentialFlag, it.VATSpecialManage)
	c.oneOf("includeTaxFlag", it.IncludeTaxFlag, "0", "1")
	amount := c.fen("invoiceAmount", it.Amount)
	if amount < 0 {
		c.fail(invalid("蓝字发票的 invoiceAmount 不能为负"))
		return Item{}, 0
	}
	quantity := c.blueQuantity(it, amount)
	switch {
	case special == "08" && (unit != "升" || quantity == ""):
		c.fail(invalid("成品油发票的单位必须为升，且必须填写数量和单价"))
	case special == "02" && rate != 0:
		c.fail(invalid("农产品收购发票只能使用零税率"))
	}
	total, tax := c.blueTax(it, amount, rate)
	item := Item{
		Name: name, TaxCode: code, Spec: spec, Unit: unit, Rate: strconv.FormatInt(rate, 10), ZeroTaxFlag: string(it.ZeroTaxFlag),
		Quantity: quantity, Amount: formatFen(total), Deduction: string(it.Deduction),
	}
	discount, err := parseFen(string(it.Discount))
	if err == nil {
		if it.IncludeTaxFlag != "1" {
			discount -= taxOn(-discount, rate)
		}
		item.Discount = formatFen(discount)
	}
	if tax != rowsTax(total, discount, rate) {
		item.Tax = formatFen(tax)
	}
	return item, total
}

// taxOn is the tax on an amount without tax: amount × rate, rounded half up.
// Amount in fen, not negative; rate in percent.
func taxOn(fen, rate int64) int64 { return (2*fen*rate + 100) / 200 }

// blueTax returns a line's total with tax and the tax in it, discount taken
// off. A tax that is sent is used as it is, if it fits the rate.
func (c *checker) blueTax(it *blueItem, amount, rate int64) (total, tax int64) {
	of := taxOn
	if it.IncludeTaxFlag == "1" {
		of = taxIn
	}
	var discount int64 // positive
	if it.Discount != "" {
		discount = -c.fen("discountAmount", it.Discount)
		switch {
		case discount <= 0:
			c.fail(invalid("蓝字发票的 discountAmount 必须为负数"))
			return 0, 0
		case discount > amount:
			c.fail(refuse("8007", "折扣金额大于项目金额"))
			return 0, 0
		}
	} else if it.DiscountTax != "" {
		c.fail(invalid("没有 discountAmount 时不能填写 discountTaxRateAmount"))
	}
	net := amount - discount
	if it.Deduction != "" {
		deduction := c.fen("deductionAmount", it.Deduction)
		if deduction < 0 || deduction > net+of(net, rate)*bit(it.IncludeTaxFlag != "1") {
			c.fail(refuse("8012", "扣除额大于价税合计"))
			return 0, 0
		}
		net -= deduction
		tax = of(max(net, 0), rate)
		net += deduction
	} else {
		tax = of(amount, rate) - of(discount, rate)
	}
	switch {
	case it.TaxAmount != "":
		tax = c.givenTax(it, amount, discount, rate, of)
	case it.DiscountTax != "":
		c.fail(invalid("taxRateAmount 与 discountTaxRateAmount 必须同时填写"))
	}
	if it.IncludeTaxFlag == "1" {
		return net, tax
	}
	return net + tax, tax
}

// givenTax is the tax that a line and its discount name themselves.
func (c *checker) givenTax(it *blueItem, amount, discount, rate int64, of func(fen, rate int64) int64) int64 {
	tax := c.fen("taxRateAmount", it.TaxAmount)
	if it.Deduction == "" && !near(tax, of(amount, rate)) {
		c.fail(refuse("8011", "税额与税率不符"))
	}
	if discount == 0 {
		return tax
	}
	off := of(discount, rate)
	if it.DiscountTax != "" {
		given := -c.fen("discountTaxRateAmount", it.DiscountTax)
		if !near(given, off) {
			c.fail(refuse("8017", "折扣税额与税率不符"))
		}
		off = given
	}
	return tax - off
}

func near(a, b int64) bool { return a-b <= taxTolerance && b-a <= taxTolerance }

func bit(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// blueQuantity checks that price and quantity are both there or both not, and
// that they make the amount (8016).
func (c *checker) blueQuantity(it *blueItem, amount int64) string {
	price := c.factor("unitPrice", it.UnitPrice, 17)
	quantity := c.factor("quantity", it.Quantity, 17)
	switch {
	case price == nil && quantity == nil:
		return ""
	case price == nil || quantity == nil:
		c.fail(invalid("unitPrice 与 quantity 必须同时填写或同时不填"))
		return ""
	case price.Sign() == 0 || quantity.Sign() == 0:
		c.fail(invalid("unitPrice 与 quantity 不能为 0"))
		return ""
	case lineFen(price, quantity).Cmp(big.NewInt(amount)) != 0:
		c.fail(refuse("8016", "单价乘以数量不等于金额"))
	}
	return formatDecimal8(quantity)
}

// zeroRatePolicies are the texts that go with a zero-rate flag; the plain zero
// rate, 3, has none.
var zeroRatePolicies = map[piaotong.Scalar]string{"0": "出口零税", "1": "免税", "2": "不征税"}

// zeroRate checks the three fields of a tax privilege together. That rate and
// flag fit each other was checked before.
func (c *checker) zeroRate(rate int64, flag, preferential, manage piaotong.Scalar) {
	c.oneOf("preferentialPolicyFlag", preferential, "0", "1")
	c.optional("vatSpecialManage", manage, gbk(1, 100))
	privileged := preferential == "1"
	switch {
	case privileged && manage == "":
		c.fail(refuse("8008", "享受优惠政策时增值税特殊管理不能为空"))
	case rate > 0:
	case zeroRatePolicies[flag] == "" && (privileged || manage != ""):
		c.fail(invalid("普通零税率不能填写优惠政策"))
	case zeroRatePolicies[flag] != "" && (!privileged || string(manage) != zeroRatePolicies[flag]):
		c.fail(invalid("零税率标识 %s 须有 preferentialPolicyFlag 1、vatSpecialManage %s", flag, zeroRatePolicies[flag]))
	}
}
