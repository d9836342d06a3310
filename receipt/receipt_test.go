package receipt

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/trade"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 11, 22, 19, 30, 5, 0, trade.Beijing)

func lunch() trade.Sale {
	return trade.Sale{ID: "POS1-20261122-000123", SoldAt: noon, Total: 14050, Cashier: "小王", Register: "1", Items: []trade.Line{
		{Name: "午市套餐", Unit: "份", Rate: 6, Quantity: 2_0000_0000, UnitPrice: 30_0000_0000, Amount: 6000, Discount: -150},
		{Name: "特级冻顶乌龙茶(大壶)加桂花与陈年老白茶双拼", Spec: "500ml", Unit: "壶", Rate: 13, Quantity: 1_0000_0000, UnitPrice: 82_0000_0000, Amount: 8200},
	}, Payments: []trade.Payment{{Method: "现金", Amount: 15000}}}
}

func standing(state trade.QRState) trade.Standing {
	return trade.Standing{SaleID: "POS1-20261122-000123", Total: 14050, Wish: trade.WishQR, QRs: []trade.QR{{No: "DEMO0000000000000000", Amount: 14050, State: state,
		URL: map[bool]string{true: "https://fpkj.example.cn/q/DEMO0000000000000000"}[state != trade.QRReady], ExtractCode: "123456789012", ExpiresAt: noon.AddDate(0, 0, 39)}}}
}

