package printer

import (
	"bytes"
	"strings"
	"testing"
)

// TestBarcodeOfFourOClock holds that digits which spell a real-time command print
// on the paper on which others of their length do, and as they are.
func TestBarcodeOfFourOClock(t *testing.T) {
	for _, tt := range []struct {
		digits   string
		pairs    bool // two digits to a symbol, at least in part
		explodes bool // where there is no room for anything else
	}{
		{"160459", true, false}, {"160416041604", false, false}, {"1604160516201604", true, true}, {"3160405", true, false},
		{"202611231604120001", true, false}, {"202611231604120000000001", true, true},
	} {
		p := profile(t, "generic-58")
		b, _, err := Encode(Doc{Barcode{Data: tt.digits}}, p)
		if err != nil {
			t.Errorf("%s: %v", tt.digits, err)
			continue
		}
		if pairs := bytes.ContainsAny(b, "\x10"); pairs != tt.pairs {
			t.Errorf("%s goes two digits to a symbol: %v", tt.digits, pairs)
		}
		if explodes := bytes.Contains(b, []byte("\x10\x04")) || bytes.Contains(b, []byte("\x10\x05")) || bytes.Contains(b, []byte("\x10\x14")); explodes != tt.explodes {
			t.Errorf("%s holds a real-time command: %v", tt.digits, explodes)
		}
		if text := Text(Doc{Barcode{Data: tt.digits}}, p); !strings.Contains(text, tt.digits) {
			t.Errorf("%s stands on paper as %s", tt.digits, text)
		}
	}
}
