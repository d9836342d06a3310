package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/examples"
	"tillagent/printer/paper"
	"tillagent/queue"
	"tillagent/trade"
)

// demo is everything on this machine: the sandbox platform, a paper printer,
// and the agent between them.
type demo struct {
	listen, data string
	origins      []string
	sales        int
	exit         bool
	out          io.Writer
	log          *slog.Logger
	sandbox      *platformSandbox
	agent        *agent
}

func demoCommand() *cobra.Command {
	d := &demo{}
	var verbose bool
	cmd := &cobra.Command{
		Use:     "demo [--listen 127.0.0.1:17216] [--data DIR] [--sales N] [--origin URL] [--exit]",
		Short:   "演示:无需任何准备  Everything on this machine with nothing to set up",
		Example: "  agent demo\n  agent demo --sales 1 --exit",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			level := "error"
			if verbose {
				level = "info"
			}
			d.log = logger(cmd.ErrOrStderr(), level)
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&d.listen, "listen", "127.0.0.1:17216", "本机 API 地址  address of the local API")
	cmd.Flags().StringVar(&d.data, "data", ".", "目录,小票写到 DIR/paper  folder; receipts go to DIR/paper")
	cmd.Flags().IntVar(&d.sales, "sales", len(exampleNames()), "示例单数  number of example sales")
	cmd.Flags().StringSliceVar(&d.origins, "origin", nil, "允许调用的网页来源  origins of web pages that may call")
	cmd.Flags().BoolVar(&d.exit, "exit", false, "示例单打完即退出  end when the examples are on paper")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "显示日志  show the log")
	return cmd
}

func (d *demo) run(ctx context.Context) error {
	if d.sales < 0 || d.sales > 1000 {
		return fmt.Errorf("%w: --sales: 0 … 1000", errUsage)
	}
	if err := d.checkListen(); err != nil {
		return err
	}
	data, err := filepath.Abs(d.data)
	if err != nil {
		return err
	}
	state := filepath.Join(data, "demo-data")
	if d.sandbox, err = d.startPlatform(filepath.Join(state, "sandbox")); err != nil {
		return err
	}
	defer d.sandbox.Close()
	tape, err := paper.New(paper.Options{Dir: filepath.Join(data, "paper"), Logger: d.log,
		OnReceipt: func(r paper.Receipt) {
			fmt.Fprintf(d.out, "┌── paper/%04d.png\n%s\n", r.N, indent(r.Text))
		}})
	if err != nil {
		return err
	}
	defer tape.Close()
	cfg, err := d.config(state, tape)
	if err != nil {
		return err
	}
	if d.agent, err = start(cfg, nil, d.log); err != nil {
		return err
	}
	defer d.agent.stop()
	if err := d.ringUp(ctx); err != nil {
		return err
	}
	if d.exit {
		return nil
	}
	d.invite()
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.agent.failed:
		return err
	}
}

// checkListen refuses an address that a configuration must not have, before
// anything is made.
func (d *demo) checkListen() error {
	_, err := config.Parse("demo.toml", fmt.Appendf(nil, "[api]\nlisten = %q\n", d.listen), nil)
	var ps *config.Problems
	if errors.As(err, &ps) {
		return fmt.Errorf("%w: --listen: %s", errUsage, say((*ps)[0].Message, (*ps)[0].English))
	}
	return err
}

// startPlatform starts the sandbox where it usually is, or elsewhere if that
// is taken.
func (d *demo) startPlatform(dir string) (*platformSandbox, error) {
	if p, err := startSandbox(sandboxFirst, dir, d.log); err == nil {
		return p, nil
	}
	return startSandbox("127.0.0.1:0", dir, d.log)
}

