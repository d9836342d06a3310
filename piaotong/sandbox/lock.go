package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const lockName = "lock"

// ErrDirInUse is what [New] fails with when another sandbox, in this process or
// another one, has the directory.
var ErrDirInUse = errors.New("the directory is used by another sandbox")

// lockDir takes the lock of a directory, which it makes if need be. The lock
// ends with the process that has it, however that ends; its file stays.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return f, nil
}
