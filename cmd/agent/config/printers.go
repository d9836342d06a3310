package config

import (
	"slices"
	"strings"
)

// furtherSettings are the keys of each of [[printers]]: two of its own, and those
// of [printer]. Each works on the Printer of a configuration of its own.
var furtherSettings = slices.Concat([]*setting{
	key("printers.name", func(c *Config) *string { return &c.Printer.Name }, "", furtherName),
	key("printers.tickets", func(c *Config) *bool { return &c.Printer.Tickets }, false, yesOrNo),
}, printerSettings)

var (
	nameForm    = matching(`[0-9a-z_-]{1,20}`, `只能是 1 到 20 个 a-z 0-9 - _，带引号，不能是 "receipt"`, `must be 1 to 20 of a-z 0-9 - _ in quotes, and not "receipt"`)
	furtherName = rule[string]{nameForm.want, func(s string) bool { return s != ReceiptPrinter && nameForm.ok(s) }}
)

// printers makes the setting of the further printers, which the environment does
// not set: a list of sections has no form in one variable that anybody could read.
func printers(path string) *setting {
	s := &setting{path: path, reset: func(c *Config) { c.Printers = nil }}
	s.want = text{"只能是 [[" + path + "]] 小节，每台打印机一节，不能用环境变量设置", "must be [[" + path + "]] sections, one for each printer; the environment cannot set it"}
	s.set = func(l *loader, v value) {
		if v.kind != kindList {
			l.refuse(s, v)
			return
		}
		for _, e := range v.list {
			if e.kind != kindTable {
				l.refuse(s, e)
				continue
			}
			if p, port, ok := l.printer(path, e); ok {
				l.config.Printers = append(l.config.Printers, p)
				l.ports = append(l.ports, port)
			}
		}
	}
	s.locate = func(c *Config, absolute locator) {
		for i := range c.Printers {
			one := &Config{Printer: c.Printers[i]}
			for _, k := range printerSettings {
				if k.locate != nil {
					k.locate(one, absolute)
				}
			}
			c.Printers[i] = one.Printer
		}
	}
	return s
}

// printer reads one of the further printers and records what is wrong with it.
// port is where its port was given.
func (l *loader) printer(path string, v value) (p Printer, port place, ok bool) {
	one := &loader{name: l.name, dir: l.dir, config: &Config{}, inline: map[string]bool{}}
	byName := map[string]*setting{}
	for _, s := range furtherSettings {
		s.reset(one.config)
		byName[s.path[strings.LastIndexByte(s.path, '.')+1:]] = s
	}
	given := map[string]place{}
	for _, f := range v.table {
		name := strings.Join(f.path, ".")
		s := byName[name]
		switch first, found := given[name]; {
		case found:
			one.repeated(f.value.at, path+"."+name, first)
		case s == nil:
			one.unknown(f.value.at, path+"."+quoteKey(name), suggest(name, furtherNames), furtherNames)
		default:
			given[name] = f.value.at
			s.set(one, f.value)
		}
	}
	p = one.config.Printer
	for _, must := range []struct{ name, value string }{{"name", p.Name}, {"port", p.Port}} {
		if at, found := given[must.name]; must.value == "" && !one.failed("printer."+must.name) && !one.failed(path+"."+must.name) {
			if !found {
				at = v.at
			}
			one.problem(at, path+"."+must.name, "缺少：每个 [["+path+"]] 都要写", "is missing: each of [["+path+"]] has one")
		}
	}
	for _, other := range l.config.Printers {
		if p.Name == other.Name {
			one.problem(given["name"], path+".name", "name "+quote(p.Name)+" 重复", "the name "+quote(p.Name)+" is given twice")
		}
	}
	for name, at := range given {
		l.given[path+"."+p.Name+"."+name] = at
	}
	for _, found := range one.problems {
		if rest, ours := strings.CutPrefix(found.Key, "printer."); ours {
			found.Key = path + "." + rest
		}
		l.problems = append(l.problems, found)
	}
	return p, given["port"], len(one.problems) == 0
}

// furtherNames are the keys of [[printers]] without their section.
var furtherNames = func() (names []string) {
	for _, s := range furtherSettings {
		names = append(names, s.path[strings.LastIndexByte(s.path, '.')+1:])
	}
	return names
}()

// checkPorts finds printers that share a port: what one prints would break into
// what the other does.
func (l *loader) checkPorts() {
	all := append([]Printer{l.config.Printer}, l.config.Printers...)
	for i, p := range l.config.Printers {
		first := slices.IndexFunc(all, func(o Printer) bool { return samePort(o.Port, p.Port) })
		if first <= i {
			l.problem(l.ports[i], "printers.port", "与打印机 "+all[first].Name+" 的端口相同", "is the port of the printer "+all[first].Name+" too")
		}
	}
}

func samePort(a, b string) bool {
	return strings.EqualFold(strings.TrimPrefix(a, "usb:"), strings.TrimPrefix(b, "usb:"))
}
