package trade

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// platform is a model of the platform, with just what the machines rely on:
// numbers are taken once, codes with an invoice cannot be voided, a red
// invoice reverses at most what is left.
type platform struct {
	rnd   *rand.Rand
	now   time.Time
	codes map[string]*code
	invs  map[string]*inv
	next  int
	wrong string // what was asked that may never be
}

type code struct {
	amount  Money
	voided  bool
	serials []string
}

type inv struct {
	amount   Money
	state    InvoiceState
	reversed Money  // of a blue one
	blue     string // of a red one
	direct   bool
}

// process carries an operation out and gives the event of its answer.
func (p *platform) process(s Standing, op Op) Event {
	q := s.Current()
	switch op.Kind {
	case OpCreateQR:
		if p.codes[q.No] != nil {
			return QRTaken{op.Gen} // 8038
		}
		p.codes[q.No] = &code{amount: q.Amount}
		return QRCreated{Gen: op.Gen, URL: "u", At: p.now}
	case OpQueryQR:
		c := p.codes[q.No]
		if c == nil {
			return QRMissing{op.Gen, p.now}
		}
		e := QRSeen{Gen: op.Gen, URL: "u", At: p.now}
		for _, serial := range c.serials {
			e.Invoices = append(e.Invoices, SeenInvoice{serial, p.invs[serial].amount})
		}
		return e
	case OpVoidQR:
		c := p.codes[q.No]
		if c == nil || c.voided || len(c.serials) > 0 {
			return VoidDenied{op.Gen}
		}
		c.voided = true
		return VoidConfirmed{op.Gen, p.now}
	case OpQueryInvoice:
		i := p.invs[op.Serial]
		if i == nil {
			return InvoiceMissing{op.Serial, p.now}
		}
		e := InvoiceSeen{Serial: op.Serial, State: i.state, At: p.now}
		if i.state == InvIssued {
			e.Net, e.Number = i.amount, "n"
		}
		return e
	}
	if op.Kind == OpIssue {
		return p.issue(s.Invoice(op.Serial), op)
	}
	red := s.Invoice(op.Serial) // 2.10, 2.37
	if old := p.invs[op.Serial]; old != nil {
		return p.again(old, red.Amount, op)
	}
	blue := p.invs[red.BlueSerial]
	if blue.reversed-red.Amount > blue.amount {
		return Refused{op, "6009", "more than what is left"}
	}
	blue.reversed -= red.Amount
	p.invs[op.Serial] = &inv{amount: red.Amount, state: InvIssuing, blue: red.BlueSerial}
	return RedAccepted{op.Serial}
}

// issue is 2.9.
func (p *platform) issue(i *Invoice, op Op) Event {
	if old := p.invs[op.Serial]; old != nil {
		return p.again(old, i.Amount, op)
	}
	p.invs[op.Serial] = &inv{amount: i.Amount, state: InvIssuing, direct: true}
	return IssueAccepted{op.Serial, "v"}
}

// again is a number that the platform has: sometimes it takes it up again
// where the invoice came to nothing, sometimes it says 8021.
func (p *platform) again(old *inv, amount Money, op Op) Event {
	if old.amount != amount {
		p.wrong = fmt.Sprintf("%s was sent over %s and again over %s", op.Serial, old.amount, amount)
	}
	if (old.state == InvBlocked || old.state == InvFailed) && p.rnd.IntN(2) == 0 {
		old.state = InvIssuing
		return IssueAccepted{op.Serial, "v"}
	}
	return Lost{op} // 8021
}

// meanwhile is what customers and staff do.
func (p *platform) meanwhile() {
	for _, c := range p.codes {
		live := Money(0)
		for _, serial := range c.serials {
			if i := p.invs[serial]; i.state != InvFailed {
				live += i.amount
			}
		}
		if !c.voided && live < c.amount && p.rnd.IntN(8) == 0 {
			p.next++
			serial := fmt.Sprintf("P%d", p.next)
			amount := c.amount - live
			if amount > 2 && p.rnd.IntN(3) == 0 {
				amount /= 2 // the customer splits it
			}
			p.invs[serial] = &inv{amount: amount, state: InvIssuing}
			c.serials = append(c.serials, serial)
		}
	}
	for _, i := range p.invs {
		if p.rnd.IntN(3) > 0 {
			continue
		}
		switch i.state {
		case InvIssuing, InvBlocked:
			i.state = []InvoiceState{InvIssued, InvIssued, InvFailed, InvBlocked}[p.rnd.IntN(4)]
			if i.blue != "" && i.state == InvFailed {
				i.state = InvIssued // a red one that fails is a person's case
			}
		}
	}
}

// settle lets every invoice come to its end.
func (p *platform) settle() {
	for _, i := range p.invs {
		if i.state == InvIssuing || i.state == InvBlocked {
			i.state = InvIssued
		}
	}
}

