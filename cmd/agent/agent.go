package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the forms of a shop's logo
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
	"tillagent/piaotong"
	"tillagent/printer"
	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
	"tillagent/worker"
)

// maxConnections bounds the local API's open connections.
const maxConnections = 128

// stopWithin is how long a stop may take: the job on paper is finished, calls
// under way get their answer or become unknown.
const stopWithin = 5 * time.Second

// agent is the running service: its parts in the order in which they stop.
type agent struct {
	api       *localapi.Server
	http      *http.Server
	listeners []net.Listener
	stopWork  context.CancelFunc // ends claiming
	endWork   context.CancelFunc // ends what was claimed
	worked    chan struct{}
	device    *printer.Device
	platform  *piaotong.Client
	codec     *piaotong.Codec // nil, like platform, where the platform is not set up
	store     *queue.Store
	log       *slog.Logger
	token     string
	serving   sync.WaitGroup
	failed    chan error
}

// dialer opens the printer's port in a way of its own; nil is by the
// configuration.
type dialer func(context.Context) (printer.Conn, error)

// start assembles the agent and starts it. What was started before an error is
// stopped again.
func start(cfg *config.Config, dial dialer, log *slog.Logger) (a *agent, err error) {
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
	shop, err := shopOf(cfg, profile)
	if err != nil {
		return a, err
	}
	hasPrinter := cfg.Printer.Port != ""
	qrWait := cfg.Receipt.QRWait
	if !cfg.Piaotong.Configured() {
		qrWait = 0 // nobody fetches a QR code, so no receipt waits for one
	}
	a.store, err = queue.Open(queue.Options{Path: databasePath(cfg), BackupDir: cfg.Backup.Dir, Prefix: cfg.Piaotong.PlatformPrefix,
		TillCode: cfg.Piaotong.TillCode, QRValid: cfg.Piaotong.QRValid, Printer: hasPrinter, QRWait: qrWait,
		SlipLater: cfg.Receipt.Deferred == "slip", Pause: worker.Pause(cfg.Piaotong.Poll.Fast, cfg.Piaotong.Poll.Slow), Log: log})
	if err != nil {
		return a, err
	}
	o := worker.Options{Store: a.store, Profile: profile, Shop: shop, Concurrency: cfg.Piaotong.Concurrency, QRWait: qrWait, Log: log,
		Issuer: worker.Issuer{TaxpayerNum: cfg.Piaotong.TaxpayerNum, EnterpriseName: cfg.Piaotong.EnterpriseName, ShopNum: cfg.Piaotong.ShopNum,
			DrawerName: cfg.Piaotong.DrawerName, CashierName: cfg.Piaotong.CashierName, ReviewerName: cfg.Piaotong.ReviewerName}}
	if hasPrinter {
		if a.device, err = deviceOf(cfg.Printer, profile, dial, log); err != nil {
			return a, err
		}
		o.Printer = a.device
	}
	clock := &worker.Clock{}
	o.Clock = clock
	if cfg.Piaotong.Configured() {
		if a.platform, a.codec, err = platformOf(cfg.Piaotong, clock, log); err != nil {
			return a, err
		}
		o.Platform = a.platform
	} else {
		log.Warn("the platform is not set up: sales are kept and printed without QR codes")
	}
	w := worker.New(o)
	if err = a.listen(cfg, goods.rules(), w, profile, shop); err != nil {
		return a, err
	}
	stop, stopWork := context.WithCancel(context.Background())
	work, endWork := context.WithCancel(context.Background())
	a.stopWork, a.endWork = stopWork, endWork
	go func() {
		defer close(a.worked)
		w.Run(stop, work)
	}()
	a.serving.Go(func() { goods.follow(stop, a.store, log) })
	a.serving.Go(func() {
		if err := a.store.Upkeep(stop, upkeepOf(cfg)); err != nil {
			a.failed <- err
		}
	})
	for _, l := range a.listeners {
		a.serving.Go(func() {
			if err := a.http.Serve(localapi.Limit(l, maxConnections/len(a.listeners))); !errors.Is(err, http.ErrServerClosed) {
				a.failed <- err
			}
		})
	}
	log.Info("agent started", "listen", a.url(), "data", cfg.DataDir, "printer", cfg.Printer.Port)
	return a, nil
}

