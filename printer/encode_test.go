package printer

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

var update = flag.Bool("update", false, "rewrite testdata/*.bin and *.txt")

// invoiceURL is as long as the platform's.
const invoiceURL = "https://fpkj.example.cn/tp/scan-invoice/printQrcode/20261122/ABCDEFGHIJKLMNOP0123456789/abcdefghijklmnopqrstuvwxyz01"

func profile(t testing.TB, name string) Profile {
	t.Helper()
	p, ok := ProfileByName(name)
	if !ok {
		t.Fatalf("no profile %q", name)
	}
	return p
}

// receipt is a receipt as a till prints it.
func receipt() Doc {
	item := func(name, count, amount string) Columns {
		return Columns{{Text: name}, {Text: count, Width: 6, Align: AlignRight}, {Text: amount, Width: 10, Align: AlignRight}}
	}
	return Doc{
		Line{Text: "晨光便利店", Align: AlignCenter, Size: SizeBig},
		Line{Text: "销售小票", Align: AlignCenter, Bold: true},
		Rule{},
		Line{Text: "单号: S20261122000017"},
		item("农夫山泉饮用天然水 550ml", "2", "4.00"),
		item("全麦面包", "1", "12.50"),
		Rule{},
		Columns{{Text: "合计", Bold: true}, {Text: "¥16.50", Width: 16, Align: AlignRight, Bold: true}},
		Line{Text: "扫码开具电子发票", Align: AlignCenter, Size: SizeTall},
		QR{Data: invoiceURL},
		Line{Text: "请于30日内扫码开票", Align: AlignCenter},
		Cut{},
	}
}

// everything has every element.
func everything() Doc {
	return append(receipt()[:11:11],
		Line{Text: "wide 宽", Size: SizeWide}, Line{Text: "right 右", Align: AlignRight}, Line{},
		Rule{Char: '='}, Rule{Char: '─'}, Barcode{Data: "2026{1122"}, Barcode{Data: "0123456"},
		Image{gradient(200, 40)}, Feed{Lines: 2}, Drawer{Pin: 5}, Cut{Full: true},
	)
}

// gradient is a picture with many shades.
func gradient(w, h int) image.Image {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetGray(x, y, color.Gray{Y: uint8(x * 255 / w)})
		}
	}
	return img
}

func TestGolden(t *testing.T) {
	fsSize := profile(t, "generic-80")
	fsSize.ChineseSize = true
	tests := []struct {
		name string
		doc  Doc
		p    Profile
	}{
		{"receipt-80-native", receipt(), profile(t, "generic-80")},
		{"receipt-58-raster", receipt(), profile(t, "generic-58")},
		{"receipt-epson", receipt(), profile(t, "epson-tm")},
		{"everything-80", everything(), profile(t, "generic-80")},
		{"chinese-size", Doc{Line{Text: "大字 Big", Size: SizeBig}, Line{Text: "小字"}}, fsSize},
		{"after-raw", Doc{Line{Text: "前", Align: AlignCenter, Bold: true}, Raw("\x1b@\x1ba\x02raw\n"), Raw("x\n"), Line{Text: "后", Bold: true}}, profile(t, "generic-80")},
		{"drawer", Doc{Drawer{}, Drawer{Pin: 5}}, profile(t, "generic-80")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, warnings, err := Encode(tt.doc, tt.p)
			if err != nil || len(warnings) > 0 {
				t.Fatalf("error %v, warnings %v", err, warnings)
			}
			file := filepath.Join("testdata", tt.name)
			if *update {
				if err := os.WriteFile(file+".bin", got, 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file+".txt", []byte(dump(got)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file + ".bin")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("bytes differ from %s.bin; got\n%s\nwant\n%s", file, dump(got), dump(want))
			}
		})
	}
}

