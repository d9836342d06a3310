// Command icon draws the program's icon: a receipt with a code on it. It writes
// icon.png, for the version resource, and icon.ico, for the installers, into the
// folder that is its argument.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
)

// The picture is drawn on a field of units by units and scaled to each size.
const units = 64

// sizes are the sides of the icon's pictures, in pixels.
var sizes = []int{16, 24, 32, 48, 64, 256}

var (
	clear  = color.NRGBA{}
	ground = color.NRGBA{0x0b, 0x7a, 0x5b, 0xff}
	paper  = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	ink    = color.NRGBA{0x1d, 0x2b, 0x28, 0xff}
)

// code is what stands for a QR code: 7 by 7 cells.
var code = []string{
	"###.#.#",
	"#.#..#.",
	"###.##.",
	"...#..#",
	"##.#.##",
	".#..#..",
	"#.##.##",
}

// at is the colour of the picture at a point, in units.
func at(x, y float64) color.NRGBA {
	const radius = 12
	if outside(x, radius)*outside(x, radius)+outside(y, radius)*outside(y, radius) > radius*radius {
		return clear
	}
	const left, right, top, bottom, tooth = 15, 49, 9, 56, 34.0 / 5
	if x < left || x >= right || y < top {
		return ground
	}
	edge := (x - left) / tooth // the torn edge: five teeth
	edge -= float64(int(edge))
	if edge > 0.5 {
		edge = 1 - edge
	}
	if y > bottom-8*edge {
		return ground
	}
	switch {
	case y >= 14 && y < 17 && x >= 20 && x < 44, y >= 20 && y < 23 && x >= 20 && x < 36:
		return ink
	case y >= 26 && y < 47 && x >= 21.5 && x < 42.5:
		if code[int(y-26)/3][int((x-21.5)/3)] == '#' {
			return ink
		}
	}
	return paper
}

// outside is how far a coordinate lies in the zone of the rounded corners.
func outside(v, radius float64) float64 {
	switch {
	case v < radius:
		return radius - v
	case v > units-radius:
		return v - (units - radius)
	}
	return 0
}

// draw draws the picture; each pixel is the mean of 8 by 8 points.
func draw(size int) *image.NRGBA {
	const points = 8
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	step := units / float64(size*points)
	for py := range size {
		for px := range size {
			var r, g, b, a int
			for i := range points * points {
				x, y := px*points+i%points, py*points+i/points
				c := at((float64(x)+0.5)*step, (float64(y)+0.5)*step)
				w := int(c.A)
				r, g, b, a = r+int(c.R)*w, g+int(c.G)*w, b+int(c.B)*w, a+w
			}
			if a > 0 {
				img.SetNRGBA(px, py, color.NRGBA{uint8(r / a), uint8(g / a), uint8(b / a), uint8(a / (points * points))})
			}
		}
	}
	return img
}

// ico puts pictures into one .ico file, each as PNG, which Windows reads since
// Vista.
func ico(pictures [][]byte) []byte {
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes everything
		}
	}
	put(uint16(0), uint16(1), uint16(len(pictures)))
	offset := 6 + 16*len(pictures)
	for i, p := range pictures {
		side := uint8(sizes[i]) // 256 is 0 here
		put(side, side, uint8(0), uint8(0), uint16(1), uint16(32), uint32(len(p)), uint32(offset))
		offset += len(p)
	}
	for _, p := range pictures {
		b.Write(p)
	}
	return b.Bytes()
}

func run(dir string) error {
	var pictures [][]byte
	for _, size := range sizes {
		var b bytes.Buffer
		if err := png.Encode(&b, draw(size)); err != nil {
			return err
		}
		pictures = append(pictures, b.Bytes())
	}
	if err := os.WriteFile(filepath.Join(dir, "icon.png"), pictures[len(pictures)-1], 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "icon.ico"), ico(pictures), 0o644)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: icon DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
