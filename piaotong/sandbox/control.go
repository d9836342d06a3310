package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
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
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"POST /_sandbox/claim":        s.controlClaim,
		"POST /_sandbox/merge":        s.controlMerge,
		"POST /_sandbox/settle":       s.controlSettle,
		"POST /_sandbox/red":          s.controlRed,
		"POST /_sandbox/plant":        s.controlPlant,
		"POST /_sandbox/settings":     s.controlSettings,
		"POST /_sandbox/faults":       s.controlSetFault,
		"DELETE /_sandbox/faults":     s.controlClearFaults,
		"POST /_sandbox/reset":        s.controlReset,
		"GET /_sandbox/ledger":        s.controlLedger,
		"POST /_sandbox/push":         s.controlSetPush,
		"POST /_sandbox/push/now":     s.controlPushNow,
		"GET /_sandbox/push/envelope": s.controlPushEnvelope,
		"GET /_sandbox/pushes":        s.controlPushes,
	} {
		mux.HandleFunc(pattern, s.control(h))
	}
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

// invoiceBody names an invoice.
type invoiceBody struct {
	ReqSerialNo string `json:"req_serial_no"`
}

func (s *Sandbox) controlRed(r *http.Request) (any, error) {
	var body invoiceBody
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.RedByHand(body.ReqSerialNo)
}

func (s *Sandbox) controlPlant(r *http.Request) (any, error) {
	var body struct {
		QRCodeNo string `json:"qrcode_no"`
		TradeNo  string `json:"trade_no"`
		Amount   string `json:"amount"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return done{true}, s.PlantQR(body.QRCodeNo, body.TradeNo, body.Amount)
}

func (s *Sandbox) controlSettings(r *http.Request) (any, error) {
	var body struct {
		IssueDelay string  `json:"issue_delay"` // e.g. "1s"; "" = as it is
		RedOutcome Outcome `json:"red_outcome"` // "" = as it is
		IsDelete   *bool   `json:"is_delete_text"`
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
	if body.IsDelete != nil {
		s.SetIsDeleteText(*body.IsDelete)
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
