package printer

import (
	"bytes"
	"testing"
)

func TestQuiet(t *testing.T) {
	picture := append([]byte{0x1D, 'v', '0', 0, 3, 0, 1, 0}, 0x1D, 'r', 1)  // a row whose dots look like GS r 1
	switchedOff := []byte("\x1dv0\x00\x05\x00\x01\x00\x10\x14\x02\x01\x08") // the same of DLE DC4 2
	for name, c := range map[string]struct{ raw, want string }{
		"nothing":             {"", ""},
		"text":                {"\x1b@Total\n\x1dV\x01", "\x1b@Total\n\x1dV\x01"},
		"GS r":                {"a\n\x1dr\x01b\n", "a\nb\n"},
		"ESC v, ESC u":        {"a\n\x1bvb\x1bu\x00\n", "a\nb\n"},
		"GS a":                {"\x1da\xffa\n", "a\n"},
		"DLE EOT":             {"\x10\x04\x01a\n\x10\x04\x02", "a\n"},
		"the drawer's pulse":  {"\x10\x14\x01\x00\x01a", "\x10\x14\x01\x00\x01a"},
		"the buzzer":          {"\x10\x14\x03\x00\x01\x10\x04\x02a", "\x10\x14\x03\x00\x01\x10\x04\x02a"}, // 16 times, not DLE EOT
		"power off":           {"a\n\x10\x14\x02\x01\x08b\n", "a\nb\n"},
		"DLE DC4 7":           {"a\n\x10\x14\x07\x01b\n", "a\nb\n"},
		"clear buffers":       {"a\n\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08b\n", "a\nb\n"},
		"half a clear":        {"a\n\x10\x14\x08\x01\x03", "a\n"},
		"GS ( H":              {"a\n\x1d(H\x06\x00\x30\x300001b", "a\nb"},
		"GS ( k stays":        {"\x1d(k\x03\x001Q0", "\x1d(k\x03\x001Q0"},
		"a picture stays":     {string(picture), string(picture)},
		"so does this one":    {string(switchedOff), string(switchedOff)},
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
