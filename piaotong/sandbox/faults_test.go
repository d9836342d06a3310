package sandbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

// TestFaults: every fault on every interface, with what the client makes of it
// and with what the ledger says was done.
func TestFaults(t *testing.T) {
	const (
		unknown       = piaotong.Unknown
		refused       = piaotong.Refused
		misconfigured = piaotong.Misconfigured
	)
	faults := []struct {
		fault     Fault
		want      piaotong.Kind // 0 = success
		untrusted bool
		processed bool
	}{
		{Fault{Kind: FaultTimeout}, unknown, false, false},
		{Fault{Kind: FaultReset}, unknown, false, false},
		{Fault{Kind: FaultHTTP500}, unknown, false, false},
		{Fault{Kind: FaultStatus}, piaotong.Unknown, false, false},
		{Fault{Kind: FaultStatus, Msg: "busy"}, unknown, false, false},
		{Fault{Kind: FaultStatus, Status: 429, Msg: "slow down"}, unknown, false, false},
		{Fault{Kind: FaultRedirect}, unknown, false, false},
		{Fault{Kind: FaultHTML}, unknown, true, false},
		{Fault{Kind: FaultRefuse}, refused, false, false},
		{Fault{Kind: FaultRefuse, Code: "9998", Msg: "平台编码不合法"}, misconfigured, false, false},
		{Fault{Kind: FaultRefuse, Code: "3999"}, piaotong.Auth, false, false},
		{Fault{Kind: FaultMisconfigured}, misconfigured, false, false},
		{Fault{Kind: FaultLostAnswer}, unknown, false, true},
		{Fault{Kind: FaultResetAfter}, unknown, false, true},
		{Fault{Kind: FaultBadGateway}, unknown, false, true},
		{Fault{Kind: FaultBadSignature}, unknown, true, true},
		{Fault{Kind: FaultNoSignature}, unknown, true, true},
		{Fault{Kind: FaultWrongKey}, unknown, true, true},
		{Fault{Kind: FaultShortContent}, unknown, true, true},
		{Fault{Kind: FaultNoContent}, unknown, false, true},
		{Fault{Kind: FaultTruncated}, unknown, true, true},
		{Fault{Kind: FaultRepeated}, unknown, true, true},
		{Fault{Kind: FaultDelay, Delay: time.Millisecond}, 0, false, true},
		{Fault{Kind: FaultDelay, Delay: time.Hour}, unknown, false, true},
		{Fault{Kind: FaultEscaped}, 0, false, true},
	}
	struck := map[FaultKind]bool{}
	for _, tc := range faults {
		struck[tc.fault.Kind] = true
		slow := tc.fault.Kind == FaultTimeout || tc.fault.Delay > time.Second
		name := string(tc.fault.Kind) + tc.fault.Code
		if slow {
			name += " beyond the client's patience"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			calls := prepare(t, b)
			for _, call := range calls {
				before := b.ledger(t)
				f := tc.fault
				f.Interface, f.Times = call.number, 1
				if err := b.SetFault(f); err != nil {
					t.Fatal(err)
				}
				done := func(l Ledger) bool {
					return len(l.Entries) > len(before.Entries) && l.Entries[len(before.Entries)].Kind == call.entry
				}
				do := func(ctx context.Context) error { return call.do(b.client, ctx) }
				if slow {
					do = b.impatient(call, before, func(l Ledger) bool { return !tc.processed || call.entry == "" || done(l) })
				}
				err := do(t.Context())
				if piaotong.KindOf(err) != tc.want {
					t.Errorf("%s: %v is %s, want %s", call.number, err, piaotong.KindOf(err), tc.want)
				}
				if e, ok := errors.AsType[*piaotong.Error](err); ok && e.Untrusted != tc.untrusted {
					t.Errorf("%s: untrusted %t: %v", call.number, e.Untrusted, err)
				}
				after := b.ledger(t)
				if after.Calls[call.number] != before.Calls[call.number]+1 {
					t.Errorf("%s: %d calls counted", call.number, after.Calls[call.number]-before.Calls[call.number])
				}
				if call.entry != "" && done(after) != tc.processed {
					t.Errorf("%s: processed %t, want %t (ledger %s)", call.number, done(after), tc.processed, after.kinds())
				}
				// The fault struck once: now it works, or was done before.
				err = call.do(b.client, t.Context())
				if k := piaotong.KindOf(err); k != 0 && !(tc.processed && call.entry != "" || call.number == "2.4" || call.number == "2.5") {
					t.Errorf("%s after the fault: %v", call.number, err)
				}
			}
			b.sound(t)
		})
	}
	for kind, only := range faultKinds {
		if only == nil && !struck[kind] {
			t.Errorf("no test of %s", kind)
		}
	}
}

