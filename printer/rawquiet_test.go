package printer

import (
	"bytes"
	"testing"
)

func TestQuiet(t *testing.T) {
	picture := append([]byte{0x1D, 'v', '0', 0, 3, 0, 1, 0}, 0x1D, 'r', 1) // a row whose dots look like GS r 1
	for name, c := range map[string]struct{ raw, want string }{
		"nothing":             {"", ""},
		"text":                {"\x1b@Total\n\x1dV\x01", "\x1b@Total\n\x1dV\x01"},
		"GS r":                {"a\n\x1dr\x01b\n", "a\nb\n"},
		"ESC v, ESC u":        {"a\n\x1bvb\x1bu\x00\n", "a\nb\n"},
		"GS a":                {"\x1da\xffa\n", "a\n"},
		"DLE EOT":             {"\x10\x04\x01a\n\x10\x04\x02", "a\n"},
		"DLE DC4 stays":       {"\x10\x14\x01\x00\x01a", "\x10\x14\x01\x00\x01a"},
		"GS ( H":              {"a\n\x1d(H\x06\x00\x30\x300001b", "a\nb"},
		"GS ( k stays":        {"\x1d(k\x03\x001Q0", "\x1d(k\x03\x001Q0"},
		"a picture stays":     {string(picture), string(picture)},
		"cut off at its end":  {"a\x1d", "a\x1d"},
		"cut off in question": {"a\n\x1dr", "a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Quiet([]byte(c.raw)); !bytes.Equal(got, []byte(c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
