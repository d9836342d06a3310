package queue

import "context"

// Print reads a print job by its id; ErrNotFound where there is none.
func (s *Store) Print(ctx context.Context, jobID string) (*Print, error) {
	var p *Print
	err := s.read(ctx, func(q querier) (err error) {
		p, err = printJob(q, jobID)
		return err
	})
	return p, err
}
