package worker

import (
	"strings"
	"testing"
	"unicode/utf8"

	"tillagent/queue"
	"tillagent/trade"
)

func TestHide(t *testing.T) {
	for _, tc := range []struct{ name, text, kept, want string }{
		{"nothing", "商品名称不能为空,第 12 行,税率 0.06,金额 58.50", "", "商品名称不能为空,第 12 行,税率 0.06,金额 58.50"},
		{"a code", "8995", "", "8995"},
		{"a date", "2026-11-22 19:30:05", "", "2026-11-22 19:30:05"},
		{"mobile", "手机号13812345678有误", "", "手机号138••••有误"},
		{"mobile behind letters", "t13812345678x", "", "t138••••x"},
		{"mobile with the country", "+8613812345678", "", "+86138••••"},
		{"mobile in parts", "138 1234 5678 或 139-1234-5678", "", "138•••• 或 139••••"},
		{"mobile behind a number", "错误 400 13812345678", "", "错误 400 138••••"},
		{"mobile in wide digits", "１３８１２３４５６７８", "", "138••••"},
		{"two mobiles", "13812345678,13912345678", "", "138••••,139••••"},
		{"telephone", "0571-88886666、(010)12345678、075512345678", "", "057••••、(01••••、075••••"},
		{"tax number", "税号91440300TEST00001X与名称不符", "", "税号914••••与名称不符"},
		{"tax number of 15", "914403001234567", "", "914••••"},
		{"tax number of 20", "91440300123456789012", "", "914••••"},
		{"identity card", "11010119900101123x", "", "110••••"},
		{"bank account", "6222 0212 3456 7890 123", "", "622••••"},
		{"two in one run", "91440300TEST00001X13812345678", "", "914••••"},
		{"mail", "发送到 some.one+x@mail.example.com 失败", "", "发送到 som•••• 失败"},
		{"short mail", "a@b.cn", "", "a@••••"},
		{"wide at", "someone＠example.com", "", "som••••"},
		{"words", "INTERNALSERVERERROR", "", "INTERNALSERVERERROR"},
		{"the sale's own id", "单号 202611221930050001 已存在", "202611221930050001", "单号 202611221930050001 已存在"},
		{"the sale's id twice, and a number", "A13812345678B 13812345678 A13812345678B", "A13812345678B", "A13812345678B 138•••• A13812345678B"},
		{"a short id keeps nothing", "13812345678", "1", "138••••"},
		{"within a longer number", "x9144030012345678901", "9144", "x91••••"},
		{"no UTF-8", "\xff13812345678\xff", "", "\ufffd138••••\ufffd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := hide(tc.text, tc.kept); got != tc.want {
				t.Errorf("hide(%q, %q) = %q, want %q", tc.text, tc.kept, got, tc.want)
			}
		})
	}
}

// FuzzHide holds that a number cannot hide in what is around it.
func FuzzHide(f *testing.F) {
	f.Add("手机", "有误")
	f.Add("8613", "0")
	f.Add("a@", "@b")
	f.Add("13812", " 1381234")
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, secret := range []string{"13812345678", "91440300TEST00001X", "someone@example.com"} {
			got := hide(before + secret + after)
			if strings.Contains(got, secret) && !strings.Contains(hide(before)+hide(after), secret) {
				t.Errorf("hide(%q) = %q", before+secret+after, got)
			}
			if !utf8.ValidString(got) {
				t.Errorf("hide(%q) = %q is no UTF-8", before+secret+after, got)
			}
		}
	})
}

