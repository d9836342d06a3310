package sandbox

import (
	"fmt"
	"slices"
	"strconv"
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
	Type        string    `json:"type"`                 // 1 blue, 2 red
	Code        string    `json:"code"`                 // 0000 3999 7777 9999
	QRCodeNo    string    `json:"qrcode_no,omitempty"`  // of a blue one; the first of merged ones
	QRCodeNos   []string  `json:"qrcode_nos,omitempty"` // of a merged one: all codes
	TradeNo     string    `json:"trade_no"`
	BuyerName   string    `json:"buyer_name,omitempty"`
	Amount      string    `json:"amount"` // with tax; negative when red
	NetAmount   string    `json:"net_amount"`
	TaxAmount   string    `json:"tax_amount"`
	BlueSerial  string    `json:"blue_req_serial_no,omitempty"` // of a red one
	RedSerial   string    `json:"red_req_serial_no,omitempty"`  // of a blue one: its latest reversal that did not fail
	RedSerials  []string  `json:"red_req_serial_nos,omitempty"` // all of these, oldest first
	RedFlag     string    `json:"red_flag,omitempty"`           // of a blue one, in the words of 2.12; set when told
	DefinedData string    `json:"defined_data,omitempty"`
	AllEleInvNo string    `json:"all_ele_inv_no,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
	IssuedAt    time.Time `json:"issued_at,omitzero"`

	fen     int64
	lines   []line    // of a blue one
	parts   []redPart // of a red one
	outcome Outcome
	readyAt time.Time
}

// The red flags of a blue invoice, 冲红标志 in 2.12.
const (
	NotRed     = "NOT_RED"
	BeingRed   = "REDING"
	PartRed    = "PART_RED"
	AlreadyRed = "ALREADY_RED"
)

// redPart is what a red invoice takes from a line of its blue one.
type redPart struct {
	line int // index
	share
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
	case QRVoidedEntry:
		err = st.applyVoid(e)
	case ClaimedEntry:
		err = st.applyClaim(e)
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

func (st *state) applyVoid(e Entry) error {
	q := st.qrs[e.QRCodeNo]
	if q == nil {
		return fmt.Errorf("unknown code %q", e.QRCodeNo)
	}
	q.VoidedAt = e.At
	return nil
}

// applyClaim makes the invoices of a claim: one of one code, one of several
// codes (merged), or several of one code (split).
func (st *state) applyClaim(e Entry) error {
	numbers := e.QRCodeNos
	if len(numbers) == 0 {
		numbers = []string{e.QRCodeNo}
	}
	var items []Item
	for _, no := range numbers {
		q := st.qrs[no]
		if q == nil {
			return fmt.Errorf("unknown code %q", no)
		}
		items = append(items, q.Items...)
	}
	parts := e.Parts
	if len(parts) == 0 {
		parts = []Part{{e.ReqSerialNo, e.Amount, items}}
	}
	var invoices []*Invoice
	for _, p := range parts {
		lines, err := newLines(p.Items)
		if err != nil {
			return err
		}
		total := sum(lines, whole)
		invoices = append(invoices, &Invoice{
			ReqSerialNo: p.ReqSerialNo, Type: piaotong.TypeBlue, QRCodeNo: numbers[0], QRCodeNos: e.QRCodeNos, TradeNo: e.TradeNo,
			BuyerName: e.BuyerName, Amount: p.Amount, NetAmount: formatFen(total.fen - total.tax), TaxAmount: formatFen(total.tax),
			fen: total.fen, lines: lines,
		})
	}
	for _, inv := range invoices {
		st.add(inv, e)
		for _, no := range numbers {
			q := st.qrs[no]
			q.Invoices = append(q.Invoices, inv.ReqSerialNo)
		}
	}
	return nil
}

func (st *state) applyRed(e Entry) error {
	blue := st.invoices[e.BlueSerial]
	if blue == nil {
		return fmt.Errorf("unknown blue invoice %q", e.BlueSerial)
	}
	parts, err := blue.redParts(e.Lines)
	if err != nil {
		return err
	}
	var total share
	for _, p := range parts {
		total = total.plus(p.share)
	}
	inv := &Invoice{
		ReqSerialNo: e.ReqSerialNo, Type: piaotong.TypeRed, TradeNo: blue.TradeNo, BuyerName: blue.BuyerName,
		Amount: formatFen(-total.fen), NetAmount: formatFen(total.tax - total.fen), TaxAmount: formatFen(-total.tax),
		BlueSerial: blue.ReqSerialNo, DefinedData: e.DefinedData, fen: -total.fen, parts: parts,
	}
	st.add(inv, e)
	st.take(inv)
	return nil
}

// redParts is what a red invoice takes from its blue one: the named lines, or
// all that is left.
func (inv *Invoice) redParts(named []RedLine) ([]redPart, error) {
	var parts []redPart
	if len(named) == 0 {
		for i := range inv.lines {
			if left := inv.lines[i].left(); left.fen > 0 {
				parts = append(parts, redPart{i, left})
			}
		}
		return parts, nil
	}
	for _, n := range named {
		fen, err := parseFen(n.Amount)
		if err != nil {
			return nil, err
		}
		i, ok := inv.lineAt(n.BlueItemNo)
		if !ok {
			return nil, fmt.Errorf("invoice %q has no line %q", inv.ReqSerialNo, n.BlueItemNo)
		}
		var quantity int64
		if n.Quantity != "" {
			q, err := parseDecimal(n.Quantity, 8)
			if err != nil {
				return nil, err
			}
			quantity = q.Int64()
		}
		p := inv.lines[i].part(-fen, quantity)
		if !p.within(inv.lines[i].left()) {
			return nil, fmt.Errorf("more of line %q than is left", n.BlueItemNo)
		}
		parts = append(parts, redPart{i, p})
	}
	return parts, nil
}

// lineAt finds a line by its number, which counts from 1.
func (inv *Invoice) lineAt(no string) (index int, ok bool) {
	n, err := strconv.Atoi(no)
	return n - 1, err == nil && n >= 1 && n <= len(inv.lines)
}

// take books a red invoice's parts on its blue one; giveBack undoes that.
func (st *state) take(inv *Invoice) {
	blue := st.invoices[inv.BlueSerial]
	for _, p := range inv.parts {
		l := &blue.lines[p.line]
		l.red = l.red.plus(p.share)
	}
	blue.RedSerials = append(blue.RedSerials, inv.ReqSerialNo)
	blue.RedSerial = inv.ReqSerialNo
}

func (st *state) giveBack(inv *Invoice) {
	blue := st.invoices[inv.BlueSerial]
	for _, p := range inv.parts {
		l := &blue.lines[p.line]
		l.red = l.red.minus(p.share)
	}
	blue.RedSerials = slices.DeleteFunc(blue.RedSerials, func(s string) bool { return s == inv.ReqSerialNo })
	blue.RedSerial = ""
	if n := len(blue.RedSerials); n > 0 {
		blue.RedSerial = blue.RedSerials[n-1]
	}
}

// canTake reports whether a failed red invoice can still be issued.
func (st *state) canTake(inv *Invoice) bool {
	blue := st.invoices[inv.BlueSerial]
	return !slices.ContainsFunc(inv.parts, func(p redPart) bool {
		return !p.within(blue.lines[p.line].left())
	})
}

// redFlag says how far a blue invoice is reversed.
func (st *state) redFlag(inv *Invoice) string {
	issued := func(serial string) bool { return st.invoices[serial].Code == piaotong.StateIssued }
	switch {
	case len(inv.RedSerials) == 0:
		return NotRed
	case slices.ContainsFunc(inv.RedSerials, func(s string) bool { return !issued(s) }):
		return BeingRed
	case sum(inv.lines, red).fen < inv.fen:
		return PartRed
	}
	return AlreadyRed
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
	failed := inv.Code == piaotong.StateFailed // so far
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
	if inv.Type == piaotong.TypeRed {
		// A failed reversal leaves the blue invoice to be reversed again.
		switch {
		case !failed && inv.Code == piaotong.StateFailed:
			st.giveBack(inv)
		case failed && inv.Code != piaotong.StateFailed:
			st.take(inv)
		}
	}
	return nil
}
