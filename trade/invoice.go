package trade

// accepted notes that the platform has taken an invoice of ours.
func (s *Standing) accepted(serial string) *Invoice {
	i := s.Invoice(serial)
	if i == nil || !s.ours(i) || rank[i.State] >= rank[InvIssuing] {
		return nil
	}
	i.State = InvIssuing
	return i
}

// redAlready takes over a reversal that was made on the platform by hand.
func (s *Standing) redAlready(e RedAlready) {
	i := s.Invoice(e.Serial)
	if i == nil || i.Kind != Red || rank[i.State] >= rank[InvIssued] {
		return
	}
	i.State = InvFailed
	if b := s.Invoice(i.BlueSerial); b != nil {
		b.State = InvRedFull
	}
	if r := s.Refund(i.RefundID); r != nil && r.Open() {
		r.Problem = Say(RedByHand)
	}
}

// recheckBlocked has 2.11 asked about what waits for the tax account: the
// platform may have gone on by itself, else what is ours is sent again.
func (s *Standing) recheckBlocked() {
	for i := range s.Invoices {
		if s.Invoices[i].State == InvBlocked {
			s.Invoices[i].Recheck = true
		}
	}
}

// ours reports whether the number of an invoice is ours, so that it can be
// sent again.
func (s *Standing) ours(i *Invoice) bool { return i.Kind == Red || s.Wish == WishDirect }

// blocked counts the invoices that wait for the tax account.
func (s *Standing) blocked() int {
	n := 0
	for i := range s.Invoices {
		if s.Invoices[i].State == InvBlocked && !s.reissue(&s.Invoices[i]) {
			n++
		}
	}
	return n
}
