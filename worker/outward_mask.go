package worker

import (
	"regexp"
	"slices"
	"strings"
)

// What looks like a buyer's: e-mail addresses, telephone numbers and other
// numbers, also with something between their parts, and long runs of letters
// and digits.
var (
	mailForm   = regexp.MustCompile(`[0-9A-Za-z._%+-]+@[0-9A-Za-z.-]+`)
	numberForm = regexp.MustCompile(`1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}|[(（]?0[0-9]{2,3}[)） -] ?[0-9]{7,8}|\b0[0-9]{9,11}\b|[0-9]{3,6}([ -][0-9]{3,6}){2,}`)
	runForm    = regexp.MustCompile(`[0-9A-Za-z]+`)
)

// longNumber is the length from which a run with digits in it may be a tax
// number, an identity card's or a bank account's; the platform's tax numbers
// have 15 to 20 characters.
const longNumber = 15

// shownOf is how many characters of a masked text stay, at most a third of it,
// so that people can tell one from another.
const shownOf = 3

// hide masks what may be a buyer's in a text that somebody else wrote: of
// telephone numbers, tax numbers and e-mail addresses the first characters stay.
// What lies within one of the ids that are kept is left alone.
func hide(text string, kept ...string) string {
	text = strings.Map(narrow, text)
	var ours, theirs [][]int
	for _, id := range kept {
		for from := 0; id != ""; {
			i := strings.Index(text[from:], id)
			if i < 0 {
				break
			}
			ours = append(ours, []int{from + i, from + i + len(id)})
			from += i + len(id)
		}
	}
	theirs = append(mailForm.FindAllStringIndex(text, -1), numberForm.FindAllStringIndex(text, -1)...)
	for _, at := range runForm.FindAllStringIndex(text, -1) {
		run := text[at[0]:at[1]]
		if len(run) >= longNumber && strings.ContainsAny(run, "0123456789") {
			theirs = append(theirs, at)
		}
	}
	slices.SortFunc(theirs, func(a, b []int) int { return a[0] - b[0] })
	var out strings.Builder
	done := 0
	for _, at := range theirs {
		within := func(id []int) bool { return id[0] <= at[0] && at[1] <= id[1] }
		if at[1] <= done || slices.ContainsFunc(ours, within) {
			continue
		}
		if at[0] >= done {
			out.WriteString(text[done : at[0]+min(shownOf, (at[1]-at[0])/3)])
			out.WriteString("••••")
		}
		done = at[1]
	}
	out.WriteString(text[done:])
	return out.String()
}

// narrow makes the wide forms of letters, digits and @ those of ASCII.
func narrow(r rune) rune {
	switch {
	case '０' <= r && r <= '９', 'Ａ' <= r && r <= 'Ｚ', 'ａ' <= r && r <= 'ｚ', r == '＠', r == '－':
		return r - '０' + '0'
	}
	return r
}
