package worker_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tillagent/piaotong/sandbox"
)

// class is a class of the platform's table of error codes.
type class string

const (
	isData   class = "DATA" // and STATE: it understood, and says no
	isAuth   class = "AUTH"
	isConfig class = "CONFIG"
	isDup    class = "DUP"
	isBusy   class = "PENDING"
	isRetry  class = "RETRY" // may have been processed
	isLater  class = "LATER" // surely not processed: a review that passes by itself
	isRed    class = "RED"   // of the blue invoice: reversed or voided
	isGone   class = "NOTFOUND"
	isOther  class = "other"
)

// errorCodes are the envelope codes of the platform's error table.
var errorCodes = map[string]class{
	"3999": isAuth, "5001": isGone, "6003": isRed, "6005": isRed,
	"6009": isData, "6010": isData, "6011": isData, "6012": isData, "6013": isData, "6014": isData, "6015": isData, "6016": isData,
	"7001": isData, "7002": isData,
	"8001": isConfig, "8002": isConfig, "8003": isGone, "8004": isConfig, "8005": isData, "8006": isData, "8007": isData, "8008": isData,
	"8009": isLater, "8011": isData, "8012": isData, "8013": isData, "8014": isData, "8015": isData, "8016": isData, "8017": isData,
	"8021": isDup, "8022": isConfig, "8028": isOther, "8029": isOther, "8031": isOther, "8032": isOther, // of interfaces that we do not have
	"8033": isRetry, "8037": isConfig, "8038": isDup, "8039": isData, "8040": isBusy, "8041": isBusy, "8042": isData, "8043": isRetry,
	"8104": isConfig, "8993": isRetry, "8995": isData, "8996": isRetry, "9001": isData, "9002": isData, "9003": isData, "9004": isConfig,
	"9005": isLater, "9996": isConfig, "9997": isConfig, "9998": isConfig, "9999": isRetry,
	"6666": isOther, "7777": isOther, "9991": isOther, "1234": isOther, "00000": isOther, "OK00": isOther,
}

// classFor is the class of an interface's answer. 9999 is decided by interface
// and by text.
func classFor(number, code, msg string) class {
	switch {
	case code == "9999" && (makesInvoice(number) || strings.Contains(msg, "验签")):
		return isConfig
	case code == "8037" && number != "2.16": // of this invoice alone: it must not stop the others
		return isData
	}
	return errorCodes[code]
}

func classOf(h heard) class { return classFor(h.number, h.code, h.msg) }

// makesInvoice reports whether an interface makes an invoice, blue or red.
func makesInvoice(number string) bool { return number == "2.9" || number == "2.10" || number == "2.37" }

// mustAsk reports whether a call leaves open what became of it.
func mustAsk(h heard) bool {
	switch classOf(h) {
	case isAuth: // it may go on by itself
		return makesInvoice(h.number)
	case isConfig: // 9999 is an invoice that may be there, whatever its text says
		return h.code == "9999" && makesInvoice(h.number)
	case isData, isGone, isLater:
		return false
	}
	return true // no answer to believe, 0000, or what is none of these
}

// TestMatrixCodes answers every changing call with every code.
func TestMatrixCodes(t *testing.T) {
	for _, s := range matrixScenes {
		if reading[s.number] == "" || s.variant {
			continue
		}
		var cells []*cell
		for _, code := range slices.Sorted(maps.Keys(errorCodes)) {
			f := fault{kind: sandbox.FaultRefuse, with: sandbox.Fault{Code: code, Msg: "处理失败"}}
			cells = append(cells, &cell{scene: s, name: code, fault: f, times: 1})
		}
		playColumn(t, s.name, cells)
	}
}
