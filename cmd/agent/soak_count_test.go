package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// count compares, when all is at rest and no agent runs, the list of the
// tills, the platform's ledger, the paper and the database. Ixx are the
// invariants that the whole agent is built on.
func (w *world) count() {
	w.t.Helper()
	defer w.report()
	store, err := queue.Open(queue.Options{Path: filepath.Join(w.pos.data, "agent.db"), Prefix: w.platform.Account().PlatformPrefix, QRValid: 180 * 24 * time.Hour, Printer: true})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	if err := store.VerifyJournal(); err != nil { // I6
		w.t.Error(err)
	}
	for line := range strings.Lines(w.log.String()) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.Contains(line, "DATA RACE") {
			w.t.Errorf("an agent said %s", line)
		}
	}
	p := w.onPlatform()
	stored := map[string]*queue.Record{}
	for _, k := range w.tickets {
		r, err := store.Sale(w.t.Context(), k.id)
		if err != nil {
			w.wrong(k.id, "answered and lost: %v", err)
			continue
		}
		stored[k.id] = r
		w.countSale(k, r, p)
	}
	for id, codes := range p.codes {
		if stored[id] == nil {
			w.wrong(id, "the platform has %d codes of a sale that is not stored", len(codes))
		}
	}
	w.countMoney(stored, p)
	w.countPaper(stored, p)
	alerts, err := store.ActiveAlerts()
	if err != nil {
		w.t.Fatal(err)
	}
	w.countAlerts(stored, alerts)
	w.tell(stored, p)
}

// countSale compares one sale's list, record and codes.
func (w *world) countSale(k *ticket, r *queue.Record, p onPlatform) {
	s := &r.Standing
	if s.Total != k.total {
		w.wrong(k.id, "posted over %s, stored over %s", k.total, s.Total)
	}
	taken := 0
	for _, g := range k.refunds {
		f := s.Refund(g.id)
		switch {
		case !g.taken && f != nil:
			w.wrong(k.id, "refund %s was refused and is stored", g.id)
		case !g.taken:
		case f == nil:
			w.wrong(k.id, "refund %s was taken and is lost", g.id)
		case f.Amount != g.amount:
			w.wrong(k.id, "refund %s was posted over %s, stored over %s", g.id, g.amount, f.Amount)
		case f.Open():
			w.wrong(k.id, "refund %s is %s at rest", g.id, f.State)
		default:
			taken++
		}
	}
	if taken != len(s.Refunds) {
		w.wrong(k.id, "%d refunds were taken, %d are stored", taken, len(s.Refunds))
	}
	numbers, standing := map[string]bool{}, 0
	for _, q := range s.QRs {
		numbers[q.No] = true
		if !slices.Contains([]trade.QRState{trade.QRActive, trade.QRConsumed, trade.QRVoided, trade.QRCancelled}, q.State) { // I10
			w.wrong(k.id, "code %s is %s at rest", q.No, q.State)
		}
	}
	for _, q := range p.codes[k.id] { // I2
		if !numbers[q.QRCodeNo] {
			w.wrong(k.id, "code %s of the platform is none of the sale's, %v", q.QRCodeNo, slices.Collect(maps.Keys(numbers)))
		}
		if q.State != "voided" {
			standing++
		}
	}
	if standing > 1 {
		w.wrong(k.id, "%d codes stand on the platform", standing)
	}
	if q := s.Current(); q != nil && (q.State == trade.QRActive || q.State == trade.QRConsumed) && len(p.codes[k.id]) != q.Gen+1-cancelled(s) {
		w.wrong(k.id, "the platform has %d codes, want one for each of %d generations", len(p.codes[k.id]), q.Gen+1)
	}
	if r.Op != nil && r.Op.Claimed { // I10
		w.wrong(k.id, "%s is claimed at rest", r.Op.Kind)
	}
	for _, i := range s.Invoices {
		f := s.Refund(i.RefundID)
		switch i.State {
		case trade.InvInFlight, trade.InvUnknown, trade.InvIssuing, trade.InvBlocked: // I10
			if f == nil || f.State != trade.RefNeedsPerson {
				w.wrong(k.id, "%s invoice %s is %s at rest", i.Kind, i.Serial, i.State)
			}
		case trade.InvReady:
			blue := s.Invoice(i.BlueSerial) // reversed by hand before the turn of ours came: nothing is missing
			if f == nil || f.State != trade.RefNeedsPerson && (blue == nil || blue.State != trade.InvRedFull) {
				w.wrong(k.id, "%s invoice %s was never sent", i.Kind, i.Serial)
			}
		}
	}
}

// cancelled is how many generations never reached the platform.
func cancelled(s *trade.Standing) (n int) {
	for _, q := range s.QRs {
		if q.State == trade.QRCancelled {
			n++
		}
	}
	return n
}

