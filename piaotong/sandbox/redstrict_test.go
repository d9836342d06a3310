package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPartialRedIsStrict(t *testing.T) {
	r := newRaw(t)
	blue := r.issue(t).AllEleInvNo
	const good = `{"blueItemNo":"1","goodsName":"*乳制品*牛奶","taxClassificationCode":"1030301000000000000","quantity":"-1",` +
		`"includeTaxFlag":1,"unitPrice":"20.00","invoiceAmount":"-20.00","taxRateValue":"0.13"}`
	body := func(items string) string {
		return `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + red1 + `","blueAllEleInvNo":"` + blue + `","buyerName":"甲公司","itemList":[` + items + `]}`
	}
	// with changes one field of the good line; a value "" removes it.
	with := func(field, value string) string {
		var fields []string
		for _, f := range strings.Split(strings.Trim(good, "{}"), ",") {
			if !strings.HasPrefix(f, `"`+field+`":`) {
				fields = append(fields, f)
			}
		}
		if value != "" {
			fields = append(fields, `"`+field+`":"`+value+`"`)
		}
		return "{" + strings.Join(fields, ",") + "}"
	}
	// bare is a line of milk with these figures and no quantity.
	bare := func(figures string) string {
		return `{"blueItemNo":"1","goodsName":"*乳制品*牛奶","taxClassificationCode":"1030301000000000000","taxRateValue":"0.13",` + figures + `}`
	}
	party := func(field string) string { return strings.Replace(body(good), `"buyerName"`, field+`,"buyerName"`, 1) }
	const path, initPath = "/sim/2.37", "/sim/2.36"
	for _, tc := range []struct{ name, path, content, code string }{
		{"no lines", path, body(""), "8995"},
		{"another buyer", path, strings.Replace(body(good), "甲公司", "乙公司", 1), "8995"},
		{"no buyer", path, strings.Replace(body(good), "甲公司", "", 1), "8995"},
		{"short number", path, strings.Replace(body(good), red1, red1[1:], 1), "8995"},
		{"unknown invoice", path, strings.Replace(body(good), blue, "26110000000000000000", 1), "8003"},
		{"an old invoice", path, `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + red1 + `","oldInvoiceCode":"011001900111","oldInvoiceNo":"12345678","buyerName":"甲公司","itemList":[` + good + `]}`, "8003"},
		{"remark of 202 bytes", path, strings.Replace(body(good), `"buyerName"`, `"remark":"`+strings.Repeat("长", 101)+`","buyerName"`, 1), "8995"},
		{"tax number of the buyer", path, party(`"buyerTaxpayerNum":"123"`), "8995"},
		{"address too long", path, party(`"buyerAddress":"` + strings.Repeat("长", 51) + `"`), "8995"},
		{"seller's telephone with letters", path, party(`"sellerTel":"010-CALL"`), "8995"},
		{"mail malformed", path, party(`"takerEmail":"nobody"`), "8995"},
		{"trade number of 201", path, party(`"tradeNo":"` + strings.Repeat("1", 201) + `"`), "8995"},
		{"drawer of 22 bytes", path, party(`"drawerName":"` + strings.Repeat("长", 11) + `"`), "8995"},
		{"specification too long", path, body(with("specificationModel", strings.Repeat("长", 21))), "8995"},
		{"unit too long", path, body(with("meteringUnit", strings.Repeat("长", 11))), "8995"},
		{"deduction", path, body(with("deductionAmount", "1.00")), "6011"},
		{"discount's tax alone", path, body(with("discountTaxRateAmount", "0.12")), "8995"},
		{"discount's tax without discount", path, body(bare(`"includeTaxFlag":"1","invoiceAmount":"-20.00","taxRateAmount":"-2.30","discountTaxRateAmount":"0.01"`)), "8995"},
		{"discount's tax without the line's", path, body(bare(`"includeTaxFlag":"1","invoiceAmount":"-20.00","discountAmount":"1.00","discountTaxRateAmount":"0.12"`)), "8995"},
		{"discount's tax negative", path, body(bare(`"includeTaxFlag":"1","invoiceAmount":"-20.00","taxRateAmount":"-2.30","discountAmount":"1.00","discountTaxRateAmount":"-0.12"`)), "8017"},
		{"discount's tax does not fit", path, body(bare(`"includeTaxFlag":"1","invoiceAmount":"-20.00","taxRateAmount":"-2.30","discountAmount":"1.00","discountTaxRateAmount":"0.14"`)), "8017"},
		{"no such line", path, body(with("blueItemNo", "3")), "6012"},
		{"line zero", path, body(with("blueItemNo", "0")), "6012"},
		{"line not named", path, body(with("blueItemNo", "")), "8995"},
		{"line twice", path, body(good + "," + good), "8995"},
		{"another name", path, body(with("goodsName", "*乳制品*酸奶")), "6012"},
		{"another tax code", path, body(with("taxClassificationCode", "1030301")), "6012"},
		{"another rate", path, body(with("taxRateValue", "0.09")), "6012"},
		{"rate of three places", path, body(with("taxRateValue", "0.130")), "8006"},
		{"zero-rate flag", path, body(with("zeroTaxFlag", "1")), "6012"},
		{"zero-rate flag 0", path, body(with("zeroTaxFlag", "0")), "8015"},
		{"policy without text", path, body(with("preferentialPolicyFlag", "1")), "8008"},
		{"unknown tax flag", path, body(with("includeTaxFlag", "2")), "8995"},
		{"too much without tax", path, body(bare(`"includeTaxFlag":"0","invoiceAmount":"-35.41"`)), "6009"},
		{"too much, the flag left out", path, body(bare(`"invoiceAmount":"-35.41"`)), "6009"},
		{"too much tax without tax", path, body(bare(`"includeTaxFlag":"0","invoiceAmount":"-35.40","taxRateAmount":"-4.61"`)), "6010"},
		{"too little tax for all", path, body(bare(`"invoiceAmount":"-40.00","includeTaxFlag":"1","taxRateAmount":"-4.59"`)), "6009"},
		{"nothing without tax", path, body(bare(`"includeTaxFlag":"0","invoiceAmount":"0.00","taxRateAmount":"-0.01"`)), "6015"},
		{"positive amount", path, body(with("invoiceAmount", "20.00")), "6015"},
		{"zero", path, body(with("invoiceAmount", "0")), "6015"},
		{"positive quantity", path, body(with("quantity", "1")), "8995"},
		{"negative price", path, body(with("unitPrice", "-20.00")), "8995"},
		{"price alone", path, body(with("quantity", "")), "8995"},
		{"quantity alone", path, body(with("unitPrice", "")), "8995"},
		{"price does not fit", path, body(with("unitPrice", "19.99")), "8016"},
		{"negative discount", path, body(with("discountAmount", "-1.00")), "8995"},
		{"discount above the line", path, body(with("discountAmount", "20.01")), "8007"},
		{"discount of all", path, body(with("discountAmount", "20.00")), "6015"},
		{"too much money", path, body(`{"blueItemNo":"2","goodsName":"*水果*苹果","taxClassificationCode":"1010115010100000000","includeTaxFlag":"1","invoiceAmount":"-18.51","taxRateValue":"0.09"}`), "6009"},
		{"too much quantity", path, body(`{"blueItemNo":"2","goodsName":"*水果*苹果","taxClassificationCode":"1010115010100000000","includeTaxFlag":"1","quantity":"-2","unitPrice":"5","invoiceAmount":"-10","taxRateValue":"0.09"}`), "6009"},
		{"positive tax", path, body(with("taxRateAmount", "2.30")), "6016"},
		{"too much tax", path, body(with("taxRateAmount", "-4.61")), "6010"},
		{"tax does not fit", path, body(with("taxRateAmount", "-2.32")), "8011"},
		{"init of nothing", initPath, `{"taxpayerNum":"91110108SANDBOX01X"}`, "8995"},
		{"init of an unknown one", initPath, `{"taxpayerNum":"91110108SANDBOX01X","blueAllEleInvNo":"26110000000000000000"}`, "8003"},
		{"init of another's", initPath, `{"taxpayerNum":"91110108TEST00001X","blueAllEleInvNo":"` + blue + `"}`, "8004"},
		{"init by the buyer", initPath, `{"taxpayerNum":"91110108SANDBOX01X","blueAllEleInvNo":"` + blue + `","applicantType":"1"}`, "8995"},
	} {
		if out := r.send(t, tc.path, tc.content); out.Code != tc.code {
			t.Errorf("%s: %s %s, want %s", tc.name, out.Code, out.Msg, tc.code)
		}
	}
	if k := r.ledger(t).kinds(); strings.Contains(k, "red") {
		t.Errorf("something was reversed: %s", k)
	}
	if out := r.send(t, path, body(with("taxRateAmount", "-2.30"))); out.Code != "0000" {
		t.Errorf("with its tax: %s %s", out.Code, out.Msg)
	}
	if out := r.send(t, path, strings.Replace(body(good), red1, red2, 1)); out.Code != "0000" {
		t.Errorf("as it should be: %s %s", out.Code, out.Msg)
	}
	discounted := `{"blueItemNo":"2","goodsName":"*水果*苹果","taxClassificationCode":"1010115010100000000","taxRateValue":"0.09","includeTaxFlag":"1",` +
		`"invoiceAmount":"-5.00","taxRateAmount":"-0.41","discountAmount":"1.00","discountTaxRateAmount":"0.09"}`
	if out := r.send(t, path, strings.Replace(body(discounted), red1, red3, 1)); out.Code != "0000" {
		t.Errorf("with the discount's tax: %s %s", out.Code, out.Msg)
	}
	r.clock.add(time.Second)
	if red := r.state(t, red3); red.TaxAmount != "-0.32" || red.NetAmount != "-3.68" {
		t.Errorf("with the discount's tax: %s net, %s tax", red.NetAmount, red.TaxAmount)
	}
}

// TestRedsOfUnusualLines: lines without a quantity, of a few cents, and so many
// that their discounts are too much.
func TestRedsOfUnusualLines(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	const line = `{"goodsName":"x","taxClassificationCode":"307","taxRateValue":"0.13","includeTaxFlag":"1","invoiceAmount":"1.00"}`
	if out := r.send(t, bluePath, `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"`+blue1+`","invoiceIssueKindCode":"82","buyerName":"甲公司","itemList":[`+
		strings.Repeat(line+",", 50)+line+`]}`); out.Code != "0000" {
		t.Fatal(out.Msg)
	}
	no := r.state(t, blue1).AllEleInvNo
	// reds is a reversal of lines 1 to n, each with these figures.
	reds := func(serial, n int, figures string) string {
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprintf(`{"blueItemNo":"%d","goodsName":"x","taxClassificationCode":"307","taxRateValue":"0.13","includeTaxFlag":"1",%s}`, i+1, figures))
		}
		return `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"` + fmt.Sprintf("SBOXRED%013d", serial) +
			`","blueAllEleInvNo":"` + no + `","buyerName":"甲公司","itemList":[` + strings.Join(lines, ",") + `]}`
	}
	for i, tc := range []struct {
		lines         int
		figures, code string
	}{
		{51, `"invoiceAmount":"-0.50","discountAmount":"0.10"`, "8995"},
		{1, `"invoiceAmount":"-0.50","quantity":"-1","unitPrice":"0.50"`, "6012"},
		{1, `"invoiceAmount":"-0.06","discountAmount":"0.05","taxRateAmount":"0"`, "8011"}, // its tax would be above 0
		{1, `"invoiceAmount":"-0.50","taxRateAmount":"-0.06","discountAmount":"0.01","discountTaxRateAmount":"-0.01"`, "8017"},
		{50, `"invoiceAmount":"-0.50","discountAmount":"0.10"`, "0000"}, // leaves 0.60 of each, 0.07 of it tax
		{1, `"invoiceAmount":"-0.20","taxRateAmount":"-0.01"`, "0000"},
		{1, `"invoiceAmount":"-0.20","taxRateAmount":"-0.01"`, "0000"},
		{1, `"invoiceAmount":"-0.10","taxRateAmount":"-0.05"`, "8011"}, // far from the rate
		{1, `"invoiceAmount":"-0.20","taxRateAmount":"-0.05"`, "0000"}, // as far, but all that is left
	} {
		if out := r.send(t, "/sim/2.37", reds(i, tc.lines, tc.figures)); out.Code != tc.code {
			t.Errorf("%d lines of %s: %s %s, want %s", tc.lines, tc.figures, out.Code, out.Msg, tc.code)
		}
	}
	r.sound(t)
}
