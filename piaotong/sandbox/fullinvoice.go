package sandbox

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"strconv"

	"tillagent/piaotong"
)

// invoiceOf decodes a request that names an invoice, and finds it. unknown is
// the code for another enterprise's.
func (s *Sandbox) invoiceOf(c call, unknown string) (*Invoice, error) {
	var r struct {
		TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo piaotong.Scalar `json:"invoiceReqSerialNo"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	s.taxpayer(&ch, r.TaxpayerNum, "9997", unknown)
	serial := ch.required("invoiceReqSerialNo", r.ReqSerialNo, chars(20, 20))
	if ch.err != nil {
		return nil, ch.err
	}
	inv := s.state.invoices[serial]
	if inv == nil {
		return nil, refuse("8003", "发票不存在")
	}
	return inv, nil
}

// queryFullInvoice is 2.12. Fields that only paper and tax-control hardware
// have are left out, as a digital invoice has none.
func (s *Sandbox) queryFullInvoice(c call) (any, error) {
	inv, err := s.invoiceOf(c, "9997")
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for k, v := range s.invoiceContent(inv, c.base) {
		out[k] = v
	}
	if inv.Code != piaotong.StateIssued {
		return out, nil
	}
	blue := inv
	redFlag := NotRed
	if inv.Type == piaotong.TypeRed {
		blue = s.state.invoices[inv.BlueSerial]
		out["blueAllEleInvNo"] = blue.AllEleInvNo
	} else {
		redFlag = s.state.redFlag(inv)
	}
	for k, v := range map[string]string{
		"buyerName":         inv.BuyerName,
		"sellerTaxpayerNum": s.account.TaxpayerNum, "sellerName": s.account.EnterpriseName,
		"sellerAddress": sellerAddress, "sellerTel": sellerTel,
		"invoiceKind": inv.Kind, "specialInvoiceKind": orText(blue.paper.special, "00"),
		"amountWithTax": inv.Amount, "invalidFlag": "NOT_DESTROY", "redFlag": redFlag,
		"casherName": blue.paper.casher, "reviewerName": blue.paper.reviewer, "drawerName": s.drawer(blue),
		"detailedListFlag": "0", "checkCode": "", "remark": inv.paper.remark,
		"invoiceLayoutFileType": "pdf", "invPreviewQrcodePath": encodeURL(c.base + "/i/" + inv.ReqSerialNo),
	} {
		out[k] = v
	}
	if t := blue.Title; t != nil {
		for k, v := range map[string]string{
			"buyerTaxpayerNum": t.TaxpayerNum, "buyerAddress": t.Address, "buyerTel": t.Tel,
			"buyerBankName": t.BankName, "buyerBankAccount": t.BankAccount,
		} {
			if v != "" {
				out[k] = v
			}
		}
	}
	var pdf bytes.Buffer
	writePDF(&pdf, s.printed(inv))
	out["invoicePdf"] = base64.StdEncoding.EncodeToString(pdf.Bytes())
	out["itemList"] = s.state.fullItems(inv)
	return out, nil
}

// drawer is who issued a blue invoice: as requested, or the tax account's name.
func (s *Sandbox) drawer(blue *Invoice) string {
	if blue.paper.drawer != "" {
		return blue.paper.drawer
	}
	if a := s.state.account(blue.Account); a != nil && a.Name != "" {
		return a.Name
	}
	return s.state.enterprises[s.account.TaxpayerNum].Contacts
}

// fullItems are the lines of an invoice. A line with a discount is two.
func (st *state) fullItems(inv *Invoice) []map[string]string {
	items := []map[string]string{}
	add := func(l *line, property string, sign int64, part share) {
		it := map[string]string{
			"goodsName": l.item.Name, "taxClassificationCode": l.item.TaxCode,
			"itemAmount": formatFen(sign * (part.fen - part.tax)), "taxRate": formatFen(l.rate), "taxRateAmount": formatFen(sign * part.tax),
			"zeroTaxFlag": l.item.ZeroTaxFlag, "itemProperty": property, "itemNo": strconv.Itoa(len(items) + 1),
		}
		if policy := zeroRatePolicies[piaotong.Scalar(l.item.ZeroTaxFlag)]; policy != "" && l.rate == 0 {
			it["preferentialPolicyFlag"], it["vatSpecialManage"] = "1", policy
		}
		if property != propertyDiscount {
			it["specificationModel"], it["meteringUnit"], it["deduction"] = l.item.Spec, l.item.Unit, l.item.Deduction
			if part.quantity != 0 {
				quantity := big.NewInt(part.quantity)
				it["unitPrice"] = formatDecimal8(factorOf(part.fen-part.tax, quantity))
				it["quantity"] = formatDecimal8(quantity)
				if sign < 0 {
					it["quantity"] = "-" + it["quantity"]
				}
			}
		}
		items = append(items, it)
	}
	if inv.Type == piaotong.TypeRed {
		blue := st.invoices[inv.BlueSerial]
		for _, p := range inv.parts {
			add(&blue.lines[p.line], propertyNormal, -1, p.share)
		}
		return items
	}
	for i := range inv.lines {
		l := &inv.lines[i]
		discount, err := parseFen(l.item.Discount)
		if err != nil || discount == 0 {
			add(l, propertyNormal, 1, l.whole)
			continue
		}
		before := l.whole.fen - discount // a discount is negative
		full := share{before, taxIn(before, l.rate), l.whole.quantity}
		add(l, propertyDiscounted, 1, full)
		add(l, propertyDiscount, 1, share{discount, l.whole.tax - full.tax, 0})
	}
	return items
}

// The kinds of lines (明细行性质).
const (
	propertyNormal     = "0"
	propertyDiscount   = "1"
	propertyDiscounted = "2"
)
