package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tillagent/trade"
)

// route is one call of the API. In a path, {id} and {part} stand for one
// segment each.
type route struct {
	method, path string
	role         Role // the least that may call; "" needs no token
	handle       func(*Server, *call) (any, error)
	conflict     trade.Key // the code where the id that is posted has other content
}

var routes = []route{
	{"GET", "/v1/sales", RoleRead, (*Server).getSales, ""},
	{"POST", "/v1/sales", RolePOS, (*Server).postSale, trade.ErrSaleConflict},
	{"GET", "/v1/sales/{id}", RoleRead, (*Server).getSale, ""},
	{"GET", "/v1/sales/{id}/qr.png", RoleRead, (*Server).getQR, ""},
	{"GET", "/v1/sales/{id}/receipt.png", RoleRead, (*Server).getReceiptPicture, ""},
	{"GET", "/v1/sales/{id}/receipt.txt", RoleRead, (*Server).getReceiptText, ""},
	{"GET", "/v1/sales/{id}/receipt.svg", RoleRead, (*Server).getReceiptSVG, ""},
	{"POST", "/v1/sales/{id}/print", RolePOS, (*Server).postPrint, trade.ErrJobConflict},
	{"POST", "/v1/sales/{id}/retry", RolePOS, (*Server).postRetry, ""},
	{"POST", "/v1/sales/{id}/refunds", RolePOS, (*Server).postRefund, trade.ErrRefundConflict},
	{"GET", "/v1/refunds", RoleRead, (*Server).getRefunds, ""},
	{"GET", "/v1/refunds/{id}", RoleRead, (*Server).getRefund, ""},
	{"POST", "/v1/refunds/{id}/retry", RolePOS, (*Server).postRefundRetry, ""},
	{"POST", "/v1/invoices", RolePOS, (*Server).postInvoice, trade.ErrInvoiceConflict},
	{"GET", "/v1/invoices/{id}", RoleRead, (*Server).getInvoice, ""},
	{"GET", "/v1/invoices/{id}/file", RoleRead, (*Server).getInvoiceFile, ""},
	{"POST", "/v1/invoices/{id}/retry", RolePOS, (*Server).postInvoiceRetry, ""},
	{"POST", "/v1/print", RolePOS, (*Server).postOwnPrint, trade.ErrJobConflict},
	{"POST", "/v1/drawer/open", RolePOS, (*Server).postDrawer, ""},
	{"GET", "/v1/print-jobs/{id}", RoleRead, (*Server).getPrintJob, ""},
	{"DELETE", "/v1/print-jobs/{id}", RolePOS, (*Server).deletePrintJob, ""},
	{"GET", "/v1/printer", RoleRead, (*Server).getPrinter, ""},
	{"GET", "/v1/printers", RoleRead, (*Server).getPrinters, ""},
	{"GET", "/v1/accounts", RoleRead, (*Server).getAccounts, ""},
	{"POST", "/v1/accounts", RoleConsole, outside((*Server).postAccount), ""},
	{"GET", "/v1/accounts/{id}", RoleRead, (*Server).getAccount, ""},
	{"POST", "/v1/accounts/{id}/sms-code", RoleConsole, outside((*Server).postLoginCode), ""},
	{"POST", "/v1/accounts/{id}/login", RoleConsole, outside((*Server).postLogin), ""},
	{"POST", "/v1/accounts/{id}/auth-qr", RoleConsole, outside((*Server).postAuthQR), ""},
	{"GET", "/v1/accounts/{id}/auth-qr/{part}", RoleRead, (*Server).getAuthQR, ""},
	{"POST", "/v1/accounts/{id}/logout", RoleConsole, outside((*Server).postLogout), ""},
	{"POST", "/v1/push/piaotong", "", (*Server).postPush, ""},       // proven by the platform's signature
	{"POST", "/v1/session", "", outside((*Server).postSession), ""}, // proven by what it trades
	{"DELETE", "/v1/session", RoleRead, outside((*Server).deleteSession), ""},
	{"POST", "/v1/console-codes", RoleConsole, outside((*Server).postCode), ""},
	{"GET", "/v1/events", RoleRead, (*Server).getEvents, ""},
	{"GET", "/v1/openapi.yaml", "", (*Server).getOpenAPI, ""}, // the same on every till: a browser has no token
	{"GET", "/v1/docs", "", (*Server).getDocs, ""},
	{"GET", "/", "", (*Server).getConsole, ""}, // the pages hold nothing: what they show, they ask for with a token
	{"GET", "/console/{id}", "", (*Server).getConsoleFile, ""},
	{"GET", "/display", "", (*Server).getDisplay, ""},
	{"GET", "/display/{id}", "", (*Server).getDisplayFile, ""},
	{"GET", "/v1/logs", RoleConsole, (*Server).getLogs, ""},
	{"GET", "/v1/status", RoleRead, (*Server).getStatus, ""},
	{"GET", "/v1/alerts", RoleRead, (*Server).getAlerts, ""},
	{"POST", "/v1/alerts/{id}/ack", RolePOS, (*Server).postAck, ""},
	{"GET", "/v1/sales/{id}/timeline", RoleRead, (*Server).getTimeline, ""},
	{"GET", "/v1/reports/daily", RoleRead, (*Server).getDailyReport, ""},
	{"POST", "/v1/close", RolePOS, (*Server).postClose, ""},
	{"GET", "/metrics", RoleRead, (*Server).getMetrics, ""},
	{"GET", "/healthz", "", (*Server).getHealth, ""},
	{"GET", "/readyz", "", (*Server).getReady, ""},
}

