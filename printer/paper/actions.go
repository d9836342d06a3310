package paper

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
	"golang.org/x/text/encoding/charmap"

	"tillagent/printer"
	"tillagent/printer/font"
	"tillagent/printer/internal/sheet"
)

// conversation is the commands that are answered. They leave nothing on paper and
// are not among a receipt's bytes.
var conversation = map[string]func(*executor, command){
	"GS r": func(e *executor, c command) {
		if e.p.Traits().NoGSr {
			return
		}
		answer := byte(0) // the drawer's pin
		if n := c.data[0]; n == 1 || n == '1' {
			answer = e.p.Faults().paperStatus()
		}
		e.answer(answer)
	},
	"GS I": func(e *executor, c command) {
		t := e.p.Traits()
		if t.NoIdentity {
			return
		}
		switch n := c.data[0]; n {
		case 1, '1':
			e.answer(0x20)
		case 2, '2':
			e.answer(0x02)
		case 3, '3':
			e.answer(0x01)
		default:
			e.answer(append([]byte("_"+t.text(n)), 0)...)
		}
	},
	"GS a": func(e *executor, c command) {
		e.p.mu.Lock()
		defer e.p.mu.Unlock()
		e.p.asb = c.data[0] != 0
		if e.p.asb {
			e.p.answer(e.p.faults.asb())
		}
	},
	"GS ( H": func(e *executor, c command) {
		// 1D 28 48 06 00 30 30 d1 d2 d3 d4, answered 37 22 d1 d2 d3 d4 00.
		d := c.data[3:]
		switch {
		case e.p.Traits().NoProcessID:
			for _, b := range d {
				e.text(b)
			}
		case len(d) == 6 && d[0] == '0' && d[1] == '0':
			if e.p.Faults().ForeignEcho {
				e.answer([]byte("\x37\x22P001\x00")...)
			}
			e.answer(append(append([]byte{0x37, 0x22}, d[2:]...), 0)...)
		default:
			e.problem("GS ( H % X is not supported", c.data)
		}
	},
}

// answer answers in order: what came before is done.
func (e *executor) answer(b ...byte) {
	p := e.p
	p.mu.Lock()
	defer p.mu.Unlock()
	switch wait := p.faults.EchoDelayMS; {
	case p.faults.NoEcho:
	case wait > 0:
		time.AfterFunc(time.Duration(wait)*time.Millisecond, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.answer(b) // nobody hears it after Close
		})
	default:
		p.answer(b)
	}
}

// actions is the other commands, with the bytes after their mnemonic.
var actions = map[string]func(e *executor, d []byte){
	"NUL":    func(*executor, []byte) {},
	"CR":     func(*executor, []byte) {},
	"LF":     func(e *executor, _ []byte) { e.printLine(e.pitch) },
	"HT":     func(e *executor, _ []byte) { e.tab() },
	"ESC @":  func(e *executor, _ []byte) { e.restart() },
	"ESC a":  (*executor).setAlign,
	"ESC !":  (*executor).printMode,
	"ESC E":  func(e *executor, d []byte) { e.bold = d[0]&1 != 0 },
	"GS B":   func(e *executor, d []byte) { e.reverse = d[0]&1 != 0 },
	"ESC d":  func(e *executor, d []byte) { e.feedLines(int(d[0])) },
	"ESC J":  func(e *executor, d []byte) { e.printLine(int(d[0])) },
	"ESC t":  func(e *executor, d []byte) { e.codePage(d[0]) },
	"ESC R":  func(e *executor, d []byte) { e.international = d[0] },
	"ESC =":  func(e *executor, d []byte) { e.deselected = d[0]&1 == 0 },
	"ESC 2":  func(e *executor, _ []byte) { e.pitch = e.profile.LineDots },
	"ESC 3":  func(e *executor, d []byte) { e.pitch = int(d[0]) },
	"ESC B":  func(*executor, []byte) {}, // a beep leaves nothing on paper
	"ESC p":  func(e *executor, _ []byte) { e.kick() },
	"GS !":   (*executor).characterSize,
	"FS !":   func(e *executor, d []byte) { e.han = twice(d[0]&0x04 != 0, d[0]&0x08 != 0) },
	"FS &":   func(e *executor, _ []byte) { e.atLineStart("FS &"); e.chinese = true },
	"FS .":   func(e *executor, _ []byte) { e.chinese = false },
	"FS S":   func(e *executor, d []byte) { e.hanSpace = int(d[0]) + int(d[1]) },
	"GS V":   (*executor).cutMode,
	"ESC i":  func(e *executor, _ []byte) { e.cut("ESC i", true) },
	"ESC m":  func(e *executor, _ []byte) { e.cut("ESC m", false) },
	"GS v 0": (*executor).raster,
	"ESC *":  (*executor).columns,
	"GS h":   func(e *executor, d []byte) { e.barHeight = max(1, int(d[0])) },
	"GS w":   func(e *executor, d []byte) { e.barModule = min(max(1, int(d[0])), 6) },
	"GS H":   func(e *executor, d []byte) { e.barText = d[0] & 3 },
	"GS f":   func(*executor, []byte) {},
	"GS k":   (*executor).barcode,
	"GS ( k": (*executor).qr,
}

