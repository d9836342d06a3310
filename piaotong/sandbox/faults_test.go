package sandbox

import (
	"context"
	"errors"
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
		{Fault{Kind: FaultLostAnswer}, unknown, false, true},
		{Fault{Kind: FaultRefuse}, refused, false, false},
		{Fault{Kind: FaultRefuse, Code: "9998", Msg: "平台编码不合法"}, misconfigured, false, false},
		{Fault{Kind: FaultRefuse, Code: "8996"}, piaotong.Unavailable, false, false},
		{Fault{Kind: FaultRefuse, Code: "3999"}, piaotong.Auth, false, false},
		{Fault{Kind: FaultBadSignature}, unknown, true, true},
		{Fault{Kind: FaultNoSignature}, unknown, true, true},
		{Fault{Kind: FaultHTTP500}, unknown, false, false},
		{Fault{Kind: FaultHTML}, unknown, true, false},
		{Fault{Kind: FaultReset}, unknown, false, false},
		{Fault{Kind: FaultDelay, Delay: time.Millisecond}, 0, false, true},
		{Fault{Kind: FaultDelay, Delay: time.Hour}, unknown, false, true},
		{Fault{Kind: FaultMisconfigured}, misconfigured, false, false},
	}
	for _, tc := range faults {
		name := string(tc.fault.Kind) + tc.fault.Code
		if tc.fault.Delay > time.Second {
			name += " beyond the client's patience"
		}
		t.Run(name, func(t *testing.T) {
			slow := tc.fault.Kind == FaultTimeout || tc.fault.Delay > time.Second
			b := newBench(t, "", func(o *piaotong.Options) {
				if slow {
					o.Timeout = 100 * time.Millisecond
				}
			})
			b.SetIssueDelay(0)
			b.create(t, "SBOX000001")
			b.create(t, "SBOX000002")
			serial := b.claim(t, Claim{QRCodeNo: "SBOX000002"})
			blueNo := b.state(t, serial).AllEleInvNo
			b.create(t, "SBOX000004")
			partly := b.state(t, b.claim(t, Claim{QRCodeNo: "SBOX000004", BuyerName: "甲公司"})).AllEleInvNo
			calls := []struct {
				number string
				entry  EntryKind // what the call leaves in the ledger; "" = it only reads
				do     func(context.Context) error
			}{
				{"2.16", QRCreatedEntry, func(ctx context.Context) error {
					_, err := b.client.CreateQR(ctx, b.sale("SBOX000003"))
					return err
				}},
				{"2.17", QRVoidedEntry, func(ctx context.Context) error {
					_, err := b.client.VoidQRs(ctx, []piaotong.QRRef{b.ref("SBOX000001")})
					return err
				}},
				{"2.18", "", func(ctx context.Context) error { _, err := b.client.QueryQR(ctx, b.ref("SBOX000001")); return err }},
				{"2.10", RedRequestedEntry, func(ctx context.Context) error {
					_, err := b.client.RedFlush(ctx, b.red("SBOXRED0000000000001", blueNo))
					return err
				}},
				{"2.11", "", func(ctx context.Context) error { _, err := b.client.QueryInvoice(ctx, b.invoice(serial)); return err }},
				{"2.36", "", func(ctx context.Context) error { _, err := b.client.InitRed(ctx, b.blueRef(partly)); return err }},
				{"2.37", RedRequestedEntry, func(ctx context.Context) error {
					_, err := b.client.RedFlushLines(ctx, b.lines(red2, partly, milk("-1", "-20.00")))
					return err
				}},
			}
			for _, call := range calls {
				before := b.ledger(t)
				f := tc.fault
				f.Interface, f.Times = call.number, 1
				if err := b.SetFault(f); err != nil {
					t.Fatal(err)
				}
				err := call.do(t.Context())
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
				if call.entry == "" {
					continue
				}
				done := len(after.Entries) > len(before.Entries) && after.Entries[len(before.Entries)].Kind == call.entry
				if done != tc.processed {
					t.Errorf("%s: processed %t, want %t (ledger %s)", call.number, done, tc.processed, after.kinds())
				}
			}
			// Each fault struck once: now everything works, or was done before.
			for _, call := range calls {
				switch k := piaotong.KindOf(call.do(t.Context())); k {
				case 0, piaotong.Duplicate:
				default:
					t.Errorf("%s after the fault: %s", call.number, k)
				}
			}
		})
	}
}

// TestCodesOnDemand: any code of the platform's table reaches the client of any
// interface as what it means.
func TestCodesOnDemand(t *testing.T) {
	b := newBench(t, "")
	calls := map[string]func(context.Context) error{
		"2.10": func(ctx context.Context) error {
			_, err := b.client.RedFlush(ctx, b.red(red1, "26110000000000000000"))
			return err
		},
		"2.11": func(ctx context.Context) error {
			_, err := b.client.QueryInvoice(ctx, b.invoice("P0000000000000000000"))
			return err
		},
		"2.16": func(ctx context.Context) error { _, err := b.client.CreateQR(ctx, b.sale(qrNo)); return err },
		"2.17": func(ctx context.Context) error {
			_, err := b.client.VoidQRs(ctx, []piaotong.QRRef{b.ref(qrNo)})
			return err
		},
		"2.18": func(ctx context.Context) error { _, err := b.client.QueryQR(ctx, b.ref(qrNo)); return err },
		"2.36": func(ctx context.Context) error {
			_, err := b.client.InitRed(ctx, b.blueRef("26110000000000000000"))
			return err
		},
		"2.37": func(ctx context.Context) error {
			_, err := b.client.RedFlushLines(ctx, b.lines(red1, "26110000000000000000", milk("-1", "-20.00")))
			return err
		},
	}
	if len(calls) != len(platformInterfaces) {
		t.Fatalf("%d calls for %d interfaces", len(calls), len(platformInterfaces))
	}
	for code, kind := range map[string]piaotong.Kind{
		"8021": piaotong.Duplicate, "8038": piaotong.Duplicate, "8040": piaotong.Pending,
		"6003": piaotong.AlreadyRed, "6005": piaotong.AlreadyRed, "6009": piaotong.Refused,
		"8104": piaotong.Misconfigured, "3999": piaotong.Auth,
	} {
		for number, do := range calls {
			if err := b.SetFault(Fault{Interface: number, Kind: FaultRefuse, Code: code, Times: 1}); err != nil {
				t.Fatal(err)
			}
			wantCode(t, do(t.Context()), kind, code)
		}
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
	} {
		if b.SetFault(f) == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}
