package worker_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/trade"
	"tillagent/worker"
)

// TestOutwardRetries has a target that fails in every way that mends itself.
func TestOutwardRetries(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		answers := []struct {
			status int
			body   string
		}{{503, ""}, {200, "<html>sign in</html>"}, {200, `{"errcode":-1}`}, {200, `{"errcode":45009}`}, {429, ""}, {200, `{"errcode":0}`}}
		o := newOutside(func(n int, _ *http.Request) (int, string) {
			if n > len(answers) {
				return accepts(n, nil)
			}
			return answers[n-1].status, answers[n-1].body
		})
		d.known("wecom")
		d.start(to(o))
		began := time.Now()
		d.raise("缺纸")
		time.Sleep(time.Hour)
		calls := o.has(t, "缺纸", "缺纸", "缺纸", "缺纸", "缺纸", "缺纸")
		if wait := calls[0].at.Sub(began); wait < 10*time.Second || wait > 15*time.Second {
			t.Errorf("told after %v", wait)
		}
		for i, least := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, time.Minute, time.Minute} {
			if wait := calls[i+1].at.Sub(calls[i].at); wait < least*8/10 || wait > least*14/10 {
				t.Errorf("attempt %d came after %v, want about %v", i+2, wait, least)
			}
		}
		d.clear(trade.AlertPrinter, "缺纸")
		time.Sleep(time.Minute)
		if calls := o.all(); len(calls) != 7 || !strings.Contains(calls[6].text(), "🟢") {
			t.Errorf("after the end: %v", calls[6:])
		}
		d.stop()
		if strings.Contains(d.log.String(), "canary") || strings.Count(d.log.String(), "cannot tell") != 1 {
			t.Errorf("the log:\n%s", d.log.String())
		}
	})
}

// TestOutwardAfterRestart has a target that is away until the agent was
// started again, also in the middle of a call.
func TestOutwardAfterRestart(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.known("wecom")
		hang := newOutside(func(_ int, r *http.Request) (int, string) {
			<-r.Context().Done()
			return 200, `{"errcode":0}`
		})
		d.start(to(hang))
		d.raise("一")
		time.Sleep(15 * time.Second)
		hang.has(t, "一") // is under way
		d.raise("二")     // has not gone out
		d.close()
		d.open()
		time.Sleep(time.Hour)
		d.raise("三") // while nobody tells
		o := newOutside(accepts)
		d.start(to(o))
		time.Sleep(time.Minute)
		o.has(t, "一", "二", "三")
		d.close()
		d.open()
		again := newOutside(accepts)
		d.start(to(again))
		time.Sleep(time.Minute)
		again.has(t)
		d.clear(trade.AlertPrinter, "二")
		time.Sleep(time.Minute)
		again.has(t, "🟢")
	})
}

// TestOutwardQuiet holds what is not told: short alerts, and counts.
func TestOutwardQuiet(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.known("wecom")
		o := newOutside(accepts)
		d.start(to(o))
		d.raise("短")
		time.Sleep(9 * time.Second)
		d.clear(trade.AlertPrinter, "短")
		d.raise("长")
		for range 5 {
			time.Sleep(5 * time.Second)
			d.raise("长")
		}
		time.Sleep(time.Minute)
		o.has(t, "🔴 告警,需要处理:打印机:长")
		d.clear(trade.AlertPrinter, "长")
		time.Sleep(time.Minute)
		d.raises(trade.Raise{Kind: trade.AlertUnreachable, Title: trade.Say(trade.PlatformAway)})
		time.Sleep(time.Minute)
		o.has(t, "🔴", "🟢 告警已恢复:打印机:长", "🟡 告警,可能自行恢复:连不上票通平台")
	})
}

