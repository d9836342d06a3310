package trade

import (
	"encoding/json"
	"strings"
	"testing"
)

func lunch() Sale {
	return Sale{ID: "POS1-1", Total: 5850, Items: []Line{{Name: "午餐", Unit: "份", Quantity: 2_0000_0000, UnitPrice: 30_0000_0000,
		Amount: 6000, Discount: -150, TaxCode: "3070401000000000000", Rate: 6}}, Payments: []Payment{{"微信", 5850}}}
}

// ruleCase is a rule, a sale that keeps or breaks it, and the field that is
// named; field "" is for a sale that is taken.
type ruleCase struct {
	spoil func(*Sale)
	field string
	key   Key
}

// titled gives a sale a complete buyer.
func titled(s *Sale) {
	s.Buyer = Buyer{Name: "某某公司", TaxNo: "91110108MA00000000", Address: "北京市海淀区1号", Phone: "010-88886666", Bank: "某某银行", Account: "6222000011112222",
		Email: "a@b.cn", Mobile: "13800138000"}
}

// direct makes a sale one whose invoice is issued at once.
func direct(change func(*Sale)) func(*Sale) {
	return func(s *Sale) {
		titled(s)
		s.Wish = WishDirect
		change(s)
	}
}

func line(change func(*Line)) func(*Sale) {
	return func(s *Sale) { change(&s.Items[0]) }
}

func buyer(change func(*Buyer)) func(*Sale) {
	return func(s *Sale) {
		titled(s)
		change(&s.Buyer)
	}
}

// many makes a sale of n lines, discounted ones first.
func many(n, discounted int) func(*Sale) {
	return func(s *Sale) {
		l := s.Items[0]
		s.Items, s.Total = nil, 0
		for i := range n {
			if l.Discount = 0; i < discounted {
				l.Discount = -150
			}
			s.Items = append(s.Items, l)
			s.Total += l.Net()
		}
	}
}

