package receipt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillagent/printer"
	"tillagent/trade"
)

func writeTemplate(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "receipt.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const ownTemplate = "\xef\xbb\xbf" + `
order = ["header", "claim", "rule", "sale", "items", "payments", "total", "feed", "footer"]

[words]
total = "应付"
sale = "流水号"
scan = "微信扫一扫,开电子发票"

[[header]]
text = "好味小馆 {register}号机"
size = "wide"
align = "center"

[[footer]]
columns = [{text = "收银 {cashier}"}, {text = "{total}", align = "right"}]

[[footer]]
text = "查询 {voucher} {time}"

[[footer]]
qr = "https://example.cn/follow"
size = 3
`

func TestTemplate(t *testing.T) {
	template, err := LoadTemplate(writeTemplate(t, ownTemplate))
	if err != nil {
		t.Fatal(err)
	}
	p80, _ := printer.ProfileByName("generic-80")
	shop := Shop{Header: []string{"not this"}, Footer: []string{"nor this"}, Columns: 48, Template: template, Voucher: Vouchers([]byte("k"))}
	got := printer.Text(shop.Layout(Paper{Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive)}), p80)
	at := 0
	for _, want := range []string{"好味小馆 1号机", "微信扫一扫,开电子发票", "开票截止", "流水号 POS1-20261122-000123", "午市套餐", "现金", "应付", "收银 小王", "140.50", "查询 0YQD-07Z1 2026-11-22 19:30:05"} {
		i := strings.Index(got[at:], want)
		if i < 0 {
			t.Fatalf("%q does not follow in\n%s", want, got)
		}
		at += i
	}
	for _, not := range []string{"not this", "nor this", "合计", "税额", "{"} {
		if strings.Contains(got, not) {
			t.Errorf("%q stands on\n%s", not, got)
		}
	}
	// The next sale's paper has nothing of this one's.
	next := lunch()
	next.ID, next.Total, next.Cashier, next.Register = "S2", 800, "小李", "2"
	got = printer.Text(shop.Layout(Paper{Kind: trade.PaperReceipt, Sale: next, Standing: standing(trade.QRActive)}), p80)
	if !strings.Contains(got, "2号机") || !strings.Contains(got, "收银 小李") || strings.Contains(got, "小王") || strings.Contains(got, "140.50") {
		t.Errorf("of another sale\n%s", got)
	}
	// What is a fact about the invoice is not the template's to reword.
	refund := standing(trade.QRActive)
	refund.Refunds = []trade.Refund{{ID: "R-1", Amount: 14050, State: trade.RefDone, Path: trade.PathVoid, CreatedAt: noon}}
	got = printer.Text(shop.Layout(Paper{Kind: trade.PaperRefund, Sale: lunch(), Standing: refund, Refund: &refund.Refunds[0]}), p80)
	for _, want := range []string{"好味小馆", "退货单", "原开票码已作废", "收银 小王"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not on the refund's receipt\n%s", want, got)
		}
	}
}

func TestTemplateProblems(t *testing.T) {
	tests := []struct{ text, want string }{
		{"order = [", "第 1 行"},
		{"order = \"items\"", "第 1 行"},
		{"\nfont = 3\n", "第 2 行: 没有 font 这个键"},
		{`order = ["sale", "items", "total", "claim", "advert"]`, `没有 "advert" 这一块`},
		{`order = ["sale", "items", "total"]`, `"claim" 必须出现一次`},
		{`order = ["sale", "items", "items", "total", "claim"]`, `"items" 必须出现一次，现为 2 次`},
		{"[words]\nreprint = \"x\"", "words.reprint: 没有这个词"},
		{"[words]\ntotal = \"\"", "words.total"},
		{"[words]\ntotal = \"☕\"", "words.total"},
		{"[words]\ntotal = \"一二三四五六\"", "words.total: 最宽 10 列"},
		{"[[header]]\ntext = \"a\"\n[[header]]\ntext = \"☕\"", "header[1].text"},
		{"[[footer]]\ntext = \"a\"\nalign = \"middle\"", "footer[0].align"},
		{"[[footer]]\ncut = \"full\"", "footer[0].cut"},
		{"[[footer]]\ncolumns = [{text = \"a\", width = 40}]", "footer[0].columns[0].width"},
		{`order = ["sale", "items", "total", "claim"` + strings.Repeat(`, "feed"`, 1000) + `]`, "最长 1000"},
		{strings.Repeat("[[header]]\nfeed = 50\n", 6), "没有商品时已长 "},
		{"[[footer]]\ncolumns = [{text = \"-\", width = 1}, {text = \"{cashier}\", width = 1}]", "footer[0].columns[1].width: 不能小于 2"},
	}
	for _, tt := range tests {
		template, err := LoadTemplate(writeTemplate(t, tt.text))
		if err == nil || template != nil {
			t.Errorf("%q is taken", tt.text)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "receipt.toml") {
			t.Errorf("%q: %v; want %s", tt.text, err, tt.want)
		}
	}
	if _, err := LoadTemplate(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("error %v", err)
	}
}

// A template without anything is the built-in one.
func TestEmptyTemplate(t *testing.T) {
	template, err := LoadTemplate(writeTemplate(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	p80, _ := printer.ProfileByName("generic-80")
	paper := Paper{Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive)}
	shop := Shop{Header: []string{"好味小馆"}, Columns: 48}
	want := printer.Text(shop.Layout(paper), p80)
	shop.Template = template
	if got := printer.Text(shop.Layout(paper), p80); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add([]byte(ownTemplate))
	f.Fuzz(func(t *testing.T, data []byte) {
		template, err := parseTemplate(data)
		if err != nil {
			return
		}
		p58, _ := printer.ProfileByName("generic-58")
		shop := Shop{Columns: 32, Template: template}
		if _, _, err := printer.Encode(shop.Layout(Paper{Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive)}), p58); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	})
}
