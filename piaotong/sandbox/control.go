package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"tillagent/piaotong"
)

const maxControl = 64 << 10

// routes is the table of everything that is served.
func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	paths := map[string]string{}
	for _, k := range piaotong.EndpointKeys() {
		paths[k.Key] = k.Default
	}
	for _, pi := range platformInterfaces {
		mux.HandleFunc("POST "+paths[pi.key], s.servePlatform(pi))
	}
	mux.HandleFunc("GET /{$}", s.serveIndex)
	mux.HandleFunc("GET /q/{no}", s.serveQR)
	mux.HandleFunc("POST /q/{no}", s.submitQR)
	mux.HandleFunc("GET /i/{serial}", s.serveInvoice)
	mux.HandleFunc("POST /_sandbox/claim", s.control(s.controlClaim))
	mux.HandleFunc("POST /_sandbox/settle", s.control(s.controlSettle))
	mux.HandleFunc("POST /_sandbox/settings", s.control(s.controlSettings))
	mux.HandleFunc("POST /_sandbox/faults", s.control(s.controlSetFault))
	mux.HandleFunc("DELETE /_sandbox/faults", s.control(s.controlClearFaults))
	mux.HandleFunc("POST /_sandbox/reset", s.control(s.controlReset))
	mux.HandleFunc("GET /_sandbox/ledger", s.control(s.controlLedger))
	// A page elsewhere in the same browser must not work the controls.
	return http.NewCrossOriginProtection().Handler(mux)
}

// done is the answer of a control path that has nothing to tell.
type done struct {
	OK bool `json:"ok"`
}

// control wraps a control path: JSON out, errors as {"error": "…"}.
func (s *Sandbox) control(h func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxControl)
		v, err := h(r)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err != nil {
			w.WriteHeader(statusOf(err))
			v = map[string]string{"error": err.Error()}
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.Encode(v)
	}
}

// statusOf maps an error of Claim, Settle and the like to an HTTP status.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrConflict):
		return http.StatusConflict
	case errors.Is(err, errClosed):
		return http.StatusServiceUnavailable
	}
	if _, ok := errors.AsType[inputError](err); ok {
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// readJSON is strict: a misspelt field must not be a silent success.
func readJSON(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return badInput("body is not the JSON that is expected here: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return badInput("body has data after its JSON object")
	}
	return nil
}

func (s *Sandbox) controlClaim(r *http.Request) (any, error) {
	var c Claim
	if err := readJSON(r, &c); err != nil {
		return nil, err
	}
	serial, err := s.Claim(c)
	if err != nil {
		return nil, err
	}
	return map[string]string{"req_serial_no": serial}, nil
}

func (s *Sandbox) controlSettle(r *http.Request) (any, error) {
	var body struct {
		ReqSerialNo string  `json:"req_serial_no"`
		Outcome     Outcome `json:"outcome"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.Settle(body.ReqSerialNo, body.Outcome)
}

func (s *Sandbox) controlSettings(r *http.Request) (any, error) {
	var body struct {
		IssueDelay string  `json:"issue_delay"` // e.g. "1s"; "" = as it is
		RedOutcome Outcome `json:"red_outcome"` // "" = as it is
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	delay, err := parseDelay(body.IssueDelay)
	if err != nil {
		return nil, badInput("issue_delay: %v", err)
	}
	if body.RedOutcome != "" {
		if err := s.SetRedOutcome(body.RedOutcome); err != nil {
			return nil, err
		}
	}
	if body.IssueDelay != "" {
		s.SetIssueDelay(delay)
	}
	return done{true}, nil
}

func parseDelay(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration like 1s or 500ms", s)
	}
	return d, nil
}

func (s *Sandbox) controlSetFault(r *http.Request) (any, error) {
	var body struct {
		Interface string    `json:"interface"`
		Kind      FaultKind `json:"kind"`
		Code      string    `json:"code"`
		Msg       string    `json:"msg"`
		Delay     string    `json:"delay"`
		Times     int       `json:"times"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	delay, err := parseDelay(body.Delay)
	if err != nil {
		return nil, badInput("delay: %v", err)
	}
	return done{true}, s.SetFault(Fault{
		Interface: body.Interface, Kind: body.Kind, Code: body.Code, Msg: body.Msg, Delay: delay, Times: body.Times,
	})
}

func (s *Sandbox) controlClearFaults(*http.Request) (any, error) {
	s.ClearFaults()
	return done{true}, nil
}

func (s *Sandbox) controlReset(*http.Request) (any, error) { return done{true}, s.Reset() }

func (s *Sandbox) controlLedger(*http.Request) (any, error) { return s.Ledger() }
