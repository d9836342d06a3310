package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

// TestMergedClaim: one invoice over three codes.
func TestMergedClaim(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	ctx := t.Context()
	numbers := []string{"SBOX000001", "SBOX000002", "SBOX000003"}
	var third piaotong.QRCreated
	for _, no := range numbers {
		third = b.create(t, no)
	}
	serial, err := b.ClaimMerged(ClaimMerged{QRCodeNos: numbers[:2], URLs: []string{third.URL}, BuyerName: "甲公司"})
	if err != nil {
		t.Fatal(err)
	}
	for _, no := range numbers {
		st, err := b.client.QueryQR(ctx, b.ref(no))
		if err != nil || st.TradeNo != "T"+no[4:] || fmt.Sprint(st.Invoices) != fmt.Sprintf("[{%s 175.50}]", serial) {
			t.Errorf("%s: %+v, %v", no, st, err)
		}
	}
	inv := b.state(t, serial)
	if inv.NetAmount != "157.11" || inv.TaxAmount != "18.39" {
		t.Errorf("%+v", inv)
	}
	v, err := b.client.VoidQRs(ctx, []piaotong.QRRef{b.ref(numbers[2])})
	if err != nil || v[0].Voided {
		t.Errorf("void of one of them: %+v, %v", v, err)
	}
	// One of the sales comes back: its lines are 3 and 4.
	init, err := b.client.InitRed(ctx, b.blueRef(inv.AllEleInvNo))
	if err != nil || len(init.Lines) != 6 {
		t.Fatalf("%+v, %v", init, err)
	}
	l3, l4 := milk("-2", "-40.00"), apples("-20.00", "1.50")
	l3.BlueItemNo, l4.BlueItemNo = "3", "4"
	if _, err := b.client.RedFlushLines(ctx, b.lines(red1, inv.AllEleInvNo, l3, l4)); err != nil {
		t.Fatal(err)
	}
	if st := b.state(t, red1); st.NetAmount != "-52.37" || st.TaxAmount != "-6.13" {
		t.Errorf("%+v", st)
	}
	l := b.ledger(t)
	if e := l.Entries[3]; e.Kind != ClaimedEntry || e.Amount != "175.50" || fmt.Sprint(e.QRCodeNos) != fmt.Sprint(numbers) {
		t.Errorf("entry %+v", e)
	}
	if got := l.Invoices[0]; got.RedFlag != PartRed || got.QRCodeNo != numbers[0] || len(got.QRCodeNos) != 3 || l.QRs[1].State != "claimed" {
		t.Errorf("%+v", got)
	}
}

