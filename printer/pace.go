package printer

import (
	"errors"
	"time"
)

// A pacer is a model of a printer that cannot say how far it has come: what it
// has been given, and when it will have printed that at its own speed.
type pacer struct {
	room    int // bytes that may stand in the printer's buffer
	dotsPS  int // dots of paper a second
	pending []paced
	bytes   int       // of pending
	idle    time.Time // when the last of pending will be printed
}

type paced struct {
	bytes int
	done  time.Time
}

// What is taken for a printer that the profile says nothing of.
const (
	defaultSpeed  = 50   // mm a second: the slowest of the 58 mm clones
	defaultBuffer = 4096 // bytes: the smallest but for Epson's 45-byte mode
	dotsPerMM     = 8
)

// newPacer leaves a fifth of the speed and a quarter of the buffer in reserve.
func newPacer(p Profile) *pacer {
	speed, buffer := p.Speed, p.ReceiveBuffer
	if speed <= 0 {
		speed = defaultSpeed
	}
	if buffer <= 0 {
		buffer = defaultBuffer
	}
	return &pacer{room: max(buffer*3/4, 1), dotsPS: max(speed*dotsPerMM*4/5, 1)}
}

// takes is how long a step keeps the printer busy.
func (p *pacer) takes(st step) time.Duration {
	return st.takes + time.Duration(st.dots)*time.Second/time.Duration(p.dotsPS)
}

// takesJob is how long a whole job keeps the printer busy.
func (p *pacer) takesJob(job []byte, profile Profile) (takes time.Duration) {
	scan := newScanner(profile)
	for at := 0; at < len(job); {
		st := scan.next(job[at:])
		at += st.bytes
		takes += p.takes(st)
	}
	return takes
}

// wait is how long until n more bytes have room.
func (p *pacer) wait(now time.Time, n int) time.Duration {
	for len(p.pending) > 0 && (!p.pending[0].done.After(now) || p.bytes == 0) {
		p.bytes -= p.pending[0].bytes
		p.pending = p.pending[1:]
	}
	over := p.bytes + n - p.room
	for _, part := range p.pending {
		if over <= 0 {
			break
		}
		if over -= part.bytes; over <= 0 {
			return part.done.Sub(now)
		}
	}
	if over > 0 && len(p.pending) > 0 {
		return p.idle.Sub(now)
	}
	return 0
}

// add notes bytes that were sent.
func (p *pacer) add(now time.Time, n int, takes time.Duration) {
	if p.idle.Before(now) {
		p.idle = now
	}
	p.idle = p.idle.Add(takes)
	p.pending = append(p.pending, paced{n, p.idle})
	p.bytes += n
}

// forget is for a printer that has shown that it has printed everything.
func (p *pacer) forget() { p.pending, p.bytes, p.idle = nil, 0, time.Time{} }

const pacedBytes = 256 // sent at once to a printer that is not to be outrun

// sendPaced sends data no faster than the printer prints.
func (s *session) sendPaced(data []byte, scan *scanner) (n int, err error) {
	p := s.d.pacer
	var parts []step // of the next chunk
	size := 0
	flush := func() error {
		for {
			left := p.wait(time.Now(), size)
			if left <= 0 {
				break
			}
			s.progress() // it is we who wait
			if err := s.wait(min(left, s.pollEvery()), never); !errors.Is(err, errWaited) {
				return err
			}
		}
		s.progress()
		took, err := s.send(data[n : n+size])
		n += took
		now := time.Now()
		for _, part := range parts {
			p.add(now, part.bytes, p.takes(part))
		}
		parts, size = parts[:0], 0
		return err
	}
	for at := 0; at < len(data); {
		st := scan.next(data[at:])
		at += st.bytes
		for st.bytes > 0 { // a long command prints while it comes
			part := st
			if room := pacedBytes - size; part.bytes > room {
				part.dots = st.dots * room / st.bytes
				part.bytes, part.takes = room, 0
			}
			st.bytes, st.dots = st.bytes-part.bytes, st.dots-part.dots
			parts, size = append(parts, part), size+part.bytes
			if size == pacedBytes {
				if err := flush(); err != nil {
					return n, err
				}
			}
		}
	}
	if size > 0 {
		err = flush()
	}
	return n, err
}
