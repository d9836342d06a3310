package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/piaotong/sandbox"
	"tillagent/printer"
	"tillagent/printer/paper"
)

// This file is the one place, beside the demo, where the stand-ins are used:
// the commands `sandbox` and `paper`, and the printer port paper:DIR.

// sandboxFirst is where the sandbox listens by default.
const sandboxFirst = "127.0.0.1:18080"

// platformSandbox is a running sandbox.
type platformSandbox struct {
	*sandbox.Sandbox
	URL    string
	server *http.Server
	served chan error
}

// startSandbox starts the stand-in platform. dir "" keeps nothing.
func startSandbox(addr, dir string, log *slog.Logger) (*platformSandbox, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", say("沙箱无法监听,请用 --listen 换一个地址", "the sandbox cannot listen; give another address by --listen"), err)
	}
	url := "http://" + reachable(l.Addr())
	s, err := sandbox.New(sandbox.Options{Dir: dir, PublicURL: url, Logger: log, MagicAmounts: true})
	if errors.Is(err, sandbox.ErrDirInUse) {
		err = fmt.Errorf(say("另一个沙箱或演示正在使用 %s:先停止它,或用 --data 换一个文件夹", "another sandbox or demo uses %s: stop it, or give another folder by --data"), dir)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	p := &platformSandbox{Sandbox: s, URL: url, served: make(chan error, 1),
		server: &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}}
	go func() { p.served <- p.server.Serve(l) }()
	return p, nil
}

// reachable is an address at which this machine reaches what listens: that of
// the loopback where it listens on all.
func reachable(at net.Addr) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return at.String()
}

func (p *platformSandbox) Close() error {
	err := p.server.Close()
	<-p.served
	return errors.Join(err, p.Sandbox.Close())
}

func sandboxCommand() *cobra.Command {
	var listen, data string
	cmd := &cobra.Command{
		Use:     "sandbox --listen ADDR [--data DIR]",
		Short:   "票通平台沙箱  The stand-in platform alone, for POS developers",
		Example: "  agent sandbox --listen 127.0.0.1:18080 --data sandbox",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(data)
			if err != nil {
				return err
			}
			p, err := startSandbox(listen, dir, logger(cmd.ErrOrStderr(), "info"))
			if err != nil {
				return err
			}
			defer p.Close()
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s %s\n%s %s\n\n%s\n\n%s\n", say("沙箱已就绪", "the sandbox is ready:"), p.URL,
				say("密钥保存在", "keys are in"), dir, say("把下面这一段放进 config.toml:", "put this into config.toml:"), p.Account().ConfigTOML(p.URL, dir))
			fmt.Fprintf(out, "%s\n  curl -s -X POST %s/_sandbox/claim -H 'Content-Type: application/json' -d '{\"url\":\"%s\",\"buyer_name\":\"%s\"}'\n",
				say("扮演顾客扫码开票:", "play a customer who scans and submits:"), p.URL, say("小票上的网址", "URL ON THE RECEIPT"), say("个人", "somebody"))
			select {
			case <-cmd.Context().Done():
				return nil
			case err := <-p.served:
				p.served <- err // for Close
				return err
			}
		},
	}
	cmd.Flags().StringVar(&listen, "listen", sandboxFirst, "监听地址  address to listen on")
	cmd.Flags().StringVar(&data, "data", "sandbox", "密钥与台账目录  folder of keys and ledger")
	return cmd
}

