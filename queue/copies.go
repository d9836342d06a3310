package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tillagent/trade"
)

// copyOf matches the names of daily copies: agent-TILL1-2026-11-22.db, by till
// code, so that tills can share a folder, and by Beijing day.
var copyOf = regexp.MustCompile(`^agent-([0-9A-Z]{5})-(\d{4}-\d\d-\d\d)\.db$`)

func copyName(till string, now time.Time) string {
	return "agent-" + till + "-" + now.In(trade.Beijing).Format(time.DateOnly) + ".db"
}

// copies are the daily copies of a data folder, which used these till codes,
// oldest first. Those of days to come are of a clock that was ahead, or this one
// is behind: they were made before today's either way.
func copies(dir string, tills epochs, now time.Time) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if m := copyOf.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			if _, ours := tills[m[1]]; ours {
				names = append(names, e.Name())
			}
		}
	}
	today := now.In(trade.Beijing).Format(time.DateOnly)
	slices.SortFunc(names, func(a, b string) int {
		a, b = copyOf.FindStringSubmatch(a)[2], copyOf.FindStringSubmatch(b)[2]
		if ahead := a > today; ahead != (b > today) {
			if ahead {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names, nil
}

// newestCopy is the newest daily copy and when it was made; "" and zero where
// there is none.
func newestCopy(dir string, tills epochs, now time.Time) (string, time.Time) {
	if dir == "" {
		return "", time.Time{}
	}
	names, err := copies(dir, tills, now)
	if err != nil || len(names) == 0 {
		return "", time.Time{}
	}
	path := filepath.Join(dir, names[len(names)-1])
	info, err := os.Stat(path)
	if err != nil {
		return "", time.Time{}
	}
	return path, info.ModTime()
}

// dailyCopy makes the copy of the day where it is missing and deletes all but
// the kept newest.
func (s *Store) dailyCopy(ctx context.Context, dir string, kept int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the backup folder: %w", err)
	}
	tills, err := readEpochs(s.opts.Path)
	if err != nil {
		return err
	}
	m := s.mint.Load()
	tills.used(m.Till, m.Epoch)
	now := s.opts.Now()
	path := filepath.Join(dir, copyName(m.Till, now))
	if !exists(path) {
		if err := s.Backup(ctx, path); err != nil {
			return err
		}
		s.log.Info("backup made", "path", path)
	}
	names, err := copies(dir, tills, now)
	if err != nil {
		return err
	}
	// That of today stays, also where the clock was ahead or is behind: else it
	// would be made again and again.
	names = slices.DeleteFunc(names, func(name string) bool { return name == filepath.Base(path) })
	for ; len(names) >= max(kept, 1); names = names[1:] {
		if err := os.Remove(filepath.Join(dir, names[0])); err != nil {
			return err
		}
	}
	return removeParts(dir, m.Till)
}

// removeParts deletes what a copy that was cut off left behind.
func removeParts(dir, till string) error {
	parts, err := filepath.Glob(filepath.Join(dir, partPrefix+"agent-"+till+"-*"))
	for _, p := range parts {
		err = errors.Join(err, os.Remove(p))
	}
	return err
}
