package printer

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A ProfileError is one thing wrong with a file of models.
type ProfileError struct {
	File    string
	Line    int    // from 1; 0 is the file as a whole
	Key     string // such as model.dots; "" where no key is concerned
	Chinese string
	English string
}

func (e *ProfileError) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Key != "" {
		at += ": " + e.Key
	}
	return fmt.Sprintf("%s: %s  (%s)", at, e.Chinese, e.English)
}

// LoadProfiles reads a shop's own models from a TOML file of [[model]] tables.
// A model may name as base a built-in model, or one above it in the file, and
// then gives only what differs. The error joins a *ProfileError for everything
// that is wrong; there are no models then.
func LoadProfiles(path string) ([]Profile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseProfiles(path, data, builtin())
}

// A field is one key of a model: where its value goes and what it may be.
type field struct {
	key      string
	to       any      // *string, *int, *bool, *[]int, *[2]int or *[]string
	min, max int      // of numbers, and of each number of a list
	words    []string // the texts that are allowed; nil is any
}

// fields lists the keys of a model, in the order of models.toml.
func (p *Profile) fields() []field {
	raster := (*string)(&p.Raster)
	return []field{
		{key: "title", to: &p.Title},
		{key: "dots", to: &p.Dots, min: 192, max: maxDots},
		{key: "dpi", to: &p.DPI, min: 100, max: 400},
		{key: "columns", to: &p.Columns, min: 16, max: 48},
		{key: "columns_b", to: &p.ColumnsB, min: 0, max: 80},
		{key: "cell", to: &p.Cell, min: 12, max: 24},
		{key: "chinese_cell", to: &p.ChineseCell, min: 24, max: 24},
		{key: "line_dots", to: &p.LineDots, min: 24, max: 60},
		{key: "baud", to: &p.Baud, min: 1200, max: 921600},
		{key: "handshake", to: &p.Handshake, words: []string{"none", "xonxoff", "rtscts", "dtrdsr"}},
		{key: "receive_buffer", to: &p.ReceiveBuffer, min: 0, max: 1 << 24},
		{key: "speed", to: &p.Speed, min: 10, max: 1000},
		{key: "gbk", to: &p.GBK, words: []string{GB2312, GBK, GB18030}},
		{key: "chinese_size", to: &p.ChineseSize},
		{key: "native_qr", to: &p.NativeQR},
		{key: "max_qr_size", to: &p.MaxQRSize, min: 1, max: 16},
		{key: "max_qr_version", to: &p.MaxQRVersion, min: 1, max: 40},
		{key: "raster", to: raster, words: []string{string(RasterRows), string(RasterColumns)}},
		{key: "max_raster_rows", to: &p.MaxRasterRows, min: 24, max: 65535},
		{key: "cut", to: (*cutList)(&p.Cuts), words: []string{string(CutFeeding), string(CutHere), string(CutOld)}},
		{key: "cutter_mm", to: &p.CutterMM, min: 0, max: 60},
		{key: "cut_feed", to: &p.CutFeed, min: 0, max: 20},
		{key: "drawer_pins", to: &p.DrawerPins, min: 2, max: 5},
		{key: "drawer_volts", to: &p.DrawerVolts, min: 0, max: 24},
		{key: "drawer_pulse_ms", to: &p.DrawerPulse, min: 2, max: 510},
		{key: "beeper", to: &p.Beeper, words: []string{BeeperNone, BeeperESCB, BeeperESCPara}},
		{key: "status", to: &p.Status, words: []string{"process_id", "gs_r", "realtime", "asb"}},
		{key: "identity", to: &p.Identity},
	}
}

// cutList lets the cut commands be set as the texts they are.
type cutList []CutCommand

// modelFile is the walk over one file of models.
type modelFile struct {
	name  string
	lines map[string]int // "2.dots", of the third model, to its line; "2" to the model's
	errs  []error
}

func (f *modelFile) say(i int, key, chinese, english string) {
	line, ok := f.lines[fmt.Sprintf("%d.%s", i, key)]
	if !ok {
		line = f.lines[fmt.Sprint(i)]
	}
	f.errs = append(f.errs, &ProfileError{f.name, line, "model." + key, chinese, english})
}

var modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,39}$`)

// parseProfiles reads models; known are those that may serve as base, and whose
// names are taken.
func parseProfiles(name string, data []byte, known []Profile) ([]Profile, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // Windows editors put it there
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		line, message := 0, err.Error()
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, _ = at.Position()
		}
		return nil, &ProfileError{name, line, "", "TOML 语法错误", strings.TrimPrefix(message, "toml: ")}
	}
	f := &modelFile{name: name, lines: modelLines(data)}
	tables, ok := tree["model"].([]any)
	if !ok || len(tree) != 1 {
		return nil, &ProfileError{name, 0, "", "文件里只能有 [[model]] 小节", "the file must hold [[model]] tables and nothing else"}
	}
	var models []Profile
	for i, t := range tables {
		table, ok := t.(map[string]any)
		if !ok {
			f.say(i, "", "须为 [[model]] 小节", "must be a [[model]] table")
			continue
		}
		models = append(models, f.model(i, table, slices.Concat(known, models)))
	}
	if len(f.errs) > 0 {
		return nil, errors.Join(f.errs...)
	}
	return models, nil
}

// model reads one table.
func (f *modelFile) model(i int, table map[string]any, known []Profile) Profile {
	var p Profile
	given := maps.Clone(table)
	if base, ok := f.text(i, given, "base"); ok {
		at := slices.IndexFunc(known, func(k Profile) bool { return k.Name == base })
		if at < 0 {
			f.say(i, "base", fmt.Sprintf("没有 %q 这个型号", base), fmt.Sprintf("there is no model %q", base))
		} else {
			p = known[at]
		}
	}
	p.Name, _ = f.text(i, given, "name")
	switch {
	case !modelName.MatchString(p.Name):
		f.say(i, "name", "须有名字：小写字母、数字、点和连字符", "needs a name of lower-case letters, digits, dots and hyphens")
	case slices.ContainsFunc(known, func(k Profile) bool { return k.Name == p.Name }):
		f.say(i, "name", fmt.Sprintf("%q 已有，请换个名字", p.Name), fmt.Sprintf("%q is there already, choose another name", p.Name))
	}
	sources := f.sources(i, given, &p)
	before := len(f.errs)
	based := p.Sources != nil
	p.Sources = maps.Clone(p.Sources)
	if p.Sources == nil {
		p.Sources = make(map[string]string)
	}
	for _, fd := range p.fields() {
		v, ok := given[fd.key]
		delete(given, fd.key)
		switch {
		case ok:
			if zh, en := fd.set(v); zh != "" {
				f.say(i, fd.key, zh, en)
			}
			p.Sources[fd.key] = sources[fd.key]
			if sources[fd.key] == "" {
				p.Sources[fd.key] = f.name
			}
		case !based:
			f.say(i, fd.key, "缺少此项；可用 base 从别的型号继承", "is missing; base takes it from another model")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		f.say(i, key, "没有这个键", "there is no such key")
	}
	if len(f.errs) == before {
		f.together(i, &p)
	}
	return p
}

// text takes a text out of a table.
func (f *modelFile) text(i int, given map[string]any, key string) (string, bool) {
	v, ok := given[key]
	if !ok {
		return "", false
	}
	delete(given, key)
	s, ok := v.(string)
	if !ok {
		f.say(i, key, "须为文字", "must be a text")
	}
	return s, ok
}

// sources turns {"where from" = ["dots", "dpi"]} into a source by key.
func (f *modelFile) sources(i int, given map[string]any, p *Profile) map[string]string {
	v, ok := given["sources"]
	if !ok {
		return nil
	}
	delete(given, "sources")
	table, _ := v.(map[string]any)
	by := make(map[string]string)
	for _, from := range slices.Sorted(maps.Keys(table)) {
		keys, _ := table[from].([]any)
		for _, k := range keys {
			key, _ := k.(string)
			if !slices.ContainsFunc(p.fields(), func(fd field) bool { return fd.key == key }) {
				f.say(i, "sources", fmt.Sprintf("没有 %v 这个键", k), fmt.Sprintf("there is no key %v", k))
			}
			by[key] = from
		}
	}
	if len(by) == 0 {
		f.say(i, "sources", `须为 "出处" = ["键", …]`, `must be "where from" = ["key", …]`)
	}
	return by
}

// together checks what no field shows by itself.
func (f *modelFile) together(i int, p *Profile) {
	p.Cutter = len(p.Cuts) > 0
	if p.Cell != [2]int{12, 24} {
		f.say(i, "cell", "只支持 [12, 24]", "only [12, 24] can be laid out")
	}
	if p.Columns*p.Cell[0] > p.Dots {
		f.say(i, "columns", fmt.Sprintf("%d 列超出 %d 点宽", p.Columns, p.Dots), fmt.Sprintf("%d columns are wider than %d dots", p.Columns, p.Dots))
	}
	if slices.ContainsFunc(p.DrawerPins, func(pin int) bool { return pin != 2 && pin != 5 }) {
		f.say(i, "drawer_pins", "只能是 2 和 5", "must be 2 and 5")
	}
	if p.DrawerVolts != 0 && p.DrawerVolts != 12 && p.DrawerVolts != 24 {
		f.say(i, "drawer_volts", "只能是 12、24，或 0(不知道)", "must be 12, 24, or 0 where it is not known")
	}
	if p.DrawerPulse[0] >= p.DrawerPulse[1] || p.DrawerPulse[0]%2+p.DrawerPulse[1]%2 != 0 {
		f.say(i, "drawer_pulse_ms", "须为偶数，通电短于断电", "must be even, and shorter on than off")
	}
	if p.DrawerPulse == [2]int{32, 40} {
		f.say(i, "drawer_pulse_ms", "这两个字节会被当成实时命令，请改用别的值", "would be taken for a real-time command (10 14), choose other values")
	}
	if !p.Cutter || p.cutCommand() != CutFeeding {
		if fed := p.CutFeed * p.LineDots * 254 / (10 * p.DPI); fed < p.CutterMM {
			f.say(i, "cut_feed", fmt.Sprintf("%d 行只走 %d 毫米，到切刀要 %d 毫米", p.CutFeed, fed, p.CutterMM),
				fmt.Sprintf("%d lines feed %d mm, the cutter is at %d mm", p.CutFeed, fed, p.CutterMM))
		}
	}
}

// set puts a TOML value where it belongs. The texts say what it must be.
func (fd field) set(v any) (chinese, english string) {
	list, isList := v.([]any)
	switch to := fd.to.(type) {
	case *string:
		s, ok := v.(string)
		if !ok || !fd.allows(s) {
			return fd.wantText("须为", "must be")
		}
		*to = s
	case *bool:
		b, ok := v.(bool)
		if !ok {
			return "须为 true 或 false", "must be true or false"
		}
		*to = b
	case *int:
		n, ok := fd.number(v)
		if !ok {
			return fd.wantNumber("须为", "must be")
		}
		*to = n
	case *[]int:
		all, ok := fd.numbers(list)
		if !isList || !ok {
			return fd.wantNumber("须为列表，每项为", "must be a list, each")
		}
		*to = all
	case *[2]int:
		all, ok := fd.numbers(list)
		if !isList || !ok || len(all) != 2 {
			return fd.wantNumber("须为两个数，每个为", "must be two numbers, each")
		}
		*to = [2]int(all)
	case *[]string:
		all, ok := fd.texts(list)
		if !isList || !ok {
			return fd.wantText("须为列表，每项为", "must be a list, each")
		}
		*to = all
	case *cutList:
		all, ok := fd.texts(list)
		if !isList || !ok {
			return fd.wantText("须为列表，每项为", "must be a list, each")
		}
		*to = nil
		for _, s := range all {
			*to = append(*to, CutCommand(s))
		}
	}
	return "", ""
}

func (fd field) allows(s string) bool { return fd.words == nil || slices.Contains(fd.words, s) }

func (fd field) number(v any) (int, bool) {
	n, ok := v.(int64)
	return int(n), ok && n >= int64(fd.min) && n <= int64(fd.max)
}

func (fd field) numbers(list []any) ([]int, bool) {
	all := make([]int, 0, len(list))
	for _, v := range list {
		n, ok := fd.number(v)
		if !ok {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}

func (fd field) texts(list []any) ([]string, bool) {
	all := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok || !fd.allows(s) {
			return nil, false
		}
		all = append(all, s)
	}
	return all, true
}

func (fd field) wantNumber(zh, en string) (chinese, english string) {
	return fmt.Sprintf("%s %d–%d 的整数", zh, fd.min, fd.max), fmt.Sprintf("%s a whole number from %d to %d", en, fd.min, fd.max)
}

func (fd field) wantText(zh, en string) (chinese, english string) {
	if fd.words == nil {
		return zh + "文字", en + " a text"
	}
	words := strings.Join(fd.words, ", ")
	return zh + " " + words + " 之一", en + " one of " + words
}

// modelLines finds the lines of the keys of a valid file, for messages.
func modelLines(data []byte) map[string]int {
	var starts []int
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i)
		}
	}
	lines := make(map[string]int)
	var p unstable.Parser
	p.Reset(data)
	model, within := -1, ""
	for p.NextExpression() {
		e := p.Expression()
		var path []string
		line := 0
		for it := e.Key(); it.Next(); {
			if path == nil {
				line = 1 + sort.SearchInts(starts, int(it.Node().Raw.Offset))
			}
			path = append(path, string(it.Node().Data))
		}
		switch e.Kind {
		case unstable.ArrayTable:
			model++
			within = ""
			lines[fmt.Sprint(model)] = line
		case unstable.Table: // [model.sources]
			within = strings.Join(path[1:], ".")
			lines[fmt.Sprintf("%d.%s", model, within)] = line
		case unstable.KeyValue:
			if within == "" && len(path) > 0 {
				lines[fmt.Sprintf("%d.%s", model, path[0])] = line
			}
		}
	}
	return lines
}
