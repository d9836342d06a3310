package sheet

import "strings"

// Code128 is the symbols of a CODE128 barcode, from the start code to the check
// symbol; the stop pattern is not among them.
type Code128 []int

// The code values with a meaning of their own.
const (
	codeC  = 99
	codeB  = 100
	startB = 104
	startC = 105
)

// ParseCode128 reads the data of GS k 73 as the printer does: "{B" or "{C"
// chooses the code set, "{{" is a brace, code set C takes a byte of 0-99 for two
// digits. It returns the text that stands below the bars too. ok is false where
// the data is none of that.
func ParseCode128(data []byte) (code Code128, text string, ok bool) {
	var below strings.Builder
	set := byte(0)
	for i := 0; i < len(data); i++ {
		c := data[i]
		if c == '{' {
			i++
			if i == len(data) {
				return nil, "", false
			}
			switch next := data[i]; {
			case next == 'B' || next == 'C':
				code = append(code, switchTo(next, set == 0))
				set = next
				continue
			case next != '{' || set != 'B':
				return nil, "", false
			}
		}
		switch {
		case set == 'B' && c >= 0x20 && c < 0x7F:
			code = append(code, int(c)-0x20)
			below.WriteByte(c)
		case set == 'C' && c < 100:
			code = append(code, int(c))
			below.WriteByte('0' + c/10)
			below.WriteByte('0' + c%10)
		default:
			return nil, "", false
		}
	}
	if len(code) < 2 {
		return nil, "", false
	}
	sum := code[0]
	for i, v := range code[1:] {
		sum += (i + 1) * v
	}
	return append(code, sum%103), below.String(), true
}

func switchTo(set byte, start bool) int {
	switch {
	case start && set == 'B':
		return startB
	case start:
		return startC
	case set == 'B':
		return codeB
	}
	return codeC
}

// Modules is the width of the symbol without quiet zone.
func (c Code128) Modules() int { return 11*len(c) + 13 }

// Bars draws the symbol with modules of the given width.
func (c Code128) Bars(module, height int) *Bitmap {
	b := NewBitmap(c.Modules()*module, height)
	x, black := 0, true
	for i := range len(c) + 1 {
		pattern := code128Stop
		if i < len(c) {
			pattern = code128Patterns[c[i]]
		}
		for _, digit := range pattern {
			run := int(digit-'0') * module
			if black {
				for y := range height {
					for i := range run {
						b.Set(x+i, y)
					}
				}
			}
			x += run
			black = !black
		}
	}
	return b
}

const code128Stop = "2331112"

// code128Patterns are the widths of bars and gaps of values 0-105 (ISO/IEC 15417).
var code128Patterns = [106]string{
	"212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
	"221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
	"221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
	"212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
	"231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
	"231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
	"314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
	"112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
	"111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
	"214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
	"114131", "311141", "411131", "211412", "211214", "211232",
}

// Barcode prints bars with their text below, as GS k does with GS H 2.
func (s *Sheet) Barcode(bars *Bitmap, text []Char, align Align) {
	s.draw(bars, align)
	s.Line(text, align, s.LineDots)
}
