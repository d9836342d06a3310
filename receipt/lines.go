package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"tillagent/printer"
	"tillagent/trade"
)

// What a POS may send for one paper.
const (
	maxPOSLines   = 500
	maxColumns    = 8
	maxTextCells  = 2000 // of one text, which wraps
	maxQRBytes    = 1000
	maxImageSide  = 2048    // the widest paper has 576 dots
	maxPixels     = 4 << 20 // of all images together: unpacked they stay in memory until the paper is out
	maxImageBytes = 1 << 20
)

// Lines reads the lines that a POS laid out by itself, a JSON list in the form
// of the local API, and puts a block before their final cut and what is fed to
// reach it. Where nothing cuts, the block comes last, followed by a cut; without
// a block nothing is added. The problems name fields such as lines[3].align;
// there is no document then.
//
// Repeated keys of one line are the caller's to refuse.
func (s Shop) Lines(raw []byte, block printer.Doc) (printer.Doc, []trade.Problem) {
	doc, problems := parseLines(raw, s.Columns)
	if len(problems) > 0 || len(block) == 0 {
		return doc, problems
	}
	for i, e := range slices.Backward(doc) {
		if _, is := e.(printer.Cut); !is {
			continue
		}
		for i > 0 && feeds(doc[i-1]) {
			i--
		}
		return slices.Concat(doc[:i], block, doc[i:]), nil
	}
	return slices.Concat(doc, block, printer.Doc{printer.Cut{}}), nil
}

// feeds tells whether an element is blank paper.
func feeds(e printer.Element) bool {
	switch e := e.(type) {
	case printer.Feed:
		return true
	case printer.Line:
		return e.Text == ""
	}
	return false
}

func parseLines(raw []byte, columns int) (printer.Doc, []trade.Problem) {
	r := &lineReader{columns: columns}
	defer r.done()
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		r.say("lines", trade.WrongType, "list")
		return nil, r.problems
	}
	if len(list) > maxPOSLines {
		r.say("lines", trade.TooMany, strconv.Itoa(maxPOSLines))
		return nil, r.problems
	}
	doc := make(printer.Doc, 0, len(list))
	for i, one := range list {
		if e := r.line(fmt.Sprintf("lines[%d]", i), one); e != nil {
			doc = append(doc, e)
		}
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return doc, nil
}

// lineReader collects the problems of all lines.
type lineReader struct {
	columns  int
	pixels   int // of the images so far
	problems []trade.Problem
	unpacks  bool // holds unpacking
}

// unpacking is held by who reads lines with images: a small PNG unpacks to 32 MB,
// and callers may send many at a time.
var unpacking sync.Mutex

func (r *lineReader) done() {
	if r.unpacks {
		unpacking.Unlock()
	}
}

func (r *lineReader) say(field string, k trade.Key, args ...string) {
	r.problems = append(r.problems, trade.Problem{Field: field, Message: trade.Say(k, args...)})
}

// lineKinds are the keys that say what a line is, with its reader.
var lineKinds = map[string]func(*posLine) printer.Element{
	"text": (*posLine).text, "columns": (*posLine).columns, "rule": (*posLine).rule, "qr": (*posLine).qr,
	"barcode": (*posLine).barcode, "image": (*posLine).image, "feed": (*posLine).feed, "cut": (*posLine).cut,
}

// kindNames lists them for messages.
var kindNames = strings.Join(slices.Sorted(maps.Keys(lineKinds)), ", ")

// line reads one line; nil where it is wrong.
func (r *lineReader) line(field string, raw []byte) printer.Element {
	l := &posLine{lineReader: r, field: field}
	if json.Unmarshal(raw, &l.given) != nil || l.given == nil {
		r.say(field, trade.WrongType, "object")
		return nil
	}
	var kinds []string
	for key := range l.given {
		if lineKinds[key] != nil {
			kinds = append(kinds, key)
		}
	}
	if len(kinds) != 1 {
		if unknown := l.unknown(); len(kinds) == 0 && len(unknown) > 0 { // a misspelt kind, most likely
			for _, key := range unknown {
				r.say(field+"."+key, trade.UnknownField)
			}
			return nil
		}
		r.say(field, trade.OneOf, kindNames)
		return nil
	}
	before := len(r.problems)
	e := lineKinds[kinds[0]](l)
	for _, key := range slices.Sorted(maps.Keys(l.given)) {
		r.say(field+"."+key, trade.UnknownField)
	}
	if len(r.problems) > before {
		return nil
	}
	return e
}

