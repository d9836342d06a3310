package worker

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tillagent/queue"
	"tillagent/trade"
)

// mood is how urgent a message is, the least first.
type mood int

const (
	over mood = iota
	warning
	urgent
)

// moods are how each looks: the mark before its title, the words around it and
// the colour of Feishu's header.
var moods = [...]struct {
	mark  string
	words trade.Key
	color string
}{
	over:    {"🟢", trade.OutwardOver, "green"},
	warning: {"🟡", trade.OutwardWatch, "orange"},
	urgent:  {"🔴", trade.OutwardAct, "red"},
}

func (p outgoing) mood() mood {
	switch {
	case p.news.Cleared:
		return over
	case p.alert.Severity() == "warning":
		return warning
	}
	return urgent
}

// message is what robots are told, in plain text: one alert's raising or end,
// or several in one. Everything in it is masked.
type message struct {
	mood  mood
	title string   // Chinese
	lines []string // Chinese, an empty line, English
}

// listed is how many of several alerts a message names.
const listed = 10

// messageOf makes the message about what is to be told; several are joined.
func messageOf(told []outgoing, till string) message {
	if len(told) == 1 {
		return oneMessage(told[0], till)
	}
	var m message
	var lines [2][]string
	langs := [2]trade.Lang{trade.ZH, trade.EN}
	for n, p := range told {
		m.mood = max(m.mood, p.mood())
		for i, l := range langs {
			switch {
			case n < listed:
				lines[i] = append(lines[i], p.headline(l)+" · "+beijing(p.at()))
			case n == listed:
				lines[i] = append(lines[i], "…")
			}
		}
	}
	more := trade.Say(trade.OutwardMore, strconv.Itoa(len(told)))
	mark := moods[m.mood].mark + " "
	m.title = mark + more.In(trade.ZH)
	m.lines = append(lines[0], trade.Say(trade.OutwardTill, till).In(trade.ZH), "", mark+more.In(trade.EN))
	m.lines = append(m.lines, lines[1]...)
	return m
}

func oneMessage(p outgoing, till string) message {
	m := message{mood: p.mood(), title: p.headline(trade.ZH)}
	say := func(k trade.Key, text string, l trade.Lang) {
		if text != "" {
			m.lines = append(m.lines, trade.Say(k, text).In(l))
		}
	}
	texts := func(l trade.Lang) {
		if detail := alertText(p.alert, p.alert.Detail, l); detail != "" {
			m.lines = append(m.lines, detail)
		}
		if !p.news.Cleared {
			say(trade.OutwardDo, alertText(p.alert, p.alert.Action, l), l)
		}
	}
	texts(trade.ZH)
	say(trade.OutwardSale, p.alert.SaleID, trade.ZH)
	say(trade.OutwardAccount, hide(p.alert.Account), trade.ZH)
	say(trade.OutwardRaised, beijing(p.alert.Raised), trade.ZH)
	say(trade.OutwardEnded, beijing(p.alert.Cleared), trade.ZH) // also of one that ended before it could be told
	say(trade.OutwardTill, till, trade.ZH)
	m.lines = append(m.lines, "", p.headline(trade.EN))
	texts(trade.EN)
	return m
}

// headline is an alert in one line.
func (p outgoing) headline(l trade.Lang) string {
	look := moods[p.mood()]
	return look.mark + " " + trade.Say(look.words, alertText(p.alert, p.alert.Title, l)).In(l)
}

// at is when it was raised, or ended; UTC ms.
func (p outgoing) at() int64 {
	if p.news.Cleared {
		return p.alert.Cleared
	}
	return p.alert.Raised
}

// alertText is a text of an alert, masked; "" where there is none.
func alertText(a queue.Alert, m trade.Message, l trade.Lang) string {
	if m.IsZero() {
		return ""
	}
	shown := trade.Message{Key: m.Key}
	kept := []string{a.SaleID}
	if a.Kind == trade.AlertRefund {
		kept = append(kept, a.Subject) // the refund's id, which the POS gave it
	}
	for _, arg := range m.Args {
		shown.Args = append(shown.Args, tidy(hide(arg, kept...)))
	}
	return shown.In(l)
}

// longestArg bounds what somebody else's text takes of a message, in characters.
const longestArg = 200

// tidy makes a text one line of bounded length.
func tidy(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > longestArg {
		s = string(r[:longestArg]) + "…"
	}
	return s
}

// beijing is a time for people; "" for none. ms is UTC.
func beijing(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).In(trade.Beijing).Format(time.DateTime)
}

// markup are the characters that robots take for markup, and what stands for
// them. WeCom knows no way to escape them.
var markup = strings.NewReplacer("*", "＊", "`", "＇", "[", "［", "]", "］", "<", "＜", ">", "＞", "#", "＃", "~", "～", "|", "｜", `\`, "＼")

// markdown is the message with a bold title; newline is what ends a line.
// Beyond limit bytes it is cut.
func (m message) markdown(newline string, limit int) string {
	lines := []string{"**" + markup.Replace(m.title) + "**"}
	for _, l := range m.lines {
		lines = append(lines, markup.Replace(l))
	}
	return cut(strings.Join(lines, newline), limit)
}

// cut shortens a text to so many bytes of UTF-8.
func cut(s string, limit int) string {
	const mark = "…"
	if len(s) <= limit {
		return s
	}
	n := limit - len(mark)
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}
