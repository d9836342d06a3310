package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// decode takes a value as the type that its key has. Numbers and switches are written without quotes in the file; an
// environment variable has no types, so its text is read as whatever the key wants.
func decode[T any](v value) (T, bool) {
	var t T
	ok := false
	scalar := v.kind == kindText || v.kind == kindEnv
	switch p := any(&t).(type) {
	case *string:
		*p, ok = v.text, scalar && isText(v.text)
	case *Secret:
		*p, ok = Secret(v.text), scalar && isText(v.text)
	case *time.Duration:
		if scalar {
			*p, ok = parseDuration(v.text)
		}
	case *int:
		*p, ok = decodeInt(v)
	case *bool:
		*p, ok = v.text == "true", (v.kind == kindBool || v.kind == kindEnv) && (v.text == "true" || v.text == "false")
	}
	return t, ok
}

func decodeInt(v value) (int, bool) {
	base := 10
	switch v.kind {
	case kindInteger:
		base = 0 // TOML knows 0x, 0o, 0b and digits grouped by underscores
	case kindEnv:
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, base, 32)
	return int(n), err == nil
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, isControl) }

// elements gives the elements of a list; in an environment variable they are separated by commas.
func (v value) elements() ([]value, bool) {
	if v.kind == kindList {
		return v.list, true
	}
	if v.kind != kindEnv {
		return nil, false
	}
	var all []value
	for part := range strings.SplitSeq(v.text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, value{kind: kindEnv, text: part, at: v.at})
		}
	}
	return all, true
}

const tokenShape = `{name = "…", role = "pos", token = "…"}`

var (
	tokenRole = oneOf("pos", "console", "read")
	// The length is looked at apart: a pattern that counts takes megabytes.
	tokenForm = regexp.MustCompile(`^[\p{L}\p{N}._-]+$`).MatchString
)

func tokenName(name string) bool { return chars(name, 1, 64) && tokenForm(name) }

// tokens makes the setting of the API's tokens: tables in the file, name:role:token in the environment.
func tokens(path string, field func(*Config) *[]Token) *setting {
	s := &setting{path: path, hide: true, reset: func(c *Config) { *field(c) = nil }}
	s.want = text{"只能是列表，每项形如 " + tokenShape + "（环境变量里写 name:role:token，以逗号分隔）",
		"must be a list of " + tokenShape + " (in the environment name:role:token, separated by commas)"}
	s.set = func(l *loader, v value) {
		elements, ok := v.elements()
		if !ok {
			l.refuse(s, v)
			return
		}
		names, secrets := map[string]bool{}, map[Secret]bool{}
		var all []Token
		for _, e := range elements {
			t, ok := l.token(path, e)
			if !ok {
				continue
			}
			if names[t.Name] {
				l.problem(e.at, path, "name "+quote(t.Name)+" 重复", "the name "+quote(t.Name)+" is given twice")
			}
			if secrets[t.Token] {
				l.problem(e.at, path, quote(t.Name)+" 的 token 与另一个相同", "the token of "+quote(t.Name)+" is another one's too")
			}
			names[t.Name], secrets[t.Token] = true, true
			all = append(all, t)
		}
		*field(l.config) = all
	}
	return s
}

// token reads one element of api.tokens and records what is wrong with it.
func (l *loader) token(path string, v value) (Token, bool) {
	before := len(l.problems)
	fields := v.table
	if v.kind == kindEnv {
		name, rest, _ := strings.Cut(v.text, ":")
		role, token, _ := strings.Cut(rest, ":")
		for _, f := range [][2]string{{"name", name}, {"role", role}, {"token", token}} {
			fields = append(fields, entry{[]string{f[0]}, value{kind: kindEnv, text: f[1], at: v.at}})
		}
	} else if v.kind != kindTable {
		l.problem(v.at, path, "每项只能形如 "+tokenShape, "every element must be "+tokenShape)
		return Token{}, false
	}

	given, names := map[string]value{}, []string{"name", "role", "token", "token_file"}
	for _, f := range fields {
		name := strings.Join(f.path, ".")
		if first, found := given[name]; found {
			l.repeated(f.value.at, path+"."+name, first.at)
			continue
		}
		given[name] = f.value
		if !slices.Contains(names, name) {
			l.unknown(f.value.at, path+"."+quoteKey(name), suggest(name, names), names)
		}
	}
	field := func(name string) value {
		if f, found := given[name]; found {
			return f
		}
		return value{kind: kindText, at: v.at}
	}

	t, role, secret := Token{}, field("role"), field("token")
	var ok bool
	if t.Name, ok = decode[string](field("name")); !ok || !tokenName(t.Name) {
		l.problem(field("name").at, path+".name", "只能是 1 到 64 个字母、数字、. _ -，带引号",
			"must be 1 to 64 letters, digits, . _ - in quotes")
	}
	if t.Role, ok = decode[string](role); !ok || !tokenRole.ok(t.Role) {
		l.problem(role.at, path+".role", tokenRole.want.zh, tokenRole.want.en)
	}
	file := field("token_file")
	fileName, ok := decode[string](file)
	switch {
	case !ok:
		l.problem(file.at, path+".token_file", anyPath.want.zh, anyPath.want.en)
	case fileName != "" && secret.text != "":
		l.both(file.at, path+".token")
	case fileName != "":
		if secret, ok = l.readSecret(file.at, path+".token_file", fileName); !ok {
			return t, false
		}
	}
	if t.Token, ok = decode[Secret](secret); !ok || !tokenText.ok(t.Token) {
		l.problem(secret.at, path+".token", tokenText.want.zh, tokenText.want.en)
	}
	return t, len(l.problems) == before
}