// TestOutwardPastShortOnes: many alerts that are not told do not keep the one
// behind them back.
func TestOutwardPastShortOnes(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.known("wecom")
		for i := range 60 { // more events than are read at a time
			d.raise(fmt.Sprint("短", i))
			d.clear(trade.AlertPrinter, fmt.Sprint("短", i))
		}
		d.raise("长")
		o := newOutside(accepts)
		d.start(to(o))
		time.Sleep(time.Minute)
		o.has(t, "🔴 告警,需要处理:打印机:长")
	})
}

// TestOutwardNewTarget: what was is not told, what is is; a target that was
// away from the configuration is new again.
func TestOutwardNewTarget(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.raise("过去")
		time.Sleep(time.Minute)
		d.clear(trade.AlertPrinter, "过去")
		d.raise("现在")
		time.Sleep(time.Minute)
		away := newOutside(func(int, *http.Request) (int, string) { return 500, "" })
		d.start(to(away))
		time.Sleep(time.Minute)
		d.close()
		d.open()
		time.Sleep(time.Minute)
		d.raise("后来")
		o := newOutside(accepts)
		d.start(to(o))
		time.Sleep(time.Minute)
		o.has(t, "现在", "后来")
		d.stop()
		d.start(worker.OutwardOptions{Transport: handlerTransport{o}})
		time.Sleep(time.Minute)
		d.raise("其间") // and still there
		d.stop()
		d.clear(trade.AlertPrinter, "后来")
		d.start(to(o))
		time.Sleep(time.Minute)
		o.has(t, "现在", "后来", "现在", "其间")
	})
}

// TestOutwardIsNoFlood: at most ten messages in ten minutes, the rest in one,
// and nothing is left out.
func TestOutwardIsNoFlood(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.known("wecom", "webhook")
		o, hook := newOutside(accepts), newOutside(func(int, *http.Request) (int, string) { return 204, "" })
		mux := http.NewServeMux()
		mux.Handle("robot.example/", o)
		mux.Handle("hook.example/", hook)
		d.start(worker.OutwardOptions{WeCom: "https://robot.example/", Webhook: "https://hook.example/", Transport: handlerTransport{mux}})
		for i := range 30 {
			d.raise(fmt.Sprintf("第%02d号", i))
		}
		time.Sleep(30 * time.Second)
		for i := 30; i < 42; i++ {
			d.raise(fmt.Sprintf("第%02d号", i))
			time.Sleep(20 * time.Second)
		}
		time.Sleep(time.Hour)
		d.raise("最后")
		time.Sleep(time.Minute)

		calls := o.all()
		if len(calls) != 12 {
			t.Fatalf("%d messages", len(calls))
		}
		for i, c := range calls[:9] {
			if !strings.Contains(c.text(), fmt.Sprintf("打印机:第%02d号", i)) {
				t.Errorf("message %d:\n%s", i, c.text())
			}
		}
		for i, want := range []string{"🔴 告警,另有 21 条", "🔴 告警,另有 12 条", "最后"} {
			if !strings.Contains(calls[9+i].text(), want) {
				t.Errorf("message %d lacks %q:\n%s", 9+i, want, calls[9+i].text())
			}
		}
		if text := calls[9].text(); !strings.Contains(text, "第18号") || strings.Contains(text, "第19号") || !strings.Contains(text, "🔴 alerts, 21 more") || !strings.Contains(text, "7K2QP") {
			t.Errorf("the joined message:\n%s", text)
		}
		for i := 10; i < len(calls); i++ {
			if between := calls[i].at.Sub(calls[i-10].at); between < 10*time.Minute {
				t.Errorf("messages %d to %d within %v", i-10, i, between)
			}
		}
		for i := range calls[1:] {
			if between := calls[i+1].at.Sub(calls[i].at); between < 200*time.Millisecond {
				t.Errorf("message %d came %v after the one before", i+1, between)
			}
		}

		var ids []any
		for i, c := range hook.all() {
			if many, ok := c.body["alerts"].([]any); ok {
				if c.body["event"] != "alert.summary" || c.body["count"] != float64(len(many)) || !strings.Contains(c.body["title"].(string), fmt.Sprintf("另有 %d 条", len(many))) {
					t.Errorf("summary %v", c.body)
				}
				for _, a := range many {
					ids = append(ids, a.(map[string]any)["id"])
				}
				continue
			}
			if c.body["event"] != "alert.raised" {
				t.Errorf("message %d: %v", i, c.body)
			}
			ids = append(ids, c.body["id"])
		}
		if len(ids) != 43 {
			t.Fatalf("%d alerts were told, want 43", len(ids))
		}
		for i, id := range ids {
			if id != float64(i+1) {
				t.Errorf("alert %v came as number %d", id, i+1)
			}
		}
	})
}

