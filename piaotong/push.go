package piaotong

import (
	"encoding/json"
	"errors"
)

// InvoicePush is the platform's message that an invoice was issued, failed or
// was withdrawn (2.13). It is a hint: confirm with QueryInvoice before acting
// on money. Repeats and reordering must be expected.
type InvoicePush struct {
	InvoiceState        // for invoices made by scanning ReqSerialNo is the platform's own
	TaxpayerNum  string // seller
	QRCodeNo     string // only for invoices made by scanning: our number of 2.16
	DefinedData  string // what we sent
	SerialNo     string // of the envelope; the reply repeats it
}

type pushWire struct {
	invoiceWire
	TaxpayerNum Scalar `json:"taxpayerNum"`     // 纳税人识别号 15–20 Y
	QRCodeNo    Scalar `json:"invoiceQrcodeNo"` // 二维码编号 10–20 C; 2.16 calls it qrcodeNo
	DefinedData Scalar `json:"definedData"`     // 自定义数据 0–200 N
}

// OpenInvoicePush verifies, decrypts and reads a push of 2.13. An error is an
// [*EnvelopeError]: answer it with HTTP 400 and an empty body, store nothing.
func (c *Codec) OpenInvoicePush(raw []byte) (InvoicePush, error) {
	req, err := c.OpenRequest(raw)
	if err != nil {
		return InvoicePush{}, err
	}
	var w pushWire
	if err := json.Unmarshal(req.Content, &w); err != nil {
		return InvoicePush{}, &EnvelopeError{BadContent, "not the content of interface 2.13"}
	}
	if w.ReqSerialNo == "" || w.Code == "" {
		return InvoicePush{}, &EnvelopeError{BadContent, "invoiceReqSerialNo or code is missing"}
	}
	return InvoicePush{
		InvoiceState: w.state(),
		TaxpayerNum:  string(w.TaxpayerNum),
		QRCodeNo:     string(w.QRCodeNo),
		DefinedData:  string(w.DefinedData),
		SerialNo:     req.SerialNo,
	}, nil
}

// SealPushReply makes the signed answer to a push, to be sent with HTTP 200.
// Say stored only after the push is durable: the platform may never repeat it.
func (c *Codec) SealPushReply(p InvoicePush, stored bool) ([]byte, error) {
	if p.SerialNo == "" {
		return nil, errors.New("cannot answer a push without its serial number")
	}
	content, err := marshalJSON(invoiceRefWire{TaxpayerNum: p.TaxpayerNum, ReqSerialNo: p.ReqSerialNo})
	if err != nil {
		return nil, err
	}
	r := Response{Code: codeOK, Msg: "成功", SerialNo: p.SerialNo, Content: content}
	if !stored {
		r.Code, r.Msg = "9999", "存储失败"
	}
	return c.SealResponse(r)
}
