package piaotong

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret is a password or an SMS code. It goes into the encrypted content of a
// call and nowhere else: no formatting, log or encoding shows it.
type Secret string

const hidden = "[secret]"

// Format implements fmt.Formatter for all verbs.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret from JSON and from logs of what contains it.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// hide takes the secrets of a call out of its error: the platform's text may
// repeat what was typed.
func hide(err error, secrets ...Secret) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	for _, s := range secrets {
		if s != "" {
			e.Msg = strings.ReplaceAll(e.Msg, string(s), hidden)
		}
	}
	return e
}
