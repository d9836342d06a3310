package localapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// failure is an answer that is not what was asked for. Its code is also the
// key of its title.
type failure struct {
	code           trade.Key
	status         int // 0: what statuses has for the code
	detail         trade.Message
	fields         []trade.Problem
	stored, posted string // digests of a conflict
	retryAfter     time.Duration
	allow          []string // methods
}

func (f *failure) Error() string { return string(f.code) }

// statuses are the HTTP status of each code.
var statuses = map[trade.Key]int{
	trade.ErrInvalidJSON:     http.StatusBadRequest,
	trade.ErrUnauthorized:    http.StatusUnauthorized,
	trade.ErrForbiddenRole:   http.StatusForbidden,
	trade.ErrForbiddenOrigin: http.StatusForbidden,
	trade.ErrNotFound:        http.StatusNotFound,
	trade.ErrMethod:          http.StatusMethodNotAllowed,
	trade.ErrSaleConflict:    http.StatusConflict,
	trade.ErrRefundConflict:  http.StatusConflict,
	trade.ErrJobConflict:     http.StatusConflict,
	trade.ErrInvoiceConflict: http.StatusConflict,
	trade.ErrInvalidState:    http.StatusConflict,
	trade.ErrTooLarge:        http.StatusRequestEntityTooLarge,
	trade.ErrMediaType:       http.StatusUnsupportedMediaType,
	trade.ErrMisdirectedHost: http.StatusMisdirectedRequest,
	trade.ErrValidation:      http.StatusUnprocessableEntity,
	trade.ErrRefundExceeds:   http.StatusUnprocessableEntity,
	trade.ErrRateLimited:     http.StatusTooManyRequests,
	trade.ErrInternal:        http.StatusInternalServerError,
	trade.ErrPrinterAway:     http.StatusServiceUnavailable,
	trade.ErrPlatformAway:    http.StatusServiceUnavailable,
	trade.ErrShuttingDown:    http.StatusServiceUnavailable,
	trade.ErrOverloaded:      http.StatusServiceUnavailable,
	trade.ErrStorageFull:     http.StatusInsufficientStorage,
}

// stopRetry is when a POS may try again after the service was stopping.
const stopRetry = 5 * time.Second

// failureOf turns the queue's errors into the answers of a route.
func failureOf(err error, rt *route) *failure {
	var f *failure
	var differs *queue.ConflictError
	var exceeds *queue.ExceedsError
	var invalid *queue.InvalidError
	var state *queue.StateError
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, queue.ErrNotFound):
		return &failure{code: trade.ErrNotFound}
	case errors.As(err, &differs):
		return &failure{code: rt.conflict, detail: trade.Say(trade.DetailConflict, differs.Stored, differs.Posted), stored: differs.Stored, posted: differs.Posted}
	case errors.As(err, &exceeds) && exceeds.Left <= 0:
		return &failure{code: trade.ErrInvalidState, detail: exceedsDetail(exceeds)}
	case errors.As(err, &exceeds):
		return &failure{code: trade.ErrRefundExceeds, detail: exceedsDetail(exceeds)}
	case errors.As(err, &state):
		return &failure{code: trade.ErrInvalidState, detail: state.Why}
	case errors.As(err, &invalid):
		return &failure{code: trade.ErrValidation, fields: invalid.Problems}
	case errors.Is(err, queue.ErrNoQR):
		return &failure{code: trade.ErrInvalidState, detail: trade.Say(trade.DetailNoQR)}
	case errors.Is(err, queue.ErrNoPrinter):
		return &failure{code: trade.ErrPrinterAway, detail: trade.Say(trade.DetailNoPrinter)}
	case errors.Is(err, queue.ErrNotWritable),
		rt.method != "" && rt.method != http.MethodGet && errors.Is(err, context.DeadlineExceeded): // it gave up before anything was stored
		return &failure{code: trade.ErrStorageFull}
	case errors.Is(err, queue.ErrStopping):
		return &failure{code: trade.ErrShuttingDown, retryAfter: stopRetry}
	}
	return &failure{code: trade.ErrInternal}
}

func exceedsDetail(e *queue.ExceedsError) trade.Message {
	return trade.Say(trade.DetailExceeds, e.Left.String(), e.Asked.String())
}

// problemJSON is a failure on the wire (RFC 9457).
type problemJSON struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Code   trade.Key   `json:"code"`
	Detail string      `json:"detail"`
	Fields []fieldJSON `json:"fields,omitempty"`
	Stored string      `json:"stored_digest,omitempty"`
	Posted string      `json:"posted_digest,omitempty"`
}

type fieldJSON struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// problem writes a failure for people of a language.
func (f *failure) problem(lang trade.Lang) problemJSON {
	p := problemJSON{Type: "about:blank", Title: trade.Say(f.code).In(lang), Status: f.status, Code: f.code, Stored: f.stored, Posted: f.posted}
	if p.Status == 0 {
		p.Status = statuses[f.code]
	}
	for _, x := range f.fields {
		p.Fields = append(p.Fields, fieldJSON{x.Field, x.Message.In(lang)})
	}
	switch {
	case !f.detail.IsZero():
		p.Detail = f.detail.In(lang)
	case len(p.Fields) > 0:
		p.Detail = p.Fields[0].Field + ": " + p.Fields[0].Message
	default:
		p.Detail = p.Title
	}
	return p
}

// setHeaders sets the headers that belong to a failure.
func (f *failure) setHeaders(h http.Header) {
	if f.retryAfter > 0 {
		seconds := (f.retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if f.code == trade.ErrUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if len(f.allow) > 0 {
		h.Set("Allow", strings.Join(f.allow, ", "))
	}
}

// language picks the language that an Accept-Language header likes best;
// Chinese where it likes neither.
func language(header string) trade.Lang {
	best, lang := -1, trade.ZH
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(part, ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		weight := quality(params)
		switch {
		case weight <= 0 || weight <= best:
		case tag == "en":
			best, lang = weight, trade.EN
		case tag == "zh":
			best, lang = weight, trade.ZH
		}
	}
	return lang
}

// quality is a q parameter in thousandths; 1000 where there is none.
func quality(params string) int {
	_, q, ok := strings.Cut(params, "q=")
	if !ok {
		return 1000
	}
	whole, frac, _ := strings.Cut(strings.TrimSpace(q), ".")
	n, err := strconv.Atoi(whole + (frac + "000")[:3])
	if err != nil || n < 0 || n > 1000 {
		return 0
	}
	return n
}
