package localapi

import "net/http"

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

func (s *Server) getPrintJob(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	p, err := s.o.Store.Print(ctx, c.id)
	if err != nil {
		return nil, err
	}
	return printJobResource(p), nil
}
