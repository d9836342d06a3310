package trade

import "time"

// Call is one call of the platform, for the record: it moves nothing.
type Call struct {
	Interface string // the platform's number of the interface, such as "2.16"
	Outcome   Outcome
	Code      string // of the platform's answer, "" where there is none that can be trusted
	Took      time.Duration
}

// Outcome is what a call came to. The words are stored and are labels of
// metrics, so they never change.
type Outcome string

// The outcomes of a call.
const (
	OutcomeOK            Outcome = "ok"
	OutcomeRefused       Outcome = "refused"       // understood, and no
	OutcomeUnavailable   Outcome = "unavailable"   // surely not processed
	OutcomeUnknown       Outcome = "unknown"       // sent, no answer that can be trusted
	OutcomeDuplicate     Outcome = "duplicate"     // the number is known already
	OutcomePending       Outcome = "pending"       // the number is being worked on
	OutcomeAlreadyRed    Outcome = "already_red"   // the invoice is reversed already
	OutcomeNotFound      Outcome = "not_found"     // the platform does not know the number
	OutcomeMisconfigured Outcome = "misconfigured" // our keys, codes or paths are wrong
	OutcomeAuth          Outcome = "auth"          // the tax account must log in
)

// Outcomes are all outcomes of a call.
var Outcomes = []Outcome{OutcomeOK, OutcomeRefused, OutcomeUnavailable, OutcomeUnknown, OutcomeDuplicate, OutcomePending, OutcomeAlreadyRed, OutcomeNotFound, OutcomeMisconfigured, OutcomeAuth}
