package sandbox

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// decimalPattern: at most 8 digits before the point, no exponent, no separators.
var decimalPattern = regexp.MustCompile(`^-?[0-9]{1,8}(\.[0-9]+)?$`)

var errDecimal = errors.New("not a decimal number of the documented form")

// parseDecimal reads a decimal of at most places places as a count of its
// smallest unit: parseDecimal("1.5", 2) = 150.
func parseDecimal(s string, places int) (*big.Int, error) {
	if !decimalPattern.MatchString(s) {
		return nil, errDecimal
	}
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > places {
		return nil, errDecimal
	}
	n, ok := new(big.Int).SetString(whole+frac+strings.Repeat("0", places-len(frac)), 10)
	if !ok {
		return nil, errDecimal
	}
	return n, nil
}

// parseFen reads an amount of at most two places as fen.
func parseFen(s string) (int64, error) {
	n, err := parseDecimal(s, 2)
	if err != nil {
		return 0, err
	}
	return n.Int64(), nil // 10 digits at most
}

func formatFen(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

// lineFen is price × quantity, both in units of 10⁻⁸, rounded half up to fen.
func lineFen(price, quantity *big.Int) *big.Int {
	return divRound(new(big.Int).Mul(price, quantity), big.NewInt(perFen))
}

// perFen is how many times 10⁻⁸ × 10⁻⁸ make a fen.
const perFen = 100_000_000_000_000

// factorOf is the other factor of a line's amount, in units of 10⁻⁸: price for
// quantity or quantity for price. The given one is above 0.
func factorOf(fen int64, factor *big.Int) *big.Int {
	return divRound(new(big.Int).Mul(big.NewInt(fen), big.NewInt(perFen)), factor)
}

// taxIn is the tax in an amount with tax: amount × rate ÷ (1 + rate), rounded
// half up. Amount in fen, not negative; rate in percent.
func taxIn(fen, rate int64) int64 { return (2*fen*rate + 100 + rate) / (2 * (100 + rate)) }

// divRound is a ÷ b rounded half up; a ≥ 0, b > 0.
func divRound(a, b *big.Int) *big.Int {
	n := new(big.Int).Lsh(a, 1)
	return n.Add(n, b).Div(n, new(big.Int).Lsh(b, 1))
}

// formatDecimal8 writes a count of 10⁻⁸, not negative, without needless zeros.
func formatDecimal8(n *big.Int) string {
	s := fmt.Sprintf("%09d", n)
	whole, frac := s[:len(s)-8], strings.TrimRight(s[len(s)-8:], "0")
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}
