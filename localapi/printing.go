package localapi

import (
	"context"
	"errors"
	"net/http"
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
	p, err := s.o.Store.AskPrint(ctx, c.id, req.jobID, req.paper, req.copies)
	if err != nil {
		return nil, err
	}
	return result{http.StatusAccepted, jobPath(p.JobID), printJobResource(p)}, nil
}

// postOwnPrint prints what the POS laid out by itself, for no sale.
func (s *Server) postOwnPrint(c *call) (any, error) {
	req, err := readOwnPrint(c.body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	if err := s.checkOwnPrint(ctx, req); err != nil {
		return nil, err
	}
	p, err := s.o.Store.AcceptPrint(ctx, req.jobID, req.content, req.copies)
	if err != nil {
		return nil, err
	}
	return result{http.StatusAccepted, jobPath(p.JobID), printJobResource(p)}, nil
}

// checkOwnPrint checks what is to be printed. A job that is stored already is a
// repetition or a conflict even if today's paper would not take it.
func (s *Server) checkOwnPrint(ctx context.Context, req ownPrint) error {
	var ps problems
	ps.append(s.o.Rules.CheckContent(req.content, req.copies)...)
	bad := ps.failure()
	if bad == nil {
		return nil
	}
	_, err := s.o.Store.Print(ctx, req.jobID)
	if errors.Is(err, queue.ErrNotFound) {
		err = bad
	}
	return err
}

// drawerTime is how long opening the drawer may take: a job that is on its way
// to paper is waited for.
const drawerTime = 8 * time.Second

// drawerJSON is what came of opening the drawer: printed, where the printer
// confirmed it, sent or uncertain.
type drawerJSON struct {
	State trade.PrintEvent `json:"state"`
}

// postDrawer opens the cash drawer, once. The journal has that somebody asked
// before the pulse leaves.
func (s *Server) postDrawer(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	if s.o.Drawer == nil {
		return nil, &failure{code: trade.ErrPrinterAway, detail: trade.Say(trade.DetailNoDrawer)}
	}
	if err := s.noteDrawer(c, queue.DrawerAsked); err != nil {
		return nil, err
	}
	// A caller that hangs up does not stop the pulse half-way.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), drawerTime)
	defer cancel()
	e, cause := s.o.Drawer(ctx)
	step := queue.DrawerOpened
	switch e {
	case trade.PaperHeld, trade.PaperFailed:
		step = queue.DrawerNot
	case trade.PaperUncertain:
		step = queue.DrawerUnsure
	}
	if err := s.noteDrawer(c, step); err != nil { // the drawer is open all the same
		s.log.Error("cannot note that the drawer was opened", "state", step, "err", err)
	}
	if step == queue.DrawerNot {
		return nil, &failure{code: trade.ErrPrinterAway, detail: trade.Say(trade.DetailPrinterIs, trade.CauseWords(cause).In(c.lang))}
	}
	return result{status: http.StatusAccepted, value: drawerJSON{e}}, nil
}

func (s *Server) noteDrawer(c *call, step string) error {
	ctx, cancel := storing(c)
	defer cancel()
	return s.o.Store.NoteDrawer(ctx, step)
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

// printerNowJSON is the printer as GET /v1/printer shows it.
type printerNowJSON struct {
	Configured bool    `json:"configured"`
	Model      string  `json:"model"`
	Port       string  `json:"port"`
	State      string  `json:"state"` // "" where it is not known
	LastSeen   *string `json:"last_seen"`
	Waiting    int     `json:"jobs_waiting"`
	Confirm    string  `json:"confirm"` // how it proves what is printed; "" where it is not known
}

func (s *Server) getPrinter(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	waiting, err := s.o.Store.PrintsWaiting(ctx)
	if err != nil {
		return nil, err
	}
	out := printerNowJSON{Waiting: waiting}
	if s.o.Around != nil {
		ctx, cancel := context.WithTimeout(ctx, aroundTime)
		defer cancel()
		c.waits()
		if p := s.o.Around(ctx).Printer; p.Configured {
			out.Configured, out.Model, out.Port, out.State, out.LastSeen, out.Confirm = true, p.Profile, p.Port, p.State, stamp(p.SeenAt), p.Confirm
		}
	}
	return out, nil
}
