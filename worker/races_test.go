package worker_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/piaotong"
	"tillagent/piaotong/sandbox"
	"tillagent/queue"
	"tillagent/trade"
	"tillagent/worker"
)

// handlerTransport is the way to the sandbox without sockets, so that hours of
// retries pass in milliseconds inside a bubble.
type handlerTransport struct{ http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	rec := httptest.NewRecorder()
	done := make(chan bool, 1)
	go func() {
		defer func() { done <- recover() == nil }() // http.ErrAbortHandler: the connection is cut
		t.ServeHTTP(rec, r)
	}()
	select {
	case whole := <-done:
		if !whole {
			return nil, io.ErrUnexpectedEOF
		}
		return rec.Result(), nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}

// lab is a till without paper inside a synctest bubble: the real worker, the
// real database, the real client and the sandbox.
type lab struct {
	*shop
	path     string
	platform *piaotong.Client
	clock    *worker.Clock
	skew     atomic.Int64  // of the platform's clock, a time.Duration
	valid    time.Duration // of QR codes
	log      *slog.Logger
	run      func()
}

// race plays one race in a bubble.
func race(t *testing.T, play func(*testing.T, *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{shop: &shop{t: t}, path: filepath.Join(t.TempDir(), "agent.db"), clock: &worker.Clock{}, valid: 24 * time.Hour}
		var err error
		l.sandbox, err = sandbox.New(sandbox.Options{PublicURL: "http://platform.test", Now: func() time.Time { return time.Now().Add(time.Duration(l.skew.Load())) }})
		if err != nil {
			t.Fatal(err)
		}
		l.sandbox.SetIssueDelay(0)
		opts, err := l.sandbox.Account().ClientOptions("http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		opts.Transport, opts.Timeout, opts.OnDate, opts.Now = handlerTransport{l.sandbox}, 10*time.Second, l.clock.SawDate, l.clock.Now
		if l.platform, err = piaotong.New(opts); err != nil {
			t.Fatal(err)
		}
		l.open()
		l.run()
		play(t, l)
		l.stop()
		if err := l.store.VerifyJournal(); err != nil {
			t.Error(err)
		}
		for _, err := range []error{l.store.Close(), l.sandbox.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// open opens the database and prepares a worker for it.
func (l *lab) open() {
	l.t.Helper()
	var err error
	l.store, err = queue.Open(queue.Options{Path: l.path, Prefix: "DEMO", QRValid: l.valid, Pause: worker.Pause(15*time.Second, 10*time.Minute)})
	if err != nil {
		l.t.Fatal(err)
	}
	l.stop = func() {}
	l.run = func() {
		account := l.sandbox.Account()
		w := worker.New(worker.Options{Store: l.store, Platform: l.platform, Clock: l.clock, Log: l.log,
			Issuer: worker.Issuer{TaxpayerNum: account.TaxpayerNum, EnterpriseName: account.EnterpriseName}})
		stop, cancelStop := context.WithCancel(context.Background())
		work, cancelWork := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); w.Run(stop, work) }()
		l.stop = func() {
			cancelStop()
			cancelWork()
			<-done
			l.stop = func() {}
		}
	}
}

// restart is a power cut: nothing is settled any more.
func (l *lab) restart() {
	l.t.Helper()
	if err := l.store.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.open()
	l.run()
}

func (l *lab) fault(f sandbox.Fault) {
	l.t.Helper()
	if err := l.sandbox.SetFault(f); err != nil {
		l.t.Fatal(err)
	}
}

// until waits, in the bubble's time, at most two days.
func (l *lab) until(saleID, what string, ok func(*queue.Record) bool) *queue.Record {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 48*time.Hour)
	defer cancel()
	r, err := l.store.Await(ctx, saleID, ok)
	if err != nil || !ok(r) {
		l.t.Fatalf("%s is not %s: %+v, op %+v, %v", saleID, what, r.Standing, r.Op, err)
	}
	return r
}

func (l *lab) url(saleID string) string {
	l.t.Helper()
	return l.until(saleID, "qr_ready", view(trade.StateQRReady)).Standing.Current().URL
}

func (l *lab) claim(saleID string, o sandbox.Outcome) string {
	l.t.Helper()
	serial, err := l.sandbox.Claim(sandbox.Claim{URL: l.url(saleID), BuyerName: "某某公司", Outcome: o})
	if err != nil {
		l.t.Fatal(err)
	}
	return serial
}

func (l *lab) part(id, saleID string, amount trade.Money, lines ...trade.RefundLine) {
	l.t.Helper()
	_, created, err := l.store.AcceptRefund(l.t.Context(), trade.RefundRequest{ID: id, SaleID: saleID, Amount: amount, Items: lines, Reason: trade.SalesReturn})
	if err != nil || !created {
		l.t.Fatal(created, err)
	}
}

// sums are what the platform holds for a sale: blue less red, and unclaimed codes.
func (l *lab) sums(saleID string) (invoiced, claimable trade.Money) {
	l.t.Helper()
	for _, i := range l.ledger().Invoices {
		if i.TradeNo == saleID && i.Code == piaotong.StateIssued {
			m, err := trade.ParseMoney(i.Amount)
			if err != nil {
				l.t.Fatal(err)
			}
			invoiced += m
		}
	}
	for _, q := range l.ledger().QRs {
		if q.TradeNo == saleID && q.State == "active" {
			m, err := trade.ParseMoney(q.Amount)
			if err != nil {
				l.t.Fatal(err)
			}
			claimable += m
		}
	}
	return invoiced, claimable
}

func (l *lab) holds(saleID string, invoiced, claimable trade.Money) {
	l.t.Helper()
	if i, c := l.sums(saleID); i != invoiced || c != claimable {
		l.t.Errorf("the platform holds invoices over %s and codes over %s for %s, want %s and %s\n%+v", i, c, saleID, invoiced, claimable, l.ledger().Invoices)
	}
}

func (l *lab) alerts() map[string]int {
	l.t.Helper()
	as, err := l.store.ActiveAlerts()
	if err != nil {
		l.t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, a := range as {
		kinds[a.Kind]++
	}
	return kinds
}

func refundIs(id, state string) func(*queue.Record) bool {
	return func(r *queue.Record) bool {
		f := r.Standing.Refund(id)
		return f != nil && r.Standing.RefundView(*f) == state
	}
}

func TestR01RefundWhileTheCustomerFillsInTheForm(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		url := l.url("S1")
		l.refund("R1", "S1")
		l.until("S1", "voided", view(trade.StateVoided))
		if _, err := l.sandbox.Claim(sandbox.Claim{URL: url}); err == nil {
			t.Error("the customer could still submit")
		}
		l.sell("S2")
		l.claim("S2", sandbox.Issued) // submitted a moment before the refund
		l.refund("R2", "S2")
		l.until("S2", "red_flushed", view(trade.StateRedFlushed))
		l.holds("S1", 0, 0)
		l.holds("S2", 0, 0)
	})
}

func TestR02VoidDeniedAndNothingClaimed(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sandbox.SetIsDeleteText(true)
		l.fault(sandbox.Fault{Interface: "2.17", Kind: sandbox.FaultVoidFalse, Times: 3})
		l.sell("S1")
		l.url("S1")
		l.refund("R1", "S1")
		l.until("S1", "voided", view(trade.StateVoided))
		l.holds("S1", 0, 0)

		l.sell("S2")
		l.url("S2")
		l.fault(sandbox.Fault{Interface: "2.17", Kind: sandbox.FaultVoidFalse})
		l.refund("R2", "S2")
		r := l.until("S2", "a person's", refundIs("R2", "failed"))
		if r.Standing.Refunds[0].Problem.Key != trade.VoidUnconfirmed || l.alerts()[trade.AlertRefund] != 1 {
			t.Errorf("refund %+v, alerts %v", r.Standing.Refunds[0], l.alerts())
		}
	})
}