func TestAlertTextIsOneBoundedLine(t *testing.T) {
	a := queue.Alert{Kind: trade.AlertRefund, SaleID: "S1", Subject: "R-13812345678"}
	if got := alertText(a, trade.Say(trade.RefundFailed, "R-13812345678"), trade.ZH); got != "退货单 R-13812345678 须人工处理" {
		t.Errorf("the refund's own id: %q", got)
	}
	account := queue.Alert{Kind: trade.AlertAuth, Subject: "13812345678"}
	if got := alertText(account, trade.Say(trade.LoginNeededBy, account.Subject), trade.EN); strings.Contains(got, "12345678") || !strings.Contains(got, "138••••") {
		t.Errorf("the clerk's account: %q", got)
	}
	long := strings.Repeat("长", 500)
	if got, want := alertText(a, trade.Say(trade.IssueFailed, "一\r\n\t二\x00三"+long), trade.EN), "issuing the invoice failed: 一 二 三"+strings.Repeat("长", 195)+"…"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := alertText(a, trade.Message{}, trade.ZH); got != "" {
		t.Errorf("no message gives %q", got)
	}
}

func TestMarkdownIsInert(t *testing.T) {
	m := message{title: "🔴 <@all> [click](http://x)", lines: []string{"# *a* `b` ~c~ |d| \\e > f", "", "g"}}
	want := "**🔴 ＜@all＞ ［click］(http://x)**\n＃ ＊a＊ ＇b＇ ～c～ ｜d｜ ＼e ＞ f\n\ng"
	if got := m.markdown("\n", 1000); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	for limit := 3; limit < len(want); limit++ {
		if got := m.markdown("\n", limit); len(got) > limit || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
			t.Fatalf("cut to %d bytes: %d bytes %q", limit, len(got), got)
		}
	}
}

func TestJudge(t *testing.T) {
	var o Outward
	targets := map[string]target{}
	for _, x := range o.targets() {
		targets[x.name] = x
	}
	const accepted, later, slow, refused = "", "later", "slow", "refused"
	for _, tc := range []struct {
		target string
		status int
		answer string
		want   string
	}{
		{"webhook", 200, "", accepted},
		{"webhook", 204, "", accepted},
		{"webhook", 200, `{"code":1}`, accepted}, // its body is its own
		{"webhook", 301, "", refused},
		{"webhook", 400, "", refused},
		{"webhook", 408, "", later},
		{"webhook", 429, "", slow},
		{"webhook", 500, "", later},
		{"wecom", 200, `{"errcode":0,"errmsg":"ok"}`, accepted},
		{"wecom", 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`, slow},
		{"wecom", 200, `{"errcode":93000,"errmsg":"invalid webhook url"}`, refused},
		{"wecom", 200, `{"errcode":-1,"errmsg":"system busy"}`, later},
		{"wecom", 200, `<html>sign in</html>`, later},
		{"wecom", 200, `{}`, later},
		{"wecom", 502, `<html>`, later},
		{"wecom", 404, ``, refused},
		{"dingtalk", 200, `{"errcode":0,"errmsg":"ok"}`, accepted},
		{"dingtalk", 200, `{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`, slow},
		{"dingtalk", 200, `{"errcode":300001,"errmsg":"token is not exist"}`, refused},
		{"dingtalk", 200, `{"errcode":310000,"errmsg":"keywords not in content"}`, refused},
		{"feishu", 200, `{"code":0,"msg":"success","data":{}}`, accepted},
		{"feishu", 200, `{"StatusCode":0,"StatusMessage":"success"}`, accepted},
		{"feishu", 200, `{"code":19021,"msg":"sign match fail"}`, refused},
		{"feishu", 200, `{"code":11232,"msg":"frequency limited"}`, slow},
		{"feishu", 400, `{"code":11232,"msg":"frequency limited"}`, slow},
		{"feishu", 400, `{"code":19001,"msg":"param invalid"}`, refused},
		{"feishu", 500, `{"code":1,"msg":"?"}`, later},
	} {
		got := accepted
		switch f := targets[tc.target].judge(tc.status, []byte(tc.answer)); {
		case f == nil:
		case f.tooMany:
			got = slow
		case f.refused:
			got = refused
		default:
			got = later
		}
		if got != tc.want {
			t.Errorf("%s: %d %s is %q, want %q", tc.target, tc.status, tc.answer, got, tc.want)
		}
	}
}
