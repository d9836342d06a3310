package worker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/trade"
)

// TestAccountHoldsWhatNeedsIt logs the account out: invoices blue and red wait,
// QR codes, voids and questions go on, one alert names the account. A login by
// SMS lets all go on, and what was sent before is asked about first.
func TestAccountHoldsWhatNeedsIt(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.sell("S0")
		b.claim("S0", sandbox.Issued)
		b.until("S0", "invoiced", view(trade.StateInvoiced))

		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		b.sell("S1")
		b.claim("S1", sandbox.Issued)
		b.blocked("S1")
		start := mark()
		b.invoice("D2")
		b.refund("R0", "S0") // needs a red invoice
		b.sell("S2")
		b.url("S2")
		b.refund("R2", "S2")
		b.sell("S3")
		b.until("S2", "voided", view(trade.StateVoided))
		time.Sleep(10 * time.Minute)
		numbers := b.calls.since(start)
		for number, want := range map[string]bool{"2.9": false, "2.10": false, "2.11": true, "2.16": true, "2.17": true, "2.18": true, "2.8": true, "2.45": true} {
			if slices.Contains(numbers, number) != want {
				t.Errorf("%s was called: %v, want %v", number, !want, want)
			}
		}
		if as := b.auth(); len(as) != 1 || as[0].Account != shown || as[0].Count != 2 || !strings.Contains(as[0].Title.In(trade.ZH), shown) {
			t.Errorf("alerts %+v, want one of both sales, naming the account", as)
		}

		code := b.code(sandbox.DefaultAccount)
		login := mark()
		a, err := b.w.Login(t.Context(), sandbox.DefaultAccount, code)
		if err != nil || !a.Ready() || a.Name != "沙箱开票员" || a.Phone != shown || !a.Default {
			t.Fatalf("logged in: %+v, %v", a, err)
		}
		b.issued("D1", "D2")
		b.until("S0", "red_flushed", view(trade.StateRedFlushed))
		if as := b.auth(); len(as) != 0 {
			t.Errorf("alerts %+v stand after the login", as)
		}
		if time.Since(login) > 2*time.Minute {
			t.Errorf("it took %s", time.Since(login))
		}
		again := 0
		for _, e := range b.ledger().Entries {
			if e.Kind == sandbox.ReissuedEntry {
				again++
			}
		}
		if n := count(b.calls.since(login), "2.9"); n != 2 || again != 1 {
			t.Errorf("2.9 was called %d times, %d times of them again; want D1 again and D2", n, again)
		}
		if strings.Contains(b.log.String(), code) {
			t.Error("the log has the login code")
		}
	})
}

// TestAccountAsksBeforeItSends has the only invoice re-issued by staff while
// its till believes it is blocked: it is asked about before it would be sent.
func TestAccountAsksBeforeItSends(t *testing.T) {
	for name, staff := range map[string]bool{"not issued": false, "issued by staff": true} {
		t.Run(name, func(t *testing.T) {
			atBureau(t, func(t *testing.T, b *bureau) {
				b.account(false, false)
				b.invoice("D1")
				b.blocked("D1")
				serial := b.ledger().Invoices[0].ReqSerialNo
				login := mark()
				b.account(true, false)
				want := []string{"2.8", "2.11", "2.9", "2.11"}
				if staff {
					if err := b.sandbox.Settle(serial, sandbox.Issued); err != nil {
						t.Fatal(err)
					}
					want = want[:2]
				}
				b.issued("D1")
				numbers := b.calls.since(login)
				if i := slices.Index(numbers, "2.8"); i < 0 || !slices.Equal(slices.Compact(numbers[i:]), want) {
					t.Errorf("calls %v, want %v", numbers, want)
				}
				if l := b.ledger(); len(l.Invoices) != 1 || l.Invoices[0].ReqSerialNo != serial {
					t.Errorf("the platform has %+v, want %s alone", l.Invoices, serial)
				}
			})
		})
	}
}

// TestKnownNumberIsAskedAboutAgain: a number that the platform has does not go
// out again on the word of an older answer.
func TestKnownNumberIsAskedAboutAgain(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		b.fault(sandbox.Fault{Interface: "2.9", Kind: sandbox.FaultRefuse, Code: "8996", Msg: "系统繁忙", Times: 1})
		login := mark()
		b.account(true, false)
		b.called("2.9", func() int { return count(b.calls.since(login), "2.9") })
		if err := b.sandbox.Settle(b.ledger().Invoices[0].ReqSerialNo, sandbox.Issued); err != nil {
			t.Fatal(err)
		}
		b.issued("D1")
		if n := count(b.calls.since(login), "2.9"); n != 1 {
			t.Errorf("2.9 was called %d times, want once", n)
		}
	})
}

