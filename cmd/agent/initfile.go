package main

import (
	"slices"
	"strconv"
	"strings"
)

// keyValue is a key of the configuration with the text that it gets.
type keyValue struct {
	section, key, value string
	number              bool // the value stands without quotes
}

func (k keyValue) line() string {
	if k.number {
		return k.key + " = " + k.value
	}
	return k.key + " = " + strconv.Quote(k.value)
}

// name is the key as messages name it.
func (k keyValue) name() string {
	if k.section == "" {
		return k.key
	}
	return k.section + "." + k.key
}

// setKeys puts values into the text of a configuration and leaves everything
// else as it is, comments too. It knows the form in which people write such
// files, one key to a line under its section; what it makes of others must be
// checked by reading it.
func setKeys(text string, values []keyValue) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		lines = nil
	}
	for _, v := range values {
		lines = setKey(lines, v)
	}
	return strings.Join(lines, "\n") + "\n"
}

func setKey(lines []string, v keyValue) []string {
	first, end := sectionOf(lines, v.section)
	if first < 0 {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		return append(lines, "["+v.section+"]", v.line())
	}
	last := first // where a new key goes: after the section's last key, else after the comments at its head
	for last < end && strings.HasPrefix(strings.TrimSpace(lines[last]), "#") {
		last++
	}
	for i := first; i < end; i++ {
		name, _, isKey := strings.Cut(lines[i], "=")
		if !isKey || strings.HasPrefix(strings.TrimSpace(name), "#") {
			continue
		}
		last = i + 1
		if strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")) == v.key { // a byte order mark may stand before the first
			lines[i] = v.line()
			return lines
		}
	}
	return slices.Insert(lines, last, v.line())
}

// sectionOf gives the lines of a section after its header; -1 where there is
// none. The section "" is what comes before the first header.
func sectionOf(lines []string, section string) (first, end int) {
	first = -1
	if section == "" {
		first = 0
	}
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if !strings.HasPrefix(l, "[") {
			continue
		}
		if first >= 0 {
			return first, i
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(l, "["), "]")
		if strings.TrimSpace(name) == section {
			first = i + 1
		}
	}
	return first, len(lines)
}
