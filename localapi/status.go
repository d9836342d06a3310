package localapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tillagent/trade"
)

type statusJSON struct {
	Version   string        `json:"version"`
	StartedAt *string       `json:"started_at"`
	TillCode  string        `json:"till_code"`
	Platform  *platformJSON `json:"platform"` // null: unknown, like the printer
	Printer   *printerJSON  `json:"printer"`  // the one for receipts
	Printers  []printerOf   `json:"printers"`
	Queue     queueJSON     `json:"queue"`
	Accounts  []accountJSON `json:"accounts"` // as they were last known
	Alerts    int           `json:"alerts"`   // how many are active
	Disk      *diskJSON     `json:"disk"`     // null: unknown
	Database  databaseJSON  `json:"database"`
}

// accountJSON is how a tax account stands; GET /v1/accounts has more of it.
type accountJSON struct {
	Account string             `json:"account"`
	Login   trade.AccountState `json:"login"`
	Auth    trade.AccountState `json:"auth"`
	Default bool               `json:"default"`
}

type diskJSON struct {
	Free uint64 `json:"free_bytes"` // that the service may still fill
}

type platformJSON struct {
	Configured  bool    `json:"configured"`
	Online      bool    `json:"online"`
	LastContact *string `json:"last_contact"`
	ClockSkew   int64   `json:"clock_skew_ms"` // the till's clock minus the platform's
}

type printerJSON struct {
	Configured bool    `json:"configured"`
	Port       string  `json:"port"`
	Profile    string  `json:"profile"`
	State      string  `json:"state"`
	SeenAt     *string `json:"seen_at"`
}

// printerOf is one of the printers that are configured.
type printerOf struct {
	Name string `json:"name"`
	printerJSON
}

type queueJSON struct {
	Sales     map[trade.SaleState]int `json:"sales"`              // every state is there
	OldestAt  *string                 `json:"oldest_waiting_at"`  // of the sales that wait for their QR code
	OldestAge int64                   `json:"oldest_waiting_sec"` // 0 where none waits
	Prints    int                     `json:"prints_waiting"`
}

type databaseJSON struct {
	Bytes int64 `json:"bytes"`
}

func (s *Server) getStatus(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	counts, err := s.o.Store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	alerts, err := s.o.Store.ActiveAlerts()
	if err != nil {
		return nil, err
	}
	accounts, _, err := s.o.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	out := statusJSON{
		Version: s.o.Version, StartedAt: stamp(s.started), TillCode: counts.TillCode,
		Printers: []printerOf{},
		Queue:    queueJSON{Sales: map[trade.SaleState]int{}, OldestAt: stamp(counts.Oldest), Prints: counts.Waiting},
		Accounts: []accountJSON{},
		Alerts:   len(alerts),
		Database: databaseJSON{counts.DatabaseLen},
	}
	for _, a := range accounts {
		out.Accounts = append(out.Accounts, accountJSON{a.Account, a.Login, a.Auth, a.Default})
	}
	for _, state := range trade.SaleStates {
		out.Queue.Sales[state] = counts.Sales[state]
	}
	if !counts.Oldest.IsZero() {
		out.Queue.OldestAge = max(0, int64(time.Since(counts.Oldest)/time.Second))
	}
	if s.o.Around != nil {
		ctx, cancel := context.WithTimeout(ctx, aroundTime)
		defer cancel()
		c.waits()
		a := s.o.Around(ctx)
		out.Platform = &platformJSON{a.Platform.Configured, a.Platform.Online, stamp(a.Platform.LastContact), a.Platform.ClockSkew.Milliseconds()}
		if a.Disk != nil {
			out.Disk = &diskJSON{a.Disk.Free}
		}
		out.Printer = &printerJSON{}
		for _, p := range a.Printers {
			now := printerJSON{true, p.Port, p.Profile, p.State, stamp(p.SeenAt)}
			if p.Name == trade.ReceiptPrinter {
				out.Printer = &now
			}
			out.Printers = append(out.Printers, printerOf{p.Name, now})
		}
	}
	return out, nil
}

func text(m trade.Message, lang trade.Lang) string {
	if m.IsZero() {
		return ""
	}
	return m.In(lang)
}

func stampMS(ms int64) *string {
	if ms == 0 {
		return nil
	}
	return stamp(time.UnixMilli(ms))
}

type healthJSON struct {
	Status string `json:"status"`
}

// getHealth says that the process lives.
func (s *Server) getHealth(*call) (any, error) { return healthJSON{"ok"}, nil }

// readiness remembers for a moment whether the database takes writes, so that
// asking often does not write often.
type readiness struct {
	mu sync.Mutex
	at time.Time
	ok bool
}

// readyFor is how long an answer about readiness holds.
const readyFor = time.Second

func (s *Server) writable(ctx context.Context) bool {
	r := &s.ready
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.at.IsZero() || now.Sub(r.at) >= readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aroundTime)
		defer cancel()
		err := s.o.Store.Writable(ctx)
		if err != nil {
			s.log.Error("the database takes no writes", "err", err)
		}
		r.at, r.ok = now, err == nil
	}
	return r.ok
}

// getReady says whether sales are taken; that needs neither the platform nor
// the printer.
func (s *Server) getReady(c *call) (any, error) {
	if s.running.Err() != nil {
		return nil, &failure{code: trade.ErrShuttingDown, retryAfter: stopRetry}
	}
	if !s.writable(c.Context()) {
		return nil, &failure{code: trade.ErrStorageFull, status: http.StatusServiceUnavailable}
	}
	return healthJSON{"ready"}, nil
}
