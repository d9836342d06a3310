package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tillagent/trade"
)

// Restored says what Restore did.
type Restored struct {
	Sales   int64     // in the restored database
	Newest  time.Time // when the last of them was accepted; later ones are lost
	Till    string    // the till code and the new epoch of its numbers
	Epoch   int
	Asked   int    // sales that the platform is asked about before anything is sent
	Prints  int    // print jobs that waited and are uncertain now
	MovedTo string // where the database that was here is; "" where there was none
}

// UnfitError says that a file cannot be restored.
type UnfitError struct {
	Path string
	Why  []Problem
}

func (e *UnfitError) Error() string {
	p := e.Why[0]
	if p.Seq > 0 {
		return fmt.Sprintf("cannot restore %s: %s: entry %d: %s", e.Path, p.Check, p.Seq, p.What)
	}
	return fmt.Sprintf("cannot restore %s: %s: %s", e.Path, p.Check, p.What)
}

// Restore puts a copy that Backup made in the place of the database, which is
// moved aside. No agent may run on it (ErrInUse).
//
// The time between the copy and now is lost, but what was done in it was done:
// numbers were minted, invoices asked for, receipts printed. So the restored
// database mints in an epoch that no database here has used; whatever its sales
// were about to send is asked about first; and what waited for the printer is
// not printed by itself. The errors are an *UnfitError for a copy that is
// broken or of a newer program, and an *EpochsUsedUpError.
func Restore(ctx context.Context, o Options, from string) (_ *Restored, err error) {
	o.defaults()
	if from, err = filepath.Abs(from); err != nil {
		return nil, err
	}
	if same(from, o.Path) {
		return nil, fmt.Errorf("cannot restore %s: it is the database itself", from)
	}
	l, err := lockDatabase(o.Path)
	if err != nil {
		return nil, err
	}
	defer l.Close() // a lock that was never written
	part := o.Path + ".restoring"
	if err := removeDatabase(part); err != nil {
		return nil, err
	}
	defer removeDatabase(part) // in its place by then, or not wanted
	report, err := fetch(ctx, from, part)
	if err != nil {
		return nil, err
	}
	used, err := readEpochs(o.Path)
	if err != nil {
		return nil, err
	}
	for _, path := range []string{o.Path, part} {
		// One that cannot be read was noted in the file when it was opened.
		if till, epoch, err := readEpoch(ctx, path); err == nil {
			used.used(till, epoch)
		}
	}
	r, err := o.prepareCopy(part, used)
	if err != nil {
		return nil, err
	}
	if exists(part + "-wal") { // Close empties it; what is in it would be lost with the rename
		return nil, fmt.Errorf("cannot restore %s: the copy could not be closed", from)
	}
	r.Sales = report.Sales
	used.used(r.Till, r.Epoch)
	if err := used.write(o.Path); err != nil { // before a number of it can be minted
		return nil, err
	}
	r.MovedTo, err = o.replace(part)
	return r, err
}

// fetch copies a backup and looks whether it is whole.
func fetch(ctx context.Context, from, part string) (*Report, error) {
	err := writeCopy(ctx, from, part, likeFolder)
	if isDamage(err) {
		return nil, &UnfitError{from, []Problem{{Check: CheckIntegrity, What: reason(err)}}}
	}
	if err != nil {
		return nil, err
	}
	report, err := Verify(ctx, part)
	if err == nil && !report.Whole() {
		err = &UnfitError{from, report.Problems}
	}
	return report, err
}

// readEpoch reads the till code and the epoch that a database mints with.
func readEpoch(ctx context.Context, path string) (till string, epoch int, err error) {
	if !exists(path) {
		return "", 0, os.ErrNotExist
	}
	db, err := sql.Open("sqlite", readOnly(path))
	if err != nil {
		return "", 0, err
	}
	defer db.Close()
	read := "SELECT value FROM meta WHERE key = ?"
	err = errors.Join(db.QueryRowContext(ctx, read, metaTill).Scan(&till), db.QueryRowContext(ctx, read, metaEpoch).Scan(&epoch))
	return till, epoch, err
}

