package queue

import (
	"context"
	"errors"
	"time"

	"tillagent/trade"
)

// UpkeepOptions say how a database is looked after.
type UpkeepOptions struct {
	BackupDir string // the folder of daily copies; "" makes none
	Kept      int    // daily copies that are kept; at least 1
	Retention Retention
	// ClockRight tells whether this machine's clock is known to be right. While
	// it is not, nothing is wiped or deleted, as a clock that is years ahead
	// makes everything old; nil trusts the clock.
	ClockRight func() bool
}

const (
	// upkeepFirst is how long after the start upkeep begins: a till that was
	// just switched on has sales to take.
	upkeepFirst = 30 * time.Second
	// upkeepEvery is how often it looks whether a day's copy is missing, and so
	// how soon a failed one is tried again.
	upkeepEvery = 10 * time.Minute
)

// Upkeep looks after the database until ctx ends: it makes the check that the
// start had no time for, a copy each day, and wipes and deletes once a day what
// is too old, as soon as the clock can be trusted. What fails is logged and tried
// again; only a damaged database ends it, with a *DamagedError.
func (s *Store) Upkeep(ctx context.Context, o UpkeepOptions) error {
	retained := ""
	timer := time.NewTimer(upkeepFirst)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		if err := s.checkLater(ctx); err != nil {
			var damaged *DamagedError
			if errors.As(err, &damaged) {
				return err
			}
			s.failed(ctx, "check the database", err)
		}
		if o.BackupDir != "" {
			s.backedUp(ctx, s.dailyCopy(ctx, o.BackupDir, o.Kept))
		}
		if today := s.opts.Now().In(trade.Beijing).Format(time.DateOnly); today != retained && (o.ClockRight == nil || o.ClockRight()) {
			if err := s.Retain(ctx, o.Retention); err != nil {
				s.failed(ctx, "wipe and delete what is too old", err)
			} else {
				retained = today
			}
		}
		timer.Reset(upkeepEvery)
	}
}

// backedUp raises the alert of a failed daily copy, or ends it.
func (s *Store) backedUp(ctx context.Context, err error) {
	alert := func() error { return s.Clear(trade.AlertDatabase, "backup") }
	if err != nil {
		s.failed(ctx, "make the daily backup", err)
		if ctx.Err() != nil {
			return
		}
		alert = func() error {
			return s.Raise(trade.Raise{Kind: trade.AlertDatabase, Subject: "backup", Title: trade.Say(trade.BackupFailed, err.Error()), Action: trade.Say(trade.BackupFailedDo)})
		}
	}
	if err := alert(); err != nil {
		s.failed(ctx, "store an alert", err)
	}
}

// failed logs what upkeep could not do; being stopped is no failure.
func (s *Store) failed(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.log.Error("cannot "+what, "err", err)
	}
}
