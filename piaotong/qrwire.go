package piaotong

// The wire forms of 2.16–2.18, with the platform's names, units and limits.
// "B" counts bytes in GBK, dec(n) is a decimal string with at most n places.
// Y required, N optional, C conditional.

type qrCreateRequest struct {
	TaxpayerNum        string          `json:"taxpayerNum"`                  // 纳税人识别号 15–20 Y
	EnterpriseName     string          `json:"enterpriseName"`               // 企业名称 4–100 B Y
	ShopNum            string          `json:"shopNum,omitempty"`            // 门店编号 6–20 N
	QRCodeNo           string          `json:"qrcodeNo"`                     // 开票二维码编号 10–20 Y
	TradeNo            string          `json:"tradeNo"`                      // 交易单号 ≤50 Y
	TradeTime          string          `json:"tradeTime"`                    // 交易时间 19 Y
	InvoiceAmount      string          `json:"invoiceAmount"`                // 发票金额(含税) dec(2) ≤16 Y
	SellerAddress      string          `json:"sellerAddress,omitempty"`      // 销货方地址 ≤100 B N
	SellerTel          string          `json:"sellerTel,omitempty"`          // 销货方电话 ≤20 N
	SellerBankName     string          `json:"sellerBankName,omitempty"`     // 销货方开户行 ≤100 B N
	SellerBankAccount  string          `json:"sellerBankAccount,omitempty"`  // 销货方银行账号 ≤50 N
	CasherName         string          `json:"casherName,omitempty"`         // 收款人 ≤16 B N (the platform's spelling)
	ReviewerName       string          `json:"reviewerName,omitempty"`       // 复核人 ≤16 B N
	DrawerName         string          `json:"drawerName,omitempty"`         // 开票人 ≤20 B N
	AllowInvoiceCount  int             `json:"allowInvoiceCount,omitempty"`  // 允许开票张数, number N
	MobileRequired     bool            `json:"mobileRequiredFlag"`           // 手机号必填, boolean N
	SMS                bool            `json:"smsFlag"`                      // 发送短信, boolean N
	EmailRequired      bool            `json:"emailRequiredFlag"`            // 邮箱必填, boolean N
	EmailSend          bool            `json:"emailSendFlag"`                // 发送邮件, boolean N, default true
	ExpireTime         string          `json:"expireTime"`                   // 过期时间 19 N, always sent
	SpecialInvoiceKind string          `json:"specialInvoiceKind,omitempty"` // 特殊票种 N
	InvoiceRemark      string          `json:"invoiceRemark,omitempty"`      // 发票备注 ≤240 N
	Email              string          `json:"email,omitempty"`              // 邮箱 4–50 N
	BuyerName          string          `json:"buyerName,omitempty"`          // 购买方名称 ≤100 B C
	BuyerTaxpayerNum   string          `json:"buyerTaxpayerNum,omitempty"`   // 购买方税号 6–20 N
	InvoiceTitleType   string          `json:"invoiceTitleType,omitempty"`   // 抬头类型 0 company, 1 person N
	BuyerAddress       string          `json:"buyerAddress,omitempty"`       // 购方地址 ≤100 B N
	BuyerTel           string          `json:"buyerTel,omitempty"`           // 购方电话 ≤20 N
	BuyerBankName      string          `json:"buyerBankName,omitempty"`      // 购方开户行 ≤100 B N
	BuyerBankAccount   string          `json:"buyerBankAccount,omitempty"`   // 购方银行账号 ≤50 N
	TakerTel           string          `json:"takerTel,omitempty"`           // 收票人手机 11 N
	TakerEmail         string          `json:"takerEmail,omitempty"`         // 收票人邮箱 4–50 N
	AllowEdit          *bool           `json:"allowEditFlag,omitempty"`      // 预设抬头可编辑, boolean N
	IssueOptions       []qrIssueOption `json:"invoiceIssueOptions,omitempty"`
	Items              []qrItemWire    `json:"itemList"` // 项目列表 ≤100 lines Y
}

type qrIssueOption struct {
	InvoiceType string `json:"invoiceType"` // 发票种类 Y: the kind (82 …), not blue/red as elsewhere
}

