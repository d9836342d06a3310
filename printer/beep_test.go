package printer

import "testing"

func TestR20Beep(t *testing.T) {
	tests := []struct {
		model string
		want  string
	}{
		{"generic-58", ""},
		{"generic-80", "\x1bB\x02\x03"},
		{"xprinter-58", "\x1bB\x02\x03"},
		{"epson-tm", "\x1b(A\x03\x00a\x01\x02"},
		{"epson-t88", ""}, // the T88III has none and would print it
		{"star", ""},
	}
	for _, tt := range tests {
		beep := profile(t, tt.model).Beep()
		if string(beep) != tt.want {
			t.Errorf("%s: % X, want % X", tt.model, beep, tt.want)
		}
		if len(beep) == 0 {
			continue
		}
		// Where a job is split into windows, and where a block is put into it, the
		// command counts as one, and as nothing printed.
		if name, n := nextCommand(beep); n != len(beep) || effects[name] != sets {
			t.Errorf("%s: %s is taken for %d bytes of %d, effect %d", tt.model, name, n, len(beep), effects[name])
		}
	}
}
