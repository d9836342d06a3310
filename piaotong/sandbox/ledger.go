package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const ledgerName = "ledger.jsonl"

// EntryKind names a business event.
type EntryKind string

// The business events.
const (
	QRCreatedEntry     EntryKind = "qr_created"
	QRVoidedEntry      EntryKind = "qr_voided"
	ClaimedEntry       EntryKind = "claimed"
	InvoiceIssuedEntry EntryKind = "invoice_issued"
	InvoiceFailedEntry EntryKind = "invoice_failed"
	InvoiceAuthEntry   EntryKind = "invoice_auth" // waits for the tax account to log in
	RedRequestedEntry  EntryKind = "red_requested"
	RedIssuedEntry     EntryKind = "red_issued"
	RedFailedEntry     EntryKind = "red_failed"
	RedAuthEntry       EntryKind = "red_auth"

	BlueRequestedEntry    EntryKind = "blue_requested" // 2.9
	ReissuedEntry         EntryKind = "reissued"       // an invoice that was not issued is requested again, under its number
	InvoiceWithdrawnEntry EntryKind = "invoice_withdrawn"
	RedWithdrawnEntry     EntryKind = "red_withdrawn"
	BookedEntry           EntryKind = "booked"          // the buyer took the invoice into its books (入账)
	ConfirmAppliedEntry   EntryKind = "confirm_applied" // a red confirmation (红字确认单)
	ConfirmMovedEntry     EntryKind = "confirm_moved"
	AccountEntry          EntryKind = "account"    // a tax account was added or changed
	EnterpriseEntry       EntryKind = "enterprise" // an enterprise was registered, changed or reviewed
)

// Entry is one line of the ledger. All state is made of entries, so it holds
// whatever a restart needs. Amounts are with tax unless named otherwise.
type Entry struct {
	Seq         int       `json:"seq"`
	At          time.Time `json:"at"`
	Kind        EntryKind `json:"kind"`
	QRCodeNo    string    `json:"qrcode_no,omitempty"`
	TradeNo     string    `json:"trade_no,omitempty"`
	Amount      string    `json:"amount,omitempty"`
	ReqSerialNo string    `json:"req_serial_no,omitempty"`
	BlueSerial  string    `json:"blue_req_serial_no,omitempty"` // of a red invoice
	AllEleInvNo string    `json:"all_ele_inv_no,omitempty"`
	BuyerName   string    `json:"buyer_name,omitempty"`
	Outcome     Outcome   `json:"outcome,omitempty"` // what shall become of a requested invoice
	ReadyAt     time.Time `json:"ready_at,omitzero"` // and when
	QR          *QRDetail `json:"qr,omitempty"`
	QRCodeNos   []string  `json:"qrcode_nos,omitempty"` // of a merged claim: all its codes
	Parts       []Part    `json:"parts,omitempty"`      // of a split claim: all its invoices
	Lines       []RedLine `json:"lines,omitempty"`      // of a red invoice of 2.37; none = all that is left
	ReturnNo    string    `json:"return_no,omitempty"`
	DefinedData string    `json:"defined_data,omitempty"`
	Digest      string    `json:"digest,omitempty"` // of a request for an invoice: its number must carry the same data again

	Title         *Title         `json:"title,omitempty"`          // of a buyer, beside the name
	Blue          *BlueDetail    `json:"blue,omitempty"`           // of blue_requested
	ConfirmNo     string         `json:"red_confirm_no,omitempty"` // of a confirmation, or of the red invoice made of it
	Confirm       *ConfirmDetail `json:"red_confirm,omitempty"`    // of confirm_applied
	ConfirmStatus string         `json:"confirm_status,omitempty"` // of confirm_moved
	TaxAccount    *TaxAccount    `json:"tax_account,omitempty"`    // as it is from now on
	Enterprise    *Enterprise    `json:"enterprise,omitempty"`     // as it is from now on
}

// Title is what a buyer says of itself beside its name (发票抬头).
type Title struct {
	TaxpayerNum string `json:"taxpayer_num,omitempty"`
	Address     string `json:"address,omitempty"`
	Tel         string `json:"tel,omitempty"`
	BankName    string `json:"bank_name,omitempty"`
	BankAccount string `json:"bank_account,omitempty"`
	TakerTel    string `json:"taker_tel,omitempty"`
	TakerEmail  string `json:"taker_email,omitempty"`
}

