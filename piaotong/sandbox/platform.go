package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"tillagent/piaotong"
)

const (
	maxRequest  = 20 << 20
	maxMsg      = 60 // characters of an answer's text, by the platform's table
	codeOK      = "0000"
	msgOK       = "处理成功"
	codeData    = "8995" // data check failed, see text
	codeTrouble = "8996" // business exception
)

// refusal is a business error: an envelope code other than 0000.
type refusal struct{ code, msg string }

func (r *refusal) Error() string { return r.code + " " + r.msg }

func refuse(code, msg string) error { return &refusal{code, msg} }

// invalid is the platform's general refusal of data, 8995.
func invalid(format string, args ...any) error {
	return refuse(codeData, "数据校验不通过："+fmt.Sprintf(format, args...))
}

// call is one request, opened.
type call struct {
	content []byte
	base    string // of addresses that go into answers
	fault   Fault
}

// result puts the result of its own into an answer that has one, and reports
// whether a fault makes that a failure.
func (c call) result(out map[string]string) (failed bool) {
	out["resultCode"], out["resultMsg"] = codeOK, msgOK
	if c.fault.Kind == FaultResult {
		out["resultCode"], out["resultMsg"] = c.fault.Code, c.fault.Msg
		return true
	}
	return false
}

// platformInterface is one interface of the platform. It runs with mu held and
// returns the content of the answer.
type platformInterface struct {
	number string
	key    string // of piaotong.EndpointKeys, which has the path
	run    func(*Sandbox, call) (any, error)
}

// platformInterfaces is the table of all interfaces. The number of the query
// of an enterprise, which the platform's basic document has not, is v3.5.1's.
var platformInterfaces = []platformInterface{
	{"2.2", "enterprise_register", (*Sandbox).registerEnterprise},
	{"2.2-info", "enterprise_info", (*Sandbox).queryEnterprise},
	{"2.3", "account_register", (*Sandbox).registerAccount},
	{"2.4", "account_sms_code", (*Sandbox).sendSMS},
	{"2.5", "account_sms_login", (*Sandbox).loginBySMS},
	{"2.6", "account_auth_qr", (*Sandbox).authQR},
	{"2.7", "account_auth_qr_status", (*Sandbox).authQRStatus},
	{"2.8", "account_auth_status", (*Sandbox).queryAccount},
	{"2.9", "invoice_blue", (*Sandbox).issueBlue},
	{"2.10", "invoice_red_full", (*Sandbox).redFlush},
	{"2.11", "invoice_query", (*Sandbox).queryInvoice},
	{"2.12", "invoice_query_full", (*Sandbox).queryFullInvoice},
	{"2.15", "invoice_file", (*Sandbox).invoiceFile},
	{"2.16", "qr_create", (*Sandbox).createQR},
	{"2.17", "qr_void", (*Sandbox).voidQRs},
	{"2.18", "qr_query", (*Sandbox).queryQR},
	{"2.28", "red_apply", (*Sandbox).applyRedConfirm},
	{"2.29", "red_view", (*Sandbox).viewRedConfirm},
	{"2.30", "red_issue", (*Sandbox).issueRed},
	{"2.31", "red_review", (*Sandbox).auditRedConfirm},
	{"2.32", "red_cancel", (*Sandbox).revokeRedConfirm},
	{"2.33", "red_list", (*Sandbox).searchRedConfirms},
	{"2.34", "red_list_result", (*Sandbox).foundRedConfirms},
	{"2.36", "red_init", (*Sandbox).initRed},
	{"2.37", "red_partial", (*Sandbox).redLines},
	{"2.45", "account_list", (*Sandbox).listAccounts},
	{"2.46", "account_logout", (*Sandbox).logout},
}

// path is where an interface is served: its public path, or one of the
// sandbox's own when no public source names one.
func (pi platformInterface) path() string {
	if k := pi.endpoint(); k.Default != "" {
		return k.Default
	}
	return "/sim/" + pi.number
}

func (pi platformInterface) endpoint() piaotong.EndpointKey {
	keys := piaotong.EndpointKeys()
	i := slices.IndexFunc(keys, func(k piaotong.EndpointKey) bool { return k.Key == pi.key })
	return keys[i]
}

