package printer

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
)

// SVG gives the paper as a drawing of the size it has on paper, with the text of
// [Text] as its description. Elements that Encode refuses are left out.
func SVG(doc Doc, p Profile) []byte {
	s := paint(doc, p)
	img := s.Image()
	w, h := img.Rect.Dx(), img.Rect.Dy()
	dpi := p.DPI
	if dpi == 0 {
		dpi = 203
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%smm" height="%smm" viewBox="0 0 %d %d" shape-rendering="crispEdges"><desc>`,
		millimetres(w, dpi), millimetres(h, dpi), w, h)
	_ = xml.EscapeText(&out, []byte(s.Text())) // a buffer takes everything
	fmt.Fprintf(&out, `</desc><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, w, h)
	for _, r := range blackRectangles(img) {
		fmt.Fprintf(&out, "M%d %dh%dv%dh-%dz", r.Min.X, r.Min.Y, r.Dx(), r.Dy(), r.Dx())
	}
	out.WriteString("\"/></svg>\n")
	return out.Bytes()
}

// millimetres with one decimal.
func millimetres(dots, dpi int) string {
	tenths := (dots*254 + dpi/2) / dpi
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

// blackRectangles covers the black dots: runs of a row, joined downwards where
// the next row has the same run.
func blackRectangles(img *image.Gray) []image.Rectangle {
	var all []image.Rectangle
	w, h := img.Rect.Dx(), img.Rect.Dy()
	above, row := make(map[[2]int]int), make(map[[2]int]int) // run → index in all
	for y := range h {
		line := img.Pix[y*img.Stride:][:w]
		for x := 0; x < w; x++ {
			if line[x] != 0 {
				continue
			}
			start := x
			for x < w && line[x] == 0 {
				x++
			}
			run := [2]int{start, x}
			i, ok := above[run]
			if ok {
				all[i].Max.Y = y + 1
			} else {
				i = len(all)
				all = append(all, image.Rect(start, y, x, y+1))
			}
			row[run] = i
		}
		above, row = row, above
		clear(row)
	}
	return all
}
