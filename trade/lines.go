package trade

import (
	"fmt"
	"slices"
)

// Part is what a refund takes from one line of a sale.
type Part struct {
	Line     int // index into the sale's items
	Amount   Money
	Quantity Decimal // zero where it is not known
}

// Parts says what a refund takes from each line, given what earlier refunds
// took. Where the POS named no lines, the amount is apportioned by what is
// left of each line, exactly to the fen, as a discount over a whole sale is.
func Parts(items []Line, earlier []Refund, r Refund) []Part {
	return parts(items, netsLeft(items, earlier), r)
}

// parts does so, given what is left of each line.
func parts(items []Line, left []Money, r Refund) []Part {
	var parts []Part
	if len(r.Lines) > 0 {
		for _, l := range r.Lines {
			if i := l.Line - 1; i >= 0 && i < len(items) {
				parts = append(parts, Part{i, l.Amount, l.Quantity})
			}
		}
		return parts
	}
	total := Money(0)
	for _, n := range left {
		total += n
	}
	given, passed := Money(0), Money(0)
	for i, n := range left {
		// The running sum is apportioned, not each line, so that the parts add up.
		passed += n
		upTo := Money(mulDivRound(int64(r.Amount), int64(passed), max(int64(total), 1)))
		if a := upTo - given; a > 0 {
			p := Part{Line: i, Amount: a}
			if a == items[i].Net() {
				p.Quantity = items[i].Quantity
			}
			parts = append(parts, p)
		}
		given = upTo
	}
	return parts
}

// netsLeft is what remains of each line after refunds.
func netsLeft(items []Line, refunds []Refund) []Money {
	left := make([]Money, len(items))
	for i, l := range items {
		left[i] = l.Net()
	}
	for _, r := range refunds {
		for _, p := range parts(items, left, r) {
			left[p.Line] -= p.Amount
		}
	}
	return left
}

// LinesLeft are the lines that the QR code of a generation is made over: the
// sale's, without what refunds took that this generation leaves out.
func LinesLeft(items []Line, refunds []Refund, gen int) []Line {
	lines, left := slices.Clone(items), netsLeft(items, nil)
	for _, r := range refunds {
		if r.Gen == Unaccounted || r.Gen > gen {
			continue
		}
		for _, p := range parts(items, left, r) {
			lines[p.Line] = lines[p.Line].without(p)
			left[p.Line] -= p.Amount
		}
	}
	return slices.DeleteFunc(lines, func(l Line) bool { return l.Net() == 0 && l.Amount == 0 })
}

// without is a line less a part of it. Quantity and price stay where they
// still explain the amount, else both go (interface 2.16: both or neither).
func (l Line) without(p Part) Line {
	net := l.Net() - p.Amount
	if p.Amount == 0 {
		return l
	}
	l.Amount, l.Discount = net, 0
	if q := l.Quantity - p.Quantity; p.Quantity > 0 && q > 0 && l.UnitPrice.Times(q) == net {
		l.Quantity = q
		return l
	}
	l.Quantity, l.UnitPrice = 0, 0
	return l
}

// CheckLines returns what is wrong with the lines of a refund of a sale, given
// the refunds before it.
func CheckLines(items []Line, earlier []Refund, lines []RefundLine) []Problem {
	var c check
	left := netsLeft(items, earlier)
	for i, l := range lines {
		at := fmt.Sprintf("items[%d]", i)
		if l.Line < 1 || l.Line > len(items) {
			c.say(at+".line", NoSuchLine, fmt.Sprint(l.Line))
			continue
		}
		if l.Amount > left[l.Line-1] {
			c.say(at+".amount", LineExceeded, left[l.Line-1].String())
		}
		left[l.Line-1] -= l.Amount
		if q := items[l.Line-1].Quantity; q != 0 && l.Quantity > q {
			c.say(at+".quantity", Between, "0", q.String())
		}
	}
	return c
}