func TestR03RefundWhileIssuing(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		serial := l.claim("S1", sandbox.Hang)
		l.until("S1", "invoicing", view(trade.StateInvoicing))
		l.refund("R1", "S1")
		l.until("S1", "waiting", refundIs("R1", "waiting_invoice"))
		time.Sleep(6 * time.Hour)
		if err := l.sandbox.Settle(serial, sandbox.Issued); err != nil {
			t.Fatal(err)
		}
		l.until("S1", "red_flushed", view(trade.StateRedFlushed))
		l.holds("S1", 0, 0)
	})
}

func TestR04RefundWhileLoginIsNeededThenStaffReissues(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		serial := l.claim("S1", sandbox.Auth)
		l.until("S1", "auth_required", view(trade.StateAuthRequired))
		if l.alerts()[trade.AlertAuth] != 1 {
			t.Errorf("alerts %v, want one for the account", l.alerts())
		}
		l.refund("R1", "S1")
		l.until("S1", "waiting", refundIs("R1", "waiting_auth"))
		if err := l.sandbox.Settle(serial, sandbox.Issued); err != nil {
			t.Fatal(err)
		}
		l.until("S1", "red_flushed", view(trade.StateRedFlushed))
		l.holds("S1", 0, 0)
		if len(l.alerts()) != 0 {
			t.Errorf("alerts %v at the end", l.alerts())
		}
	})
}

