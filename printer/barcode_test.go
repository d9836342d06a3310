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
		explodes bool // where there is no room for anything else
	}{
		{"160459", false}, {"1604160516201604", true}, {"3160405", false}, {"202611231604120001", false}, {"202611231604120000000001", true},
	} {
		p := profile(t, "generic-58")
		b, _, err := Encode(Doc{Barcode{Data: tt.digits}}, p)
		if err != nil {
			t.Errorf("%s: %v", tt.digits, err)
			continue
		}
		if got := bytes.ContainsAny(b, "\x10"); !got {
			t.Errorf("%s is not two digits to a symbol", tt.digits)
		}
		if explodes := bytes.Contains(b, []byte("\x10\x04")) || bytes.Contains(b, []byte("\x10\x05")) || bytes.Contains(b, []byte("\x10\x14")); explodes != tt.explodes {
			t.Errorf("%s holds a real-time command: %v", tt.digits, explodes)
		}
		if text := Text(Doc{Barcode{Data: tt.digits}}, p); !strings.Contains(text, tt.digits) {
			t.Errorf("%s stands on paper as %s", tt.digits, text)
		}
	}
}
