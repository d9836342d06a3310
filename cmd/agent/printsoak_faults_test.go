package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tillagent/printer/paper"
)

// trouble makes something be wrong every few seconds: at a random byte of
// whatever is printed then, for a moment or longer than the agent's patience.
func (k *printTill) trouble(r *rand.Rand) {
	k.tape.SetFaults(k.usual)
	for k.pause(between(r, 300*time.Millisecond, 4*time.Second)) {
		name, f, loses := k.fault(r)
		lasts := between(r, 100*time.Millisecond, 3*time.Second)
		if r.IntN(6) == 0 {
			lasts = between(r, 15*time.Second, 20*time.Second)
		}
		at := 1 + r.IntN(2500) // a receipt has 700 to 1,500 bytes
		select {
		case <-k.tape.FailAfter(at, f):
		case <-k.home:
			return
		}
		k.tell("%s at byte %d for %s", name, at, lasts.Round(time.Millisecond))
		began, goesOn := time.Now(), true
		if name == "agent killed" {
			k.killAgent()
			k.startAgent()
		} else {
			goesOn = k.pause(lasts)
		}
		k.tape.SetFaults(k.usual)
		k.tell("%s is over", name)
		if loses {
			k.losses = append(k.losses, span{began, time.Now()})
		}
		if !goesOn {
			return
		}
	}
}

// fault chooses what is to be wrong; loses tells that bytes may get lost on the
// way without either side's knowledge.
func (k *printTill) fault(r *rand.Rand) (name string, f paper.Faults, loses bool) {
	f = k.usual
	switch r.IntN(16) {
	case 0:
		f.PaperOut = true
		return "paper out", f, false
	case 1:
		f.PaperLow = true
		return "paper low", f, false
	case 2:
		f.CoverOpen = true
		return "cover open", f, false
	case 3:
		f.CutterJam = true
		return "cutter jam", f, false
	case 4:
		f.Offline = true
		return "offline", f, false
	case 5:
		f.Error = true
		return "error", f, false
	case 6:
		f.PowerOff = true
		return "power cut", f, k.serial
	case 7:
		f.Unplugged = true
		return "unplugged", f, k.serial
	case 8:
		f.Mute = true
		return "mute", f, false
	case 9:
		f.EchoDelayMS = 200 + r.IntN(4000)
		return "late echoes", f, false
	case 10:
		f.NoEcho = true
		return "no echoes", f, false
	case 11:
		f.ForeignEcho = true
		return "foreign echoes", f, false
	case 12:
		f.LoseAfter, f.LoseBytes = 1+r.IntN(500), 1+r.IntN(40)
		return "lost bytes", f, true
	case 13:
		f.XOFFStuck = true
		if k.tape.Traits().Flow == "" {
			f.XOFFStuck, f.Stalled = false, true
		}
		return "stuck", f, false
	case 14:
		f.DelayMS = 20 + r.IntN(40)
		return "slow", f, false
	}
	return "agent killed", f, false
}

// tell notes what happens to the printer.
func (k *printTill) tell(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.story = append(k.story, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}
