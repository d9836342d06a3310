//go:build unix

package queue

import (
	"errors"
	"os"
	"path/filepath"
)

// syncFolder makes the renames and new names in the folder of a file last
// through a power cut.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
