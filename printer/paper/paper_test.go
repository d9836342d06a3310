package paper_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"

	"tillagent/printer"
	"tillagent/printer/paper"
)

const invoiceURL = "https://fpkj.example.cn/tp/scan-invoice/printQrcode/20261122/ABCDEFGHIJKLMNOP0123456789/abcdefghijklmnopqrstuvwxyz01"

// receipt is a receipt as a till prints it.
func receipt() printer.Doc {
	item := func(name, count, amount string) printer.Columns {
		return printer.Columns{{Text: name}, {Text: count, Width: 6, Align: printer.AlignRight}, {Text: amount, Width: 10, Align: printer.AlignRight}}
	}
	return printer.Doc{
		printer.Line{Text: "晨光便利店", Align: printer.AlignCenter, Size: printer.SizeBig},
		printer.Line{Text: "人民路12号 电话 0571-8888 6666", Align: printer.AlignCenter},
		printer.Rule{},
		printer.Line{Text: "单号: S20261122000017"},
		printer.Line{Text: "时间: 2026-11-22 21:36  收银: 02"},
		printer.Rule{},
		printer.Columns{{Text: "商品", Bold: true}, {Text: "数量", Width: 6, Align: printer.AlignRight, Bold: true}, {Text: "金额", Width: 10, Align: printer.AlignRight, Bold: true}},
		item("农夫山泉饮用天然水 550ml", "2", "4.00"),
		item("全麦面包（切片）", "1", "12.50"),
		item("苹果 红富士 散称", "1.25", "18.75"),
		printer.Rule{},
		printer.Columns{{Text: "合计", Bold: true}, {Text: "¥35.25", Width: 16, Align: printer.AlignRight, Bold: true}},
		printer.Columns{{Text: "微信支付"}, {Text: "¥35.25", Width: 16, Align: printer.AlignRight}},
		printer.Rule{},
		printer.Line{Text: "扫码开具电子发票", Align: printer.AlignCenter, Size: printer.SizeTall, Bold: true},
		printer.QR{Data: invoiceURL},
		printer.Line{Text: "请于30日内扫码开票", Align: printer.AlignCenter},
		printer.Feed{Lines: 1},
		printer.Line{Text: "谢谢惠顾 欢迎再次光临", Align: printer.AlignCenter},
		printer.Cut{},
	}
}

func profile(t testing.TB, name string) printer.Profile {
	t.Helper()
	p, ok := printer.ProfileByName(name)
	if !ok {
		t.Fatalf("no profile %q", name)
	}
	return p
}

// collect gives a printer whose receipts come on a channel.
func collect(t testing.TB, o paper.Options) (*paper.Printer, <-chan paper.Receipt) {
	t.Helper()
	receipts := make(chan paper.Receipt, 100)
	o.OnReceipt = func(r paper.Receipt) { receipts <- r }
	p, err := paper.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, receipts
}

// feed prints bytes and gives what came out until Close.
func feed(t testing.TB, o paper.Options, data []byte) []paper.Receipt {
	t.Helper()
	p, receipts := collect(t, o)
	conn := p.Conn()
	if _, err := conn.Write(data); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	p.Close()
	var all []paper.Receipt
	for len(receipts) > 0 {
		all = append(all, <-receipts)
	}
	return all
}

func encode(t testing.TB, doc printer.Doc, p printer.Profile) []byte {
	t.Helper()
	b, _, err := printer.Encode(doc, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// models are both widths, with QR codes both ways.
func models(t testing.TB) []printer.Profile {
	var all []printer.Profile
	for _, name := range []string{"generic-58", "generic-80", "epson-tm"} {
		p := profile(t, name)
		p.MaxQRSize = 8
		native, raster := p, p
		native.NativeQR, raster.NativeQR = true, false
		native.Name, raster.Name = name+"-native", name+"-raster"
		all = append(all, native, raster)
	}
	return all
}

func photograph() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 300, 120))
	for y := range 120 {
		for x := range 300 {
			img.Set(x, y, color.RGBA{uint8(x), uint8(2 * y), uint8(x * y), 255})
		}
	}
	return img
}

