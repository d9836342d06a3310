package localapi

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode"

	"tillagent/trade"
)

// object takes the fields of a request out by name and type. Problems are
// collected, not returned: a caller reads everything and asks at the end. A
// null is a field left out.
type object struct {
	path    string
	members []member
	ps      *problems
}

// readBody parses a request body that must be an object.
func readBody(body []byte, ps *problems) (*object, error) {
	n, err := parse(body, ps)
	if err != nil {
		return nil, err
	}
	return newObject("", &n, ps), nil
}

func newObject(path string, n *node, ps *problems) *object {
	if n.kind != kindObject {
		ps.add(cmp.Or(path, "body"), trade.WrongType, "object")
		return &object{path, nil, &problems{}} // what it lacks need not be said as well
	}
	return &object{path, n.members(), ps}
}

// take is the value of a field, nil where it is left out.
func (o *object) take(name string) *node {
	for i := range o.members {
		if m := &o.members[i]; m.name == name {
			m.taken = true
			if m.kind != kindNull {
				return &m.node
			}
		}
	}
	return nil
}

func (o *object) add(name string, k trade.Key, args ...string) {
	o.ps.add(join(o.path, name), k, args...)
}

// typed is the value of a field that must be of one kind.
func (o *object) typed(name string, k kind, called string) *node {
	n := o.take(name)
	if n != nil && n.kind != k {
		o.add(name, trade.WrongType, called)
		return nil
	}
	return n
}

// need complains about fields that are left out.
func (o *object) need(names ...string) {
	for _, name := range names {
		if o.take(name) == nil {
			o.add(name, trade.Required)
		}
	}
}

// end complains about every field that nobody took.
func (o *object) end() {
	for i, m := range o.members {
		again := func(before member) bool { return before.name == m.name }
		switch {
		case len(o.ps.list) >= maxProblems:
			return
		case !m.taken && !slices.ContainsFunc(o.members[:i], again): // parse has told the others
			o.add(m.name, trade.UnknownField)
		}
	}
}

func (o *object) text(name string) string {
	if n := o.typed(name, kindText, "string"); n != nil {
		return n.text()
	}
	return ""
}

// line is a text of at most so many GBK bytes without control characters,
// normalised.
func (o *object) line(name string, most int) string {
	text := trade.Normalise(o.text(name))
	if n := trade.GBKLen(text); n > most {
		o.add(name, trade.TooLong, strconv.Itoa(most), strconv.Itoa(n))
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			o.add(name, trade.ControlCharacter, fmt.Sprintf("U+%04X", r))
			break
		}
	}
	return text
}

// id is an id that the POS chose; it must be there.
func (o *object) id(name string) string {
	o.need(name)
	n := o.typed(name, kindText, "string")
	if n == nil {
		return ""
	}
	if m, bad := trade.IDProblem(n.text()); bad {
		o.ps.append(trade.Problem{Field: join(o.path, name), Message: m})
	}
	return n.text()
}

func (o *object) boolean(name string) bool {
	n := o.typed(name, kindBool, "boolean")
	return n != nil && n.text() == "true"
}

// integer is a whole number within bounds, or otherwise where it is left out.
func (o *object) integer(name string, min, max, otherwise int) int {
	n := o.typed(name, kindNumber, "integer")
	if n == nil {
		return otherwise
	}
	i, err := strconv.ParseInt(n.text(), 10, 32)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		o.add(name, trade.WrongType, "integer")
	case err != nil || i < int64(min) || i > int64(max):
		o.add(name, trade.Between, strconv.Itoa(min), strconv.Itoa(max))
	}
	return int(i)
}

// literal is the text of a number, which may be sent as a string too.
func (o *object) literal(name string) (string, bool) {
	n := o.take(name)
	if n == nil {
		return "", false
	}
	if n.kind != kindNumber && n.kind != kindText {
		o.add(name, trade.WrongType, "string, number")
		return "", false
	}
	return n.text(), true
}

