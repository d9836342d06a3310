package worker

import (
	"context"
	"errors"
	"time"

	"tillagent/piaotong"
	"tillagent/queue"
	"tillagent/trade"
)

// issueKinds is what the customer may choose on the platform's page: the
// ordinary digital invoice (interface 2.16, invoiceIssueOptions).
var issueKinds = []string{"82"}

// call carries an operation to the platform and says what its answer means for
// the sale; nil for no news.
func (w *Worker) call(ctx context.Context, c *queue.OpClaim) trade.Event {
	if e := w.stubborn.failed(c); e != nil {
		w.breaker.unused() // nothing goes out
		return e
	}
	started := time.Now()
	e, err := w.ask(ctx, c)
	if c.Op.Kind == trade.OpCreateQR && ctx.Err() == nil {
		w.waits.took(time.Since(started), err)
	}
	w.noticed(ctx, err, answering(c.Op, e)...)
	w.watchClock()
	return w.told(c, e, err, started)
}

// answering are the interfaces that answered where an operation came to e
// without an error: not always its own.
func answering(op trade.Op, e trade.Event) []string {
	switch e.(type) {
	case trade.Unsent:
		if op.Kind == trade.OpCreateQR { // asked for the clock's sake alone
			return []string{"2.18"}
		}
		return []string{"2.10", "2.12"} // the refusal of a reversal that runs
	case trade.Unmatched:
		return []string{"2.36"}
	case trade.InvoiceSeen, trade.InvoiceForeign: // also just before a number goes out again
		return []string{"2.11"}
	}
	if op.Kind == trade.OpRedPart {
		return []string{"2.36", "2.37"}
	}
	return []string{interfaces[op.Kind]}
}

// told gives the event of a call: e where it succeeded. It logs and notes the
// call.
func (w *Worker) told(c *queue.OpClaim, e trade.Event, err error, started time.Time) trade.Event {
	w.observe(c, e, err, started)
	w.putOff(c, err)
	if err != nil {
		e = w.outcome(c, err)
	}
	w.Log.Info("platform called", "sale", c.Record.Sale.ID, "op", c.Op.Kind, "attempt", c.Attempts, "took", time.Since(started).Round(time.Millisecond), "err", masked(err))
	return e
}

// ask makes the call of an operation.
func (w *Worker) ask(ctx context.Context, c *queue.OpClaim) (trade.Event, error) {
	s := &c.Record.Standing
	ref := w.qrRef(s)
	switch c.Op.Kind {
	case trade.OpCreateQR:
		if w.Clock.Wrong() {
			return w.awaitClock(ctx, ref, c.Op)
		}
		made, err := w.Platform.CreateQR(ctx, w.qrRequest(c.Record))
		return trade.QRCreated{Gen: c.Op.Gen, URL: made.URL, ExtractCode: made.ExtractCode, At: time.Now()}, err
	case trade.OpQueryQR:
		seen, err := w.Platform.QueryQR(ctx, ref)
		if err != nil {
			return nil, err
		}
		return w.qrSeen(c, seen), nil
	case trade.OpRedFlush, trade.OpRedPart, trade.OpIssue:
		if e, err := w.meanwhile(ctx, c); e != nil || err != nil {
			return e, err
		}
		return w.makeInvoice(ctx, c)
	default:
		state, err := w.Platform.QueryInvoice(ctx, piaotong.InvoiceRef{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: c.Op.Serial})
		if err != nil {
			return nil, err
		}
		return w.invoiceSeen(c, state), nil
	}
}

// qrRef names the sale's current QR code, with the amount as 2.16 had it.
func (w *Worker) qrRef(s *trade.Standing) piaotong.QRRef {
	q := s.Current()
	if q == nil {
		return piaotong.QRRef{}
	}
	return piaotong.QRRef{TaxpayerNum: w.Issuer.TaxpayerNum, QRCodeNo: q.No, Amount: q.Amount.String()}
}

// voids carries the void of a claim to the platform together with the others
// that are due: 2.17 takes many.
func (w *Worker) voids(work context.Context, first *queue.OpClaim) {
	claims := []*queue.OpClaim{first}
	more, err := w.Store.ClaimAlike(work, first, piaotong.MaxVoidBatch-1)
	if err != nil {
		w.report("a claim of further voids", err)
	}
	claims = append(claims, more...)
	refs := make([]piaotong.QRRef, len(claims))
	for i, c := range claims {
		refs[i] = w.qrRef(&c.Record.Standing)
	}
	started := time.Now()
	voided, err := w.Platform.VoidQRs(work, refs)
	w.noticed(work, err, "2.17")
	for i, c := range claims {
		var e trade.Event = trade.VoidDenied{Gen: c.Op.Gen}
		if err == nil && voided[i].Voided {
			e = trade.VoidConfirmed{Gen: c.Op.Gen, At: time.Now()}
		}
		w.settle(work, c, w.told(c, e, err, started))
	}
}

