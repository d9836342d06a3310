package sandbox

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"tillagent/piaotong"
)

// FaultKind is a way to misbehave.
type FaultKind string

// The faults. "Processed" says what the ledger will show.
const (
	// Not processed.
	FaultTimeout       FaultKind = "timeout"       // never answers
	FaultReset         FaultKind = "reset"         // the connection is reset
	FaultHTTP500       FaultKind = "http_500"      // with a text
	FaultStatus        FaultKind = "status"        // any HTTP status (Status, default 503) with Msg as its body, none if that is empty
	FaultRedirect      FaultKind = "redirect"      // 307 to the same path, which works for who follows
	FaultHTML          FaultKind = "html"          // a proxy's page with status 200
	FaultRefuse        FaultKind = "refuse"        // signed refusal with Code and Msg
	FaultMisconfigured FaultKind = "misconfigured" // signed "signature check failed"

	// Processed, and no answer.
	FaultLostAnswer FaultKind = "lost_answer" // the connection is cut
	FaultResetAfter FaultKind = "reset_after" // the connection is reset
	FaultBadGateway FaultKind = "bad_gateway" // a proxy's page with status 502

	// Processed, and an answer that must not be believed.
	FaultBadSignature FaultKind = "bad_signature" // a good signature of another text
	FaultNoSignature  FaultKind = "no_signature"  // none
	FaultWrongKey     FaultKind = "wrong_key"     // signed, the content encrypted with another 3DES key
	FaultShortContent FaultKind = "short_content" // signed, the content is half a JSON document
	FaultNoContent    FaultKind = "no_content"    // signed, without content
	FaultTruncated    FaultKind = "truncated"     // the body ends in the middle
	FaultRepeated     FaultKind = "repeated"      // signed, a field is there twice

	// Processed, and a good answer in its way.
	FaultDelay   FaultKind = "delay"   // after Delay
	FaultEscaped FaultKind = "escaped" // with \u003d and the like, as Java's Gson writes it

	// Of 2.5, 2.15 and 2.46 only: envelope 0000, but resultCode is Code (default
	// 9999) and resultMsg is Msg. Not processed.
	FaultResult FaultKind = "result"

	// Of 2.17 only: isDelete false of every code that could be voided.
	FaultVoidFalse     FaultKind = "void_false"      // not processed
	FaultVoidFalseDone FaultKind = "void_false_done" // processed
)

// faultKinds are all faults, with the only interfaces that have them.
var faultKinds = map[FaultKind][]string{
	FaultTimeout: nil, FaultReset: nil, FaultHTTP500: nil, FaultStatus: nil, FaultRedirect: nil, FaultHTML: nil,
	FaultRefuse: nil, FaultMisconfigured: nil,
	FaultLostAnswer: nil, FaultResetAfter: nil, FaultBadGateway: nil,
	FaultBadSignature: nil, FaultNoSignature: nil, FaultWrongKey: nil, FaultShortContent: nil, FaultNoContent: nil,
	FaultTruncated: nil, FaultRepeated: nil,
	FaultDelay: nil, FaultEscaped: nil,
	FaultResult:    {"2.5", "2.15", "2.46"},
	FaultVoidFalse: {"2.17"}, FaultVoidFalseDone: {"2.17"},
}

// Fault makes an interface misbehave.
type Fault struct {
	Interface string        // "2.16" …, or its key, "qr_create" …, or "*" for all
	Kind      FaultKind     //
	Code      string        // of refuse (default 8995), misconfigured and result (default 9999)
	Msg       string        // of the same, and of status
	Status    int           // of status, 300 to 599; 0 = 503
	Delay     time.Duration // of delay
	Times     int           // calls it strikes; 0 = until cleared
}

type activeFault struct {
	Fault
	left int // of Times; not counted when Times is 0
}

// answers reports whether the fault is a signed answer instead of the work.
func (f Fault) answers() bool { return f.Kind == FaultRefuse || f.Kind == FaultMisconfigured }

// number is the interface's number of a fault that names its number or key.
func (f Fault) number() string {
	for _, pi := range platformInterfaces {
		if f.Interface == pi.number || f.Interface == pi.key {
			return pi.number
		}
	}
	return ""
}

func validCode(code string) bool {
	return code == "" || len(code) >= 4 && len(code) <= 6 && alnumPattern.MatchString(code)
}

func (f Fault) check() error {
	only, known := faultKinds[f.Kind]
	switch {
	case f.Interface != "*" && f.number() == "":
		return badInput("unknown interface %q", f.Interface)
	case !known:
		return badInput("unknown kind %q", f.Kind)
	case f.Times < 0 || f.Delay < 0:
		return badInput("times and delay must not be negative")
	case f.Kind == FaultDelay && f.Delay == 0:
		return badInput("kind delay needs a delay")
	case len(only) > 0 && !slices.Contains(only, f.number()):
		return badInput("kind %s is of interface %s", f.Kind, strings.Join(only, ", "))
	case !validCode(f.Code):
		return badInput("a code has 4 to 6 letters or digits")
	case f.Status != 0 && (f.Kind != FaultStatus || f.Status < 300 || f.Status > 599):
		return badInput("status is of kind status, and 300 to 599")
	}
	return nil
}