func TestBadMergedClaims(t *testing.T) {
	b := newBench(t, "")
	one := b.create(t, "SBOX000001")
	b.create(t, "SBOX000002")
	b.claim(t, Claim{QRCodeNo: "SBOX000002"})
	if err := b.PlantQR("SBOX000003", "T3", "99999999.99"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		c    ClaimMerged
		want error // nil = bad input
	}{
		"nothing":     {ClaimMerged{}, nil},
		"one":         {ClaimMerged{QRCodeNos: []string{"SBOX000001"}}, nil},
		"twice":       {ClaimMerged{QRCodeNos: []string{"SBOX000001"}, URLs: []string{one.URL}}, nil},
		"no address":  {ClaimMerged{QRCodeNos: []string{"SBOX000001"}, URLs: []string{""}}, nil},
		"outcome":     {ClaimMerged{QRCodeNos: []string{"SBOX000001", "SBOX000002"}, Outcome: "x"}, nil},
		"too much":    {ClaimMerged{QRCodeNos: []string{"SBOX000001", "SBOX000003"}}, nil},
		"tax number":  {ClaimMerged{QRCodeNos: []string{"SBOX000001", "SBOX000003"}, BuyerTaxpayerNum: "123"}, nil},
		"unknown":     {ClaimMerged{QRCodeNos: []string{"SBOX000001", "SBOX000009"}}, ErrNotFound},
		"one claimed": {ClaimMerged{QRCodeNos: []string{"SBOX000001", "SBOX000002"}}, ErrConflict},
	} {
		_, err := b.ClaimMerged(tc.c)
		if _, bad := errors.AsType[inputError](err); err == nil || bad != (tc.want == nil) || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k := b.ledger(t).kinds(); k != "qr_created qr_created claimed qr_created" {
		t.Error(k)
	}
}

// TestSplitClaim: one code, several invoices that add up to it, with whole
// items as long as there are enough.
func TestSplitClaim(t *testing.T) {
	for _, tc := range []struct {
		n       int
		amounts string
	}{
		{1, "[58.50]"},
		{2, "[40.00 18.50]"},
		{3, "[20.00 18.50 20.00]"},
		{5, "[10.00 18.50 10.00 10.00 10.00]"},
	} {
		b := newBench(t, "")
		b.SetIssueDelay(0)
		b.create(t, qrNo)
		first := b.claim(t, Claim{QRCodeNo: qrNo, Split: tc.n})
		st, err := b.client.QueryQR(t.Context(), b.ref(qrNo))
		if err != nil || len(st.Invoices) != tc.n || st.Invoices[0].ReqSerialNo != first {
			t.Fatalf("%d: %+v, %v", tc.n, st, err)
		}
		var amounts []string
		var total int64
		for _, inv := range st.Invoices {
			amounts = append(amounts, inv.Amount)
			got := b.state(t, inv.ReqSerialNo)
			net, err1 := parseFen(got.NetAmount)
			tax, err2 := parseFen(got.TaxAmount)
			if got.Code != "0000" || formatFen(net+tax) != inv.Amount || errors.Join(err1, err2) != nil {
				t.Errorf("%d: %+v of %s", tc.n, got, inv.Amount)
			}
			total += net + tax
		}
		if fmt.Sprint(amounts) != tc.amounts || total != 5850 {
			t.Errorf("%d: %v, want %s", tc.n, amounts, tc.amounts)
		}
	}
	b := newBench(t, "")
	b.create(t, qrNo)
	for _, n := range []int{-1, 101} {
		if _, err := b.Claim(Claim{QRCodeNo: qrNo, Split: n}); err == nil {
			t.Errorf("split into %d", n)
		}
	}
	if _, err := splitItems([]Item{{Amount: "0.02"}}, 3); err == nil {
		t.Error("two fen were split into three")
	}
}

// TestSplitWithNothingForOne: an item of 0.00 makes no invoice.
func TestSplitWithNothingForOne(t *testing.T) {
	r := newRaw(t)
	free := map[string]any{"itemName": "赠品", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceItemAmount": "0"}
	paid := map[string]any{"itemName": "餐费", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceItemAmount": "10"}
	r.send(t, createPath, with(t, map[string]any{"itemList": []any{paid, free}}))
	if _, err := r.Claim(Claim{QRCodeNo: "SBOX000001", Split: 2}); err == nil {
		t.Error("an invoice over nothing")
	}
	if k := r.ledger(t).kinds(); k != "qr_created" {
		t.Error(k)
	}
}

func TestVoidDenied(t *testing.T) {
	b := newBench(t, "")
	void := func(no string) piaotong.QRVoided {
		t.Helper()
		got, err := b.client.VoidQRs(t.Context(), []piaotong.QRRef{b.ref(no)})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	fault := func(kind FaultKind) {
		t.Helper()
		if err := b.SetFault(Fault{Interface: "2.17", Kind: kind, Times: 1}); err != nil {
			t.Fatal(err)
		}
	}
	b.create(t, "SBOX000001")
	fault(FaultVoidFalse)
	if v := void("SBOX000001"); v.Voided || b.ledger(t).QRs[0].State != "active" {
		t.Errorf("%+v, code %s", v, b.ledger(t).QRs[0].State)
	}
	fault(FaultVoidFalseDone)
	if v := void("SBOX000001"); v.Voided || b.ledger(t).QRs[0].State != "voided" {
		t.Errorf("%+v, code %s", v, b.ledger(t).QRs[0].State)
	}
	if v := void("SBOX000001"); v.Voided || v.Msg != "二维码已作废" {
		t.Errorf("again: %+v", v)
	}
	for _, kind := range []FaultKind{FaultVoidFalse, FaultVoidFalseDone} {
		for _, number := range []string{"2.16", "*"} {
			if b.SetFault(Fault{Interface: number, Kind: kind}) == nil {
				t.Errorf("%s of %s was accepted", kind, number)
			}
		}
	}
}

func TestIsDeleteAsText(t *testing.T) {
	r := newRaw(t)
	r.create(t, "SBOX000001")
	if status, _ := r.control(t, "POST", "settings", `{"is_delete_text":true}`); status != 200 {
		t.Fatal(status)
	}
	const content = `[{"taxpayerNum":"91110108SANDBOX01X","qrcodeNo":"SBOX000001","invoiceAmount":"58.50"}]`
	for _, want := range []string{`"isDelete":"true"`, `"isDelete":"false"`} {
		if out := r.send(t, voidPath, content); !strings.Contains(string(out.Content), want) {
			t.Errorf("%s, want %s", out.Content, want)
		}
	}
	r.SetIsDeleteText(false)
	if out := r.send(t, voidPath, content); !strings.Contains(string(out.Content), `"isDelete":false`) {
		t.Errorf("%s", out.Content)
	}
	r.create(t, "SBOX000002")
	r.SetIsDeleteText(true)
	if v, err := r.client.VoidQRs(t.Context(), []piaotong.QRRef{r.ref("SBOX000002")}); err != nil || !v[0].Voided {
		t.Errorf("the client reads %+v, %v", v, err)
	}
}

func TestExpiredCode(t *testing.T) {
	b := newBench(t, "")
	b.create(t, qrNo)
	b.clock.add(181 * 24 * time.Hour)
	if _, err := b.Claim(Claim{QRCodeNo: qrNo}); !errors.Is(err, ErrConflict) {
		t.Errorf("claim: %v", err)
	}
	if st, err := b.client.QueryQR(t.Context(), b.ref(qrNo)); err != nil || st.TradeNo != "T000001" || len(st.Invoices) != 0 {
		t.Errorf("2.18: %+v, %v", st, err)
	}
	if v, err := b.client.VoidQRs(t.Context(), []piaotong.QRRef{b.ref(qrNo)}); err != nil || v[0].Voided || v[0].Msg != "二维码已过期" {
		t.Errorf("2.17: %+v, %v", v, err)
	}
}

func TestPlantedQR(t *testing.T) {
	b := newBench(t, "")
	if err := b.PlantQR(qrNo, "OTHER-TILL-1", "58.50"); err != nil {
		t.Fatal(err)
	}
	_, err := b.client.CreateQR(t.Context(), b.sale(qrNo))
	wantCode(t, err, piaotong.Duplicate, "8038")
	if st, err := b.client.QueryQR(t.Context(), b.ref(qrNo)); err != nil || st.TradeNo != "OTHER-TILL-1" {
		t.Errorf("%+v, %v", st, err)
	}
	if err := b.PlantQR(qrNo, "x", "1"); !errors.Is(err, ErrConflict) {
		t.Errorf("planted twice: %v", err)
	}
	for _, bad := range [][3]string{{"short", "x", "1"}, {"SBOX-00001", "x", "1"}, {"SBOX000001", "", "1"}, {"SBOX000001", "x", "-1"}, {"SBOX000001", "x", "1.234"}} {
		if b.PlantQR(bad[0], bad[1], bad[2]) == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	b.publicURL = "https://sandbox.example/"
	if err := b.PlantQR("SBOX000002", "x", "58.50"); err != nil {
		t.Fatal(err)
	}
	if st, err := b.client.QueryQR(t.Context(), b.ref("SBOX000002")); err != nil || st.URL != "https://sandbox.example/q/SBOX000002" {
		t.Errorf("%+v, %v", st, err)
	}
}
