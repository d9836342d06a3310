package worker

import (
	"context"
	"strings"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// issue asks for the invoice of a sale whose buyer is known (2.9).
func (w *Worker) issue(ctx context.Context, c *queue.OpClaim) (trade.Event, error) {
	taken, err := w.Platform.IssueBlue(ctx, w.issueRequest(c.Record, c.Op))
	return trade.IssueAccepted{Serial: c.Op.Serial, ViewURL: taken.StatusURL}, err
}

// issueRequest makes 2.9's request of a sale. The same sale gives the same
// request each time: a number goes out again with the same data or not at all.
func (w *Worker) issueRequest(r *queue.Record, op trade.Op) piaotong.BlueIssue {
	s, b := r.Sale, r.Sale.Buyer
	req := piaotong.BlueIssue{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: op.Serial, Kind: s.Kind, ShopNum: w.shopNum(s),
		DrawerName: w.Issuer.DrawerName, CashierName: w.Issuer.CashierName, ReviewerName: w.Issuer.ReviewerName,
		Remark: s.Remark, TradeNo: s.ID, DefinedData: s.ID, TakerTel: b.Mobile, TakerEmail: b.Email,
		Buyer: piaotong.BlueBuyer{Name: b.Name, TaxpayerNum: b.TaxNo, NaturalPerson: b.TaxNo == "", Address: b.Address, Tel: b.Phone, BankName: b.Bank, BankAccount: b.Account}}
	for _, l := range invoiced(r, op.Gen) {
		item := piaotong.BlueItem{Name: l.Name, Spec: l.Spec, Unit: l.Unit, TaxCode: l.TaxCode, Rate: l.Rate.String(), ZeroTaxFlag: l.ZeroTaxFlag, Amount: l.Amount.String()}
		item.Quantity, item.UnitPrice, item.Discount = figures(l)
		req.Items = append(req.Items, item)
	}
	return req
}

// shopNum is the shop of a sale: its own, else the till's.
func (w *Worker) shopNum(s trade.Sale) string {
	if s.ShopNum != "" {
		return s.ShopNum
	}
	return w.Issuer.ShopNum
}

// invoiced are the lines that a generation is invoiced over. A gift stands on
// paper; an invoice has no line without an amount.
func invoiced(r *queue.Record, gen int) []trade.Line {
	var lines []trade.Line
	for _, l := range trade.LinesLeft(r.Sale.Items, r.Standing.Refunds, gen) {
		if l.Amount != 0 {
			lines = append(lines, l)
		}
	}
	return lines
}

// figures are the quantity, unit price and discount of a line as the platform
// takes them. 8016: the product of quantity and price is the amount exactly,
// or neither is sent; 10 and 16 characters are the most (2.16).
func figures(l trade.Line) (quantity, price, discount string) {
	if l.Discount != 0 {
		discount = l.Discount.String()
	}
	q, p := l.Quantity.String(), l.UnitPrice.String()
	if l.Quantity != 0 && l.UnitPrice != 0 && l.UnitPrice.Times(l.Quantity) == l.Amount && len(q) <= 10 && len(p) <= 16 {
		quantity, price = q, p
	}
	return quantity, price, discount
}

// foreign reports whether the invoice that 2.11 describes is another sale's. The
// platform's own table gives the trade number 20 characters, so that a longer
// one may come back cut.
func foreign(c *queue.OpClaim, tradeNo string) bool {
	r := c.Record
	i := r.Standing.Invoice(c.Op.Serial)
	return r.Sale.Wish == trade.WishDirect && i != nil && i.Kind == trade.Blue && tradeNo != "" && !strings.HasPrefix(r.Sale.ID, tradeNo)
}
