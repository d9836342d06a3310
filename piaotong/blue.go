package piaotong

import (
	"context"
	"fmt"
	"log/slog"
)

// Kinds of a digital invoice: [BlueIssue].Kind and [QRCreate].IssueKinds.
const (
	KindSpecial  = "81" // 数电专票
	KindOrdinary = "82" // 数电普票
)

// MaxLines is how many lines an invoice may have; an item with a discount
// counts twice.
const MaxLines = 100

// BlueIssue asks for an invoice whose buyer is known (2.9; v3.5.1 §2.3, and for
// the fields of digital invoices what public clients send). "ch" counts
// characters, "B" bytes in GBK (see [GBKLen]). Empty optional fields are left
// out, and the platform's settings hold.
//
// Fields of the platform's table that are never sent: itemName (its default is
// the first item), takerName (not printed), extensionNum and machineCode (tax
// hardware), agentInvoiceFlag (issuing on behalf of others),
// realEstateRentalList, invIssueChannel and paymentList (rentals, Alipay's
// channel); and of a line taxRateAmount and discountTaxRateAmount (the platform
// computes them) and deductionAmount (differential taxation).
type BlueIssue struct {
	TaxpayerNum string // seller, 15–20 ch, A-Z0-9
	ReqSerialNo string // our number: 20 letters or digits, unique for ever, kept through retries
	Kind        string // required: KindOrdinary or KindSpecial
	Buyer       BlueBuyer

	SellerAddress, SellerTel          string // optional; together ≤100 B, tel ≤20 ch
	SellerBankName, SellerBankAccount string // optional; together ≤100 B, account ≤50 ch

	CashierName, ReviewerName string // optional, ≤16 B each
	DrawerName                string // optional, ≤20 B
	// Account is the account of the tax bureau that issues, optional. Assumed:
	// the platform's document says that it can be chosen, not by which field.
	Account            string
	TakerTel           string     // optional, receives the invoice, 11 digits
	TakerEmail         string     // optional, receives the invoice, 4–50 ch
	SpecialInvoiceKind string     // optional; "08" refined oil, "02" purchase of farm produce
	Remark             string     // optional, printed, ≤240 B
	DefinedData        string     // optional, comes back in pushes, ≤200 ch
	TradeNo            string     // optional, the sale's number; ≤20 ch come back whole
	ShopNum            string     // optional; shop of a chain, 6–20 letters or digits
	Items              []BlueItem // 1 to MaxLines
}

// BlueBuyer is the title of the invoice. Name is required, the rest optional.
type BlueBuyer struct {
	Name                  string // 1–100 B
	TaxpayerNum           string // 15–20 ch, A-Z0-9; companies and KindSpecial need it
	NaturalPerson         bool
	Address, Tel          string // together ≤100 B, tel ≤20 ch
	BankName, BankAccount string // together ≤100 B, account ≤50 ch
	ShowAddressTel        bool   // print Address and Tel
	ShowBank              bool   // print BankName and BankAccount
}

// LogValue keeps buyers' data out of logs.
func (BlueBuyer) LogValue() slog.Value { return slog.StringValue("[buyer]") }

// BlueItem is one line. Amounts and prices are with tax. UnitPrice and Quantity
// are both given or both left out; their product, rounded half up to two
// places, is Amount.
type BlueItem struct {
	Name        string // 1–100 B
	TaxCode     string // tax class code, 19 digits in practice
	Spec        string // optional, ≤40 B
	Unit        string // optional, ≤20 B
	Quantity    string // up to 8 places, 8 digits before the point
	UnitPrice   string // up to 8 places, 8 digits before the point
	Amount      string // two places, before Discount
	Rate        string // two places, e.g. "0.13"
	Discount    string // optional, two places, negative
	ZeroTaxFlag string // required when Rate is 0: "0" export, "1" exempt, "2" not taxed, "3" zero
}

// BlueAccepted says that the platform took the request, not that the invoice
// exists: ask QueryInvoice for ReqSerialNo.
type BlueAccepted struct {
	ReqSerialNo string
	StatusURL   string // page with the invoice's state; may be ""
}

