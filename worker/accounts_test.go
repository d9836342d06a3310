package worker_test

import (
	"bytes"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tillagent/piaotong/sandbox"
	"tillagent/trade"
	"tillagent/worker"
)

func failed(err error, want trade.CallFailure) bool {
	ce, ok := errors.AsType[*trade.CallError](err)
	return ok && ce.Failure == want && ce.Why.In(trade.ZH) != "" && ce.Why.In(trade.ZH) != ce.Why.In(trade.EN)
}

// calls are the calls of people, by name.
func (b *bureau) people() map[string]func() error {
	ctx, name := b.t.Context(), sandbox.DefaultAccount
	return map[string]func() error{
		"list": func() error { _, _, err := b.w.Accounts(ctx); return err },
		"look": func() error { _, err := b.w.Account(ctx, name); return err },
		"register": func() error {
			return b.w.RegisterAccount(ctx, trade.Registration{Account: name, Password: sandbox.AccountPassword})
		},
		"sms":    func() error { _, err := b.w.SendLoginCode(ctx, name); return err },
		"login":  func() error { _, err := b.w.Login(ctx, name, "246810"); return err },
		"qr":     func() error { _, err := b.w.AuthQR(ctx, name); return err },
		"scan":   func() error { _, err := b.w.AuthQRStatus(ctx, name, "A1"); return err },
		"logout": func() error { return b.w.Logout(ctx, name) },
	}
}

