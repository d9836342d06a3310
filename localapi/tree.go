package localapi

import (
	"bytes"
	"encoding/json"
	"slices"
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

// node is a JSON value of a request: the bytes it was sent as. Unlike
// encoding/json's own decoding it keeps a number's literal text (money never
// becomes a float) and the order of members. It is cut up no further than
// somebody asks, so that lists of many values take little more memory than
// their bytes.
type node struct {
	kind kind
	raw  []byte
}

// member is one name and value of an object.
type member struct {
	name string
	node
	taken bool // somebody asked for it
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
	w := walker{in: body}
	n := w.value()
	if !n.check("", 1, ps) {
		return node{}, ps.failure()
	}
	return n, nil
}

// check tells names that occur twice; false says that the value is nested too
// deep, or that there is no room for more problems.
func (n node) check(path string, depth int, ps *problems) bool {
	if !n.nests() {
		return true
	}
	if depth > maxDepth {
		ps.add(path, trade.TooDeep, strconv.Itoa(maxDepth))
		return false
	}
	w := n.inside()
	if n.kind == kindList {
		for i := 0; !w.end(); i++ {
			if v := w.value(); v.nests() && !v.check(path+"["+strconv.Itoa(i)+"]", depth+1, ps) {
				return false
			}
		}
		return true
	}
	seen := map[string]bool{}
	for !w.end() {
		name := w.name()
		if seen[name] {
			ps.add(join(path, name), trade.DuplicateField)
			if len(ps.list) == maxProblems {
				return false // more are not told
			}
		}
		seen[name] = true
		if v := w.value(); v.nests() && !v.check(join(path, name), depth+1, ps) {
			return false
		}
	}
	return true
}

// nests tells whether the value is one that may have others in it.
func (n node) nests() bool { return n.kind == kindObject || n.kind == kindList }

// inside walks over the values of a list or the members of an object.
func (n node) inside() walker { return walker{in: n.raw, at: 1} }

// empty tells whether a list or an object has nothing in it.
func (n node) empty() bool {
	w := n.inside()
	return w.end()
}

// members are those of an object, in order.
func (n node) members() (all []member) {
	for w := n.inside(); !w.end(); {
		all = append(all, member{name: w.name(), node: w.value()})
	}
	return all
}

// items are the values of a list, in order; of a list of more than most, the
// first most+1.
func (n node) items(most int) (all []node) {
	for w := n.inside(); len(all) <= most && !w.end(); {
		all = append(all, w.value())
	}
	return all
}

// text is a text, decoded; of a number or a boolean it is the literal.
func (n node) text() string {
	switch {
	case n.kind != kindText:
		return string(n.raw)
	case bytes.IndexByte(n.raw, '\\') < 0:
		return string(n.raw[1 : len(n.raw)-1])
	}
	var s string
	if err := json.Unmarshal(n.raw, &s); err != nil {
		panic("localapi: a valid JSON text does not decode: " + err.Error()) // parse has checked it
	}
	return s
}

// canonical appends the value in one form, so that the same meaning has the
// same bytes: without blanks, texts as encoding/json writes them, and the names
// of objects in order.
func (n node) canonical(to []byte) []byte {
	switch n.kind {
	case kindList:
		to = append(to, '[')
		for w, sep := n.inside(), false; !w.end(); sep = true {
			if sep {
				to = append(to, ',')
			}
			to = w.value().canonical(to)
		}
		return append(to, ']')
	case kindObject:
		all := n.members()
		slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.name, b.name) })
		to = append(to, '{')
		for i, m := range all {
			if i > 0 {
				to = append(to, ',')
			}
			to = m.canonical(append(appendText(to, m.name), ':'))
		}
		return append(to, '}')
	case kindText:
		return appendText(to, n.text())
	}
	return append(to, n.raw...)
}

func appendText(to []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("localapi: a text is no JSON: " + err.Error()) // it was one
	}
	return append(to, quoted...)
}

// walker cuts up a text that encoding/json has found valid, so it need not
// look for errors of syntax.
type walker struct {
	in []byte
	at int
}

// value is the one that comes next.
func (w *walker) value() node {
	w.space()
	start := w.at
	n := node{kind: kind(w.in[start])}
	switch n.kind {
	case kindObject, kindList:
		w.over()
	case kindText:
		w.overText()
	default:
		for w.at < len(w.in) && strings.IndexByte(" \t\r\n,:]}", w.in[w.at]) < 0 {
			w.at++
		}
		switch n.kind {
		case kindNull, kindBool:
		case 'f':
			n.kind = kindBool
		default:
			n.kind = kindNumber
		}
	}
	n.raw = w.in[start:w.at]
	return n
}

// name is that of the member that comes next; its value is what follows.
func (w *walker) name() string {
	name := w.value().text()
	w.space()
	w.at++ // :
	return name
}

// end skips what stands between two values and reports whether the list or
// object ends here.
func (w *walker) end() bool {
	w.space()
	switch w.in[w.at] {
	case ']', '}':
		return true
	case ',':
		w.at++
	}
	return false
}

// over goes past a list or an object.
func (w *walker) over() {
	for open := 0; ; w.at++ {
		switch w.in[w.at] {
		case '"':
			w.overText()
			w.at--
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				w.at++
				return
			}
		}
	}
}

// overText goes past a text, from quote to quote.
func (w *walker) overText() {
	for w.at++; w.in[w.at] != '"'; w.at++ {
		if w.in[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
}

func (w *walker) space() {
	for w.at < len(w.in) && w.in[w.at] <= ' ' { // in valid JSON nothing else is below it
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
