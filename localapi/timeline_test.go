package localapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tillagent/queue"
	"tillagent/trade"
)

// called plays the worker: it settles an operation with what became of its
// call.
func (x *till) called(lane trade.Lane, call trade.Call, e func(*queue.OpClaim) trade.Event) {
	x.t.Helper()
	c, next, err := x.store.ClaimOp(x.t.Context(), lane)
	if err != nil || c == nil {
		x.t.Fatalf("nothing to claim in lane %s (next %v): %v", lane, next, err)
	}
	c.Call = &call
	if err := x.store.Settle(c, e(c)); err != nil {
		x.t.Fatal(err)
	}
}

// printed plays the print loop.
func (x *till) printed(e trade.PrintEvent, reason string) {
	x.t.Helper()
	c, next, err := x.store.ClaimPrint(x.t.Context(), trade.ReceiptPrinter)
	if err != nil || c == nil {
		x.t.Fatalf("nothing to print (next %v): %v", next, err)
	}
	if err := x.store.SettlePrint(c, e, reason, time.Now()); err != nil {
		x.t.Fatal(err)
	}
}

func noPause(_ *Options, qo *queue.Options) {
	qo.Pause = func(trade.Op, trade.Standing, int, time.Time) time.Duration { return 0 }
	qo.QRWait = 0
}