// prepareCopy makes a copy of the past fit to go on from now.
func (o Options) prepareCopy(part string, used epochs) (r *Restored, err error) {
	o.Path = part
	s, err := openStore(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r = &Restored{Till: s.mint.Load().Till}
	if r.Epoch, err = used.next(r.Till); err != nil {
		return nil, err
	}
	err = s.do(noDeadline, func(t *tx) error {
		var newest int64
		if err := t.QueryRow("SELECT coalesce(max(accepted_at), 0) FROM sales").Scan(&newest); err != nil {
			return err
		}
		r.Newest = at(newest)
		if err := t.startEpoch(r.Epoch); err != nil {
			return err
		}
		if err := t.record(entry{kind: "Restored", ref: r.Till, state: strconv.Itoa(r.Epoch)}); err != nil {
			return err
		}
		var err error
		if r.Asked, err = t.doubt(); err != nil {
			return err
		}
		r.Prints, err = t.doubtPrints()
		return err
	})
	return r, err
}

// doubt puts every sale that was about to send something into the state in
// which it was sent and its answer lost, and counts them: the platform is asked
// before anything is sent.
func (t *tx) doubt() (n int, err error) {
	var seqs []int64
	err = each(t, `SELECT sale FROM ops WHERE kind NOT IN ('qr_query','invoice_query')
		UNION SELECT sale FROM qrs WHERE state = ?1 UNION SELECT sale FROM invoices WHERE state = ?1`,
		"ready", func(scan func(...any) error) error {
			var seq int64
			err := scan(&seq)
			seqs = append(seqs, seq)
			return err
		})
	if err != nil {
		return 0, err
	}
	for _, seq := range seqs {
		l, err := load(t, seq)
		if err != nil {
			return 0, err
		}
		sending := unsentOps(l.Standing, at(t.now))
		for _, op := range sending {
			if err := t.apply(l, trade.Sending{Op: op, At: at(t.now)}, false); err != nil {
				return 0, err
			}
			if err := t.apply(l, trade.Lost{Op: op}, true); err != nil {
				return 0, err
			}
		}
		if len(sending) > 0 {
			n++
		}
	}
	return n, nil
}

// unsentOps are the changing operations that a sale needs: the next one, and
// those of further red invoices, whose turn comes after it.
func unsentOps(s trade.Standing, now time.Time) []trade.Op {
	var ops []trade.Op
	next, need := trade.Next(s, now)
	if need && next.Changing() {
		ops = append(ops, next)
	}
	for _, i := range s.Invoices {
		if i.Kind == trade.Red && i.State == trade.InvReady && i.Serial != next.Serial {
			kind := trade.OpRedFlush
			if i.Partial {
				kind = trade.OpRedPart
			}
			ops = append(ops, trade.Op{Kind: kind, Gen: i.Gen, Serial: i.Serial, Lane: trade.LaneUndo})
		}
	}
	return ops
}

// doubtPrints marks what waited for the printer as perhaps printed, and counts
// it.
func (t *tx) doubtPrints() (n int, err error) {
	jobs, err := papers(t, "p.state IN ('waiting_qr','queued','held')")
	if err != nil {
		return 0, err
	}
	for _, j := range jobs {
		if err := t.movePrint(j.sale, j.seq, j.id, trade.PaperStart, ""); err != nil {
			return 0, err
		}
	}
	return len(jobs), t.recoverPrints()
}

// replace moves the database aside and the prepared copy into its place.
func (o *Options) replace(part string) (movedTo string, err error) {
	// Between the two renames there is no database; the marker keeps a start
	// from making one.
	m := marker{At: o.Now(), Reason: ReasonRestore}
	if err := m.write(o.Path); err != nil {
		return "", err
	}
	if movedTo, err = moveAside(o.Path, "before-restore", m.At); err != nil {
		return "", err
	}
	if err := os.Rename(part, o.Path); err != nil {
		return movedTo, fmt.Errorf("cannot restore: %w", err)
	}
	return movedTo, removeMarker(o.Path)
}

// removeDatabase deletes a database and what lies beside it.
func removeDatabase(path string) error {
	var err error
	for _, side := range sideFiles {
		if failed := os.Remove(path + side); !errors.Is(failed, os.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
