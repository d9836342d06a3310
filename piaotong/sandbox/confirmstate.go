package sandbox

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"

	"tillagent/piaotong"
)

// The states of a red confirmation (确认单状态), with the tax administration's
// codes, which none of the platform's public documents has.
const (
	confirmNotNeeded       = "01" // the red invoice may be issued
	confirmAwaitsBuyer     = "02"
	confirmAwaitsSeller    = "03"
	confirmAgreed          = "04" // the red invoice may be issued
	confirmRefusedByBuyer  = "05"
	confirmRefusedBySeller = "06"
	confirmLapsed          = "07"
	confirmRevoked         = "08" // by the applicant
	confirmRevokedLater    = "09" // by the applicant, after both had agreed
)

// The sides of an invoice, as applicantType has them.
const (
	bySeller = "0"
	byBuyer  = "1"
)

// confirmLife is how long the other side has to answer.
const confirmLife = 72 * time.Hour

// ConfirmDetail is what a confirm_applied entry has in addition.
type ConfirmDetail struct {
	ReqSerialNo string    `json:"red_confirm_req_serial_no,omitempty"` // ours; "" when the buyer applied
	UUID        string    `json:"uuid"`
	Applicant   string    `json:"applicant"` // 0 seller, 1 buyer
	ReasonCode  string    `json:"reason_code"`
	LapsesAt    time.Time `json:"lapses_at"` // if the other side must answer
}

// Confirm is a red confirmation (红字发票确认单) as it stands. It holds its share
// of the blue invoice's lines until it dies.
type Confirm struct {
	No         string    `json:"red_confirm_no"`
	Status     string    `json:"status"` // 01 to 09
	BlueSerial string    `json:"blue_req_serial_no"`
	Amount     string    `json:"amount"`                      // with tax; negative
	RedSerial  string    `json:"red_req_serial_no,omitempty"` // the red invoice made of it, unless that failed
	AppliedAt  time.Time `json:"applied_at"`
	ConfirmDetail

	DefinedData string `json:"defined_data,omitempty"`

	parts []redPart
}

func (c *Confirm) mayIssue() bool { return c.Status == confirmNotNeeded || c.Status == confirmAgreed }

// awaited reports whether one side has still to answer.
func (c *Confirm) awaited() bool {
	return c.Status == confirmAwaitsBuyer || c.Status == confirmAwaitsSeller
}

// alive reports whether it still holds its share.
func (c *Confirm) alive() bool { return c.mayIssue() || c.awaited() }

func (st *state) applyConfirm(e Entry) error {
	blue := st.invoices[e.BlueSerial]
	switch {
	case blue == nil:
		return fmt.Errorf("unknown blue invoice %q", e.BlueSerial)
	case e.Confirm == nil || st.confirms[e.ConfirmNo] != nil:
		return fmt.Errorf("entry %d describes no new confirmation", e.Seq)
	}
	parts, err := blue.redParts(e.Lines)
	if err != nil {
		return err
	}
	c := &Confirm{
		No: e.ConfirmNo, Status: e.ConfirmStatus, BlueSerial: e.BlueSerial, Amount: formatFen(-sumParts(parts).fen),
		AppliedAt: e.At, ConfirmDetail: *e.Confirm, DefinedData: e.DefinedData, parts: parts,
	}
	blue.hold(parts)
	st.confirms[c.No] = c
	st.confirmOrder = append(st.confirmOrder, c.No)
	if c.ReqSerialNo != "" {
		st.byConfirmReq[c.ReqSerialNo] = c.No
	}
	return nil
}

func (st *state) applyConfirmMoved(e Entry) error {
	c := st.confirms[e.ConfirmNo]
	if c == nil {
		return fmt.Errorf("unknown confirmation %q", e.ConfirmNo)
	}
	was := c.alive()
	c.Status = e.ConfirmStatus
	if was && !c.alive() {
		st.invoices[c.BlueSerial].release(c.parts)
	}
	return nil
}

func (st *state) applyBooked(e Entry) error {
	inv := st.invoices[e.ReqSerialNo]
	if inv == nil {
		return fmt.Errorf("unknown invoice %q", e.ReqSerialNo)
	}
	inv.Booked = true
	return nil
}

// moved is the entry with which a confirmation takes a state.
func (st *state) moved(c *Confirm, status string, at time.Time) Entry {
	return Entry{
		At: at, Kind: ConfirmMovedEntry, ConfirmNo: c.No, ConfirmStatus: status, BlueSerial: c.BlueSerial,
		TradeNo: st.invoices[c.BlueSerial].TradeNo, Amount: c.Amount,
	}
}