// posLine is one line, or one column, being read; what has been read is gone
// from given.
type posLine struct {
	*lineReader
	field string
	given map[string]json.RawMessage
}

// traits are the keys that say how a line is, beside those of lineKinds.
var traits = []string{"align", "bold", "size", "type"}

// unknown are the keys that no line has.
func (l *posLine) unknown() (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(l.given)) {
		if lineKinds[key] == nil && !slices.Contains(traits, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// read takes a value out; ok is false where it is missing or null, or wrong, which
// is said.
func read[T any](l *posLine, key, called string) (v T, ok bool) {
	raw, there := l.given[key]
	delete(l.given, key)
	if !there || string(raw) == "null" {
		return v, false
	}
	if json.Unmarshal(raw, &v) != nil {
		l.say(l.field+"."+key, trade.WrongType, called)
		return v, false
	}
	return v, true
}

// choose reads one of some words.
func choose[T any](l *posLine, key string, words map[string]T) (v T) {
	word, ok := read[string](l, key, "string")
	if !ok {
		return v
	}
	v, known := words[word]
	if !known {
		l.say(l.field+"."+key, trade.OneOf, strings.Join(slices.Sorted(maps.Keys(words)), ", "))
	}
	return v
}

// number reads a whole number in a range.
func (l *posLine) number(key string, least, most, otherwise int) int {
	n, ok := read[int](l, key, "integer")
	if !ok {
		return otherwise
	}
	if n < least || n > most {
		l.say(l.field+"."+key, trade.Between, strconv.Itoa(least), strconv.Itoa(most))
	}
	return n
}

// words reads a text that stands on paper, as the local API takes them.
func (l *posLine) words(key string) string {
	s, ok := read[string](l, key, "string")
	if !ok {
		return ""
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\u00a5", "\uffe5"), "\u00a0", " ") // as trade.Normalise, but blanks may be meant
	for _, c := range s {
		switch {
		case c < 0x20 || c == 0x7F:
			l.say(l.field+"."+key, trade.ControlCharacter, fmt.Sprintf("U+%04X", c))
			return ""
		case !printer.Encodable(c):
			l.say(l.field+"."+key, trade.NotInGBK, string(c), fmt.Sprintf("U+%04X", c))
			return ""
		}
	}
	if n := printer.Width(s); n > maxTextCells {
		l.say(l.field+"."+key, trade.TooLong, strconv.Itoa(maxTextCells), strconv.Itoa(n))
	}
	return s
}

var (
	alignments = map[string]printer.Align{"left": printer.AlignLeft, "center": printer.AlignCenter, "right": printer.AlignRight}
	sizes      = map[string]printer.Size{"normal": printer.SizeNormal, "wide": printer.SizeWide, "tall": printer.SizeTall, "big": printer.SizeBig}
	cuts       = map[string]bool{"partial": false, "full": true}
	barcodes   = map[string]bool{"code128": true}
)

func (l *posLine) text() printer.Element {
	bold, _ := read[bool](l, "bold", "boolean")
	return printer.Line{Text: l.words("text"), Align: choose(l, "align", alignments), Size: choose(l, "size", sizes), Bold: bold}
}

func (l *posLine) columns() printer.Element {
	list, _ := read[[]json.RawMessage](l, "columns", "list")
	if len(list) == 0 || len(list) > maxColumns {
		l.say(l.field+".columns", trade.Between, "1", strconv.Itoa(maxColumns))
		return nil
	}
	var out printer.Columns
	rest := l.lineReader.columns
	for i, raw := range list {
		c := &posLine{lineReader: l.lineReader, field: fmt.Sprintf("%s.columns[%d]", l.field, i)}
		if json.Unmarshal(raw, &c.given) != nil || c.given == nil {
			l.say(c.field, trade.WrongType, "object")
			continue
		}
		bold, _ := read[bool](c, "bold", "boolean")
		col := printer.Column{Text: c.words("text"), Align: choose(c, "align", alignments), Bold: bold,
			Width: c.number("width", 0, l.lineReader.columns, 0)}
		least := 1
		if !narrow(col.Text) || col.Width == 0 {
			least = 2 // Chinese, or a share of the rest
		}
		rest -= max(col.Width, least)
		if col.Width != 0 && col.Width < least {
			l.say(c.field+".width", trade.AtLeast, strconv.Itoa(least))
		}
		for _, key := range slices.Sorted(maps.Keys(c.given)) {
			l.say(c.field+"."+key, trade.UnknownField)
		}
		out = append(out, col)
	}
	if rest < 0 {
		l.say(l.field+".columns", trade.Between, "0", strconv.Itoa(l.lineReader.columns))
	}
	return out
}

// narrow tells whether every character takes one cell, as ASCII does. Bytes do
// not tell: × has two of them, and two cells.
func narrow(text string) bool { return printer.Width(text) == utf8.RuneCountInString(text) }

func (l *posLine) rule() printer.Element {
	char := []rune(l.words("rule"))
	if len(char) > 1 {
		l.say(l.field+".rule", trade.TooMany, "1")
	}
	if len(char) == 0 {
		return printer.Rule{}
	}
	return printer.Rule{Char: char[0]}
}

func (l *posLine) qr() printer.Element {
	data, _ := read[string](l, "qr", "string")
	switch {
	case data == "":
		l.say(l.field+".qr", trade.Required)
	case len(data) > maxQRBytes:
		l.say(l.field+".qr", trade.TooLong, strconv.Itoa(maxQRBytes), strconv.Itoa(len(data)))
	}
	return printer.QR{Data: data, Size: l.number("size", 1, 8, 0)}
}

// barcode refuses what does not fit the paper: CODE128 takes 11 modules a
// character or pair of digits and 55 around them, a module at least 2 dots.
func (l *posLine) barcode() printer.Element {
	data := l.words("barcode")
	choose(l, "type", barcodes)
	most := (l.lineReader.columns*12/2 - 55) / 11
	if len(data)%2 == 0 && strings.Trim(data, "0123456789") == "" {
		most *= 2
	}
	switch {
	case strings.ContainsFunc(data, func(r rune) bool { return r < ' ' || r > '~' }):
		l.say(l.field+".barcode", trade.WrongType, "ASCII")
	case data == "":
		l.say(l.field+".barcode", trade.Required)
	case len(data) > most:
		l.say(l.field+".barcode", trade.TooLong, strconv.Itoa(most), strconv.Itoa(len(data)))
	}
	return printer.Barcode{Data: data}
}

func (l *posLine) image() printer.Element {
	text, _ := read[string](l, "image", "string")
	img, err := l.decodePNG(text)
	if err != nil {
		l.say(l.field+".image", trade.WrongType, fmt.Sprintf("base64 PNG, %d×%d max, %d pixels max", maxImageSide, maxImageSide, maxPixels))
		return nil
	}
	return printer.Image{Image: img}
}

// decodePNG looks at the size before it unpacks.
func (r *lineReader) decodePNG(text string) (image.Image, error) {
	if base64.StdEncoding.DecodedLen(len(text)) > maxImageBytes {
		return nil, image.ErrFormat
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxImageSide || c.Height > maxImageSide {
		return nil, image.ErrFormat
	}
	if r.pixels += c.Width * c.Height; r.pixels > maxPixels {
		return nil, image.ErrFormat
	}
	if !r.unpacks {
		unpacking.Lock()
		r.unpacks = true
	}
	return png.Decode(bytes.NewReader(data))
}

func (l *posLine) feed() printer.Element {
	return printer.Feed{Lines: l.number("feed", 1, 50, 1)}
}

func (l *posLine) cut() printer.Element {
	return printer.Cut{Full: choose(l, "cut", cuts)}
}
