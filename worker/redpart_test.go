package worker

import (
	"fmt"
	"testing"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// Two lines of a sale with the same goods are two lines of the invoice: each is
// reversed once, for 2.37 refuses a line that comes twice.
func TestMatchLinesTakesEachBlueLineOnce(t *testing.T) {
	const code = "3070401000000000000"
	line := func(no int, left string) piaotong.RedInitLine {
		return piaotong.RedInitLine{BlueItemNo: fmt.Sprint(no), Name: "*餐饮服务*咖啡", TaxCode: code, Rate: "0.00", ZeroTaxFlag: "1", RemainAmount: left, RemainTax: "0.00"}
	}
	item := func(m trade.Money) trade.Line { return trade.Line{Name: "咖啡", TaxCode: code, Amount: m} }
	for name, c := range map[string]struct {
		left   []piaotong.RedInitLine
		refund trade.Money
		want   string // number and amount of each line; "" where it cannot be done
	}{
		"all of both":             {[]piaotong.RedInitLine{line(1, "60.00"), line(2, "30.00")}, 9000, "[1 -60.00][2 -30.00]"},
		"half of both":            {[]piaotong.RedInitLine{line(1, "60.00"), line(2, "30.00")}, 4500, "[1 -30.00][2 -15.00]"},
		"the other way round":     {[]piaotong.RedInitLine{line(1, "30.00"), line(2, "60.00")}, 9000, "[1 -30.00][2 -60.00]"},
		"one was reversed before": {[]piaotong.RedInitLine{line(1, "50.00")}, 4500, "[1 -45.00]"},
		"less is left":            {[]piaotong.RedInitLine{line(1, "20.00"), line(2, "20.00")}, 4500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &queue.Record{Sale: trade.Sale{Items: []trade.Line{item(6000), item(3000)}},
				Standing: trade.Standing{Refunds: []trade.Refund{{ID: "R1", Amount: c.refund}}}}
			lines, ok := matchLines(r, &trade.Invoice{RefundID: "R1"}, c.left)
			got := ""
			for _, l := range lines {
				got += fmt.Sprintf("[%s %s]", l.BlueItemNo, l.Amount)
			}
			if got != c.want || ok != (c.want != "") {
				t.Errorf("got %q %v, want %q", got, ok, c.want)
			}
		})
	}
}
