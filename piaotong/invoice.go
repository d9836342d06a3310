package piaotong

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// States of an invoice: [InvoiceState].Code and [InvoicePush].Code. They are
// inside the content and must not be mixed up with the envelope's codes.
const (
	StateIssued    = "0000"
	StateAuth      = "3999" // the operator must log in or pass authentication
	StateWithdrawn = "6666" // not issued
	StatePending   = "7777"
	StateFailed    = "9999"
)

// Types of an invoice: [InvoiceState].Type and [InvoicePush].Type.
const (
	TypeBlue       = "1"
	TypeRed        = "2"
	TypeBlueVoided = "3"
	TypeRedVoided  = "4"
)

// InvoiceRef names an invoice, blue or red, ours or the platform's own.
type InvoiceRef struct{ TaxpayerNum, ReqSerialNo string }

// InvoiceState is the platform's word on one invoice (2.11). Fields after Msg
// are filled when it is issued.
type InvoiceState struct {
	ReqSerialNo string
	Type        string // TypeBlue …
	Code        string // StateIssued …; a code that is none of them decides nothing
	Msg         string
	AllEleInvNo string // 20 digits
	InvoiceCode string // older kinds only
	InvoiceNo   string // older kinds only
	NetAmount   string // without tax, two places
	TaxAmount   string // two places; NetAmount + TaxAmount is the total
	DownloadURL string // decoded; "" when missing
	StatusURL   string // page with the invoice's state, decoded; "" when missing
	TradeNo     string
	IssuedAt    time.Time // zero when missing
}

type invoiceRefWire struct {
	TaxpayerNum string `json:"taxpayerNum"`        // 纳税人识别号 15–20 Y
	ReqSerialNo string `json:"invoiceReqSerialNo"` // 发票请求流水号 20 Y
}

// invoiceWire holds what 2.11's answer and 2.13's push have in common.
type invoiceWire struct {
	ReqSerialNo Scalar `json:"invoiceReqSerialNo"`   // 发票请求流水号 20 Y
	Type        Scalar `json:"invoiceType"`          // 开票类型 1 Y
	Code        Scalar `json:"code"`                 // 发票状态码 4 Y
	Msg         Scalar `json:"msg"`                  // 状态描述 ≤100
	AllEleInvNo Scalar `json:"allEleInvNo"`          // 数电发票号码 20 digits C
	TradeNo     Scalar `json:"tradeNo"`              // 订单号 "≤20", in life up to 200 C
	InvoiceCode Scalar `json:"invoiceCode"`          // 发票代码 12 C
	InvoiceNo   Scalar `json:"invoiceNo"`            // 发票号码 8 C
	InvoiceDate Scalar `json:"invoiceDate"`          // 开票日期 19 C
	NetAmount   Scalar `json:"noTaxAmount"`          // 不含税金额 dec(2) C
	TaxAmount   Scalar `json:"taxAmount"`            // 税额 dec(2) C
	DownloadURL Scalar `json:"downloadUrl"`          // 下载地址, base64 of a URL C
	StatusURL   Scalar `json:"invPreviewQrcodePath"` // 预览二维码, base64 of a URL N
}

func (w *invoiceWire) state() InvoiceState {
	return InvoiceState{
		ReqSerialNo: string(w.ReqSerialNo),
		Type:        string(w.Type),
		Code:        string(w.Code),
		Msg:         cleanMsg(string(w.Msg)),
		AllEleInvNo: string(w.AllEleInvNo),
		InvoiceCode: string(w.InvoiceCode),
		InvoiceNo:   string(w.InvoiceNo),
		NetAmount:   string(w.NetAmount),
		TaxAmount:   string(w.TaxAmount),
		DownloadURL: optionalURL(w.DownloadURL),
		StatusURL:   optionalURL(w.StatusURL),
		TradeNo:     string(w.TradeNo),
		// A date that cannot be read must not hide that the invoice exists.
		IssuedAt: optionalTime(w.InvoiceDate),
	}
}

// QueryInvoice asks for the state of an invoice (2.11). A nil error says that
// the question was answered; whether the invoice is issued is in Code.
func (c *Client) QueryInvoice(ctx context.Context, ref InvoiceRef) (InvoiceState, error) {
	r, err := call[invoiceRefWire, invoiceWire](ctx, c, opQueryInvoice, invoiceRefWire(ref))
	if err != nil {
		return InvoiceState{}, err
	}
	// An old answer about another invoice has a good signature, too.
	if string(r.ReqSerialNo) != ref.ReqSerialNo {
		return InvoiceState{}, c.malformed(opQueryInvoice, fmt.Errorf("the answer is about request %q", r.ReqSerialNo))
	}
	if r.Code == "" {
		return InvoiceState{}, c.malformed(opQueryInvoice, errors.New("the answer names no state"))
	}
	return r.state(), nil
}