func (e *executor) restart() {
	e.reset()
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.p.asb = false
}

func (e *executor) setAlign(d []byte) {
	if len(e.line) > 0 {
		e.problem("ESC a within a line")
		return
	}
	switch d[0] {
	case 0, 1, 2:
		e.align = sheet.Align(d[0])
	case '0', '1', '2':
		e.align = sheet.Align(d[0] - '0')
	default:
		e.problem("ESC a %d", d[0])
	}
}

// printMode is ESC !; like clones it leaves Chinese alone.
func (e *executor) printMode(d []byte) {
	e.bold = d[0]&0x08 != 0
	e.ascii = twice(d[0]&0x20 != 0, d[0]&0x10 != 0)
}

// characterSize is GS !, for ASCII and Chinese.
func (e *executor) characterSize(d []byte) {
	s := size{int(d[0]>>4&7) + 1, int(d[0]&7) + 1}
	e.ascii, e.han = s, s
}

func twice(wide, tall bool) size {
	s := size{1, 1}
	if wide {
		s.wide = 2
	}
	if tall {
		s.tall = 2
	}
	return s
}

func (e *executor) codePage(n byte) {
	if n != 0 {
		e.problem("code page %d is not supported", n)
	}
}

func latin(b byte) rune { return charmap.CodePage437.DecodeByte(b) }

// tab moves to the next of the stops, every eight cells.
func (e *executor) tab() {
	const stop = 8 * sheet.CellDots
	for at := e.lineWidth(); ; {
		e.put(sheet.Char{Rune: ' ', Glyph: font.Lookup(' ')}, size{1, 1})
		if at += sheet.CellDots; at%stop < sheet.CellDots {
			return
		}
	}
}

func (e *executor) feedLines(n int) {
	if len(e.line) > 0 || e.band != nil {
		e.printLine(e.pitch)
		n--
	}
	for range n {
		e.printLine(e.pitch)
	}
}

func (e *executor) kick() {
	e.kicks++
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.p.kicks++
}

// cutMode is GS V: 0, 1 and their digits cut here; 65 and 66 feed and cut.
func (e *executor) cutMode(d []byte) {
	switch m := d[0]; m {
	case 0, '0', 65:
		e.cut("GS V", true)
	case 1, '1', 66:
		e.cut("GS V", false)
	default:
		e.problem("GS V %d is not supported", m)
	}
}

func (e *executor) cut(name string, full bool) {
	e.atLineStart(name)
	if !e.profile.Cutter {
		e.problem("%s: this model has no cutter", name)
		return
	}
	if e.inked || e.moved {
		e.jammed = e.p.jams()
		e.finish(!e.jammed, full)
	}
}

// jams tells that the cutter jams now. The printer stops until that is put right.
func (p *Printer) jams() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.faults.CutterJam {
		return false
	}
	f := p.faults
	f.CutterJam, f.Jammed = false, true
	p.setFaults(f)
	return true
}

// raster is GS v 0 m xL xH yL yH; m doubles width (bit 0) and height (bit 1).
func (e *executor) raster(d []byte) {
	e.atLineStart("GS v 0")
	stride, rows := int(d[2])+int(d[3])<<8, int(d[4])+int(d[5])<<8
	m := d[1] & 3
	b := &sheet.Bitmap{Width: stride * 8, Height: rows, Bits: d[6:]}
	if stride == 0 || rows == 0 {
		e.problem("GS v 0 without dots")
		return
	}
	if m != 0 {
		b = enlarge(b, int(m&1)+1, int(m>>1)+1)
	}
	e.picture(b, "")
}

