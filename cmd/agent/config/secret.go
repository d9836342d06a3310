package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that must not be shown. Packages fmt, log/slog, encoding/json and encoding/xml print it as
// "[secret]"; Reveal gives the text. A TOML encoder and JSON's map keys take the text of any string type and know no
// better: a Config is not for writing back.
type Secret string

const redacted = "[secret]"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string { return redacted }

// Format hides the text from every verb of package fmt, %x and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the text from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the text from encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the text from encoders that ask for one, such as encoding/xml.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
