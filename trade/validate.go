package trade

import (
	"fmt"
	"slices"
	"strconv"
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
	// (GBK) has the character. Nil takes every character.
	Encodable func(rune) bool
	// Fill completes what a line leaves out: name, unit, specification, tax
	// code, rate and zero-rate flag. Nil fills nothing.
	Fill func(*Line)
	// Rates are those that a line may have, out of the package's Rates. Nil
	// allows them all.
	Rates []Rate
	// Printers are the names of the till's further printers, beside
	// ReceiptPrinter.
	Printers []string
	// Lines returns every problem of lines that a POS laid out for a printer's
	// paper, with fields such as lines[3].align. Nil finds none.
	Lines func(printer string, lines []byte) []Problem
}

// MaxLines is the most lines an invoice can have, a discount counting as one
// (interface 2.9, itemList).
const MaxLines = 100

// The alphabets of numbers and ids.
const (
	digits   = "0123456789"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alnum    = capitals + "abcdefghijklmnopqrstuvwxyz" + digits
)

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
	if m, bad := IDProblem(s.InvoiceID); bad && s.InvoiceID != "" {
		c.add("invoice_id", m)
	}
	for i := range s.Items {
		if r.Fill != nil {
			r.Fill(&s.Items[i])
		}
	}
	s.Buyer.Phone = telephone.Replace(s.Buyer.Phone)
	r.texts(&c, s.texts())
	c.wish(s)
	r.paper(&c, s.Print)
	r.items(&c, s)
	c.buyer(s)
	if n := s.ShopNum; n != "" && (len(n) < 6 || !inside(n, alnum)) {
		c.say("shop_num", BadShopNum)
	}
	if len(s.Payments) > 20 {
		c.say("payments", TooMany, "20")
	}
	for i, p := range s.Payments {
		at := nth("payments", i)
		c.within(at+"amount", p.Amount, 0, MaxMoney)
		if p.Method == "" {
			c.say(at+"method", Required)
		}
	}
	return c
}

// CheckGoods returns every problem of a catalogue's entry. The fields are
// those of a line; what is left out is no problem.
func (r Rules) CheckGoods(l *Line) []Problem {
	var c check
	if l.SKU == "" {
		c.say("sku", Required)
	}
	r.texts(&c, l.texts(nil, ""))
	r.tax(&c, "", l, false)
	switch {
	case l.Rate == 0 && l.ZeroTaxFlag == "":
		c.say("zero_tax_flag", ZeroFlagMissing)
	case l.Rate == NoRate && l.ZeroTaxFlag != "":
		c.say("zero_tax_flag", ZeroFlagWithRate)
	}
	return c
}

