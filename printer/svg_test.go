package printer

import (
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"
)

// TestR24SVGShowsTheSameDots draws the SVG's rectangles and compares them with
// the picture.
func TestR24SVGShowsTheSameDots(t *testing.T) {
	for _, p := range Profiles() {
		doc := everything()
		var svg struct {
			Width   string `xml:"width,attr"`
			ViewBox string `xml:"viewBox,attr"`
			Desc    string `xml:"desc"`
			Paths   []struct {
				D string `xml:"d,attr"`
			} `xml:"path"`
		}
		if err := xml.Unmarshal(SVG(doc, p), &svg); err != nil {
			t.Fatal(err)
		}
		if svg.Desc != Text(doc, p) {
			t.Errorf("%s: the description is not the text", p.Name)
		}
		if len(svg.Paths) != 2 || !strings.HasSuffix(svg.Width, "mm") {
			t.Fatalf("%s: %d paths, width %s", p.Name, len(svg.Paths), svg.Width)
		}
		want := Draw(doc, p)
		got := image.NewGray(want.Rect)
		for i := range got.Pix {
			got.Pix[i] = 255
		}
		for _, r := range strings.Split(strings.TrimSuffix(svg.Paths[1].D, "z"), "z") {
			var x, y, w, h int
			if _, err := fmt.Sscanf(r, "M%d %dh%dv%d", &x, &y, &w, &h); err != nil {
				t.Fatalf("%q: %v", r, err)
			}
			for dy := range h {
				for dx := range w {
					got.SetGray(x+dx, y+dy, color.Gray{})
				}
			}
		}
		for i := range want.Pix {
			if got.Pix[i] != want.Pix[i] {
				t.Fatalf("%s: dot %d, %d differs", p.Name, i%want.Stride, i/want.Stride)
			}
		}
	}
}
