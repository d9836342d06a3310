package paper

import (
	"fmt"
	"time"

	"tillagent/printer"
	"tillagent/printer/font"
	"tillagent/printer/internal/gbk"
	"tillagent/printer/internal/sheet"
)

// maxPaper is where an endless receipt is torn off, in dots: 5 m.
const maxPaper = 40_000

// modes are what ESC @ resets.
type modes struct {
	align         sheet.Align
	pitch         int // dots from line to line
	bold, reverse bool
	ascii, han    size
	chinese       bool
	hanSpace      int  // dots beside each Chinese character
	international byte // ESC R
	deselected    bool // ESC =
	barHeight     int
	barModule     int
	barText       byte // GS H: 2 is below
	qrSize        int
	qrLevel       byte
	qrData        []byte
}

// size is how many times characters are enlarged.
type size struct{ wide, tall int }

// executor carries commands out, in its own goroutine.
type executor struct {
	p       *Printer
	profile printer.Profile
	modes
	line     []sheet.Char
	band     *sheet.Bitmap // of dots, in place of a line; nil is none
	lead     byte          // first half of a Chinese character; 0 is none
	sheet    *sheet.Sheet
	inked    bool // something is on the paper
	moved    bool // the paper has moved
	bytes    []byte
	problems []string
	kicks    int
	lost     int
	jammed   bool // the cut that ends it has jammed
	next     int  // number of the next receipt
}

func newExecutor(p *Printer) (*executor, error) {
	next, err := nextNumber(p.options.Dir)
	if err != nil {
		return nil, err
	}
	e := &executor{p: p, profile: p.options.Profile, next: next}
	e.reset()
	e.newPaper()
	return e, nil
}

// reset is ESC @: modes and the unfinished line are forgotten.
func (e *executor) reset() {
	one := size{1, 1}
	e.modes = modes{pitch: e.profile.LineDots, ascii: one, han: one, hanSpace: 2, barHeight: 162, barModule: 3, qrSize: 3, qrLevel: '0'}
	e.line, e.band, e.lead = nil, nil, 0
}

func (e *executor) newPaper() {
	e.sheet = sheet.New(e.profile.Dots, e.profile.LineDots)
	e.inked, e.moved = false, false
	e.bytes, e.problems, e.kicks, e.lost, e.jammed = nil, nil, 0, 0, false
}

// run takes commands from the buffer until Close.
func (e *executor) run() {
	tearOff := time.AfterFunc(time.Hour, e.p.askTearOff)
	tearOff.Stop()
	defer tearOff.Stop()
	for {
		j, order := e.p.takeJob()
		switch order {
		case orderPowerLost:
			e.tearOff()
			e.reset()
			e.newPaper()
		case orderTearOff:
			e.tearOff()
		case orderStop:
			e.tearOff()
			return
		case orderWork:
			before := e.sheet.Height()
			e.do(j)
			moved := e.sheet.Height() - before
			e.p.done(len(j.bytes))
			if moved > 0 {
				e.p.moved(moved)
			}
			if e.sheet.Height() > maxPaper {
				e.problem("more than 5 m of paper without a cut")
				e.tearOff()
			}
			if e.inked {
				tearOff.Reset(e.p.options.Idle)
			}
		}
	}
}

// tearOff ends a receipt that was not cut.
func (e *executor) tearOff() {
	if e.inked {
		e.finish(false, false)
	}
}

type order int

const (
	orderWork order = iota
	orderTearOff
	orderPowerLost
	orderStop
)

// takeJob waits for something to do.
func (p *Printer) takeJob() (command, order) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.lostPower:
			p.lostPower = false
			return command{}, orderPowerLost
		case len(p.queue) > 0 && !p.faults.holding():
			j := p.queue[0]
			p.queue = p.queue[1:]
			p.queued -= len(j.bytes)
			p.tearOff = false
			p.flow()
			p.changed.Broadcast()
			return j, orderWork
		case p.stopping:
			return command{}, orderStop
		case p.tearOff && len(p.queue) == 0:
			p.tearOff = false
			return command{}, orderTearOff
		}
		p.changed.Wait()
	}
}

// askTearOff is called when nothing has come for a while.
func (p *Printer) askTearOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tearOff = true
	p.changed.Broadcast()
}

