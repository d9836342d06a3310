package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/printer"
	"tillagent/queue"
	"tillagent/trade"
)

// catalogueEvery is how often the catalogue's file is looked at.
const catalogueEvery = 10 * time.Second

// catalogue is what the shop knows of its goods. It fills in what a POS leaves
// out of a line, and follows its file while the agent runs: a good one takes
// the place of the old, a bad one is told of and the old one stays.
type catalogue struct {
	path     string     // "" = no file
	fallback trade.Line // of [tax], for what neither POS nor file say
	goods    atomic.Pointer[goods]

	// What follows belongs to look.
	store *queue.Store
	log   *slog.Logger
	read  stamp  // of the file that was read last, zero where it is to be read again
	seen  stamp  // at the last look, zero where there was no file
	bad   string // what was wrong with it when it was read last
}

// stamp tells whether a file has changed.
type stamp struct {
	modified int64 // ns since 1970
	size     int64
}

func stampOf(i os.FileInfo) stamp { return stamp{i.ModTime().UnixNano(), i.Size()} }

// openCatalogue reads the catalogue that [tax] names. Its errors are reported
// all at once.
func openCatalogue(tax config.Tax) (*catalogue, error) {
	c := &catalogue{path: tax.Catalogue, fallback: trade.Line{TaxCode: tax.Code, Rate: trade.NoRate}}
	if tax.Rate != "" {
		r, err := trade.ParseRate(tax.Rate)
		if err != nil {
			return nil, fmt.Errorf("tax.rate: %w", err)
		}
		c.fallback.Rate = r
	}
	c.goods.Store(&goods{})
	if c.path == "" {
		return c, nil
	}
	g, at, err := readGoods(c.path)
	if err != nil {
		return nil, &config.Wrong{Key: "tax.catalogue", Err: err}
	}
	c.goods.Store(&g)
	c.read, c.seen = at, at
	return c, nil
}

// rules are what a sale is checked by: what the printers and the platform can
// write, and what is filled in.
func (c *catalogue) rules() trade.Rules {
	return trade.Rules{Encodable: printer.Encodable, Fill: c.fill}
}

// fill completes what a line leaves out: by its sku, then by [tax].
func (c *catalogue) fill(l *trade.Line) {
	if known, ok := (*c.goods.Load())[l.SKU]; ok {
		complete(l, known)
	}
	complete(l, c.fallback)
}

func complete(l *trade.Line, from trade.Line) {
	l.Name, l.Unit, l.Spec = cmp.Or(l.Name, from.Name), cmp.Or(l.Unit, from.Unit), cmp.Or(l.Spec, from.Spec)
	l.TaxCode = cmp.Or(l.TaxCode, from.TaxCode)
	if l.Rate == trade.NoRate {
		l.Rate = from.Rate
	}
	if l.Rate == from.Rate { // the flag says why the rate is zero
		l.ZeroTaxFlag = cmp.Or(l.ZeroTaxFlag, from.ZeroTaxFlag)
	}
}

// follow looks after the file until stop.
func (c *catalogue) follow(stop context.Context, store *queue.Store, log *slog.Logger) {
	c.store, c.log = store, log
	c.warn(store.Clear(trade.AlertCatalogue, "")) // of an earlier run: this one began with a good file, or has none
	if c.path == "" {
		return
	}
	tick := time.NewTicker(catalogueEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop.Done():
			return
		case <-tick.C:
			c.look()
		}
	}
}

// look reads the file if it has changed. One that has changed since the last
// look may be half written: it is left alone until it rests.
func (c *catalogue) look() {
	info, err := os.Stat(c.path)
	now := stamp{}
	if err == nil {
		now = stampOf(info)
	}
	rests := now == c.seen
	c.seen = now
	if !rests || err == nil && now == c.read {
		return
	}
	var g goods
	if err == nil {
		g, now, err = readGoods(c.path)
	}
	c.read = now
	wrong, ok := errors.AsType[*goodsError](err)
	if err != nil && !ok {
		c.read = stamp{} // it could not be opened or read: try again
	}
	if err == nil {
		c.take(g)
	} else {
		c.refuse(err, wrong)
	}
}

func (c *catalogue) take(g goods) {
	c.goods.Store(&g)
	c.bad = ""
	c.log.Info("catalogue read", "file", c.path, "goods", len(g))
	c.warn(c.store.Clear(trade.AlertCatalogue, ""))
}

// refuse tells what is wrong with the file, once.
func (c *catalogue) refuse(err error, wrong *goodsError) {
	if err.Error() == c.bad {
		return
	}
	alert := trade.Raise{Kind: trade.AlertCatalogue, Title: trade.Say(trade.GoodsUnread, nameless(err)), Action: trade.Say(trade.GoodsBadDo)}
	if wrong != nil {
		alert.Title, alert.Detail = trade.Say(trade.GoodsBad, fmt.Sprint(wrong.count())), wrong.detail()
		for _, p := range wrong.problems {
			c.log.Warn("the catalogue is not taken", "problem", wrong.text(p, trade.Lang(lang)))
		}
	} else {
		c.log.Warn("the catalogue is not taken", "err", err)
	}
	if err := c.store.Raise(alert); err != nil {
		c.warn(err)
		return
	}
	c.bad = err.Error()
}

// nameless is why a file cannot be read without its folder: alerts go out of
// the house.
func nameless(err error) string {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return filepath.Base(of.Path) + ": " + of.Err.Error()
	}
	return err.Error()
}

// warn notes that an alert could not be stored; the file is read again for it.
func (c *catalogue) warn(err error) {
	if err != nil {
		c.log.Error("cannot store an alert of the catalogue", "err", err)
		c.read = stamp{}
	}
}
