package main

import (
	"os"
	"testing"
	"time"

	"tillagent/printer/paper"
)

// TestKill kills the agent at random points while tills post sales and
// refunds, starts it again each time, and then compares what the tills were
// answered, what the platform holds, what lies on paper and what is stored:
// see count. Nobody claims a code here, so that it is quick; TestSoak has all.
func TestKill(t *testing.T) {
	w := newWorld(t)
	w.pace = 100 * time.Millisecond
	w.tape.SetFaults(paper.Faults{DelayMS: 1}) // slow enough to be killed while printing
	w.goOn(w.platformTrouble)
	for n := range tills {
		w.goOn(w.newCheckout(n).sell)
	}
	w.killing(20, 500*time.Millisecond, nil)
	w.tape.SetFaults(paper.Faults{})
	w.rest(3 * time.Minute) // what was lost may be sent again after a minute
	w.count()
}

// killing starts the agent and ends it at a random moment, again and again:
// mostly by a kill, as a power cut does, sometimes by a stop of the service
// manager, sometimes before it is up, at the latest when it has worked for life. It ends
// after so many kills, or when over is closed where kills is 0; then everybody
// goes home.
func (w *world) killing(kills int, life time.Duration, over <-chan struct{}) {
	w.t.Helper()
	r := w.rand()
	done := func() bool {
		select {
		case <-over:
			return true
		default:
			return kills > 0 && w.kills >= kills || w.failing()
		}
	}
	for !done() {
		agent := launch(w.t, "run", "--config", w.config)
		if r.IntN(8) == 0 {
			<-time.After(between(r, 0, 60*time.Millisecond))
		} else {
			w.pos.ready()
			<-time.After(between(r, 0, life))
		}
		if r.IntN(10) == 0 && w.interrupt(agent) {
			w.stops++
		} else {
			agent.kill()
			w.kills++
		}
		w.log.Write(agent.errors.Bytes())
	}
	w.goHome()
}

// interrupt asks the agent to stop, where the system can, and waits until it
// has.
func (w *world) interrupt(agent *process) bool {
	w.t.Helper()
	if agent.cmd.Process.Signal(os.Interrupt) != nil {
		return false
	}
	if got := agent.wait(); got != 0 && got != -1 { // -1: it was stopped before it could listen for that
		w.t.Errorf("a stop exits with %d\n%s", got, agent.errors.String())
	}
	return true
}
