package printer

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"tillagent/printer/internal/sheet"
)

const (
	maxImageRows   = 4096       // on paper: half a metre
	maxImagePixels = 64_000_000 // of the source, every one of which is looked at
)

// dither makes a picture black and white and at most dots wide. The source's
// aspect ratio stays.
func dither(src image.Image, dots int) (*sheet.Bitmap, error) {
	in := src.Bounds()
	width, height := in.Dx(), in.Dy()
	if int64(width)*int64(height) > maxImagePixels {
		return nil, fmt.Errorf("image of %d×%d is too large", width, height)
	}
	if width > dots {
		width, height = dots, max(1, int(int64(height)*int64(dots)/int64(width)))
	}
	if height > maxImageRows {
		return nil, fmt.Errorf("image of %d×%d is too long: %d rows at most", in.Dx(), in.Dy(), maxImageRows)
	}
	grey := shrink(src, width, height)
	out := image.NewPaletted(grey.Bounds(), color.Palette{color.White, color.Black})
	draw.FloydSteinberg.Draw(out, out.Bounds(), grey, image.Point{})
	b := sheet.NewBitmap((width+7)/8*8, height)
	for y := range height {
		for x := range width {
			if out.ColorIndexAt(x, y) == 1 {
				b.Set(x, y)
			}
		}
	}
	defuse(b.Bits)
	return b, nil
}

// shrink gives the picture on white in shades of grey, each dot the mean of the
// pixels it covers.
func shrink(src image.Image, width, height int) *image.Gray {
	in := src.Bounds()
	out := image.NewGray(image.Rect(0, 0, width, height))
	edge := func(i, n, m int) int { return int(int64(i) * int64(m) / int64(n)) }
	for y := range height {
		top, bottom := edge(y, height, in.Dy()), edge(y+1, height, in.Dy())
		for x := range width {
			left, right := edge(x, width, in.Dx()), edge(x+1, width, in.Dx())
			var sum, n uint64
			for sy := top; sy < max(bottom, top+1); sy++ {
				for sx := left; sx < max(right, left+1); sx++ {
					sum += uint64(onWhite(src.At(in.Min.X+sx, in.Min.Y+sy)))
					n++
				}
			}
			out.SetGray(x, y, color.Gray{Y: uint8(sum / n)})
		}
	}
	return out
}

// onWhite is the lightness, 0-255, of a colour over white paper. The weights are
// those of color.GrayModel.
func onWhite(c color.Color) uint8 {
	r, g, b, a := c.RGBA()
	lightness := (19595*r + 38470*g + 7471*b + 1<<15) >> 16
	return uint8((lightness + 0xFFFF - a) >> 8)
}

// defuse changes one dot wherever raster bytes spell DLE EOT, DLE ENQ or DLE DC4:
// some printers obey these real-time commands even within a picture.
func defuse(bits []byte) {
	for i := 0; i+1 < len(bits); i++ {
		if bits[i] == 0x10 && (bits[i+1] == 0x04 || bits[i+1] == 0x05 || bits[i+1] == 0x14) {
			bits[i] |= 0x08
		}
	}
}

func (l *layout) barcode(e Barcode) error {
	if e.Data == "" {
		return errors.New("a barcode needs data")
	}
	forms, err := code128Data(e.Data)
	if err != nil {
		return err
	}
	for _, data := range forms {
		code, _, ok := sheet.ParseCode128(data)
		if !ok {
			return fmt.Errorf("cannot write %q as CODE128", e.Data)
		}
		const quiet = 20 // modules, both sides together
		for dot := 3; dot >= 2; dot-- {
			if (code.Modules()+quiet)*dot <= l.Dots {
				l.to.barcode(data, dot)
				return nil
			}
		}
	}
	return fmt.Errorf("a barcode of %d characters does not fit the paper", len(e.Data))
}

// code128Data writes GS k 73 data: digits two to a symbol in code set C, anything
// else in code set B. Of the forms the first that fits the paper is to be taken:
// digits may spell a real-time command, as those of 16:04 o'clock do, and the forms
// that do not are longer. Not to print them at all would be worse.
func code128Data(s string) (forms [][]byte, err error) {
	digits := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return nil, fmt.Errorf("barcode data %q is not printable ASCII", s)
		}
		digits = digits && s[i] >= '0' && s[i] <= '9'
	}
	pairs := digits && len(s) >= 4
	if pairs {
		forms = append(forms, code128Digits(s, true))
	}
	data := []byte("{B")
	for i := range len(s) {
		if s[i] == '{' {
			data = append(data, '{')
		}
		data = append(data, s[i])
	}
	switch {
	case len(data) <= 255:
		forms = append(forms, data)
	case !pairs:
		return nil, fmt.Errorf("barcode data of %d characters is too long", len(s))
	}
	if pairs {
		forms = append(forms, code128Digits(s, false))
	}
	return forms, nil
}

// code128Digits writes digits; defused, the second pair of what would be a
// real-time command goes in code set B, see defuse.
func code128Digits(s string, defused bool) (data []byte) {
	set := byte(0)
	in := func(want byte) {
		if set != want {
			data = append(data, '{', want)
			set = want
		}
	}
	if len(s)%2 == 1 {
		in('B')
		data = append(data, s[0])
		s = s[1:]
	}
	for ; len(s) >= 2; s = s[2:] {
		pair := (s[0]-'0')*10 + s[1] - '0'
		if n := len(data); defused && n > 0 && data[n-1] == 0x10 && (pair == 0x04 || pair == 0x05 || pair == 0x14) {
			in('B')
			data = append(data, s[0], s[1])
			continue
		}
		in('C')
		data = append(data, pair)
	}
	return data
}