// rules is every rule for the fields of 2.16 and 2.9 that a POS has a say in.
var rules = map[string]ruleCase{
	"all is well":              {func(*Sale) {}, "", ""},
	"all is well with a buyer": {titled, "", ""},

	// Ids.
	"an id is needed":                 {func(s *Sale) { s.ID = "" }, "sale_id", BadID},
	"an id has 50 characters":         {func(s *Sale) { s.ID = strings.Repeat("x", 50) }, "", ""},
	"an id has at most 50 characters": {func(s *Sale) { s.ID = strings.Repeat("x", 51) }, "sale_id", BadID},
	"an id needs a letter or digit":   {func(s *Sale) { s.ID = "..." }, "sale_id", BadID},
	"an id has no blanks":             {func(s *Sale) { s.ID = "a b" }, "sale_id", BadID},
	"an invoice's id has no blanks":   {direct(func(s *Sale) { s.InvoiceID = "a b" }), "invoice_id", BadID},
	"shop_num of 6":                   {func(s *Sale) { s.ShopNum = "shop01" }, "", ""},
	"shop_num of 20":                  {func(s *Sale) { s.ShopNum = strings.Repeat("1", 20) }, "", ""},
	"shop_num of 5":                   {func(s *Sale) { s.ShopNum = "shop1" }, "shop_num", BadShopNum},
	"shop_num is letters and digits":  {func(s *Sale) { s.ShopNum = "shop-01" }, "shop_num", BadShopNum},
	"unknown wish":                    {func(s *Sale) { s.Wish = "paper" }, "invoice", OneOf},
	"kind without direct":             {func(s *Sale) { s.Kind = KindSpecial }, "kind", KindNotDirect},
	"print mode":                      {func(s *Sale) { s.Print.Mode = "fax" }, "print.mode", OneOf},
	"five copies":                     {func(s *Sale) { s.Print.Copies = 5 }, "", ""},
	"six copies":                      {func(s *Sale) { s.Print.Copies = 6 }, "print.copies", Between},
	"payments are no more than 20":    {func(s *Sale) { s.Payments = make([]Payment, 21) }, "payments", TooMany},
	"a payment has a method":          {func(s *Sale) { s.Payments[0].Method = " " }, "payments[0].method", Required},
	"a payment is not negative":       {func(s *Sale) { s.Payments[0].Amount = -1 }, "payments[0].amount", Between},

	// Fields-1: characters. Lengths are in TestTextLimits.
	"yen sign and no-break space are put right": {line(func(l *Line) { l.Name = " \u00a5\u00a0套餐 " }), "", ""},
	"emoji":                             {line(func(l *Line) { l.Name = "饭😀" }), "items[0].name", NotInGBK},
	"emoji in a payment":                {func(s *Sale) { s.Payments[0].Method = "😀" }, "payments[0].method", NotInGBK},
	"disputed characters go through":    {func(s *Sale) { titled(s); s.Buyer.Name, s.Items[0].Name = "龑䶮", "5€ 券" }, "", ""},
	"control character":                 {func(s *Sale) { s.Cashier = "小\x1b王" }, "cashier", ControlCharacter},
	"control character within a remark": {func(s *Sale) { s.Remark = "a\nb" }, "remark", ControlCharacter},
	"delete":                            {line(func(l *Line) { l.Unit = "\x7f" }), "items[0].unit", ControlCharacter},
	"not UTF-8":                         {line(func(l *Line) { l.Spec = "\xff" }), "items[0].spec", NotInGBK},
	"angles in a name of goods":         {line(func(l *Line) { l.Name = "<茶>" }), "", ""},
	"angles in buyer.name":              {buyer(func(b *Buyer) { b.Name = "<b>" }), "buyer.name", AngleBracket},
	"angles in buyer.address":           {buyer(func(b *Buyer) { b.Address = "a<" }), "buyer.address", AngleBracket},
	"angles in buyer.bank":              {buyer(func(b *Buyer) { b.Bank = ">a" }), "buyer.bank", AngleBracket},
	"angles in buyer.account":           {buyer(func(b *Buyer) { b.Account = "6<7" }), "buyer.account", AngleBracket},

	// Fields-1: telephone, and limits that two fields share.
	"telephone":                    {buyer(func(b *Buyer) { b.Phone = "(010)8888-6666" }), "", ""},
	"telephone in full width":      {buyer(func(b *Buyer) { b.Phone = "（０１０）８８８８－６６６６—12" }), "", ""},
	"telephone of letters":         {buyer(func(b *Buyer) { b.Phone = "010-8888转6" }), "buyer.phone", BadPhone},
	"telephone with a blank":       {buyer(func(b *Buyer) { b.Phone = "010 8888" }), "buyer.phone", BadPhone},
	"telephone of 20":              {buyer(func(b *Buyer) { b.Phone = "（" + strings.Repeat("1", 18) + "）" }), "", ""},
	"telephone of 21":              {buyer(func(b *Buyer) { b.Phone = strings.Repeat("1", 21) }), "buyer.phone", TooLong},
	"address and telephone of 100": {buyer(func(b *Buyer) { b.Address, b.Phone = strings.Repeat("路", 44), "010-88886666" }), "", ""},
	"address and telephone of 101": {buyer(func(b *Buyer) { b.Address, b.Phone = strings.Repeat("路", 44), "010-888866660" }), "buyer.address", TooLongTogether},
	"bank and account of 100":      {buyer(func(b *Buyer) { b.Bank, b.Account = strings.Repeat("行", 42), "6222000011112222" }), "", ""},
	"bank and account of 101":      {buyer(func(b *Buyer) { b.Bank, b.Account = strings.Repeat("行", 42), "62220000111122223" }), "buyer.bank", TooLongTogether},

	// 2.16: the buyer. tax numbers have other lengths in 2.9.
	"a buyer needs a name":        {buyer(func(b *Buyer) { b.Name = "" }), "buyer.name", Required},
	"a buyer who is kept only":    {func(s *Sale) { s.Wish, s.Buyer.Mobile = WishNone, "13800138000" }, "", ""},
	"tax number of 6":             {buyer(func(b *Buyer) { b.TaxNo = "12345A" }), "", ""},
	"tax number of 5":             {buyer(func(b *Buyer) { b.TaxNo = "12345" }), "buyer.tax_no", BadTaxNo},
	"tax number of 20":            {buyer(func(b *Buyer) { b.TaxNo = strings.Repeat("9", 20) }), "", ""},
	"tax number of 21":            {buyer(func(b *Buyer) { b.TaxNo = strings.Repeat("9", 21) }), "buyer.tax_no", TooLong},
	"tax number in small letters": {buyer(func(b *Buyer) { b.TaxNo = "91110108ma0000000x" }), "buyer.tax_no", BadTaxNo},
	"mobile of 10":                {buyer(func(b *Buyer) { b.Mobile = "1380013800" }), "buyer.mobile", BadMobile},
	"mobile of 12":                {buyer(func(b *Buyer) { b.Mobile = "138001380000" }), "buyer.mobile", BadMobile},
	"mobile with a plus":          {buyer(func(b *Buyer) { b.Mobile = "+8613800138" }), "buyer.mobile", BadMobile},
	"e-mail of 50":                {buyer(func(b *Buyer) { b.Email = strings.Repeat("a", 43) + "@a.test" }), "", ""},
	"e-mail of 51":                {buyer(func(b *Buyer) { b.Email = strings.Repeat("a", 44) + "@a.test" }), "buyer.email", TooLong},
	"e-mail without a domain":     {buyer(func(b *Buyer) { b.Email = "abc@" }), "buyer.email", BadEmail},
	"e-mail without a dot":        {buyer(func(b *Buyer) { b.Email = "abc@def" }), "buyer.email", BadEmail},
	"e-mail that ends in a dot":   {buyer(func(b *Buyer) { b.Email = "abc@def." }), "buyer.email", BadEmail},
	"e-mail without a name":       {buyer(func(b *Buyer) { b.Email = "@b.cn" }), "buyer.email", BadEmail},
	"two e-mails":                 {buyer(func(b *Buyer) { b.Email = "a@b.cn,c@d.cn" }), "buyer.email", BadEmail},
	"e-mail with a blank":         {buyer(func(b *Buyer) { b.Email = "a b@c.cn" }), "buyer.email", BadEmail},
	"e-mail in Chinese":           {buyer(func(b *Buyer) { b.Email = "王@b.cn" }), "buyer.email", BadEmail},

	// Fields-2: numbers. Decimals and digits are refused by ParseMoney and
	// ParseDecimal, which give no value to check.
	"total differs by a fen": {func(s *Sale) { s.Total = 5851 }, "total", TotalDiffers},
	"total is not negative":  {func(s *Sale) { s.Total = -1 }, "total", Between},
	"the largest amount": {func(s *Sale) {
		s.Items[0] = Line{Name: "房", Amount: MaxInvoiced, TaxCode: "111", Rate: 9}
		s.Total = MaxInvoiced
	}, "", ""},
	"an amount beyond the largest": {func(s *Sale) {
		s.Items[0] = Line{Name: "房", Amount: MaxInvoiced + 1, Discount: -1, TaxCode: "111", Rate: 9}
		s.Total = MaxInvoiced
	}, "items[0].amount", Between},
	"a total beyond the largest": {func(s *Sale) {
		l := Line{Name: "房", Amount: MaxInvoiced, TaxCode: "111", Rate: 9}
		s.Items = []Line{l, l}
		s.Total = 2 * MaxInvoiced
	}, "total", Between},
	"the largest that is kept only": {func(s *Sale) {
		s.Wish, s.Items[0], s.Total = WishNone, Line{Name: "房", Amount: MaxMoney, Rate: NoRate}, MaxMoney
	}, "", ""},
	"beyond the largest kept": {func(s *Sale) {
		s.Wish, s.Items[0], s.Total = WishNone, Line{Name: "房", Amount: MaxMoney + 1, Rate: NoRate}, MaxMoney+1
	}, "total", Between},
	"a line is not negative": {func(s *Sale) {
		s.Items = append(s.Items, Line{Name: "退", Amount: -100, TaxCode: "111", Rate: 9})
		s.Total -= 100
	}, "items[1].amount", Between},
	"a gift":                              {func(s *Sale) { s.Items = append(s.Items, Line{Name: "赠品", TaxCode: "111", Rate: 9}) }, "", ""},
	"nothing to invoice":                  {func(s *Sale) { s.Items[0].Discount, s.Total = -6000, 0 }, "total", ZeroInvoiced},
	"nothing to keep":                     {func(s *Sale) { s.Wish, s.Items[0].Discount, s.Total = WishNone, -6000, 0 }, "", ""},
	"a discount of the whole line":        {func(s *Sale) { s.Items = append(s.Items, s.Items[0]); s.Items[0].Discount = -6000 }, "", ""},
	"a discount above the line":           {func(s *Sale) { s.Items = append(s.Items, s.Items[0]); s.Items[0].Discount, s.Total = -6001, 5849 }, "items[0].discount", Between},
	"a discount is not positive":          {func(s *Sale) { s.Items[0].Discount, s.Total = 1, 6001 }, "items[0].discount", Between},
	"product a fen off":                   {func(s *Sale) { s.Items[0].Amount, s.Total = 5999, 5849 }, "", ""}, // sent without price and quantity
	"product two fen off":                 {func(s *Sale) { s.Items[0].Amount, s.Total = 5998, 5848 }, "items[0].amount", AmountDiffers},
	"product a fen and a part off":        {func(s *Sale) { s.Items[0].UnitPrice, s.Items[0].Amount, s.Total = 29_9999_0000, 6001, 5851 }, "items[0].amount", AmountDiffers},
	"quantity without price":              {line(func(l *Line) { l.UnitPrice = 0 }), "", ""}, // sent without either
	"price without quantity":              {line(func(l *Line) { l.Quantity = 0 }), "", ""},
	"quantity of more than 10 characters": {line(func(l *Line) { l.Quantity, l.UnitPrice = 20_0000_0001, 3_0000_0000 }), "", ""}, // sent without either
	"quantity is not negative":            {line(func(l *Line) { l.Quantity = -1 }), "items[0].quantity", AtLeast},
	"price is not negative":               {line(func(l *Line) { l.UnitPrice = -1 }), "items[0].unit_price", AtLeast},

	// Lines, and Fields-3 and 4: tax.
	"no lines":                         {func(s *Sale) { s.Items = nil }, "items", NoItems},
	"100 lines":                        {many(100, 0), "", ""},
	"101 lines":                        {many(101, 0), "items", TooManyLines},
	"50 discounted lines":              {many(50, 50), "", ""},
	"51 lines, 50 of them discounted":  {many(51, 50), "items", TooManyLines},
	"a line has a name":                {line(func(l *Line) { l.Name = " " }), "items[0].name", Required},
	"no tax code":                      {line(func(l *Line) { l.TaxCode = "" }), "items[0].tax_code", TaxMissing},
	"tax code of 3":                    {line(func(l *Line) { l.TaxCode = "107" }), "", ""},
	"tax code of 2":                    {line(func(l *Line) { l.TaxCode = "10" }), "items[0].tax_code", BadTaxCode},
	"tax code of 20":                   {line(func(l *Line) { l.TaxCode += "0" }), "items[0].tax_code", BadTaxCode},
	"tax code of letters":              {line(func(l *Line) { l.TaxCode = "30x" }), "items[0].tax_code", BadTaxCode},
	"no rate":                          {line(func(l *Line) { l.Rate = NoRate }), "items[0].tax_rate", TaxMissing},
	"rate out of force":                {line(func(l *Line) { l.Rate = 17 }), "items[0].tax_rate", OneOf},
	"rate 0 needs a flag":              {line(func(l *Line) { l.Rate = 0 }), "items[0].zero_tax_flag", ZeroFlagMissing},
	"rate 0, export":                   {line(func(l *Line) { l.Rate, l.ZeroTaxFlag = 0, "0" }), "", ""},
	"rate 0, plain":                    {line(func(l *Line) { l.Rate, l.ZeroTaxFlag = 0, "3" }), "", ""},
	"unknown flag":                     {line(func(l *Line) { l.Rate, l.ZeroTaxFlag = 0, "4" }), "items[0].zero_tax_flag", OneOf},
	"two flags":                        {line(func(l *Line) { l.Rate, l.ZeroTaxFlag = 0, "12" }), "items[0].zero_tax_flag", OneOf},
	"flag with a rate":                 {line(func(l *Line) { l.ZeroTaxFlag = "1" }), "items[0].zero_tax_flag", ZeroFlagWithRate},
	"kept only, no tax":                {func(s *Sale) { s.Wish, s.Items[0].TaxCode, s.Items[0].Rate = WishNone, "", NoRate }, "", ""},
	"kept only, rate 0 without a flag": {func(s *Sale) { s.Wish, s.Items[0].Rate = WishNone, 0 }, "", ""},
	"kept only, tax code of letters":   {func(s *Sale) { s.Wish, s.Items[0].TaxCode = WishNone, "30x" }, "items[0].tax_code", BadTaxCode},

	// 2.9: direct issue.
	"direct":                       {direct(func(*Sale) {}), "", ""},
	"direct, special":              {direct(func(s *Sale) { s.Kind = KindSpecial }), "", ""},
	"direct, other kind":           {direct(func(s *Sale) { s.Kind = "10" }), "kind", OneOf},
	"direct needs a buyer":         {direct(func(s *Sale) { s.Buyer = Buyer{} }), "buyer.name", Required},
	"direct for a person":          {direct(func(s *Sale) { s.Buyer = Buyer{Name: "王小明"} }), "", ""},
	"direct, special for a person": {direct(func(s *Sale) { s.Kind, s.Buyer = KindSpecial, Buyer{Name: "王小明"} }), "buyer.tax_no", Required},
	"direct, tax number of 15":     {direct(func(s *Sale) { s.Buyer.TaxNo = "911101080000000" }), "", ""},
	"direct, tax number of 14":     {direct(func(s *Sale) { s.Buyer.TaxNo = "91110108000000" }), "buyer.tax_no", BadTaxNoDirect},
	"direct, tax number of 20":     {direct(func(s *Sale) { s.Buyer.TaxNo = strings.Repeat("9", 20) }), "", ""},
	"direct, tax number of 21":     {direct(func(s *Sale) { s.Buyer.TaxNo = strings.Repeat("9", 21) }), "buyer.tax_no", TooLong},
	"direct, nothing to invoice":   {direct(func(s *Sale) { s.Items[0].Discount, s.Total = -6000, 0 }), "total", ZeroInvoiced},
	"direct, 101 lines":            {direct(many(101, 0)), "items", TooManyLines},
	"direct, no tax code":          {direct(func(s *Sale) { s.Items[0].TaxCode = "" }), "items[0].tax_code", TaxMissing},
	"direct beyond the largest": {direct(func(s *Sale) {
		s.Items[0] = Line{Name: "房", Amount: MaxInvoiced + 1, TaxCode: "111", Rate: 9}
		s.Total = MaxInvoiced + 1
	}), "total", Between},
}

