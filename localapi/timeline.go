package localapi

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// timelineJSON is what happened to a sale, for the person who asks why a
// customer has no invoice.
type timelineJSON struct {
	SaleID  string          `json:"sale_id"`
	State   trade.SaleState `json:"state"`
	Entries []happenedJSON  `json:"entries"` // oldest first
	Summary string          `json:"summary"` // where it stands, and what to do
	Action  string          `json:"action"`  // what to do, by itself
}

// happenedJSON is one thing that happened, as text and in its parts.
type happenedJSON struct {
	At   *string `json:"at"`
	What string  `json:"what"` // move, call or paper
	Text string  `json:"text"`
	// Of a move: the event and the state that the sale had from then on.
	Event string `json:"event,omitempty"`
	State string `json:"state,omitempty"` // of a move or of paper
	// Of a call: the same one several times in a row is one entry.
	Interface string        `json:"interface,omitempty"`
	Outcome   trade.Outcome `json:"outcome,omitempty"`
	Code      string        `json:"code,omitempty"`
	TookMS    *int64        `json:"took_ms,omitempty"` // of the last
	Times     int           `json:"times,omitempty"`
	LastAt    *string       `json:"last_at,omitempty"`
	JobID     string        `json:"job_id,omitempty"` // of paper

	when  time.Time
	order int // of what happened in the same millisecond
}

// What happened in one millisecond is told in this order: a call before what it
// brought about.
const (
	orderAccepted = iota
	orderCall
	orderMove
	orderPaper
)

func (s *Server) getTimeline(c *call) (any, error) {
	ctx, cancel := reading(c)
	defer cancel()
	line, err := s.o.Store.Timeline(ctx, c.id)
	if err != nil {
		return nil, err
	}
	entries := slices.Concat(moves(line, c.lang), calls(line.Calls, c.lang), asked(line.Record.Prints, c.lang))
	slices.SortStableFunc(entries, func(a, b happenedJSON) int {
		return cmp.Or(a.when.Compare(b.when), cmp.Compare(a.order, b.order))
	})
	for i := range entries {
		entries[i].At = stamp(entries[i].when)
	}
	where, do := saleAdvice(line.Record, s.around(ctx))
	return timelineJSON{SaleID: line.Record.Sale.ID, State: line.Record.Standing.View(), Entries: entries,
		Summary: sentences(c.lang, where, do), Action: do.In(c.lang)}, nil
}

// moves are the entries of the journal.
func moves(line *queue.Timeline, lang trade.Lang) []happenedJSON {
	papers := map[string]trade.Paper{}
	for _, p := range line.Record.Prints {
		papers[p.JobID] = p.Paper
	}
	var all []happenedJSON
	before := ""
	for _, m := range line.Moves {
		if m.IsPaper() {
			all = append(all, happenedJSON{What: "paper", State: m.State, JobID: m.Ref, Text: paperText(papers[m.Ref], trade.PrintState(m.State), m.Cause, lang), when: m.At, order: orderPaper})
			continue
		}
		h := happenedJSON{What: "move", Event: m.Kind, State: m.State, Text: trade.MoveWords(m.Kind).In(lang), when: m.At, order: orderMove}
		switch {
		case m.Kind == "SaleAccepted":
			h.order = orderAccepted
		case m.Kind == "Called":
			h.State, h.Text = "", trade.Say(trade.TimelineBy, m.Ref, m.State).In(lang)
			all = append(all, h)
			continue
		case m.Ref != "": // of a refund, of which State is
			h.Text = trade.Say(trade.TimelineStand, h.Text, m.Ref).In(lang)
			all = append(all, h)
			continue
		}
		if m.State != before && slices.Contains(trade.SaleStates, trade.SaleState(m.State)) {
			h.Text = trade.Say(trade.TimelineNow, h.Text, trade.StateWords(trade.SaleState(m.State)).In(lang)).In(lang)
		}
		before = m.State
		all = append(all, h)
	}
	return all
}

