package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Condition is what can be told of a database from beside it.
type Condition struct {
	Missing bool          // there is none, as before a first start
	InUse   bool          // an agent has it open
	Damaged *DamagedError // what Open would fail with; nil where it is not marked
	Version int           // of its tables; 0 where it cannot be read
	Latest  int           // the version that this program brings it to
	// Waiting counts the print jobs that are not on paper yet, by printer; nil
	// where Version is before there was more than one, or it cannot be read.
	Waiting map[string]int
}

// Inspect looks at a database without opening it as Open does: nothing is
// changed, made or moved. Verify looks inside.
func Inspect(ctx context.Context, o Options) (Condition, error) {
	names, err := migrationNames()
	if err != nil {
		return Condition{}, err
	}
	c := Condition{Latest: len(names), Missing: !exists(o.Path)}
	if m := readMarker(o.Path); m != nil {
		c.Damaged = o.damage(*m)
	} else if used, err := readEpochs(o.Path); err == nil && c.Missing && len(used) > 0 {
		c.Damaged = o.damage(marker{At: time.Now(), Reason: ReasonMissing})
	}
	if c.InUse, err = inUse(o.Path); err != nil || c.Missing {
		return c, err
	}
	db, err := sql.Open("sqlite", readOnly(o.Path))
	if err != nil {
		return c, err
	}
	defer db.Close()
	if err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&c.Version); err == nil && c.Version >= printersVersion {
		err = readFrom(ctx, db, func(q querier) (err error) {
			c.Waiting, err = printsWaiting(q)
			return err
		})
	}
	if isDamage(err) {
		err = nil // Verify says what is wrong
	}
	return c, err
}

// printersVersion is the first version of the tables that knows several printers.
const printersVersion = 8

// inUse reports whether an agent holds the lock on a database's folder.
func inUse(path string) (bool, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	f, err := os.OpenFile(lockPath(path), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot look at the lock of the data folder: %w", err)
	}
	locked, err := tryLock(f)
	// Closing gives the lock back.
	return err == nil && !locked, errors.Join(err, f.Close())
}
