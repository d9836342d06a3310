package queue

import (
	"context"
	"errors"
	"slices"
	"strings"

	"tillagent/trade"
)

// ErrNoPrinter says that no such printer is configured.
var ErrNoPrinter = errors.New("no such printer is configured")

// printers are the names of the printers that jobs are made for.
func (o *Options) printers() []string {
	if o.Printer {
		return append([]string{trade.ReceiptPrinter}, o.Printers...)
	}
	return o.Printers
}

// hasPrinter tells whether a printer is configured.
func (s *Store) hasPrinter(name string) bool { return slices.Contains(s.opts.printers(), name) }

// PrintsWaiting counts the print jobs that are not on paper yet, by printer.
// It has the printers that are not configured any more and have some.
func (s *Store) PrintsWaiting(ctx context.Context) (waiting map[string]int, err error) {
	err = s.read(ctx, func(q querier) (err error) {
		waiting, err = printsWaiting(q)
		return err
	})
	return waiting, err
}

func printsWaiting(q querier) (map[string]int, error) {
	waiting := map[string]int{}
	err := each(q, "SELECT printer, count(*) FROM prints WHERE "+isOpen+" GROUP BY printer", []any{},
		func(scan func(...any) error) error {
			var name string
			var n int
			err := scan(&name, &n)
			waiting[name] = n
			return err
		})
	return waiting, err
}

// HoldOrphans holds the print jobs of printers that are not configured any more,
// and raises an alert for each such printer: they go on when it is configured
// again, or a person cancels them. A slip that waits for its QR code goes on
// waiting, and is held when that has come. It ends the alerts of what is mended,
// and is to be called at start, before jobs are claimed.
func (s *Store) HoldOrphans() error {
	return s.do(noDeadline, func(t *tx) error {
		s.orphans.Store(true)
		return t.holdOrphans()
	})
}

// holdOrphans costs nothing where no printer was removed.
func (t *tx) holdOrphans() error {
	if !t.s.orphans.Load() {
		return nil
	}
	waiting, err := printsWaiting(t)
	if err != nil {
		return err
	}
	for name := range waiting {
		if t.s.hasPrinter(name) {
			delete(waiting, name)
			continue
		}
		if err := t.holdJobs(name); err != nil {
			return err
		}
	}
	t.s.orphans.Store(len(waiting) > 0)
	return t.tellOrphans(waiting)
}

// holdJobs holds what a printer that is not configured would print now.
func (t *tx) holdJobs(name string) error {
	reason := trade.NotConfigured(name)
	jobs, err := papers(t, "p.printer = ? AND p.reason <> ? AND (p.state IN ('queued','held') OR p.state = 'waiting_qr' AND p.due_at < ?)", name, reason, ms(never))
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if err := t.movePrint(j.sale, j.seq, j.id, trade.PaperHeld, reason); err != nil {
			return err
		}
		if _, err := t.Exec("UPDATE prints SET due_at = ? WHERE seq = ?", t.now, j.seq); err != nil {
			return err
		}
	}
	return nil
}

// tellOrphans has an alert stand for each printer that has orphans, and for no
// other; of a printer that is not configured none is held for a cause of its own.
func (t *tx) tellOrphans(orphans map[string]int) error {
	standing := map[string]bool{}
	err := each(t, "SELECT subject FROM alerts WHERE kind = ? AND cleared_at = 0", trade.AlertPrinter, func(scan func(...any) error) error {
		var subject string
		err := scan(&subject)
		standing[subject] = true
		return err
	})
	if err != nil {
		return err
	}
	for subject := range standing {
		name, gone := strings.CutPrefix(subject, goneSubject)
		over := gone && orphans[name] == 0
		if name, held := strings.CutPrefix(subject, heldSubject+":"); held {
			over = !t.s.hasPrinter(name)
		}
		if over {
			if err := t.clear(trade.AlertPrinter, subject); err != nil {
				return err
			}
		}
	}
	for name := range orphans {
		if standing[goneSubject+name] {
			continue
		}
		if err := t.raise(trade.Raise{Kind: trade.AlertPrinter, Subject: goneSubject + name,
			Title: trade.Say(trade.PrinterGone, name), Action: trade.Say(trade.PrinterGoneDo)}); err != nil {
			return err
		}
	}
	return nil
}

