package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tillagent/trade"
)

// AlertNews is an entry of the outbox of alerts: the events alert.raised and
// alert.cleared, each with the alert that it is about.
type AlertNews struct {
	Seq     int64 // of the event
	At      time.Time
	Cleared bool // false: raised
	AlertID int64
}

// AlertNews reads up to limit entries of the outbox after an event's number,
// oldest first, and the number up to which there is no further one. Entries
// whose alert is deleted by now are left out.
func (s *Store) AlertNews(ctx context.Context, after int64, limit int) (news []AlertNews, through int64, err error) {
	through = after
	err = s.read(ctx, func(q querier) error {
		var events []Event
		err := each(q, `SELECT seq, at, type, sale_id, state, detail FROM events WHERE seq > ? AND type IN ('alert.raised','alert.cleared')
			ORDER BY seq LIMIT ?`, []any{after, limit}, func(scan func(...any) error) error {
			var e Event
			var when int64
			err := scan(&e.Seq, &when, &e.Type, &e.SaleID, &e.State, &e.Detail)
			e.At = at(when)
			events = append(events, e)
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range events {
			id, err := alertOf(q, e)
			if err != nil {
				return err
			}
			if id != 0 {
				news = append(news, AlertNews{e.Seq, e.At, e.Type == "alert.cleared", id})
			}
		}
		if len(events) == limit {
			through = events[limit-1].Seq
			return nil
		}
		through, err = newestEvent(q)
		through = max(through, after)
		return err
	})
	return news, through, err
}

// sameMoment bounds how many events one commit can put between two alerts that
// were raised at the same moment.
const sameMoment = 1000

// alertOf finds the alert that an event is about, 0 where it is deleted. An
// event names the kind and the sale, or the subject; of alerts that were raised
// for one sale in the same millisecond the order decides, which both tables keep.
func alertOf(q querier, e Event) (id int64, err error) {
	if e.Type == "alert.cleared" {
		err = q.QueryRow("SELECT coalesce(max(id), 0) FROM alerts WHERE kind = ? AND subject = ? AND cleared_at = ?", e.State, e.Detail, ms(e.At)).Scan(&id)
		return id, err
	}
	var before int
	err = q.QueryRow("SELECT count(*) FROM events WHERE seq < ?1 AND seq >= ?1 - ?2 AND type = ?3 AND state = ?4 AND sale_id = ?5 AND at = ?6",
		e.Seq, sameMoment, e.Type, e.State, e.SaleID, ms(e.At)).Scan(&before)
	if err != nil {
		return 0, err
	}
	err = q.QueryRow("SELECT id FROM alerts WHERE kind = ? AND sale_id = ? AND raised_at = ? ORDER BY id LIMIT 1 OFFSET ?", e.State, e.SaleID, ms(e.At), before).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

func newestEvent(q querier) (seq int64, err error) {
	err = q.QueryRow("SELECT coalesce(max(seq), 0) FROM events").Scan(&seq)
	return seq, err
}

// AlertByID reads an alert as it stands; ErrNotFound where it is deleted.
func (s *Store) AlertByID(ctx context.Context, id int64) (a Alert, err error) {
	a, err = scanAlert(s.reader.QueryRowContext(ctx, "SELECT "+alertColumns+" FROM alerts WHERE id = ?", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNotFound
	}
	return a, err
}

// Severity is "error" where somebody must act, "warning" where the trouble may
// end by itself.
func (a Alert) Severity() string {
	if a.Kind == trade.AlertUnreachable {
		return "warning"
	}
	return "error"
}

// OutwardCursor is how far a target outside has been told the outbox of alerts.
type OutwardCursor struct {
	// Seq is the number of the last event that is settled: told, or not worth
	// telling.
	Seq int64 `json:"seq"`
	// First are the alerts that were active when the target was new and have
	// not been told yet.
	First []int64 `json:"first,omitempty"`
	// RefusedSince is since when the target has refused what comes next, UTC ms;
	// 0 where it has not.
	RefusedSince int64 `json:"refused_since,omitempty"`
}

// outwardKey is the key of a target's cursor in table meta.
func outwardKey(target string) string { return "outward:" + target }

// OutwardCursor reads the cursor of a target. One that has none is new: it
// starts at the newest event, with the alerts that are active.
func (s *Store) OutwardCursor(ctx context.Context, target string) (c OutwardCursor, err error) {
	err = s.do(ctx, func(t *tx) error {
		text, err := t.meta(outwardKey(target))
		if err != nil {
			return err
		}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &c); err != nil {
				return fmt.Errorf("meta %s: %w", outwardKey(target), err)
			}
			return nil
		}
		if c.Seq, err = newestEvent(t); err != nil {
			return err
		}
		err = each(t, "SELECT id FROM alerts WHERE cleared_at = ? ORDER BY id", 0, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			c.First = append(c.First, id)
			return err
		})
		if err != nil {
			return err
		}
		return t.setOutwardCursor(target, c)
	})
	return c, err
}

// SetOutwardCursor stores how far a target has been told.
func (s *Store) SetOutwardCursor(target string, c OutwardCursor) error {
	return s.do(noDeadline, func(t *tx) error { return t.setOutwardCursor(target, c) })
}

func (t *tx) setOutwardCursor(target string, c OutwardCursor) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return t.setMeta(outwardKey(target), string(text))
}

// ForgetOutward drops the cursor of a target that is no longer configured, so
// that it is new when it comes back.
func (s *Store) ForgetOutward(ctx context.Context, target string) error {
	return s.do(ctx, func(t *tx) error {
		_, err := t.Exec("DELETE FROM meta WHERE key = ?", outwardKey(target))
		return err
	})
}

// TillCode is the till's code in the numbers that are minted now.
func (s *Store) TillCode() string { return s.mint.Load().Till }

// outward wakes those who tell alerts outside. The zero value is ready.
type outward struct {
	mu    sync.Mutex
	wakes map[chan struct{}]bool
}

// WakeAlerts signals that something was stored, which may be an alert. The
// function ends the signals.
func (s *Store) WakeAlerts() (<-chan struct{}, func()) {
	o, c := &s.outward, make(chan struct{}, 1)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wakes == nil {
		o.wakes = map[chan struct{}]bool{}
	}
	o.wakes[c] = true
	return c, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.wakes, c)
	}
}

func (o *outward) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.wakes {
		wake(c)
	}
}