// impatient makes a call whose caller gives up once it has arrived and what
// should be done is done.
func (b *bench) impatient(call faultCall, before Ledger, done func(Ledger) bool) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		result := make(chan error, 1)
		go func() { result <- call.do(b.client, ctx) }()
		for {
			l, err := b.Ledger()
			if err != nil {
				return err
			}
			if l.Calls[call.number] > before.Calls[call.number] && done(l) {
				cancel()
				return <-result
			}
			select {
			case err := <-result:
				return err
			default:
			}
		}
	}
}

// TestCodesOnDemand: any code of the platform's table reaches the client of any
// interface as what it means.
func TestCodesOnDemand(t *testing.T) {
	b := newBench(t, "")
	calls := prepare(t, b)
	if len(calls) != len(platformInterfaces) {
		t.Fatalf("%d calls for %d interfaces", len(calls), len(platformInterfaces))
	}
	for code, kind := range map[string]piaotong.Kind{
		"8021": piaotong.Duplicate, "8038": piaotong.Duplicate, "8040": piaotong.Pending,
		"6003": piaotong.AlreadyRed, "6005": piaotong.AlreadyRed, "6009": piaotong.Refused,
		"8104": piaotong.Misconfigured, "3999": piaotong.Auth,
	} {
		for _, call := range calls {
			if call.number == "2.32" {
				continue // of a confirmation that is not there
			}
			if err := b.SetFault(Fault{Interface: call.number, Kind: FaultRefuse, Code: code, Times: 1}); err != nil {
				t.Fatal(err)
			}
			wantCode(t, call.do(b.client, t.Context()), kind, code)
		}
	}
	if k := b.ledger(t).kinds(); strings.Contains(k, "red_requested") {
		t.Errorf("refused, and yet done: %s", k)
	}
}

// TestResultFaults: a good envelope around a result that is not.
func TestResultFaults(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	b.issueDirect(t, blue1)
	sms, err := b.client.SendSMSCode(t.Context(), b.accountRef(SecondAccount))
	if err != nil {
		t.Fatal(err)
	}
	login := piaotong.SMSLogin{TaxpayerNum: b.Account().TaxpayerNum, Account: SecondAccount, SerialNo: sms.SerialNo, Code: piaotong.Secret(b.SMSCodes()[0].Code)}
	calls := map[string]func() error{
		"2.5": func() error { _, err := b.client.LoginBySMS(t.Context(), login); return err },
		"2.15": func() error {
			_, err := b.client.FetchFile(t.Context(), b.invoice(blue1), piaotong.FileOFD)
			return err
		},
		"2.46": func() error { return b.client.Logout(t.Context(), b.accountRef(DefaultAccount)) },
	}
	for number, do := range calls {
		if err := b.SetFault(Fault{Interface: number, Kind: FaultResult, Code: "8995", Msg: "不行", Times: 1}); err != nil {
			t.Fatal(err)
		}
		wantCode(t, do(), piaotong.Refused, "8995")
		if accounts := b.TaxAccounts(); !accounts[0].LoggedIn || accounts[1].LoggedIn {
			t.Errorf("%s was processed: %+v", number, accounts)
		}
	}
	for number, do := range calls {
		if err := do(); err != nil {
			t.Errorf("%s: %v", number, err)
		}
	}
}

