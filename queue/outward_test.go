package queue

import (
	"reflect"
	"testing"
	"time"

	"tillagent/trade"
)

func (r *rig) raise(kind, subject, saleID string) {
	r.t.Helper()
	if err := r.Raise(trade.Raise{Kind: kind, Subject: subject, SaleID: saleID, Title: trade.Say(trade.RefundFailed, subject)}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) clear(kind, subject string) {
	r.t.Helper()
	if err := r.Clear(kind, subject); err != nil {
		r.t.Fatal(err)
	}
}

// told is an entry of the outbox with what the alert says of itself.
type told struct {
	Cleared       bool
	Kind, Subject string
}

func (r *rig) news(after int64, limit int) (all []told, through int64) {
	r.t.Helper()
	news, through, err := r.AlertNews(r.t.Context(), after, limit)
	if err != nil {
		r.t.Fatal(err)
	}
	last := after
	for _, n := range news {
		if n.Seq <= last || n.Seq > through {
			r.t.Errorf("number %d after %d, through %d", n.Seq, last, through)
		}
		last = n.Seq
		a, err := r.AlertByID(r.t.Context(), n.AlertID)
		if err != nil {
			r.t.Fatal(err)
		}
		if at := ms(n.At); n.Cleared && at != a.Cleared || !n.Cleared && at != a.Raised {
			r.t.Errorf("%+v is not at the time of %+v", n, a)
		}
		all = append(all, told{n.Cleared, a.Kind, a.Subject})
	}
	return all, through
}

// TestAlertNewsNamesTheAlert has alerts that differ in nothing but what their
// events do not say: all in one millisecond, for one sale and of one kind.
func TestAlertNewsNamesTheAlert(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.raise(trade.AlertRefund, "R1", "S1")
	r.raise(trade.AlertRefund, "R2", "S1")
	r.raise(trade.AlertRefund, "R2", "S1") // counts
	r.raise(trade.AlertPrinter, "R3", "S1")
	r.clear(trade.AlertRefund, "R1")
	r.raise(trade.AlertRefund, "R4", "S1")
	r.raise(trade.AlertRefund, "R4", "S2") // of another sale: counts
	r.clock.add(time.Second)
	r.raise(trade.AlertRefund, "R1", "S1")
	r.clear(trade.AlertRefund, "R2")
	r.accept(lunch("S2"))
	want := []told{
		{false, trade.AlertRefund, "R1"}, {false, trade.AlertRefund, "R2"}, {false, trade.AlertPrinter, "R3"}, {true, trade.AlertRefund, "R1"},
		{false, trade.AlertRefund, "R4"}, {false, trade.AlertRefund, "R1"}, {true, trade.AlertRefund, "R2"},
	}
	got, through := r.news(0, 100)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("news %v\nwant %v", got, want)
	}
	events, err := r.EventsAfter(t.Context(), 0, 100)
	if err != nil || through != events[len(events)-1].Seq {
		t.Errorf("through %d, want the newest event of %+v, %v", through, events, err)
	}
	// By pieces it is the same.
	var pieces []told
	for after, n := int64(0), 0; n < 10; n++ {
		piece, through := r.news(after, 2)
		pieces, after = append(pieces, piece...), through
	}
	if !reflect.DeepEqual(pieces, want) {
		t.Errorf("by pieces %v\nwant %v", pieces, want)
	}
	if rest, again := r.news(through, 100); rest != nil || again != through {
		t.Errorf("after the newest: %v, through %d", rest, again)
	}
}

func TestAlertNewsLeavesOutWhatIsDeleted(t *testing.T) {
	r := open(t)
	r.raise(trade.AlertPrinter, "old", "")
	r.clear(trade.AlertPrinter, "old")
	r.clock.add(time.Second)
	r.raise(trade.AlertPrinter, "new", "")
	if err := r.do(t.Context(), func(t *tx) error { _, err := t.Exec("DELETE FROM alerts WHERE subject = 'old'"); return err }); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.news(0, 100); !reflect.DeepEqual(got, []told{{false, trade.AlertPrinter, "new"}}) {
		t.Errorf("news %v", got)
	}
	if _, err := r.AlertByID(t.Context(), 1); err != ErrNotFound {
		t.Errorf("the deleted alert: %v", err)
	}
}

func TestOutwardCursor(t *testing.T) {
	r := open(t)
	r.raise(trade.AlertPrinter, "over", "")
	r.clear(trade.AlertPrinter, "over")
	r.raise(trade.AlertPrinter, "active", "")
	cursor := func(target string) OutwardCursor {
		t.Helper()
		c, err := r.OutwardCursor(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := OutwardCursor{Seq: 3, First: []int64{2}}
	if c := cursor("wecom"); !reflect.DeepEqual(c, first) {
		t.Errorf("a new target starts at %+v, want %+v", c, first)
	}
	r.clear(trade.AlertPrinter, "active")
	r.reopen()
	if c := cursor("wecom"); !reflect.DeepEqual(c, first) {
		t.Errorf("after a restart %+v, want %+v", c, first)
	}
	moved := OutwardCursor{Seq: 4, RefusedSince: 1795348800000}
	if err := r.SetOutwardCursor("wecom", moved); err != nil {
		t.Fatal(err)
	}
	if c := cursor("wecom"); !reflect.DeepEqual(c, moved) {
		t.Errorf("moved to %+v, want %+v", c, moved)
	}
	if c := cursor("feishu"); !reflect.DeepEqual(c, OutwardCursor{Seq: 4}) {
		t.Errorf("another target starts at %+v", c)
	}
	if err := r.ForgetOutward(t.Context(), "wecom"); err != nil {
		t.Fatal(err)
	}
	if c := cursor("wecom"); !reflect.DeepEqual(c, OutwardCursor{Seq: 4}) {
		t.Errorf("a forgotten target starts at %+v", c)
	}
}

func TestWakeAlerts(t *testing.T) {
	r := open(t)
	one, leaveOne := r.WakeAlerts()
	two, leaveTwo := r.WakeAlerts()
	defer leaveTwo()
	r.raise(trade.AlertPrinter, "a", "")
	r.reads(t, one, two)
	leaveOne()
	r.raise(trade.AlertPrinter, "b", "")
	r.reads(t, two)
	select {
	case <-one:
		t.Error("woken after leaving")
	default:
	}
}

// reads wants a wake on each channel. A wake comes right after the commit is
// answered, so it may be a moment away.
func (r *rig) reads(t *testing.T, wakes ...<-chan struct{}) {
	t.Helper()
	for _, c := range wakes {
		select {
		case <-c:
		case <-time.After(time.Minute):
			t.Fatal("no wake")
		}
	}
}

func TestTillCode(t *testing.T) {
	r := open(t, func(o *Options) { o.TillCode = "7K2QP" })
	if got := r.TillCode(); got != "7K2QP" {
		t.Errorf("till code %q", got)
	}
}