// TestCallsFailInWords tries each call where nothing can come of it.
func TestCallsFailInWords(t *testing.T) {
	keys := map[string]string{"list": "account_list", "look": "account_auth_status", "register": "account_register", "sms": "account_sms_code",
		"login": "account_sms_login", "qr": "account_auth_qr", "scan": "account_auth_qr_status", "logout": "account_logout"}
	var all []string
	for _, k := range keys {
		all = append(all, k)
	}
	t.Run("no path", func(t *testing.T) {
		atBureau(t, func(t *testing.T, b *bureau) {
			for name, call := range b.people() {
				if name == "register" {
					continue // its path is known
				}
				err := call()
				if !failed(err, trade.CallUnavailable) || err.Error() != "path not configured: "+keys[name] {
					t.Errorf("%s: %v", name, err)
				}
			}
			if k := b.alerts(); len(k) != 0 {
				t.Errorf("alerts %v for what people asked", k)
			}
			b.sell("S1") // so that something is called at all
			b.url("S1")
		}, withoutPaths(all...))
	})
	for fault, want := range map[sandbox.Fault]trade.CallFailure{
		{Interface: "*", Kind: sandbox.FaultReset}:                               trade.CallUnavailable,
		{Interface: "*", Kind: sandbox.FaultStatus}:                              trade.CallUnavailable,
		{Interface: "*", Kind: sandbox.FaultRefuse, Code: "8996", Msg: "系统繁忙"}:   trade.CallUnavailable,
		{Interface: "*", Kind: sandbox.FaultMisconfigured}:                       trade.CallUnavailable,
		{Interface: "*", Kind: sandbox.FaultRefuse, Code: "8995", Msg: "操作员已停用"}: trade.CallRefused,
		{Interface: "*", Kind: sandbox.FaultRefuse, Code: "3999", Msg: "须先登录"}:   trade.CallRefused,
		{Interface: "*", Kind: sandbox.FaultRefuse, Code: "5001", Msg: "账号不存在"}:  trade.CallNotFound,
	} {
		t.Run(string(fault.Kind)+" "+fault.Code, func(t *testing.T) {
			atBureau(t, func(t *testing.T, b *bureau) {
				b.fault(fault)
				for name, call := range b.people() {
					err := call()
					if name == "list" { // as it was last known
						if err != nil {
							t.Errorf("list: %v", err)
						}
						continue
					}
					if !failed(err, want) {
						t.Errorf("%s: %v, want failure %d", name, err, want)
					}
					if fault.Msg != "" && !strings.Contains(err.Error(), fault.Msg) {
						t.Errorf("%s: %v, want the platform's words", name, err)
					}
				}
				if fault.Kind == sandbox.FaultMisconfigured && b.alerts()[trade.AlertCredentials] != 0 {
					t.Error("calls about accounts stopped the till")
				}
			})
		})
	}
	t.Run("no platform", func(t *testing.T) {
		atBureau(t, func(t *testing.T, b *bureau) {
			b.w = worker.New(worker.Options{Store: b.store})
			for name, call := range b.people() {
				if err := call(); name != "list" && (!failed(err, trade.CallUnavailable) || !strings.Contains(err.Error(), "not set up")) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	})
	t.Run("an account that is not there", func(t *testing.T) {
		atBureau(t, func(t *testing.T, b *bureau) {
			if _, err := b.w.Account(t.Context(), "13900000000"); !failed(err, trade.CallNotFound) || !strings.Contains(err.Error(), "未登记") {
				t.Errorf("%v, want not found", err)
			}
		})
	})
}

// TestCodesAreSentOncePerMinute holds 2.4's lock, per account, also where no
// answer came.
func TestCodesAreSentOncePerMinute(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		const name = sandbox.SecondAccount
		b.fault(sandbox.Fault{Interface: "2.4", Kind: sandbox.FaultTimeout, Times: 1})
		if _, err := b.w.SendLoginCode(t.Context(), name); !failed(err, trade.CallUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		_, err := b.w.SendLoginCode(t.Context(), name)
		var ce *trade.CallError
		if !errors.As(err, &ce) || ce.Failure != trade.CallTooSoon || ce.After != 20*time.Second || !strings.Contains(err.Error(), "20 seconds") {
			t.Errorf("too soon: %+v", ce)
		}
		b.code(sandbox.DefaultAccount) // another account has its own
		time.Sleep(ce.After)
		b.code(name)
		if _, err := b.w.SendLoginCode(t.Context(), name); !failed(err, trade.CallTooSoon) {
			t.Errorf("a second code at once: %v", err)
		}
		if n := len(b.calls.of("2.4")); n != 3 {
			t.Errorf("2.4 was called %d times, want 3", n)
		}
		time.Sleep(time.Minute)
		b.fault(sandbox.Fault{Interface: "2.4", Kind: sandbox.FaultRefuse, Code: "8995", Msg: "暂停服务", Times: 1})
		if _, err := b.w.SendLoginCode(t.Context(), name); !failed(err, trade.CallRefused) {
			t.Error(err)
		}
		b.code(name) // none was sent, so another may be at once
	})
}

// TestCodesGoOutOnce never sends a code again, whatever became of it.
func TestCodesGoOutOnce(t *testing.T) {
	const name = sandbox.DefaultAccount
	for _, tc := range []struct {
		name  string
		fault sandbox.Fault
		in    bool // logged in all the same
		want  trade.CallFailure
		sends int // of the same code, twice
	}{
		{"lost answer", sandbox.Fault{Kind: sandbox.FaultLostAnswer}, true, 0, 1},
		{"no answer", sandbox.Fault{Kind: sandbox.FaultTimeout}, false, trade.CallUnavailable, 1},
		{"untrusted answer", sandbox.Fault{Kind: sandbox.FaultBadSignature}, true, 0, 1},
		{"refused", sandbox.Fault{Kind: sandbox.FaultRefuse, Code: "8995", Msg: "短信验证码错误"}, false, trade.CallRefused, 1},
		{"refused within", sandbox.Fault{Kind: sandbox.FaultResult, Code: "9999", Msg: "短信验证码错误"}, false, trade.CallRefused, 1},
		{"business exception", sandbox.Fault{Kind: sandbox.FaultRefuse, Code: "8996", Msg: "系统繁忙"}, false, trade.CallUnavailable, 1},
		{"not processed", sandbox.Fault{Kind: sandbox.FaultRefuse, Code: "8009", Msg: "企业变更中"}, false, trade.CallUnavailable, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			atBureau(t, func(t *testing.T, b *bureau) {
				b.account(false, false)
				code := b.code(name)
				tc.fault.Interface, tc.fault.Times = "2.5", 1
				b.fault(tc.fault)
				for n := range 2 {
					a, err := b.w.Login(t.Context(), name, code)
					switch in := tc.in || n == 1 && tc.sends == 2; {
					case in && (err != nil || !a.Ready()):
						t.Errorf("login %d: %+v, %v", n, a, err)
					case !in && !failed(err, tc.want):
						t.Errorf("login %d: %+v, %v", n, a, err)
					}
				}
				if got := len(b.calls.of("2.5")); got != tc.sends {
					t.Errorf("the code was sent %d times, want %d", got, tc.sends)
				}
				if strings.Contains(b.log.String(), code) {
					t.Error("the log has the code")
				}
				if tc.in || tc.sends == 2 {
					return
				}
				time.Sleep(time.Minute)
				if a, err := b.w.Login(t.Context(), name, b.code(name)); err != nil || !a.Ready() {
					t.Errorf("with a new code: %+v, %v", a, err)
				}
			})
		})
	}
}

// TestWrongCodes refuses a wrong code that comes again without asking; with the
// next SMS it may be the right one.
func TestWrongCodes(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		const name, wrong = sandbox.SecondAccount, "0000" // the sandbox's have six digits
		for round := range 2 {
			b.code(name)
			for range 2 {
				if _, err := b.w.Login(t.Context(), name, wrong); !failed(err, trade.CallRefused) || !strings.Contains(err.Error(), "短信验证码错误") {
					t.Errorf("a wrong code: %v", err)
				}
			}
			if n := len(b.calls.of("2.5")); n != round+1 {
				t.Errorf("2.5 was called %d times after %d codes", n, round+1)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestLoginWithoutTheOtherPaths has no way to ask for an account's state: the
// login itself lets a piece of work find out.
func TestLoginWithoutTheOtherPaths(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		b.invoice("D1")
		b.blocked("D1")
		b.invoice("D2")
		code := b.code(sandbox.DefaultAccount)
		start := time.Now()
		b.fault(sandbox.Fault{Interface: "2.5", Kind: sandbox.FaultLostAnswer, Times: 1})
		if _, err := b.w.Login(t.Context(), sandbox.DefaultAccount, code); !failed(err, trade.CallUnavailable) {
			t.Errorf("nobody can tell what came of it: %v", err)
		}
		b.issued("D1", "D2")
		if took := time.Since(start); took > 16*time.Minute {
			t.Errorf("it took %s", took)
		}
	}, withoutPaths("account_auth_status", "account_list"))
}

// TestFaceCheck passes the real-name check, which lets what waits go on.
func TestFaceCheck(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		const name = sandbox.DefaultAccount
		b.account(true, true)
		b.invoice("D1")
		b.blocked("D1")
		if a, err := b.w.Account(t.Context(), name); err != nil || a.Login != trade.AccountOK || a.Auth != trade.AccountNeeded {
			t.Fatalf("%+v, %v", a, err)
		}
		qr, err := b.w.AuthQR(t.Context(), name)
		if err != nil || qr.ID == "" || !strings.Contains(qr.URL, qr.ID) || time.Until(qr.ExpiresAt) <= 0 {
			t.Fatalf("%+v, %v", qr, err)
		}
		if _, err := png.Decode(bytes.NewReader(qr.Picture)); err != nil {
			t.Errorf("the picture: %v", err)
		}
		want := func(s trade.ScanStatus) {
			t.Helper()
			if got, err := b.w.AuthQRStatus(t.Context(), name, qr.ID); err != nil || got != s {
				t.Errorf("the check is %q, %v, want %q", got, err, s)
			}
		}
		want(trade.ScanWaiting)
		for _, step := range []struct {
			step sandbox.FaceStep
			want trade.ScanStatus
		}{{sandbox.FaceScan, trade.ScanScanned}, {sandbox.FacePass, trade.ScanPassed}} {
			if err := b.sandbox.MoveFace(qr.ID, step.step); err != nil {
				t.Fatal(err)
			}
			want(step.want)
		}
		if len(b.auth()) != 0 {
			t.Error("the alert stands after the check")
		}
		b.issued("D1")

		if err := b.sandbox.SetBlueOutcome(sandbox.Auth); err != nil { // 2.8 says that all is well
			t.Fatal(err)
		}
		b.invoice("D2")
		b.blocked("D2")
		want(trade.ScanPassed) // the check of before is no news
		if len(b.auth()) != 1 {
			t.Error("an old check ended the alert")
		}
		second, err := b.w.AuthQR(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.sandbox.MoveFace(second.ID, sandbox.FaceFail); err != nil {
			t.Fatal(err)
		}
		qr = second
		want(trade.ScanFailed)
	})
}

// TestRegisterAndLogout registers a third account, whose password is kept
// nowhere, and logs the one that issues out.
func TestRegisterAndLogout(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		const third = "13700001234"
		if err := b.w.RegisterAccount(t.Context(), trade.Registration{Account: third, Password: "wrong-pass"}); !failed(err, trade.CallRefused) ||
			!strings.Contains(err.Error(), "密码错误") {
			t.Errorf("a wrong password: %v", err)
		}
		if n := len(b.calls.of("2.3")); n != 1 {
			t.Errorf("2.3 was called %d times", n)
		}
		if err := b.w.RegisterAccount(t.Context(), trade.Registration{Account: third, Password: sandbox.AccountPassword, Name: "王五"}); err != nil {
			t.Fatal(err)
		}
		list, asOf, err := b.w.Accounts(t.Context())
		want := trade.Account{Account: third, Name: "王五", Phone: "137****1234", Login: trade.AccountNeeded, Auth: trade.AccountOK}
		if err != nil || len(list) != 3 || list[2] != want || time.Since(asOf) > time.Minute {
			t.Errorf("the list is %+v as of %s, %v", list, asOf, err)
		}
		b.fault(sandbox.Fault{Interface: "2.46", Kind: sandbox.FaultLostAnswer, Times: 1})
		for range 2 { // the first answer is lost
			if err := b.w.Logout(t.Context(), sandbox.DefaultAccount); err != nil {
				t.Error(err)
			}
		}
		if a, err := b.w.Account(t.Context(), sandbox.DefaultAccount); err != nil || a.Login != trade.AccountNeeded {
			t.Errorf("after the logout %+v, %v", a, err)
		}
		b.stop()
		files, err := filepath.Glob(b.path + "*")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte(sandbox.AccountPassword)) || bytes.Contains(data, []byte("wrong-pass")) {
				t.Errorf("%s has a password", filepath.Base(file))
			}
		}
		for _, secret := range []string{"wrong-pass", third} {
			if strings.Contains(b.log.String(), secret) {
				t.Errorf("the log has %q", secret)
			}
		}
	})
}

// TestAnotherAccountChangesNothing looks at an account that does not issue.
func TestAnotherAccountChangesNothing(t *testing.T) {
	atBureau(t, func(t *testing.T, b *bureau) {
		b.account(false, false)
		if err := b.sandbox.SetAccount(sandbox.SecondAccount, true, false); err != nil {
			t.Fatal(err)
		}
		b.invoice("D1")
		b.blocked("D1")
		if a, err := b.w.Account(t.Context(), sandbox.SecondAccount); err != nil || !a.Ready() {
			t.Fatalf("%+v, %v", a, err)
		}
		synctest.Wait()
		if len(b.auth()) != 1 {
			t.Error("the alert ended")
		}
		if _, _, err := b.w.Accounts(t.Context()); err != nil || len(b.auth()) != 1 {
			t.Error("the alert ended by the list", err)
		}
		b.account(true, false)
		if _, _, err := b.w.Accounts(t.Context()); err != nil || len(b.auth()) != 0 {
			t.Error("the alert stands though the list shows the account good", err)
		}
		b.issued("D1")
	})
}
