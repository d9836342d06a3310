package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tillagent/trade"
)

// sideFiles are what SQLite keeps beside a database. Without its -wal a
// database may lack the newest commits, so they move together.
var sideFiles = []string{"", "-wal", "-shm", "-journal"}

// stamp is a time in file names, in Beijing as on receipts.
func stamp(t time.Time) string { return t.In(trade.Beijing).Format("20060102-150405") }

// moveAside renames a closed database and what lies beside it to a free name that
// begins with path.kind-TIME, and gives that name; "" where there is nothing.
// An empty -wal and the -shm, which SQLite makes anew from the -wal, are not kept.
func moveAside(path, kind string, now time.Time) (string, error) {
	to := path + "." + kind + "-" + stamp(now)
	for n := 2; exists(to); n++ {
		to = fmt.Sprintf("%s.%s-%s-%d", path, kind, stamp(now), n)
	}
	moved := ""
	for _, side := range sideFiles {
		info, err := os.Lstat(path + side)
		switch {
		case err == nil && (side == "-shm" || side == "-wal" && info.Size() == 0):
			err = os.Remove(path + side)
		case err == nil:
			if err = os.Rename(path+side, to+side); err == nil {
				moved = to
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("cannot move the database aside: %w", err)
		}
	}
	return moved, syncFolder(path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// openOwn opens a file of the data folder, made if missing so that nobody but
// the folder's owner can read it. What a link of that name leads to is given to
// nobody.
func openOwn(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if err := likeFolder(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// same reports whether two names mean one file.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// writeWhole writes a small file so that after a power cut it is there with
// the old or the new content.
func writeWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is none
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, likeFolder(f), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(path)
}
