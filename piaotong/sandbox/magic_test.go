package sandbox

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tillagent/piaotong"
)

// magicSale is a sale over a magic amount, by QR or directly.
func (b *bench) magicSale(no string, fen int64) piaotong.QRCreate {
	s := b.sale(no)
	s.Amount = formatFen(magicYuan*100 + fen)
	s.Items = []piaotong.QRItem{
		{Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Rate: "0.06", Amount: "4000.00"},
		{Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Rate: "0.06", Amount: formatFen(4000 + fen)},
	}
	return s
}

func (b *bench) magicDirect(serial string, fen int64) piaotong.BlueIssue {
	d := b.direct(serial)
	d.Items = []piaotong.BlueItem{{Name: "*餐饮服务*餐费", TaxCode: "3070401000000000000", Rate: "0.06", Amount: formatFen(magicYuan*100 + fen)}}
	return d
}

func newMagic(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "")
	b.SetMagicAmounts(true)
	return b
}

// TestMagicFetching: what happens to 2.16 and to 2.9.
func TestMagicFetching(t *testing.T) {
	for fen, want := range map[int64][]piaotong.Kind{
		12: {piaotong.Unknown, piaotong.Duplicate},
		13: {piaotong.Unknown, piaotong.Unknown, 0, piaotong.Duplicate},
		14: {piaotong.Refused, piaotong.Refused, piaotong.Refused},
		16: {piaotong.Unknown, piaotong.Duplicate},
		31: {0, piaotong.Duplicate},
		99: {0, piaotong.Duplicate}, // no magic amount
	} {
		b := newMagic(t)
		b.SetIssueDelay(0)
		for i, k := range want {
			if _, err := b.client.CreateQR(t.Context(), b.magicSale(qrNo, fen)); piaotong.KindOf(err) != k {
				t.Errorf("4040.%d, code, call %d: %v, want %s", fen, i, err, k)
			}
			if _, err := b.client.IssueBlue(t.Context(), b.magicDirect(blue1, fen)); piaotong.KindOf(err) != k {
				t.Errorf("4040.%d, direct, call %d: %v, want %s", fen, i, err, k)
			}
		}
		// Another sale over the same amount begins anew.
		if _, err := b.client.CreateQR(t.Context(), b.magicSale("SBOX000009", fen)); piaotong.KindOf(err) != want[0] {
			t.Errorf("4040.%d, another code: %v, want %s", fen, err, want[0])
		}
		b.sound(t)
	}
}

// TestMagicSilence: 4040.17 is not answered once, 4040.11 late.
func TestMagicSilence(t *testing.T) {
	b := newMagic(t)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := b.client.CreateQR(ctx, b.magicSale(qrNo, 17))
		result <- err
	}()
	for b.ledger(t).Calls["2.16"] == 0 {
	}
	cancel()
	if err := <-result; piaotong.KindOf(err) != piaotong.Unknown {
		t.Error(err)
	}
	if _, err := b.client.CreateQR(t.Context(), b.magicSale(qrNo, 17)); err != nil {
		t.Errorf("the second time: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		_, err := b.client.CreateQR(ctx, b.magicSale("SBOX000011", 11))
		result <- err
	}()
	for len(b.ledger(t).QRs) == 1 { // it is processed at once, and answered later
	}
	select {
	case err := <-result:
		t.Errorf("answered: %v", err)
	default:
	}
	cancel()
	<-result
}