func enlarge(b *sheet.Bitmap, wide, tall int) *sheet.Bitmap {
	big := sheet.NewBitmap(b.Width*wide, b.Height*tall)
	for y := range big.Height {
		for x := range big.Width {
			if b.Dot(x/wide, y/tall) {
				big.Set(x, y)
			}
		}
	}
	return big
}

func (e *executor) picture(b *sheet.Bitmap, note string) {
	e.inked, e.moved = true, true
	e.sheet.Picture(b, e.align, note)
}

// barcode is GS k; of its kinds CODE128 (73) is drawn.
func (e *executor) barcode(d []byte) {
	e.atLineStart("GS k")
	if d[0] != 73 {
		e.problem("GS k %d is not supported", d[0])
		return
	}
	code, text, ok := sheet.ParseCode128(d[2:])
	if !ok {
		e.problem("GS k: % X is no CODE128 data", d[2:])
		return
	}
	if code.Modules()*e.barModule > e.profile.Dots {
		e.problem("the barcode is wider than the paper and was not printed")
		return
	}
	e.inked, e.moved = true, true
	bars := code.Bars(e.barModule, e.barHeight)
	if e.barText != 2 {
		text = ""
	}
	var below []sheet.Char
	for _, r := range text {
		below = append(below, sheet.Char{Rune: r, Glyph: font.Lookup(r), Wide: 1, Tall: 1})
	}
	e.sheet.Barcode(bars, below, e.align)
}

// qr is GS ( k for QR codes: pL pH 31 fn parameters.
func (e *executor) qr(d []byte) {
	d = d[3:] // "k" and the length
	if !e.profile.NativeQR {
		e.problem("GS ( k: this model draws no QR codes")
		return
	}
	if len(d) < 3 || d[0] != '1' {
		e.problem("GS ( k % X is not supported", d)
		return
	}
	switch fn, arg := d[1], d[2]; fn {
	case 'A': // 165: the model; 2 is drawn
	case 'C': // 167
		if arg < 1 || int(arg) > e.profile.MaxQRSize {
			e.problem("GS ( k: %d dots per module", arg)
			return
		}
		e.qrSize = int(arg)
	case 'E': // 169
		if arg < '0' || arg > '3' {
			e.problem("GS ( k: error correction %d", arg)
			return
		}
		e.qrLevel = arg
	case 'P': // 180
		e.qrData = bytes.Clone(d[3:])
	case 'Q': // 181
		e.printQR()
	default:
		e.problem("GS ( k function %d is not supported", fn)
	}
}

func (e *executor) printQR() {
	e.atLineStart("GS ( k")
	if len(e.qrData) == 0 {
		e.problem("GS ( k: no QR data is stored")
		return
	}
	data := string(e.qrData)
	matrix, err := qrMatrix(data, e.qrLevel)
	if err != nil {
		e.problem("%v", err)
		return
	}
	if len(matrix)*e.qrSize > e.profile.Dots {
		e.problem("the QR code is wider than the paper and was not printed")
		return
	}
	e.picture(sheet.Squares(matrix, e.qrSize), qrNote(data))
}

// qrMatrix makes a QR code of error correction level '0' (L) to '3' (H).
func qrMatrix(data string, level byte) ([][]bool, error) {
	if level == '1' {
		return printer.QRMatrix(data)
	}
	levels := map[byte]decoder.ErrorCorrectionLevel{
		'0': decoder.ErrorCorrectionLevel_L, '2': decoder.ErrorCorrectionLevel_Q, '3': decoder.ErrorCorrectionLevel_H,
	}
	code, err := encoder.Encoder_encode(data, levels[level], nil)
	if err != nil {
		return nil, fmt.Errorf("cannot make a QR code of %d bytes: %v", len(data), err)
	}
	m := code.GetMatrix()
	matrix := make([][]bool, m.GetHeight())
	for y := range matrix {
		matrix[y] = make([]bool, m.GetWidth())
		for x := range matrix[y] {
			matrix[y][x] = m.Get(x, y) == 1
		}
	}
	return matrix, nil
}

// qrNote is what the text says below a QR code, on one line.
func qrNote(data string) string {
	return "QR: " + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '␀' + min(r, 0x20)
		}
		return r
	}, data)
}
