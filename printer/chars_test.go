package printer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tillagent/printer/internal/gbk"
)

// onWire is the code of clean text, whose width must be the sum of its cells.
func onWire(t *testing.T, text, level string) []byte {
	t.Helper()
	code, width, ok := appendGBK(nil, text, level, gbk.Forward())
	if !ok || width != cells(text) {
		t.Fatalf("%q: clean %v, %d cells of %d", text, ok, width, cells(text))
	}
	return code
}

// Whatever character comes, what reaches the printer is printable ASCII or
// two-byte pairs of GBK, never half a pair or a four-byte code.
func TestR14EveryBMPCharacterBecomesASCIIOrPairs(t *testing.T) {
	kept := 0
	for r := rune(0); r <= 0xFFFF; r++ {
		if r == '\n' || !utf8.ValidRune(r) {
			continue
		}
		text := transliterate(string(r), GBK, nil)
		b := onWire(t, text, GBK)
		if !asciiOrPairs(b) {
			t.Fatalf("%U became % X", r, b)
		}
		if len(b) != cells(text) {
			t.Errorf("%U takes %d bytes and %d cells", r, len(b), cells(text))
		}
		if !Encodable(r) {
			continue
		}
		kept++
		back, err := simplifiedchinese.GBK.NewDecoder().Bytes(b)
		if err != nil || string(back) != string(r) {
			t.Errorf("%U came back as %q (%v)", r, back, err)
		}
	}
	if kept < 21_000 {
		t.Errorf("only %d characters can be printed", kept)
	}
}

// TestR14Levels holds the levels below and above GBK: as wide as GBK on paper,
// and no code outside the level.
func TestR14Levels(t *testing.T) {
	for r := rune(0x80); r <= 0x2FFFF; r++ {
		if r > 0xFFFF {
			r += 96 // one in 97 of what lies beyond the BMP
		}
		if !utf8.ValidRune(r) {
			continue
		}
		low := transliterate(string(r), GB2312, nil)
		if got, want := cells(low), Width(string(r)); got != want {
			t.Fatalf("%U takes %d cells on GB2312, %d on GBK", r, got, want)
		}
		for _, b := range onWire(t, low, GB2312) {
			if b >= 0x7F && b < 0xA1 {
				t.Fatalf("%U became % X on GB2312", r, onWire(t, low, GB2312))
			}
		}
		if unicode.Is(unicode.Han, r) {
			back, err := simplifiedchinese.GB18030.NewDecoder().Bytes(onWire(t, transliterate(string(r), GB18030, nil), GB18030))
			if err != nil || string(back) != string(r) {
				t.Fatalf("%U came back as %q on GB18030 (%v)", r, back, err)
			}
		}
	}
	p := profile(t, "generic-80")
	for level, want := range map[string]string{"": "\xf1\x48\x8d\x85", GBK: "\xf1\x48\x8d\x85", GB2312: "\xa3\xbf\xa3\xbf", GB18030: "\xf1\x48\x8d\x85"} {
		p.GBK = level
		b, _, err := Encode(Doc{Line{Text: "馠崊"}}, p)
		if err != nil || !bytes.Contains(b, []byte(want+"\n")) {
			t.Errorf("%q: % X", level, b)
		}
	}
	p.GBK = GB18030
	if b, warnings, _ := Encode(Doc{Line{Text: "㐀𠮷☕"}}, p); !bytes.Contains(b, []byte("\x81\x39\xee\x39\x95\x34\xb2\x35\xa3\xbf\n")) || len(warnings) != 1 {
		t.Errorf("% X, %v", b, warnings)
	}
}

func asciiOrPairs(b []byte) bool {
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] >= 0x20 && b[i] < 0x7F:
		case b[i] >= 0x81 && b[i] <= 0xFE && i+1 < len(b) && b[i+1] >= 0x40 && b[i+1] != 0x7F && b[i+1] != 0xFF:
			i++
		default:
			return false
		}
	}
	return true
}

func TestR14Transliterate(t *testing.T) {
	tests := []struct {
		in, out string
		lost    string
	}{
		{"¥12.50", "￥12.50", ""},
		{"€ 5", "EUR 5", ""},
		{"½ m²", "1/2 m2", ""},
		{"Zoë Łódź Ñandú", "Zoe Lódz Nandú", ""}, // GBK has ó and ú among the pinyin letters
		{"咖啡☕😀", "咖啡？？", "☕😀"},
		{"e\u0301te\u0301", "ete", ""},
		{"不\u200b可\u00a0见\ufeff", "不可 见", ""},
		{"a\tb\x1b@c\r", "a b@c", ""},
		{"\xff", "？", "\uFFFD"},
		{"𠮷野家", "？野家", "𠮷"}, // outside the BMP: a four-byte code
		{"㐀", "？", "㐀"},
	}
	for _, tt := range tests {
		var lost []rune
		out := transliterate(tt.in, GBK, func(r rune) { lost = append(lost, r) })
		if out != tt.out || string(lost) != tt.lost {
			t.Errorf("%q: %q, lost %q; want %q, lost %q", tt.in, out, string(lost), tt.out, tt.lost)
		}
	}
	if got := onWire(t, transliterate("¥", GBK, nil), GBK); string(got) != "\xA3\xA4" {
		t.Errorf("¥ is % X", got)
	}
}

func TestR17Width(t *testing.T) {
	tests := map[string]int{
		"": 0, "abc": 3, "中文": 4, "合计：￥5": 9, "①é…": 6, "¥": 2, "€": 3, "😀": 2, "a\nb": 2, "\x1b": 0,
	}
	for s, want := range tests {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestR17Wrap(t *testing.T) {
	tests := []struct {
		text string
		room int
		want []string
	}{
		{"", 8, []string{""}},
		{"abc", 8, []string{"abc"}},
		{"eight ab", 8, []string{"eight ab"}},
		{"eight abc", 8, []string{"eight", "abc"}},
		{"eight    abc", 6, []string{"eight", "abc"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"农夫山泉水", 5, []string{"农夫", "山泉", "水"}},
		{"农夫 550ml", 8, []string{"农夫", "550ml"}},
		{"共12.50元", 8, []string{"共12.50", "元"}},
		{"a\n\nb", 8, []string{"a", "", "b"}},
		{"  indented", 12, []string{"  indented"}},
		{"trailing   ", 8, []string{"trailing"}},
		{"水水", 2, []string{"水", "水"}},
		{"大壶(热)双拼", 6, []string{"大壶", "(热)双", "拼"}},
		{"大壶，热。", 5, []string{"大", "壶，", "热。"}},
		{"共￥5", 4, []string{"共", "￥5"}},
		{" 00？？", 5, []string{"", "00？", "？"}},
		{"））））", 4, []string{"））", "））"}},
	}
	for _, tt := range tests {
		if got := wrap(tt.text, tt.room); !slices.Equal(got, tt.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.text, tt.room, got, tt.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("农夫山泉 550ml 饮用天然水", uint8(7))
	f.Add("a  bb   ccc    dddd", uint8(2))
	f.Fuzz(func(t *testing.T, s string, n uint8) {
		room := 2 + int(n)%60
		text := transliterate(s, GBK, nil)
		lines := wrap(text, room)
		for _, line := range lines {
			if cells(line) > room {
				t.Errorf("%q is wider than %d", line, room)
			}
		}
		strip := strings.NewReplacer(" ", "", "\n", "")
		if got := strip.Replace(strings.Join(lines, "")); got != strip.Replace(text) {
			t.Errorf("%q lost characters: %q", text, lines)
		}
	})
}
