// Package gbk maps characters to the two-byte GBK codes receipt printers know.
//
// The table comes from x/text, which follows the WHATWG index. Two kinds of its
// entries are left out because no printer's ROM holds them: private-use
// characters, and the euro sign, which x/text writes as the single byte 0x80.
package gbk

import (
	"sync"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Codes is the number of two-byte codes: leads 0x81-0xFE, trails 0x40-0xFE
// (0x7F is among them and is never used).
const Codes = (0xFE - 0x81 + 1) * trails

const trails = 0xFE - 0x40 + 1

// tables holds both directions; 0 is "none".
type tables struct {
	code Table       // BMP character → lead<<8 | trail
	char [Codes]rune // Index → character
}

var load = sync.OnceValue(func() *tables {
	t := new(tables)
	dec := simplifiedchinese.GBK.NewDecoder()
	enc := simplifiedchinese.GBK.NewEncoder()
	for lead := 0x81; lead <= 0xFE; lead++ {
		for trail := 0x40; trail <= 0xFE; trail++ {
			pair := string([]byte{byte(lead), byte(trail)})
			s, err := dec.String(pair)
			if err != nil {
				continue
			}
			r := []rune(s)
			if len(r) != 1 || r[0] > 0xFFFF || r[0] == 0xFFFD || privateUse(r[0]) {
				continue
			}
			back, err := enc.String(s)
			if err != nil || len(back) != 2 {
				continue
			}
			t.char[Index(byte(lead), byte(trail))] = r[0]
			t.code[r[0]] = uint16(back[0])<<8 | uint16(back[1])
		}
	}
	return t
})

func privateUse(r rune) bool { return r >= 0xE000 && r <= 0xF8FF }

// Index numbers the two-byte codes from 0 to Codes-1.
func Index(lead, trail byte) int {
	return (int(lead)-0x81)*trails + int(trail) - 0x40
}

// Valid tells whether lead and trail have the form of a two-byte code.
func Valid(lead, trail byte) bool {
	return IsLead(lead) && trail >= 0x40 && trail <= 0xFE && trail != 0x7F
}

// IsLead tells whether b begins a two-byte code.
func IsLead(b byte) bool { return b >= 0x81 && b <= 0xFE }

// Code gives the two-byte code of r; ok is false where there is none, as for ASCII.
func Code(r rune) (lead, trail byte, ok bool) {
	c := Forward().Code(r)
	return byte(c >> 8), byte(c), c != 0
}

// A Table gives codes by character. A loop over a text takes it once, see
// [Forward]: asking anew for each character costs as much as the look-up.
type Table [1 << 16]uint16

// Forward is the one table there is.
func Forward() *Table { return &load().code }

// Code gives lead<<8 | trail, or 0 where r has no two-byte code, as ASCII.
func (t *Table) Code(r rune) uint16 {
	if uint32(r) > 0xFFFF {
		return 0
	}
	return t[r]
}

// Rune gives the character of a two-byte code; ok is false where it stands for none.
func Rune(lead, trail byte) (r rune, ok bool) {
	if !Valid(lead, trail) {
		return 0, false
	}
	r = load().char[Index(lead, trail)]
	return r, r != 0
}
