package queue

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"tillagent/trade"
)

// entry is one move in the journal.
type entry struct {
	kind, sale, ref, state string
	digest                 string // of what moved, as stored after the move
}

// record appends to the journal. The hash of an entry covers everything in it
// and the hash before, so that a changed history shows.
func (t *tx) record(e entry) error {
	if t.subject == "" {
		t.subject = e.sale
	}
	last := &t.newest
	if last.entry == 0 {
		err := t.QueryRow("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").Scan(&last.entry, &last.hash)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	seq := last.entry + 1
	hash := e.hash(last.hash, seq, t.now)
	_, err := t.Exec("INSERT INTO journal (seq, at, kind, sale, ref, state, digest, hash) VALUES (?,?,?,?,?,?,?,?)",
		seq, t.now, e.kind, e.sale, e.ref, e.state, e.digest, hash)
	last.entry, last.hash = seq, hash
	return err
}

// hash covers the entry and the one before it. The JSON array keeps the fields
// apart, so that no two entries give the same bytes.
func (e entry) hash(prev string, seq, at int64) string {
	return digestOf([]any{prev, seq, at, e.kind, e.sale, e.ref, e.state, e.digest})
}

func digestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("queue: a stored value has no JSON: " + err.Error()) // only our own plain types come here
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// VerifyJournal walks the hash chain and names the first entry that does not
// fit the one before it.
func (s *Store) VerifyJournal() error {
	_, broken, err := walkJournal(context.Background(), s.reader)
	if err == nil && broken != nil {
		err = fmt.Errorf("journal entry %d is broken", broken.seq)
	}
	return err
}

// tell stores an event for subscribers.
func (t *tx) tell(typ, saleID, refundID, state, detail string) error {
	res, err := t.Exec("INSERT INTO events (at, type, sale_id, refund_id, state, detail) VALUES (?,?,?,?,?,?)",
		t.now, typ, saleID, refundID, state, detail)
	if err != nil {
		return err
	}
	seq, err := res.LastInsertId()
	t.events = append(t.events, Event{seq, at(t.now), typ, saleID, refundID, state, detail})
	return err
}

// Alert is one trouble: repeated news of it count up, its end clears it.
type Alert struct {
	ID      int64
	Kind    string
	Subject string
	SaleID  string
	Account string
	Title   trade.Message
	Detail  trade.Message
	Action  trade.Message
	Count   int
	Raised  int64 // UTC ms, like the others
	Last    int64
	Cleared int64
	Acked   int64
}

// Raise stores an alert, or counts the one that is active for the same kind
// and subject.
func (s *Store) Raise(r trade.Raise) error {
	return s.do(noDeadline, func(t *tx) error { return t.raise(r) })
}

// Clear ends the active alert of a kind and subject, if there is one.
func (s *Store) Clear(kind, subject string) error {
	return s.do(noDeadline, func(t *tx) error { return t.clear(kind, subject) })
}

func (t *tx) raise(r trade.Raise) error {
	var count int
	err := t.QueryRow(`INSERT INTO alerts (kind, subject, sale_id, account, title, detail, action, raised_at, last_at) VALUES (?,?,?,?,?,?,?,?,?)
		ON CONFLICT (kind, subject) WHERE cleared_at = 0
		DO UPDATE SET count = count + 1, last_at = excluded.last_at, title = excluded.title, detail = excluded.detail, action = excluded.action
		RETURNING count`, r.Kind, r.Subject, r.SaleID, r.Account, message(r.Title), message(r.Detail), message(r.Action), t.now, t.now).Scan(&count)
	if err != nil || count > 1 {
		return err
	}
	return t.tell("alert.raised", r.SaleID, "", r.Kind, r.Title.In(trade.ZH))
}

func (t *tx) clear(kind, subject string) error {
	res, err := t.Exec("UPDATE alerts SET cleared_at = ? WHERE kind = ? AND subject = ? AND cleared_at = 0", t.now, kind, subject)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return t.tell("alert.cleared", "", "", kind, subject)
}

// clearAll ends the active alerts of a kind, whatever their subject.
func (t *tx) clearAll(kind string) error { return t.clearWhere("kind = ?", kind) }

// clearWhere ends the active alerts for which a condition holds.
func (t *tx) clearWhere(condition, arg string) error {
	type alert struct{ kind, subject string }
	var alerts []alert
	err := each(t, "SELECT kind, subject FROM alerts WHERE cleared_at = 0 AND "+condition, arg, func(scan func(...any) error) error {
		var a alert
		err := scan(&a.kind, &a.subject)
		alerts = append(alerts, a)
		return err
	})
	for _, a := range alerts {
		err = errors.Join(err, t.clear(a.kind, a.subject))
	}
	return err
}

// ActiveAlerts are the troubles that have not ended, oldest first.
func (s *Store) ActiveAlerts() ([]Alert, error) {
	var as []Alert
	err := each(s.reader, "SELECT "+alertColumns+" FROM alerts WHERE cleared_at = ? ORDER BY id", 0, func(scan func(...any) error) error {
		a, err := scanAlert(scan)
		as = append(as, a)
		return err
	})
	return as, err
}

// message is the stored form of a text for people: JSON, "" for none.
func message(m trade.Message) string {
	if m.IsZero() {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic("queue: a message has no JSON: " + err.Error()) // strings alone
	}
	return string(b)
}

func readMessage(s string) (m trade.Message, err error) {
	if s == "" {
		return m, nil
	}
	err = json.Unmarshal([]byte(s), &m)
	return m, err
}

func messages(a, b, c string) (x, y, z trade.Message, err error) {
	x, e1 := readMessage(a)
	y, e2 := readMessage(b)
	z, e3 := readMessage(c)
	return x, y, z, errors.Join(e1, e2, e3)
}

// Tell stores an event that belongs to no sale, such as platform.offline.
func (s *Store) Tell(typ, state, detail string) error {
	return s.do(noDeadline, func(t *tx) error { return t.tell(typ, "", "", state, detail) })
}
