package queue

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"tillagent/trade"
)

// TestLogFollowsTheCommit: what is stored is in the log once, in its order, when
// the caller learns of it; what is undone is not.
func TestLogFollowsTheCommit(t *testing.T) {
	var log bytes.Buffer
	r := open(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if !slices.Contains([]string{slog.MessageKey, "sale", "event"}, a.Key) {
				return slog.Attr{}
			}
			return a
		}}))
	})
	logged := func(what string, want ...string) {
		t.Helper()
		var got []string
		for line := range strings.Lines(log.String()) {
			got = append(got, strings.TrimSpace(line))
		}
		if log.Reset(); !slices.Equal(got, want) {
			t.Errorf("%s: the log has\n%s, want\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	write := func(do func(*tx) error) request { return request{t.Context(), do, make(chan error, 1)} }
	sale := func(id string, after error) request {
		return write(func(t *tx) error {
			s := lunch(id)
			_, err := t.accept(s, s.Digest())
			return errors.Join(err, after)
		})
	}
	// What refers to a sale that there is not fails the commit alone.
	unfit := write(func(t *tx) error {
		if _, err := t.Exec("PRAGMA defer_foreign_keys = 1"); err != nil {
			return err
		}
		_, err := t.Exec("INSERT INTO qrs (sale, gen, no, amount, state, expires_at) VALUES (999999, 0, '00000000000000000000', 1, 'ready', 0)")
		return err
	})
	logged("an open database")

	gone := sale("gone", nil)
	r.commit([]request{gone, unfit})
	if err := <-gone.done; err == nil {
		t.Fatal("the commit does not fail")
	}
	logged("a commit that fails")

	boom := errors.New("boom")
	alone := sale("alone", boom)
	r.commit([]request{alone})
	if err := <-alone.done; !errors.Is(err, boom) {
		t.Fatal(err)
	}
	logged("a sale that fails")

	late, cancel := context.WithCancel(t.Context())
	cancel()
	group := []request{sale("S1", nil), sale("among", boom), sale("S2", nil), {late, sale("late", nil).do, make(chan error, 1)}}
	r.commit(group)
	if err := errors.Join(<-group[0].done, <-group[2].done); err != nil {
		t.Fatal(err)
	}
	logged("two of a group", `msg="sale accepted" sale=S1`, `msg="sale accepted" sale=S2`)

	r.accept(lunch("S3"))
	logged("a sale", `msg="sale accepted" sale=S3`)
	r.claim(trade.LaneLive, trade.OpCreateQR)
	logged("a claim", `msg="sale moved" sale=S1 event=Sending`)
	r.reopen()
	logged("a start", `msg="sale moved" sale=S1 event=Lost`)
}
