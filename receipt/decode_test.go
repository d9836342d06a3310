package receipt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tillagent/printer"
	"tillagent/printer/paper"
	"tillagent/trade"
)

// models are both widths, with QR codes drawn both ways.
func models(t testing.TB) []printer.Profile {
	var all []printer.Profile
	for _, name := range []string{"generic-58", "generic-80"} {
		p, ok := printer.ProfileByName(name)
		if !ok {
			t.Fatal("no such profile")
		}
		native, raster := p, p
		native.NativeQR, raster.NativeQR = true, false
		native.Name, raster.Name = name+"-native", name+"-raster"
		all = append(all, native, raster)
	}
	return all
}

// random makes a receipt that no one thought of.
func random(r *rand.Rand, n int) Paper {
	names := []string{"农夫山泉饮用天然水", "全麦面包（切片）", "Coca-Cola 330ml", "特级冻顶乌龙茶(大壶)加桂花与陈年老白茶双拼", "苹果 红富士", "㎡", "A"}
	s := trade.Sale{ID: fmt.Sprintf("POS1-20261122-%06d", n), SoldAt: noon, Cashier: "小王", Register: "1"}
	for range 1 + r.IntN(6) {
		l := trade.Line{Name: names[r.IntN(len(names))], Unit: "份", Quantity: trade.Decimal(1+r.Int64N(20)) * 1_0000_0000,
			UnitPrice: trade.Decimal(r.Int64N(90_0000_0000)), Amount: trade.Money(r.Int64N(1 << (7 * (1 + r.IntN(5))))), Rate: trade.Rates[r.IntN(len(trade.Rates))]}
		if r.IntN(4) == 0 {
			l.Discount = -l.Amount / 3
		}
		s.Total += l.Net()
		s.Items = append(s.Items, l)
	}
	s.Payments = []trade.Payment{{Method: "微信", Amount: s.Total}}
	st := standing(trade.QRActive)
	st.SaleID, st.Total = s.ID, s.Total
	st.QRs[0].Amount = s.Total
	st.QRs[0].URL = "https://fpkj.example.cn/tp/scan-invoice/printQrcode/20261122/" + strings.Repeat("x7K", r.IntN(25)) + fmt.Sprintf("/%06d", n)
	return Paper{Kind: trade.PaperReceipt, Sale: s, Standing: st}
}

// onPaper prints a document on the stand-in printer.
func onPaper(t testing.TB, doc printer.Doc, p printer.Profile) paper.Receipt {
	t.Helper()
	b, _, err := printer.Encode(doc, p)
	if err != nil {
		t.Fatal(err)
	}
	var out []paper.Receipt
	stand, err := paper.New(paper.Options{Profile: p, OnReceipt: func(r paper.Receipt) { out = append(out, r) }})
	if err != nil {
		t.Fatal(err)
	}
	conn := stand.Conn()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := stand.Close(); err != nil {
		t.Fatal(err)
	}
	if len(out) != 1 {
		t.Fatalf("%d receipts came out", len(out))
	}
	if len(out[0].Problems) > 0 {
		t.Fatalf("the printer says %q", out[0].Problems)
	}
	return out[0]
}

// A print is one receipt of the 30 on one model.
type print struct {
	paper Paper
	model printer.Profile
	doc   printer.Doc
	out   paper.Receipt
}

// prints puts 30 receipts on paper on each of the models, once for all tests.
func prints(t testing.TB) []print {
	t.Helper()
	printed.Do(func() {
		r := rand.New(rand.NewPCG(17, 24))
		for n := range 30 {
			paper := random(r, n)
			for _, p := range models(t) {
				doc := Shop{Header: []string{"好味小馆"}, Columns: p.Columns}.Layout(paper)
				allPrints = append(allPrints, print{paper, p, doc, onPaper(t, doc, p)})
			}
		}
	})
	return allPrints
}

var (
	printed   sync.Once
	allPrints []print
)

func isSymbol(line string) bool { return strings.ContainsAny(line, "▀▄█") }

