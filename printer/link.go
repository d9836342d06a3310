package printer

import (
	"errors"
	"io"
	"sync"
	"time"
)

const (
	chunkBytes = 1024             // given to the port at once
	closeWait  = time.Second      // for a port to close; then it is left to the system
	dialWait   = 10 * time.Second // for a port to open
)

// link is an open port with its two goroutines: ports block, so that reading and
// writing happen beside the job, which can always give up.
type link struct {
	conn    Conn
	gate    *gate // nil: bytes go as fast as the port takes them
	replies chan reply
	writes  chan []byte
	wrote   chan writeResult
	urgent  chan []byte // questions, which a busy printer answers too
	stop    chan struct{}
	dead    chan struct{} // closed when reading ended; err says why
	err     error
	running sync.WaitGroup

	owesAnswer bool          // a DLE EOT may still be answered; belongs to the session
	fresh      bool          // nothing has been asked yet; likewise
	silent     bool          // it was asked in vain, and nothing has come since; likewise
	gone       chan struct{} // closed when the port is closed and both goroutines ended
}

type writeResult struct {
	n   int
	err error
}

// aborter is a Conn that can throw away what was written and has not left.
type aborter interface{ abort() }

// gated is a Conn whose printer may say that it is busy.
type gated interface{ flowGate() *gate }

// lossy is a Conn whose printer loses what it has no room for.
type lossy interface{ lossy() bool }

// loses tells that bytes sent too fast are lost.
func (l *link) loses() bool {
	c, ok := l.conn.(lossy)
	return ok && c.lossy()
}

// network tells that answers go to who asked, not to whoever has the port open.
func (l *link) network() bool {
	_, is := l.conn.(tcpPort)
	return is
}

func newLink(conn Conn) *link {
	l := &link{
		conn:    conn,
		replies: make(chan reply, 64),
		writes:  make(chan []byte),
		wrote:   make(chan writeResult, 1),
		urgent:  make(chan []byte),
		stop:    make(chan struct{}),
		dead:    make(chan struct{}),
		gone:    make(chan struct{}),
	}
	if g, ok := conn.(gated); ok {
		l.gate = g.flowGate()
	}
	l.running.Go(l.read)
	l.running.Go(l.write)
	return l
}

func (l *link) read() {
	defer close(l.dead)
	var parser replyParser
	buf := make([]byte, 256)
	for {
		n, err := l.conn.Read(buf)
		for _, b := range buf[:n] {
			if l.gate != nil {
				l.gate.hear(b)
			}
			r, ok := parser.feed(b)
			if !ok {
				continue
			}
			select {
			case l.replies <- r:
			default: // nobody listens; what matters is asked for again
			}
		}
		if err != nil {
			l.err = err
			if errors.Is(err, io.EOF) {
				l.err = errors.New("the printer closed the connection")
			}
			return
		}
	}
}

func (l *link) write() {
	for {
		var n int
		var err error
		select {
		case q := <-l.urgent:
			if err = l.ask(q); err == nil {
				continue
			}
		case chunk := <-l.writes:
			if l.gate != nil {
				n, err = l.writeGated(chunk)
			} else {
				n, err = l.conn.Write(chunk)
			}
		case <-l.stop:
			return
		}
		l.wrote <- writeResult{n, err}
		if err != nil {
			return
		}
	}
}

// ask writes a question.
func (l *link) ask(q []byte) error {
	n, err := l.conn.Write(q)
	if l.gate != nil {
		l.gate.carry(n, time.Now())
	}
	return err
}

// alive tells that reading has not ended.
func (l *link) alive() bool {
	select {
	case <-l.dead:
		return false
	default:
		return true
	}
}

// drain forgets replies that came unasked.
func (l *link) drain() {
	for {
		select {
		case <-l.replies:
			l.silent = false
		default:
			return
		}
	}
}

// close closes the port, with discard throwing away what has not left yet. It
// never hangs: a port that does not close in time is left to the system, and ok
// is false; gone closes once it is free.
func (l *link) close(discard bool) (ok bool) {
	close(l.stop)
	go func() {
		if a, can := l.conn.(aborter); can && discard {
			a.abort()
		}
		l.conn.Close() // the port is given up: there is nobody its error would help
		l.running.Wait()
		close(l.gone)
	}()
	select {
	case <-l.gone:
		return true
	case <-time.After(closeWait):
		return false
	}
}
