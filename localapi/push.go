package localapi

import (
	"net/http"

	"tillagent/trade"
)

// postPush hands a push to the platform's adapter. What does not verify gets
// 400 without a body, so that a stranger learns nothing (interface 2.13).
func (s *Server) postPush(c *call) (any, error) {
	if s.o.Push == nil {
		return nil, &failure{code: trade.ErrPlatformAway}
	}
	ctx, cancel := storing(c)
	defer cancel()
	reply, ok := s.o.Push(ctx, c.body)
	if !ok {
		return document{status: http.StatusBadRequest}, nil
	}
	return document{contentType: "application/json;charset=UTF-8", data: reply}, nil
}
