// Package queue is the durable truth: sales, refunds, the platform operations
// and print jobs that follow from them, the journal, the events and the alerts,
// in one SQLite file. Its public methods are business events; each is one
// transaction, in which a state, its journal entry and the work that follows
// are stored together or not at all.
package queue

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tillagent/trade"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Errors of the store.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("same id, other content")
	ErrNotOurs     = errors.New("no longer ours")                   // a claim that was settled already
	ErrNotWritable = errors.New("the database cannot be written")   // disk full, read-only, input or output error, another program writes to it: nothing was stored
	ErrStopping    = errors.New("the store is closed")              // nothing was stored
	ErrExceeds     = errors.New("more than what is left to refund") // wrapped by ExceedsError
	ErrNoQR        = errors.New("the sale has no QR code")
)

// Options say how a store is kept.
type Options struct {
	Path     string        // the database file; made if missing
	Prefix   string        // the platform's 4-character prefix of numbers
	TillCode string        // 5 characters; "" keeps the stored one or draws one
	QRValid  time.Duration // how long a QR code is valid after the sale
	// Printer says that there is a printer for receipts, trade.ReceiptPrinter;
	// without it no print jobs are made for it.
	Printer bool
	// Printers are the names of further printers, and Tickets of those of them
	// that print a ticket for each sale with a receipt.
	Printers []string
	Tickets  []string
	// QRWait is how long a receipt waits for its QR code. SetQRWait changes it.
	QRWait time.Duration
	// SlipLater prints a slip by itself when the QR code of a receipt that was
	// printed without one comes ([receipt] deferred = "slip").
	SlipLater bool
	// Training says that what is accepted is practice: nothing of it is sent.
	Training bool
	// BuyerKey, of 32 bytes, encrypts what names buyers; nil stores it as it is.
	// A sale's buyer is read back for the platform's operations alone.
	BuyerKey []byte
	// Pause says how long the next operation of a sale waits: attempts is 0 for
	// the first try, then the number of tries that brought no news.
	Pause func(op trade.Op, s trade.Standing, attempts int, now time.Time) time.Duration
	// BackupDir is the folder of daily copies, where a DamagedError looks for
	// the newest; "" for none.
	BackupDir string
	// Committed, where not nil, is told how long each commit took, from its
	// beginning until it was on disk. It must not block.
	Committed func(took time.Duration)
	Log       *slog.Logger // nil discards
	Now       func() time.Time
}

// Store is the open database. It is safe for concurrent use.
type Store struct {
	opts         Options
	log          *slog.Logger
	writer       *writer
	reader       *sql.DB
	buyers       cipher.AEAD // nil without Options.BuyerKey
	qrWait       atomic.Int64
	account      atomic.Pointer[string] // that issues, for alerts
	accountWake  chan struct{}
	accountWorks atomic.Bool
	mint         atomic.Pointer[trade.Mint]

	requests chan request
	stop     chan struct{}
	stopOnce sync.Once
	closed   error // what Close came to
	stopped  chan struct{}

	wakes   map[trade.Lane]chan struct{}
	papers  map[string]chan struct{} // by printer
	orphans atomic.Bool              // print jobs of printers that are not configured may wait
	waiters waiters
	outward outward
	tail    tail
	tally   tally

	lock      io.Closer // on the data folder; nil where somebody else holds it
	unchecked bool      // the start had no time to check the database; Upkeep does
}

// openStore opens the database, without looking at what lies beside it.
func openStore(o Options) (*Store, error) {
	s := &Store{opts: o, log: o.Log, requests: make(chan request), stop: make(chan struct{}), stopped: make(chan struct{}), tally: tally{sales: map[trade.SaleState]int{}},
		wakes: map[trade.Lane]chan struct{}{}, papers: map[string]chan struct{}{}, accountWake: make(chan struct{}, 1)}
	s.qrWait.Store(int64(o.QRWait))
	s.account.Store(new(string))
	for _, l := range trade.Lanes {
		s.wakes[l] = make(chan struct{}, 1)
	}
	for _, name := range o.printers() {
		s.papers[name] = make(chan struct{}, 1)
	}
	var err error
	if s.buyers, err = sealer(o.BuyerKey); err != nil {
		return nil, fmt.Errorf("cannot encrypt buyers' data: %w", err)
	}
	// Made here and not by SQLite, so that nobody else can read buyers' data;
	// the files beside it get the same rights.
	f, err := openOwn(o.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot open database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("cannot open database: %w", err)
	}
	if s.writer, err = openWriter(o.Path); err != nil {
		return nil, fmt.Errorf("cannot open database %s: %w", o.Path, err)
	}
	if s.reader, err = openReader(o.Path); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open database %s: %w", o.Path, err), s.writer.close())
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open database %s: %w", o.Path, err), s.writer.close(), s.reader.Close())
	}
	go s.write()
	return s, nil
}

// openReader opens the pool that reads beside the writer.
func openReader(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "&_pragma=query_only(1)"))
	if err == nil {
		db.SetMaxOpenConns(4)
	}
	return db, err
}

// dsn carries the pragmas, so that every pooled connection gets them.
func dsn(path, more string) string {
	return fileURL(path) + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)" +
		"&_pragma=foreign_keys(1)" + more
}