// dump shows bytes for a reader: one command or stretch of text to a line.
func dump(b []byte) string {
	var out strings.Builder
	names := map[byte]string{0x1B: "ESC", 0x1C: "FS", 0x1D: "GS"}
	args := map[string]int{
		"ESC @": 0, "ESC =": 1, "ESC t": 1, "ESC R": 1, "ESC a": 1, "ESC E": 1, "ESC d": 1, "ESC J": 1, "ESC p": 3, "ESC 2": 0,
		"FS &": 0, "FS S": 2, "FS !": 1, "GS !": 1, "GS h": 1, "GS w": 1, "GS f": 1, "GS H": 1, "GS V": 2,
	}
	for len(b) > 0 {
		prefix, isCommand := names[b[0]]
		switch {
		case b[0] == '\n':
			out.WriteString("LF\n")
			b = b[1:]
		case isCommand:
			name, n := prefix+" "+string(rune(b[1])), 0
			switch name {
			case "GS v":
				n = 8 + (int(b[4])|int(b[5])<<8)*(int(b[6])|int(b[7])<<8)
			case "GS (":
				n = 5 + int(b[3]) + int(b[4])<<8
			case "GS k":
				n = 4 + int(b[3])
			default:
				n = 2 + args[name]
			}
			fmt.Fprintf(&out, "%-6s % X", name, b[:min(n, 40)])
			if n > 40 {
				fmt.Fprintf(&out, " … %d bytes", n)
			}
			out.WriteByte('\n')
			b = b[n:]
		default:
			n := bytes.IndexFunc(b, func(r rune) bool { return r < 0x20 })
			if n < 0 {
				n = len(b)
			}
			text, _ := simplifiedchinese.GBK.NewDecoder().Bytes(b[:n])
			fmt.Fprintf(&out, "text   %s\n", text)
			b = b[n:]
		}
	}
	return out.String()
}

// Every ESC @ is followed by what makes Chinese right, before any text.
func TestChineseModeAfterEveryReset(t *testing.T) {
	for _, p := range Profiles() {
		b, _, err := Encode(everything(), p)
		if err != nil {
			t.Fatal(err)
		}
		after, found := bytes.CutPrefix(b, []byte("\x1b@"))
		if !found || bytes.Contains(after, []byte("\x1b@")) {
			t.Errorf("%s: ESC @ does not stand once, at the start", p.Name)
		}
		for _, mode := range []string{"\x1c&\x1cS\x00\x00", "\x1bt\x00", "\x1bR\x00"} {
			if !bytes.Contains(after[:15], []byte(mode)) {
				t.Errorf("%s: % X does not follow ESC @", p.Name, mode)
			}
		}
		if n := bytes.Count(after, []byte("\x1c&")); n != 1 {
			t.Errorf("%s: FS & is sent %d times", p.Name, n)
		}
	}
}

// No element but Raw may spell a real-time command, whatever it carries.
func TestNoRealtimeCommandWithin(t *testing.T) {
	evil := image.NewGray(image.Rect(0, 0, 64, 64)) // every byte pair 10 04, 10 05, 10 14
	for i := range evil.Pix {
		evil.Pix[i] = 255
	}
	for y := range 64 {
		evil.SetGray(3, y, color.Gray{})
		evil.SetGray(13, y, color.Gray{})
		evil.SetGray(19, y, color.Gray{})
		evil.SetGray(29+y%3*2, y, color.Gray{})
	}
	docs := map[string]Doc{
		"image":   {Image{evil}},
		"qr":      {QR{Data: "a\x10\x04\x01b"}},
		"text":    {Line{Text: "a\x10\x04\x01b\x10\x14\x01"}, Columns{{Text: "\x10\x05\x01"}}},
		"barcode": {Barcode{Data: "16041605"}},
		"small":   {QR{Data: invoiceURL, Size: 2}},
	}
	for name, doc := range docs {
		for _, p := range Profiles() {
			b, _, err := Encode(doc, p)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, realtime := range []string{"\x10\x04", "\x10\x05", "\x10\x14"} {
				if bytes.Contains(b, []byte(realtime)) {
					t.Errorf("%s on %s contains % X", name, p.Name, realtime)
				}
			}
		}
	}
	bits := []byte{0x10, 0x04, 0x10, 0x05, 0x10, 0x14, 0x10}
	if defuse(bits); string(bits) != "\x18\x04\x18\x05\x18\x14\x10" {
		t.Errorf("defuse gave % X", bits)
	}
}

