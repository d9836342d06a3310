package sandbox

import (
	"fmt"
	"time"

	"tillagent/piaotong"
)

// Outcome is what shall become of an invoice.
type Outcome string

// The outcomes; the platform's inner state in brackets.
const (
	Issued    Outcome = "issued"    // 0000, or 3999 while the tax account is not logged in and authenticated
	Failed    Outcome = "failed"    // 9999
	Withdrawn Outcome = "withdrawn" // 6666: staff took the request back
	Auth      Outcome = "auth"      // 3999: the tax account must log in
	Hang      Outcome = "hang"      // 7777 for ever, or until Settle
)

func (o Outcome) valid() bool {
	return o == Issued || o == Failed || o == Withdrawn || o == Auth || o == Hang
}

// dead reports whether a state of an invoice says that it came to nothing.
func dead(code string) bool { return code == piaotong.StateFailed || code == piaotong.StateWithdrawn }

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
	Code        string    `json:"code"`                 // 0000 3999 6666 7777 9999
	Direct      bool      `json:"direct,omitempty"`     // requested by 2.9
	Kind        string    `json:"kind"`                 // 81, 82
	QRCodeNo    string    `json:"qrcode_no,omitempty"`  // of a blue one; the first of merged ones
	QRCodeNos   []string  `json:"qrcode_nos,omitempty"` // of a merged one: all codes
	TradeNo     string    `json:"trade_no"`
	BuyerName   string    `json:"buyer_name,omitempty"`
	Title       *Title    `json:"title,omitempty"`
	Amount      string    `json:"amount"` // with tax; negative when red
	NetAmount   string    `json:"net_amount"`
	TaxAmount   string    `json:"tax_amount"`
	BlueSerial  string    `json:"blue_req_serial_no,omitempty"` // of a red one
	RedSerial   string    `json:"red_req_serial_no,omitempty"`  // of a blue one: its latest reversal that did not fail
	RedSerials  []string  `json:"red_req_serial_nos,omitempty"` // all of these, oldest first
	RedFlag     string    `json:"red_flag,omitempty"`           // of a blue one, in the words of 2.12; set when told
	DefinedData string    `json:"defined_data,omitempty"`
	Booked      bool      `json:"booked,omitempty"`         // by the buyer, which then must agree to a reversal
	ConfirmNo   string    `json:"red_confirm_no,omitempty"` // of a red one made of a confirmation
	Account     string    `json:"account,omitempty"`        // tax account that was named; "" = the default one
	AllEleInvNo string    `json:"all_ele_inv_no,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
	IssuedAt    time.Time `json:"issued_at,omitzero"`

	fen     int64
	lines   []line    // of a blue one
	parts   []redPart // of a red one
	paper   paper     // what else is printed on a blue one
	digest  string    // of the request; "" of a scanned one
	outcome Outcome
	readyAt time.Time
}

// paper is what an invoice shows beside amounts and parties.
type paper struct {
	drawer, casher, reviewer, remark, special string
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

	confirms     map[string]*Confirm // by number
	confirmOrder []string
	byConfirmReq map[string]string // our number of a confirmation → its number
	accounts     map[string]*TaxAccount
	accountOrder []string
	enterprises  map[string]*Enterprise // by tax number
}

func newState() state {
	st := state{
		qrs:      map[string]*QR{},
		invoices: map[string]*Invoice{},
		pending:  map[string]bool{},
		byNumber: map[string]string{},

		confirms:     map[string]*Confirm{},
		byConfirmReq: map[string]string{},
		accounts:     map[string]*TaxAccount{},
		enterprises:  map[string]*Enterprise{},
	}
	for _, a := range firstAccounts() {
		st.setAccount(a)
	}
	own := firstEnterprise()
	st.enterprises[own.TaxpayerNum] = &own
	return st
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
	case BlueRequestedEntry:
		err = st.applyBlue(e)
	case RedRequestedEntry:
		err = st.applyRed(e)
	case ReissuedEntry:
		err = st.applyReissued(e)
	case BookedEntry:
		err = st.applyBooked(e)
	case ConfirmAppliedEntry:
		err = st.applyConfirm(e)
	case ConfirmMovedEntry:
		err = st.applyConfirmMoved(e)
	case AccountEntry:
		err = st.applyAccount(e)
	case EnterpriseEntry:
		err = st.applyEnterprise(e)
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
	first := st.qrs[numbers[0]]
	parts := e.Parts
	if len(parts) == 0 {
		parts = []Part{{e.ReqSerialNo, e.Amount, items}}
	}
	var invoices []*Invoice
	for _, p := range parts {
		inv, err := newBlue(p.Items)
		if err != nil {
			return err
		}
		inv.ReqSerialNo, inv.QRCodeNo, inv.QRCodeNos, inv.TradeNo = p.ReqSerialNo, numbers[0], e.QRCodeNos, e.TradeNo
		inv.BuyerName, inv.Title, inv.Amount = e.BuyerName, e.Title, p.Amount
		inv.Kind = orText(first.Kind, defaultKind)
		inv.paper = paper{drawer: first.DrawerName, remark: first.Remark}
		invoices = append(invoices, inv)
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

// newBlue makes a blue invoice of items.
func newBlue(items []Item) (*Invoice, error) {
	lines, err := newLines(items)
	if err != nil {
		return nil, err
	}
	total := sum(lines, whole)
	return &Invoice{
		Type: piaotong.TypeBlue, NetAmount: formatFen(total.fen - total.tax), TaxAmount: formatFen(total.tax),
		fen: total.fen, lines: lines,
	}, nil
}

// applyBlue makes the invoice of a 2.9.
func (st *state) applyBlue(e Entry) error {
	if e.Blue == nil || st.invoices[e.ReqSerialNo] != nil {
		return fmt.Errorf("entry %d describes no new invoice", e.Seq)
	}
	inv, err := newBlue(e.Blue.Items)
	if err != nil {
		return err
	}
	b := e.Blue
	inv.ReqSerialNo, inv.TradeNo, inv.BuyerName, inv.Title, inv.Amount = e.ReqSerialNo, e.TradeNo, e.BuyerName, e.Title, e.Amount
	inv.Direct, inv.Kind, inv.Account, inv.DefinedData, inv.digest = true, b.Kind, b.Account, e.DefinedData, e.Digest
	inv.paper = paper{b.DrawerName, b.CasherName, b.ReviewerName, b.Remark, b.Special}
	st.add(inv, e)
	return nil
}

func (st *state) add(inv *Invoice, e Entry) {
	inv.RequestedAt = e.At
	st.invoices[inv.ReqSerialNo] = inv
	st.order = append(st.order, inv.ReqSerialNo)
	st.begin(inv, e)
}

// begin lets an invoice be in progress.
func (st *state) begin(inv *Invoice, e Entry) {
	inv.Code, inv.readyAt, inv.outcome = piaotong.StatePending, e.ReadyAt, e.Outcome
	if inv.outcome != Hang {
		st.pending[inv.ReqSerialNo] = true
	}
}

// applyReissued requests an invoice that was not issued once more.
func (st *state) applyReissued(e Entry) error {
	inv := st.invoices[e.ReqSerialNo]
	if inv == nil || inv.Code == piaotong.StateIssued {
		return fmt.Errorf("nothing to issue again: %q", e.ReqSerialNo)
	}
	if inv.Type == piaotong.TypeRed && dead(inv.Code) {
		st.take(inv)
	}
	st.begin(inv, e)
	return nil
}

func (st *state) applySettled(e Entry) error {
	inv := st.invoices[e.ReqSerialNo]
	if inv == nil {
		return fmt.Errorf("unknown invoice %q", e.ReqSerialNo)
	}
	was := inv.Code
	switch e.Kind {
	case InvoiceIssuedEntry, RedIssuedEntry:
		inv.Code, inv.AllEleInvNo, inv.IssuedAt = piaotong.StateIssued, e.AllEleInvNo, e.At
		st.byNumber[e.AllEleInvNo] = inv.ReqSerialNo
	case InvoiceFailedEntry, RedFailedEntry:
		inv.Code = piaotong.StateFailed
	case InvoiceWithdrawnEntry, RedWithdrawnEntry:
		inv.Code = piaotong.StateWithdrawn
	case InvoiceAuthEntry, RedAuthEntry:
		inv.Code = piaotong.StateAuth
	default:
		return fmt.Errorf("unknown kind %q", e.Kind)
	}
	delete(st.pending, inv.ReqSerialNo)
	if inv.Type == piaotong.TypeRed {
		// A failed reversal leaves the blue invoice to be reversed again.
		switch {
		case !dead(was) && dead(inv.Code):
			st.giveBack(inv)
		case dead(was) && !dead(inv.Code):
			st.take(inv)
		}
	}
	return nil
}
