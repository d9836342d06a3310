package localapi

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// eventJSON is an event on the wire.
type eventJSON struct {
	Seq      int64   `json:"seq"`
	At       *string `json:"at"`
	Type     string  `json:"type"`
	SaleID   string  `json:"sale_id"`
	RefundID string  `json:"refund_id"`
	State    string  `json:"state"`
	Detail   string  `json:"detail"`
}

// The limits of event streams.
const (
	maxStreams = 8                // of one token
	quietTime  = 15 * time.Second // after which a comment shows that the stream lives
	// patience is how long a reader may take no byte before it is cut off. It
	// goes on where it was: nothing is lost.
	patience    = 10 * time.Second
	streamRetry = 5 * time.Second
)

// streams counts the open event streams of each token.
type streams struct {
	quiet, patience time.Duration // quietTime and patience, shorter in tests
	mu              sync.Mutex
	open            map[[sha256.Size]byte]int
}

// enter takes a place; free gives it back. False says that there is none left.
func (s *streams) enter(c *client) (free func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[c.sum] >= maxStreams {
		return nil, false
	}
	if s.open == nil {
		s.open = map[[sha256.Size]byte]int{}
	}
	s.open[c.sum]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[c.sum]--; s.open[c.sum] == 0 {
			delete(s.open, c.sum)
		}
	}, true
}

// getEvents streams events as they are stored, each once and in order, from
// after the number that the caller had last.
func (s *Server) getEvents(c *call) (any, error) {
	p := c.query()
	text := p.text("after")
	if last := c.Header.Get("Last-Event-ID"); last != "" { // what was read last counts, not where it began
		text = last
	}
	after := int64(queue.Latest)
	if text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			p.add("after", trade.BadNumber, short(text))
		}
		after = n
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if c.Method == http.MethodHead {
		return document{contentType: eventStream}, nil
	}
	if s.running.Err() != nil {
		return nil, &failure{code: trade.ErrShuttingDown, retryAfter: stopRetry}
	}
	free, ok := s.streams.enter(c.caller)
	if !ok {
		return nil, &failure{code: trade.ErrRateLimited, detail: trade.Say(trade.DetailStreams, strconv.Itoa(maxStreams)), retryAfter: streamRetry}
	}
	ctx, cancel := reading(c)
	defer cancel()
	oldest, err := s.o.Store.OldestEvent(ctx)
	if err != nil {
		free()
		return nil, err
	}
	follow := s.o.Store.Follow(after)
	return stream{eventStream, func(w http.ResponseWriter) {
		defer free()
		s.follow(w, c, follow, greeting(after, follow.Seq(), oldest))
	}}, nil
}

const eventStream = "text/event-stream"

// greeting is what a stream begins with: a comment, and where the caller's
// number does not hold, an id without data, which readers of event streams keep
// as their last. So whoever begins with what comes next and is broken off before
// it comes loses nothing.
func greeting(asked, from, oldest int64) string {
	switch {
	case asked != from:
		return ": from " + strconv.FormatInt(from, 10) + "\nid: " + strconv.FormatInt(from, 10) + "\n\n"
	case oldest > from+1:
		return ": the oldest event that is kept is " + strconv.FormatInt(oldest, 10) + "\n\n"
	}
	return ": from " + strconv.FormatInt(from, 10) + "\n\n"
}

// follow writes events until the caller or the server goes, or the caller's
// token ends. A caller that reads too slowly holds up nobody: it has a goroutine
// of its own, a page of events at a time, and its patience.
func (s *Server) follow(w http.ResponseWriter, c *call, f *queue.Follower, greeting string) {
	out := newEventWriter(w, s.streams.patience)
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	defer context.AfterFunc(s.running, cancel)()
	err := out.send(greeting)
	for err == nil {
		var events []queue.Event
		events, err = nextEvents(ctx, f, s.streams.quiet)
		switch {
		case !s.guard.stands(c.caller):
			return
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			err = out.send(": \n\n")
		case err == nil:
			err = out.events(events)
		}
	}
	s.log.Debug("event stream ends", "client", c.clientName(), "after", f.Seq(), "err", err)
}

// nextEvents waits for events at most for a while.
func nextEvents(ctx context.Context, f *queue.Follower, most time.Duration) ([]queue.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return f.Next(ctx)
}

// eventWriter writes server-sent events.
type eventWriter struct {
	b        *bufio.Writer
	c        *http.ResponseController
	patience time.Duration
}

func newEventWriter(w http.ResponseWriter, patience time.Duration) *eventWriter {
	e := &eventWriter{bufio.NewWriter(w), http.NewResponseController(w), patience}
	// The times of a request end with it; a stream has none.
	_ = e.c.SetReadDeadline(time.Time{}) // a recorder in a test has none
	return e
}

// send writes a text at once.
func (e *eventWriter) send(text string) error {
	e.hurry()
	_, err := e.b.WriteString(text)
	return cmp.Or(err, e.flush())
}

func (e *eventWriter) events(events []queue.Event) error {
	for _, x := range events {
		data, err := json.Marshal(eventJSON{x.Seq, stamp(x.At), x.Type, x.SaleID, x.RefundID, x.State, x.Detail})
		if err != nil {
			return err
		}
		e.hurry()
		// Errors stay with the buffer and come out of the flush.
		e.b.WriteString("id: ")
		e.b.WriteString(strconv.FormatInt(x.Seq, 10))
		e.b.WriteString("\ndata: ")
		e.b.Write(data)
		e.b.WriteString("\n\n")
	}
	return e.flush()
}

// hurry gives the reader its patience for what is written next.
func (e *eventWriter) hurry() { _ = e.c.SetWriteDeadline(time.Now().Add(e.patience)) }

func (e *eventWriter) flush() error { return cmp.Or(e.b.Flush(), e.c.Flush()) }