// noticed tells the breaker and the alerts what a call of interfaces came to.
func (w *Worker) noticed(ctx context.Context, err error, called ...string) {
	var pe *piaotong.Error
	switch {
	case err == nil:
		w.answered(called...)
		return
	case !errors.As(err, &pe):
		w.breaker.unused()
		return
	case pe.NoPath: // nothing was sent
		w.pathMissing(pe)
		w.breaker.unused()
		return
	case neverSent(pe):
		w.breaker.unused()
		return
	}
	if pe.Untrusted && w.untrusted.turn(true) {
		w.report("an alert", w.Store.Raise(trade.Raise{Kind: trade.AlertCredentials, Subject: "untrusted",
			Title: trade.Say(trade.PlatformUntrusted), Action: trade.Say(trade.PlatformUntrustedDo)}))
	}
	switch {
	case pe.Kind == piaotong.Misconfigured && !kindDisabled(pe):
		w.misconfigured(pe)
	case pe.Kind == piaotong.Unavailable, pe.Kind == piaotong.Unknown:
		if ctx.Err() == nil && pe.Code == "" {
			w.unreachable()
		} else {
			w.breaker.unused()
		}
	default:
		w.answered(pe.Interface)
	}
}

// neverSent reports that the client itself found no way to ask: the platform's
// refusals have a code.
func neverSent(pe *piaotong.Error) bool {
	return pe.NoPath || pe.Kind == piaotong.Refused && pe.Code == ""
}

// outcome turns a failed call of an operation into an event.
func (w *Worker) outcome(c *queue.OpClaim, err error) trade.Event {
	var pe *piaotong.Error
	if !errors.As(err, &pe) {
		return w.lost(c) // not the client's error: assume nothing
	}
	if pe.NoPath {
		return trade.Unmatched{Op: c.Op, Why: trade.Say(trade.PathByHand, missingPath(pe))}
	}
	if errors.As(err, &unsent{}) && pe.Kind != piaotong.Refused && pe.Kind != piaotong.NotFound && pe.Kind != piaotong.AlreadyRed && pe.Kind != piaotong.Auth {
		return trade.Unsent{Op: c.Op}
	}
	switch pe.Kind {
	case piaotong.Refused:
		if c.Op.Changing() {
			return trade.Refused{Op: c.Op, Code: pe.Code, Msg: pe.Msg}
		}
		if q := c.Record.Standing.Current(); c.Op.Kind == trade.OpQueryQR && q.Taken && q.State == trade.QRUnknown {
			return trade.QRForeign{Gen: c.Op.Gen} // it exists, and not with our amount
		}
		return nil
	case piaotong.NotFound:
		switch c.Op.Kind {
		case trade.OpQueryQR:
			return trade.QRMissing{Gen: c.Op.Gen, At: time.Now()}
		case trade.OpQueryInvoice:
			return trade.InvoiceMissing{Serial: c.Op.Serial, At: time.Now()}
		}
		if c.Op.Changing() { // the thing itself is missing, so the same call can never succeed
			return trade.Refused{Op: c.Op, Code: pe.Code, Msg: pe.Msg}
		}
		return nil
	case piaotong.Duplicate:
		if c.Op.Kind == trade.OpCreateQR {
			return trade.QRTaken{Gen: c.Op.Gen}
		}
	case piaotong.AlreadyRed:
		if c.Op.Kind == trade.OpRedFlush || c.Op.Kind == trade.OpRedPart { // elsewhere it says nothing: ask
			return trade.RedAlready{Serial: c.Op.Serial, At: time.Now()}
		}
	case piaotong.Auth:
		if c.Op.Serial != "" && c.Op.Changing() {
			return trade.AuthNeeded{Op: c.Op}
		}
		return w.unsent(c)
	case piaotong.Unavailable, piaotong.Misconfigured:
		if kindDisabled(pe) {
			return trade.Refused{Op: c.Op, Code: pe.Code, Msg: pe.Msg}
		}
		if c.Op.Serial != "" && c.Op.Changing() && pe.Code == "9999" {
			return w.lost(c) // "signature" here, "internal error" elsewhere: a red number is asked about first
		}
		return w.unsent(c)
	}
	return w.lost(c) // Unknown, Duplicate, Pending: ask
}

