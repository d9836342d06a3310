package localapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

func (s *Server) postPrint(c *call) (any, error) {
	req, err := readPrintRequest(c.body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	var ps problems
	ps.append(s.o.Rules.CheckPrinter(req.printer)...)
	return s.takeJob(ctx, req.jobID, ps.failure(), func() (*queue.Print, error) {
		return s.o.Store.AskPrint(ctx, c.id, req.jobID, req.paper, req.printer, req.copies)
	})
}

// postOwnPrint prints what the POS laid out by itself, for no sale.
func (s *Server) postOwnPrint(c *call) (any, error) {
	req, err := readOwnPrint(c.body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	var ps problems
	ps.append(s.o.Rules.CheckContent(req.content, req.printer, req.copies)...)
	return s.takeJob(ctx, req.jobID, ps.failure(), func() (*queue.Print, error) {
		return s.o.Store.AcceptPrint(ctx, req.jobID, req.content, req.printer, req.copies)
	})
}

// takeJob stores a print job: 202, or 200 for a repetition. bad is what is wrong
// with it; one that is stored already is a repetition or a conflict even if
// today's printers would not take it.
func (s *Server) takeJob(ctx context.Context, jobID string, bad error, take func() (*queue.Print, error)) (any, error) {
	status := http.StatusOK
	switch _, err := s.o.Store.Print(ctx, jobID); {
	case errors.Is(err, queue.ErrNotFound) && bad != nil:
		return nil, bad
	case errors.Is(err, queue.ErrNotFound):
		status = http.StatusAccepted
	case err != nil:
		return nil, err
	}
	p, err := take()
	if err != nil {
		return nil, err
	}
	return result{status, jobPath(p.JobID), printJobResource(p)}, nil
}

// drawerTime is how long opening the drawer may take: a job that is on its way
// to paper is waited for.
const drawerTime = 8 * time.Second

// drawerJSON is what came of opening the drawer: printed, where the printer
// confirmed it, sent or uncertain.
type drawerJSON struct {
	State trade.PrintEvent `json:"state"`
}

// postDrawer opens a cash drawer, once. The journal has that somebody asked
// before the pulse leaves.
func (s *Server) postDrawer(c *call) (any, error) {
	printer, err := readDrawer(c.body)
	if err != nil {
		return nil, err
	}
	var ps problems
	ps.append(s.o.Rules.CheckPrinter(printer)...)
	if err := ps.failure(); err != nil {
		return nil, err
	}
	open := s.o.Drawers[printer]
	if open == nil {
		return nil, &failure{code: trade.ErrPrinterAway, detail: trade.Say(trade.DetailNoDrawer)}
	}
	if err := s.noteDrawer(c, printer, queue.DrawerAsked); err != nil {
		return nil, err
	}
	// A caller that hangs up does not stop the pulse half-way.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), drawerTime)
	defer cancel()
	e, cause := open(ctx)
	step := queue.DrawerOpened
	switch e {
	case trade.PaperHeld, trade.PaperFailed:
		step = queue.DrawerNot
	case trade.PaperUncertain:
		step = queue.DrawerUnsure
	}
	if err := s.noteDrawer(c, printer, step); err != nil { // the drawer is open all the same
		s.log.Error("cannot note that the drawer was opened", "state", step, "err", err)
	}
	if step == queue.DrawerNot {
		return nil, &failure{code: trade.ErrPrinterAway, detail: trade.Say(trade.DetailPrinterIs, trade.CauseWords(cause).In(c.lang))}
	}
	return result{status: http.StatusAccepted, value: drawerJSON{e}}, nil
}

func (s *Server) noteDrawer(c *call, printer, step string) error {
	ctx, cancel := storing(c)
	defer cancel()
	return s.o.Store.NoteDrawer(ctx, printer, step)
}

func (s *Server) getPrintJob(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	p, err := s.o.Store.Print(ctx, c.id)
	if err != nil {
		return nil, err
	}
	return printJobResource(p), nil
}

// deletePrintJob cancels a job that has not started.
func (s *Server) deletePrintJob(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	p, err := s.o.Store.CancelPrint(ctx, c.id)
	if err != nil {
		return nil, err
	}
	return printJobResource(p), nil
}

// printerNowJSON is a printer as GET /v1/printer shows it.
type printerNowJSON struct {
	Configured bool    `json:"configured"`
	Model      string  `json:"model"`
	Port       string  `json:"port"`
	State      string  `json:"state"` // "" where it is not known
	LastSeen   *string `json:"last_seen"`
	Waiting    int     `json:"jobs_waiting"`
	Confirm    string  `json:"confirm"` // how it proves what is printed; "" where it is not known
}

// namedPrinterJSON is one of GET /v1/printers.
type namedPrinterJSON struct {
	Name string `json:"name"`
	printerNowJSON
}

type printersJSON struct {
	Printers []namedPrinterJSON `json:"printers"`
}

// printersNow asks how the printers are, and how much waits for each.
func (s *Server) printersNow(c *call) (Around, map[string]int, error) {
	ctx, cancel := reading(c)
	defer cancel()
	waiting, err := s.o.Store.PrintsWaiting(ctx)
	if err != nil || s.o.Around == nil {
		return Around{}, waiting, err
	}
	ctx, cancel = context.WithTimeout(ctx, aroundTime)
	defer cancel()
	c.waits()
	return s.o.Around(ctx), waiting, nil
}

func printerNow(p Printer, waiting int) printerNowJSON {
	return printerNowJSON{Configured: true, Model: p.Profile, Port: p.Port, State: p.State, LastSeen: stamp(p.SeenAt), Confirm: p.Confirm, Waiting: waiting}
}

// getPrinter shows the printer for receipts.
func (s *Server) getPrinter(c *call) (any, error) {
	around, waiting, err := s.printersNow(c)
	if err != nil {
		return nil, err
	}
	if p, ok := around.printer(trade.ReceiptPrinter); ok {
		return printerNow(p, waiting[p.Name]), nil
	}
	return printerNowJSON{Waiting: waiting[trade.ReceiptPrinter]}, nil
}

// getPrinters shows every printer: those that are configured, then those that
// are not any more and for which jobs wait.
func (s *Server) getPrinters(c *call) (any, error) {
	around, waiting, err := s.printersNow(c)
	if err != nil {
		return nil, err
	}
	out := printersJSON{[]namedPrinterJSON{}}
	for _, p := range around.Printers {
		out.Printers = append(out.Printers, namedPrinterJSON{p.Name, printerNow(p, waiting[p.Name])})
	}
	for _, name := range slices.Sorted(maps.Keys(waiting)) {
		if _, ok := around.printer(name); !ok {
			out.Printers = append(out.Printers, namedPrinterJSON{name, printerNowJSON{Waiting: waiting[name]}})
		}
	}
	return out, nil
}
