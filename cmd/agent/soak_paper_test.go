package main

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"tillagent/piaotong/sandbox"
	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/trade"
)

// The lines by which paper is known.
var (
	receiptLine = regexp.MustCompile(`(?m)^单号 (\S+)`)
	slipLine    = regexp.MustCompile(`(?m)^原单 (\S+)`)
	refundLine  = regexp.MustCompile(`(?m)^退货单号 (\S+)`)
)

// sheetOf tells what a piece of paper is, and of which sale or refund; "" for
// the torn-off end of something.
func sheetOf(text string) (kind trade.Paper, id string) {
	if m := refundLine.FindStringSubmatch(text); m != nil {
		return trade.PaperRefund, m[1]
	}
	if m := receiptLine.FindStringSubmatch(text); m != nil {
		return trade.PaperReceipt, m[1]
	}
	if m := slipLine.FindStringSubmatch(text); m != nil {
		return trade.PaperSlip, m[1]
	}
	return "", ""
}

// sheets are the papers of one kind for one sale or refund.
type sheets struct {
	all      int
	unmarked int // nothing on them says that there may be others
	complete int
}

// countPaper holds I7 and what the states of the print jobs say.
func (w *world) countPaper(stored map[string]*queue.Record, p onPlatform) {
	found := map[string]*sheets{}
	for _, piece := range w.papers {
		kind, id := sheetOf(piece.Text)
		if id == "" {
			continue
		}
		w.countCodes(kind, id, piece, p)
		n := found[string(kind)+" "+id]
		if n == nil {
			n = &sheets{}
			found[string(kind)+" "+id] = n
		}
		n.all++
		if !strings.Contains(piece.Text, "***") {
			n.unmarked++
		}
		if piece.Cut && len(piece.Problems) == 0 {
			n.complete++
		}
	}
	for id, r := range stored {
		for key, most := range w.jobs(r) {
			has := found[key]
			if has == nil {
				has = &sheets{}
			}
			switch {
			case has.complete < most.complete:
				w.wrong(id, "%s: %d are complete on paper, %d are taken for printed", key, has.complete, most.complete)
			case has.all > most.all:
				w.wrong(id, "%s: %d pieces of paper of at most %d", key, has.all, most.all)
			case has.unmarked > most.unmarked:
				w.wrong(id, "%s: %d pieces of paper are not marked, of at most %d", key, has.unmarked, most.unmarked)
			}
			delete(found, key)
		}
	}
	for key := range found {
		w.t.Errorf("paper without a print job: %s", key)
	}
}

// countCodes holds that a code stands on its own sale's paper alone.
func (w *world) countCodes(kind trade.Paper, id string, piece paper.Receipt, p onPlatform) {
	for _, url := range piece.QRs {
		if invoice := p.invoices[path.Base(url)]; kind != trade.PaperRefund && invoice.TradeNo == id {
			continue // the page of a direct invoice
		}
		if kind == trade.PaperRefund || !slices.ContainsFunc(p.codes[id], func(q sandbox.QR) bool { return q.QRCodeNo == path.Base(url) }) {
			w.wrong(id, "its %s has the code %s", kind, url)
		}
	}
}

// jobs are the papers that the print jobs of a sale may have made, by kind and
// id: at most so many, at most so many without a mark, and at least so many
// complete ones.
func (w *world) jobs(r *queue.Record) map[string]*sheets {
	may := map[string]*sheets{}
	first := map[string]map[int]int{} // unmarked copies, by generation
	for _, j := range r.Prints {
		if !slices.Contains([]trade.PrintState{trade.PrintPrinted, trade.PrintSent, trade.PrintUncertain, trade.PrintCancelled}, j.State) {
			w.wrong(r.Sale.ID, "print job %s is %s (%s) at rest", j.JobID, j.State, j.Reason)
		}
		key, gen := string(j.Paper)+" "+r.Sale.ID, 0
		switch j.Paper {
		case trade.PaperRefund:
			key = string(j.Paper) + " " + j.RefundID
		case trade.PaperSlip:
			gen = j.Gen // each generation has a first slip of its own
		}
		if may[key] == nil {
			may[key], first[key] = &sheets{}, map[int]int{}
		}
		if j.State == trade.PrintCancelled {
			continue
		}
		may[key].all += j.Copies
		if j.State == trade.PrintPrinted {
			may[key].complete += j.Copies
		}
		first[key][gen] = max(first[key][gen], j.Copies)
	}
	for key, gens := range first {
		for _, copies := range gens {
			may[key].unmarked += copies
		}
	}
	return may
}
