package printer

import (
	"bytes"
	"math"
	"slices"
)

// InsertBeforeCut puts a block of bytes, made by [EncodeWithin], into a job of
// other origin: behind the last thing printed before the job's final cut, so that
// what the job feeds to reach the cutter is fed after the block. Where nothing
// cuts, the block comes last. It begins at the start of a line.
func InsertBeforeCut(raw, block []byte) []byte {
	at, ended := len(raw), true // where the block goes, and whether the line before it has ended
	found := false
	pos, lineEnded := 0, true // after the last thing printed so far
	for i := 0; i < len(raw); {
		name, n := nextCommand(raw[i:])
		switch effects[name] {
		case prints:
			pos, lineEnded = i+n, true
		case writes:
			pos, lineEnded = i+n, false
		case ends:
			if !lineEnded {
				pos, lineEnded = i+n, true
			}
		case cuts:
			at, ended, found = pos, lineEnded, true
		}
		i += n
	}
	if !found {
		at, ended = len(raw), lineEnded
	}
	if !ended {
		block = slices.Concat([]byte{'\n'}, block)
	}
	return slices.Concat(raw[:at], block, raw[at:])
}

// An effect is what a command does to the paper.
type effect int

const (
	sets   effect = iota // a mode, or nothing that shows
	writes               // into the line at hand
	ends                 // the line at hand; on an empty line it feeds only
	prints               // by itself
	cuts
)

// effects by name; what is not here sets a mode.
var effects = map[string]effect{
	"text": writes, "HT": writes, "ESC *": writes, "?": writes,
	"LF":   ends,
	"GS v": prints, "GS (": prints, "GS 8": prints, "GS k": prints, "GS /": prints, "FS p": prints, "GS Q": prints, "FF": prints,
	"GS V": cuts, "ESC i": cuts, "ESC m": cuts,
}

// arguments is how many bytes follow the two of a command; what is not here and
// not in measured is taken to have none.
var arguments = map[string]int{
	"ESC !": 1, "ESC  ": 1, "ESC $": 2, "ESC %": 1, "ESC -": 1, "ESC 3": 1, "ESC =": 1, "ESC ?": 1, "ESC A": 1, "ESC B": 2,
	"ESC C": 1, "ESC E": 1, "ESC G": 1, "ESC J": 1, "ESC K": 1, "ESC M": 1, "ESC N": 1, "ESC Q": 1, "ESC R": 1, "ESC S": 0, "ESC T": 1, "ESC U": 1,
	"ESC V": 1, "ESC W": 8, "ESC \\": 2, "ESC a": 1, "ESC c": 2, "ESC d": 1, "ESC e": 1, "ESC l": 1, "ESC p": 3, "ESC r": 1,
	"ESC t": 1, "ESC u": 1, "ESC x": 1, "ESC {": 1,
	"FS !": 1, "FS -": 1, "FS C": 1, "FS S": 2, "FS W": 1, "FS p": 2, "FS 2": 74, "FS ?": 2,
	"GS !": 1, "GS #": 1, "GS $": 2, "GS /": 1, "GS B": 1, "GS E": 1, "GS H": 1, "GS I": 1, "GS L": 2, "GS P": 2, "GS T": 1, "GS W": 2,
	"GS \\": 2, "GS ^": 3, "GS a": 1, "GS b": 1, "GS f": 1, "GS h": 1, "GS r": 1, "GS w": 1, "GS z": 3, "GS g": 4,
	"DLE \x04": 1, "DLE \x05": 1,
}

