package sheet

import (
	"strings"
	"testing"

	"tillagent/printer/font"
)

func chars(s string, wide int) []Char {
	var all []Char
	for _, r := range s {
		all = append(all, Char{Rune: r, Glyph: font.Lookup(r), Wide: wide, Tall: 1})
	}
	return all
}

// inked is the leftmost and rightmost column with ink in the given rows.
func inked(s *Sheet, top, bottom int) (left, right int) {
	img := s.Image()
	left, right = s.Dots, -1
	for y := top; y < bottom; y++ {
		for x := range s.Dots {
			if img.GrayAt(x, y).Y == 0 {
				left, right = min(left, x), max(right, x)
			}
		}
	}
	return left, right
}

func TestAlignment(t *testing.T) {
	s := New(384, 30)
	for _, a := range []Align{Left, Center, Right} {
		s.Line(chars("██", 1), a, 30) // ink from edge to edge of its cells
	}
	if s.Height() != 90 {
		t.Fatalf("three lines are %d dots high", s.Height())
	}
	for i, want := range []int{0, 168, 336} {
		left, right := inked(s, 30*i, 30*i+30)
		if left < want || left > want+2 || right > want+47 || right < want+45 {
			t.Errorf("line %d has ink from %d to %d, want %d to %d", i, left, right, want, want+47)
		}
	}
}

func TestReverseAndBold(t *testing.T) {
	count := func(c Char) int {
		s := New(24, 24)
		s.Line([]Char{c}, Left, 24)
		n := 0
		for _, p := range s.Image().Pix {
			if p == 0 {
				n++
			}
		}
		return n
	}
	plain := Char{Rune: '中', Glyph: font.Lookup('中'), Wide: 1, Tall: 1}
	bold, reverse := plain, plain
	bold.Bold, reverse.Reverse = true, true
	if p, b := count(plain), count(bold); b <= p {
		t.Errorf("bold has %d dots, plain %d", b, p)
	}
	if p, r := count(plain), count(reverse); r != 24*24-p {
		t.Errorf("reverse has %d dots, plain %d", r, p)
	}
}

func TestText(t *testing.T) {
	s := New(384, 30)
	s.Feed(29)
	s.Line(chars("a", 1), Center, 30)
	s.Feed(31)
	s.Feed(29)
	s.Line(chars("中 ", 2), Right, 30)
	matrix := [][]bool{{true, false}, {true, true}}
	s.Picture(Squares(matrix, 3), Left, "note")
	s.Picture(NewBitmap(16, 4), Right, "")
	s.Feed(300)
	want := strings.Join([]string{strings.Repeat(" ", 15) + "a", "", "", strings.Repeat(" ", 26) + "中", "█▄", "note", strings.Repeat(" ", 26) + "[16×4]", ""}, "\n")
	if got := s.Text(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestSlicesJoin(t *testing.T) {
	s := New(384, 30)
	b := NewBitmap(16, 2)
	b.Set(1, 0)
	s.Picture(b, Center, "")
	s.Picture(b, Center, "")
	s.Picture(b, Left, "") // elsewhere
	s.Feed(1)
	s.Picture(b, Left, "")
	var heights []int
	for _, p := range s.Pictures() {
		heights = append(heights, p.Height)
	}
	if len(heights) != 3 || heights[0] != 4 || heights[1] != 2 || heights[2] != 2 {
		t.Errorf("pictures of %d rows", heights)
	}
	if b.Height != 2 || len(b.Bits) != 4 {
		t.Error("the caller's bitmap changed")
	}
}

func TestParseCode128(t *testing.T) {
	tests := []struct {
		data, text string
		ok         bool
	}{
		{"{BA{{b", "A{b", true},
		{"{C\x0c\x22", "1234", true},
		{"{B0{C\x0c\x22{BX", "01234X", true},
		{"", "", false}, {"{", "", false}, {"{B", "", false}, {"A", "", false}, {"{C\x64", "", false}, {"{Bé", "", false}, {"{C{{", "", false},
	}
	for _, tt := range tests {
		code, text, ok := ParseCode128([]byte(tt.data))
		if ok != tt.ok || ok && text != tt.text {
			t.Errorf("%q: %q, %v", tt.data, text, ok)
		}
		if ok && code.Bars(2, 1).Width != code.Modules()*2 {
			t.Errorf("%q: %d dots", tt.data, code.Bars(2, 1).Width)
		}
	}
	// Each pattern is 11 modules, the stop 13.
	for i, p := range append(append([]string(nil), code128Patterns[:]...), code128Stop) {
		sum := 0
		for _, d := range p {
			sum += int(d - '0')
		}
		if want := 11 + 2*(i/106); sum != want {
			t.Errorf("pattern %d has %d modules", i, sum)
		}
	}
}
