package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong"
	"tillagent/trade"
)

// object is a part of a request as a POS writes it.
type object = map[string]any

// counter is an agent without a printer between a POS and the sandbox, which
// judges what arrives as strictly as the platform documents.
func counter(t *testing.T) *pos {
	t.Helper()
	dir := t.TempDir()
	log := logger(os.Stderr, "error")
	platform, err := startSandbox("127.0.0.1:0", filepath.Join(dir, "sandbox"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { platform.Close() })
	shelf(t, filepath.Join(dir, "goods.csv"), goodsHead+"A01,龙井茶,1030204000000000000,0.13,,盒,250g\nZ01,图书,1060201010000000000,0,1,本,\n", 0)
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = \"127.0.0.1:0\"\n[tax]\ncatalogue = \"goods.csv\"\n%s",
		filepath.Join(dir, "data"), platform.Account().ConfigTOML(platform.URL, filepath.Join(dir, "sandbox")))
	cfg, err := config.Parse(filepath.Join(dir, "config.toml"), []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Piaotong.Poll = config.Poll{Fast: time.Hour, Slow: time.Hour}
	a, err := start(cfg, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.stop)
	return &pos{t, a.url(), filepath.Join(dir, "data")}
}

// ring posts a sale and gives the fields that were refused. A sale that is
// taken must come to a QR code or an invoice: the platform has nothing to
// refuse.
func (p *pos) ring(sale object) []string {
	p.t.Helper()
	body, err := json.Marshal(sale)
	if err != nil {
		p.t.Error(err)
		return nil
	}
	status, answer, err := p.call(http.MethodPost, "/v1/sales?wait=20s", string(body))
	switch {
	case err != nil:
		p.t.Error(err)
	case status == http.StatusCreated:
		well := []any{"qr_ready"}
		if sale["invoice"] == "direct" {
			well = []any{"invoicing", "invoiced"}
		}
		if !slices.Contains(well, answer["state"]) {
			p.t.Errorf("taken, and then %v: %v\n%s", answer["state"], answer["problem"], body)
		}
	case status == http.StatusUnprocessableEntity:
		var fields []string
		list, _ := answer["fields"].([]any)
		for _, f := range list {
			fields = append(fields, f.(object)["field"].(string))
		}
		if len(fields) == 0 {
			p.t.Errorf("refused without a field: %v\n%s", answer, body)
		}
		return fields
	default:
		p.t.Errorf("status %d: %v\n%s", status, answer, body)
	}
	return nil
}

// plain is a sale that is taken, to be changed.
func plain(id string) object {
	return object{"sale_id": id, "total": "60.00", "items": []any{
		object{"name": "午餐", "quantity": "2", "unit_price": "30.00", "amount": "60.00", "tax_code": "3070401000000000000", "tax_rate": "0.06"}}}
}

func firstLine(sale object) object { return sale["items"].([]any)[0].(object) }

// edge is a limit: values of a field that are just taken, and just not.
type edge struct {
	field  string
	set    func(sale object, value any)
	taken  []any
	beyond []any
}

func onSale(field string) func(object, any) {
	return func(s object, v any) { s[field] = v }
}

func onLine(field string) func(object, any) {
	return func(s object, v any) { firstLine(s)[field] = v }
}

// onBuyer gives the sale a buyer with a name and further fields.
func onBuyer(field string, more ...string) func(object, any) {
	return func(s object, v any) {
		b := object{"name": "某某公司"}
		for i := 0; i < len(more); i += 2 {
			b[more[i]] = more[i+1]
		}
		b[field] = v
		s["buyer"] = b
	}
}

// onDirect does so for an invoice that is issued at once.
func onDirect(field string, more ...string) func(object, any) {
	change := onBuyer(field, more...)
	return func(s object, v any) {
		change(s, v)
		s["invoice"] = "direct"
	}
}

// texts are values that just fit into so many bytes of GBK, and just do not.
func texts(bytes int) (taken, beyond []any) {
	han := strings.Repeat("字", bytes/2)
	return []any{han, strings.Repeat("a", bytes)}, []any{han + "a", strings.Repeat("a", bytes+1), han + "字"}
}

func limited(field string, bytes int, set func(object, any)) edge {
	taken, beyond := texts(bytes)
	return edge{field, set, taken, beyond}
}

// priced makes the line one of a quantity and a price whose product is right.
func priced(quantity, price, amount string) func(object, any) {
	return func(s object, _ any) {
		maps.Copy(firstLine(s), object{"quantity": quantity, "unit_price": price, "amount": amount})
		s["total"] = amount
	}
}

func worth(s object, v any) {
	s["items"], s["total"] = []any{object{"name": "房", "amount": v, "tax_code": "111", "tax_rate": "0.09"}}, v
}

func lines(s object, n any) {
	items := make([]any, n.(int))
	for i := range items {
		items[i] = maps.Clone(firstLine(s))
	}
	s["items"], s["total"] = items, (trade.Money(len(items)) * 6000).String()
}

func discounted(s object, n any) {
	lines(s, n)
	for _, l := range s["items"].([]any) {
		l.(object)["discount"] = "-0.50"
	}
	s["total"] = (trade.Money(n.(int)) * 5950).String()
}

var nine, twenty = strings.Repeat("9", 9), strings.Repeat("9", 20)

var edges = []edge{
	{"sale_id", onSale("sale_id"), []any{strings.Repeat("x", 50)}, []any{strings.Repeat("x", 51), ""}},
	{"shop_num", onSale("shop_num"), []any{"shop01", twenty}, []any{"shop1", twenty + "9", "shop-1"}},
	limited("remark", 200, onSale("remark")),
	limited("cashier", 40, onSale("cashier")),
	limited("items[0].name", 100, onLine("name")),
	limited("items[0].spec", 40, onLine("spec")),
	limited("items[0].unit", 20, onLine("unit")),
	limited("buyer.name", 100, onBuyer("name")),
	limited("buyer.address", 100, onBuyer("address")),
	limited("buyer.bank", 100, onBuyer("bank")),
	limited("buyer.account", 50, onBuyer("account")),
	{"buyer.address", onBuyer("address", "phone", "010-88886666"), []any{strings.Repeat("路", 44)}, []any{strings.Repeat("路", 44) + "1"}},
	{"buyer.bank", onBuyer("bank", "account", "6222000011112222"), []any{strings.Repeat("行", 42)}, []any{strings.Repeat("行", 42) + "1"}},
	{"buyer.phone", onBuyer("phone"), []any{"(010)8888-6666-12345", "（０１０）８８８８－６６６６"}, []any{"(010)8888-6666-123456", "电话 1", "010 8888"}},
	{"buyer.tax_no", onBuyer("tax_no"), []any{"12345A", twenty}, []any{"12345", twenty + "9", "12345a", "12345-"}},
	{"buyer.mobile", onBuyer("mobile"), []any{"13800138000"}, []any{"1380013800", "138001380000", "1380013800x"}},
	{"buyer.email", onBuyer("email"), []any{"a@b.c", strings.Repeat("a", 43) + "@a.test"}, []any{"a@bc", "a b@c.d", "@b.cn", strings.Repeat("a", 44) + "@a.test"}},
	{"buyer.name", onBuyer("name", "mobile", "13800138000"), []any{"王"}, []any{"", "a<b"}},
	{"items[0].tax_code", onLine("tax_code"), []any{"111", "3070401000000000000"}, []any{"11", "30704010000000000000", "30x", ""}},
	{"items[0].tax_rate", onLine("tax_rate"), []any{"0.13", "0.09", "0.060", "0.05", json.Number("0.03"), "0.01"}, []any{"0.17", "0.015", "0.06001", "", 6}},
	{"items[0].zero_tax_flag", func(s object, v any) { onLine("tax_rate")(s, "0"); onLine("zero_tax_flag")(s, v) }, []any{"0", "1", "2", "3"}, []any{"", "4", "01"}},
	{"items[0].zero_tax_flag", onLine("zero_tax_flag"), []any{""}, []any{"1"}},
	{"items[0].quantity", onLine("quantity"), []any{"2.00000000", 2}, []any{"2.000000001", nine, "-2", "2e0"}},
	{"items[0].unit_price", onLine("unit_price"), []any{"30.00000000", "29.99999999"}, []any{"30.000000001", nine, "-30"}},
	{"items[0].amount", onLine("amount"), []any{"60", json.Number("60.0")}, []any{"59.98", "60.000", "-60", "100000000"}},
	{"items[0].discount", onLine("discount"), []any{"0"}, []any{"-60.01", "0.01", "-0.001"}},
	{"total", onSale("total"), []any{"60", json.Number("60.00")}, []any{"59.99", "60.01", "60.001", "", "6e1"}},
	{"total", worth, []any{"99999999.99"}, []any{"100000000.00", "0.00"}},
	{"items", lines, []any{1, 100}, []any{0, 101}},
	{"items", discounted, []any{50}, []any{51}},
	{"invoice", onSale("invoice"), []any{"qr"}, []any{"paper"}},
	{"items[0].name", onLine("name"), []any{"龑䶮 5€", "\u00a5\u00a05", "<茶>", "℃㎡·—é"}, []any{"", " ", "饭😀", "a\u007f", "𠮷", "ñ", "a\u200bb"}},
	{"buyer.name", onDirect("name"), []any{"王", strings.Repeat("字", 50)}, []any{"", strings.Repeat("字", 51)}},
	{"buyer.tax_no", onDirect("tax_no"), []any{"911101080000000", twenty, ""}, []any{"91110108000000", twenty + "9", "91110108000000x"}},
	{"buyer.phone", onDirect("phone"), []any{"（010）8888－6666"}, []any{"(010)8888-6666-123456", "电话 1"}},
	{"buyer.address", onDirect("address", "phone", "010-88886666"), []any{strings.Repeat("路", 44)}, []any{strings.Repeat("路", 44) + "1"}},
	{"buyer.tax_no", func(s object, v any) { onDirect("tax_no")(s, v); s["kind"] = "81" }, []any{"911101080000000"}, []any{""}},
	{"kind", func(s object, v any) { onDirect("tax_no")(s, "911101080000000"); s["kind"] = v }, []any{"81", "82", ""}, []any{"10", "8"}},
	{"kind", onSale("kind"), []any{""}, []any{"81"}},
	limited("remark", 200, func(s object, v any) { onDirect("name")(s, "王"); s["remark"] = v }),
	{"quantity of 11 characters, direct", func(s object, v any) { priced("33.33333333", "3", "100.00")(s, v); onDirect("name")(s, v) }, []any{"王"}, nil},
	{"price without quantity", onLine("quantity"), []any{"", nil, "0"}, nil},
	{"quantity without price", onLine("unit_price"), []any{"", nil, "0"}, nil},
	{"product a fen off", onLine("unit_price"), []any{"29.995", "30.005"}, nil},
	{"quantity of 10 characters", priced("1.23456789", "30", "37.04"), []any{nil}, nil},
	{"quantity of 11 characters", priced("33.33333333", "3", "100.00"), []any{nil}, nil},
	{"the longest price", priced("1", "12345678.12345678", "12345678.12"), []any{nil}, nil},
	{"the catalogue", func(s object, v any) { s["items"] = []any{object{"sku": v, "name": "", "amount": "60.00"}} }, []any{"A01", "Z01"}, nil},
	{"items[0].tax_code", func(s object, v any) { s["items"] = []any{object{"sku": v, "name": "x", "amount": "60.00"}} }, nil, []any{"A02", ""}},
}

// TestEdges posts what just keeps each limit, which the platform must take too,
// and what just breaks it, which must be refused by its field.
func TestEdges(t *testing.T) {
	p := counter(t)
	var shop sync.WaitGroup
	queue := make(chan func())
	for range 4 {
		shop.Go(func() {
			for try := range queue {
				try()
			}
		})
	}
	for i, e := range edges {
		for j, v := range e.taken {
			sale := plain(fmt.Sprintf("E%d-%d", i, j))
			e.set(sale, v)
			queue <- func() {
				if refused := p.ring(sale); len(refused) > 0 {
					t.Errorf("%s %v: refused: %v", e.field, v, refused)
				}
			}
		}
		for j, v := range e.beyond {
			sale := plain(fmt.Sprintf("E%d:%d", i, j))
			e.set(sale, v)
			queue <- func() {
				if refused := p.ring(sale); !slices.Contains(refused, e.field) {
					t.Errorf("%s %v: refused: %v", e.field, v, refused)
				}
			}
		}
	}
	close(queue)
	shop.Wait()
}

// TestLengthsInGBK holds our count and our choice of characters against the
// protocol's cases. The printers' set decides what is refused.
func TestLengthsInGBK(t *testing.T) {
	raw, err := os.ReadFile("../../piaotong/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		GBKLengths []struct {
			Text     string
			GBKBytes *int
		}
	}
	if err := json.Unmarshal(raw, &v); err != nil || len(v.GBKLengths) < 17 {
		t.Fatalf("%d cases, %v", len(v.GBKLengths), err)
	}
	c, err := openCatalogue(config.Tax{Code: "111", Rate: "0.13"})
	if err != nil {
		t.Fatal(err)
	}
	putRight := map[string]int{"\u00a5": 2, "\u00a0": 1} // the bytes of what it becomes
	for _, x := range v.GBKLengths {
		want, taken := putRight[x.Text]
		if x.GBKBytes != nil {
			want, taken = *x.GBKBytes, true
			if n, err := piaotong.GBKLen(x.Text); err != nil || n != want {
				t.Errorf("%q: the client counts %d, %v; want %d", x.Text, n, err, want)
			}
		}
		s := trade.Sale{ID: "S", Total: 100, Items: []trade.Line{{Name: "(" + x.Text + ")", Amount: 100, Rate: trade.NoRate}}}
		s.Normalise()
		ps := c.rules().Check(&s)
		if got := trade.GBKLen(s.Items[0].Name) - 2; taken && (len(ps) > 0 || got != want) {
			t.Errorf("%q counts %d, want %d; %v", x.Text, got, want, ps)
		}
		if !taken && (len(ps) != 1 || ps[0].Field != "items[0].name" || ps[0].Message.Key != trade.NotInGBK || ps[0].Message.Args[0] != x.Text) {
			t.Errorf("%q: problems %v, want that the character is named", x.Text, ps)
		}
	}
}
