package worker

import (
	"cmp"

	"tillagent/piaotong"
	"tillagent/trade"
)

// blueLine is a line of a blue invoice, and what a refund takes from it.
type blueLine struct {
	piaotong.RedInitLine
	rate     trade.Rate
	net, tax trade.Money   // what is left
	taken    trade.Money   // with tax
	quantity trade.Decimal // with price; zero where taken is of several parts or of a part of one
	price    trade.Decimal // with tax
}

func readBlue(lines []piaotong.RedInitLine) ([]blueLine, bool) {
	blue := make([]blueLine, len(lines))
	for i, l := range lines {
		net, err1 := trade.ParseMoney(l.RemainAmount)
		tax, err2 := trade.ParseMoney(l.RemainTax)
		rate, err3 := trade.ParseRate(l.Rate)
		if err1 != nil || err2 != nil || err3 != nil || net < 0 || tax < 0 {
			return nil, false
		}
		blue[i] = blueLine{RedInitLine: l, rate: rate, net: net, tax: tax}
	}
	return blue, true
}

// left is what is left of the line with tax.
func (b *blueLine) left() trade.Money { return b.net + b.tax }

// take takes an amount with tax of an item from the line. 2.36 may leave out
// the kind of a zero rate, which the sale knows.
func (b *blueLine) take(item trade.Line, amount trade.Money) {
	b.taken += amount
	b.ZeroTaxFlag = cmp.Or(b.ZeroTaxFlag, item.ZeroTaxFlag)
}

// red is the line of 2.37 that reverses what was taken.
//
// The platform holds net amount and tax each to what is left of them (6009,
// 6010), and its own rounding may be a cent off: of the 11.16 and 0.34 left of a
// line it makes 11.17 and 0.33. So what clears a line, and what needs another
// tax than the platform would compute, names both.
func (b *blueLine) red() piaotong.RedLine {
	line := piaotong.RedLine{BlueItemNo: b.BlueItemNo, Name: b.Name, TaxCode: b.TaxCode, Rate: b.Rate, ZeroTaxFlag: b.ZeroTaxFlag, Amount: (-b.taken).String()}
	tax := b.redTax()
	net := b.taken - tax
	clears := b.taken == b.left()
	if !clears && tax == b.rate.TaxWithin(b.taken) {
		line.Quantity, line.UnitPrice = b.figures(b.quantity, b.price, b.taken)
		return line
	}
	line.Tax = (-tax).String()
	if net == 0 { // a cent that is all tax, and amounts must be below zero
		return line
	}
	line.WithoutTax, line.Amount = true, (-net).String()
	if clears {
		quantity, err1 := trade.ParseDecimal(b.RemainQuantity)
		price, err2 := trade.ParseDecimal(b.UnitPrice)
		if err1 == nil && err2 == nil {
			line.Quantity, line.UnitPrice = b.figures(quantity, price, net)
		}
	}
	return line
}

// redTax is the tax in what was taken: all that is left where it clears the
// line; else as the rate says, but so that the rest keeps the tax which the rate
// says to a cent. Otherwise the roundings of many parts add up, and the last
// ones have no tax left, or nothing else. It is never more than is left, nor is
// the net amount.
func (b *blueLine) redTax() trade.Money {
	rest := b.left() - b.taken
	if rest == 0 {
		return b.tax
	}
	exact := b.rate.TaxWithin(b.taken)
	keeping := b.tax - b.rate.TaxWithin(rest) // leaves the rest the tax that the rate says
	tax := within(exact, keeping-1, keeping+1)
	// To a cent it is the rate's (8011), and neither this nor the rest is all tax.
	tax = within(tax, max(exact-1, b.taken-b.net+1), min(exact+1, b.taken-1))
	return within(tax, max(0, b.taken-b.net), min(b.tax, b.taken))
}

func within(m, low, high trade.Money) trade.Money { return min(max(m, low), high) }

// figures are a negative quantity and its price where they make the amount
// exactly (8016) and so much is left; else neither is sent.
func (b *blueLine) figures(quantity, price trade.Decimal, amount trade.Money) (q, p string) {
	left, err := trade.ParseDecimal(b.RemainQuantity)
	if err != nil || quantity <= 0 || quantity > left || price <= 0 || price.Times(quantity) != amount {
		return "", ""
	}
	return (-quantity).String(), price.String()
}
