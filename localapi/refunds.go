package localapi

import (
	"fmt"
	"net/http"
	"strconv"

	"tillagent/queue"
	"tillagent/trade"
)

func (s *Server) postRefund(c *call) (any, error) {
	req, err := readRefund(c.body, c.id)
	if err != nil {
		return nil, err
	}
	var ps problems
	ps.append(s.o.Rules.CheckRefund(&req)...)
	if len(req.Items) > 0 && len(ps.list) == 0 {
		sale, err := s.sale(c)
		if err != nil {
			return nil, err
		}
		checkLines(&ps, req.Items, sale.Sale.Items)
	}
	if err := ps.failure(); err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	r, created, err := s.o.Store.AcceptRefund(ctx, req)
	if err != nil {
		return nil, err
	}
	out := result{http.StatusOK, refundPath(req.ID), nil}
	if created {
		s.poke(c.id)
		out.status = http.StatusCreated
	}
	out.value, err = refundOf(r, req.ID, c.lang)
	return out, err
}

// checkLines checks refunded lines against the lines that were sold.
func checkLines(ps *problems, refunded []trade.RefundLine, sold []trade.Line) {
	sums := map[int]trade.Money{}
	for i, l := range refunded {
		at := fmt.Sprintf("items[%d]", i)
		if l.Line > len(sold) {
			ps.add(at+".line", trade.NoSuchLine, strconv.Itoa(l.Line))
			continue
		}
		sums[l.Line] += l.Amount
		if net := sold[l.Line-1].Net(); sums[l.Line] > net {
			ps.add(at+".amount", trade.LineExceeded, net.String())
		}
	}
}

func (s *Server) getRefund(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	r, err := s.o.Store.Refund(ctx, c.id)
	if err != nil {
		return nil, err
	}
	return refundOf(r, c.id, c.lang)
}

func refundOf(r *queue.Record, id string, lang trade.Lang) (any, error) {
	f := r.Standing.Refund(id)
	if f == nil {
		return nil, fmt.Errorf("sale %s does not have its refund %s", r.Sale.ID, id)
	}
	return refundResource(r, f, lang), nil
}