func TestR04FailedRefundedAndReissuedLater(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		serial := l.claim("S1", sandbox.Failed)
		l.until("S1", "invoice_failed", view(trade.StateInvoiceFailed))
		l.refund("R1", "S1")
		l.until("S1", "done", refundIs("R1", "done"))
		time.Sleep(9 * 24 * time.Hour)
		if err := l.sandbox.Settle(serial, sandbox.Issued); err != nil {
			t.Fatal(err)
		}
		l.until("S1", "red_flushed", view(trade.StateRedFlushed))
		l.until("S1", "done", refundIs("R1", "done"))
		l.holds("S1", 0, 0)
	})
}

// TestLoginAlertIsOneForAllSales holds one alert over several sales. The first
// invoice that is issued shows that the account works; the one that the
// platform does not go on with by itself is a person's.
func TestLoginAlertIsOneForAllSales(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		var serials []string
		for _, id := range []string{"S1", "S2"} {
			l.sell(id)
			serials = append(serials, l.claim(id, sandbox.Auth))
			l.until(id, "auth_required", view(trade.StateAuthRequired))
		}
		if n := l.alerts()[trade.AlertAuth]; n != 1 {
			t.Errorf("%d alerts for the account, want 1", n)
		}
		for i, want := range []map[string]int{{trade.AlertRejected: 1}, {}} {
			if err := l.sandbox.Settle(serials[i], sandbox.Issued); err != nil {
				t.Fatal(err)
			}
			l.until(fmt.Sprint("S", i+1), "issued", view(trade.StateInvoiced))
			time.Sleep(time.Minute) // in the bubble: the other is asked about
			if got := l.alerts(); !maps.Equal(got, want) {
				t.Errorf("alerts after sale %d: %v, want %v", i+1, got, want)
			}
		}
	})
}

func TestR05RedPendingAndAlreadyRed(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		l.claim("S1", sandbox.Issued)
		l.until("S1", "invoiced", view(trade.StateInvoiced))
		l.fault(sandbox.Fault{Interface: "2.10", Kind: sandbox.FaultRefuse, Code: "8040", Times: 1})
		l.refund("R1", "S1")
		l.until("S1", "red_flushed", view(trade.StateRedFlushed))
		l.holds("S1", 0, 0)
		if n := l.ledger().Calls["2.11"]; n < 3 {
			t.Errorf("2.11 was asked %d times", n)
		}
	})
}

// TestR06R07AnswersLostAfterProcessing loses the answer of each changing call.
func TestR06R07AnswersLostAfterProcessing(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.FaultLostAnswer, sandbox.FaultBadSignature} {
		for _, c := range []struct {
			lost   string
			refund trade.Money // 0 for the whole
			left   trade.Money
		}{{"2.16", 0, 0}, {"2.10", 0, 0}, {"2.37", 1000, 4850}} {
			t.Run(fmt.Sprintf("%s %s", c.lost, kind), func(t *testing.T) {
				race(t, func(t *testing.T, l *lab) {
					l.fault(sandbox.Fault{Interface: c.lost, Kind: kind, Times: 1})
					l.sell("S1")
					l.claim("S1", sandbox.Issued)
					l.until("S1", "invoiced", view(trade.StateInvoiced))
					l.part("R1", "S1", c.refund)
					l.until("S1", "done", refundIs("R1", "done"))
					l.holds("S1", c.left, 0)
					if n := len(l.ledger().QRs); n != 1 {
						t.Errorf("%d QR codes", n)
					}
				})
			})
		}
	}
}

