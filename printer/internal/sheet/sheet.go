// Package sheet is a strip of receipt paper as dots and as text. The drawing of
// a document and the stand-in printer share it, so that their pictures differ
// only where the bytes between them are wrong.
package sheet

import (
	"bytes"
	"image"
	"strings"

	"tillagent/printer/font"
)

// CellDots is the width of one cell: an ASCII character; Chinese takes two.
const CellDots = 12

// Align places a line or picture across the paper, as ESC a does.
type Align int

// The alignments, numbered as ESC a numbers them.
const (
	Left Align = iota
	Center
	Right
)

// Offset gives where something of the given width begins.
func (a Align) Offset(room, width int) int {
	switch a {
	case Center:
		return max(0, (room-width)/2)
	case Right:
		return max(0, room-width)
	}
	return 0
}

// A Char is one character of a line.
type Char struct {
	Rune       rune
	Glyph      font.Glyph
	Wide, Tall int // how many times it is enlarged, 1-8
	Bold       bool
	Reverse    bool // white on black
	Space      int  // dots of blank after it
}

// Width in dots.
func (c Char) Width() int { return c.Glyph.Width*c.Wide + c.Space }

// A Picture is a raster, or a QR code the printer drew itself.
type Picture struct {
	*Bitmap
	Align Align
	Note  string // stands below it in the text
}

// A Sheet grows downwards from its top edge.
type Sheet struct {
	Dots     int  // printable width
	LineDots int  // what counts as one blank line in the text
	TextOnly bool // keeps no dots: a text takes a hundredth of the memory

	rows  int
	pix   []byte // 0 black, 255 white, Dots to a row
	items []item
}

// item is what one step left in the text: a line, blank paper, or a picture.
type item struct {
	line    string
	feed    int // dots; 0 for the others
	picture *Picture
}

// New gives an empty sheet.
func New(dots, lineDots int) *Sheet { return &Sheet{Dots: dots, LineDots: lineDots} }

// Height in dots.
func (s *Sheet) Height() int { return s.rows }

// Image is the paper so far; of a sheet that keeps no dots it is black.
func (s *Sheet) Image() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, s.Dots, s.Height()))
	copy(img.Pix, s.pix)
	return img
}

// advance adds white rows and returns the first.
func (s *Sheet) advance(rows int) (top int) {
	top = s.Height()
	s.rows += rows
	if !s.TextOnly {
		s.pix = append(s.pix, bytes.Repeat([]byte{255}, rows*s.Dots)...)
	}
	return top
}

func (s *Sheet) black(x, y int) {
	if x >= 0 && x < s.Dots {
		s.pix[y*s.Dots+x] = 0
	}
}

// Feed moves the paper on by so many dots.
func (s *Sheet) Feed(dots int) {
	if dots <= 0 {
		return
	}
	s.advance(dots)
	s.items = append(s.items, item{feed: dots})
}

// Line prints characters on one baseline and moves on by pitch, or by the
// tallest of them where that is more.
func (s *Sheet) Line(chars []Char, align Align, pitch int) {
	width, tall := 0, 1
	var text strings.Builder
	for _, c := range chars {
		width += c.Width()
		tall = max(tall, c.Tall)
		text.WriteRune(c.Rune)
	}
	cells := s.Dots / CellDots
	indent := strings.Repeat(" ", align.Offset(cells, (width+CellDots-1)/CellDots))
	s.items = append(s.items, item{line: strings.TrimRight(indent+text.String(), " \u3000")})

	top := s.advance(max(pitch, tall*font.Height))
	if s.TextOnly {
		return
	}
	x := align.Offset(s.Dots, width)
	for _, c := range chars {
		s.char(c, x, top+(tall-c.Tall)*font.Height)
		x += c.Width()
	}
}

// char draws one character; bold is the character twice, a dot apart.
func (s *Sheet) char(c Char, left, top int) {
	width := c.Glyph.Width * c.Wide
	dot := func(x, y int) bool { return x >= 0 && c.Glyph.Dot(x/c.Wide, y/c.Tall) }
	for y := range font.Height * c.Tall {
		for x := range width {
			if (dot(x, y) || c.Bold && dot(x-1, y)) != c.Reverse {
				s.black(left+x, top+y)
			}
		}
	}
}

// Picture prints a picture and moves on by its height. Dots beyond the paper's
// edge are lost. A picture without a note directly below one of the same width
// continues it, as the slices of a raster do.
func (s *Sheet) Picture(b *Bitmap, align Align, note string) {
	s.draw(b, align)
	if n := len(s.items); n > 0 && note == "" {
		if last := s.items[n-1].picture; last != nil && last.Note == "" && last.Width == b.Width && last.Align == align {
			last.Bits = append(last.Bits, b.Bits...)
			last.Height += b.Height
			return
		}
	}
	own := &Bitmap{b.Width, b.Height, append([]byte(nil), b.Bits...)}
	s.items = append(s.items, item{picture: &Picture{own, align, note}})
}

func (s *Sheet) draw(b *Bitmap, align Align) {
	top := s.advance(b.Height)
	if s.TextOnly {
		return
	}
	left := align.Offset(s.Dots, b.Width)
	for y := range b.Height {
		for x := range b.Width {
			if b.Dot(x, y) {
				s.black(left+x, top+y)
			}
		}
	}
}

// Mark draws something that no text stands for.
func (s *Sheet) Mark(b *Bitmap) { s.draw(b, Left) }

// Pictures lists what Picture printed, from the top, slices joined.
func (s *Sheet) Pictures() []*Picture {
	var all []*Picture
	for _, it := range s.items {
		if it.picture != nil {
			all = append(all, it.picture)
		}
	}
	return all
}
