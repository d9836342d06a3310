package piaotong

import (
	"context"
	"errors"
	"fmt"
)

// The partial reversal, 2.36 and 2.37. No public source has the platform's own
// tables of the two: every shape in this file is assumed, from interface
// document v3.5.1 §2.19 (the older relative of 2.37) and the names of its
// neighbours, and is to be corrected here alone. Neither has a default path;
// see [Error].NoPath.

// BlueRef names a blue invoice, either by AllEleInvNo or, for one of the older
// kinds, by Code and No.
type BlueRef struct {
	TaxpayerNum string // seller, 15–20 ch
	AllEleInvNo string // 20 digits
	Code        string // 12 digits
	No          string // 8 digits
}

// RedInit is what is left to be reversed of a blue invoice: what was not
// reversed before, and is not being so.
type RedInit struct {
	BuyerName string // title of the blue invoice, which 2.37 wants; "" when the answer has none
	RemainNet string // without tax, two places
	RemainTax string // two places; RemainNet + RemainTax is what is left with tax
	Lines     []RedInitLine
}

// RedInitLine is what is left of one line. Amounts are positive; discounts
// are taken off.
type RedInitLine struct {
	BlueItemNo     string // number of the line on the blue invoice
	Name           string
	TaxCode        string
	Spec           string
	Unit           string
	UnitPrice      string // without tax, up to 8 places; "" when the line has none
	RemainQuantity string // up to 8 places; "" when the line has none
	RemainAmount   string // without tax, two places
	Rate           string // two places, e.g. "0.13"
	RemainTax      string // two places; RemainAmount + RemainTax is what is left with tax
	ZeroTaxFlag    string
}

// RedLines reverses some lines of an invoice, or parts of them (2.37). Every
// reversal has a number of its own, fixed before the first call: a second
// number for the same refund reverses twice.
type RedLines struct {
	TaxpayerNum     string // seller, 15–20 ch
	ReqSerialNo     string // number of the red invoice: 20 letters or digits, new, kept through retries
	BlueAllEleInvNo string // 20 digits; or
	BlueCode        string // 12 digits, and
	BlueNo          string // 8 digits
	Reason          string // 1–100 B
	ReturnNo        string // optional, our number of the refund, ≤200 ch
	BuyerName       string // as on the blue invoice, 1–100 B
	DefinedData     string // optional, 0–200 ch, comes back in pushes
	Lines           []RedLine
}

// RedLine is one line to be reversed. Name, TaxCode, Rate and ZeroTaxFlag are
// those of the blue line. Amounts and prices are with tax, as in 2.16, or
// without, as in 2.36, where WithoutTax says so. Quantity and UnitPrice are both
// given or both left out; minus their product, rounded half up to two places,
// is Amount.
//
// Without Tax the platform computes it from Amount, which need not be what is
// left of a line: of 11.16 and 0.34 it makes 11.17 and 0.33, and refuses its
// own net amount with 6009. Tax says it exactly.
type RedLine struct {
	BlueItemNo  string // of 2.36
	Name        string // ≤100 B
	TaxCode     string // tax class code
	Rate        string // two places, e.g. "0.13"
	ZeroTaxFlag string // "1", "2" or "3" when Rate is 0; export ("0") cannot be reversed by lines
	Quantity    string // negative, up to 8 places, or ""
	UnitPrice   string // positive, up to 8 places, or ""
	Amount      string // negative, two places, before Discount
	Discount    string // positive, two places, or ""
	WithoutTax  bool   // Amount, UnitPrice and Discount are without tax
	Tax         string // not positive, two places; "" lets the platform compute it
}

// redInitRequest is the content of 2.36 (assumed).
type redInitRequest struct {
	TaxpayerNum     string `json:"taxpayerNum"`               // 纳税人识别号 15–20 Y
	BlueAllEleInvNo string `json:"blueAllEleInvNo,omitempty"` // 蓝字数电发票号码 20 digits C
	BlueCode        string `json:"blueInvoiceCode,omitempty"` // 蓝字发票代码 12 C
	BlueNo          string `json:"blueInvoiceNo,omitempty"`   // 蓝字发票号码 8 C
	ApplicantType   string `json:"applicantType"`             // 申请方 0 seller, 1 buyer N
}

