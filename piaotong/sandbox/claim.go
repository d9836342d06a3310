package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"time"

	"tillagent/piaotong"
)

// Claim is a customer who scans a code and submits a title.
type Claim struct {
	QRCodeNo  string  `json:"qrcode_no"`
	URL       string  `json:"url"`        // instead of QRCodeNo: what the QR on paper says
	BuyerName string  `json:"buyer_name"` // "" = 个人
	Outcome   Outcome `json:"outcome"`    // "" = issued
}

// Errors of Claim, Settle and the control paths.
var (
	ErrNotFound = errors.New("unknown to the sandbox")
	ErrConflict = errors.New("not possible in its present state")
)

// inputError is a request to the sandbox's own controls that makes no sense.
type inputError string

func (e inputError) Error() string { return string(e) }

func badInput(format string, args ...any) error { return inputError(fmt.Sprintf(format, args...)) }

// Claim submits a code as its customer would, and returns the request number
// of the invoice, which is the platform's own. A code can be claimed once, and
// again when its invoices failed.
func (s *Sandbox) Claim(c Claim) (reqSerialNo string, err error) {
	no := c.QRCodeNo
	if no == "" {
		u, err := url.Parse(c.URL)
		if err != nil || c.URL == "" {
			return "", badInput("a claim needs a qrcode_no or the url of a code")
		}
		no = path.Base(u.Path)
	}
	if c.Outcome == "" {
		c.Outcome = Issued
	}
	if !c.Outcome.valid() {
		return "", badInput("unknown outcome %q", c.Outcome)
	}
	if c.BuyerName == "" {
		c.BuyerName = "个人"
	}
	if n, err := piaotong.GBKLen(c.BuyerName); err != nil || n > 100 {
		return "", badInput("buyer_name must have at most 100 bytes in GBK")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return "", err
	}
	q := s.state.qrs[no]
	if q == nil {
		return "", fmt.Errorf("code %q: %w", no, ErrNotFound)
	}
	now := s.now()
	if st := s.state.qrState(q, now); st != "active" {
		return "", fmt.Errorf("code %q is %s: %w", no, st, ErrConflict)
	}
	e := Entry{
		At: now, Kind: ClaimedEntry, QRCodeNo: q.QRCodeNo, TradeNo: q.TradeNo, Amount: q.Amount,
		ReqSerialNo: s.state.newSerial(), BuyerName: c.BuyerName,
		Outcome: c.Outcome, ReadyAt: now.Add(s.issueDelay).UTC(),
	}
	return e.ReqSerialNo, s.record(e)
}

// Settle gives an invoice that is not issued another end, as staff can on the
// platform: Issued (also after a failure), Failed or Auth. Blue or red.
func (s *Sandbox) Settle(reqSerialNo string, o Outcome) error {
	if !o.valid() || o == Hang {
		return badInput("an invoice cannot be settled as %q", o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return err
	}
	inv := s.state.invoices[reqSerialNo]
	if inv == nil {
		return fmt.Errorf("invoice %q: %w", reqSerialNo, ErrNotFound)
	}
	if inv.Code == piaotong.StateIssued {
		return fmt.Errorf("invoice %q is issued: %w", reqSerialNo, ErrConflict)
	}
	return s.record(s.state.settled(inv, o, s.now()))
}

// Ledger is everything the sandbox knows.
type Ledger struct {
	Entries  []Entry        `json:"entries"`  // oldest first
	QRs      []QR           `json:"qrs"`      // oldest first
	Invoices []Invoice      `json:"invoices"` // oldest first
	Calls    map[string]int `json:"calls"`    // per interface, since the start
}

// Ledger returns a copy of everything, as of now.
func (s *Sandbox) Ledger() (Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return Ledger{}, err
	}
	l := Ledger{
		Entries:  append([]Entry{}, s.state.entries...),
		QRs:      []QR{},
		Invoices: []Invoice{},
		Calls:    maps.Clone(s.calls),
	}
	now := s.now()
	for _, no := range s.state.qrOrder {
		l.QRs = append(l.QRs, s.state.viewQR(no, now))
	}
	for _, serial := range s.state.order {
		l.Invoices = append(l.Invoices, *s.state.invoices[serial])
	}
	return l, nil
}

// viewQR returns a copy of a code with its state at now.
func (st *state) viewQR(no string, now time.Time) QR {
	q := *st.qrs[no]
	q.State = st.qrState(&q, now)
	q.Invoices = append([]string{}, q.Invoices...)
	return q
}