// TestOutwardRefused has a target that refuses for days: it is logged once an
// hour, and what it refused for a day is given up.
func TestOutwardRefused(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.known("wecom")
		refusing := true
		o := newOutside(func(int, *http.Request) (int, string) {
			if refusing {
				return 200, `{"errcode":93000,"errmsg":"invalid webhook url canary-token"}`
			}
			return accepts(0, nil)
		})
		d.start(to(o))
		d.raise("旧")
		time.Sleep(12 * time.Hour)
		d.close() // the agent is restarted each day
		d.open()
		d.start(to(o))
		time.Sleep(6 * time.Hour)
		d.raise("新")
		time.Sleep(7 * time.Hour)
		d.stop()
		refusing = false
		before := len(o.all())
		d.start(to(o))
		time.Sleep(time.Minute)
		if calls := o.all()[before:]; len(calls) != 1 || !strings.Contains(calls[0].text(), "新") {
			t.Errorf("after a day: %v", calls)
		}
		for i, c := range o.all()[:before] {
			if i > 0 && c.at.Sub(o.all()[i-1].at) > 16*time.Minute {
				t.Errorf("attempt %d came after %v", i, c.at.Sub(o.all()[i-1].at))
			}
		}
		d.stop()
		log := d.log.String()
		if n := strings.Count(log, "cannot tell an alert"); n < 20 || n > 26 {
			t.Errorf("%d complaints in 25 hours", n)
		}
		if strings.Count(log, "gave up") != 1 || strings.Contains(log, "canary") || strings.Contains(log, "robot.example") || !strings.Contains(log, "target=wecom") {
			t.Errorf("the log:\n%s", log)
		}
	})
}

// TestOutwardNotesQuietTimes: events of sales are not read again and again
// where no alert comes.
func TestOutwardNotesQuietTimes(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.known("wecom")
		var events sync.WaitGroup
		for range 1001 {
			events.Go(func() {
				if err := d.store.Tell("printer.state", "ready", trade.ReceiptPrinter); err != nil {
					t.Error(err)
				}
			})
		}
		events.Wait()
		o := newOutside(accepts)
		d.start(to(o))
		time.Sleep(time.Minute)
		if c, err := d.store.OutwardCursor(t.Context(), "wecom"); err != nil || c.Seq != 1001 {
			t.Errorf("the cursor is %+v, %v", c, err)
		}
		d.raise("缺纸")
		time.Sleep(time.Minute)
		o.has(t, "缺纸")
	})
}

// TestOutwardDeadline has a target that never answers.
func TestOutwardDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.known("wecom")
		var ended []time.Time
		o := newOutside(func(_ int, r *http.Request) (int, string) {
			<-r.Context().Done()
			ended = append(ended, time.Now())
			return 200, ""
		})
		d.start(to(o))
		d.raise("缺纸")
		time.Sleep(50 * time.Second)
		d.stop() // also during a call
		calls := o.all()
		if len(calls) < 3 {
			t.Fatalf("%d calls", len(calls))
		}
		for i, c := range calls[:len(calls)-1] {
			if took := ended[i].Sub(c.at); took != 10*time.Second {
				t.Errorf("call %d ended after %v", i, took)
			}
		}
		if log := d.log.String(); !strings.Contains(log, "no answer within 10s") || strings.Contains(log, "canary") {
			t.Errorf("the log:\n%s", log)
		}
	})
}
