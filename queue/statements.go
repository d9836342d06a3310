package queue

import "database/sql"

// maxStatements bounds how many texts are kept compiled; the package has fewer.
const maxStatements = 256

// statements keeps what the writer runs compiled from one transaction to the
// next: compiling the statements of a sale costs more than running them. It
// belongs to the goroutine that writes.
type statements struct {
	db       *sql.DB
	compiled map[string]*sql.Stmt
	wanted   map[string]bool // texts that were run and are not compiled yet
}

func newStatements(db *sql.DB) *statements {
	return &statements{db, map[string]*sql.Stmt{}, map[string]bool{}}
}

// begin starts a transaction that runs compiled statements where there are.
func (s *statements) begin() (*batch, error) {
	dbtx, err := s.db.Begin()
	if err != nil {
		return nil, err
	}
	return &batch{Tx: dbtx, statements: s, lent: map[string]*sql.Stmt{}}, nil
}

// compile makes what was wanted. It must run between transactions, because the
// pool's one connection is theirs. A text that does not compile has told so
// when it was run, and is left out.
func (s *statements) compile() {
	for text := range s.wanted {
		if len(s.compiled) < maxStatements {
			if c, err := s.db.Prepare(text); err == nil {
				s.compiled[text] = c
			}
		}
	}
	clear(s.wanted)
}

// batch is a transaction of one or several business events. A query must not
// be run again while its rows are being read.
type batch struct {
	*sql.Tx
	statements *statements
	lent       map[string]*sql.Stmt // to this transaction
	writes     int                  // how often Exec ran
}

// statement is the compiled form of a text; nil where there is none yet.
func (b *batch) statement(text string) *sql.Stmt {
	c := b.lent[text]
	if c != nil {
		return c
	}
	kept := b.statements.compiled[text]
	if kept == nil {
		b.statements.wanted[text] = true
		return nil
	}
	c = b.Stmt(kept)
	b.lent[text] = c
	return c
}

func (b *batch) Exec(text string, args ...any) (sql.Result, error) {
	b.writes++
	if c := b.statement(text); c != nil {
		return c.Exec(args...)
	}
	return b.Tx.Exec(text, args...)
}

func (b *batch) Query(text string, args ...any) (*sql.Rows, error) {
	if c := b.statement(text); c != nil {
		return c.Query(args...)
	}
	return b.Tx.Query(text, args...)
}

func (b *batch) QueryRow(text string, args ...any) *sql.Row {
	if c := b.statement(text); c != nil {
		return c.QueryRow(args...)
	}
	return b.Tx.QueryRow(text, args...)
}
