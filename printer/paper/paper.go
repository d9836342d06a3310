// Package paper is a stand-in receipt printer: it takes ESC/POS over TCP, a
// pseudo-terminal or in process, answers status as a printer does, and turns each
// receipt into a picture, text and the bytes it came from.
//
// It behaves like a cheap clone: ESC @ drops the Chinese mode, four-byte GB18030
// codes come out wrong, a QR code wider than the paper is not printed. What it
// does not understand is listed and leaves a mark on the paper. It can be made to
// fail on demand, see Faults, and be as small and slow as real ones, see Traits.
package paper

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"tillagent/printer"
)

// Options of a Printer.
type Options struct {
	Dir       string          // where receipts are written as NNNN.png, .txt, .bin; "" writes none
	Profile   printer.Profile // the model; zero is generic-80
	Traits    Traits          // how it is built and wired
	Idle      time.Duration   // after this long without bytes an uncut receipt is written; 0 is 3 s
	Logger    *slog.Logger    // nil logs nothing
	OnReceipt func(Receipt)   // called for each receipt, one at a time; must not call Close
}

// A Printer is the stand-in. Its methods may be called from any goroutine.
type Printer struct {
	options Options
	log     *slog.Logger

	serving chan struct{}  // holds one value while a client is served
	split   parser         // of the client served; half a command outlives its client
	clients sync.WaitGroup // goroutines that take bytes
	printer sync.WaitGroup // the one that carries them out

	mu         sync.Mutex
	changed    *sync.Cond // anything below changed
	started    bool
	closed     bool // nothing new is accepted
	stopping   bool // the executor ends once the buffer is empty
	faults     Faults
	traits     Traits
	lostPower  bool // the executor has yet to forget everything
	forgetHalf bool // and the line what it has of a command
	queue      []command
	queued     int // bytes in queue
	reading    int // bytes of the command that is not complete yet
	lost       int // bytes that had no room, or were to be lost
	gap        int // bytes lost since the last command that came whole
	failAfter  int // bytes carried out until failWith; 0 is never
	failWith   Faults
	failed     chan struct{} // closed then
	xoff       bool          // XOFF was sent, and no XON since
	lineIdle   time.Time     // when the line has carried what has come
	paperStill time.Time     // when the paper comes to rest
	tearOff    bool          // the executor is to write what was not cut
	asb        bool          // automatic status is on
	client     *client       // who is served; nil is nobody
	closers    map[io.Closer]bool
	network    map[io.Closer]bool
	receipts   int
	kicks      int
}

// New prepares a printer, and Dir where it is missing. Receipts are numbered on
// from the highest number in Dir. Close must be called in the end.
func New(o Options) (*Printer, error) {
	if o.Profile.Name == "" {
		o.Profile, _ = printer.ProfileByName("generic-80")
	}
	if o.Idle <= 0 {
		o.Idle = 3 * time.Second
	}
	if err := o.Traits.check(); err != nil {
		return nil, err
	}
	p := &Printer{options: o, log: o.Logger, serving: make(chan struct{}, 1), closers: map[io.Closer]bool{}, network: map[io.Closer]bool{}}
	p.traits, p.asb = o.Traits, o.Traits.ASB
	p.changed = sync.NewCond(&p.mu)
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("cannot keep receipts: %v", err)
		}
	}
	return p, nil
}

// start begins carrying out commands, once. It fails after Close.
func (p *Printer) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	if p.started {
		return nil
	}
	e, err := newExecutor(p)
	if err != nil {
		return err
	}
	p.started = true
	p.printer.Go(e.run)
	return nil
}

// Serve is one client's connection until it ends; others wait for their turn.
func (p *Printer) Serve(conn io.ReadWriter) error {
	if err := p.start(); err != nil {
		return err
	}
	if c, ok := conn.(io.Closer); ok && !p.own(c, false) {
		return net.ErrClosed
	}
	if !p.enter() {
		return net.ErrClosed
	}
	defer p.clients.Done()
	defer p.disown(conn)
	p.serving <- struct{}{}
	defer func() { <-p.serving }()
	p.attend(newClient(p, conn))
	defer p.attend(nil)
	buf := make([]byte, 1024)
	for {
		n, err := conn.Read(buf)
		for taken := buf[:n]; len(taken) > 0; {
			const atOnce = 32 // a line brings bytes one by one
			p.overLine(min(len(taken), atOnce))
			may := p.mayTake(min(len(taken), atOnce))
			if may == 0 {
				return net.ErrClosed
			}
			for _, b := range taken[:may] {
				p.take(b)
			}
			taken = taken[may:]
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed), errors.Is(err, io.ErrClosedPipe):
			return nil
		case err != nil:
			return err
		}
	}
}

// mayTake waits until bytes may be taken, and tells how many of n; 0 where that
// will not be before Close is done.
func (p *Printer) mayTake(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.faults.Stalled || !p.traits.Loses && p.used() >= p.traits.buffer() {
		if p.closed && (p.faults.Stalled || p.faults.holding()) {
			return 0
		}
		p.changed.Wait()
	}
	if p.faults.StallAfter > 0 {
		n = min(n, p.faults.StallAfter)
		p.faults.StallAfter -= n
		p.faults.Stalled = p.faults.StallAfter == 0
	}
	return n
}