// books are the sums over sales that share invoices.
type books struct {
	sales              []string
	sold               trade.Money
	refunded, done     trade.Money // all refunds, and those that are done
	blue, red, redByUs trade.Money // issued; the reds positive
	claimable          trade.Money // in codes that nobody has claimed
	person             bool        // a refund needs one
}

// countMoney holds I1 and I3: what stands invoiced is never more than what was
// sold and not refunded.
func (w *world) countMoney(stored map[string]*queue.Record, p onPlatform) {
	group := map[string]string{} // of a sale: the first sale that it shares an invoice with
	root := func(id string) string {
		for group[id] != "" {
			id = group[id]
		}
		return id
	}
	saleOf := map[string]string{} // by code
	for id, codes := range p.codes {
		for _, q := range codes {
			saleOf[q.QRCodeNo] = id
		}
	}
	for _, i := range p.invoices {
		for _, no := range i.QRCodeNos {
			if a, b := root(saleOf[i.QRCodeNo]), root(saleOf[no]); a != b {
				group[b] = a
			}
		}
	}
	all := map[string]*books{}
	of := func(id string) *books {
		id = root(id)
		if all[id] == nil {
			all[id] = &books{}
		}
		return all[id]
	}
	for id, r := range stored {
		b := of(id)
		b.sales = append(b.sales, id)
		b.sold += r.Standing.Total
		for _, f := range r.Standing.Refunds {
			b.refunded += f.Amount
			if f.State == trade.RefDone {
				b.done += f.Amount
			} else {
				b.person = true
			}
		}
		for _, q := range p.codes[id] {
			if q.State == "active" && len(q.Invoices) == 0 {
				b.claimable += w.money(q.Amount)
			}
		}
	}
	for _, i := range p.invoices {
		b, amount := of(i.TradeNo), w.money(i.Amount)
		switch {
		case i.Code != issuedCode:
		case i.Type == piaotong.TypeBlue:
			b.blue += amount
		default:
			b.red -= amount
			if strings.HasPrefix(i.ReqSerialNo, w.platform.Account().PlatformPrefix) {
				b.redByUs -= amount
			}
		}
	}
	for _, b := range all {
		stands := b.blue - b.red
		if stands+b.claimable > b.sold-b.done { // I3
			w.wrong(b.sales[0], "%v: %s stands invoiced and %s can be claimed, of %s sold and %s refunded for good", b.sales, stands, b.claimable, b.sold, b.done)
		}
		if stands > b.sold-b.refunded && !b.person { // I1
			w.wrong(b.sales[0], "%v: %s stands invoiced of %s sold and %s refunded", b.sales, stands, b.sold, b.refunded)
		}
		if b.redByUs > b.refunded {
			w.wrong(b.sales[0], "%v: %s was reversed, %s refunded", b.sales, b.redByUs, b.refunded)
		}
	}
}

func (w *world) money(text string) trade.Money {
	m, err := trade.ParseMoney(text)
	w.must(err)
	return m
}

// countAlerts holds that who must act is told, and that what is over is not
// alerted any more.
func (w *world) countAlerts(stored map[string]*queue.Record, alerts []queue.Alert) {
	has := map[string]bool{}
	for _, a := range alerts {
		has[a.Kind+" "+a.Subject] = true
	}
	for id, r := range stored {
		for _, f := range r.Standing.Refunds {
			if needs := f.State == trade.RefNeedsPerson; needs != has[trade.AlertRefund+" "+f.ID] {
				w.wrong(id, "refund %s is %s, and alerted: %v", f.ID, f.State, !needs)
			}
		}
	}
	for _, over := range []string{trade.AlertUnreachable + " ", trade.AlertCredentials + " ", trade.AlertCredentials + " untrusted", trade.AlertPrinter + " held", trade.AlertAuth + " "} {
		if has[over] {
			w.t.Errorf("the alert %q is active at rest", over)
		}
	}
}

// tell logs the figures.
func (w *world) tell(stored map[string]*queue.Record, p onPlatform) {
	figures := map[string]int{}
	for id, r := range stored {
		figures["sale "+string(r.Standing.View())]++
		for _, f := range r.Standing.Refunds {
			if f.State == trade.RefNeedsPerson {
				key := "refund needs a person: " + string(f.Problem.Key)
				if figures[key]++; figures[key] == 1 && os.Getenv("AGENT_LOG") != "" {
					w.t.Logf("%s, for example %s of %s:\n%s", key, f.ID, id, w.timeline(id))
				}
			} else {
				figures["refund done: "+string(f.Path)]++
			}
		}
		for _, j := range r.Prints {
			figures["print "+string(j.State)]++
		}
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(figures)) {
		fmt.Fprintf(&b, "\n%6d %s", figures[key], key)
	}
	w.t.Logf("%d kills, %d stops, %d sales, %d invoices, %d pieces of paper%s", w.kills, w.stops, len(w.tickets), len(p.invoices), len(w.papers), b.String())
}
