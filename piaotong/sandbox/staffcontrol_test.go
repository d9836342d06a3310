package sandbox

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

// TestEveryControl works each control path once, well and badly, and finds all
// of them in the manual and on the first page.
func TestEveryControl(t *testing.T) {
	b := newBench(t, "")
	b.SetIssueDelay(0)
	no := b.issueDirect(t, blue1).AllEleInvNo
	b.create(t, qrNo)
	b.create(t, "SBOX000002")
	b.create(t, "SBOX000003")
	failed := b.claim(t, Claim{QRCodeNo: qrNo, Outcome: Failed})
	b.ledger(t)
	if err := b.client.RegisterEnterprise(t.Context(), piaotong.EnterpriseRegister{
		TaxpayerNum: "91110108SHOP00001X", Name: "某某商店", LegalPerson: "法人", Contact: "联系人", Email: "shop@example.com",
		Mobile: "10000000009", RegionCode: "31", City: "上海市", Address: "某路 1 号", Licence: []byte("\x89PNG\r\n\x1a\n"),
	}); err != nil {
		t.Fatal(err)
	}
	face, err := b.client.FetchAuthQR(t.Context(), b.accountRef(DefaultAccount))
	if err != nil {
		t.Fatal(err)
	}
	worked := map[string]bool{}
	do := func(method, path, body string, status int, want string) map[string]any {
		t.Helper()
		pattern, _, _ := strings.Cut(path, "?")
		worked[method+" /_sandbox/"+pattern] = true
		got, out := b.control(t, method, path, body)
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		if got != status || !strings.Contains(string(text), want) {
			t.Errorf("%s %s: %d %s, want %d with %s", path, body, got, text, status, want)
		}
		return out
	}
	const ok = `"ok":true`
	do("POST", "claim", `{"qrcode_no":"SBOX000002","buyer_name":"甲","buyer_taxpayer_num":"`+companyNum+`"}`, 200, `"req_serial_no":"P`)
	do("POST", "claim", `{"qrcode_no":"SBOX000003","buyer_taxpayer_num":"1"}`, 400, "buyer_taxpayer_num")
	do("POST", "merge", `{"qrcode_nos":["SBOX000002","SBOX000003"]}`, 409, "claimed")
	do("POST", "settle", `{"req_serial_no":"`+failed+`","outcome":"withdrawn"}`, 200, ok)
	do("POST", "reissue", `{"req_serial_no":"`+failed+`"}`, 200, failed)
	do("POST", "reissue", `{"req_serial_no":"P"}`, 404, "unknown")
	do("POST", "reissue", `{}`, 200, `"req_serial_nos":[]`)
	do("POST", "enterprise", `{"taxpayer_num":"91110108SHOP00001X","review":"2","opinion":"不清楚"}`, 200, ok)
	do("POST", "enterprise", `{"review":"9"}`, 400, "review")
	do("GET", "enterprises", "", 200, "不清楚")
	do("POST", "plant", `{"qrcode_no":"SBOX000009","trade_no":"X","amount":"1.00"}`, 200, ok)
	do("POST", "book", `{"req_serial_no":"`+blue1+`"}`, 200, ok)
	do("POST", "book", `{"req_serial_no":"P"}`, 404, "unknown")
	if _, err := b.client.ApplyRedConfirm(t.Context(), b.apply(confirm1, no, "-20.00", milk("-1", "-20.00"))); err != nil {
		t.Fatal(err)
	}
	confirmNo := b.ledger(t).Confirms[0].No
	do("POST", "confirm/answer", `{"red_confirm_no":"`+confirmNo+`","agree":true}`, 200, ok)
	do("POST", "confirm/answer", `{"red_confirm_no":"1","agree":true}`, 404, "unknown")
	do("POST", "confirm/apply", `{"req_serial_no":"`+blue1+`"}`, 200, `"red_confirm_no":"`)
	do("POST", "confirm/apply", `{"req_serial_no":"`+blue1+`"}`, 409, "reversed")
	do("GET", "confirms", "", 200, `"status":"04"`)
	do("POST", "red", `{"req_serial_no":"`+failed+`"}`, 200, ok)
	do("POST", "account", `{"account":"`+SecondAccount+`","logged_in":true}`, 200, ok)
	do("POST", "account", `{"account":"1","logged_in":true}`, 404, "unknown")
	do("POST", "face", `{"auth_id":"`+face.AuthID+`","step":"jump"}`, 400, "step")
	do("POST", "face", `{"auth_id":"`+face.AuthID+`","step":"scan"}`, 200, ok)
	out := do("GET", "accounts", "", 200, `"status":"1"`)
	if l, _ := out["accounts"].([]any); len(l) != 2 || !reflect.DeepEqual(l[1].(map[string]any)["logged_in"], true) {
		t.Errorf("%v", out)
	}
	do("POST", "settings", `{"blue_outcome":"hang","accept_again":false,"account_list_array":true,"magic_amounts":true,"clock_offset":"-5m"}`, 200, ok)
	if s := b.settings; s.blueOutcome != Hang || s.acceptAgain || !s.accountListArray || !s.magic || s.clockOffset != -5*time.Minute || s.redOutcome != Issued {
		t.Errorf("%+v", s)
	}
	for _, bad := range []string{`{"blue_outcome":"x"}`, `{"clock_offset":"x"}`, `{"rate_limit":{"per_second":-1}}`, `{"issue_delay":"-1s"}`} {
		do("POST", "settings", bad, 400, "error")
	}
	do("POST", "faults", `{"interface":"invoice_blue","kind":"status","status":503,"msg":"x","times":3}`, 200, ok)
	do("GET", "faults", "", 200, `{"interface":"2.9","kind":"status","left":3,"msg":"x","status":503}`)
	do("DELETE", "faults", "", 200, ok)
	do("GET", "faults", "", 200, `"faults":[]`)
	do("POST", "push", `{"url":""}`, 200, ok)
	do("POST", "push/now", `{"req_serial_no":"`+blue1+`"}`, 409, "target")
	do("GET", "push/envelope?req_serial_no="+blue1, "", 200, `"sign"`)
	do("GET", "pushes", "", 200, `"pushes":[]`)
	do("POST", "keys", `{"des3_key":"short"}`, 400, "DES3Key")
	do("POST", "keys", `{"des3_key":"abcdefghijklmnopqrstuvwx"}`, 200, "BEGIN PUBLIC KEY")
	do("GET", "ledger", "", 200, `"problems":[]`)
	do("POST", "reset", "", 200, ok)
	if l := b.ledger(t); len(l.Entries)+len(l.Invoices)+len(l.Confirms) != 0 || len(l.Accounts) != 2 || l.Accounts[1].LoggedIn {
		t.Errorf("after the reset: %+v", l)
	}

	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "sandbox.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, page := get(t, b.url+"/")
	for _, c := range b.controls() {
		if !worked[c.pattern] {
			t.Errorf("no test works %s", c.pattern)
		}
		method, path, _ := strings.Cut(c.pattern, " ")
		if !strings.Contains(string(manual), "`"+method+" "+path+"`") {
			t.Errorf("the manual lacks %s", c.pattern)
		}
		if !strings.Contains(page, path) && path != "/_sandbox/reset" && path != "/_sandbox/confirms" && path != "/_sandbox/enterprises" && path != "/_sandbox/accounts" {
			t.Errorf("the first page lacks %s", c.pattern)
		}
	}
	for kind := range faultKinds {
		if !strings.Contains(string(manual), "`"+string(kind)+"`") || !strings.Contains(page, string(kind)) {
			t.Errorf("the manual or the first page lacks the fault %s", kind)
		}
	}
	for _, m := range magicAmounts {
		if !strings.Contains(string(manual), "| "+m.Amount()+" | "+strings.Replace(m.Text(), " · ", " | ", 1)+" |") || !strings.Contains(page, m.Amount()) {
			t.Errorf("the manual or the first page lacks %s", m.Amount())
		}
	}
	for _, pi := range platformInterfaces {
		if !strings.Contains(string(manual), "`"+pi.path()+"`") {
			t.Errorf("the manual lacks %s", pi.path())
		}
	}
}

