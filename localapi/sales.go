package localapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/skip2/go-qrcode"

	"tillagent/queue"
	"tillagent/trade"
)

// storing is the context of a write. What a caller has sent is stored even if
// the caller hangs up meanwhile.
func storing(c *call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.Context()), storeTime)
}

func reading(c *call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Context(), storeTime)
}

func (s *Server) poke(saleID string) {
	if s.o.Poke != nil {
		s.o.Poke(saleID)
	}
}

func (s *Server) postSale(c *call) (any, error) {
	r, status, err := s.post(c, readSale)
	if err != nil {
		return nil, err
	}
	return result{status, salePath(r.Sale.ID), saleResource(r, c.lang)}, nil
}

// post takes the sale of the request's body, waits where the query says so,
// and gives the sale as it then stands with the status of the answer: 201 or,
// for a repetition, 200.
func (s *Server) post(c *call, read func([]byte) (trade.Sale, error)) (*queue.Record, int, error) {
	wait, err := waitFor(c)
	if err != nil {
		return nil, 0, err
	}
	sale, err := read(c.body)
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	r, created, err := s.takeSale(ctx, sale)
	if err != nil {
		return nil, 0, err
	}
	status := http.StatusOK
	if created {
		s.poke(sale.ID)
		status = http.StatusCreated
	}
	if wait > 0 {
		r = s.await(c, r, wait)
	}
	return r, status, nil
}

// takeSale checks and stores a sale. The digest is taken before the rules fill
// in what lines leave out, so that other rules later make no conflict; and a
// sale that is stored already is a repetition even if today's rules would not
// take it.
func (s *Server) takeSale(ctx context.Context, sale trade.Sale) (*queue.Record, bool, error) {
	digest := sale.Digest()
	var ps problems
	ps.append(s.o.Rules.Check(&sale)...)
	if bad := ps.failure(); bad != nil {
		known, err := s.o.Store.Sale(ctx, sale.ID)
		switch {
		case err == nil && known.Digest == digest:
			return known, false, nil
		case err == nil || errors.Is(err, queue.ErrNotFound):
			return nil, false, bad
		}
		return nil, false, err
	}
	r, created, err := s.o.Store.AcceptSale(ctx, sale, digest)
	return r, created, s.explain(ctx, sale, err)
}

// explain says where a direct invoice differs not from the one of its own id,
// but names a sale that is another one.
func (s *Server) explain(ctx context.Context, sale trade.Sale, err error) error {
	var differs *queue.ConflictError
	if sale.InvoiceID == "" || !errors.As(err, &differs) {
		return err
	}
	known, readErr := s.o.Store.Sale(ctx, sale.ID)
	if readErr != nil || known.Sale.InvoiceID == sale.InvoiceID {
		return err
	}
	return &failure{code: trade.ErrInvoiceConflict, detail: trade.Say(trade.DetailSaleTaken, sale.ID), stored: differs.Stored, posted: differs.Posted}
}

// waitFor reads the query's wait=.
func waitFor(c *call) (time.Duration, error) {
	text := c.URL.Query().Get("wait")
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxWait {
		var ps problems
		ps.add("wait", trade.Between, "0s", maxWait.String())
		return 0, ps.failure()
	}
	return d, nil
}

// await waits for the sale's QR code, for its end, or, where a direct invoice
// was asked for by itself, for the page where its buyer follows it; at most d.
// It gives the sale as it then stands, and ends early when the caller hangs up
// or the server stops.
func (s *Server) await(c *call, taken *queue.Record, d time.Duration) *queue.Record {
	c.waits()
	ctx, cancel := context.WithTimeout(c.Context(), d)
	defer cancel()
	defer context.AfterFunc(s.running, cancel)()
	r, err := s.o.Store.Await(ctx, taken.Sale.ID, func(r *queue.Record) bool {
		return r.Standing.Ended() || r.Sale.InvoiceID != "" && r.Standing.ViewURL() != ""
	})
	if err != nil { // the sale is taken all the same
		s.log.Error("cannot wait for a sale", "sale", taken.Sale.ID, "err", err)
		return taken
	}
	return r
}

// sale reads the sale of the path.
func (s *Server) sale(c *call) (*queue.Record, error) {
	ctx, cancel := reading(c)
	defer cancel()
	return s.o.Store.Sale(ctx, c.id)
}

