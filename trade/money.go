// Package trade is the business in plain values: sales, refunds, invoices,
// money, the numbers sent to the platform, the rules that a sale must keep, and
// the state machines that say what happens next. It imports the standard
// library alone, reads no clock and does no input or output.
package trade

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Money is an amount in fen (1/100 yuan). It is never held in a float.
type Money int64

// MaxInvoiced is the largest amount that the platform takes: 99,999,999.99 yuan
// (interface 2.16, invoiceAmount).
const MaxInvoiced Money = 9_999_999_999

// MaxMoney is the largest amount taken at all: 12 digits before the point.
const MaxMoney Money = 99_999_999_999_999

// Errors of ParseMoney and ParseDecimal.
var (
	ErrNumber   = errors.New("not a plain decimal number")
	ErrDecimals = errors.New("too many decimals")
	ErrRange    = errors.New("too large")
)

// ParseMoney reads yuan with at most two decimals from literal text such as
// "58.50", "58" or "-1.5". Exponents, signs other than a leading minus, blanks
// and separators are ErrNumber.
func ParseMoney(text string) (Money, error) {
	n, err := parseFixed(text, 2, 12)
	return Money(n), err
}

// String gives yuan with two decimals, for example "58.50".
func (m Money) String() string { return formatFixed(int64(m), 2, 2) }

// MarshalText writes yuan with two decimals, so that JSON carries a string.
func (m Money) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Money) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMoney(string(b))
	return err
}

// Decimal is a quantity or a unit price in steps of 10⁻⁸. Zero means not given.
type Decimal int64

// ParseDecimal reads a number with at most 8 digits before the point and 8
// after it, the limits of the platform's prices and quantities.
func ParseDecimal(text string) (Decimal, error) {
	n, err := parseFixed(text, 8, 8)
	return Decimal(n), err
}

// String gives the shortest plain notation, for example "2" or "0.125".
func (d Decimal) String() string { return formatFixed(int64(d), 8, 0) }

// MarshalText writes the shortest plain notation; "" where not given.
func (d Decimal) MarshalText() ([]byte, error) {
	if d == 0 {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Decimal) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	*d, err = ParseDecimal(string(b))
	return err
}

// Times is unit price × quantity, rounded half up to fen as the platform does
// (code 8016). Both must not be negative.
func (d Decimal) Times(quantity Decimal) Money {
	const fen = 100_000_000_000_000 // 10¹⁶ / 100
	return Money(mulDivRound(int64(d), int64(quantity), fen))
}

// mulDivRound is a × b ÷ c for a, b ≥ 0 and c > 0, rounded half up, without
// overflow in between.
func mulDivRound(a, b, c int64) int64 {
	p := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	p.Add(p, big.NewInt(c/2))
	return p.Quo(p, big.NewInt(c)).Int64()
}

// Rate is a tax rate in hundredths: 6 is 6 %, written "0.06". NoRate is unset.
type Rate int16

// NoRate marks a line for which no rate is known.
const NoRate Rate = -1

// Rates are those in force that the platform takes with two decimals.
var Rates = []Rate{13, 9, 6, 5, 3, 1, 0}

// ParseRate reads one of Rates from text such as "0.06", "0.060" or "0".
func ParseRate(text string) (Rate, error) {
	n, err := parseFixed(text, 4, 1) // in 1/10000, to tell 0.015 from 0.01
	if err != nil {
		return NoRate, err
	}
	for _, r := range Rates {
		if int64(r)*100 == n {
			return r, nil
		}
	}
	return NoRate, ErrRange
}

// String gives "0.06", or "0", or "" for NoRate.
func (r Rate) String() string {
	switch {
	case r < 0:
		return ""
	case r == 0:
		return "0"
	}
	return formatFixed(int64(r), 2, 2)
}

// Percent gives "6%", or "" for NoRate.
func (r Rate) Percent() string {
	if r < 0 {
		return ""
	}
	return strconv.Itoa(int(r)) + "%"
}

// MarshalText writes String's form.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Rate) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*r = NoRate
		return nil
	}
	*r, err = ParseRate(string(b))
	return err
}

// TaxWithin is the tax contained in a gross amount: gross × rate ÷ (1 + rate),
// rounded half away from zero to fen.
func (r Rate) TaxWithin(gross Money) Money {
	if r <= 0 {
		return 0
	}
	if gross < 0 {
		return -r.TaxWithin(-gross)
	}
	d := int64(100) + int64(r)
	return Money((int64(gross)*int64(r)*2 + d) / (2 * d))
}

// parseFixed reads an optional minus, digits and decimals into units of
// 10^-decimals. digits bounds what may stand before the point.
func parseFixed(text string, decimals, digits int) (int64, error) {
	rest, minus := strings.CutPrefix(text, "-")
	whole, frac, point := strings.Cut(rest, ".")
	if whole == "" || !allDigits(whole) || (len(whole) > 1 && whole[0] == '0') {
		return 0, ErrNumber
	}
	if point && !allDigits(frac) {
		return 0, ErrNumber
	}
	if len(frac) > decimals {
		return 0, ErrDecimals
	}
	if len(whole) > digits {
		return 0, ErrRange
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", decimals-len(frac)), 10, 64)
	if err != nil {
		return 0, ErrRange
	}
	if minus {
		n = -n
	}
	return n, nil
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// formatFixed writes n units of 10^-decimals with at least keep decimals.
func formatFixed(n int64, decimals, keep int) string {
	sign := ""
	u := uint64(n)
	if n < 0 {
		sign, u = "-", -u
	}
	s := strconv.FormatUint(u, 10)
	if short := decimals + 1 - len(s); short > 0 {
		s = strings.Repeat("0", short) + s
	}
	whole, frac := s[:len(s)-decimals], s[len(s)-decimals:]
	for len(frac) > keep && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	if frac == "" {
		return sign + whole
	}
	return sign + whole + "." + frac
}
