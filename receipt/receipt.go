// Package receipt says how paper looks: a sale, its QR code and the shop's
// wishes become a document that the printer package encodes. It is pure: the
// same paper gives the same document.
package receipt

import (
	"fmt"
	"image"
	"strings"
	"time"

	"tillagent/printer"
	"tillagent/trade"
)

// Shop is what a shop wants on its paper.
type Shop struct {
	Header []string // the first line stands large
	Footer []string
	Logo   image.Image // nil for none
	// DrawerPin is the drawer connector's pin, 2 or 5; 0 where there is no drawer.
	DrawerPin int
	// Columns is the paper's width in cells: 32 (58 mm) or 48 (80 mm).
	Columns int
}

// Paper is one piece of paper to lay out.
type Paper struct {
	Kind     trade.Paper
	Sale     trade.Sale
	Standing trade.Standing
	Refund   *trade.Refund // of a refund's receipt
	Mark     trade.Mark
	Nth      int       // of a reprint, from 1
	Now      time.Time // the time of a reprint or a refund's receipt
	Drawer   bool      // open the drawer with it
}

// Layout lays the paper out.
func (s Shop) Layout(p Paper) printer.Doc {
	d := doc{columns: s.Columns}
	if p.Drawer && s.DrawerPin != 0 {
		d.add(printer.Drawer{Pin: s.DrawerPin})
	}
	d.mark(p)
	switch p.Kind {
	case trade.PaperSlip:
		d.slip(p)
	case trade.PaperRefund:
		d.header(s)
		d.refund(p)
	default:
		d.header(s)
		d.sale(p)
		d.claim(p)
	}
	if p.Kind != trade.PaperSlip && len(s.Footer) > 0 {
		d.add(printer.Feed{Lines: 1})
		for _, l := range s.Footer {
			d.center(l)
		}
	}
	d.mark(p)
	d.add(printer.Cut{})
	return d.Doc
}

// doc is a document being written.
type doc struct {
	printer.Doc
	columns int
}

func (d *doc) add(e ...printer.Element) { d.Doc = append(d.Doc, e...) }

func (d *doc) left(text string) { d.add(printer.Line{Text: text}) }

func (d *doc) center(text string) { d.add(printer.Line{Text: text, Align: printer.AlignCenter}) }

func (d *doc) rule() { d.add(printer.Rule{Char: '-'}) }

// pair puts one text on the left and one on the right of a row.
func (d *doc) pair(left, right string) {
	d.add(printer.Columns{{Text: left}, {Text: right, Width: printer.Width(right), Align: printer.AlignRight}})
}

// mark tells a second piece of paper from the first, above and below.
func (d *doc) mark(p Paper) {
	switch p.Mark {
	case trade.MarkReprint:
		d.add(printer.Line{Text: fmt.Sprintf("*** 重打 第%d次 ***", p.Nth), Align: printer.AlignCenter, Bold: true})
		d.center("重打时间 " + clock(p.Now))
	case trade.MarkCutOff:
		d.add(printer.Line{Text: "*** 补打:前张可能不完整 ***", Align: printer.AlignCenter, Bold: true})
		d.center("重打时间 " + clock(p.Now))
	}
}

func (d *doc) header(s Shop) {
	if s.Logo != nil {
		d.add(printer.Image{Image: s.Logo})
	}
	for i, l := range s.Header {
		size := printer.SizeNormal
		if i == 0 {
			size = printer.SizeBig
		}
		d.add(printer.Line{Text: l, Align: printer.AlignCenter, Size: size})
	}
	if len(s.Header) > 0 {
		d.add(printer.Feed{Lines: 1})
	}
}

// sale writes what was sold, at what price, and how it was paid.
func (d *doc) sale(p Paper) {
	s := p.Sale
	d.left("单号 " + s.ID)
	d.left("时间 " + clock(s.SoldAt))
	if who := d.who(s); who != "" {
		d.left(who)
	}
	d.rule()
	wide := d.columns >= 40
	if wide {
		d.add(d.row("品名", "数量", "单价", "金额"))
	} else {
		d.pair("品名", "金额")
	}
	d.rule()
	for _, l := range s.Items {
		name := l.Name
		if l.Spec != "" {
			name += " " + l.Spec
		}
		switch count := quantity(l); {
		case wide:
			d.add(d.row(name, count, l.UnitPriceText(), l.Amount.String()))
		case count == "":
			d.pair(name, l.Amount.String())
		default:
			d.left(name)
			if l.UnitPrice != 0 {
				count += " × " + l.UnitPriceText()
			}
			d.pair("  "+count, l.Amount.String())
		}
		if l.Discount != 0 {
			d.pair("  折扣", l.Discount.String())
		}
	}
	d.rule()
	d.total("合计", s.Total)
	paid := trade.Money(0)
	for _, pay := range s.Payments {
		d.pair(pay.Method, pay.Amount.String())
		paid += pay.Amount
	}
	if paid > s.Total {
		d.pair("找零", (paid - s.Total).String())
	}
	if back := p.Standing.Refunded(); back > 0 {
		d.pair("已退", (-back).String())
	}
	if s.Remark != "" {
		d.left("备注 " + s.Remark)
	}
	d.rule()
}

func (d *doc) who(s trade.Sale) string {
	var parts []string
	if s.Cashier != "" {
		parts = append(parts, "收银 "+s.Cashier)
	}
	if s.Register != "" {
		parts = append(parts, "机号 "+s.Register)
	}
	return strings.Join(parts, "  ")
}

// row is a line of the wide table: the name takes what the figures leave.
func (d *doc) row(name, count, price, amount string) printer.Columns {
	return printer.Columns{{Text: name}, {Text: count, Width: 10, Align: printer.AlignRight},
		{Text: price, Width: 9, Align: printer.AlignRight}, {Text: amount, Width: 10, Align: printer.AlignRight}}
}

