package printer

import (
	"math/rand/v2"
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	qrcode "github.com/skip2/go-qrcode"
)

// text gives n bytes that no encoder packs tighter than byte mode.
func text(n int) string {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

// TestR18EveryVersionDecodes has a decoder not written by us read a symbol of
// every version, filled to its last byte and one beyond half.
func TestR18EveryVersionDecodes(t *testing.T) {
	for v, capacity := range qrBytesM {
		for _, n := range []int{capacity, capacity/2 + 1, max(1, capacity-7)} {
			data := text(n)
			matrix, err := QRMatrix(data)
			if err != nil {
				t.Fatal(err)
			}
			if want := 17 + 4*qrVersion(n); len(matrix) != want || n == capacity && want != 17+4*(v+1) {
				t.Errorf("version %d: %d bytes have %d modules", v+1, n, len(matrix))
			}
			result, err := decoder.NewDecoder().DecodeBoolMapWithoutHint(matrix)
			if err != nil {
				t.Errorf("version %d: %d bytes: %v", v+1, n, err)
				continue
			}
			if result.GetText() != data || result.GetECLevel() != "M" {
				t.Errorf("version %d: level %s, text %q", v+1, result.GetECLevel(), result.GetText())
			}
			if n := result.GetErrorsCorrected(); n != 0 {
				t.Errorf("version %d: %d errors had to be corrected", v+1, n)
			}
		}
	}
}

// TestR18SymbolAsAnotherEncoders holds our symbols against a library's, module
// by module, wherever both have chosen the same mask.
func TestR18SymbolAsAnotherEncoders(t *testing.T) {
	same := 0
	for n := 1; n < 400; n += 11 {
		data := text(n)
		ours, err := QRMatrix(data)
		if err != nil {
			t.Fatal(err)
		}
		q, err := qrcode.New(data, qrcode.Medium)
		if err != nil {
			t.Fatal(err)
		}
		q.DisableBorder = true
		theirs := q.Bitmap()
		if len(ours) != len(theirs) {
			t.Fatalf("%d bytes: %d modules, the library has %d", n, len(ours), len(theirs))
		}
		if maskOf(ours) != maskOf(theirs) {
			continue // rules for the penalty differ in detail; any mask is valid
		}
		same++
		for y := range ours {
			for x := range ours {
				if ours[y][x] != theirs[y][x] {
					t.Fatalf("%d bytes: module %d,%d differs", n, x, y)
				}
			}
		}
	}
	if same < 8 {
		t.Errorf("only %d symbols compared", same)
	}
}

// maskOf reads the mask's number from the format: bits 12 to 10.
func maskOf(m [][]bool) int {
	n := 0
	for bit := 12; bit >= 10; bit-- {
		n <<= 1
		if m[8][14-bit] != (0x5412>>bit&1 == 1) {
			n |= 1
		}
	}
	return n
}

func BenchmarkSymbol(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if _, err := QRMatrix(invoiceURL); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("go-qrcode", func(b *testing.B) {
		for b.Loop() {
			q, err := qrcode.New(invoiceURL, qrcode.Medium)
			if err != nil {
				b.Fatal(err)
			}
			q.Bitmap()
		}
	})
}
