package sandbox

import (
	"fmt"
	"math/big"
	"strconv"
)

// line is one line of a blue invoice, discount taken off, and what was
// reversed of it or is being so.
type line struct {
	item       Item
	rate       int64 // percent
	whole, red share
}

// share is an amount with its tax and quantity: of a line, or of a part of it.
type share struct {
	fen      int64 // with tax
	tax      int64 // in fen
	quantity int64 // in units of 10⁻⁸; 0 where a line has none
}

func (a share) plus(b share) share {
	return share{a.fen + b.fen, a.tax + b.tax, a.quantity + b.quantity}
}

func (a share) minus(b share) share {
	return share{a.fen - b.fen, a.tax - b.tax, a.quantity - b.quantity}
}

// within reports whether a can be taken from what is left.
func (a share) within(left share) bool {
	return a.fen <= left.fen && a.tax <= left.tax && a.fen-a.tax <= left.fen-left.tax && a.quantity <= left.quantity
}

// left is what can still be reversed of the line.
func (l *line) left() share { return l.whole.minus(l.red) }

// rowsTax is the tax of a line after its discount, which is a row of its own on
// the invoice, with a tax of its own: of each the tax is rounded. Fen with tax,
// discount taken off; the discount, negative or 0, with tax.
func rowsTax(fen, discount, rate int64) int64 {
	return taxIn(fen-discount, rate) - taxIn(-discount, rate)
}

// part is a share of the line of a reversal that a ledger names without its
// tax, as those of earlier versions do: with a tax that leaves neither net
// amount nor tax below zero. Fen and quantity must be within what is left.
func (l *line) part(fen, quantity int64) share {
	left := l.left()
	if fen == left.fen {
		return left
	}
	tax := min(max(taxIn(fen, l.rate), fen-(left.fen-left.tax)), left.tax)
	return share{fen, tax, quantity}
}

// newLines makes an invoice's lines from the items of its codes.
func newLines(items []Item) ([]line, error) {
	lines := make([]line, 0, len(items))
	for _, it := range items {
		fen, err := parseFen(it.Amount)
		if err != nil {
			return nil, fmt.Errorf("amount %q: %v", it.Amount, err)
		}
		rate, err := strconv.ParseInt(it.Rate, 10, 64)
		if err != nil || rate < 0 || rate > 100 {
			return nil, fmt.Errorf("rate %q is not a percentage", it.Rate)
		}
		var discount int64
		if it.Discount != "" {
			if discount, err = parseFen(it.Discount); err != nil {
				return nil, fmt.Errorf("discount %q: %v", it.Discount, err)
			}
		}
		tax := rowsTax(fen, discount, rate)
		if it.Tax != "" {
			if tax, err = parseFen(it.Tax); err != nil {
				return nil, fmt.Errorf("tax %q: %v", it.Tax, err)
			}
		}
		var quantity int64
		if it.Quantity != "" {
			n, err := parseDecimal(it.Quantity, 8)
			if err != nil {
				return nil, fmt.Errorf("quantity %q: %v", it.Quantity, err)
			}
			quantity = n.Int64() // 16 digits at most
		}
		lines = append(lines, line{item: it, rate: rate, whole: share{fen, tax, quantity}})
	}
	return lines, nil
}

// sum adds up one share of every line.
func sum(lines []line, of func(*line) share) share {
	var total share
	for i := range lines {
		total = total.plus(of(&lines[i]))
	}
	return total
}

func whole(l *line) share { return l.whole }
func red(l *line) share   { return l.red }

// netPrice is the price without tax of one unit of the line, "" when it has
// no quantity.
func (l *line) netPrice() string {
	if l.whole.quantity == 0 {
		return ""
	}
	return formatDecimal8(factorOf(l.whole.fen-l.whole.tax, big.NewInt(l.whole.quantity)))
}

// splitItems spreads items over n invoices: whole items as long as there are
// enough, else halves of the largest one, which lose their quantity.
func splitItems(items []Item, n int) ([][]Item, error) {
	items = append([]Item{}, items...)
	for len(items) < n {
		largest, most := 0, int64(0)
		for i, it := range items {
			fen, err := parseFen(it.Amount)
			if err != nil {
				return nil, err
			}
			if fen > most {
				largest, most = i, fen
			}
		}
		if most < 2 {
			return nil, badInput("the amount is too small for %d invoices", n)
		}
		half := items[largest]
		half.Quantity, half.Discount, half.Tax, half.Deduction = "", "", "", ""
		items[largest] = half
		items[largest].Amount = formatFen(most - most/2)
		half.Amount = formatFen(most / 2)
		items = append(items, half)
	}
	out := make([][]Item, n)
	for i, it := range items {
		out[i%n] = append(out[i%n], it)
	}
	return out, nil
}
