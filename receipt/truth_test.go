package receipt

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/trade"
)

// TestPaperClaimsWhatIsKnown holds what a paper says, and what it never says, of
// sales as they may stand.
func TestPaperClaimsWhatIsKnown(t *testing.T) {
	direct := func(state trade.InvoiceState, refunds ...trade.Refund) Paper {
		sale := lunch()
		sale.Wish = trade.WishDirect
		return Paper{Kind: trade.PaperReceipt, Sale: sale, Standing: trade.Standing{SaleID: sale.ID, Total: sale.Total, Wish: trade.WishDirect, Refunds: refunds,
			Invoices: []trade.Invoice{{Serial: "DEMO0000000000000001", Kind: trade.Blue, State: state, Amount: sale.Total, ViewURL: "https://fpkj.example.cn/i/1"}}}}
	}
	slip := func(p Paper) Paper { p.Kind = trade.PaperSlip; return p }
	withQR := func(state trade.QRState, refunds ...trade.Refund) Paper {
		s := standing(state)
		s.Refunds = refunds
		return Paper{Kind: trade.PaperReceipt, Sale: lunch(), Standing: s}
	}
	refund := func(p Paper, nth int, invoices ...trade.Invoice) Paper {
		p.Kind, p.Refund = trade.PaperRefund, &p.Standing.Refunds[nth]
		p.Standing.Invoices = append(p.Standing.Invoices, invoices...)
		return p
	}
	whole := func(state trade.RefundState, path trade.Path) trade.Refund {
		return trade.Refund{ID: "R-1", Amount: 14050, Reason: trade.SalesReturn, State: state, Path: path, CreatedAt: noon}
	}
	part := func(id string, amount trade.Money, path trade.Path) trade.Refund {
		return trade.Refund{ID: id, Amount: amount, Reason: trade.SalesReturn, State: trade.RefDone, Path: path, CreatedAt: noon}
	}
	red := func(refundID, number string) trade.Invoice {
		return trade.Invoice{Serial: "R" + refundID + number, Kind: trade.Red, RefundID: refundID, State: trade.InvIssued, Amount: -100, Number: number}
	}
	bare := withQR(trade.QRActive)
	bare.Standing.QRs[0].ExtractCode = ""
	late := withQR(trade.QRActive)
	late.Standing.QRs[0].ExpiresAt = time.Date(2026, 12, 30, 16, 30, 0, 0, time.UTC)
	exact := withQR(trade.QRActive)
	exact.Sale.Payments = []trade.Payment{{Method: "微信", Amount: 14050}}
	two := []trade.Refund{part("R-1", 3000, trade.PathRedPart), part("R-2", 4000, trade.PathRedPart)}
	blue := trade.Invoice{Kind: trade.Blue, RefundID: "R-1", State: trade.InvRedPart, Number: "26119999999999999999"}

	for name, tt := range map[string]struct {
		paper     Paper
		says, not string // texts with | between them
	}{
		"direct, in line":                           {direct(trade.InvReady), "电子发票开具中|单号 POS1", "扫码|电子发票已开具|网络"},
		"direct, sent":                              {direct(trade.InvInFlight), "电子发票开具中", "电子发票已开具"},
		"direct, running":                           {direct(trade.InvIssuing), "电子发票开具中|扫码查看发票", "扫码自助"},
		"direct, issued":                            {direct(trade.InvIssued), "电子发票已开具|扫码查看发票", "开具中"},
		"direct, auth":                              {direct(trade.InvBlocked), "电子发票暂未开出|请保留小票,凭单号到本店收银台", "已开具|开具中|扫码"},
		"direct, failed":                            {direct(trade.InvFailed), "电子发票暂未开出", "已开具|开具中|扫码"},
		"direct, rejected":                          {direct(trade.InvRejected), "电子发票暂未开出", "已开具|开具中|扫码"},
		"direct, refunded":                          {direct(trade.InvIssued, whole(trade.RefWaitRed, trade.PathRedFlush)), "已退", "已开具|开具中|扫码"},
		"direct, slip":                              {slip(direct(trade.InvIssued)), "电子发票已开具|扫码查看发票", "补打开票码"},
		"direct, refund in doubt":                   {refund(direct(trade.InvUnknown, whole(trade.RefWaitCertainty, trade.PathWait)), 0), "原发票处理中", "开票码|红冲"},
		"refund in doubt":                           {refund(withQR(trade.QRUnknown, whole(trade.RefWaitCertainty, trade.PathWait)), 0), "原开票码作废处理中", "已作废"},
		"refund while issuing":                      {refund(withQR(trade.QRSubmitted, whole(trade.RefWaitIssue, trade.PathWait)), 0), "原发票红冲处理中", "已红冲|开票码"},
		"refund, void by hand":                      {refund(withQR(trade.QRActive, whole(trade.RefNeedsPerson, trade.PathVoid)), 0), "原开票码须人工处理", "发票|已作废"},
		"refund, red by hand":                       {refund(withQR(trade.QRConsumed, whole(trade.RefNeedsPerson, trade.PathRedFlush)), 0), "原发票须人工处理", "已红冲"},
		"refund of a part, code of the rest voided": {refund(withQR(trade.QRVoided, part("R-1", 3000, trade.PathVoid)), 0), "原开票码已作废", "余额"},
		"first of two refunds":                      {refund(withQR(trade.QRConsumed, two...), 0, blue, red("R-1", "26110000000000000011"), red("R-2", "26110000000000000022")), "已红冲|红字发票号码|26110000000000000011", "00022|99999"},
		"red without its number yet":                {refund(withQR(trade.QRConsumed, two...), 1, blue, red("R-1", "26110000000000000011"), red("R-2", "")), "已红冲", "红字发票号码"},
		"refunded before it was sent":               {withQR(trade.QRReady, whole(trade.RefWaitCertainty, trade.PathWait)), "已退", "网络暂不可用|补打"},
		"no extract code":                           {bare, "扫码自助开具电子发票|开票截止", "提取码"},
		"last day in Beijing":                       {late, "开票截止 2026-12-31", "2026-12-30"},
		"paid to the fen":                           {exact, "微信", "找零"},
	} {
		for _, columns := range []int{32, 48} {
			profile, _ := printer.ProfileByName(map[int]string{32: "generic-58", 48: "generic-80"}[columns])
			text := printer.Text((Shop{Columns: columns}).Layout(tt.paper), profile)
			for _, want := range strings.Split(tt.says, "|") {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %s on\n%s", name, want, text)
				}
			}
			for _, never := range strings.Split(tt.not, "|") {
				if strings.Contains(text, never) {
					t.Errorf("%s: %s stands on\n%s", name, never, text)
				}
			}
		}
	}
}