// TestModel plays sales against the model: random customers and refunds, lost
// answers, calls that never went out, repeated and late events. At rest the
// invoices must add up to what was sold and not refunded (I1, I3), one
// generation at the most is claimable (I2), and no number is made twice.
func TestModel(t *testing.T) {
	people := 0
	for seed := range uint64(4000) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		p := &platform{rnd: rnd, now: noon, codes: map[string]*code{}, invs: map[string]*inv{}}
		s := fresh()
		if seed%2 == 1 {
			s = freshDirect()
		}
		var log []string
		var late []Event
		apply := func(e Event) {
			log = append(log, fmt.Sprintf("%T%+v", e, e))
			before := s
			s, _ = Step(s, e)
			if why := broken(before, s); why != "" {
				t.Fatalf("seed %d: %s\n%v\n%+v", seed, why, log, s)
			}
		}
		step := func(faults bool) bool {
			op, ok := Next(s, p.now)
			if !ok {
				return false
			}
			p.now = p.now.Add(time.Minute)
			if op.Changing() {
				apply(Sending{op, p.now})
			}
			fate := 0
			if faults {
				fate = rnd.IntN(5)
			}
			switch fate {
			case 1: // the answer is lost, or the agent dies
				e := p.process(s, op)
				if op.Changing() {
					apply(Lost{op})
				}
				late = append(late, e)
			case 2: // it never went out
				apply(Unsent{op})
			case 3: // lost on the way there
				if op.Changing() {
					apply(Lost{op})
				}
			default:
				e := p.process(s, op)
				apply(e)
				if rnd.IntN(6) == 0 {
					apply(e)
				}
			}
			return true
		}
		refunds := 0
		for range 30 {
			if rnd.IntN(3) == 0 {
				p.meanwhile()
			}
			if left := s.Total - s.Refunded(); left > 0 && rnd.IntN(10) == 0 {
				refunds++
				amount := left
				if rnd.IntN(2) == 0 {
					amount = 1 + Money(rnd.Int64N(int64(left)))
				}
				apply(RefundAsked{Refund{ID: fmt.Sprint("R", refunds), Amount: amount, State: RefRequested, RedSerial: Mint{"DEMO", "REDS0", 0}.Number(int64(refunds), 0)}, p.now})
			}
			for serial := range p.invs {
				if rnd.IntN(12) == 0 && p.invs[serial].blue == "" {
					for no, c := range p.codes {
						for _, x := range c.serials {
							if x == serial {
								apply(InvoiceHinted{s.genOf(no), serial, p.now})
							}
						}
					}
				}
			}
			if s.Wish == WishDirect {
				for serial := range p.invs {
					if rnd.IntN(12) == 0 {
						apply(InvoiceHinted{0, serial, p.now})
					}
				}
				if s.blocked() > 0 && rnd.IntN(3) == 0 {
					apply(AccountReady{})
				}
				if rnd.IntN(10) == 0 {
					apply(RetryAsked{})
				}
			}
			step(true)
		}
		if p.wrong != "" {
			t.Fatalf("seed %d: %s\n%v\n%+v", seed, p.wrong, log, s)
		}
		p.settle()
		for n := 0; step(false); n++ {
			p.settle()
			if op, _ := Next(s, p.now); op.Lane == LaneWatch && n > 40 {
				break // nothing more to learn until a customer comes
			}
			if n > 400 {
				t.Fatalf("seed %d: no rest\n%v\n%+v", seed, log, s)
			}
		}
		if person(s) {
			people++
			continue // it was handed over, with an alert
		}
		blue, claimable, open := Money(0), Money(0), 0
		for _, i := range p.invs {
			if i.blue == "" && i.state == InvIssued {
				blue += i.amount - i.reversed
			}
		}
		for _, c := range p.codes {
			if !c.voided && len(c.serials) == 0 {
				open++
				claimable += c.amount
			}
		}
		owed := s.Total - s.Refunded()
		if blue > owed || blue+claimable > owed || open > 1 {
			t.Fatalf("seed %d: invoices over %s and %d codes over %s for a sale that has %s left\n%v\n%+v", seed, blue, open, claimable, owed, log, s)
		}
		for _, r := range s.Refunds {
			if r.State != RefDone {
				t.Fatalf("seed %d: refund at rest is %s\n%v\n%+v", seed, r.State, log, s)
			}
		}
	}
	if people > 1500 { // split codes and voids whose answers were lost, at rates far above life
		t.Errorf("%d of 4000 sales needed a person", people)
	}
	t.Logf("%d of 4000 sales needed a person", people)
}

func (s *Standing) genOf(no string) int {
	for _, q := range s.QRs {
		if q.No == no {
			return q.Gen
		}
	}
	return -1
}

func person(s Standing) bool {
	for _, r := range s.Refunds {
		if r.State == RefNeedsPerson {
			return true
		}
	}
	return s.View() == StateRejected
}

func freshDirect() Standing {
	return Standing{SaleID: "S1", Total: 5850, Wish: WishDirect, Invoices: []Invoice{{Serial: directSerial, Kind: Blue, State: InvReady, Amount: 5850}}}
}

var directSerial = Mint{"DEMO", "A1B2C", 0}.Number(1, 0)
