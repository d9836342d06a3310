package printer

import (
	"strings"

	"tillagent/printer/font"
	"tillagent/printer/internal/sheet"
)

// painter is the target that draws, as the printer would.
type painter struct {
	profile Profile
	sheet   *sheet.Sheet
	wasCut  bool
}

func paint(doc Doc, p Profile, textOnly bool) *sheet.Sheet {
	if p.check() != nil {
		return sheet.New(max(p.Dots, sheet.CellDots), font.Height)
	}
	t := &painter{profile: p, sheet: sheet.New(p.Dots, p.LineDots)}
	t.sheet.TextOnly = textOnly
	// The error names elements Encode refuses; they are left out here.
	_ = new(layout).run(doc, &p, t)
	return t.sheet
}

// begin marks a cut once something follows it.
func (t *painter) begin() {
	if !t.wasCut {
		return
	}
	t.wasCut = false
	dashes := sheet.NewBitmap(t.profile.Dots, 2)
	for x := range t.profile.Dots {
		if x/12%2 == 0 {
			dashes.Set(x, 0)
			dashes.Set(x, 1)
		}
	}
	t.sheet.Mark(dashes)
}

func (t *painter) line(parts []part, align Align, size Size) {
	t.begin()
	var chars []sheet.Char
	for _, p := range parts {
		chars = appendChars(chars, strings.Repeat(" ", p.pad), size, p.bold)
		chars = appendChars(chars, p.text, size, p.bold)
	}
	t.sheet.Line(chars, sheet.Align(align), t.profile.LineDots)
}

func appendChars(chars []sheet.Char, text string, size Size, bold bool) []sheet.Char {
	wide, tall := scale(size)
	for _, r := range text {
		chars = append(chars, sheet.Char{Rune: r, Glyph: font.Lookup(r), Wide: wide, Tall: tall, Bold: bold})
	}
	return chars
}

func scale(s Size) (wide, tall int) {
	switch s {
	case SizeWide:
		return 2, 1
	case SizeTall:
		return 1, 2
	case SizeBig:
		return 2, 2
	}
	return 1, 1
}

func (t *painter) feed(lines, dots int) {
	t.begin()
	t.sheet.Feed(lines*t.profile.LineDots + dots)
}

func (t *painter) raster(b *sheet.Bitmap) {
	t.begin()
	t.sheet.Picture(b, sheet.Center, "")
}

func (t *painter) qr(data string, size int) {
	t.begin()
	matrix, err := QRMatrix(data)
	if err != nil {
		return // the layout has found room for it, so it has a matrix
	}
	t.sheet.Picture(sheet.Squares(matrix, size), sheet.Center, "")
}

func (t *painter) barcode(data []byte, dot int) {
	t.begin()
	code, text, ok := sheet.ParseCode128(data)
	if !ok {
		return // the layout writes no such data
	}
	t.sheet.Barcode(code.Bars(dot, barcodeHeight), appendChars(nil, text, SizeNormal, false), sheet.Center)
}

func (t *painter) cut(bool)   { t.wasCut = true }
func (t *painter) raw([]byte) {}
func (t *painter) drawer(int) {}