// simEndpoints are the paths that a client must be told, by key.
func simEndpoints() map[string]string {
	paths := map[string]string{}
	for _, pi := range platformInterfaces {
		if pi.endpoint().Default == "" {
			paths[pi.key] = pi.path()
		}
	}
	return paths
}

// servePlatform answers one interface: the envelope around its run, and the
// fault that was asked for, if any.
func (s *Sandbox) servePlatform(pi platformInterface) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, "request too large or broken off", http.StatusBadRequest)
			return
		}
		req, err := s.openRequest(body)
		fault := s.beginCall(pi, req, err)
		if s.failBefore(w, r, fault) {
			return
		}
		resp := piaotong.Response{Code: fault.Code, Msg: fault.Msg, SerialNo: req.SerialNo}
		if !fault.answers() {
			resp = s.process(pi, req, err, call{req.Content, s.baseURL(r), fault})
		}
		raw, err := s.sealAnswer(resp, fault)
		if err != nil {
			http.Error(w, "cannot seal the answer", http.StatusInternalServerError)
			return
		}
		if s.failAfter(w, r, fault) {
			return
		}
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.Write(raw)
	}
}

func (s *Sandbox) baseURL(r *http.Request) string {
	if s.publicURL != "" {
		return strings.TrimRight(s.publicURL, "/")
	}
	return "http://" + r.Host
}

// process does what the platform would do with a request that was opened, or
// could not be.
func (s *Sandbox) process(pi platformInterface, req piaotong.Request, err error, c call) piaotong.Response {
	resp := piaotong.Response{Code: codeOK, Msg: msgOK, SerialNo: req.SerialNo}
	var content any
	if err == nil {
		content, err = s.run(pi, c)
	}
	if err == nil {
		resp.Content, err = json.Marshal(content)
	}
	if err != nil {
		resp.Content = nil
		resp.Code, resp.Msg = codeTrouble, "业务异常，请联系客服"
		if r, ok := errors.AsType[*refusal](err); ok {
			resp.Code, resp.Msg = r.code, clip(r.msg, maxMsg)
		}
		s.log.Info("sandbox refused", "interface", pi.number, "serial", req.SerialNo, "code", resp.Code, "reason", err.Error())
	}
	return resp
}

func (s *Sandbox) run(pi platformInterface, c call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if err := s.advance(); err != nil {
		return nil, err
	}
	return pi.run(s, c)
}

// openRequest verifies the envelope and checks its fields. With an error the
// request has as much as could be verified.
func (s *Sandbox) openRequest(body []byte) (piaotong.Request, error) {
	req, err := s.ring.Load().codec.OpenRequest(body)
	if e, ok := errors.AsType[*piaotong.EnvelopeError](err); ok {
		switch e.Problem {
		case piaotong.MissingSignature, piaotong.BadSignature:
			return req, refuse("9999", "验签失败")
		case piaotong.BadContent:
			return req, invalid("业务报文解密失败（%s）", e.Detail)
		default:
			return req, invalid("报文格式错误（%s）", e.Detail)
		}
	}
	if err != nil {
		return req, err
	}
	switch {
	case req.PlatformCode != s.account.PlatformCode:
		return req, refuse("9998", "平台编码不合法")
	case req.SignType != "RSA":
		return req, invalid("signType 只支持 RSA")
	case req.Format != "" && req.Format != "JSON":
		return req, invalid("format 只支持 JSON")
	case req.Version != "1.0":
		return req, invalid("version 只支持 1.0")
	case len(req.SerialNo) != 26 || !alnumPattern.MatchString(req.SerialNo):
		return req, invalid("serialNo 必须为 26 位字母或数字")
	case !strings.HasPrefix(req.SerialNo, s.account.PlatformPrefix):
		return req, invalid("serialNo 必须以平台简称 %s 开头", s.account.PlatformPrefix)
	}
	if _, err := piaotong.ParseTime(req.Timestamp); err != nil {
		return req, invalid("timestamp 格式必须为 yyyy-MM-dd HH:mm:ss")
	}
	return req, nil
}

// clip cuts a text after n characters.
func clip(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}

// decode reads a content into the struct or slice that v points to.
func decode(content []byte, v any) error {
	err := json.Unmarshal(content, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid("%s 不应为 %s", orText(e.Field, "业务报文"), e.Value)
	}
	if err != nil {
		return invalid("业务报文格式错误（%v）", err)
	}
	return nil
}
