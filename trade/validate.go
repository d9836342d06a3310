package trade

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing wrong with a request: the field's path, such as
// items[0].tax_rate, and what is allowed.
type Problem struct {
	Field   string
	Message Message
}

// Rules are what a till knows when it checks a sale.
type Rules struct {
	// Encodable reports whether the platform's and the printers' character set
	// (GBK) has the character.
	Encodable func(rune) bool
	// Fill completes the tax code, rate and zero-rate flag of a line that
	// names none. Nil fills nothing.
	Fill func(*Line)
}

// MaxLines is the most lines an invoice can have, a discount counting as one
// (interface 2.9, itemList).
const MaxLines = 100

const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// IDProblem checks an id that the POS chose: 1 to 50 characters out of
// A-Z a-z 0-9 . _ : / -, at least one of them a letter or digit.
func IDProblem(id string) (Message, bool) {
	ok := len(id) <= 50 && strings.ContainsAny(id, alnum) && inside(id, alnum+"._:/-")
	return Say(BadID), !ok
}

func inside(s, set string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(set, r) }) < 0
}

// Check fills what lines leave out and returns every problem of a normalised
// sale. A sale without problems can be sent to the platform as it is.
func (r Rules) Check(s *Sale) []Problem {
	var c check
	if m, bad := IDProblem(s.ID); bad {
		c.add("sale_id", m)
	}
	r.texts(&c, s.texts())
	max := MaxInvoiced
	switch s.Wish {
	case WishQR:
	case WishNone:
		max = MaxMoney
	default:
		c.say("invoice", OneOf, "qr, none")
	}
	c.copies(s.Print)
	c.within("total", s.Total, 0, max)
	if s.Wish == WishQR && s.Total == 0 {
		c.say("total", ZeroInvoiced)
	}
	if len(s.Items) == 0 {
		c.say("items", NoItems)
	}
	lines, sum := 0, Money(0)
	for i := range s.Items {
		l := &s.Items[i]
		if r.Fill != nil {
			r.Fill(l)
		}
		c.line(fmt.Sprintf("items[%d]", i), l, s.Wish, max)
		lines++
		if l.Discount != 0 {
			lines++
		}
		sum += l.Net()
	}
	if lines > MaxLines {
		c.say("items", TooManyLines, fmt.Sprint(lines), fmt.Sprint(MaxLines))
	}
	if len(s.Items) > 0 && sum != s.Total {
		c.say("total", TotalDiffers, s.Total.String(), sum.String())
	}
	if b := s.Buyer; b.Mobile != "" && (len(b.Mobile) != 11 || !allDigits(b.Mobile)) {
		c.say("buyer.mobile", BadMobile)
	}
	if b := s.Buyer; b.Email != "" && (len(b.Email) < 4 || !strings.Contains(b.Email, "@")) {
		c.say("buyer.email", BadEmail)
	}
	if b := s.Buyer; b.TaxNo != "" && (len(b.TaxNo) < 6 || !inside(b.TaxNo, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")) {
		c.say("buyer.tax_no", BadTaxNo)
	}
	if b := s.Buyer; b.Name == "" && b != (Buyer{}) && s.Wish == WishQR {
		c.say("buyer.name", Required)
	}
	if n := s.ShopNum; n != "" && (len(n) < 6 || !inside(n, alnum)) {
		c.say("shop_num", BadShopNum)
	}
	if len(s.Payments) > 20 {
		c.say("payments", TooMany, "20")
	}
	for i, p := range s.Payments {
		c.within(fmt.Sprintf("payments[%d].amount", i), p.Amount, 0, MaxMoney)
		if p.Method == "" {
			c.say(fmt.Sprintf("payments[%d].method", i), Required)
		}
	}
	return c
}

// Check returns every problem of a normalised refund that can be told without
// the sale.
func (r Rules) CheckRefund(f *RefundRequest) []Problem {
	var c check
	if m, bad := IDProblem(f.ID); bad {
		c.add("refund_id", m)
	}
	if _, ok := Reasons[f.Reason]; !ok {
		c.say("reason", OneOf, "sales_return, wrong_invoice, service_terminated, allowance")
	}
	c.copies(f.Print)
	c.within("amount", f.Amount, 0, MaxMoney)
	sum := Money(0)
	for i, l := range f.Items {
		at := fmt.Sprintf("items[%d]", i)
		if l.Line < 1 {
			c.say(at+".line", AtLeast, "1")
		}
		if l.Amount <= 0 {
			c.say(at+".amount", AtLeast, "0.01")
		}
		sum += l.Amount
	}
	if len(f.Items) > 0 && f.Amount != 0 && sum != f.Amount {
		c.say("amount", TotalDiffers, f.Amount.String(), sum.String())
	}
	return c
}

type check []Problem

func (c *check) add(field string, m Message) { *c = append(*c, Problem{field, m}) }

func (c *check) say(field string, k Key, args ...string) { c.add(field, Say(k, args...)) }

func (c *check) within(field string, m, min, max Money) {
	if m < min || m > max {
		c.say(field, Between, min.String(), max.String())
	}
}

func (c *check) copies(p PrintWish) {
	switch p.Mode {
	case PrintReceipt, PrintSlip, PrintNone:
	default:
		c.say("print.mode", OneOf, "receipt, slip, none")
	}
	if p.Copies < 1 || p.Copies > 5 {
		c.say("print.copies", Between, "1", "5")
	}
}

// line checks one line: the platform's codes 8005-8007, 8014-8016 come back as
// field errors before anything is sent.
func (c *check) line(at string, l *Line, w Wish, max Money) {
	if l.Name == "" {
		c.say(at+".name", Required)
	}
	c.within(at+".amount", l.Amount, 0, max)
	if l.Discount > 0 || l.Discount < -l.Amount {
		c.say(at+".discount", Between, (-l.Amount).String(), "0.00")
	}
	if l.Quantity < 0 {
		c.say(at+".quantity", AtLeast, "0")
	}
	if l.UnitPrice < 0 {
		c.say(at+".unit_price", AtLeast, "0")
	}
	if l.Quantity > 0 && l.UnitPrice > 0 {
		if d := l.UnitPrice.Times(l.Quantity) - l.Amount; d < -1 || d > 1 {
			c.say(at+".amount", AmountDiffers, l.Amount.String(), l.UnitPrice.String(), l.Quantity.String())
		}
	}
	if w == WishNone {
		return
	}
	switch {
	case l.TaxCode == "":
		c.say(at+".tax_code", TaxMissing)
	case len(l.TaxCode) > 19 || len(l.TaxCode) < 3 || !allDigits(l.TaxCode):
		c.say(at+".tax_code", BadTaxCode)
	}
	switch {
	case l.Rate == NoRate:
		c.say(at+".tax_rate", TaxMissing)
	case l.Rate == 0 && l.ZeroTaxFlag == "":
		c.say(at+".zero_tax_flag", ZeroFlagMissing)
	case l.Rate == 0 && !strings.Contains("0123", l.ZeroTaxFlag), len(l.ZeroTaxFlag) > 1:
		c.say(at+".zero_tax_flag", OneOf, `"", "0", "1", "2", "3"`)
	case l.Rate > 0 && l.ZeroTaxFlag != "":
		c.say(at+".zero_tax_flag", ZeroFlagWithRate)
	}
}

// text is a text of a request with its limit: GBK bytes, as the platform
// counts. angle says that < and > are refused (interface 2.16).
type text struct {
	field string
	text  *string
	bytes int
	angle bool
}

func (s *Sale) texts() []text {
	ts := []text{
		{"cashier", &s.Cashier, 40, false}, {"register", &s.Register, 40, false},
		{"shop_num", &s.ShopNum, 20, false}, {"remark", &s.Remark, 200, false},
		{"buyer.name", &s.Buyer.Name, 100, true}, {"buyer.tax_no", &s.Buyer.TaxNo, 20, true},
		{"buyer.address", &s.Buyer.Address, 100, true}, {"buyer.phone", &s.Buyer.Phone, 20, true},
		{"buyer.bank", &s.Buyer.Bank, 100, true}, {"buyer.account", &s.Buyer.Account, 50, true},
		{"buyer.email", &s.Buyer.Email, 50, true}, {"buyer.mobile", &s.Buyer.Mobile, 20, true},
	}
	for i := range s.Items {
		l, at := &s.Items[i], fmt.Sprintf("items[%d].", i)
		ts = append(ts, text{at + "sku", &l.SKU, 50, false}, text{at + "name", &l.Name, 100, false},
			text{at + "spec", &l.Spec, 40, false}, text{at + "unit", &l.Unit, 20, false})
	}
	for i := range s.Payments {
		ts = append(ts, text{fmt.Sprintf("payments[%d].method", i), &s.Payments[i].Method, 40, false})
	}
	return ts
}

func (r Rules) texts(c *check, ts []text) {
	for _, t := range ts {
		if n := GBKLen(*t.text); n > t.bytes {
			c.say(t.field, TooLong, fmt.Sprint(t.bytes), fmt.Sprint(n))
		}
		for _, char := range *t.text {
			switch {
			case unicode.IsControl(char):
				c.say(t.field, ControlCharacter, fmt.Sprintf("U+%04X", char))
			case char == utf8.RuneError, r.Encodable != nil && !r.Encodable(char):
				c.say(t.field, NotInGBK, string(char), fmt.Sprintf("U+%04X", char))
			case t.angle && (char == '<' || char == '>'):
				c.say(t.field, AngleBracket)
			default:
				continue
			}
			break // one problem a text is enough
		}
	}
}

// GBKLen is the length in GBK bytes: ASCII one, all else two.
func GBKLen(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= utf8.RuneSelf {
			n++
		}
	}
	return n
}