// called waits, in the bubble's time, until an interface was called.
func (l *lab) called(number string, calls func() int) {
	l.t.Helper()
	for range 10_000 {
		if calls() > 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	l.t.Fatalf("%s is not called", number)
}

// TestR06RequestArrivesLate refunds a sale whose 2.16 was lost on its way and
// arrives after the platform said that it has no such code.
func TestR06RequestArrivesLate(t *testing.T) {
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprint("whole ", whole), func(t *testing.T) {
			race(t, func(t *testing.T, l *lab) {
				l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultTimeout, Times: 1})
				l.sell("S1")
				amount, claimable := trade.Money(0), trade.Money(0)
				if !whole {
					amount, claimable = 1000, 4850
				}
				l.until("S1", "being sent", func(r *queue.Record) bool { return r.Standing.QRs[0].State == trade.QRInFlight })
				l.part("R1", "S1", amount)
				l.called("2.18", func() int { return l.ledger().Calls["2.18"] })
				r, err := l.store.Sale(t.Context(), "S1")
				if err != nil || r.Standing.Refunds[0].State != trade.RefWaitCertainty {
					t.Fatalf("%+v, %v", r.Standing.Refunds, err)
				}
				if err := l.sandbox.PlantQR(r.Standing.QRs[0].No, "S1", "58.50"); err != nil {
					t.Fatal(err)
				}
				l.until("S1", "done", refundIs("R1", "done"))
				if !whole {
					l.url("S1")
				}
				l.holds("S1", 0, claimable)
			})
		})
	}
}

func TestR10R11PushesAreHints(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		no := l.until("S1", "qr_ready", view(trade.StateQRReady)).Standing.QRs[0].No
		serial := l.claim("S1", sandbox.Hang)
		for range 3 { // repeated, and telling of an invoice that 2.11 says is not issued
			if known, err := l.store.HintInvoice(t.Context(), no, serial); err != nil || !known {
				t.Fatal(known, err)
			}
		}
		l.until("S1", "invoicing", view(trade.StateInvoicing))
		if err := l.sandbox.Settle(serial, sandbox.Issued); err != nil {
			t.Fatal(err)
		}
		r := l.until("S1", "invoiced", view(trade.StateInvoiced))
		if len(r.Standing.Invoices) != 1 {
			t.Errorf("invoices %+v", r.Standing.Invoices)
		}
		if known, err := l.store.HintInvoice(t.Context(), "", "P0000000000000000000"); err != nil || known {
			t.Errorf("an orphan is known: %v, %v", known, err)
		}
		l.holds("S1", 5850, 0)
	})
}

func TestR13MergedInvoice(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		l.sell("S2")
		if _, err := l.sandbox.ClaimMerged(sandbox.ClaimMerged{URLs: []string{l.url("S1"), l.url("S2")}, BuyerName: "某某公司"}); err != nil {
			t.Fatal(err)
		}
		l.until("S1", "invoiced", view(trade.StateInvoiced))
		l.until("S2", "invoiced", view(trade.StateInvoiced))
		l.refund("R1", "S1")
		r := l.until("S1", "red_flushed", view(trade.StateRedFlushed))
		if f := r.Standing.Refunds[0]; f.Path != trade.PathRedPart || f.State != trade.RefDone {
			t.Errorf("refund %+v", f)
		}
		if calls := l.ledger().Calls; calls["2.10"] != 0 || calls["2.37"] != 1 {
			t.Errorf("calls %v: 2.10 must never reverse a merged invoice", calls)
		}
		if r, err := l.store.Sale(t.Context(), "S2"); err != nil || r.Standing.View() != trade.StateInvoiced {
			t.Errorf("the other sale is %v, %v", r.Standing.View(), err)
		}
	})
}

func TestR14SplitInvoices(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		if _, err := l.sandbox.Claim(sandbox.Claim{URL: l.url("S1"), Split: 2}); err != nil {
			t.Fatal(err)
		}
		r := l.until("S1", "invoiced twice", func(r *queue.Record) bool {
			n := 0
			for _, i := range r.Standing.Invoices {
				if i.State == trade.InvIssued {
					n++
				}
			}
			return n == 2
		})
		if r.Standing.View() != trade.StateInvoiced {
			t.Errorf("the sale is %s", r.Standing.View())
		}
		l.refund("R1", "S1")
		l.until("S1", "red_flushed", view(trade.StateRedFlushed))
		l.until("S1", "done", refundIs("R1", "done"))
		l.holds("S1", 0, 0)
	})
}

