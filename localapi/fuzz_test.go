package localapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tillagent/trade"
)

// FuzzJSON holds the decoder of bodies against encoding/json: what it takes is
// one JSON value, not deeper than maxDepth and with no name twice, and its bytes
// are kept.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{saleBody("S1"), `{"a":[1.50,-0,1e5,"\u00e9\"",true,false,null,{},[]]}`, `{"a":1,"\u0061":2}`, strings.Repeat("[", 17) + strings.Repeat("]", 17),
		strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16), " 1 ", `"\ud800"`, "{}{}", "\xef\xbb\xbf{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var ps problems
		n, err := parse(body, &ps)
		var no *failure
		switch valid := utf8.Valid(body) && json.Valid(body); {
		case err != nil && !errors.As(err, &no):
			t.Fatal(err)
		case err != nil && valid != (no.code == trade.ErrValidation):
			t.Fatalf("valid %v is refused as %s", valid, no.code)
		case err != nil:
			return
		case !valid:
			t.Fatal("taken, and no JSON")
		}
		if deep := depth(n); deep > maxDepth {
			t.Errorf("taken %d deep", deep)
		}
		if !bytes.Equal(n.raw, bytes.Trim(body, " \t\r\n")) {
			t.Errorf("%q is kept as %q", body, n.raw)
		}
		if twice(n) == (len(ps.list) == 0) {
			t.Errorf("a name twice: %v, problems: %v", twice(n), ps.list)
		}
	})
}

// parts are the values in a list or an object.
func parts(n node) (all []node) {
	switch n.kind {
	case kindList:
		return n.items(len(n.raw))
	case kindObject:
		for _, m := range n.members() {
			all = append(all, m.node)
		}
	}
	return all
}

func depth(n node) int {
	deepest := 0
	for _, v := range parts(n) {
		deepest = max(deepest, depth(v))
	}
	if n.kind == kindList || n.kind == kindObject {
		deepest++
	}
	return deepest
}

func twice(n node) bool {
	if n.kind == kindObject {
		names := map[string]bool{}
		for _, m := range n.members() {
			if names[m.name] {
				return true
			}
			names[m.name] = true
		}
	}
	return slices.ContainsFunc(parts(n), twice)
}

// FuzzGuard: whatever Host and Origin are, only names of this machine and
// allowed pages come through, and nothing is allowed to a page that is not.
func FuzzGuard(f *testing.F) {
	for _, seed := range [][2]string{{"127.0.0.1:17216", ""}, {"localhost:17216", goodOrigin}, {"LOCALHOST:17216", "null"}, {"[::1]:17216", "http://[::1]:17216"},
		{"evil.example.com:17216", "http://evil.example.com:17216"}, {"127.0.0.1.:17216", goodOrigin + ".evil.example.com"}, {"2130706433:17216", "*"}} {
		f.Add(seed[0], seed[1])
	}
	g := newGuard(Options{Port: 17216, Origins: []string{goodOrigin, "null", "*"}})
	f.Fuzz(func(t *testing.T, host, origin string) {
		r, err := http.NewRequest(http.MethodGet, "/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if origin != "" {
			r.Header["Origin"] = []string{origin}
		}
		answer := http.Header{}
		err = g.admit(answer, r)
		allowed := answer.Get("Access-Control-Allow-Origin")
		if allowed != "" && (allowed != origin || origin != goodOrigin) {
			t.Errorf("Origin %q is allowed as %q", origin, allowed)
		}
		if err != nil {
			return
		}
		name, port, splitErr := net.SplitHostPort(strings.ToLower(host))
		if splitErr != nil || port != "17216" || name != "127.0.0.1" && name != "localhost" && name != "::1" {
			t.Errorf("Host %q comes through", host)
		}
		switch origin {
		case "", goodOrigin, "http://127.0.0.1:17216", "http://localhost:17216", "http://[::1]:17216":
		default:
			t.Errorf("Origin %q comes through", origin)
		}
	})
}