// prepare checks, migrates, reads what numbers are made of and recovers.
func (s *Store) prepare() error {
	if err := s.examine(); err != nil {
		return err
	}
	if err := s.migrate(); err != nil {
		return err
	}
	dbtx, err := s.writer.begin()
	if err != nil {
		return err
	}
	defer dbtx.Rollback() // after Commit it does nothing
	t := s.begin(dbtx)
	if err := t.number(s); err != nil {
		return err
	}
	if err := t.recover(); err != nil {
		return err
	}
	newest, err := newestEvent(t)
	if err != nil {
		return err
	}
	s.tail.start(newest)
	if err := dbtx.Commit(); err != nil {
		return err
	}
	t.writeLog()
	return nil
}

// migrationNames are the numbered files; a database's version is how many of
// them it has seen.
func migrationNames() ([]string, error) { return fs.Glob(migrations, "migrations/*.sql") }

// migrate runs the numbered files that the database has not seen, each in a
// transaction of its own.
func (s *Store) migrate() error {
	var version int
	if err := s.writer.conn.QueryRowContext(noDeadline, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	names, err := migrationNames()
	if err != nil {
		return err
	}
	if version > len(names) {
		return fmt.Errorf("the database has version %d, this program knows %d: install the newer program", version, len(names))
	}
	for i, name := range names[version:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		tx, err := s.writer.conn.BeginTx(noDeadline, nil)
		if err != nil {
			return err
		}
		if _, err = tx.Exec(string(text)); err == nil {
			_, err = tx.Exec("PRAGMA user_version = " + strconv.Itoa(version+i+1))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("migration %s: %w", name, err), tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the writer after what is being written, closes the database and
// gives the folder's lock back.
func (s *Store) Close() error {
	s.stopOnce.Do(func() {
		close(s.stop)
		<-s.stopped
		s.closed = errors.Join(s.reader.Close(), s.writer.close())
		if s.lock != nil {
			s.closed = errors.Join(s.closed, s.lock.Close())
		}
	})
	return s.closed
}

// Wake signals that a lane may have work that is due earlier than known.
func (s *Store) Wake(l trade.Lane) <-chan struct{} { return s.wakes[l] }

// WakePaper signals the same for the print jobs of a printer.
func (s *Store) WakePaper(printer string) <-chan struct{} { return s.papers[printer] }

// SetQRWait sets how long the receipts of coming sales wait for their QR code.
func (s *Store) SetQRWait(d time.Duration) { s.qrWait.Store(int64(d)) }

// Writable reports whether the database takes a write, by making one.
func (s *Store) Writable(ctx context.Context) error {
	return s.do(ctx, func(t *tx) error {
		_, err := t.Exec("INSERT INTO meta (key, value) VALUES ('checked_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", t.now)
		return err
	})
}

// request is a write that waits for its turn.
type request struct {
	ctx  context.Context
	do   func(*tx) error
	done chan error
}

// maxBatch bounds how many waiting writes share one commit.
const maxBatch = 64

// do runs a write in a transaction and returns when it is on disk. Writes that
// wait at the same moment share one commit; one that fails is undone alone.
func (s *Store) do(ctx context.Context, do func(*tx) error) error {
	r := request{ctx, do, make(chan error, 1)}
	select {
	case s.requests <- r:
		return <-r.done // once taken it is answered, so that nothing is stored unseen
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stop:
		return ErrStopping
	}
}

func (s *Store) write() {
	defer close(s.stopped)
	for {
		select {
		case first := <-s.requests:
			batch := []request{first}
		gather:
			for len(batch) < maxBatch {
				select {
				case r := <-s.requests:
					batch = append(batch, r)
				default:
					break gather
				}
			}
			s.commit(batch)
		case <-s.stop:
			return
		}
	}
}

// commit runs a batch in one transaction, each request in a savepoint.
func (s *Store) commit(batch []request) {
	results := make([]error, len(batch))
	var done []*tx
	began := time.Now()
	err := func() error {
		dbtx, err := s.writer.begin()
		if err != nil {
			return err
		}
		defer dbtx.Rollback() // after Commit it does nothing
		if len(batch) == 1 && batch[0].ctx.Err() == nil {
			// The transaction itself is its savepoint.
			t := s.begin(dbtx)
			if results[0] = t.run(batch[0]); results[0] != nil {
				return nil
			}
			done = append(done, t)
			return s.land(dbtx, done)
		}
		for i, r := range batch {
			if r.ctx.Err() != nil {
				results[i] = r.ctx.Err()
				continue
			}
			if _, err := dbtx.Exec("SAVEPOINT one"); err != nil {
				return err
			}
			t := s.begin(dbtx)
			if results[i] = t.run(r); results[i] != nil {
				dbtx.newest = newest{}
				if _, err := dbtx.Exec("ROLLBACK TO one"); err != nil {
					return err
				}
			} else {
				done = append(done, t)
			}
			if _, err := dbtx.Exec("RELEASE one"); err != nil {
				return err
			}
		}
		return s.land(dbtx, done)
	}()
	if err != nil {
		done = nil
	}
	if s.opts.Committed != nil && len(done) > 0 {
		s.opts.Committed(time.Since(began))
	}
	for _, t := range done {
		t.writeLog()
	}
	for i, r := range batch {
		if err != nil && results[i] == nil {
			results[i] = err
		}
		r.done <- classify(results[i])
	}
	for _, t := range done {
		t.announce()
	}
}

// classify marks what the disk or the database file is to blame for.
func classify(err error) error {
	var se *sqlite.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_BUSY:
			return fmt.Errorf("%w: %v", ErrNotWritable, err)
		}
	}
	return err
}
