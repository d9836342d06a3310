package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tillagent/queue"
	"tillagent/trade"
)

// exported is one kind of rows, which are read and written one after the other.
// Buyers' data is in none of them.
type exported struct {
	name    string // of one row, in JSON lines
	columns []string
	walk    func(ctx context.Context, v *queue.View, from, to time.Time, row func(...any) error) error
}

var exports = map[string]exported{
	"sales": {"sale", []string{"sale_id", "accepted_at", "sold_at", "total", "refunded", "state", "qr_no", "invoice_numbers", "print_state", "cashier", "register"},
		func(ctx context.Context, v *queue.View, from, to time.Time, row func(...any) error) error {
			return v.Sales(ctx, from, to, func(r *queue.Record) error {
				s := &r.Standing
				qr := ""
				if q := s.Current(); q != nil {
					qr = q.No
				}
				return row(r.Sale.ID, r.AcceptedAt, r.Sale.SoldAt, s.Total, s.Refunded(), s.View(), qr, numbers(s.Invoices), ownPrint(r), r.Sale.Cashier, r.Sale.Register)
			})
		}},
	"refunds": {"refund", []string{"refund_id", "sale_id", "created_at", "amount", "reason", "state", "path", "done_at", "red_numbers"},
		func(ctx context.Context, v *queue.View, from, to time.Time, row func(...any) error) error {
			return v.Refunds(ctx, from, to, func(r queue.FoundRefund) error {
				red := slices.DeleteFunc(slices.Clone(r.Standing.Invoices), func(i trade.Invoice) bool { return i.RefundID != r.Refund.ID })
				return row(r.Refund.ID, r.Sale.ID, r.Refund.CreatedAt, r.Refund.Amount, r.Refund.Reason, r.Standing.RefundView(*r.Refund), r.Refund.Path, r.Refund.DoneAt, numbers(red))
			})
		}},
	"invoices": {"invoice", []string{"sale_id", "serial", "kind", "state", "number", "code", "no", "issued_at", "amount", "net", "tax", "refund_id"},
		func(ctx context.Context, v *queue.View, from, to time.Time, row func(...any) error) error {
			return v.Invoices(ctx, from, to, func(sale string, i trade.Invoice) error {
				return row(sale, i.Serial, i.Kind, i.State, i.Number, i.Code, i.No, i.IssuedAt, i.Amount, i.Net, i.Tax, i.RefundID)
			})
		}},
	"journal": {"journal", []string{"seq", "at", "kind", "sale", "ref", "state", "digest", "hash"},
		func(ctx context.Context, v *queue.View, from, to time.Time, row func(...any) error) error {
			return v.Journal(ctx, from, to, func(e queue.JournalEntry) error {
				return row(e.Seq, e.At, e.Kind, e.Sale, e.Ref, e.State, e.Digest, e.Hash)
			})
		}},
}

// exportNames are the kinds in the order of JSON lines.
var exportNames = []string{"sales", "refunds", "invoices", "journal"}

// numbers are the numbers of issued invoices.
func numbers(invoices []trade.Invoice) string {
	var all []string
	for _, i := range invoices {
		if n := strings.TrimSpace(i.Number + i.Code + " " + i.No); n != "" {
			all = append(all, n)
		}
	}
	return strings.Join(all, ";")
}

// ownPrint is how the paper stands that the sale itself asked for.
func ownPrint(r *queue.Record) string {
	for _, p := range r.Prints {
		if p.RefundID == "" && !p.Asked && p.Paper != trade.PaperTicket {
			return string(p.State)
		}
	}
	return string(queue.PrintNone)
}

// rowWriter writes rows in one format.
type rowWriter interface {
	begin(exported) error
	row(...any) error
	end() error
}

// csvRows is a table as Excel opens it: UTF-8 with a byte order mark.
type csvRows struct {
	out   io.Writer
	w     *csv.Writer
	cells []string
}

func (c *csvRows) begin(e exported) error {
	if _, err := io.WriteString(c.out, "\ufeff"); err != nil {
		return err
	}
	c.w = csv.NewWriter(c.out)
	c.w.UseCRLF = true
	return c.w.Write(e.columns)
}

func (c *csvRows) row(values ...any) error {
	c.cells = c.cells[:0]
	for _, v := range values {
		switch v := v.(type) {
		case time.Time:
			text := ""
			if !v.IsZero() {
				text = v.In(trade.Beijing).Format(time.DateTime)
			}
			c.cells = append(c.cells, text)
		case trade.Money:
			c.cells = append(c.cells, v.String())
		default:
			c.cells = append(c.cells, noFormula(fmt.Sprint(v)))
		}
	}
	return c.w.Write(c.cells)
}

func (c *csvRows) end() error {
	c.w.Flush()
	return c.w.Error()
}

// noFormula keeps a spreadsheet from carrying out what a POS put into a field.
func noFormula(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t", rune(text[0])) {
		return "'" + text
	}
	return text
}

// jsonRows is one JSON object to a line, with its kind first.
type jsonRows struct {
	out *bufio.Writer
	of  exported
	b   bytes.Buffer
}