// TestClockOffset: the Date header, and nothing else.
func TestClockOffset(t *testing.T) {
	b := newBench(t, "")
	b.SetClockOffset(7 * time.Minute)
	resp, err := http.Get(b.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || !date.Equal(b.clock.now().Add(7*time.Minute)) {
		t.Errorf("Date %v, %v", date, err)
	}
	b.SetIssueDelay(0)
	if st := b.issueDirect(t, blue1); !st.IssuedAt.Equal(b.clock.now()) {
		t.Errorf("issued at %v", st.IssuedAt)
	}
}

// TestRestartOfTheRest: direct invoices, accounts, enterprises and
// confirmations survive.
func TestRestartOfTheRest(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir)
	ctx := t.Context()
	b.SetIssueDelay(0)
	no := b.issueDirect(t, blue1).AllEleInvNo
	if err := b.SetBlueOutcome(Auth); err != nil {
		t.Fatal(err)
	}
	b.issueDirect(t, blue2)
	if err := b.Reissue(blue2); err != nil {
		t.Fatal(err)
	}
	b.ledger(t)
	if err := b.client.RegisterAccount(ctx, piaotong.AccountRegister{TaxpayerNum: b.Account().TaxpayerNum, Account: "10000000003", Password: AccountPassword}); err != nil {
		t.Fatal(err)
	}
	if err := b.ReviewEnterprise(b.Account().TaxpayerNum, piaotong.ReviewRunning, "等一等"); err != nil {
		t.Fatal(err)
	}
	for i, lines := range [][]piaotong.RedLine{{milk("-1", "-20.00")}, {apples("-18.50", "")}} {
		if _, err := b.client.ApplyRedConfirm(ctx, b.apply([]string{confirm1, confirm2}[i], no, lines[0].Amount, lines...)); err != nil {
			t.Fatal(err)
		}
	}
	l := b.ledger(t)
	if _, err := b.client.CancelRedConfirm(ctx, b.Account().TaxpayerNum, l.Confirms[1].No, ""); err != nil {
		t.Fatal(err)
	}
	c, err := b.client.ViewRedConfirm(ctx, b.confirm(confirm1))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetRedOutcome(Withdrawn); err != nil {
		t.Fatal(err)
	}
	for _, serial := range []string{red1, red2} {
		if _, err := b.client.IssueConfirmedRed(ctx, b.confirmed(serial, c)); err != nil {
			t.Fatal(err)
		}
		b.ledger(t)
		if err := b.SetRedOutcome(Issued); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Book(blue1); err != nil {
		t.Fatal(err)
	}
	b.create(t, qrNo)
	b.claim(t, Claim{QRCodeNo: qrNo, BuyerTaxpayerNum: companyNum})
	left, err := b.client.InitRed(ctx, b.blueRef(no))
	if err != nil {
		t.Fatal(err)
	}
	full, err := b.client.QueryFullInvoice(ctx, b.invoice(blue1))
	if err != nil {
		t.Fatal(err)
	}
	l = b.ledger(t)
	for _, k := range []EntryKind{BlueRequestedEntry, ReissuedEntry, AccountEntry, EnterpriseEntry, ConfirmAppliedEntry, ConfirmMovedEntry, RedWithdrawnEntry, BookedEntry} {
		if !strings.Contains(l.kinds(), string(k)) {
			t.Errorf("nothing of %s: %s", k, l.kinds())
		}
	}

	again := newBench(t, copyDir(t, dir))
	l2 := again.ledger(t)
	for name, pair := range map[string][2]any{
		"entries": {l.Entries, l2.Entries}, "codes": {l.QRs, l2.QRs}, "invoices": {l.Invoices, l2.Invoices},
		"confirmations": {l.Confirms, l2.Confirms}, "accounts": {l.Accounts, l2.Accounts}, "enterprises": {b.Enterprises(), again.Enterprises()},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s\nbefore %+v\nafter  %+v", name, pair[0], pair[1])
		}
	}
	if left2, err := again.client.InitRed(ctx, again.blueRef(no)); err != nil || !reflect.DeepEqual(left, left2) {
		t.Errorf("before %+v, after %+v, %v", left, left2, err)
	}
	full2, err := again.client.QueryFullInvoice(ctx, again.invoice(blue1))
	full2.DownloadURL, full2.StatusURL = full.DownloadURL, full.StatusURL
	if err != nil || !reflect.DeepEqual(full, full2) {
		t.Errorf("before %+v, after %+v, %v", full, full2, err)
	}
	// A number that was held is accepted again, with the same data only.
	if err := again.ReviewEnterprise(again.Account().TaxpayerNum, piaotong.ReviewApproved, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := again.client.IssueBlue(ctx, again.direct(blue2)); err != nil {
		t.Error(err)
	}
	again.sound(t)
}
