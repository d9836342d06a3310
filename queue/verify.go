package queue

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
)

// Report is what Verify found of a database.
type Report struct {
	Path     string    `json:"path"`
	Version  int       `json:"version"` // of its tables
	Sales    int64     `json:"sales"`
	Journal  int64     `json:"journal"`  // entries that were read
	Head     string    `json:"head"`     // hash of the last entry that holds; it stands for all before it
	Problems []Problem `json:"problems"` // empty for a whole database
}

// Whole reports whether nothing is wrong.
func (r *Report) Whole() bool { return len(r.Problems) == 0 }

// Problem is one thing that is wrong with a database.
type Problem struct {
	Check string `json:"check"`         // one of the Check constants
	Seq   int64  `json:"seq,omitempty"` // of the journal entry, for CheckJournal
	What  string `json:"what"`          // in SQLite's words, or the id of the sale or refund
}

// The checks of Verify.
const (
	CheckOpen      = "open"             // it is no database of the agent
	CheckIntegrity = "integrity"        // SQLite's pages and indexes
	CheckKeys      = "foreign_keys"     // rows whose sale is missing
	CheckJournal   = "journal"          // the hash chain: the first entry that does not fit
	CheckAccepted  = "sale_journal"     // a sale that was not journalled, or with another digest
	CheckRefunded  = "refund_journal"   // the same for a refund
	CheckMissing   = "missing_sale"     // a sale that the journal knows and the table does not
	CheckRefunds   = "refunds_sum"      // refunds that exceed their sale
	CheckNumbers   = "duplicate_number" // one number in two places
)

// mostProblems bounds what one check reports.
const mostProblems = 20

// Verify looks through a whole database, in use or not, without changing it:
// SQLite's own checks, the journal's hash chain, and whether sales, refunds and
// journal agree. What is wrong is in the report; the error says that it could
// not look.
func Verify(ctx context.Context, path string) (*Report, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if !exists(path) {
		return nil, fmt.Errorf("cannot verify %s: there is no such file", path)
	}
	db, err := sql.Open("sqlite", readOnly(path))
	if err != nil {
		return nil, fmt.Errorf("cannot verify %s: %w", path, err)
	}
	defer db.Close()
	r := &Report{Path: path, Problems: []Problem{}}
	// One transaction: what a running agent writes meanwhile is not seen by half.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		err = r.look(ctx, tx)
		_ = tx.Rollback() // it has read only
	}
	if isDamage(err) {
		r.add(CheckOpen, 0, reason(err))
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot verify %s: %w", path, err)
	}
	return r, nil
}

func (r *Report) add(check string, seq int64, what string) {
	r.Problems = append(r.Problems, Problem{check, seq, what})
}

// sameIn finds what is wrong between tables. Each query gives the ids.
var sameIn = []struct{ check, query string }{
	{CheckAccepted, `SELECT sale_id FROM (SELECT sale_id, digest FROM sales EXCEPT SELECT sale, digest FROM journal WHERE kind = 'SaleAccepted')`},
	{CheckRefunded, `SELECT refund_id FROM (SELECT refund_id, digest FROM refunds EXCEPT SELECT ref, digest FROM journal WHERE kind = 'RefundAccepted')`},
	{CheckMissing, `SELECT sale FROM journal WHERE kind IN ('SaleAccepted','` + kindDeleted + `') GROUP BY sale
		HAVING max(seq * (kind = 'SaleAccepted')) > max(seq * (kind <> 'SaleAccepted')) AND sale NOT IN (SELECT sale_id FROM sales)`},
	{CheckRefunds, `SELECT sale_id FROM sales WHERE total < (SELECT sum(amount) FROM refunds WHERE refunds.sale = sales.seq)`},
	{CheckNumbers, `SELECT red_serial FROM refunds WHERE red_serial IN (SELECT no FROM qrs)`},
}

func (r *Report) look(ctx context.Context, tx *sql.Tx) error {
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&r.Version); err != nil {
		return err
	}
	known, err := migrationNames()
	if err != nil {
		return err
	}
	if r.Version < 1 || r.Version > len(known) {
		r.add(CheckOpen, 0, fmt.Sprintf("version %d, this program knows 1 to %d", r.Version, len(known)))
		return nil
	}
	if err := r.list(ctx, tx, CheckIntegrity, fmt.Sprintf("PRAGMA integrity_check(%d)", mostProblems)); err != nil {
		return err
	}
	if !r.Whole() {
		return nil // what follows reads the same pages
	}
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sales").Scan(&r.Sales); err != nil {
		return err
	}
	last, broken, err := walkJournal(ctx, tx)
	if err != nil {
		return err
	}
	r.Journal, r.Head = last.seq, last.hash
	if broken != nil {
		r.add(CheckJournal, broken.seq, broken.why)
	}
	if err := r.list(ctx, tx, CheckKeys, `SELECT "table" || ' row ' || coalesce(rowid, '') FROM pragma_foreign_key_check`); err != nil {
		return err
	}
	for _, s := range sameIn {
		if err := r.list(ctx, tx, s.check, s.query); err != nil {
			return err
		}
	}
	return nil
}

// list adds a problem for each row of a query, of which "ok" is none.
func (r *Report) list(ctx context.Context, tx *sql.Tx, check, query string) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for n := 0; n < mostProblems && rows.Next(); n++ {
		var what string
		if err := rows.Scan(&what); err != nil {
			return err
		}
		if what != "ok" {
			r.add(check, 0, what)
		}
	}
	return rows.Err()
}

// link is an entry of the journal in its chain.
type link struct {
	seq  int64
	hash string
}

// brokenLink is an entry that does not fit the one before it.
type brokenLink struct {
	seq int64
	why string
}

// walkJournal follows the hash chain to its end or to the first entry that
// does not fit, and gives the last that does.
func walkJournal(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}) (last link, broken *brokenLink, err error) {
	rows, err := db.QueryContext(ctx, "SELECT seq, at, kind, sale, ref, state, digest, hash FROM journal ORDER BY seq")
	if err != nil {
		return last, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var seq, at int64
		var hash string
		if err := rows.Scan(&seq, &at, &e.kind, &e.sale, &e.ref, &e.state, &e.digest, &hash); err != nil {
			return last, nil, err
		}
		switch {
		case seq != last.seq+1:
			return last, &brokenLink{last.seq + 1, fmt.Sprintf("the entry is missing, the next one is %d", seq)}, nil
		case e.hash(last.hash, seq, at) != hash:
			return last, &brokenLink{seq, "the entry does not match its hash: it or the one before was changed"}, nil
		}
		last = link{seq, hash}
	}
	return last, nil, rows.Err()
}
