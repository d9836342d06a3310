package printer

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"strings"
	"testing"
)

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

// TestR16SizesInStep holds that Chinese and ASCII are enlarged together, and that
// ESC !, which leaves Chinese alone, enlarges nothing.
func TestR16SizesInStep(t *testing.T) {
	for _, p := range Profiles() {
		for _, both := range []bool{false, true} {
			p.ChineseSize = both
			b, _, err := Encode(sizesDoc(), p)
			if err != nil {
				t.Fatal(err)
			}
			cmds := commands(b)
			for i, c := range cmds {
				if string(c[:min(2, len(c))]) == "\x1b!" {
					t.Errorf("%s: % X", p.Name, c)
				}
				if string(c[:min(2, len(c))]) != "\x1d!" {
					continue
				}
				fs := c[2]>>4&1<<2 | c[2]&1<<3
				if next := cmds[i+1]; both != (string(next) == string([]byte{0x1C, 0x21, fs})) {
					t.Errorf("%s, FS ! needed %v: % X after % X", p.Name, both, next, c)
				}
			}
		}
	}
}

// TestR19RandomPictures looks for real-time commands in pictures of noise, in
// both raster kinds.
func TestR19RandomPictures(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 1))
	p := profile(t, "generic-58")
	for _, p.Raster = range []RasterKind{RasterRows, RasterColumns} {
		for range 20 {
			img := image.NewGray(image.Rect(0, 0, 1+r.IntN(500), 1+r.IntN(90)))
			for i := range img.Pix {
				img.Pix[i] = uint8(r.IntN(256))
			}
			b, _, err := Encode(Doc{Image{img}}, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, realtime := range []string{"\x10\x04", "\x10\x05", "\x10\x14"} {
				if bytes.Contains(b, []byte(realtime)) {
					t.Errorf("%s contains % X", p.Raster, realtime)
				}
			}
		}
	}
}

// TestR21CutBytes names the commands that the golden files show.
func TestR21CutBytes(t *testing.T) {
	tests := []struct {
		p             Profile
		partial, full string
	}{
		{profile(t, "generic-80"), "\x1bd\x04\x1dVB\x00", "\x1bd\x04\x1dVA\x00"},
		{profile(t, "rongta"), "\x1bd\x06\x1dVB\x00", "\x1bd\x06\x1dVA\x00"},
		{cutBy(t, CutHere), "\x1bd\x04\x1dV\x01", "\x1bd\x04\x1dV\x00"},
		{cutBy(t, CutOld), "\x1bd\x04\x1bm", "\x1bd\x04\x1bi"},
		{profile(t, "generic-58"), "\x1bd\x04", "\x1bd\x04"}, // no cutter: to the tear bar
	}
	for _, tt := range tests {
		for full, want := range map[bool]string{false: tt.partial, true: tt.full} {
			b, _, err := Encode(Doc{Line{Text: "a"}, Cut{Full: full}}, tt.p)
			if err != nil {
				t.Fatal(err)
			}
			if _, after, _ := bytes.Cut(b, []byte("a\n")); string(after) != want {
				t.Errorf("%s, full %v: % X, want % X", tt.p.Name, full, after, want)
			}
		}
	}
}

// TestR19RasterColumns reads ESC * back into dots.
func TestR19RasterColumns(t *testing.T) {
	p := columnsRaster(t)
	b, _, err := Encode(Doc{QR{Data: invoiceURL, Kind: QRRaster}}, p)
	if err != nil {
		t.Fatal(err)
	}
	want, err := QRMatrix(invoiceURL)
	if err != nil {
		t.Fatal(err)
	}
	const size = 7
	y := 0
	for _, line := range commands(b) {
		if string(line[:2]) != "\x1b*" {
			continue
		}
		width := int(line[3]) + int(line[4])<<8
		for x := range min(width, len(want)*size) {
			for i := range min(24, len(want)*size-y) {
				black := line[5+3*x+i/8]&(0x80>>(i%8)) != 0
				if black != want[(y+i)/size][x/size] {
					t.Fatalf("dot %d, %d is %v", x, y+i, black)
				}
			}
		}
		y += 24
	}
	if y < len(want)*size {
		t.Errorf("%d rows of %d", y, len(want)*size)
	}
}

