package config

import (
	"bytes"
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

type kind int

const (
	kindText    kind = iota // a TOML string
	kindInteger             // scalars keep their digits in text
	kindBool
	kindOther // floats, dates and times: no key takes one
	kindList
	kindTable
	kindEnv // what an environment variable or a secret's file holds; its type is the key's
)

// value is what a key was given.
type value struct {
	kind  kind
	text  string
	list  []value
	table []entry
	at    place
}

// entry is a key, possibly dotted, with its value. A [section] header is an entry with an empty table.
type entry struct {
	path  []string
	value value
}

// describe says what somebody wrote, for the end of a message.
func (v value) describe() text {
	switch v.kind {
	case kindText, kindEnv:
		if strings.ContainsFunc(v.text, isControl) {
			return text{"现在是 " + quote(v.text) + "，含控制字符；Windows 路径请用单引号 '…'",
				"is " + quote(v.text) + ", which holds control characters; put Windows paths between single quotes"}
		}
		return text{"现在是 " + quote(v.text), "is " + quote(v.text)}
	case kindList:
		return text{"现在是列表", "is a list"}
	case kindTable:
		return text{"现在是小节", "is a section"}
	default:
		return text{"现在是不带引号的 " + v.text, "is " + v.text + " without quotes"}
	}
}

// document is the walk over one TOML file. It goes on to the first syntax error and keeps what came before.
type document struct {
	name    string
	parser  unstable.Parser
	starts  []int // offsets of the lines
	entries []entry
}

// scan reads a TOML file into entries in the order of the file. The problem, if any, is the first syntax error.
func scan(name string, data []byte) ([]entry, *Problem) {
	d := &document{name: name, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			d.starts = append(d.starts, i+1)
		}
	}
	d.parser.Reset(data)
	var prefix []string
	element := -1 // index of the entry whose last list element the keys belong to; -1 = none
	for d.parser.NextExpression() {
		e := d.parser.Expression()
		path, at := d.key(e)
		switch e.Kind {
		case unstable.Table:
			prefix, element = path, -1
			d.entries = append(d.entries, entry{path, value{kind: kindTable, at: at}})
		case unstable.ArrayTable:
			prefix, element = nil, d.element(path, at)
		case unstable.KeyValue:
			kv := entry{path, d.value(e.Value(), at)}
			if element >= 0 {
				list := d.entries[element].value.list
				last := &list[len(list)-1]
				last.table = append(last.table, kv)
				continue
			}
			kv.path = slices.Concat(prefix, path)
			d.entries = append(d.entries, kv)
		}
	}
	return d.entries, d.syntaxError(data)
}

// element adds an element to the list that [[path]] stands for and gives the index of the list's entry.
func (d *document) element(path []string, at place) int {
	i := len(d.entries)
	for j, e := range d.entries {
		if e.value.kind == kindList && strings.Join(e.path, ".") == strings.Join(path, ".") {
			i = j
		}
	}
	if i == len(d.entries) {
		d.entries = append(d.entries, entry{path, value{kind: kindList, at: at}})
	}
	v := &d.entries[i].value
	v.list = append(v.list, value{kind: kindTable, at: at})
	return i
}

// key gives a node's key and where it stands. Parts that need quotes keep them, so that "a.b" is never taken for a.b.
func (d *document) key(n *unstable.Node) ([]string, place) {
	var path []string
	var at place
	for it := n.Key(); it.Next(); {
		part := string(it.Node().Data)
		if path == nil {
			at = d.place(it.Node().Raw)
		}
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r == '.' || r == '"' || isControl(r) }) {
			part = strconv.Quote(part)
		}
		path = append(path, part)
	}
	return path, at
}

func (d *document) value(n *unstable.Node, at place) value {
	if n.Raw.Length > 0 {
		at = d.place(n.Raw)
	}
	v := value{text: string(n.Data), at: at}
	switch n.Kind {
	case unstable.String:
		v.kind = kindText
	case unstable.Integer:
		v.kind = kindInteger
	case unstable.Bool:
		v.kind = kindBool
	case unstable.Array:
		v.kind = kindList
		for it := n.Children(); it.Next(); {
			v.list = append(v.list, d.value(it.Node(), at))
		}
	case unstable.InlineTable:
		v.kind = kindTable
		for it := n.Children(); it.Next(); {
			path, at := d.key(it.Node())
			v.table = append(v.table, entry{path, d.value(it.Node().Value(), at)})
		}
	default:
		v.kind = kindOther
	}
	return v
}

func (d *document) place(r unstable.Range) place {
	return place{d.name, sort.SearchInts(d.starts, int(r.Offset)+1)}
}

// syntaxHints say, for the mistakes that technicians make, what to write instead. Keyed by the parser's words.
var syntaxHints = []struct {
	match string
	hint  text
}{
	{"escape", text{"双引号里 \\ 有特殊含义；Windows 路径请用单引号 'C:\\…'", "\\ is special between double quotes; put Windows paths between single quotes"}},
	{"at start of value", text{"文字要放在英文引号 \"\" 里", "text needs quotes"}},
	{"cannot have new lines", text{"缺少右引号", "the closing quote is missing"}},
	{"expected '=' after key", text{"键和值之间要有 =", "a key and its value need = between them"}},
}

func (d *document) syntaxError(data []byte) *Problem {
	var perr *unstable.ParserError
	if !errors.As(d.parser.Error(), &perr) {
		return nil
	}
	r := d.parser.Range(perr.Highlight)
	at := d.place(r)
	column := utf8.RuneCount(data[d.starts[at.line-1]:r.Offset]) + 1
	return syntaxProblem(at, column, perr.Message)
}

func syntaxProblem(at place, column int, message string) *Problem {
	hint := text{zh: message}
	for _, h := range syntaxHints {
		if strings.Contains(message, h.match) {
			hint = text{h.hint.zh, "; " + h.hint.en}
			break
		}
	}
	n := strconv.Itoa(column)
	return &Problem{File: at.file, Line: at.line,
		Message: "第 " + n + " 列语法错误：" + hint.zh + "；改好前，其后的内容没有检查",
		English: "syntax error in column " + n + ": " + message + hint.en + "; what follows was not checked"}
}

// invalidTOML finds what makes a file invalid although each line of it is fine: sections and keys that contradict each
// other. It is asked only where nothing else is wrong, because the decoder's messages may quote a value.
func invalidTOML(name string, data []byte) *Problem {
	var derr *toml.DecodeError
	if err := toml.Unmarshal(data, new(map[string]any)); !errors.As(err, &derr) {
		return nil
	}
	line, column := derr.Position()
	return syntaxProblem(place{name, line}, column, strings.TrimPrefix(derr.Error(), "toml: "))
}

// byteOrderMark is what Windows editors put before UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// utf8Text takes a byte order mark off and refuses what is not UTF-8, which is what old editors save on Windows.
func utf8Text(name string, data []byte) ([]byte, *Problem) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if utf8.Valid(data) {
		return data, nil
	}
	bad := slices.IndexFunc(bytes.Split(data, []byte("\n")), func(line []byte) bool { return !utf8.Valid(line) })
	return nil, &Problem{File: name, Line: bad + 1,
		Message: "文件不是 UTF-8 编码；请在编辑器里另存为 UTF-8",
		English: "the file is not UTF-8; save it as UTF-8 in your editor"}
}

// isControl tells characters that no setting may hold: they are slips of the pen, such as "C:\new" for 'C:\new'.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }
