package sandbox

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

// submitted posts a customer's form and follows to the page behind it.
func submitted(t *testing.T, to string, fields ...string) (int, string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	resp, err := http.PostForm(to, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestPresetTitles: a title that the till preset for good can be submitted
// whatever the sandbox thinks of it, and its type is the till's.
func TestPresetTitles(t *testing.T) {
	for _, tc := range []struct {
		name   string
		preset map[string]any
		taxNo  string // of the invoice
	}{
		{"short tax number", map[string]any{"buyerTaxpayerNum": "123456"}, "123456"},
		{"company without tax number", map[string]any{"invoiceTitleType": "0"}, ""},
		{"person with tax number", map[string]any{"buyerTaxpayerNum": companyNum, "invoiceTitleType": "1"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRaw(t)
			tc.preset["buyerName"], tc.preset["allowEditFlag"] = "乙", false
			r.send(t, createPath, with(t, tc.preset))
			page := r.url + "/q/SBOX000001"
			_, text := get(t, page)
			if company := strings.Contains(text, `value="company" checked`); company == (tc.preset["invoiceTitleType"] == "1") {
				t.Errorf("company is chosen: %t", company)
			}
			if status, text := submitted(t, page, "buyer_name", "丙"); status != 200 {
				t.Fatalf("%d %s", status, text)
			}
			if inv := r.ledger(t).Invoices[0]; inv.BuyerName != "乙" || inv.taxNo() != tc.taxNo {
				t.Errorf("%q, %q", inv.BuyerName, inv.taxNo())
			}
		})
	}
}

// TestEditedPreset: who types another title does not get the preset one's address.
func TestEditedPreset(t *testing.T) {
	for name, address := range map[string]string{"乙公司": "某路", "丙公司": ""} {
		r := newRaw(t)
		r.send(t, createPath, with(t, map[string]any{"buyerName": "乙公司", "buyerTaxpayerNum": companyNum, "buyerAddress": "某路"}))
		if status, text := submitted(t, r.url+"/q/SBOX000001", "title_type", "company", "buyer_name", name, "buyer_taxpayer_num", companyNum); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		if inv := r.ledger(t).Invoices[0]; inv.BuyerName != name || inv.Title.Address != address {
			t.Errorf("%s: %+v", name, inv.Title)
		}
	}
}

// TestNothingToEdit: without a preset title the customer gives one, whatever
// allowEditFlag says.
func TestNothingToEdit(t *testing.T) {
	r := newRaw(t)
	r.send(t, createPath, with(t, map[string]any{"allowEditFlag": false}))
	if status, text := submitted(t, r.url+"/q/SBOX000001", "buyer_name", "个人"); status != 200 {
		t.Errorf("%d %s", status, text)
	}
}

// TestSpecialNeedsCompany: a special invoice is for companies, on the page as
// in 2.9.
func TestSpecialNeedsCompany(t *testing.T) {
	r := newRaw(t)
	r.send(t, createPath, with(t, map[string]any{"invoiceIssueOptions": []any{map[string]any{"invoiceType": "81"}}}))
	page := r.url + "/q/SBOX000001"
	if status, text := submitted(t, page, "buyer_name", "个人"); status != 422 || !strings.Contains(text, "专用发票只能开给有税号的企业") {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := submitted(t, page, "title_type", "company", "buyer_name", "甲公司", "buyer_taxpayer_num", companyNum); status != 200 {
		t.Errorf("a company: %d", status)
	}
}

const companyNum = "91110108BUYER0001X"

func TestCustomerTitle(t *testing.T) {
	b := newBench(t, "")
	q := b.create(t, qrNo)
	company := []string{"title_type", "company", "buyer_name", "甲公司"}
	with := func(more ...string) []string { return append(append([]string{}, company...), more...) }
	for _, tc := range []struct {
		fields []string
		want   string
	}{
		{company, "请填写企业税号"},
		{with("buyer_taxpayer_num", "123"), "企业税号应为"},
		{with("buyer_taxpayer_num", companyNum, "taker_tel", "123"), "手机号应为"},
		{with("buyer_taxpayer_num", companyNum, "taker_email", "nobody"), "邮箱格式"},
		{with("buyer_taxpayer_num", companyNum, "count", "2"), "最多可以开 1 张"},
		{with("buyer_taxpayer_num", companyNum, "count", "-1"), "最多可以开 1 张"},
		{with("buyer_taxpayer_num", companyNum, "extract_codes", "123456789012"), "没有这个提取码：123456789012"},
		{with("buyer_taxpayer_num", companyNum, "extract_codes", q.ExtractCode), "提取码重复"},
	} {
		status, page := submitted(t, q.URL, tc.fields...)
		if status != 422 || !strings.Contains(page, tc.want) || !strings.Contains(page, `value="甲公司"`) {
			t.Errorf("%v: %d, lacks %s", tc.fields, status, tc.want)
		}
	}
	for _, name := range []string{"甲\x07公司", "甲\n公司"} {
		if status, page := submitted(t, q.URL, "buyer_name", name); status != 422 || !strings.Contains(page, "无法打印") {
			t.Errorf("%q: %d", name, status)
		}
	}
	status, page := submitted(t, q.URL, with("buyer_taxpayer_num", strings.ToLower(companyNum), "taker_email", "a@example.com")...)
	if status != 200 || !strings.Contains(page, companyNum) || !strings.Contains(page, "此开票码已使用") {
		t.Errorf("%d %s", status, page)
	}
	b.clock.add(time.Second)
	full, err := b.client.QueryFullInvoice(t.Context(), b.invoice(b.ledger(t).Invoices[0].ReqSerialNo))
	if err != nil || full.Buyer.Name != "甲公司" || full.Buyer.TaxpayerNum != companyNum {
		t.Errorf("%+v, %v", full.Buyer, err)
	}
	if got := b.ledger(t).Invoices[0].Title; got.TakerEmail != "a@example.com" {
		t.Errorf("%+v", got)
	}
}

// TestCustomerPreset: what the till says of the buyer and of the form.
func TestCustomerPreset(t *testing.T) {
	r := newRaw(t)
	r.send(t, createPath, with(t, map[string]any{
		"buyerName": "乙公司", "buyerTaxpayerNum": companyNum, "buyerAddress": "某路", "allowEditFlag": false, "mobileRequiredFlag": true,
		"drawerName": "三号机", "invoiceIssueOptions": []any{map[string]any{"invoiceType": "81"}},
	}))
	page := r.url + "/q/SBOX000001"
	if _, text := get(t, page); !strings.Contains(text, `value="乙公司"`) || !strings.Contains(text, `value="`+companyNum+`"`) || !strings.Contains(text, "readonly") {
		t.Errorf("%s", text)
	}
	if status, text := submitted(t, page, "buyer_name", "丙"); status != 422 || !strings.Contains(text, "请填写手机号") {
		t.Errorf("%d", status)
	}
	if status, text := submitted(t, page, "buyer_name", "丙", "taker_tel", "13800000000"); status != 200 || !strings.Contains(text, "乙公司") || strings.Contains(text, "丙") {
		t.Errorf("%d %s", status, text)
	}
	r.clock.add(time.Second)
	full, err := r.client.QueryFullInvoice(t.Context(), r.invoice(r.ledger(t).Invoices[0].ReqSerialNo))
	if err != nil || full.Kind != "81" || full.DrawerName != "三号机" || full.Buyer != (piaotong.Party{Name: "乙公司", TaxpayerNum: companyNum, Address: "某路"}) {
		t.Errorf("%+v, %v", full, err)
	}
}

// TestCustomerMerges: the extract codes of other receipts make one invoice.
func TestCustomerMerges(t *testing.T) {
	b := newBench(t, "")
	first, second, third := b.create(t, "SBOX000001"), b.create(t, "SBOX000002"), b.create(t, "SBOX000003")
	voided := b.create(t, "SBOX000004")
	if _, err := b.client.VoidQRs(t.Context(), []piaotong.QRRef{b.ref("SBOX000004")}); err != nil {
		t.Fatal(err)
	}
	if status, page := submitted(t, first.URL, "buyer_name", "甲", "extract_codes", voided.ExtractCode); status != 422 || !strings.Contains(page, "已作废，不能合并") {
		t.Errorf("voided: %d", status)
	}
	if status, page := submitted(t, first.URL, "buyer_name", "甲", "extract_codes", strings.Repeat(second.ExtractCode+"\n", 21)); status != 422 || !strings.Contains(page, "最多合并 20 个") {
		t.Errorf("21: %d", status)
	}
	status, page := submitted(t, first.URL, "buyer_name", "甲", "extract_codes", second.ExtractCode+"\r\n "+third.ExtractCode)
	if status != 200 || !strings.Contains(page, "175.50") || !strings.Contains(page, "合并开票") {
		t.Errorf("%d %s", status, page)
	}
	if status, page := submitted(t, second.URL, "buyer_name", "乙"); status != 422 || !strings.Contains(page, "已提交") {
		t.Errorf("the second once more: %d", status)
	}
	b.clock.add(time.Second)
	st, err := b.client.QueryQR(t.Context(), b.ref("SBOX000003"))
	if err != nil || len(st.Invoices) != 1 || st.Invoices[0].Amount != "175.50" {
		t.Errorf("%+v, %v", st, err)
	}
	b.sound(t)
}

// TestCustomerSplits: as many invoices as the till allows.
func TestCustomerSplits(t *testing.T) {
	b := newBench(t, "")
	sale := b.sale(qrNo)
	sale.AllowInvoiceCount = 2
	q, err := b.client.CreateQR(t.Context(), sale)
	if err != nil {
		t.Fatal(err)
	}
	if _, page := get(t, q.URL); !strings.Contains(page, "<option>2</option>") {
		t.Error("nothing to choose from")
	}
	if status, page := submitted(t, q.URL, "buyer_name", "甲", "count", "3"); status != 422 || !strings.Contains(page, "最多可以开 2 张") {
		t.Errorf("%d", status)
	}
	if status, page := submitted(t, q.URL, "buyer_name", "甲", "count", "2", "extract_codes", "1"); status != 422 || !strings.Contains(page, "只能开一张") {
		t.Errorf("%d", status)
	}
	// A person has no tax number, whatever stands in the field.
	if status, _ := submitted(t, q.URL, "buyer_name", "甲", "count", "2", "title_type", "person", "buyer_taxpayer_num", companyNum); status != 200 {
		t.Errorf("%d", status)
	}
	b.clock.add(time.Second)
	if l := b.ledger(t); len(l.Invoices) != 2 || l.Invoices[0].Title != nil {
		t.Errorf("%+v", l.Invoices)
	}
	b.sound(t)
}

// TestCustomerIsTold: what is the matter with a code that cannot be used.
func TestCustomerIsTold(t *testing.T) {
	b := newBench(t, "")
	voided, expired, failed := b.create(t, "SBOX000001"), b.create(t, "SBOX000002"), b.create(t, "SBOX000003")
	if _, err := b.client.VoidQRs(t.Context(), []piaotong.QRRef{b.ref("SBOX000001")}); err != nil {
		t.Fatal(err)
	}
	b.claim(t, Claim{QRCodeNo: "SBOX000003", Outcome: Failed})
	resp, err := http.Get(failed.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("Refresh") != "3" { // in progress
		t.Errorf("headers %v", resp.Header)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script") {
		t.Errorf("policy %q", policy)
	}
	b.clock.add(time.Second)
	if _, page := get(t, failed.URL); !strings.Contains(page, "开票失败") || !strings.Contains(page, "<form") {
		t.Error("after a failure the customer cannot try again")
	}
	b.clock.add(181 * 24 * time.Hour)
	for address, want := range map[string]string{voided.URL: "已作废，不能开票", expired.URL: "已过期，不能开票"} {
		if status, page := get(t, address); status != 200 || !strings.Contains(page, want) || strings.Contains(page, "<form") {
			t.Errorf("%s: %d, lacks %s", address, status, want)
		}
		if status, page := submitted(t, address, "buyer_name", "甲"); status != 422 || !strings.Contains(page, want) {
			t.Errorf("%s: submitted: %d", address, status)
		}
	}
}