// TestR17WidestLineIsThePaper reads receipts back from the decoded paper: no line
// is wider than the columns, the widest has exactly as many, and every line is
// where the layout put it.
func TestR17WidestLineIsThePaper(t *testing.T) {
	for _, p := range prints(t) {
		widest := 0
		var lines []string
		for _, line := range strings.Split(p.out.Text, "\n") {
			if isSymbol(line) || strings.HasPrefix(line, "QR: ") {
				continue
			}
			lines = append(lines, line)
			widest = max(widest, printer.Width(line))
		}
		if widest != p.model.Columns {
			t.Errorf("%s: the widest line has %d cells of %d", p.model.Name, widest, p.model.Columns)
		}
		want := slices.DeleteFunc(strings.Split(printer.Text(p.doc, p.model), "\n"), isSymbol)
		if !slices.Equal(lines, want) {
			t.Errorf("%s: on paper\n%s\nlaid out\n%s", p.model.Name, strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestR18R24OthersReadThePaper has zbarimg read the QR codes and iconv the text of 30
// receipts on both widths, drawn both ways.
func TestR18R24OthersReadThePaper(t *testing.T) {
	zbar, zbarErr := exec.LookPath("zbarimg")
	iconv, iconvErr := exec.LookPath("iconv")
	if zbarErr != nil && iconvErr != nil {
		t.Skip("neither zbarimg nor iconv is installed")
	}
	dir := t.TempDir()
	var pictures, want []string
	for i, p := range prints(t) {
		size := p.out.Image.Bounds().Size()
		picture := append(fmt.Appendf(nil, "P5\n%d %d\n255\n", size.X, size.Y), p.out.Image.Pix...)
		file := filepath.Join(dir, fmt.Sprintf("%03d-%s.pgm", i, p.model.Name))
		if err := os.WriteFile(file, picture, 0o600); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, file)
		want = append(want, p.paper.Standing.QRs[0].URL)
	}
	if zbarErr == nil {
		if got := scan(t, zbar, pictures); !slices.Equal(got, want) {
			t.Errorf("zbarimg reads %d codes, %d printed", len(got), len(want))
		}
	}
	if iconvErr == nil {
		p := models(t)[0]
		b, _, err := printer.Encode(printer.Doc{printer.Line{Text: "好味小馆 ¥12.50 特级冻顶乌龙茶"}}, p)
		if err != nil {
			t.Fatal(err)
		}
		text := b[bytes.LastIndex(b, []byte("\x1cS\x00\x00"))+4:]
		cmd := exec.CommandContext(t.Context(), iconv, "-f", "GBK", "-t", "UTF-8")
		cmd.Stdin = bytes.NewReader(text)
		got, err := cmd.Output()
		if err != nil || string(got) != "好味小馆 ￥12.50 特级冻顶乌龙茶\n" {
			t.Errorf("iconv reads %q, %v", got, err)
		}
	}
}

// twenty is a receipt of 20 items, each with name, quantity, price and amount.
func twenty() Paper {
	p := Paper{Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive)}
	p.Standing.QRs[0].URL = "https://fpkj.example.cn/tp/scan-invoice/printQrcode/20261122/ABCDEFGHIJKLMNOP0123456789/abcdefghijklmnopqrstuvwxyz01"
	p.Sale.Items = nil
	for range 20 {
		p.Sale.Items = append(p.Sale.Items, trade.Line{Name: "农夫山泉", Amount: 400, Rate: 13, Quantity: 2_0000_0000, Unit: "瓶", UnitPrice: 2_0000_0000})
	}
	return p
}

// TestR25Bytes bounds what receipts take whose code the printer draws: one of 5
// items, 20 printed lines, and one of 20 items. Of the latter, 35 lines or more, a
// third is blanks: figures stand at the right margin, and blanks are what every
// printer moves by in the same way. Clones differ in tab stops (some take an unset
// one for a line feed, some know 16 of them) and in the unit of ESC $.
func TestR25Bytes(t *testing.T) {
	for _, p := range models(t) {
		if !p.NativeQR {
			continue
		}
		for items, most := range map[int]int{5: 1500, 20: 1900} {
			paper := twenty()
			paper.Sale.Items = paper.Sale.Items[:items]
			b, _, err := printer.Encode(Shop{Header: []string{"好味小馆"}, Columns: p.Columns}.Layout(paper), p)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d items take %d bytes: %d blanks, %d of rules", p.Name, items, len(b), bytes.Count(b, []byte(" ")), bytes.Count(b, []byte("--")))
			if len(b) > most {
				t.Errorf("%s: %d items take %d bytes, want at most %d", p.Name, items, len(b), most)
			}
		}
	}
}

// BenchmarkBytes tells what receipts take on the wire, which at 9600 baud is about
// a millisecond a byte.
func BenchmarkBytes(b *testing.B) {
	for _, p := range models(b) {
		for _, items := range []int{5, 20} {
			b.Run(fmt.Sprintf("%s/%d-items", p.Name, items), func(b *testing.B) {
				paper := twenty()
				paper.Sale.Items = paper.Sale.Items[:items]
				var encoded []byte
				for b.Loop() {
					var err error
					if encoded, _, err = printer.Encode(Shop{Header: []string{"好味小馆"}, Columns: p.Columns}.Layout(paper), p); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(encoded)), "bytes")
			})
		}
	}
}

// TestTestPage prints on every model: it fits, opens no drawer, and shows its
// code both ways.
func TestTestPage(t *testing.T) {
	for _, p := range printer.Profiles() {
		doc := TestPage(p, noon, "端口 COM3")
		r, err := printer.Render(doc, p)
		if err != nil || len(r.QRs) != 2 || !r.QRs[0].Native || r.QRs[1].Native {
			t.Errorf("%s: %v, %v", p.Name, r.QRs, err)
		}
		if len(r.Warnings) > 0 {
			t.Errorf("%s: %v", p.Name, r.Warnings)
		}
		text := printer.Text(doc, p)
		for _, want := range []string{"打印测试页", "型号 " + p.Name, "端口 COM3", strings.Repeat("1234567890", 5)[:p.Columns] + "\n", "￥"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing on\n%s", p.Name, want, text)
			}
		}
		for _, e := range doc {
			if _, ok := e.(printer.Drawer); ok {
				t.Errorf("%s: the drawer opens", p.Name)
			}
		}
	}
}

