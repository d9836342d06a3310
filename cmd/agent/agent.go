package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
	"tillagent/piaotong"
	"tillagent/printer"
	"tillagent/queue"
	"tillagent/trade"
	"tillagent/worker"
)

// stopWithin is how long a stop may take: the job on paper is finished, calls
// under way get their answer or become unknown.
const stopWithin = 5 * time.Second

// agent is the running service: its parts in the order in which they stop.
type agent struct {
	api       *localapi.Server
	http      *http.Server
	listeners []net.Listener
	cert      *localapi.Certificate // nil: plain http, on the loopback alone
	stopWork  context.CancelFunc    // ends claiming
	endWork   context.CancelFunc    // ends what was claimed
	worked    chan struct{}
	devices   []*printer.Device
	platform  *piaotong.Client // nil where the platform is not set up
	store     *queue.Store
	log       *slog.Logger
	token     string
	dropToken localapi.Token
	serving   sync.WaitGroup
	failed    chan error
}

// dialer opens a printer's port in a way of its own; nil is by the
// configuration.
type dialer func(context.Context) (printer.Conn, error)

// start assembles the agent and starts it. What was started before an error is
// stopped again.
func start(cfg *config.Config, dials dialers, log *slog.Logger) (a *agent, err error) {
	a = &agent{log: log, worked: make(chan struct{}), failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			a.stop()
		}
	}()
	if err = os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return a, fmt.Errorf("%s: %w", say("无法建立数据目录", "cannot make the data folder"), err)
	}
	goods, err := openCatalogue(cfg.Tax)
	if err != nil {
		return a, err
	}
	profile, err := profileOf(cfg.Printer)
	if err != nil {
		return a, err
	}
	shop, templateErr, err := shopOf(cfg, profile)
	if err != nil {
		return a, err
	}
	stations, err := stationsOf(cfg, shop)
	if err != nil {
		return a, err
	}
	qrWait := cfg.Receipt.QRWait
	if !callsPlatform(cfg) {
		qrWait = 0 // nobody fetches a QR code, so no receipt waits for one
	}
	var names []string
	for _, s := range stations {
		names = append(names, s.Name)
	}
	buyers, err := dataKey(cfg, buyerKey)
	if err != nil {
		return a, err
	}
	metrics := localapi.NewMetrics(names...)
	qo := queue.Options{Path: databasePath(cfg), BackupDir: cfg.Backup.Dir, Prefix: cfg.Piaotong.PlatformPrefix,
		TillCode: cfg.Piaotong.TillCode, QRValid: cfg.Piaotong.QRValid, QRWait: qrWait, Training: cfg.Receipt.Training, BuyerKey: buyers,
		SlipLater: cfg.Receipt.Deferred == "slip", Pause: worker.Pause(cfg.Piaotong.Poll.Fast, cfg.Piaotong.Poll.Slow), Committed: metrics.Committed, Log: log}
	storeNames(cfg, &qo)
	if a.store, err = queue.Open(qo); err != nil {
		return a, err
	}
	if templateErr != nil {
		log.Error("the receipt's template is wrong; the built-in one is used", "err", templateErr)
	}
	if err = tellTemplate(a.store, templateErr); err != nil {
		return a, err
	}
	if err = tellPlainHTTP(a.store, cfg.Piaotong); err != nil {
		return a, err
	}
	o := worker.Options{Store: a.store, Training: cfg.Receipt.Training, Concurrency: cfg.Piaotong.Concurrency, QRWait: qrWait, Observer: metrics, Log: log,
		Issuer: worker.Issuer{TaxpayerNum: cfg.Piaotong.TaxpayerNum, EnterpriseName: cfg.Piaotong.EnterpriseName, ShopNum: cfg.Piaotong.ShopNum,
			DrawerName: cfg.Piaotong.DrawerName, CashierName: cfg.Piaotong.CashierName, ReviewerName: cfg.Piaotong.ReviewerName}}
	var w *worker.Worker
	if o.Printers, err = a.openPrinters(stations, dials, func(name string, s printer.Status) { w.PrinterSaw(name, s) }); err != nil {
		return a, err
	}
	clock := &worker.Clock{}
	o.Clock = clock
	switch {
	case callsPlatform(cfg):
		if a.platform, err = platformOf(cfg.Piaotong, clock, log); err != nil {
			return a, err
		}
		o.Platform = a.platform
	case cfg.Receipt.Training:
		log.Warn("training: nothing is sold, nothing goes to the platform, and the paper says so")
	default:
		log.Warn("the platform is not set up: sales are kept and printed without QR codes")
	}
	w = worker.New(o)
	if err = a.listen(cfg, rulesFor(goods.rules(), profile, stations), w, stations, preview(a.store, profile, shop), metrics); err != nil {
		return a, err
	}
	var drop *dropbox
	if cfg.Dropbox.Dir != "" {
		if drop, err = newDropbox(cfg.Dropbox.Dir, a, a.dropToken); err != nil {
			return a, err
		}
		if callsPlatform(cfg) {
			drop.clockRight = clock.Agrees
		}
	}
	stop, stopWork := context.WithCancel(context.Background())
	work, endWork := context.WithCancel(context.Background())
	a.stopWork, a.endWork = stopWork, endWork
	go func() {
		defer close(a.worked)
		w.Run(stop, work)
	}()
	a.serving.Go(func() { goods.follow(stop, a.store, log) })
	if drop != nil {
		a.serving.Go(func() { drop.run(stop) })
	}
	a.serving.Go(func() {
		if err := a.store.Upkeep(stop, upkeepOf(cfg, clock)); err != nil {
			a.failed <- err
		}
	})
	for _, l := range a.listeners {
		a.serving.Go(func() {
			if err := a.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				a.failed <- err
			}
		})
	}
	log.Info("agent started", "listen", a.url(), "data", cfg.DataDir, "printers", names)
	return a, nil
}

