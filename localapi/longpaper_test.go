package localapi

import (
	"context"
	"image"
	"testing"

	"tillagent/queue"
	"tillagent/trade"
)

// long is a paper that must not be drawn.
type long struct {
	drawn
	t *testing.T
}

func (long) Height() int { return maxDrawn + 1 }

func (l long) Picture() image.Image {
	l.t.Error("drawn")
	return l.drawn.Picture()
}

func (l long) SVG() []byte {
	l.t.Error("drawn")
	return l.drawn.SVG()
}

// TestPaperTooLongToDraw: what a POS laid out may be a hundred metres long. Its
// text is shown, its picture would take more memory than a till has.
func TestPaperTooLongToDraw(t *testing.T) {
	x := newTill(t, func(o *Options, _ *queue.Options) {
		o.Preview = func(_ context.Context, r *queue.Record) (Drawing, error) { return long{drawn(r.Sale.ID), t}, nil }
	})
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	x.get("/v1/sales/S1/receipt.png").want(t, 409, trade.ErrInvalidState)
	x.get("/v1/sales/S1/receipt.svg").want(t, 409, trade.ErrInvalidState)
	x.get("/v1/sales/S1/receipt.txt").want(t, 200, "")
}
