package queue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrInUse says that another agent works with the database.
var ErrInUse = errors.New("another agent may be running: it has this database open")

// lockWait is how long a lock is waited for: Windows frees the locks of a
// process that was killed only some time after its end.
const lockWait = 2 * time.Second

// lockDatabase takes the exclusive lock that a running agent holds on the
// folder of its database: agent.lock beside agent.db. The system frees it with
// the process, however that ends, and the file stays. The folder is made if
// missing. The error is ErrInUse where somebody else holds the lock.
func lockDatabase(path string) (*os.File, error) {
	name := lockPath(path)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	f, err := openOwn(name)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder: %w", err)
	}
	deadline := time.NewTimer(lockWait)
	defer deadline.Stop()
	again := time.NewTicker(lockWait / 20)
	defer again.Stop()
	for {
		locked, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", name, err), f.Close())
		}
		if locked {
			return f, nil
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return nil, errors.Join(fmt.Errorf("%w (%s)", ErrInUse, name), f.Close())
		}
	}
}

func lockPath(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".lock" }