// named are what a path names.
type named struct {
	id   string // {id}
	part string // {part}, of what {id} names
}

// match tells whether an escaped path is the route's, and what it names.
// Segments are unescaped after cutting, so that an id may have a slash in it.
func (rt *route) match(path string) (n named, ok bool) {
	want, have := strings.Split(rt.path, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return named{}, false
	}
	for i, segment := range have {
		text, err := url.PathUnescape(segment)
		switch {
		case err != nil:
			return named{}, false
		case want[i] == "{id}" && text != "":
			n.id = text
		case want[i] == "{part}" && text != "":
			n.part = text
		case want[i] != text:
			return named{}, false
		}
	}
	return n, true
}

// find looks a request up. Without a route, allow has the methods that the
// path knows. HEAD works where GET does: net/http leaves the body out.
func find(method, path string) (found *route, n named, allow []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range routes {
		rt := &routes[i]
		matched, ok := rt.match(path)
		switch {
		case !ok:
		case rt.method == method:
			return rt, matched, nil
		case rt.method == http.MethodGet:
			allow = append(allow, http.MethodGet, http.MethodHead)
		default:
			allow = append(allow, rt.method)
		}
	}
	return nil, named{}, allow
}

// call is a request on its way to a handler.
type call struct {
	*http.Request
	named
	lang   trade.Lang
	caller *client  // nil where no token is needed
	ofSale bool     // {id} is a sale's
	body   []byte   // nil as long as it is not read
	places []func() // each gives a place back that the call holds
}

// waits gives back the places that the call holds: from here on it does no
// work, but waits for others. It may be called more than once.
func (c *call) waits() {
	for _, free := range c.places {
		free()
	}
	c.places = nil
}

// clientName names the caller in the log; "" where no token is needed.
func (c *call) clientName() string {
	if c.caller == nil {
		return ""
	}
	return c.caller.name
}

// What a handler returns is sent as JSON with status 200, unless it is one of
// these.
type (
	// result is a resource with another status and where it is found.
	result struct {
		status   int
		location string
		value    any
	}
	// document is something other than JSON.
	document struct {
		contentType string
		data        []byte
		status      int    // 0 is 200
		fileName    string // to be saved under; "" is not to be saved
		policy      string // the page's Content-Security-Policy; "" keeps the API's
	}
	// stream writes its body by itself, for as long as it lasts.
	stream struct {
		contentType string
		run         func(http.ResponseWriter)
	}
)

// Handler is the whole of the local API.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	c := &call{Request: r, lang: language(r.Header.Get("Accept-Language"))}
	defer c.waits()
	if err := s.guard.admit(w.Header(), r); err != nil {
		s.fail(w, c, nil, err)
		return
	}
	if s.guard.preflight(w, r) {
		return
	}
	rt, err := s.enter(w, c)
	if err != nil {
		s.fail(w, c, rt, err)
		return
	}
	value, err := s.handle(c, rt)
	if err != nil {
		s.fail(w, c, rt, err)
		return
	}
	status := s.succeed(w, c, rt, value)
	s.log.Debug("call", "method", r.Method, "route", rt.path, "status", status, "client", c.clientName(), "took", time.Since(start))
}