// CheckRefund returns every problem of a normalised refund that can be told without
// the sale.
func (r Rules) CheckRefund(f *RefundRequest) []Problem {
	var c check
	if m, bad := IDProblem(f.ID); bad {
		c.add("refund_id", m)
	}
	if _, ok := Reasons[f.Reason]; !ok {
		c.say("reason", OneOf, "sales_return, wrong_invoice, service_terminated, allowance")
	}
	c.mode(f.Print, PrintReceipt, PrintSlip, PrintNone)
	r.printer(&c, "print.printer", f.Print.Printer)
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
		if l.Quantity < 0 {
			c.say(at+".quantity", AtLeast, "0")
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

// wish checks what the POS wants of the platform.
func (c *check) wish(s *Sale) {
	switch s.Wish {
	case WishQR, WishNone, WishDirect:
	default:
		c.say("invoice", OneOf, "qr, none, direct")
	}
	switch {
	case s.Wish == WishDirect && s.Kind != KindSpecial && s.Kind != KindOrdinary:
		c.say("kind", OneOf, KindSpecial+", "+KindOrdinary)
	case s.Wish != WishDirect && s.Kind != "":
		c.say("kind", KindNotDirect)
	}
}

// items checks the lines, and the total against them.
func (r Rules) items(c *check, s *Sale) {
	most := MaxInvoiced
	if s.Wish == WishNone {
		most = MaxMoney
	}
	c.within("total", s.Total, 0, most)
	if s.Wish != WishNone && s.Total == 0 {
		c.say("total", ZeroInvoiced)
	}
	if len(s.Items) == 0 {
		c.say("items", NoItems)
	}
	lines, sum := 0, Money(0)
	for i := range s.Items {
		l, at := &s.Items[i], nth("items", i)
		c.line(at, l, most)
		r.tax(c, at, l, s.Wish != WishNone)
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
}

// line checks one line's name and numbers: the platform's codes 8007 and 8016
// come back as field errors before anything is sent.
//
// Price and quantity need not be fit to be sent: where one is missing, their
// product is a fen off, or one has more characters than 2.16 takes, the invoice
// goes without both, as the platform allows.
func (c *check) line(at string, l *Line, most Money) {
	if l.Name == "" {
		c.say(at+"name", Required)
	}
	c.within(at+"amount", l.Amount, 0, most)
	if l.Amount >= 0 && (l.Discount > 0 || l.Discount < -l.Amount) {
		c.say(at+"discount", Between, (-l.Amount).String(), "0.00")
	}
	if l.Quantity < 0 {
		c.say(at+"quantity", AtLeast, "0")
	}
	if l.UnitPrice < 0 {
		c.say(at+"unit_price", AtLeast, "0")
	}
	if l.Quantity > 0 && l.UnitPrice > 0 && !l.adds() {
		c.say(at+"amount", AmountDiffers, l.Amount.String(), l.UnitPrice.String(), l.Quantity.String())
	}
}

// tax checks what a line says of its tax (codes 8005, 8006, 8014 and 8015).
// What is given must be right even where no invoice follows.
func (r Rules) tax(c *check, at string, l *Line, invoiced bool) {
	switch {
	case l.TaxCode == "" && invoiced:
		c.say(at+"tax_code", TaxMissing)
	case l.TaxCode != "" && (len(l.TaxCode) < 3 || len(l.TaxCode) > 19 || !allDigits(l.TaxCode)):
		c.say(at+"tax_code", BadTaxCode)
	}
	allowed := r.Rates
	if allowed == nil {
		allowed = Rates
	}
	switch {
	case l.Rate == NoRate && invoiced:
		c.say(at+"tax_rate", TaxMissing)
	case l.Rate != NoRate && !slices.Contains(allowed, l.Rate):
		c.say(at+"tax_rate", OneOf, ratesText(allowed))
	}
	switch {
	case len(l.ZeroTaxFlag) > 1 || !strings.Contains("0123", l.ZeroTaxFlag):
		c.say(at+"zero_tax_flag", OneOf, `"", "0", "1", "2", "3"`)
	case l.Rate > 0 && l.ZeroTaxFlag != "":
		c.say(at+"zero_tax_flag", ZeroFlagWithRate)
	case l.Rate == 0 && l.ZeroTaxFlag == "" && invoiced:
		c.say(at+"zero_tax_flag", ZeroFlagMissing)
	}
}

func ratesText(rates []Rate) string {
	texts := make([]string, len(rates))
	for i, r := range rates {
		texts[i] = r.String()
	}
	return strings.Join(texts, ", ")
}

// telephone writes brackets, dashes and digits as the platform takes them in
// telephone numbers, in ASCII.
var telephone = strings.NewReplacer("（", "(", "）", ")", "－", "-", "—", "-", "–", "-", "‐", "-",
	"０", "0", "１", "1", "２", "2", "３", "3", "４", "4", "５", "5", "６", "6", "７", "7", "８", "8", "９", "9")

// buyer checks the title beyond its lengths.
func (c *check) buyer(s *Sale) {
	b, direct := s.Buyer, s.Wish == WishDirect
	switch {
	case b.Name != "":
	case direct, s.Wish == WishQR && b != (Buyer{}):
		c.say("buyer.name", Required)
	}
	switch {
	case b.TaxNo == "" && direct && s.Kind == KindSpecial:
		c.say("buyer.tax_no", Required)
	case b.TaxNo == "":
	case direct && (len(b.TaxNo) < 15 || !inside(b.TaxNo, capitals+digits)):
		c.say("buyer.tax_no", BadTaxNoDirect)
	case len(b.TaxNo) < 6 || !inside(b.TaxNo, capitals+digits):
		c.say("buyer.tax_no", BadTaxNo)
	}
	if !inside(b.Phone, digits+"()-") {
		c.say("buyer.phone", BadPhone)
	}
	c.together("buyer.address", b.Address, "buyer.phone", b.Phone)
	c.together("buyer.bank", b.Bank, "buyer.account", b.Account)
	if b.Mobile != "" && (len(b.Mobile) != 11 || !allDigits(b.Mobile)) {
		c.say("buyer.mobile", BadMobile)
	}
	if b.Email != "" && !isEmail(b.Email) {
		c.say("buyer.email", BadEmail)
	}
}

// together checks two texts that share a limit, as address and telephone do on
// an invoice (interfaces 2.9 and 2.16).
func (c *check) together(field, a, other, b string) {
	const most = 100
	if n := GBKLen(a) + GBKLen(b); n > most {
		c.say(field, TooLongTogether, other, fmt.Sprint(most), fmt.Sprint(n))
	}
}

// isEmail asks for what every address has: somebody, and a domain with a dot.
func isEmail(s string) bool {
	name, domain, _ := strings.Cut(s, "@")
	dot := strings.LastIndexByte(domain, '.')
	return name != "" && dot > 0 && dot < len(domain)-1 && !strings.Contains(domain, "@") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= utf8.RuneSelf })
}

// text is a text of a request with its limit: GBK bytes, as the platform
// counts. angle says that < and > are refused (interface 2.16).
type text struct {
	at    string // what stands before the field's name, such as "items[0]."
	field string
	text  *string
	bytes int
	angle bool
}

func (s *Sale) texts() []text {
	ts := make([]text, 0, 12+4*len(s.Items)+len(s.Payments))
	ts = append(ts,
		text{"", "cashier", &s.Cashier, 40, false}, text{"", "register", &s.Register, 40, false},
		text{"", "shop_num", &s.ShopNum, 20, false}, text{"", "remark", &s.Remark, 200, false},
		text{"buyer.", "name", &s.Buyer.Name, 100, true}, text{"buyer.", "tax_no", &s.Buyer.TaxNo, 20, true},
		text{"buyer.", "address", &s.Buyer.Address, 100, true}, text{"buyer.", "phone", &s.Buyer.Phone, 20, true},
		text{"buyer.", "bank", &s.Buyer.Bank, 100, true}, text{"buyer.", "account", &s.Buyer.Account, 50, true},
		text{"buyer.", "email", &s.Buyer.Email, 50, true}, text{"buyer.", "mobile", &s.Buyer.Mobile, 20, true})
	for i := range s.Items {
		ts = s.Items[i].texts(ts, nth("items", i))
	}
	for i := range s.Payments {
		ts = append(ts, text{nth("payments", i), "method", &s.Payments[i].Method, 40, false})
	}
	return ts
}

// nth is how the fields of a list's element begin.
func nth(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]." }

// texts appends a line's, with the strictest limits of 2.9, 2.16 and 2.37.
func (l *Line) texts(ts []text, at string) []text {
	return append(ts, text{at, "sku", &l.SKU, 50, false}, text{at, "name", &l.Name, 100, false},
		text{at, "spec", &l.Spec, 40, false}, text{at, "unit", &l.Unit, 20, false})
}

// disputed are characters about which implementations of GBK disagree. They
// count two bytes, and the platform decides.
const disputed = "€䶮"

func (r Rules) texts(c *check, ts []text) {
	for _, t := range ts {
		if n := GBKLen(*t.text); n > t.bytes {
			c.say(t.at+t.field, TooLong, fmt.Sprint(t.bytes), fmt.Sprint(n))
		}
		for _, char := range *t.text {
			switch {
			case unicode.IsControl(char):
				c.say(t.at+t.field, ControlCharacter, fmt.Sprintf("U+%04X", char))
			case char == utf8.RuneError, r.Encodable != nil && !r.Encodable(char) && !strings.ContainsRune(disputed, char):
				c.say(t.at+t.field, NotInGBK, string(char), fmt.Sprintf("U+%04X", char))
			case t.angle && (char == '<' || char == '>'):
				c.say(t.at+t.field, AngleBracket)
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