// redInitResponse is the answer of 2.36 (assumed).
type redInitResponse struct {
	BlueAllEleInvNo Scalar            `json:"blueAllEleInvNo"`   // 蓝字数电发票号码 20 digits C
	BuyerName       Scalar            `json:"buyerName"`         // 购买方名称 ≤100 B N
	RemainNet       Scalar            `json:"remainNoTaxAmount"` // 剩余可冲红不含税金额 dec(2) Y
	RemainTax       Scalar            `json:"remainTaxAmount"`   // 剩余可冲红税额 dec(2) Y
	Items           []redInitItemWire `json:"itemList"`          // 项目列表 Y
}

type redInitItemWire struct {
	BlueItemNo     Scalar `json:"blueItemNo"`            // 蓝字明细序号 Y
	GoodsName      Scalar `json:"goodsName"`             // 货物名称 ≤100 B Y
	TaxCode        Scalar `json:"taxClassificationCode"` // 税收分类编码 Y
	Specification  Scalar `json:"specificationModel"`    // 规格型号 N
	MeteringUnit   Scalar `json:"meteringUnit"`          // 单位 N
	UnitPrice      Scalar `json:"unitPrice"`             // 单价(不含税, as in 2.12) dec(8) N
	RemainQuantity Scalar `json:"remainQuantity"`        // 剩余数量 dec(8) N
	RemainAmount   Scalar `json:"remainAmount"`          // 剩余金额(不含税, as in 2.12) dec(2) Y
	TaxRate        Scalar `json:"taxRateValue"`          // 税率 dec(2) Y
	RemainTax      Scalar `json:"remainTaxAmount"`       // 剩余税额 dec(2) Y
	ZeroTaxFlag    Scalar `json:"zeroTaxFlag"`           // 零税率标识 C
}

// redLinesRequest is the content of 2.37 (assumed: v3.5.1 §2.19 with
// blueAllEleInvNo, redReason and blueItemNo added).
type redLinesRequest struct {
	TaxpayerNum     string        `json:"taxpayerNum"`               // 纳税人识别号 15–20 Y
	ReqSerialNo     string        `json:"invoiceReqSerialNo"`        // 红票请求流水号 20 Y
	BlueAllEleInvNo string        `json:"blueAllEleInvNo,omitempty"` // 蓝字数电发票号码 20 digits C
	BlueCode        string        `json:"oldInvoiceCode,omitempty"`  // 原发票代码 12 C
	BlueNo          string        `json:"oldInvoiceNo,omitempty"`    // 原发票号码 8 C
	Reason          string        `json:"redReason,omitempty"`       // 冲红原因 1–100, named as in 2.10
	ReturnNo        string        `json:"returnNo,omitempty"`        // 退货单号 ≤200 N
	BuyerName       string        `json:"buyerName"`                 // 购买方名称 1–100 B Y
	DefinedData     string        `json:"definedData,omitempty"`     // 自定义数据 0–200 N
	Items           []redLineWire `json:"itemList"`                  // 项目列表 Y
}

type redLineWire struct {
	BlueItemNo       string `json:"blueItemNo,omitempty"`             // 蓝字明细序号 C
	GoodsName        string `json:"goodsName"`                        // 货物名称 1–100 B Y, of the blue line
	TaxCode          string `json:"taxClassificationCode"`            // 税收分类编码 Y, of the blue line
	Quantity         string `json:"quantity,omitempty"`               // 数量 dec(8), negative N
	IncludeTaxFlag   string `json:"includeTaxFlag"`                   // 含税标志: 1, amounts and prices are with tax; 0, without
	UnitPrice        string `json:"unitPrice,omitempty"`              // 单价 dec(8), positive N
	Amount           string `json:"invoiceAmount"`                    // 金额 dec(2), negative Y
	TaxRate          string `json:"taxRateValue"`                     // 税率 dec(2) Y, of the blue line
	TaxAmount        string `json:"taxRateAmount,omitempty"`          // 税额 dec(2), not positive; absent, the platform computes it N
	Discount         string `json:"discountAmount,omitempty"`         // 折扣金额 dec(2), positive N
	PreferentialFlag string `json:"preferentialPolicyFlag,omitempty"` // 优惠政策标识, "1" or absent C
	ZeroTaxFlag      string `json:"zeroTaxFlag,omitempty"`            // 零税率标识 1, 2, 3 C
	VATSpecialManage string `json:"vatSpecialManage,omitempty"`       // 增值税特殊管理 C, with preferentialPolicyFlag
}

