package main

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"tillagent/printer/paper"
	"tillagent/trade"
)

// pieces are the papers of one kind for one sale.
type pieces struct {
	all      int
	unmarked int // nothing on them says that there may be others
	whole    int
	lossy    int // bytes of them were lost on the way
}

// claims is what the agent says of the jobs of one kind for one sale.
type claims struct {
	all       int // copies of all jobs
	first     int // copies of the first job, the only ones without a mark
	printed   int
	sent      int
	uncertain int
}

// count compares the paper with what was sold and with what the agent says.
// Nothing is wrong with the printer any more, and every job has ended.
func (k *printTill) count() {
	urls := map[string]string{}
	for _, s := range k.sales {
		status, answer := k.call(http.MethodGet, "/v1/sales/"+s.id, "")
		if status != http.StatusOK {
			k.t.Errorf("%s was taken and is lost: %d %v", s.id, status, answer)
		}
		urls[s.id], _ = field(answer, "qr", "url").(string)
	}
	_, answer := k.call(http.MethodGet, "/v1/printer", "")
	if confirm := answer["confirm"]; !k.proves && (confirm == "status" || confirm == "process_id") {
		k.t.Errorf("the agent says that the printer proves by %v", confirm)
	}
	k.killAgent()
	if err := k.tape.Close(); err != nil { // what is still on the roll is torn off
		k.t.Error(err)
	}
	sales := map[string]*printSale{}
	for _, s := range k.sales {
		sales[s.id] = s
	}
	found := map[string]*pieces{}
	var nameless []paper.Receipt
	for _, piece := range k.papers {
		kind, id := sheetOf(piece.Text)
		s := sales[id]
		if s == nil { // torn, or damaged on the way
			nameless = append(nameless, piece)
			continue
		}
		key := string(kind) + " " + id
		if found[key] == nil {
			found[key] = &pieces{}
		}
		found[key].add(s, kind, piece, urls[id])
	}
	k.compare(found, nameless)
}

// add sorts one piece of paper.
func (n *pieces) add(s *printSale, kind trade.Paper, piece paper.Receipt, url string) {
	n.all++
	if !strings.Contains(piece.Text, "***") {
		n.unmarked++
	}
	if piece.Lost > 0 {
		n.lossy++
	} else if s.whole(kind, piece, url) {
		n.whole++
	}
}

// whole tells that all of a receipt or slip is on a piece of paper, from its
// first line to its cut. A cutter that jams spoils nothing that is printed.
func (s *printSale) whole(kind trade.Paper, piece paper.Receipt, url string) bool {
	if !piece.Cut && !piece.Jammed || len(piece.Problems) > 0 {
		return false
	}
	want := []string{"原单 " + s.id, "扫码自助开具电子发票", "凭证码"}
	if kind == trade.PaperReceipt {
		want = append([]string{soakHeader, "单号 " + s.id, "凭证码", "税率", soakFooter}, s.lines...)
		if len(piece.QRs) == 0 {
			want = append(want, "补打截止")
		}
	}
	for _, text := range want {
		if !strings.Contains(piece.Text, text) {
			return false
		}
	}
	if kind == trade.PaperSlip || len(piece.QRs) > 0 {
		return len(piece.QRs) == 1 && piece.QRs[0] == url
	}
	return true
}

// claims adds up what the agent says of a sale's jobs of one kind.
func (s *printSale) claims(kind trade.Paper) (c claims) {
	for _, j := range s.jobs {
		if j.what != string(kind) {
			continue
		}
		c.all += j.copies
		c.first = max(c.first, j.copies)
		switch j.state {
		case "printed":
			c.printed += j.copies
		case "sent":
			c.sent += j.copies
		case "uncertain":
			c.uncertain += j.copies
		}
	}
	return c
}