type qrItemWire struct {
	ItemName       string `json:"itemName"`                       // 项目名称 ≤100 B Y
	Specification  string `json:"specificationModel,omitempty"`   // 规格型号 ≤40 B N
	MeteringUnit   string `json:"meteringUnit,omitempty"`         // 单位 ≤20 B N
	TaxCode        string `json:"taxClassificationCode"`          // 税收分类编码 3–19 Y
	TaxRate        string `json:"taxRateValue"`                   // 税率 dec(2) ≤5 Y
	ZeroTaxFlag    string `json:"zeroTaxFlag,omitempty"`          // 零税率标识 C
	UnitPrice      string `json:"unitPrice,omitempty"`            // 单价(含税) dec(8) ≤16 N
	Quantity       string `json:"quantity,omitempty"`             // 数量 dec(8) ≤10 N
	Amount         string `json:"invoiceItemAmount"`              // 金额(含税) dec(2) ≤16 Y
	DiscountAmount string `json:"invoiceItemDisAmount,omitempty"` // 折扣金额 dec(2), negative N
}

type qrCreateResponse struct {
	QRCodeNo    Scalar `json:"qrcodeNo"`
	TradeNo     Scalar `json:"tradeNo"`
	InvoiceURL  Scalar `json:"invoiceUrl"`  // base64 of the URL
	ExtractCode Scalar `json:"extractCode"` // 提取码, "int(12)" in the table: beyond 32 bits, so text
}

// qrRefWire is an element of 2.17's array and the whole request of 2.18.
type qrRefWire struct {
	TaxpayerNum string `json:"taxpayerNum"`   // 纳税人识别号 15–20 Y
	QRCodeNo    string `json:"qrcodeNo"`      // 开票二维码编号 10–20 Y
	Amount      string `json:"invoiceAmount"` // 发票金额 dec(2) Y, as in 2.16
}

type qrVoidResponse struct {
	QRCodeNo  Scalar `json:"qrcodeNo"`
	IsDelete  Scalar `json:"isDelete"` // boolean in the table, string in the sample
	DeleteMsg Scalar `json:"deleteMsg"`
}

type qrQueryResponse struct {
	QRCodeNo   Scalar `json:"qrcodeNo"`
	TradeNo    Scalar `json:"tradeNo"`
	InvoiceURL Scalar `json:"invoiceUrl"` // base64 of the URL
	Items      []struct {
		ReqSerialNo Scalar `json:"invoiceReqSerialNo"` // 发票请求流水号 N
		Amount      Scalar `json:"invoiceItemAmount"`  // amount of that invoice dec(2)
	} `json:"itemList"`
}

func newQRCreateRequest(q QRCreate) qrCreateRequest {
	w := qrCreateRequest{
		TaxpayerNum:        q.TaxpayerNum,
		EnterpriseName:     q.EnterpriseName,
		ShopNum:            q.ShopNum,
		QRCodeNo:           q.QRCodeNo,
		TradeNo:            q.TradeNo,
		TradeTime:          FormatTime(q.TradeTime),
		InvoiceAmount:      q.Amount,
		SellerAddress:      q.SellerAddress,
		SellerTel:          q.SellerTel,
		SellerBankName:     q.SellerBankName,
		SellerBankAccount:  q.SellerBankAccount,
		CasherName:         q.CashierName,
		ReviewerName:       q.ReviewerName,
		DrawerName:         q.DrawerName,
		AllowInvoiceCount:  q.AllowInvoiceCount,
		MobileRequired:     q.MobileRequired,
		SMS:                q.SendSMS,
		EmailRequired:      q.EmailRequired,
		EmailSend:          !q.NoEmail,
		ExpireTime:         FormatTime(q.ExpireTime),
		SpecialInvoiceKind: q.SpecialInvoiceKind,
		InvoiceRemark:      q.Remark,
		Email:              q.Email,
	}
	if b := q.Buyer; b != nil {
		w.BuyerName = b.Name
		w.BuyerTaxpayerNum = b.TaxpayerNum
		w.InvoiceTitleType = b.TitleType
		w.BuyerAddress = b.Address
		w.BuyerTel = b.Tel
		w.BuyerBankName = b.BankName
		w.BuyerBankAccount = b.BankAccount
		w.TakerTel = b.TakerTel
		w.TakerEmail = b.TakerEmail
		w.AllowEdit = &b.Editable
	}
	for _, kind := range q.IssueKinds {
		w.IssueOptions = append(w.IssueOptions, qrIssueOption{InvoiceType: kind})
	}
	for _, it := range q.Items {
		w.Items = append(w.Items, qrItemWire{
			ItemName:       it.Name,
			Specification:  it.Spec,
			MeteringUnit:   it.Unit,
			TaxCode:        it.TaxCode,
			TaxRate:        it.Rate,
			ZeroTaxFlag:    it.ZeroTaxFlag,
			UnitPrice:      it.UnitPrice,
			Quantity:       it.Quantity,
			Amount:         it.Amount,
			DiscountAmount: it.Discount,
		})
	}
	return w
}
