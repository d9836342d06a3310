package printer

import (
	"bytes"
	"slices"
	"sync"

	"tillagent/printer/internal/sheet"
)

// ESC/POS commands, by the names of the Epson manuals. Where clones differ from
// Epson, what is sent is what all of them take.
var (
	cmdInit = []byte{0x1B, 0x40} // ESC @: clears the line and all modes, the Chinese mode among them

	// cmdModes must follow every ESC @, at the start of a line.
	cmdModes = []byte{
		0x1B, 0x3D, 0x01, // ESC = 1: select the printer
		0x1B, 0x74, 0x00, // ESC t 0: code page 437
		0x1B, 0x52, 0x00, // ESC R 0: USA; in China's set $ prints as ¥
		0x1C, 0x26, // FS &: Chinese mode
		0x1C, 0x53, 0x00, 0x00, // FS S 0 0: no space beside Chinese characters, or columns drift
	}
	cmdLineSpacing = []byte{0x1B, 0x32}                   // ESC 2: default line spacing
	cmdHRI         = []byte{0x1D, 0x66, 0, 0x1D, 0x48, 2} // GS f 0, GS H 2: barcode text in font A, below
)

const (
	barcodeHeight = 80 // dots
	sliceRows     = 24 // rows of a raster command: a lost byte spoils one slice, and small buffers cope
)

// cmdPlain takes back what another program may have set besides the modes that
// the encoder keeps.
var cmdPlain = []byte{
	0x1B, 0x21, 0x00, // ESC ! 0: font A, plain
	0x1D, 0x42, 0x00, // GS B 0: not white on black
}

// maxCommand bounds every command Encode writes, Raw excepted: a raster slice of
// the widest paper and its header.
const maxCommand = sliceRows*maxDots/8 + 8

// A Rendered is a document as bytes for one model.
type Rendered struct {
	Bytes    []byte
	Warnings []Warning
	QRs      []QRChoice // how each QR code goes
}

// Render gives a document as a whole job for one model. It is pure. The error
// names elements that cannot be printed on this paper; there are no bytes then.
func Render(doc Doc, p Profile) (Rendered, error) {
	return render(doc, &p, true)
}

// Encode is Render for who needs no choices.
func Encode(doc Doc, p Profile) ([]byte, []Warning, error) {
	r, err := render(doc, &p, true)
	return r.Bytes, r.Warnings, err
}

// EncodeWithin gives a document to be put into a job of other origin, at the
// start of a line: without ESC @, which printers take at rest only, and with
// every mode set anew. See [InsertBeforeCut].
func EncodeWithin(doc Doc, p Profile) ([]byte, []Warning, error) {
	r, err := render(doc, &p, false)
	return r.Bytes, r.Warnings, err
}

// encoder is the target that writes ESC/POS. It sends a mode only when it
// changes; the zero value of each mode is what ESC @ leaves.
type encoder struct {
	layout  layout
	buf     []byte
	align   Align
	size    Size
	bold    bool
	unknown bool // after Raw the modes are anyone's guess
}

// encoders keeps the memory of those that are done: a receipt takes microseconds,
// and half of them would go into making room.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

// keptBytes is the largest buffer that is kept.
const keptBytes = 64 << 10

func render(doc Doc, p *Profile, whole bool) (Rendered, error) {
	e := encoders.Get().(*encoder)
	e.buf, e.align, e.size, e.bold, e.unknown = e.buf[:0], AlignLeft, SizeNormal, false, !whole
	if whole {
		e.put(cmdInit...)
		e.put(cmdModes...)
	}
	err := e.layout.run(doc, p, e)
	r := Rendered{Warnings: e.layout.warnings, QRs: e.layout.choices}
	if err == nil {
		r.Bytes = bytes.Clone(e.buf)
	}
	if cap(e.buf) <= keptBytes {
		encoders.Put(e)
	}
	return r, err
}

func (e *encoder) put(b ...byte) { e.buf = append(e.buf, b...) }

// begin makes the modes known again before anything but Raw.
func (e *encoder) begin() {
	if !e.unknown {
		return
	}
	e.unknown = false
	e.put(cmdPlain...)
	e.put(cmdModes...)
	e.put(cmdLineSpacing...)
	e.sendAlign(AlignLeft)
	e.sendSize(SizeNormal)
	e.sendBold(false)
}

// sendAlign is ESC a n: 1B 61 n.
func (e *encoder) sendAlign(a Align) {
	e.put(0x1B, 0x61, byte(a))
	e.align = a
}

// sendSize is GS ! n: 1D 21 n, width-1 in the high nibble, height-1 in the low;
// on models that need it FS ! n (1C 21 n: bit 2 wide, bit 3 tall) for Chinese.
// ESC ! is never used: clones apply it to ASCII alone.
func (e *encoder) sendSize(s Size) {
	wide := s == SizeWide || s == SizeBig
	tall := s == SizeTall || s == SizeBig
	var gs, fs byte
	if wide {
		gs, fs = 0x10, 0x04
	}
	if tall {
		gs, fs = gs|0x01, fs|0x08
	}
	e.put(0x1D, 0x21, gs)
	if e.layout.ChineseSize {
		e.put(0x1C, 0x21, fs)
	}
	e.size = s
}

// sendBold is ESC E n: 1B 45 n.
func (e *encoder) sendBold(on bool) {
	n := byte(0)
	if on {
		n = 1
	}
	e.put(0x1B, 0x45, n)
	e.bold = on
}

func (e *encoder) setAlign(a Align) {
	if a != e.align {
		e.sendAlign(a)
	}
}

