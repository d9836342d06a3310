package queue

import (
	"context"
	"fmt"
	"testing"

	"tillagent/trade"
)

// calls are the journal's entries of who asked.
func calls(t *testing.T, s *Store) (all []string) {
	t.Helper()
	rows, err := s.reader.Query("SELECT sale, ref, state FROM journal WHERE kind = ? ORDER BY seq", kindCalled)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var sale, ref, state string
		if err := rows.Scan(&sale, &ref, &state); err != nil {
			t.Fatal(err)
		}
		all = append(all, sale+"|"+ref+"|"+state)
	}
	return all
}

func TestCallers(t *testing.T) {
	s := open(t).Store
	by := func(name, call, sale string) context.Context {
		return ByCaller(t.Context(), &Caller{Name: name, Call: call, Sale: sale})
	}
	var want []string
	expect := func(what string, more ...string) {
		t.Helper()
		want = append(want, more...)
		if got := calls(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	x := lunch("S1")
	accept := func(ctx context.Context) error {
		_, _, err := s.AcceptSale(ctx, x, x.Digest())
		return err
	}
	if err := accept(by("till-1", "POST /v1/sales", "")); err != nil {
		t.Fatal(err)
	}
	expect("a sale", "S1|till-1|POST /v1/sales")
	if err := accept(by("till-2", "POST /v1/sales", "")); err != nil {
		t.Fatal(err)
	}
	expect("a repetition, which changes nothing")
	if _, err := s.Retry(by("till-1", "POST /v1/sales/{id}/retry", "S1"), "S1"); err != nil {
		t.Fatal(err)
	}
	expect("a retry, whose move has no entry", "S1|till-1|POST /v1/sales/{id}/retry")
	if _, err := s.Retry(by("till-1", "POST /v1/sales/{id}/retry", "none"), "none"); err == nil {
		t.Fatal("a sale that is not there is retried")
	}
	expect("what was refused")

	outside := by("office", "POST /v1/accounts", "")
	if err := s.NoteCall(outside); err != nil {
		t.Fatal(err)
	}
	expect("a call outside", "|office|POST /v1/accounts")
	if err := s.NoteCall(outside); err != nil {
		t.Fatal(err)
	}
	expect("the same call once more")
	if err := s.NoteCall(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Raise(trade.Raise{Kind: trade.AlertAuth, Title: trade.Say(trade.CallAway)}); err != nil {
		t.Fatal(err)
	}
	expect("the agent's own doing")
	if err := s.VerifyJournal(); err != nil {
		t.Error(err)
	}
}