// withDefaults fills in what was left out.
func (f Fault) withDefaults() Fault {
	if n := f.number(); n != "" {
		f.Interface = n
	}
	switch f.Kind {
	case FaultRefuse:
		f.Code, f.Msg = orText(f.Code, codeData), orText(f.Msg, "沙箱按设置拒绝")
	case FaultMisconfigured:
		f.Code, f.Msg = orText(f.Code, "9999"), orText(f.Msg, "验签失败")
	case FaultResult:
		f.Code, f.Msg = orText(f.Code, "9999"), orText(f.Msg, "沙箱按设置失败")
	case FaultStatus:
		f.Status = cmp.Or(f.Status, http.StatusServiceUnavailable)
	}
	return f
}

// SetFault adds a fault behind those that are set. Of several that fit a call
// the first one strikes.
func (s *Sandbox) SetFault(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	f = f.withDefaults()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &activeFault{Fault: f, left: f.Times})
	return nil
}

// ClearFaults removes all faults. Answers that are being held back stay so.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// beginCall counts a call and takes the fault that strikes it: one that was
// set, one of the limit of calls, or that of a magic amount.
func (s *Sandbox) beginCall(pi platformInterface, req piaotong.Request, opened error) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[pi.number]++
	for i, f := range s.faults {
		if f.Interface != "*" && f.Interface != pi.number {
			continue
		}
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f.Fault
	}
	if f, over := s.overLimit(s.now()); over {
		return f
	}
	if s.settings.magic && opened == nil {
		if f, ok := s.magicFault(pi, req.Content); ok {
			return f
		}
	}
	return Fault{}
}

// failBefore carries out faults that keep a request from being processed, and
// reports whether it did.
func (s *Sandbox) failBefore(w http.ResponseWriter, r *http.Request, f Fault) bool {
	switch f.Kind {
	case FaultTimeout:
		select {
		case <-r.Context().Done(): // the client gave up
		case <-s.done:
		}
		cut()
	case FaultReset:
		reset(w)
	case FaultHTTP500:
		http.Error(w, "internal server error", http.StatusInternalServerError)
	case FaultStatus:
		if f.Status == http.StatusTooManyRequests || f.Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(f.Status)
		io.WriteString(w, f.Msg)
	case FaultRedirect:
		w.Header().Set("Location", r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html><head><title>网络认证</title></head><body>请先登录</body></html>")
	default:
		return false
	}
	return true
}

// failAfter holds back the answer of a processed request, or cuts it off, and
// reports whether nothing is left to answer.
func (s *Sandbox) failAfter(w http.ResponseWriter, r *http.Request, f Fault) bool {
	switch f.Kind {
	case FaultLostAnswer:
		cut()
	case FaultResetAfter:
		reset(w)
		return true
	case FaultBadGateway:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "<html><head><title>502 Bad Gateway</title></head></html>")
		return true
	case FaultDelay:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			cut()
		case <-s.done:
			cut()
		}
	}
	return false
}

// sealAnswer makes the envelope of an answer, spoilt as the fault says.
func (s *Sandbox) sealAnswer(resp piaotong.Response, f Fault) ([]byte, error) {
	ring := s.ring.Load()
	codec := ring.codec
	switch f.Kind {
	case FaultWrongKey:
		codec = ring.wrongKey
	case FaultShortContent:
		resp.Content = resp.Content[:len(resp.Content)/2]
	case FaultNoContent:
		resp.Content = nil
	case FaultEscaped:
		resp.Content = []byte(gson.Replace(string(resp.Content)))
	}
	raw, err := codec.SealResponse(resp)
	if err != nil {
		return nil, err
	}
	text := string(raw)
	switch f.Kind {
	case FaultBadSignature:
		text = strings.Replace(text, `"msg":"`, `"msg":"*`, 1)
	case FaultNoSignature:
		head, _, _ := strings.Cut(text, `,"sign":`)
		text = head + "}"
	case FaultTruncated:
		text = text[:len(text)/2]
	case FaultRepeated:
		text = `{"code":"` + resp.Code + `",` + text[1:]
	case FaultEscaped:
		text = gson.Replace(text)
	}
	return []byte(text), nil
}

// gson escapes what Java's Gson does. None of these characters is a part of
// JSON itself, so all of them are within texts.
var gson = strings.NewReplacer("=", `\u003d`, "<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`)

// cut ends the connection without an answer, in the way that net/http knows:
// who calls the handler without a server must recover http.ErrAbortHandler.
func cut() { panic(http.ErrAbortHandler) }

// reset ends the connection with a TCP reset where it can.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		cut()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