func TestRateLimit(t *testing.T) {
	b := newBench(t, "")
	if err := b.SetRateLimit(RateLimit{PerSecond: 2}); err != nil {
		t.Fatal(err)
	}
	ask := func() error { _, err := b.client.Accounts(t.Context(), b.Account().TaxpayerNum); return err }
	for i, want := range []piaotong.Kind{0, 0, piaotong.Unknown, piaotong.Unknown} {
		if err := ask(); piaotong.KindOf(err) != want {
			t.Errorf("call %d: %v", i, err)
		}
	}
	b.clock.add(time.Second)
	if err := ask(); err != nil {
		t.Errorf("a second later: %v", err)
	}
	if status, _ := b.control(t, "POST", "settings", `{"rate_limit":{"per_second":1,"code":"8996"}}`); status != 200 {
		t.Fatal(status)
	}
	wantCode(t, ask(), piaotong.Unavailable, "8996")
	if status, _ := b.control(t, "POST", "settings", `{"rate_limit":{"per_second":0}}`); status != 200 {
		t.Fatal(status)
	}
	if err := ask(); err != nil {
		t.Errorf("without a limit: %v", err)
	}
	if b.SetRateLimit(RateLimit{PerSecond: -1}) == nil || b.SetRateLimit(RateLimit{PerSecond: 1, Code: "&"}) == nil {
		t.Error("nonsense was accepted")
	}
}

// TestFollowedRedirect: who follows the redirect is served, so that the ledger
// tells who did.
func TestFollowedRedirect(t *testing.T) {
	r := newRaw(t)
	if err := r.SetFault(Fault{Interface: "qr_create", Kind: FaultRedirect, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if out := r.send(t, createPath, goodCreate); out.Code != "0000" || len(r.ledger(t).QRs) != 1 { // net/http follows
		t.Errorf("%+v", out)
	}
	if err := r.SetFault(Fault{Interface: "2.16", Kind: FaultRedirect, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.CreateQR(t.Context(), r.sale("SBOX000009")); piaotong.KindOf(err) != piaotong.Unknown || len(r.ledger(t).QRs) != 1 {
		t.Errorf("the client: %v", err)
	}
}

func TestFaultsLastUntilCleared(t *testing.T) {
	b := newBench(t, "")
	if err := b.SetFault(Fault{Interface: "*", Kind: FaultRefuse, Times: 2}); err != nil {
		t.Fatal(err)
	}
	if err := b.SetFault(Fault{Interface: "2.16", Kind: FaultMisconfigured}); err != nil {
		t.Fatal(err)
	}
	want := []piaotong.Kind{piaotong.Refused, piaotong.Refused, piaotong.Misconfigured, piaotong.Misconfigured, piaotong.Misconfigured}
	for i, k := range want {
		if _, err := b.client.CreateQR(t.Context(), b.sale(qrNo)); piaotong.KindOf(err) != k {
			t.Errorf("call %d: %v, want %s", i, err, k)
		}
	}
	if _, err := b.client.QueryQR(t.Context(), b.ref(qrNo)); piaotong.KindOf(err) != piaotong.NotFound {
		t.Errorf("another interface: %v", err)
	}
	b.ClearFaults()
	b.create(t, qrNo)
}

// TestCloseEndsHeldAnswers: a hanging request must not outlive the sandbox.
func TestCloseEndsHeldAnswers(t *testing.T) {
	b := newBench(t, "")
	if err := b.SetFault(Fault{Interface: "2.18", Kind: FaultTimeout}); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := b.client.QueryQR(context.Background(), b.ref(qrNo))
		result <- err
	}()
	for b.ledger(t).Calls["2.18"] == 0 {
		select {
		case err := <-result:
			t.Fatalf("answered: %v", err)
		default:
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; piaotong.KindOf(err) != piaotong.Unknown || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestBadFaults(t *testing.T) {
	b := newBench(t, "")
	for _, f := range []Fault{
		{Interface: "2.99", Kind: FaultReset}, {Interface: "2.16", Kind: "x"}, {Interface: "2.16", Kind: FaultReset, Times: -1},
		{Interface: "2.16", Kind: FaultDelay}, {Interface: "2.16", Kind: FaultRefuse, Code: "&"},
		{Interface: "2.16", Kind: FaultResult}, {Interface: "*", Kind: FaultResult}, {Interface: "2.16", Kind: FaultStatus, Status: 200},
		{Interface: "2.16", Kind: FaultReset, Status: 503},
	} {
		if b.SetFault(f) == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}
