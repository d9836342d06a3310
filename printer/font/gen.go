//go:build fontgen

// This program makes till24.bin.gz from Noto Sans CJK:
//
//	go run -tags fontgen gen.go [-ttc /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc]
//
// The order of the cells in the file is that of font.go: printable ASCII, the
// high half of code page 437, then every two-byte GBK code. Cells the font has
// no glyph for stay empty.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"image"
	"image/color"
	"log"
	"os"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/encoding/charmap"

	"tillagent/printer/internal/gbk"
)

const (
	height       = 24
	hanBaseline  = 21 // the font's ascender is 880 of 1000 units
	monoBaseline = 20 // one dot higher: brackets and descenders reach lower than Chinese does

	// Coverage, of 255, that makes a dot black. Above it thin strokes break,
	// below it dense characters close up. Latin strokes are heavier.
	hanThreshold  = 92
	monoThreshold = 108
)

func main() {
	ttc := flag.String("ttc", "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "source font collection")
	flag.Parse()
	if err := generate(*ttc, "till24.bin.gz"); err != nil {
		log.Fatal(err)
	}
}

func generate(ttc, out string) error {
	data, err := os.ReadFile(ttc)
	if err != nil {
		return err
	}
	collection, err := opentype.ParseCollection(data)
	if err != nil {
		return err
	}
	han, err := face(collection, "Noto Sans CJK SC", hanBaseline, hanThreshold)
	if err != nil {
		return err
	}
	mono, err := face(collection, "Noto Sans Mono CJK SC", monoBaseline, monoThreshold)
	if err != nil {
		return err
	}

	var cells bytes.Buffer
	for r := rune(0x20); r < 0x7F; r++ {
		cells.Write(mono.cell(r, 12))
	}
	for b := 0x80; b <= 0xFF; b++ {
		cells.Write(mono.cell(charmap.CodePage437.DecodeByte(byte(b)), 12))
	}
	glyphs := 0
	for lead := 0x81; lead <= 0xFE; lead++ {
		for trail := 0x40; trail <= 0xFE; trail++ {
			r, ok := gbk.Rune(byte(lead), byte(trail))
			if !ok || !han.has(r) {
				cells.Write(make([]byte, 3*height))
				continue
			}
			glyphs++
			cells.Write(han.cell(r, 24))
		}
	}

	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := zip.Write(cells.Bytes()); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	fmt.Printf("%d GBK glyphs, %d bytes packed to %d\n", glyphs, cells.Len(), packed.Len())
	return os.WriteFile(out, packed.Bytes(), 0o644)
}

type source struct {
	font.Face
	sfnt      *sfnt.Font
	baseline  int   // dots from the top of the cell
	threshold uint8 // coverage that makes a dot black
}

func face(c *opentype.Collection, name string, baseline int, threshold uint8) (*source, error) {
	for i := range c.NumFonts() {
		f, err := c.Font(i)
		if err != nil {
			return nil, err
		}
		if full, err := f.Name(nil, sfnt.NameIDFull); err != nil || full != name {
			continue
		}
		fc, err := opentype.NewFace(f, &opentype.FaceOptions{Size: height, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return nil, err
		}
		return &source{fc, f, baseline, threshold}, nil
	}
	return nil, fmt.Errorf("the collection has no face %q", name)
}

func (s *source) has(r rune) bool {
	i, err := s.sfnt.GlyphIndex(nil, r)
	return err == nil && i != 0
}

// cell draws r centred in a cell of the given width, one bit a dot, rows of
// width/8 bytes rounded up, the leftmost dot in the highest bit.
func (s *source) cell(r rune, width int) []byte {
	grey := image.NewGray(image.Rect(0, 0, width, height))
	advance, _ := s.GlyphAdvance(r)
	left := (fixed.I(width) - advance) / 2
	d := font.Drawer{Dst: grey, Src: image.NewUniform(color.White), Face: s.Face, Dot: fixed.Point26_6{X: left, Y: fixed.I(s.baseline)}}
	d.DrawString(string(r))
	stride := (width + 7) / 8
	bits := make([]byte, stride*height)
	for y := range height {
		for x := range width {
			if grey.GrayAt(x, y).Y >= s.threshold {
				bits[y*stride+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return bits
}
