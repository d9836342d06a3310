package sandbox

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"tillagent/piaotong"
)

// Outcome is what shall become of an invoice.
type Outcome string

// The outcomes; the platform's inner state in brackets.
const (
	Issued Outcome = "issued" // 0000
	Failed Outcome = "failed" // 9999
	Auth   Outcome = "auth"   // 3999: the tax account must log in
	Hang   Outcome = "hang"   // 7777 for ever, or until Settle
)

func (o Outcome) valid() bool {
	return o == Issued || o == Failed || o == Auth || o == Hang
}

// QR is a code as it stands.
type QR struct {
	QRCodeNo  string    `json:"qrcode_no"`
	TradeNo   string    `json:"trade_no"`
	Amount    string    `json:"amount"`
	State     string    `json:"state"` // active, claimed, voided, expired; set when told
	CreatedAt time.Time `json:"created_at"`
	VoidedAt  time.Time `json:"voided_at,omitzero"`
	Invoices  []string  `json:"invoices"` // request numbers, oldest first
	QRDetail

	fen int64
}

// Invoice is an invoice as it stands, blue or red.
type Invoice struct {
	ReqSerialNo string    `json:"req_serial_no"`
	Type        string    `json:"type"` // 1 blue, 2 red
	Code        string    `json:"code"` // 0000 3999 7777 9999
	QRCodeNo    string    `json:"qrcode_no,omitempty"`
	TradeNo     string    `json:"trade_no"`
	BuyerName   string    `json:"buyer_name,omitempty"`
	Amount      string    `json:"amount"` // with tax; negative when red
	NetAmount   string    `json:"net_amount"`
	TaxAmount   string    `json:"tax_amount"`
	BlueSerial  string    `json:"blue_req_serial_no,omitempty"` // of a red one
	RedSerial   string    `json:"red_req_serial_no,omitempty"`  // of a reversed blue one
	AllEleInvNo string    `json:"all_ele_inv_no,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
	IssuedAt    time.Time `json:"issued_at,omitzero"`

	fen     int64
	outcome Outcome
	readyAt time.Time
}

// state is everything the platform knows, made of entries alone.
type state struct {
	entries  []Entry
	qrs      map[string]*QR
	qrOrder  []string
	invoices map[string]*Invoice // by request number
	order    []string
	pending  map[string]bool   // invoices that time will settle
	byNumber map[string]string // 数电发票号码 → request number
}

func newState() state {
	return state{
		qrs:      map[string]*QR{},
		invoices: map[string]*Invoice{},
		pending:  map[string]bool{},
		byNumber: map[string]string{},
	}
}

// apply makes an entry true. It fails on entries that cannot follow from a
// ledger written by this package, before it changes anything.
func (st *state) apply(e Entry) error {
	var err error
	switch e.Kind {
	case QRCreatedEntry:
		err = st.applyQR(e)
	case QRVoidedEntry, ClaimedEntry:
		q := st.qrs[e.QRCodeNo]
		switch {
		case q == nil:
			err = fmt.Errorf("unknown code %q", e.QRCodeNo)
		case e.Kind == QRVoidedEntry:
			q.VoidedAt = e.At
		default:
			err = st.applyClaim(e, q)
		}
	case RedRequestedEntry:
		err = st.applyRed(e)
	default:
		err = st.applySettled(e)
	}
	if err != nil {
		return err
	}
	st.entries = append(st.entries, e)
	return nil
}

func (st *state) applyQR(e Entry) error {
	fen, err := parseFen(e.Amount)
	if err != nil || e.QR == nil {
		return fmt.Errorf("entry %d describes no code", e.Seq)
	}
	st.qrs[e.QRCodeNo] = &QR{
		QRCodeNo: e.QRCodeNo, TradeNo: e.TradeNo, Amount: e.Amount, CreatedAt: e.At, QRDetail: *e.QR, fen: fen,
	}
	st.qrOrder = append(st.qrOrder, e.QRCodeNo)
	return nil
}

func (st *state) applyClaim(e Entry, q *QR) error {
	net, tax, err := splitTax(q.Items)
	if err != nil {
		return err
	}
	q.Invoices = append(q.Invoices, e.ReqSerialNo)
	st.add(&Invoice{
		ReqSerialNo: e.ReqSerialNo, Type: piaotong.TypeBlue, QRCodeNo: q.QRCodeNo, TradeNo: q.TradeNo,
		BuyerName: e.BuyerName, Amount: q.Amount, NetAmount: formatFen(net), TaxAmount: formatFen(tax),
		fen: q.fen,
	}, e)
	return nil
}

func (st *state) applyRed(e Entry) error {
	blue := st.invoices[e.BlueSerial]
	if blue == nil {
		return fmt.Errorf("unknown blue invoice %q", e.BlueSerial)
	}
	blue.RedSerial = e.ReqSerialNo
	st.add(&Invoice{
		ReqSerialNo: e.ReqSerialNo, Type: piaotong.TypeRed, TradeNo: blue.TradeNo, BuyerName: blue.BuyerName,
		Amount: formatFen(-blue.fen), NetAmount: negate(blue.NetAmount), TaxAmount: negate(blue.TaxAmount),
		BlueSerial: blue.ReqSerialNo, fen: -blue.fen,
	}, e)
	return nil
}

func (st *state) add(inv *Invoice, e Entry) {
	inv.Code = piaotong.StatePending
	inv.RequestedAt, inv.readyAt, inv.outcome = e.At, e.ReadyAt, e.Outcome
	st.invoices[inv.ReqSerialNo] = inv
	st.order = append(st.order, inv.ReqSerialNo)
	if inv.outcome != Hang {
		st.pending[inv.ReqSerialNo] = true
	}
}

func (st *state) applySettled(e Entry) error {
	inv := st.invoices[e.ReqSerialNo]
	if inv == nil {
		return fmt.Errorf("unknown invoice %q", e.ReqSerialNo)
	}
	switch e.Kind {
	case InvoiceIssuedEntry, RedIssuedEntry:
		inv.Code, inv.AllEleInvNo, inv.IssuedAt = piaotong.StateIssued, e.AllEleInvNo, e.At
		st.byNumber[e.AllEleInvNo] = inv.ReqSerialNo
	case InvoiceFailedEntry, RedFailedEntry:
		inv.Code = piaotong.StateFailed
	case InvoiceAuthEntry, RedAuthEntry:
		inv.Code = piaotong.StateAuth
	default:
		return fmt.Errorf("unknown kind %q", e.Kind)
	}
	delete(st.pending, inv.ReqSerialNo)
	if blue := st.invoices[inv.BlueSerial]; blue != nil {
		blue.RedSerial = inv.ReqSerialNo
		if e.Kind == RedFailedEntry {
			blue.RedSerial = "" // may be reversed again
		}
	}
	return nil
}

// settled is the entry with which an invoice takes an outcome.
func (st *state) settled(inv *Invoice, o Outcome, at time.Time) Entry {
	e := Entry{
		At: at, QRCodeNo: inv.QRCodeNo, TradeNo: inv.TradeNo, Amount: inv.Amount,
		ReqSerialNo: inv.ReqSerialNo, BlueSerial: inv.BlueSerial, BuyerName: inv.BuyerName,
	}
	red := inv.Type == piaotong.TypeRed
	switch {
	case o == Failed && red:
		e.Kind = RedFailedEntry
	case o == Failed:
		e.Kind = InvoiceFailedEntry
	case o == Auth && red:
		e.Kind = RedAuthEntry
	case o == Auth:
		e.Kind = InvoiceAuthEntry
	default:
		e.Kind = InvoiceIssuedEntry
		if red {
			e.Kind = RedIssuedEntry
		}
		e.AllEleInvNo = st.newInvoiceNo(at)
	}
	return e
}

// advance settles every invoice whose time has come. State moves when somebody
// looks, so that no goroutine is needed. The caller holds mu.
func (s *Sandbox) advance() error {
	now := s.now()
	for _, serial := range slices.Sorted(maps.Keys(s.state.pending)) {
		inv := s.state.invoices[serial]
		if now.Before(inv.readyAt) {
			continue
		}
		if err := s.record(s.state.settled(inv, inv.outcome, inv.readyAt)); err != nil {
			return err
		}
	}
	return nil
}

// qrState names the state of a code at now.
func (st *state) qrState(q *QR, now time.Time) string {
	switch {
	case !q.VoidedAt.IsZero():
		return "voided"
	case st.claimed(q):
		return "claimed"
	case now.After(q.ExpireAt):
		return "expired"
	}
	return "active"
}

// claimed reports whether the code is used up: its customer may try again
// only when everything so far failed.
func (st *state) claimed(q *QR) bool {
	return slices.ContainsFunc(q.Invoices, func(serial string) bool {
		return st.invoices[serial].Code != piaotong.StateFailed
	})
}

// newInvoiceNo makes a 数电发票号码: 2 digits of the year, 2 of the region
// (11 北京), 16 that are random here, so that they differ also after a reset.
func (st *state) newInvoiceNo(at time.Time) string {
	for {
		no := piaotong.FormatTime(at)[2:4] + "11" + randomDigits(16)
		if _, taken := st.byNumber[no]; !taken {
			return no
		}
	}
}

// newSerial makes a request number of the platform's own: P and 19 digits.
func (st *state) newSerial() string {
	for {
		serial := "P" + randomDigits(19)
		if st.invoices[serial] == nil {
			return serial
		}
	}
}

func randomDigits(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = '0' + b[i]%10
	}
	return string(b)
}