func TestRules(t *testing.T) {
	r := Rules{Encodable: func(c rune) bool { return c != '😀' && c != '€' && c != '䶮' }}
	for name, c := range rules {
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

func TestTextLimits(t *testing.T) {
	for field, c := range map[string]struct {
		bytes int
		set   func(*Sale, string)
	}{
		"cashier":            {40, func(s *Sale, v string) { s.Cashier = v }},
		"register":           {40, func(s *Sale, v string) { s.Register = v }},
		"remark":             {200, func(s *Sale, v string) { s.Remark = v }}, // 240 in 2.16 and 2.9
		"payments[0].method": {40, func(s *Sale, v string) { s.Payments[0].Method = v }},
		"items[0].sku":       {50, func(s *Sale, v string) { s.Items[0].SKU = v }},
		"items[0].name":      {100, func(s *Sale, v string) { s.Items[0].Name = v }},
		"items[0].spec":      {40, func(s *Sale, v string) { s.Items[0].Spec = v }},
		"items[0].unit":      {20, func(s *Sale, v string) { s.Items[0].Unit = v }},
		"buyer.name":         {100, func(s *Sale, v string) { s.Buyer.Name = v }},
		"buyer.address":      {100, func(s *Sale, v string) { s.Buyer.Address, s.Buyer.Phone = v, "" }},
		"buyer.bank":         {100, func(s *Sale, v string) { s.Buyer.Bank, s.Buyer.Account = v, "" }},
		"buyer.account":      {50, func(s *Sale, v string) { s.Buyer.Account, s.Buyer.Bank = v, "" }},
	} {
		// Chinese characters count two, so an odd length needs one of one.
		fits := strings.Repeat("字", c.bytes/2)
		for text, want := range map[string]bool{fits: true, fits + "a": false, strings.Repeat("a", c.bytes): true, strings.Repeat("a", c.bytes+1): false} {
			s := lunch()
			titled(&s)
			c.set(&s, text)
			s.Normalise()
			ps := Rules{}.Check(&s)
			switch {
			case want && len(ps) > 0:
				t.Errorf("%s of %d bytes: %v", field, GBKLen(text), ps)
			case !want && (len(ps) == 0 || ps[0].Field != field || ps[0].Message.Key != TooLong):
				t.Errorf("%s of %d bytes: problems %v, want it to be too long", field, GBKLen(text), ps)
			}
		}
	}
}

func TestTelephoneIsWrittenInASCII(t *testing.T) {
	s := lunch()
	titled(&s)
	s.Buyer.Phone = "（０１０）８８８８－６６６６"
	s.Normalise()
	if ps := (Rules{}).Check(&s); len(ps) > 0 || s.Buyer.Phone != "(010)8888-6666" {
		t.Errorf("%q %v", s.Buyer.Phone, ps)
	}
}

func TestRatesAreConfigured(t *testing.T) {
	s := lunch()
	r := Rules{Rates: []Rate{13, 0}}
	s.Normalise()
	ps := r.Check(&s)
	if len(ps) != 1 || ps[0].Field != "items[0].tax_rate" || ps[0].Message.In(EN) != "must be one of 0.13, 0" {
		t.Errorf("problems %v, want the rates", ps)
	}
	for _, rate := range Rates {
		s := lunch()
		if s.Items[0].Rate = rate; rate == 0 {
			s.Items[0].ZeroTaxFlag = "2"
		}
		s.Normalise()
		if ps := (Rules{}).Check(&s); len(ps) > 0 {
			t.Errorf("rate %s: %v", rate, ps)
		}
	}
}

func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	s := lunch()
	s.ID, s.Total, s.Wish, s.Remark, s.Buyer.Email = "", 1, "fax", strings.Repeat("a", 201), "x"
	s.Items[0].Name, s.Items[0].TaxCode, s.Items[0].Rate = "饭😀", "", NoRate
	s.Normalise()
	got := map[string]bool{}
	for _, p := range (Rules{Encodable: func(c rune) bool { return c != '😀' }}).Check(&s) {
		got[p.Field] = true
		if p.Field == "items[0].name" && !strings.Contains(p.Message.In(ZH), "😀 (U+1F600)") {
			t.Errorf("the character is not named: %s", p.Message.In(ZH))
		}
	}
	for _, want := range []string{"sale_id", "total", "invoice", "remark", "buyer.email", "items[0].name", "items[0].tax_code", "items[0].tax_rate"} {
		if !got[want] {
			t.Errorf("%s is not named", want)
		}
	}
}

func TestRefundRules(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*RefundRequest)
		field string
		key   Key
	}{
		"the whole":                {func(r *RefundRequest) { *r = RefundRequest{ID: "R"} }, "", ""},
		"a line":                   {func(*RefundRequest) {}, "", ""},
		"an amount":                {func(r *RefundRequest) { r.Items = nil }, "", ""},
		"no id":                    {func(r *RefundRequest) { r.ID = "" }, "refund_id", BadID},
		"unknown reason":           {func(r *RefundRequest) { r.Reason = "regret" }, "reason", OneOf},
		"print mode":               {func(r *RefundRequest) { r.Print.Mode = "fax" }, "print.mode", OneOf},
		"line 0":                   {func(r *RefundRequest) { r.Items[0].Line = 0 }, "items[0].line", AtLeast},
		"nothing of a line":        {func(r *RefundRequest) { r.Items[0].Amount, r.Amount = 0, 0 }, "items[0].amount", AtLeast},
		"quantity is not negative": {func(r *RefundRequest) { r.Items[0].Quantity = -1 }, "items[0].quantity", AtLeast},
		"sum":                      {func(r *RefundRequest) { r.Amount = 3001 }, "amount", TotalDiffers},
		"beyond the largest":       {func(r *RefundRequest) { r.Items, r.Amount = nil, MaxMoney+1 }, "amount", Between},
	} {
		f := RefundRequest{ID: "R-1", Amount: 3000, Items: []RefundLine{{Line: 1, Quantity: 1_0000_0000, Amount: 3000}}}
		c.spoil(&f)
		f.Normalise()
		ps := Rules{}.CheckRefund(&f)
		switch {
		case c.field == "" && len(ps) > 0:
			t.Errorf("%s: %v", name, ps)
		case c.field != "" && (len(ps) == 0 || ps[0].Field != c.field || ps[0].Message.Key != c.key):
			t.Errorf("%s: problems %v, want %s %s first", name, ps, c.field, c.key)
		}
	}
}

