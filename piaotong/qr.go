package piaotong

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// MaxVoidBatch is how many codes one VoidQRs may carry. The platform documents
// no limit; this one keeps a batch well inside any.
const MaxVoidBatch = 50

// QRCreate asks for the invoicing QR code of one sale (2.16). Lengths are those
// of the platform: "ch" counts characters, "B" bytes in GBK (see [GBKLen]).
// Empty optional fields are left out, and the platform's settings hold.
type QRCreate struct {
	TaxpayerNum    string    // seller, 15–20 ch, A-Z0-9
	EnterpriseName string    // exactly as registered, 4–100 B
	ShopNum        string    // optional; shop of a chain, 6–20 letters or digits
	QRCodeNo       string    // our number, 10–20 letters or digits, unique for ever
	TradeNo        string    // the sale's number, 1–50 ch
	TradeTime      time.Time // required
	Amount         string    // with tax, two places; the sum of the items and their discounts
	ExpireTime     time.Time // required: the platform's own default is contradictory

	SellerAddress, SellerTel          string // optional; together ≤100 B, tel ≤20 ch
	SellerBankName, SellerBankAccount string // optional; together ≤100 B, account ≤50 ch

	CashierName, ReviewerName string   // optional, ≤16 B each
	DrawerName                string   // optional, ≤20 B
	AllowInvoiceCount         int      // 0 = the platform's default, 1; at most the number of items
	MobileRequired            bool     // the customer must give a mobile number
	SendSMS                   bool     // needs the platform's SMS service
	EmailRequired             bool     // the customer must give a mail address
	NoEmail                   bool     // do not mail the invoice; the platform mails by default
	SpecialInvoiceKind        string   // optional; "08" refined oil
	Remark                    string   // optional, printed on the invoice, ≤240 B
	Email                     string   // optional, receives the QR code, 4–50 ch
	IssueKinds                []string // optional kinds to choose from: KindOrdinary, KindSpecial
	Buyer                     *QRBuyer // optional preset title
	Items                     []QRItem // 1–100 lines, an item with a discount counts twice
}

// QRBuyer presets the invoice's title. Name is required, the rest optional.
type QRBuyer struct {
	Name                  string // ≤100 B
	TaxpayerNum           string // 6–20 ch
	TitleType             string // "0" company, "1" person; "" = by the tax number
	Address, Tel          string // together ≤100 B, tel ≤20 ch
	BankName, BankAccount string // together ≤100 B, account ≤50 ch
	TakerTel              string // 11 digits
	TakerEmail            string // 4–50 ch
	Editable              bool   // the customer may change it
}

// LogValue keeps buyers' data out of logs.
func (QRBuyer) LogValue() slog.Value { return slog.StringValue("[buyer]") }

// QRItem is one line. Amounts and prices are with tax. UnitPrice and Quantity
// are both given or both left out; their product, rounded half up to two
// places, is Amount.
type QRItem struct {
	Name        string // ≤100 B
	Spec        string // optional, ≤40 B
	Unit        string // optional, ≤20 B
	TaxCode     string // tax class code, 3–19 digits
	Rate        string // two places, e.g. "0.13"
	ZeroTaxFlag string // required when Rate is 0: "0" export, "1" exempt, "2" not taxed, "3" zero
	UnitPrice   string // up to 8 places, ≤16 ch
	Quantity    string // up to 8 places, ≤10 ch
	Amount      string // two places, before Discount
	Discount    string // optional, two places, negative
}

// QRCreated is the platform's code for a sale.
type QRCreated struct {
	QRCodeNo    string
	TradeNo     string
	URL         string // what the QR on paper says
	ExtractCode string // 12 digits, for typing instead of scanning; may be ""
}

// QRRef names a code. The platform compares Amount with that of 2.16.
type QRRef struct{ TaxpayerNum, QRCodeNo, Amount string }

// QRVoided is what became of one code of VoidQRs. Voided false does not say
// that the code is still good (it may be voided already, or be claimed): ask 2.18.
type QRVoided struct {
	QRCodeNo string
	Voided   bool
	Msg      string
}

