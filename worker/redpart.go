package worker

import (
	"context"
	"strings"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// anonymous is the buyer of an invoice without a title.
const anonymous = "个人"

// blueOf names the blue invoice that a red one reverses.
func blueOf(s *trade.Standing, red *trade.Invoice) piaotong.BlueRef {
	blue := s.Invoice(red.BlueSerial)
	if blue == nil {
		return piaotong.BlueRef{}
	}
	if blue.Number != "" {
		return piaotong.BlueRef{AllEleInvNo: blue.Number}
	}
	return piaotong.BlueRef{Code: blue.Code, No: blue.No}
}

// redPart reverses a refund's lines on a blue invoice: 2.36 tells what is left
// of it, 2.37 reverses. Where the lines cannot be found nothing is sent.
func (w *Worker) redPart(ctx context.Context, c *queue.OpClaim) (trade.Event, error) {
	s := &c.Record.Standing
	red := s.Invoice(c.Op.Serial)
	blue := blueOf(s, red)
	blue.TaxpayerNum = w.Issuer.TaxpayerNum
	left, err := w.Platform.InitRed(ctx, blue)
	if err != nil {
		return nil, unsent{err}
	}
	lines, ok := matchLines(c.Record, red, left.Lines)
	if !ok {
		return trade.Unmatched{Op: c.Op, Why: trade.Say(trade.LinesByHand)}, nil
	}
	req := piaotong.RedLines{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: red.Serial, BlueAllEleInvNo: blue.AllEleInvNo, BlueCode: blue.Code, BlueNo: blue.No,
		ReturnNo: red.RefundID, BuyerName: left.BuyerName, DefinedData: red.RefundID, Lines: lines}
	if req.BuyerName == "" {
		req.BuyerName = anonymous
	}
	if r := s.Refund(red.RefundID); r != nil {
		req.Reason = trade.Reasons[r.Reason]
	}
	_, err = w.Platform.RedFlushLines(ctx, req)
	return trade.RedAccepted{Serial: red.Serial}, err
}

// unsent marks a failure before the changing call went out: whatever it was,
// nothing was changed.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// blueLine is a line of a blue invoice, and what a refund takes from it.
type blueLine struct {
	piaotong.RedInitLine
	rate     trade.Rate
	left     trade.Money
	taken    trade.Money
	quantity trade.Decimal // with price; zero where taken is of several parts or of a part of one
	price    trade.Decimal
}

func readBlue(lines []piaotong.RedInitLine) ([]blueLine, bool) {
	blue := make([]blueLine, len(lines))
	for i, l := range lines {
		net, err1 := trade.ParseMoney(l.RemainAmount)
		tax, err2 := trade.ParseMoney(l.RemainTax)
		rate, err3 := trade.ParseRate(l.Rate)
		if err1 != nil || err2 != nil || err3 != nil {
			return nil, false
		}
		blue[i] = blueLine{RedInitLine: l, rate: rate, left: net + tax}
	}
	return blue, true
}

// matchLines finds what a refund takes from each line of the sale on the blue
// invoice, by name, tax class and rate. Lines that are the same in these stand
// in for each other; 2.37 takes each line of the invoice once.
func matchLines(r *queue.Record, red *trade.Invoice, lines []piaotong.RedInitLine) ([]piaotong.RedLine, bool) {
	blue, ok := readBlue(lines)
	if !ok {
		return nil, false
	}
	var earlier []trade.Refund
	var refund trade.Refund
	for _, f := range r.Standing.Refunds {
		if f.ID == red.RefundID {
			refund = f
			break
		}
		earlier = append(earlier, f)
	}
	for _, part := range trade.Parts(r.Sale.Items, earlier, refund) {
		if !takePart(blue, r.Sale.Items[part.Line], part) {
			return nil, false
		}
	}
	var out []piaotong.RedLine
	for _, b := range blue {
		if b.taken == 0 {
			continue
		}
		line := piaotong.RedLine{BlueItemNo: b.BlueItemNo, Name: b.Name, TaxCode: b.TaxCode, Rate: b.Rate, ZeroTaxFlag: b.ZeroTaxFlag, Amount: (-b.taken).String()}
		if b.quantity > 0 && b.RemainQuantity != "" && b.price.Times(b.quantity) == b.taken {
			line.Quantity, line.UnitPrice = (-b.quantity).String(), b.price.String()
		}
		out = append(out, line)
	}
	return out, len(out) > 0
}

// takePart takes a part of a sale's line from the invoice: from one line of
// which nothing was taken yet where there is one, else from several.
func takePart(blue []blueLine, item trade.Line, part trade.Part) bool {
	need := part.Amount
	for i := range blue {
		if b := &blue[i]; b.is(item) && b.taken == 0 && b.left >= need {
			b.taken, b.quantity, b.price = need, part.Quantity, item.UnitPrice
			return true
		}
	}
	for i := range blue {
		if b := &blue[i]; b.is(item) && need > 0 && b.left > b.taken {
			a := min(need, b.left-b.taken)
			b.taken, b.quantity = b.taken+a, 0
			need -= a
		}
	}
	return need == 0
}

// is reports whether a line is of an item's kind. The platform puts the tax
// class's short name before a name (*餐饮服务*午餐).
func (b *blueLine) is(item trade.Line) bool {
	return b.rate == item.Rate && b.TaxCode == item.TaxCode && sameName(b.Name, item.Name)
}

func sameName(onInvoice, name string) bool {
	return onInvoice == name || strings.HasPrefix(onInvoice, "*") && strings.HasSuffix(onInvoice, "*"+name)
}
