package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestBlueIsStrict(t *testing.T) {
	r := newRaw(t)
	r.SetIssueDelay(0)
	type m = map[string]any
	long := func(n int) string { return strings.Repeat("长", n) }
	zero := func(flag, preferential, manage any) m {
		return m{"item.taxRateValue": "0", "item.zeroTaxFlag": flag, "item.preferentialPolicyFlag": preferential, "item.vatSpecialManage": manage}
	}
	var many []any
	for range 51 {
		many = append(many, m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceAmount": "1.00", "discountAmount": "-0.10"})
	}
	for i, tc := range []struct {
		name string
		m    m
		code string
	}{
		{"as it is", m{}, "0000"},
		{"no taxpayer", m{"taxpayerNum": nil}, "8995"},
		{"taxpayer malformed", m{"taxpayerNum": "x"}, "9997"},
		{"taxpayer of somebody else", m{"taxpayerNum": "91110108TEST00001X"}, "8004"},
		{"number of 19", m{"invoiceReqSerialNo": "SBOXBLUE00000000001"}, "8995"},
		{"number with dash", m{"invoiceReqSerialNo": "SBOXBLUE-00000000001"}, "8995"},
		{"no kind", m{"invoiceIssueKindCode": nil}, "8995"},
		{"old kind", m{"invoiceIssueKindCode": "10"}, "8995"},
		{"special without tax number", m{"invoiceIssueKindCode": "81"}, "8995"},
		{"special", m{"invoiceIssueKindCode": "81", "buyerTaxpayerNum": "91110108BUYER0001X"}, "0000"},
		{"no buyer", m{"buyerName": nil}, "8995"},
		{"buyer of 102 bytes", m{"buyerName": long(51)}, "8995"},
		{"buyer with angle brackets", m{"buyerName": "<b>"}, "8995"},
		{"buyer's number of 14", m{"buyerTaxpayerNum": "91110108BUYER0"}, "8995"},
		{"buyer's number in small letters", m{"buyerTaxpayerNum": "91110108buyer0001x"}, "8995"},
		{"buyer's address and telephone too long", m{"buyerAddress": long(45), "buyerTel": "010-12345678"}, "8995"},
		{"buyer's bank and account too long", m{"buyerBankName": long(30), "buyerBankAccount": strings.Repeat("1", 41)}, "8995"},
		{"telephone with letters", m{"buyerTel": "call me"}, "8995"},
		{"seller's address too long", m{"sellerAddress": long(51)}, "8995"},
		{"natural person", m{"naturalPersonFlag": 1}, "0000"},
		{"natural person as word", m{"naturalPersonFlag": "yes"}, "8995"},
		{"show the bank as word", m{"showBuyerBank": "yes"}, "8995"},
		{"show the address as word", m{"showBuyerAddrTel": "yes"}, "8995"},
		{"on behalf of nobody", m{"agentInvoiceFlag": "2"}, "8995"},
		{"item name of 102 bytes", m{"itemName": long(51)}, "8995"},
		{"account", m{"account": SecondAccount}, "0000"},
		{"account that nobody registered", m{"account": "10000000009"}, "8995"},
		{"drawer of 22 bytes", m{"drawerName": long(11)}, "8995"},
		{"drawer not in GBK", m{"drawerName": "𠮷"}, "8995"},
		{"cashier of 18 bytes", m{"casherName": long(9)}, "8995"},
		{"taker of 11", m{"takerName": long(11)}, "8995"},
		{"machine of 11", m{"machineCode": "12345678901"}, "8995"},
		{"taker's telephone", m{"takerTel": "1380000"}, "8995"},
		{"taker's mail", m{"takerEmail": "nobody"}, "8995"},
		{"remark of 242 bytes", m{"remark": long(121)}, "8995"},
		{"defined data of 201", m{"definedData": strings.Repeat("1", 201)}, "8995"},
		{"trade number of 201", m{"tradeNo": strings.Repeat("1", 201)}, "8995"},
		{"shop too short", m{"shopNum": "S1"}, "8995"},
		{"special kind", m{"specialInvoiceKind": "99"}, "8995"},
		{"oil without litres", m{"specialInvoiceKind": "08"}, "8995"},
		{"oil without quantity", m{"specialInvoiceKind": "08", "item.meteringUnit": "升"}, "8995"},
		{"oil", m{"specialInvoiceKind": "08", "item.meteringUnit": "升", "item.quantity": "2", "item.unitPrice": "5"}, "0000"},
		{"purchase with tax", m{"specialInvoiceKind": "02"}, "8995"},
		{"no lines", m{"itemList": []any{}}, "8995"},
		{"51 lines with discount", m{"itemList": many}, "8995"},
		{"two lines of too much together", m{"itemList": []any{
			m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "includeTaxFlag": "1", "invoiceAmount": "99999999.99"},
			m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "includeTaxFlag": "1", "invoiceAmount": "0.01"},
		}}, "8995"},
		{"too much with its tax", m{"item.includeTaxFlag": "0", "item.invoiceAmount": "99999999.99"}, "8995"},
		{"50 lines with discount", m{"itemList": many[:50]}, "0000"},
		{"no goods", m{"item.goodsName": nil}, "8995"},
		{"goods of 102 bytes", m{"item.goodsName": long(51)}, "8995"},
		{"tax code with letters", m{"item.taxClassificationCode": "30A"}, "8005"},
		{"tax code of 20", m{"item.taxClassificationCode": "30704010000000000000"}, "8005"},
		{"old rate", m{"item.taxRateValue": "0.17"}, "8006"},
		{"no rate", m{"item.taxRateValue": nil}, "8995"},
		{"amount of three places", m{"item.invoiceAmount": "10.000"}, "8995"},
		{"amount negative", m{"item.invoiceAmount": "-10"}, "8995"},
		{"amount zero", m{"item.invoiceAmount": "0"}, "8995"},
		{"amount as number", m{"item.invoiceAmount": 10.5}, "0000"},
		{"tax flag", m{"item.includeTaxFlag": "2"}, "8995"},
		{"price fits", m{"item.unitPrice": "3.33333333", "item.quantity": "3"}, "0000"},
		{"price does not fit", m{"item.unitPrice": "3.33", "item.quantity": "3"}, "8016"},
		{"price alone", m{"item.unitPrice": "10"}, "8995"},
		{"quantity zero", m{"item.unitPrice": "0", "item.quantity": "0"}, "8995"},
		{"price of nine places", m{"item.unitPrice": "3.333333333", "item.quantity": "3"}, "8995"},
		{"discount", m{"item.discountAmount": "-1"}, "0000"},
		{"discount positive", m{"item.discountAmount": "1"}, "8995"},
		{"discount too large", m{"item.discountAmount": "-10.01"}, "8007"},
		{"discount of all", m{"item.discountAmount": "-10.00"}, "8995"},
		{"tax fits", m{"item.taxRateAmount": "0.57"}, "0000"},
		{"tax a fen off", m{"item.taxRateAmount": "0.58"}, "0000"},
		{"tax two fen off", m{"item.taxRateAmount": "0.59"}, "8011"},
		{"discount tax fits", m{"item.taxRateAmount": "0.57", "item.discountAmount": "-1", "item.discountTaxRateAmount": "-0.06"}, "0000"},
		{"discount tax does not fit", m{"item.taxRateAmount": "0.57", "item.discountAmount": "-1", "item.discountTaxRateAmount": "-0.16"}, "8017"},
		{"discount tax alone", m{"item.discountAmount": "-1", "item.discountTaxRateAmount": "-0.06"}, "8995"},
		{"deduction", m{"item.deductionAmount": "4"}, "0000"},
		{"deduction with its tax", m{"item.deductionAmount": "4", "item.taxRateAmount": "0.34"}, "0000"},
		{"deduction too large", m{"item.deductionAmount": "10.01"}, "8012"},
		{"deduction of two lines", m{"itemList": []any{
			m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceAmount": "1.00", "deductionAmount": "0.5"},
			m{"goodsName": "x", "taxClassificationCode": "307", "taxRateValue": "0.06", "invoiceAmount": "1.00"},
		}}, "8013"},
		{"policy without text", m{"item.preferentialPolicyFlag": "1"}, "8008"},
		{"policy", m{"item.preferentialPolicyFlag": "1", "item.vatSpecialManage": "简易征收"}, "0000"},
		{"no policy, as 0", m{"item.preferentialPolicyFlag": "0"}, "0000"},
		{"zero without flag", m{"item.taxRateValue": "0"}, "8014"},
		{"flag without zero", m{"item.zeroTaxFlag": "1"}, "8015"},
		{"unknown flag", zero("4", nil, nil), "8015"},
		{"export", zero("0", "1", "出口零税"), "0000"},
		{"exempt", zero("1", "1", "免税"), "0000"},
		{"not taxed", zero("2", "1", "不征税"), "0000"},
		{"plain zero", zero("3", nil, nil), "0000"},
		{"exempt without policy", zero("1", nil, nil), "8995"},
		{"exempt without text", zero("1", "1", nil), "8008"},
		{"exempt with another's text", zero("1", "1", "不征税"), "8995"},
		{"plain zero with policy", zero("3", "1", "免税"), "8995"},
	} {
		if _, named := tc.m["invoiceReqSerialNo"]; !named {
			tc.m["invoiceReqSerialNo"] = fmt.Sprintf("SBOXBLUE%012d", i)
		}
		if out := r.send(t, bluePath, change(t, goodBlue, tc.m)); out.Code != tc.code {
			t.Errorf("%s: %s %s, want %s", tc.name, out.Code, out.Msg, tc.code)
		}
	}
	r.sound(t)
}
