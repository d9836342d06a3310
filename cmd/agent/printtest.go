package main

import (
	"context"
	"encoding/json"
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
	var path, name string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "print-test --config FILE [--printer NAME]",
		Short: "打印测试页:宽度、中文、二维码、切纸  Prints a test page: widths, Chinese, QR codes, cut",
		Long: `打印测试页:宽度、中文、符号、二维码(打印机自绘和图像)、条码、切纸;不开钱箱。
服务占着打印机,请先 agent stop。

Prints a test page: widths, Chinese, symbols, QR codes (drawn by the printer and as a picture), a barcode, the cut; the drawer
stays closed. The service holds the printer: stop it first with agent stop.`,
		Example: "  agent print-test --config /etc/piaotong-agent/config.toml\n  agent print-test --config config.toml --printer kitchen",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			c, err := printerNamed(cfg, name)
			if err != nil {
				return err
			}
			if !asJSON {
				return printTestOn(cmd.Context(), cfg, c, cmd.OutOrStdout())
			}
			r, err := printPage(cmd.Context(), cfg, c)
			if err != nil {
				return err
			}
			told := map[string]string{"outcome": r.Outcome.String(), "cause": string(r.Cause)}
			return errors.Join(json.NewEncoder(cmd.OutOrStdout()).Encode(told), notPrinted(r))
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON")
	cmd.Flags().StringVar(&name, "printer", config.ReceiptPrinter, "打印机的名称  the printer's name")
	return cmd
}

// printerNamed finds a printer of a configuration.
func printerNamed(cfg *config.Config, name string) (config.Printer, error) {
	if name == config.ReceiptPrinter {
		return cfg.Printer, nil
	}
	names := []string{config.ReceiptPrinter}
	for _, p := range cfg.Printers {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return config.Printer{}, fmt.Errorf(say("没有名为 %q 的打印机,可用:%s", "there is no printer %q, only: %s"), name, strings.Join(names, ", "))
}

// printTest prints a test page on the printer for receipts.
func printTest(ctx context.Context, cfg *config.Config, out io.Writer) error {
	return printTestOn(ctx, cfg, cfg.Printer, out)
}

// printTestOn prints a test page on a printer and says what became of it.
func printTestOn(ctx context.Context, cfg *config.Config, c config.Printer, out io.Writer) error {
	r, err := printPage(ctx, cfg, c)
	if err != nil {
		return err
	}
	switch r.Outcome {
	case printer.Printed:
		_, err = fmt.Fprintln(out, say("已打印,打印机已确认。请对照测试页上的说明检查。", "printed, and the printer has confirmed it; compare the page with what it says"))
	case printer.Sent:
		_, err = fmt.Fprintln(out, say("已发送;该打印机不能确认,请看纸。", "sent; this printer does not confirm, look at the paper"))
	default:
		err = notPrinted(r)
	}
	return err
}

// notPrinted says why there is no paper, or why it is not known whether there
// is; nil where there is, or where a printer that cannot answer has taken it all.
func notPrinted(r printer.Result) error {
	var text string
	switch r.Outcome {
	case printer.Printed, printer.Sent:
		return nil
	case printer.NotSent:
		text = say("没有打印", "not printed")
	default:
		text = say("可能没有打完整,请看纸", "it may not be complete, look at the paper")
	}
	if r.Cause != "" {
		text += ": " + trade.CauseWords(string(r.Cause)).In(messageLang())
	}
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return errors.New(text + say("。下一步:agent doctor --config FILE", "; next: agent doctor --config FILE"))
}

// printPage prints a test page on a printer. The error is of what comes before
// the printing.
func printPage(ctx context.Context, cfg *config.Config, c config.Printer) (r printer.Result, err error) {
	if c.Port == "" {
		return r, errors.New(say("没有配置打印机:设 printer.port,agent ports 列出端口", "no printer is configured: set printer.port; agent ports lists the ports"))
	}
	switch s, err := runningService(ctx, cfg); {
	case err != nil:
		return r, fmt.Errorf(say("%s 上有程序应答,它可能占着打印机(%v):%s", "something answers at %s, which may hold the printer (%v): %s"), cfg.API.Listen, err, notOurs())
	case s != nil:
		return r, errors.New(say("服务正在运行并占着打印机:先 agent stop,打完再 agent start", "the service runs and holds the printer: agent stop first, agent start when done"))
	}
	log := slog.New(slog.DiscardHandler)
	profile, err := profileOf(c)
	if err != nil {
		return r, err
	}
	dial, end, err := paperDialer(c, log)
	if err != nil {
		return r, err
	}
	defer end()
	device, err := deviceOf(c, printerOptions(c, profile, log), dial)
	if err != nil {
		return r, err
	}
	defer device.Close()
	job, _, err := printer.Encode(receipt.TestPage(profile, time.Now(), say("端口 ", "port ")+c.Port), profile)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, printTestTime)
	defer cancel()
	return device.Print(ctx, job), nil
}

// messageLang is the language of messages in trade's terms.
func messageLang() trade.Lang {
	if strings.HasPrefix(lang, "en") {
		return trade.EN
	}
	return trade.ZH
}
