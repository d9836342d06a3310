package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"tillagent/piaotong"
)

// TestFromScanToRed walks one sale through all five interfaces.
func TestFromScanToRed(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()

	_, err := b.client.QueryQR(ctx, b.ref(qrNo))
	wantCode(t, err, piaotong.NotFound, "5001")

	q := b.create(t, qrNo)
	if q.URL != b.url+"/q/"+qrNo || q.QRCodeNo != qrNo || q.TradeNo != "T000001" || len(q.ExtractCode) != 12 {
		t.Errorf("created %+v", q)
	}
	_, err = b.client.CreateQR(ctx, b.sale(qrNo))
	wantCode(t, err, piaotong.Duplicate, "8038")

	st, err := b.client.QueryQR(ctx, b.ref(qrNo))
	if err != nil || st.URL != q.URL || st.TradeNo != "T000001" || len(st.Invoices) != 0 {
		t.Errorf("unclaimed: %+v, %v", st, err)
	}

	serial := b.claim(t, Claim{URL: q.URL, BuyerName: "测试购买方有限公司"})
	if len(serial) != 20 || serial[0] != 'P' {
		t.Errorf("request number %q", serial)
	}
	if _, err := b.Claim(Claim{QRCodeNo: qrNo}); !errors.Is(err, ErrConflict) {
		t.Errorf("second claim: %v", err)
	}
	st, err = b.client.QueryQR(ctx, b.ref(qrNo))
	if err != nil || len(st.Invoices) != 1 || st.Invoices[0] != (piaotong.QRInvoice{ReqSerialNo: serial, Amount: "58.50"}) {
		t.Errorf("claimed: %+v, %v", st, err)
	}
	if inv := b.state(t, serial); inv.Code != piaotong.StatePending || inv.AllEleInvNo != "" {
		t.Errorf("before its time: %+v", inv)
	}
	v, err := b.client.VoidQRs(ctx, []piaotong.QRRef{b.ref(qrNo)})
	if err != nil || v[0].Voided {
		t.Errorf("void of a claimed code: %+v, %v", v, err)
	}

	b.clock.add(time.Second)
	inv := b.state(t, serial)
	// 40.00 at 13 %: 4.60 tax; 18.50 at 9 %: 1.53 tax.
	if inv.Code != piaotong.StateIssued || inv.Type != piaotong.TypeBlue || len(inv.AllEleInvNo) != 20 || !strings.HasPrefix(inv.AllEleInvNo, "2611") ||
		inv.TaxAmount != "6.13" || inv.NetAmount != "52.37" || inv.TradeNo != "T000001" || !inv.IssuedAt.Equal(b.clock.now()) ||
		inv.DownloadURL != b.url+"/i/"+serial {
		t.Errorf("issued: %+v", inv)
	}

	const redSerial = "SBOXRED0000000000001"
	r, err := b.client.RedFlush(ctx, b.red(redSerial, inv.AllEleInvNo))
	if err != nil || r.ReqSerialNo != redSerial || r.StatusURL != b.url+"/i/"+redSerial {
		t.Errorf("red: %+v, %v", r, err)
	}
	_, err = b.client.RedFlush(ctx, b.red(redSerial, inv.AllEleInvNo))
	wantCode(t, err, piaotong.Pending, "8040")
	_, err = b.client.RedFlush(ctx, b.red("SBOXRED0000000000002", inv.AllEleInvNo))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	b.clock.add(time.Second)
	red := b.state(t, redSerial)
	if red.Code != piaotong.StateIssued || red.Type != piaotong.TypeRed || red.NetAmount != "-52.37" || red.TaxAmount != "-6.13" ||
		red.AllEleInvNo == inv.AllEleInvNo || len(red.AllEleInvNo) != 20 {
		t.Errorf("red issued: %+v", red)
	}
	_, err = b.client.RedFlush(ctx, b.red(redSerial, inv.AllEleInvNo))
	wantCode(t, err, piaotong.Duplicate, "8021")
	_, err = b.client.RedFlush(ctx, b.red("SBOXRED0000000000002", red.AllEleInvNo))
	wantCode(t, err, piaotong.Refused, "8003")

	l := b.ledger(t)
	if got, want := l.kinds(), "qr_created claimed invoice_issued red_requested red_issued"; got != want {
		t.Errorf("ledger: %s, want %s", got, want)
	}
	for i, e := range l.Entries {
		if e.Seq != i+1 || e.TradeNo != "T000001" || e.Amount == "" || e.At.IsZero() {
			t.Errorf("entry %+v", e)
		}
	}
	if l.Calls["2.16"] != 2 || l.Calls["2.10"] != 5 || l.Calls["2.17"] != 1 {
		t.Errorf("calls %v", l.Calls)
	}
	if l.Invoices[0].RedSerial != redSerial || l.QRs[0].State != "claimed" {
		t.Errorf("invoice %+v of %+v", l.Invoices[0], l.QRs[0])
	}
}