// QRStatus is what the platform knows of a code. It says nothing of voiding
// or expiry: 2.18 has no such fields.
type QRStatus struct {
	QRCodeNo string
	TradeNo  string
	URL      string      // may be ""
	Invoices []QRInvoice // requested ones; their state is 2.11's to tell
}

// QRInvoice is one invoice that was requested through a code.
type QRInvoice struct{ ReqSerialNo, Amount string }

// CreateQR fetches the invoicing QR code of a sale (2.16). The number to keep
// through retries is QRCodeNo. After Unknown or Duplicate ask QueryQR and
// compare trade number and amount.
func (c *Client) CreateQR(ctx context.Context, q QRCreate) (QRCreated, error) {
	if q.TradeTime.IsZero() || q.ExpireTime.IsZero() {
		return QRCreated{}, c.refused(opCreateQR, "tradeTime and expireTime are required")
	}
	r, err := call[qrCreateRequest, qrCreateResponse](ctx, c, opCreateQR, newQRCreateRequest(q))
	if err != nil {
		return QRCreated{}, err
	}
	// A signed answer to another request proves nothing about this one.
	if string(r.QRCodeNo) != q.QRCodeNo {
		return QRCreated{}, c.malformed(opCreateQR, fmt.Errorf("the answer is about code %q", r.QRCodeNo))
	}
	url, err := decodeURL(string(r.InvoiceURL))
	if err != nil {
		return QRCreated{}, c.malformed(opCreateQR, fmt.Errorf("invoiceUrl: %v", err))
	}
	return QRCreated{
		QRCodeNo:    q.QRCodeNo,
		TradeNo:     string(r.TradeNo),
		URL:         url,
		ExtractCode: string(r.ExtractCode),
	}, nil
}

// VoidQRs voids up to [MaxVoidBatch] codes (2.17). The result has one entry
// for each reference, in the same order; a code that the answer leaves out is
// not voided as far as we know.
func (c *Client) VoidQRs(ctx context.Context, refs []QRRef) ([]QRVoided, error) {
	if len(refs) == 0 || len(refs) > MaxVoidBatch {
		return nil, c.refused(opVoidQRs, fmt.Sprintf("%d codes in one call, allowed are 1 to %d", len(refs), MaxVoidBatch))
	}
	req := make([]qrRefWire, len(refs))
	for i, ref := range refs {
		req[i] = qrRefWire(ref)
	}
	resp, err := call[[]qrRefWire, []qrVoidResponse](ctx, c, opVoidQRs, req)
	if err != nil {
		return nil, err
	}
	answers := make(map[string]qrVoidResponse, len(resp))
	for _, r := range resp {
		// Of two answers about one code the good one counts: the other says
		// that it was voided already.
		if no := string(r.QRCodeNo); !answers[no].IsDelete.Bool() {
			answers[no] = r
		}
	}
	out := make([]QRVoided, len(refs))
	for i, ref := range refs {
		a := answers[ref.QRCodeNo]
		out[i] = QRVoided{QRCodeNo: ref.QRCodeNo, Voided: a.IsDelete.Bool(), Msg: cleanMsg(string(a.DeleteMsg))}
	}
	return out, nil
}

// QueryQR asks which invoices were requested through a code (2.18). NotFound
// means that the platform has no such code.
func (c *Client) QueryQR(ctx context.Context, ref QRRef) (QRStatus, error) {
	r, err := call[qrRefWire, qrQueryResponse](ctx, c, opQueryQR, qrRefWire(ref))
	if err != nil {
		return QRStatus{}, err
	}
	if string(r.QRCodeNo) != ref.QRCodeNo {
		return QRStatus{}, c.malformed(opQueryQR, fmt.Errorf("the answer is about code %q", r.QRCodeNo))
	}
	// A missing address must not hide the invoices.
	st := QRStatus{QRCodeNo: ref.QRCodeNo, TradeNo: string(r.TradeNo), URL: optionalURL(r.InvoiceURL)}
	for _, it := range r.Items {
		// An empty number means "not invoiced yet".
		if it.ReqSerialNo != "" {
			st.Invoices = append(st.Invoices, QRInvoice{ReqSerialNo: string(it.ReqSerialNo), Amount: string(it.Amount)})
		}
	}
	return st, nil
}
