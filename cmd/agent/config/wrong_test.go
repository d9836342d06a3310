package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestLocate: what only its use shows to be wrong is told with the place where
// it was given, too.
func TestLocate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(`[printer]
profile = "x"
[receipt]
logo = "x.png"
[[printers]]
name = "bar"
port = "COM4"
profile = "y"
`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, missing := os.Open(filepath.Join(t.TempDir(), "x.png"))
	other := errors.New("the disk is full")
	for _, tc := range []struct {
		name    string
		err     error
		environ []string
		want    string
	}{
		{"a key", &Wrong{"printer.profile", errors.New("no such model")}, nil, path + ":2: printer.profile: no such model"},
		{"wrapped", fmt.Errorf("cannot start: %w", &Wrong{"printer.profile", errors.New("no such model")}), nil, path + ":2: printer.profile: no such model"},
		{"of a further printer", &Wrong{"printers.bar.profile", errors.New("no such model")}, nil, path + ":8: printers.bar.profile: no such model"},
		{"from the environment", &Wrong{"printer.profile", errors.New("no such model")}, []string{"AGENT_PRINTER_PROFILE=z"}, "AGENT_PRINTER_PROFILE: printer.profile: no such model"},
		{"a default", &Wrong{"dropbox.dir", errors.New("no room")}, nil, path + ": dropbox.dir: no room"},
		{"a file", &Wrong{"receipt.logo", missing}, nil, path + ":4: receipt.logo: " + missing.(*os.PathError).Path + ": there is no such file"},
		{"something else", other, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Locate(tc.err, path, tc.environ)
			var ps *Problems
			switch {
			case tc.want == "":
				if err != tc.err {
					t.Errorf("%v", err)
				}
			case !errors.As(err, &ps):
				t.Errorf("%T: %v", err, err)
			case ps.In("en") != tc.want:
				t.Errorf("%q, want %q", ps.In("en"), tc.want)
			}
		})
	}
}
