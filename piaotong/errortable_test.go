package piaotong

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// class is a class of the platform's error table.
type class string

const (
	isPending  class = "PENDING"
	isDup      class = "DUP"
	isRetry    class = "RETRY"
	isData     class = "DATA"
	isState    class = "STATE"
	isWait     class = "STATE (wait)" // passes by itself
	isRed      class = "STATE (red)"  // of the blue invoice: reversed or voided
	isAuth     class = "AUTH"
	isConfig   class = "CONFIG"
	isNotFound class = "NOTFOUND"
	isOther    class = "other"
)

// kindOf is what a class means for a call: a changing one that may have been
// processed is asked about first.
func kindOf(c class, op *operation) Kind {
	switch c {
	case isPending:
		return Pending
	case isDup:
		return Duplicate
	case isData, isState:
		return Refused
	case isWait:
		return Unavailable
	case isRed:
		return AlreadyRed
	case isAuth:
		return Auth
	case isConfig:
		return Misconfigured
	case isNotFound:
		return NotFound
	case isRetry, isOther:
		if op.changes {
			return Unknown
		}
		return Unavailable
	}
	return 0
}

// Interfaces by the configuration's names, as the error table and the tables of
// the interfaces list them.
const (
	logins     = "account_register account_sms_code account_sms_login"
	accounts   = logins + " account_auth_qr account_auth_qr_status account_auth_status account_list account_logout"
	confirms   = "red_apply red_view red_issue red_review red_cancel red_list red_list_result red_init"
	queries    = "invoice_query invoice_query_full invoice_file"
	qrs        = "qr_create qr_void qr_query"
	issues     = "invoice_blue red_partial" // 2.37 has the codes of 2.9, and more
	everything = "enterprise_register enterprise_info " + accounts + " " + confirms + " " + queries + " " + qrs + " " + issues + " invoice_red_full"
)

// errorTable transcribes the platform's error table: envelope codes, class and
// the interfaces that list the code.
var errorTable = []struct {
	code       string
	msg        string // "" = a text that says nothing
	class      class
	interfaces string
}{
	{"3999", "", isAuth, everything}, // documented as a state only; as an envelope it can mean nothing else
	{"5001", "", isNotFound, "qr_query"},
	{"6003", "", isRed, "invoice_red_full red_partial " + confirms},
	{"6005", "", isRed, "invoice_red_full red_partial " + confirms},
	{"6009", "", isData, "red_partial " + confirms},
	{"6010", "", isData, "red_partial " + confirms},
	{"6011", "", isData, "red_partial " + confirms},
	{"6012", "", isData, "red_partial " + confirms},
	{"6013", "", isState, "red_partial " + confirms},
	{"6014", "", isState, "red_partial " + confirms},
	{"6015", "", isData, "red_partial " + confirms},
	{"6016", "", isData, "red_partial " + confirms},
	{"7001", "", isData, "qr_create"},
	{"7002", "", isData, "qr_create"},
	{"8001", "", isConfig, "invoice_red_full"},
	{"8002", "", isConfig, "invoice_red_full enterprise_info"},
	{"8003", "", isNotFound, queries},
	{"8003", "", isNotFound, "red_view red_list_result"}, // assumed
	{"8003", "", isData, "invoice_red_full red_partial"},
	{"8003", "", isData, "red_apply red_issue red_init"}, // assumed: as 2.10
	{"8004", "", isConfig, "invoice_blue red_partial invoice_red_full qr_create qr_query " + accounts + " " + confirms},
	{"8005", "", isData, issues + " qr_create"},
	{"8006", "", isData, issues + " qr_create"},
	{"8007", "", isData, issues},
	{"8008", "", isData, issues},
	{"8009", "", isWait, issues},
	{"8011", "", isData, issues},
	{"8012", "", isData, issues},
	{"8013", "", isData, issues},
	{"8014", "", isData, issues},
	{"8015", "", isData, issues},
	{"8016", "", isData, issues + " qr_create"},
	{"8017", "", isData, issues},
	{"8021", "", isDup, issues + " invoice_red_full"},
	{"8021", "", isDup, "red_issue"}, // as 2.10
	{"8022", "", isConfig, "red_partial"},
	{"8028", "", isOther, everything}, // card package: no interface of ours
	{"8029", "", isOther, everything}, // card package: no interface of ours
	{"8031", "", isOther, everything}, // mail and SMS: no interface of ours
	{"8032", "", isOther, everything}, // mail and SMS: no interface of ours
	{"8033", "", isRetry, "red_partial"},
	{"8037", "", isConfig, "qr_create red_partial"},
	{"8038", "", isDup, "qr_create"},
	{"8039", "", isData, "qr_create"},
	{"8040", "", isPending, issues + " invoice_red_full"},
	{"8040", "", isPending, "red_issue"}, // as 2.10
	{"8041", "", isPending, "invoice_file"},
	{"8042", "", isState, "invoice_file"},
	{"8043", "", isRetry, "invoice_file"},
	{"8104", "", isConfig, "qr_void red_partial enterprise_info " + accounts + " " + confirms},
	{"8993", "", isRetry, issues},
	{"8993", "密码错误", isData, logins},
	{"8995", "", isData, everything},
	{"8995", "签名笔名称不合法", isData, everything}, // the text counts for 9999 only
	{"8996", "", isRetry, everything},
	{"9001", "", isData, "enterprise_register"},
	{"9002", "", isData, "enterprise_register"},
	{"9003", "", isData, "enterprise_register"},
	{"9004", "", isConfig, "enterprise_register"},
	{"9005", "", isWait, "enterprise_register"},
	{"9991", "", isOther, everything}, // a state in the review push, nothing for an envelope
	{"9996", "", isConfig, "enterprise_info"},
	{"9997", "", isConfig, everything},
	{"9998", "", isConfig, everything},
	{"9999", "", isConfig, "enterprise_register enterprise_info invoice_red_full " + issues},
	{"9999", "", isRetry, accounts + " " + confirms + " " + queries + " " + qrs},
	{"9999", "验签失败", isConfig, everything},
	{"9999", "数据签名错误", isConfig, everything},
	{"1234", "", isOther, everything},
	{"00000", "成功", isOther, everything}, // like success, and none
	{"OK00", "成功", isOther, everything},
}

