package printer

import "tillagent/printer/internal/sheet"

// A QR code (ISO/IEC 18004): model 2, error correction M, byte mode. Printers
// that draw codes themselves encode in the same way, so that both are of one
// size. It is written out here, and not left to a library, because a receipt's
// raster must be ready within half a millisecond.

// qrBytesM is how many bytes versions 1-40 hold in byte mode at error
// correction M (table 7).
var qrBytesM = [40]int{
	14, 26, 42, 62, 84, 106, 122, 152, 180, 213,
	251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
	711, 779, 857, 911, 997, 1059, 1125, 1190, 1264, 1370,
	1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331,
}

// qrBlocksM and qrParityM are the number of blocks and the error correction
// codewords of each, of versions 1-40 at error correction M (table 9).
var (
	qrBlocksM = [40]int{
		1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
		17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
	}
	qrParityM = [40]int{
		10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
		26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	}
)

// qrVersion is the smallest version that holds n bytes, or 0.
func qrVersion(n int) int {
	for i, capacity := range qrBytesM {
		if n <= capacity {
			return i + 1
		}
	}
	return 0
}

// A symbol is a QR code being built. Modules are row by row, 1 is black.
type symbol struct {
	version, width int
	modules        []byte
	function       []byte // 1 where a module is part of a pattern and not masked
}

// newSymbol encodes data, which fits the version.
func newSymbol(data string, version int) *symbol {
	width := 17 + 4*version
	cells := make([]byte, 2*width*width)
	s := &symbol{version, width, cells[:width*width], cells[width*width:]}
	s.patterns()
	s.place(s.codewords(data))
	s.mask()
	return s
}

// set writes a module of a pattern.
func (s *symbol) set(x, y int, black bool) {
	i := y*s.width + x
	s.function[i] = 1
	s.modules[i] = 0
	if black {
		s.modules[i] = 1
	}
}

// bitmap draws the symbol with modules of size dots, widened to whole bytes as
// raster commands count.
func (s *symbol) bitmap(size int) *sheet.Bitmap {
	b := sheet.NewBitmap((s.width*size+7)/8*8, s.width*size)
	stride := b.Stride()
	for y := range s.width {
		first := b.Bits[y*size*stride:][:stride]
		for x, m := range s.modules[y*s.width:][:s.width] {
			if m == 1 {
				for i := x * size; i < (x+1)*size; i++ {
					first[i/8] |= 0x80 >> (i % 8)
				}
			}
		}
		for i := 1; i < size; i++ {
			copy(b.Bits[(y*size+i)*stride:], first)
		}
	}
	return b
}

// patterns draws everything that is not data, with the format of mask 0.
func (s *symbol) patterns() {
	for i := range s.width {
		s.set(6, i, i%2 == 0)
		s.set(i, 6, i%2 == 0)
	}
	far := s.width - 4
	s.squares(3, 3, 4)
	s.squares(far, 3, 4)
	s.squares(3, far, 4)
	at := s.alignments()
	for i, y := range at {
		for j, x := range at {
			last := len(at) - 1
			if i == 0 && (j == 0 || j == last) || i == last && j == 0 {
				continue // a finder pattern is there
			}
			s.squares(x, y, 2)
		}
	}
	s.format(0)
	if s.version < 7 {
		return
	}
	rest := s.version // 6 bits of version, 12 of the code 1F25 (annex D)
	for range 12 {
		rest = rest<<1 ^ (rest>>11)*0x1F25
	}
	bits := s.version<<12 | rest
	for i := range 18 {
		x, y := s.width-11+i%3, i/3
		s.set(x, y, bits>>i&1 == 1)
		s.set(y, x, bits>>i&1 == 1)
	}
}

// squares draws the nested squares of a finder (reach 4, with its white edge)
// or an alignment pattern (reach 2).
func (s *symbol) squares(cx, cy, reach int) {
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			x, y := cx+dx, cy+dy
			if x < 0 || y < 0 || x >= s.width || y >= s.width {
				continue
			}
			ring := max(dx, -dx, dy, -dy)
			s.set(x, y, ring%2 == 0 == (reach == 2) || ring == 0)
		}
	}
}

// alignments gives the centres of alignment patterns on one axis (annex E).
func (s *symbol) alignments() []int {
	if s.version == 1 {
		return nil
	}
	n := s.version/7 + 2
	step := (s.version*8 + n*3 + 5) / (n*4 - 4) * 2
	at := make([]int, n)
	at[0] = 6
	for i := 1; i < n; i++ {
		at[i] = s.width - 7 - (n-1-i)*step
	}
	return at
}

