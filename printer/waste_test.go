package printer

import (
	"bytes"
	"testing"
)

// TestR25NothingInVain holds that no byte is sent that does nothing: no mode that
// is set already, none that is set anew before anything printed with it, and no
// blank at the end of a line.
func TestR25NothingInVain(t *testing.T) {
	docs := map[string]Doc{"receipt": receipt(), "twenty lines": twentyLines(), "sizes": sizesDoc(), "everything": everything()}
	for name, doc := range docs {
		for i, p := range Profiles() {
			p.ChineseSize = i%2 == 0
			b, _, err := Encode(doc, p)
			if err != nil {
				t.Fatal(err)
			}
			is := map[string]string{"ESC a": "\x00", "GS !": "\x00", "FS !": "\x00", "ESC E": "\x00"} // after ESC @
			idle := map[string]bool{}                                                                 // set, and nothing printed since
			before := ""
			for _, c := range commands(b) {
				kind, _ := nextCommand(c)
				switch value, mode := is[kind]; {
				case mode:
					if to := string(c[2:]); to == value {
						t.Errorf("%s, %s: %s is set to what it is", name, p.Name, kind)
					} else if idle[kind] {
						t.Errorf("%s, %s: %s is set twice", name, p.Name, kind)
					}
					is[kind], idle[kind] = string(c[2:]), true
				case effects[kind] == ends && bytes.HasSuffix([]byte(before), []byte(" ")):
					t.Errorf("%s, %s: a line ends in blanks", name, p.Name)
				case effects[kind] != sets:
					clear(idle)
				}
				before = string(c)
			}
		}
	}
}
