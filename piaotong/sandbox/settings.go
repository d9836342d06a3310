package sandbox

import (
	"net/http"
	"time"
)

// settings is how the sandbox behaves until it is told otherwise, or ends.
type settings struct {
	issueDelay  time.Duration
	blueOutcome Outcome // of direct invoices
	redOutcome  Outcome
	acceptAgain bool
	// isDeleteText makes 2.17 answer isDelete as "true" and "false".
	isDeleteText bool
	// accountListArray makes 2.45 answer a bare array.
	accountListArray bool
	magic            bool
	clockOffset      time.Duration
	rateLimit        RateLimit
}

func newSettings(magic bool) settings {
	return settings{issueDelay: time.Second, blueOutcome: Issued, redOutcome: Issued, acceptAgain: true, magic: magic}
}

// set changes a setting.
func (s *Sandbox) set(change func(*settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.settings)
}

// SetIssueDelay sets how long an invoice stays "in progress" (7777) after it
// was requested; 1 s at first, 0 = not at all. Requests before keep theirs.
func (s *Sandbox) SetIssueDelay(d time.Duration) {
	s.set(func(set *settings) { set.issueDelay = max(d, 0) })
}

// SetBlueOutcome sets what becomes of direct invoices (2.9) that are requested
// from now on.
func (s *Sandbox) SetBlueOutcome(o Outcome) error {
	if !o.valid() {
		return badInput("unknown outcome %q", o)
	}
	s.set(func(set *settings) { set.blueOutcome = o })
	return nil
}

// SetRedOutcome sets what becomes of red invoices that are requested from now on.
func (s *Sandbox) SetRedOutcome(o Outcome) error {
	if !o.valid() {
		return badInput("unknown outcome %q", o)
	}
	s.set(func(set *settings) { set.redOutcome = o })
	return nil
}

// SetAcceptAgain sets what happens when a number whose invoice came to nothing
// (3999, 6666, 9999) comes again with the same data: on, as at first, the
// invoice is requested once more; off, it is refused with 8021. The platform's
// document allows both.
func (s *Sandbox) SetAcceptAgain(on bool) {
	s.set(func(set *settings) { set.acceptAgain = on })
}

// SetIsDeleteText makes 2.17 answer isDelete as "true" and "false", as the
// platform's sample has it, instead of the booleans of its table.
func (s *Sandbox) SetIsDeleteText(on bool) {
	s.set(func(set *settings) { set.isDeleteText = on })
}

// SetAccountListArray makes 2.45 answer a bare array instead of an object.
func (s *Sandbox) SetAccountListArray(on bool) {
	s.set(func(set *settings) { set.accountListArray = on })
}

// SetMagicAmounts turns the magic amounts on or off; see [Options].
func (s *Sandbox) SetMagicAmounts(on bool) {
	s.set(func(set *settings) { set.magic = on })
}

// SetClockOffset sets by how much the Date header differs from the sandbox's
// clock. Everything else goes by the clock itself.
func (s *Sandbox) SetClockOffset(d time.Duration) {
	s.set(func(set *settings) { set.clockOffset = d })
}

// RateLimit bounds the calls of all interfaces together. The platform's limits
// are not documented. The zero value is no limit.
type RateLimit struct {
	PerSecond int    // calls in any second of the clock; 0 = no limit
	Code      string // how the rest is answered: "" = HTTP status 429, else a signed refusal with this code
}

// SetRateLimit sets the limit of calls.
func (s *Sandbox) SetRateLimit(l RateLimit) error {
	if l.PerSecond < 0 {
		return badInput("per_second must not be negative")
	}
	if !validCode(l.Code) {
		return badInput("a code has 4 to 6 letters or digits")
	}
	s.set(func(set *settings) { set.rateLimit = l })
	return nil
}

// overLimit counts a call and returns the fault of one too many.
func (s *Sandbox) overLimit(now time.Time) (Fault, bool) {
	l := s.settings.rateLimit
	if l.PerSecond == 0 {
		return Fault{}, false
	}
	if second := now.Truncate(time.Second); !second.Equal(s.rateSecond) {
		s.rateSecond, s.rateCalls = second, 0
	}
	if s.rateCalls++; s.rateCalls <= l.PerSecond {
		return Fault{}, false
	}
	if l.Code == "" {
		return Fault{Kind: FaultStatus, Status: http.StatusTooManyRequests, Msg: "too many requests"}, true
	}
	return Fault{Kind: FaultRefuse, Code: l.Code, Msg: "请求过于频繁"}, true
}

// controlSettings changes the settings that are named; others stay.
func (s *Sandbox) controlSettings(r *http.Request) (any, error) {
	var body struct {
		IssueDelay       string  `json:"issue_delay"` // e.g. "1s"
		BlueOutcome      Outcome `json:"blue_outcome"`
		RedOutcome       Outcome `json:"red_outcome"`
		AcceptAgain      *bool   `json:"accept_again"`
		IsDelete         *bool   `json:"is_delete_text"`
		AccountListArray *bool   `json:"account_list_array"`
		Magic            *bool   `json:"magic_amounts"`
		ClockOffset      string  `json:"clock_offset"` // e.g. "-5m"
		RateLimit        *struct {
			PerSecond int    `json:"per_second"`
			Code      string `json:"code"`
		} `json:"rate_limit"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	delay, err := parseDelay(body.IssueDelay)
	if err != nil {
		return nil, badInput("issue_delay: %v", err)
	}
	var offset time.Duration
	if body.ClockOffset != "" {
		if offset, err = time.ParseDuration(body.ClockOffset); err != nil {
			return nil, badInput("clock_offset: %q is not a duration like 5m or -90s", body.ClockOffset)
		}
	}
	for _, o := range []Outcome{body.BlueOutcome, body.RedOutcome} {
		if o != "" && !o.valid() {
			return nil, badInput("unknown outcome %q", o)
		}
	}
	if body.RateLimit != nil {
		if err := s.SetRateLimit(RateLimit{body.RateLimit.PerSecond, body.RateLimit.Code}); err != nil {
			return nil, err
		}
	}
	s.set(func(set *settings) {
		if body.IssueDelay != "" {
			set.issueDelay = delay
		}
		if body.ClockOffset != "" {
			set.clockOffset = offset
		}
		if body.BlueOutcome != "" {
			set.blueOutcome = body.BlueOutcome
		}
		if body.RedOutcome != "" {
			set.redOutcome = body.RedOutcome
		}
		for _, f := range []struct {
			to   *bool
			from *bool
		}{
			{&set.acceptAgain, body.AcceptAgain}, {&set.isDeleteText, body.IsDelete},
			{&set.accountListArray, body.AccountListArray}, {&set.magic, body.Magic},
		} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
	})
	return done{true}, nil
}

func parseDelay(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, badInput("%q is not a duration like 1s or 500ms", s)
	}
	return d, nil
}
