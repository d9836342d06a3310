package printer

import (
	"fmt"
	"strings"
	"unicode"

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
	if !clean(s) {
		s = transliterate(s, nil)
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

// clean tells whether every character of s prints as it is.
func clean(s string) bool {
	for _, r := range s {
		if r != '\n' && !Encodable(r) {
			return false
		}
	}
	return true
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
func transliterate(s string, lost func(rune)) string {
	var out strings.Builder
	for _, r := range s {
		switch t, ok := spell(r); {
		case ok:
			out.WriteString(t)
		default:
			out.WriteRune(replacement)
			if lost != nil {
				lost(r)
			}
		}
	}
	return out.String()
}

// spell gives the printable spelling of one character; "" for what has no form.
func spell(r rune) (string, bool) {
	if r == '\n' || Encodable(r) {
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

// appendGBK adds clean text in the printer's code: ASCII as it is, the rest as
// two bytes each.
func appendGBK(dst []byte, s string) []byte {
	for _, r := range s {
		if r < 0x80 {
			dst = append(dst, byte(r))
			continue
		}
		if lead, trail, ok := gbk.Code(r); ok {
			dst = append(dst, lead, trail)
		}
	}
	return dst
}

// wrap breaks clean text into lines of at most room cells: at newlines, after
// spaces, between Chinese characters, and within a word only where the word
// alone is too long. room is at least as wide as the widest character.
func wrap(s string, room int) []string {
	var lines []string
	for _, paragraph := range strings.Split(s, "\n") {
		lines = append(lines, wrapParagraph(paragraph, room)...)
	}
	return lines
}

func wrapParagraph(s string, room int) []string {
	var lines []string
	start, breakAt := 0, 0 // byte offsets: of the line, and of the last place to break it
	width, sinceBreak := 0, 0
	var before rune
	for i, r := range s {
		w := runeCells(r)
		if i > start && (before == ' ' || w == 2 || runeCells(before) == 2) && r != ' ' {
			breakAt, sinceBreak = i, 0
		}
		if width+w > room && r != ' ' { // spaces at a line's end may hang over; they are cut off
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