// measured gives the whole length of the commands that tell it themselves, which
// may claim more than 32 bits hold. at gives the byte at an index, 0 behind the
// end.
var measured = map[string]func(at func(int) int64, b []byte) int64{
	"GS (":  func(at func(int) int64, _ []byte) int64 { return 5 + at(3) + at(4)<<8 },
	"ESC (": func(at func(int) int64, _ []byte) int64 { return 5 + at(3) + at(4)<<8 },
	"FS (":  func(at func(int) int64, _ []byte) int64 { return 5 + at(3) + at(4)<<8 },
	"GS 8":  func(at func(int) int64, _ []byte) int64 { return 7 + at(3) + at(4)<<8 + at(5)<<16 + at(6)<<24 },
	"GS v":  func(at func(int) int64, _ []byte) int64 { return 8 + (at(4)+at(5)<<8)*(at(6)+at(7)<<8) },
	"GS Q":  func(at func(int) int64, _ []byte) int64 { return 8 + (at(4)+at(5)<<8)*(at(6)+at(7)<<8) },
	"GS *":  func(at func(int) int64, _ []byte) int64 { return 4 + 8*at(2)*at(3) },
	"GS V": func(at func(int) int64, _ []byte) int64 {
		if slices.Contains([]int64{65, 66, 97, 98, 103, 104}, at(2)) {
			return 4
		}
		return 3
	},
	"GS k": func(at func(int) int64, b []byte) int64 {
		if at(2) >= 65 {
			return 4 + at(3)
		}
		return 3 + int64(untilNUL(b[min(3, len(b)):]))
	},
	"DLE \x14": func(at func(int) int64, _ []byte) int64 {
		switch at(2) {
		case 3: // the buzzer
			return 8
		case 7: // asks for the state
			return 4
		case 8: // clears the buffers
			return 10
		}
		return 5 // 1 is the drawer's pulse, 2 the power off
	},
	"ESC D": func(_ func(int) int64, b []byte) int64 { return 2 + int64(untilNUL(b[2:])) },
	"ESC *": func(at func(int) int64, _ []byte) int64 {
		columns := at(3) + at(4)<<8
		if at(2) >= 32 {
			columns *= 3
		}
		return 5 + columns
	},
	"ESC &": func(at func(int) int64, _ []byte) int64 {
		n := int64(5)
		for range max(0, at(4)-at(3)+1) {
			n += 1 + at(2)*at(int(min(n, math.MaxInt32)))
		}
		return n
	},
	"FS q": func(at func(int) int64, _ []byte) int64 {
		n := int64(3)
		for range at(2) {
			i := int(min(n, math.MaxInt32))
			n += 4 + 8*(at(i)+at(i+1)<<8)*(at(i+2)+at(i+3)<<8)
		}
		return n
	},
}

// untilNUL is the length of a text that a NUL ends.
func untilNUL(b []byte) int {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return i + 1
	}
	return len(b)
}

// nextCommand names what b, which is not empty, begins with, and gives its length
// within b: a command by its prefix and second byte, a control character, "text"
// up to the next of them, or "?" for an unknown control character. A pair of
// bytes of Chinese never holds a control character.
func nextCommand(b []byte) (name string, n int) {
	prefix := ""
	switch c := b[0]; {
	case c == 0x1B:
		prefix = "ESC "
	case c == 0x1C:
		prefix = "FS "
	case c == 0x1D:
		prefix = "GS "
	case c == 0x10:
		prefix = "DLE "
	case c == '\n':
		return "LF", 1
	case c == '\r':
		return "CR", 1
	case c == '\t':
		return "HT", 1
	case c == '\f':
		return "FF", 1
	case c == 0:
		return "NUL", 1
	case c < 0x20:
		return "?", 1
	default:
		n := bytes.IndexFunc(b, func(r rune) bool { return r < 0x20 })
		if n < 0 {
			n = len(b)
		}
		return "text", n
	}
	if len(b) < 2 {
		return "?", 1
	}
	name = prefix + string(rune(b[1]))
	if measure, ok := measured[name]; ok {
		total := measure(func(i int) int64 {
			if i < len(b) {
				return int64(b[i])
			}
			return 0
		}, b)
		return name, int(min(total, int64(len(b))))
	}
	return name, min(2+arguments[name], len(b))
}
