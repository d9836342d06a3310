package printer

import (
	"errors"
	"fmt"
	"image"
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

// part is a stretch of one line.
type part struct {
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
}

// lay sends a document to a target. What cannot be laid out is left out and
// told in the error; the rest is sent all the same.
func lay(doc Doc, p Profile, to target) ([]Warning, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	l := &layout{Profile: p, to: to}
	var errs []error
	for i, e := range doc {
		l.element = i
		if err := l.lay(e); err != nil {
			errs = append(errs, fmt.Errorf("element %d: %v", i, err))
		}
	}
	return l.warnings, errors.Join(errs...)
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
		l.to.drawer(e.Pin)
	default:
		return fmt.Errorf("unknown element %T", e)
	}
	return nil
}

func (l *layout) warn(format string, args ...any) {
	l.warnings = append(l.warnings, Warning{l.element, fmt.Sprintf(format, args...)})
}

// clean makes text printable, with one warning for each lost character.
func (l *layout) clean(s string) string {
	if clean(s) {
		return s
	}
	return transliterate(s, func(r rune) {
		if l.warned[r] {
			return
		}
		if l.warned == nil {
			l.warned = make(map[rune]bool)
		}
		l.warned[r] = true
		l.warn("the printer has no %s: %c printed instead", describe(r), replacement)
	})
}

func (l *layout) line(e Line) {
	room := l.Columns
	if e.Size == SizeWide || e.Size == SizeBig {
		room /= 2
	}
	for _, text := range wrap(l.clean(e.Text), room) {
		l.printLine([]part{{text, e.Bold}}, e.Align, e.Size)
	}
}

// printLine sends one line; an empty one is a feed, so that the size of what is
// not there does not count.
func (l *layout) printLine(parts []part, align Align, size Size) {
	for _, p := range parts {
		if p.text != "" {
			l.to.line(parts, align, size)
			return
		}
	}
	l.to.feed(1, 0)
}

func (l *layout) rule(e Rule) {
	char := l.clean(string(e.Char))
	if n := cells(char); n == 0 || n > l.Columns {
		char = "-"
	}
	l.to.line([]part{{strings.Repeat(char, l.Columns/cells(char)), false}}, AlignLeft, SizeNormal)
}

func (l *layout) columns(e Columns) error {
	widths, err := l.columnWidths(e)
	if err != nil {
		return err
	}
	wrapped := make([][]string, len(e))
	rows := 1
	for i, c := range e {
		text := l.clean(c.Text)
		if widths[i] == 1 && cells(text) != len(text) {
			return fmt.Errorf("column %d is 1 cell wide: Chinese text needs 2", i+1)
		}
		wrapped[i] = wrap(text, widths[i])
		rows = max(rows, len(wrapped[i]))
	}
	for row := range rows {
		l.printLine(joinCells(e, widths, wrapped, row), AlignLeft, SizeNormal)
	}
	return nil
}

// columnWidths gives each column its cells; those of width 0 share the rest.
func (l *layout) columnWidths(e Columns) ([]int, error) {
	widths := make([]int, len(e))
	rest, sharing := l.Columns, 0
	for i, c := range e {
		if c.Width < 0 || c.Width > l.Columns {
			return nil, fmt.Errorf("column %d is %d cells wide: the paper has %d", i+1, c.Width, l.Columns)
		}
		widths[i] = c.Width
		rest -= c.Width
		if c.Width == 0 {
			sharing++
		}
	}
	if rest < 2*sharing {
		return nil, fmt.Errorf("the columns need %d cells more than the paper's %d", 2*sharing-rest, l.Columns)
	}
	for i, c := range e {
		if c.Width == 0 {
			widths[i] = rest / sharing
			rest -= widths[i]
			sharing--
		}
	}
	return widths, nil
}

// joinCells builds one printed line of a Columns row, without trailing spaces.
func joinCells(e Columns, widths []int, wrapped [][]string, row int) []part {
	var parts []part
	spaces := 0
	for i, c := range e {
		text := ""
		if row < len(wrapped[i]) {
			text = wrapped[i][row]
		}
		room := widths[i] - cells(text)
		before := sheet.Align(c.Align).Offset(widths[i], cells(text))
		if text == "" {
			spaces += room
			continue
		}
		parts = appendSpaces(parts, spaces+before)
		if n := len(parts); n > 0 && parts[n-1].bold == c.Bold {
			parts[n-1].text += text
		} else {
			parts = append(parts, part{text, c.Bold})
		}
		spaces = room - before
	}
	return parts
}

func appendSpaces(parts []part, n int) []part {
	if n <= 0 {
		return parts
	}
	if last := len(parts) - 1; last >= 0 { // bold or not: a space has no ink
		parts[last].text += strings.Repeat(" ", n)
		return parts
	}
	return append(parts, part{strings.Repeat(" ", n), false})
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
