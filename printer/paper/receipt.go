package paper

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"tillagent/printer/internal/sheet"
)

// A Receipt is what came out of the printer between two cuts.
type Receipt struct {
	N           int             // its number, from 1
	Bytes       []byte          // what was carried out; questions of status are not among them
	Text        string          // the paper in cells, QR codes as half blocks with their data below
	Image       *image.Gray     // the paper with its margins and edges
	Printed     image.Rectangle // the printable area within Image
	QRs         []string        // data of the QR codes, from the top
	DrawerKicks int
	Lost        int      // bytes of it that were lost on the way, or with the printer's power; what has come after them is on it
	Cut         bool     // cut by the printer; otherwise torn off, or left behind
	Jammed      bool     // it was to be cut, and the cutter jammed
	Problems    []string // what was not understood or done
	At          time.Time
}

// finish ends the receipt: it is written, reported, and new paper begins.
func (e *executor) finish(cut, full bool) {
	r := Receipt{
		N: e.next, Bytes: e.bytes, DrawerKicks: e.kicks, Lost: e.lost, Jammed: e.jammed,
		Cut: cut, Problems: e.problems, At: time.Now(),
	}
	for _, picture := range e.sheet.Pictures() {
		if picture.Note == "" {
			if data, ok := readQR(picture.Bitmap); ok {
				picture.Note = qrNote(data)
				r.QRs = append(r.QRs, data)
			}
		} else {
			r.QRs = append(r.QRs, strings.TrimPrefix(picture.Note, "QR: "))
		}
	}
	r.Text = e.sheet.Text()
	r.Image, r.Printed = picture(e.sheet.Image(), edgeOf(e.profile.Cutter, true), edgeOf(cut, full))
	e.next++
	e.newPaper()
	e.p.deliver(r)
}

// deliver writes a receipt and tells of it.
func (p *Printer) deliver(r Receipt) {
	p.mu.Lock()
	p.receipts++
	p.mu.Unlock()
	if p.options.Dir != "" {
		if err := r.write(p.options.Dir); err != nil {
			p.log.Error("receipt lost", "n", r.N, "err", err)
		}
	}
	p.log.Info("receipt", "n", r.N, "cut", r.Cut, "qrs", len(r.QRs), "problems", len(r.Problems))
	if p.options.OnReceipt != nil {
		p.options.OnReceipt(r)
	}
}

// write puts the three files into dir, each complete or not at all.
func (r Receipt) write(dir string) error {
	var img bytes.Buffer
	if err := png.Encode(&img, r.Image); err != nil {
		return err
	}
	text := r.Text
	if !r.Cut {
		text += "Cut: false\n"
	}
	for _, problem := range r.Problems {
		text += "Problem: " + problem + "\n"
	}
	for _, f := range []struct {
		ext  string
		data []byte
	}{{"bin", r.Bytes}, {"txt", []byte(text)}, {"png", img.Bytes()}} {
		if err := writeFile(filepath.Join(dir, fmt.Sprintf("%04d.%s", r.N, f.ext)), f.data); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".receipt-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // nothing is left of it after the rename
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// nextNumber is one more than the highest number of a file in dir.
func nextNumber(dir string) (int, error) {
	if dir == "" {
		return 1, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("cannot number receipts: %v", err)
	}
	last := 0
	for _, entry := range entries {
		name, ext, _ := strings.Cut(entry.Name(), ".")
		if n, err := strconv.Atoi(name); err == nil && (ext == "png" || ext == "txt" || ext == "bin") {
			last = max(last, n)
		}
	}
	return last + 1, nil
}

// readQR reads a QR code in a picture, where there is one.
func readQR(b *sheet.Bitmap) (string, bool) {
	const border = 32 // white around it, as paper has
	img := image.NewGray(image.Rect(0, 0, b.Width+2*border, b.Height+2*border))
	fill(img, img.Rect, 255)
	for y := range b.Height {
		for x := range b.Width {
			if b.Dot(x, y) {
				img.Pix[(y+border)*img.Stride+x+border] = 0
			}
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", false
	}
	// The picture may be more than the code. Where it is the code alone, its grid is
	// known: that reads the one code in a hundred which the search does not find.
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		hints[gozxing.DecodeHintType_PURE_BARCODE] = true
		result, err = qrcode.NewQRCodeReader().Decode(bitmap, hints)
	}
	if err != nil {
		return "", false
	}
	return result.GetText(), true
}
