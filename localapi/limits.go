package localapi

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"tillagent/trade"
)

// What is served at a time. Sales come first: reads wait for reads, calls of
// the platform for such calls, and nothing of it keeps a sale from being taken.
const (
	// maxConnections are open, the last of them for sales alone.
	maxConnections   = 128
	salesConnections = 16
	readWait         = 500 * time.Millisecond
	maxLookups       = 8 // of one thing by its id
	maxOutside       = 8 // calls that ask the platform while a person waits
	// grace is how long a connection may be idle before a newer one may cost it
	// its place.
	grace = 50 * time.Millisecond
	// Large bodies take memory: those that come beyond maxLarge at a time wait.
	largeBody = 64 << 10
	maxLarge  = 4
	largeWait = 2 * time.Second
	// refusedTime is how long the body of a refused request is read, to throw it
	// away: a caller that sends it slowly gets no more of our time.
	refusedTime   = 500 * time.Millisecond
	overloadRetry = time.Second
)

// maxReads is how many reads of much run at a time: on half of the processors, so
// that a sale always finds one.
func maxReads() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// slots are the places of a class of calls.
type slots chan struct{}

// take waits for a free place, at most so long, and has the call hold it.
func (c *call) take(s slots, wait time.Duration) error {
	select {
	case s <- struct{}{}:
	default:
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case s <- struct{}{}:
		case <-timer.C:
			return errOverloaded
		case <-c.Context().Done():
			return c.Context().Err()
		}
	}
	c.places = append(c.places, func() { <-s })
	return nil
}

var errOverloaded = &failure{code: trade.ErrOverloaded, retryAfter: overloadRetry}

// limits are the places of the classes.
type limits struct {
	lookups, reads, outside slots
	large, strange          slots // large bodies of callers with a token, and of those without
}

func newLimits() limits {
	return limits{make(slots, maxLookups), make(slots, maxReads()), make(slots, maxOutside), make(slots, maxLarge), make(slots, maxLarge)}
}

// class is the places among which a route's calls run; nil where they are not
// counted: sales, which the connections bound, and what must always answer.
func (l limits) class(rt *route) slots {
	switch {
	case strings.HasPrefix(rt.path, "/v1/accounts"), rt.path == "/v1/invoices/{id}/file":
		return l.outside
	case rt.method != http.MethodGet:
		return nil
	case rt.role == "", rt.path == "/v1/events":
		return nil
	case strings.Contains(rt.path, "{id}") && !strings.HasSuffix(rt.path, ".png") && !strings.Contains(rt.path, "/receipt."):
		return l.lookups
	}
	return l.reads
}

// place gives a call its place.
func (s *Server) place(c *call, rt *route) error {
	class := s.limits.class(rt)
	switch {
	case class == nil:
		return nil
	case s.crowd.tight():
		return errOverloaded
	}
	return c.take(class, readWait)
}

// crowd are the open connections of all listeners. Where there are too many, a
// new one is let in at the cost of the one that has been idle for longest:
// whoever opens connections and says nothing loses those, and keeps nobody out.
type crowd struct {
	mu   sync.Mutex
	open map[net.Conn]*guest
	busy int           // of them, with a request
	news chan struct{} // has something when one was closed or went idle
}

// guest is a connection.
type guest struct {
	state http.ConnState
	since time.Time // in this state
}

func newCrowd() *crowd {
	return &crowd{open: map[net.Conn]*guest{}, news: make(chan struct{}, 1)}
}

// tight reports whether there is room for sales alone.
func (c *crowd) tight() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy > maxConnections-salesConnections
}

// arrive is the server's ConnContext, which net/http calls before anything else
// happens to a connection, and before it accepts the next.
func (c *crowd) arrive(ctx context.Context, conn net.Conn) context.Context {
	for {
		wait, full := c.admit(conn)
		switch {
		case full:
			hangUpOn(conn)
			return ctx
		case wait <= 0:
			return ctx
		}
		// All are busy or came just now: more of them wait in the system's queue.
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.news:
		}
		timer.Stop()
	}
}

// admit gives a connection a place, or says how long to wait for one, or that
// every place is busy.
func (c *crowd) admit(conn net.Conn) (wait time.Duration, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.open) >= maxConnections {
		idle, since := c.idlest()
		if idle == nil {
			return 0, true
		}
		if wait := grace - now.Sub(since); wait > 0 {
			return wait, false
		}
		delete(c.open, idle)
		hangUpOn(idle) // whoever reads from it next is told
	}
	c.open[conn] = &guest{http.StateNew, now}
	return 0, false
}

// idlest is the connection that is to go first: of those that never sent a
// whole request the oldest, else the one that waits longest for its next; nil
// where all are busy.
func (c *crowd) idlest() (found net.Conn, since time.Time) {
	best := &guest{}
	for conn, g := range c.open {
		switch {
		case g.state == http.StateActive:
		case found == nil, g.state < best.state, g.state == best.state && g.since.Before(best.since):
			found, best = conn, g
		}
	}
	return found, best.since
}

// moved is the server's ConnState.
func (c *crowd) moved(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.open[conn]
	if !ok || s == g.state { // it had to go
		return
	}
	if g.state == http.StateActive {
		c.busy--
	}
	switch s {
	case http.StateActive:
		c.busy++
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
	g.state, g.since = s, time.Now()
	if s != http.StateActive {
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
}

// hangUpOn closes a connection at once: the farewell of TLS would wait for a
// caller that does not read.
func hangUpOn(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	conn.Close()
}

// hangUp ends the connection after the answer, and reads for a moment only
// what the caller goes on sending.
func hangUp(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedTime)) // a recorder in a test has none
}
