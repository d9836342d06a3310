package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif" // the forms of a shop's logo
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
	"tillagent/printer"
	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
)

// profileOf picks the printer's model: auto is the generic one of the paper. A
// model of the shop's own file goes before a built-in one of the same name.
func profileOf(c config.Printer) (printer.Profile, error) {
	name := c.Profile
	if name == "auto" {
		name = "generic-" + strings.TrimSuffix(c.Paper, "mm")
	}
	models := printer.Profiles()
	if c.Profiles != "" {
		own, err := printer.LoadProfiles(c.Profiles)
		if err != nil {
			return printer.Profile{}, wrongOf(c, "profiles", err)
		}
		models = append(own, models...)
	}
	i := slices.IndexFunc(models, func(p printer.Profile) bool { return p.Name == name })
	if i < 0 {
		var names []string
		for _, p := range models {
			names = append(names, p.Name)
		}
		return printer.Profile{}, wrongOf(c, "profile", fmt.Errorf("%s: auto, %s", say("没有这个型号,可用", "no such model, there are"), strings.Join(names, ", ")))
	}
	p := models[i]
	switch c.QR {
	case "native":
		p.NativeQR = true
	case "raster":
		p.NativeQR = false
	}
	return p, nil
}

// shopOf is what the shop wants on its paper. A template that is wrong is told
// in templateErr, and the built-in one taken: the shop goes on selling.
func shopOf(cfg *config.Config, p printer.Profile) (s receipt.Shop, templateErr, err error) {
	s = receipt.Shop{Header: cfg.Receipt.Header, Footer: cfg.Receipt.Footer, Columns: p.Columns, DrawerPin: drawerPins[cfg.Printer.Drawer]}
	if cfg.Receipt.Template != "" {
		s.Template, templateErr = receipt.LoadTemplate(cfg.Receipt.Template)
	}
	if s.Logo, err = readLogo(cfg.Receipt.Logo); err != nil {
		return s, templateErr, err
	}
	key, err := dataKey(cfg, voucherKey)
	if err != nil {
		return s, templateErr, err
	}
	s.Voucher = receipt.Vouchers(key)
	return s, templateErr, nil
}

var drawerPins = map[string]int{"none": 0, "pin2": 2, "pin5": 5}

// The most that a logo may be: as a file, and unpacked.
const (
	maxLogoBytes  = 4 << 20
	maxLogoPixels = 4 << 20
)

// readLogo reads what [receipt] logo names; nil where it names none.
func readLogo(path string) (image.Image, error) {
	if path == "" {
		return nil, nil
	}
	wrong := func(err error) error { return &config.Wrong{Key: "receipt.logo", Err: err} }
	f, err := os.Open(path)
	if err != nil {
		return nil, wrong(err)
	}
	defer f.Close()
	bad := func(err error) error {
		return wrong(fmt.Errorf("%s: %w", say("须为 4 MB、400 万点以内的 PNG、JPEG 或 GIF", "must be a PNG, JPEG or GIF of at most 4 MB and 4 million pixels"), err))
	}
	size, _, err := image.DecodeConfig(io.LimitReader(f, maxLogoBytes))
	if err != nil {
		return nil, bad(err)
	}
	if int64(size.Width)*int64(size.Height) > maxLogoPixels {
		return nil, bad(fmt.Errorf("%d × %d", size.Width, size.Height))
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, wrong(err)
	}
	logo, _, err := image.Decode(io.LimitReader(f, maxLogoBytes))
	if err != nil {
		return nil, bad(err)
	}
	return logo, nil
}

// tellTemplate raises or ends the alert of a template that is wrong.
func tellTemplate(store *queue.Store, wrong error) error {
	if wrong == nil {
		return store.Clear(trade.AlertPrinter, "template")
	}
	return store.Raise(trade.Raise{Kind: trade.AlertPrinter, Subject: "template", Title: trade.Say(trade.TemplateBroken),
		Detail: trade.Say(trade.TimelineOther, wrong.Error()), Action: trade.Say(trade.TemplateBrokenDo)})
}

var confirms = map[string]printer.Confirm{"auto": printer.ConfirmAuto, "process_id": printer.ConfirmProcessID, "status": printer.ConfirmStatus, "none": printer.ConfirmNone}

// printerOptions are what a configuration says of the printer.
func printerOptions(c config.Printer, p printer.Profile, log *slog.Logger) printer.Options {
	return printer.Options{Port: c.Port, Baud: c.Baud, DataBits: c.DataBits, StopBits: c.StopBits, Parity: c.Parity, Flow: printer.Flow(c.Flow),
		Driver: c.Driver, Profile: p, Confirm: confirms[c.Confirm], Logger: log}
}

func deviceOf(c config.Printer, o printer.Options, dial dialer) (*printer.Device, error) {
	o.Dial = dial
	d, err := printer.NewDevice(o)
	if err != nil {
		return nil, wrongOf(c, "port", err)
	}
	return d, nil
}

// proofTime is how long the database may take for what is known of a printer.
const proofTime = 2 * time.Second

// proofs keep what was found out of a printer in the database.
type proofs struct {
	store *queue.Store
	log   *slog.Logger
}

// LoadProof implements printer.Store.
func (s proofs) LoadProof(port string) (p printer.Proof, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	defer cancel()
	note, err := s.store.PrinterNote(ctx, port)
	if err == nil && note != "" {
		err = json.Unmarshal([]byte(note), &p)
	}
	if err != nil {
		s.log.Warn("what was known of the printer cannot be read; it is asked again", "err", err)
		return printer.Proof{}, false
	}
	return p, note != ""
}

// SaveProof implements printer.Store.
func (s proofs) SaveProof(port string, p printer.Proof) error {
	note, err := json.Marshal(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	defer cancel()
	return s.store.SavePrinterNote(ctx, port, string(note))
}

// drawing is a receipt as it prints.
type drawing struct {
	printer.Doc
	printer.Profile
}

func (d drawing) Text() string         { return printer.Text(d.Doc, d.Profile) }
func (d drawing) Height() int          { return printer.Height(d.Doc, d.Profile) }
func (d drawing) Picture() image.Image { return printer.Draw(d.Doc, d.Profile) }
func (d drawing) SVG() []byte          { return printer.SVG(d.Doc, d.Profile) }

// drawingOf draws a sale's receipt.
type drawingOf func(context.Context, *queue.Record) (localapi.Drawing, error)

// preview draws a sale's receipt as it prints; where the POS made its bytes, what
// the agent puts into them.
func preview(store *queue.Store, p printer.Profile, shop receipt.Shop) drawingOf {
	return func(ctx context.Context, r *queue.Record) (localapi.Drawing, error) {
		content, err := store.Content(ctx, r.Sale.ID)
		if err != nil {
			return nil, err
		}
		doc, err := shop.Document(receipt.Paper{Kind: trade.PaperReceipt, Sale: r.Sale, Standing: r.Standing, Training: r.Training}, content)
		if err != nil {
			return nil, err
		}
		return drawing{doc, p}, nil
	}
}
