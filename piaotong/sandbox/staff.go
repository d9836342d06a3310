package sandbox

import (
	"fmt"
	"time"

	"tillagent/piaotong"
)

// Settle gives an invoice that is not issued another end, as staff can on the
// platform: Issued (also after a failure, and whatever the tax account is),
// Failed, Withdrawn or Auth. Blue or red.
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
	if dead(inv.Code) && o != Failed && o != Withdrawn && inv.Type == piaotong.TypeRed && !s.state.canTake(inv) {
		return fmt.Errorf("invoice %q: less is left of the blue one: %w", reqSerialNo, ErrConflict)
	}
	return s.record(s.state.settled(inv, o, s.now()))
}

// RedByHand reverses what is left of an issued blue invoice, as staff can on
// the platform, at once. The red invoice has a number of the platform's own,
// which nobody tells but the push and the ledger.
func (s *Sandbox) RedByHand(reqSerialNo string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	blue, err := s.issuedBlue(reqSerialNo)
	if err != nil {
		return err
	}
	if blue.leftToReverse().fen == 0 {
		return fmt.Errorf("invoice %q is reversed: %w", reqSerialNo, ErrConflict)
	}
	return s.redByHand(blue)
}

// redByHand is RedByHand of an invoice that is left to reverse. The caller
// holds mu.
func (s *Sandbox) redByHand(blue *Invoice) error {
	if !s.state.mayIssue(blue.Account) {
		return fmt.Errorf("the tax account must log in: %w", ErrConflict)
	}
	now := s.now()
	if err := s.record(Entry{
		At: now, Kind: RedRequestedEntry, ReqSerialNo: s.state.newSerial(), BlueSerial: blue.ReqSerialNo,
		TradeNo: blue.TradeNo, Amount: formatFen(-blue.leftToReverse().fen), Outcome: Issued, ReadyAt: now.UTC(),
	}); err != nil {
		return err
	}
	return s.advance()
}

// reissueWindow is how long staff can issue a failed invoice again.
const reissueWindow = 30 * 24 * time.Hour

// Reissue requests an invoice that was not issued once more, under its number,
// as staff can on the platform: it is in progress again, and ends in 3999 once
// more while the tax account may not issue. Blue or red.
func (s *Sandbox) Reissue(reqSerialNo string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return err
	}
	inv := s.state.invoices[reqSerialNo]
	switch {
	case inv == nil:
		return fmt.Errorf("invoice %q: %w", reqSerialNo, ErrNotFound)
	case !s.state.canReissue(inv):
		return fmt.Errorf("invoice %q has state %s: %w", reqSerialNo, inv.Code, ErrConflict)
	}
	return s.reissue(inv)
}

// ReissueAll is Reissue of every invoice of the last 30 days that ended in
// 3999 or 9999. It returns their numbers.
func (s *Sandbox) ReissueAll() (reqSerialNos []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(); err != nil {
		return nil, err
	}
	since := s.now().Add(-reissueWindow)
	for _, serial := range s.state.order {
		inv := s.state.invoices[serial]
		if inv.Code == piaotong.StateWithdrawn || inv.RequestedAt.Before(since) || !s.state.canReissue(inv) {
			continue
		}
		if err := s.reissue(inv); err != nil {
			return reqSerialNos, err
		}
		reqSerialNos = append(reqSerialNos, serial)
	}
	return reqSerialNos, nil
}

// canReissue reports whether an invoice came to nothing, can still be issued,
// and has no other one in its place.
func (st *state) canReissue(inv *Invoice) bool {
	if inv.Code == piaotong.StateIssued || inv.Code == piaotong.StatePending {
		return false
	}
	if !dead(inv.Code) {
		return true // 3999: it still holds its code, or its part of the blue invoice
	}
	if inv.Type == piaotong.TypeRed {
		return st.canTake(inv)
	}
	for _, no := range inv.codes() {
		if st.claimed(st.qrs[no]) {
			return false
		}
	}
	return true
}

// codes are the codes that an invoice was made of.
func (inv *Invoice) codes() []string {
	if len(inv.QRCodeNos) > 0 || inv.QRCodeNo == "" {
		return inv.QRCodeNos
	}
	return []string{inv.QRCodeNo}
}
