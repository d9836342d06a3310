package trade

import (
	"errors"
	"fmt"
	"strings"
)

// alphabet is base 32 without look-alikes (no I, L, O, U).
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NumberLen is the length of every number sent to the platform: qrcodeNo and
// invoiceReqSerialNo (interfaces 2.16, 2.10: exactly 20 letters and digits).
const NumberLen = 20

// CounterLimit bounds the counter of a Mint: seven base-32 digits.
const CounterLimit int64 = 1 << 35

// Mint makes the numbers of one till: prefix 4 · till code 5 · epoch 1 ·
// counter 7 · generation 1 · check 2. Tills with different codes and databases
// with different epochs never make the same number.
type Mint struct {
	Prefix string // the platform's 4-character prefix
	Till   string // 5 characters of the alphabet
	Epoch  int    // 0 to 31; one more for each restored database
}

// ErrMint says that a Mint's parts have the wrong form.
var ErrMint = errors.New("prefix must have 4 letters or digits, till code 5 characters without I L O U, epoch 0 to 31")

// Check tells whether the parts have the right form.
func (m Mint) Check() error {
	if len(m.Prefix) != 4 || !ValidTill(m.Till) || m.Epoch < 0 || m.Epoch > 31 {
		return ErrMint
	}
	return nil
}

// ValidTill reports whether a till code has five characters of the alphabet.
func ValidTill(code string) bool { return len(code) == 5 && inside(code, alphabet) }

// Number is the number of a counter value in [0, CounterLimit) and a
// generation in [0, 31].
func (m Mint) Number(counter int64, generation int) string {
	body := m.Prefix + m.Till + base32(int64(m.Epoch), 1) + base32(counter, 7) + base32(int64(generation), 1)
	return body + checkDigits(body)
}

// lastGeneration is the highest that a number has room for.
const lastGeneration = len(alphabet) - 1

// NextGeneration is the number of the next generation of the same counter
// value; false where there is none left.
func NextGeneration(number string) (string, bool) { return withGeneration(number, 1) }

// withGeneration is a number with its generation moved on by n. A number that
// is not ours is returned as it is, with false.
func withGeneration(number string, n int) (string, bool) {
	if CheckNumber(number) != nil {
		return number, false
	}
	g := strings.IndexByte(alphabet, number[NumberLen-3]) + n
	if g > lastGeneration {
		return number, false
	}
	body := number[:NumberLen-3] + alphabet[g:g+1]
	return body + checkDigits(body), true
}

// TillCode makes a till code out of a random number.
func TillCode(random uint64) string { return base32(int64(random%(1<<25)), 5) }

// CheckNumber reports whether a number is whole: 20 characters, the last two
// of which check the others.
func CheckNumber(number string) error {
	if len(number) != NumberLen || checkDigits(number[:NumberLen-2]) != number[NumberLen-2:] {
		return fmt.Errorf("%q is not a number of ours", number)
	}
	return nil
}

func base32(n int64, digits int) string {
	var b strings.Builder
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte(alphabet[n>>(5*i)&31])
	}
	return b.String()
}

// checkDigits weighs each byte by its place, so that one wrong character and
// two swapped neighbours show themselves. 1021 is prime and below 32².
func checkDigits(body string) string {
	sum := int64(0)
	for i := range len(body) {
		sum = (sum*37 + int64(body[i])) % 1021
	}
	return base32(sum, 2)
}
