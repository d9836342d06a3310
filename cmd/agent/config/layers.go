package config

import (
	"maps"
	"runtime"
	"slices"
	"strings"
)

const envPrefix = "AGENT_"

// byPath holds the settings by their keys, sections every proper prefix of a key.
var byPath, sections = index(settings)

func index(settings []*setting) (byPath map[string]*setting, sections map[string]bool) {
	byPath, sections = map[string]*setting{}, map[string]bool{}
	for _, s := range settings {
		byPath[s.path] = s
		for i, c := range s.path {
			if c == '.' {
				sections[s.path[:i]] = true
			}
		}
	}
	return byPath, sections
}

// file reads the file's layer and reports whether it could be read to its end.
func (l *loader) file(data []byte) bool {
	data, problem := utf8Text(l.name, data)
	if problem != nil {
		l.problems = append(l.problems, *problem)
		return false
	}
	entries, problem := scan(l.name, data)
	seen := map[string]place{} // sections with a header, and wrong names that are reported already
	for _, e := range entries {
		l.apply(nil, e, seen)
	}
	if problem == nil && len(l.problems) == 0 {
		problem = invalidTOML(l.name, data)
	}
	if problem != nil {
		l.problems = append(l.problems, *problem)
	}
	return problem == nil
}

// apply stores one entry of the file: a key, or a section with the keys in it.
func (l *loader) apply(section []string, e entry, seen map[string]place) {
	path := slices.Concat(section, e.path)
	name := strings.Join(path, ".")
	at := e.value.at
	switch s := byPath[name]; {
	case s != nil && e.value.kind != kindTable:
		if first, found := l.given[name]; found {
			l.repeated(at, name, first)
			return
		}
		l.given[name] = at
		s.set(l, e.value)
	case !sections[name]:
		l.noSection(path, at, seen)
	case e.value.kind != kindTable:
		d := e.value.describe()
		l.problem(at, name, "只能是小节 ["+name+"]；"+d.zh, "must be a section ["+name+"]; "+d.en)
	default:
		if first, found := seen[name]; found {
			l.repeated(at, name, first)
		}
		seen[name] = at
		for _, child := range e.value.table {
			l.apply(path, child, seen)
		}
	}
}

// noSection reports the shortest part of a path that is no section, once: all keys of a misspelt section are one slip.
func (l *loader) noSection(path []string, at place, seen map[string]place) {
	for i := range path {
		name := strings.Join(path[:i+1], ".")
		if sections[name] {
			continue
		}
		if _, found := seen[name]; found {
			return
		}
		seen[name] = at
		if s := byPath[name]; s != nil { // a key used as a section
			l.refuse(s, value{kind: kindTable, at: at})
			return
		}
		section := strings.Join(path[:i], ".")
		l.unknown(at, quoteKey(name), suggest(name, slices.Concat(slices.Sorted(maps.Keys(byPath)), slices.Sorted(maps.Keys(sections)))), within(section))
		return
	}
}

// within gives the names of the keys and sections right within a section, "" being the top of the file.
func within(section string) (names []string) {
	if section != "" {
		section += "."
	}
	for _, path := range slices.Concat(slices.Collect(maps.Keys(byPath)), slices.Collect(maps.Keys(sections))) {
		if name, ours := strings.CutPrefix(path, section); ours && !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// environment reads the layer above the file. A variable that starts as a section's would but names no key is refused;
// other programs' AGENT_ variables are not ours to judge.
func (l *loader) environment(environ []string) {
	given := map[string]string{}
	for _, e := range environ {
		name, text, _ := strings.Cut(e, "=")
		if runtime.GOOS == "windows" { // where names of variables have no case
			name = strings.ToUpper(name)
		}
		if strings.HasPrefix(name, envPrefix) {
			given[name] = text
		}
	}
	var names []string
	for _, s := range settings {
		names = append(names, s.env())
		l.forgetSecret(s, given)
	}
	for _, s := range settings {
		text, found := given[s.env()]
		if !found {
			continue
		}
		at := place{file: s.env()}
		l.given[s.path] = at
		s.set(l, value{kind: kindEnv, text: text, at: at})
		delete(given, s.env())
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		section, _, found := strings.Cut(strings.TrimPrefix(name, envPrefix), "_")
		if found && sections[strings.ToLower(section)] {
			l.unknown(place{file: quoteKey(name)}, "", suggest(name, names), nil)
		}
	}
}

// forgetSecret drops what the file says of a secret that the environment gives, in whichever of the two forms.
func (l *loader) forgetSecret(s *setting, given map[string]string) {
	_, inline := given[s.env()]
	_, inFile := given[s.env()+"_FILE"]
	if s.secret && (inline || inFile) {
		s.reset(l.config)
		delete(l.inline, s.path)
		delete(l.secretFiles, s.path)
	}
}

// quoteKey keeps a name that somebody made up printable and short.
func quoteKey(name string) string {
	if len(name) > 80 || strings.ContainsFunc(name, isControl) {
		return quote(name)
	}
	return name
}

// suggest gives the candidate that was probably meant: one that differs by a slip or two, or the same key of another
// section. Empty if there is none.
func suggest(name string, candidates []string) string {
	const longest = 80
	if len(name) > longest {
		return ""
	}
	folded := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, least := "", 3
	if len(name) < 6 {
		least = 2
	}
	for _, c := range candidates {
		if d := distance(folded, strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	if best != "" {
		return best
	}
	last := folded[strings.LastIndexByte(folded, '.')+1:]
	for _, c := range candidates {
		if c[strings.LastIndexByte(c, '.')+1:] == last {
			return c
		}
	}
	return ""
}

// distance is the Levenshtein distance: how many characters must be put in, taken out or changed.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
