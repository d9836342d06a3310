package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that must be changed before the agent can start.
type Problem struct {
	File    string // the file, or the name of the environment variable
	Line    int    // 1 is the first; 0 = environment variable, missing key, or the file as a whole
	Key     string // such as printer.baud; empty where no key is concerned
	Message string // Chinese
	English string
}

// Problems is everything found wrong with a configuration, in the order of the file. Load and Parse return it as
// *Problems.
type Problems []Problem

// Error gives one problem a line, Chinese first: "config.toml:12: printer.baud: 只能是 …  (must be …)".
func (ps Problems) Error() string {
	return ps.lines(func(p Problem) string { return p.Message + "  (" + p.English + ")" })
}

// In gives one problem a line in one language: Chinese if lang starts with "zh", else English.
func (ps Problems) In(lang string) string {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return ps.lines(func(p Problem) string { return p.Message })
	}
	return ps.lines(func(p Problem) string { return p.English })
}

func (ps Problems) lines(message func(Problem) string) string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
		if p.Key != "" {
			b.WriteString(p.Key + ": ")
		}
		b.WriteString(message(p))
	}
	return b.String()
}

// sort puts the file's lines in order; what has no line follows as it was found.
func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Compare(a.Line, b.Line)
	})
}

// text is a message in both languages.
type text struct{ zh, en string }

// place is where a value was given: a line of the file, or an environment variable (line 0).
type place struct {
	file string
	line int
}

// quote makes a short, printable form of what somebody wrote.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
