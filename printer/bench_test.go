package printer

import (
	"bytes"
	"fmt"
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

// plainEncoder is what common libraries do: every call formats, converts and
// appends for itself, and pictures are made by go-qrcode.
type plainEncoder struct{ bytes.Buffer }

func (e *plainEncoder) text(align, size int, s string) {
	fmt.Fprintf(e, "\x1ba%c\x1d!%c", align, size)
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(e, "%s\n", gbk)
}

func (e *plainEncoder) receipt(native bool) {
	e.WriteString("\x1b@\x1c&")
	e.text(1, 0x11, "晨光便利店")
	e.text(0, 0, "单号: S20261122000017")
	e.text(0, 0, strings.Repeat("-", 48))
	for i := range 13 {
		e.text(0, 0, fmt.Sprintf("%-25s%6d%10s", "农夫山泉饮用水", i+1, fmt.Sprintf("%d.00", 4*i+4)))
	}
	e.text(0, 0, strings.Repeat("-", 48))
	e.text(0, 0, "合计 ￥364.00")
	e.text(1, 0, "扫码开具电子发票")
	if native {
		fmt.Fprintf(e, "\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x08\x1d(k\x03\x001E1\x1d(k%c%c1P0%s\x1d(k\x03\x001Q0", len(invoiceURL)+3, 0, invoiceURL)
	} else {
		e.picture()
	}
	e.text(1, 0, "请于30日内扫码开票")
	e.WriteString("\x1bd\x04\x1dVB\x00")
}

func (e *plainEncoder) picture() {
	q, err := qrcode.New(invoiceURL, qrcode.Medium)
	if err != nil {
		panic(err)
	}
	img := q.Image(-8)
	width := img.Bounds().Dx()
	fmt.Fprintf(e, "\x1dv0\x00%c%c%c%c", (width+7)/8, 0, width&0xFF, width>>8)
	for y := range width {
		for x := 0; x < width; x += 8 {
			var b byte
			for i := range min(8, width-x) {
				if r, _, _, _ := img.At(x+i, y).RGBA(); r == 0 {
					b |= 0x80 >> i
				}
			}
			e.WriteByte(b)
		}
	}
}

// TestR25Ratio measures Encode against the plain encoder in the same run, so that
// the machine's speed and load do not count.
func TestR25Ratio(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	p := profile(t, "generic-80")
	tests := []struct {
		name   string
		native bool
		n      int
		most   float64 // of the plain encoder's time
	}{
		{"native", true, 100, 1},
		{"raster", false, 3, 0.5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.NativeQR = tt.native
			doc := twentyLines()
			ours := func() {
				if _, _, err := Encode(doc, p); err != nil {
					t.Fatal(err)
				}
			}
			plain := func() { new(plainEncoder).receipt(tt.native) }
			ratio := quickest(ours, tt.n).Seconds() / quickest(plain, tt.n).Seconds()
			t.Logf("takes %.2f of the plain encoder's time", ratio)
			if ratio > tt.most {
				t.Errorf("takes %.2f of the plain encoder's time, want at most %.2f", ratio, tt.most)
			}
		})
	}
}

// quickest is the best of several rounds of n calls: what else runs only adds.
func quickest(f func(), n int) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range 7 {
		start := time.Now()
		for range n {
			f()
		}
		best = min(best, time.Since(start))
	}
	return best
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
// 500 µs with a raster.
func BenchmarkEncode(b *testing.B) {
	p := profile(b, "generic-80")
	doc := twentyLines()
	for _, native := range []bool{true, false} {
		name := map[bool]string{true: "native", false: "raster"}[native]
		p.NativeQR = native
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Encode(doc, p); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"-plain", func(b *testing.B) {
			for b.Loop() {
				new(plainEncoder).receipt(native)
			}
		})
	}
}