// InitRed asks what is left to be reversed of an invoice (2.36). Ask right
// before RedFlushLines; an old answer is worth nothing.
func (c *Client) InitRed(ctx context.Context, blue BlueRef) (RedInit, error) {
	if !oneIdentification(blue.AllEleInvNo, blue.Code, blue.No) {
		return RedInit{}, c.refused(opInitRed, notOneIdentification)
	}
	r, err := call[redInitRequest, redInitResponse](ctx, c, opInitRed, redInitRequest{
		TaxpayerNum:     blue.TaxpayerNum,
		BlueAllEleInvNo: blue.AllEleInvNo,
		BlueCode:        blue.Code,
		BlueNo:          blue.No,
		ApplicantType:   "0",
	})
	if err != nil {
		return RedInit{}, err
	}
	// An old answer about another invoice has a good signature, too.
	if no := string(r.BlueAllEleInvNo); no != "" && blue.AllEleInvNo != "" && no != blue.AllEleInvNo {
		return RedInit{}, c.malformed(opInitRed, fmt.Errorf("the answer is about invoice %q", no))
	}
	if r.RemainNet == "" {
		return RedInit{}, c.malformed(opInitRed, errors.New("the answer names no remaining amount"))
	}
	out := RedInit{BuyerName: string(r.BuyerName), RemainNet: string(r.RemainNet), RemainTax: string(r.RemainTax)}
	for _, it := range r.Items {
		out.Lines = append(out.Lines, RedInitLine{
			BlueItemNo:     string(it.BlueItemNo),
			Name:           string(it.GoodsName),
			TaxCode:        string(it.TaxCode),
			Spec:           string(it.Specification),
			Unit:           string(it.MeteringUnit),
			UnitPrice:      string(it.UnitPrice),
			RemainQuantity: string(it.RemainQuantity),
			RemainAmount:   string(it.RemainAmount),
			Rate:           string(it.TaxRate),
			RemainTax:      string(it.RemainTax),
			ZeroTaxFlag:    string(it.ZeroTaxFlag),
		})
	}
	return out, nil
}

// RedFlushLines asks for the reversal of lines of an invoice (2.37). The
// number to keep through retries is ReqSerialNo. After Unknown, Duplicate or
// Pending ask QueryInvoice for it. Refused with 6009 or 6010 says that less is
// left than was asked for: ask InitRed again.
func (c *Client) RedFlushLines(ctx context.Context, r RedLines) (RedAccepted, error) {
	if !oneIdentification(r.BlueAllEleInvNo, r.BlueCode, r.BlueNo) {
		return RedAccepted{}, c.refused(opRedPartial, notOneIdentification)
	}
	if len(r.Lines) == 0 {
		// Without lines a platform may well reverse the whole invoice.
		return RedAccepted{}, c.refused(opRedPartial, "no lines to reverse")
	}
	req := redLinesRequest{
		TaxpayerNum:     r.TaxpayerNum,
		ReqSerialNo:     r.ReqSerialNo,
		BlueAllEleInvNo: r.BlueAllEleInvNo,
		BlueCode:        r.BlueCode,
		BlueNo:          r.BlueNo,
		Reason:          r.Reason,
		ReturnNo:        r.ReturnNo,
		BuyerName:       r.BuyerName,
		DefinedData:     r.DefinedData,
		Items:           newRedLineWires(r.Lines),
	}
	resp, err := call[redLinesRequest, redResponse](ctx, c, opRedPartial, req)
	if err != nil {
		return RedAccepted{}, err
	}
	return c.redAccepted(opRedPartial, resp, r.ReqSerialNo)
}

func newRedLineWires(lines []RedLine) []redLineWire {
	var out []redLineWire
	for _, l := range lines {
		w := redLineWire{
			BlueItemNo:     l.BlueItemNo,
			GoodsName:      l.Name,
			TaxCode:        l.TaxCode,
			Quantity:       l.Quantity,
			IncludeTaxFlag: "1",
			UnitPrice:      l.UnitPrice,
			Amount:         l.Amount,
			TaxRate:        l.Rate,
			TaxAmount:      l.Tax,
			Discount:       l.Discount,
			ZeroTaxFlag:    l.ZeroTaxFlag,
		}
		if l.WithoutTax {
			w.IncludeTaxFlag = "0"
		}
		w.PreferentialFlag, w.VATSpecialManage = zeroRatePolicy(l.ZeroTaxFlag)
		out = append(out, w)
	}
	return out
}

const notOneIdentification = "a blue invoice is named either by its 20-digit number or by code and number"

func oneIdentification(allEleInvNo, code, no string) bool {
	if allEleInvNo != "" {
		return code == "" && no == ""
	}
	return code != "" && no != ""
}
