package printer

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"tillagent/printer/font"
	"tillagent/printer/internal/sheet"
)

// maxDots is the width of the widest paper, 80 mm at 203 dpi.
const maxDots = 576

// A Profile is what one model of printer, or a family, differs in. The built-in
// ones are models.toml; shops add their own with [LoadProfiles]. Zero means not
// known where a field does not say otherwise.
type Profile struct {
	Name  string // by which configuration calls it
	Title string // for people

	Dots        int    // printable dots across: 384 on 58 mm paper, 512 or 576 on 80 mm
	DPI         int    // dots per inch: 203 or 180
	Columns     int    // cells of font A across: 32, 42 or 48
	ColumnsB    int    // cells of font B; it does not align with Chinese and is not used
	Cell        [2]int // dots of a font A character: 12 × 24
	ChineseCell [2]int // dots of a Chinese character: 24 × 24, exactly two cells
	LineDots    int    // dots from line to line at the printer's default spacing

	Baud          []int    // rates its DIP switches or tool can set, the factory's first
	Handshake     []string // none, xonxoff, rtscts, dtrdsr; the factory's first
	ReceiveBuffer int      // bytes
	Speed         int      // mm of paper a second; pacing takes it as the slowest to count on

	GBK         string // GBKLevel values; "" is GBK
	ChineseSize bool   // GS ! does not enlarge Chinese: FS ! is sent too

	NativeQR      bool       // draws QR codes itself (GS ( k); otherwise they go as raster
	MaxQRSize     int        // largest module size of GS ( k, in dots
	MaxQRVersion  int        // largest symbol of GS ( k, 1-40; 0 is 40
	Raster        RasterKind // how pictures go; "" is GS v 0
	MaxRasterRows int        // rows of one GS v 0; 0 is more than is ever sent

	Cutter   bool         // has an automatic cutter
	Cuts     []CutCommand // those it knows, the first is used; none with a cutter is CutFeeding
	CutterMM int          // from the print head to the cutter, or to the tear bar
	CutFeed  int          // lines fed before the cut, or to the tear bar

	DrawerPins  []int  // of the drawer connector: 2, 5; none is not known
	DrawerVolts int    // 12 or 24: a drawer of the other voltage may burn
	DrawerPulse [2]int // ms on and off; zero is 50 and 500
	Beeper      string // a Beeper value; "" is not known

	// Status is how it tells of itself by its papers: process_id (GS ( H), gs_r
	// (GS r), realtime (DLE EOT), asb (GS a). Only a probe proves any of it.
	Status []string
	// Identity is what it answers to GS I. Clones answer with other makers' names:
	// never tell models apart by it alone.
	Identity []string

	// Sources says by field, in the names of the TOML keys, where a value is from.
	Sources map[string]string
}

// The levels of Chinese a printer's character ROM holds.
const (
	GB2312  = "gb2312"  // lead and trail bytes from A1; the rest is replaced
	GBK     = "gbk"     // every two-byte code
	GB18030 = "gb18030" // four-byte codes too, which clones print as wrong characters
)

// A RasterKind is the command that carries pictures.
type RasterKind string

// The raster kinds.
const (
	RasterRows    RasterKind = "gs_v_0"   // GS v 0, row by row
	RasterColumns RasterKind = "esc_star" // ESC * 33, bands of 24 dots; slower, for printers without GS v 0
)

// A CutCommand is one way to cut.
type CutCommand string

// The cut commands.
const (
	CutFeeding CutCommand = "gs_v_66" // GS V 66 0, full GS V 65 0: feeds to the cutter by itself
	CutHere    CutCommand = "gs_v_1"  // GS V 1, full GS V 0: cuts where the paper is
	CutOld     CutCommand = "esc_i"   // ESC m, full ESC i: the same on old printers
)

//go:embed models.toml
var builtinModels []byte

// builtin reads the built-in models once. They are part of the program, and a
// test holds that they are valid.
var builtin = sync.OnceValue(func() []Profile {
	models, err := parseProfiles("models.toml", builtinModels, nil)
	if err != nil {
		panic("printer: the built-in models: " + err.Error())
	}
	return models
})

// Profiles lists the built-in models.
func Profiles() []Profile { return slices.Clone(builtin()) }

// ProfileByName finds a built-in model.
func ProfileByName(name string) (Profile, bool) {
	for _, p := range builtin() {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// cutCommand is the way this printer is cut.
func (p Profile) cutCommand() CutCommand {
	if len(p.Cuts) > 0 {
		return p.Cuts[0]
	}
	return CutFeeding
}

// pulse is the drawer's pulse in ms.
func (p Profile) pulse() (on, off int) {
	if p.DrawerPulse[0] == 0 {
		return 50, 500
	}
	return p.DrawerPulse[0], p.DrawerPulse[1]
}

// check refuses a profile nothing can be laid out for.
func (p Profile) check() error {
	if p.Columns < 16 || p.Columns*sheet.CellDots > p.Dots || p.Dots > maxDots || p.LineDots < font.Height {
		return fmt.Errorf("profile %q: needs 16 or more columns of 12 dots within the %d dots across (at most %d), and lines of 24 dots or more", p.Name, p.Dots, maxDots)
	}
	return nil
}
