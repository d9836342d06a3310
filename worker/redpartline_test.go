package worker

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"testing"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
)

func TestRedLineCents(t *testing.T) {
	for name, c := range map[string]struct {
		rate     string
		net, tax string // left
		price    string // net, of the left quantity
		quantity string
		taken    trade.Money
		of       string // quantity of the refund, each 20.00
		want     string // the line's amount, tax, price, quantity, and whether without tax
	}{
		"clears: net amount rounds up":      {rate: "0.03", net: "11.16", tax: "0.34", taken: 1150, want: "-11.16 -0.34   true"},
		"clears: of two rounded rows":       {rate: "0.05", net: "57.14", tax: "2.85", taken: 5999, want: "-57.14 -2.85   true"},
		"clears: with its quantity":         {rate: "0.13", net: "35.40", tax: "4.60", price: "17.7", quantity: "2", taken: 4000, of: "2", want: "-35.40 -4.60 17.7 -2 true"},
		"clears: price does not fit":        {rate: "0.13", net: "35.39", tax: "4.61", price: "17.7", quantity: "2", taken: 4000, of: "2", want: "-35.39 -4.61   true"},
		"clears: zero rate":                 {rate: "0.00", net: "4.00", tax: "0.00", taken: 400, want: "-4.00 0.00   true"},
		"part: as the platform computes":    {rate: "0.13", net: "35.40", tax: "4.60", price: "17.7", quantity: "2", taken: 2000, of: "1", want: "-20.00  20 -1 false"},
		"part: less quantity is left":       {rate: "0.13", net: "35.40", tax: "4.60", price: "17.7", quantity: "0.5", taken: 2000, of: "1", want: "-20.00    false"},
		"part: no more tax than is left":    {rate: "0.06", net: "1.99", tax: "0.00", taken: 100, want: "-1.00 0.00   true"},
		"part: no more net than is left":    {rate: "0.13", net: "0.80", tax: "0.21", taken: 95, want: "-0.80 -0.15   true"},
		"part: the rest is not all tax":     {rate: "0.13", net: "0.88", tax: "0.13", taken: 100, want: "-0.87 -0.13   true"},
		"part: the rest keeps its tax":      {rate: "0.13", net: "0.90", tax: "0.14", taken: 4, want: "-0.03 -0.01   true"},
		"part: the rest keeps its net":      {rate: "0.13", net: "0.93", tax: "0.10", taken: 8, want: "-0.08 0.00   true"},
		"a cent that is all tax":            {rate: "0.13", net: "0.00", tax: "0.01", taken: 1, want: "-0.01 -0.01   false"},
		"part: one cent takes no tax alone": {rate: "0.13", net: "0.85", tax: "0.16", taken: 1, want: "-0.01    false"},
	} {
		t.Run(name, func(t *testing.T) {
			blue, ok := readBlue([]piaotong.RedInitLine{{BlueItemNo: "1", Rate: c.rate, RemainAmount: c.net, RemainTax: c.tax, UnitPrice: c.price, RemainQuantity: c.quantity}})
			if !ok {
				t.Fatal("unreadable")
			}
			b := &blue[0]
			b.take(trade.Line{}, c.taken)
			if c.of != "" {
				b.quantity, _ = trade.ParseDecimal(c.of)
				b.price = 20_0000_0000
			}
			l := b.red()
			if got := fmt.Sprintf("%s %s %s %s %t", l.Amount, l.Tax, l.UnitPrice, l.Quantity, l.WithoutTax); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if _, ok := readBlue([]piaotong.RedInitLine{{Rate: "0.06", RemainAmount: "1.00", RemainTax: "-0.01"}}); ok {
		t.Error("a tax below zero was left")
	}
}

// TestRedPartsAddUp refunds random invoices in random parts until nothing is
// left: the strict platform takes each part, and in the end neither net amount
// nor tax is left.
func TestRedPartsAddUp(t *testing.T) {
	box, err := sandbox.New(sandbox.Options{PublicURL: "http://platform.test"})
	if err != nil {
		t.Fatal(err)
	}
	box.SetIssueDelay(0)
	server := httptest.NewServer(box)
	t.Cleanup(func() {
		server.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	opts, err := box.Account().ClientOptions(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := piaotong.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	w := &Worker{Options: Options{Platform: client, Issuer: Issuer{TaxpayerNum: box.Account().TaxpayerNum, EnterpriseName: box.Account().EnterpriseName}}}
	parts := 0
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 36))
		r := &queue.Record{Sale: randomSale(rnd, fmt.Sprint("S", seed))}
		blue := fmt.Sprintf("BLUE%016d", seed)
		if _, err := client.IssueBlue(t.Context(), w.issueRequest(r, trade.Op{Serial: blue})); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		issued, err := client.QueryInvoice(t.Context(), piaotong.InvoiceRef{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: blue})
		if err != nil {
			t.Fatal(err)
		}
		ref := piaotong.BlueRef{TaxpayerNum: w.Issuer.TaxpayerNum, AllEleInvNo: issued.AllEleInvNo}
		net, tax := money(t, issued.NetAmount), money(t, issued.TaxAmount)
		for n := 0; r.Standing.Refunded() < r.Sale.Total; n++ {
			f := randomRefund(rnd, r, fmt.Sprint("R", n))
			r.Standing.Refunds = append(r.Standing.Refunds, f)
			init, err := client.InitRed(t.Context(), ref)
			if err != nil {
				t.Fatalf("seed %d, refund %d: %v", seed, n, err)
			}
			lines, ok := matchLines(r, &trade.Invoice{RefundID: f.ID}, init.Lines)
			if !ok {
				t.Fatalf("seed %d: %+v is not in %+v", seed, f, init.Lines)
			}
			red := fmt.Sprintf("RED%05d%012d", seed, n)
			if _, err := client.RedFlushLines(t.Context(), piaotong.RedLines{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: red,
				BlueAllEleInvNo: ref.AllEleInvNo, Reason: "销货退回", BuyerName: r.Sale.Buyer.Name, Lines: lines}); err != nil {
				t.Fatalf("seed %d: %+v\nleft %+v\nlines %+v: %v", seed, f, init, lines, err)
			}
			made, err := client.QueryInvoice(t.Context(), piaotong.InvoiceRef{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: red})
			if err != nil {
				t.Fatal(err)
			}
			n, x := money(t, made.NetAmount), money(t, made.TaxAmount)
			if n+x != -f.Amount {
				t.Errorf("seed %d: the red invoice is over %s and %s, want %s", seed, n, x, -f.Amount)
			}
			net, tax = net+n, tax+x
			parts++
		}
		if net != 0 || tax != 0 {
			t.Errorf("seed %d: %s and %s are left", seed, net, tax)
		}
		if _, err := client.InitRed(t.Context(), ref); piaotong.KindOf(err) != piaotong.AlreadyRed {
			t.Errorf("seed %d: something is left: %v", seed, err)
		}
	}
	if parts < 300 {
		t.Errorf("only %d parts", parts)
	}
}

func money(t *testing.T, s string) trade.Money {
	t.Helper()
	m, err := trade.ParseMoney(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// randomSale is a direct sale of one to five lines; some are of the same goods,
// some have a discount, some no quantity, some are of a few cents.
func randomSale(rnd *rand.Rand, id string) trade.Sale {
	s := trade.Sale{ID: id, Wish: trade.WishDirect, Kind: "82", Buyer: trade.Buyer{Name: "某某公司"}}
	for i := range 1 + rnd.IntN(5) {
		l := trade.Line{Name: fmt.Sprint("货", i%3), TaxCode: "3070401000000000000", Rate: trade.Rates[rnd.IntN(len(trade.Rates))]}
		if i >= 3 {
			l.Rate = s.Items[i-3].Rate
		}
		if l.Rate == 0 {
			l.ZeroTaxFlag = fmt.Sprint(1 + i%3)
		}
		l.Amount = trade.Money(1 + rnd.Int64N([]int64{12, 300, 20_000, 9_000_000}[rnd.IntN(4)]))
		if rnd.IntN(2) == 0 {
			n := trade.Decimal(1 + rnd.IntN(4))
			l.Quantity, l.UnitPrice = n*1_0000_0000, trade.Decimal(l.Amount)*100_0000
			l.Amount *= trade.Money(n)
		}
		if l.Amount > 1 && rnd.IntN(3) == 0 {
			l.Discount = -trade.Money(1 + rnd.Int64N(int64(l.Amount)-1))
		}
		s.Items = append(s.Items, l)
		s.Total += l.Net()
	}
	return s
}

// randomRefund takes some of what is left of a sale: all of it, an amount over
// all lines, or a part or all of some lines.
func randomRefund(rnd *rand.Rand, r *queue.Record, id string) trade.Refund {
	left := r.Sale.Total - r.Standing.Refunded()
	f := trade.Refund{ID: id, Amount: left}
	some := func(m trade.Money) trade.Money { return 1 + trade.Money(rnd.Int64N(int64(m))) }
	switch {
	case len(r.Standing.Refunds) > 12 || rnd.IntN(10) == 0:
	case rnd.IntN(2) == 0:
		f.Amount = some(max(1, left/2))
	default:
		f.Amount = 0
		for _, of := range trade.Parts(r.Sale.Items, r.Standing.Refunds, trade.Refund{Amount: left}) { // what is left of each line
			if rnd.IntN(2) == 0 {
				continue
			}
			take := trade.RefundLine{Line: of.Line + 1, Amount: of.Amount}
			switch unit := r.Sale.Items[of.Line].UnitPrice.Times(1_0000_0000); {
			case rnd.IntN(3) == 0:
			case unit > 0 && unit <= of.Amount && rnd.IntN(2) == 0:
				take.Amount, take.Quantity = unit, 1_0000_0000
			default:
				take.Amount = some(of.Amount)
			}
			f.Lines = append(f.Lines, take)
			f.Amount += take.Amount
		}
		if f.Amount == 0 {
			f.Amount = left
		}
	}
	return f
}
