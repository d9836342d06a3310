package piaotong

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
)

// Scalar reads a JSON string, number, boolean or null as text: the platform
// sends flags, counts and amounts in any of these forms. A number keeps its
// literal text, so that no float ever touches an amount; null is "".
type Scalar string

// UnmarshalJSON implements json.Unmarshaler. Objects and arrays are refused.
func (s *Scalar) UnmarshalJSON(data []byte) error {
	text := string(data)
	switch {
	case text == "":
		return errors.New("no value")
	case text == "null":
		*s = ""
		return nil
	case text[0] == '"':
		var v string
		if err := json.Unmarshal(data, &v); err != nil {
			return err
		}
		*s = Scalar(v)
		return nil
	case text[0] == '{' || text[0] == '[':
		return errors.New("a single value was expected, not an object or array")
	default:
		*s = Scalar(text)
		return nil
	}
}

// Bool reports whether the value says yes: true, "true" or 1.
func (s Scalar) Bool() bool {
	return strings.EqualFold(string(s), "true") || s == "1"
}

// decodeURL reads the platform's base64 of an absolute http(s) URL. A URL in
// clear is taken as well: the ':' in it is no base64, so nothing is ambiguous.
func decodeURL(s string) (string, error) {
	text := strings.TrimSpace(s)
	if text == "" {
		return "", errors.New("missing")
	}
	if !strings.Contains(text, ":") {
		raw, err := decodeBase64(text)
		if err != nil {
			return "", errors.New("not base64")
		}
		text = strings.TrimSpace(string(raw))
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", errors.New("not an absolute http(s) address")
	}
	return text, nil
}

// optionalURL is decodeURL for addresses that nothing depends on.
func optionalURL(s Scalar) string {
	u, err := decodeURL(string(s))
	if err != nil {
		return ""
	}
	return u
}

// optionalTime is ParseTime for times that nothing depends on: zero when it
// cannot be read.
func optionalTime(s Scalar) time.Time {
	t, err := ParseTime(string(s))
	if err != nil {
		return time.Time{}
	}
	return t
}

// decodeBase64 reads standard base64 as Java encoders write it: perhaps broken
// into lines, perhaps without its padding.
func decodeBase64(s string) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n':
			return -1
		}
		return r
	}, s)
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}
