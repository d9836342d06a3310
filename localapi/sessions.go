package localapi

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// The console has no cookies. `agent console` prints a link with a one-time code
// in its fragment, which no server and no log ever sees; the console's page
// trades the code for a session token and sends that like everyone else.
const (
	codeTime    = 60 * time.Second // a code is good for
	sessionIdle = 12 * time.Hour   // a session ends when it was not used for so long
	maxCodes    = 16               // codes that wait at a time; the oldest goes
	maxSessions = 64               // the one that was not used for longest goes
	// maxProof bounds the body that a code or a token comes in, in bytes: whoever
	// has neither could have us take a body apart that grows to a hundred times
	// its size.
	maxProof = 4 << 10
)

// sessions are the codes and sessions of a running service. They are in memory
// alone: a restart ends them all.
type sessions struct {
	now      func() time.Time
	mu       sync.Mutex
	codes    map[[sha256.Size]byte]ticket
	sessions map[[sha256.Size]byte]ticket
}

// ticket is a code or a session: whose, and since when it is not used.
type ticket struct {
	*client
	at time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, codes: map[[sha256.Size]byte]ticket{}, sessions: map[[sha256.Size]byte]ticket{}}
}

// code makes a one-time code in the name of a client.
func (s *sessions) code(of *client) (code string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code = newSecret()
	now := s.now()
	keep(s.codes, maxCodes)
	s.codes[sha256.Sum256([]byte(code))] = ticket{of, now}
	return code, now.Add(codeTime)
}

// spend takes a code, which is used up by it, and gives its client; nil where
// it is none or too old.
func (s *sessions) spend(code string) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256([]byte(code))
	t, ok := s.codes[sum]
	delete(s.codes, sum)
	if !ok || s.now().Sub(t.at) >= codeTime {
		return nil
	}
	return t.client
}

// open makes a session of a client, with its role.
func (s *sessions) open(of *client) (token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of.of != nil { // opened from a session: there is one step, never a chain
		of = of.of
	}
	token = newSecret()
	sum := sha256.Sum256([]byte(token))
	keep(s.sessions, maxSessions)
	s.sessions[sum] = ticket{&client{name: of.name + "/console", role: of.role, sum: sum, of: of}, s.now()}
	return token
}

// holder is the client of a session; nil where it is none or was idle too long.
func (s *sessions) holder(sum [sha256.Size]byte, used bool) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.sessions[sum]
	switch now := s.now(); {
	case !ok:
		return nil
	case now.Sub(t.at) >= sessionIdle:
		delete(s.sessions, sum)
		return nil
	case used:
		s.sessions[sum] = ticket{t.client, now}
	}
	return t.client
}

func (s *sessions) end(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c.sum)
}

// keep makes room for one more where there are so many: the oldest goes.
func keep(tickets map[[sha256.Size]byte]ticket, most int) {
	if len(tickets) < most {
		return
	}
	var oldest [sha256.Size]byte
	var at time.Time
	for sum, t := range tickets {
		if at.IsZero() || t.at.Before(at) {
			oldest, at = sum, t.at
		}
	}
	delete(tickets, oldest)
}

type codeJSON struct {
	Code      string  `json:"code"`
	ExpiresAt *string `json:"expires_at"`
}

type sessionJSON struct {
	Token       string `json:"token"`
	Name        string `json:"name"` // of whom the journal will tell
	Role        Role   `json:"role"`
	IdleSeconds int    `json:"idle_seconds"` // it ends when it was not used for so long
}

type endedJSON struct {
	Ended bool `json:"ended"`
}

// postCode makes a code for `agent console`.
func (s *Server) postCode(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	code, until := s.guard.sessions.code(c.caller)
	return result{http.StatusCreated, "", codeJSON{code, stamp(until)}}, nil
}

// postSession trades a one-time code, or a token, for a session. What is wrong
// is answered and slowed like a wrong token.
func (s *Server) postSession(c *call) (any, error) {
	if len(c.body) > maxProof {
		return nil, &failure{code: trade.ErrTooLarge}
	}
	var ps problems
	o, err := readBody(c.body, &ps)
	if err != nil {
		return nil, err
	}
	code, token := o.typed("code", kindText, "string"), o.typed("token", kindText, "string")
	if code == nil && token == nil {
		o.need("code")
	}
	o.end()
	if err := ps.failure(); err != nil {
		return nil, err
	}
	var who *client
	if code != nil {
		who = s.guard.sessions.spend(code.text())
	} else {
		who = s.guard.holder(sha256.Sum256([]byte(token.text())), true)
	}
	if who == nil || !s.guard.stands(who) {
		return nil, s.guard.refuse(true)
	}
	opened := s.guard.sessions.open(who)
	session := s.guard.holder(sha256.Sum256([]byte(opened)), false)
	if session == nil {
		return nil, s.guard.refuse(true)
	}
	c.journal(session, "POST /v1/session")
	return result{http.StatusCreated, "", sessionJSON{opened, session.name, session.role, int(sessionIdle / time.Second)}}, nil
}

// deleteSession ends the session that the call comes with.
func (s *Server) deleteSession(c *call) (any, error) {
	if c.caller.of == nil {
		return nil, &failure{code: trade.ErrInvalidState}
	}
	s.guard.sessions.end(c.caller)
	return endedJSON{true}, nil
}

// journal has the writes of a call noted as a client's.
func (c *call) journal(who *client, what string) {
	caller := &queue.Caller{Name: who.name, Call: what}
	if c.ofSale {
		caller.Sale = c.id
	}
	c.Request = c.Request.WithContext(queue.ByCaller(c.Context(), caller))
}

// outside is a handler whose doing is not in the database: the journal notes
// the call when it was done.
func outside(handle func(*Server, *call) (any, error)) func(*Server, *call) (any, error) {
	return func(s *Server, c *call) (any, error) {
		value, err := handle(s, c)
		if err != nil {
			return nil, err
		}
		ctx, cancel := storing(c)
		defer cancel()
		if err := s.o.Store.NoteCall(ctx); err != nil {
			s.log.Error("the journal lacks a call", "client", c.clientName(), "err", err)
		}
		return value, nil
	}
}
