package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tillagent/printer"
	"tillagent/trade"
)

// goods are what the catalogue says of each sku.
type goods map[string]trade.Line

// goodsColumns are the columns of the file, in this order. They are named as
// the fields of a line.
var goodsColumns = []string{"sku", "name", "tax_code", "tax_rate", "zero_tax_flag", "unit", "spec"}

const (
	maxGoodsMB  = 16 // size of the file
	mostListed  = 50 // problems of a file that are listed
	mostAlerted = 10 // problems of a file that an alert holds
)

// goodsError is what is wrong with the text of a file.
type goodsError struct {
	path     string
	problems []goodsProblem // the first mostListed
	more     int
}

// goodsProblem is one thing wrong: the line of the file and the column of the
// table, both counted from 1.
type goodsProblem struct {
	line, column int
	what         trade.Message
}

func (e *goodsError) full() bool { return len(e.problems) == mostListed }

func (e *goodsError) add(line, column int, what trade.Message) {
	if e.full() {
		e.more++
		return
	}
	e.problems = append(e.problems, goodsProblem{line, column, what})
}

func (e *goodsError) count() int { return len(e.problems) + e.more }

// text is a problem with its place.
func (e *goodsError) text(p goodsProblem, l trade.Lang) string {
	name := "" // of a column that there should not be
	if p.column <= len(goodsColumns) {
		name = goodsColumns[p.column-1]
	}
	return trade.Say(trade.GoodsPlace, e.path, strconv.Itoa(p.line), strconv.Itoa(p.column), name).In(l) + p.what.In(l)
}

func (e *goodsError) list(most int, l trade.Lang) string {
	var lines []string
	for _, p := range e.problems[:min(most, len(e.problems))] {
		lines = append(lines, e.text(p, l))
	}
	if n := e.count() - len(lines); n > 0 {
		lines = append(lines, trade.Say(trade.GoodsMore, strconv.Itoa(n)).In(l))
	}
	return strings.Join(lines, "\n")
}

func (e *goodsError) Error() string { return e.list(mostListed, trade.Lang(lang)) }

// detail is the list for an alert, which is stored in both languages, without
// the file's folder.
func (e *goodsError) detail() trade.Message {
	short := *e
	short.path = filepath.Base(e.path)
	return trade.Say(trade.GoodsProblems, short.list(mostAlerted, trade.ZH), short.list(mostAlerted, trade.EN))
}

// readGoods reads a catalogue: CSV with the heading goodsColumns, in UTF-8 or,
// as spreadsheets in China save it, in GB18030. What is wrong with the text is
// a *goodsError with everything; other errors are of the file.
func readGoods(path string) (goods, stamp, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, stamp{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, stamp{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxGoodsMB<<20+1))
	if err != nil {
		return nil, stamp{}, err
	}
	g, wrong := goods{}, &goodsError{path: path}
	if len(raw) > maxGoodsMB<<20 {
		wrong.add(1, 1, trade.Say(trade.GoodsTooLarge, strconv.Itoa(maxGoodsMB)))
	} else {
		g.parse(goodsText(raw), wrong)
	}
	if wrong.count() > 0 {
		return nil, stampOf(info), wrong
	}
	return g, stampOf(info), nil
}

// goodsText decodes the file. What is not text becomes U+FFFD, which parse
// finds.
func goodsText(raw []byte) string {
	raw, marked := bytes.CutPrefix(raw, []byte("\ufeff"))
	if marked || utf8.Valid(raw) || damagedUTF8(raw) {
		return strings.ToValidUTF8(string(raw), string(utf8.RuneError))
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(raw)
	if err != nil {
		return string(utf8.RuneError)
	}
	return string(text)
}

// damagedUTF8 tells UTF-8 with a few wrong bytes from GB18030, as which it
// would read too, as nonsense: Chinese in UTF-8 has three bytes a character,
// and bytes of GB18030 make such a character by chance only.
func damagedUTF8(raw []byte) bool {
	chinese, wrong := 0, 0
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		switch {
		case n == 3:
			chinese++
		case r == utf8.RuneError:
			wrong++
		}
		raw = raw[n:]
	}
	return chinese > wrong
}