// lapseConfirms ends what nobody answered in time. The caller holds mu.
func (s *Sandbox) lapseConfirms(now time.Time) error {
	for _, no := range s.state.confirmOrder {
		if c := s.state.confirms[no]; c.awaited() && !now.Before(c.LapsesAt) {
			if err := s.record(s.state.moved(c, confirmLapsed, c.LapsesAt)); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply applies for a confirmation; e has what is particular to it. Nobody
// need agree as long as the buyer has not booked the invoice.
func (s *Sandbox) applyForConfirm(blue *Invoice, e Entry) (*Confirm, error) {
	now := s.now()
	e.At, e.Kind, e.BlueSerial, e.TradeNo, e.ConfirmNo = now, ConfirmAppliedEntry, blue.ReqSerialNo, blue.TradeNo, s.state.newConfirmNo(now)
	e.Confirm.UUID, e.Confirm.LapsesAt = randomDigits(32), now.Add(confirmLife).UTC()
	switch {
	case e.Confirm.Applicant == byBuyer:
		e.ConfirmStatus = confirmAwaitsSeller
	case blue.Booked:
		e.ConfirmStatus = confirmAwaitsBuyer
	default:
		e.ConfirmStatus = confirmNotNeeded
	}
	if err := s.record(e); err != nil {
		return nil, err
	}
	return s.state.confirms[e.ConfirmNo], nil
}

// newConfirmNo makes a number of a confirmation: 20 digits, like an invoice's.
func (st *state) newConfirmNo(at time.Time) string {
	for {
		no := piaotong.FormatTime(at)[2:4] + "11" + randomDigits(16)
		if st.confirms[no] == nil {
			return no
		}
	}
}

// Book lets the buyer take an issued blue invoice into its books (入账): from
// now on it must agree to a reversal.
func (s *Sandbox) Book(reqSerialNo string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	blue, err := s.issuedBlue(reqSerialNo)
	if err != nil || blue.Booked {
		return err
	}
	return s.record(Entry{Kind: BookedEntry, ReqSerialNo: reqSerialNo, TradeNo: blue.TradeNo, Amount: blue.Amount})
}

// issuedBlue finds an issued blue invoice for a control.
func (s *Sandbox) issuedBlue(reqSerialNo string) (*Invoice, error) {
	if err := s.advance(); err != nil {
		return nil, err
	}
	blue := s.state.invoices[reqSerialNo]
	switch {
	case blue == nil:
		return nil, fmt.Errorf("invoice %q: %w", reqSerialNo, ErrNotFound)
	case blue.Type != piaotong.TypeBlue || blue.Code != piaotong.StateIssued:
		return nil, fmt.Errorf("invoice %q is not an issued blue one: %w", reqSerialNo, ErrConflict)
	}
	return blue, nil
}

// ApplyAsBuyer lets the buyer of an issued blue invoice apply for the reversal
// of all that is left of it, and returns the confirmation's number. It awaits
// the seller: 2.33, 2.34 find it, 2.31 answers it.
func (s *Sandbox) ApplyAsBuyer(reqSerialNo string) (confirmNo string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blue, err := s.issuedBlue(reqSerialNo)
	if err != nil {
		return "", err
	}
	left := blue.leftToReverse()
	if left.fen == 0 {
		return "", fmt.Errorf("invoice %q is reversed: %w", reqSerialNo, ErrConflict)
	}
	c, err := s.applyForConfirm(blue, Entry{Amount: formatFen(-left.fen), Confirm: &ConfirmDetail{Applicant: byBuyer, ReasonCode: "02"}})
	if err != nil {
		return "", err
	}
	return c.No, nil
}

// AnswerAsBuyer lets the buyer agree to a confirmation that awaits it, or refuse.
func (s *Sandbox) AnswerAsBuyer(confirmNo string, agree bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return err
	}
	c := s.state.confirms[confirmNo]
	switch {
	case c == nil:
		return fmt.Errorf("confirmation %q: %w", confirmNo, ErrNotFound)
	case c.Status != confirmAwaitsBuyer:
		return fmt.Errorf("confirmation %q does not await the buyer: %w", confirmNo, ErrConflict)
	}
	status := confirmRefusedByBuyer
	if agree {
		status = confirmAgreed
	}
	return s.record(s.state.moved(c, status, s.now()))
}

// viewConfirms returns a copy of all confirmations, oldest first.
func (st *state) viewConfirms() []Confirm {
	out := make([]Confirm, 0, len(st.confirmOrder))
	for _, no := range st.confirmOrder {
		c := *st.confirms[no]
		c.parts = nil
		out = append(out, c)
	}
	return out
}

// content is what 2.29 and 2.34 tell of a confirmation.
func (st *state) confirmContent(c *Confirm) map[string]any {
	blue := st.invoices[c.BlueSerial]
	total := sumParts(c.parts)
	items := []map[string]string{}
	for _, p := range c.parts {
		l := &blue.lines[p.line]
		it := map[string]string{
			"blueItemNo": strconv.Itoa(p.line + 1), "goodsName": l.item.Name, "taxClassificationCode": l.item.TaxCode,
			"taxRateValue": formatFen(l.rate), "zeroTaxFlag": l.item.ZeroTaxFlag,
			"invoiceAmount": formatFen(-p.fen), "taxRateAmount": formatFen(-p.tax), "includeTaxFlag": "1",
		}
		if p.quantity > 0 {
			it["quantity"] = "-" + formatDecimal8(big.NewInt(p.quantity))
			it["unitPrice"] = formatDecimal8(factorOf(p.fen, big.NewInt(p.quantity)))
		}
		items = append(items, it)
	}
	out := map[string]any{
		"redConfirmNo": c.No, "redConfirmUuid": c.UUID, "confirmStatus": c.Status, "applicantType": c.Applicant,
		"blueAllEleInvNo": blue.AllEleInvNo, "buyerName": blue.BuyerName, "sellerName": enterpriseName,
		"redReasonCode": c.ReasonCode, "noTaxAmount": formatFen(total.tax - total.fen), "taxAmount": formatFen(-total.tax),
		"amount": c.Amount, "applyTime": piaotong.FormatTime(c.AppliedAt), "itemList": items,
	}
	if c.ReqSerialNo != "" {
		out["redConfirmReqSerialNo"] = c.ReqSerialNo
	}
	return out
}

// findConfirms returns the confirmations that fit, oldest first.
func (st *state) findConfirms(fits func(*Confirm) bool) []*Confirm {
	var out []*Confirm
	for _, no := range st.confirmOrder {
		if c := st.confirms[no]; fits(c) {
			out = append(out, c)
		}
	}
	return slices.Clip(out)
}
