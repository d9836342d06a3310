package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tillagent/trade"
)

// never is the due time of paper that waits for its QR code as long as it takes.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// job is a print job to be stored.
type job struct {
	id, refundID string
	paper        trade.Paper
	printer      string // "" is trade.ReceiptPrinter
	copies       int
	drawer       bool
	asked        bool
	state        trade.PrintState
	due          time.Time
	content      trade.Content // what the POS laid out by itself
}

// addJob stores a print job of a sale; without the printer there is nothing to
// store.
func (t *tx) addJob(l *loaded, j job) error {
	name := cmp.Or(j.printer, trade.ReceiptPrinter)
	if !t.s.hasPrinter(name) {
		return nil
	}
	_, err := t.Exec("INSERT INTO prints (job_id, sale, refund_id, paper, printer, state, asked, copies, drawer, due_at, created_at, form, content) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
		j.id, l.seq, j.refundID, j.paper, name, j.state, j.asked, j.copies, j.drawer, ms(j.due), t.now, j.content.Form, blob(j.content.Data))
	if err != nil {
		return err
	}
	t.paper = true
	return t.tell("print.queued", l.SaleID, j.refundID, string(j.state), j.id)
}

// AskPrint stores a wish to print a sale's receipt, slip or ticket again. A slip
// whose QR code is still on its way waits for it. The same job id with the same
// content gives the stored job; the errors are ErrNotFound, ErrNoPrinter,
// a ConflictError, and ErrNoQR where a slip can never come.
func (s *Store) AskPrint(ctx context.Context, saleID, jobID string, paper trade.Paper, printer string, copies int) (*Print, error) {
	var p *Print
	err := s.do(ctx, func(t *tx) error {
		l, err := find(t, saleID)
		if err != nil {
			return err
		}
		var sale sql.NullInt64
		var oldPaper trade.Paper
		var oldPrinter string
		var oldCopies int
		err = t.QueryRow("SELECT sale, paper, printer, copies FROM prints WHERE job_id = ?", jobID).Scan(&sale, &oldPaper, &oldPrinter, &oldCopies)
		switch {
		case errors.Is(err, sql.ErrNoRows) && !s.hasPrinter(printer):
			err = ErrNoPrinter
		case errors.Is(err, sql.ErrNoRows):
			j := job{id: jobID, paper: paper, printer: printer, copies: copies, asked: true, state: trade.PrintQueued, due: at(t.now)}
			if paper == trade.PaperSlip {
				switch {
				case l.View() == trade.StateQueued:
					j.state, j.due = trade.PrintWaitingQR, never
				case l.View() != trade.StateQRReady && l.ViewURL() == "":
					return ErrNoQR
				}
			}
			err = t.addJob(l, j)
		case err == nil && (sale.Int64 != l.seq || oldPaper != paper || oldPrinter != printer || oldCopies != copies):
			err = &ConflictError{jobDigest(sale.Int64, oldPaper, oldPrinter, oldCopies), jobDigest(l.seq, paper, printer, copies)}
		}
		if err != nil {
			return err
		}
		p, err = printJob(t, jobID)
		return err
	})
	return p, err
}

// jobDigest identifies what a print job is of, for the error that names two;
// sale is 0 where it is of none.
func jobDigest(sale int64, paper trade.Paper, printer string, copies int) string {
	return digestOf([]any{sale, paper, printer, copies})
}