// TestTimeline tells a sale's whole life, which somebody must understand who
// knows nothing of the machine.
func TestTimeline(t *testing.T) {
	x := newTill(t, noPause, func(o *Options, _ *queue.Options) {
		o.Around = func(context.Context) Around { return Around{Platform: Platform{Configured: true, Online: true}} }
	})
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	away := trade.Call{Interface: "2.16", Outcome: trade.OutcomeUnavailable, Took: 5 * time.Second}
	for range 2 {
		x.called(trade.LaneLive, away, func(c *queue.OpClaim) trade.Event { return trade.Unsent{Op: c.Op} })
	}
	x.printed(trade.PaperHeld, "paper_out")
	x.called(trade.LaneLive, trade.Call{Interface: "2.16", Outcome: trade.OutcomeOK, Took: 234 * time.Millisecond}, func(*queue.OpClaim) trade.Event {
		return trade.QRCreated{URL: "https://fp.example.cn/q", At: time.Now()}
	})
	x.printed(trade.PaperPrinted, "")
	x.called(trade.LaneWatch, trade.Call{Interface: "2.18", Outcome: trade.OutcomeRefused, Code: "5005", Took: 40 * time.Millisecond}, func(*queue.OpClaim) trade.Event { return nil })
	x.post("/v1/sales/S1/refunds", `{"refund_id":"R1","amount":"10.00"}`).want(t, 201, "")

	for lang, want := range map[string][]string{
		"en": {
			"the POS handed the sale in, and it is on disk; the sale is now: waiting for the platform",
			"asked for by till (POST /v1/sales)",
			"receipt: in line",
			"about to be sent to the platform",
			"fetch the QR code (interface 2.16): not done, the platform could not be reached or had no time, took 5.00 s; 2 times in a row, last at …",
			"it was not done and is sent again later",
			"about to be sent to the platform",
			"it was not done and is sent again later",
			"receipt: printing began",
			"receipt: not printed, it waits for the printer: paper out",
			"about to be sent to the platform",
			"fetch the QR code (interface 2.16): done, took 0.23 s",
			"the QR code came; the sale is now: the QR code is ready, the customer has not claimed it",
			"receipt: printing began",
			"receipt: printed",
			"ask about the QR code (interface 2.18): the platform said no, code 5005, took 0.04 s",
			"the POS handed a refund in, and it is on disk: R1",
			"receipt of the refund: in line",
			"it was decided what the refund needs",
			"asked for by till (POST /v1/sales/{id}/refunds)",
		},
		"zh-CN": {"收银交来本单,已存盘;本单现为:等待平台", "小票:排队", "取开票码(接口 2.16):成功,用时 0.23 秒", "取到开票码;本单现为:开票码已就绪,顾客尚未开票", "小票:没有打,等待打印机:缺纸", "收银交来退货单,已存盘:R1"},
	} {
		a := x.get("/v1/sales/S1/timeline", as(readSecret), with("Accept-Language", lang)).want(t, 200, "")
		var got []string
		before := ""
		for i := range len(want) * 3 {
			if !strings.Contains(string(a.body), `"entries":[`) || i >= strings.Count(string(a.body), `"what":`) {
				break
			}
			text := a.json(t, "entries", i, "text").(string)
			if head, _, found := strings.Cut(text, "last at "); found {
				text = head + "last at …"
			}
			got = append(got, text)
			at, err := time.Parse(time.RFC3339, a.json(t, "entries", i, "at").(string))
			if err != nil || at.Format(time.RFC3339) < before {
				t.Errorf("entry %d is at %v after %s, %v", i, at, before, err)
			}
			before = at.Format(time.RFC3339)
		}
		for _, line := range want {
			if !strings.Contains(strings.Join(got, "\n"), line) {
				t.Errorf("%s: no %q in\n%s", lang, line, strings.Join(got, "\n"))
			}
		}
		if lang == "en" && len(got) != len(want) {
			t.Errorf("%d entries, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
		}
		summary := map[string]string{"en": "refund R1 is not done (in line). nothing to do, it goes on by itself.", "zh-CN": "退货单 R1 尚未办完(排队)。无需操作,会自动继续。"}[lang]
		if got := a.json(t, "summary"); got != summary {
			t.Errorf("summary %q, want %q", got, summary)
		}
	}
	x.get("/v1/sales/S9/timeline").want(t, 404, trade.ErrNotFound)
}

// TestTimelineAnswersTheQuestion: why has this customer no invoice?
func TestTimelineAnswersTheQuestion(t *testing.T) {
	around := Around{Platform: Platform{Configured: true, Online: true}}
	x := newTill(t, noPause, func(o *Options, _ *queue.Options) {
		o.Around = func(context.Context) Around { return around }
	})
	ask := func(id, want string) {
		t.Helper()
		if got := x.get("/v1/sales/"+id+"/timeline").want(t, 200, "").json(t, "summary"); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	x.post("/v1/sales", saleBody("S1")).want(t, 201, "")
	ask("S1", "the sale is in line for the platform. nothing to do, it goes on by itself.")
	around.Platform.Online = false
	ask("S1", "the platform cannot be reached, so this sale has no QR code yet. check the network; it follows by itself.")
	around.Platform.Online = true
	x.printed(trade.PaperPrinted, "") // before the code
	x.fetchQR()
	until := time.Date(2027, 5, 21, 23, 59, 0, 0, trade.Beijing).Format("2006-01-02 15:04")
	ask("S1", fmt.Sprintf("the QR code came but is not on paper; it is valid until %s. print the slip with the QR code for the customer.", until))
	x.post("/v1/sales/S1/print", `{"job_id":"J1","what":"slip"}`).want(t, 202, "")
	x.printed(trade.PaperSent, "")
	ask("S1", fmt.Sprintf("the QR code was given, the customer has not claimed it; it is valid until %s. let the customer scan the receipt; print it again if it is lost.", until))
	x.post("/v1/sales", plainBody("P1", "1.00")).want(t, 201, "")
	ask("P1", "the sale was handed in without wish for an invoice. nothing is to be done.")
	x.post("/v1/sales", saleBody("S2")).want(t, 201, "")
	x.called(trade.LaneLive, trade.Call{Interface: "2.16", Outcome: trade.OutcomeRefused, Code: "8016"}, func(c *queue.OpClaim) trade.Event {
		return trade.Refused{Op: c.Op, Code: "8016", Msg: "税收分类编码不存在"}
	})
	ask("S2", "the platform refuses this sale's data: 税收分类编码不存在 (8016). mend the tax code, rate or amounts, then retry.")
}