func (e *encoder) line(parts []part, align Align, size Size) {
	e.begin()
	e.setAlign(align)
	if size != e.size {
		e.sendSize(size)
	}
	for i := range parts {
		p := &parts[i]
		if p.bold != e.bold {
			e.sendBold(p.bold)
		}
		for n := p.pad; n > 0; n -= len(blanks) {
			e.buf = append(e.buf, blanks[:min(n, len(blanks))]...)
		}
		e.buf = append(e.buf, e.layout.codes[p.at:p.end]...)
	}
	e.put('\n')
}

const blanks = "                                                "

// feed is LF or ESC d n (1B 64 n) lines, then ESC J n (1B 4A n) dots. It is sent
// at normal size, because a tall line feeds more.
func (e *encoder) feed(lines, dots int) {
	e.begin()
	if e.size != SizeNormal {
		e.sendSize(SizeNormal)
	}
	if lines == 1 {
		e.put('\n')
		lines = 0
	}
	for ; lines > 0; lines -= 255 {
		e.put(0x1B, 0x64, byte(min(lines, 255)))
	}
	for ; dots > 0; dots -= 255 {
		e.put(0x1B, 0x4A, byte(min(dots, 255)))
	}
}

func (e *encoder) raster(b *sheet.Bitmap) {
	e.begin()
	e.setAlign(AlignCenter)
	if e.layout.Raster == RasterColumns {
		e.rasterColumns(b)
		return
	}
	e.rasterRows(b)
}

// rasterRows is GS v 0 (1D 76 30 0 xL xH yL yH): bytes across, rows down, in
// slices, which join without a gap.
func (e *encoder) rasterRows(b *sheet.Bitmap) {
	stride := b.Stride()
	e.buf = slices.Grow(e.buf, len(b.Bits)+8*(b.Height/sliceRows+1))
	for y := 0; y < b.Height; y += sliceRows {
		rows := min(sliceRows, b.Height-y)
		e.put(0x1D, 0x76, 0x30, 0x00, byte(stride), byte(stride>>8), byte(rows), 0)
		e.put(b.Bits[y*stride : (y+rows)*stride]...)
	}
}

// rasterColumns is ESC * 33 (1B 2A 21 nL nH): bands of 24 dots, three bytes a
// column, each ended by ESC J 24 (1B 4A 18), which prints it and moves on by its
// height.
func (e *encoder) rasterColumns(b *sheet.Bitmap) {
	for y := 0; y < b.Height; y += 24 {
		e.put(0x1B, 0x2A, 0x21, byte(b.Width), byte(b.Width>>8))
		start := len(e.buf)
		for x := range b.Width {
			var column [3]byte
			for i := range min(24, b.Height-y) {
				if b.Dot(x, y+i) {
					column[i/8] |= 0x80 >> (i % 8)
				}
			}
			e.put(column[:]...)
		}
		defuse(e.buf[start:])
		e.put(0x1B, 0x4A, 24)
	}
}

// qr is GS ( k (1D 28 6B pL pH 31 fn …). The parameters are digits as characters.
func (e *encoder) qr(data string, size int) {
	e.begin()
	e.setAlign(AlignCenter)
	e.put(0x1D, 0x28, 0x6B, 0x04, 0x00, 0x31, 0x41, 0x32, 0x00) // fn 165: model 2
	e.put(0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x43, byte(size)) // fn 167: dots per module
	e.put(0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x45, 0x31)       // fn 169: error correction M
	n := len(data) + 3
	e.put(0x1D, 0x28, 0x6B, byte(n), byte(n>>8), 0x31, 0x50, 0x30) // fn 180: store
	e.buf = append(e.buf, data...)
	e.put(0x1D, 0x28, 0x6B, 0x03, 0x00, 0x31, 0x51, 0x30) // fn 181: print
}

// barcode is GS k 73 n (1D 6B 49 n): CODE128, after GS h (height) and GS w (module).
func (e *encoder) barcode(data []byte, dot int) {
	e.begin()
	e.setAlign(AlignCenter)
	if e.size != SizeNormal {
		e.sendSize(SizeNormal)
	}
	if e.bold {
		e.sendBold(false)
	}
	e.put(0x1D, 0x68, barcodeHeight, 0x1D, 0x77, byte(dot))
	e.put(cmdHRI...)
	e.put(0x1D, 0x6B, 0x49, byte(len(data)))
	e.put(data...)
}

// cut is, by the profile, GS V 66 0 (1D 56 42 00; 65 is full), which feeds to the
// cutter by itself, GS V 1 (1D 56 01; 0 is full), or ESC m (1B 6D; ESC i, 1B 69,
// is full).
func (e *encoder) cut(full bool) {
	e.begin()
	pick := func(whole, partial byte) byte {
		if full {
			return whole
		}
		return partial
	}
	switch e.layout.cutCommand() {
	case CutHere:
		e.put(0x1D, 0x56, pick(0, 1))
	case CutOld:
		e.put(0x1B, pick('i', 'm'))
	default:
		e.put(0x1D, 0x56, pick(65, 66), 0x00)
	}
}

func (e *encoder) raw(b []byte) {
	e.put(b...)
	e.unknown = true
}

// drawer is ESC p m t1 t2 (1B 70 m t1 t2): on and off, in steps of 2 ms.
func (e *encoder) drawer(pin int) {
	e.begin()
	m := byte(0)
	if pin == 5 {
		m = 1
	}
	on, off := e.layout.pulse()
	e.put(0x1B, 0x70, m, byte(on/2), byte(off/2))
}
