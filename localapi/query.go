package localapi

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// params takes the parameters of a query out by name. Problems are collected,
// as with object. One that is left out and one that is empty are the same.
type params struct {
	values url.Values
	taken  []string
	problems
}

// query reads a call's query strictly: a misspelt filter would show what
// nobody asked for.
func (c *call) query() *params {
	values, err := url.ParseQuery(c.URL.RawQuery)
	p := &params{values: values}
	if err != nil {
		p.add("query", trade.WrongType, "a=b&c=d")
	}
	return p
}

func (p *params) text(name string) string {
	p.taken = append(p.taken, name)
	if len(p.values[name]) > 1 {
		p.add(name, trade.DuplicateField)
	}
	return p.values.Get(name)
}

// end complains about every parameter that nobody took.
func (p *params) end() error {
	var unknown []string
	for name := range p.values {
		if !slices.Contains(p.taken, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		p.add(name, trade.UnknownParameter)
	}
	return p.failure()
}

// words is a list of words with commas between them, each one of those that
// there are.
func words[T ~string](p *params, name string, known []T) (found []T) {
	text := p.text(name)
	if text == "" {
		return nil
	}
	for word := range strings.SplitSeq(text, ",") {
		w := T(strings.TrimSpace(word))
		if !slices.Contains(known, w) {
			texts := make([]string, len(known))
			for i, k := range known {
				texts[i] = string(k)
			}
			p.add(name, trade.OneOf, strings.Join(texts, ", "))
			return nil
		}
		if !slices.Contains(found, w) {
			found = append(found, w)
		}
	}
	return found
}

func (p *params) time(name string) time.Time {
	text := p.text(name)
	if text == "" {
		return time.Time{}
	}
	// A + that was not escaped arrives as a space.
	t, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "+", 1))
	if err != nil {
		p.add(name, trade.BadTime)
	}
	return t
}

// The sizes of a page of a list.
const (
	pageSize = 50
	pageMax  = 200
)

func (p *params) limit() int {
	text := p.text("limit")
	if text == "" {
		return pageSize
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > pageMax {
		p.add("limit", trade.Between, "1", strconv.Itoa(pageMax))
		return pageSize
	}
	return n
}

// cursorJSON is a place in a list as a cursor has it. What it says is nobody
// else's business, so it is wrapped.
type cursorJSON struct {
	At  int64  `json:"t,omitempty"`
	Seq int64  `json:"n,omitempty"`
	ID  string `json:"i,omitempty"`
}

// nextCursor is the cursor of a place; nil where the list ends.
func nextCursor(p queue.Place) (*string, error) {
	if p == (queue.Place{}) {
		return nil, nil
	}
	data, err := json.Marshal(cursorJSON(p))
	text := base64.RawURLEncoding.EncodeToString(data)
	return &text, err
}

func (p *params) cursor() queue.Place {
	text := p.text("cursor")
	if text == "" {
		return queue.Place{}
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	var c cursorJSON
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil || c == (cursorJSON{}) {
		p.add("cursor", trade.BadCursor)
	}
	return queue.Place(c)
}
