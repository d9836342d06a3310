// Package printer drives ESC/POS receipt printers, with right Chinese text and
// an honest answer to "is it on paper?".
//
// A [Doc] is a device-independent document. [Encode], [Text], [Draw] and [SVG]
// turn the same Doc into the bytes for a model, into plain text and into
// pictures; all of them are pure functions. A [Device] owns one port, prints one job at a
// time and says what became of it. What models differ in is data: see [Profile].
//
// The package knows nothing of sales.
package printer

import (
	"fmt"
	"image"
)

// A Doc is a document from top to bottom.
type Doc []Element

// An Element is one of the types of this file.
type Element interface{ element() }

// Align places text, symbols and pictures across the paper.
type Align int

// The alignments. The zero value is left.
const (
	AlignLeft Align = iota
	AlignCenter
	AlignRight
)

// Size is a character size. Wide characters take twice the cells.
type Size int

// The sizes. The zero value is the normal 12×24-dot character (24×24 for Chinese).
const (
	SizeNormal Size = iota
	SizeWide
	SizeTall
	SizeBig
)

// A Line is text that wraps at the paper's width, by cells. A newline in Text
// begins a new line; other control characters do not reach the printer.
type Line struct {
	Text  string
	Align Align
	Size  Size
	Bold  bool
}

// Columns is one row of a table; each cell wraps inside its own column.
type Columns []Column

// A Column is one cell of a Columns row.
type Column struct {
	Text  string
	Width int // cells, as Width counts them; 0 shares what the others leave
	Align Align
	Bold  bool
}

// A Rule is a full line of one character.
type Rule struct {
	Char rune // 0 is '-'
}

// A QR is a centred QR code, error correction M, with its quiet zone.
type QR struct {
	Data string
	Size int    // dots per module, 1-8; 0 is the largest that fits, up to 8. What does not fit is made smaller
	Kind QRKind // who draws it
}

// QRKind says who draws a QR code.
type QRKind int

// The kinds. Where the printer shall draw data that cannot be sent to it, the
// code goes as raster all the same.
const (
	QRAuto   QRKind = iota // the printer, where its profile says it can
	QRNative               // the printer (GS ( k), whatever its profile says: for tests
	QRRaster               // the agent
)

// A Barcode is a centred CODE128 barcode with its text below.
type Barcode struct {
	Data string // printable ASCII
}

// An Image is a centred picture, dithered to black and white and made smaller
// where it is wider than the paper. Transparent is white.
type Image struct {
	Image image.Image
}

// Feed moves the paper on.
type Feed struct {
	Lines int
}

// Cut feeds the printed part past the cutter and cuts; a printer without a
// cutter feeds to the tear bar.
type Cut struct {
	Full bool // cut through; otherwise a bridge is left
}

// Raw is passed to the printer as given. Text and Draw do not show it. Raw that
// asks the printer for status by itself (GS r, GS a) spoils the confirmation of
// its job.
type Raw []byte

// Drawer sends the pulse that opens a cash drawer.
type Drawer struct {
	Pin int // of the drawer connector: 2 or 5; 0 is 2
}

func (Line) element()    {}
func (Columns) element() {}
func (Rule) element()    {}
func (QR) element()      {}
func (Barcode) element() {}
func (Image) element()   {}
func (Feed) element()    {}
func (Cut) element()     {}
func (Raw) element()     {}
func (Drawer) element()  {}

// A Warning tells of something that printed otherwise than it was asked for.
type Warning struct {
	Element int    // index in the Doc
	Message string // what and why
}

func (w Warning) String() string { return w.Message }

// A QRChoice tells how a QR code goes to the printer, for the log of the job.
type QRChoice struct {
	Element int  // index in the Doc
	Native  bool // drawn by the printer; otherwise a raster
	Modules int  // across, without the quiet zone; of a native code the most it may need
	Size    int  // dots per module
}

func (c QRChoice) String() string {
	how := "as raster"
	if c.Native {
		how = "by the printer"
	}
	return fmt.Sprintf("QR code %s, %d modules of %d dots", how, c.Modules, c.Size)
}
