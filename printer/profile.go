package printer

import (
	"fmt"

	"tillagent/printer/font"
	"tillagent/printer/internal/sheet"
)

// maxDots is the width of the widest paper, 80 mm at 203 dpi.
const maxDots = 576

// A Profile is what one model of printer, or a family, differs in.
type Profile struct {
	Name        string
	Dots        int  // printable dots across: 384 on 58 mm paper, 576 on 80 mm
	Columns     int  // cells of 12 dots across: 32 or 48
	LineDots    int  // dots from line to line at the printer's default spacing
	NativeQR    bool // draws QR codes itself (GS ( k); otherwise they go as raster
	MaxQRSize   int  // largest module size of GS ( k, in dots
	Cutter      bool // has an automatic cutter
	CutFeed     int  // lines fed before the cut, or to the tear bar
	ChineseSize bool // GS ! does not enlarge Chinese: FS ! is sent too
}

// The built-in models. 58 mm clones often have neither cutter nor GS ( k;
// an 80 mm one without GS ( k gets a copy with NativeQR false.
var profiles = []Profile{
	{Name: "generic-58", Dots: 384, Columns: 32, LineDots: 30, MaxQRSize: 8, CutFeed: 4},
	{Name: "generic-80", Dots: 576, Columns: 48, LineDots: 30, NativeQR: true, MaxQRSize: 8, Cutter: true, CutFeed: 4},
	{Name: "epson-tm", Dots: 576, Columns: 48, LineDots: 34, NativeQR: true, MaxQRSize: 16, Cutter: true, CutFeed: 1},
}

// Profiles lists the built-in models.
func Profiles() []Profile {
	return append([]Profile(nil), profiles...)
}

// ProfileByName finds a built-in model.
func ProfileByName(name string) (Profile, bool) {
	for _, p := range profiles {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// check refuses a profile nothing can be laid out for.
func (p Profile) check() error {
	if p.Columns < 16 || p.Columns*sheet.CellDots > p.Dots || p.Dots > maxDots || p.LineDots < font.Height {
		return fmt.Errorf("profile %q: needs 16 or more columns of 12 dots within the %d dots across (at most %d), and lines of 24 dots or more", p.Name, p.Dots, maxDots)
	}
	return nil
}
