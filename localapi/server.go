// Package localapi is the HTTP interface that POS software on the same machine
// programs against: it guards the listener, reads requests strictly, hands them
// to the queue and shows what the queue knows. It decides nothing about sales.
package localapi

import (
	"context"
	"encoding/json"
	"image"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// Role is what a token may do.
type Role string

// The roles, each of which may do what those after it may.
const (
	RoleConsole Role = "console" // everything
	RolePOS     Role = "pos"     // sales, refunds, printing
	RoleRead    Role = "read"    // reading alone
)

// rank orders the roles; nobody, the caller without a token, is 0.
var rank = map[Role]int{RoleRead: 1, RolePOS: 2, RoleConsole: 3}

// Token lets a client in. A token without a secret lets nobody in.
type Token struct {
	Name   string // names the client in the log
	Role   Role
	Secret string // kept as its SHA-256 alone
}

// Options say what the server serves and to whom.
type Options struct {
	Store  *queue.Store
	Rules  trade.Rules
	Tokens []Token
	// TokenList has further tokens, which may come and go while the server runs;
	// without a Path there are none.
	TokenList TokenList
	// Port is the TCP port that the Host header must carry, beside
	// 127.0.0.1, localhost, [::1] or one of Hosts.
	Port    int
	Hosts   []string // further names, each as "name" (with Port) or "name:port"
	TLS     bool     // the listeners speak TLS: pages of the API itself are of https
	Origins []string // web pages that may call, each as a browser writes it: "https://pos.example.cn"
	Version string
	// Around tells how platform, printers and disk are now; nil means unknown.
	Around func(context.Context) Around
	// Preview draws the receipt of a sale as it prints; nil means that there is
	// no printer to draw it for.
	Preview func(context.Context, *queue.Record) (Drawing, error)
	// Drawers open the cash drawers, by the printer's name, and say what came of
	// it, PaperHeld with a cause where nothing was sent.
	Drawers map[string]func(context.Context) (trade.PrintEvent, string)
	// Push takes a push of the platform (2.13) as it was sent and gives the
	// signed reply; false where its signature or form does not hold. Nil where
	// the platform is not set up.
	Push func(ctx context.Context, raw []byte) (reply []byte, ok bool)
	// Accounts are the enterprise's accounts at the tax bureau, Files the files of
	// its invoices. Nil where the platform is not set up.
	Accounts Accounts
	Files    Files
	// Metrics are the figures that the agent counts; nil is of an agent that
	// counts none.
	Metrics *Metrics
	// Logs gives at most so many of the log's last lines, each a JSON object,
	// oldest first; nil is of an agent that keeps none.
	Logs func(lines int) ([]json.RawMessage, error)
	// Poke, where not nil, hears of each sale for which something was taken: a
	// sale, a refund, a wish to retry. It must not block.
	Poke func(saleID string)
	Log  *slog.Logger // nil discards
}

func (o Options) scheme() string {
	if o.TLS {
		return "https"
	}
	return "http"
}

// Drawing is a receipt as it prints.
type Drawing interface {
	Text() string
	Height() int // of the picture, in dots
	Picture() image.Image
	SVG() []byte
}

// Around is how the agent's surroundings are.
type Around struct {
	Platform Platform
	Printers []Printer // that are configured, trade.ReceiptPrinter first
	Disk     *Disk     // of the data folder; nil: unknown
}

// Disk is how much room a disk has.
type Disk struct {
	Free uint64 // bytes that the service may still fill
}

// printer finds a printer by its name.
func (a Around) printer(name string) (p Printer, ok bool) {
	i := slices.IndexFunc(a.Printers, func(p Printer) bool { return p.Name == name })
	if i < 0 {
		return Printer{}, false
	}
	return a.Printers[i], true
}

// Platform is how the invoicing platform is.
type Platform struct {
	Configured  bool
	Online      bool
	LastContact time.Time     // zero: never
	ClockSkew   time.Duration // the till's clock minus the platform's
}

// Printer is how a printer is.
type Printer struct {
	Name    string
	Port    string
	Profile string
	State   string    // ready, paper_low, paper_out, cover_open, offline, error
	SeenAt  time.Time // zero: never
	Confirm string    // how it proves what is printed: process_id, status, realtime (no proof), none
}

// Server answers the local API's calls. It is safe for concurrent use.
type Server struct {
	o       Options
	log     *slog.Logger
	guard   guard
	limits  limits
	crowd   *crowd
	streams streams
	started time.Time
	running context.Context // ends at Stop
	stop    context.CancelFunc
	ready   readiness
}

// New makes a server. It listens to nothing: see Listen and HTTPServer.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics()
	}
	s := &Server{o: o, log: o.Log, guard: newGuard(o), limits: newLimits(), crowd: newCrowd(),
		streams: streams{quiet: quietTime, patience: patience}, started: time.Now()}
	s.running, s.stop = context.WithCancel(context.Background())
	return s
}

// Stop refuses new writes with 503, answers those who wait for a QR code or for
// the platform at once, and ends event streams. Reading goes on until the HTTP server is shut down.
func (s *Server) Stop() { s.stop() }

// The limits of a request.
const (
	maxBody     = 1 << 20 // bytes
	maxHeader   = 16 << 10
	maxWait     = 30 * time.Second // of wait=
	headerTime  = 2 * time.Second
	bodyTime    = 10 * time.Second
	idleTime    = 30 * time.Second
	storeTime   = 10 * time.Second // for the database to take or give something
	aroundTime  = 2 * time.Second
	callTime    = 30 * time.Second // for the platform, where a person waits for it
	answerSlack = 10 * time.Second // to write the answer
)

// netHTTPSlack is what net/http reads of a header beyond MaxHeaderBytes.
const netHTTPSlack = 4 << 10

// HTTPServer gives an HTTP server with the handler and the limits of the local
// API. Its listeners share the limit of open connections.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       headerTime + bodyTime,
		WriteTimeout:      bodyTime + storeTime + maxWait + answerSlack,
		IdleTimeout:       idleTime,
		ConnContext:       s.crowd.arrive,
		ConnState:         s.crowd.moved,
		MaxHeaderBytes:    maxHeader - netHTTPSlack,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		// OPTIONS * is guarded like everything else.
		DisableGeneralOptionsHandler: true,
	}
}