// blueRequest is the content of 2.9.
type blueRequest struct {
	TaxpayerNum        string         `json:"taxpayerNum"`                  // 纳税人识别号 15–20 Y
	ReqSerialNo        string         `json:"invoiceReqSerialNo"`           // 发票请求流水号 20 Y
	Kind               string         `json:"invoiceIssueKindCode"`         // 开具发票种类 81, 82 Y
	NaturalPerson      string         `json:"naturalPersonFlag,omitempty"`  // 自然人标识, "1" or absent N
	BuyerName          string         `json:"buyerName"`                    // 购买方名称 1–100 B Y
	BuyerTaxpayerNum   string         `json:"buyerTaxpayerNum,omitempty"`   // 购买方识别号 15–20 N
	BuyerAddress       string         `json:"buyerAddress,omitempty"`       // 购买方地址 1–100 B N
	BuyerTel           string         `json:"buyerTel,omitempty"`           // 购买方电话 1–20 N
	BuyerBankName      string         `json:"buyerBankName,omitempty"`      // 购买方开户行 1–100 B N
	BuyerBankAccount   string         `json:"buyerBankAccount,omitempty"`   // 购买方银行账号 1–50 N
	ShowBuyerAddrTel   string         `json:"showBuyerAddrTel,omitempty"`   // 展示购方地址电话, "1" or absent N
	ShowBuyerBank      string         `json:"showBuyerBank,omitempty"`      // 展示购方开户行账号, "1" or absent N
	SellerAddress      string         `json:"sellerAddress,omitempty"`      // 销货方地址 1–100 B N
	SellerTel          string         `json:"sellerTel,omitempty"`          // 销货方电话 1–20 N
	SellerBankName     string         `json:"sellerBankName,omitempty"`     // 销货方开户行 1–100 B N
	SellerBankAccount  string         `json:"sellerBankAccount,omitempty"`  // 销货方银行账号 1–50 N
	CasherName         string         `json:"casherName,omitempty"`         // 收款人 1–16 B N (the platform's spelling)
	ReviewerName       string         `json:"reviewerName,omitempty"`       // 复核人 1–16 B N
	DrawerName         string         `json:"drawerName,omitempty"`         // 开票人 1–20 B N
	Account            string         `json:"account,omitempty"`            // 数电账号 N (assumed)
	TakerTel           string         `json:"takerTel,omitempty"`           // 收票人手机号 11 N
	TakerEmail         string         `json:"takerEmail,omitempty"`         // 收票人邮箱 4–50 N
	SpecialInvoiceKind string         `json:"specialInvoiceKind,omitempty"` // 特殊票种 08, 02 N
	Remark             string         `json:"remark,omitempty"`             // 备注 0–240 B N
	DefinedData        string         `json:"definedData,omitempty"`        // 自定义数据 0–200 ch N
	TradeNo            string         `json:"tradeNo,omitempty"`            // 订单号 0–200 ch N
	ShopNum            string         `json:"shopNum,omitempty"`            // 门店编号 6–20 N
	Items              []blueItemWire `json:"itemList"`                     // 开票项目列表 ≤100 lines Y
}

type blueItemWire struct {
	GoodsName        string `json:"goodsName"`                        // 货物名称 1–100 B Y
	TaxCode          string `json:"taxClassificationCode"`            // 税收分类编码 1–50 Y
	Specification    string `json:"specificationModel,omitempty"`     // 规格型号 1–40 B N
	MeteringUnit     string `json:"meteringUnit,omitempty"`           // 单位 1–20 B N
	Quantity         string `json:"quantity,omitempty"`               // 数量 dec(8) N
	IncludeTaxFlag   string `json:"includeTaxFlag"`                   // 含税标志: 1, amounts and prices are with tax
	UnitPrice        string `json:"unitPrice,omitempty"`              // 单价 dec(8) N
	Amount           string `json:"invoiceAmount"`                    // 金额 dec(2) Y
	TaxRate          string `json:"taxRateValue"`                     // 税率 dec(2) Y
	Discount         string `json:"discountAmount,omitempty"`         // 折扣金额 dec(2), negative N
	PreferentialFlag string `json:"preferentialPolicyFlag,omitempty"` // 优惠政策标识, "1" or absent C
	ZeroTaxFlag      string `json:"zeroTaxFlag,omitempty"`            // 零税率标识 0–3 C
	VATSpecialManage string `json:"vatSpecialManage,omitempty"`       // 增值税特殊管理 C, with preferentialPolicyFlag
}

// zeroRatePolicies are the texts that go with a zero-rate flag in lines of the
// family of 2.9; flag 3, the plain zero rate, has none.
var zeroRatePolicies = map[string]string{"0": "出口零税", "1": "免税", "2": "不征税"}

