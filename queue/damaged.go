package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// DamagedError says that the database cannot be worked with and that nothing
// was made in its place: a person decides between Restore and NewDatabase.
type DamagedError struct {
	Path     string    // the database
	Reason   string    // in SQLite's words, or one of the Reason constants
	FoundAt  time.Time // when that was first seen
	MovedTo  string    // where the damaged file and what lay beside it are; "" where nothing was moved
	Backup   string    // the newest copy in Options.BackupDir; "" without one
	BackupAt time.Time // when it was made
}

func (e *DamagedError) Error() string {
	text := fmt.Sprintf("the database %s is damaged: %s", e.Path, e.Reason)
	if e.MovedTo != "" {
		text += "; moved to " + e.MovedTo
	}
	if e.Backup != "" {
		text += fmt.Sprintf("; the newest backup is %s of %s", e.Backup, e.BackupAt.Format(time.RFC3339))
	}
	return text
}

// The reasons of a DamagedError that are not SQLite's.
const (
	ReasonMissing = "missing"
	ReasonEmpty   = "empty"
	ReasonRestore = "a restore was broken off"
)

// marker is the file agent.db.damaged. While it is there, no start makes or
// opens a database: an agent that is started again by itself must not begin
// with an empty one in the place of the damaged.
type marker struct {
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	MovedTo string    `json:"moved_to"` // "" where the database has not been moved yet
}

func markerPath(path string) string { return path + ".damaged" }

// readMarker gives nil where there is none. One that cannot be read still
// counts.
func readMarker(path string) *marker {
	text, err := os.ReadFile(markerPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	m := &marker{}
	if err != nil || json.Unmarshal(text, m) != nil {
		*m = marker{Reason: "marked by " + markerPath(path)}
	}
	return m
}

func (m marker) write(path string) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return writeWhole(markerPath(path), text)
}

func removeMarker(path string) error {
	if err := os.Remove(markerPath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(path)
}

// damaged marks the database as damaged and moves it aside; it must be closed.
// The answer is a *DamagedError, joined with what failed on the way.
func (o *Options) damaged(m marker) error {
	// The marker comes first: a power cut between the two must not leave a
	// folder in which a start would make a new database.
	err := m.write(o.Path)
	if err == nil && m.MovedTo == "" {
		if m.MovedTo, err = moveAside(o.Path, "damaged", m.At); err == nil && m.MovedTo != "" {
			err = m.write(o.Path)
		}
	}
	return errors.Join(o.damage(m), err)
}

// damage is the error for a marker.
func (o *Options) damage(m marker) *DamagedError {
	e := &DamagedError{Path: o.Path, Reason: m.Reason, FoundAt: m.At, MovedTo: m.MovedTo}
	if used, err := readEpochs(o.Path); err == nil {
		e.Backup, e.BackupAt = newestCopy(o.BackupDir, used, m.At)
	}
	return e
}

// smallest is the size of the smallest page: SQLite takes a shorter file for an
// empty one and writes over it.
const smallest = 512

// present refuses what must not be opened or made: a database that is marked
// as damaged, and the absence of one that has been here.
func (o *Options) present() error {
	if m := readMarker(o.Path); m != nil {
		if m.MovedTo != "" || m.Reason == ReasonMissing || m.Reason == ReasonRestore {
			return o.damage(*m)
		}
		return o.damaged(*m) // marked while it was in use
	}
	info, err := os.Stat(o.Path)
	switch {
	case err == nil && info.Size() >= smallest:
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot open database: %w", err)
	}
	// A first start has minted no number yet.
	if used, failed := readEpochs(o.Path); failed == nil && len(used) == 0 {
		return nil
	}
	m := marker{At: o.Now(), Reason: ReasonMissing}
	if err == nil {
		m.Reason = ReasonEmpty
	}
	return o.damaged(m)
}

// isDamage reports whether an error is the database file's own fault.
func isDamage(err error) bool {
	var se *sqlite.Error
	var broken *brokenError
	if errors.As(err, &se) {
		code := se.Code() & 0xff
		return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
	}
	return errors.As(err, &broken)
}

// reason is what is damaged, in SQLite's words.
func reason(err error) string {
	var se *sqlite.Error
	if errors.As(err, &se) {
		return se.Error()
	}
	return err.Error()
}

// brokenError is what a check of the database found.
type brokenError struct{ found string }

func (e *brokenError) Error() string { return e.found }
