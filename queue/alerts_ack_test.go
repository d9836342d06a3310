package queue

import (
	"errors"
	"testing"
	"time"

	"tillagent/trade"
)

func TestAckAlert(t *testing.T) {
	r := open(t)
	if _, err := r.AckAlert(t.Context(), 1); !errors.Is(err, ErrNotFound) {
		t.Fatalf("an alert that is none: %v", err)
	}
	raise := trade.Raise{Kind: trade.AlertRejected, Subject: "S1", SaleID: "S1", Title: trade.Say(trade.SaleRefused, "8016", "x")}
	if err := r.Raise(raise); err != nil {
		t.Fatal(err)
	}
	seen := r.clock.Now().UnixMilli()
	for range 2 { // the first time counts
		a, err := r.AckAlert(t.Context(), 1)
		if err != nil || a.ID != 1 || a.Acked != seen || a.Cleared != 0 || a.SaleID != "S1" || a.Title.Key != trade.SaleRefused {
			t.Fatalf("%+v, %v", a, err)
		}
		r.clock.add(time.Minute)
	}
	var entries int
	if err := r.reader.QueryRow("SELECT count(*) FROM journal WHERE kind = 'AlertAcked' AND sale = 'S1' AND ref = '1' AND state = ?", trade.AlertRejected).Scan(&entries); err != nil || entries != 1 {
		t.Errorf("%d entries in the journal: %v", entries, err)
	}
	if err := r.VerifyJournal(); err != nil {
		t.Error(err)
	}
	if err := r.Clear(trade.AlertRejected, "S1"); err != nil {
		t.Fatal(err)
	}
	if a, err := r.AckAlert(t.Context(), 1); err != nil || a.Acked != seen || a.Cleared == 0 {
		t.Errorf("after its end: %+v, %v", a, err)
	}
	if err := r.Raise(raise); err != nil {
		t.Fatal(err)
	}
	if a, err := r.AlertByID(t.Context(), 2); err != nil || a.Acked != 0 {
		t.Errorf("a new alert of the same trouble: %+v, %v", a, err)
	}
}
