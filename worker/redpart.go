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

// matchLines finds what a refund takes from each line of the sale on the blue
// invoice, by name, tax class and rate. The platform puts the tax class's short
// name before a name (*餐饮服务*午餐).
func matchLines(r *queue.Record, red *trade.Invoice, blue []piaotong.RedInitLine) ([]piaotong.RedLine, bool) {
	left := make([]trade.Money, len(blue))
	for i, b := range blue {
		net, err1 := trade.ParseMoney(b.RemainAmount)
		tax, err2 := trade.ParseMoney(b.RemainTax)
		if err1 != nil || err2 != nil {
			return nil, false
		}
		left[i] = net + tax
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
	var lines []piaotong.RedLine
	for _, part := range trade.Parts(r.Sale.Items, earlier, refund) {
		item := r.Sale.Items[part.Line]
		found := false
		for i, b := range blue {
			rate, err := trade.ParseRate(b.Rate)
			if err != nil || rate != item.Rate || b.TaxCode != item.TaxCode || left[i] < part.Amount || !sameName(b.Name, item.Name) {
				continue
			}
			left[i] -= part.Amount
			line := piaotong.RedLine{BlueItemNo: b.BlueItemNo, Name: b.Name, TaxCode: b.TaxCode, Rate: b.Rate, ZeroTaxFlag: b.ZeroTaxFlag, Amount: (-part.Amount).String()}
			if part.Quantity > 0 && b.RemainQuantity != "" && item.UnitPrice.Times(part.Quantity) == part.Amount {
				line.Quantity, line.UnitPrice = (-part.Quantity).String(), item.UnitPrice.String()
			}
			lines, found = append(lines, line), true
			break
		}
		if !found {
			return nil, false
		}
	}
	return lines, len(lines) > 0
}

func sameName(onInvoice, name string) bool {
	return onInvoice == name || strings.HasPrefix(onInvoice, "*") && strings.HasSuffix(onInvoice, "*"+name)
}