func TestR15SecondPartialRefund(t *testing.T) {
	t.Run("before the invoice", func(t *testing.T) {
		race(t, func(t *testing.T, l *lab) {
			l.sell("S1")
			first := l.url("S1")
			l.part("R1", "S1", 1000)
			l.until("S1", "done", refundIs("R1", "done"))
			second := l.url("S1")
			l.part("R2", "S1", 0, trade.RefundLine{Line: 1, Amount: 850})
			l.until("S1", "done", refundIs("R2", "done"))
			third := l.url("S1")
			if first == second || second == third {
				t.Errorf("codes %s %s %s", first, second, third)
			}
			l.holds("S1", 0, 4000)
			l.claim("S1", sandbox.Issued)
			l.until("S1", "invoiced", view(trade.StateInvoiced))
			l.holds("S1", 4000, 0)
			l.part("R3", "S1", 0) // the rest, now by red-flush
			l.until("S1", "red_flushed", view(trade.StateRedFlushed))
			l.holds("S1", 0, 0)
		})
	})
	t.Run("after the invoice", func(t *testing.T) {
		race(t, func(t *testing.T, l *lab) {
			l.sell("S1")
			l.claim("S1", sandbox.Issued)
			l.until("S1", "invoiced", view(trade.StateInvoiced))
			l.part("R1", "S1", 1000)
			l.part("R2", "S1", 0, trade.RefundLine{Line: 1, Quantity: 0, Amount: 850})
			l.until("S1", "done", refundIs("R1", "done"))
			l.until("S1", "done", refundIs("R2", "done"))
			l.holds("S1", 4000, 0)
			l.part("R3", "S1", 0)
			l.until("S1", "red_flushed", view(trade.StateRedFlushed))
			l.holds("S1", 0, 0)
		})
	})
	t.Run("before sending", func(t *testing.T) {
		race(t, func(t *testing.T, l *lab) {
			l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8009", Times: 1}) // surely not processed
			l.sell("S1")
			l.until("S1", "tried", func(r *queue.Record) bool { return r.Op != nil && r.Op.Attempts == 1 })
			l.part("R1", "S1", 1000)
			l.url("S1")
			l.holds("S1", 0, 4850)
			if n := len(l.ledger().QRs); n != 1 {
				t.Errorf("%d codes, want the one over the rest", n)
			}
		})
	})
	// What was sent goes out again under its number as it was, and is voided then.
	t.Run("after it was put off", func(t *testing.T) {
		race(t, func(t *testing.T, l *lab) {
			l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8996", Times: 1})
			l.sell("S1")
			l.until("S1", "tried", func(r *queue.Record) bool { return r.Op != nil && r.Op.Attempts == 1 })
			l.part("R1", "S1", 1000)
			l.until("S1", "the rest", func(r *queue.Record) bool {
				q := r.Standing.Current()
				return q.Gen == 1 && q.State == trade.QRActive
			})
			l.holds("S1", 0, 4850)
			if all := l.ledger().QRs; len(all) != 2 {
				t.Errorf("%d codes, want that over the whole, voided, and that over the rest", len(all))
			}
			l.until("S1", "done", refundIs("R1", "done"))
		})
	})
}

func TestR17PowerCutBetweenAnswerAndCommit(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.stop()
		l.sell("S1")
		c, _, err := l.store.ClaimOp(t.Context(), trade.LaneLive)
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		account := l.sandbox.Account()
		_, err = l.platform.CreateQR(t.Context(), piaotong.QRCreate{TaxpayerNum: account.TaxpayerNum, EnterpriseName: account.EnterpriseName,
			QRCodeNo: c.Record.Standing.QRs[0].No, TradeNo: "S1", TradeTime: c.Record.Sale.SoldAt, Amount: "58.50", ExpireTime: c.Record.Standing.QRs[0].ExpiresAt,
			Items: []piaotong.QRItem{{Name: "午餐", TaxCode: "3070401000000000000", Rate: "0.06", Amount: "58.50"}}})
		if err != nil {
			t.Fatal(err)
		}
		l.restart() // the answer was never stored
		l.url("S1")
		if calls := l.ledger().Calls; calls["2.16"] != 1 || calls["2.18"] == 0 {
			t.Errorf("calls %v: want a question, and no second 2.16", calls)
		}
	})
}