// BlueDetail is what a blue_requested entry has in addition.
type BlueDetail struct {
	Kind         string `json:"kind"`              // 81, 82
	Account      string `json:"account,omitempty"` // tax account that was named; "" = the default one
	DrawerName   string `json:"drawer_name,omitempty"`
	CasherName   string `json:"casher_name,omitempty"`
	ReviewerName string `json:"reviewer_name,omitempty"`
	Remark       string `json:"remark,omitempty"`
	Special      string `json:"special_invoice_kind,omitempty"` // 08, 02
	Items        []Item `json:"items"`
}

// Part is one invoice of a split claim.
type Part struct {
	ReqSerialNo string `json:"req_serial_no"`
	Amount      string `json:"amount"`
	Items       []Item `json:"items"`
}

// RedLine is one line of a red invoice.
type RedLine struct {
	BlueItemNo string `json:"blue_item_no"`
	Amount     string `json:"amount"`             // with tax, after discount; negative
	Tax        string `json:"tax,omitempty"`      // in Amount, not positive; "" in ledgers of earlier versions
	Quantity   string `json:"quantity,omitempty"` // without its sign
}

// QRDetail is what a qr_created entry has in addition.
type QRDetail struct {
	URL         string    `json:"url"`
	ExtractCode string    `json:"extract_code"`
	TradeTime   time.Time `json:"trade_time"`
	ExpireAt    time.Time `json:"expire_at"`
	Items       []Item    `json:"items"`

	Kind           string `json:"kind,omitempty"`       // of its invoices, when only one is offered: 81, 82
	BuyerName      string `json:"buyer,omitempty"`      // preset title
	Title          *Title `json:"title,omitempty"`      // the rest of it
	TitleType      string `json:"title_type,omitempty"` // 0 company, 1 person; "" = by the tax number
	Fixed          bool   `json:"fixed,omitempty"`      // the preset title cannot be edited
	MobileRequired bool   `json:"mobile_required,omitempty"`
	EmailRequired  bool   `json:"email_required,omitempty"`
	AllowCount     int    `json:"allow_count,omitempty"` // invoices that the customer may make of it; 0 = 1
	DrawerName     string `json:"drawer_name,omitempty"`
	Remark         string `json:"remark,omitempty"`
}

// Item is a line of a code, as far as its invoice needs it.
type Item struct {
	Name        string `json:"name"`
	TaxCode     string `json:"tax_code,omitempty"`
	Spec        string `json:"spec,omitempty"`
	Unit        string `json:"unit,omitempty"`
	Rate        string `json:"rate"` // percent: "13"
	ZeroTaxFlag string `json:"zero_tax_flag,omitempty"`
	Quantity    string `json:"quantity,omitempty"` // "" = blank
	Amount      string `json:"amount"`             // with tax, after discount
	Tax         string `json:"tax,omitempty"`      // in Amount; "" = what the rate says
	Discount    string `json:"discount,omitempty"` // taken off already, with tax; negative
	Deduction   string `json:"deduction,omitempty"`
}

// ledgerFile is an append-only file of JSON lines.
type ledgerFile struct {
	f   *os.File
	end int64 // where the next line begins
}

// openLedger replays the ledger in dir and opens it for appending. A last line
// that was cut off by a crash was never answered for, and is cut away.
func openLedger(dir string, apply func(Entry) error) (*ledgerFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, ledgerName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	end, err := replay(f, apply)
	if err == nil {
		err = f.Truncate(end)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %v; move the file away to begin anew", f.Name(), err), f.Close())
	}
	return &ledgerFile{f: f, end: end}, nil
}

// replay applies all whole lines and returns where the last of them ends.
func replay(r io.Reader, apply func(Entry) error) (end int64, err error) {
	br := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := br.ReadBytes('\n')
		if err == io.EOF {
			return end, nil // empty, or a torn last line
		}
		if err != nil {
			return 0, err
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			if _, err := br.Peek(1); err == io.EOF {
				return end, nil // torn, too: the file system had the length before the data
			}
			return 0, fmt.Errorf("line %d is damaged", n)
		}
		if err := apply(e); err != nil {
			return 0, fmt.Errorf("line %d: %v", n, err)
		}
		end += int64(len(line))
	}
}

// append writes one line and waits until it is on disk. After a failure the
// next line takes the place of what may have been written of this one.
func (l *ledgerFile) append(e Entry) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return err
	}
	if _, err := l.f.WriteAt(b.Bytes(), l.end); err != nil {
		return errors.Join(err, l.f.Truncate(l.end))
	}
	if err := l.f.Sync(); err != nil {
		return errors.Join(err, l.f.Truncate(l.end))
	}
	l.end += int64(b.Len())
	return nil
}

func (l *ledgerFile) truncate() error {
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	l.end = 0
	return l.f.Sync()
}

func (l *ledgerFile) close() error { return l.f.Close() }