func paperText(p trade.Paper, state trade.PrintState, cause string, lang trade.Lang) string {
	text := trade.PrintWords(state).In(lang)
	if cause != "" {
		text = trade.Say(trade.TimelineStand, text, trade.CauseWords(cause).In(lang)).In(lang)
	}
	return trade.Say(trade.TimelineStand, trade.PaperWords(p).In(lang), text).In(lang)
}

// calls are the calls of the platform.
func calls(rows []queue.CallRow, lang trade.Lang) []happenedJSON {
	var all []happenedJSON
	for _, r := range rows {
		took := r.Took.Milliseconds()
		h := happenedJSON{What: "call", Interface: r.Interface, Outcome: r.Outcome, Code: r.Code, TookMS: &took, Times: r.Times,
			LastAt: stamp(r.LastAt), when: r.At, order: orderCall}
		outcome := trade.OutcomeWords(r.Outcome).In(lang)
		if r.Code != "" && r.Outcome != trade.OutcomeOK {
			outcome = trade.Say(trade.TimelineCode, outcome, r.Code).In(lang)
		}
		h.Text = trade.Say(trade.TimelineCall, trade.InterfaceWords(r.Interface).In(lang), r.Interface, outcome, seconds(took)).In(lang)
		if r.Times > 1 {
			h.Text = trade.Say(trade.TimelineTimes, h.Text, strconv.Itoa(r.Times), r.LastAt.In(trade.Beijing).Format("01-02 15:04:05")).In(lang)
		}
		all = append(all, h)
	}
	return all
}

// seconds writes milliseconds as seconds.
func seconds(ms int64) string { return fmt.Sprintf("%d.%02d", ms/1000, ms%1000/10) }

// asked are the wishes for paper, which the journal does not have.
func asked(prints []queue.Print, lang trade.Lang) []happenedJSON {
	var all []happenedJSON
	for _, p := range prints {
		text := paperText(p.Paper, trade.PrintQueued, "", lang)
		if p.Asked {
			text = trade.Say(trade.TimelineAsked, text).In(lang)
		}
		all = append(all, happenedJSON{What: "paper", State: string(trade.PrintQueued), JobID: p.JobID, Text: text, when: p.CreatedAt, order: orderPaper - 1})
	}
	return all
}

// saleAdvice says how a sale stands and what to do, in view of what is around.
func saleAdvice(r *queue.Record, around *Around) (where, do trade.Message) {
	in := trade.Surroundings{Configured: true, Online: true, Printed: codeIsOut(r)}
	if around != nil {
		in.Configured, in.Online = around.Platform.Configured, around.Platform.Online
	}
	if r.Op != nil {
		in.Attempts = r.Op.Attempts
	}
	return r.Standing.Advice(in)
}

// codeIsOut reports whether the customer can have the sale's QR code: on paper,
// or from a POS that shows it by itself.
func codeIsOut(r *queue.Record) bool {
	mayCarryIt := func(p queue.Print) bool { return p.Paper != trade.PaperTicket }
	if r.Sale.Print.Mode == trade.PrintNone || !slices.ContainsFunc(r.Prints, mayCarryIt) {
		return true
	}
	current := r.Standing.Current()
	for _, p := range r.Prints {
		if p.WithQR && p.RefundID == "" && (current == nil || p.Gen == current.Gen) &&
			(p.State == trade.PrintPrinted || p.State == trade.PrintSent || p.State == trade.PrintUncertain) {
			return true
		}
	}
	return false
}

// sentences puts messages one after the other.
func sentences(lang trade.Lang, ms ...trade.Message) string {
	stop, gap := "。", ""
	if lang == trade.EN {
		stop, gap = ".", " "
	}
	text := ""
	for i, m := range ms {
		if i > 0 {
			text += gap
		}
		text += m.In(lang) + stop
	}
	return text
}
