package paper

import (
	"errors"
	"fmt"
	"time"
)

// Traits are how the printer is built and wired. The zero value is a network
// printer with a large buffer that prints at once and answers everything.
type Traits struct {
	Buffer int    `json:"buffer"` // bytes of the receive buffer; 0 is 64 KB
	Loses  bool   `json:"loses"`  // what has no room is lost, as on a serial line; otherwise it is not taken
	Flow   string `json:"flow"`   // "xonxoff": says so when it has little room or has stopped; "" does not
	Baud   int    `json:"baud"`   // bytes come no faster than this; 0 is as they come
	Speed  int    `json:"speed"`  // mm of paper a second; 0 is at once

	NoRealtime  bool `json:"no_realtime"`   // DLE EOT is not answered
	NoGSr       bool `json:"no_gs_r"`       // nor GS r
	NoProcessID bool `json:"no_process_id"` // GS ( H is not known: its parameters print as text
	NoIdentity  bool `json:"no_identity"`   // GS I is not answered
	ASB         bool `json:"asb"`           // automatic status is on from the start

	Maker    string `json:"maker"` // what it says of itself to GS I; a clone lies. "" is TILL
	Model    string `json:"model"` // "" is PAPER
	Firmware string `json:"firmware"`
}

const (
	largeBuffer = 64 << 10
	stopRoom    = 128 // XOFF at so many bytes left, XON at so many
	goRoom      = 256
	stopSmall   = 16 // in a small buffer
	goSmall     = 26
)

func (t Traits) buffer() int {
	if t.Buffer > 0 {
		return t.Buffer
	}
	return largeBuffer
}

// check refuses what no printer is.
func (t Traits) check() error {
	switch {
	case t.Flow != "" && t.Flow != "xonxoff":
		return fmt.Errorf("flow %q: it is xonxoff or empty", t.Flow)
	case t.Buffer < 0 || t.Baud < 0 || t.Speed < 0:
		return errors.New("buffer, baud and speed cannot be negative")
	}
	return nil
}

// text is the answer to GS I n.
func (t Traits) text(n byte) string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	switch n {
	case 65:
		return or(t.Firmware, "1.0")
	case 66:
		return or(t.Maker, "TILL")
	case 67:
		return or(t.Model, "PAPER")
	case 68:
		return "0"
	case 69:
		return "GBK"
	}
	return ""
}

// Traits tells how the printer is built.
func (p *Printer) Traits() Traits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.traits
}

// SetTraits rebuilds the printer.
func (p *Printer) SetTraits(t Traits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traits = t
	p.asb = p.asb || t.ASB
	p.flow()
	p.changed.Broadcast()
}

// used is how much of the buffer is taken. The command that the printer is just
// reading does not count where it would never fit.
func (p *Printer) used() int {
	if p.queued == 0 {
		return 0
	}
	return p.queued + p.reading
}

// flow sends XOFF or XON where that is due. mu is held.
func (p *Printer) flow() {
	if p.traits.Flow != "xonxoff" {
		return
	}
	stop, again := stopRoom, goRoom
	if p.traits.buffer() < 2*goRoom {
		stop, again = stopSmall, goSmall
	}
	room := p.traits.buffer() - p.used()
	switch {
	case !p.xoff && (room <= stop || p.faults.holding() || p.faults.XOFFStuck):
		p.xoff = true
		p.answer([]byte{0x13})
	case p.xoff && room >= again && !p.faults.holding() && !p.faults.XOFFStuck:
		p.xoff = false
		p.answer([]byte{0x11})
	}
}

// overLine waits as long as n bytes take on the line.
func (p *Printer) overLine(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.traits.Baud <= 0 {
		return
	}
	p.lineIdle = p.until(p.lineIdle, time.Duration(n)*10*time.Second/time.Duration(p.traits.Baud))
}

// moved waits as long as the paper takes for so many dots.
func (p *Printer) moved(dots int) {
	const dotsPerMM = 8
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := time.Duration(p.faults.DelayMS) * time.Millisecond
	if p.traits.Speed > 0 {
		wait += time.Duration(dots) * time.Second / time.Duration(dotsPerMM*p.traits.Speed)
	}
	p.paperStill = p.until(p.paperStill, wait)
}

// until waits until something that was busy until then has been busy for so much
// longer, and returns when that was. What timers oversleep is made up for: neither
// a line nor a motor becomes slower by it.
func (p *Printer) until(then time.Time, more time.Duration) time.Time {
	const most = 100 * time.Millisecond
	now := time.Now()
	if now.Sub(then) > most {
		then = now
	}
	then = then.Add(more)
	p.pause(then.Sub(now))
	return then
}

// pause waits with mu held; Close ends it.
func (p *Printer) pause(wait time.Duration) {
	if wait <= 0 || p.closed {
		return
	}
	over := false
	timer := time.AfterFunc(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		over = true
		p.changed.Broadcast()
	})
	defer timer.Stop()
	for !over && !p.closed {
		p.changed.Wait()
	}
}