func TestVoid(t *testing.T) {
	b := newBench(t, "")
	b.create(t, "SBOX000001")
	b.create(t, "SBOX000002")
	wrong := b.ref("SBOX000002")
	wrong.Amount = "58.51"
	got, err := b.client.VoidQRs(t.Context(), []piaotong.QRRef{wrong, b.ref("SBOX000009"), b.ref("SBOX000001")})
	if err != nil || fmt.Sprint(got) != "[{SBOX000002 false 二维码金额不一致} {SBOX000009 false 二维码不存在} {SBOX000001 true 作废二维码成功}]" {
		t.Errorf("%v, %v", got, err)
	}
	got, err = b.client.VoidQRs(t.Context(), []piaotong.QRRef{b.ref("SBOX000001")})
	if err != nil || got[0].Voided || got[0].Msg != "二维码已作废" {
		t.Errorf("second void: %v, %v", got, err)
	}
	if _, err := b.Claim(Claim{QRCodeNo: "SBOX000001"}); !errors.Is(err, ErrConflict) {
		t.Errorf("claim of a voided code: %v", err)
	}
	if k := b.ledger(t).kinds(); k != "qr_created qr_created qr_voided" {
		t.Error(k)
	}
	// Staff may issue a failed invoice again: it holds its code.
	b.SetIssueDelay(0)
	b.claim(t, Claim{QRCodeNo: "SBOX000002", Outcome: Failed})
	if got, err = b.client.VoidQRs(t.Context(), []piaotong.QRRef{b.ref("SBOX000002")}); err != nil || got[0].Voided {
		t.Errorf("of a failed invoice: %v, %v", got, err)
	}
}

func TestOutcomes(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	want := map[Outcome]string{Issued: "0000", Failed: "9999", Auth: "3999", Hang: "7777"}
	serials := map[Outcome]string{}
	for i, o := range []Outcome{Issued, Failed, Auth, Hang} {
		no := fmt.Sprintf("SBOX%06d", i)
		b.create(t, no)
		serials[o] = b.claim(t, Claim{QRCodeNo: no, Outcome: o})
	}
	b.clock.add(72 * time.Hour)
	for o, serial := range serials {
		if st := b.state(t, serial); st.Code != want[o] || (st.AllEleInvNo != "") != (o == Issued) {
			t.Errorf("%s: %+v", o, st)
		}
	}
	// The customer may try a failed one again; staff may issue the first, too.
	second := b.claim(t, Claim{QRCodeNo: "SBOX000001"})
	for _, serial := range []string{serials[Failed], serials[Auth], serials[Hang]} {
		if err := b.Settle(serial, Issued); err != nil {
			t.Error(err)
		}
		if st := b.state(t, serial); st.Code != "0000" || st.AllEleInvNo == "" {
			t.Errorf("settled: %+v", st)
		}
	}
	if err := b.Settle(serials[Failed], Failed); !errors.Is(err, ErrConflict) {
		t.Errorf("an issued invoice was changed: %v", err)
	}
	st, err := b.client.QueryQR(t.Context(), b.ref("SBOX000001"))
	if err != nil || len(st.Invoices) != 2 || st.Invoices[1].ReqSerialNo != second {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestRedOutcomes(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	b.create(t, qrNo)
	blue := b.state(t, b.claim(t, Claim{QRCodeNo: qrNo})).AllEleInvNo
	if err := b.SetRedOutcome(Failed); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.RedFlush(t.Context(), b.red("SBOXRED0000000000001", blue)); err != nil {
		t.Fatal(err)
	}
	if st := b.state(t, "SBOXRED0000000000001"); st.Code != "9999" || st.Type != piaotong.TypeRed {
		t.Errorf("%+v", st)
	}
	// A failed reversal leaves the invoice to be reversed.
	if err := b.SetRedOutcome(Auth); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.RedFlush(t.Context(), b.red("SBOXRED0000000000002", blue)); err != nil {
		t.Fatal(err)
	}
	if st := b.state(t, "SBOXRED0000000000002"); st.Code != "3999" {
		t.Errorf("%+v", st)
	}
	if err := b.Settle("SBOXRED0000000000002", Issued); err != nil {
		t.Fatal(err)
	}
	if k := b.ledger(t).kinds(); !strings.HasSuffix(k, "red_requested red_failed red_requested red_auth red_issued") {
		t.Error(k)
	}
	if b.SetRedOutcome("nonsense") == nil {
		t.Error("an unknown outcome was accepted")
	}
}

// TestConcurrentDuplicates: of many tills with one number, one gets the code.
func TestConcurrentDuplicates(t *testing.T) {
	b := newBench(t, "")
	var mu sync.Mutex
	count := map[piaotong.Kind]int{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			_, err := b.client.CreateQR(context.Background(), b.sale(qrNo))
			mu.Lock()
			defer mu.Unlock()
			count[piaotong.KindOf(err)]++
		})
	}
	wg.Wait()
	if count[0] != 1 || count[piaotong.Duplicate] != 11 || len(b.ledger(t).Entries) != 1 {
		t.Errorf("%v, ledger %s", count, b.ledger(t).kinds())
	}
}

