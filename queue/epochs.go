package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tillagent/trade"
)

// lastEpoch is the highest epoch that a number has room for.
const lastEpoch = 31

// EpochsUsedUpError says that a till code has no epoch left.
type EpochsUsedUpError struct{ Till string }

func (e *EpochsUsedUpError) Error() string {
	return fmt.Sprintf("the numbers of till %s are used up, it was restored %d times: give it another [piaotong] till_code that no till of the merchant has", e.Till, lastEpoch)
}

// epochs are the highest epochs in which numbers were minted in a data folder,
// by till code. They are kept in the file "epoch" beside the database, because
// a database that is restored or made anew does not know of the ones after it.
type epochs map[string]int

func epochPath(path string) string { return filepath.Join(filepath.Dir(path), "epoch") }

// readEpochs reads the file beside a database; without one there are none.
func readEpochs(path string) (epochs, error) {
	e := epochs{}
	text, err := os.ReadFile(epochPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read which epochs are used: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		till, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(digits)
		if err != nil || !trade.ValidTill(till) || n < 0 || n > lastEpoch {
			return nil, fmt.Errorf("%s: %q is not a till code and its epoch", epochPath(path), strings.TrimSpace(line))
		}
		e.used(till, n)
	}
	return e, nil
}

// used notes that numbers of a till were minted in an epoch.
func (e epochs) used(till string, epoch int) {
	if old, known := e[till]; !known || epoch > old {
		e[till] = epoch
	}
}

// next is the first epoch of a till in which no number was minted.
func (e epochs) next(till string) (int, error) {
	last, known := e[till]
	switch {
	case !known:
		return 0, nil
	case last >= lastEpoch:
		return 0, &EpochsUsedUpError{till}
	}
	return last + 1, nil
}

// write stores the epochs beside a database; each line is a till code and its
// highest epoch.
func (e epochs) write(path string) error {
	var b strings.Builder
	for _, till := range slices.Sorted(maps.Keys(e)) {
		fmt.Fprintf(&b, "%s %d\n", till, e[till])
	}
	if err := writeWhole(epochPath(path), []byte(b.String())); err != nil {
		return fmt.Errorf("cannot note the epoch: %w", err)
	}
	return nil
}

// noteEpoch remembers beside the database in which epoch it mints.
func (s *Store) noteEpoch() error {
	e, err := readEpochs(s.opts.Path)
	if err != nil {
		return err
	}
	m := s.mint.Load()
	if last, known := e[m.Till]; known && last >= m.Epoch {
		return nil
	}
	e.used(m.Till, m.Epoch)
	return e.write(s.opts.Path)
}
