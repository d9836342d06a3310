package receipt

import (
	"strings"

	"tillagent/printer"
	"tillagent/trade"
)

// ticket is what a sale asks of the kitchen: goods and quantities, large enough
// to be read from a rail, and no prices.
func (d *doc) ticket(p Paper) {
	d.add(printer.Line{Text: "厨打单", Align: printer.AlignCenter, Size: printer.SizeBig})
	d.labelled("sale", p.Sale.ID)
	d.labelled("time", clock(p.Sale.SoldAt))
	if p.Sale.Register != "" {
		d.labelled("register", p.Sale.Register)
	}
	d.rule()
	for _, l := range p.Sale.Items {
		d.order(l)
	}
	d.rule()
	d.remark(p)
}

// order is one line of a ticket, its quantity at the right; below the name where
// both have no room in one row.
func (d *doc) order(l trade.Line) {
	name, count := strings.TrimSpace(l.Name+" "+l.Spec), quantity(l)
	gap := d.Columns - printer.Width(name) - printer.Width(count)
	if gap >= 1 {
		name, count = name+strings.Repeat(" ", gap)+count, ""
	}
	d.add(printer.Line{Text: strings.TrimRight(name, " "), Size: printer.SizeTall, Bold: true})
	if count != "" {
		d.add(printer.Line{Text: count, Align: printer.AlignRight, Size: printer.SizeTall, Bold: true})
	}
}
