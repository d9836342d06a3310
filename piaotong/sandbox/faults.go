package sandbox

import (
	"fmt"
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
	FaultTimeout       FaultKind = "timeout"       // never answers; not processed
	FaultLostAnswer    FaultKind = "lost_answer"   // processed, then the connection is cut
	FaultRefuse        FaultKind = "refuse"        // signed refusal with Code and Msg; not processed
	FaultBadSignature  FaultKind = "bad_signature" // processed, answer with a wrong signature
	FaultNoSignature   FaultKind = "no_signature"  // processed, answer without a signature
	FaultHTTP500       FaultKind = "http_500"      // not processed
	FaultHTML          FaultKind = "html"          // a proxy's page with status 200; not processed
	FaultReset         FaultKind = "reset"         // the connection is reset; not processed
	FaultDelay         FaultKind = "delay"         // processed, answered after Delay
	FaultMisconfigured FaultKind = "misconfigured" // signed "signature check failed"; not processed

	// Of 2.17 only: isDelete false of every code that could be voided.
	FaultVoidFalse     FaultKind = "void_false"      // not processed
	FaultVoidFalseDone FaultKind = "void_false_done" // processed
)

var faultKinds = []FaultKind{
	FaultTimeout, FaultLostAnswer, FaultRefuse, FaultBadSignature, FaultNoSignature,
	FaultHTTP500, FaultHTML, FaultReset, FaultDelay, FaultMisconfigured, FaultVoidFalse, FaultVoidFalseDone,
}

// Fault makes an interface misbehave.
type Fault struct {
	Interface string        // "2.16" …, or "*" for all
	Kind      FaultKind     //
	Code      string        // of refuse (default 8995) and misconfigured (default 9999)
	Msg       string        // of the same
	Delay     time.Duration // of delay
	Times     int           // calls it strikes; 0 = until cleared
}

type activeFault struct {
	Fault
	left int // of Times; not counted when Times is 0
}

// answers reports whether the fault is a signed answer instead of the work.
func (f Fault) answers() bool { return f.Kind == FaultRefuse || f.Kind == FaultMisconfigured }

func (f Fault) check() error {
	known := f.Interface == "*" || slices.ContainsFunc(platformInterfaces, func(pi platformInterface) bool {
		return pi.number == f.Interface
	})
	switch {
	case !known:
		return badInput("unknown interface %q", f.Interface)
	case !slices.Contains(faultKinds, f.Kind):
		return badInput("unknown kind %q", f.Kind)
	case f.Times < 0 || f.Delay < 0:
		return badInput("times and delay must not be negative")
	case f.Kind == FaultDelay && f.Delay == 0:
		return badInput("kind delay needs a delay")
	case (f.Kind == FaultVoidFalse || f.Kind == FaultVoidFalseDone) && f.Interface != "2.17":
		return badInput("kind %s is of interface 2.17", f.Kind)
	case f.Code != "" && (len(f.Code) < 4 || len(f.Code) > 6 || !alnumPattern.MatchString(f.Code)):
		return badInput("a code has 4 to 6 letters or digits")
	}
	return nil
}

// SetFault adds a fault behind those that are set. Of several that fit a call
// the first one strikes.
func (s *Sandbox) SetFault(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	switch {
	case f.Kind == FaultRefuse && f.Code == "":
		f.Code = codeData
	case f.Kind == FaultMisconfigured && f.Code == "":
		f.Code = "9999"
	}
	if f.Kind == FaultMisconfigured && f.Msg == "" {
		f.Msg = "验签失败"
	}
	if f.Kind == FaultRefuse && f.Msg == "" {
		f.Msg = "沙箱按设置拒绝"
	}
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

// beginCall counts a call and takes the fault that strikes it, if any.
func (s *Sandbox) beginCall(number string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[number]++
	for i, f := range s.faults {
		if f.Interface != "*" && f.Interface != number {
			continue
		}
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f.Fault
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
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html><head><title>网络认证</title></head><body>请先登录</body></html>")
	default:
		return false
	}
	return true
}

// failAfter spoils or holds back the answer of a processed request, or cuts it.
func (s *Sandbox) failAfter(r *http.Request, f Fault, raw []byte) []byte {
	switch f.Kind {
	case FaultLostAnswer:
		cut()
	case FaultBadSignature:
		// A good signature, of another text.
		return []byte(strings.Replace(string(raw), `"msg":"`, `"msg":"*`, 1))
	case FaultNoSignature:
		head, _, _ := strings.Cut(string(raw), `,"sign":`)
		return []byte(head + "}")
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
	return raw
}

// refuseByFault is the signed answer of refuse and misconfigured.
func (s *Sandbox) refuseByFault(body []byte, f Fault) piaotong.Response {
	req, err := s.codec.OpenRequest(body)
	if err != nil {
		req = piaotong.Request{} // no serial number to repeat
	}
	return piaotong.Response{Code: f.Code, Msg: f.Msg, SerialNo: req.SerialNo}
}

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
