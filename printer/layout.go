package printer

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"unicode/utf8"

	"tillagent/printer/internal/gbk"
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
	pad int
	words
	bold bool
}

// words are clean text that fits a line. Its code is codes[at:end] of the layout.
// It is as small as what Go keeps in registers, which every text of a receipt
// gains by.
type words struct {
	text    string
	at, end int32
	width   int // cells
}

// trimmed is without the spaces at the end.
func (w words) trimmed() words {
	for w.text != "" && w.text[len(w.text)-1] == ' ' {
		w.text = w.text[:len(w.text)-1]
		w.end--
		w.width--
	}
	return w
}

// layout is the walk over one document.
type layout struct {
	Profile
	to       target
	element  int
	warnings []Warning
	warned   map[rune]bool
	choices  []QRChoice

	table *gbk.Table

	// Of the element at hand, kept to be used again.
	codes []byte // texts in the printer's code
	rooms []int  // cells of each column
	parts []part // of one line
}

// run sends a document to a target. What cannot be laid out is left out and told
// in the error; the rest is sent all the same.
func (l *layout) run(doc Doc, p *Profile, to target) error {
	l.Profile, l.to, l.table = *p, to, gbk.Forward()
	l.warnings, l.warned, l.choices = nil, nil, nil // those of an earlier walk are its caller's
	if err := p.check(); err != nil {
		return err
	}
	var errs []error
	for i, e := range doc {
		l.element, l.codes = i, l.codes[:0]
		if err := l.lay(e); err != nil {
			errs = append(errs, fmt.Errorf("element %d: %v", i, err))
		}
	}
	return errors.Join(errs...)
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

// clean makes text printable, with one warning for each lost character. What is
// wider than a line, and what has newlines, is still to be wrapped.
func (l *layout) clean(s string) words {
	w, ok := l.encode(s)
	if ok {
		return w
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
	w, _ = l.encode(s)
	return w
}

// encode gives text with its code and width, and whether it is clean.
func (l *layout) encode(s string) (words, bool) {
	at := len(l.codes)
	codes, width, ok := appendGBK(l.codes, s, l.GBK, l.table)
	l.codes = codes
	return words{s, int32(at), int32(len(codes)), width}, ok
}

// wrap breaks clean text into lines.
func (l *layout) wrap(text string, room int) []words {
	lines := wrap(text, room)
	all := make([]words, len(lines))
	for i, line := range lines {
		all[i], _ = l.encode(line)
	}
	return all
}

func (l *layout) line(e Line) {
	room := l.Columns
	if e.Size == SizeWide || e.Size == SizeBig {
		room /= 2
	}
	w := l.clean(e.Text)
	if w.width <= room {
		l.printLine(append(l.parts[:0], part{0, w.trimmed(), e.Bold}), e.Align, e.Size)
		return
	}
	for _, w := range l.wrap(w.text, room) {
		l.printLine(append(l.parts[:0], part{0, w, e.Bold}), e.Align, e.Size)
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
	char := "-"
	if e.Char != 0 {
		char = string(e.Char)
	}
	w := l.clean(char)
	if w.width == 0 || w.width > l.Columns {
		w = l.clean("-")
	}
	w, _ = l.encode(strings.Repeat(w.text, l.Columns/w.width))
	l.printLine(append(l.parts[:0], part{0, w, false}), AlignLeft, SizeNormal)
}

func (l *layout) columns(e Columns) error {
	if err := l.columnWidths(e); err != nil {
		return err
	}
	parts, spaces := l.parts[:0], 0
	fits := true
	for i := range e {
		c := &e[i]
		w := l.clean(c.Text)
		if l.rooms[i] == 1 && w.width != utf8.RuneCountInString(w.text) {
			return fmt.Errorf("column %d is 1 cell wide: Chinese text needs 2", i+1)
		}
		if fits = fits && w.width <= l.rooms[i]; fits {
			parts, spaces = place(parts, spaces, w.trimmed(), l.rooms[i], c)
		}
	}
	if !fits {
		l.wrappedColumns(e)
		return nil
	}
	l.printLine(parts, AlignLeft, SizeNormal)
	return nil
}

// wrappedColumns is columns where a cell takes more than one line.
func (l *layout) wrappedColumns(e Columns) {
	cells := make([][]words, len(e))
	rows := 0
	for i, c := range e {
		cells[i] = l.wrap(l.clean(c.Text).text, l.rooms[i])
		rows = max(rows, len(cells[i]))
	}
	for row := range rows {
		parts, spaces := l.parts[:0], 0
		for i := range e {
			var w words
			if row < len(cells[i]) {
				w = cells[i][row]
			}
			parts, spaces = place(parts, spaces, w, l.rooms[i], &e[i])
		}
		l.printLine(parts, AlignLeft, SizeNormal)
	}
}

// place adds one cell to a line on whose right end so many spaces are still to be
// written; they are never written at the line's end.
func place(parts []part, spaces int, w words, room int, c *Column) ([]part, int) {
	if w.width == 0 {
		return parts, spaces + room
	}
	before := sheet.Align(c.Align).Offset(room, w.width)
	return append(parts, part{spaces + before, w, c.Bold}), room - w.width - before
}

// columnWidths sets l.rooms: columns of width 0 share the cells the rest leave.
func (l *layout) columnWidths(e Columns) error {
	l.rooms = l.rooms[:0]
	rest, sharing := l.Columns, 0
	for i := range e {
		width := e[i].Width
		if width < 0 || width > l.Columns {
			return fmt.Errorf("column %d is %d cells wide: the paper has %d", i+1, width, l.Columns)
		}
		l.rooms = append(l.rooms, width)
		rest -= width
		if width == 0 {
			sharing++
		}
	}
	if rest < 2*sharing {
		return fmt.Errorf("the columns need %d cells more than the paper's %d", 2*sharing-rest, l.Columns)
	}
	for i := range l.rooms {
		if l.rooms[i] == 0 {
			l.rooms[i] = rest / sharing
			rest -= l.rooms[i]
			sharing--
		}
	}
	return nil
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
	return paint(doc, p, true).Text()
}

// Height gives how long the paper will be, in dots. Drawing takes about 2 bytes of
// memory for each of the dots across it and down.
func Height(doc Doc, p Profile) int { return paint(doc, p, true).Height() }

// Draw gives the paper as a picture of p.Dots across, black 0 and white 255. A
// cut is a dashed line where something follows it. Elements that Encode refuses
// are left out.
func Draw(doc Doc, p Profile) *image.Gray {
	return paint(doc, p, false).Image()
}