// handle runs the route's handler in a place of its class.
func (s *Server) handle(c *call, rt *route) (any, error) {
	if err := s.place(c, rt); err != nil {
		return nil, err
	}
	defer c.waits()
	return rt.handle(s, c)
}

// enter finds the route, checks that the caller may use it and reads the body.
// Who has no token learns nothing about paths.
func (s *Server) enter(w http.ResponseWriter, c *call) (*route, error) {
	rt, names, allow := find(c.Method, c.URL.EscapedPath())
	c.named = names
	if rt == nil || rt.role != "" {
		who, err := s.guard.client(c.Request)
		switch {
		case err != nil:
			return rt, err
		case rt == nil && allow != nil:
			return nil, &failure{code: trade.ErrMethod, allow: allow}
		case rt == nil:
			return nil, &failure{code: trade.ErrNotFound}
		case rank[who.role] < rank[rt.role]:
			return rt, &failure{code: trade.ErrForbiddenRole}
		}
		c.caller = who
	}
	if rt.method == http.MethodGet {
		return rt, nil
	}
	if s.running.Err() != nil {
		return rt, &failure{code: trade.ErrShuttingDown, retryAfter: stopRetry}
	}
	c.ofSale = strings.HasPrefix(rt.path, "/v1/sales/{id}")
	if c.caller != nil {
		c.journal(c.caller, rt.method+" "+rt.path)
	}
	return rt, s.readBody(w, c)
}

// readBody reads the call's body.
func (s *Server) readBody(w http.ResponseWriter, c *call) (err error) {
	places := s.limits.large
	if c.caller == nil {
		if s.crowd.tight() {
			return errOverloaded
		}
		places = s.limits.strange
	}
	if c.ContentLength < 0 || c.ContentLength > largeBody {
		if err := c.take(places, largeWait); err != nil {
			return err
		}
	}
	c.body, err = readAll(w, c.Request)
	return err
}

func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, &failure{code: trade.ErrTooLarge}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &failure{code: trade.ErrTooLarge}
	case err != nil:
		// Broken off, or too slow. A refusal would have the caller give up what
		// nobody has read; a broken connection has it sent again.
		panic(http.ErrAbortHandler)
	}
	return body, nil
}

// succeed writes what a handler returned and gives the status.
func (s *Server) succeed(w http.ResponseWriter, c *call, rt *route, value any) int {
	status := http.StatusOK
	switch v := value.(type) {
	case document:
		if v.status != 0 {
			status = v.status
		}
		if v.policy != "" {
			w.Header().Set("Content-Security-Policy", v.policy)
		}
		if v.fileName != "" {
			w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": v.fileName}))
		}
		s.write(w, status, v.contentType, v.data)
		return status
	case stream:
		w.Header().Set("Content-Type", v.contentType)
		w.WriteHeader(status)
		v.run(w)
		return status
	case result:
		if v.location != "" {
			w.Header().Set("Location", v.location)
		}
		status, value = v.status, v.value
	}
	data, err := encode(value)
	if err != nil {
		s.fail(w, c, rt, fmt.Errorf("cannot write the answer: %w", err))
		return http.StatusInternalServerError
	}
	s.write(w, status, "application/json", data)
	return status
}

// fail is the one place that turns an error into an answer and logs it.
func (s *Server) fail(w http.ResponseWriter, c *call, rt *route, err error) {
	if rt == nil {
		rt = &route{}
	}
	f := failureOf(err, rt)
	p := f.problem(c.lang)
	switch {
	case errors.Is(err, context.Canceled) && c.Context().Err() != nil: // nobody listens any more
	case f.code == trade.ErrInternal:
		s.log.Error("call failed", "method", c.Method, "route", rt.path, "err", err)
	default:
		s.log.Debug("call refused", "method", c.Method, "route", rt.path, "status", p.Status, "code", f.code)
	}
	data, err := encode(p)
	if err != nil {
		s.log.Error("cannot write a problem", "err", err)
	}
	f.setHeaders(w.Header())
	if c.body == nil && c.ContentLength != 0 {
		hangUp(w) // rather than read on to throw away
	}
	s.write(w, p.Status, "application/problem+json", data)
}

func (s *Server) write(w http.ResponseWriter, status int, contentType string, data []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		s.log.Debug("the caller has gone", "err", err)
	}
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is never put into a page as it is, and URLs stay readable
	err := e.Encode(v)
	return b.Bytes(), err
}
