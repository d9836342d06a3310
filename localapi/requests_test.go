package localapi

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"tillagent/trade"
)

const line = `{"name":"茶","amount":"9.90"}`

// sale makes a sale's body with some members put in front.
func sale(members string) string {
	return `{` + members + `"sale_id":"S1","total":"9.90","items":[` + line + `],"invoice":"none"}`
}

// fieldsOf are the paths and keys of a validation failure, "path key" each.
func fieldsOf(t *testing.T, err error) []string {
	t.Helper()
	var f *failure
	if err == nil {
		return nil
	}
	if !errors.As(err, &f) || f.code != trade.ErrValidation || len(f.fields) == 0 {
		t.Fatalf("not a failed validation: %v", err)
	}
	var out []string
	for _, p := range f.fields {
		out = append(out, p.Field+" "+string(p.Message.Key))
	}
	return out
}

func TestReadSaleProblems(t *testing.T) {
	tests := []struct {
		name, body string
		want       string // "path key, path key"
	}{
		{"nothing", `{}`, "sale_id required, total required, items required"},
		{"nulls", `{"sale_id":null,"total":null,"items":null}`, "sale_id required, total required, items required"},
		{"a list", `[1]`, "body wrong_type"},
		{"a text", `"x"`, "body wrong_type"},
		{"null", `null`, "body wrong_type"},
		{"unknown field", sale(`"totall":"1",`), "totall unknown_field"},
		{"unknown null", sale(`"totall":null,`), "totall unknown_field"},
		{"unknown in item", `{"sale_id":"S1","total":"1","items":[{"name":"a","amount":"1","pirce":"1"}]}`, "items[0].pirce unknown_field"},
		{"unknown in payment", sale(`"payments":[{"method":"a","amount":"1"},{"method":"a","amount":"1","x":1}],`), "payments[1].x unknown_field"},
		{"unknown in buyer and print", sale(`"buyer":{"nmae":""},"print":{"copys":1},`), "buyer.nmae unknown_field, print.copys unknown_field"},
		{"case matters", sale(`"Total":"9.90",`), "Total unknown_field"},
		{"duplicate", sale(`"total":"1",`), "total duplicate_field"},
		{"duplicate, escaped", sale(`"tot\u0061l":"1",`), "total duplicate_field"},
		{"duplicate in extra", sale(`"extra":{"a":[{"b":1,"b":2}]},`), "extra.a[0].b duplicate_field"},
		{"three decimals", `{"sale_id":"S1","total":12.345,"items":[{"name":"a","amount":12.345}]}`, "total bad_decimals, items[0].amount bad_decimals"},
		{"exponent", strings.Replace(sale(""), `"9.90"`, `9.9e0`, 1), "total bad_number"},
		{"exponent in text", strings.Replace(sale(""), `"9.90"`, `"1E1"`, 1), "total bad_number"},
		{"plus, blank, comma", `{"sale_id":"S1","total":"+1","items":[{"name":"a","amount":" 1"},{"name":"a","amount":"1,5"},{"name":"a","amount":""}]}`,
			"total bad_number, items[0].amount bad_number, items[1].amount bad_number, items[2].amount bad_number"},
		{"NaN", strings.Replace(sale(""), `"9.90"`, `"NaN"`, 1), "total bad_number"},
		{"13 digits", strings.Replace(sale(""), `"9.90"`, `"1000000000000"`, 1), "total between"},
		{"types", `{"sale_id":1,"total":true,"items":{},"cashier":1,"payments":"x","buyer":[],"print":1,"extra":[1],"sold_at":5}`,
			"sale_id wrong_type, sold_at wrong_type, cashier wrong_type, buyer wrong_type, print wrong_type, extra wrong_type, total wrong_type, items wrong_type, payments wrong_type"},
		{"item types", `{"sale_id":"S1","total":"1","items":["x",null,{"name":1,"amount":[]}]}`,
			"items[0] wrong_type, items[1] wrong_type, items[2].name wrong_type, items[2].amount wrong_type"},
		{"item without", `{"sale_id":"S1","total":"1","items":[{}]}`, "items[0].name required, items[0].amount required"},
		{"payment without", sale(`"payments":[{}],`), "payments[0].method required, payments[0].amount required"},
		{"quantity", `{"sale_id":"S1","total":"1","items":[{"name":"a","amount":"1","quantity":0.123456789,"unit_price":"123456789"}]}`,
			"items[0].quantity bad_decimals, items[0].unit_price between"},
		{"rate", `{"sale_id":"S1","total":"1","items":[{"name":"a","amount":"1","tax_rate":0.07},{"name":"a","amount":"1","tax_rate":"6%"}]}`,
			"items[0].tax_rate bad_rate, items[1].tax_rate bad_rate"},
		{"21 payments", sale(`"payments":[` + strings.Repeat(`{"method":"a","amount":"1"},`, 20) + `{}],`), "payments too_many"},
		{"101 items", `{"sale_id":"S1","total":"1","items":[` + strings.Repeat(line+",", 100) + `{}]}`, "items too_many"},
		{"copies", sale(`"print":{"copies":0},`), "print.copies between"},
		{"copies, many", sale(`"print":{"copies":99999999999},`), "print.copies between"},
		{"copies, half", sale(`"print":{"copies":1.5},`), "print.copies wrong_type"},
		{"copies, text", sale(`"print":{"copies":"1"},`), "print.copies wrong_type"},
		{"drawer", sale(`"print":{"open_drawer":1},`), "print.open_drawer wrong_type"},
		{"lines and raw", sale(`"print":{"lines":{},"raw":1},`), "print.lines wrong_type, print.raw wrong_type"},
		{"raw", sale(`"print":{"mode":"raw","raw":"YQ"},`), "print.raw bad_base64"},
		{"twice in a line", sale(`"print":{"mode":"lines","lines":[{"text":"a","text":"b"}]},`), "print.lines[0].text duplicate_field"},
		{"time without offset", sale(`"sold_at":"2026-11-22T19:30:05",`), "sold_at bad_time"},
		{"time with a blank", sale(`"sold_at":"2026-11-22 19:30:05+08:00",`), "sold_at bad_time"},
		{"no such day", sale(`"sold_at":"2026-02-30T19:30:05+08:00",`), "sold_at bad_time"},
		{"year 9999", sale(`"sold_at":"9999-12-31T23:59:59-08:00",`), "sold_at between"},
		{"year 1", sale(`"sold_at":"0001-01-01T00:00:00Z",`), "sold_at between"},
		{"ids", strings.Replace(sale(""), `"S1"`, `"中文"`, 1), "sale_id bad_id"},
		{"empty id", strings.Replace(sale(""), `"S1"`, `""`, 1), "sale_id bad_id"},
		{"no letter", strings.Replace(sale(""), `"S1"`, `"-./"`, 1), "sale_id bad_id"},
		{"51 characters", strings.Replace(sale(""), `"S1"`, `"`+strings.Repeat("x", 51)+`"`, 1), "sale_id bad_id"},
		{"depth 16", sale(`"extra":{"a":` + strings.Repeat("[", 14) + strings.Repeat("]", 14) + `},`), ""},
		{"depth 17", sale(`"extra":{"a":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + `},`), "extra.a" + strings.Repeat("[0]", 14) + " too_deep"},
		{"long name", sale(`"` + strings.Repeat("茶", 100) + `":1,`), strings.Repeat("茶", 20) + "… unknown_field"},
		{"blanks and nulls", " \n\t{ \"sale_id\" : \"S1\" ,\r\n\"total\":9.9,\"items\":[ { \"name\":\"a\" , \"amount\" : 9.9,\"quantity\":null,\"tax_rate\":\"\" } ] , \"print\":null,\"extra\":null } ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readSale([]byte(tt.body))
			if got := strings.Join(fieldsOf(t, err), ", "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestReadSaleProblemsAreBounded(t *testing.T) {
	body := `{"` + strings.Repeat("x", 1<<19) + `":[` + strings.Repeat(`{"a":1,"a":1},`, 30000) + `0]}`
	_, err := readSale([]byte(body))
	fields := fieldsOf(t, err)
	size := 0
	for _, f := range fields {
		size += len(f)
	}
	if len(fields) != maxProblems || size > 1<<14 {
		t.Errorf("%d problems of %d bytes", len(fields), size)
	}
}

func TestReadSale(t *testing.T) {
	s, err := readSale([]byte(`{"sale_id":"S1","total":58.5,"sold_at":"2026-11-22T11:30:05Z","items":[{"name":" ¥茶 ","amount":"60","discount":-1.50,"quantity":2,"unit_price":30,
		"tax_code":"307","tax_rate":0.06,"spec":"大","unit":"份","sku":"A"}],"payments":[{"method":"现金","amount":58.50}],"shop_num":"","remark":"好",
		"buyer":{"name":"甲","tax_no":"9","address":"b","phone":"c","bank":"d","account":"e","email":"f","mobile":"g"},
		"print":{"mode":"slip","copies":2,"open_drawer":true,"lines":null,"raw":null},"extra":{ "b" : [ 1.0 , "x y" ] , "a" : null }}`))
	if err != nil {
		t.Fatal(fieldsOf(t, err))
	}
	l := s.Items[0]
	if l.Name != "￥茶" || l.Amount != 6000 || l.Discount != -150 || l.Quantity != 2e8 || l.UnitPrice != 30e8 || l.TaxCode != "307" || l.Rate != 6 || l.Spec != "大" || l.Unit != "份" || l.SKU != "A" {
		t.Errorf("%+v", l)
	}
	if s.Total != 5850 || s.SoldAt.Format("15:04:05 -0700") != "19:30:05 +0800" || s.Wish != trade.WishQR || s.Payments[0] != (trade.Payment{Method: "现金", Amount: 5850}) || s.Remark != "好" {
		t.Errorf("%+v", s)
	}
	if s.Buyer != (trade.Buyer{Name: "甲", TaxNo: "9", Address: "b", Phone: "c", Bank: "d", Account: "e", Email: "f", Mobile: "g"}) {
		t.Errorf("%+v", s.Buyer)
	}
	if !reflect.DeepEqual(s.Print, trade.PrintWish{Mode: trade.PrintSlip, Copies: 2, OpenDrawer: true}) {
		t.Errorf("%+v", s.Print)
	}
	if got := string(s.Extra); got != `{"b":[1.0,"x y"],"a":null}` {
		t.Errorf("extra %s", got)
	}
	empty := `{"sale_id":"S1","total":"1","items":[{"name":"a","amount":"1","quantity":"","unit_price":"","tax_rate":""}]}`
	if s, err = readSale([]byte(empty)); err != nil || s.Items[0].Quantity != 0 || s.Items[0].UnitPrice != 0 || s.Items[0].Rate != trade.NoRate {
		t.Errorf("%+v, %v: what is empty is left out", s, err)
	}
	if s, err = readSale([]byte(sale(""))); err != nil || s.Items[0].Rate != trade.NoRate || !s.SoldAt.IsZero() || s.Extra != nil || s.Payments == nil {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestValidation is about what comes out over HTTP.
func TestValidation(t *testing.T) {
	x := newTill(t)
	lines := func(n int, discount string) string {
		one := `{"name":"a","amount":"1.00"` + discount + `,"tax_code":"3070401000000000000","tax_rate":"0.06"}`
		return strings.TrimSuffix(strings.Repeat(one+",", n), ",")
	}
	with := func(old, new string) string { return strings.Replace(saleBody("S1"), old, new, 1) }
	tests := []struct{ name, body, field string }{
		{"101 lines", `{"sale_id":"S1","total":"101","items":[` + lines(101, "") + `]}`, "items"},
		{"51 lines with discounts", `{"sale_id":"S1","total":"50.49","items":[` + lines(51, `,"discount":"-0.01"`) + `]}`, "items"},
		{"no lines", `{"sale_id":"S1","total":"0","items":[],"invoice":"none"}`, "items"},
		{"too much for an invoice", strings.NewReplacer("58.50", "100000000.00", "60.00", "100000001.50").Replace(saleBody("S1")), "total"},
		{"total", with(`"total":"58.50"`, `"total":"58.51"`), "total"},
		{"amount", with(`"30.00"`, `"30.02"`), "items[0].amount"},
		{"no tax rate", with(`,"tax_rate":"0.06"`, ``), "items[0].tax_rate"},
		{"no tax code", with(`"tax_code":"3070401000000000000",`, ``), "items[0].tax_code"},
		{"rate 0 without flag", with(`"0.06"`, `"0"`), "items[0].zero_tax_flag"},
		{"emoji", with("午餐", "午餐🍜"), "items[0].name"},
		{"control character", with("午餐", `午\n餐`), "items[0].name"},
		{"lone surrogate", with("午餐", `\ud800`), "items[0].name"},
		{"direct without a buyer", with(`"cashier"`, `"invoice":"direct","cashier"`), "buyer.name"},
		{"direct, special, without a tax number", with(`"cashier"`, `"invoice":"direct","kind":"81","buyer":{"name":"甲"},"cashier"`), "buyer.tax_no"},
		{"kind", with(`"cashier"`, `"invoice":"direct","kind":"01","buyer":{"name":"甲"},"cashier"`), "kind"},
		{"kind of a code", with(`"cashier"`, `"kind":"82","cashier"`), "kind"},
		{"invoice_id of a sale", with(`"cashier"`, `"invoice_id":"I1","cashier"`), "invoice_id"},
		{"no such wish", with(`"cashier"`, `"invoice":"later","cashier"`), "invoice"},
		{"no such print mode", with(`"cashier"`, `"print":{"mode":"fax"},"cashier"`), "print.mode"},
		{"lines mode without lines", with(`"cashier"`, `"print":{"mode":"lines"},"cashier"`), "print.lines"},
		{"lines mode with none", with(`"cashier"`, `"print":{"mode":"lines","lines":[]},"cashier"`), "print.lines"},
		{"raw mode without bytes", with(`"cashier"`, `"print":{"mode":"raw"},"cashier"`), "print.raw"},
		{"lines in another mode", with(`"cashier"`, `"print":{"lines":[{"feed":1}]},"cashier"`), "print.lines"},
		{"raw in another mode", with(`"cashier"`, `"print":{"mode":"slip","raw":"YQ=="},"cashier"`), "print.raw"},
		{"a line that is none", with(`"cashier"`, `"print":{"mode":"lines","lines":[{"feed":1},{"txt":"a"}]},"cashier"`), "print.lines[1].txt"},
		{"a column too wide", with(`"cashier"`, `"print":{"mode":"lines","lines":[{"feed":1},{"rule":"-"},{"cut":"full"},{"columns":[{"text":"a","width":49}]}]},"cashier"`),
			"print.lines[3].columns[0].width"},
		{"angle bracket", with(`"cashier"`, `"buyer":{"name":"<b>"},"cashier"`), "buyer.name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := x.post("/v1/sales", tt.body).want(t, 422, trade.ErrValidation)
			if got := a.json(t, "fields", 0, "field"); got != tt.field {
				t.Errorf("field %v, want %s: %s", got, tt.field, a.body)
			}
			if detail := a.json(t, "detail").(string); !strings.HasPrefix(detail, tt.field+": ") {
				t.Errorf("detail %q", detail)
			}
			x.get("/v1/sales/S1").want(t, 404, trade.ErrNotFound)
		})
	}
	a := x.post("/v1/sales", with("午餐", "午餐🍜"))
	if got := a.json(t, "fields", 0, "message"); got != "character 🍜 (U+1F35C) can neither be printed nor invoiced" {
		t.Errorf("message %q", got)
	}
	x.post("/v1/sales", `{"sale_id":"L100","total":"100","items":[`+lines(100, "")+`]}`).want(t, 201, "")
	x.post("/v1/sales", plainBody("BIG", "999999999999.99")).want(t, 201, "")
}

func TestInvalidJSON(t *testing.T) {
	x := newTill(t)
	for _, body := range []string{
		"", " ", "{", "nul", "{}{}", "{} x", `{"a":1,}`, `{'a':1}`, "{\"a\":01}", `{"a":NaN}`, "\xef\xbb\xbf{}", "{\"a\":\"\xff\"}", "{\"a\":\"\n\"}", `{"a":"\x"}`,
		"sale_id=1", strings.Repeat("[", 100_000), `{"sale_id":"S1"`, "[1,2", `{"a" 1}`,
	} {
		x.post("/v1/sales", body).want(t, 400, trade.ErrInvalidJSON)
	}
	x.post("/v1/sales", strings.Repeat("[", 5000)+strings.Repeat("]", 5000)).want(t, 422, trade.ErrValidation)
}

func FuzzReadSale(f *testing.F) { fuzzRead(f, readSale) }

func FuzzReadInvoice(f *testing.F) { fuzzRead(f, readInvoice) }

func fuzzRead(f *testing.F, read func([]byte) (trade.Sale, error)) {
	for _, seed := range []string{saleBody("S1"), sale(""), plainBody("P1", "1.00"), invoiceBody("I1"), invoiceBody("I1", `"sale_id":"S1","kind":"81",`),
		`{"extra":{"a":[1e5,"\u00e9\ud83d\ude00",{"":null}]}}`, `[[[]]]`, `{"a":1,"a":2}`, ` true `, `{"total":-0.1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := read(body)
		var fail *failure
		switch {
		case err == nil:
			if s.Digest() != func() string { again, _ := read(body); return again.Digest() }() {
				t.Error("the digest is not the same twice")
			}
			if _, bad := trade.IDProblem(s.ID); bad {
				t.Errorf("sale_id %q is taken", s.ID)
			}
			if _, bad := trade.IDProblem(s.InvoiceID); bad && s.InvoiceID != "" {
				t.Errorf("invoice_id %q is taken", s.InvoiceID)
			}
		case !errors.As(err, &fail):
			t.Errorf("%v", err)
		case fail.code == trade.ErrValidation && (len(fail.fields) == 0 || len(fail.fields) > maxProblems):
			t.Errorf("%d problems", len(fail.fields))
		}
	})
}

// FuzzPath: an id put into a path comes out of it, and no path is taken twice.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"S1", "a/b", "A:1/2", "..", "%2F", "a b", "中", "a?b#c", "/", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		rt, n, _ := find("GET", salePath(id))
		switch {
		case id == "" && rt != nil:
			t.Errorf("an empty id reaches %s", rt.path)
		case id != "" && (rt == nil || rt.path != "/v1/sales/{id}" || n != named{id: id}):
			t.Errorf("%q comes out as %q of %v", id, n, rt)
		}
		matches := 0
		for i := range routes {
			if _, ok := routes[i].match(id); ok && routes[i].method == "GET" {
				matches++
			}
		}
		if matches > 1 {
			t.Errorf("%q is the path of %d routes", id, matches)
		}
	})
}

func TestTreeKeepsBytes(t *testing.T) {
	for _, in := range []string{`{"a":[1.50,-0,1e5,"\u00e9",true,false,null,{},[]]}`, `"x"`, `12`, ` [ 1 , 2 ] `} {
		var ps problems
		n, err := parse([]byte(in), &ps)
		if err != nil || len(ps.list) > 0 {
			t.Fatal(err, ps.list)
		}
		if got := string(n.raw); got != strings.TrimSpace(in) {
			t.Errorf("%s is kept as %s", in, got)
		}
	}
	var ps problems
	n, err := parse([]byte(`{"a":[1.50,"\u00e9\"",true]}`), &ps)
	if err != nil {
		t.Fatal(err)
	}
	items := n.members()[0].items(3)
	if got := items[0].text() + " " + items[1].text() + " " + items[2].text(); got != `1.50 é" true` {
		t.Errorf("%s", got)
	}
}