// TestErrorTable sends every code of the table to every interface that lists
// it, and looks at what the client makes of it.
func TestErrorTable(t *testing.T) {
	var answer atomic.Pointer[answerFunc]
	c, _ := answered(t, func(w http.ResponseWriter, p *testPlatform, r Request) { (*answer.Load())(w, p, r) })
	calls := map[string]testCall{}
	for _, call := range allCalls {
		calls[call.op.key] = call
	}
	if listed := strings.Fields(everything); len(listed) != len(allCalls) {
		t.Errorf("%d interfaces are listed, the client has %d", len(listed), len(allCalls))
	}
	inTable := map[string]bool{}
	for _, row := range errorTable {
		inTable[row.code] = true
		msg := row.msg
		if msg == "" {
			msg = "处理失败"
		}
		a := answerCode(row.code, msg, "")
		answer.Store(&a)
		for _, key := range strings.Fields(row.interfaces) {
			call, ok := calls[key]
			if !ok {
				t.Fatalf("no call of %q", key)
			}
			err := call.do(t.Context(), c)
			e, ok := errors.AsType[*Error](err)
			if want := kindOf(row.class, call.op); !ok || e.Kind != want || e.Code != row.code || e.Msg != msg {
				t.Errorf("%s %s %s: %v, want %s", key, row.code, msg, err, want)
			}
		}
	}
	for code := range commonCodes {
		if !inTable[code] {
			t.Errorf("%s is classified, but not in the table", code)
		}
	}
}

// TestStatesAreNotEnvelopeCodes: the same numbers inside the content are the
// invoice's state, which decides nothing about the call.
func TestStatesAreNotEnvelopeCodes(t *testing.T) {
	for _, code := range []string{StateIssued, StateAuth, StateWithdrawn, StatePending, StateFailed, "1234"} {
		c, p := answered(t, answerContent(`{"invoiceReqSerialNo":"`+testInvoice.ReqSerialNo+`","code":"`+code+`","msg":"x"}`))
		if st, err := c.QueryInvoice(t.Context(), testInvoice); err != nil || st.Code != code {
			t.Errorf("2.11 with %s: %+v, %v", code, st, err)
		}
		if full, err := c.QueryFullInvoice(t.Context(), testInvoice); err != nil || full.Code != code {
			t.Errorf("2.12 with %s: %+v, %v", code, full.InvoiceState, err)
		}
		raw, err := p.codec.SealRequest("TESTCODE", "P1", tradeTime, []byte(`{"invoiceReqSerialNo":"X","code":"`+code+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if push, err := c.codec.OpenInvoicePush(raw); err != nil || push.Code != code {
			t.Errorf("2.13 with %s: %+v, %v", code, push, err)
		}
	}
}

// TestRepeatable: what may be sent again without asking first.
func TestRepeatable(t *testing.T) {
	c, _ := answered(t, answerRaw(500, ""))
	ask := []*operation{
		opCreateQR, opRedFlush, opRedPartial, opIssueBlue, opRegisterAccount, opSendSMSCode, opLoginBySMS,
		opApplyRed, opIssueRed, opReviewRed, opCancelRed,
	}
	for _, call := range allCalls {
		e, ok := errors.AsType[*Error](call.do(t.Context(), c))
		if want := !slices.Contains(ask, call.op); !ok || e.Repeatable != want {
			t.Errorf("%s: %+v, want repeatable %t", call.op.key, e, want)
		}
	}
}
