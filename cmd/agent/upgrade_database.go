package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tillagent/queue"
)

// databaseHead is how far a database has come.
type databaseHead struct {
	Schema  int    `json:"schema"`  // version of its tables
	Sale    int64  `json:"sale"`    // the newest, by the order of acceptance; 0 = none
	Journal int64  `json:"journal"` // the newest entry
	Hash    string `json:"hash"`    // of that entry: it stands for everything before it
}

// readHead reads how far a database has come, whichever version its tables
// have: an older or newer program may have made them.
func readHead(ctx context.Context, path string) (*databaseHead, error) {
	h := &databaseHead{}
	err := withDatabase(path, "mode=ro", func(db *sql.DB) error {
		err := errors.Join(
			db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&h.Schema),
			db.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sales").Scan(&h.Sale))
		if err != nil {
			return err
		}
		err = db.QueryRowContext(ctx, "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").Scan(&h.Journal, &h.Hash)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// underWay tells what a running service is doing now that somebody waits for;
// "" for nothing.
func underWay(ctx context.Context, path string) (string, error) {
	var calls, papers, waiting int
	err := withDatabase(path, "mode=ro", func(db *sql.DB) error {
		return errors.Join(
			db.QueryRowContext(ctx, "SELECT count(*) FROM ops WHERE state = 'claimed'").Scan(&calls),
			db.QueryRowContext(ctx, "SELECT count(*) FROM prints WHERE state = 'printing'").Scan(&papers),
			db.QueryRowContext(ctx, "SELECT count(*) FROM prints WHERE state = 'waiting_qr'").Scan(&waiting))
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	var what []string
	for _, w := range []struct {
		n      int
		zh, en string
	}{{calls, "次平台调用", "calls of the platform"}, {papers, "张正在打印的小票", "receipts being printed"}, {waiting, "张在等二维码的小票", "receipts waiting for their QR code"}} {
		if w.n > 0 {
			what = append(what, fmt.Sprintf("%d %s", w.n, say(w.zh, w.en)))
		}
	}
	return strings.Join(what, say("、", ", ")), nil
}

// withDatabase opens a database for a moment. The options are those of SQLite's
// URIs.
func withDatabase(path, options string, do func(*sql.DB) error) error {
	if _, err := os.Stat(path); err != nil {
		return err // before SQLite makes one
	}
	name := filepath.ToSlash(path)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // C:/… on Windows
	}
	u := url.URL{Scheme: "file", Path: name, RawQuery: options + "&_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(do(db), db.Close())
}

// putDatabaseBack puts the saved database in the place of one whose tables the
// old program does not know. It must not be in use. Done again, it does nothing.
//
// A database in which nothing happened since is simply replaced. Otherwise
// numbers may have been minted, codes fetched and receipts printed, so the old
// program restores the copy as a backup from the past: the database is kept
// beside it, numbers start a new epoch, and what may have been done is asked
// about.
func (s *settler) putDatabaseBack(ctx context.Context) error {
	saved, path := s.notes.Database, s.notes.databasePath()
	if saved == nil {
		return nil
	}
	now, err := readHead(ctx, path)
	switch {
	case err == nil && now.Schema == saved.Schema:
		return nil
	case err == nil && now.Journal == saved.Journal && now.Hash == saved.Hash:
		return s.replaceDatabase(ctx, path)
	case err == nil:
		s.notes.NewerSales = max(0, now.Sale-saved.Sale)
	default:
		s.notes.NewerSales = -1
	}
	if err := s.notes.write(s.dir); err != nil {
		return err
	}
	s.reach("database judged")
	return s.restoreDatabase(ctx)
}

// replaceDatabase puts the saved database in the place of the one that is
// there. What SQLite keeps beside that is emptied first: then one rename
// changes all of it.
func (s *settler) replaceDatabase(ctx context.Context, path string) error {
	err := withDatabase(path, "mode=rw", func(db *sql.DB) error {
		var mode string
		if err := db.QueryRowContext(ctx, "PRAGMA journal_mode(DELETE)").Scan(&mode); err != nil {
			return err
		}
		if mode != "delete" {
			return fmt.Errorf("%w (%s)", queue.ErrInUse, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.reach("database emptied of its log")
	part := path + ".part"
	if _, err := copyFile(filepath.Join(s.dir, savedDatabase), part, 0o600); err != nil {
		return err
	}
	if err := ownLike(s.notes.DataDir, part); err != nil {
		return err
	}
	s.reach("database copied")
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(s.notes.DataDir)
}

// restoreWithin bounds the old program's restore, which reads the whole
// database twice.
const restoreWithin = 10 * time.Minute

// restoreDatabase has the old program, which is in its place by now, restore
// the saved database.
func (s *settler) restoreDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restoreWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.notes.Program, "restore", "--config", s.notes.Config, "--from", filepath.Join(s.dir, savedDatabase), "--lang", lang)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", say("原来的程序无法恢复保存的数据库", "the old program cannot restore the saved database"), err, out)
	}
	fmt.Fprint(s.out, string(out))
	return ownData(s.notes.DataDir)
}

// ownData gives the files of the data folder to the folder's owner: what an
// administrator's program made there must be the service's.
func ownData(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			if err := ownLike(dir, filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// newerDatabase is where the database of the new program is: the old one's
// restore has put it aside, or the new one itself, as damaged. It is "" where
// there is none.
func (n *savedState) newerDatabase() string {
	entries, err := os.ReadDir(n.DataDir)
	if err != nil {
		return ""
	}
	for _, kind := range []string{".before-restore-", ".damaged-"} {
		newest := ""
		for _, e := range entries { // sorted by name, which ends with the time
			if strings.HasPrefix(e.Name(), filepath.Base(n.databasePath())+kind) && !strings.HasSuffix(e.Name(), "-wal") && !strings.HasSuffix(e.Name(), "-shm") {
				newest = filepath.Join(n.DataDir, e.Name())
			}
		}
		if newest != "" {
			return newest
		}
	}
	return ""
}
