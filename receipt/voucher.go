package receipt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// voucherAlphabet is base 32 without look-alikes, as in the platform's numbers.
const voucherAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Vouchers gives the function that makes a sale's 凭证码: 8 characters, 40 bits of
// HMAC-SHA-256 over the sale's id. Who has the key can tell a paper receipt from
// an invented one.
func Vouchers(key []byte) func(saleID string) string {
	return func(saleID string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(saleID))
		bits := binary.BigEndian.Uint64(mac.Sum(nil))
		code := make([]byte, 8)
		for i := range code {
			code[i] = voucherAlphabet[bits>>(59-5*i)&31]
		}
		return string(code)
	}
}

// voucherCode is a sale's code as it stands on paper: K7Q2-9F3D.
func (d *doc) voucherCode(p Paper) string {
	if d.Voucher == nil {
		return ""
	}
	return grouped(d.Voucher(p.Sale.ID), "-")
}

// voucher prints the code on a line of its own.
func (d *doc) voucher(p Paper) {
	if code := d.voucherCode(p); code != "" {
		d.center(d.word("voucher") + " " + code)
		d.vouched = true
	}
}

// grouped puts something between every four characters.
func grouped(code, between string) string {
	var b strings.Builder
	for i, c := range code {
		if i > 0 && i%4 == 0 {
			b.WriteString(between)
		}
		b.WriteRune(c)
	}
	return b.String()
}
