package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

const maxControl = 64 << 10

// routes is the table of everything that is served.
func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	for _, pi := range platformInterfaces {
		mux.HandleFunc("POST "+pi.path(), s.servePlatform(pi))
	}
	mux.HandleFunc("GET /{$}", s.serveIndex)
	mux.HandleFunc("GET /q/{no}", s.serveQR)
	mux.HandleFunc("POST /q/{no}", s.submitQR)
	mux.HandleFunc("GET /i/{serial}", s.serveInvoice)
	mux.HandleFunc("GET /face/{id}", s.serveFace)
	mux.HandleFunc("POST /face/{id}", s.submitFace)
	for _, c := range s.controls() {
		mux.HandleFunc(c.pattern, s.control(c.run))
	}
	// A page elsewhere in the same browser must not work the controls.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turnAway(w, r, http.StatusForbidden, "a page of another site must not do this")
	}))
	return guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" && isControl(r) {
			w = unrouted{w, r}
		}
		mux.ServeHTTP(w, r)
	}))
}

func isControl(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/_sandbox/") }

// turnAway answers a request that no handler gets: as JSON on a control path.
func turnAway(w http.ResponseWriter, r *http.Request, status int, why string) {
	if !isControl(r) {
		http.Error(w, why, status)
		return
	}
	writeJSON(w, status, map[string]string{"error": why})
}

// unrouted makes JSON of what the mux says to a wrong path or method; its Allow
// header stays.
type unrouted struct {
	http.ResponseWriter
	r *http.Request
}

func (u unrouted) WriteHeader(status int) {
	turnAway(u.ResponseWriter, u.r, status, http.StatusText(status))
}

// Write drops the mux's own words.
func (u unrouted) Write(b []byte) (int, error) { return len(b), nil }

// controlPath is one row of the table of controls.
type controlPath struct {
	pattern string
	run     func(*http.Request) (any, error)
}

func (s *Sandbox) controls() []controlPath {
	return []controlPath{
		// the customer
		{"POST /_sandbox/claim", s.controlClaim},
		{"POST /_sandbox/merge", s.controlMerge},
		// staff on the platform
		{"POST /_sandbox/settle", s.controlSettle},
		{"POST /_sandbox/reissue", s.controlReissue},
		{"POST /_sandbox/red", s.controlRed},
		{"POST /_sandbox/enterprise", s.controlEnterprise},
		{"GET /_sandbox/enterprises", s.controlEnterprises},
		{"POST /_sandbox/plant", s.controlPlant},
		{"POST /_sandbox/keys", s.controlKeys},
		// the buyer's accountant
		{"POST /_sandbox/book", s.controlBook},
		{"POST /_sandbox/confirm/apply", s.controlApplyAsBuyer},
		{"POST /_sandbox/confirm/answer", s.controlAnswerAsBuyer},
		{"GET /_sandbox/confirms", s.controlConfirms},
		// the tax bureau's accounts
		{"GET /_sandbox/accounts", s.controlAccounts},
		{"POST /_sandbox/account", s.controlAccount},
		{"POST /_sandbox/face", s.controlFace},
		// behaviour
		{"POST /_sandbox/settings", s.controlSettings},
		{"GET /_sandbox/faults", s.controlFaults},
		{"POST /_sandbox/faults", s.controlSetFault},
		{"DELETE /_sandbox/faults", s.controlClearFaults},
		{"POST /_sandbox/reset", s.controlReset},
		// pushes
		{"POST /_sandbox/push", s.controlSetPush},
		{"POST /_sandbox/push/now", s.controlPushNow},
		{"GET /_sandbox/push/envelope", s.controlPushEnvelope},
		{"GET /_sandbox/pushes", s.controlPushes},
		// the judge
		{"GET /_sandbox/ledger", s.controlLedger},
	}
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
		if err != nil {
			writeJSON(w, statusOf(err), map[string]string{"error": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, v)
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v)
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
	serials, err := s.claim(c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"req_serial_no": serials[0], "req_serial_nos": serials}, nil
}

func (s *Sandbox) controlMerge(r *http.Request) (any, error) {
	var c ClaimMerged
	if err := readJSON(r, &c); err != nil {
		return nil, err
	}
	serial, err := s.ClaimMerged(c)
	if err != nil {
		return nil, err
	}
	return map[string]string{"req_serial_no": serial}, nil
}

func (s *Sandbox) controlSetFault(r *http.Request) (any, error) {
	var body struct {
		Interface string    `json:"interface"`
		Kind      FaultKind `json:"kind"`
		Code      string    `json:"code"`
		Msg       string    `json:"msg"`
		Status    int       `json:"status"`
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
		Interface: body.Interface, Kind: body.Kind, Code: body.Code, Msg: body.Msg, Status: body.Status, Delay: delay, Times: body.Times,
	})
}

func (s *Sandbox) controlClearFaults(*http.Request) (any, error) {
	s.ClearFaults()
	return done{true}, nil
}

func (s *Sandbox) controlReset(*http.Request) (any, error) { return done{true}, s.Reset() }

// controlFaults lists the faults that will strike, in their order.
func (s *Sandbox) controlFaults(*http.Request) (any, error) {
	type fault struct {
		Interface string    `json:"interface"`
		Kind      FaultKind `json:"kind"`
		Code      string    `json:"code,omitempty"`
		Msg       string    `json:"msg,omitempty"`
		Status    int       `json:"status,omitempty"`
		Delay     string    `json:"delay,omitempty"`
		Left      int       `json:"left"` // calls that it will strike; 0 = all
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []fault{}
	for _, f := range s.faults {
		v := fault{Interface: f.Interface, Kind: f.Kind, Code: f.Code, Msg: f.Msg, Status: f.Status, Left: f.left}
		if f.Delay > 0 {
			v.Delay = f.Delay.String()
		}
		list = append(list, v)
	}
	return map[string]any{"faults": list}, nil
}

// controlLedger tells everything, with what is wrong in it.
func (s *Sandbox) controlLedger(*http.Request) (any, error) {
	l, err := s.Ledger()
	if err != nil {
		return nil, err
	}
	return struct {
		Ledger
		Problems []string `json:"problems"`
	}{l, l.Problems()}, nil
}

func (s *Sandbox) controlSetPush(r *http.Request) (any, error) {
	var body struct {
		URL     string `json:"url"` // "" = no pushes
		Repeat  int    `json:"repeat"`
		Shuffle bool   `json:"shuffle"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.SetPush(PushTarget{URL: body.URL, Repeat: body.Repeat, Shuffle: body.Shuffle})
}

func (s *Sandbox) controlPushNow(r *http.Request) (any, error) {
	var body invoiceBody
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.PushNow(body.ReqSerialNo)
}

func (s *Sandbox) controlPushEnvelope(r *http.Request) (any, error) {
	raw, err := s.PushEnvelope(r.FormValue("req_serial_no"))
	return json.RawMessage(raw), err
}

func (s *Sandbox) controlPushes(*http.Request) (any, error) {
	return map[string][]Push{"pushes": s.Pushes()}, nil
}
