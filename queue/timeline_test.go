package queue

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"tillagent/trade"
)

func TestTimeline(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.accept(lunch("S2"))
	r.settleCall(r.claim(trade.LaneLive, trade.OpCreateQR), trade.Call{Interface: "2.16", Outcome: trade.OutcomeOK}, r.created())
	p := r.claimPrint()
	r.printed(p, trade.PaperHeld, "paper_out")
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	line, err := r.Timeline(t.Context(), "S1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range line.Moves {
		if m.At.IsZero() {
			t.Errorf("%+v has no time", m)
		}
		got = append(got, strings.Join([]string{m.Kind, m.Ref, m.State, m.Cause}, "|"))
	}
	want := []string{"SaleAccepted||queued|", "Sending||queued|", "QRCreated||qr_ready|", "Print|sale:S1|printing|", "Print|sale:S1|held|paper_out",
		"RefundAccepted|R1|requested|", "RefundAsked||qr_ready|"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("moves\n%v, want\n%v", got, want)
	}
	if len(line.Calls) != 1 || line.Record.Sale.ID != "S1" || !line.Moves[3].IsPaper() || line.Moves[0].IsPaper() {
		t.Errorf("%+v", line)
	}
	if _, err := r.Timeline(t.Context(), "S9"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no sale: %v", err)
	}
}

// TestTimelineReadsAlongAnIndex: the journal is kept for years.
func TestTimelineReadsAlongAnIndex(t *testing.T) {
	r := open(t)
	var plan string
	err := each(r.reader, "EXPLAIN QUERY PLAN "+movesOfSale, "S1", func(scan func(...any) error) error {
		var id, parent, unused int
		var detail string
		err := scan(&id, &parent, &unused, &detail)
		plan += detail + "\n"
		return err
	})
	if err != nil || !strings.Contains(plan, "journal_sale") || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("%s%v", plan, err)
	}
}
