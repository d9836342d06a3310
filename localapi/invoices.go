package localapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"tillagent/queue"
	"tillagent/trade"
)

// Files gives issued invoices as files.
type Files interface {
	// InvoiceFile fetches an issued invoice by its invoiceReqSerialNo, as "pdf",
	// "ofd" or "xml", with its MIME type. That it cannot be had is a
	// *trade.CallError.
	InvoiceFile(ctx context.Context, serial, kind string) (data []byte, mime string, err error)
}

func (s *Server) postInvoice(c *call) (any, error) {
	r, status, err := s.post(c, readInvoice)
	if err != nil {
		return nil, err
	}
	return result{status, invoicePath(r.Sale.InvoiceID), directResource(r, c.lang)}, nil
}

// invoice reads the sale of the direct invoice that the path names.
func (s *Server) invoice(c *call) (*queue.Record, error) {
	ctx, cancel := reading(c)
	defer cancel()
	return s.o.Store.Invoice(ctx, c.id)
}

func (s *Server) getInvoice(c *call) (any, error) {
	r, err := s.invoice(c)
	if err != nil {
		return nil, err
	}
	return directResource(r, c.lang), nil
}

func (s *Server) postInvoiceRetry(c *call) (any, error) {
	known, err := s.invoice(c)
	if err != nil {
		return nil, err
	}
	r, err := s.retry(c, known.Sale.ID)
	if err != nil {
		return nil, err
	}
	return result{http.StatusAccepted, invoicePath(c.id), directResource(r, c.lang)}, nil
}

// fileKinds are the forms of an invoice; the first is given where none is
// asked for.
var fileKinds = []string{"pdf", "ofd", "xml"}

// getInvoiceFile gives the issued invoice as a file (2.15).
func (s *Server) getInvoiceFile(c *call) (any, error) {
	kind := cmp.Or(c.URL.Query().Get("type"), fileKinds[0])
	if !slices.Contains(fileKinds, kind) {
		var ps problems
		ps.add("type", trade.OneOf, strings.Join(fileKinds, ", "))
		return nil, ps.failure()
	}
	r, err := s.invoice(c)
	if err != nil {
		return nil, err
	}
	b := newestBlue(r.Standing.Invoices)
	switch {
	case b == nil || !issued[b.State]:
		return nil, &failure{code: trade.ErrInvalidState, detail: trade.Say(trade.DetailNotIssued)}
	case s.o.Files == nil:
		return nil, errNoPlatform
	}
	ctx, cancel := s.calling(c)
	defer cancel()
	data, mime, err := s.o.Files.InvoiceFile(ctx, b.Serial, kind)
	if err != nil {
		return nil, s.callFailure(err, "")
	}
	return document{contentType: mime, data: data, fileName: cmp.Or(b.Number, b.No, b.Serial) + "." + kind}, nil
}

// issued are the states of a blue invoice that exists.
var issued = map[trade.InvoiceState]bool{trade.InvIssued: true, trade.InvRedPend: true, trade.InvRedPart: true, trade.InvRedFull: true}
