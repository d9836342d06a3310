package sheet

// A Bitmap is a black and white picture, one bit a dot, as raster commands carry
// it: rows of Stride bytes, the leftmost dot in the highest bit, 1 is black.
type Bitmap struct {
	Width, Height int
	Bits          []byte
}

// NewBitmap makes a white picture.
func NewBitmap(width, height int) *Bitmap {
	return &Bitmap{width, height, make([]byte, (width+7)/8*height)}
}

// Stride is the number of bytes in a row.
func (b *Bitmap) Stride() int { return (b.Width + 7) / 8 }

// Dot tells whether the dot at x, y is black.
func (b *Bitmap) Dot(x, y int) bool {
	return b.Bits[y*b.Stride()+x/8]&(0x80>>(x%8)) != 0
}

// Set makes the dot at x, y black.
func (b *Bitmap) Set(x, y int) {
	b.Bits[y*b.Stride()+x/8] |= 0x80 >> (x % 8)
}

// Squares draws each cell of a matrix as a black or white square of size dots.
func Squares(matrix [][]bool, size int) *Bitmap {
	b := NewBitmap(len(matrix)*size, len(matrix)*size)
	stride := b.Stride()
	for y, row := range matrix {
		first := b.Bits[y*size*stride:][:stride]
		for x, black := range row {
			if !black {
				continue
			}
			for i := x * size; i < (x+1)*size; i++ {
				first[i/8] |= 0x80 >> (i % 8)
			}
		}
		for i := 1; i < size; i++ {
			copy(b.Bits[(y*size+i)*stride:][:stride], first)
		}
	}
	return b
}

// squareSize finds the size of the squares a picture is made of: 1 for a
// photograph, the module size for a QR code.
func (b *Bitmap) squareSize() int {
	size := 0
	for y := range b.Height {
		for x := range b.Width {
			dot := b.Dot(x, y)
			if x > 0 && dot != b.Dot(x-1, y) {
				size = gcd(size, x)
			}
			if y > 0 && dot != b.Dot(x, y-1) {
				size = gcd(size, y)
			}
		}
		if size == 1 {
			return 1
		}
	}
	return max(size, 1)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