// TestVoucherOnceInTheBlock: support finds the code on every paper of a sale, and
// training has none.
func TestVoucherOnceInTheBlock(t *testing.T) {
	p80, _ := printer.ProfileByName("generic-80")
	shop := Shop{Columns: 48, Voucher: Vouchers([]byte("k"))}
	for name, p := range map[string]Paper{
		"with its code": {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive)},
		"offline":       {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRReady), Claim: "https://relay.example.cn/c/1"},
	} {
		for training, want := range map[bool]int{false: 1, true: 0} {
			p.Training = training
			if got := strings.Count(printer.Text(shop.Block(p), p80), "凭证码"); got != want {
				t.Errorf("%s, training %v: %d of them", name, training, got)
			}
		}
	}
}

// TestFiguresStandApart holds that figures which fill their column do not run into
// what stands before them.
func TestFiguresStandApart(t *testing.T) {
	for name, l := range map[string]trade.Line{
		"price":    {Name: "黄金摆件", Quantity: 1_0000_0000, UnitPrice: 123456_7800_0000, Amount: 12345600},
		"amount":   {Name: "黄金摆件", Quantity: 1_0000_0000, UnitPrice: 10_0000_0000, Amount: 123456789},
		"tax":      {Name: "黄金摆件", Quantity: 1_0000_0000, UnitPrice: 1_0000_0000, Amount: 999_999_999_999_99, Rate: 13},
		"quantity": {Name: "黄金摆件黄金摆件黄5", Unit: "公斤", Quantity: 1234_6000_0000, UnitPrice: 1_0000_0000, Amount: 123460},
	} {
		for _, model := range models(t) {
			sale := lunch()
			sale.Items, sale.Total = []trade.Line{l}, 9_999_999_999_999
			text := onPaper(t, (Shop{Columns: model.Columns}).Layout(Paper{Kind: trade.PaperReceipt, Sale: sale}), model).Text
			words := strings.Fields(text)
			for _, want := range []string{l.Tax().String(), l.Quantity.String() + l.Unit, l.UnitPriceText(), l.Amount.String(), "合计"} {
				if !slices.Contains(words, want) {
					t.Errorf("%s on %s: %s does not stand alone in\n%s", name, model.Name, want, text)
				}
			}
		}
	}
	sale := lunch()
	sale.Items = []trade.Line{{Name: "茶", Unit: "份", Quantity: 2_0000_0000, Amount: 600}}
	p58, _ := printer.ProfileByName("generic-58")
	if text := printer.Text((Shop{Columns: 32}).Layout(Paper{Kind: trade.PaperReceipt, Sale: sale}), p58); !strings.Contains(text, "  2份 ") || strings.Contains(text, "×") {
		t.Errorf("a price that was not given:\n%s", text)
	}
}
