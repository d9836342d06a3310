package trade

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"strings"
	"time"
)

// Beijing is the platform's and the receipt's time: UTC+8 without daylight
// saving, independent of the till's own zone.
var Beijing = time.FixedZone("CST", 8*60*60)

// Wish says what the POS wants of the platform for a sale.
type Wish string

// The wishes.
const (
	WishQR     Wish = "qr"     // an invoicing QR code (2.16); the default
	WishNone   Wish = "none"   // print and keep only
	WishDirect Wish = "direct" // the invoice itself, for the buyer that the sale names (2.9)
)

// The kinds of a digital invoice (interface 2.9, invoiceIssueKindCode).
const (
	KindSpecial  = "81" // 电子发票(增值税专用发票)
	KindOrdinary = "82" // 电子发票(普通发票); the default
)

// Sale is what the POS posted, after normalising. Its JSON is both the stored
// form and the part of the local API's resource that echoes the request.
type Sale struct {
	ID       string    `json:"sale_id"`
	SoldAt   time.Time `json:"sold_at"`
	Total    Money     `json:"total"`
	Items    []Line    `json:"items"`
	Payments []Payment `json:"payments"`
	Cashier  string    `json:"cashier"`
	Register string    `json:"register"`
	ShopNum  string    `json:"shop_num"`
	Remark   string    `json:"remark"`
	Buyer    Buyer     `json:"buyer"`
	Wish     Wish      `json:"invoice"`
	// Kind is KindSpecial or KindOrdinary where Wish is direct, else "".
	Kind string `json:"kind,omitempty"`
	// InvoiceID is the POS's name for a direct invoice that was asked for by
	// itself, "" for one that was asked for with its sale.
	InvoiceID string          `json:"invoice_id,omitempty"`
	Print     PrintWish       `json:"print"`
	Extra     json.RawMessage `json:"extra,omitempty"`
}

// Line is one line of a sale. Amount is before the discount, which is negative
// or zero; both with tax.
type Line struct {
	SKU         string  `json:"sku"`
	Name        string  `json:"name"`
	Spec        string  `json:"spec"`
	Unit        string  `json:"unit"`
	Quantity    Decimal `json:"quantity"`
	UnitPrice   Decimal `json:"unit_price"`
	Amount      Money   `json:"amount"`
	Discount    Money   `json:"discount"`
	TaxCode     string  `json:"tax_code"`
	Rate        Rate    `json:"tax_rate"`
	ZeroTaxFlag string  `json:"zero_tax_flag"`
}

// Net is what the customer pays for the line, with tax.
func (l Line) Net() Money { return l.Amount + l.Discount }

// Tax is the tax within a line, to the fen as the invoice has it: its discount
// is a row of its own, rounded by itself (interface 2.9).
func (l Line) Tax() Money { return l.Rate.TaxWithin(l.Amount) + l.Rate.TaxWithin(l.Discount) }

// adds reports whether price times quantity, unrounded, is the amount within a
// fen.
func (l *Line) adds() bool {
	const fen = 100_000_000_000_000 // in units of 10⁻¹⁶, which the product has
	product := new(big.Int).Mul(big.NewInt(int64(l.UnitPrice)), big.NewInt(int64(l.Quantity)))
	amount := new(big.Int).Mul(big.NewInt(int64(l.Amount)), big.NewInt(fen))
	return product.Sub(product, amount).CmpAbs(big.NewInt(fen)) <= 0
}

// Payment is one way in which the sale was paid.
type Payment struct {
	Method string `json:"method"`
	Amount Money  `json:"amount"`
}

// Buyer is the invoice title that the POS may already know.
type Buyer struct {
	Name    string `json:"name"`
	TaxNo   string `json:"tax_no"`
	Address string `json:"address"`
	Phone   string `json:"phone"`
	Bank    string `json:"bank"`
	Account string `json:"account"`
	Email   string `json:"email"`
	Mobile  string `json:"mobile"`
}

// PrintMode says what the agent prints for a sale by itself.
type PrintMode string

// The print modes of a sale and of a refund.
const (
	PrintReceipt PrintMode = "receipt" // the agent lays the receipt out
	PrintSlip    PrintMode = "slip"    // only the QR slip; the POS prints its own receipt
	PrintLines   PrintMode = "lines"   // the POS's own lines, with the QR code appended; of a sale alone
	PrintRaw     PrintMode = "raw"     // the POS's own ESC/POS bytes, the QR code before their final cut; of a sale alone
	PrintNone    PrintMode = "none"
)

