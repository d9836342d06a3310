package queue

import (
	"context"
	"sync/atomic"
)

// kindCalled is the journal's entry that says who asked for the moves before
// it: ref is the caller's name, state the call, sale the sale it was about.
const kindCalled = "Called"

// Caller is who asks for a write through the local API.
type Caller struct {
	Name string // of the token, never the token
	Call string // method and path pattern, such as "POST /v1/sales/{id}/print"
	Sale string // the sale that the call names; "" where the moves tell
	// noted says that the journal has the call already: one entry is enough,
	// however many transactions it takes.
	noted atomic.Bool
}

type callerKey struct{}

// ByCaller gives a context whose writes are noted in the journal as the
// caller's, in the transaction of the write itself. A write that changes
// nothing, such as a repetition, leaves no entry.
func ByCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// NoteCall writes the journal's entry of a call whose doing was outside the
// database; it does nothing where one of the call's writes did so.
func (s *Store) NoteCall(ctx context.Context) error {
	c, ok := ctx.Value(callerKey{}).(*Caller)
	if !ok || c.noted.Load() {
		return nil
	}
	return s.do(ctx, func(t *tx) error { return t.sign(ctx) })
}

// run carries out one write and notes who asked for it, where somebody did and
// anything was written.
func (t *tx) run(r request) error {
	before := t.writes
	if err := r.do(t); err != nil || t.writes == before {
		return err
	}
	return t.sign(r.ctx)
}

func (t *tx) sign(ctx context.Context) error {
	c, ok := ctx.Value(callerKey{}).(*Caller)
	if !ok || c.noted.Swap(true) {
		return nil
	}
	sale := c.Sale
	if t.subject != "" {
		sale = t.subject
	}
	return t.record(entry{kind: kindCalled, sale: sale, ref: c.Name, state: c.Call})
}