// format writes the mask's number, twice: level M (00), mask, and 10 bits of the
// code 537 (annex C).
func (s *symbol) format(mask int) {
	rest := mask
	for range 10 {
		rest = rest<<1 ^ (rest>>9)*0x537
	}
	bits := (mask<<10 | rest) ^ 0x5412
	bit := func(i int) bool { return bits>>i&1 == 1 }
	for i := range 6 {
		s.set(8, i, bit(i))
		s.set(5-i, 8, bit(9+i))
	}
	s.set(8, 7, bit(6))
	s.set(8, 8, bit(7))
	s.set(7, 8, bit(8))
	for i := range 8 {
		s.set(s.width-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		s.set(8, s.width-15+i, bit(i))
	}
	s.set(8, s.width-8, true)
}

// codewords gives data and error correction in the order they are placed.
func (s *symbol) codewords(data string) []byte {
	v := s.version
	blocks, parity := qrBlocksM[v-1], qrParityM[v-1]
	header := 2 // bytes of mode and length, less the half byte that the data starts with
	if v >= 10 {
		header = 3
	}
	total := qrBytesM[v-1] + header
	words := make([]byte, 0, total)
	n := len(data)
	words = append(words, 0x40|byte(n>>4)) // mode 0100, then the length in 8 bits
	if v >= 10 {                           // or in 16
		words[0] = 0x40 | byte(n>>12)
		words = append(words, byte(n>>4))
	}
	carry := byte(n << 4)
	for i := range n {
		words = append(words, carry|data[i]>>4)
		carry = data[i] << 4
	}
	words = append(words, carry) // its lower half is the terminator
	for pad := byte(0xEC); len(words) < total; pad ^= 0xEC ^ 0x11 {
		words = append(words, pad)
	}

	short, long := total/blocks, total%blocks // the last ones are a codeword longer
	out := make([]byte, total+blocks*parity)
	generator := rsGenerator(parity)
	rest := make([]byte, parity)
	start := 0
	for b := range blocks {
		size := short
		if b >= blocks-long {
			size++
		}
		block := words[start:][:size]
		start += size
		for i, w := range block {
			at := i*blocks + b
			if i == short { // only the long ones have one more
				at = short*blocks + b - (blocks - long)
			}
			out[at] = w
		}
		rsRemainder(rest, block, generator)
		for i, w := range rest {
			out[total+i*blocks+b] = w
		}
	}
	return out
}

// place puts the codewords' bits on the free modules: upwards and downwards in
// columns of two, from the right.
func (s *symbol) place(words []byte) {
	i := 0
	for right := s.width - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		upward := (right+1)&2 == 0
		for row := range s.width {
			y := row
			if upward {
				y = s.width - 1 - row
			}
			for x := right; x >= right-1; x-- {
				at := y*s.width + x
				if s.function[at] == 1 || i == 8*len(words) {
					continue
				}
				s.modules[at] = words[i/8] >> (7 - i%8) & 1
				i++
			}
		}
	}
}

// The field of 256 elements of the Reed-Solomon code, modulo 11D: powers of 2 and
// their logarithms.
var gfExp, gfLog = func() (exp [510]byte, log [256]byte) {
	x := 1
	for i := range 255 {
		exp[i], exp[i+255] = byte(x), byte(x)
		log[x] = byte(i)
		x <<= 1
		if x > 255 {
			x ^= 0x11D
		}
	}
	return exp, log
}()

// rsGenerator gives the generator polynomial of a degree, as logarithms, without
// its leading 1.
func rsGenerator(degree int) []byte {
	g := make([]byte, degree)
	g[degree-1] = 1
	for root := range degree {
		for i := range g {
			if g[i] != 0 {
				g[i] = gfExp[int(gfLog[g[i]])+root]
			}
			if i+1 < degree {
				g[i] ^= g[i+1]
			}
		}
	}
	for i := range g {
		g[i] = gfLog[g[i]] // none of them is zero
	}
	return g
}

// rsRemainder gives the error correction codewords of a block.
func rsRemainder(rest, block, generator []byte) {
	clear(rest)
	for _, w := range block {
		factor := w ^ rest[0]
		copy(rest, rest[1:])
		rest[len(rest)-1] = 0
		if factor == 0 {
			continue
		}
		log := int(gfLog[factor])
		for i, g := range generator {
			rest[i] ^= gfExp[log+int(g)]
		}
	}
}
