package main

import (
	"net/http"
	"slices"
	"time"

	"tillagent/piaotong/sandbox"
)

// onPlatform is what the platform holds of each sale.
type onPlatform struct {
	codes    map[string][]sandbox.QR // by sale
	invoices map[string]sandbox.Invoice
}

func (w *world) onPlatform() onPlatform {
	l := w.ledger()
	p := onPlatform{codes: map[string][]sandbox.QR{}, invoices: map[string]sandbox.Invoice{}}
	for _, q := range l.QRs {
		p.codes[q.TradeNo] = append(p.codes[q.TradeNo], q)
	}
	for _, i := range l.Invoices {
		p.invoices[i.ReqSerialNo] = i
	}
	return p
}

// rest lets an agent bring everything to its end, with nothing in its way any
// more: the tills post what was not answered, staff settle what waits for
// them, and what waits for a later attempt is hastened. Then it is stopped.
func (w *world) rest(limit time.Duration) {
	w.t.Helper()
	began := time.Now()
	agent := launch(w.t, "run", "--config", w.config)
	w.pos.ready()
	if !(&checkout{w: w}).repeatUnanswered(w.tickets) {
		w.wrong("", "something is not answered by an agent at rest")
	}
	hastened := map[string]time.Time{}
	open := w.tickets
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		w.settleAll()
		p := w.onPlatform()
		whole := len(open) == len(w.tickets)
		var restless []*ticket
		why := map[string]string{}
		for _, k := range open {
			if reason := w.restless(k, p); reason != "" {
				restless, why[k.id] = append(restless, k), reason
				if time.Since(hastened[k.id]) > time.Second {
					w.pos.must(http.StatusAccepted, http.MethodPost, "/v1/sales/"+k.id+"/retry", "{}")
					hastened[k.id] = time.Now()
				}
			}
		}
		waiting := field(w.get("/v1/status"), "queue", "prints_waiting")
		if whole && len(restless) == 0 && waiting == 0.0 {
			break
		}
		if open = restless; len(open) == 0 {
			open = w.tickets // once more, all of them
		}
		if time.Since(began) > limit {
			for id, reason := range why {
				w.wrong(id, "does not come to rest: %s", reason)
			}
			if len(why) == 0 {
				w.wrong("", "%v print jobs do not come to rest", waiting)
			}
			break
		}
	}
	w.t.Logf("%d sales came to rest after %s", len(w.tickets), time.Since(began).Round(time.Second))
	w.interrupt(agent)
	agent.kill() // where a stop cannot be asked for
	w.log.Write(agent.errors.Bytes())
	w.must(w.tape.Close()) // what is still on the roll is torn off
}

// restless says what is still to move of a sale, "" for nothing: the agent
// must have seen all that the platform has.
func (w *world) restless(k *ticket, p onPlatform) string {
	s := w.get("/v1/sales/" + k.id)
	if state := s["state"].(string); state == "queued" || state == "rejected" || k.wish == "direct" && state == "invoicing" {
		return state
	}
	failed := false
	for _, g := range k.refunds {
		if !g.taken {
			continue
		}
		switch state := w.get("/v1/refunds/" + g.id)["state"]; state {
		case "done":
		case "failed":
			failed = true
		default:
			return "refund " + g.id + " is " + state.(string)
		}
	}
	known := map[string]string{}
	for _, i := range s["invoices"].([]any) {
		known[field(i.(map[string]any), "req_serial_no").(string)] = field(i.(map[string]any), "state").(string)
	}
	for _, q := range p.codes[k.id] {
		for _, serial := range q.Invoices {
			want := []string{"issued", "red_partial", "red_full"}
			if p.invoices[serial].Code == failedCode {
				want = []string{"failed", "withdrawn"}
			} else if failed {
				want = append(want, "red_pending")
			}
			if !slices.Contains(want, known[serial]) {
				return "invoice " + serial + " has code " + p.invoices[serial].Code + " and is taken for " + known[serial]
			}
		}
	}
	return ""
}
