package piaotong

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// openShape reads an envelope's fields, takes the signature out and checks the
// shape: everything that can be refused before a key is used.
func openShape(raw []byte, check func(map[string]string) error) (fields map[string]string, sign string, err error) {
	fields, err = parseFlat(raw)
	if err != nil {
		return nil, "", &EnvelopeError{MalformedEnvelope, err.Error()}
	}
	sign = fields["sign"]
	if sign == "" {
		return nil, "", &EnvelopeError{MissingSignature, "the message is not signed"}
	}
	delete(fields, "sign")
	if err := check(fields); err != nil {
		return nil, "", &EnvelopeError{MalformedEnvelope, err.Error()}
	}
	return fields, sign, nil
}

// parseFlat reads one JSON object of single values, and nothing after it. Null
// fields are left out, as in the signed string; numbers and booleans keep their
// literal text. A name that occurs twice is refused, because parsers disagree
// on which one counts.
func parseFlat(raw []byte) (map[string]string, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	fields := make(map[string]string, 8)
	seen := make(map[string]bool, 8)
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, errors.New("not a JSON object")
		}
		if seen[name] {
			return nil, errors.New("a field occurs twice")
		}
		seen[name] = true
		value, err := dec.Token()
		if err != nil {
			return nil, errors.New("not a JSON object")
		}
		switch v := value.(type) {
		case string:
			fields[name] = v
		case json.Number:
			fields[name] = v.String()
		case bool:
			fields[name] = fmt.Sprint(v)
		case nil:
		default:
			return nil, errors.New("a field is not a single value")
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not a JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("data after the JSON object")
	}
	return fields, nil
}

// signString joins all fields but the signature as the platform signs them:
// sorted by bytes, name=value, "&" between, nothing escaped.
func signString(fields map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(fields[name])
	}
	return b.String()
}

// isJSONDocument reports whether b is one JSON object or array in UTF-8.
func isJSONDocument(b []byte) bool {
	t := bytes.TrimLeft(b, " \t\r\n")
	return len(t) > 0 && (t[0] == '{' || t[0] == '[') && utf8.Valid(b) && json.Valid(b)
}
