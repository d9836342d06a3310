package main

import (
	"context"
	"log/slog"
	"sync"

	"tillagent/cmd/agent/config"
	"tillagent/localapi"
	"tillagent/printer"
	"tillagent/queue"
	"tillagent/receipt"
	"tillagent/trade"
	"tillagent/worker"
)

// dialers open the ports of printers in ways of their own, by the printers'
// names; one that is not there is opened by the configuration.
type dialers map[string]dialer

// station is a printer of the configuration with its model, and the shop's paper
// as it fits on it.
type station struct {
	config.Printer
	profile printer.Profile
	shop    receipt.Shop
}

// stationsOf are the printers that have a port. shop is what the shop wants on
// all of them.
func stationsOf(cfg *config.Config, shop receipt.Shop) (all []station, err error) {
	for _, c := range cfg.Plugged() {
		s := station{Printer: c, shop: shop}
		if s.profile, err = profileOf(c); err != nil {
			return nil, err
		}
		s.shop.Columns, s.shop.DrawerPin = s.profile.Columns, drawerPins[c.Drawer]
		all = append(all, s)
	}
	return all, nil
}

// section is where the configuration has a printer.
func section(c config.Printer) string {
	if c.Name == "" || c.Name == config.ReceiptPrinter {
		return "printer"
	}
	return "printers." + c.Name
}

// wrongOf says that a value of a printer in the configuration cannot be used.
func wrongOf(c config.Printer, key string, err error) error {
	return &config.Wrong{Key: section(c) + "." + key, Err: err}
}

// storeNames tells the database which printers there are.
func storeNames(cfg *config.Config, o *queue.Options) {
	o.Printer = cfg.Printer.Port != ""
	for _, p := range cfg.Printers {
		o.Printers = append(o.Printers, p.Name)
		if p.Tickets {
			o.Tickets = append(o.Tickets, p.Name)
		}
	}
}

// openPrinters makes the devices; their ports are opened when the worker runs,
// and saw is told what they see.
func (a *agent) openPrinters(all []station, dials dialers, saw func(string, printer.Status)) (printers []worker.Printer, err error) {
	for _, s := range all {
		o := printerOptions(s.Printer, s.profile, a.log.With("printer", s.Name))
		o.Store = proofs{a.store, a.log}
		o.OnStatus = func(seen printer.Status) { saw(s.Name, seen) }
		device, err := deviceOf(s.Printer, o, dials[s.Name])
		if err != nil {
			return nil, err
		}
		a.devices = append(a.devices, device)
		printers = append(printers, worker.Printer{Name: s.Name, Device: device, Profile: s.profile, Shop: s.shop, Beep: s.Beeper})
	}
	return printers, nil
}

// closePrinters closes all ports at the same time: one that hangs keeps the
// others from nothing.
func (a *agent) closePrinters() {
	var closing sync.WaitGroup
	for _, d := range a.devices {
		closing.Go(func() { a.warn("close a printer", d.Close()) })
	}
	closing.Wait()
}

// rulesFor has a POS's own lines checked for the paper on which they will stand.
// profile is that of the receipt printer, whether there is one or not.
func rulesFor(r trade.Rules, profile printer.Profile, all []station) trade.Rules {
	columns := map[string]int{config.ReceiptPrinter: profile.Columns}
	for _, s := range all {
		columns[s.Name] = s.profile.Columns
		if s.Name != config.ReceiptPrinter {
			r.Printers = append(r.Printers, s.Name)
		}
	}
	r.Lines = func(printer string, lines []byte) []trade.Problem {
		_, problems := receipt.Shop{Columns: columns[printer]}.Lines(lines, nil)
		return problems
	}
	return r
}

// printersNow asks all printers at the same time how they are: one that does not
// answer delays no other.
func printersNow(ctx context.Context, all []station, w *worker.Worker) []localapi.Printer {
	now := make([]localapi.Printer, len(all))
	var asking sync.WaitGroup
	for i, s := range all {
		asking.Go(func() {
			state, seen := w.PrinterStatus(ctx, s.Name)
			now[i] = localapi.Printer{Name: s.Name, Port: s.Port, Profile: s.profile.Name, State: string(state), SeenAt: seen, Confirm: w.PrinterProof(s.Name)}
		})
	}
	asking.Wait()
	return now
}

// drawers open the cash drawers, by their printers' names.
func drawers(all []station, w *worker.Worker) map[string]func(context.Context) (trade.PrintEvent, string) {
	open := map[string]func(context.Context) (trade.PrintEvent, string){}
	for _, s := range all {
		if s.shop.DrawerPin != 0 {
			open[s.Name] = func(ctx context.Context) (trade.PrintEvent, string) { return w.OpenDrawer(ctx, s.Name) }
		}
	}
	return open
}

// paperDialers open the paper printers within the process of the ports
// paper:DIR, until end.
func paperDialers(cfg *config.Config, log *slog.Logger) (dials dialers, end func(), err error) {
	dials = dialers{}
	var ends []func()
	end = func() {
		for _, f := range ends {
			f()
		}
	}
	for _, c := range cfg.Plugged() {
		dial, endOne, err := paperDialer(c, log)
		if err != nil {
			end()
			return nil, nil, err
		}
		dials[c.Name] = dial
		ends = append(ends, endOne)
	}
	return dials, end, nil
}
