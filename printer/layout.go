package printer

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"

	"tillagent/printer/internal/sheet"
)

// A target takes a document after layout: every text is clean, every line fits,
// every picture is black and white. The encoder and the painter are the two.
type target interface {
	line(parts []part, align Align, size Size)
	feed(lines, dots int)         // lines at normal size
	raster(b *sheet.Bitmap)       // centred; whole bytes wide
	qr(data string, size int)     // centred; drawn by the printer
	barcode(data []byte, dot int) // centred; data as GS k 73 takes it, modules of dot dots
	cut(full bool)
	raw(b []byte)
	drawer(pin int)
}

// part is a stretch of one line: spaces, then text.
type part struct {
	pad  int
	text string
	bold bool
}

// layout is the walk over one document.
type layout struct {
	Profile
	to       target
	element  int
	warnings []Warning
	warned   map[rune]bool
	choices  []QRChoice
	parts    []part // of the line at hand; kept to be used again
	cells    []cell // of the row at hand
}

// lay sends a document to a target. What cannot be laid out is left out and
// told in the error; the rest is sent all the same.
func lay(doc Doc, p Profile, to target) (*layout, error) {
	l := &layout{Profile: p, to: to}
	if err := p.check(); err != nil {
		return l, err
	}
	var errs []error
	for i, e := range doc {
		l.element = i
		if err := l.lay(e); err != nil {
			errs = append(errs, fmt.Errorf("element %d: %v", i, err))
		}
	}
	return l, errors.Join(errs...)
}

func (l *layout) lay(e Element) error {
	switch e := e.(type) {
	case Line:
		l.line(e)
	case Columns:
		return l.columns(e)
	case Rule:
		l.rule(e)
	case QR:
		return l.qr(e)
	case Barcode:
		return l.barcode(e)
	case Image:
		return l.image(e)
	case Feed:
		if e.Lines > 0 {
			l.to.feed(e.Lines, 0)
		}
	case Cut:
		if l.CutFeed > 0 {
			l.to.feed(l.CutFeed, 0)
		}
		if l.Cutter {
			l.to.cut(e.Full)
		}
	case Raw:
		l.to.raw(e)
	case Drawer:
		if e.Pin != 0 && e.Pin != 2 && e.Pin != 5 {
			return fmt.Errorf("drawer pin %d: it is 2 or 5", e.Pin)
		}
		if len(l.DrawerPins) > 0 && !slices.Contains(l.DrawerPins, cmp.Or(e.Pin, 2)) {
			l.warn("this model is not known to have a drawer on pin %d", e.Pin)
		}
		l.to.drawer(e.Pin)
	default:
		return fmt.Errorf("unknown element %T", e)
	}
	return nil
}

func (l *layout) warn(format string, args ...any) {
	l.warnings = append(l.warnings, Warning{l.element, fmt.Sprintf(format, args...)})
}

// clean makes text printable, with one warning for each lost character, and
// measures it.
func (l *layout) clean(s string) (text string, width int) {
	width, ok := measure(s, l.GBK)
	if ok {
		return s, width
	}
	s = transliterate(s, l.GBK, func(r rune) {
		if l.warned[r] {
			return
		}
		if l.warned == nil {
			l.warned = make(map[rune]bool)
		}
		l.warned[r] = true
		l.warn("the printer has no %s: %c printed instead", describe(r), replacement)
	})
	width, _ = measure(s, l.GBK)
	return s, width
}

func (l *layout) line(e Line) {
	room := l.Columns
	if e.Size == SizeWide || e.Size == SizeBig {
		room /= 2
	}
	text, width := l.clean(e.Text)
	if width <= room {
		l.printLine(append(l.parts[:0], part{0, strings.TrimRight(text, " "), e.Bold}), e.Align, e.Size)
		return
	}
	for _, text := range wrap(text, room) {
		l.printLine(append(l.parts[:0], part{0, text, e.Bold}), e.Align, e.Size)
	}
}

