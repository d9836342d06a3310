package paper

import (
	"fmt"
	"testing"

	"tillagent/printer"
	"tillagent/printer/internal/sheet"
)

// TestEveryQRCodeIsRead reads pictures of codes that are alike but for a number:
// of such, one in a hundred is not found by a search for its corners.
func TestEveryQRCodeIsRead(t *testing.T) {
	t.Parallel()
	for i := range 400 {
		data := fmt.Sprintf("http://127.0.0.1:%d/q/SBOX%06d", 30011+i*37, i)
		m, err := printer.QRMatrix(data)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := readQR(sheet.Squares(m, 4+i%5)); !ok || got != data {
			t.Errorf("%q was read as %q, %v", data, got, ok)
		}
	}
}