// TestConcurrentReds: of many refunds at once no more gets through than there is.
func TestConcurrentReds(t *testing.T) {
	b := newBench(t, "")
	blue := b.issue(t).AllEleInvNo
	var mu sync.Mutex
	count := map[piaotong.Kind]int{}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			_, err := b.client.RedFlushLines(context.Background(), b.lines(fmt.Sprintf("SBOXRED%013d", i), blue, apples("-5.00", "")))
			mu.Lock()
			defer mu.Unlock()
			count[piaotong.KindOf(err)]++
		})
	}
	wg.Wait()
	if count[0] != 3 || count[piaotong.Refused] != 9 {
		t.Errorf("%v", count)
	}
	if init, err := b.client.InitRed(t.Context(), b.blueRef(blue)); err != nil || init.Lines[1].RemainAmount != "3.20" || init.Lines[1].RemainTax != "0.30" {
		t.Errorf("%+v, %v", init, err)
	}
}

func TestDateHeaderIsTheSandboxClock(t *testing.T) {
	var got time.Time
	b := newBench(t, "", func(o *piaotong.Options) {
		o.OnDate = func(server, _ time.Time) { got = server }
	})
	b.create(t, qrNo)
	if !got.Equal(b.clock.now()) {
		t.Errorf("Date says %v, the clock %v", got, b.clock.now())
	}
}

func TestClosedSandbox(t *testing.T) {
	b := newBench(t, t.TempDir())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := b.client.CreateQR(t.Context(), b.sale(qrNo))
	if piaotong.KindOf(err) != piaotong.Unknown {
		t.Error(err)
	}
	if _, err := b.Claim(Claim{QRCodeNo: qrNo}); err == nil {
		t.Error("claimed after Close")
	}
	if err := b.Reset(); err == nil {
		t.Error("reset after Close")
	}
}

func TestConfigTOML(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	a := b.Account()
	for base, allow := range map[string]bool{"http://127.0.0.1:18080": false, "http://localhost:1": false, "http://192.168.1.5:18080": true, "https://sandbox.example": false} {
		var got struct {
			Piaotong map[string]any `toml:"piaotong"`
		}
		if err := toml.Unmarshal([]byte(a.ConfigTOML(base, dir)), &got); err != nil {
			t.Fatal(err)
		}
		p := got.Piaotong
		if p["base_url"] != base || p["allow_http"] != allow || p["des3_key"] != a.DES3Key || p["platform_code"] != "SANDBOX1" ||
			p["platform_prefix"] != "SBOX" || p["taxpayer_num"] != a.TaxpayerNum || p["enterprise_name"] != a.EnterpriseName {
			t.Errorf("%s: %v", base, p)
		}
		endpoints, _ := p["endpoints"].(map[string]any)
		for _, k := range piaotong.EndpointKeys() {
			want := any(nil) // a path that is known, or our own of the pushes
			if k.Default == "" && k.Key != "push_main" {
				want = "/sim/" + k.Interface
			}
			if endpoints[k.Key] != want {
				t.Errorf("%s: %v, want %v", k.Key, endpoints[k.Key], want)
			}
		}
		checkKeyFile(t, p["private_key_file"], a.PrivateKeyPEM)
		checkKeyFile(t, p["platform_public_key_file"], a.PlatformPublicKeyPEM)
	}
}