// lost says that a changing operation may have been done; a question can
// simply be asked again.
func (w *Worker) lost(c *queue.OpClaim) trade.Event {
	if c.Op.Changing() {
		return trade.Lost{Op: c.Op}
	}
	return nil
}

// unsent says that a changing operation surely was not processed; a question
// can simply be asked again.
func (w *Worker) unsent(c *queue.OpClaim) trade.Event {
	if c.Op.Changing() {
		return trade.Unsent{Op: c.Op}
	}
	return nil
}

// kindDisabled reports that the enterprise may not issue this kind of invoice
// (8037). For the QR code that is the till's set-up; for one invoice it is that
// invoice's own trouble and must not stop the others.
func kindDisabled(pe *piaotong.Error) bool {
	return pe.Code == "8037" && pe.Interface != "2.16"
}

// answered notes that the platform answered calls of interfaces, verified. What
// one interface refuses is over when that one answers, not another.
func (w *Worker) answered(called ...string) {
	if w.breaker.success(time.Now()) {
		w.waits.turn(false)
	}
	if w.untrusted.turn(false) {
		w.report("an alert's end", w.Store.Clear(trade.AlertCredentials, "untrusted"))
	}
	if w.away.turn(false) {
		w.report("an alert's end", w.Store.Clear(trade.AlertUnreachable, ""))
	}
	if w.refused.fall(called...) {
		w.report("an alert's end", w.Store.Clear(trade.AlertCredentials, ""))
	}
	if w.refused.stands() || !w.gone.Swap(false) {
		return
	}
	w.Log.Info("platform is back")
	w.waits.turn(false)
	w.report("that the platform is back", errors.Join(w.Store.Tell("platform.online", "", ""), w.Store.HastenAll()))
}

// unreachable notes a transport failure. With the breaker open no receipt
// waits for the platform.
func (w *Worker) unreachable() {
	if w.breaker.failure(time.Now()) {
		w.Log.Warn("platform cannot be reached; sales go on")
		w.away.turn(true)
		w.offline(trade.Raise{Kind: trade.AlertUnreachable, Title: trade.Say(trade.PlatformAway), Action: trade.Say(trade.PlatformAwayDo)})
	}
}

// misconfigured notes that the platform answered, and refuses the till's set-up.
func (w *Worker) misconfigured(pe *piaotong.Error) {
	news := w.refused.rise(pe.Interface)
	if w.breaker.stop(time.Now()) || news {
		w.Log.Error("the platform refuses this till's set-up", "code", pe.Code, "msg", pe.Msg)
		w.offline(trade.Raise{Kind: trade.AlertCredentials, Title: trade.Say(trade.PlatformRefuses, pe.Code, pe.Msg), Action: trade.Say(trade.PlatformRefusesDo)})
	}
	if w.away.turn(false) {
		w.report("an alert's end", w.Store.Clear(trade.AlertUnreachable, ""))
	}
}

func (w *Worker) offline(alert trade.Raise) {
	w.waits.turn(true)
	w.report("that the platform is away", errors.Join(w.Store.Raise(alert), w.Store.ReleaseReceipts()))
	if !w.gone.Swap(true) {
		w.report("that the platform is away", w.Store.Tell("platform.offline", "", ""))
	}
}

// qrRequest makes 2.16's request of a sale.
func (w *Worker) qrRequest(r *queue.Record) piaotong.QRCreate {
	s, q := r.Sale, r.Standing.Current()
	req := piaotong.QRCreate{TaxpayerNum: w.Issuer.TaxpayerNum, EnterpriseName: w.Issuer.EnterpriseName, ShopNum: w.shopNum(s),
		QRCodeNo: q.No, TradeNo: s.ID, TradeTime: s.SoldAt, Amount: q.Amount.String(), ExpireTime: q.ExpiresAt,
		DrawerName: w.Issuer.DrawerName, CashierName: w.Issuer.CashierName, ReviewerName: w.Issuer.ReviewerName, Remark: s.Remark, IssueKinds: issueKinds}
	if b := s.Buyer; b.Name != "" {
		req.Buyer = &piaotong.QRBuyer{Name: b.Name, TaxpayerNum: b.TaxNo, Address: b.Address, Tel: b.Phone, BankName: b.Bank, BankAccount: b.Account,
			TakerEmail: b.Email, TakerTel: b.Mobile}
	}
	for _, l := range invoiced(r, q.Gen) {
		item := piaotong.QRItem{Name: l.Name, Spec: l.Spec, Unit: l.Unit, TaxCode: l.TaxCode, Rate: l.Rate.String(), ZeroTaxFlag: l.ZeroTaxFlag, Amount: l.Amount.String()}
		item.Quantity, item.UnitPrice, item.Discount = figures(l)
		req.Items = append(req.Items, item)
	}
	return req
}

