package queue

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"

	"tillagent/trade"
)

// AcceptPrint stores what a POS wants printed for no sale, checked before. The
// same job id with the same content gives the stored job; the errors are
// ErrNoPrinter and, also where a sale's print job has the id, a ConflictError.
func (s *Store) AcceptPrint(ctx context.Context, jobID string, content trade.Content, printer string, copies int) (*Print, error) {
	posted := []any{content.Form, content.Data, copies}
	if printer != trade.ReceiptPrinter { // as it was before there were others
		posted = append(posted, printer)
	}
	digest := digestOf(posted)
	var p *Print
	err := s.do(ctx, func(t *tx) error {
		var stored, paper, printed string
		var sale sql.NullInt64
		var times int
		err := t.QueryRow("SELECT digest, sale, paper, printer, copies FROM prints WHERE job_id = ?", jobID).Scan(&stored, &sale, &paper, &printed, &times)
		if stored == "" { // a sale's
			stored = jobDigest(sale.Int64, trade.Paper(paper), printed, times)
		}
		switch {
		case errors.Is(err, sql.ErrNoRows) && !s.hasPrinter(printer):
			err = ErrNoPrinter
		case errors.Is(err, sql.ErrNoRows):
			err = t.addPOSPrint(jobID, content, printer, copies, digest)
		case err == nil && stored != digest:
			err = &ConflictError{stored, digest}
		}
		if err == nil {
			p, err = printJob(t, jobID)
		}
		return err
	})
	return p, err
}

func (t *tx) addPOSPrint(jobID string, content trade.Content, printer string, copies int, digest string) error {
	_, err := t.Exec("INSERT INTO prints (job_id, paper, printer, state, asked, copies, due_at, created_at, form, content, digest) VALUES (?,?,?,?,1,?,?,?,?,?,?)",
		jobID, trade.PaperPOS, printer, trade.PrintQueued, copies, t.now, t.now, content.Form, blob(content.Data), digest)
	if err != nil {
		return err
	}
	t.paper = true
	if err := t.record(entry{kind: "PrintAccepted", ref: jobID, state: string(trade.PrintQueued), digest: digest}); err != nil {
		return err
	}
	t.log(slog.LevelInfo, "print accepted", "job", jobID)
	return t.tell("print.queued", "", "", string(trade.PrintQueued), jobID)
}

// blob stores no bytes as NULL.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// contentOf is what the POS laid out for a sale's receipt; empty where the
// agent does, and once its time is over.
func contentOf(q querier, sale int64) (c trade.Content, err error) {
	err = q.QueryRow("SELECT form, content FROM prints WHERE sale = ? AND content IS NOT NULL ORDER BY seq LIMIT 1", sale).Scan(&c.Form, &c.Data)
	if errors.Is(err, sql.ErrNoRows) {
		return trade.Content{}, nil
	}
	return c, err
}

// Content is what the POS laid out for a sale's receipt; empty where it left
// that to the agent. ErrNotFound names an unknown sale.
func (s *Store) Content(ctx context.Context, saleID string) (c trade.Content, err error) {
	err = s.read(ctx, func(q querier) error {
		l, err := find(q, saleID)
		if err == nil {
			c, err = contentOf(q, l.seq)
		}
		return err
	})
	return c, err
}

// The steps of opening the drawer, as the journal has them.
const (
	DrawerAsked  = "asked"  // stored before the pulse leaves
	DrawerOpened = "opened" // the printer confirmed it, or took it where it cannot
	DrawerNot    = "not_opened"
	DrawerUnsure = "uncertain"
)

// NoteDrawer writes to the journal that somebody asks for the drawer at a
// printer to be opened, and what came of it.
func (s *Store) NoteDrawer(ctx context.Context, printer, step string) error {
	return s.do(ctx, func(t *tx) error { return t.record(entry{kind: "Drawer", ref: printer, state: step}) })
}

// isOver holds for print jobs that will not be printed any more, in SQL.
const isOver = "state NOT IN ('waiting_qr','queued','printing','held')"

// What of print jobs may go. ?1 is the latest time of what is too old. A sale's
// own jobs go with the sale; a reprint of a receipt whose content is gone is
// laid out by the agent.
const (
	mayForgetContent = "content IS NOT NULL AND created_at < ?1 AND " + isOver
	mayDeletePrint   = "sale IS NULL AND created_at < ?1 AND " + isOver
)

func (t *tx) forgetContent(seq int64) error {
	_, err := t.Exec("UPDATE prints SET content = NULL WHERE seq = ?", seq)
	return err
}

func (t *tx) deletePrint(seq int64) error {
	if err := t.clearJob(seq); err != nil {
		return err
	}
	_, err := t.Exec("DELETE FROM prints WHERE seq = ?", seq)
	return err
}

// mayRefund refuses, in training, the refund of a sale that is none.
func (t *tx) mayRefund(l *loaded) error {
	if !t.s.opts.Training {
		return nil
	}
	var training bool
	err := t.QueryRow("SELECT training FROM sales WHERE seq = ?", l.seq).Scan(&training)
	if err == nil && !training {
		err = &StateError{trade.Say(trade.DetailTraining)}
	}
	return err
}

// metaPrinter is followed by a port.
const metaPrinter = "printer:"

// PrinterNote is what was saved about the printer at a port; "" for nothing.
func (s *Store) PrinterNote(ctx context.Context, port string) (note string, err error) {
	err = s.reader.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", metaPrinter+port).Scan(&note)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return note, err
}

// SavePrinterNote saves it.
func (s *Store) SavePrinterNote(ctx context.Context, port, note string) error {
	return s.do(ctx, func(t *tx) error { return t.setMeta(metaPrinter+port, note) })
}
