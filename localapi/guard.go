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
	hosts   map[string]bool // lower case, with port
	origins map[string]bool
	clients []client
	wrong   *wrongTokens
}

// client is a token's holder.
type client struct {
	name string
	role Role
	sum  [sha256.Size]byte
}

func newGuard(o Options) guard {
	g := guard{hosts: map[string]bool{}, origins: map[string]bool{}, wrong: &wrongTokens{now: time.Now}}
	port := strconv.Itoa(o.Port)
	for _, h := range append([]string{"127.0.0.1", "localhost", "::1"}, o.Hosts...) {
		if _, _, err := net.SplitHostPort(h); err != nil {
			h = net.JoinHostPort(strings.Trim(h, "[]"), port)
		}
		g.hosts[strings.ToLower(h)] = true
	}
	for _, origin := range o.Origins {
		if origin != "" && origin != "null" && origin != "*" {
			g.origins[origin] = true
		}
	}
	for _, t := range o.Tokens {
		if t.Secret != "" {
			g.clients = append(g.clients, client{t.Name, t.Role, sha256.Sum256([]byte(t.Secret))})
		}
	}
	return g
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
	origin := r.Header["Origin"]
	if len(origin) > 0 {
		if len(origin) > 1 || !g.origins[origin[0]] {
			return &failure{code: trade.ErrForbiddenOrigin}
		}
		answer.Set("Access-Control-Allow-Origin", origin[0])
	}
	// What a page embeds is sent without an Origin.
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" && len(origin) == 0 {
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
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
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
		sum := sha256.Sum256([]byte(secret))
		var found *client
		for i := range g.clients {
			if subtle.ConstantTimeCompare(sum[:], g.clients[i].sum[:]) == 1 {
				found = &g.clients[i]
			}
		}
		if found != nil && strings.EqualFold(scheme, "Bearer") {
			return found, nil
		}
	}
	if wait := g.wrong.another(len(presented) > 0); wait > 0 {
		return nil, &failure{code: trade.ErrRateLimited, retryAfter: wait}
	}
	return nil, &failure{code: trade.ErrUnauthorized}
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
