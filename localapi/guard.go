package localapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tillagent/trade"
)

// guard decides who may call at all, before a body is read and before the path
// is looked at. A till's browser can be on any web page, and other programs
// share the machine: each check closes a way that such callers have.
type guard struct {
	hosts    map[string]bool // lower case, with port
	own      map[string]bool // origins of the console's own pages
	origins  map[string]bool // origins of others that may call
	clients  []*client       // of the service's own token and the configuration
	given    *givenTokens
	sessions *sessions
	wrong    *wrongTokens
}

// client is a token's holder.
type client struct {
	name string
	role Role
	sum  [sha256.Size]byte
	of   *client // whose console session it is; nil where it is none
}

func newGuard(o Options) guard {
	g := guard{hosts: map[string]bool{}, own: map[string]bool{}, origins: map[string]bool{}, wrong: &wrongTokens{now: time.Now}, sessions: newSessions(time.Now)}
	loopback := []string{"127.0.0.1", "localhost", "::1"}
	// The console is served under the loopback's names and, where the certificate
	// proves whose page it is, under the configured ones. An origin is never
	// allowed for being like the request's Host: that is how a rebound name looks.
	for _, h := range loopback {
		for _, name := range g.serve(h, o) {
			g.own[o.scheme()+"://"+name] = true
		}
	}
	for _, h := range o.Hosts {
		for _, name := range g.serve(h, o) {
			if o.TLS {
				g.own["https://"+name] = true
			}
		}
	}
	for _, origin := range o.Origins {
		if origin != "" && origin != "null" && origin != "*" && !g.own[origin] {
			g.origins[origin] = true
		}
	}
	names := map[string]bool{}
	for _, t := range o.Tokens {
		if t.Secret != "" {
			g.clients = append(g.clients, &client{name: t.Name, role: t.Role, sum: sha256.Sum256([]byte(t.Secret))})
			names[t.Name] = true
		}
	}
	g.given = &givenTokens{list: o.TokenList, taken: names, log: o.Log}
	return g
}

// serve takes a name into those that a Host header may have, and gives the forms
// that it has there: browsers leave the port of https out.
func (g guard) serve(name string, o Options) (forms []string) {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		host, port = strings.Trim(name, "[]"), strconv.Itoa(o.Port)
	}
	host = strings.ToLower(host)
	forms = []string{net.JoinHostPort(host, port)}
	if o.TLS && port == "443" {
		forms = append(forms, strings.TrimSuffix(forms[0], ":443"))
	}
	for _, f := range forms {
		g.hosts[f] = true
	}
	return forms
}

// headers are on every answer.
var headers = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"Cache-Control":                "no-store",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
	"Vary":                         "Origin",
}

// admit checks Host, content type, Origin and Sec-Fetch, in this order. It sets
// the answer's headers that follow from them.
func (g guard) admit(answer http.Header, r *http.Request) error {
	// A page whose name was rebound to 127.0.0.1 is "same origin" for its
	// browser; only the Host header gives it away. An absolute request target
	// would hide that header.
	if r.URL.Host != "" || !g.hosts[strings.ToLower(r.Host)] {
		answer.Set("Connection", "close")
		return &failure{code: trade.ErrMisdirectedHost}
	}
	// A page's form can post without being asked, but never this type.
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions && !isJSON(r.Header) {
		return &failure{code: trade.ErrMediaType}
	}
	origin, foreign := r.Header["Origin"], false
	if len(origin) > 0 {
		if len(origin) > 1 || !g.origins[origin[0]] && !g.own[origin[0]] {
			return &failure{code: trade.ErrForbiddenOrigin}
		}
		if foreign = g.origins[origin[0]]; foreign {
			answer.Set("Access-Control-Allow-Origin", origin[0])
		}
	}
	// What a page embeds is sent without an Origin.
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" && !foreign {
			return &failure{code: trade.ErrForbiddenOrigin}
		}
	}
	for _, dest := range r.Header["Sec-Fetch-Dest"] {
		switch dest {
		case "iframe", "frame", "embed", "object":
			return &failure{code: trade.ErrForbiddenOrigin}
		}
	}
	return nil
}

func isJSON(h http.Header) bool {
	types := h["Content-Type"]
	if len(types) != 1 {
		return false
	}
	t, params, err := mime.ParseMediaType(types[0])
	charset, has := params["charset"]
	return err == nil && t == "application/json" && (!has || strings.EqualFold(charset, "utf-8"))
}

// preflight answers a browser's question before a call from an allowed origin;
// false says that the request is none. The path plays no part, so that it
// tells nothing.
func (g guard) preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || w.Header().Get("Access-Control-Allow-Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, last-event-id")
	h.Set("Access-Control-Max-Age", "600")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// client finds the holder of the request's bearer token. A right token is
// always served, however many wrong ones came: otherwise any program on the
// machine could keep the till from selling.
func (g guard) client(r *http.Request) (*client, error) {
	presented := r.Header["Authorization"]
	if len(presented) == 1 {
		scheme, secret, _ := strings.Cut(presented[0], " ")
		found := g.holder(sha256.Sum256([]byte(secret)), true)
		if found != nil && strings.EqualFold(scheme, "Bearer") {
			return found, nil
		}
	}
	return nil, g.refuse(len(presented) > 0)
}

// holder finds the client of a token by its sum; nil where there is none. used
// says that the token is used now, which keeps a session alive.
func (g guard) holder(sum [sha256.Size]byte, used bool) *client {
	var found *client
	for _, of := range [][]*client{g.clients, g.given.current()} {
		for _, c := range of {
			if subtle.ConstantTimeCompare(sum[:], c.sum[:]) == 1 {
				found = c
			}
		}
	}
	if found != nil {
		return found
	}
	c := g.sessions.holder(sum, used)
	if c == nil || g.holder(c.of.sum, false) == nil { // a session ends with the token that opened it
		return nil
	}
	return c
}

// stands tells whether a client that was let in would still be: what goes on
// for long, such as a stream, asks again.
func (g guard) stands(c *client) bool { return g.holder(c.sum, false) != nil }

// refuse counts what was presented for a token or a code and is none, and gives
// the answer: the same whatever was wrong.
func (g guard) refuse(attempt bool) error {
	if wait := g.wrong.another(attempt); wait > 0 {
		return &failure{code: trade.ErrRateLimited, retryAfter: wait}
	}
	return &failure{code: trade.ErrUnauthorized}
}

// wrongTokens counts wrong tokens, of all callers together: on the loopback
// they cannot be told apart.
type wrongTokens struct {
	now   func() time.Time
	mu    sync.Mutex
	since time.Time
	count int
}

// maxWrong is how many wrong tokens a minute are answered with 401.
const maxWrong = 10

// another says how long the caller must wait, 0 where it need not. A request
// without any token is no attempt, but waits like one, so that the two look
// the same.
func (w *wrongTokens) another(attempt bool) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if now.Sub(w.since) >= time.Minute {
		w.since, w.count = now, 0
	}
	if w.count >= maxWrong {
		return w.since.Add(time.Minute).Sub(now)
	}
	if attempt {
		w.count++
	}
	return 0
}