// PaperWaits notes why the job that a printer has begun waits, "" once it goes on.
// The job stays printing, as some of it is on paper; whoever looks sees it held.
func (s *Store) PaperWaits(printer, cause string) error {
	return s.do(noDeadline, func(t *tx) error {
		jobs, err := papers(t, "p.printer = ? AND p.state = 'printing' AND p.reason <> ?", printer, cause)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if _, err := t.Exec("UPDATE prints SET reason = ? WHERE seq = ?", cause, j.seq); err != nil {
				return err
			}
			t.sales = append(t.sales, j.sale)
			if cause == "" {
				continue
			}
			if err := t.tell("print.held", j.sale, j.refund, cause, j.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// The subjects of alerts about printers.
const (
	heldSubject = "held"  // of ReceiptPrinter; ":" and the name follow for the others
	goneSubject = "gone:" // the name follows
)

func heldSubjectOf(printer string) string {
	if printer == trade.ReceiptPrinter {
		return heldSubject
	}
	return heldSubject + ":" + printer
}

// RaiseHeld raises the alert that a printer's jobs wait, for a cause; detail is
// what the port says of it, "" for nothing.
func (s *Store) RaiseHeld(printer, cause, detail string) error {
	words := trade.CauseWords(cause)
	title := trade.Say(trade.PrinterHeld, words.In(trade.ZH), words.In(trade.EN))
	if printer != trade.ReceiptPrinter {
		title = trade.Say(trade.FurtherHeld, printer, words.In(trade.ZH), words.In(trade.EN))
	}
	r := trade.Raise{Kind: trade.AlertPrinter, Subject: heldSubjectOf(printer), Title: title, Action: trade.Say(trade.PrinterHeldDo)}
	if detail != "" {
		r.Detail = trade.Say(trade.TimelineOther, detail)
	}
	return s.Raise(r)
}

// ClearHeld ends it.
func (s *Store) ClearHeld(printer string) error {
	return s.Clear(trade.AlertPrinter, heldSubjectOf(printer))
}

// UncertainAlert asks a person to look whether a sale's receipt is on paper, or
// what the POS laid out where saleID is "".
func UncertainAlert(printer, saleID, jobID string) trade.Raise {
	if saleID == "" {
		return paperAlert(printer, "", uncertainJob+jobID, trade.Say(trade.AlertJobUncertain, jobID), trade.Say(trade.AlertJobUncertainDo))
	}
	return paperAlert(printer, saleID, uncertainSale+saleID, trade.Say(trade.AlertPrintUncertain, saleID), trade.Say(trade.AlertPrintUncertainDo))
}

// FailedAlert tells a person that a sale's paper cannot be laid out and will not
// come, or what the POS laid out where saleID is "". why is for the technician.
func FailedAlert(printer, saleID, jobID, why string) trade.Raise {
	if saleID == "" {
		return paperAlert(printer, "", failedJob+jobID, trade.Say(trade.AlertJobFailed, jobID, why), trade.Say(trade.AlertJobFailedDo))
	}
	return paperAlert(printer, saleID, failedSale+saleID, trade.Say(trade.AlertPrintFailed, saleID, why), trade.Say(trade.AlertPrintFailedDo))
}

// The subjects of alerts about single papers; the sale or the job follows, and
// for a further printer "@" and its name.
const (
	uncertainSale = "uncertain:"
	uncertainJob  = "uncertain_job:"
	failedSale    = "failed:"
	failedJob     = "failed_job:"
)

func paperAlert(printer, saleID, subject string, title, action trade.Message) trade.Raise {
	r := trade.Raise{Kind: trade.AlertPrinter, Subject: paperSubject(subject, printer), SaleID: saleID, Title: title, Action: action}
	if printer != trade.ReceiptPrinter {
		r.Detail = trade.Say(trade.OnPrinter, printer)
	}
	return r
}

func paperSubject(subject, printer string) string {
	if printer != trade.ReceiptPrinter {
		subject += "@" + printer
	}
	return subject
}

// clearPaper ends the alerts of a sale's papers of a printer once each of these
// papers came out of it after all.
func (t *tx) clearPaper(c *PrintClaim) error {
	if c.Record == nil {
		return nil
	}
	for subject, state := range map[string]trade.PrintState{uncertainSale: trade.PrintUncertain, failedSale: trade.PrintFailed} {
		var missing bool
		err := t.QueryRow(`SELECT EXISTS (SELECT 1 FROM prints p JOIN sales s ON s.seq = p.sale WHERE s.sale_id = ?1 AND p.printer = ?2 AND p.state = ?3
			AND NOT EXISTS (SELECT 1 FROM prints q WHERE q.sale = p.sale AND q.printer = p.printer AND q.paper = p.paper AND q.refund_id = p.refund_id
				AND q.seq > p.seq AND q.state IN ('printed','sent')))`, c.SaleID(), c.Printer, state).Scan(&missing)
		if err == nil && !missing {
			err = t.clear(trade.AlertPrinter, paperSubject(subject+c.SaleID(), c.Printer))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clearSale ends the alerts of a sale, which is deleted.
func (t *tx) clearSale(saleID string) error { return t.clearWhere("sale_id = ?", saleID) }

// clearJob ends the alerts of a print job of no sale, which is deleted.
func (t *tx) clearJob(seq int64) error {
	var id, printer string
	if err := t.QueryRow("SELECT job_id, printer FROM prints WHERE seq = ?", seq).Scan(&id, &printer); err != nil {
		return err
	}
	return errors.Join(t.clear(trade.AlertPrinter, paperSubject(uncertainJob+id, printer)), t.clear(trade.AlertPrinter, paperSubject(failedJob+id, printer)))
}
