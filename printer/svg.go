package printer

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"iter"
)

// SVG gives the paper as a drawing of the size it has on paper, with the text of
// [Text] as its description. Elements that Encode refuses are left out.
func SVG(doc Doc, p Profile) []byte {
	s := paint(doc, p, false)
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
	for r := range blackRectangles(img) {
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

// run is black dots next to each other, with the rows from top on that have the
// same.
type run struct{ left, right, top int }

// blackRectangles covers the black dots: runs of a row, joined downwards where
// the next row has the same run. A photograph has millions, so none is kept.
func blackRectangles(img *image.Gray) iter.Seq[image.Rectangle] {
	return func(yield func(image.Rectangle) bool) {
		var above, row []run // from the left
		for y := range img.Rect.Dy() + 1 {
			row = row[:0]
			if y < img.Rect.Dy() {
				row = appendRuns(row, img.Pix[y*img.Stride:][:img.Rect.Dx()], y)
			}
			i := 0
			for _, old := range above {
				for i < len(row) && row[i].left < old.left {
					i++
				}
				if i < len(row) && row[i].left == old.left && row[i].right == old.right {
					row[i].top = old.top
				} else if !yield(image.Rect(old.left, old.top, old.right, y)) {
					return
				}
			}
			above, row = row, above
		}
	}
}

// appendRuns appends the runs of one row.
func appendRuns(runs []run, line []byte, y int) []run {
	for x := 0; x < len(line); x++ {
		if line[x] != 0 {
			continue
		}
		left := x
		for x < len(line) && line[x] == 0 {
			x++
		}
		runs = append(runs, run{left, x, y})
	}
	return runs
}