// compare holds the rules: no receipt is lost, none is on paper twice without a
// mark, none is called printed that is not whole on paper.
func (k *printTill) compare(found map[string]*pieces, nameless []paper.Receipt) {
	figures := map[string]int{}
	scraps, took := 0, k.jobTimes()
	for _, s := range k.sales {
		for _, kind := range []trade.Paper{trade.PaperReceipt, trade.PaperSlip} {
			key := string(kind) + " " + s.id
			n, c := found[key], s.claims(kind)
			if n == nil {
				n = &pieces{}
			}
			delete(found, key)
			scraps += c.sent + c.uncertain
			missing := c.printed - n.whole
			switch {
			case !k.proves && c.printed > 0:
				k.wrong(s, "%s: the printer cannot say so, and %d are called printed", key, c.printed)
			case missing > n.lossy && !k.lostWithin(s, kind, took):
				k.wrong(s, "%s: %d are whole on paper, %d are called printed, %d lost bytes", key, n.whole, c.printed, n.lossy)
			case n.all > c.all:
				k.wrong(s, "%s: %d pieces of paper of %d jobs", key, n.all, c.all)
			case n.unmarked > c.first:
				k.wrong(s, "%s: %d pieces of paper without a mark, of at most %d", key, n.unmarked, c.first)
			}
			if missing > 0 {
				k.t.Logf("called printed, and %d damaged by lost bytes: %s, whose damaged pieces are %d", missing, key, n.lossy)
				if missing > n.lossy {
					k.t.Log(k.about(s))
				}
				figures["called printed and damaged, as bytes were lost on the way"] += missing
			}
			figures["called printed"] += c.printed
			figures["called sent"] += c.sent
			figures["called sent, and not whole on paper"] += max(c.printed+c.sent-n.whole-max(missing, 0), 0)
			figures["uncertain"] += c.uncertain
			figures["uncertain, and whole on paper"] += max(n.whole-c.printed-c.sent, 0)
		}
	}
	for key := range found {
		k.wrong(nil, "paper without a print job: %s", key)
	}
	if len(nameless) > 2*scraps+len(k.losses) {
		k.wrong(nil, "%d scraps of paper without a name, of %d jobs that may have left some", len(nameless), scraps)
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		fmt.Fprintf(&b, "\n%6d %s", figures[name], name)
	}
	k.t.Logf("%d sales, %d pieces of paper, %d of them scraps without a name; bytes may have been lost on the way %d times%s", len(k.sales), len(k.papers), len(nameless), len(k.losses), b.String())
	if k.t.Failed() {
		k.t.Logf("the printer:\n%s", strings.Join(k.story, "\n"))
		for _, piece := range nameless {
			k.t.Logf("without a name: %s", describe(piece))
		}
	}
}

// lostWithin tells that bytes may have been lost while a job of a sale that is
// called printed was under way: so many that nothing on paper tells of it.
func (k *printTill) lostWithin(s *printSale, kind trade.Paper, took map[string]span) bool {
	return slices.ContainsFunc(s.jobs, func(j *printJob) bool {
		return j.what == string(kind) && j.state == "printed" && slices.ContainsFunc(k.losses, took[j.id].overlaps)
	})
}

// jobTimes gives, by its id, how long each job was under way, from the agent's log.
func (k *printTill) jobTimes() map[string]span {
	took := map[string]span{}
	for line := range strings.Lines(k.log.String()) {
		m := jobMoved.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			k.t.Errorf("the test itself: %v", err)
		}
		s := took[m[2]]
		if m[3] == "printing" {
			s.from = at
		}
		s.to = at
		took[m[2]] = s
	}
	return took
}

var jobMoved = regexp.MustCompile(`^time=(\S+) .*msg="print moved" .*job=(\S+) state=(\S+)`)

// describe is a piece of paper for people.
func describe(piece paper.Receipt) string {
	return fmt.Sprintf("%s cut %v, lost %d, %v\n%s", piece.At.Format("15:04:05.000"), piece.Cut, piece.Lost, piece.Problems, piece.Text)
}

// wrong fails the test, with what is known of the sale.
func (k *printTill) wrong(s *printSale, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s != nil {
		text += k.about(s)
	}
	k.t.Error(text)
}

// about is all that is known of a sale's paper.
func (k *printTill) about(s *printSale) (text string) {
	for _, j := range s.jobs {
		text += fmt.Sprintf("\njob %s, %s ×%d: %s", j.id, j.what, j.copies, j.state)
	}
	for line := range strings.Lines(k.log.String()) {
		if strings.Contains(line, "sale="+s.id+" ") {
			text += "\n" + strings.TrimSpace(line)
		}
	}
	for _, piece := range k.papers {
		if _, id := sheetOf(piece.Text); id == s.id {
			text += "\n" + describe(piece)
		}
	}
	return text
}
