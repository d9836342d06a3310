package worker_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/trade"
)

// cell is one cell of the matrix: a scene in which one interface is struck by
// one fault, and people and the network recover.
type cell struct {
	*scene
	name     string
	fault    fault
	times    int // calls that are struck, or one of outage and alone
	problems []string
}

// The series of cells that are not struck a number of times: for a while all
// calls of all interfaces are, or those of one interface, and a till's other
// sales go on.
const (
	outage = 0
	alone  = -1
)

// struckFor is how long they last.
const struckFor = 10 * time.Minute

// scene needs an interface.
type scene struct {
	name    string
	number  string // of the interface that is struck
	variant bool   // a further scene of an interface that has one
	play    func(*play)
	want    end
	alerts  map[string]bounds // raised without a fault
}

const saleTotal, refundPart = trade.Money(5850), trade.Money(1000)

var (
	endInvoiced = end{view: trade.StateInvoiced, invoiced: saleTotal, blues: 1}
	endScanned  = end{view: trade.StateInvoiced, invoiced: saleTotal, blues: 1, codes: 1}
	endVoided   = end{view: trade.StateVoided, refund: "done", codes: 1}
	endRemade   = end{view: trade.StateInvoiced, refund: "done", invoiced: saleTotal - refundPart, blues: 1, codes: 2}
	endRed      = end{view: trade.StateRedFlushed, refund: "done", blues: 1, reds: 1}
	endPartRed  = end{view: trade.StatePartlyRed, refund: "done", invoiced: saleTotal - refundPart, blues: 1, reds: 1}
	// Already reversed, says the platform; in these cells it is not true.
	endBelieved = end{view: trade.StateRedFlushed, refund: "done", invoiced: saleTotal, blues: 1}
	// A void that was done, and of which neither 2.17 nor 2.18 tells afterwards.
	endInDoubt = end{view: trade.StateQRReady, refund: "failed", codes: 1, watched: true}
)

// matrixScenes have every interface that the worker calls.
var matrixScenes = []*scene{
	{name: "2.16", number: "2.16", want: endScanned, play: func(p *play) {
		p.strike()
		p.sell(trade.WishQR)
		p.scan()
	}},
	{name: "2.17", number: "2.17", want: endVoided, play: func(p *play) {
		p.sell(trade.WishQR)
		p.link()
		p.strike()
		p.refund(0)
	}},
	{name: "2.17 part", number: "2.17", variant: true, want: endRemade, play: func(p *play) {
		p.sell(trade.WishQR)
		p.link()
		p.strike()
		p.refund(refundPart)
		if p.until("remade", func() bool { return p.refunded == "done" }) {
			p.scan()
		}
	}},
	{name: "2.18", number: "2.18", want: endScanned, play: func(p *play) {
		p.sell(trade.WishQR)
		p.link()
		p.strike()
		p.scan()
	}},
	{name: "2.18 in doubt", number: "2.18", variant: true, want: endScanned, play: func(p *play) {
		p.must(p.sandbox.SetFault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultLostAnswer, Times: 1}))
		p.strike()
		p.sell(trade.WishQR)
		p.scan()
	}},
	{name: "2.11", number: "2.11", want: endScanned, play: func(p *play) {
		p.sell(trade.WishQR)
		p.link()
		p.strike()
		p.scan()
	}},
	{name: "2.11 direct", number: "2.11", variant: true, want: endInvoiced, play: func(p *play) {
		p.strike()
		p.sell(trade.WishDirect)
	}},
	{name: "2.11 red", number: "2.11", variant: true, want: endRed, play: func(p *play) {
		p.sell(trade.WishDirect)
		p.issued()
		p.strike()
		p.refund(0)
	}},
	{name: "2.13", number: "2.11", variant: true, want: endScanned, play: func(p *play) { // a push has it called
		p.sell(trade.WishQR)
		p.link()
		p.strike()
		p.pushed(p.envelope(p.scan()))
	}},
	{name: "2.9", number: "2.9", want: endInvoiced, play: func(p *play) {
		p.strike()
		p.sell(trade.WishDirect)
	}},
	{name: "2.10", number: "2.10", want: endRed, play: func(p *play) {
		p.sell(trade.WishDirect)
		p.issued()
		p.strike()
		p.refund(0)
	}},
	{name: "2.36", number: "2.36", want: endPartRed, play: func(p *play) {
		p.sell(trade.WishDirect)
		p.issued()
		p.strike()
		p.refund(refundPart)
	}},
	{name: "2.37", number: "2.37", want: endPartRed, play: func(p *play) {
		p.sell(trade.WishDirect)
		p.issued()
		p.strike()
		p.refund(refundPart)
	}},
}

