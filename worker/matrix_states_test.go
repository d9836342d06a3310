package worker_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/trade"
)

// sees waits for a state of the sale without doing what people do meanwhile.
func (p *play) sees(v trade.SaleState) { p.seesThat(string(v), func() bool { return p.view == v }) }

func (p *play) seesThat(what string, ok func() bool) {
	for began := time.Now(); ; time.Sleep(10 * time.Second) {
		synctest.Wait()
		if p.news(); ok() {
			return
		}
		if time.Since(began) > patience {
			p.fatalf("the sale is never seen %s: %+v", what, p.record().Standing)
		}
	}
}

// staff has staff on the platform give an invoice that is not issued its end.
func (p *play) staff(serial string) { p.must(p.sandbox.Settle(serial, sandbox.Issued)) }

func (p *play) retry() {
	_, err := p.store.Retry(context.Background(), p.sale)
	p.must(err)
}

// serial is the number of the newest invoice that is the sale's own.
func (p *play) serial() string {
	invoices := p.record().Standing.Invoices
	return invoices[len(invoices)-1].Serial
}

// seenAs is how a sale looks whose invoice has come to an outcome.
var seenAs = map[sandbox.Outcome]trade.SaleState{
	sandbox.Failed: trade.StateInvoiceFailed, sandbox.Withdrawn: trade.StateInvoiceFailed,
	sandbox.Auth: trade.StateAuthRequired, sandbox.Hang: trade.StateInvoicing,
}

// seenRed is how its refund looks where that is a red one's.
var seenRed = map[sandbox.Outcome]string{
	sandbox.Failed: "failed", sandbox.Withdrawn: "failed", sandbox.Auth: "waiting_auth",
}

// states are the ways in which an invoice that the platform took does not come
// at once, and comes in the end. again says whether the platform takes the
// number of one that came to nothing again.
func states() (cells []*cell) {
	add := func(name string, o sandbox.Outcome, want end, play func(*play)) {
		alerts := map[string]bounds{}
		if o == sandbox.Auth {
			alerts["login"] = bounds{1, 10}
		}
		cells = append(cells, &cell{scene: &scene{name: "state", want: want, alerts: alerts, play: play}, name: fmt.Sprint(name, "/", o)})
	}
	for _, o := range []sandbox.Outcome{sandbox.Failed, sandbox.Withdrawn, sandbox.Auth, sandbox.Hang} {
		add("scanned", o, endScanned, func(p *play) {
			p.sell(trade.WishQR)
			serial, err := p.sandbox.Claim(sandbox.Claim{URL: p.link(), Outcome: o})
			p.must(err)
			p.sees(seenAs[o])
			if o == sandbox.Auth {
				p.alertStands(trade.AlertAuth)
			}
			time.Sleep(3 * time.Hour)
			p.staff(serial)
			p.news()
			p.view = "" // what people do about it is done
		})
		for _, again := range []bool{true, false} {
			name := "direct"
			if !again {
				name = "direct, number used up"
			}
			add(name, o, endInvoiced, func(p *play) {
				p.sandbox.SetAcceptAgain(again)
				p.must(p.sandbox.SetBlueOutcome(o))
				p.sell(trade.WishDirect)
				p.sees(seenAs[o])
				p.must(p.sandbox.SetBlueOutcome(sandbox.Issued))
				if o != sandbox.Auth { // which goes on by itself: the account is in order
					p.retry()
				}
				if !again || o == sandbox.Hang {
					time.Sleep(time.Hour)
					if p.news(); p.view == trade.StateInvoiced {
						p.errorf("the invoice was issued though the platform had not")
					}
					p.staff(p.serial())
				}
			})
		}
		if o == sandbox.Auth { // the account works, and this invoice is not ours to ask for again
			cells[len(cells)-3].alerts["reissue"] = bounds{1, 1}
		}
		if o == sandbox.Hang {
			continue
		}
		add("red", o, endRed, func(p *play) {
			p.sell(trade.WishDirect)
			p.issued()
			p.must(p.sandbox.SetRedOutcome(o))
			p.refund(0)
			p.seesThat("refused", func() bool { return p.refunded == seenRed[o] })
			p.must(p.sandbox.SetRedOutcome(sandbox.Issued))
		})
		if o != sandbox.Auth {
			cells[len(cells)-1].alerts["refund"] = bounds{1, 1}
		}
	}
	return cells
}

// TestMatrixStates has the platform take an invoice and issue it late, in every
// way there is.
func TestMatrixStates(t *testing.T) { playColumn(t, "2.11", states()) }
