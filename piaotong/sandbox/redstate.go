package sandbox

import (
	"fmt"
	"slices"
	"strconv"

	"tillagent/piaotong"
)

func (st *state) applyRed(e Entry) error {
	blue := st.invoices[e.BlueSerial]
	if blue == nil {
		return fmt.Errorf("unknown blue invoice %q", e.BlueSerial)
	}
	var parts []redPart
	var err error
	if e.ConfirmNo != "" {
		c := st.confirms[e.ConfirmNo]
		if c == nil {
			return fmt.Errorf("unknown confirmation %q", e.ConfirmNo)
		}
		parts = c.parts
	} else if parts, err = blue.redParts(e.Lines); err != nil {
		return err
	}
	total := sumParts(parts)
	inv := &Invoice{
		ReqSerialNo: e.ReqSerialNo, Type: piaotong.TypeRed, TradeNo: blue.TradeNo, BuyerName: blue.BuyerName,
		Amount: formatFen(-total.fen), NetAmount: formatFen(total.tax - total.fen), TaxAmount: formatFen(-total.tax),
		BlueSerial: blue.ReqSerialNo, ConfirmNo: e.ConfirmNo, DefinedData: e.DefinedData, Kind: blue.Kind, Account: blue.Account,
		digest: e.Digest, fen: -total.fen, parts: parts,
	}
	st.add(inv, e)
	st.take(inv)
	return nil
}

func sumParts(parts []redPart) share {
	var total share
	for _, p := range parts {
		total = total.plus(p.share)
	}
	return total
}

// redParts is what a red invoice takes from its blue one: the named lines, or
// all that is left.
func (inv *Invoice) redParts(named []RedLine) ([]redPart, error) {
	var parts []redPart
	if len(named) == 0 {
		for i := range inv.lines {
			if left := inv.lines[i].left(); left.fen > 0 {
				parts = append(parts, redPart{i, left})
			}
		}
		return parts, nil
	}
	for _, n := range named {
		fen, err := parseFen(n.Amount)
		if err != nil {
			return nil, err
		}
		i, ok := inv.lineAt(n.BlueItemNo)
		if !ok {
			return nil, fmt.Errorf("invoice %q has no line %q", inv.ReqSerialNo, n.BlueItemNo)
		}
		var quantity int64
		if n.Quantity != "" {
			q, err := parseDecimal(n.Quantity, 8)
			if err != nil {
				return nil, err
			}
			quantity = q.Int64()
		}
		left := inv.lines[i].left()
		p := inv.lines[i].part(-fen, quantity)
		if n.Tax != "" && -fen != left.fen {
			tax, err := parseFen(n.Tax)
			if err != nil {
				return nil, err
			}
			p.tax = -tax
		}
		if !p.within(left) {
			return nil, fmt.Errorf("more of line %q than is left", n.BlueItemNo)
		}
		parts = append(parts, redPart{i, p})
	}
	return parts, nil
}

// lineAt finds a line by its number, which counts from 1.
func (inv *Invoice) lineAt(no string) (index int, ok bool) {
	n, err := strconv.Atoi(no)
	return n - 1, err == nil && n >= 1 && n <= len(inv.lines)
}

// hold books parts on the lines of a blue invoice; release undoes that.
func (inv *Invoice) hold(parts []redPart) {
	for _, p := range parts {
		l := &inv.lines[p.line]
		l.red = l.red.plus(p.share)
	}
}

func (inv *Invoice) release(parts []redPart) {
	for _, p := range parts {
		l := &inv.lines[p.line]
		l.red = l.red.minus(p.share)
	}
}

// take books a red invoice on its blue one; giveBack undoes that. What a red
// invoice of a confirmation takes, the confirmation holds already.
func (st *state) take(inv *Invoice) {
	blue := st.invoices[inv.BlueSerial]
	if inv.ConfirmNo == "" {
		blue.hold(inv.parts)
	} else {
		st.confirms[inv.ConfirmNo].RedSerial = inv.ReqSerialNo
	}
	blue.RedSerials = append(blue.RedSerials, inv.ReqSerialNo)
	blue.RedSerial = inv.ReqSerialNo
}

func (st *state) giveBack(inv *Invoice) {
	blue := st.invoices[inv.BlueSerial]
	if inv.ConfirmNo == "" {
		blue.release(inv.parts)
	} else {
		st.confirms[inv.ConfirmNo].RedSerial = ""
	}
	blue.RedSerials = slices.DeleteFunc(blue.RedSerials, func(s string) bool { return s == inv.ReqSerialNo })
	blue.RedSerial = ""
	if n := len(blue.RedSerials); n > 0 {
		blue.RedSerial = blue.RedSerials[n-1]
	}
}

// canTake reports whether a red invoice that came to nothing can still be issued.
func (st *state) canTake(inv *Invoice) bool {
	if inv.ConfirmNo != "" {
		c := st.confirms[inv.ConfirmNo]
		return c.mayIssue() && c.RedSerial == ""
	}
	blue := st.invoices[inv.BlueSerial]
	return !slices.ContainsFunc(inv.parts, func(p redPart) bool {
		return !p.within(blue.lines[p.line].left())
	})
}

// redFlag says how far a blue invoice is reversed.
func (st *state) redFlag(inv *Invoice) string {
	issued := func(serial string) bool { return st.invoices[serial].Code == piaotong.StateIssued }
	switch {
	case len(inv.RedSerials) == 0:
		return NotRed
	case slices.ContainsFunc(inv.RedSerials, func(s string) bool { return !issued(s) }):
		return BeingRed
	case sum(inv.lines, red).fen < inv.fen:
		return PartRed
	}
	return AlreadyRed
}