// config is a configuration as a technician would write it, for the stand-ins.
func (d *demo) config(state string, tape *paper.Printer) (*config.Config, error) {
	text := fmt.Sprintf("data_dir = %q\n[api]\nlisten = %q\n%s\n", state, d.listen, d.sandbox.Account().ConfigTOML(d.sandbox.URL, filepath.Join(state, "sandbox")))
	cfg, err := config.Parse(filepath.Join(state, "demo.toml"), []byte(text), nil)
	if err != nil {
		return nil, err
	}
	cfg.API.Origins = d.origins
	cfg.Receipt.Header = []string{"示例商店", "演示小票 不作凭证"}
	cfg.Receipt.Footer = []string{"谢谢惠顾"}
	cfg.Piaotong.Poll = config.Poll{Fast: 2 * time.Second, Slow: time.Minute}
	if runtime.GOOS == "windows" {
		addr, err := tape.ListenTCP("127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		cfg.Printer.Port = "tcp://" + addr.String()
		return cfg, nil
	}
	cfg.Printer.Port, err = tape.OpenPTY()
	return cfg, err
}

// ringUp posts the examples through the local API, as a POS does, and waits
// until each is on paper.
func (d *demo) ringUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second+time.Duration(d.sales)*time.Second)
	defer cancel()
	names, stamp := exampleNames(), time.Now().Format("0102150405.000")
	for i := range d.sales {
		name := names[i%len(names)]
		body, err := examples.Sales.ReadFile(name)
		if err != nil {
			return err
		}
		id, err := d.post(ctx, body, fmt.Sprintf("%s-%d", stamp, i+1))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r, err := d.agent.store.Await(ctx, id, func(r *queue.Record) bool { return settled(r.Prints[0].State) })
		if err != nil {
			return err
		}
		if p := r.Prints[0]; p.State != trade.PrintPrinted || !p.WithQR {
			return fmt.Errorf("%s: %s %s %s", id, say("没有打印成功", "is not on paper:"), p.State, p.Reason)
		}
	}
	return nil
}

func settled(s trade.PrintState) bool {
	return s == trade.PrintPrinted || s == trade.PrintSent || s == trade.PrintUncertain || s == trade.PrintFailed || s == trade.PrintCancelled
}

// post sends one example; its sale_id gets an end of its own, so that the demo
// can be run again on the same data.
func (d *demo) post(ctx context.Context, body []byte, end string) (string, error) {
	var sale map[string]json.RawMessage
	if err := json.Unmarshal(body, &sale); err != nil {
		return "", err
	}
	var id string
	if err := json.Unmarshal(sale["sale_id"], &id); err != nil {
		return "", err
	}
	id += "-" + end
	sale["sale_id"], _ = json.Marshal(id) // a string always has JSON
	body, err := json.Marshal(sale)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.agent.url()+"/v1/sales", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+d.agent.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // what there is of it serves
		return "", fmt.Errorf("%s: %s", resp.Status, text)
	}
	return id, nil
}

// invite tells how to go on by hand.
func (d *demo) invite() {
	fmt.Fprintf(d.out, "%s\n\n", say("代理已就绪。自己开一单(粘贴即可):", "The agent is ready. Ring up a sale of your own (ready to paste):"))
	fmt.Fprintf(d.out, `curl -sS -X POST '%s/v1/sales?wait=3s' \
  -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \
  -d '{"sale_id":"MY-0001","total":"12.50","items":[{"name":"拿铁咖啡","amount":"12.50","tax_code":"3070401000000000000","tax_rate":"0.06"}]}'
`, d.agent.url(), d.agent.token)
	fmt.Fprintf(d.out, "\n%s\n  %s/#token=%s\n", say("控制台(浏览器打开):", "The console, for a browser:"), d.agent.url(), d.agent.token)
	fmt.Fprintf(d.out, "\n%s\n  %s/display#token=%s\n", say("顾客屏:", "The customer's display:"), d.agent.url(), d.agent.token)
	fmt.Fprintf(d.out, "\n%s\n  %s/\n\n%s\n", say("沙箱平台(扮演顾客扫码开票):", "The sandbox platform (play the customer who scans):"), d.sandbox.URL,
		say("按 Ctrl-C 结束。", "Ctrl-C ends it."))
}

func exampleNames() []string {
	names, err := fs.Glob(examples.Sales, "sales/*.json")
	if err != nil {
		panic(err) // a constant pattern
	}
	return names
}

func indent(text string) string {
	return "│ " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n│ ") + "\n└──"
}
