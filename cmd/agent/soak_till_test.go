package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"tillagent/trade"
)

// ticket is a sale as its till knows it.
type ticket struct {
	id, body   string
	mode, wish string
	total      trade.Money
	nets       []trade.Money // of the lines
	copies     int
	taken      bool // 201 or 200 was answered
	refunds    []*giveBack
}

// giveBack is a refund as its till knows it.
type giveBack struct {
	id, body string
	amount   trade.Money // what it takes
	loose    bool        // whether it fits depends on another that was posted at the same time, or on how the lines stand
	posted   bool
	taken    bool // 201 or 200 was answered
	refused  bool // it did not fit
}

// checkout is one POS, which keeps its own list and posts again what was not
// answered.
type checkout struct {
	w       *world
	r       *rand.Rand
	name    string
	n       int // of ids so far
	tickets []*ticket
}

func (w *world) newCheckout(n int) *checkout { return &checkout{w: w, name: fmt.Sprintf("T%d", n+1)} }

func (t *checkout) newID(kind string) string {
	t.n++
	return fmt.Sprintf("%s-%s%05d", t.name, kind, t.n)
}

// sell does the till's work until it is sent home. What is not answered by
// then is left to rest.
func (t *checkout) sell(r *rand.Rand) {
	t.r = r
	for t.w.pause(between(r, time.Millisecond, t.w.pace)) {
		recent := t.tickets[max(0, len(t.tickets)-30):]
		if t.repeatUnanswered(recent); len(recent) == 0 {
			t.sale()
			continue
		}
		k := pick(r, recent)
		switch n := r.IntN(20); {
		case n < 11:
			t.sale()
		case n < 15:
			t.refund(k)
		case n < 16:
			t.refundTwice(k)
		case n < 17:
			t.post(k)
		case n < 18:
			t.conflict(k)
		default:
			t.reprint(k)
		}
	}
}

// call posts and gives the status, 0 where there was no answer that counts.
func (t *checkout) call(path, body string) (int, map[string]any) {
	status, answer, err := t.w.pos.call(http.MethodPost, path, body)
	if err != nil || status == http.StatusServiceUnavailable {
		return 0, nil
	}
	return status, answer
}

// repeatUnanswered posts again what had no answer, and reports whether all has
// one now.
func (t *checkout) repeatUnanswered(tickets []*ticket) bool {
	all := true
	for _, k := range tickets {
		if !k.taken {
			t.post(k)
		}
		for _, g := range k.refunds {
			if left, sure := k.left(); !sure && !g.taken && !g.refused {
				t.postRefund(k, g, left)
			}
		}
		_, sure := k.left()
		all = all && k.taken && sure
	}
	return all
}

// sale posts a new sale, sometimes twice at the same time.
func (t *checkout) sale() {
	k := t.newTicket()
	t.w.mu.Lock()
	t.w.tickets = append(t.w.tickets, k)
	t.w.mu.Unlock()
	t.tickets = append(t.tickets, k)
	if t.r.IntN(6) > 0 {
		t.post(k)
		if t.r.IntN(15) == 0 {
			t.reprint(k) // while the first receipt waits for its code
		}
		return
	}
	var statuses [2]int
	var both sync.WaitGroup
	for i := range statuses {
		both.Go(func() { statuses[i], _ = t.call("/v1/sales", k.body) })
	}
	both.Wait()
	k.taken = statuses[0] != 0 || statuses[1] != 0
	switch statuses {
	case [2]int{201, 200}, [2]int{200, 201}, [2]int{0, 0}, [2]int{0, 201}, [2]int{201, 0}, [2]int{0, 200}, [2]int{200, 0}:
	default:
		t.w.wrong(k.id, "posted twice at the same time: %v", statuses)
	}
}

// post posts a sale, for the first time or again.
func (t *checkout) post(k *ticket) {
	path := "/v1/sales"
	if k.mode == "none" && k.wish == "qr" {
		path += "?wait=500ms"
	}
	status, answer := t.call(path, k.body)
	switch {
	case status == 0:
		return
	case status == http.StatusOK, status == http.StatusCreated && !k.taken:
	default:
		t.w.wrong(k.id, "posted, taken before: %v, answer: %d %v", k.taken, status, answer)
		return
	}
	k.taken = true
	if url, _ := field(answer, "qr", "url").(string); url != "" && k.mode == "none" && status == http.StatusCreated {
		t.w.display(url)
	}
}

// conflict posts a known id with other content.
func (t *checkout) conflict(k *ticket) {
	if k.taken {
		if status, answer := t.call("/v1/sales", strings.Replace(k.body, `"cashier":"`, `"cashier":"小`, 1)); status != 0 && (status != http.StatusConflict || answer["code"] != "sale_conflict") {
			t.w.wrong(k.id, "other content: %d %v", status, answer)
		}
	}
	for _, g := range k.refunds {
		if g.taken {
			if status, answer := t.call("/v1/sales/"+k.id+"/refunds", strings.Replace(g.body, "{", `{"reason":"allowance",`, 1)); status != 0 && (status != http.StatusConflict || answer["code"] != "refund_conflict") {
				t.w.wrong(k.id, "refund %s, other content: %d %v", g.id, status, answer)
			}
		}
	}
}