func TestFilledTextsAreCheckedToo(t *testing.T) {
	s := lunch()
	s.Items[0].Name, s.Items[0].Unit = "", ""
	s.Normalise()
	r := Rules{Fill: func(l *Line) { l.Name, l.Unit = "茶", strings.Repeat("位", 11) }}
	if ps := r.Check(&s); len(ps) != 1 || ps[0].Field != "items[0].unit" || s.Items[0].Name != "茶" {
		t.Errorf("problems %v, name %q", ps, s.Items[0].Name)
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

// TestNegativeLine: a line that is wrong has no range for its discount to name.
func TestNegativeLine(t *testing.T) {
	s := lunch()
	s.Items = append(s.Items, Line{Name: "退", Amount: -100, TaxCode: "111", Rate: 9})
	s.Total -= 100
	s.Normalise()
	if ps := (Rules{}).Check(&s); len(ps) != 1 || ps[0].Field != "items[1].amount" {
		t.Errorf("problems %v", ps)
	}
}

// TestDigestOfExtra: the order of names in extra means nothing, the way a number
// is written may.
func TestDigestOfExtra(t *testing.T) {
	of := func(extra string) string { return Sale{Extra: json.RawMessage(extra)}.Digest() }
	first := of(`{"a":{"x":1.50,"y":[1,{"p":null,"q":1e400}]},"b":"<茶>"}`)
	if of(`{"b":"<茶>","a":{"y":[1,{"q":1e400,"p":null}],"x":1.50}}`) != first {
		t.Error("another order is another digest")
	}
	for _, other := range []string{`{"a":{"x":1.5,"y":[1,{"p":null,"q":1e400}]},"b":"<茶>"}`, `{"a":{"x":1.50,"y":[{"p":null,"q":1e400},1]},"b":"<茶>"}`, `{}`} {
		if of(other) == first {
			t.Errorf("%s has the same digest", other)
		}
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