func TestRasterSlices(t *testing.T) {
	b, _, err := Encode(Doc{Image{gradient(2000, 1000)}}, profile(t, "generic-58"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range strings.Split(dump(b), "\n") {
		if header, ok := strings.CutPrefix(line, "GS v   1D 76 30 00 30 00 "); ok { // 48 bytes across
			var low, high int
			if _, err := fmt.Sscanf(header, "%x %x", &low, &high); err != nil {
				t.Fatal(err)
			}
			if low > 24 || high != 0 {
				t.Errorf("a slice of %d rows", low+high<<8)
			}
			rows += low
		}
	}
	if rows != 192 {
		t.Errorf("%d rows; 2000×1000 on 384 dots has 192", rows)
	}
}

func TestEncodeRefuses(t *testing.T) {
	p58 := profile(t, "generic-58")
	tests := []struct {
		name string
		doc  Doc
		p    Profile
		want string
	}{
		{"columns too wide", Doc{Line{}, Columns{{Text: "a", Width: 20}, {Text: "b", Width: 13}}}, p58, "element 1: the columns need 1 cells more"},
		{"no room to share", Doc{Columns{{Text: "a", Width: 31}, {Text: "b"}}}, p58, "need 1 cells more"},
		{"negative width", Doc{Columns{{Text: "a", Width: -1}}}, p58, "-1 cells wide"},
		{"Chinese in one cell", Doc{Columns{{Text: "中", Width: 1}, {}}}, p58, "Chinese text needs 2"},
		{"empty QR", Doc{QR{}}, p58, "needs data"},
		{"QR beyond the standard", Doc{QR{Data: strings.Repeat("x", 3000)}}, p58, "QR code of 3000 bytes"},
		{"QR wider than the paper", Doc{QR{Data: strings.Repeat("x", 1100)}}, Profile{Name: "narrow", Dots: 192, Columns: 16, LineDots: 30}, "does not fit"},
		{"native QR wider than the paper", Doc{QR{Data: strings.Repeat("x", 999)}}, Profile{Name: "narrow", Dots: 192, Columns: 16, LineDots: 30, NativeQR: true, MaxQRSize: 8}, "does not fit"},
		{"barcode not ASCII", Doc{Barcode{Data: "条码"}}, p58, "not printable ASCII"},
		{"barcode too wide", Doc{Barcode{Data: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}}, p58, "does not fit"},
		{"endless barcode", Doc{Barcode{Data: strings.Repeat("A", 300)}}, p58, "too long"},
		{"endless digits", Doc{Barcode{Data: strings.Repeat("1", 3000)}}, p58, "does not fit"},
		{"empty image", Doc{Image{image.NewGray(image.Rectangle{})}}, p58, "empty image"},
		{"no image", Doc{Image{}}, p58, "empty image"},
		{"endless image", Doc{Image{image.NewUniform(color.Black)}}, p58, "too large"},
		{"long image", Doc{Image{image.NewGray(image.Rect(0, 0, 10, 5000))}}, p58, "too long"},
		{"drawer pin", Doc{Drawer{Pin: 3}}, p58, "pin 3"},
		{"nil element", Doc{nil}, p58, "unknown element"},
		{"no profile", Doc{Line{Text: "a"}}, Profile{}, "profile"},
		{"paper of nothing", Doc{Line{Text: "a"}}, Profile{Dots: 96, Columns: 32, LineDots: 30}, "profile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, _, err := Encode(tt.doc, tt.p)
			if err == nil || !strings.Contains(err.Error(), tt.want) || b != nil {
				t.Errorf("%d bytes, error %v; want %q", len(b), err, tt.want)
			}
			Text(tt.doc, tt.p) // leaves it out
			Draw(tt.doc, tt.p)
		})
	}
}

func TestWarnings(t *testing.T) {
	_, warnings, err := Encode(Doc{
		Line{Text: "☕ 一 ☕"},
		Columns{{Text: "☕😀"}},
		QR{Data: invoiceURL, Size: 8},
		QR{Data: invoiceURL, Size: 3},
		Image{gradient(1000, 10)},
	}, profile(t, "generic-58"))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(warnings)
	want := "[the printer has no '☕' (U+2615): ？ printed instead" +
		" the printer has no '😀' (U+1F600): ？ printed instead" +
		" QR code printed with 7 dots per module instead of 8" +
		" QR code of 3 dots per module is hard to scan" +
		" image of 1000 dots made smaller to the paper's 384]"
	if got != want || warnings[1].Element != 1 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The largest module size that fits with the quiet zone, for an invoicing URL.
func TestQRSize(t *testing.T) {
	native58 := profile(t, "generic-58")
	native58.NativeQR = true
	small := native58
	small.MaxQRSize = 5
	tests := []struct {
		p    Profile
		data string
		want byte
	}{
		{profile(t, "generic-80"), invoiceURL, 8},
		{native58, invoiceURL, 7},
		{small, invoiceURL, 5},
		{native58, strings.Repeat("x", 122), 7}, // version 7, 45 modules
		{native58, strings.Repeat("x", 300), 4}, // version 13, 69 modules
		// All digits: another encoder may find a smaller symbol than the printer's.
		{native58, strings.Repeat("1", 300), 4},
	}
	for _, tt := range tests {
		b, _, err := Encode(Doc{QR{Data: tt.data}}, tt.p)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := bytes.Cut(b, []byte("\x1d(k\x03\x001C"))
		if len(after) == 0 || after[0] != tt.want {
			t.Errorf("%d bytes on %d dots: % .20X, want size %d", len(tt.data), tt.p.Dots, after, tt.want)
		}
	}
	for n := 1; n <= 2331; n += 333 {
		matrix, err := QRMatrix(strings.Repeat("x", n))
		if err != nil {
			t.Fatal(err)
		}
		if modules, ok := nativeModules(strings.Repeat("x", n)); !ok || modules != len(matrix) {
			t.Errorf("%d bytes: %d modules, the symbol has %d", n, modules, len(matrix))
		}
	}
}

func TestText(t *testing.T) {
	doc := Doc{
		Line{Text: "晨光便利店", Align: AlignCenter, Size: SizeBig},
		Columns{{Text: "农夫山泉饮用天然水 550ml"}, {Text: "2", Width: 6, Align: AlignRight}, {Text: "4.00", Width: 10, Align: AlignRight}},
		Rule{}, Line{}, Line{Text: "右 ", Align: AlignRight}, Feed{Lines: 3}, Cut{},
	}
	want := strings.Join([]string{
		"      晨光便利店",
		"农夫山泉饮用天然     2      4.00",
		"水 550ml",
		"--------------------------------",
		"",
		"                              右",
		"",
	}, "\n")
	if got := Text(doc, profile(t, "generic-58")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("农夫山泉 ¥4.00", "https://example.cn", int8(3), uint8(0))
	f.Add("\x10\x04\x01", "12345678", int8(0), uint8(1))
	f.Fuzz(func(t *testing.T, text, data string, n int8, model uint8) {
		p := profiles[int(model)%len(profiles)]
		doc := Doc{
			Line{Text: text, Size: Size(n), Align: Align(n)}, Columns{{Text: text, Width: int(n)}, {Text: data}},
			Rule{Char: rune(n)}, QR{Data: data, Size: int(n)}, Barcode{Data: data}, Feed{Lines: int(n)}, Drawer{Pin: int(n)}, Cut{},
		}
		Text(doc, p)
		b, _, err := Encode(doc, p)
		if err == nil && bytes.Contains(b, []byte{0x10, 0x04}) {
			t.Errorf("% X spells DLE EOT", b)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"generic-80", "generic-58"} {
		p := profile(b, name)
		kind := "raster"
		if p.NativeQR {
			kind = "native"
		}
		doc := receipt()
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Encode(doc, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