// listen opens the local API's listeners and makes its server.
func (a *agent) listen(cfg *config.Config, rules trade.Rules, w *worker.Worker, profile printer.Profile, shop receipt.Shop) (err error) {
	if a.token, err = localapi.TokenFile(filepath.Join(cfg.DataDir, "api-token")); err != nil {
		return err
	}
	tokens := []localapi.Token{{Name: "api-token", Role: localapi.RoleConsole, Secret: a.token}}
	for _, t := range cfg.API.Tokens {
		tokens = append(tokens, localapi.Token{Name: t.Name, Role: localapi.Role(t.Role), Secret: t.Token.Reveal()})
	}
	if a.listeners, err = localapi.Listen(cfg.API.Listen); err != nil {
		return fmt.Errorf("%s: %w", say("无法监听本机端口(可能已有一个代理在运行;可用 --listen 或 [api] listen 换端口)",
			"cannot listen (another agent may be running; choose another port with --listen or [api] listen)"), err)
	}
	o := localapi.Options{Store: a.store, Rules: rules, Tokens: tokens, Port: a.port(), Hosts: cfg.API.Hosts, Origins: cfg.API.Origins,
		Version: version, Log: a.log, Around: around(cfg, w), Preview: preview(profile, shop)}
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
	if a.device != nil {
		a.warn("close the printer", a.device.Close())
	}
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

func (a *agent) url() string { return "http://127.0.0.1:" + strconv.Itoa(a.port()) }

// profileOf picks the printer's model: auto is the generic one of the paper.
func profileOf(c config.Printer) (printer.Profile, error) {
	name := c.Profile
	if name == "auto" {
		name = "generic-" + strings.TrimSuffix(c.Paper, "mm")
	}
	p, ok := printer.ProfileByName(name)
	if !ok {
		var names []string
		for _, p := range printer.Profiles() {
			names = append(names, p.Name)
		}
		return p, fmt.Errorf("printer.profile: %s: auto, %s", say("没有这个型号,可用", "no such model, there are"), strings.Join(names, ", "))
	}
	switch c.QR {
	case "native":
		p.NativeQR = true
	case "raster":
		p.NativeQR = false
	}
	return p, nil
}

func shopOf(cfg *config.Config, p printer.Profile) (receipt.Shop, error) {
	s := receipt.Shop{Header: cfg.Receipt.Header, Footer: cfg.Receipt.Footer, Columns: p.Columns}
	switch cfg.Printer.Drawer {
	case "pin2":
		s.DrawerPin = 2
	case "pin5":
		s.DrawerPin = 5
	}
	if cfg.Receipt.Logo != "" {
		f, err := os.Open(cfg.Receipt.Logo)
		if err != nil {
			return s, fmt.Errorf("receipt.logo: %w", err)
		}
		defer f.Close()
		if s.Logo, _, err = image.Decode(io.LimitReader(f, 4<<20)); err != nil {
			return s, fmt.Errorf("receipt.logo: %s: %w", say("须为 4 MB 以内的 PNG、JPEG 或 GIF", "must be a PNG, JPEG or GIF of at most 4 MB"), err)
		}
	}
	return s, nil
}

var confirms = map[string]printer.Confirm{"auto": printer.ConfirmAuto, "process_id": printer.ConfirmProcessID, "status": printer.ConfirmStatus, "none": printer.ConfirmNone}

func deviceOf(c config.Printer, p printer.Profile, dial dialer, log *slog.Logger) (*printer.Device, error) {
	if c.Flow != "none" {
		return nil, fmt.Errorf("printer.flow: %s", say("本版本只支持 none(靠打印机应答控速)", "this version knows only none (it paces by the printer's answers)"))
	}
	d, err := printer.NewDevice(printer.Options{Port: c.Port, Baud: c.Baud, DataBits: c.DataBits, StopBits: c.StopBits, Parity: c.Parity,
		Dial: dial, Profile: p, Confirm: confirms[c.Confirm], Logger: log})
	if err != nil {
		return nil, fmt.Errorf("printer.port: %w", err)
	}
	return d, nil
}

// platformOf makes the client of the platform, and the codec for its pushes.
func platformOf(c config.Piaotong, clock *worker.Clock, log *slog.Logger) (*piaotong.Client, *piaotong.Codec, error) {
	private, err := os.ReadFile(c.PrivateKeyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("piaotong.private_key_file: %w", err)
	}
	own, err := piaotong.ParsePrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("piaotong.private_key_file: %s: %w", c.PrivateKeyFile, err)
	}
	public, err := os.ReadFile(c.PlatformPublicKeyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("piaotong.platform_public_key_file: %w", err)
	}
	peer, err := piaotong.ParsePublicKey(public)
	if err != nil {
		return nil, nil, fmt.Errorf("piaotong.platform_public_key_file: %s: %w", c.PlatformPublicKeyFile, err)
	}
	if strings.HasPrefix(c.BaseURL, "http:") && c.AllowHTTP {
		log.Warn("the platform is called over plain http, as allow_http says")
	}
	client, err := piaotong.New(piaotong.Options{BaseURL: c.BaseURL, AllowHTTP: c.AllowHTTP, PlatformCode: c.PlatformCode, PlatformPrefix: c.PlatformPrefix,
		DES3Key: c.DES3Key.Reveal(), PrivateKey: own, PlatformKey: peer, Timeout: c.Timeout, Endpoints: c.Endpoints, OnDate: clock.SawDate, Now: clock.Now, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	codec, err := piaotong.NewCodec(own, peer, c.DES3Key.Reveal())
	return client, codec, err
}

// pushed takes a push of the platform (2.13): a hint to ask about an invoice.
// It answers "stored" only when the hint is on disk; an invoice that is none of
// ours is noted and answered the same, so that it is not sent again for ever.
func (a *agent) pushed(ctx context.Context, raw []byte) (reply []byte, ok bool) {
	p, err := a.codec.OpenInvoicePush(raw)
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
	if reply, err = a.codec.SealPushReply(p, err == nil); err != nil {
		a.log.Error("cannot answer a push", "err", err)
		return nil, false
	}
	return reply, true
}

// around is what the local API tells of platform and printer.
func around(cfg *config.Config, w *worker.Worker) func(context.Context) localapi.Around {
	return func(ctx context.Context) localapi.Around {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		online, contact, skew := w.PlatformStatus()
		s := w.PrinterStatus(ctx)
		return localapi.Around{
			Platform: localapi.Platform{Configured: cfg.Piaotong.Configured(), Online: online, LastContact: contact, ClockSkew: -skew},
			Printer: localapi.Printer{Configured: cfg.Printer.Port != "", Port: cfg.Printer.Port, Profile: w.Profile.Name,
				State: string(s.State), SeenAt: s.At},
		}
	}
}

// preview draws a sale's receipt as it prints.
func preview(p printer.Profile, shop receipt.Shop) func(*queue.Record) (string, image.Image, error) {
	return func(r *queue.Record) (string, image.Image, error) {
		doc := shop.Layout(receipt.Paper{Kind: trade.PaperReceipt, Sale: r.Sale, Standing: r.Standing})
		return printer.Text(doc, p), printer.Draw(doc, p), nil
	}
}