// TestAccountIsAskedOften holds how often 2.8 is asked: each minute at first.
func TestAccountIsAskedOften(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		start := mark()
		time.Sleep(61 * time.Minute)
		first := len(b.calls.of("2.8"))
		if after := b.calls.of("2.8")[0].Sub(start); after < 59*time.Second {
			t.Errorf("first asked after %s, want a minute", after)
		}
		time.Sleep(time.Hour)
		later := len(b.calls.of("2.8")) - first
		if first < 58 || first > 61 || later < 11 || later > 13 {
			t.Errorf("asked %d times in the first hour and %d times in the next", first, later)
		}
		if n := len(b.calls.of("2.9")); n != 1 {
			t.Errorf("sent %d times, want once", n)
		}
		b.account(true, false)
		b.issued("D1")
	})
}

// TestAccountAtStart asks at once after a restart, and names the account though
// the list cannot be fetched.
func TestAccountAtStart(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		b.close()
		b.account(true, false)
		b.fault(sandbox.Fault{Interface: "2.45", Kind: sandbox.FaultReset})
		start := mark()
		b.start()
		b.issued("D1")
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
		b.account(false, false)
		b.invoice("D2")
		b.blocked("D2")
		if as := b.auth(); len(as) != 1 || as[0].Account != shown {
			t.Errorf("alerts %+v, want one that names the account", as)
		}
		list, asOf, err := b.w.Accounts(t.Context())
		if err != nil || len(list) != 2 || asOf.After(start) {
			t.Errorf("the last known list is %+v as of %s, %v", list, asOf, err)
		}
	})
}

// TestAccountAlertKeepsItsName has an alert that was raised before the account
// was known outlive a restart: it stays one, and the next has the name.
func TestAccountAlertKeepsItsName(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		for _, step := range []struct {
			sale, account string
			login         bool // before
		}{{"S1", "", false}, {"S2", "", false}, {"S3", shown, true}, {"S4", shown, false}} {
			b.close()
			b.connect()
			if step.login {
				b.account(true, false)
			}
			b.start()
			if step.login {
				b.issued("D1")
				b.account(false, false)
			}
			b.sell(step.sale)
			b.claim(step.sale, sandbox.Auth)
			b.blocked(step.sale)
			if as := b.auth(); len(as) != 1 || as[0].Account != step.account || as[0].Subject != step.account {
				t.Errorf("%s: alerts %+v, want one of %q", step.sale, as, step.account)
			}
		}
	}, withoutPaths("account_list", "account_auth_status"))
}

// TestAccountWithoutPaths has no interface of accounts: a piece of work now and
// then finds out whether the account works.
func TestAccountWithoutPaths(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		for _, id := range []string{"D2", "D3", "D4"} {
			b.invoice(id)
		}
		start := mark()
		time.Sleep(2 * time.Hour)
		if as := b.auth(); len(as) != 1 || as[0].Account != "" {
			t.Errorf("alerts %+v, want one without a name", as)
		}
		numbers := b.calls.since(start)
		if n := count(numbers, "2.9"); n < 6 || n > 32 {
			t.Errorf("sent %d times in two hours", n)
		}
		b.account(true, false)
		login := mark()
		b.issued("D1", "D2", "D3", "D4")
		if took := time.Since(login); took > 16*time.Minute {
			t.Errorf("it took %s", took)
		}
		if as := b.auth(); len(as) != 0 {
			t.Errorf("alerts %+v stand", as)
		}
		if k := b.alerts(); k[trade.AlertCredentials] != 0 {
			t.Errorf("alerts %v: nobody needs the paths of accounts", k)
		}
	}, withoutPaths("account_auth_status", "account_list", "account_sms_code", "account_sms_login", "account_auth_qr", "account_auth_qr_status", "account_logout"))
}