// listen opens the local API's listeners and makes its server.
func (a *agent) listen(cfg *config.Config, rules trade.Rules, w *worker.Worker, stations []station, draw drawingOf, metrics *localapi.Metrics) (err error) {
	if a.token, err = localapi.TokenFile(ownTokenFile(cfg)); err != nil {
		return err
	}
	tokens := []localapi.Token{{Name: ownToken, Role: localapi.RoleConsole, Secret: a.token}}
	if cfg.Dropbox.Dir != "" {
		a.dropToken = dropToken()
		tokens = append(tokens, a.dropToken)
	}
	for _, t := range cfg.API.Tokens {
		tokens = append(tokens, localapi.Token{Name: t.Name, Role: localapi.Role(t.Role), Secret: t.Token.Reveal()})
	}
	if a.cert, err = certificateOf(cfg.API, a.log); err != nil {
		return err
	}
	if nobodyOutside(cfg.API) {
		a.log.Warn("other machines may call by no name yet: api.hosts names none", "key", "api.hosts")
	}
	if a.listeners, err = localapi.Listen(cfg.API.Listen, a.cert, cfg.API.AllowRemote); err != nil {
		return fmt.Errorf("%s: %w", say("无法监听本机端口(可能已有一个代理在运行;可用 --listen 或 [api] listen 换端口)",
			"cannot listen (another agent may be running; choose another port with --listen or [api] listen)"), err)
	}
	o := localapi.Options{Store: a.store, Rules: rules, Tokens: tokens, TokenList: tokenList(cfg), Port: a.port(), TLS: a.cert != nil, Hosts: servedHosts(cfg.API), Origins: cfg.API.Origins,
		Version: version, Metrics: metrics, Log: a.log, Around: around(cfg, stations, w),
		Preview: draw, Drawers: drawers(stations, w), Logs: lastLines(cfg)}
	if a.platform != nil {
		o.Push, o.Accounts, o.Files = a.pushed, w, invoiceFiles{a.platform, cfg.Piaotong.TaxpayerNum}
	}
	a.api = localapi.New(o)
	a.http = a.api.HTTPServer()
	return nil
}

// stop ends the agent in order: no new calls, no new claims, then what is
// under way, the port, the database. It takes at most stopWithin, after which
// what is under way is given up and asked about at the next start.
func (a *agent) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if a.api != nil {
		a.api.Stop()
	}
	if a.stopWork != nil {
		a.stopWork()
	}
	if a.http != nil {
		quiet, done := context.WithTimeout(ctx, time.Second)
		if err := a.http.Shutdown(quiet); err != nil {
			_ = a.http.Close() // callers that hang on are cut off; what they posted is stored
		}
		done()
		a.serving.Wait()
	}
	if a.stopWork != nil {
		select {
		case <-a.worked:
		case <-time.After(stopWithin - 2*time.Second):
			a.endWork()
			<-a.worked
		}
		a.endWork()
	}
	a.closePrinters()
	if a.platform != nil {
		a.platform.Close()
	}
	if a.store != nil {
		a.warn("close the database", a.store.Close())
	}
}