// slipLater prints the slip of a receipt that went out without its QR code,
// where the shop wants that. One that is being printed may still come back
// unprinted, to go out with the code.
func (t *tx) slipLater(l *loaded, f trade.PaperDue) error {
	if !t.s.opts.SlipLater || f.RefundID != "" || l.View() != trade.StateQRReady {
		return nil
	}
	var receipt string // the printer that it came out of
	err := t.QueryRow(`SELECT printer FROM prints WHERE sale = ? AND paper = 'receipt' AND with_qr = 0 AND state IN ('printed','sent','uncertain')
		AND NOT EXISTS (SELECT 1 FROM prints WHERE sale = ? AND paper = 'slip') ORDER BY seq LIMIT 1`, l.seq, l.seq).Scan(&receipt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.addJob(l, job{id: "slip:" + l.SaleID, paper: trade.PaperSlip, printer: t.still(receipt), copies: 1, state: trade.PrintQueued, due: at(t.now)})
}

// slipNow does so for the code that came while the receipt was printing.
func (t *tx) slipNow(saleID string) error {
	l, err := find(t, saleID)
	if err != nil {
		return err
	}
	return t.slipLater(l, trade.PaperDue{})
}

// still is the printer on which a sale's paper goes on: the one of its receipt
// while that is configured.
func (t *tx) still(printer string) string {
	if t.s.hasPrinter(printer) {
		return printer
	}
	return trade.ReceiptPrinter
}

// nextSlip prints the QR code of a further generation: the one that the
// customer holds was voided for a partial refund.
func (t *tx) nextSlip(l *loaded, f trade.SlipDue) error {
	var printer string // that had the one before
	err := t.QueryRow("SELECT printer FROM prints WHERE sale = ? AND paper IN ('receipt','slip') AND asked = 0 ORDER BY seq LIMIT 1", l.seq).Scan(&printer)
	if errors.Is(err, sql.ErrNoRows) { // the POS prints by itself
		return nil
	}
	if err != nil {
		return err
	}
	return t.addJob(l, job{id: slipID(l.SaleID, f.Gen), paper: trade.PaperSlip, printer: t.still(printer), copies: 1, state: trade.PrintWaitingQR, due: never})
}

// slipID names the slip of a further generation. No id of a POS has an @, so it
// is no other sale's.
func slipID(saleID string, gen int) string { return fmt.Sprintf("slip:%s@%d", saleID, gen) }

// PrintClaim is a print job that the print loop has taken; it is stored as
// printing before the first byte leaves.
type PrintClaim struct {
	Print
	Record  *Record       // nil where the paper belongs to no sale
	Refund  *trade.Refund // of a refund's receipt
	Content trade.Content // what the POS laid out by itself; empty where the agent does
	Drawer  bool
	Mark    trade.Mark
	Nth     int // which printing this is: 1 is the first, 2 the first reprint
}

// SaleID is the sale that the paper belongs to, "" for none.
func (c *PrintClaim) SaleID() string {
	if c.Record == nil {
		return ""
	}
	return c.Record.Sale.ID
}

// ClaimPrint takes the job that a printer prints next. With nothing due it
// returns nil and when the next one is, zero for never. A job that is held keeps
// its place: nothing overtakes it on the way to the same printer.
func (s *Store) ClaimPrint(ctx context.Context, printer string) (*PrintClaim, time.Time, error) {
	var found bool
	seq, next, err := nextPrint(s.reader, printer, s.opts.Now().UnixMilli())
	if err != nil || seq == 0 {
		return nil, next, err
	}
	c := &PrintClaim{}
	err = s.do(ctx, func(t *tx) error {
		seq, _, err := nextPrint(t, printer, t.now)
		if err != nil || seq == 0 {
			return err // another event has moved it
		}
		found = true
		return t.claimPrint(c, seq)
	})
	if err != nil || found {
		if err != nil {
			c = nil
		}
		return c, time.Time{}, err
	}
	return s.ClaimPrint(ctx, printer)
}

// claimPrint takes a print job and reads what it needs.
func (t *tx) claimPrint(c *PrintClaim, seq int64) error {
	var sale sql.NullInt64
	var paper trade.Paper
	if err := t.QueryRow("SELECT sale, job_id, paper, drawer, form, content FROM prints WHERE seq = ?", seq).
		Scan(&sale, &c.JobID, &paper, &c.Drawer, &c.Content.Form, &c.Content.Data); err != nil {
		return err
	}
	var l *loaded
	var saleID string
	withQR, gen := false, 0
	if sale.Valid {
		var err error
		if l, err = load(t, sale.Int64); err != nil {
			return err
		}
		saleID, gen = l.SaleID, max(len(l.QRs)-1, 0)
		withQR = l.LinkOnPaper() != "" && paper != trade.PaperTicket
	}
	if err := t.movePrint(saleID, seq, c.JobID, trade.PaperStart, ""); err != nil {
		return err
	}
	if _, err := t.Exec("UPDATE prints SET attempts = attempts + 1, with_qr = ?, gen = ? WHERE seq = ?", withQR, gen, seq); err != nil {
		return err
	}
	p, err := printJob(t, c.JobID)
	if err != nil {
		return err
	}
	c.Print = *p
	if l == nil {
		return nil
	}
	if c.Record, err = record(t, l); err != nil {
		return err
	}
	if p.Paper == trade.PaperReceipt {
		if c.Content, err = contentOf(t, l.seq); err != nil {
			return err
		}
	}
	c.Refund = c.Record.Standing.Refund(p.RefundID)
	c.Mark, c.Nth = mark(c.Record, p)
	return nil
}

// isOpen holds for print jobs that are not on paper yet, in SQL. SQLite takes
// their index only where a condition has it word for word.
const isOpen = "state IN ('waiting_qr','queued','printing','held')"

// mark says how this paper is told from earlier paper of the same kind for the
// same sale, and which printing it is: unmarked only if none can be on paper. The
// slip of a further generation is no copy: it shows another code.
func mark(r *Record, p *Print) (trade.Mark, int) {
	nth, m := 1, trade.MarkNone
	for _, old := range r.Prints {
		if old.Paper != p.Paper || old.RefundID != p.RefundID || old.seq == p.seq || p.Paper == trade.PaperSlip && old.Gen != p.Gen {
			continue
		}
		switch old.State {
		case trade.PrintPrinted, trade.PrintSent:
			nth, m = nth+1, trade.MarkReprint
		case trade.PrintUncertain:
			nth, m = nth+1, trade.MarkCutOff
		}
	}
	return m, nth
}

// SettlePrint stores what came of a claimed print job. reason is the cause of
// a held, uncertain or failed one; a held one is due again at retry.
func (s *Store) SettlePrint(c *PrintClaim, e trade.PrintEvent, reason string, retry time.Time) error {
	return s.do(noDeadline, func(t *tx) error {
		if err := t.movePrint(c.SaleID(), c.seq, c.JobID, e, reason); err != nil {
			return err
		}
		t.paper = true
		switch e {
		case trade.PaperHeld:
			_, err := t.Exec("UPDATE prints SET due_at = ? WHERE seq = ?", ms(retry), c.seq)
			return err
		case trade.PaperPrinted, trade.PaperSent:
			if _, err := t.Exec("UPDATE prints SET printed_at = ? WHERE seq = ?", t.now, c.seq); err != nil {
				return err
			}
			if err := t.clearPaper(c); err != nil {
				return err
			}
		}
		if c.Paper == trade.PaperReceipt && !c.WithQR {
			return t.slipNow(c.SaleID())
		}
		return nil
	})
}

// movePrint is the guarded move of a print job, with journal and event. saleID
// is "" for paper that belongs to no sale.
func (t *tx) movePrint(saleID string, seq int64, id string, e trade.PrintEvent, reason string) error {
	var from trade.PrintState
	var refundID, was string
	if err := t.QueryRow("SELECT state, refund_id, reason FROM prints WHERE seq = ?", seq).Scan(&from, &refundID, &was); err != nil {
		return err
	}
	to, ok := trade.MovePrint(from, e)
	if !ok {
		return ErrNotOurs
	}
	if _, err := t.Exec("UPDATE prints SET state = ?, reason = ? WHERE seq = ? AND state = ?", to, reason, seq, from); err != nil {
		return err
	}
	t.sales = append(t.sales, saleID)
	if err := t.record(entry{kind: "Print", sale: saleID, ref: id, state: string(to), digest: reason}); err != nil {
		return err
	}
	t.log(slog.LevelInfo, "print moved", "sale", saleID, "job", id, "state", to, "reason", reason)
	switch to {
	case trade.PrintPrinted, trade.PrintSent:
		return t.tell("print.printed", saleID, refundID, string(to), id)
	case trade.PrintUncertain:
		return t.tell("print.uncertain", saleID, refundID, reason, id)
	case trade.PrintHeld:
		return t.tell("print.held", saleID, refundID, reason, id)
	}
	return nil
}

// paperRef names a print job, its printer, its sale and its refund, "" for none.
type paperRef struct {
	seq                       int64
	id, printer, sale, refund string
}

// openPapers runs along the index of what is open: SQLite by itself would read a
// table of a million jobs for their order.
const openPapers = "SELECT p.seq, p.job_id, p.printer, coalesce(s.sale_id, ''), p.refund_id FROM prints p INDEXED BY prints_open LEFT JOIN sales s ON s.seq = p.sale WHERE p." + isOpen + " AND "

// papers are the open print jobs p for which a condition holds.
func papers(q querier, condition string, args ...any) (jobs []paperRef, err error) {
	err = each(q, openPapers+"("+condition+") ORDER BY p.seq", args, func(scan func(...any) error) error {
		var j paperRef
		err := scan(&j.seq, &j.id, &j.printer, &j.sale, &j.refund)
		jobs = append(jobs, j)
		return err
	})
	return jobs, err
}

// recoverPrints marks what was being printed when the agent died.
func (t *tx) recoverPrints() error {
	jobs, err := papers(t, "p.state = 'printing'")
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if err := t.movePrint(j.sale, j.seq, j.id, trade.PaperUncertain, "interrupted"); err != nil {
			return err
		}
		if err := t.raise(UncertainAlert(j.printer, j.sale, j.id)); err != nil {
			return err
		}
		if j.sale == "" {
			continue
		}
		if err := t.slipNow(j.sale); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseReceipts makes every receipt that waits for its QR code due now: the
// platform is away and waiting is in vain. Slips go on waiting.
func (s *Store) ReleaseReceipts() error {
	return s.do(noDeadline, func(t *tx) error {
		t.paper = true
		_, err := t.Exec("UPDATE prints SET due_at = ? WHERE "+isOpen+" AND state = 'waiting_qr' AND paper <> 'slip' AND due_at > ?", t.now, t.now)
		return err
	})
}
