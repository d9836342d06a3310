package receipt

import (
	"strings"

	"tillagent/printer"
	"tillagent/trade"
)

// blocks are the parts of a receipt, by the names that templates give them.
var blocks = map[string]func(*doc, Paper){
	"logo":     func(d *doc, _ Paper) { d.logo() },
	"header":   (*doc).headerLines,
	"sale":     (*doc).sale,
	"items":    func(d *doc, p Paper) { d.items(p.Sale.Items) },
	"total":    func(d *doc, p Paper) { d.grand(d.word("total"), p.Sale.Total) },
	"payments": (*doc).payments,
	"remark":   (*doc).remark,
	"tax":      func(d *doc, p Paper) { d.tax(p.Sale.Items) },
	"claim":    (*doc).claim,
	"footer":   (*doc).footer,
	"rule":     func(d *doc, _ Paper) { d.rule() },
	"feed":     func(d *doc, _ Paper) { d.add(printer.Feed{Lines: 1}) },
}

// header is the shop's head on papers that no template orders.
func (d *doc) header(p Paper) {
	d.logo()
	d.headerLines(p)
}

func (d *doc) logo() {
	if d.Logo != nil {
		d.add(printer.Image{Image: d.Logo})
	}
}

func (d *doc) headerLines(p Paper) {
	if lines := d.Template.header(); lines != nil {
		d.add(d.filled(lines, p)...)
		return
	}
	for i, l := range d.Header {
		size := printer.SizeNormal
		if i == 0 {
			size = printer.SizeBig
		}
		d.add(printer.Line{Text: l, Align: printer.AlignCenter, Size: size})
	}
	if len(d.Header) > 0 {
		d.add(printer.Feed{Lines: 1})
	}
}

func (d *doc) footer(p Paper) {
	if lines := d.Template.footer(); lines != nil {
		d.add(d.filled(lines, p)...)
		return
	}
	if len(d.Footer) > 0 {
		d.add(printer.Feed{Lines: 1})
	}
	for _, l := range d.Footer {
		d.center(l)
	}
}

// sale names the sale: its number, its time, who sold it where.
func (d *doc) sale(p Paper) {
	d.labelled("sale", p.Sale.ID)
	d.labelled("time", clock(p.Sale.SoldAt))
	var who []string
	if p.Sale.Cashier != "" {
		who = append(who, d.word("cashier")+" "+p.Sale.Cashier)
	}
	if p.Sale.Register != "" {
		who = append(who, d.word("register")+" "+p.Sale.Register)
	}
	if len(who) > 0 {
		d.left(strings.Join(who, "  "))
	}
	if !p.Training {
		if code := d.voucherCode(p); code != "" {
			d.labelled("voucher", code)
		}
	}
}

// items is the table of what was sold, at what price.
func (d *doc) items(items []trade.Line) {
	d.rule()
	wide := d.Columns >= 40
	if wide {
		d.add(row(d.word("item"), d.word("quantity"), d.word("price"), d.word("amount")))
	} else {
		d.pair(d.word("item"), d.word("amount"))
	}
	d.rule()
	for _, l := range items {
		name := l.Name
		if l.Spec != "" {
			name += " " + l.Spec
		}
		switch count, price := quantity(l), l.UnitPriceText(); {
		case wide && len(price) < priceCells && len(l.Amount.String()) < amountCells && printer.Width(count) < countCells:
			d.add(row(name, count, price, l.Amount.String()))
		case count == "":
			d.pair(name, l.Amount.String())
		default:
			d.left(name)
			if l.UnitPrice != 0 {
				count += " × " + price
			}
			d.pair("  "+count, l.Amount.String())
		}
		if l.Discount != 0 {
			d.pair("  "+d.word("discount"), l.Discount.String())
		}
	}
	d.rule()
}

// The columns of the wide table. A figure that would fill its column, and touch
// the one before it, goes below the name instead.
const (
	countCells  = 10
	priceCells  = 9
	amountCells = 10
)

// row is a line of the wide table: the name takes what the figures leave.
func row(name, count, price, amount string) printer.Columns {
	return printer.Columns{{Text: name}, {Text: count, Width: countCells, Align: printer.AlignRight},
		{Text: price, Width: priceCells, Align: printer.AlignRight}, {Text: amount, Width: amountCells, Align: printer.AlignRight}}
}

// grand is an amount that stands tall, its label left and the amount right,
// without breaking where the amount is long.
func (d *doc) grand(label string, m trade.Money) {
	text := "￥" + m.String()
	gap := max(1, d.Columns-printer.Width(label)-printer.Width(text))
	d.add(printer.Line{Text: label + strings.Repeat(" ", gap) + text, Size: printer.SizeTall, Bold: true})
}

func quantity(l trade.Line) string {
	if l.Quantity == 0 {
		return ""
	}
	return l.Quantity.String() + l.Unit
}

// payments says how the sale was paid, what was given back, and what was
// refunded since.
func (d *doc) payments(p Paper) {
	paid := trade.Money(0)
	for _, pay := range p.Sale.Payments {
		d.pair(pay.Method, pay.Amount.String())
		paid += pay.Amount
	}
	if paid > p.Sale.Total {
		d.pair(d.word("change"), (paid - p.Sale.Total).String())
	}
	if back := p.Standing.Refunded(); back > 0 {
		d.pair(d.word("refunded"), (-back).String())
	}
}

func (d *doc) remark(p Paper) {
	if p.Sale.Remark != "" {
		d.labelled("remark", p.Sale.Remark)
	}
}

// tax sums the sale by rate: the amounts with tax and the tax within. Lines
// without a rate are left out.
func (d *doc) tax(items []trade.Line) {
	type group struct {
		label      string
		gross, tax trade.Money
	}
	var groups []group
next:
	for _, l := range items {
		if l.Rate < 0 {
			continue
		}
		label := rateLabel(l)
		for i := range groups {
			if groups[i].label == label {
				groups[i].gross += l.Net()
				groups[i].tax += l.Tax()
				continue next
			}
		}
		groups = append(groups, group{label, l.Net(), l.Tax()})
	}
	if len(groups) == 0 {
		return
	}
	width := min(12, (d.Columns-6)/2)
	line := func(rate, gross, tax string) {
		if max(printer.Width(gross), printer.Width(tax)) >= width { // they would run into each other
			d.left(rate)
			d.add(printer.Columns{{Text: gross, Align: printer.AlignRight}, {Text: tax, Align: printer.AlignRight}})
			return
		}
		d.add(printer.Columns{{Text: rate}, {Text: gross, Width: width, Align: printer.AlignRight}, {Text: tax, Width: width, Align: printer.AlignRight}})
	}
	line(d.word("rate"), d.word("gross"), d.word("tax"))
	for _, g := range groups {
		line(g.label, g.gross.String(), g.tax.String())
	}
}

// rateLabel tells the rates of zero apart (interface 2.9, zeroTaxFlag).
func rateLabel(l trade.Line) string {
	if l.Rate == 0 {
		switch l.ZeroTaxFlag {
		case "0":
			return "出口零税"
		case "1":
			return "免税"
		case "2":
			return "不征税"
		}
	}
	return l.Rate.Percent()
}
