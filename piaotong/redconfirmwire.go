package piaotong

// The wire forms of 2.28–2.34, all assumed: see redconfirm.go.

type redApplyRequest struct {
	TaxpayerNum     string        `json:"taxpayerNum"`               // 纳税人识别号 15–20 Y
	SerialNo        string        `json:"redConfirmReqSerialNo"`     // 确认单请求流水号 20 Y
	Applicant       Applicant     `json:"applicantType"`             // 申请方 0 seller, 1 buyer Y
	BlueAllEleInvNo string        `json:"blueAllEleInvNo,omitempty"` // 蓝字数电发票号码 20 digits C
	BlueCode        string        `json:"blueInvoiceCode,omitempty"` // 蓝字发票代码 12 C
	BlueNo          string        `json:"blueInvoiceNo,omitempty"`   // 蓝字发票号码 8 C
	Reason          RedReason     `json:"redReasonCode"`             // 冲红原因代码 01–04 Y
	Amount          string        `json:"amount"`                    // 价税合计金额 dec(2), negative Y
	Items           []redLineWire `json:"itemList,omitempty"`        // 项目列表 as 2.37; absent = all N
	DefinedData     string        `json:"definedData,omitempty"`     // 自定义数据 0–200 N
}

// redViewRequest has one of the two numbers.
type redViewRequest struct {
	TaxpayerNum string `json:"taxpayerNum"`                     // 纳税人识别号 Y
	No          string `json:"redConfirmNo,omitempty"`          // 确认单编号 C
	SerialNo    string `json:"redConfirmReqSerialNo,omitempty"` // 确认单请求流水号 20 C
}

type redIssueRequest struct {
	TaxpayerNum string `json:"taxpayerNum"`              // 纳税人识别号 Y
	ReqSerialNo string `json:"invoiceReqSerialNo"`       // 红票请求流水号 20 Y
	ConfirmNo   string `json:"redConfirmNo"`             // 确认单编号 Y
	ConfirmUUID string `json:"redConfirmUuid,omitempty"` // 确认单 UUID
	DrawerName  string `json:"drawerName,omitempty"`     // 开票人 ≤20 B N
	TakerEmail  string `json:"takerEmail,omitempty"`     // 收票人邮箱 4–50 N
	DefinedData string `json:"definedData,omitempty"`    // 自定义数据 0–200 N
}

type redReviewRequest struct {
	TaxpayerNum string `json:"taxpayerNum"`            // 纳税人识别号 Y
	ConfirmNo   string `json:"redConfirmNo"`           // 确认单编号 Y
	Result      string `json:"auditResult"`            // 审核结果 1 agree, 0 refuse Y
	Opinion     string `json:"auditOpinion,omitempty"` // 审核意见 N
}

type redCancelRequest struct {
	TaxpayerNum string `json:"taxpayerNum"`            // 纳税人识别号 Y
	ConfirmNo   string `json:"redConfirmNo"`           // 确认单编号 Y
	Reason      string `json:"revokeReason,omitempty"` // 撤销原因 N
}

type redListRequest struct {
	TaxpayerNum string        `json:"taxpayerNum"`             // 纳税人识别号 Y
	SerialNo    string        `json:"queryReqSerialNo"`        // 查询请求流水号 20 Y
	Applicant   Applicant     `json:"applicantType"`           // 申请方 Y
	StartDate   string        `json:"startDate"`               // 开始日期 yyyy-MM-dd Y
	EndDate     string        `json:"endDate"`                 // 结束日期 yyyy-MM-dd Y
	Status      ConfirmStatus `json:"confirmStatus,omitempty"` // 确认单状态 N
}

type redListResponse struct {
	SerialNo Scalar `json:"queryReqSerialNo"`
	TaskNo   Scalar `json:"taskNo"`
}

type redFoundRequest struct {
	TaxpayerNum string `json:"taxpayerNum"`                // 纳税人识别号 Y
	SerialNo    string `json:"queryReqSerialNo,omitempty"` // 查询请求流水号 C
	TaskNo      string `json:"taskNo,omitempty"`           // 任务编号 C
	Page        string `json:"pageNo"`                     // 页码, from 1 Y
	PageSize    string `json:"pageSize"`                   // 每页条数 Y
}

