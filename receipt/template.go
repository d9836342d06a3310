package receipt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"tillagent/printer"
	"tillagent/trade"
)

// A Template is a shop's own order and wording of its receipts. Nil is the
// built-in one.
//
// The file is TOML: order lists the blocks, [words] gives labels, [[header]] and
// [[footer]] are lines in the form in which a POS sends them (see [Shop.Lines]),
// in whose texts {sale} {time} {cashier} {register} {total} {voucher} are filled
// in. docs/printers.md describes it.
type Template struct {
	order      []string
	words      map[string]string
	head, foot printer.Doc // nil where the shop's own stand
}

// builtinOrder is the order of a receipt where no template says otherwise.
var builtinOrder = []string{"logo", "header", "sale", "items", "total", "payments", "remark", "rule", "tax", "rule", "claim", "footer"}

// neededBlocks cannot be left out: without them the paper is no receipt, or the
// customer cannot get the invoice.
var neededBlocks = []string{"sale", "items", "total", "claim"}

// builtinWords are the labels a template may give in other words.
var builtinWords = map[string]string{
	"sale": "单号", "time": "时间", "cashier": "收银", "register": "机号", "voucher": "凭证码",
	"item": "品名", "quantity": "数量", "price": "单价", "amount": "金额", "discount": "折扣",
	"total": "合计", "change": "找零", "refunded": "已退", "remark": "备注",
	"rate": "税率", "gross": "含税金额", "tax": "税额", "scan": "扫码自助开具电子发票",
}

// maxWord is the most cells of a label; the call to scan has a line to itself.
func maxWord(key string) int {
	if key == "scan" {
		return templateColumns
	}
	return 10
}

// templateColumns is the width that a template's lines must fit: 58 mm paper, so
// that one file serves every till.
const templateColumns = 32

// maxEmptyMM is the most paper, in mm, that a receipt of nothing may take: every
// sale would take as much, and more.
const maxEmptyMM = 1000

// emptyMM is the length of a receipt of nothing on 58 mm paper.
func (t *Template) emptyMM() int {
	const dotsPerMM = 8
	p, _ := printer.ProfileByName("generic-58") // it is built in
	return printer.Height(Shop{Columns: p.Columns, Template: t}.Layout(Paper{Kind: trade.PaperReceipt}), p) / dotsPerMM
}

func (t *Template) word(key string) string {
	if t != nil && t.words[key] != "" {
		return t.words[key]
	}
	return builtinWords[key]
}

func (t *Template) blocks() []string {
	if t != nil && t.order != nil {
		return t.order
	}
	return builtinOrder
}

// header gives the template's own header; nil where it has none.
func (t *Template) header() printer.Doc {
	if t == nil {
		return nil
	}
	return t.head
}

func (t *Template) footer() printer.Doc {
	if t == nil {
		return nil
	}
	return t.foot
}

// LoadTemplate reads a template. The error tells everything that is wrong with
// it, one thing a line; a shop prints with the built-in template then.
func LoadTemplate(path string) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parseTemplate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func parseTemplate(data []byte) (*Template, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // Windows editors put it there
	var file struct {
		Order  []string          `toml:"order"`
		Words  map[string]string `toml:"words"`
		Header []map[string]any  `toml:"header"`
		Footer []map[string]any  `toml:"footer"`
	}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, tomlError(err)
	}
	t := &Template{order: file.Order}
	var errs []error
	say := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if file.Order != nil {
		for _, b := range file.Order {
			if blocks[b] == nil {
				say("order: 没有 %q 这一块，可用 %s", b, strings.Join(slices.Sorted(maps.Keys(blocks)), ", "))
			}
		}
		for _, b := range neededBlocks {
			if n := count(file.Order, b); n != 1 {
				say("order: %q 必须出现一次，现为 %d 次", b, n)
			}
		}
	}
	t.words = make(map[string]string)
	for _, key := range slices.Sorted(maps.Keys(file.Words)) {
		word := trade.Normalise(file.Words[key])
		switch {
		case builtinWords[key] == "":
			say("words.%s: 没有这个词，可用 %s", key, strings.Join(slices.Sorted(maps.Keys(builtinWords)), ", "))
		case word == "" || strings.ContainsFunc(word, func(r rune) bool { return !printer.Encodable(r) }):
			say("words.%s: 须为能打印的文字", key)
		case printer.Width(word) > maxWord(key):
			say("words.%s: 最宽 %d 列(汉字算 2)，现为 %d", key, maxWord(key), printer.Width(word))
		}
		t.words[key] = word
	}
	t.head = templateLines("header", file.Header, say)
	t.foot = templateLines("footer", file.Footer, say)
	if len(errs) == 0 {
		if mm := t.emptyMM(); mm > maxEmptyMM {
			say("没有商品时已长 %d 毫米，最长 %d", mm, maxEmptyMM)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t, nil
}

func count(all []string, s string) int {
	n := 0
	for _, a := range all {
		if a == s {
			n++
		}
	}
	return n
}

// templateLines reads [[header]] or [[footer]]; nil where the file has none.
func templateLines(name string, lines []map[string]any, say func(string, ...any)) printer.Doc {
	if lines == nil {
		return nil
	}
	raw, err := json.Marshal(lines)
	if err != nil {
		say("%s: %v", name, err)
		return nil
	}
	doc, problems := parseLines(raw, templateColumns)
	for _, p := range problems {
		say("%s%s: %s", name, strings.TrimPrefix(p.Field, "lines"), p.Message.In(trade.ZH))
	}
	for i, e := range doc {
		switch e := e.(type) {
		case printer.Cut:
			say("%s[%d].cut: 页眉页脚不能切纸", name, i)
		case printer.Columns:
			for c, col := range e {
				if col.Width == 1 && strings.Contains(col.Text, "{") { // Chinese may be filled in
					say("%s[%d].columns[%d].width: %s", name, i, c, trade.Say(trade.AtLeast, "2").In(trade.ZH))
				}
			}
		}
	}
	return doc
}

// tomlError names line and key of what the decoder refused.
func tomlError(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var errs []error
		for _, e := range strict.Errors {
			line, _ := e.Position()
			errs = append(errs, fmt.Errorf("第 %d 行: 没有 %s 这个键", line, strings.Join(e.Key(), ".")))
		}
		return errors.Join(errs...)
	}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ := at.Position()
		return fmt.Errorf("第 %d 行: %s", line, strings.TrimPrefix(at.Error(), "toml: "))
	}
	return err
}

// filled puts the sale into a template's lines.
func (d *doc) filled(lines printer.Doc, p Paper) printer.Doc {
	fill := strings.NewReplacer("{sale}", p.Sale.ID, "{time}", clock(p.Sale.SoldAt), "{cashier}", p.Sale.Cashier,
		"{register}", p.Sale.Register, "{total}", p.Sale.Total.String(), "{voucher}", d.voucherCode(p)).Replace
	out := make(printer.Doc, len(lines))
	for i, e := range lines {
		switch e := e.(type) {
		case printer.Line:
			e.Text = fill(e.Text)
			out[i] = e
		case printer.Columns:
			e = slices.Clone(e)
			for c := range e {
				e[c].Text = fill(e[c].Text)
			}
			out[i] = e
		default:
			out[i] = e
		}
	}
	return out
}