// commands splits bytes.
func commands(b []byte) [][]byte {
	var all [][]byte
	for len(b) > 0 {
		_, n := nextCommand(b)
		all = append(all, b[:n])
		b = b[n:]
	}
	return all
}

// TestR18Choice holds who draws a code, and that the choice is told.
func TestR18Choice(t *testing.T) {
	native, raster := profile(t, "generic-80"), profile(t, "generic-58")
	small := native
	small.MaxQRVersion = 6 // the URL needs 7
	tests := []struct {
		name string
		p    Profile
		qr   QR
		want string
	}{
		{"the printer can", native, QR{Data: invoiceURL}, "QR code by the printer, 45 modules of 8 dots"},
		{"it cannot", raster, QR{Data: invoiceURL}, "QR code as raster, 45 modules of 7 dots"},
		{"asked for raster", native, QR{Data: invoiceURL, Kind: QRRaster, Size: 4}, "QR code as raster, 45 modules of 4 dots"},
		{"asked for native", raster, QR{Data: invoiceURL, Kind: QRNative}, "QR code by the printer, 45 modules of 7 dots"},
		{"beyond its largest symbol", small, QR{Data: invoiceURL}, "QR code as raster, 45 modules of 8 dots"},
		{"what cannot be sent", native, QR{Data: "a\x10\x04\x01", Kind: QRNative}, "QR code as raster, 21 modules of 8 dots"},
		{"too long to send", native, QR{Data: strings.Repeat("x", 1001)}, "QR code as raster, 121 modules of 4 dots"},
	}
	for _, tt := range tests {
		r, err := Render(Doc{Line{}, tt.qr}, tt.p)
		if err != nil || len(r.QRs) != 1 || r.QRs[0].Element != 1 {
			t.Fatalf("%s: %v, %v", tt.name, r.QRs, err)
		}
		if got := r.QRs[0].String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if drawn := bytes.Contains(r.Bytes, []byte("\x1d(k")); drawn != r.QRs[0].Native {
			t.Errorf("%s: the bytes say otherwise", tt.name)
		}
	}
}

func TestDrawerByProfile(t *testing.T) {
	p := profile(t, "generic-80")
	p.DrawerPins, p.DrawerPulse = []int{5}, [2]int{100, 300}
	b, warnings, err := Encode(Doc{Drawer{Pin: 5}}, p)
	if err != nil || len(warnings) > 0 || !bytes.HasSuffix(b, []byte{0x1B, 0x70, 1, 50, 150}) {
		t.Errorf("% X, %v, %v", b, warnings, err)
	}
	if _, warnings, err = Encode(Doc{Drawer{}}, p); err != nil || len(warnings) != 1 {
		t.Errorf("pin 2: %v, %v", warnings, err)
	}
}

// Every ESC @ is followed by what makes Chinese right, before any text.
func TestR15ChineseModeAfterEveryReset(t *testing.T) {
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
func TestR19NoRealtimeCommandWithin(t *testing.T) {
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

func TestR18RasterSlices(t *testing.T) {
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
		{"a sign of two bytes in one cell", Doc{Columns{{Text: "×", Width: 1}, {}}}, p58, "Chinese text needs 2"},
		{"empty QR", Doc{QR{}}, p58, "needs data"},
		{"QR beyond the standard", Doc{QR{Data: strings.Repeat("x", 3000)}}, p58, "3000 bytes is too long"},
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
func TestR18QRSize(t *testing.T) {
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
}

func TestR24Text(t *testing.T) {
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
		p := builtin()[int(model)%len(builtin())]
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
