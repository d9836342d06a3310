package trade

import "time"

// What is known of a call after it went out.

func (s *Standing) sending(e Sending) {
	switch e.Op.Kind {
	case OpCreateQR:
		if q := s.qr(e.Op.Gen, QRReady); q != nil {
			q.State, q.SentAt = QRInFlight, e.At
		}
	case OpVoidQR:
		if q := s.qr(e.Op.Gen, QRActive); q != nil {
			q.State = QRVoiding
		}
	case OpIssue, OpRedFlush, OpRedPart:
		if i := s.Invoice(e.Op.Serial); i != nil && i.State == InvReady {
			i.State, i.SentAt = InvInFlight, e.At
		}
	}
}

func (s *Standing) unsent(op Op) {
	switch op.Kind {
	case OpCreateQR:
		if q := s.qr(op.Gen, QRInFlight); q != nil {
			q.State = QRReady
		}
	case OpVoidQR:
		if q := s.qr(op.Gen, QRVoiding); q != nil {
			q.State = QRActive
		}
	case OpIssue, OpRedFlush, OpRedPart:
		if i := s.Invoice(op.Serial); i != nil && i.State == InvInFlight {
			i.State = InvReady
		}
	}
}

// missing has the same number go out again. Whether the first request may still
// arrive is certain only later; until then nothing about the sale may change.
func (q *QR) missing(at time.Time) {
	q.State = QRReady
	q.Misses++
	q.SentAt = earlier(q.SentAt, at)
	if q.Misses >= resendMisses && !at.Before(q.SentAt.Add(resendAfter)) {
		q.Doubt = false
	}
}

// earlier is when something was sent, or at where that is not after it: of a
// clock that was set back meanwhile the wait begins again, and is as long.
func earlier(sent, at time.Time) time.Time {
	if at.Before(sent) {
		return at
	}
	return sent
}

// lost leaves a voiding QR code as it is: voiding already means "ask".
func (s *Standing) lost(op Op) {
	switch op.Kind {
	case OpCreateQR:
		if q := s.qr(op.Gen, QRInFlight); q != nil {
			q.State, q.Doubt, q.Misses = QRUnknown, true, 0
		}
	case OpIssue, OpRedFlush, OpRedPart:
		if i := s.Invoice(op.Serial); i != nil && i.State == InvInFlight {
			i.State, i.Misses = InvUnknown, 0
		}
	}
}
