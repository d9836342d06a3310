package trade

import (
	"strings"
	"testing"
)

func lunch() Sale {
	return Sale{ID: "POS1-1", Total: 5850, Items: []Line{{Name: "午餐", Unit: "份", Quantity: 2_0000_0000, UnitPrice: 30_0000_0000,
		Amount: 6000, Discount: -150, TaxCode: "3070401000000000000", Rate: 6}}, Payments: []Payment{{"微信", 5850}}}
}

func TestCheckNamesFields(t *testing.T) {
	r := Rules{Encodable: func(c rune) bool { return c != '😀' }}
	for name, c := range map[string]struct {
		spoil func(*Sale)
		field string // "" for a good sale
		key   Key
	}{
		"good":               {func(*Sale) {}, "", ""},
		"half-width yen":     {func(s *Sale) { s.Items[0].Name = " \u00a5\u00a0套餐 " }, "", ""},
		"no id":              {func(s *Sale) { s.ID = "" }, "sale_id", BadID},
		"id of dots":         {func(s *Sale) { s.ID = "..." }, "sale_id", BadID},
		"id with a blank":    {func(s *Sale) { s.ID = "a b" }, "sale_id", BadID},
		"wrong total":        {func(s *Sale) { s.Total = 5851 }, "total", TotalDiffers},
		"total over limit":   {func(s *Sale) { s.Items[0].Amount, s.Total = MaxInvoiced+1, MaxInvoiced-149 }, "items[0].amount", Between},
		"no items":           {func(s *Sale) { s.Items = nil }, "items", NoItems},
		"no name":            {func(s *Sale) { s.Items[0].Name = " " }, "items[0].name", Required},
		"emoji":              {func(s *Sale) { s.Items[0].Name = "饭😀" }, "items[0].name", NotInGBK},
		"control character":  {func(s *Sale) { s.Cashier = "小\x1b王" }, "cashier", ControlCharacter},
		"long name":          {func(s *Sale) { s.Items[0].Name = strings.Repeat("长", 51) }, "items[0].name", TooLong},
		"positive discount":  {func(s *Sale) { s.Items[0].Discount, s.Total = 150, 6150 }, "items[0].discount", Between},
		"price × quantity":   {func(s *Sale) { s.Items[0].UnitPrice = 31_0000_0000 }, "items[0].amount", AmountDiffers},
		"no tax code":        {func(s *Sale) { s.Items[0].TaxCode = "" }, "items[0].tax_code", TaxMissing},
		"no rate":            {func(s *Sale) { s.Items[0].Rate = NoRate }, "items[0].tax_rate", TaxMissing},
		"zero rate, no flag": {func(s *Sale) { s.Items[0].Rate = 0 }, "items[0].zero_tax_flag", ZeroFlagMissing},
		"zero rate, exempt":  {func(s *Sale) { s.Items[0].Rate, s.Items[0].ZeroTaxFlag = 0, "1" }, "", ""},
		"flag with a rate":   {func(s *Sale) { s.Items[0].ZeroTaxFlag = "1" }, "items[0].zero_tax_flag", ZeroFlagWithRate},
		"nothing to invoice": {func(s *Sale) { s.Items[0].Discount, s.Total = -6000, 0 }, "total", ZeroInvoiced},
		"unknown wish":       {func(s *Sale) { s.Wish = "paper" }, "invoice", OneOf},
		"unknown print mode": {func(s *Sale) { s.Print.Mode = "fax" }, "print.mode", OneOf},
		"six copies":         {func(s *Sale) { s.Print.Copies = 6 }, "print.copies", Between},
		"title with angles":  {func(s *Sale) { s.Buyer.Name = "<b>" }, "buyer.name", AngleBracket},
		"recorded, no tax":   {func(s *Sale) { s.Wish, s.Items[0].TaxCode, s.Items[0].Rate = WishNone, "", NoRate }, "", ""},
		"101 lines": {func(s *Sale) {
			l := s.Items[0]
			s.Items, s.Total = nil, 0
			for range 51 {
				s.Items = append(s.Items, l) // each with a discount, so 102 lines
				s.Total += l.Net()
			}
		}, "items", TooManyLines},
	} {
		t.Run(name, func(t *testing.T) {
			s := lunch()
			c.spoil(&s)
			s.Normalise()
			ps := r.Check(&s)
			if c.field == "" {
				if len(ps) != 0 {
					t.Fatalf("problems %v, want none", ps)
				}
				return
			}
			if len(ps) == 0 || ps[0].Field != c.field || ps[0].Message.Key != c.key {
				t.Fatalf("problems %v, want %s %s first", ps, c.field, c.key)
			}
		})
	}
}

func TestFillComesBeforeTheCheckAndNotIntoTheDigest(t *testing.T) {
	s := lunch()
	s.Items[0].TaxCode, s.Items[0].Rate = "", NoRate
	s.Normalise()
	before := s.Digest()
	r := Rules{Fill: func(l *Line) { l.TaxCode, l.Rate = "3070401000000000000", 6 }}
	if ps := r.Check(&s); len(ps) != 0 {
		t.Errorf("problems %v, want none", ps)
	}
	if s.Digest() == before {
		t.Error("the digest does not cover the tax code")
	}
}

func TestEveryMessageHasBothLanguages(t *testing.T) {
	for k, w := range catalogue {
		if w.zh == "" || w.en == "" {
			t.Errorf("%s lacks a language", k)
		}
		if strings.Count(w.zh, "%") != strings.Count(w.en, "%") {
			t.Errorf("%s: %q and %q take different arguments", k, w.zh, w.en)
		}
	}
	if got := Say(TotalDiffers, "1.00", "2.00").In(EN); got != "1.00 differs from the sum of the items, 2.00" {
		t.Errorf("got %q", got)
	}
}