// total stands tall, its label left and the amount right, without breaking
// where the amount is long.
func (d *doc) total(label string, m trade.Money) {
	text := "￥" + m.String()
	gap := max(1, d.columns-printer.Width(label)-printer.Width(text))
	d.add(printer.Line{Text: label + strings.Repeat(" ", gap) + text, Size: printer.SizeTall, Bold: true})
}

func quantity(l trade.Line) string {
	if l.Quantity == 0 {
		return ""
	}
	return l.Quantity.String() + l.Unit
}

// claim says how the customer gets the invoice: by the QR code, or, where it
// is not there, truthfully what to do instead.
func (d *doc) claim(p Paper) {
	if qr := p.Standing.OnPaper(); qr != nil {
		d.center("扫码自助开具电子发票")
		d.qr(*qr)
		return
	}
	if p.Sale.Wish == trade.WishDirect {
		d.direct(p)
		return
	}
	qr := p.Standing.Current()
	if qr == nil || len(p.Standing.Refunds) > 0 {
		return
	}
	switch p.Standing.View() {
	case trade.StateQueued:
		d.center("网络暂不可用,未能生成开票码")
		d.center("请保留小票,凭单号到本店收银台")
		d.center("补打开票码")
	case trade.StateRejected:
		d.center("本单未能生成开票码")
		d.center("请保留小票,凭单号到本店收银台")
	default:
		return
	}
	d.center("单号 " + p.Sale.ID)
	d.center("补打截止 " + day(qr.ExpiresAt))
}

// direct says how far the invoice is that was asked for with the sale.
func (d *doc) direct(p Paper) {
	if len(p.Standing.Refunds) > 0 {
		return
	}
	switch p.Standing.View() {
	case trade.StateInvoiced:
		d.center("电子发票已开具")
	case trade.StateInvoicing, trade.StateQueued:
		d.center("电子发票开具中")
	case trade.StateAuthRequired, trade.StateInvoiceFailed, trade.StateRejected:
		d.center("电子发票暂未开出")
		d.center("请保留小票,凭单号到本店收银台")
	default:
		return
	}
	if url := p.Standing.LinkOnPaper(); url != "" {
		d.center("扫码查看发票")
		d.add(printer.QR{Data: url})
		return
	}
	d.center("单号 " + p.Sale.ID)
}

func (d *doc) qr(q trade.QR) {
	d.add(printer.QR{Data: q.URL})
	if q.ExtractCode != "" {
		d.center("提取码 " + fours(q.ExtractCode))
	}
	d.center("开票截止 " + day(q.ExpiresAt))
}

// slip is the QR code alone, for a receipt that went out without it.
func (d *doc) slip(p Paper) {
	title := "补打开票码"
	if p.Sale.Wish == trade.WishDirect {
		title = "电子发票"
	}
	d.add(printer.Line{Text: title, Align: printer.AlignCenter, Size: printer.SizeBig})
	d.left("原单 " + p.Sale.ID)
	d.left("原单时间 " + clock(p.Sale.SoldAt))
	d.total("合计", p.Sale.Total)
	if qr := p.Standing.OnPaper(); qr != nil {
		if qr.Amount != p.Sale.Total {
			d.pair("可开票金额", qr.Amount.String())
		}
		d.center("扫码自助开具电子发票")
		d.qr(*qr)
	}
	if p.Sale.Wish == trade.WishDirect {
		d.direct(p)
	}
}

// refund is the receipt of a refund. It claims no more than is known.
func (d *doc) refund(p Paper) {
	d.add(printer.Line{Text: "退货单", Align: printer.AlignCenter, Size: printer.SizeBig})
	d.left("退货单号 " + p.Refund.ID)
	d.left("原单 " + p.Sale.ID)
	d.left("原单时间 " + clock(p.Sale.SoldAt))
	d.left("退货时间 " + clock(p.Refund.CreatedAt))
	d.left("原因 " + trade.Reasons[p.Refund.Reason])
	d.rule()
	d.total("退款", p.Refund.Amount)
	d.rule()
	for _, l := range refundTexts(p) {
		d.center(l)
	}
}

// refundTexts say what became of the QR code or the invoice.
func refundTexts(p Paper) []string {
	part := p.Refund.Amount != p.Standing.Total
	switch p.Refund.State {
	case trade.RefDone:
		switch p.Refund.Path {
		case trade.PathCancel:
			if part {
				return []string{"原单未开票,按余额开票"}
			}
			return []string{"原单未开票,已取消"}
		case trade.PathVoid:
			if part && p.Standing.View() != trade.StateVoided {
				return []string{"原开票码已作废", "余额的开票码另纸打印"}
			}
			return []string{"原开票码已作废"}
		case trade.PathRedFlush, trade.PathRedPart:
			texts := []string{"已红冲"}
			for _, i := range p.Standing.Invoices {
				if i.Kind == trade.Red && i.RefundID == p.Refund.ID && i.Number != "" {
					texts = append(texts, "红字发票号码", i.Number)
				}
			}
			return texts
		}
		return nil
	case trade.RefWaitRed, trade.RefWaitIssue:
		return []string{"原发票红冲处理中"}
	case trade.RefNeedsPerson:
		return []string{"原发票须人工处理,请联系店员"}
	}
	return []string{"原开票码作废处理中"}
}

func clock(t time.Time) string { return t.In(trade.Beijing).Format("2006-01-02 15:04:05") }

func day(t time.Time) string { return t.In(trade.Beijing).Format("2006-01-02") }

// fours groups an extract code: 1234 5678 9012.
func fours(code string) string {
	var b strings.Builder
	for i, c := range code {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}