func paperCommand() *cobra.Command {
	var listen, dir, profile, control string
	var traits paper.Traits
	var pty bool
	cmd := &cobra.Command{
		Use:     "paper [--listen tcp://127.0.0.1:9100] [--dir DIR] [--pty] [--control 127.0.0.1:9180]",
		Short:   "纸上打印机  The stand-in receipt printer alone: bytes in, PNG and text out",
		Example: "  agent paper --listen tcp://127.0.0.1:9100 --dir paper\n  agent paper --pty --dir paper",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			model, ok := printer.ProfileByName(profile)
			if !ok {
				return fmt.Errorf("%w: --profile: %s", errUsage, say("没有这个型号;agent profiles 列出型号", "no such model; agent profiles lists them"))
			}
			if traits.Flow != "" && traits.Flow != "xonxoff" {
				return fmt.Errorf("%w: --flow: xonxoff", errUsage)
			}
			p, err := paper.New(paper.Options{Dir: dir, Profile: model, Traits: traits, Logger: logger(cmd.ErrOrStderr(), "info"),
				OnReceipt: func(r paper.Receipt) { fmt.Fprintf(out, "---- %04d ----\n%s\n", r.N, r.Text) }})
			if err != nil {
				return err
			}
			defer p.Close()
			if control != "" {
				stop, err := serveControl(control, p)
				if err != nil {
					return err
				}
				defer stop()
				fmt.Fprintf(out, "%s http://%s\n", say("故障由此设置:", "its faults are set at"), control)
			}
			if pty {
				path, err := p.OpenPTY()
				if err != nil {
					return err
				}
				fmt.Fprintf(out, "%s\n  [printer]\n  port = %q\n", say("打印机已就绪,配置:", "the printer is ready; configure:"), path)
			} else {
				addr, ok := strings.CutPrefix(listen, "tcp://")
				if !ok {
					return fmt.Errorf("%w: --listen %s", errUsage, say("须形如 tcp://127.0.0.1:9100", "must be like tcp://127.0.0.1:9100"))
				}
				at, err := p.ListenTCP(addr)
				if err != nil {
					return fmt.Errorf("%s: %w", say("打印机无法监听,请用 --listen 换一个地址", "the printer cannot listen; give another address by --listen"), err)
				}
				fmt.Fprintf(out, "%s\n  [printer]\n  port = \"tcp://%s\"\n", say("打印机已就绪,配置:", "the printer is ready; configure:"), reachable(at))
			}
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "tcp://127.0.0.1:9100", "监听地址  address to listen on")
	cmd.Flags().StringVar(&dir, "dir", "paper", "小票目录  folder for NNNN.png, .txt and .bin")
	cmd.Flags().StringVar(&profile, "profile", "generic-80", "型号  model")
	cmd.Flags().StringVar(&control, "control", "", "故障与特性的 HTTP 控制地址  address of the HTTP control of faults and traits")
	cmd.Flags().IntVar(&traits.Buffer, "buffer", 0, "接收缓冲区字节数  bytes of the receive buffer")
	cmd.Flags().IntVar(&traits.Speed, "speed", 0, "每秒走纸毫米数  mm of paper a second")
	cmd.Flags().IntVar(&traits.Baud, "baud", 0, "线路速率  speed of the line")
	cmd.Flags().BoolVar(&traits.Loses, "loses", false, "缓冲区满时丢字节  lose what has no room")
	cmd.Flags().StringVar(&traits.Flow, "flow", "", "流控:xonxoff 或空  flow control: xonxoff or empty")
	cmd.Flags().BoolVar(&pty, "pty", false, "用伪终端代替网络端口  a pseudo-terminal instead of a TCP port")
	return cmd
}

// serveControl serves the paper printer's HTTP control until stop.
func serveControl(addr string, p *paper.Printer) (stop func(), err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", say("控制端口无法监听", "the control cannot listen"), err)
	}
	server := &http.Server{Handler: p.Control(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // until stop
	}()
	return func() { server.Close(); <-served }, nil
}

// paperPort is the printer port that writes files instead of paper.
const paperPort = "paper:"

// paperDialer opens a paper printer within the process for the port paper:DIR,
// until end; dial is nil for every other port.
func paperDialer(c config.Printer, log *slog.Logger) (dial dialer, end func(), err error) {
	dir, ours := strings.CutPrefix(c.Port, paperPort)
	if !ours {
		return nil, func() {}, nil
	}
	profile, err := profileOf(c)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	p, err := paper.New(paper.Options{Dir: dir, Profile: profile, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	end = func() {
		if err := p.Close(); err != nil {
			log.Warn("cannot close a printer of files", "err", err)
		}
	}
	return func(context.Context) (printer.Conn, error) { return p.Conn(), nil }, end, nil
}
