package gbk

import "testing"

func TestCodes(t *testing.T) {
	tests := []struct {
		r    rune
		code uint16 // 0 is none
	}{
		{'中', 0xD6D0}, {'￥', 0xA3A4}, {'？', 0xA3BF}, {'\u3000', 0xA1A1}, {'é', 0xA8A6}, {'囍', 0x87D6},
		{'¥', 0}, {'€', 0}, {'A', 0}, {'㐀', 0}, {'😀', 0}, {'\uE000', 0}, {'\uE766', 0}, {0xFFFD, 0}, {-1, 0},
	}
	for _, tt := range tests {
		lead, trail, ok := Code(tt.r)
		if got := uint16(lead)<<8 | uint16(trail); got != tt.code || ok != (tt.code != 0) {
			t.Errorf("%U is %04X, %v; want %04X", tt.r, got, ok, tt.code)
		}
		if !ok {
			continue
		}
		if back, ok := Rune(lead, trail); back != tt.r || !ok {
			t.Errorf("%04X is %U", tt.code, back)
		}
	}
}

// Both directions agree, over every pair of bytes.
func TestEveryPair(t *testing.T) {
	codes := 0
	for lead := range 256 {
		for trail := range 256 {
			r, ok := Rune(byte(lead), byte(trail))
			if !ok {
				continue
			}
			codes++
			if !Valid(byte(lead), byte(trail)) {
				t.Fatalf("%02X%02X is %c, though no pair", lead, trail, r)
			}
			if l, tr, ok := Code(r); !ok {
				t.Errorf("%c has no code", r)
			} else if back, _ := Rune(l, tr); back != r {
				t.Errorf("%c is %02X%02X, which is %c", r, l, tr, back)
			}
		}
	}
	if codes < 21_800 {
		t.Errorf("%d codes", codes)
	}
}
