package localapi

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"tillagent/trade"
)

// kind is the kind of a JSON value, named by the byte it begins with.
type kind byte

// The kinds.
const (
	kindNull   kind = 'n'
	kindBool   kind = 't'
	kindNumber kind = '0'
	kindText   kind = '"'
	kindList   kind = '['
	kindObject kind = '{'
)

// node is a JSON value of a request with the bytes it was sent as. Unlike
// encoding/json's own decoding it keeps a number's literal text (money never
// becomes a float), the order of members and where each stands.
type node struct {
	kind    kind
	raw     []byte
	text    string // of a text, decoded; of a number or a boolean, the literal
	items   []node // of a list
	members []member
}

// member is one name and value of an object.
type member struct {
	name string
	node
	taken bool // somebody asked for it, or for the one before it of the same name
}

// maxDepth is how deep objects and lists may be nested.
const maxDepth = 16

// parse reads a request body. Names that occur twice in an object and nesting
// beyond maxDepth are problems; what is not one JSON value in UTF-8 is
// errInvalidJSON.
func parse(body []byte, ps *problems) (node, error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return node{}, &failure{code: trade.ErrInvalidJSON}
	}
	w := walker{in: body, ps: ps}
	n, ok := w.value("", 1)
	if !ok {
		return node{}, ps.failure()
	}
	return n, nil
}

// walker cuts up a text that encoding/json has found valid, so it need not
// look for errors of syntax.
type walker struct {
	in []byte
	at int
	ps *problems
}

// value reads the value that comes next; false says that it is nested too deep.
func (w *walker) value(path string, depth int) (n node, ok bool) {
	w.space()
	start := w.at
	switch c := w.in[w.at]; c {
	case '{', '[':
		if depth > maxDepth {
			w.ps.add(path, trade.TooDeep, strconv.Itoa(maxDepth))
			return n, false
		}
		n.kind = kind(c)
		if c == '{' {
			ok = w.object(&n, path, depth)
		} else {
			ok = w.list(&n, path, depth)
		}
		if !ok {
			return n, false
		}
	case '"':
		n.kind, n.text = kindText, w.str()
	default:
		for w.at < len(w.in) && !strings.ContainsRune(" \t\r\n,:]}", rune(w.in[w.at])) {
			w.at++
		}
		n.text = string(w.in[start:w.at])
		switch c {
		case 'n':
			n.kind = kindNull
		case 't', 'f':
			n.kind = kindBool
		default:
			n.kind = kindNumber
		}
	}
	n.raw = w.in[start:w.at]
	return n, true
}

func (w *walker) object(n *node, path string, depth int) bool {
	w.at++ // {
	seen := map[string]bool{}
	for !w.end('}') {
		w.space()
		name := w.str()
		w.space()
		w.at++ // :
		at := join(path, name)
		again := seen[name]
		if again {
			w.ps.add(at, trade.DuplicateField)
		}
		seen[name] = true
		v, ok := w.value(at, depth+1)
		if !ok {
			return false
		}
		n.members = append(n.members, member{name, v, again})
	}
	return true
}

func (w *walker) list(n *node, path string, depth int) bool {
	w.at++ // [
	for !w.end(']') {
		v, ok := w.value(path+"["+strconv.Itoa(len(n.items))+"]", depth+1)
		if !ok {
			return false
		}
		n.items = append(n.items, v)
	}
	return true
}

// end skips what stands between two values and reports whether the list or
// object ends here.
func (w *walker) end(closing byte) bool {
	w.space()
	switch w.in[w.at] {
	case closing:
		w.at++
		return true
	case ',':
		w.at++
	}
	return false
}

// str reads a text, from quote to quote.
func (w *walker) str() string {
	start := w.at
	for w.at++; w.in[w.at] != '"'; w.at++ {
		if w.in[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	quoted := w.in[start:w.at]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		panic("localapi: a valid JSON text does not decode: " + err.Error()) // parse has checked it
	}
	return s
}

func (w *walker) space() {
	for w.at < len(w.in) && strings.IndexByte(" \t\r\n", w.in[w.at]) >= 0 {
		w.at++
	}
}

// join names a member of an object. A name is cut where no name of ours could
// be that long, so that paths stay short whatever is sent.
func join(path, name string) string {
	const longest = 60
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// problems collects what is wrong with a request.
type problems struct{ list []trade.Problem }

// maxProblems bounds an answer: beyond it another one helps nobody.
const maxProblems = 100

func (ps *problems) add(field string, k trade.Key, args ...string) {
	ps.append(trade.Problem{Field: field, Message: trade.Say(k, args...)})
}

func (ps *problems) append(more ...trade.Problem) {
	if room := maxProblems - len(ps.list); len(more) > room {
		more = more[:room]
	}
	ps.list = append(ps.list, more...)
}

// failure is the answer to a request with problems, nil where there are none.
func (ps *problems) failure() error {
	if len(ps.list) == 0 {
		return nil
	}
	return &failure{code: trade.ErrValidation, fields: ps.list}
}
