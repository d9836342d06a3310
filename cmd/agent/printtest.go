package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tillagent/cmd/agent/config"
	"tillagent/printer"
	"tillagent/receipt"
	"tillagent/trade"
)

// printTestTime is how long a test page may take; a slow serial line needs some
// seconds for its pictures.
const printTestTime = 90 * time.Second

func printTestCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "print-test --config FILE",
		Short: "打印测试页:宽度、中文、二维码、切纸  Prints a test page: widths, Chinese, QR codes, cut",
		Long: `打印测试页:宽度、中文、符号、二维码(打印机自绘和图像)、条码、切纸;不开钱箱。
服务占着打印机,请先 agent stop。

Prints a test page: widths, Chinese, symbols, QR codes (drawn by the printer and as a picture), a barcode, the cut; the drawer
stays closed. The service holds the printer: stop it first with agent stop.`,
		Example: "  agent print-test --config /etc/piaotong-agent/config.toml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			return printTest(cmd.Context(), cfg, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	return cmd
}

// printTest prints a test page on a configuration's printer and says what
// became of it.
func printTest(ctx context.Context, cfg *config.Config, out io.Writer) error {
	c := cfg.Printer
	if c.Port == "" {
		return errors.New(say("没有配置打印机:设 printer.port,agent ports 列出端口", "no printer is configured: set printer.port; agent ports lists the ports"))
	}
	if s, err := runningService(ctx, cfg); s != nil || err != nil {
		return errors.New(say("服务正在运行并占着打印机:先 agent stop,打完再 agent start", "the service runs and holds the printer: agent stop first, agent start when done"))
	}
	log := slog.New(slog.DiscardHandler)
	profile, err := profileOf(c)
	if err != nil {
		return err
	}
	var dial dialer
	if dir, ok := strings.CutPrefix(c.Port, paperPort); ok {
		p, d, err := paperDialer(c, dir, log)
		if err != nil {
			return err
		}
		defer p.Close()
		dial = d
	}
	device, err := deviceOf(printerOptions(c, profile, log), dial)
	if err != nil {
		return err
	}
	defer device.Close()
	job, _, err := printer.Encode(receipt.TestPage(profile, time.Now(), say("端口 ", "port ")+c.Port), profile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, printTestTime)
	defer cancel()
	r := device.Print(ctx, job)
	switch r.Outcome {
	case printer.Printed:
		_, err = fmt.Fprintln(out, say("已打印,打印机已确认。请对照测试页上的说明检查。", "printed, and the printer has confirmed it; compare the page with what it says"))
	case printer.Sent:
		_, err = fmt.Fprintln(out, say("已发送;该打印机不应答,请看纸。", "sent; this printer does not answer, look at the paper"))
	default:
		text := say("没有打印成功", "not printed: ") + " " + r.Outcome.String()
		if r.Cause != "" {
			text += ": " + trade.Say(trade.Key(r.Cause)).In(messageLang())
		}
		if r.Err != nil {
			text += ": " + r.Err.Error()
		}
		err = errors.New(text + say("。下一步:agent doctor --config FILE", "; next: agent doctor --config FILE"))
	}
	return err
}

// messageLang is the language of messages in trade's terms.
func messageLang() trade.Lang {
	if strings.HasPrefix(lang, "en") {
		return trade.EN
	}
	return trade.ZH
}
