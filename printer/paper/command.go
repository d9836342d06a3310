package paper

import "bytes"

// A command is one ESC/POS command with its parameters and data, one byte of
// text, or an unknown byte pair.
type command struct {
	name  string // mnemonic, "text", or "" where unknown
	bytes []byte // all of it
	data  []byte // what follows the mnemonic's bytes
	lost  int    // bytes that were lost between the command before and the end of this one
}

// The control characters that begin commands.
const (
	esc = 0x1B
	fs  = 0x1C
	gs  = 0x1D
	dle = 0x10
)

// commands by their first two bytes; args is the number of bytes that follow.
// The variable ones are in variable.
var commands = map[[2]byte]struct {
	name string
	args int
}{
	{esc, '@'}: {"ESC @", 0}, {esc, 'a'}: {"ESC a", 1}, {esc, '!'}: {"ESC !", 1}, {esc, 'E'}: {"ESC E", 1},
	{esc, 'd'}: {"ESC d", 1}, {esc, 'J'}: {"ESC J", 1}, {esc, 't'}: {"ESC t", 1}, {esc, 'R'}: {"ESC R", 1},
	{esc, '='}: {"ESC =", 1}, {esc, 'p'}: {"ESC p", 3}, {esc, '2'}: {"ESC 2", 0}, {esc, '3'}: {"ESC 3", 1},
	{esc, 'i'}: {"ESC i", 0}, {esc, 'm'}: {"ESC m", 0},
	{gs, '!'}: {"GS !", 1}, {gs, 'B'}: {"GS B", 1}, {gs, 'r'}: {"GS r", 1}, {gs, 'I'}: {"GS I", 1}, {gs, 'a'}: {"GS a", 1},
	{gs, 'h'}: {"GS h", 1}, {gs, 'w'}: {"GS w", 1}, {gs, 'H'}: {"GS H", 1}, {gs, 'f'}: {"GS f", 1},
	{fs, '&'}: {"FS &", 0}, {fs, '.'}: {"FS .", 0}, {fs, 'S'}: {"FS S", 2}, {fs, '!'}: {"FS !", 1},
	{dle, 0x04}: {"DLE EOT", 1}, {dle, 0x05}: {"DLE ENQ", 1},

	// Known by their length only, so that their parameters are not printed.
	{esc, '-'}: {"ESC -", 1}, {esc, 'G'}: {"ESC G", 1}, {esc, 'M'}: {"ESC M", 1}, {esc, 'V'}: {"ESC V", 1},
	{esc, 'r'}: {"ESC r", 1}, {esc, '{'}: {"ESC {", 1}, {esc, ' '}: {"ESC SP", 1}, {esc, '$'}: {"ESC $", 2},
	{esc, '\\'}: {"ESC \\", 2}, {esc, 'c'}: {"ESC c", 2}, {esc, 'B'}: {"ESC B", 2}, {esc, 'v'}: {"ESC v", 0},
	{gs, 'L'}: {"GS L", 2}, {gs, 'W'}: {"GS W", 2}, {gs, 'P'}: {"GS P", 2}, {gs, 'b'}: {"GS b", 1},
	{fs, '-'}: {"FS -", 1}, {fs, 'W'}: {"FS W", 1}, {fs, 'C'}: {"FS C", 1}, {fs, 'p'}: {"FS p", 2},
}

// maxCommand bounds one command; what claims to be longer is noise.
const maxCommand = 1 << 20

// A parser splits the stream into commands, wherever it is cut into reads. The
// zero value is ready.
type parser struct {
	buf  []byte
	need int // bytes until something can be said; 0 is one
}

// feed takes a byte; ok tells that it completed a command.
func (p *parser) feed(b byte) (c command, ok bool) {
	p.buf = append(p.buf, b)
	if len(p.buf) < p.need {
		return command{}, false
	}
	name, head, total := measure(p.buf)
	if total > len(p.buf) {
		p.need = total
		return command{}, false
	}
	c = command{name: name, bytes: bytes.Clone(p.buf)}
	c.data = c.bytes[head:]
	p.buf, p.need = p.buf[:0], 0
	return c, true
}

// measure names the command that b begins, with the length of its mnemonic's bytes
// and of all of it; where b is too short to tell, total is more than len(b).
func measure(b []byte) (name string, head, total int) {
	switch b[0] {
	case esc, gs, fs, dle:
	case '\n':
		return "LF", 1, 1
	case '\r':
		return "CR", 1, 1
	case '\t':
		return "HT", 1, 1
	case 0:
		return "NUL", 1, 1
	default:
		if b[0] < 0x20 || b[0] == 0x7F {
			return "", 1, 1
		}
		return "text", 0, 1
	}
	if len(b) < 2 {
		return "", 0, 2
	}
	if c, ok := commands[[2]byte(b)]; ok {
		return c.name, 2, 2 + c.args
	}
	name, total = variable(b)
	if total > maxCommand {
		return "", 2, len(b)
	}
	return name, 2, total
}

// variable is measure for the commands that tell their own length.
func variable(b []byte) (name string, total int) {
	at := func(i int) int { // 0 while it is not there: the total then exceeds len(b) anyway
		if i < len(b) {
			return int(b[i])
		}
		return 0
	}
	word := func(i int) int { return at(i) + at(i+1)<<8 }
	atLeast := func(n, total int) int {
		if len(b) < n {
			return n
		}
		return total
	}
	switch [2]byte(b) {
	case [2]byte{gs, 'V'}:
		if m := at(2); m == 65 || m == 66 || m == 97 || m == 98 || m == 103 || m == 104 {
			return "GS V", 4
		}
		return "GS V", 3
	case [2]byte{gs, '('}:
		return "GS ( " + string(rune(at(2))), atLeast(5, 5+word(3))
	case [2]byte{gs, 'v'}:
		size := 8 + int64(word(4))*int64(word(6)) // may be more than 32 bits hold
		return "GS v 0", atLeast(8, int(min(size, maxCommand+1)))
	case [2]byte{gs, 'k'}:
		if at(2) >= 65 {
			return "GS k", atLeast(4, 4+at(3))
		}
		if len(b) > 2 && b[len(b)-1] == 0 {
			return "GS k", len(b)
		}
		return "GS k", len(b) + 1
	case [2]byte{esc, '*'}:
		columns := 1
		if at(2) >= 32 {
			columns = 3
		}
		return "ESC *", atLeast(5, 5+columns*word(3))
	case [2]byte{esc, 'D'}:
		if b[len(b)-1] == 0 {
			return "ESC D", len(b)
		}
		return "ESC D", len(b) + 1
	case [2]byte{dle, 0x14}:
		if at(2) == 8 {
			return "DLE DC4", 10
		}
		return "DLE DC4", 5
	}
	return "", 2
}