func (a *agent) warn(what string, err error) {
	if err != nil {
		a.log.Warn("cannot "+what, "err", err)
	}
}

func (a *agent) port() int { return a.listeners[0].Addr().(*net.TCPAddr).Port }

// tellPlainHTTP raises or ends the alert that calls go to the platform without TLS.
func tellPlainHTTP(store *queue.Store, c config.Piaotong) error {
	if !plainHTTP(c) {
		return store.Clear(trade.AlertCredentials, "http")
	}
	return store.Raise(trade.Raise{Kind: trade.AlertCredentials, Subject: "http", Title: trade.Say(trade.PlatformPlain), Action: trade.Say(trade.PlatformPlainDo)})
}

func plainHTTP(c config.Piaotong) bool { return strings.HasPrefix(c.BaseURL, "http:") && c.AllowHTTP }

// platformOf makes the client of the platform with the keys of a configuration.
func platformOf(c config.Piaotong, clock *worker.Clock, log *slog.Logger) (*piaotong.Client, error) {
	keys, err := readKeys(c)
	if err != nil {
		return nil, err
	}
	return clientOf(c, keys, clock, log)
}

// clientOf makes the client of the platform with these keys.
func clientOf(c config.Piaotong, keys platformKeys, clock *worker.Clock, log *slog.Logger) (*piaotong.Client, error) {
	return piaotong.New(piaotong.Options{BaseURL: c.BaseURL, AllowHTTP: c.AllowHTTP, PlatformCode: c.PlatformCode, PlatformPrefix: c.PlatformPrefix,
		DES3Key: c.DES3Key.Reveal(), PrivateKey: keys.own, PlatformKey: keys.peer, Next: keys.next, Timeout: c.Timeout, Endpoints: c.Endpoints,
		OnDate: clock.SawDate, Now: clock.Now, Logger: log})
}

// pushed takes a push of the platform (2.13): a hint to ask about an invoice.
// It answers "stored" only when the hint is on disk; an invoice that is none of
// ours is noted and answered the same, so that it is not sent again for ever.
func (a *agent) pushed(ctx context.Context, raw []byte) (reply []byte, ok bool) {
	p, err := a.platform.Codec().OpenInvoicePush(raw)
	if err != nil {
		a.log.Warn("a push does not verify", "err", err)
		return nil, false
	}
	qrNo := p.QRCodeNo
	if p.Type != piaotong.TypeBlue {
		qrNo = "" // a code leads to blue invoices alone
	}
	known, err := a.store.HintInvoice(ctx, qrNo, p.ReqSerialNo)
	if err != nil {
		a.log.Error("cannot store a push", "serial", p.ReqSerialNo, "err", err)
	} else {
		a.log.Info("push", "serial", p.ReqSerialNo, "type", p.Type, "code", p.Code, "known", known)
	}
	if reply, err = a.platform.Codec().SealPushReply(p, err == nil); err != nil {
		a.log.Error("cannot answer a push", "err", err)
		return nil, false
	}
	return reply, true
}

// callsPlatform tells whether the platform is set up and may be called: nothing
// of training goes there.
func callsPlatform(cfg *config.Config) bool {
	return cfg.Piaotong.Configured() && !cfg.Receipt.Training
}

// around is what the local API tells of platform, printers and disk.
func around(cfg *config.Config, stations []station, w *worker.Worker) func(context.Context) localapi.Around {
	return func(ctx context.Context) localapi.Around {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		online, contact, skew := w.PlatformStatus()
		now := localapi.Around{
			Platform: localapi.Platform{Configured: callsPlatform(cfg), Online: online, LastContact: contact, ClockSkew: -skew},
			Printers: printersNow(ctx, stations, w),
		}
		if free, err := freeSpace(cfg.DataDir); err == nil {
			now.Disk = &localapi.Disk{Free: free}
		}
		return now
	}
}
