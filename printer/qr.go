package printer

import (
	"errors"
	"fmt"

	qrcode "github.com/skip2/go-qrcode"

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
	q, err := qrcode.New(data, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("cannot make a QR code of %d bytes: %v", len(data), err)
	}
	q.DisableBorder = true
	return q.Bitmap(), nil
}

// qrBytesM is how many bytes versions 1-40 hold in byte mode at error
// correction M (ISO/IEC 18004, table 7).
var qrBytesM = [40]int{
	14, 26, 42, 62, 84, 106, 122, 152, 180, 213,
	251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
	711, 779, 857, 911, 997, 1059, 1125, 1190, 1264, 1370,
	1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331,
}

// nativeModules is how many modules across a printer may need for data. Printers
// encode in byte mode, where another encoder finds a smaller symbol; a symbol
// wider than the paper is not printed at all, so the larger one counts.
func nativeModules(data string) (modules int, ok bool) {
	for i, capacity := range qrBytesM {
		if len(data) <= capacity {
			return 17 + 4*(i+1), true
		}
	}
	return 0, false
}

// nativeQR tells whether the printer should draw data itself. Control characters
// could be taken for commands on the way.
func (l *layout) nativeQR(data string) bool {
	if !l.NativeQR || len(data) > maxNativeQR {
		return false
	}
	for i := range len(data) {
		if data[i] < 0x20 {
			return false
		}
	}
	return true
}

func (l *layout) qr(e QR) error {
	if e.Size < 0 || e.Data == "" {
		return errors.New("a QR code needs data, and a size of 1-8 or 0")
	}
	if l.nativeQR(e.Data) {
		modules, ok := nativeModules(e.Data)
		if !ok {
			return fmt.Errorf("QR data of %d bytes is too long", len(e.Data))
		}
		size, err := l.qrSize(modules, e.Size, l.MaxQRSize)
		if err != nil {
			return err
		}
		l.quietly(size, func() { l.to.qr(e.Data, size) })
		return nil
	}
	matrix, err := QRMatrix(e.Data)
	if err != nil {
		return err
	}
	size, err := l.qrSize(len(matrix), e.Size, maxQRDots)
	if err != nil {
		return err
	}
	b := wholeBytes(sheet.Squares(matrix, size))
	defuse(b.Bits)
	l.quietly(size, func() { l.to.raster(b) })
	return nil
}

// qrSize chooses the dots of a module: as wanted, or the largest that fits with
// the quiet zone.
func (l *layout) qrSize(modules, want, most int) (int, error) {
	fit := l.Dots / (modules + 2*quietZone)
	size := min(fit, most, maxQRDots)
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

// quietly prints a symbol between white of the quiet zone's height: GS ( k adds
// none. A line feed is the same on every model; ESC J makes up what is missing.
func (l *layout) quietly(size int, symbol func()) {
	missing := max(0, quietZone*size-l.LineDots)
	l.to.feed(1, missing)
	symbol()
	l.to.feed(1, missing)
}
