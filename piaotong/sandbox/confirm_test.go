package sandbox

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tillagent/piaotong"
)

const (
	confirm1 = "SBOXCONF000000000001"
	confirm2 = "SBOXCONF000000000002"
	confirm3 = "SBOXCONF000000000003"
	search1  = "SBOXFIND000000000001"
)

func (b *bench) apply(serial, blueNo, amount string, lines ...piaotong.RedLine) piaotong.RedConfirmApply {
	return piaotong.RedConfirmApply{
		SerialNo: serial, Applicant: piaotong.ApplicantSeller, Blue: b.blueRef(blueNo), Reason: piaotong.RedReasonReturn,
		Amount: amount, Lines: lines,
	}
}

func (b *bench) confirm(serial string) piaotong.RedConfirmRef {
	return piaotong.RedConfirmRef{TaxpayerNum: b.Account().TaxpayerNum, SerialNo: serial}
}

func (b *bench) confirmed(serial string, c piaotong.RedConfirm) piaotong.RedConfirmIssue {
	return piaotong.RedConfirmIssue{TaxpayerNum: b.Account().TaxpayerNum, ReqSerialNo: serial, ConfirmNo: c.No, ConfirmUUID: c.UUID}
}

// TestConfirmNotNeeded: the buyer has not booked the invoice, so 2.28 and 2.30
// are enough.
func TestConfirmNotNeeded(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	b.SetIssueDelay(0)
	blueNo := b.issueDirect(t, blue1).AllEleInvNo
	_, err := b.client.ViewRedConfirm(ctx, b.confirm(confirm1))
	wantCode(t, err, piaotong.NotFound, "8003")
	c, err := b.client.ApplyRedConfirm(ctx, b.apply(confirm1, blueNo, "-58.50"))
	if err != nil || c.Status != "01" || !c.Status.MayIssue() || c.SerialNo != confirm1 || c.No == "" || c.UUID == "" {
		t.Fatalf("%+v, %v", c, err)
	}
	_, err = b.client.ApplyRedConfirm(ctx, b.apply(confirm1, blueNo, "-58.50"))
	wantCode(t, err, piaotong.Duplicate, "8021")
	full, err := b.client.ViewRedConfirm(ctx, b.confirm(confirm1))
	if err != nil || full.No != c.No || full.Amount != "-58.50" || full.NetAmount != "-52.37" || full.TaxAmount != "-6.13" || full.BlueAllEleInvNo != blueNo ||
		len(full.Lines) != 2 || full.Lines[0].Amount != "-40.00" || full.Lines[0].Quantity != "-2" || full.Lines[0].UnitPrice != "20" || full.Reason != "02" {
		t.Errorf("%+v, %v", full, err)
	}

	// The confirmation holds all of the invoice.
	_, err = b.client.ApplyRedConfirm(ctx, b.apply(confirm2, blueNo, "-58.50"))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	_, err = b.client.RedFlush(ctx, b.red(red1, blueNo))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	_, err = b.client.InitRed(ctx, b.blueRef(blueNo))
	wantCode(t, err, piaotong.AlreadyRed, "6005")

	wrong := b.confirmed(red1, c)
	wrong.ConfirmUUID = "1"
	_, err = b.client.IssueConfirmedRed(ctx, wrong)
	wantCode(t, err, piaotong.Refused, "8995")
	if err := b.SetRedOutcome(Failed); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.IssueConfirmedRed(ctx, b.confirmed(red1, c)); err != nil {
		t.Fatal(err)
	}
	if st := b.state(t, red1); st.Code != "9999" {
		t.Errorf("%+v", st)
	}
	// A red invoice that failed leaves the confirmation to be used.
	if err := b.SetRedOutcome(Issued); err != nil {
		t.Fatal(err)
	}
	a, err := b.client.IssueConfirmedRed(ctx, b.confirmed(red2, c))
	if err != nil || a.StatusURL != b.url+"/i/"+red2 {
		t.Fatalf("%+v, %v", a, err)
	}
	_, err = b.client.IssueConfirmedRed(ctx, b.confirmed(red3, c))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	_, err = b.client.IssueConfirmedRed(ctx, b.confirmed(red1, c)) // the failed one again
	wantCode(t, err, piaotong.Duplicate, "8021")
	_, err = b.client.CancelRedConfirm(ctx, b.Account().TaxpayerNum, c.No, "x")
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	if st := b.state(t, red2); st.Code != "0000" || st.Type != piaotong.TypeRed || st.NetAmount != "-52.37" {
		t.Errorf("%+v", st)
	}
	l := b.ledger(t)
	if l.Invoices[0].RedFlag != AlreadyRed || l.Confirms[0].RedSerial != red2 || l.Invoices[2].ConfirmNo != c.No {
		t.Errorf("%+v", l.Invoices)
	}
	b.sound(t)
}

