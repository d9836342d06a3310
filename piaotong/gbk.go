package piaotong

import (
	"fmt"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// GBKLen counts the bytes of s in GBK, the unit of most of the platform's
// length limits. The error names the first character that GBK does not have;
// the platform would print it as "?".
//
// Implementations of GBK disagree about "€" (one byte, two, or none) and "䶮";
// both count two, and the platform decides.
func GBKLen(s string) (int, error) {
	enc := simplifiedchinese.GBK.NewEncoder()
	n := 0
	for _, r := range s {
		if r < 0x80 {
			n++
			continue
		}
		if _, err := enc.String(string(r)); err != nil {
			return 0, fmt.Errorf("character %q (%U) cannot be printed on an invoice", r, r)
		}
		n += 2
	}
	return n, nil
}
