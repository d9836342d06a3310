package printer

import "time"

// Outcome is what became of a job.
type Outcome int

// The outcomes. Only NotSent may be retried without asking a person: anything
// else may be on paper.
const (
	NotSent   Outcome = iota // no byte of the job left
	Sent                     // every byte was taken by a printer that cannot answer
	Printed                  // the printer confirmed it
	Uncertain                // bytes left, and there is no proof
)

func (o Outcome) String() string {
	switch o {
	case NotSent:
		return "not_sent"
	case Sent:
		return "sent"
	case Printed:
		return "printed"
	default:
		return "uncertain"
	}
}

// Cause is why a job is NotSent or Uncertain, as far as the printer told.
type Cause string

// The causes; the zero value is none known.
const (
	CausePaperOut  Cause = "paper_out"
	CauseCoverOpen Cause = "cover_open"
	CauseOffline   Cause = "offline" // not there, silent, or not taking bytes
	CauseCutter    Cause = "cutter"  // the auto-cutter is jammed
	CauseError     Cause = "error"   // head, power, or the printer's own fault
)

// A Result is what became of a job, and why.
type Result struct {
	Outcome Outcome
	Cause   Cause // for NotSent and Uncertain; for Printed what is wrong since: CauseCutter where the cut failed
	Written int   // bytes of the job the port took
	Err     error // nil for Sent and Printed
}

// State is what a printer says of itself.
type State string

// The states.
const (
	StateReady     State = "ready"
	StatePaperLow  State = "paper_low" // prints, but the roll is near its end
	StatePaperOut  State = "paper_out"
	StateCoverOpen State = "cover_open"
	StateOffline   State = "offline" // the port cannot be opened, or the printer is off or paused
	StateCutter    State = "cutter"  // the auto-cutter is jammed
	StateError     State = "error"
	StateUnknown   State = "unknown" // the printer cannot answer
)

// cause gives the Cause that keeps a printer in state s from printing.
func (s State) cause() Cause {
	switch s {
	case StatePaperOut:
		return CausePaperOut
	case StateCoverOpen:
		return CauseCoverOpen
	case StateOffline:
		return CauseOffline
	case StateCutter:
		return CauseCutter
	case StateError:
		return CauseError
	}
	return ""
}

// A Status is the last known state of a printer.
type Status struct {
	State     State
	Held      bool      // a job has begun and waits until State's cause is gone
	CanAnswer bool      // it has answered a status question
	At        time.Time // when this was learned
}
