package queue

import (
	"database/sql"
	"errors"
	"time"
)

// The queries of nextPrint. They run along the index of what is open: a table of
// a million jobs is not read for them.
const (
	openJobs  = "SELECT seq, due_at FROM prints INDEXED BY prints_open WHERE " + isOpen + " AND printer = ?"
	nextHeld  = openJobs + " AND state = 'held' ORDER BY seq LIMIT 1"
	nextDue   = openJobs + " AND state IN ('waiting_qr','queued') AND due_at <= ? ORDER BY seq LIMIT 1"
	nextLater = openJobs + " AND state IN ('waiting_qr','queued') ORDER BY due_at LIMIT 1"
)

// nextPrint finds the job that a printer prints next: a held one, as it was
// first in line, else of those that are due the one that was asked for first.
// Without one that is due, seq is 0 and next when the earliest is, zero for never.
func nextPrint(q querier, printer string, now int64) (seq int64, next time.Time, err error) {
	var due int64
	err = q.QueryRow(nextHeld, printer).Scan(&seq, &due)
	if errors.Is(err, sql.ErrNoRows) {
		err = q.QueryRow(nextDue, printer, now).Scan(&seq, &due)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = q.QueryRow(nextLater, printer).Scan(&seq, &due)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, time.Time{}, nil
	case err != nil:
		return 0, time.Time{}, err
	case due <= now:
		return seq, time.Time{}, nil
	case due == ms(never):
		return 0, time.Time{}, nil
	}
	return 0, at(due), nil
}

// HoldsPrint is whether a job for a printer is held. It is the first in line then.
func (s *Store) HoldsPrint(printer string) (bool, error) {
	var seq, due int64
	err := s.reader.QueryRow(nextHeld, printer).Scan(&seq, &due)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
