// Package receipt says how paper looks: a sale, its QR code and the shop's
// wishes become a document that the printer package encodes. It is pure: the
// same paper gives the same document.
//
// What a shop may change is its header, its footer, the order of the blocks and
// their labels, see [Template]. What the paper says about the invoice is ours:
// it claims no more than is known.
package receipt

import (
	"fmt"
	"image"
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
	// Columns is the paper's width in cells: 32 (58 mm), 42 or 48 (80 mm).
	Columns int
	// Template is the shop's own order and wording; nil is the built-in one.
	Template *Template
	// Voucher gives the 8 characters of a sale's 凭证码, see [Vouchers]; nil prints
	// none.
	Voucher func(saleID string) string
}

// Paper is one piece of paper to lay out.
type Paper struct {
	Kind     trade.Paper
	Sale     trade.Sale
	Standing trade.Standing
	Refund   *trade.Refund // of a refund's receipt
	Mark     trade.Mark
	Nth      int       // which printing this is: 2 for the first reprint
	Now      time.Time // the time of a reprint or a refund's receipt
	Drawer   bool      // open the drawer before it
	// Claim is the address where a customer claims the invoice of a sale that has
	// no QR code yet, through the relay; "" where there is none.
	Claim string
	// Training marks practice: nothing of it is sold or invoiced.
	Training bool
}

// Layout lays the paper out.
func (s Shop) Layout(p Paper) printer.Doc {
	d := s.doc()
	if p.Drawer {
		d.drawer()
	}
	d.mark(p)
	switch p.Kind {
	case trade.PaperSlip:
		d.slip(p)
	case trade.PaperRefund:
		d.header(p)
		d.refund(p)
		d.footer(p)
	case trade.PaperTicket:
		d.ticket(p)
	default:
		for _, block := range s.Template.blocks() {
			blocks[block](d, p)
		}
	}
	d.mark(p)
	d.add(printer.Cut{})
	return d.Doc
}

// Block is what the agent adds to a receipt that the POS lays out by itself: the
// QR code or, where it is not there, what to do instead. See [Shop.Lines] and
// [printer.InsertBeforeCut].
func (s Shop) Block(p Paper) printer.Doc {
	d := s.doc()
	if p.Drawer {
		d.drawer()
	}
	d.mark(p)
	d.claim(p)
	if !p.Training && !d.vouched {
		d.voucher(p)
	}
	return d.Doc
}

// doc is a document being written.
type doc struct {
	printer.Doc
	Shop
	vouched bool // the 凭证码 stands by itself on it
}

func (s Shop) doc() *doc { return &doc{Shop: s} }

func (d *doc) add(e ...printer.Element) { d.Doc = append(d.Doc, e...) }

func (d *doc) left(text string) { d.add(printer.Line{Text: text}) }

func (d *doc) center(text string) { d.add(printer.Line{Text: text, Align: printer.AlignCenter}) }

func (d *doc) loud(text string) {
	d.add(printer.Line{Text: text, Align: printer.AlignCenter, Bold: true})
}

// rule draws a line, never two in a row.
func (d *doc) rule() {
	if n := len(d.Doc); n > 0 {
		if _, is := d.Doc[n-1].(printer.Rule); is {
			return
		}
	}
	d.add(printer.Rule{Char: '-'})
}

// word gives a label in the shop's wording.
func (d *doc) word(key string) string { return d.Template.word(key) }

// labelled is a label and what it names, such as 单号 S1.
func (d *doc) labelled(key, text string) { d.left(d.word(key) + " " + text) }

func (d *doc) drawer() {
	if d.DrawerPin != 0 {
		d.add(printer.Drawer{Pin: d.DrawerPin})
	}
}

// pair puts one text on the left and one on the right of a row, apart.
func (d *doc) pair(left, right string) {
	d.add(printer.Columns{{Text: left}, {Text: right, Width: printer.Width(right) + 1, Align: printer.AlignRight}})
}

// mark tells a second piece of paper from the first, above and below.
func (d *doc) mark(p Paper) {
	if p.Training {
		d.loud("练习单 不可开票 不作凭证")
	}
	switch p.Mark {
	case trade.MarkReprint:
		d.loud(fmt.Sprintf("*** 重打 第%d次 ***", p.Nth))
		d.center("重打时间 " + clock(p.Now))
	case trade.MarkCutOff:
		d.loud("*** 补打:前张可能不完整 ***")
		d.center("重打时间 " + clock(p.Now))
	}
}

// claim says how the customer gets the invoice: by the QR code, or, where it
// is not there, truthfully what to do instead.
func (d *doc) claim(p Paper) {
	if p.Training {
		return
	}
	if qr := p.Standing.OnPaper(); qr != nil {
		d.center(d.word("scan"))
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
		if p.Claim != "" {
			d.offline(p)
			return
		}
		d.center("网络暂不可用,未能生成开票码")
		d.center("请保留小票,凭单号到本店收银台")
		d.center("补打开票码")
	case trade.StateRejected:
		d.center("本单未能生成开票码")
		d.center("请保留小票,凭单号到本店收银台")
	default:
		return
	}
	d.center(d.word("sale") + " " + p.Sale.ID)
	d.center("补打截止 " + day(qr.ExpiresAt))
}

// offline leads to the relay, which has the sale once the till is online again.
func (d *doc) offline(p Paper) {
	d.center(d.word("scan"))
	d.add(printer.QR{Data: p.Claim})
	d.center("【离线单】")
	d.center("本单待联网上传,若提示处理中,")
	d.center("请稍后(一般10分钟内)再扫")
	d.voucher(p)
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
	d.center(d.word("sale") + " " + p.Sale.ID)
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
	d.grand("合计", p.Sale.Total)
	if qr := p.Standing.OnPaper(); qr != nil {
		if qr.Amount != p.Sale.Total {
			d.pair("可开票金额", qr.Amount.String())
		}
		d.center(d.word("scan"))
		d.qr(*qr)
	}
	if p.Sale.Wish == trade.WishDirect {
		d.direct(p)
	}
	d.voucher(p)
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
	d.returned(p)
	d.grand("退款", p.Refund.Amount)
	d.rule()
	if p.Training {
		return
	}
	for _, l := range refundTexts(p) {
		d.center(l)
	}
	d.voucher(p)
}

// returned lists what comes back, where the POS said so.
func (d *doc) returned(p Paper) {
	for _, r := range p.Refund.Lines {
		if r.Line < 1 || r.Line > len(p.Sale.Items) {
			continue
		}
		l := p.Sale.Items[r.Line-1]
		name := l.Name
		if r.Quantity != 0 {
			name += " × " + r.Quantity.String() + l.Unit
		}
		d.pair(name, r.Amount.String())
	}
	d.rule()
}

// refundTexts say what became of the QR code or the invoice.
func refundTexts(p Paper) []string {
	part := p.Standing.Refunded() < p.Standing.Total
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
		if p.Refund.Path == trade.PathVoid {
			return []string{"原开票码须人工处理,请联系店员"}
		}
		return []string{"原发票须人工处理,请联系店员"}
	}
	if p.Sale.Wish == trade.WishDirect { // which has no code, and maybe no invoice
		return []string{"原发票处理中"}
	}
	return []string{"原开票码作废处理中"}
}

func clock(t time.Time) string { return t.In(trade.Beijing).Format("2006-01-02 15:04:05") }

func day(t time.Time) string { return t.In(trade.Beijing).Format("2006-01-02") }

// fours groups an extract code: 1234 5678 9012.
func fours(code string) string { return grouped(code, " ") }
