package font

import (
	"testing"

	"tillagent/printer/internal/gbk"
)

func ink(g Glyph) int {
	n := 0
	for y := range Height {
		for x := range g.Width {
			if g.Dot(x, y) {
				n++
			}
		}
	}
	return n
}

func same(a, b Glyph) bool { return a.Width == b.Width && string(a.bits) == string(b.bits) }

// Every character a printer can be sent has a glyph of its width.
func TestCoversGBK(t *testing.T) {
	if len(cells()) != fileBytes {
		t.Fatalf("till24.bin.gz holds %d bytes, want %d", len(cells()), fileBytes)
	}
	missing := 0
	for lead := 0x81; lead <= 0xFE; lead++ {
		for trail := 0x40; trail <= 0xFE; trail++ {
			r, ok := gbk.Rune(byte(lead), byte(trail))
			if !ok {
				continue
			}
			g := Lookup(r)
			if g.Width != 24 {
				t.Fatalf("%c (%U) is %d dots wide", r, r, g.Width)
			}
			if same(g, wideBox) {
				missing++
				t.Logf("no glyph for %c (%U)", r, r)
			}
		}
	}
	if missing > 2 {
		t.Errorf("%d characters have no glyph", missing)
	}
	for r := rune(0x21); r < 0x7F; r++ {
		if g := Lookup(r); g.Width != 12 || ink(g) == 0 || same(g, narrowBox) {
			t.Errorf("%c: %d dots wide, %d of ink", r, g.Width, ink(g))
		}
	}
	for _, r := range " \u3000" {
		if n := ink(Lookup(r)); n != 0 {
			t.Errorf("%U has %d dots of ink", r, n)
		}
	}
}

func TestMissingIsABox(t *testing.T) {
	for r, want := range map[rune]Glyph{'\x00': narrowBox, 0x7F: narrowBox, 'ß': narrowBox, '☕': wideBox, '𠮷': wideBox, -1: narrowBox} {
		if !same(Lookup(r), want) {
			t.Errorf("%U is no box", r)
		}
	}
}

func TestCodePage437(t *testing.T) {
	seen := map[string]bool{}
	for b := 0x80; b <= 0xFE; b++ {
		g := CodePage437(byte(b))
		if g.Width != 12 || ink(g) == 0 {
			t.Errorf("%02X: %d dots wide, %d of ink", b, g.Width, ink(g))
		}
		seen[string(g.bits)] = true
	}
	if len(seen) < 120 { // the source has no ⌐ and few others: they are its box
		t.Errorf("only %d different glyphs", len(seen))
	}
	if !same(CodePage437('A'), Lookup('A')) {
		t.Error("ASCII differs")
	}
}
