package worker_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/trade"
)

// push takes a push as the agent does (2.13), and reports whether it verified.
func (p *play) push(raw []byte) bool {
	push, err := p.wire.answers.OpenInvoicePush(raw)
	if err != nil {
		return false
	}
	qrNo := push.QRCodeNo
	if push.Type != piaotong.TypeBlue {
		qrNo = ""
	}
	_, err = p.store.HintInvoice(context.Background(), qrNo, push.ReqSerialNo)
	p.must(err)
	return true
}

// envelope is the push of an invoice as it stands.
func (p *play) envelope(serial string) []byte {
	raw, err := p.sandbox.PushEnvelope(serial)
	p.must(err)
	return raw
}

func (p *play) pushed(raw []byte) {
	if !p.push(raw) {
		p.errorf("a good push is refused")
	}
}

// atOnce holds that a push brings the news, and no poll.
func (p *play) atOnce(what string, told func() bool) {
	synctest.Wait()
	if p.news(); !told() {
		p.errorf("the push does not make the sale %s at once", what)
	}
}

func (p *play) isInvoiced() bool { return p.view == trade.StateInvoiced }

// spoilt are pushes that must not be believed.
var spoilt = map[string]func(string) string{
	"bad_signature": func(s string) string { return strings.Replace(s, `"timestamp":"2`, `"timestamp":"1`, 1) },
	"no_signature":  func(s string) string { head, _, _ := strings.Cut(s, `,"sign":`); return head + "}" },
	"no_content":    func(s string) string { return strings.Replace(s, `"content":"`, `"contents":"`, 1) },
	"truncated":     func(s string) string { return s[:len(s)/2] },
	"repeated":      func(s string) string { return `{"platformCode":"SANDBOX1",` + s[1:] },
	"html":          func(string) string { return "<html></html>" },
	"empty":         func(string) string { return "" },
}

// pushes are what can happen to the pushes of a sale.
func pushes() (cells []*cell) {
	add := func(name string, want end, play func(*play)) {
		cells = append(cells, &cell{scene: &scene{name: "push", want: want, play: play}, name: name})
	}
	add("kept", endScanned, func(p *play) {
		p.sell(trade.WishQR)
		p.pushed(p.envelope(p.scan()))
		p.atOnce("invoiced", p.isInvoiced)
	})
	add("lost", endScanned, func(p *play) {
		p.sell(trade.WishQR)
		p.scan()
	})
	add("repeated", endScanned, func(p *play) {
		p.sell(trade.WishQR)
		raw := p.envelope(p.scan())
		p.pushed(raw)
		p.pushed(raw)
		p.atOnce("invoiced", p.isInvoiced)
		p.pushed(raw)
	})
	add("reordered", endScanned, func(p *play) {
		p.sell(trade.WishQR)
		serial, err := p.sandbox.Claim(sandbox.Claim{URL: p.link(), Outcome: sandbox.Failed})
		p.must(err)
		failed := p.envelope(serial)
		p.staff(serial)
		p.pushed(p.envelope(serial))
		p.pushed(failed)
		p.atOnce("invoiced", p.isInvoiced)
	})
	add("contradicted", endScanned, func(p *play) {
		p.sell(trade.WishQR)
		serial, err := p.sandbox.Claim(sandbox.Claim{URL: p.link(), Outcome: sandbox.Hang})
		p.must(err)
		_, err = p.store.HintInvoice(context.Background(), p.record().Standing.QRs[0].No, serial)
		p.must(err)
		p.sees(trade.StateInvoicing) // 2.11 has the word
		p.staff(serial)
	})
	add("orphan", endScanned, func(p *play) {
		p.sell(trade.WishQR)
		p.must(p.sandbox.PlantQR("OTHER000000000000001", "OTHER", "1.00"))
		serial, err := p.sandbox.Claim(sandbox.Claim{QRCodeNo: "OTHER000000000000001"})
		p.must(err)
		p.pushed(p.envelope(serial))
		p.scan()
	})
	add("before our answer", endScanned, func(p *play) {
		p.must(p.sandbox.SetFault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultLostAnswer, Times: 1}))
		p.must(p.sandbox.SetFault(sandbox.Fault{Interface: "2.18", Kind: sandbox.FaultTimeout, Times: 2}))
		p.sell(trade.WishQR)
		synctest.Wait()
		serial, err := p.sandbox.Claim(sandbox.Claim{QRCodeNo: p.record().Standing.QRs[0].No})
		p.must(err)
		p.pushed(p.envelope(serial))
	})
	add("direct", endInvoiced, func(p *play) {
		p.sell(trade.WishDirect)
		synctest.Wait()
		p.pushed(p.envelope(p.serial()))
		p.atOnce("invoiced", p.isInvoiced)
	})
	add("red", endRed, func(p *play) {
		p.sell(trade.WishDirect)
		p.issued()
		p.refund(0)
		synctest.Wait()
		p.pushed(p.envelope(p.serial()))
		p.atOnce("red", func() bool { return p.refunded == "done" })
	})
	for _, name := range slices.Sorted(maps.Keys(spoilt)) {
		spoil := spoilt[name]
		add(fmt.Sprint("spoilt/", name), endScanned, func(p *play) {
			p.sell(trade.WishQR)
			raw := p.envelope(p.scan())
			before := len(p.wire.heard())
			if p.push([]byte(spoil(string(raw)))) {
				p.errorf("the push is believed: %s", raw)
			}
			if synctest.Wait(); len(p.wire.heard()) != before {
				p.errorf("a push that is not believed moves something: %v", p.wire.heard()[before:])
			}
		})
	}
	return cells
}

// TestMatrixPushes has pushes come well and badly: they are hints, so a sale
// ends the same with them and without.
func TestMatrixPushes(t *testing.T) { playColumn(t, "2.13", pushes()) }

// TestMatrixRateLimit lets several sales share fewer calls than they need.
func TestMatrixRateLimit(t *testing.T) {
	for _, code := range []string{"", "8996"} {
		t.Run(cmp.Or(code, "429"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := openTill(t)
				defer l.shut(t)
				l.sandbox.SetIssueDelay(0)
				if err := l.sandbox.SetRateLimit(sandbox.RateLimit{PerSecond: 3, Code: code}); err != nil {
					t.Fatal(err)
				}
				var plays []*play
				for i := range 6 {
					p := &play{till: l, c: &cell{}, sale: fmt.Sprint("S", i)}
					p.sell([]trade.Wish{trade.WishQR, trade.WishDirect}[i%2])
					plays = append(plays, p)
				}
				time.Sleep(15 * time.Minute)
				for i, p := range plays {
					want := []end{{view: trade.StateQRReady, claimable: saleTotal, codes: 1, watched: true}, endInvoiced}[i%2]
					if got := p.record().Standing.View(); got != want.view {
						t.Errorf("%s is %s, want %s", p.sale, got, want.view)
					}
					p.books(want)
					p.orderly(l.wire.heard())
					for _, problem := range p.c.problems {
						t.Error(problem)
					}
				}
			})
		})
	}
}
