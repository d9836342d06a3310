package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"tillagent/trade"
)

// Open opens the database, brings its tables up to date and marks what a
// crash broke off: operations whose answer is unknown, prints that may be
// incomplete. It holds the folder's lock until Close; ErrInUse says that
// somebody else has it. A database that is damaged is moved aside, and one that
// has been here and is gone is not made anew: both are a *DamagedError, at
// every start until Restore or NewDatabase.
func Open(o Options) (*Store, error) {
	o.defaults()
	l, err := lockDatabase(o.Path)
	if err != nil {
		return nil, err
	}
	s, err := o.openLocked()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.lock = l
	return s, nil
}

// NewDatabase makes an empty database where a damaged one was moved away or
// one is missing, and ends what makes Open refuse. A whole database stays as it
// is. Its numbers start in an epoch of their own.
func NewDatabase(o Options) error {
	o.defaults()
	l, err := lockDatabase(o.Path)
	if err != nil {
		return err
	}
	defer l.Close() // a lock that was never written
	if readMarker(o.Path) != nil {
		if _, err := moveAside(o.Path, "damaged", o.Now()); err != nil {
			return err
		}
		// The marker stays until the new database is there.
	}
	s, err := o.openMarked()
	if err != nil {
		return err
	}
	return errors.Join(s.Close(), removeMarker(o.Path))
}

func (o *Options) defaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Pause == nil {
		o.Pause = func(trade.Op, trade.Standing, int, time.Time) time.Duration { return 0 }
	}
}

// openLocked opens what may be opened.
func (o Options) openLocked() (*Store, error) {
	if err := o.present(); err != nil {
		return nil, err
	}
	return o.openMarked()
}

// openMarked opens without looking at the marker.
func (o Options) openMarked() (*Store, error) {
	s, err := openStore(o)
	if isDamage(err) {
		o.Log.Error("the database is damaged", "path", o.Path, "err", err)
		return nil, o.damaged(marker{At: o.Now(), Reason: reason(err)})
	}
	if err != nil {
		return nil, err
	}
	if err := s.noteEpoch(); err != nil {
		// The till can sell without it: the database itself knows its epoch.
		s.log.Error("the epoch is not noted", "err", err)
	}
	return s, nil
}

// checkWithin is how long a start may spend on checking the database. A check
// of 200 MB takes some 0.2 s on a small PC when the file is in memory, more
// from a disk; one that takes longer is left to Upkeep, so that the till opens.
const checkWithin = 300 * time.Millisecond

// examine checks the database's pages before anything is written to it.
func (s *Store) examine() error {
	ctx, cancel := context.WithTimeout(context.Background(), checkWithin)
	defer cancel()
	err := check(ctx, s.reader, "quick_check")
	if ctx.Err() != nil && !isDamage(err) {
		s.unchecked = true
		return nil
	}
	return err
}

// check runs one of SQLite's own checks; a *brokenError has what it found
// first.
func check(ctx context.Context, db rower, pragma string) error {
	var found string
	if err := db.QueryRowContext(ctx, fmt.Sprintf("PRAGMA %s(1)", pragma)).Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return &brokenError{found}
	}
	return nil
}

// checkLater makes the check that the start had no time for. Damage is marked,
// so that the next start moves the database aside.
func (s *Store) checkLater(ctx context.Context) error {
	if !s.unchecked {
		return nil
	}
	err := check(ctx, s.reader, "quick_check")
	if isDamage(err) {
		m := marker{At: s.opts.Now(), Reason: reason(err)}
		return errors.Join(s.opts.damage(m), m.write(s.opts.Path))
	}
	if err == nil {
		s.unchecked = false
	}
	return err
}
