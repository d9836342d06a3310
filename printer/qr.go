package printer

import (
	"errors"
	"fmt"

	"tillagent/printer/internal/sheet"
)

const (
	quietZone   = 4 // modules of white on each side of a QR code
	maxQRDots   = 8 // per module: clones know 1-8
	goodQRDots  = 4 // 0.5 mm at 203 dpi: phones read this well
	worstQRDots = 2 // below this a printed module is too small to read

	// maxNativeQR bounds GS ( k data: some clones take fewer than 1021 bytes, and
	// below 1024 the length bytes cannot spell DLE EOT (10 04).
	maxNativeQR = 1000
)

// QRMatrix gives the modules of a QR code, error correction M, without quiet
// zone; true is black. The error tells that data is empty or too long.
func QRMatrix(data string) ([][]bool, error) {
	if data == "" {
		return nil, errors.New("cannot make a QR code of nothing")
	}
	version := qrVersion(len(data))
	if version == 0 {
		return nil, fmt.Errorf("cannot make a QR code of %d bytes", len(data))
	}
	s := newSymbol(data, version)
	cells := make([]bool, len(s.modules))
	for i, m := range s.modules {
		cells[i] = m == 1
	}
	matrix := make([][]bool, s.width)
	for y := range matrix {
		matrix[y] = cells[y*s.width:][:s.width]
	}
	return matrix, nil
}

// nativeQR tells whether the printer should draw a code itself. Control
// characters could be taken for commands on the way.
func (l *layout) nativeQR(e QR, version int) bool {
	if e.Kind == QRRaster || e.Kind == QRAuto && !l.NativeQR || len(e.Data) > maxNativeQR {
		return false
	}
	if l.MaxQRVersion > 0 && version > l.MaxQRVersion {
		return false
	}
	for i := range len(e.Data) {
		if e.Data[i] < 0x20 {
			return false
		}
	}
	return true
}

func (l *layout) qr(e QR) error {
	if e.Size < 0 || e.Data == "" {
		return errors.New("a QR code needs data, and a size of 1-8 or 0")
	}
	version := qrVersion(len(e.Data))
	if version == 0 {
		return fmt.Errorf("QR data of %d bytes is too long", len(e.Data))
	}
	choice := QRChoice{Element: l.element, Native: l.nativeQR(e, version), Modules: 17 + 4*version}
	most := maxQRDots
	if choice.Native && l.MaxQRSize > 0 {
		most = min(most, l.MaxQRSize)
	}
	size, err := l.qrSize(choice.Modules, e.Size, most)
	if err != nil {
		return err
	}
	choice.Size = size
	l.choices = append(l.choices, choice)
	var picture *sheet.Bitmap
	if !choice.Native {
		picture = newSymbol(e.Data, version).bitmap(size)
		defuse(picture.Bits)
	}
	l.quiet(size)
	if choice.Native {
		l.to.qr(e.Data, size)
	} else {
		l.to.raster(picture)
	}
	l.quiet(size)
	return nil
}

// qrSize chooses the dots of a module: as wanted, or the largest that fits with
// the quiet zone.
func (l *layout) qrSize(modules, want, most int) (int, error) {
	size := min(l.Dots/(modules+2*quietZone), most)
	if size < worstQRDots {
		return 0, fmt.Errorf("a QR code of %d modules does not fit the paper of %d dots", modules, l.Dots)
	}
	if want > size {
		l.warn("QR code printed with %d dots per module instead of %d", size, want)
	}
	if want > 0 {
		size = min(size, want)
	}
	if size < goodQRDots {
		l.warn("QR code of %d dots per module is hard to scan", size)
	}
	return size, nil
}

// quiet feeds the quiet zone of a symbol, above and below it: GS ( k adds none. A
// line feed is the same on every model; ESC J makes up what is missing.
func (l *layout) quiet(size int) {
	l.to.feed(1, max(0, quietZone*size-l.LineDots))
}