// TestGolden lays every kind of paper out on both widths. Read the files when
// they change: they are what a customer holds.
func TestGolden(t *testing.T) {
	refunded := func(state trade.RefundState, path trade.Path) Paper {
		s := standing(trade.QRActive)
		s.Refunds = []trade.Refund{{ID: "R-1", Amount: 14050, Reason: trade.SalesReturn, State: state, Path: path, RedSerial: "DEMORED0000000000000", CreatedAt: noon}}
		s.Invoices = []trade.Invoice{{Serial: "DEMORED0000000000000", Kind: trade.Red, RefundID: "R-1", Number: "26112000000000000042"}}
		return Paper{Kind: trade.PaperRefund, Sale: lunch(), Standing: s, Refund: &s.Refunds[0]}
	}
	rest := standing(trade.QRActive)
	rest.QRs[0].Amount -= 3000
	rest.Refunds = []trade.Refund{{ID: "R-1", Amount: 3000, Reason: trade.SalesReturn, State: trade.RefDone, Path: trade.PathVoid, CreatedAt: noon}}
	recorded := lunch()
	recorded.Wish = trade.WishNone
	some := refunded(trade.RefWaitVoid, trade.PathVoid)
	some.Refund.Lines = []trade.RefundLine{{Line: 1, Quantity: 1_0000_0000, Amount: 2925}, {Line: 2, Amount: 8200}, {Line: 9, Amount: 1}}
	mixed := lunch()
	mixed.Items = append(mixed.Items,
		trade.Line{Name: "挂号费", Amount: 1000, ZeroTaxFlag: "1"}, trade.Line{Name: "押金", Amount: 2000, Rate: trade.NoRate},
		trade.Line{Name: "点心", Amount: 333, Rate: 6}, trade.Line{Name: "捐款", Amount: 100, ZeroTaxFlag: "3"})
	mixed.Total, mixed.Remark = 17483, "少糖"
	for name, p := range map[string]Paper{
		"offline":          {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRReady), Claim: "https://relay.example.cn/c/7K2QP/K7Q2-9F3D"},
		"training":         {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive), Training: true},
		"training-refund":  {Kind: trade.PaperRefund, Sale: lunch(), Standing: some.Standing, Refund: some.Refund, Training: true},
		"mixed":            {Kind: trade.PaperReceipt, Sale: mixed, Standing: standing(trade.QRActive)},
		"refund-some":      some,
		"receipt":          {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive)},
		"deferred":         {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRReady)},
		"rejected":         {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRRejected)},
		"recorded":         {Kind: trade.PaperReceipt, Sale: recorded, Standing: trade.Standing{Wish: trade.WishNone}},
		"slip":             {Kind: trade.PaperSlip, Sale: lunch(), Standing: standing(trade.QRActive)},
		"reprint":          {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive), Mark: trade.MarkReprint, Nth: 2, Now: noon.Add(time.Hour)},
		"cut-off":          {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive), Mark: trade.MarkCutOff, Nth: 1, Now: noon.Add(time.Hour)},
		"slip-rest":        {Kind: trade.PaperSlip, Sale: lunch(), Standing: rest},
		"receipt-rest":     {Kind: trade.PaperReceipt, Sale: lunch(), Standing: rest},
		"refund-part":      {Kind: trade.PaperRefund, Sale: lunch(), Standing: rest, Refund: &rest.Refunds[0]},
		"refund-cancelled": refunded(trade.RefDone, trade.PathCancel),
		"refund-voided":    refunded(trade.RefDone, trade.PathVoid),
		"refund-voiding":   refunded(trade.RefWaitVoid, trade.PathVoid),
		"refund-red":       refunded(trade.RefDone, trade.PathRedFlush),
		"refund-reddening": refunded(trade.RefWaitRed, trade.PathRedFlush),
		"refund-person":    refunded(trade.RefNeedsPerson, trade.PathRedFlush),
	} {
		for _, model := range []string{"generic-58", "generic-80"} {
			t.Run(name+"/"+model, func(t *testing.T) {
				profile, ok := printer.ProfileByName(model)
				if !ok {
					t.Fatal("no such profile")
				}
				shop := Shop{Header: []string{"好味小馆", "朝阳路店"}, Footer: []string{"谢谢惠顾"}, Columns: profile.Columns, Voucher: Vouchers([]byte("test key"))}
				got := printer.Text(shop.Layout(p), profile)
				for _, line := range strings.Split(got, "\n") {
					if w := printer.Width(line); w > profile.Columns && !strings.ContainsAny(line, "▀▄█") {
						t.Errorf("%q is %d cells wide, the paper has %d", line, w, profile.Columns)
					}
				}
				file := filepath.Join("testdata", name+"."+model+".txt")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("laid out as\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// TestLastPartOfASale holds that the paper of a refund which leaves nothing of the
// sale speaks of no balance.
func TestLastPartOfASale(t *testing.T) {
	for path, want := range map[trade.Path]string{trade.PathCancel: "原单未开票,已取消", trade.PathVoid: "原开票码已作废"} {
		s := standing(trade.QRCancelled)
		s.Refunds = []trade.Refund{{ID: "R-1", Amount: 3000, State: trade.RefDone, Path: path}, {ID: "R-2", Amount: 11050, State: trade.RefDone, Path: path}}
		if got := refundTexts(Paper{Kind: trade.PaperRefund, Sale: lunch(), Standing: s, Refund: &s.Refunds[1]}); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestNarrowPaper holds that a receipt prints on all paper that a model may have.
func TestNarrowPaper(t *testing.T) {
	p := models(t)[0]
	for p.Columns = 16; p.Columns <= 48; p.Columns++ {
		p.Dots = p.Columns * 12
		for kind, paper := range kinds() {
			if _, _, err := printer.Encode((Shop{Columns: p.Columns}).Layout(paper), p); err != nil {
				t.Errorf("%s of %d columns: %v", kind, p.Columns, err)
			}
		}
	}
}

// TestRefundedSaleHasNoQR holds that no receipt carries a code that is being
// undone.
func TestRefundedSaleHasNoQR(t *testing.T) {
	s := standing(trade.QRActive)
	s.Refunds = []trade.Refund{{ID: "R-1", Amount: 14050, State: trade.RefWaitVoid}}
	for _, kind := range []trade.Paper{trade.PaperReceipt, trade.PaperSlip} {
		for _, e := range (Shop{Columns: 48}).Layout(Paper{Kind: kind, Sale: lunch(), Standing: s}) {
			if _, ok := e.(printer.QR); ok {
				t.Errorf("%s of a refunded sale has a QR code", kind)
			}
		}
	}
}

func TestR22Drawer(t *testing.T) {
	p := Paper{Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive), Drawer: true}
	if d, ok := (Shop{DrawerPin: 5, Columns: 48}).Layout(p)[0].(printer.Drawer); !ok || d.Pin != 5 {
		t.Error("the drawer does not come first")
	}
	if d, ok := (Shop{DrawerPin: 2, Columns: 48}).Block(p)[0].(printer.Drawer); !ok || d.Pin != 2 {
		t.Error("the drawer does not come first in what the POS laid out")
	}
	for _, e := range (Shop{Columns: 48}).Layout(p) {
		if _, ok := e.(printer.Drawer); ok {
			t.Error("a drawer that is not there is opened")
		}
	}
}