// TestAccountDoesNotFlap has 2.8 say that all is well while invoices end in
// 3999: what waits is let go ever more seldom, however often people look.
func TestAccountDoesNotFlap(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		if err := b.sandbox.SetBlueOutcome(sandbox.Auth); err != nil {
			t.Fatal(err)
		}
		looking, enough := context.WithCancel(t.Context())
		looked := make(chan int)
		go func() {
			n := 0
			for ; looking.Err() == nil; n++ {
				b.w.Account(looking, sandbox.DefaultAccount) // as a page that is open does
				select {
				case <-looking.Done():
				case <-time.After(30 * time.Second):
				}
			}
			looked <- n
		}()
		b.invoice("D1")
		time.Sleep(3 * time.Hour)
		enough()
		if n := <-looked; n < 300 {
			t.Errorf("looked %d times", n)
		}
		sent := b.calls.of("2.9")
		for i, least := range []time.Duration{0, 110 * time.Second, 290 * time.Second, 14 * time.Minute, 14 * time.Minute} {
			if i+2 >= len(sent) {
				t.Fatalf("sent %d times", len(sent))
			}
			if gap := sent[i+1].Sub(sent[i]); gap < least {
				t.Errorf("sent again after %s, want at least %s", gap, least)
			}
		}
		if len(sent) > 17 {
			t.Errorf("sent %d times in three hours", len(sent))
		}
		if err := b.sandbox.SetBlueOutcome(sandbox.Issued); err != nil {
			t.Fatal(err)
		}
		b.issued("D1")

		time.Sleep(61 * time.Minute) // of peace: a minute is enough again
		b.account(false, false)
		b.invoice("D2")
		b.blocked("D2")
		b.account(true, false)
		again := mark()
		b.issued("D2")
		if took := time.Since(again); took > 70*time.Second {
			t.Errorf("it took %s", took)
		}

		time.Sleep(61 * time.Minute)
		if err := b.sandbox.SetBlueOutcome(sandbox.Auth); err != nil {
			t.Fatal(err)
		}
		before := len(b.calls.of("2.9"))
		b.invoice("D3")
		time.Sleep(10 * time.Minute)
		if n := len(b.calls.of("2.9")) - before; n != 4 { // at once and after 1, 2 and 5 minutes
			t.Errorf("after an hour of peace sent %d times in ten minutes, want 4", n)
		}
	})
}

// TestAccountRespectsTheBreaker asks nothing while the platform cannot be reached.
func TestAccountRespectsTheBreaker(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		b.fault(sandbox.Fault{Interface: "*", Kind: sandbox.FaultReset})
		time.Sleep(30 * time.Minute)
		if online, _, _ := b.w.PlatformStatus(); online {
			t.Fatal("the breaker is not open")
		}
		before := len(b.calls.of("2.8"))
		time.Sleep(2 * time.Hour)
		if after := len(b.calls.of("2.8")); after != before {
			t.Errorf("2.8 was asked %d times while the breaker was open", after-before)
		}
		if _, err := b.w.Account(t.Context(), sandbox.DefaultAccount); !failed(err, trade.CallUnavailable) || len(b.calls.of("2.8")) != before+1 {
			t.Errorf("a person asks: %v, and %d calls went out; want one", err, len(b.calls.of("2.8"))-before)
		}
		b.account(true, false)
		b.sandbox.ClearFaults()
		if a, err := b.w.Account(t.Context(), sandbox.DefaultAccount); err != nil || !a.Ready() {
			t.Errorf("a person asks again: %+v, %v", a, err)
		}
		if online, _, _ := b.w.PlatformStatus(); !online {
			t.Error("the answer did not close the breaker")
		}
		b.issued("D1")
	})
}

// TestMissingPathIsTold raises one alert for a path that work needs, which ends
// at a start with it.
func TestMissingPathIsTold(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		missing := func() (subjects []string) {
			as, err := b.store.ActiveAlerts()
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range as {
				if a.Kind == trade.AlertCredentials {
					subjects = append(subjects, a.Subject)
					if text := a.Title.In(trade.EN); text != "path not configured: red_init" {
						t.Errorf("the alert says %q", text)
					}
				}
			}
			return subjects
		}
		for _, id := range []string{"S1", "S2"} {
			b.sell(id)
			b.claim(id, sandbox.Issued)
			b.until(id, "invoiced", view(trade.StateInvoiced))
			b.part("R"+id, id, 1000)
			b.until(id, "a person's", refundIs("R"+id, "failed"))
		}
		if got := missing(); !slices.Equal(got, []string{"path:red_init"}) {
			t.Errorf("alerts %v, want one", got)
		}
		b.close()
		b.start()
		if got := missing(); len(got) != 1 {
			t.Errorf("alerts %v after a restart without the path", got)
		}
		b.close()
		b.connect()
		b.start()
		if got := missing(); len(got) != 0 {
			t.Errorf("alerts %v after a start with the path", got)
		}
	}, withoutPaths("red_init"))
}
