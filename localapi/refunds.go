package localapi

import (
	"errors"
	"fmt"
	"net/http"

	"tillagent/queue"
	"tillagent/trade"
)

func (s *Server) postRefund(c *call) (any, error) {
	req, err := readRefund(c.body, c.id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	var ps problems
	ps.append(s.o.Rules.CheckRefund(&req)...)
	if bad := ps.failure(); bad != nil {
		// One that is stored already is a repetition or a conflict even if today's
		// printers would not take it.
		_, err := s.o.Store.Refund(ctx, req.ID)
		switch {
		case errors.Is(err, queue.ErrNotFound):
			return nil, bad
		case err != nil:
			return nil, err
		}
	}
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

func (s *Server) getRefund(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	r, err := s.o.Store.Refund(ctx, c.id)
	if err != nil {
		return nil, err
	}
	return refundOf(r, c.id, c.lang)
}

func (s *Server) postRefundRetry(c *call) (any, error) {
	if err := checkEmpty(c.body); err != nil {
		return nil, err
	}
	ctx, cancel := storing(c)
	defer cancel()
	r, err := s.o.Store.RetryRefund(ctx, c.id)
	if err != nil {
		return nil, err
	}
	s.poke(r.Sale.ID)
	value, err := refundOf(r, c.id, c.lang)
	return result{http.StatusAccepted, refundPath(c.id), value}, err
}

func refundOf(r *queue.Record, id string, lang trade.Lang) (any, error) {
	f := r.Standing.Refund(id)
	if f == nil {
		return nil, fmt.Errorf("sale %s does not have its refund %s", r.Sale.ID, id)
	}
	return refundResource(r, f, lang), nil
}