func (p *play) sell(w trade.Wish) {
	s := lunch(p.sale)
	s.Wish = w
	if w == trade.WishDirect {
		s.Buyer = trade.Buyer{Name: "某某公司", TaxNo: "91110108MA01ABCD2X"}
	}
	s.Normalise()
	_, created, err := p.store.AcceptSale(context.Background(), s, s.Digest())
	if p.must(err); !created {
		p.fatalf("the sale is known already")
	}
}

// link waits for the code and gives its address.
func (p *play) link() (url string) {
	p.until("qr_ready", func() bool {
		if p.view != trade.StateQRReady {
			return false
		}
		if q := p.record().Standing.Current(); q.State == trade.QRActive {
			url = q.URL
		}
		return url != ""
	})
	return url
}

// scan waits for the code and submits it as a customer.
func (p *play) scan() (serial string) {
	serial, err := p.sandbox.Claim(sandbox.Claim{URL: p.link(), BuyerName: "某某公司"})
	p.must(err)
	return serial
}

func (p *play) issued() { p.until("invoiced", func() bool { return p.view == trade.StateInvoiced }) }

func (p *play) refundID() string { return "R" + p.sale }

func (p *play) refund(amount trade.Money) {
	_, _, err := p.store.AcceptRefund(context.Background(), trade.RefundRequest{ID: p.refundID(), SaleID: p.sale, Amount: amount, Reason: trade.SalesReturn})
	p.must(err)
}

// strike sets the cell's fault. One that lasts for a while is cleared by itself.
func (p *play) strike() {
	f := p.c.fault.with
	f.Kind, f.Interface, f.Times = p.c.fault.kind, p.c.number, max(p.c.times, 0)
	if p.c.times == outage {
		f.Interface = "*"
	}
	if f.Times == 0 {
		time.AfterFunc(struckFor, p.sandbox.ClearFaults)
	}
	p.must(p.sandbox.SetFault(f))
}

// neighbour is another sale of the till, whose code is asked about.
func (p *play) neighbour() {
	n := &play{till: p.till, c: p.c, sale: p.sale + "N", alerts: p.alerts}
	n.sell(trade.WishQR)
	n.link()
}

// mostCalls is how often at most a call is repeated while it is struck for a
// while: 1, 2, 5, 15, 60, 120 and 300 s later, and some as the breaker closes.
const mostCalls = 20

// run plays the cell and reports whether the till is at peace afterwards.
func (c *cell) run(l *till) bool {
	p := &play{till: l, c: c, sale: fmt.Sprint("S", l.seq+1), alerts: map[string]int{}}
	func() {
		defer func() {
			if e := recover(); e != nil && e != any(gaveUp{}) {
				panic(e)
			}
		}()
		p.must(l.sandbox.Reset())
		l.sandbox.SetIssueDelay(0)
		l.sandbox.SetAcceptAgain(true)
		l.wire.forget()
		want, alerts := c.prescribed()
		if c.times == alone {
			p.neighbour()
		}
		c.play(p)
		p.comesTo(want)
		p.alertsWere(alerts)
	}()
	calls := l.wire.heard()
	p.orderly(calls)
	struck := 0
	for _, h := range calls {
		if h.number == c.number {
			struck++
		}
	}
	if c.times == alone && c.number != "2.18" && struck > mostCalls { // 2.18 is also the neighbour's
		p.errorf("%s was called %d times", c.number, struck)
	}
	if len(c.problems) > 0 {
		p.errorf("calls: %v", calls)
	}
	want, alerts := c.prescribed()
	return len(c.problems) == 0 && !want.watched && alerts["clash"] == bounds{} && c.times != alone
}

// bounds are how often an alert is raised.
type bounds struct{ least, most int }