// TestConfirmWithTheBuyer: an invoice that the buyer has booked.
func TestConfirmWithTheBuyer(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	b.SetIssueDelay(0)
	blueNo := b.issueDirect(t, blue1).AllEleInvNo
	for range 2 {
		if err := b.Book(blue1); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.client.RedFlush(ctx, b.red(red1, blueNo))
	wantCode(t, err, piaotong.Refused, "8995")

	apply := func(serial, amount string, lines ...piaotong.RedLine) piaotong.RedConfirm {
		t.Helper()
		c, err := b.client.ApplyRedConfirm(ctx, b.apply(serial, blueNo, amount, lines...))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	status := func(no string, want piaotong.ConfirmStatus) {
		t.Helper()
		c, err := b.client.ViewRedConfirm(ctx, piaotong.RedConfirmRef{TaxpayerNum: b.Account().TaxpayerNum, No: no})
		if err != nil || c.Status != want {
			t.Errorf("%+v, %v, want %s", c, err, want)
		}
	}
	// Refused.
	c := apply(confirm1, "-58.50")
	if c.Status != "02" || c.Status.MayIssue() {
		t.Errorf("%+v", c)
	}
	_, err = b.client.IssueConfirmedRed(ctx, b.confirmed(red1, c))
	wantCode(t, err, piaotong.Refused, "8995")
	if err := b.AnswerAsBuyer(c.No, false); err != nil {
		t.Fatal(err)
	}
	status(c.No, "05")
	if err := b.AnswerAsBuyer(c.No, true); !errors.Is(err, ErrConflict) {
		t.Errorf("answered twice: %v", err)
	}
	// Revoked, before and after the buyer agreed.
	c = apply(confirm2, "-20.00", milk("-1", "-20.00"))
	if got, err := b.client.CancelRedConfirm(ctx, b.Account().TaxpayerNum, c.No, "改主意"); err != nil || got.Status != "08" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = b.client.CancelRedConfirm(ctx, b.Account().TaxpayerNum, c.No, "再来")
	wantCode(t, err, piaotong.Refused, "8995")
	c = apply("SBOXCONF000000000003", "-20.00", milk("-1", "-20.00"))
	if err := b.AnswerAsBuyer(c.No, true); err != nil {
		t.Fatal(err)
	}
	if got, err := b.client.CancelRedConfirm(ctx, b.Account().TaxpayerNum, c.No, ""); err != nil || got.Status != "09" {
		t.Errorf("%+v, %v", got, err)
	}
	// Nobody answers.
	c = apply("SBOXCONF000000000004", "-58.50")
	b.clock.add(confirmLife - time.Second)
	status(c.No, "02")
	b.clock.add(time.Second)
	status(c.No, "07")
	// Agreed, in part, while another holds the rest.
	c = apply("SBOXCONF000000000005", "-20.00", milk("-1", "-20.00"))
	rest := apply("SBOXCONF000000000006", "-38.50", milk("-1", "-20.00"), apples("-20.00", "1.50"))
	_, err = b.client.ApplyRedConfirm(ctx, b.apply("SBOXCONF000000000007", blueNo, "-20.00", milk("-1", "-20.00")))
	wantCode(t, err, piaotong.AlreadyRed, "6005")
	for _, confirm := range []piaotong.RedConfirm{c, rest} {
		if err := b.AnswerAsBuyer(confirm.No, true); err != nil {
			t.Fatal(err)
		}
		status(confirm.No, "04")
	}
	for i, confirm := range []piaotong.RedConfirm{c, rest} {
		if _, err := b.client.IssueConfirmedRed(ctx, b.confirmed([]string{red1, red2}[i], confirm)); err != nil {
			t.Fatal(err)
		}
	}
	if st := b.state(t, red2); st.Code != "0000" || st.NetAmount != "-34.67" {
		t.Errorf("%+v", st)
	}
	if f := b.redFlag(t); f != AlreadyRed {
		t.Error(f)
	}
	b.sound(t)
}

// TestConfirmOfTheBuyer: what the buyer applies for is found and answered.
func TestConfirmOfTheBuyer(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	b.SetIssueDelay(0)
	var serials []string
	for i := range 5 {
		serial := fmt.Sprintf("SBOXBLUE%012d", i)
		b.issueDirect(t, serial)
		serials = append(serials, serial)
		if _, err := b.ApplyAsBuyer(serial); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.ApplyAsBuyer(serials[0]); !errors.Is(err, ErrConflict) {
		t.Errorf("applied twice: %v", err)
	}
	if _, err := b.ApplyAsBuyer("P"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
	search := piaotong.RedConfirmList{
		TaxpayerNum: b.Account().TaxpayerNum, SerialNo: search1, Applicant: piaotong.ApplicantBuyer,
		From: b.clock.now(), To: b.clock.now(), Status: "03",
	}
	_, err := b.client.RedConfirmsFound(ctx, piaotong.RedConfirmTask{TaxpayerNum: search.TaxpayerNum, SerialNo: search1}, 1, 2)
	wantCode(t, err, piaotong.NotFound, "8003")
	b.SetIssueDelay(time.Second)
	task, err := b.client.ListRedConfirms(ctx, search)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.client.ListRedConfirms(ctx, search); err != nil || again != task {
		t.Errorf("%+v is not %+v, %v", again, task, err)
	}
	other := search
	other.Status = ""
	_, err = b.client.ListRedConfirms(ctx, other)
	wantCode(t, err, piaotong.Duplicate, "8021")
	if p, err := b.client.RedConfirmsFound(ctx, task, 1, 2); err != nil || p.Status != piaotong.TaskRunning {
		t.Errorf("%+v, %v", p, err)
	}
	b.clock.add(time.Second)
	var found []piaotong.RedConfirm
	for page, n := range []int{2, 2, 1, 0} {
		p, err := b.client.RedConfirmsFound(ctx, task, page+1, 2)
		if err != nil || p.Status != piaotong.TaskDone || p.Total != 5 || len(p.Confirms) != n {
			t.Errorf("page %d: %+v, %v", page+1, p, err)
		}
		found = append(found, p.Confirms...)
	}
	for _, f := range found {
		if f.Status != "03" || f.Applicant != piaotong.ApplicantBuyer || f.Amount != "-58.50" || f.SerialNo != "" {
			t.Errorf("%+v", f)
		}
	}
	no := b.Account().TaxpayerNum
	if got, err := b.client.ReviewRedConfirm(ctx, no, found[0].No, true, ""); err != nil || got.Status != "04" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := b.client.ReviewRedConfirm(ctx, no, found[1].No, false, "没有退货"); err != nil || got.Status != "06" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = b.client.ReviewRedConfirm(ctx, no, found[1].No, true, "")
	wantCode(t, err, piaotong.Refused, "8995")
	_, err = b.client.CancelRedConfirm(ctx, no, found[2].No, "")
	wantCode(t, err, piaotong.Refused, "8995")
	if _, err := b.client.IssueConfirmedRed(ctx, b.confirmed(red1, found[0])); err != nil {
		t.Error(err)
	}
	b.clock.add(time.Second)
	if st := b.state(t, red1); st.Code != "0000" {
		t.Errorf("%+v", st)
	}
	b.sound(t)
}

func TestConfirmsAreStrict(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	blueNo, second := r.issueDirect(t, blue1).AllEleInvNo, r.issueDirect(t, blue2).AllEleInvNo
	good := `{"taxpayerNum":"91110108SANDBOX01X","redConfirmReqSerialNo":"` + confirm1 + `","applicantType":"0","blueAllEleInvNo":"` + blueNo + `","redReasonCode":"02","amount":"-58.50"}`
	view := `{"taxpayerNum":"91110108SANDBOX01X","redConfirmReqSerialNo":"` + confirm1 + `"}`
	find := `{"taxpayerNum":"91110108SANDBOX01X","queryReqSerialNo":"` + search1 + `","applicantType":"1","startDate":"2026-03-01","endDate":"2026-03-31"}`
	type m = map[string]any
	for _, tc := range []struct {
		name, number, content string
		m                     m
		code                  string
	}{
		{"apply for another's", "2.28", good, m{"taxpayerNum": "91110108TEST00001X"}, "8004"},
		{"apply with a short number", "2.28", good, m{"redConfirmReqSerialNo": "1"}, "8995"},
		{"apply as the buyer", "2.28", good, m{"applicantType": "1"}, "8995"},
		{"apply for nothing", "2.28", good, m{"blueAllEleInvNo": nil}, "8995"},
		{"apply for an unknown invoice", "2.28", good, m{"blueAllEleInvNo": "26110000000000000000"}, "8003"},
		{"apply for an older invoice", "2.28", good, m{"blueAllEleInvNo": nil, "blueInvoiceCode": "011001900111", "blueInvoiceNo": "12345678"}, "8003"},
		{"apply without reason", "2.28", good, m{"redReasonCode": nil}, "8995"},
		{"apply with an unknown reason", "2.28", good, m{"redReasonCode": "05"}, "8995"},
		{"apply for a positive amount", "2.28", good, m{"amount": "58.50"}, "8995"},
		{"apply for less without lines", "2.28", good, m{"amount": "-58.49"}, "8995"},
		{"apply for lines that add up to something else", "2.28", good, m{"itemList": []any{m{
			"blueItemNo": "1", "goodsName": "*乳制品*牛奶", "taxClassificationCode": "1030301000000000000", "includeTaxFlag": "1", "invoiceAmount": "-20.00", "taxRateValue": "0.13",
		}}}, "8995"},
		{"apply for more than a line", "2.28", good, m{"amount": "-40.01", "itemList": []any{m{
			"blueItemNo": "1", "goodsName": "*乳制品*牛奶", "taxClassificationCode": "1030301000000000000", "includeTaxFlag": "1", "invoiceAmount": "-40.01", "taxRateValue": "0.13",
		}}}, "6009"},
		{"view nothing", "2.29", view, m{"redConfirmReqSerialNo": nil}, "8995"},
		{"view an unknown one", "2.29", view, m{}, "8003"},
		{"apply", "2.28", good, m{}, "0000"},
		{"apply for a line", "2.28", good, m{"redConfirmReqSerialNo": confirm2, "blueAllEleInvNo": second, "amount": "-20.00", "itemList": []any{m{
			"blueItemNo": "1", "goodsName": "*乳制品*牛奶", "taxClassificationCode": "1030301000000000000", "includeTaxFlag": "1", "invoiceAmount": "-20.00", "taxRateValue": "0.13",
		}}}, "0000"},
		{"apply for the rest without lines", "2.28", good, m{"redConfirmReqSerialNo": confirm3, "blueAllEleInvNo": second, "amount": "-38.50"}, "6009"},
		{"view", "2.29", view, m{}, "0000"},
		{"view of another's", "2.29", view, m{"taxpayerNum": "91110108TEST00001X"}, "8004"},
		{"issue an unknown one", "2.30", `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + red1 + `","redConfirmNo":"1","redConfirmUuid":"1"}`, m{}, "8003"},
		{"issue without number", "2.30", `{"taxpayerNum":"91110108SANDBOX01X","redConfirmNo":"1","redConfirmUuid":"1"}`, m{}, "8995"},
		{"answer an unknown one", "2.31", `{"taxpayerNum":"91110108SANDBOX01X","redConfirmNo":"1","auditResult":"1"}`, m{}, "8003"},
		{"revoke an unknown one", "2.32", `{"taxpayerNum":"91110108SANDBOX01X","redConfirmNo":"1"}`, m{}, "8003"},
		{"search without days", "2.33", find, m{"startDate": nil}, "8995"},
		{"search backwards", "2.33", find, m{"endDate": "2026-02-28"}, "8995"},
		{"search of nobody", "2.33", find, m{"applicantType": "2"}, "8995"},
		{"search", "2.33", find, m{}, "0000"},
		{"found, page 0", "2.34", `{"taxpayerNum":"91110108SANDBOX01X","queryReqSerialNo":"` + search1 + `","pageNo":"0","pageSize":"10"}`, m{}, "8995"},
		{"found, 101 a page", "2.34", `{"taxpayerNum":"91110108SANDBOX01X","queryReqSerialNo":"` + search1 + `","pageNo":"1","pageSize":"101"}`, m{}, "8995"},
		{"found of no search", "2.34", `{"taxpayerNum":"91110108SANDBOX01X","pageNo":"1","pageSize":"10"}`, m{}, "8003"},
		{"found", "2.34", `{"taxpayerNum":"91110108SANDBOX01X","queryReqSerialNo":"` + search1 + `","pageNo":1,"pageSize":10}`, m{}, "0000"},
	} {
		if out := r.send(t, "/sim/"+tc.number, change(t, tc.content, tc.m)); out.Code != tc.code {
			t.Errorf("%s: %s %s, want %s", tc.name, out.Code, out.Msg, tc.code)
		}
	}
}
