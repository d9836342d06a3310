package worker

import (
	"testing"
	"time"

	"tillagent/trade"
)

// TestPauseOfACodeFetchedByAClockAhead: it is not asked about every few seconds
// until that time has come.
func TestPauseOfACodeFetchedByAClockAhead(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := trade.Standing{QRs: []trade.QR{{State: trade.QRActive, FetchedAt: now.AddDate(16, 0, 0)}}}
	if d := Pause(15*time.Second, 10*time.Minute)(trade.Op{Kind: trade.OpQueryQR, Lane: trade.LaneWatch}, s, 0, now); d != time.Hour {
		t.Errorf("it is asked about every %s", d)
	}
}