func (s *Server) getSale(c *call) (any, error) {
	r, err := s.sale(c)
	if err != nil {
		return nil, err
	}
	return saleResource(r, c.lang), nil
}

func (s *Server) postRetry(c *call) (any, error) {
	r, err := s.retry(c, c.id)
	if err != nil {
		return nil, err
	}
	return result{http.StatusAccepted, salePath(c.id), saleResource(r, c.lang)}, nil
}

// retry tries a sale again now, with the lines of the request's body in the
// place of a rejected sale's where it has some.
func (s *Server) retry(c *call, saleID string) (*queue.Record, error) {
	items, err := readRetry(c.body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	var r *queue.Record
	if items == nil {
		r, err = s.o.Store.Retry(ctx, saleID)
	} else {
		r, err = s.mend(ctx, saleID, items)
	}
	if err == nil {
		s.poke(saleID)
	}
	return r, err
}

// mend checks lines as those of a known sale. What else the sale has was
// checked when it was taken.
func (s *Server) mend(ctx context.Context, saleID string, items []trade.Line) (*queue.Record, error) {
	known, err := s.o.Store.Sale(ctx, saleID)
	if err != nil {
		return nil, err
	}
	sale := known.Sale
	sale.Items = items
	sale.Normalise()
	var ps problems
	for _, p := range s.o.Rules.Check(&sale) {
		if strings.HasPrefix(p.Field, "items") || p.Field == "total" {
			ps.append(p)
		}
	}
	if err := ps.failure(); err != nil {
		return nil, err
	}
	return s.o.Store.Mend(ctx, saleID, sale.Items)
}

// The sizes of a QR code's picture, in pixels.
const (
	qrSize         = 320
	qrMin, qrLimit = 96, 1024
)

func (s *Server) getQR(c *call) (any, error) {
	size := qrSize
	if text := c.URL.Query().Get("size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < qrMin || n > qrLimit {
			var ps problems
			ps.add("size", trade.Between, strconv.Itoa(qrMin), strconv.Itoa(qrLimit))
			return nil, ps.failure()
		}
		size = n
	}
	r, err := s.sale(c)
	if err != nil {
		return nil, err
	}
	link := r.Standing.LinkOnPaper()
	if link == "" {
		return nil, queue.ErrNoQR
	}
	data, err := qrcode.Encode(link, qrcode.Medium, size)
	if err != nil {
		return nil, fmt.Errorf("cannot draw the QR code of sale %s: %w", c.id, err)
	}
	return document{contentType: "image/png", data: data}, nil
}

func (s *Server) getReceiptText(c *call) (any, error) {
	d, err := s.preview(c)
	if err != nil {
		return nil, err
	}
	return document{contentType: "text/plain; charset=utf-8", data: []byte(d.Text())}, nil
}

func (s *Server) getReceiptSVG(c *call) (any, error) {
	d, err := s.picture(c)
	if err != nil {
		return nil, err
	}
	return document{contentType: "image/svg+xml", data: d.SVG()}, nil
}

func (s *Server) getReceiptPicture(c *call) (any, error) {
	d, err := s.picture(c)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, d.Picture()); err != nil {
		return nil, fmt.Errorf("cannot draw the receipt of sale %s: %w", c.id, err)
	}
	return document{contentType: "image/png", data: b.Bytes()}, nil
}

// maxDrawn is the longest paper that is drawn, in dots: 4 m at 203 dpi. A sale of
// MaxLines takes less; lines of a POS can take a hundred metres, which would be
// more memory than a till has.
const maxDrawn = 32_000

// picture is the receipt that is asked for where it is short enough to be drawn.
func (s *Server) picture(c *call) (Drawing, error) {
	d, err := s.preview(c)
	if err == nil && d.Height() > maxDrawn {
		return nil, &failure{code: trade.ErrInvalidState, detail: trade.Say(trade.DetailTooLong)}
	}
	return d, err
}

// preview lays the receipt out that is asked for.
func (s *Server) preview(c *call) (Drawing, error) {
	if s.o.Preview == nil {
		return nil, queue.ErrNoPrinter
	}
	r, err := s.sale(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := reading(c)
	defer cancel()
	d, err := s.o.Preview(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("cannot draw the receipt of sale %s: %w", c.id, err)
	}
	return d, nil
}
