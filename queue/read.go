package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"tillagent/trade"
)

// Record is a sale with all that is known of it.
type Record struct {
	Sale       trade.Sale
	Standing   trade.Standing
	Digest     string
	AcceptedAt time.Time
	UpdatedAt  time.Time
	Op         *PlannedOp // nil where the platform is not needed
	Prints     []Print    // in the order of asking
	Training   bool       // it was practice: nothing was sold
	sealed     []byte     // the buyer, encrypted
}

// PlannedOp is the operation that the sale needs next.
type PlannedOp struct {
	trade.Op
	Attempts int
	DueAt    time.Time
	Claimed  bool
}

// Print is one print job.
type Print struct {
	JobID     string
	RefundID  string
	Paper     trade.Paper
	Printer   string // by name
	State     trade.PrintState
	Asked     bool // by a person or the POS, beyond what the sale itself prints
	Copies    int
	WithQR    bool
	Gen       int // of the QR code on it
	Attempts  int
	Reason    string // why it is held, uncertain or failed
	CreatedAt time.Time
	PrintedAt time.Time
	seq       int64
}

// Shown is the state for whoever looks: a job that waits for its printer half-way
// is held to them, though it cannot be cancelled as one of which nothing is on paper.
func (p *Print) Shown() trade.PrintState {
	if p.State == trade.PrintPrinting && p.Reason != "" {
		return trade.PrintHeld
	}
	return p.State
}

// Sale reads a sale by the POS's id; ErrNotFound where there is none.
func (s *Store) Sale(ctx context.Context, saleID string) (*Record, error) {
	return s.recordBy(ctx, saleByID, saleID)
}

// Invoice reads the sale of a direct invoice by the POS's id for the invoice.
func (s *Store) Invoice(ctx context.Context, invoiceID string) (*Record, error) {
	return s.recordBy(ctx, saleByInvoice, invoiceID)
}

// Refund reads the sale of a refund by the refund's id.
func (s *Store) Refund(ctx context.Context, refundID string) (*Record, error) {
	return s.recordBy(ctx, saleByRefund, refundID)
}

// recordBy reads the sale that a query finds by an id.
func (s *Store) recordBy(ctx context.Context, query, id string) (*Record, error) {
	var r *Record
	err := s.read(ctx, func(q querier) error {
		l, err := findBy(q, query, id)
		if err == nil {
			r, err = record(q, l)
		}
		return err
	})
	return r, err
}

// read runs several queries on one snapshot of the database.
func (s *Store) read(ctx context.Context, f func(querier) error) error {
	return readFrom(ctx, s.reader, f)
}

func readFrom(ctx context.Context, db *sql.DB, f func(querier) error) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(f(tx), tx.Rollback())
}

// record completes a loaded sale.
func record(q querier, l *loaded) (*Record, error) {
	r := &Record{Standing: l.Standing, AcceptedAt: l.acceptedAt}
	var body string
	var updated int64
	if err := q.QueryRow("SELECT body, digest, updated_at, training FROM sales WHERE seq = ?", l.seq).Scan(&body, &r.Digest, &updated, &r.Training); err != nil {
		return nil, err
	}
	r.UpdatedAt = at(updated)
	var stored storedSale
	if err := json.Unmarshal([]byte(body), &stored); err != nil {
		return nil, err
	}
	r.Sale, r.sealed = stored.Sale, stored.Sealed
	var op PlannedOp
	var due int64
	var state string
	err := q.QueryRow("SELECT kind, gen, serial, lane, state, attempts, due_at FROM ops WHERE sale = ?", l.seq).
		Scan(&op.Kind, &op.Gen, &op.Serial, &op.Lane, &state, &op.Attempts, &due)
	switch {
	case err == nil:
		// What was hastened is due before it was: for people, from then on.
		op.DueAt, op.Claimed = at(max(due, updated)), state == "claimed"
		r.Op = &op
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	r.Prints, err = printsOf(q, l.seq)
	return r, err
}

// printsOf are the print jobs of a sale, in the order of asking.
func printsOf(q querier, seq int64) (prints []Print, err error) {
	err = each(q, "SELECT "+printColumns+" FROM prints WHERE sale = ? ORDER BY seq", seq, func(scan func(...any) error) error {
		p, err := scanPrint(scan)
		prints = append(prints, p)
		return err
	})
	return prints, err
}

const printColumns = "seq, job_id, refund_id, paper, printer, state, asked, copies, with_qr, gen, attempts, reason, created_at, printed_at"

func scanPrint(scan func(...any) error) (p Print, err error) {
	var created, printed int64
	err = scan(&p.seq, &p.JobID, &p.RefundID, &p.Paper, &p.Printer, &p.State, &p.Asked, &p.Copies, &p.WithQR, &p.Gen, &p.Attempts, &p.Reason, &created, &printed)
	p.CreatedAt, p.PrintedAt = at(created), at(printed)
	return p, err
}

func printJob(q querier, jobID string) (*Print, error) {
	p, err := scanPrint(q.QueryRow("SELECT "+printColumns+" FROM prints WHERE job_id = ?", jobID).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	return &p, err
}

// Counts are the figures of the status.
type Counts struct {
	Sales       map[trade.SaleState]int
	Oldest      time.Time // of the sales that wait for their QR code; zero without
	Waiting     int       // print jobs not on paper yet
	TillCode    string
	DatabaseLen int64 // bytes
}

// Counts reads the figures of the status.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	c := Counts{TillCode: s.mint.Load().Till}
	var err error
	if c.Sales, err = s.sales(ctx); err != nil {
		return c, err
	}
	err = s.read(ctx, func(q querier) error {
		var oldest sql.NullInt64
		var pages, size int64
		err := errors.Join(
			q.QueryRow("SELECT min(accepted_at) FROM sales WHERE view = 'queued'").Scan(&oldest),
			q.QueryRow("SELECT count(*) FROM prints WHERE state IN ('waiting_qr','queued','printing','held')").Scan(&c.Waiting),
			q.QueryRow("PRAGMA page_count").Scan(&pages),
			q.QueryRow("PRAGMA page_size").Scan(&size))
		c.Oldest, c.DatabaseLen = at(oldest.Int64), pages*size
		return err
	})
	return c, err
}