func TestR19ClockWrong(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.skew.Store(int64(5 * time.Minute)) // corrected in what is sent
		l.sell("S1")
		l.url("S1")
		l.skew.Store(int64(25 * time.Hour))
		l.sell("S2") // its first answer tells how wrong the clock is
		l.sell("S3")
		time.Sleep(time.Minute)
		l.sell("S4")
		r := l.until("S4", "tried", func(r *queue.Record) bool { return r.Op != nil && r.Op.Attempts > 0 })
		if r.Standing.View() != trade.StateQueued || l.alerts()[trade.AlertClock] != 1 {
			t.Errorf("S4 is %s, alerts %v; want it to wait, with an alert", r.Standing.View(), l.alerts())
		}
		l.skew.Store(0)
		l.url("S4")
		if l.alerts()[trade.AlertClock] != 0 {
			t.Errorf("alerts %v after the clock was set", l.alerts())
		}
	})
}

func TestR20ExpiryWhileScanning(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		l.sell("S2")
		expires := l.until("S1", "qr_ready", view(trade.StateQRReady)).Standing.QRs[0].ExpiresAt
		l.url("S2")
		time.Sleep(time.Until(expires) - time.Second)
		l.claim("S1", sandbox.Issued) // in the last second
		l.until("S1", "invoiced", view(trade.StateInvoiced))
		r := l.until("S2", "expired", view(trade.StateExpired))
		if r.Op != nil {
			t.Errorf("an expired code is still asked about: %+v", r.Op)
		}
	})
}

func TestR22StopWithACallInFlight(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultDelay, Delay: 8 * time.Second, Times: 1})
		l.sell("S1")
		time.Sleep(time.Second)
		l.stop()
		l.restart()
		l.url("S1")
		if n := len(l.ledger().QRs); n != 1 {
			t.Errorf("%d QR codes", n)
		}
	})
}

func TestR23RedFlushedByHand(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.sell("S1")
		serial := l.claim("S1", sandbox.Issued)
		l.until("S1", "invoiced", view(trade.StateInvoiced))
		if err := l.sandbox.RedByHand(serial); err != nil {
			t.Fatal(err)
		}
		l.refund("R1", "S1")
		r := l.until("S1", "done", refundIs("R1", "done"))
		if r.Standing.View() != trade.StateRedFlushed || r.Standing.Refunds[0].Problem.Key != trade.RedByHand {
			t.Errorf("%s, %+v", r.Standing.View(), r.Standing.Refunds[0])
		}
	})
}

func TestForeignNumberTakesTheNext(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.stop()
		l.sell("S1")
		r, err := l.store.Sale(t.Context(), "S1")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.sandbox.PlantQR(r.Standing.QRs[0].No, "SOMEBODY-ELSE", "1.00"); err != nil {
			t.Fatal(err)
		}
		l.run()
		r = l.until("S1", "qr_ready", view(trade.StateQRReady))
		if len(r.Standing.QRs) != 2 || l.alerts()[trade.AlertCredentials] != 1 {
			t.Errorf("codes %+v, alerts %v", r.Standing.QRs, l.alerts())
		}
		l.sell("S2")
		l.url("S2")
	})
}

// TestVoidsShareACall refunds many unclaimed codes at once.
func TestVoidsShareACall(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		for i := range 20 {
			id := fmt.Sprint("S", i)
			l.sell(id)
			l.url(id)
		}
		l.stop()
		for i := range 20 {
			l.refund(fmt.Sprint("R", i), fmt.Sprint("S", i))
		}
		if _, err := l.sandbox.Claim(sandbox.Claim{URL: l.ledger().QRs[7].URL}); err != nil { // a moment before
			t.Fatal(err)
		}
		l.run()
		voided := 0
		for i := range 20 {
			r := l.until(fmt.Sprint("S", i), "done", refundIs(fmt.Sprint("R", i), "done"))
			if r.Standing.View() == trade.StateVoided {
				voided++
			}
		}
		if calls := l.ledger().Calls["2.17"]; voided != 19 || calls != 1 {
			t.Errorf("%d voided in %d calls, want 19 in one", voided, calls)
		}
	})
}

