package worker

import (
	"cmp"
	"context"
	"slices"
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

// exported reports whether a line has the export zero rate, which 2.37 does not
// take.
func exported(l piaotong.RedLine) bool { return l.ZeroTaxFlag == "0" }

// redPart reverses a refund's lines on a blue invoice: 2.36 tells what is left
// of it, 2.37 reverses. Where the lines cannot be found, or not be reversed by
// lines, nothing is sent.
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
	if slices.ContainsFunc(lines, exported) {
		return trade.Unmatched{Op: c.Op, Why: trade.Say(trade.ExportByHand, (-red.Amount).String())}, nil
	}
	buyer := left.BuyerName
	if buyer == "" {
		if buyer, err = w.blueBuyer(ctx, c.Record, red.BlueSerial); err != nil {
			return nil, unsent{err}
		}
	}
	req := piaotong.RedLines{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: red.Serial, BlueAllEleInvNo: blue.AllEleInvNo, BlueCode: blue.Code, BlueNo: blue.No,
		ReturnNo: red.RefundID, BuyerName: buyer, DefinedData: red.RefundID, Lines: lines}
	if r := s.Refund(red.RefundID); r != nil {
		req.Reason = trade.Reasons[r.Reason]
	}
	w.anotherToken(ctx)
	_, err = w.Platform.RedFlushLines(ctx, req)
	return trade.RedAccepted{Serial: red.Serial}, err
}

// unsent marks a failure before the changing call went out: whatever it was,
// nothing was changed.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// blueBuyer is the buyer's name on a blue invoice, which its red one must carry:
// of a direct one the sale's buyer; of a scanned one what the customer typed,
// which 2.12 alone tells. Where the platform does not tell, it is taken to be
// what the sale proposed to the customer, or nobody's. An error is one after
// which 2.12 may be asked again.
func (w *Worker) blueBuyer(ctx context.Context, r *queue.Record, serial string) (string, error) {
	known := cmp.Or(r.Sale.Buyer.Name, anonymous)
	if r.Sale.Wish == trade.WishDirect {
		return known, nil
	}
	w.anotherToken(ctx)
	full, err := w.Platform.QueryFullInvoice(ctx, piaotong.InvoiceRef{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: serial})
	switch kind := piaotong.KindOf(err); {
	case err == nil:
		return cmp.Or(full.Buyer.Name, known), nil
	case kind == piaotong.Unavailable, kind == piaotong.Unknown, kind == piaotong.Pending:
		return "", err
	}
	w.Log.Warn("the platform does not tell the buyer of an invoice", "sale", r.Sale.ID, "serial", serial, "err", masked(err))
	return known, nil
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
	for i := range blue {
		if blue[i].taken > 0 {
			out = append(out, blue[i].red())
		}
	}
	return out, len(out) > 0
}

// takePart takes a part of a sale's line from the invoice: from one line of
// which nothing was taken yet where there is one, else from several.
func takePart(blue []blueLine, item trade.Line, part trade.Part) bool {
	need := part.Amount
	for i := range blue {
		if b := &blue[i]; b.is(item) && b.taken == 0 && b.left() >= need {
			b.take(item, need)
			b.quantity, b.price = part.Quantity, item.UnitPrice
			return true
		}
	}
	for i := range blue {
		if b := &blue[i]; b.is(item) && need > 0 && b.left() > b.taken {
			a := min(need, b.left()-b.taken)
			b.take(item, a)
			b.quantity = 0
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