// redRequest makes 2.10's request: the whole blue invoice, negative.
func (w *Worker) redRequest(s *trade.Standing, op trade.Op) piaotong.RedFull {
	red := s.Invoice(op.Serial)
	req := piaotong.RedFull{TaxpayerNum: w.Issuer.TaxpayerNum, ReqSerialNo: red.Serial, Amount: red.Amount.String(), DefinedData: red.RefundID}
	if r := s.Refund(red.RefundID); r != nil {
		req.Reason = trade.Reasons[r.Reason]
	}
	blue := blueOf(s, red)
	req.BlueAllEleInvNo, req.BlueCode, req.BlueNo = blue.AllEleInvNo, blue.Code, blue.No
	return req
}

// qrSeen checks that the code which 2.18 describes is the sale's own.
func (w *Worker) qrSeen(c *queue.OpClaim, seen piaotong.QRStatus) trade.Event {
	if seen.TradeNo != "" && seen.TradeNo != c.Record.Sale.ID {
		return trade.QRForeign{Gen: c.Op.Gen}
	}
	e := trade.QRSeen{Gen: c.Op.Gen, URL: seen.URL, At: w.Clock.Now()} // the platform's time: ours may be past the code's end
	for _, i := range seen.Invoices {
		amount, err := trade.ParseMoney(i.Amount)
		if err != nil {
			amount = c.Record.Standing.Current().Amount // 2.11's net and tax will say
		}
		e.Invoices = append(e.Invoices, trade.SeenInvoice{Serial: i.ReqSerialNo, Amount: amount})
	}
	return e
}

// invoiceStates are 2.11's inner codes. An unknown one is no news.
var invoiceStates = map[string]trade.InvoiceState{
	piaotong.StateIssued: trade.InvIssued, piaotong.StateAuth: trade.InvBlocked, piaotong.StateWithdrawn: trade.InvWithdrew,
	piaotong.StatePending: trade.InvIssuing, piaotong.StateFailed: trade.InvFailed,
}

func (w *Worker) invoiceSeen(c *queue.OpClaim, i piaotong.InvoiceState) trade.Event {
	state, ok := invoiceStates[i.Code]
	if !ok {
		w.Log.Warn("unknown state of an invoice", "sale", c.Record.Sale.ID, "code", i.Code, "msg", hide(i.Msg))
		return nil
	}
	if foreign(c, i.TradeNo) {
		return trade.InvoiceForeign{Serial: c.Op.Serial}
	}
	e := trade.InvoiceSeen{Serial: c.Op.Serial, State: state, Number: i.AllEleInvNo, Code: i.InvoiceCode, No: i.InvoiceNo,
		IssuedAt: i.IssuedAt, DownloadURL: i.DownloadURL, ViewURL: i.StatusURL, Msg: i.Msg, At: time.Now()}
	var readable bool
	if e.Net, e.Tax, readable = amounts(i, c.Record.Standing.Invoice(c.Op.Serial)); !readable && state == trade.InvIssued {
		w.Log.Warn("an issued invoice has no readable amounts", "sale", c.Record.Sale.ID, "serial", c.Op.Serial)
	}
	return e
}

// amounts reads an invoice's net amount and tax, which are below zero of a red
// one: 2.11's table does not say with which sign the platform gives them.
func amounts(i piaotong.InvoiceState, known *trade.Invoice) (net, tax trade.Money, ok bool) {
	net, err1 := trade.ParseMoney(i.NetAmount)
	tax, err2 := trade.ParseMoney(i.TaxAmount)
	red := known != nil && known.Kind == trade.Red
	switch {
	case err1 != nil, err2 != nil, !red && net+tax < 0:
		return 0, 0, false
	case red && net+tax > 0:
		return -net, -tax, true
	}
	return net, tax, true
}