func (j *jsonRows) begin(e exported) error {
	j.of = e
	return nil
}

func (j *jsonRows) row(values ...any) error {
	j.b.Reset()
	fmt.Fprintf(&j.b, `{"type":%q`, j.of.name)
	for i, v := range values {
		if t, ok := v.(time.Time); ok {
			v = nil
			if !t.IsZero() {
				v = t.In(trade.Beijing).Format("2006-01-02T15:04:05.000Z07:00")
			}
		}
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		fmt.Fprintf(&j.b, ",%q:%s", j.of.columns[i], text)
	}
	j.b.WriteString("}\n")
	_, err := j.out.Write(j.b.Bytes())
	return err
}

func (j *jsonRows) end() error { return j.out.Flush() }

func exportCommand() *cobra.Command {
	var path, from, to, format, what, out string
	cmd := &cobra.Command{
		Use:   "export --config FILE [--from DATE] [--to DATE] [--format csv|jsonl] [--what sales|refunds|invoices|journal]",
		Short: "导出销售、退货、发票、流水(服务运行时也可)  Sales, refunds, invoices, journal, beside a running agent too",
		Long: `导出销售、退货、发票或流水,服务运行时也可以。日期是北京时间,--to 当天包括在内;销售按受理、退货按受理、发票按开具的时间。
csv 带 BOM,Excel 可直接打开,一次一种(--what,默认 sales);jsonl 不写 --what 时四种都有,每行有 type。不含购买方信息。

Exports sales, refunds, invoices or the journal, beside a running agent too. Dates are Beijing's, the day of --to is included; sales and refunds
count by when they were accepted, invoices by when they were issued. csv has a byte order mark for Excel and one kind at a time (--what,
sales unless said); jsonl has all four unless --what says one, with the type in each line. Buyers' data is left out.`,
		Example: "  agent export --config config.toml --from 2026-11-01 --to 2026-11-30 --format csv --out sales.csv\n" +
			"  agent export --config config.toml --format jsonl --what journal",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			first, firstErr := dayOf(from, 0)
			last, lastErr := dayOf(to, 1)
			if err := errors.Join(firstErr, lastErr); err != nil {
				return err
			}
			if from != "" && to != "" && !first.Before(last) {
				return fmt.Errorf("%w: %s", errUsage, say("--from 比 --to 晚", "--from is after --to"))
			}
			kinds := []string{what}
			switch {
			case format != "csv" && format != "jsonl":
				return fmt.Errorf("%w: --format: csv, jsonl", errUsage)
			case what == "" && format == "csv":
				kinds = []string{"sales"}
			case what == "":
				kinds = exportNames
			case !slices.Contains(exportNames, what):
				return fmt.Errorf("%w: --what: %s", errUsage, strings.Join(exportNames, ", "))
			}
			if err := haveDatabase(databasePath(cfg)); err != nil {
				return err
			}
			view, err := queue.OpenView(cmd.Context(), databasePath(cfg))
			if err != nil {
				return viewError(err)
			}
			defer view.Close()
			w := cmd.OutOrStdout()
			if out != "" {
				if err := spareOwn(cfg, path, out); err != nil {
					return err
				}
				f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				w = f
			}
			var rows rowWriter = &csvRows{out: w}
			if format == "jsonl" {
				rows = &jsonRows{out: bufio.NewWriter(w)}
			}
			for _, k := range kinds {
				if err := writeRows(cmd.Context(), view, exports[k], first, last, rows); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&path, "config", "", configUsage)
	f.StringVar(&from, "from", "", "从哪天起,如 2026-11-01  first day, such as 2026-11-01")
	f.StringVar(&to, "to", "", "到哪天为止(含)  last day, included")
	f.StringVar(&format, "format", "csv", "csv, jsonl")
	f.StringVar(&what, "what", "", "sales, refunds, invoices, journal")
	f.StringVar(&out, "out", "", "写到文件,默认标准输出  a file instead of standard output")
	return cmd
}

func writeRows(ctx context.Context, v *queue.View, e exported, from, to time.Time, rows rowWriter) error {
	if err := rows.begin(e); err != nil {
		return err
	}
	if err := e.walk(ctx, v, from, to, rows.row); err != nil {
		return err
	}
	return rows.end()
}

// dayOf is the beginning of a day in Beijing, some days later; zero for "".
func dayOf(text string, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, trade.Beijing)
	if err != nil {
		return t, fmt.Errorf("%w: %q: %s", errUsage, text, say("日期须形如 2026-11-01", "a date is like 2026-11-01"))
	}
	return t.AddDate(0, 0, later), nil
}

// viewError says what to do about a database that cannot be read.
func viewError(err error) error {
	v, ok := errors.AsType[*queue.VersionError](err)
	switch {
	case !ok:
		return err
	case v.Version < v.Latest:
		return fmt.Errorf(say("%s 的库结构是旧版本:启动一次服务即自动升级", "%s has tables of an older version: a start of the service brings it up to date"), v.Path)
	}
	return fmt.Errorf(say("%s 的库结构比本程序新:请安装更新版本的程序", "%s has tables newer than this program: install the newer program"), v.Path)
}
