package printer

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Flow is how a serial printer says that it has no room.
type Flow string

// The ways of flow control. "" is FlowNone.
const (
	FlowNone    Flow = "none"    // it does not: jobs are paced by its answers, or by its speed
	FlowXONXOFF Flow = "xonxoff" // bytes 11 and 13
	FlowRTSCTS  Flow = "rtscts"  // the CTS line
	FlowDTRDSR  Flow = "dtrdsr"  // the DSR line: Epson's factory setting
)

// A gate holds back what goes to a serial printer while the printer says that it
// is busy.
//
// It is ours rather than the driver's, in every mode and on every system. No
// serial library sets flow control, Linux has none by DSR, and a driver that
// waits for the line holds back DLE EOT too: the one question a busy printer
// answers, and the only way to learn that it is out of paper. What is left to the
// driver is at most two pieces, less than the 128 bytes that a printer takes
// after it has said that it is busy (16 in its 45-byte mode).
type gate struct {
	mode  Flow
	lines modem // for FlowRTSCTS and FlowDTRDSR
	piece int   // bytes given to the driver at once
	perS  int   // bytes a second the line carries

	xoff   atomic.Bool
	opened chan struct{} // holds one value after XON
	idle   time.Time     // when the line has carried all it was given; belongs to the writer
}

// modem is the lines of a serial port that matter for flow control.
type modem interface {
	// raise sets DTR and RTS, so that the printer may answer.
	raise() error
	// ready reads CTS and DSR.
	ready() (cts, dsr bool, err error)
}

const (
	linePoll  = 5 * time.Millisecond // how often a busy line is looked at
	mostPiece = 32
)

// newGate is nil for FlowNone. buffer is the printer's receive buffer, 0 where it
// is not known.
func newGate(mode Flow, lines modem, baud, buffer int) (*gate, error) {
	switch mode {
	case "", FlowNone:
		return nil, nil
	case FlowXONXOFF:
	case FlowRTSCTS, FlowDTRDSR:
		if lines == nil {
			return nil, fmt.Errorf("it has no modem lines for flow control %q: use xonxoff or none", mode)
		}
		if err := lines.raise(); err != nil {
			return nil, fmt.Errorf("it cannot do flow control %q, its lines RTS and DTR cannot be set (%v): use xonxoff or none", mode, err)
		}
		if _, _, err := lines.ready(); err != nil {
			return nil, fmt.Errorf("it cannot do flow control %q, its lines CTS and DSR cannot be read (%v): use xonxoff or none", mode, err)
		}
	default:
		return nil, fmt.Errorf("flow control %q is not none, xonxoff, rtscts or dtrdsr", mode)
	}
	piece := mostPiece
	if buffer > 0 {
		piece = min(max(buffer/32, 4), mostPiece)
	}
	return &gate{mode: mode, lines: lines, piece: piece, perS: max(baud/10, 1), opened: make(chan struct{}, 1)}, nil
}

// hear takes a byte that the printer sent.
func (g *gate) hear(b byte) {
	switch {
	case g.mode != FlowXONXOFF:
	case b == xoff:
		g.xoff.Store(true)
	case b == xon:
		g.xoff.Store(false)
		select {
		case g.opened <- struct{}{}:
		default:
		}
	}
}

// busy tells that the printer takes nothing now.
func (g *gate) busy() (bool, error) {
	switch g.mode {
	case FlowRTSCTS:
		cts, _, err := g.lines.ready()
		return !cts, err
	case FlowDTRDSR:
		_, dsr, err := g.lines.ready()
		return !dsr, err
	}
	return g.xoff.Load(), nil
}

// carry notes n bytes given to the line.
func (g *gate) carry(n int, now time.Time) {
	if g.idle.Before(now) {
		g.idle = now
	}
	g.idle = g.idle.Add(time.Duration(n) * time.Second / time.Duration(g.perS))
}

// behind is how long until the driver holds less than one piece.
func (g *gate) behind(now time.Time) time.Duration {
	if g.idle.Before(now) {
		return 0
	}
	return g.idle.Sub(now) - time.Duration(g.piece)*time.Second/time.Duration(g.perS)
}

var errGivenUp = errors.New("the port was given up")

// writeGated writes a chunk piece by piece, each when the printer has room.
// Questions go past it at any time.
func (l *link) writeGated(chunk []byte) (n int, err error) {
	g := l.gate
	for n < len(chunk) {
		if err := l.awaitGate(); err != nil {
			return n, err
		}
		took, err := l.conn.Write(chunk[n:min(n+g.piece, len(chunk))])
		n += took
		g.carry(took, time.Now())
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// awaitGate waits until the printer is not busy and the line nearly empty.
func (l *link) awaitGate() error {
	g := l.gate
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case q := <-l.urgent:
			if err := l.ask(q); err != nil {
				return err
			}
			continue
		case <-l.stop:
			return errGivenUp
		default:
		}
		busy, err := g.busy()
		if err != nil {
			return err
		}
		wait := g.behind(time.Now())
		switch {
		case busy && g.mode == FlowXONXOFF:
			wait = time.Hour // XON ends it
		case busy:
			wait = linePoll
		case wait <= 0:
			return nil
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-g.opened:
		case q := <-l.urgent:
			if err := l.ask(q); err != nil {
				return err
			}
		case <-l.stop:
			return errGivenUp
		}
	}
}
