package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"tillagent/cmd/agent/config"
	"tillagent/printer"
)

// This file has doctor's checks of the printers.

// stateHelp says what to do about a state of the printer.
var stateHelp = map[printer.State]struct{ what, do [2]string }{
	printer.StatePaperOut:  {[2]string{"缺纸", "out of paper"}, [2]string{"装纸,合上盖子", "put paper in and close the cover"}},
	printer.StatePaperLow:  {[2]string{"纸将尽", "the paper is nearly used up"}, [2]string{"备好纸卷", "have a roll at hand"}},
	printer.StateCoverOpen: {[2]string{"上盖打开", "the cover is open"}, [2]string{"合上盖子", "close the cover"}},
	printer.StateOffline:   {[2]string{"不应答或离线", "it is offline or does not answer"}, [2]string{"检查电源、数据线和联机键,端口是否被别的程序占用(原因见 agent logs);网络打印机检查地址", "check power, cable, its on-line key, and whether another program holds the port (agent logs has the cause); of a network printer the address"}},
	printer.StateCutter:    {[2]string{"切刀卡住", "the cutter is jammed"}, [2]string{"清除卡纸后重开电源", "clear the jam, then switch it off and on"}},
	printer.StateError:     {[2]string{"打印机故障", "the printer reports a fault"}, [2]string{"重开电源;仍不行请报修", "switch it off and on; if that does not help, have it repaired"}},
	printer.StateUnknown: {[2]string{"端口打开了,但打印机一声不应", "the port opens, but the printer says nothing"},
		[2]string{"检查电源、数据线和波特率(自检页上有);若该机型确实不应答,设 printer.confirm = \"none\"", "check power, cable and baud (its self-test page tells); if this model cannot answer at all, set printer.confirm = \"none\""}},
}

// printers checks each printer of the configuration, and that no jobs wait for
// one that is not there any more.
func (d *doctor) printers(ctx context.Context) {
	plugged := d.cfg.Plugged()
	if d.cfg.Printer.Port == "" {
		d.note(checkPrinter, say("没有配置小票打印机", "no printer for receipts is configured"), say("需要打印时设 printer.port,agent ports 列出端口", "to print, set printer.port; agent ports lists the ports"))
	}
	for _, c := range plugged {
		d.printer(ctx, c)
	}
	for _, name := range slices.Sorted(maps.Keys(d.waits)) {
		if slices.ContainsFunc(plugged, func(c config.Printer) bool { return c.Name == name }) {
			continue
		}
		d.failed(checkPrinter, fmt.Sprintf(say("%s 不在配置里,还有 %d 个打印任务等着它", "%s is not in the configuration, and %d print jobs wait for it"), name, d.waits[name]),
			say("把它写回配置并重启服务,任务会接着打;不要的任务请在收银软件里取消", "put it back and restart the service, and they go on; cancel what is not wanted from the POS"))
	}
}

// about names a further printer before what is found of it.
func about(c config.Printer) string {
	if c.Name == config.ReceiptPrinter {
		return ""
	}
	return c.Name + say(":", ": ")
}

func (d *doctor) printer(ctx context.Context, c config.Printer) {
	switch {
	case strings.HasPrefix(c.Port, paperPort):
		d.ok(checkPrinter, about(c)+say("打印到文件:", "prints into files: ")+strings.TrimPrefix(c.Port, paperPort))
		return
	case d.local != nil:
		state, known := d.local.printerState(c.Name)
		if !known {
			d.failed(checkPrinter, about(c)+say("正在运行的服务还不知道它", "the running service does not know it yet"), say("重启服务:agent restart", "restart the service: agent restart"))
			return
		}
		d.printerState(c, printer.State(state), say("(由服务告知)", " (as the service tells)"))
		return
	case d.held:
		d.note(checkPort, about(c)+say("另一个代理可能正在使用,没有打开", "another agent may be using it, so it was not opened"), say("先停止那个代理", "stop that agent first"))
		return
	}
	profile, err := profileOf(c)
	if err != nil {
		d.failed(checkPrinter, about(c)+err.Error(), say("agent profiles 列出型号", "agent profiles lists the models"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := printer.Probe(ctx, printerOptions(c, profile, nil))
	if err != nil {
		d.portError(c, err)
		return
	}
	d.ok(checkPort, about(c)+c.Port)
	identity := ""
	if id := r.Proof.Identity.String(); id != "" {
		identity = " " + id
	}
	d.printerState(c, r.Status.State, identity)
}

// printerState judges the state of a printer; more is what else is known.
func (d *doctor) printerState(c config.Printer, s printer.State, more string) {
	h, known := stateHelp[s]
	what, do := about(c)+say(h.what[0], h.what[1])+more, say(h.do[0], h.do[1])
	switch {
	case s == printer.StateUnknown && c.Confirm == "none":
		d.note(checkPrinter, about(c)+say("不应答的打印机:无法确认是否打出", "a printer that does not answer: nothing confirms its paper"),
			say("打一张测试页看看:agent print-test", "look at a test page: agent print-test"))
	case s == printer.StatePaperLow:
		d.note(checkPrinter, what, do)
	case known:
		d.failed(checkPrinter, what, do)
	default:
		d.ok(checkPrinter, about(c)+say("应答正常,状态 ", "answers, state ")+string(s)+more)
	}
}

// portError says why a port does not open, and what to do.
func (d *doctor) portError(c config.Printer, err error) {
	do := say("检查电源和数据线", "check power and cable")
	switch text := err.Error(); {
	case errors.Is(err, fs.ErrNotExist):
		do = fmt.Sprintf(say("插好数据线;agent ports 列出现有端口,再改 %s.port", "plug the cable in; agent ports lists the ports there are, for %s.port"), section(c))
	case errors.Is(err, fs.ErrPermission):
		do = say("把运行账号加入 dialout 和 lp 组,或用 sudo 运行", "add the account to the groups dialout and lp, or run this with sudo")
	case strings.Contains(text, "占用"):
		do = say("关闭占用端口的程序,或停止另一个代理", "close the program that has the port, or stop the other agent")
	}
	d.failed(checkPort, about(c)+err.Error(), do)
}

// printerState is how the service tells a printer to be; false where it does not
// know it.
func (s *serviceStatus) printerState(name string) (state string, known bool) {
	for _, p := range s.Printers {
		if p.Name == name {
			return p.State, true
		}
	}
	return s.Printer.State, name == config.ReceiptPrinter && s.Printer.Configured
}

// printsWaiting asks the running service what waits for which printer; nil where
// it does not tell.
func printsWaiting(ctx context.Context, cfg *config.Config) map[string]int {
	l, err := localOf(cfg)
	if err != nil {
		return nil
	}
	var answer struct {
		Printers []struct {
			Name    string `json:"name"`
			Waiting int    `json:"jobs_waiting"`
		} `json:"printers"`
	}
	if err := l.get(ctx, "/v1/printers", &answer); err != nil {
		return nil // an older service; its other lines say how it is
	}
	waiting := map[string]int{}
	for _, p := range answer.Printers {
		if p.Waiting > 0 {
			waiting[p.Name] = p.Waiting
		}
	}
	return waiting
}
