package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tillagent/piaotong"
	"tillagent/trade"
)

// TestCallOf: what became of a call, in the words that are stored.
func TestCallOf(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want trade.Call
		made bool
	}{
		"done":       {nil, trade.Call{Interface: "2.16", Outcome: trade.OutcomeOK}, true},
		"refused":    {&piaotong.Error{Interface: "2.16", Kind: piaotong.Refused, Code: "8016"}, trade.Call{Interface: "2.16", Outcome: trade.OutcomeRefused, Code: "8016"}, true},
		"wrapped":    {fmt.Errorf("x: %w", &piaotong.Error{Interface: "2.36", Kind: piaotong.NotFound, Code: "8003"}), trade.Call{Interface: "2.36", Outcome: trade.OutcomeNotFound, Code: "8003"}, true},
		"unnamed":    {&piaotong.Error{Kind: piaotong.Auth, Code: "3999"}, trade.Call{Interface: "2.16", Outcome: trade.OutcomeAuth, Code: "3999"}, true},
		"away":       {&piaotong.Error{Interface: "2.16", Kind: piaotong.Unavailable}, trade.Call{Interface: "2.16", Outcome: trade.OutcomeUnavailable}, true},
		"not ours":   {errors.New("x"), trade.Call{Interface: "2.16", Outcome: trade.OutcomeUnknown}, true},
		"never sent": {&piaotong.Error{Interface: "2.37", Kind: piaotong.Misconfigured, NoPath: true}, trade.Call{Interface: "2.37", Outcome: trade.OutcomeMisconfigured}, false},
	} {
		got, made := callOf("2.16", tt.err, time.Now().Add(-time.Second))
		if got.Took < time.Second || got.Took > time.Minute {
			t.Errorf("%s took %v", name, got.Took)
		}
		if got.Took = 0; got != tt.want || made != tt.made {
			t.Errorf("%s: %+v, %v, want %+v, %v", name, got, made, tt.want, tt.made)
		}
	}
}

// TestEveryCallHasAName: each kind of failure has its word, each operation and
// each endpoint its interface.
func TestEveryCallHasAName(t *testing.T) {
	for k := piaotong.Refused; k <= piaotong.Auth; k++ {
		if outcomes[k] == "" {
			t.Errorf("%v has no word", k)
		}
	}
	if len(outcomes) != len(trade.Outcomes) {
		t.Errorf("%d kinds, %d words", len(outcomes), len(trade.Outcomes))
	}
	for _, k := range []trade.OpKind{trade.OpCreateQR, trade.OpQueryQR, trade.OpVoidQR, trade.OpRedFlush, trade.OpRedPart, trade.OpQueryInvoice, trade.OpIssue} {
		if interfaces[k] == "" {
			t.Errorf("%s has no interface", k)
		}
	}
}
