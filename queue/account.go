package queue

import (
	"context"
	"encoding/json"
	"time"

	"tillagent/trade"
)

// metaAccounts keeps the last known list of accounts.
const metaAccounts = "accounts"

// waitsForAccount holds, in SQL, for invoices that go on when the tax account
// has logged in; not for scanned ones that stayed blocked after that.
const waitsForAccount = `state = 'blocked_auth' AND (known = 0 OR kind = 'red' OR EXISTS (SELECT 1 FROM sales WHERE seq = invoices.sale AND wish = 'direct'))`

// SetAccount names the tax account that issues, for the alert that says it must
// log in.
func (s *Store) SetAccount(account string) { s.account.Store(&account) }

// savedAccounts is the list as it is kept.
type savedAccounts struct {
	Accounts []trade.Account
	AsOf     time.Time
}

// SaveAccounts keeps the list of accounts as the platform gave it just now.
func (s *Store) SaveAccounts(ctx context.Context, accounts []trade.Account) error {
	return s.do(ctx, func(t *tx) error {
		text, err := json.Marshal(savedAccounts{accounts, at(t.now)})
		if err != nil {
			return err
		}
		return t.setMeta(metaAccounts, string(text))
	})
}

// Accounts is the list that was saved last, and when; empty without one.
func (s *Store) Accounts(ctx context.Context) ([]trade.Account, time.Time, error) {
	var saved savedAccounts
	err := s.read(ctx, func(q querier) error {
		return each(q, "SELECT value FROM meta WHERE key = ?", metaAccounts, func(scan func(...any) error) error {
			var text string
			if err := scan(&text); err != nil {
				return err
			}
			return json.Unmarshal([]byte(text), &saved)
		})
	})
	return saved.Accounts, saved.AsOf, err
}

// WakeAccount signals that AccountStands has news.
func (s *Store) WakeAccount() <-chan struct{} { return s.accountWake }

// AccountStands tells whether work waits for the tax account to log in, and
// whether an invoice that waited was issued since this was last asked, so that
// the account works.
func (s *Store) AccountStands(ctx context.Context) (waiting, works bool, err error) {
	works = s.accountWorks.Swap(false)
	err = s.read(ctx, func(q querier) error {
		return q.QueryRow("SELECT EXISTS (SELECT 1 FROM alerts WHERE kind = ? AND cleared_at = 0)", trade.AlertAuth).Scan(&waiting)
	})
	return waiting, works, err
}

// readyBatch is how many sales a transaction of AccountReady moves: sales that
// are being taken go in between.
const readyBatch = 64

// AccountReady notes that the tax account works again: 2.11 is asked at once
// about every invoice that was blocked, before it is sent again, the alert ends
// and what was held goes on.
func (s *Store) AccountReady(ctx context.Context) error {
	for more := true; more; {
		err := s.do(ctx, func(t *tx) (err error) {
			n, err := t.recheck(readyBatch)
			more = n == readyBatch
			if err == nil && !more {
				err = t.clearAll(trade.AlertAuth)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// TryAccount lets the oldest work that waits for the tax account go out, to
// find out whether it works where the platform cannot be asked.
func (s *Store) TryAccount(ctx context.Context) error {
	return s.do(ctx, func(t *tx) error {
		if n, err := t.recheck(1); n > 0 || err != nil {
			return err
		}
		_, err := t.Exec("UPDATE ops SET account = 0 WHERE sale = (SELECT sale FROM ops WHERE account = 1 AND state = 'ready' ORDER BY sale LIMIT 1)")
		return err
	})
}

// toRecheck are the sales with invoices that wait for the account and of which
// 2.11 is not to be asked yet.
const toRecheck = "SELECT DISTINCT sale FROM invoices WHERE " + waitsForAccount + " AND recheck = 0 ORDER BY sale LIMIT ?"

// recheck has 2.11 asked at once about up to limit sales with blocked invoices,
// oldest first.
func (t *tx) recheck(limit int) (int, error) {
	sales, err := seqsOf(t, toRecheck, limit)
	if err != nil {
		return 0, err
	}
	for _, seq := range sales {
		l, err := load(t, seq)
		if err != nil {
			return 0, err
		}
		if err := t.apply(l, trade.AccountReady{}, false); err != nil {
			return 0, err
		}
		if _, err := t.Exec("UPDATE ops SET due_at = ? WHERE sale = ? AND state = 'ready'", t.now, seq); err != nil {
			return 0, err
		}
	}
	t.wakeAll()
	return len(sales), nil
}

// stillBlocked tells whether an invoice waits for the tax account.
const stillBlocked = "SELECT EXISTS (SELECT 1 FROM invoices WHERE " + waitsForAccount + ")"

// unblocked follows when an invoice of a sale no longer waits for the account.
// The alert stays while others do.
func (t *tx) unblocked(f trade.Unblocked) error {
	t.accountNews, t.accountWorks = true, t.accountWorks || f.Issued
	var waiting bool
	if err := t.QueryRow(stillBlocked).Scan(&waiting); err != nil || waiting {
		return err
	}
	t.wakeAll()
	return t.clearAll(trade.AlertAuth)
}
