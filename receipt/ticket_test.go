package receipt

import (
	"strings"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/trade"
)

// TestTicket: a kitchen reads what to make and how often, and no price.
func TestTicket(t *testing.T) {
	profile, _ := printer.ProfileByName("generic-58")
	shop := Shop{Header: []string{"示例商店"}, Footer: []string{"谢谢惠顾"}, Columns: profile.Columns, DrawerPin: 2, Voucher: Vouchers([]byte("key"))}
	p := Paper{Kind: trade.PaperTicket, Sale: trade.Sale{ID: "S1", Register: "2号台", Remark: "少辣", Total: 11234, SoldAt: time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC),
		Items: []trade.Line{
			{Name: "宫保鸡丁", Spec: "大份", Unit: "份", Quantity: 2_0000_0000, UnitPrice: 38_0000_0000, Amount: 7600, Discount: -100},
			{Name: "番茄炒蛋盖浇饭加煎蛋一个不要葱花", Unit: "份", Quantity: 1_0000_0000, Amount: 2800},
			{Name: "一二三四五六七八九十一二三四5", Unit: "份", Quantity: 2_0000_0000, Amount: 100},
			{Name: "茶位", Amount: 834}}}}
	text := printer.Text(shop.Layout(p), profile)
	for _, want := range []string{"厨打单", "单号 S1", "2026-11-22 12:00:00", "2号台", "宫保鸡丁 大份", "2份", "1份", "茶位", "备注 少辣"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on it:\n%s", want, text)
		}
	}
	for _, never := range []string{"76", "38", "28", "8.34", "112", "￥", "52份", "示例商店", "谢谢惠顾", "凭证码", "重打"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is on it:\n%s", never, text)
		}
	}
	for line := range strings.Lines(text) {
		if w := printer.Width(strings.TrimRight(line, " \n")); w > profile.Columns {
			t.Errorf("%d cells wide: %s", w, line)
		}
	}
	p.Mark, p.Nth, p.Training = trade.MarkReprint, 2, true
	if text := printer.Text(shop.Layout(p), profile); strings.Count(text, "*** 重打 第2次 ***") != 2 || !strings.Contains(text, "练习单") {
		t.Errorf("unmarked:\n%s", text)
	}
	p.Sale.Register = ""
	if text := printer.Text(shop.Layout(p), profile); strings.Contains(text, "机号") {
		t.Errorf("a register that was not given:\n%s", text)
	}
	if job, err := shop.Encode(p, trade.Content{}, profile); err != nil || len(job.Warnings) != 0 {
		t.Errorf("%v, %v", job.Warnings, err)
	}
}
