package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/trade"
)

// customer makes up sales. A careless one makes mistakes.
type customer struct {
	*rand.Rand
	careless bool
}

func (c customer) chance(percent int) bool { return c.IntN(100) < percent }

func (c customer) slips() bool { return c.careless && c.chance(2) }

func anyOf[T any](c customer, from ...T) T { return from[c.IntN(len(from))] }

var alphabet = []rune("abcXYZ0189 .,-()/&*+'\"#%\\中文商品名称单价（）、。￥℃·—é𤭢字号" + "\u00a5\u00a0€䶮龑")

// text is of at most so many bytes of GBK; now and then it is one too long, or
// has a character that cannot be.
func (c customer) text(most int) string {
	n := anyOf(c, 1, 2, c.IntN(most+1), c.IntN(most+1), most)
	if c.slips() {
		n = most + 1
	}
	var b strings.Builder
	for left := n; left > 0; {
		r := anyOf(c, alphabet...)
		switch {
		case r == '𤭢' && !c.slips(): // GBK does not have it
			continue
		case r < 0x80 || r == '\u00a0':
			left--
		case left == 1:
			continue
		default:
			left -= 2
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (c customer) digits(least, most int) string {
	b := make([]byte, least+c.IntN(most-least+1))
	for i := range b {
		b[i] = byte('0' + c.IntN(10))
	}
	return string(b)
}

// line makes up a line and says what it is worth.
func (c customer) line() (object, trade.Money) {
	l := object{"name": "茶" + c.text(98)}
	maps.Copy(l, anyOf(c,
		object{"tax_code": c.digits(3, 19), "tax_rate": anyOf[any](c, "0.13", "0.09", "0.060", "0.05", json.Number("0.03"), "0.01")},
		object{"tax_code": c.digits(19, 19), "tax_rate": anyOf(c, "0", "0.00"), "zero_tax_flag": c.digits(1, 1)[:1]},
		object{"sku": "A01"}, object{"sku": "Z01"}))
	if flag, ok := l["zero_tax_flag"]; ok && flag.(string) > "3" {
		l["zero_tax_flag"] = "3"
	}
	if c.chance(50) {
		l["unit"], l["spec"] = c.text(20), c.text(40)
	}
	quantity := trade.Decimal(anyOf(c, 1, 2, 3, 12, 99) * 1_0000_0000)
	if c.chance(30) {
		quantity = trade.Decimal(1 + c.Int64N(anyOf[int64](c, 1_0000, 1_0000_0000, 100_0000_0000))) // 8 decimals
	}
	price := trade.Decimal(1+c.Int64N(100_00)) * anyOf[trade.Decimal](c, 100_0000, 1_0000, 1)
	amount := price.Times(quantity)
	if c.chance(20) {
		amount += anyOf[trade.Money](c, -1, 1)
	}
	if amount < 0 || c.chance(3) { // a gift
		amount, price = 0, 0
	}
	l["amount"] = amount.String()
	if c.chance(80) {
		l["quantity"] = quantity.String()
	}
	if c.chance(80) {
		l["unit_price"] = price.String()
	}
	if amount > 0 && c.chance(30) {
		d := anyOf(c, 1+trade.Money(c.Int64N(int64(amount))), 1, amount)
		l["discount"] = (-d).String()
		amount -= d
	}
	return l, amount
}

func (c customer) sale(id string) object {
	c.careless = c.chance(25)
	items, total := []any{}, trade.Money(0)
	for range anyOf(c, 1, 1, 2, 3, 8, 49) {
		l, worth := c.line()
		items = append(items, l)
		total += worth
	}
	s := object{"sale_id": id, "items": items, "total": total.String(), "payments": []any{object{"method": c.text(38) + "微", "amount": total.String()}}}
	optional := func(o object, field string, percent int, v any) {
		if c.chance(percent) {
			o[field] = v
		}
	}
	optional(s, "remark", 30, c.text(200))
	optional(s, "cashier", 30, c.text(40))
	optional(s, "shop_num", 20, c.digits(6, 20))
	optional(s, "sold_at", 50, time.Now().Add(-time.Duration(c.IntN(100*24))*time.Hour).Format(time.RFC3339))
	if c.chance(40) {
		b := object{"name": "购" + c.text(98)}
		optional(b, "tax_no", 50, c.digits(6, 20))
		optional(b, "address", 30, c.text(80))
		optional(b, "phone", 30, anyOf(c, "010-"+c.digits(7, 16), "（０１０）"+c.digits(7, 8)))
		optional(b, "bank", 30, c.text(50))
		optional(b, "account", 30, c.digits(1, 50))
		optional(b, "email", 30, c.digits(1, 44)+"@a.cn")
		optional(b, "mobile", 30, "1"+c.digits(10, 10))
		s["buyer"] = b
		if taxNo, _ := b["tax_no"].(string); taxNo == "" || len(taxNo) >= 15 {
			optional(s, "invoice", 30, "direct")
		}
	}
	return s
}

// refund makes up a refund of a part of a sale: an amount, or one of its lines.
// There is none of a sale that is worth a fen.
func (c customer) refund(id string, sale map[string]any) (body string, ok bool) {
	money := func(v any) trade.Money {
		m, err := trade.ParseMoney(v.(string))
		if err != nil {
			panic(err)
		}
		return m
	}
	total := money(sale["total"])
	if total == 1 {
		return "", false
	}
	if c.chance(50) {
		return fmt.Sprintf(`{"refund_id":%q,"amount":%q}`, id, 1+trade.Money(c.Int64N(int64(total)-1))), true
	}
	items := sale["items"].([]any)
	for {
		i := c.IntN(len(items))
		l := items[i].(object)
		net := money(l["amount"]) + money(l["discount"])
		if net == 0 {
			continue
		}
		amount := min(anyOf(c, 1+trade.Money(c.Int64N(int64(net))), net), total-1)
		part := object{"line": i + 1, "amount": amount.String()}
		if q := l["quantity"]; q != "" && c.chance(50) {
			part["quantity"] = anyOf(c, q, "0.5", "0.00000001")
			if all, err := trade.ParseDecimal(q.(string)); err != nil || all < 5000_0000 {
				part["quantity"] = q
			}
		}
		b, err := json.Marshal(object{"refund_id": id, "items": []any{part}})
		return string(b), err == nil
	}
}

// TestWhatIsTakenThePlatformTakes makes up sales and refunds of parts of them:
// whatever the agent takes, the platform must take too.
func TestWhatIsTakenThePlatformTakes(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("RULES_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("RULES_SEED: %v", err)
		}
	}
	t.Logf("RULES_SEED=%d", seed)
	const tills, sales = 4, 40
	p := counter(t)
	var taken sync.Map // ids
	var shop sync.WaitGroup
	for till := range uint64(tills) {
		shop.Go(func() {
			c := customer{Rand: rand.New(rand.NewPCG(seed, till))}
			for i := range sales {
				id := fmt.Sprintf("R%d-%d", till, i)
				if len(p.ring(c.sale(id))) == 0 {
					taken.Store(id, true)
				}
			}
		})
	}
	shop.Wait()
	c := customer{Rand: rand.New(rand.NewPCG(seed, tills))}
	n, refunded := 0, map[string]string{}
	for i := range tills * sales {
		id := fmt.Sprintf("R%d-%d", i/sales, i%sales)
		if _, ok := taken.Load(id); !ok {
			continue
		}
		if n++; n%4 != 0 {
			continue
		}
		sale := p.must(http.StatusOK, http.MethodGet, "/v1/sales/"+id, "")
		if body, ok := c.refund("B-"+id, sale); ok && sale["state"] == "qr_ready" {
			p.must(http.StatusCreated, http.MethodPost, "/v1/sales/"+id+"/refunds", body)
			refunded[id] = body
		}
	}
	for id, body := range refunded {
		p.until("/v1/sales/"+id, "ready again after "+body, func(s map[string]any) bool {
			if s["state"] == "rejected" {
				t.Fatalf("after %s the rest was refused: %v", body, s)
			}
			return s["state"] == "qr_ready" && s["generation"] == 1.0
		})
	}
	if least := tills * sales / 2; n < least || len(refunded) == 0 {
		t.Errorf("%d of %d sales were taken and %d refunded, want at least %d to learn anything", n, tills*sales, len(refunded), least)
	}
}