// take takes one byte from the line, or loses it. What is asked in real time is
// heard without room too.
func (p *Printer) take(b byte) {
	if p.loses(b) {
		return
	}
	p.mu.Lock()
	if p.forgetHalf {
		p.split, p.forgetHalf = parser{}, false
	}
	p.mu.Unlock()
	cmd, complete := p.split.feed(b)
	if complete {
		p.receive(cmd)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = len(p.split.buf)
	p.flow()
}

// loses tells that a byte is lost, and counts it.
func (p *Printer) loses(b byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.faults
	lost := p.traits.Loses && p.used() >= p.traits.buffer() && b != dle && p.reading == 0
	if f.LoseAfter > 0 {
		f.LoseAfter--
		if f.LoseAfter == 0 {
			f.LoseBytes = max(f.LoseBytes, 1)
		}
	} else if f.LoseBytes > 0 {
		f.LoseBytes--
		lost = true
	}
	lost = lost || f.Unplugged
	if lost {
		p.lost++
		p.gap++
	}
	return lost
}

// receive answers a real-time command at once and puts any other into the buffer.
// Without power everything is lost.
func (p *Printer) receive(cmd command) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.faults.PowerOff:
		p.gap += len(cmd.bytes)
	case cmd.name == "DLE EOT" && p.traits.NoRealtime:
	case cmd.name == "DLE EOT":
		if answer, ok := p.faults.realtime(cmd.data[0]); ok {
			p.answer([]byte{answer})
		}
	case cmd.name == "DLE DC4" && cmd.data[0] == 1:
		p.kicks++
	default:
		cmd.lost, p.gap = p.gap, 0
		p.queue = append(p.queue, cmd)
		p.queued += len(cmd.bytes)
		p.changed.Broadcast()
	}
}

// ListenTCP serves clients at addr, like "127.0.0.1:9100" or ":0", until Close.
func (p *Printer) ListenTCP(addr string) (net.Addr, error) {
	if err := p.start(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot stand in for a network printer: %v", err)
	}
	if !p.own(l, false) {
		l.Close()
		return nil, net.ErrClosed
	}
	p.clients.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			if p.Faults().away() || !p.own(conn, true) {
				conn.Close()
				continue
			}
			p.clients.Go(func() { p.serveOwned(conn) })
		}
	})
	return l.Addr(), nil
}

// Conn is a connection to the printer within the process.
func (p *Printer) Conn() io.ReadWriteCloser {
	ours, theirs := net.Pipe()
	if p.start() != nil || !p.own(ours, false) {
		ours.Close()
		return theirs
	}
	p.clients.Go(func() { p.serveOwned(ours) })
	return theirs
}

// own makes Close close c; network connections end with the power too. It is
// false after Close.
func (p *Printer) own(c io.Closer, network bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.closers[c] = true
	if network {
		p.network[c] = true
	}
	return true
}

func (p *Printer) serveOwned(conn io.ReadWriteCloser) {
	if err := p.Serve(conn); err != nil {
		p.log.Debug("client lost", "err", err)
	}
	conn.Close()
}

// enter makes Close wait for one more Serve; false after Close.
func (p *Printer) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.clients.Add(1)
	return true
}

func (p *Printer) disown(conn io.ReadWriter) {
	c, ok := conn.(io.Closer)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.closers, c)
	delete(p.network, c)
}

// Close ends all connections, carries out what has been taken, unless something
// is wrong with the printer, and writes a receipt that was not cut.
func (p *Printer) Close() error {
	p.mu.Lock()
	p.closed = true
	for c := range p.closers {
		c.Close() // whoever uses it sees it closed
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	p.clients.Wait()
	p.mu.Lock()
	p.stopping = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.printer.Wait()
	return nil
}

// client is whom answers go to. They are sent beside the printing, so that a
// client that does not read holds nothing up.
type client struct {
	answers chan []byte
	gone    chan struct{}
}

func newClient(p *Printer, conn io.Writer) *client {
	c := &client{answers: make(chan []byte, 256), gone: make(chan struct{})}
	p.clients.Go(func() {
		for {
			select {
			case b := <-c.answers:
				if _, err := conn.Write(b); err != nil {
					return
				}
			case <-c.gone:
				return
			}
		}
	})
	return c
}

// attend makes c the client being served; nil is nobody.
func (p *Printer) attend(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		close(p.client.gone)
	}
	p.client = c
	if c != nil {
		p.xoff = false // who comes anew has not heard it
		p.gap = 0      // nor sent what was lost
		p.flow()
	}
}

// answer sends bytes to whoever is served now, as a wire does: an answer to what
// an earlier client asked too. A mute printer sends nothing, and what the client
// does not read is lost. mu is held.
func (p *Printer) answer(b []byte) {
	if p.client == nil || p.faults.Mute || p.faults.away() {
		return
	}
	select {
	case p.client.answers <- b:
	default:
	}
}