// zeroRatePolicy gives preferentialPolicyFlag and vatSpecialManage of a line.
func zeroRatePolicy(zeroTaxFlag string) (preferential, special string) {
	special = zeroRatePolicies[zeroTaxFlag]
	return flag(special != ""), special
}

// flag writes a boolean as the family of 2.9 does: "1", or absent.
func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}

// IssueBlue asks for an invoice (2.9). The number to keep through retries is
// ReqSerialNo: the platform never makes two invoices of one number, and a new
// number for the same sale may make a second. After Unknown, Duplicate or
// Pending ask QueryInvoice for it (8021 advises a new number: do not take one).
// Unavailable with 8009 means that the enterprise's registration is being
// changed.
func (c *Client) IssueBlue(ctx context.Context, b BlueIssue) (BlueAccepted, error) {
	if problem := b.problem(); problem != "" {
		return BlueAccepted{}, c.refused(opIssueBlue, problem)
	}
	r, err := call[blueRequest, redResponse](ctx, c, opIssueBlue, newBlueRequest(b))
	if err != nil {
		return BlueAccepted{}, err
	}
	if string(r.ReqSerialNo) != b.ReqSerialNo {
		return BlueAccepted{}, c.malformed(opIssueBlue, fmt.Errorf("the answer is about request %q", r.ReqSerialNo))
	}
	return BlueAccepted{ReqSerialNo: b.ReqSerialNo, StatusURL: optionalURL(r.QRCodePath)}, nil
}

// problem says what would make the platform take another number, another kind
// or part of the sale than was meant; the rest is the platform's to refuse.
func (b *BlueIssue) problem() string {
	lines := len(b.Items)
	for _, it := range b.Items {
		if it.Discount != "" {
			lines++
		}
	}
	switch {
	case !isSerial(b.ReqSerialNo):
		return notASerial
	case b.Kind == "":
		return "the kind of invoice is missing"
	case lines == 0 || lines > MaxLines:
		return fmt.Sprintf("%d lines, allowed are 1 to %d", lines, MaxLines)
	}
	return ""
}

// serialLen is the length of every number of a request that we make.
const serialLen = 20

const notASerial = "a request's number has 20 letters or digits"

func isSerial(s string) bool { return len(s) == serialLen && isAlnum(s) }

func newBlueRequest(b BlueIssue) blueRequest {
	w := blueRequest{
		TaxpayerNum:        b.TaxpayerNum,
		ReqSerialNo:        b.ReqSerialNo,
		Kind:               b.Kind,
		NaturalPerson:      flag(b.Buyer.NaturalPerson),
		BuyerName:          b.Buyer.Name,
		BuyerTaxpayerNum:   b.Buyer.TaxpayerNum,
		BuyerAddress:       b.Buyer.Address,
		BuyerTel:           b.Buyer.Tel,
		BuyerBankName:      b.Buyer.BankName,
		BuyerBankAccount:   b.Buyer.BankAccount,
		ShowBuyerAddrTel:   flag(b.Buyer.ShowAddressTel),
		ShowBuyerBank:      flag(b.Buyer.ShowBank),
		SellerAddress:      b.SellerAddress,
		SellerTel:          b.SellerTel,
		SellerBankName:     b.SellerBankName,
		SellerBankAccount:  b.SellerBankAccount,
		CasherName:         b.CashierName,
		ReviewerName:       b.ReviewerName,
		DrawerName:         b.DrawerName,
		Account:            b.Account,
		TakerTel:           b.TakerTel,
		TakerEmail:         b.TakerEmail,
		SpecialInvoiceKind: b.SpecialInvoiceKind,
		Remark:             b.Remark,
		DefinedData:        b.DefinedData,
		TradeNo:            b.TradeNo,
		ShopNum:            b.ShopNum,
	}
	for _, it := range b.Items {
		line := blueItemWire{
			GoodsName:      it.Name,
			TaxCode:        it.TaxCode,
			Specification:  it.Spec,
			MeteringUnit:   it.Unit,
			Quantity:       it.Quantity,
			IncludeTaxFlag: "1",
			UnitPrice:      it.UnitPrice,
			Amount:         it.Amount,
			TaxRate:        it.Rate,
			Discount:       it.Discount,
			ZeroTaxFlag:    it.ZeroTaxFlag,
		}
		line.PreferentialFlag, line.VATSpecialManage = zeroRatePolicy(it.ZeroTaxFlag)
		w.Items = append(w.Items, line)
	}
	return w
}
