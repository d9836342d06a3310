package piaotong

import (
	"context"
	"fmt"
)

// RedFull reverses a whole invoice (2.10). The blue invoice is named either by
// BlueAllEleInvNo or, for one of the older kinds, by BlueCode and BlueNo.
type RedFull struct {
	TaxpayerNum     string // seller, 15–20 ch
	ReqSerialNo     string // number of the red invoice: 20 letters or digits, new, kept through retries
	BlueAllEleInvNo string // 20 digits
	BlueCode        string // 12 digits
	BlueNo          string // 8 digits
	Reason          string // 1–100
	Amount          string // exactly minus the blue total with tax, two places: "-58.50"
	DefinedData     string // optional, 0–200 ch, comes back in pushes
}

// RedAccepted says that the platform took the request, not that the red
// invoice exists: ask QueryInvoice for ReqSerialNo.
type RedAccepted struct {
	ReqSerialNo string
	StatusURL   string // page with the red invoice's state; may be ""
}

// redRequest is the content of 2.10.
type redRequest struct {
	TaxpayerNum     string `json:"taxpayerNum"`               // 纳税人识别号 15–20 Y
	ReqSerialNo     string `json:"invoiceReqSerialNo"`        // 红票请求流水号 20 Y
	BlueAllEleInvNo string `json:"blueAllEleInvNo,omitempty"` // 蓝字数电发票号码 20 digits C
	BlueCode        string `json:"invoiceCode,omitempty"`     // 发票代码 12 C
	BlueNo          string `json:"invoiceNo,omitempty"`       // 发票号码 8 C
	Reason          string `json:"redReason"`                 // 冲红原因 1–100 Y
	Amount          string `json:"amount"`                    // 价税合计金额 dec(2), negative Y
	DefinedData     string `json:"definedData,omitempty"`     // 自定义数据 0–200 N
}

// redResponse is the answer of 2.9, 2.10, 2.30 and 2.37. The picture of
// QRCodePath that comes with it is not read: the text is enough to draw one.
type redResponse struct {
	ReqSerialNo Scalar `json:"invoiceReqSerialNo"` // 发票请求流水号 Y
	QRCodePath  Scalar `json:"qrCodePath"`         // 二维码 url, base64 of a URL
}

// RedFlush asks for the reversal of a whole invoice (2.10). The number to keep
// through retries is ReqSerialNo. After Unknown, Duplicate or Pending ask
// QueryInvoice for it.
func (c *Client) RedFlush(ctx context.Context, r RedFull) (RedAccepted, error) {
	resp, err := call[redRequest, redResponse](ctx, c, opRedFlush, redRequest(r))
	if err != nil {
		return RedAccepted{}, err
	}
	return c.redAccepted(opRedFlush, resp, r.ReqSerialNo)
}

// redAccepted reads the answer that 2.10, 2.30 and 2.37 share.
func (c *Client) redAccepted(op *operation, resp redResponse, serial string) (RedAccepted, error) {
	if string(resp.ReqSerialNo) != serial {
		return RedAccepted{}, c.malformed(op, fmt.Errorf("the answer is about request %q", resp.ReqSerialNo))
	}
	return RedAccepted{ReqSerialNo: serial, StatusURL: optionalURL(resp.QRCodePath)}, nil
}
