package printer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/unicode/norm"

	"tillagent/printer/internal/gbk"
)

// replacement stands for what a printer cannot show: U+FF1F, A3 BF in GBK.
const replacement = '？'

// Encodable tells whether a printer has r itself: printable ASCII, or a
// character with a two-byte GBK code. A four-byte GB18030 code is none: clones
// print such a code as two wrong characters.
func Encodable(r rune) bool {
	if r < 0x80 {
		return r >= 0x20 && r != 0x7F
	}
	_, _, ok := gbk.Code(r)
	return ok
}

// Width counts the display cells of s as it will print, after transliteration:
// 1 for ASCII, 2 for every other character, 0 for control characters.
func Width(s string) int {
	if !clean(s, GBK) {
		s = transliterate(s, GBK, nil)
	}
	return cells(s)
}

// cells is Width for text that is clean already.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x20:
		return 0
	case r < 0x80:
		return 1
	}
	return 2
}

// has tells whether a printer of this level has r itself. "" is GBK. The levels
// differ in characters of two cells only, which are replaced by one of two, so
// that texts are as wide on all of them.
func has(level string, r rune) bool {
	if r < 0x80 {
		return r >= 0x20 && r != 0x7F
	}
	return holds(level, r, gbk.Forward().Code(r))
}

// holds is has for what is not ASCII and has this GBK code.
func holds(level string, r rune, code uint16) bool {
	switch level {
	case GB2312:
		return code >= 0xA100 && code&0xFF >= 0xA1
	case GB18030:
		return code != 0 || unicode.Is(unicode.Han, r)
	}
	return code != 0
}

// clean tells whether every character of s prints as it is.
func clean(s, level string) bool {
	var room [64]byte
	_, _, ok := appendGBK(room[:0], s, level, gbk.Forward())
	return ok
}

// appendGBK adds s in the printer's code: ASCII as it is, the rest as two bytes
// each, and what only the GB18030 level lets through as four. It counts the cells
// on the way, and tells whether every character prints as it is; what does not is
// left out. A newline makes a text wider than any paper: it stands on no single
// line.
func appendGBK(dst []byte, s, level string, table *gbk.Table) (code []byte, width int, clean bool) {
	clean = true
	all := level != GB2312 // two-byte codes
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			i++
			switch {
			case c == '\n':
				width += maxDots
			case c < 0x20 || c == 0x7F:
				clean = false
			default:
				width++
				dst = append(dst, c)
			}
			continue
		}
		r, n := decode(s[i:])
		i += n
		width += 2
		switch code := table.Code(r); {
		case code != 0 && (all || holds(level, r, code)):
			dst = append(dst, byte(code>>8), byte(code))
		case holds(level, r, code):
			four, err := simplifiedchinese.GB18030.NewEncoder().String(s[i-n : i])
			clean = clean && err == nil
			dst = append(dst, four...)
		default:
			clean = false
		}
	}
	return dst, width, clean
}

// decode is utf8.DecodeRuneInString, in half the time for what begins with E1-EC:
// three bytes without exceptions, most of Chinese.
func decode(s string) (rune, int) {
	if c := s[0]; c >= 0xE1 && c <= 0xEC && len(s) >= 3 && s[1]&0xC0 == 0x80 && s[2]&0xC0 == 0x80 {
		return rune(c&0x0F)<<12 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return utf8.DecodeRuneInString(s)
}

// transliterations are written with what GBK has. ¥ comes first: its GB18030
// code has four bytes, and "81 30" prints as a wrong character and a 0.
var transliterations = map[rune]string{
	'¥': "￥", '€': "EUR", '£': "￡", '¢': "￠",
	'©': "(C)", '®': "(R)", '™': "TM",
	'•': "·", '‣': "·", '−': "-", '‐': "-", '‑': "-", '‒': "-", '―': "—",
	'‚': ",", '„': "\"", '‹': "<", '›': ">", '«': "《", '»': "》",
	'⁄': "/", 'ø': "o", 'Ø': "O", 'ß': "ss", 'æ': "ae", 'Æ': "AE", 'œ': "oe", 'Œ': "OE",
	'đ': "d", 'Đ': "D", 'ł': "l", 'Ł': "L", 'ı': "i",
	'✓': "√", '✔': "√", '✗': "×", '✘': "×", '⭐': "★", '\t': " ",
}

// transliterate writes s with what a printer has. For each character that had to
// become the replacement it calls lost, which may be nil.
func transliterate(s, level string, lost func(rune)) string {
	var out strings.Builder
	replace := func(r rune) {
		out.WriteRune(replacement)
		if lost != nil {
			lost(r)
		}
	}
	for _, r := range s {
		t, ok := spell(r)
		switch {
		case r == '\n' || has(level, r):
			out.WriteRune(r)
		case !ok:
			replace(r)
		default:
			for _, c := range t {
				if has(level, c) {
					out.WriteRune(c)
				} else {
					replace(r)
				}
			}
		}
	}
	return out.String()
}

// spell gives the spelling of one character that GBK has; "" for what has no form.
func spell(r rune) (string, bool) {
	if Encodable(r) {
		return string(r), true
	}
	if t, ok := transliterations[r]; ok {
		return t, true
	}
	if unicode.IsControl(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Variation_Selector) {
		return "", true
	}
	if unicode.IsSpace(r) {
		return " ", true
	}
	// The compatibility decomposition without its accents: ½ is 1⁄2, ñ is n, ² is 2.
	var out strings.Builder
	for _, d := range norm.NFKD.String(string(r)) {
		switch t, ok := transliterations[d]; {
		case unicode.Is(unicode.Mn, d):
		case ok:
			out.WriteString(t)
		case Encodable(d):
			out.WriteRune(d)
		default:
			return "", false
		}
	}
	return out.String(), out.Len() > 0
}

// describe names a character in a warning.
func describe(r rune) string {
	if r == unicode.ReplacementChar {
		return "text that is not UTF-8"
	}
	return fmt.Sprintf("%q (%U)", r, r)
}

// wrap breaks clean text into lines of at most room cells: at newlines, after
// spaces, between Chinese characters, and within a word only where the word
// alone is too long. A character that is wider than room has a line to itself.
func wrap(s string, room int) []string {
	var lines []string
	for _, paragraph := range strings.Split(s, "\n") {
		lines = append(lines, wrapParagraph(paragraph, room)...)
	}
	return lines
}

// breakable tells whether a line may end between two characters: closing marks
// do not begin a line, opening ones do not end it.
func breakable(before, r rune) bool {
	switch {
	case r == ' ' || strings.ContainsRune(")]}>,.!?:;%）】》」』，。、！？：；％…", r) || strings.ContainsRune("([{<￥（【《「『", before):
		return false
	}
	return before == ' ' || runeCells(r) == 2 || runeCells(before) == 2
}

func wrapParagraph(s string, room int) []string {
	var lines []string
	start, breakAt := 0, 0 // byte offsets: of the line, and of the last place to break it
	width, sinceBreak := 0, 0
	var before rune
	for i, r := range s {
		w := runeCells(r)
		if i > start && breakable(before, r) {
			breakAt, sinceBreak = i, 0
		}
		for width > 0 && width+w > room && r != ' ' { // spaces at a line's end may hang over; they are cut off
			if breakAt == start {
				breakAt, sinceBreak = i, 0
			}
			lines = append(lines, strings.TrimRight(s[start:breakAt], " "))
			start, width = breakAt, sinceBreak
		}
		width += w
		sinceBreak += w
		before = r
	}
	return append(lines, strings.TrimRight(s[start:], " "))
}