type redFoundResponse struct {
	Status   Scalar           `json:"taskStatus"`     // 任务状态 0–2 Y
	Total    Scalar           `json:"totalCount"`     // 总条数
	Confirms []redConfirmWire `json:"redConfirmList"` // 确认单列表
}

// redConfirmWire is a confirmation in an answer: 2.28, 2.31 and 2.32 have its
// numbers and state alone.
type redConfirmWire struct {
	SerialNo        Scalar `json:"redConfirmReqSerialNo"` // 确认单请求流水号
	No              Scalar `json:"redConfirmNo"`          // 确认单编号
	UUID            Scalar `json:"redConfirmUuid"`        // 确认单 UUID
	Status          Scalar `json:"confirmStatus"`         // 确认单状态 01–10
	Applicant       Scalar `json:"applicantType"`         // 申请方 0, 1
	BlueAllEleInvNo Scalar `json:"blueAllEleInvNo"`       // 蓝字数电发票号码
	BlueCode        Scalar `json:"blueInvoiceCode"`       // 蓝字发票代码
	BlueNo          Scalar `json:"blueInvoiceNo"`         // 蓝字发票号码
	BuyerName       Scalar `json:"buyerName"`             // 购买方名称
	SellerName      Scalar `json:"sellerName"`            // 销售方名称
	Reason          Scalar `json:"redReasonCode"`         // 冲红原因代码 01–04
	NetAmount       Scalar `json:"noTaxAmount"`           // 不含税金额 dec(2), negative
	TaxAmount       Scalar `json:"taxAmount"`             // 税额 dec(2), negative
	Amount          Scalar `json:"amount"`                // 价税合计金额 dec(2), negative
	Items           []struct {
		BlueItemNo     Scalar `json:"blueItemNo"`
		GoodsName      Scalar `json:"goodsName"`
		TaxCode        Scalar `json:"taxClassificationCode"`
		TaxRate        Scalar `json:"taxRateValue"`
		ZeroTaxFlag    Scalar `json:"zeroTaxFlag"`
		Quantity       Scalar `json:"quantity"`
		IncludeTaxFlag Scalar `json:"includeTaxFlag"`
		UnitPrice      Scalar `json:"unitPrice"`
		Amount         Scalar `json:"invoiceAmount"`
		TaxAmount      Scalar `json:"taxRateAmount"`
		Discount       Scalar `json:"discountAmount"`
	} `json:"itemList"` // 项目列表, as it was applied for
}

func (w *redConfirmWire) confirm() RedConfirm {
	out := RedConfirm{
		SerialNo:        string(w.SerialNo),
		No:              string(w.No),
		UUID:            string(w.UUID),
		Status:          ConfirmStatus(twoDigits(w.Status)),
		Applicant:       Applicant(w.Applicant),
		BlueAllEleInvNo: string(w.BlueAllEleInvNo),
		BlueCode:        string(w.BlueCode),
		BlueNo:          string(w.BlueNo),
		BuyerName:       string(w.BuyerName),
		SellerName:      string(w.SellerName),
		Reason:          RedReason(twoDigits(w.Reason)),
		NetAmount:       string(w.NetAmount),
		TaxAmount:       string(w.TaxAmount),
		Amount:          string(w.Amount),
	}
	for _, it := range w.Items {
		out.Lines = append(out.Lines, RedLine{
			BlueItemNo:  string(it.BlueItemNo),
			Name:        string(it.GoodsName),
			TaxCode:     string(it.TaxCode),
			Rate:        string(it.TaxRate),
			ZeroTaxFlag: string(it.ZeroTaxFlag),
			Quantity:    string(it.Quantity),
			UnitPrice:   string(it.UnitPrice),
			Amount:      string(it.Amount),
			Discount:    string(it.Discount),
			WithoutTax:  it.IncludeTaxFlag == "0",
			Tax:         string(it.TaxAmount),
		})
	}
	return out
}

// twoDigits restores a code whose leading zero a JSON number has lost.
func twoDigits(s Scalar) string {
	if len(s) == 1 && s[0] >= '1' && s[0] <= '9' {
		return "0" + string(s)
	}
	return string(s)
}
