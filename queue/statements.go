package queue

import (
	"database/sql"
	"errors"
)

// maxStatements bounds how many texts are kept compiled; the package has fewer.
const maxStatements = 256

// writer is the one connection that writes. It keeps what it runs compiled from
// one transaction to the next: compiling the statements of a sale costs more
// than running them. It belongs to the goroutine that writes.
type writer struct {
	db       *sql.DB
	conn     *sql.Conn // the only one of db
	compiled map[string]*sql.Stmt
	newest   newest
}

// newest is what the last write left in the tables that the next sale goes on
// from, so that it need not be read again: nobody else writes to the database.
// Whatever is undone makes it unknown, the zero value.
type newest struct {
	entry   int64 // number of the newest journal entry; 0: not known
	hash    string
	counted bool  // the counter is known
	counter int64 // of the newest number
}

// openWriter opens the connection that writes. Transactions lock at once, so
// that none fails half-way.
func openWriter(path string) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(path, "&_txlock=immediate&_pragma=secure_delete(1)&_pragma=temp_store(MEMORY)"))
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(noDeadline)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &writer{db: db, conn: conn, compiled: map[string]*sql.Stmt{}}, nil
}

// close ends the connection. SQLite empties its log of writes into the database
// once no statement is left.
func (w *writer) close() error {
	var err error
	for _, c := range w.compiled {
		err = errors.Join(err, c.Close())
	}
	return errors.Join(err, w.conn.Close(), w.db.Close())
}

// statement is the compiled form of a text; nil for one that does not compile,
// which tells so when it is run, or where there is no room.
func (w *writer) statement(text string) *sql.Stmt {
	c := w.compiled[text]
	if c == nil && len(w.compiled) < maxStatements {
		var err error
		if c, err = w.conn.PrepareContext(noDeadline, text); err != nil {
			return nil
		}
		w.compiled[text] = c
	}
	return c
}

// batch is a transaction of one or several business events. A query must not
// be run again while its rows are being read.
type batch struct {
	*writer
	writes int  // how often Exec ran
	over   bool // it was committed or rolled back
}

// begin starts a transaction.
func (w *writer) begin() (*batch, error) {
	b := &batch{writer: w}
	if _, err := b.Exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	return b, nil
}

// Commit ends the transaction; where it fails, Rollback still must.
func (b *batch) Commit() error {
	_, err := b.Exec("COMMIT")
	b.over = err == nil
	return err
}

// Rollback undoes the transaction; after Commit it does nothing.
func (b *batch) Rollback() error {
	if b.over {
		return nil
	}
	b.over, b.newest = true, newest{}
	_, err := b.Exec("ROLLBACK")
	return err
}

func (b *batch) Exec(text string, args ...any) (sql.Result, error) {
	b.writes++
	if c := b.statement(text); c != nil {
		return c.Exec(args...)
	}
	return b.conn.ExecContext(noDeadline, text, args...)
}

func (b *batch) Query(text string, args ...any) (*sql.Rows, error) {
	if c := b.statement(text); c != nil {
		return c.Query(args...)
	}
	return b.conn.QueryContext(noDeadline, text, args...)
}

func (b *batch) QueryRow(text string, args ...any) *sql.Row {
	if c := b.statement(text); c != nil {
		return c.QueryRow(args...)
	}
	return b.conn.QueryRowContext(noDeadline, text, args...)
}
