package queue

import (
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"tillagent/trade"
)

// The keys of table meta.
const (
	metaTill    = "till_code"
	metaEpoch   = "epoch"
	metaCounter = "counter"
)

// unsetPrefix stands in numbers minted before the platform's prefix is known.
const unsetPrefix = "0000"

// number reads what numbers are made of; at the first start it draws a till
// code where none is configured, an epoch that this folder has not seen, and a
// random place for the counter.
func (t *tx) number(s *Store) error {
	var draw [8]byte
	rand.Read(draw[:])
	till, epoch := s.opts.TillCode, 0
	stored, err := t.meta(metaTill)
	switch {
	case err != nil:
		return err
	case till == "" && stored == "":
		till = trade.TillCode(binary.BigEndian.Uint64(draw[:]))
	case till == "":
		till = stored
	}
	if till != stored {
		if err := t.setMeta(metaTill, till); err != nil {
			return err
		}
	}
	text, err := t.meta(metaEpoch)
	if err != nil {
		return err
	}
	if text == "" {
		used, err := readEpochs(s.opts.Path)
		if err != nil {
			return err
		}
		if epoch, err = used.next(till); err != nil {
			return err
		}
		if err := t.startEpoch(epoch); err != nil {
			return err
		}
	} else {
		if epoch, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("meta %s: %w", metaEpoch, err)
		}
		if err := t.skipNumbers(); err != nil {
			return err
		}
	}
	prefix := s.opts.Prefix
	if prefix == "" {
		prefix = unsetPrefix
	}
	m := trade.Mint{Prefix: prefix, Till: till, Epoch: epoch}
	s.mint.Store(&m)
	return m.Check()
}

// startEpoch begins an epoch at a random place of the counter.
func (t *tx) startEpoch(epoch int) error {
	var draw [8]byte
	rand.Read(draw[:])
	start := binary.BigEndian.Uint64(draw[:]) % uint64(trade.CounterLimit)
	t.newest.counted = false
	return errors.Join(t.setMeta(metaEpoch, strconv.Itoa(epoch)), t.setMeta(metaCounter, strconv.FormatUint(start, 10)))
}

// skipped is how many numbers a start passes over: more than a database can have
// minted since it was last written out of SQLite's log.
const skipped = 1 << 14

// skipNumbers passes over numbers that may have been minted and forgotten: of a
// till that was killed somebody can delete the log of writes beside the database.
func (t *tx) skipNumbers() error {
	n, err := t.counter()
	if err != nil {
		return err
	}
	t.newest.counted = false
	return t.setMeta(metaCounter, strconv.FormatInt((n+skipped)%trade.CounterLimit, 10))
}

// counter reads the counter of the newest number.
func (t *tx) counter() (int64, error) {
	text, err := t.meta(metaCounter)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("meta %s: %w", metaCounter, err)
	}
	return n, nil
}

// newTill draws another till code after a clash, where none is assigned.
func (t *tx) newTill() error {
	if t.s.opts.TillCode != "" {
		return nil
	}
	var draw [8]byte
	rand.Read(draw[:])
	code := trade.TillCode(binary.BigEndian.Uint64(draw[:]))
	m := *t.s.mint.Load()
	m.Till = code
	t.newMint = &m
	return t.setMeta(metaTill, code)
}

// nextNumber mints a number in the accepting transaction. The counter never
// goes back.
func (t *tx) nextNumber() (string, error) {
	last := &t.newest
	if !last.counted {
		var err error
		if last.counter, err = t.counter(); err != nil {
			return "", fmt.Errorf("cannot mint a number: %w", err)
		}
	}
	n := (last.counter + 1) % trade.CounterLimit
	if err := t.setMeta(metaCounter, strconv.FormatInt(n, 10)); err != nil {
		return "", fmt.Errorf("cannot mint a number: %w", err)
	}
	last.counted, last.counter = true, n
	return t.s.mint.Load().Number(n, 0), nil
}

// meta is a stored value, "" where there is none.
func (t *tx) meta(key string) (string, error) {
	var v string
	err := t.QueryRow("SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

func (t *tx) setMeta(key, value string) error {
	_, err := t.Exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
	return err
}
