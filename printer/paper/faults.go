package paper

import (
	"encoding/json"
	"net/http"
)

// Faults are what is wrong with the printer; the zero value is nothing. The
// numbers of bytes count from when they are set; 0 is never.
type Faults struct {
	PaperOut  bool `json:"paper_out"`
	PaperLow  bool `json:"paper_low"` // prints, and says that the roll nears its end
	CoverOpen bool `json:"cover_open"`
	Offline   bool `json:"offline"`    // paused; answers that it is
	Error     bool `json:"error"`      // head too hot, or worse; stops and answers that
	CutterJam bool `json:"cutter_jam"` // the next cut jams
	Jammed    bool `json:"jammed"`     // the cutter is jammed; stops and answers that
	Mute      bool `json:"mute"`       // prints, answers nothing
	Stalled   bool `json:"stalled"`    // takes no byte
	PowerOff  bool `json:"power_off"`  // what was in the buffer is lost
	Unplugged bool `json:"unplugged"`  // the cable is out: a network connection ends, a serial line loses what passes
	DelayMS   int  `json:"delay_ms"`   // milliseconds each movement of the paper takes

	PaperOutAfter int `json:"paper_out_after"` // bytes carried out until the paper ends
	PowerCutAfter int `json:"power_cut_after"` // bytes carried out until the power goes
	StallAfter    int `json:"stall_after"`     // bytes taken until no more are

	XOFFStuck   bool `json:"xoff_stuck"`    // with Traits.Flow: never says XON
	EchoDelayMS int  `json:"echo_delay_ms"` // milliseconds until what is answered in order is sent
	NoEcho      bool `json:"no_echo"`       // what is answered in order is not; DLE EOT is
	ForeignEcho bool `json:"foreign_echo"`  // a token of another comes before each of ours
	LoseAfter   int  `json:"lose_after"`    // bytes taken until some are lost
	LoseBytes   int  `json:"lose_bytes"`    // how many; 0 with LoseAfter is one
}

// holding tells that nothing is carried out: the printer waits for a person.
func (f Faults) holding() bool {
	return f.PaperOut || f.CoverOpen || f.Offline || f.Error || f.Jammed || f.PowerOff
}

// away tells that nothing can be sent to the printer.
func (f Faults) away() bool { return f.PowerOff || f.Unplugged }

// realtime is the answer to DLE EOT n; ok is false for an n there is not.
func (f Faults) realtime(n byte) (answer byte, ok bool) {
	answer = 0x12
	switch n {
	case 1:
		answer |= 0x04 // the drawer's pin is high
		if f.holding() {
			answer |= 0x08
		}
	case 2:
		if f.CoverOpen {
			answer |= 0x04
		}
		if f.PaperOut {
			answer |= 0x20
		}
		if f.Error || f.Jammed {
			answer |= 0x40
		}
	case 3:
		if f.Jammed {
			answer |= 0x08
		}
		if f.Error {
			answer |= 0x20
		}
	case 4:
		if f.PaperLow || f.PaperOut {
			answer |= 0x0C
		}
		if f.PaperOut {
			answer |= 0x60
		}
	default:
		return 0, false
	}
	return answer, true
}

// paperStatus is the answer to GS r 1.
func (f Faults) paperStatus() byte {
	if f.PaperLow {
		return 0x03
	}
	return 0
}

// asb is an automatic status frame (GS a).
func (f Faults) asb() []byte {
	frame := []byte{0x14, 0, 0, 0x0F}
	if f.holding() {
		frame[0] |= 0x08
	}
	if f.CoverOpen {
		frame[0] |= 0x20
	}
	if f.Jammed {
		frame[1] |= 0x08
	}
	if f.Error {
		frame[1] |= 0x20
	}
	if f.PaperLow || f.PaperOut {
		frame[2] |= 0x03
	}
	if f.PaperOut {
		frame[2] |= 0x0C
	}
	return frame
}

// Faults tells what is wrong now.
func (p *Printer) Faults() Faults {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults
}

// SetFaults makes this be wrong, and nothing else.
func (p *Printer) SetFaults(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setFaults(f)
}

// FailAfter makes f be wrong, and nothing else, once n more bytes have been
// carried out, at least one; failed is closed then. A second call replaces the
// first, whose failed is never closed if that had not come yet.
func (p *Printer) FailAfter(n int, f Faults) (failed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failAfter, p.failWith, p.failed = max(n, 1), f, make(chan struct{})
	return p.failed
}

// setFaults is SetFaults with mu held.
func (p *Printer) setFaults(f Faults) {
	before := p.faults
	p.faults = f
	if f.PowerOff && !before.PowerOff {
		p.gap += p.queued
		p.queue, p.queued = nil, 0
		p.lostPower, p.forgetHalf = true, true
		p.asb, p.xoff = false, false
	}
	if f.away() && !before.away() {
		for c := range p.network {
			c.Close() // its owner is Serve, which sees it closed
		}
	}
	if before.PowerOff && !f.PowerOff {
		p.asb = p.traits.ASB
	}
	p.flow()
	if p.asb && string(before.asb()) != string(f.asb()) {
		p.answer(f.asb())
	}
	p.changed.Broadcast()
}

// State is what Control shows.
type State struct {
	Faults      Faults `json:"faults"`
	Receipts    int    `json:"receipts"`     // since New
	DrawerKicks int    `json:"drawer_kicks"` // since New
	Lost        int    `json:"lost"`         // bytes that had no room or were to be lost, since New
	Traits      Traits `json:"traits"`
}

// State tells what is wrong and what has been done.
func (p *Printer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return State{p.faults, p.receipts, p.kicks, p.lost, p.traits}
}

// Control is a small HTTP interface: GET gives the State, POST changes the faults
// that its JSON object names ({"paper_out":true}), and the traits under "traits"
// ({"traits":{"speed":50}}), DELETE clears the faults.
func (p *Printer) Control() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
		case http.MethodDelete:
			p.SetFaults(Faults{})
		case http.MethodPost:
			want := struct {
				Faults
				Traits Traits `json:"traits"`
			}{p.Faults(), p.Traits()}
			body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
			body.DisallowUnknownFields()
			err := body.Decode(&want)
			if err == nil {
				err = want.Traits.check()
			}
			if err != nil {
				http.Error(w, "cannot read the faults: "+err.Error(), http.StatusBadRequest)
				return
			}
			p.SetTraits(want.Traits)
			p.SetFaults(want.Faults)
		default:
			w.Header().Set("Allow", "GET, POST, DELETE")
			http.Error(w, "GET, POST or DELETE", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p.State()) // the client may have gone
	})
}
