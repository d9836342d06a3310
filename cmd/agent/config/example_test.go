package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func readExample(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "config.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestExampleIsDefault: the example says nothing but the defaults, as they are.
func TestExampleIsDefault(t *testing.T) {
	fromExample, err := Parse("/etc/agent/config.toml", readExample(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	fromNothing, err := Parse("/etc/agent/config.toml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromExample, fromNothing) {
		t.Errorf("example: %+v\ndefault: %+v", fromExample, fromNothing)
	}
	if d := Default(); d.Piaotong.PrivateKeyFile != "private.pem" || d.DataDir != fromNothing.DataDir || d.DataDir == "" {
		t.Errorf("Default: %+v", d)
	}
}

// withFurther is the example with what has a # right before it, which is what a till has more than one of or none.
func withFurther(t *testing.T) []byte {
	t.Helper()
	return regexp.MustCompile(`(?m)^#(\S)`).ReplaceAll(readExample(t), []byte("$1"))
}

// TestExampleOfFurtherPrinters: the commented section has each key of its own, with its default.
func TestExampleOfFurtherPrinters(t *testing.T) {
	c, err := Parse("/etc/agent/config.toml", withFurther(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default().Printer
	want.Name, want.Port = "kitchen", "tcp://192.168.1.51:9100"
	if len(c.Printers) != 1 || c.Printers[0] != want {
		t.Errorf("%+v, want %+v", c.Printers, want)
	}
}

// TestExampleHasEveryKey: each key of the table stands in the example, and nothing else does.
func TestExampleHasEveryKey(t *testing.T) {
	entries, problem := scan("config.example.toml", withFurther(t))
	if problem != nil {
		t.Fatal(problem)
	}
	inExample := map[string]bool{}
	for _, e := range entries {
		if e.value.kind != kindTable {
			inExample[strings.Join(e.path, ".")] = true
		}
	}
	for _, s := range settings {
		if !inExample[s.path] {
			t.Errorf("config.example.toml lacks %s", s.path)
		}
		delete(inExample, s.path)
	}
	if len(inExample) > 0 {
		t.Errorf("config.example.toml has keys the table has not: %v", inExample)
	}
}

func TestExampleCommentsInBothLanguages(t *testing.T) {
	words := regexp.MustCompile(`[A-Za-z]{3}`)
	n := 0
	for i, line := range strings.Split(string(readExample(t)), "\n") {
		_, comment, found := strings.Cut(line, "# ")
		if !found {
			continue
		}
		n++
		zh, en, _ := strings.Cut(comment, "  ")
		if !strings.ContainsFunc(zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || !words.MatchString(en) {
			t.Errorf("line %d: comment is not “中文  English”: %s", i+1, comment)
		}
	}
	if n < 60 {
		t.Errorf("only %d comments", n)
	}
}