func TestMagicForeignNumber(t *testing.T) {
	b := newMagic(t)
	sale := b.magicSale(qrNo, 15)
	for range 2 {
		_, err := b.client.CreateQR(t.Context(), sale)
		wantCode(t, err, piaotong.Duplicate, "8038")
	}
	st, err := b.client.QueryQR(t.Context(), piaotong.QRRef{TaxpayerNum: sale.TaxpayerNum, QRCodeNo: qrNo, Amount: sale.Amount})
	if err != nil || st.TradeNo == sale.TradeNo || st.TradeNo == "" {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestMagicVoiding(t *testing.T) {
	b := newMagic(t)
	for fen, state := range map[int64]string{21: "active", 22: "voided"} {
		no := fmt.Sprintf("SBOX%06d", fen)
		sale := b.magicSale(no, fen)
		if _, err := b.client.CreateQR(t.Context(), sale); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			v, err := b.client.VoidQRs(t.Context(), []piaotong.QRRef{{TaxpayerNum: sale.TaxpayerNum, QRCodeNo: no, Amount: sale.Amount}})
			if err != nil || v[0].Voided {
				t.Errorf("4040.%d: %+v, %v", fen, v, err)
			}
			for _, q := range b.ledger(t).QRs {
				if q.QRCodeNo == no && q.State != state {
					t.Errorf("4040.%d: %s", fen, q.State)
				}
			}
		}
	}
}

// TestMagicIssuing: of a code, which is scanned at once, and of 2.9.
func TestMagicIssuing(t *testing.T) {
	for fen, want := range map[int64]struct{ soon, later string }{
		31: {"0000", "0000"}, 32: {"7777", "0000"}, 33: {"9999", "9999"}, 34: {"3999", "3999"}, 35: {"7777", "7777"}, 36: {"0000", "0000"},
	} {
		b := newMagic(t)
		sale := b.magicSale(qrNo, fen)
		if _, err := b.client.CreateQR(t.Context(), sale); err != nil {
			t.Fatal(err)
		}
		if _, err := b.client.IssueBlue(t.Context(), b.magicDirect(blue1, fen)); err != nil {
			t.Fatal(err)
		}
		st, err := b.client.QueryQR(t.Context(), piaotong.QRRef{TaxpayerNum: sale.TaxpayerNum, QRCodeNo: qrNo, Amount: sale.Amount})
		n := 1
		if fen == 36 {
			n = 2
		}
		if err != nil || len(st.Invoices) != n {
			t.Fatalf("4040.%d: %+v, %v", fen, st, err)
		}
		serials := []string{blue1}
		for _, inv := range st.Invoices {
			serials = append(serials, inv.ReqSerialNo)
		}
		for _, serial := range serials {
			if got := b.state(t, serial); got.Code != "7777" {
				t.Errorf("4040.%d at once: %+v", fen, got)
			}
		}
		b.clock.add(time.Second)
		for _, serial := range serials {
			if got := b.state(t, serial); got.Code != want.soon {
				t.Errorf("4040.%d after a second: %+v", fen, got)
			}
		}
		b.clock.add(magicSlow)
		for _, serial := range serials {
			if got := b.state(t, serial); got.Code != want.later {
				t.Errorf("4040.%d after a while: %+v", fen, got)
			}
		}
		if want.later == "3999" || want.later == "9999" { // the next attempt gets through
			if _, err := b.client.IssueBlue(t.Context(), b.magicDirect(blue1, fen)); err != nil {
				t.Error(err)
			}
			b.clock.add(time.Second)
			if got := b.state(t, blue1); got.Code != "0000" {
				t.Errorf("4040.%d again: %+v", fen, got)
			}
		}
		b.sound(t)
	}
}

func TestMagicReversing(t *testing.T) {
	for fen, want := range map[int64]struct {
		kind        piaotong.Kind // of 2.10
		code        string
		soon, later string // states of the red invoice, "" = there is none
		flag        string // of the blue one, at the end
	}{
		41: {piaotong.Refused, "8995", "", "", NotRed},
		42: {piaotong.Pending, "8040", "7777", "0000", AlreadyRed},
		43: {0, "", "9999", "9999", NotRed},
		44: {0, "", "3999", "3999", BeingRed},
		45: {piaotong.AlreadyRed, "6005", "", "", AlreadyRed},
	} {
		b := newMagic(t)
		if _, err := b.client.IssueBlue(t.Context(), b.magicDirect(blue1, fen)); err != nil {
			t.Fatal(err)
		}
		b.clock.add(time.Second)
		red := b.red(red1, b.state(t, blue1).AllEleInvNo)
		red.Amount = formatFen(-magicYuan*100 - fen)
		_, err := b.client.RedFlush(t.Context(), red)
		if want.kind != 0 {
			wantCode(t, err, want.kind, want.code)
		} else if err != nil {
			t.Error(err)
		}
		for _, code := range []string{want.soon, want.later} {
			b.clock.add(magicSlow / 2)
			got, err := b.client.QueryInvoice(t.Context(), b.invoice(red1))
			if code == "" {
				wantCode(t, err, piaotong.NotFound, "8003")
			} else if err != nil || got.Code != code {
				t.Errorf("4040.%d: %+v, %v, want %s", fen, got, err, code)
			}
			b.clock.add(time.Second)
		}
		if f := b.redFlag(t); f != want.flag {
			t.Errorf("4040.%d: %s, want %s", fen, f, want.flag)
		}
		b.sound(t)
	}
}

// TestMagicIsOffByItself: an amount is an amount.
func TestMagicIsOffByItself(t *testing.T) {
	b := newBench(t, "")
	for _, m := range magicAmounts {
		no := fmt.Sprintf("SBOX%06d", m.fen)
		if _, err := b.client.CreateQR(t.Context(), b.magicSale(no, m.fen)); err != nil {
			t.Errorf("%s: %v", m.Amount(), err)
		}
	}
	if _, err := b.Claim(Claim{QRCodeNo: "SBOX000031"}); err != nil {
		t.Errorf("it was scanned: %v", err)
	}
	s, err := New(Options{MagicAmounts: true})
	if err != nil {
		t.Fatal(err)
	}
	if !s.settings.magic {
		t.Error("the option does nothing")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestMagicTable: each amount once, each with its words.
func TestMagicTable(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range magicAmounts {
		if seen[m.Amount()] || m.fen < 11 || m.fen > 99 || m.Text() == "" {
			t.Errorf("%+v", m)
		}
		seen[m.Amount()] = true
		if m.fault.Kind != "" {
			if err := (Fault{Interface: "*", Kind: m.fault.Kind, Code: m.fault.Code, Delay: m.fault.Delay, Times: m.fault.Times}).check(); err != nil {
				t.Errorf("%s: %v", m.Amount(), err)
			}
		}
	}
}
