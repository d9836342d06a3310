package printer

import "testing"

// TestHeight: the height is known without a drawing, and a text needs none.
func TestHeight(t *testing.T) {
	for _, p := range Profiles() {
		doc := everything()
		if got, want := Height(doc, p), Draw(doc, p).Rect.Dy(); got != want {
			t.Errorf("%s: height %d, drawn %d", p.Name, got, want)
		}
		if got, want := Text(doc, p), paint(doc, p, false).Text(); got != want {
			t.Errorf("%s: text without dots\n%s\nwith them\n%s", p.Name, got, want)
		}
	}
	p := Profiles()[0]
	var long Doc // a kilometre of paper: drawn, it would not fit into memory
	for range 100_000 {
		long = append(long, Feed{Lines: 3})
	}
	if got, want := Height(long, p), 300_000*p.LineDots; got != want {
		t.Errorf("height %d, want %d", got, want)
	}
}
