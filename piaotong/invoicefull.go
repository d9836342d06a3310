package piaotong

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// RedFlag says whether an invoice was reversed. Words that are not listed are
// kept as they were received, and decide nothing.
type RedFlag string

// The states of reversal.
const (
	RedFlagNone    RedFlag = "NOT_RED"
	RedFlagDone    RedFlag = "ALREADY_RED"
	RedFlagRunning RedFlag = "REDING"
	RedFlagFailed  RedFlag = "RED_FAIL"
	RedFlagPart    RedFlag = "PART_RED"
)

// InvalidFlag says whether an invoice was voided. Words that are not listed are
// kept as they were received, and decide nothing.
type InvalidFlag string

// The states of voiding.
const (
	InvalidFlagNone    InvalidFlag = "NOT_DESTROY"
	InvalidFlagDone    InvalidFlag = "ALREADY_DESTROY"
	InvalidFlagRunning InvalidFlag = "DESTROYING"
	InvalidFlagFailed  InvalidFlag = "DESTROY_FAIL"
)

// Properties of a line: [FullLine].Property.
const (
	LineNormal     = "0"
	LineDiscount   = "1" // takes off from the line before
	LineDiscounted = "2"
)

// FullInvoice is all that stands on an invoice (2.12; v3.5.1 §2.13). Everything
// after the InvoiceState is filled when it is issued. What the platform's table
// says of tax-control devices and of separate lists is not read: digital
// invoices have neither.
type FullInvoice struct {
	InvoiceState
	Kind            string // KindOrdinary, KindSpecial, or one of the older kinds
	SpecialKind     string // "00" none, "08" refined oil, "02" purchase of farm produce
	Buyer           Party
	Seller          Party
	Total           string // with tax, two places
	Red             RedFlag
	Invalid         InvalidFlag
	BlueAllEleInvNo string // of a red invoice: the blue one (assumed), 20 digits
	BlueCode        string // of a red invoice: the blue one, older kinds only
	BlueNo          string // of a red invoice: the blue one, older kinds only
	CashierName     string
	ReviewerName    string
	DrawerName      string
	CheckCode       string // older kinds only
	QRText          string // text of the code that is printed on the invoice
	Remark          string
	PreviewURL      string // at the tax administration; "" when missing
	// Files are those that came with the answer, at most a PDF or OFD and an
	// XML. FetchFile is the proper way; after it and these there is DownloadURL.
	Files []File
	Lines []FullLine
}

// Party is one side of an invoice. All but the names may be "".
type Party struct {
	Name, TaxpayerNum     string
	Address, Tel          string
	BankName, BankAccount string
}

// LogValue keeps buyers' data out of logs.
func (Party) LogValue() slog.Value { return slog.StringValue("[party]") }

// FullLine is one line of an invoice. Price and amount are without tax.
type FullLine struct {
	No           string // order on the invoice, from "1"
	Name         string
	TaxCode      string
	Spec         string
	Unit         string
	Quantity     string // up to 8 places; "" when the line has none
	UnitPrice    string // up to 8 places; "" when the line has none
	Amount       string // two places
	Rate         string // two places, e.g. "0.13"
	TaxAmount    string // two places
	Deduction    string // two places; "" when there is none
	Preferential bool
	ZeroTaxFlag  string // "", "0" to "3"
	Policy       string // 增值税特殊管理; "" when there is none
	Property     string // LineNormal …
}

type fullInvoiceResponse struct {
	invoiceWire
	Kind              Scalar         `json:"invoiceKind"`              // 发票种类代码 2 Y
	SpecialKind       Scalar         `json:"specialInvoiceKind"`       // 特殊票种 00, 08, 02 Y
	BuyerName         Scalar         `json:"buyerName"`                // 购买方名称 4–100 Y
	BuyerTaxpayerNum  Scalar         `json:"buyerTaxpayerNum"`         // 购方税号 15–20 N
	BuyerAddress      Scalar         `json:"buyerAddress"`             // 购方地址 ≤100 N
	BuyerTel          Scalar         `json:"buyerTel"`                 // 购方电话 ≤20 N
	BuyerBankName     Scalar         `json:"buyerBankName"`            // 购方开户行 ≤100 N
	BuyerBankAccount  Scalar         `json:"buyerBankAccount"`         // 购方银行账号 ≤50 N
	SellerName        Scalar         `json:"sellerName"`               // 销方名称 4–100 Y
	SellerTaxpayerNum Scalar         `json:"sellerTaxpayerNum"`        // 销方税号 15–20 Y
	SellerAddress     Scalar         `json:"sellerAddress"`            // 销方地址 ≤100 Y
	SellerTel         Scalar         `json:"sellerTel"`                // 销方电话 ≤20 Y
	SellerBankName    Scalar         `json:"sellerBankName"`           // 销方开户行 ≤100 N
	SellerBankAccount Scalar         `json:"sellerBankAccount"`        // 销方银行账号 ≤50 N
	BlueAllEleInvNo   Scalar         `json:"blueAllEleInvNo"`          // 原数电发票号码 20 C (assumed)
	BlueCode          Scalar         `json:"blueInvoiceCode"`          // 原发票代码 12 C
	BlueNo            Scalar         `json:"blueInvoiceNo"`            // 原发票号码 8 C
	Total             Scalar         `json:"amountWithTax"`            // 价税合计 dec(2) Y
	Invalid           Scalar         `json:"invalidFlag"`              // 作废标志, a word Y
	Red               Scalar         `json:"redFlag"`                  // 冲红标志, a word Y
	CasherName        Scalar         `json:"casherName"`               // 收款人 ≤16 N
	ReviewerName      Scalar         `json:"reviewerName"`             // 复核人 ≤16 N
	DrawerName        Scalar         `json:"drawerName"`               // 开票人 ≤20 Y
	CheckCode         Scalar         `json:"checkCode"`                // 校验码 ≤100
	QRText            Scalar         `json:"qrCode"`                   // 二维码 ≤1000 N
	Remark            Scalar         `json:"remark"`                   // 备注 ≤240 N
	LayoutFile        Scalar         `json:"invoicePdf"`               // 发票文件, base64 of PDF or OFD N
	XMLFile           Scalar         `json:"invoiceXml"`               // base64 N
	PreviewURL        Scalar         `json:"vatPlatformInvPreviewUrl"` // 公共服务平台预览, base64 of a URL N
	Items             []fullLineWire `json:"itemList"`                 // 项目明细
}

