package queue

import (
	"reflect"
	"testing"
	"time"

	"tillagent/trade"
)

// TestEveryFieldIsKept changes each field of a stored standing alone: what a step
// changes is there after a restart, but for what never changes.
func TestEveryFieldIsKept(t *testing.T) {
	r := open(t)
	r.accept(lunch("S1"))
	r.settle(r.claim(trade.LaneLive, trade.OpCreateQR), r.created())
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryQR), trade.QRSeen{Invoices: []trade.SeenInvoice{{Serial: "P1", Amount: 5850}}, At: r.clock.Now()})
	r.settle(r.claim(trade.LaneWatch, trade.OpQueryInvoice), trade.InvoiceSeen{Serial: "P1", State: trade.InvIssued, Net: 5519, Tax: 331, At: r.clock.Now()})
	if _, _, err := r.AcceptRefund(t.Context(), trade.RefundRequest{ID: "R1", SaleID: "S1", Reason: trade.SalesReturn}); err != nil {
		t.Fatal(err)
	}
	fixed := map[string]bool{ // from the row's first day
		"QR.Gen": true, "QR.No": true, "QR.ExpiresAt": true,
		"Invoice.Serial": true, "Invoice.Gen": true, "Invoice.Kind": true, "Invoice.RefundID": true, "Invoice.BlueSerial": true, "Invoice.Partial": true,
		"Refund.ID": true, "Refund.Amount": true, "Refund.Lines": true, "Refund.Reason": true, "Refund.RedSerial": true, "Refund.CreatedAt": true,
	}
	standing := func() *loaded {
		t.Helper()
		l, err := find(r.reader, "S1")
		if err != nil || len(l.QRs) != 1 || len(l.Invoices) != 2 || len(l.Refunds) != 1 {
			t.Fatalf("%+v, %v", l, err)
		}
		return l
	}
	parts := map[string]func(*trade.Standing) reflect.Value{
		"QR":      func(s *trade.Standing) reflect.Value { return reflect.ValueOf(&s.QRs[0]).Elem() },
		"Invoice": func(s *trade.Standing) reflect.Value { return reflect.ValueOf(&s.Invoices[0]).Elem() },
		"Refund":  func(s *trade.Standing) reflect.Value { return reflect.ValueOf(&s.Refunds[0]).Elem() },
	}
	for part, of := range parts {
		typ := of(&standing().Standing).Type()
		for i := range typ.NumField() {
			name := part + "." + typ.Field(i).Name
			if fixed[name] {
				continue
			}
			l, after := standing(), standing().Standing
			other(t, name, of(&after).Field(i))
			if err := r.do(noDeadline, func(t *tx) error { return t.save(l, l.Standing, after) }); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := standing().Standing; !reflect.DeepEqual(got, after) {
				t.Errorf("%s is %v after it was changed to %v", name, of(&got).Field(i), of(&after).Field(i))
			}
		}
	}
}

// other puts another value into a field.
func other(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch old := v.Interface().(type) {
	case trade.QRState:
		v.Set(reflect.ValueOf(trade.QRRejected))
	case trade.InvoiceState:
		v.Set(reflect.ValueOf(trade.InvRedFull))
	case trade.RefundState:
		v.Set(reflect.ValueOf(trade.RefNeedsPerson))
	case trade.Path:
		v.Set(reflect.ValueOf(trade.PathRecord))
	case trade.Message:
		v.Set(reflect.ValueOf(trade.Say(trade.IssuedLater)))
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(1_800_000_000_000).UTC()))
	case string:
		v.SetString(old + "x")
	case bool:
		v.SetBool(!old)
	case int:
		v.SetInt(int64(old) + 1)
	case trade.Money:
		v.SetInt(int64(old) + 1)
	default:
		t.Fatalf("%s is a %s: say how it can be changed", name, v.Type())
	}
}
