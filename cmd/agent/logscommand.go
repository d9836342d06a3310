package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tillagent/trade"
)

// mostLines bounds what `agent logs` shows: the files themselves have more.
const mostLines = 10000

func logsCommand() *cobra.Command {
	var path, sale string
	var lines int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "logs --config FILE [--lines N] [--sale ID]",
		Short: "显示最近的日志  The last of the log",
		Long: `显示最近的日志,时间为北京时间;--sale 只看一单。全部日志在数据目录的 logs 里,每行一个 JSON,自动轮换,共约 15 MB。

Shows the last of the log, in Beijing's time; --sale shows one sale's lines. All of it is in logs in the folder of data: a JSON object a
line, rotated by itself, some 15 MB in all.`,
		Example: "  sudo agent logs --config /etc/piaotong-agent/config.toml\n  sudo agent logs --config /etc/piaotong-agent/config.toml --sale 1042 --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if lines < 1 || lines > mostLines {
				return fmt.Errorf("%w: --lines: 1 … %d", errUsage, mostLines)
			}
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			all, err := lastLines(cfg)(mostLines)
			if err != nil {
				return fmt.Errorf("%s: %w", say("读不了日志", "cannot read the log"), err)
			}
			if sale != "" {
				all = slices.DeleteFunc(all, func(l json.RawMessage) bool {
					var of struct{ Sale string }
					return json.Unmarshal(l, &of) != nil || of.Sale != sale
				})
			}
			all = all[max(0, len(all)-lines):]
			if asJSON {
				_, err = cmd.OutOrStdout().Write(joined(all))
				return err
			}
			return writeLog(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", configUsage)
	cmd.Flags().StringVar(&sale, "sale", "", "只看这一单  the lines of this sale alone")
	cmd.Flags().IntVar(&lines, "lines", supportLog, "行数  how many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "原样,每行一个 JSON  as it is, a JSON object a line")
	return cmd
}

// writeLog writes lines for people: time, level, words, then the rest by name.
func writeLog(out io.Writer, lines []json.RawMessage) error {
	var b bytes.Buffer
	for _, l := range lines {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(l, &fields); err != nil {
			return err
		}
		at, level, msg := oneLine(fields["time"]), oneLine(fields["level"]), oneLine(fields["msg"])
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
			at = t.In(trade.Beijing).Format("2006-01-02 15:04:05.000")
		}
		fmt.Fprintf(&b, "%s %-5s %s", at, level, msg)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if name != "time" && name != "level" && name != "msg" {
				fmt.Fprintf(&b, " %s=%s", name, oneLine(fields[name]))
			}
		}
		b.WriteByte('\n')
	}
	_, err := out.Write(b.Bytes())
	return err
}

// oneLine is a JSON value without quotes, on one line.
func oneLine(v json.RawMessage) string {
	var text string
	if json.Unmarshal(v, &text) != nil {
		text = string(v)
	}
	return strings.Join(strings.Fields(text), " ")
}
