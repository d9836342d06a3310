package printer

import (
	"math"
	"time"
)

// A scanner walks over a job's commands. It knows their lengths, how far they
// move the paper and whether a line begins after them; what it does not know ends
// it, because what follows may be anything.
type scanner struct {
	profile Profile
	pitch   int  // dots from line to line
	wide    int  // character width in units of the normal one
	tall    int  // character height, likewise
	cells   int  // of the unfinished line
	high    int  // the tallest character of the unfinished line
	qrSize  int  // dots per module
	bar     int  // height of a barcode in dots
	lost    bool // an unknown command has been met
}

func newScanner(p Profile) *scanner {
	s := &scanner{profile: p}
	s.reset()
	return s
}

// reset is ESC @.
func (s *scanner) reset() {
	s.pitch, s.wide, s.tall, s.cells, s.high, s.qrSize, s.bar = max(s.profile.LineDots, 1), 1, 1, 0, 1, 3, 162
}

// A step is one command.
type step struct {
	bytes     int
	dots      int           // the paper moves
	takes     time.Duration // beside that
	lineStart bool          // after it a line begins
}

const cutTakes = time.Second // a cut, or the pulse to a drawer, at most

// next measures the command that b begins; b is not empty. A command that b does
// not hold completely takes all of b.
func (s *scanner) next(b []byte) step {
	if s.lost {
		return step{bytes: len(b), dots: len(b) / 32 * s.pitch}
	}
	st := s.measure(b)
	if st.bytes > len(b) {
		st.bytes, st.lineStart = len(b), false
	}
	return st
}

// plain commands are those that move nothing, by their first two bytes: how many
// bytes follow.
var plain = map[[2]byte]int{
	{0x1B, '='}: 1, {0x1B, 't'}: 1, {0x1B, 'R'}: 1, {0x1B, 'a'}: 1, {0x1B, 'E'}: 1, {0x1B, 'G'}: 1, {0x1B, '-'}: 1, {0x1B, 'M'}: 1,
	{0x1B, ' '}: 1, {0x1B, '{'}: 1, {0x1B, 'V'}: 1, {0x1B, 'r'}: 1, {0x1B, '$'}: 2, {0x1B, '\\'}: 2, {0x1B, 'c'}: 2, {0x1B, 'B'}: 2,
	{0x1C, '&'}: 0, {0x1C, '.'}: 0, {0x1C, 'S'}: 2, {0x1C, '!'}: 1, {0x1C, '-'}: 1, {0x1C, 'W'}: 1, {0x1C, 'C'}: 1,
	{0x1D, 'B'}: 1, {0x1D, 'w'}: 1, {0x1D, 'H'}: 1, {0x1D, 'f'}: 1, {0x1D, 'L'}: 2, {0x1D, 'W'}: 2, {0x1D, 'P'}: 2, {0x1D, 'b'}: 1,
	{0x1D, 'r'}: 1, {0x1D, 'I'}: 1, {0x1D, 'a'}: 1, {0x10, 0x04}: 1, {0x10, 0x05}: 1,
}