// done counts bytes carried out, for the faults that wait for them.
func (p *Printer) done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.faults
	count := func(left *int) bool {
		due := *left > 0 && *left <= n
		*left = max(0, *left-n)
		return due
	}
	outOfPaper, powerCut := count(&f.PaperOutAfter), count(&f.PowerCutAfter)
	f.PaperOut = f.PaperOut || outOfPaper
	f.PowerOff = f.PowerOff || powerCut
	if count(&p.failAfter) {
		f = p.failWith
		close(p.failed)
	}
	p.setFaults(f)
}

// do carries out one command.
func (e *executor) do(c command) {
	e.lost += c.lost
	if c.name == "ESC @" {
		e.tearOff()
		if e.lost > 0 { // before the receipt's begin: it is not missing on it
			e.lost, e.problems = 0, nil
		}
	}
	if e.lead != 0 && c.name != "text" {
		e.strayLead()
	}
	if converse := conversation[c.name]; converse != nil {
		converse(e, c)
		return
	}
	e.bytes = append(e.bytes, c.bytes...)
	if e.deselected && c.name != "ESC =" && c.name != "ESC @" {
		return
	}
	switch act := actions[c.name]; {
	case c.name == "text":
		e.text(c.bytes[0])
	case act != nil:
		act(e, c.data)
	case c.name == "":
		e.problem("unknown bytes % X", c.bytes)
		e.mark()
	default:
		e.problem("%s is not supported", c.name)
	}
}

func (e *executor) problem(format string, args ...any) {
	const most = 100
	if len(e.problems) < most {
		e.problems = append(e.problems, fmt.Sprintf(format, args...))
	}
}

// text takes one byte of text: ASCII, half a Chinese character, or Latin where
// the Chinese mode is off.
func (e *executor) text(b byte) {
	switch {
	case e.lead != 0 && gbk.Valid(e.lead, b):
		r, ok := gbk.Rune(e.lead, b)
		if !ok {
			e.problem("the font has no character %X %X", e.lead, b)
			r = '□'
		}
		e.lead = 0
		e.put(sheet.Char{Rune: r, Glyph: font.Lookup(r), Space: e.hanSpace}, e.han)
	case e.lead != 0:
		e.strayLead()
		e.text(b)
	case b == '$' && e.international == 15: // China's set
		e.put(sheet.Char{Rune: '¥', Glyph: font.CodePage437(0x9D)}, e.ascii)
	case b < 0x80:
		e.put(sheet.Char{Rune: rune(b), Glyph: font.Lookup(rune(b))}, e.ascii)
	case e.chinese && gbk.IsLead(b):
		e.lead = b
	case e.chinese:
		e.problem("%X begins no character", b)
		e.mark()
	default:
		e.problem("%X outside the Chinese mode", b)
		e.put(sheet.Char{Rune: latin(b), Glyph: font.CodePage437(b)}, e.ascii)
	}
}

// strayLead prints the first half of a character whose second half is none, as
// the four-byte codes of GB18030 have it.
func (e *executor) strayLead() {
	e.problem("%X is half a character", e.lead)
	e.lead = 0
	e.mark()
}

// mark prints a box where something was not understood.
func (e *executor) mark() {
	e.put(sheet.Char{Rune: '□', Glyph: font.Lookup(0x7F)}, size{1, 1})
}

// put adds a character to the line, which prints when it is full.
func (e *executor) put(c sheet.Char, s size) {
	if e.band != nil {
		e.problem("text beside a band of dots")
		e.printLine(e.pitch)
	}
	c.Wide, c.Tall, c.Bold, c.Reverse = s.wide, s.tall, e.bold, e.reverse
	if e.lineWidth()+c.Width()-c.Space > e.profile.Dots {
		e.printLine(e.pitch)
	}
	e.line = append(e.line, c)
}

func (e *executor) lineWidth() int {
	width := 0
	for _, c := range e.line {
		width += c.Width()
	}
	return width
}

// printLine prints the line, or moves the paper where there is none.
func (e *executor) printLine(pitch int) {
	e.moved = true
	if e.band != nil {
		e.printBand(pitch)
		return
	}
	if len(e.line) == 0 {
		e.sheet.Feed(pitch)
		return
	}
	e.inked = true
	e.sheet.Line(e.line, e.align, pitch)
	e.line = nil
}

// atLineStart prints an unfinished line before what needs the start of one.
func (e *executor) atLineStart(name string) {
	if len(e.line) > 0 || e.band != nil {
		e.problem("%s within a line", name)
		e.printLine(e.pitch)
	}
}
