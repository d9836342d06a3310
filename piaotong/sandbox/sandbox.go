// Package sandbox is a stand-in for the Piaotong (票通) platform: an
// http.Handler that decrypts, verifies and judges requests as strictly as the
// platform documents, keeps a ledger of what it did, shows the customer's page
// behind every QR code, pushes what becomes of invoices, and misbehaves on
// demand.
//
// It serves developers of cash registers who have no test account yet, and
// tests. Invoices it issues are worth nothing.
//
// Where the platform's document is silent the sandbox chooses, and says so at
// the place: see the comments of the interfaces.
package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Options configures a [Sandbox]. The zero value is useful: in memory only.
type Options struct {
	Dir       string           // keeps keys and ledger; "" = memory only
	PublicURL string           // base of the QR codes' addresses, e.g. "http://127.0.0.1:18080"; "" = the host that was called
	Logger    *slog.Logger     // nil = discard
	Now       func() time.Time // nil = time.Now; also told to clients in the Date header
	// MagicAmounts lets certain totals of a sale, 4040.11 and the like, bring
	// about what is otherwise hard to see; see docs/sandbox.md. Off, every
	// amount is an amount.
	MagicAmounts bool
}

// Sandbox is the stand-in platform. It is safe for concurrent use.
type Sandbox struct {
	account   Account // as at first; see Account for its keys now
	ring      atomic.Pointer[ring]
	dir       string // "" in memory
	publicURL string
	now       func() time.Time
	log       *slog.Logger
	handler   http.Handler
	done      chan struct{} // closed by Close: ends answers that are being held back

	mu         sync.Mutex
	closed     bool
	lock       *os.File    // nil in memory
	file       *ledgerFile // nil in memory
	state      state
	calls      map[string]int // by interface, since the start
	faults     []*activeFault
	settings   settings
	rateSecond time.Time // that rateCalls counts
	rateCalls  int
	magicHits  map[string]int // by interface and number
	logins     logins
	tasks      []*confirmTask
	push       pusher
}

// New opens or creates a sandbox. In a directory it finds the keys and the
// ledger of its last run again.
func New(o Options) (*Sandbox, error) { return newSandbox(o, openKeys) }

// newSandbox is New with keys from elsewhere: making them takes long.
func newSandbox(o Options, keysIn func(dir string) (*keys, error)) (*Sandbox, error) {
	s := &Sandbox{
		dir:       o.Dir,
		publicURL: o.PublicURL,
		now:       o.Now,
		log:       o.Logger,
		done:      make(chan struct{}),
		state:     newState(),
		calls:     map[string]int{},
		settings:  newSettings(o.MagicAmounts),
		magicHits: map[string]int{},
		logins:    newLogins(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(o.Dir, keysIn); err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	s.handler = s.routes()
	return s, nil
}

// open takes a directory and finds or makes its keys and ledger. Without a
// directory it makes keys.
func (s *Sandbox) open(dir string, keysIn func(dir string) (*keys, error)) (err error) {
	if dir != "" {
		if s.lock, err = lockDir(dir); err != nil {
			return fmt.Errorf("cannot take the sandbox's directory: %w", err)
		}
	}
	keys, err := keysIn(dir)
	if err != nil {
		return fmt.Errorf("cannot open the sandbox's keys: %v", err)
	}
	r, err := newRing(*keys)
	if err != nil {
		return fmt.Errorf("cannot use the sandbox's keys: %v", err)
	}
	s.ring.Store(r)
	s.account = r.account
	if dir != "" {
		if s.file, err = openLedger(dir, s.state.apply); err != nil {
			return fmt.Errorf("cannot open the sandbox's ledger: %v", err)
		}
	}
	return nil
}

// closeFiles closes the ledger and lets the directory go.
func (s *Sandbox) closeFiles() error {
	var errs []error
	if s.file != nil {
		errs = append(errs, s.file.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Account returns what a client needs to call this sandbox now.
func (s *Sandbox) Account() Account { return s.ring.Load().account }

// ServeHTTP implements http.Handler: the platform's paths, the customer's
// pages and the control paths under /_sandbox/.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	closed, offset := s.closed, s.settings.clockOffset
	s.mu.Unlock()
	if closed {
		http.Error(w, "sandbox is closed", http.StatusServiceUnavailable)
		return
	}
	// The platform's clock is ours, so that a test can move it.
	w.Header().Set("Date", s.now().Add(offset).UTC().Format(http.TimeFormat))
	s.handler.ServeHTTP(w, r)
}

// Close ends answers that are being held back and pushes under way, and
// closes the ledger.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	s.mu.Unlock()
	s.stopPushing()
	return s.closeFiles()
}

// Reset forgets everything that happened, faults and counts included, also in
// the directory. Accounts and enterprises are as at first. Keys and settings stay.
func (s *Sandbox) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if s.file != nil {
		if err := s.file.truncate(); err != nil {
			return fmt.Errorf("cannot empty the ledger: %v", err)
		}
	}
	s.state = newState()
	clear(s.calls)
	clear(s.magicHits)
	s.faults, s.tasks, s.logins = nil, nil, newLogins()
	s.forgetPushes()
	return nil
}

var errClosed = errors.New("the sandbox is closed")

// record makes e true: on disk first, then in memory. The caller holds mu.
func (s *Sandbox) record(e Entry) error {
	if s.closed {
		return errClosed
	}
	e.Seq = len(s.state.entries) + 1
	if e.At.IsZero() {
		e.At = s.now()
	}
	e.At = e.At.UTC()
	if s.file != nil {
		if err := s.file.append(e); err != nil {
			return fmt.Errorf("cannot write the ledger: %v", err)
		}
	}
	if err := s.state.apply(e); err != nil {
		return err
	}
	s.log.Info("sandbox", "kind", e.Kind, "qr", e.QRCodeNo, "invoice", e.ReqSerialNo, "amount", e.Amount)
	s.noteChange(e)
	return nil
}
