package paper_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	for _, p := range models(t) {
		r := feed(t, paper.Options{Profile: p}, encode(t, receipt(), p))[0]
		if got := decode(t, qrcode.NewQRCodeReader(), r.Image); got != invoiceURL {
			t.Errorf("%s: the QR code says %q", p.Name, got)
		}
		if len(r.QRs) != 1 || r.QRs[0] != invoiceURL {
			t.Errorf("%s: QRs are %q", p.Name, r.QRs)
		}
		for _, data := range []string{"20261122", "1234567", "ABC-1{2"} {
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

// The clone's ways that make naive programs print rubbish.
func TestBehavesLikeAClone(t *testing.T) {
	p80 := profile(t, "generic-80")
	p80.NativeQR = true
	const chinese = "\x1b@\x1c&\x1cS\x00\x00"
	tests := []struct {
		name, bytes string
		text        string // of the first receipt
		problem     string
	}{
		{"GB18030 yen of four bytes", chinese + "\x81\x30\x84\x365.00\n", "□0□65.00\n", "half a character"},
		{"ESC @ drops the Chinese mode", chinese + "\x1b@\xd6\xd0\n", "╓╨\n", "outside the Chinese mode"},
		{"China's set", chinese + "\x1bR\x0f$5\n", "¥5\n", ""},
		{"ESC ! leaves Chinese small", chinese + "\x1b!\x30A\xd6\xd0\n", "A中\n", ""},
		{"half a character at the line's end", chinese + "\xd6\n", "□\n", "D6 is half"},
		{"a QR code wider than the paper", "\x1b@\x1d(k\x03\x001C\x08\x1d(k\xb8\x0b1P0" + strings.Repeat("x", 2997) + "\x1d(k\x03\x001Q0ok\n", "ok\n", "cannot make a QR code"},
		{"a QR code too wide", "\x1b@\x1d(k\x03\x001C\x08\x1d(k\x03\x001E1\x1d(k\xeb\x031P0" + strings.Repeat("x", 1000) + "\x1d(k\x03\x001Q0ok\n", "ok\n", "wider than the paper"},
		{"QR of nothing", "\x1b@\x1d(k\x03\x001Q0ok\n", "ok\n", "no QR data"},
		{"unknown command", "\x1b@a\x1b\x7fb\n", "a□b\n", "unknown bytes 1B 7F"},
		{"a control character", "\x1b@a\x07b\n", "a□b\n", "unknown bytes 07"},
		{"alignment within a line", "\x1b@a\x1ba\x01b\n", "ab\n", "ESC a within a line"},
		{"FS & within a line", "\x1b@a\x1c&\x1cS\x00\x00\xd6\xd0\n", "a\n中\n", "FS & within"},
		{"columns drift without FS S", "\x1b@\x1c&" + strings.Repeat("\xd6\xd0", 24) + "\n", strings.Repeat("中", 22) + "\n" + "中中\n", ""},
		{"full line", "\x1b@" + strings.Repeat("x", 50) + "\n", strings.Repeat("x", 48) + "\nxx\n", ""},
		{"tabs", "\x1b@a\tb\t\tc\n", "a       b               c\n", ""},
		{"deselected", "\x1b@a\n\x1b=\x00hidden\n\x1b=\x01b\n", "a\nb\n", ""},
		{"ESC @ forgets the line", "\x1b@lost\x1b@kept\n", "kept\n", ""},
		{"feeds", "\x1b@a\x1bd\x03b\x1bJ\x3c\x1b3\x0ac\n", "a\n\n\nb\nc\n", ""},
		{"not supported", "\x1b@\x1b$\x01\x00a\n", "a\n", "ESC $ is not supported"},
		{"code page", "\x1b@\x1bt\x05a\n", "a\n", "code page 5"},
		{"NUL between commands", "\x1b@\x00a\x00\n", "a\n", ""},
		{"EAN barcode", "\x1b@\x1dk\x02123456789012\x00a\n", "a\n", "GS k 2"},
		{"barcode data", "\x1b@\x1dkI\x03abca\n", "a\n", "no CODE128 data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			receipts := feed(t, paper.Options{Profile: p80}, []byte(tt.bytes))
			if len(receipts) == 0 {
				t.Fatal("nothing printed")
			}
			r := receipts[0]
			if r.Text != tt.text {
				t.Errorf("printed\n%s\nwant\n%s", r.Text, tt.text)
			}
			if problems := strings.Join(r.Problems, "; "); tt.problem == "" && problems != "" || !strings.Contains(problems, tt.problem) {
				t.Errorf("problems: %s; want %q", problems, tt.problem)
			}
		})
	}
}

func TestModelWithoutQROrCutter(t *testing.T) {
	r := feed(t, paper.Options{Profile: profile(t, "generic-58")}, encode(t, receipt(), profile(t, "generic-80")))[0]
	problems := strings.Join(r.Problems, "; ")
	if !strings.Contains(problems, "draws no QR codes") || !strings.Contains(problems, "no cutter") || r.Cut || len(r.QRs) > 0 {
		t.Errorf("cut %v, QRs %v, problems: %s", r.Cut, r.QRs, problems)
	}
}

func TestErrorCorrectionLevels(t *testing.T) {
	for level := byte('0'); level <= '3'; level++ {
		data := fmt.Sprintf("\x1b@\x1d(k\x03\x001C\x05\x1d(k\x03\x001E%c\x1d(k\x0e\x001P0https://ab/\x1d(k\x03\x001Q0\x1dV\x00", level)
		r := feed(t, paper.Options{}, []byte(data))[0]
		if got := decode(t, qrcode.NewQRCodeReader(), r.Image); got != "https://ab/" || !r.Cut {
			t.Errorf("level %c: %q, cut %v, %v", level, got, r.Cut, r.Problems)
		}
	}
}

// However the stream is cut into reads, the paper is the same.
func TestAnySplit(t *testing.T) {
	p := profile(t, "generic-58")
	doc := append(receipt(), printer.Drawer{Pin: 2}, printer.Line{Text: "after"})
	data := encode(t, doc, p)
	want := feed(t, paper.Options{Profile: p}, data)[0]
	for _, n := range []int{1, 2, 3, 7, 1000} {
		stand, receipts := collect(t, paper.Options{Profile: p})
		conn := stand.Conn()
		for rest := data; len(rest) > 0; {
			chunk := rest[:min(n, len(rest))]
			if _, err := conn.Write(chunk); err != nil {
				t.Fatal(err)
			}
			rest = rest[len(chunk):]
		}
		conn.Close()
		stand.Close()
		got := <-receipts
		if got.Text != want.Text || !bytes.Equal(got.Image.Pix, want.Image.Pix) || !bytes.Equal(got.Bytes, data) {
			t.Errorf("chunks of %d print something else", n)
		}
		if got.DrawerKicks != 1 || stand.State().DrawerKicks != 1 {
			t.Errorf("%d kicks", got.DrawerKicks)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	p := profile(t, "generic-80")
	if err := os.WriteFile(filepath.Join(dir, "0041.png"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	job := encode(t, receipt(), p)
	uncut := encode(t, printer.Doc{printer.Line{Text: "没有切纸"}}, p)
	feed(t, paper.Options{Dir: dir, Profile: p}, append(append(append([]byte(nil), job...), uncut...), job...))
	feed(t, paper.Options{Dir: dir, Profile: p}, uncut)

	for n, want := range map[int][]byte{42: job, 43: uncut, 44: job, 45: uncut} {
		bin, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%04d.bin", n)))
		if err != nil || !bytes.Equal(bin, want) {
			t.Errorf("%d.bin: %d bytes, %v; want %d", n, len(bin), err, len(want))
		}
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%04d.txt", n)))
		if err != nil || strings.Contains(string(text), "Cut: false") != (n%2 == 1) || strings.Contains(string(text), "QR: "+invoiceURL+"\n") != (n%2 == 0) {
			t.Errorf("%d.txt: %v\n%s", n, err, text)
		}
		f, err := os.Open(filepath.Join(dir, fmt.Sprintf("%04d.png", n)))
		if err != nil {
			t.Fatal(err)
		}
		if img, err := png.Decode(f); err != nil || img.Bounds().Dx() != 640+2*24 {
			t.Errorf("%d.png: %v", n, err)
		}
		f.Close()
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1+4*3 {
		t.Errorf("%d files: %v", len(entries), entries)
	}
}

// An uncut receipt is written once nothing has come for a while.
func TestIdleReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, receipts := collect(t, paper.Options{Idle: 5 * time.Second})
		conn := p.Conn()
		defer conn.Close()
		start := time.Now()
		for range 3 { // 4 s apart: still one receipt
			if _, err := conn.Write([]byte("line\n")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4 * time.Second)
		}
		r := <-receipts
		if r.Text != "line\nline\nline\n" || r.Cut || time.Since(start) != 13*time.Second {
			t.Errorf("after %v: cut %v, %q", time.Since(start), r.Cut, r.Text)
		}
		p.Close()
	})
}

// talk sends bytes and reads as many as the answer has.
func talk(t *testing.T, conn io.ReadWriter, ask, want string) {
	t.Helper()
	if _, err := conn.Write([]byte(ask)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("% X was answered % X (%v), want % X", ask, got, err, want)
	}
}

func TestAnswers(t *testing.T) {
	p, _ := collect(t, paper.Options{})
	conn := p.Conn()
	talk(t, conn, "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", "\x16\x12\x12\x12")
	talk(t, conn, "\x1dr\x01\x1dr\x02", "\x00\x00")
	talk(t, conn, "\x1dI\x01\x1dI\x43", "\x20_PAPER\x00")
	talk(t, conn, "\x1d(H\x06\x0000P001", "\x37\x22P001\x00")
	talk(t, conn, "abc\x10\x04\x04\n\x1dr1", "\x12\x00")
	p.SetFaults(paper.Faults{PaperLow: true})
	talk(t, conn, "\x10\x04\x04\x1dr\x01", "\x1e\x03")
	p.SetFaults(paper.Faults{PaperOut: true})
	talk(t, conn, "\x10\x04\x01\x10\x04\x02\x10\x04\x04", "\x1e\x32\x7e")
	p.SetFaults(paper.Faults{CoverOpen: true})
	talk(t, conn, "\x10\x04\x01\x10\x04\x02\x10\x04\x04", "\x1e\x16\x12")
	// What stands in the buffer is carried out when the fault is gone.
	if _, err := conn.Write([]byte("\x1dr\x01")); err != nil {
		t.Fatal(err)
	}
	talk(t, conn, "\x10\x04\x04", "\x12")
	p.SetFaults(paper.Faults{})
	talk(t, conn, "", "\x00")
	// Automatic status: at once, and at each change.
	talk(t, conn, "\x1da\xff", "\x14\x00\x00\x0f")
	p.SetFaults(paper.Faults{CoverOpen: true, PaperOut: true})
	talk(t, conn, "", "\x3c\x00\x0f\x0f")
	p.SetFaults(paper.Faults{})
	talk(t, conn, "\x1da\x00", "\x14\x00\x00\x0f")
	// A mute printer answers nothing, later neither. The NUL is taken only once
	// the question has been.
	p.SetFaults(paper.Faults{Mute: true})
	for _, b := range []string{"\x10\x04\x01", "\x00"} {
		if _, err := conn.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	p.SetFaults(paper.Faults{})
	talk(t, conn, "\x10\x04\x04", "\x12")
	conn.Close()
}

func TestControl(t *testing.T) {
	p, _ := collect(t, paper.Options{})
	server := httptest.NewServer(p.Control())
	defer server.Close()
	call := func(method, body string) (int, string) {
		req, err := http.NewRequest(method, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if code, body := call("POST", `{"paper_out":true}`); code != 200 || !strings.Contains(body, `"paper_out":true`) || !p.Faults().PaperOut {
		t.Errorf("paper out: %d %s", code, body)
	}
	if code, _ := call("POST", `{"delay_ms":20}`); code != 200 || p.Faults() != (paper.Faults{PaperOut: true, DelayMS: 20}) {
		t.Errorf("delay: %d, %+v", code, p.Faults())
	}
	if code, _ := call("POST", `{"on_fire":true}`); code != 400 {
		t.Errorf("unknown fault: %d", code)
	}
	if code, _ := call("PUT", ``); code != 405 {
		t.Errorf("PUT: %d", code)
	}
	if code, _ := call("DELETE", ""); code != 200 || p.Faults() != (paper.Faults{}) {
		t.Errorf("DELETE: %d, %+v", code, p.Faults())
	}
	if code, body := call("GET", ""); code != 200 || !strings.Contains(body, `"receipts":0`) {
		t.Errorf("GET: %d %s", code, body)
	}
}

// Whatever comes, the printer prints something and ends.
func FuzzServe(f *testing.F) {
	f.Add(encode(f, receipt(), profile(f, "generic-80")))
	f.Add([]byte("\x1b@\x1dv0\x03\xff\xff\xff\xff"))
	f.Add([]byte("\x1d(k\x00\x00\x1d(k\x01\x001\x1dkI\x00\x1d(H\x00\x00\x1dk\x00"))
	f.Add([]byte("\x1dv0\x00\x00\x00\x00\x00\x1bJ\x00\x1b3\x00a\n\x1d!\xffA\xd6\xd0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := paper.New(paper.Options{})
		if err != nil {
			t.Fatal(err)
		}
		conn := p.Conn()
		go io.Copy(io.Discard, conn)
		if _, err := conn.Write(data); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		p.Close()
	})
}
