package sandbox

import (
	"maps"
	"slices"
	"time"

	"tillagent/piaotong"
)

// Ledger is everything the sandbox knows.
type Ledger struct {
	Entries  []Entry        `json:"entries"`  // oldest first
	QRs      []QR           `json:"qrs"`      // oldest first
	Invoices []Invoice      `json:"invoices"` // oldest first
	Confirms []Confirm      `json:"confirms"` // red confirmations, oldest first
	Accounts []TaxAccount   `json:"accounts"`
	Calls    map[string]int `json:"calls"`  // per interface, since the start
	Pushes   []Push         `json:"pushes"` // oldest first, since the start
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
		Confirms: s.state.viewConfirms(),
		Accounts: s.state.viewAccounts(),
		Calls:    maps.Clone(s.calls),
		Pushes:   s.viewPushes(),
	}
	now := s.now()
	for _, no := range s.state.qrOrder {
		l.QRs = append(l.QRs, s.state.viewQR(no, now))
	}
	for _, serial := range s.state.order {
		l.Invoices = append(l.Invoices, s.state.viewInvoice(serial))
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

// viewInvoice returns a copy of an invoice.
func (st *state) viewInvoice(serial string) Invoice {
	inv := *st.invoices[serial]
	if inv.Type == piaotong.TypeBlue {
		inv.RedFlag = st.redFlag(&inv)
	}
	inv.QRCodeNos, inv.RedSerials = slices.Clone(inv.QRCodeNos), slices.Clone(inv.RedSerials)
	inv.lines, inv.parts = nil, nil
	return inv
}