// TestBlockWithinForeignBytes puts the QR code into a receipt of a POS's own and
// reads it back from the paper.
func TestBlockWithinForeignBytes(t *testing.T) {
	shop := Shop{Columns: 48, Voucher: Vouchers([]byte("k"))}
	block := shop.Block(Paper{Sale: lunch(), Standing: standing(trade.QRActive)})
	for _, p := range models(t) {
		if p.Columns != 48 {
			continue
		}
		b, _, err := printer.EncodeWithin(block, p)
		if err != nil {
			t.Fatal(err)
		}
		raw := printer.InsertBeforeCut([]byte("\x1b@\x1d!\x11\x1dB\x01POS\n\x1bd\x04\x1dV\x00"), b)
		out := onPaper(t, printer.Doc{printer.Raw(raw)}, p)
		if len(out.QRs) != 1 || out.QRs[0] != standing(trade.QRActive).QRs[0].URL || !out.Cut {
			t.Errorf("%s: codes %q, cut %v", p.Name, out.QRs, out.Cut)
		}
		for _, want := range []string{"POS\n", "扫码自助开具电子发票", "提取码 1234 5678 9012", "凭证码 0YQD-07Z1"} {
			if !strings.Contains(out.Text, want) {
				t.Errorf("%s: %q is missing on\n%s", p.Name, want, out.Text)
			}
		}
	}
}

func TestVouchers(t *testing.T) {
	a, b := Vouchers([]byte("a")), Vouchers([]byte("b"))
	if a("S1") != Vouchers([]byte("a"))("S1") || a("S1") == a("S2") || a("S1") == b("S1") || len(a("S1")) != 8 {
		t.Errorf("%s %s %s", a("S1"), a("S2"), b("S1"))
	}
	if strings.Trim(a("S1")+a("S2")+b("S1"), voucherAlphabet) != "" {
		t.Error("a character of no alphabet")
	}
}