// PrintWish is the POS's wish for paper. Lines and Raw are given with their mode
// alone.
type PrintWish struct {
	Mode       PrintMode       `json:"mode"`
	Copies     int             `json:"copies"`
	OpenDrawer bool            `json:"open_drawer"`
	Printer    string          `json:"printer,omitempty"` // by name; "" is ReceiptPrinter, in that one form
	Lines      json.RawMessage `json:"lines,omitempty"`   // a list, in one form: without blanks, names in order
	Raw        []byte          `json:"raw,omitempty"`
}

// Digest identifies the meaning of what the POS posted: the same sale_id with
// the same digest is a repetition, with another one a conflict. It is taken
// after Normalise and before anything is filled in.
func (s Sale) Digest() string {
	s.Extra = inOrder(s.Extra)
	return digest(s)
}

// Reason is why a refund is made, in the words of the local API.
type Reason string

// The reasons and their words for the platform (interface 2.10, redReason).
const (
	SalesReturn       Reason = "sales_return"
	WrongInvoice      Reason = "wrong_invoice"
	ServiceTerminated Reason = "service_terminated"
	Allowance         Reason = "allowance"
)

// Reasons maps each reason to the tax administration's words.
var Reasons = map[Reason]string{
	SalesReturn: "销货退回", WrongInvoice: "开票有误", ServiceTerminated: "服务中止", Allowance: "销售折让",
}

// RefundRequest is what the POS posted for a refund. No amount and no items
// mean the whole of what is left.
type RefundRequest struct {
	ID     string          `json:"refund_id"`
	SaleID string          `json:"sale_id"`
	Amount Money           `json:"amount"`
	Items  []RefundLine    `json:"items"`
	Reason Reason          `json:"reason"`
	Print  PrintWish       `json:"print"`
	Extra  json.RawMessage `json:"extra,omitempty"`
}

// RefundLine names a line of the sale, counted from 1, and what comes back.
type RefundLine struct {
	Line     int     `json:"line"`
	Quantity Decimal `json:"quantity"`
	Amount   Money   `json:"amount"`
}

// Digest identifies the meaning of the posted refund, as Sale.Digest does.
func (r RefundRequest) Digest() string {
	r.Extra = inOrder(r.Extra)
	return digest(r)
}

// inOrder is checked JSON with the names of its objects in order, which mean the
// same in any; numbers stay as they were written.
func inOrder(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw // digest complains
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}

func digest(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("trade: a posted value has no JSON: " + err.Error()) // only plain values and checked raw JSON are in it
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Normalise brings a text that will stand on paper or an invoice to the form
// that the platform's and the printers' character set has: the half-width yen
// sign becomes the full-width one, a no-break space a space, outer blanks go.
func Normalise(text string) string {
	text = strings.ReplaceAll(text, "\u00a5", "\uffe5")
	return strings.TrimSpace(strings.ReplaceAll(text, "\u00a0", " "))
}

// Normalise does so with every text of the sale and fills what a request may
// leave out in one way only (the wish, the print mode, the number of copies).
func (s *Sale) Normalise() {
	for _, p := range s.texts() {
		*p.text = Normalise(*p.text)
	}
	if s.Wish == "" {
		s.Wish = WishQR
	}
	if s.Wish == WishDirect && s.Kind == "" {
		s.Kind = KindOrdinary
	}
	s.Print.normalise()
}

// Normalise does for a refund what it does for a sale.
func (r *RefundRequest) Normalise() {
	if r.Reason == "" {
		r.Reason = SalesReturn
	}
	r.Print.normalise()
}

func (p *PrintWish) normalise() {
	if p.Mode == "" {
		p.Mode = PrintReceipt
	}
	if p.Copies == 0 {
		p.Copies = 1
	}
	if p.Printer == ReceiptPrinter {
		p.Printer = ""
	}
}

// ExpiresAt is when the QR code of a sale ends: valid after the sale, at
// 23:59:59 in Beijing, as printed (开票截止) and sent (2.16, expireTime).
func ExpiresAt(soldAt time.Time, valid time.Duration) time.Time {
	y, m, d := soldAt.Add(valid).In(Beijing).Date()
	return time.Date(y, m, d, 23, 59, 59, 0, Beijing)
}

// UnitPriceText is the unit price for people: at least two decimals, "" where
// it is not given.
func (l Line) UnitPriceText() string {
	if l.UnitPrice == 0 {
		return ""
	}
	return formatFixed(int64(l.UnitPrice), 8, 2)
}