type fullLineWire struct {
	No               Scalar `json:"itemNo"`                 // 序号 ≤11 Y
	GoodsName        Scalar `json:"goodsName"`              // 货物名称 ≤100 Y
	TaxCode          Scalar `json:"taxClassificationCode"`  // 税收分类编码 ≤50 Y
	Specification    Scalar `json:"specificationModel"`     // 规格型号 N
	MeteringUnit     Scalar `json:"meteringUnit"`           // 单位 N
	Quantity         Scalar `json:"quantity"`               // 数量 dec(8)
	UnitPrice        Scalar `json:"unitPrice"`              // 单价(不含税) dec(8)
	Amount           Scalar `json:"itemAmount"`             // 金额(不含税) dec(2) Y
	TaxRate          Scalar `json:"taxRate"`                // 税率 dec(2) Y
	TaxAmount        Scalar `json:"taxRateAmount"`          // 税额 dec(2) Y
	Deduction        Scalar `json:"deduction"`              // 差额抵扣金额 dec(2) N
	PreferentialFlag Scalar `json:"preferentialPolicyFlag"` // 优惠政策标识, empty or 1 N
	ZeroTaxFlag      Scalar `json:"zeroTaxFlag"`            // 零税率标识, empty, 0–3
	VATSpecialManage Scalar `json:"vatSpecialManage"`       // 增值税特殊管理 ≤100 N
	Property         Scalar `json:"itemProperty"`           // 明细性质 0–2 Y
}

// QueryFullInvoice asks for all that stands on an invoice (2.12). As with
// QueryInvoice, a nil error says that the question was answered; whether the
// invoice is issued is in Code.
func (c *Client) QueryFullInvoice(ctx context.Context, ref InvoiceRef) (FullInvoice, error) {
	r, err := call[invoiceRefWire, fullInvoiceResponse](ctx, c, opQueryFullInvoice, invoiceRefWire(ref))
	if err != nil {
		return FullInvoice{}, err
	}
	if string(r.ReqSerialNo) != ref.ReqSerialNo {
		return FullInvoice{}, c.malformed(opQueryFullInvoice, fmt.Errorf("the answer is about request %q", r.ReqSerialNo))
	}
	if r.Code == "" {
		return FullInvoice{}, c.malformed(opQueryFullInvoice, errors.New("the answer names no state"))
	}
	return r.invoice(), nil
}

func (r *fullInvoiceResponse) invoice() FullInvoice {
	full := FullInvoice{
		InvoiceState: r.state(),
		Kind:         string(r.Kind),
		SpecialKind:  string(r.SpecialKind),
		Buyer: Party{
			Name: string(r.BuyerName), TaxpayerNum: string(r.BuyerTaxpayerNum),
			Address: string(r.BuyerAddress), Tel: string(r.BuyerTel),
			BankName: string(r.BuyerBankName), BankAccount: string(r.BuyerBankAccount),
		},
		Seller: Party{
			Name: string(r.SellerName), TaxpayerNum: string(r.SellerTaxpayerNum),
			Address: string(r.SellerAddress), Tel: string(r.SellerTel),
			BankName: string(r.SellerBankName), BankAccount: string(r.SellerBankAccount),
		},
		Total:           string(r.Total),
		Red:             RedFlag(r.Red),
		Invalid:         InvalidFlag(r.Invalid),
		BlueAllEleInvNo: string(r.BlueAllEleInvNo),
		BlueCode:        string(r.BlueCode),
		BlueNo:          string(r.BlueNo),
		CashierName:     string(r.CasherName),
		ReviewerName:    string(r.ReviewerName),
		DrawerName:      string(r.DrawerName),
		CheckCode:       string(r.CheckCode),
		QRText:          string(r.QRText),
		Remark:          string(r.Remark),
		PreviewURL:      optionalURL(r.PreviewURL),
		Files:           append(optionalFile(r.LayoutFile, FilePDF, FileOFD), optionalFile(r.XMLFile, FileXML)...),
	}
	for _, it := range r.Items {
		full.Lines = append(full.Lines, FullLine{
			No:           string(it.No),
			Name:         string(it.GoodsName),
			TaxCode:      string(it.TaxCode),
			Spec:         string(it.Specification),
			Unit:         string(it.MeteringUnit),
			Quantity:     string(it.Quantity),
			UnitPrice:    string(it.UnitPrice),
			Amount:       string(it.Amount),
			Rate:         string(it.TaxRate),
			TaxAmount:    string(it.TaxAmount),
			Deduction:    string(it.Deduction),
			Preferential: it.PreferentialFlag.Bool(),
			ZeroTaxFlag:  string(it.ZeroTaxFlag),
			Policy:       string(it.VATSpecialManage),
			Property:     string(it.Property),
		})
	}
	return full
}