// parse reads the table, and goes on after what is wrong with it.
func (g goods) parse(text string, wrong *goodsError) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = len(goodsColumns)
	head, err := r.Read()
	for i := range head {
		head[i] = strings.TrimSpace(head[i])
	}
	if err != nil || !slices.Equal(head, goodsColumns) {
		wrong.add(1, 1, trade.Say(trade.GoodsHead, strings.Join(goodsColumns, ",")))
		return
	}
	lines := map[string]int{}
	for {
		row, err := r.Read()
		var syntax *csv.ParseError
		switch {
		case err == io.EOF:
			return
		case errors.Is(err, csv.ErrFieldCount):
			line, _ := r.FieldPos(0)
			wrong.add(line, min(len(row), len(goodsColumns))+1, trade.Say(trade.GoodsCells, strconv.Itoa(len(row)), strconv.Itoa(len(goodsColumns))))
			continue
		case errors.As(err, &syntax):
			line, column := syntax.StartLine, 1
			if !wrong.full() { // to find the place, the text is gone through
				line, column = quoteAt(text, syntax)
			}
			wrong.add(line, column, trade.Say(trade.GoodsQuotes))
			continue
		case err != nil:
			panic("reading from memory failed: " + err.Error())
		}
		if strings.Join(row, "") == "" {
			continue // spreadsheets leave such rows at the end
		}
		line, _ := r.FieldPos(0)
		l := entry(row, func(column int, what trade.Message) { wrong.add(line, column, what) })
		if first, twice := lines[l.SKU]; twice {
			wrong.add(line, 1, trade.Say(trade.GoodsTwice, strconv.Itoa(first)))
		} else if l.SKU != "" {
			lines[l.SKU] = line
		}
		g[l.SKU] = l
	}
}

// quoteAt is the line and the column of a quotation mark without a partner. One
// that is never closed swallows the lines that follow: it is the last of an odd
// number on the row's first line.
func quoteAt(text string, e *csv.ParseError) (line, column int) {
	line, at := e.Line, e.Column-1
	if first := lineOf(text, e.StartLine); strings.Count(first, `"`)%2 == 1 {
		line, at = e.StartLine, strings.LastIndexByte(first, '"')
	}
	l := lineOf(text, line)
	return line, strings.Count(l[:min(at, len(l))], ",") + 1
}

// lineOf is a line of the text, counted from 1.
func lineOf(text string, n int) string {
	for range n - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// rounded is what a spreadsheet makes of a bar code or a tax code that it takes
// for a number.
var rounded = regexp.MustCompile(`^[0-9](\.[0-9]+)?E\+[0-9]+$`)

// entry reads a row and reports what is wrong with it.
func entry(row []string, wrong func(column int, what trade.Message)) trade.Line {
	reported := make([]bool, len(row))
	report := func(column int, what trade.Message) {
		if !reported[column-1] { // one problem a cell is enough
			reported[column-1] = true
			wrong(column, what)
		}
	}
	for i := range row {
		row[i] = trade.Normalise(row[i])
		switch {
		case strings.ContainsRune(row[i], utf8.RuneError):
			report(i+1, trade.Say(trade.GoodsBytes))
		case rounded.MatchString(row[i]) && (goodsColumns[i] == "sku" || goodsColumns[i] == "tax_code"):
			report(i+1, trade.Say(trade.GoodsExcel, row[i]))
		}
	}
	l := trade.Line{SKU: row[0], Name: row[1], TaxCode: row[2], Rate: trade.NoRate, ZeroTaxFlag: row[4], Unit: row[5], Spec: row[6]}
	checked := l
	if row[3] != "" {
		var err error
		if l.Rate, err = trade.ParseRate(row[3]); err != nil {
			report(4, trade.Say(trade.BadRate))
			checked.ZeroTaxFlag = "" // whether it fits the rate cannot be told
		}
		checked.Rate = l.Rate
	}
	for _, p := range (trade.Rules{Encodable: printer.Encodable}).CheckGoods(&checked) {
		report(slices.Index(goodsColumns, p.Field)+1, p.Message)
	}
	return l
}
