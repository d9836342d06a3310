package paper

import "tillagent/printer/internal/sheet"

// bandRows is the height of a band of ESC * 33.
const bandRows = 24

// columns is ESC * m nL nH: a band of dots given column by column, from the top,
// which the end of the line prints. Of its modes 33 is drawn.
func (e *executor) columns(d []byte) {
	width, data := int(d[1])+int(d[2])<<8, d[3:]
	switch {
	case d[0] != 33:
		e.problem("ESC * %d is not supported", d[0])
		return
	case width == 0:
		e.problem("ESC * without dots")
		return
	}
	e.atLineStart("ESC *")
	e.band = sheet.NewBitmap(width, bandRows)
	for x := range width {
		for y := range bandRows {
			if data[bandRows/8*x+y/8]&(0x80>>(y%8)) != 0 {
				e.band.Set(x, y)
			}
		}
	}
}

// printBand ends a line that is a band of dots.
func (e *executor) printBand(pitch int) {
	e.picture(e.band, "")
	e.sheet.Feed(pitch - bandRows)
	e.band = nil
}
