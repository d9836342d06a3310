package paper

import (
	"bytes"
	"image"
	"image/color"
)

// edge is how the lower end of a receipt looks.
type edge int

const (
	edgeTorn    edge = iota
	edgeFull         // cut through
	edgePartial      // cut but for a bridge in the middle
)

func edgeOf(cut, full bool) edge {
	switch {
	case !cut:
		return edgeTorn
	case full:
		return edgeFull
	}
	return edgePartial
}

// The picture's measures in dots, and its greys.
const (
	desk      = 24 // around the paper
	topMargin = 56 // what hangs between cutter and print head
	tooth     = 8  // of a torn edge
	bridge    = 24 // of a partial cut

	greyDesk   = 0xD2
	greyShadow = 0xB4
	greyPaper  = 0xFF
)

// picture lays the printed strip on paper of its real width (58 or 80 mm), and
// that on a desk. It returns where the strip lies too.
func picture(strip *image.Gray, top, bottom edge) (*image.Gray, image.Rectangle) {
	width, height := strip.Rect.Dx(), strip.Rect.Dy()
	side := 32 // 80 mm paper is 640 dots wide
	if width <= 384 {
		side = 40 // 58 mm: 464
	}
	paper := image.Rect(desk, desk, desk+width+2*side, desk+topMargin+height+2*tooth)
	img := image.NewGray(image.Rect(0, 0, paper.Max.X+desk, paper.Max.Y+desk))
	fill(img, img.Rect, greyDesk)
	fill(img, paper.Add(image.Pt(4, 4)), greyShadow)
	fill(img, paper, greyPaper)
	printed := image.Rect(0, 0, width, height).Add(image.Pt(paper.Min.X+side, paper.Min.Y+topMargin))
	for y := range height {
		copy(img.Pix[img.PixOffset(printed.Min.X, printed.Min.Y+y):], strip.Pix[y*strip.Stride:][:width])
	}

	if top == edgeTorn {
		saw(img, paper, paper.Min.Y, +1)
	}
	switch bottom {
	case edgeTorn:
		saw(img, paper, paper.Max.Y-1, -1)
	case edgePartial:
		middle := (paper.Min.X + paper.Max.X) / 2
		fill(img, image.Rect(middle-bridge/2, paper.Max.Y, middle+bridge/2, paper.Max.Y+6), greyPaper)
	}
	return img, printed
}

// saw bites teeth into a horizontal edge at y; inwards is +1 downwards.
func saw(img *image.Gray, paper image.Rectangle, y, inwards int) {
	grey := uint8(greyDesk)
	if inwards < 0 {
		grey = greyShadow
	}
	for x := paper.Min.X; x < paper.Max.X; x++ {
		at := (x - paper.Min.X) % (2 * tooth)
		depth := min(at, 2*tooth-at)
		for i := range depth {
			img.SetGray(x, y+inwards*i, color.Gray{Y: grey})
		}
	}
}

func fill(img *image.Gray, r image.Rectangle, grey uint8) {
	r = r.Intersect(img.Rect)
	row := bytes.Repeat([]byte{grey}, r.Dx())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(img.Pix[img.PixOffset(r.Min.X, y):], row)
	}
}