func elements() map[string]printer.Doc {
	return map[string]printer.Doc{
		"line":    {printer.Line{Text: "收银 cash"}, printer.Line{Text: "中", Align: printer.AlignCenter}, printer.Line{Text: "右 right", Align: printer.AlignRight}},
		"sizes":   {printer.Line{Text: "宽 wide", Size: printer.SizeWide}, printer.Line{Text: "高 tall", Size: printer.SizeTall, Align: printer.AlignCenter}, printer.Line{Text: "大 big", Size: printer.SizeBig, Bold: true}, printer.Line{Text: "again"}},
		"wrap":    {printer.Line{Text: strings.Repeat("很长的一行 and words ", 8)}, printer.Line{Text: strings.Repeat("长", 40), Size: printer.SizeBig}, printer.Line{Text: "a\n\nb"}},
		"columns": {printer.Columns{{Text: "一个很长的商品名称会换行 yes", Bold: true}, {Text: "1", Width: 5, Align: printer.AlignRight}, {Text: "9.99", Width: 9, Align: printer.AlignRight, Bold: true}}, printer.Columns{{Text: "x", Align: printer.AlignCenter}, {Text: "y", Align: printer.AlignCenter}}},
		"rule":    {printer.Rule{}, printer.Rule{Char: '='}, printer.Rule{Char: '─'}, printer.Rule{Char: '☕'}},
		"qr":      {printer.Line{Text: "上"}, printer.QR{Data: invoiceURL}, printer.Line{Text: "下"}, printer.QR{Data: "https://example.cn", Size: 4}, printer.QR{Data: "发票"}},
		"barcode": {printer.Barcode{Data: "ABC-1{2"}, printer.Line{Text: "x"}, printer.Barcode{Data: "20261122"}, printer.Barcode{Data: "1234567"}},
		"image":   {printer.Image{Image: photograph()}, printer.Line{Text: "x"}, printer.Image{Image: image.NewAlpha(image.Rect(0, 0, 1000, 30))}},
		"feed":    {printer.Line{Text: "a"}, printer.Feed{Lines: 3}, printer.Line{Text: "b", Size: printer.SizeBig}, printer.Feed{Lines: 256}, printer.Line{Text: "c"}},
		"strange": {printer.Line{Text: "¥ € ½ ☕ 😀 \x1b@ \x10\x04\x01 é"}},
		"receipt": receipt(),
	}
}

// What Draw and Text show is what the bytes do to the paper, dot for dot.
func TestPictureEqualsPaper(t *testing.T) {
	for name, doc := range elements() {
		for _, p := range models(t) {
			t.Run(name+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				receipts := feed(t, paper.Options{Profile: p}, encode(t, doc, p))
				if len(receipts) != 1 {
					t.Fatalf("%d receipts", len(receipts))
				}
				r := receipts[0]
				if len(r.Problems) > 0 {
					t.Errorf("problems: %v", r.Problems)
				}
				want := printer.Draw(doc, p)
				got := r.Image.SubImage(r.Printed).(*image.Gray)
				if want.Rect.Size() != got.Rect.Size() {
					t.Fatalf("Draw gives %v, the paper is %v", want.Rect, got.Rect)
				}
				for y := range want.Rect.Dy() {
					if !bytes.Equal(want.Pix[y*want.Stride:][:want.Stride], got.Pix[y*got.Stride:][:want.Stride]) {
						t.Fatalf("the pictures differ in row %d: %s", y, save(t, want, got))
					}
				}
				if text := withoutNotes(r.Text); text != printer.Text(doc, p) {
					t.Errorf("Text gives\n%s\nthe paper says\n%s", printer.Text(doc, p), text)
				}
				for i, line := range strings.Split(r.Text, "\n") {
					if printer.Width(line) > p.Columns && !strings.ContainsAny(line, "▀▄█") && !strings.HasPrefix(line, "QR: ") {
						t.Errorf("line %d is wider than %d cells: %q", i+1, p.Columns, line)
					}
				}
			})
		}
	}
}

func withoutNotes(text string) string {
	var lines []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if !strings.HasPrefix(line, "QR: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// save keeps pictures that differ for a look.
func save(t *testing.T, pictures ...image.Image) string {
	dir, err := os.MkdirTemp("", "pictures-")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pictures {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, p); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A full row of a Columns table is as wide as the paper.
func TestWidestLineIsTheColumns(t *testing.T) {
	for _, p := range models(t) {
		r := feed(t, paper.Options{Profile: p}, encode(t, receipt(), p))[0]
		widest := 0
		for _, line := range strings.Split(r.Text, "\n") {
			if !strings.ContainsAny(line, "▀▄█") && !strings.HasPrefix(line, "QR: ") {
				widest = max(widest, printer.Width(line))
			}
		}
		if widest != p.Columns {
			t.Errorf("%s: the widest line has %d cells, the paper %d", p.Name, widest, p.Columns)
		}
	}
}

// A decoder that is not ours reads the codes from the picture of the paper.
func TestCodesAreReadable(t *testing.T) {
	columns := profile(t, "generic-58")
	columns.Name, columns.Raster = "generic-58-columns", printer.RasterColumns
	for _, p := range append(models(t), columns) {
		r := feed(t, paper.Options{Profile: p}, encode(t, receipt(), p))[0]
		if got := decode(t, qrcode.NewQRCodeReader(), r.Image); got != invoiceURL {
			t.Errorf("%s: the QR code says %q", p.Name, got)
		}
		if len(r.QRs) != 1 || r.QRs[0] != invoiceURL || len(r.Problems) > 0 {
			t.Errorf("%s: QRs are %q, problems %q", p.Name, r.QRs, r.Problems)
		}
		for _, data := range []string{"20261122", "1234567", "160459", "3160405", "ABC-1{2"} {
			r := feed(t, paper.Options{Profile: p}, encode(t, printer.Doc{printer.Barcode{Data: data}, printer.Cut{}}, p))[0]
			if got := decode(t, oned.NewCode128Reader(), r.Image); got != data {
				t.Errorf("%s: the barcode of %q says %q", p.Name, data, got)
			}
		}
	}
}

func decode(t *testing.T, reader gozxing.Reader, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	result, err := reader.Decode(bitmap, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
	})
	if err != nil {
		return err.Error()
	}
	return result.GetText()
}
