package worker_test

import (
	"strings"
	"testing"

	"tillagent/piaotong/sandbox"
	"tillagent/trade"
)

func (l *lab) accept(sale trade.Sale) {
	l.t.Helper()
	sale.Normalise()
	if _, created, err := l.store.AcceptSale(l.t.Context(), sale, sale.Digest()); err != nil || !created {
		l.t.Fatal(created, err)
	}
}

// TestRedPartCarriesTheBuyer: the platform refuses a red invoice with another
// buyer than the blue one's, which 2.36 does not tell.
func TestRedPartCarriesTheBuyer(t *testing.T) {
	direct := func(l *lab) {
		sale := lunch("S1")
		sale.Wish, sale.Kind, sale.Buyer = trade.WishDirect, "82", trade.Buyer{Name: "直开公司"}
		l.accept(sale)
	}
	scanned := func(name string) func(*lab) {
		return func(l *lab) {
			l.sell("S1")
			if _, err := l.sandbox.Claim(sandbox.Claim{URL: l.url("S1"), BuyerName: name}); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		sell  func(*lab)
		fault sandbox.Fault
		asked int // times 2.12 was asked
		sent  int // times 2.37 was asked
		end   string
	}{
		"direct":                         {sell: direct, sent: 1, end: "done"},
		"scanned by a company":           {sell: scanned("某某公司"), asked: 1, sent: 1, end: "done"},
		"scanned by a person":            {sell: scanned(""), asked: 1, sent: 1, end: "done"},
		"2.12 is away for a while":       {sell: scanned("某某公司"), fault: sandbox.Fault{Kind: sandbox.FaultReset, Times: 2}, asked: 3, sent: 1, end: "done"},
		"2.12 does not tell, a person":   {sell: scanned(""), fault: sandbox.Fault{Kind: sandbox.FaultMisconfigured}, asked: 1, sent: 1, end: "done"},
		"2.12 does not tell, a company":  {sell: scanned("某某公司"), fault: sandbox.Fault{Kind: sandbox.FaultRefuse, Code: "8003"}, asked: 1, sent: 1, end: "failed"},
		"2.12 answers what is no answer": {sell: scanned("某某公司"), fault: sandbox.Fault{Kind: sandbox.FaultBadSignature, Times: 1}, asked: 2, sent: 1, end: "done"},
	} {
		t.Run(name, func(t *testing.T) {
			race(t, func(t *testing.T, l *lab) {
				c.sell(l)
				l.until("S1", "invoiced", view(trade.StateInvoiced))
				if c.fault.Kind != "" {
					c.fault.Interface = "2.12"
					l.fault(c.fault)
				}
				l.part("R1", "S1", 1000)
				l.until("S1", c.end, refundIs("R1", c.end))
				if calls := l.ledger().Calls; calls["2.12"] != c.asked || calls["2.37"] != c.sent {
					t.Errorf("calls %v, want %d of 2.12 and %d of 2.37", calls, c.asked, c.sent)
				}
				if n := l.alerts()[trade.AlertCredentials]; n != 0 {
					t.Errorf("%d alerts about the credentials stand", n)
				}
			})
		})
	}
}

// TestRedPartForAPerson: what 2.37 cannot do, or refuses each time, says what to
// do by hand, and how much.
func TestRedPartForAPerson(t *testing.T) {
	export := lunch("S1")
	export.Items = []trade.Line{{Name: "出口货", Amount: 5850, TaxCode: "3070401000000000000", ZeroTaxFlag: "0"}}
	for name, c := range map[string]struct {
		sale trade.Sale
		code string // refused by 2.37
		sent int
		key  trade.Key
	}{
		"export zero rate":        {export, "", 0, trade.ExportByHand},
		"no net amount is left":   {lunch("S1"), "6009", 1, trade.PartRedRefused},
		"no tax is left":          {lunch("S1"), "6010", 1, trade.PartRedRefused},
		"refused for other cause": {lunch("S1"), "6012", 1, trade.RedRefused},
	} {
		t.Run(name, func(t *testing.T) {
			race(t, func(t *testing.T, l *lab) {
				l.accept(c.sale)
				l.claim("S1", sandbox.Issued)
				l.until("S1", "invoiced", view(trade.StateInvoiced))
				if c.code != "" {
					l.fault(sandbox.Fault{Interface: "2.37", Kind: sandbox.FaultRefuse, Code: c.code, Msg: "金额大于剩余"})
				}
				l.part("R1", "S1", 1234)
				r := l.until("S1", "failed", refundIs("R1", "failed"))
				p := r.Standing.Refunds[0].Problem
				if p.Key != c.key || l.ledger().Calls["2.37"] != c.sent {
					t.Errorf("%+v after %d calls of 2.37", p, l.ledger().Calls["2.37"])
				}
				if zh, en := p.In(trade.ZH), p.In(trade.EN); c.key != trade.RedRefused && !(strings.Contains(zh, "票通平台") && strings.Contains(zh, "12.34") && strings.Contains(en, "by hand, 12.34 with tax")) {
					t.Errorf("%s / %s", zh, en)
				}
				l.holds("S1", 5850, 0)
			})
		})
	}
	t.Run("the whole of an export", func(t *testing.T) {
		race(t, func(t *testing.T, l *lab) {
			l.accept(export)
			l.claim("S1", sandbox.Issued)
			l.until("S1", "invoiced", view(trade.StateInvoiced))
			l.part("R1", "S1", 0)
			l.until("S1", "red", view(trade.StateRedFlushed))
			l.holds("S1", 0, 0)
		})
	})
}