func (s *scanner) measure(b []byte) step {
	switch b[0] {
	case 0x1B, 0x1C, 0x1D, 0x10:
	case '\n':
		return s.line(1, 0)
	case '\r', '\t', 0:
		return step{bytes: 1, lineStart: s.cells == 0}
	default:
		return s.text(b)
	}
	if len(b) < 2 {
		return step{bytes: 1}
	}
	if n, ok := plain[[2]byte(b)]; ok {
		return step{bytes: 2 + n, lineStart: s.cells == 0}
	}
	at := func(i int) int { // 0 beyond the end: the command is cut off then
		if i < len(b) {
			return int(b[i])
		}
		return 0
	}
	word := func(i int) int { return at(i) + at(i+1)<<8 }
	switch [2]byte(b) {
	case [2]byte{0x1B, '@'}:
		s.reset()
		return step{bytes: 2, lineStart: true}
	case [2]byte{0x1B, '2'}:
		s.pitch = max(s.profile.LineDots, 1)
		return step{bytes: 2, lineStart: s.cells == 0}
	case [2]byte{0x1B, '3'}:
		s.pitch = at(2)
		return step{bytes: 3, lineStart: s.cells == 0}
	case [2]byte{0x1B, '!'}:
		s.wide, s.tall = 1+at(2)>>5&1, 1+at(2)>>4&1
		return step{bytes: 3, lineStart: s.cells == 0}
	case [2]byte{0x1D, '!'}:
		s.wide, s.tall = 1+at(2)>>4&7, 1+at(2)&7
		return step{bytes: 3, lineStart: s.cells == 0}
	case [2]byte{0x1D, 'h'}:
		s.bar = at(2)
		return step{bytes: 3, lineStart: s.cells == 0}
	case [2]byte{0x1B, 'd'}:
		return s.line(3, (max(at(2), 1)-1)*s.pitch)
	case [2]byte{0x1B, 'J'}:
		st := s.line(3, 0)
		st.dots = max(at(2), st.dots-s.pitch)
		return st
	case [2]byte{0x1B, 'p'}:
		return step{bytes: 5, takes: cutTakes, lineStart: s.cells == 0}
	case [2]byte{0x1B, 'i'}, [2]byte{0x1B, 'm'}:
		return step{bytes: 2, takes: cutTakes, lineStart: true}
	case [2]byte{0x1D, 'V'}:
		if m := at(2); m == 65 || m == 66 || m >= 97 {
			return step{bytes: 4, dots: at(3) + 8*s.profile.CutterMM, takes: cutTakes, lineStart: true}
		}
		return step{bytes: 3, takes: cutTakes, lineStart: true}
	case [2]byte{0x1D, 'v'}: // GS v 0 m xL xH yL yH
		size := 8 + int64(word(4))*int64(word(6)) // may be more than 32 bits hold
		return step{bytes: int(min(size, math.MaxInt32)), dots: word(6), lineStart: true}
	case [2]byte{0x1B, '*'}: // ESC * m nL nH
		columns := 1
		if at(2) >= 32 {
			columns = 3
		}
		s.cells = max(s.cells, 1)
		return step{bytes: 5 + columns*word(3)}
	case [2]byte{0x1D, '('}: // GS ( x pL pH
		st := step{bytes: 5 + word(3), lineStart: s.cells == 0}
		switch {
		case at(2) == 'k' && at(6) == 'C':
			s.qrSize = at(7)
		case at(2) == 'k' && at(6) == 'Q':
			st.dots, st.lineStart = 60*s.qrSize, true // about version 8
		}
		return st
	case [2]byte{0x1D, 'k'}:
		if at(2) >= 65 {
			return step{bytes: 4 + at(3), dots: s.bar + s.pitch, lineStart: true}
		}
		for i := 3; i < len(b); i++ {
			if b[i] == 0 {
				return step{bytes: i + 1, dots: s.bar + s.pitch, lineStart: true}
			}
		}
		return step{bytes: len(b)}
	}
	s.lost = true
	return step{bytes: len(b), dots: len(b) / 32 * s.pitch}
}

// line is the end of a line and a feed of more dots.
func (s *scanner) line(n, more int) step {
	dots := max(s.pitch, 24*s.high)
	if s.cells == 0 {
		dots = s.pitch
	}
	s.cells, s.high = 0, 1
	return step{bytes: n, dots: dots + more, lineStart: true}
}

// text is a run of text. It is counted in bytes: a Chinese character has two of
// them and is two cells wide.
func (s *scanner) text(b []byte) step {
	n := 0
	for n < len(b) && (b[n] >= 0x20 && b[n] != 0x7F) {
		n++
	}
	if n == 0 { // another control character
		return step{bytes: 1}
	}
	s.high = max(s.high, s.tall)
	s.cells += n * s.wide
	dots := 0
	for columns := max(s.profile.Columns, 16); s.cells > columns; s.cells -= columns {
		dots += max(s.pitch, 24*s.high) // the printer goes on in the next line by itself
	}
	return step{bytes: n, dots: dots}
}

// splitJob cuts a job into windows of at most limit bytes, between which the
// printer may be asked whether it has come so far: a line begins there. A part
// without such a place is longer.
func splitJob(job []byte, p Profile, limit int) [][]byte {
	var all [][]byte
	s := newScanner(p)
	start, safe := 0, 0 // of this part: its begin, and the last place where it may end
	for at := 0; at < len(job); {
		st := s.next(job[at:])
		if at += st.bytes; at-start > limit && safe > start {
			all = append(all, job[start:safe])
			start = safe
		}
		if st.lineStart {
			safe = at
			if at-start > limit {
				all = append(all, job[start:at])
				start = at
			}
		}
	}
	if start < len(job) {
		all = append(all, job[start:])
	}
	return all
}

// hasLongCommand tells that a job holds a command that takes what comes after it
// for its data, if the job breaks off within it.
func hasLongCommand(job []byte, p Profile) bool {
	const long = 32
	s := newScanner(p)
	for at := 0; at < len(job); {
		text := job[at] >= 0x20
		st := s.next(job[at:])
		if st.bytes > long && !text {
			return true
		}
		at += st.bytes
	}
	return false
}