// reprint asks for the receipt or the slip once more.
func (t *checkout) reprint(k *ticket) {
	if !k.taken {
		return
	}
	what := pick(t.r, []string{"receipt", "slip"})
	body := fmt.Sprintf(`{"job_id":%q,"what":%q}`, t.newID("J"), what)
	for range 2 { // the same job again is no second one
		status, answer := t.call("/v1/sales/"+k.id+"/print", body)
		if status != 0 && status != http.StatusAccepted && status != http.StatusOK && (what == "receipt" || status != http.StatusConflict) {
			t.w.wrong(k.id, "a reprint is answered %d %v", status, answer)
		}
	}
}

// left is what the till takes to be left of a sale; sure where every refund
// was answered.
func (k *ticket) left() (left trade.Money, sure bool) {
	left, sure = k.total, true
	for _, g := range k.refunds {
		if g.taken {
			left -= g.amount
		}
		sure = sure && (g.taken || g.refused)
	}
	return left, sure
}

// refund posts a refund: of everything, of an amount, or of a part of a line.
func (t *checkout) refund(k *ticket) {
	left, sure := k.left()
	if !k.taken || !sure {
		return
	}
	g := &giveBack{id: t.newID("R")}
	rest := ""
	switch t.r.IntN(3) {
	case 0:
		g.amount = left
	case 1:
		g.amount = 1 + trade.Money(t.r.Int64N(int64(k.total)))
		rest = fmt.Sprintf(`,"amount":%q`, g.amount)
	case 2:
		line := t.r.IntN(len(k.nets))
		g.amount = max(1, k.nets[line]/trade.Money(1+t.r.IntN(3)))
		g.loose = len(k.refunds) > 0
		rest = fmt.Sprintf(`,"items":[{"line":%d,"amount":%q}]`, line+1, g.amount)
	}
	mode := pick(t.r, []string{"receipt", "none"})
	g.body = fmt.Sprintf(`{"refund_id":%q%s,"print":{"mode":%q}}`, g.id, rest, mode)
	k.refunds = append(k.refunds, g)
	t.postRefund(k, g, left)
}

// refundTwice posts two refunds of everything at the same time: one fits.
func (t *checkout) refundTwice(k *ticket) {
	left, sure := k.left()
	if !k.taken || !sure || left == 0 {
		return
	}
	var both sync.WaitGroup
	for range 2 {
		g := &giveBack{id: t.newID("R"), amount: left, loose: true}
		g.body = fmt.Sprintf(`{"refund_id":%q}`, g.id)
		k.refunds = append(k.refunds, g)
		both.Go(func() { t.postRefund(k, g, left) })
	}
	both.Wait()
	a, b := k.refunds[len(k.refunds)-2], k.refunds[len(k.refunds)-1]
	if a.taken && b.taken || a.refused && b.refused {
		t.w.wrong(k.id, "of %s and %s, posted at the same time, both were taken or both refused", a.id, b.id)
	}
}

// postRefund posts a refund, for the first time or again, of a sale of which
// so much is left.
func (t *checkout) postRefund(k *ticket, g *giveBack, left trade.Money) {
	again := g.posted
	g.posted = true
	status, answer := t.call("/v1/sales/"+k.id+"/refunds", g.body)
	fits := left > 0 && g.amount <= left
	switch {
	case status == 0:
	case status == http.StatusCreated && (fits || g.loose), status == http.StatusOK && again:
		g.taken = true
	case (status == http.StatusConflict || status == http.StatusUnprocessableEntity) && (!fits || g.loose):
		g.refused = true
	default:
		t.w.wrong(k.id, "refund %s of %s, %s left: %d %v", g.id, g.amount, left, status, answer)
	}
}

// newTicket makes up a sale.
func (t *checkout) newTicket() *ticket {
	k := &ticket{id: t.newID("S"), copies: 1, mode: pick(t.r, []string{"receipt", "receipt", "receipt", "receipt", "slip", "none"}), wish: "qr"}
	buyer := ""
	switch t.r.IntN(8) {
	case 0:
		k.wish = "none"
	case 1:
		k.wish, buyer = "direct", `"buyer":{"name":"张三"},`
	}
	if t.r.IntN(10) == 0 {
		k.copies = 2
	}
	var items []string
	for range 1 + t.r.IntN(3) {
		quantity, price, discount := trade.Money(1+t.r.IntN(3)), trade.Money(100+t.r.IntN(9900)), trade.Money(0)
		if t.r.IntN(4) == 0 {
			discount = -price / 2
		}
		good := pick(t.r, []string{`"name":"拿铁咖啡","tax_code":"3070401000000000000","tax_rate":"0.06"`, `"name":"咖啡豆","tax_code":"1030206020000000000","tax_rate":"0.13"`})
		items = append(items, fmt.Sprintf(`{%s,"quantity":"%d","unit_price":%q,"amount":%q,"discount":%q}`, good, quantity, price, price*quantity, discount))
		k.nets = append(k.nets, price*quantity+discount)
		k.total += price*quantity + discount
	}
	k.body = fmt.Sprintf(`{"sale_id":%q,"cashier":"王","invoice":%q,%s"total":%q,"items":[%s],"print":{"mode":%q,"copies":%d}}`,
		k.id, k.wish, buyer, k.total, strings.Join(items, ","), k.mode, k.copies)
	return k
}
