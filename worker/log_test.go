package worker_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"tillagent/piaotong/sandbox"
	"tillagent/trade"
)

// TestLogHidesBuyers has the platform's refusal repeat what is a buyer's.
func TestLogHidesBuyers(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		var log bytes.Buffer
		l.stop()
		l.log = slog.New(slog.NewTextHandler(&log, nil))
		l.run()
		l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8995", Msg: "税号 91110108MA01234567 与手机 13812345678 不符"})
		l.sell("S1")
		l.until("S1", "rejected", view(trade.StateRejected))
		l.stop()
		if s := log.String(); !strings.Contains(s, "8995") || strings.Contains(s, "MA01234567") || strings.Contains(s, "13812345678") {
			t.Errorf("the log:\n%s", s)
		}
	})
}
