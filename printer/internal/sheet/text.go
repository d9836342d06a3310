package sheet

import (
	"fmt"
	"strings"
)

// Text is the paper as lines of text: characters at their cells, a picture made
// of squares (a QR code) as half blocks, any other picture as its size. Line
// ends and the end of the paper are trimmed.
func (s *Sheet) Text() string {
	var lines []string
	blank := 0 // dots
	for _, it := range s.items {
		if it.feed > 0 {
			blank += it.feed
			continue
		}
		for range blank / s.LineDots {
			lines = append(lines, "")
		}
		blank = 0
		if it.picture == nil {
			lines = append(lines, it.line)
			continue
		}
		lines = append(lines, it.picture.lines(s.Dots/CellDots)...)
		if it.picture.Note != "" {
			lines = append(lines, it.picture.Note)
		}
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// lines draws the picture, two rows of squares to a line of text.
func (p *Picture) lines(cells int) []string {
	size := p.squareSize()
	if size < 2 {
		name := fmt.Sprintf("[%d×%d]", p.Width, p.Height)
		return []string{strings.Repeat(" ", p.Align.Offset(cells, len(name)-1)) + name}
	}
	columns, rows := (p.Width+size-1)/size, (p.Height+size-1)/size
	black := func(x, y int) bool { return y < rows && p.Dot(x*size, y*size) }
	for columns > 0 && !p.anyInColumn((columns-1)*size) { // a raster is filled up to whole bytes
		columns--
	}
	indent := strings.Repeat(" ", p.Align.Offset(cells, columns))
	var lines []string
	for y := 0; y < rows; y += 2 {
		line := []rune(indent)
		for x := range columns {
			line = append(line, halfBlocks[bit(black(x, y))|bit(black(x, y+1))<<1])
		}
		lines = append(lines, strings.TrimRight(string(line), " "))
	}
	return lines
}

// halfBlocks by upper dot and twice the lower one.
var halfBlocks = [4]rune{' ', '▀', '▄', '█'}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *Picture) anyInColumn(x int) bool {
	for y := range p.Height {
		if p.Dot(x, y) {
			return true
		}
	}
	return false
}
