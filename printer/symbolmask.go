package printer

// qrMasks tell which modules a mask turns over (table 10).
var qrMasks = [8]func(x, y int) bool{
	func(x, y int) bool { return (x+y)%2 == 0 },
	func(x, y int) bool { return y%2 == 0 },
	func(x, y int) bool { return x%3 == 0 },
	func(x, y int) bool { return (x+y)%3 == 0 },
	func(x, y int) bool { return (x/3+y/2)%2 == 0 },
	func(x, y int) bool { return x*y%2+x*y%3 == 0 },
	func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 },
	func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
}

// mask turns the modules over by the mask with the least penalty.
func (s *symbol) mask() {
	best, least := 0, -1
	plain := append([]byte(nil), s.modules...)
	chosen := make([]byte, len(plain))
	for m := range qrMasks {
		copy(s.modules, plain)
		s.turn(m)
		if p := s.penalty(least); least < 0 || p < least {
			best, least = m, p
			copy(chosen, s.modules)
		}
	}
	copy(s.modules, chosen)
	s.format(best)
}

// turn applies a mask. All of them repeat after 12 modules both ways.
func (s *symbol) turn(m int) {
	const period = 12
	var tile [period][period]byte
	for y := range tile {
		for x := range tile[y] {
			if qrMasks[m](x, y) {
				tile[y][x] = 1
			}
		}
	}
	s.format(m)
	for y := range s.width {
		row, fixed := s.modules[y*s.width:][:s.width], s.function[y*s.width:][:s.width]
		of := &tile[y%period]
		for x, column := 0, 0; x < len(row); x++ {
			row[x] ^= of[column] &^ fixed[x]
			if column++; column == period {
				column = 0
			}
		}
	}
}

// penalty scores what makes a symbol hard to read (7.8.3): runs of one colour,
// blocks of it, what looks like a finder pattern, and too much of one colour. It
// may stop above limit, where that is not negative.
func (s *symbol) penalty(limit int) int {
	w, total, black := s.width, 0, 0
	for line := range w {
		total += linePenalty(s.modules[line*w:], w, 1) + linePenalty(s.modules[line:], w, w)
		if limit >= 0 && total > limit {
			return total
		}
	}
	for y := 1; y < w; y++ {
		above, row := s.modules[(y-1)*w:][:w], s.modules[y*w:][:w]
		for x := 1; x < w; x++ {
			if n := above[x-1] + above[x] + row[x-1] + row[x]; n&3 == 0 {
				total += 3
			}
		}
	}
	for _, m := range s.modules {
		black += int(m)
	}
	off := 20*black - 10*w*w // twenty times what is off from one half
	return total + 10*(max(off, -off)/(w*w))
}

// linePenalty scores one row or column of n modules, step apart.
func linePenalty(modules []byte, n, step int) int {
	const finder, width = 0b1011101, 11
	total, run, window := 0, 0, 0
	colour := byte(2)
	for i, at := 0, 0; i < n; i, at = i+1, at+step {
		m := modules[at]
		if m == colour {
			run++
			if run == 5 {
				total += 3
			} else if run > 5 {
				total++
			}
		} else {
			colour, run = m, 1
		}
		window = (window<<1 | int(m)) & (1<<width - 1)
		if i >= width-1 && (window == finder || window == finder<<4) {
			total += 40
		}
	}
	return total
}
