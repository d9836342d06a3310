package sandbox

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"tillagent/piaotong"
)

// settledKinds are the entries of an outcome: of blue and of red invoices.
var settledKinds = map[Outcome][2]EntryKind{
	Issued:    {InvoiceIssuedEntry, RedIssuedEntry},
	Failed:    {InvoiceFailedEntry, RedFailedEntry},
	Withdrawn: {InvoiceWithdrawnEntry, RedWithdrawnEntry},
	Auth:      {InvoiceAuthEntry, RedAuthEntry},
}

// settled is the entry with which an invoice takes an outcome.
func (st *state) settled(inv *Invoice, o Outcome, at time.Time) Entry {
	e := Entry{
		At: at, Kind: settledKinds[o][0], QRCodeNo: inv.QRCodeNo, TradeNo: inv.TradeNo, Amount: inv.Amount,
		ReqSerialNo: inv.ReqSerialNo, BlueSerial: inv.BlueSerial, BuyerName: inv.BuyerName,
	}
	if inv.Type == piaotong.TypeRed {
		e.Kind = settledKinds[o][1]
	}
	if o == Issued {
		e.AllEleInvNo = st.newInvoiceNo(at)
	}
	return e
}

// advance settles every invoice whose time has come. State moves when somebody
// looks: a caller of any kind, or the goroutine that pushes. The caller holds mu.
func (s *Sandbox) advance() error {
	now := s.now()
	var due []*Invoice
	for serial := range s.state.pending {
		if inv := s.state.invoices[serial]; !now.Before(inv.readyAt) {
			due = append(due, inv)
		}
	}
	slices.SortFunc(due, func(a, b *Invoice) int {
		return cmp.Or(a.readyAt.Compare(b.readyAt), strings.Compare(a.ReqSerialNo, b.ReqSerialNo))
	})
	for _, inv := range due {
		o := inv.outcome
		if o == Issued && !s.state.mayIssue(inv.Account) {
			o = Auth
		}
		if err := s.record(s.state.settled(inv, o, inv.readyAt)); err != nil {
			return err
		}
	}
	return s.lapseConfirms(now)
}

// nextDue is when time will settle the next invoice.
func (st *state) nextDue() (at time.Time, ok bool) {
	for serial := range st.pending {
		if inv := st.invoices[serial]; !ok || inv.readyAt.Before(at) {
			at, ok = inv.readyAt, true
		}
	}
	return at, ok
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
		return !dead(st.invoices[serial].Code)
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
