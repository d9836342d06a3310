package printer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	qrcode "github.com/skip2/go-qrcode"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// twentyLines is a receipt of 20 printed lines and a QR code.
func twentyLines() Doc {
	d := Doc{Line{Text: "晨光便利店", Align: AlignCenter, Size: SizeBig}, Line{Text: "单号: S20261122000017"}, Rule{}}
	for i := range 13 {
		d = append(d, Columns{{Text: "农夫山泉饮用水"}, {Text: fmt.Sprint(i + 1), Width: 6, Align: AlignRight}, {Text: fmt.Sprintf("%d.00", 4*i+4), Width: 10, Align: AlignRight}})
	}
	return append(d, Rule{}, Line{Text: "合计 ￥364.00", Bold: true}, Line{Text: "扫码开具电子发票", Align: AlignCenter}, QR{Data: invoiceURL}, Line{Text: "请于30日内扫码开票", Align: AlignCenter}, Cut{})
}

// plainEncoder writes the same receipt in the way common ESC/POS libraries for Go
// do, hennedo/escpos above all: a call for each text, which first sends all seven
// styles, changed or not, and converts the text with a converter of its own; a
// line feed is such a text; each command is its own Write; rows are formatted with
// fmt; pictures come from go-qrcode and are read dot by dot. It is a stand-in
// written for this test, so a ratio to it is one to that way of doing things, not
// to the code of any library.
type plainEncoder struct {
	w           io.Writer
	align, size byte
	bold        bool
}

func (e *plainEncoder) raw(b []byte) {
	if _, err := e.w.Write(b); err != nil {
		panic(err)
	}
}

func flag01(on bool) byte {
	if on {
		return 1
	}
	return 0
}

func (e *plainEncoder) text(s string) {
	e.raw([]byte{0x1B, 'E', flag01(e.bold)})
	e.raw([]byte{0x1B, '-', 0}) // underline
	e.raw([]byte{0x1D, 'B', 0}) // reverse
	e.raw([]byte{0x1B, 'V', 0}) // rotated
	e.raw([]byte{0x1B, '{', 0}) // upside down
	e.raw([]byte{0x1B, 'a', e.align})
	e.raw([]byte{0x1D, '!', e.size})
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	e.raw([]byte(gbk))
}

func (e *plainEncoder) line(format string, args ...any) {
	e.text(fmt.Sprintf(format, args...))
	e.text("\n")
}

func plainReceipt(native bool) []byte {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	e := &plainEncoder{w: w}
	e.raw([]byte("\x1b@\x1c&"))
	e.align, e.size = 1, 0x11
	e.line("晨光便利店")
	e.align, e.size = 0, 0
	e.line("单号: %s", "S20261122000017")
	e.line("%s", strings.Repeat("-", 48))
	for i := range 13 {
		e.line("%-25s%6d%10s", "农夫山泉饮用水", i+1, fmt.Sprintf("%d.00", 4*i+4))
	}
	e.line("%s", strings.Repeat("-", 48))
	e.bold = true
	e.line("合计 ￥%s", "364.00")
	e.bold = false
	e.align = 1
	e.line("扫码开具电子发票")
	if native {
		e.raw([]byte("\x1d(k\x04\x001A2\x00"))
		e.raw([]byte("\x1d(k\x03\x001C\x08"))
		e.raw([]byte("\x1d(k\x03\x001E1"))
		n := len(invoiceURL) + 3
		e.raw(append([]byte{0x1D, '(', 'k', byte(n), byte(n >> 8), '1', 'P', '0'}, invoiceURL...))
		e.raw([]byte("\x1d(k\x03\x001Q0"))
	} else {
		e.picture()
	}
	e.line("请于%d日内扫码开票", 30)
	e.raw([]byte("\x1bd\x04"))
	e.raw([]byte("\x1dVB\x00"))
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func (e *plainEncoder) picture() {
	q, err := qrcode.New(invoiceURL, qrcode.Medium)
	if err != nil {
		panic(err)
	}
	img := q.Image(-8)
	width := img.Bounds().Dx()
	dots := make([]byte, 0, (width+7)/8*width)
	for y := range width {
		for x := 0; x < width; x += 8 {
			var b byte
			for i := range min(8, width-x) {
				if r, _, _, _ := img.At(x+i, y).RGBA(); r == 0 {
					b |= 0x80 >> i
				}
			}
			dots = append(dots, b)
		}
	}
	e.raw(append([]byte{0x1D, 'v', '0', 0, byte((width + 7) / 8), 0, byte(width), byte(width >> 8)}, dots...))
}

// encodings are the two ways of the speed tests, with how often each runs in a
// round and the most allocations of one document. The race detector makes some
// more.
var encodings = []struct {
	name   string
	native bool
	n      int
	allocs float64
}{
	{"native", true, 200, 12},
	{"raster", false, 10, 24},
}

// TestR25Encode bounds what does not depend on the machine: the memory a document
// takes, and that it is no slower than the plain encoder, which is measured in the
// same run. How much faster is for BenchmarkEncode to say.
func TestR25Encode(t *testing.T) {
	p := profile(t, "generic-80")
	doc := twentyLines()
	for _, tt := range encodings {
		t.Run(tt.name, func(t *testing.T) {
			p.NativeQR = tt.native
			ours := func() {
				if _, _, err := Encode(doc, p); err != nil {
					t.Fatal(err)
				}
			}
			if n := testing.AllocsPerRun(20, ours); n > tt.allocs {
				t.Errorf("%v allocations, want at most %v", n, tt.allocs)
			}
			if testing.Short() {
				return
			}
			took, plain := sideBySide(9, tt.n, ours, func() { plainReceipt(tt.native) })
			t.Logf("%v, the plain encoder %v", took, plain)
			if took > plain {
				t.Error("slower than the plain encoder")
			}
		})
	}
}

// sideBySide is the time of one call of each: the median of rounds by turns, so
// that what else runs hits both.
func sideBySide(rounds, n int, ours, theirs func()) (a, b time.Duration) {
	took := [2][]time.Duration{}
	for range rounds {
		for i, f := range []func(){ours, theirs} {
			start := time.Now()
			for range n {
				f()
			}
			took[i] = append(took[i], time.Since(start)/time.Duration(n))
		}
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	return took[0][rounds/2], took[1][rounds/2]
}

// TestR25Bytes bounds what goes over a slow line.
func TestR25Bytes(t *testing.T) {
	for _, name := range []string{"generic-58", "generic-80", "epson-tm"} {
		p := profile(t, name)
		p.NativeQR = true
		b, _, err := Encode(twentyLines(), p)
		if err != nil || len(b) > 1500 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// BenchmarkEncode has targets of 10 µs with a QR code the printer draws and
// 500 µs with a raster. plain-ns/op is the plain encoder's time and x-plain the
// ratio to it, both measured by turns with Encode.
func BenchmarkEncode(b *testing.B) {
	p := profile(b, "generic-80")
	doc := twentyLines()
	for _, tt := range encodings {
		b.Run(tt.name, func(b *testing.B) {
			p.NativeQR = tt.native
			ours := func() {
				if _, _, err := Encode(doc, p); err != nil {
					b.Fatal(err)
				}
			}
			took, plain := sideBySide(31, tt.n, ours, func() { plainReceipt(tt.native) })
			b.ReportAllocs()
			for b.Loop() {
				ours()
			}
			b.ReportMetric(float64(plain), "plain-ns/op")
			b.ReportMetric(float64(plain)/float64(took), "x-plain")
		})
	}
}