// TestR21KeysRotatedWithCallsInFlight has the platform refuse our key while
// the answer to a call is missing: the sale waits, and goes on with the new key.
func TestR21KeysRotatedWithCallsInFlight(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultLostAnswer, Times: 1})
		good := l.platform
		opts, err := l.sandbox.Account().ClientOptions("http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		if opts.PrivateKey, err = rsa.GenerateKey(rand.Reader, 1024); err != nil {
			t.Fatal(err)
		}
		opts.Transport, opts.OnDate, opts.Now = handlerTransport{l.sandbox}, l.clock.SawDate, l.clock.Now
		l.sell("S1")
		l.until("S1", "in doubt", func(r *queue.Record) bool { return r.Standing.Current().State == trade.QRUnknown })
		l.stop()
		if l.platform, err = piaotong.New(opts); err != nil {
			t.Fatal(err)
		}
		l.restart() // with a key that the platform does not take
		l.sell("S2")
		l.until("S2", "tried", func(r *queue.Record) bool { return r.Op != nil && r.Op.Attempts > 0 })
		if n := l.alerts()[trade.AlertCredentials]; n != 1 {
			t.Errorf("alerts %v, want one for the key", l.alerts())
		}
		l.stop()
		l.platform = good
		l.restart()
		l.url("S1")
		l.url("S2")
		if n := len(l.ledger().QRs); n != 2 || len(l.alerts()) != 0 {
			t.Errorf("%d QR codes, alerts %v", n, l.alerts())
		}
	})
}

// amounts notes the invoiceAmount of every request on its way.
type amounts struct {
	http.Handler
	codec *piaotong.Codec
	mu    sync.Mutex
	sent  map[string]bool
}

func (a *amounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if req, err := a.codec.OpenRequest(raw); err == nil {
			a.mu.Lock()
			for _, m := range regexp.MustCompile(`"invoiceAmount":"?([^",}]*)`).FindAllSubmatch(req.Content, -1) {
				a.sent[string(m[1])] = true
			}
			a.mu.Unlock()
		}
	}
	a.Handler.ServeHTTP(w, r)
}

// TestR24AmountAsText sends the amount of 2.16 to the letter in 2.18 and 2.17.
func TestR24AmountAsText(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		opts, err := l.sandbox.Account().ClientOptions("http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		codec, err := piaotong.NewCodec(stranger, &opts.PrivateKey.PublicKey, opts.DES3Key)
		if err != nil {
			t.Fatal(err)
		}
		seen := &amounts{Handler: l.sandbox, codec: codec, sent: map[string]bool{}}
		opts.Transport = handlerTransport{seen}
		l.stop()
		if l.platform, err = piaotong.New(opts); err != nil {
			t.Fatal(err)
		}
		l.restart()
		sale := lunch("S1")
		sale.Items = []trade.Line{{Name: "茶", Amount: 2000, TaxCode: "3070401000000000000", Rate: 6}}
		sale.Total = 2000
		if _, _, err := l.store.AcceptSale(t.Context(), sale, sale.Digest()); err != nil {
			t.Fatal(err)
		}
		l.url("S1")
		time.Sleep(time.Hour) // it is asked about meanwhile
		l.refund("R1", "S1")
		l.until("S1", "voided", view(trade.StateVoided))
		calls := l.ledger().Calls
		if calls["2.16"] == 0 || calls["2.17"] == 0 || calls["2.18"] == 0 || len(seen.sent) != 1 || !seen.sent["20.00"] {
			t.Errorf("calls %v sent the amounts %v, want 20.00 each time", calls, seen.sent)
		}
	})
}

// TestStubbornAnswersAreTold has an interface answer that it cannot do it now,
// again and again: a person is told once, and when it is over.
func TestStubbornAnswersAreTold(t *testing.T) {
	race(t, func(t *testing.T, l *lab) {
		l.fault(sandbox.Fault{Interface: "2.16", Kind: sandbox.FaultRefuse, Code: "8996"})
		l.sell("S1")
		time.Sleep(time.Hour) // in the bubble
		if n := l.alerts()[trade.AlertUnreachable]; n != 1 {
			t.Errorf("%d alerts after an hour, want 1", n)
		}
		l.sandbox.ClearFaults()
		l.until("S1", "fetched", view(trade.StateQRReady))
		if n := l.alerts()[trade.AlertUnreachable]; n != 0 {
			t.Errorf("%d alerts after it, want none", n)
		}
	})
}
