// Package font is Till Bitmap 24, the 1-bit font in which paper is drawn: ASCII
// and code page 437 in cells of 12×24 dots, every GBK character in 24×24, the
// sizes of a receipt printer's own fonts.
//
// It is derived from Noto Sans CJK and Noto Sans Mono CJK, under the SIL Open
// Font License of OFL.txt; gen.go makes till24.bin.gz.
package font

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"sync"

	"tillagent/printer/internal/gbk"
)

//go:generate go run -tags fontgen gen.go

//go:embed till24.bin.gz
var packed []byte

// Height of every cell, in dots.
const Height = 24

// The cells of the file: first the narrow ones (0x20-0x7E, then code page 437
// from 0x80 to 0xFF), then one for each two-byte GBK code.
const (
	narrowBytes = 2 * Height
	wideBytes   = 3 * Height
	asciiCells  = 0x7F - 0x20
	narrowCells = asciiCells + 128
	fileBytes   = narrowCells*narrowBytes + gbk.Codes*wideBytes
)

// A Glyph is one character's dots.
type Glyph struct {
	Width int    // 12 or 24 dots
	bits  []byte // rows of (Width+7)/8 bytes
}

// Dot tells whether the dot at x, y is black.
func (g Glyph) Dot(x, y int) bool {
	stride := (g.Width + 7) / 8
	return g.bits[y*stride+x/8]&(0x80>>(x%8)) != 0
}

var cells = sync.OnceValue(func() []byte {
	// The file is part of the program: reading it cannot fail, and a font test
	// holds its length. If it did, everything would be drawn as boxes.
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	all := make([]byte, fileBytes)
	if _, err := io.ReadFull(zip, all); err != nil {
		return nil
	}
	return all
})

// Lookup gives the glyph of an ASCII or GBK character. A character the font has
// not is a box: narrow for control characters and Latin, wide for the rest.
func Lookup(r rune) Glyph {
	if r >= 0x20 && r < 0x7F {
		return narrow(int(r) - 0x20)
	}
	if lead, trail, ok := gbk.Code(r); ok {
		return wide(gbk.Index(lead, trail), r)
	}
	if r < 0x250 {
		return narrowBox
	}
	return wideBox
}

// CodePage437 gives the narrow glyph of a byte from 0x80 to 0xFF, as a printer
// shows it that is not in Chinese mode.
func CodePage437(b byte) Glyph {
	if b < 0x80 {
		return Lookup(rune(b))
	}
	return narrow(asciiCells + int(b) - 0x80)
}

func narrow(i int) Glyph {
	all := cells()
	if all == nil {
		return narrowBox
	}
	return Glyph{12, all[i*narrowBytes:][:narrowBytes]}
}

func wide(i int, r rune) Glyph {
	all := cells()
	if all == nil {
		return wideBox
	}
	bits := all[narrowCells*narrowBytes+i*wideBytes:][:wideBytes]
	if r != ideographicSpace && blank(bits) {
		return wideBox
	}
	return Glyph{24, bits}
}

func blank(bits []byte) bool {
	for _, b := range bits {
		if b != 0 {
			return false
		}
	}
	return true
}

const ideographicSpace = '\u3000'

var (
	narrowBox = box(12)
	wideBox   = box(24)
)

// box draws an empty frame.
func box(width int) Glyph {
	stride := (width + 7) / 8
	g := Glyph{width, make([]byte, stride*Height)}
	for y := 3; y < Height-2; y++ {
		for x := 1; x < width-1; x++ {
			if y == 3 || y == Height-3 || x == 1 || x == width-2 {
				g.bits[y*stride+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return g
}