// money is yuan; false where it is left out or not money.
func (o *object) money(name string) (trade.Money, bool) {
	text, ok := o.literal(name)
	if !ok {
		return 0, false
	}
	m, err := trade.ParseMoney(text)
	if err != nil {
		o.badNumber(name, text, err, "2", trade.MaxMoney.String())
	}
	return m, err == nil
}

// maxDecimal is the largest quantity and unit price.
const maxDecimal = "99999999.99999999"

// decimal is a quantity or a unit price; 0 where it is left out or "".
func (o *object) decimal(name string) trade.Decimal {
	text, ok := o.literal(name)
	if !ok || text == "" {
		return 0
	}
	d, err := trade.ParseDecimal(text)
	if err != nil {
		o.badNumber(name, text, err, "8", maxDecimal)
	}
	return d
}

func (o *object) badNumber(name, text string, err error, decimals, max string) {
	switch {
	case errors.Is(err, trade.ErrDecimals):
		o.add(name, trade.BadDecimals, short(text), decimals)
	case errors.Is(err, trade.ErrRange):
		o.add(name, trade.Between, "-"+max, max)
	default:
		o.add(name, trade.BadNumber, short(text))
	}
}

// short quotes a value in a message without repeating a very long one.
func short(text string) string {
	const longest = 40
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	return text
}

// rate is a tax rate; NoRate where it is left out or "".
func (o *object) rate(name string) trade.Rate {
	text, ok := o.literal(name)
	if !ok || text == "" {
		return trade.NoRate
	}
	r, err := trade.ParseRate(text)
	if err != nil {
		o.add(name, trade.BadRate)
	}
	return r
}

// The years that a time of a request may have: outside them it is a mistake.
const firstYear, lastYear = 2000, 2099

// time is a moment, in Beijing's time so that the same moment always reads the
// same; zero where it is left out.
func (o *object) time(name string) (t time.Time) {
	n := o.typed(name, kindText, "string")
	if n == nil {
		return t
	}
	if err := t.UnmarshalText([]byte(n.text())); err != nil {
		o.add(name, trade.BadTime)
		return time.Time{}
	}
	t = t.In(trade.Beijing)
	if t.Year() < firstYear || t.Year() > lastYear {
		o.add(name, trade.Between, strconv.Itoa(firstYear), strconv.Itoa(lastYear))
		return time.Time{}
	}
	return t
}

// object is a field that holds fields; an empty one where it is left out.
func (o *object) object(name string) *object {
	n := o.take(name)
	if n == nil {
		n = &node{kindObject, []byte("{}")}
	}
	return newObject(join(o.path, name), n, o.ps)
}

// objects is a list of at most so many objects, empty where it is left out.
func (o *object) objects(name string, most int) []*object {
	n := o.typed(name, kindList, "array")
	if n == nil {
		return nil
	}
	items := n.items(most)
	if len(items) > most {
		o.add(name, trade.TooMany, strconv.Itoa(most))
		return nil
	}
	list := make([]*object, len(items))
	for i := range items {
		list[i] = newObject(join(o.path, name)+"["+strconv.Itoa(i)+"]", &items[i], o.ps)
	}
	return list
}

// kept is an object that comes back as it was sent, only without blanks
// between its parts; nil where it is left out or empty.
func (o *object) kept(name string) json.RawMessage {
	n := o.typed(name, kindObject, "object")
	if n == nil || n.empty() {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, n.raw); err != nil {
		panic("localapi: valid JSON does not compact: " + err.Error()) // parse has checked it
	}
	return b.Bytes()
}

// list is a list in its canonical form; nil where it is left out.
func (o *object) list(name string) json.RawMessage {
	n := o.typed(name, kindList, "array")
	if n == nil {
		return nil
	}
	return n.canonical(nil)
}

// bytes is base64; nil where it is left out.
func (o *object) bytes(name string) []byte {
	n := o.typed(name, kindText, "string")
	if n == nil {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(n.text())
	if err != nil || len(data) == 0 {
		o.add(name, trade.BadBase64)
		return nil
	}
	return data
}