// unconfirmed reports whether the cell is a void whose answer is not believed
// though it was done: a repeated 2.17 says no, and 2.18 does not tell.
func (c *cell) unconfirmed() bool { return c.fault.processed && c.number == "2.17" }

// prescribed is where the machines say that the cell ends, and which alerts
// they raise on the way.
func (c *cell) prescribed() (want end, alerts map[string]bounds) {
	want, alerts = c.want, map[string]bounds{}
	maps.Copy(alerts, c.alerts)
	f, times := c.fault, max(c.times, 1)
	if f.transport && c.times != 1 {
		alerts["unreachable"] = bounds{0, 10}
	}
	if code := f.with.Code; c.times != 1 && (code == "8996" || code == "1234" || code == "8993") {
		alerts["unreachable"] = bounds{0, 10} // after some patience
	}
	if f.untrusted {
		alerts["untrusted"] = bounds{1, times}
	}
	if c.unconfirmed() {
		want, alerts["refund"] = endInDoubt, bounds{1, 1}
	}
	switch cl := c.class(); {
	case cl == isConfig:
		alerts["refuses"] = bounds{1, 1}
	case cl == isAuth && (makesInvoice(c.number) || c.number == "2.36"):
		alerts["login"] = bounds{1, times}
	case (cl == isData || cl == isGone) && (c.number == "2.16" || c.number == "2.9"):
		alerts["rejected"] = bounds{times, times}
	case (cl == isData || cl == isGone) && (c.number == "2.10" || c.number == "2.36" || c.number == "2.37"):
		alerts["refund"] = bounds{times, times}
	case cl == isDup && c.number == "2.16":
		alerts["clash"] = bounds{1, 1}
	case cl == isRed && c.want.reds > 0 && c.number != "2.11":
		want = endBelieved
	}
	return want, alerts
}

// class is what a refusal is, "" for other faults.
func (c *cell) class() class {
	switch f := c.fault; f.kind {
	case sandbox.FaultMisconfigured:
		return classFor(c.number, "9999", "验签失败")
	case sandbox.FaultRefuse:
		return classFor(c.number, cmp.Or(f.with.Code, "8995"), f.with.Msg)
	}
	return ""
}

// alertsWere holds that the alerts of the cell were the prescribed ones, and
// that none of them stands that should not.
func (p *play) alertsWere(want map[string]bounds) {
	p.news()
	got := p.alerts
	for name, n := range got {
		if b := want[name]; n < b.least || n > b.most {
			p.errorf("alert %s was raised %d times, want %d to %d", name, n, b.least, b.most)
		}
	}
	for name, b := range want {
		if got[name] < b.least {
			p.errorf("alert %s was raised %d times, want %d to %d", name, got[name], b.least, b.most)
		}
	}
	if got["rejected"] != p.rejected || got["refund"] != p.handed && !p.c.unconfirmed() || p.blocked > got["login"] {
		p.errorf("the sale was refused %d times, its refund %d times, and it waited for the account %d times; alerts %v", p.rejected, p.handed, p.blocked, got)
	}
	as, err := p.store.ActiveAlerts()
	p.must(err)
	for _, a := range as {
		name := alertName(a.Kind, a.SaleID, a.Title.In(trade.ZH))
		if name != "clash" && (name != "refund" || !p.c.unconfirmed()) {
			p.errorf("alert %s still stands: %+v", name, a)
		}
	}
}

// alertName tells apart what the kinds of alerts do not.
func alertName(kind, saleID, title string) string {
	switch kind {
	case trade.AlertCredentials:
		if title == trade.Say(trade.PlatformUntrusted).In(trade.ZH) {
			return "untrusted"
		}
		if clash, _, _ := strings.Cut(trade.Say(trade.TillClash, "|").In(trade.ZH), "|"); strings.HasPrefix(title, clash) {
			return "clash"
		}
		return "refuses"
	case trade.AlertAuth:
		return "login"
	case trade.AlertUnreachable:
		return "unreachable"
	case trade.AlertRejected:
		if title == trade.Say(trade.ReissueByHand, saleID).In(trade.ZH) {
			return "reissue"
		}
		return "rejected"
	case trade.AlertRefund:
		return "refund"
	}
	return kind
}