// printLine sends one line; an empty one is a feed, so that the size of what is
// not there does not count.
func (l *layout) printLine(parts []part, align Align, size Size) {
	l.parts = parts
	for _, p := range parts {
		if p.text != "" {
			l.to.line(parts, align, size)
			return
		}
	}
	l.to.feed(1, 0)
}

func (l *layout) rule(e Rule) {
	char, n := l.clean(string(e.Char))
	if n == 0 || n > l.Columns {
		char, n = "-", 1
	}
	l.printLine(append(l.parts[:0], part{0, strings.Repeat(char, l.Columns/n), false}), AlignLeft, SizeNormal)
}

// A cell is one column of a row at hand.
type cell struct {
	Column
	lines []string // wrapped; nil where Text, cleaned, is the only one
	room  int      // cells across
}

// line gives the text of one printed line, "" below the last.
func (c *cell) line(row int) string {
	switch {
	case row < len(c.lines):
		return c.lines[row]
	case row == 0:
		return c.Text
	}
	return ""
}

func (l *layout) columns(e Columns) error {
	if err := l.columnWidths(e); err != nil {
		return err
	}
	rows := 1
	for i := range l.cells {
		c := &l.cells[i]
		var width int
		c.Text, width = l.clean(c.Text)
		if c.room == 1 && cells(c.Text) != len(c.Text) {
			return fmt.Errorf("column %d is 1 cell wide: Chinese text needs 2", i+1)
		}
		if width <= c.room {
			c.Text = strings.TrimRight(c.Text, " ")
			continue
		}
		c.lines = wrap(c.Text, c.room)
		rows = max(rows, len(c.lines))
	}
	for row := range rows {
		l.printLine(l.joinCells(row), AlignLeft, SizeNormal)
	}
	return nil
}

// columnWidths sets l.cells: those of width 0 share the cells the rest leave.
func (l *layout) columnWidths(e Columns) error {
	l.cells = l.cells[:0]
	rest, sharing := l.Columns, 0
	for i, c := range e {
		if c.Width < 0 || c.Width > l.Columns {
			return fmt.Errorf("column %d is %d cells wide: the paper has %d", i+1, c.Width, l.Columns)
		}
		l.cells = append(l.cells, cell{Column: c, room: c.Width})
		rest -= c.Width
		if c.Width == 0 {
			sharing++
		}
	}
	if rest < 2*sharing {
		return fmt.Errorf("the columns need %d cells more than the paper's %d", 2*sharing-rest, l.Columns)
	}
	for i := range l.cells {
		if c := &l.cells[i]; c.Width == 0 {
			c.room = rest / sharing
			rest -= c.room
			sharing--
		}
	}
	return nil
}

// joinCells builds one printed line of a row, without trailing spaces.
func (l *layout) joinCells(row int) []part {
	parts := l.parts[:0]
	spaces := 0
	for i := range l.cells {
		c := &l.cells[i]
		text := c.line(row)
		if text == "" {
			spaces += c.room
			continue
		}
		width := cells(text)
		before := sheet.Align(c.Align).Offset(c.room, width)
		parts = append(parts, part{spaces + before, text, c.Bold})
		spaces = c.room - width - before
	}
	return parts
}

func (l *layout) image(e Image) error {
	if e.Image == nil || e.Image.Bounds().Empty() {
		return errors.New("empty image")
	}
	b, err := dither(e.Image, l.Dots)
	if err != nil {
		return err
	}
	if w := e.Image.Bounds().Dx(); w > l.Dots {
		l.warn("image of %d dots made smaller to the paper's %d", w, l.Dots)
	}
	l.to.raster(b)
	return nil
}

// Text gives what will stand on paper, in cells: a character of the double sizes
// is written once, a QR code as half blocks. Line ends are trimmed. Elements that
// Encode refuses are left out.
func Text(doc Doc, p Profile) string {
	return paint(doc, p).Text()
}

// Draw gives the paper as a picture of p.Dots across, black 0 and white 255. A
// cut is a dashed line where something follows it. Elements that Encode refuses
// are left out.
func Draw(doc Doc, p Profile) *image.Gray {
	return paint(doc, p).Image()
}
