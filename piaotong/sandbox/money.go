package sandbox

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
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

// negate turns the sign of an amount written by formatFen.
func negate(amount string) string {
	if rest, ok := strings.CutPrefix(amount, "-"); ok {
		return rest
	}
	return "-" + amount
}

// lineFen is price × quantity, both in units of 10⁻⁸, rounded half up to fen.
func lineFen(price, quantity *big.Int) *big.Int {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(14), nil) // 10⁻¹⁶ in a fen
	n := new(big.Int).Mul(price, quantity)
	n.Add(n, new(big.Int).Rsh(unit, 1))
	return n.Div(n, unit)
}

// splitTax returns the net amount and the tax of lines with tax: per line
// amount × rate ÷ (1 + rate), rounded half up.
func splitTax(items []Item) (net, tax int64, err error) {
	for _, it := range items {
		gross, err := parseFen(it.Amount)
		if err != nil {
			return 0, 0, fmt.Errorf("amount %q: %v", it.Amount, err)
		}
		rate, err := strconv.ParseInt(it.Rate, 10, 64)
		if err != nil || rate < 0 || rate > 100 {
			return 0, 0, fmt.Errorf("rate %q is not a percentage", it.Rate)
		}
		t := (2*gross*rate + 100 + rate) / (2 * (100 + rate))
		tax += t
		net += gross - t
	}
	return net, tax, nil
}
