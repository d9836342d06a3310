package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tillagent/cmd/agent/config"
	"tillagent/queue"
	"tillagent/trade"
)

const goodsHead = "sku,name,tax_code,tax_rate,zero_tax_flag,unit,spec\r\n"

// inGB18030 writes text as a spreadsheet in China saves it.
func inGB18030(t *testing.T, text string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// shelf writes a file of goods, made at a given minute of the hour.
func shelf(t *testing.T, path, text string, minute int) {
	t.Helper()
	at := time.Date(2026, 11, 22, 8, minute, 0, 0, time.UTC)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func openShelf(t *testing.T, text string) (*catalogue, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "goods.csv")
	shelf(t, path, text, 0)
	c, err := openCatalogue(config.Tax{Catalogue: path, Code: "1010101010000000000", Rate: "0.13"})
	return c, path, err
}

func TestCatalogueInEveryEncoding(t *testing.T) {
	table := goodsHead + "A01,龙井茶（特级）,3070401000000000000,0.06,,份, 大\u00a0份 \r\n" +
		"\"B,1\",\"引\"\"号\"\"\",,0,1,,\n" + ",,,,,,\n\n"
	want := map[string]trade.Line{
		"A01": {SKU: "A01", Name: "龙井茶（特级）", TaxCode: "3070401000000000000", Rate: 6, Unit: "份", Spec: "大 份"},
		"B,1": {SKU: "B,1", Name: "引\"号\"", ZeroTaxFlag: "1"},
	}
	for name, text := range map[string]string{
		"UTF-8": table, "UTF-8 with mark": "\ufeff" + table, "GB18030": inGB18030(t, strings.ReplaceAll(table, "\u00a0", " ")),
	} {
		c, _, err := openShelf(t, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := *c.goods.Load()
		if len(got) != len(want) {
			t.Errorf("%s: %d goods, want %d", name, len(got), len(want))
		}
		for sku, l := range want {
			if got[sku] != l {
				t.Errorf("%s: %+v, want %+v", name, got[sku], l)
			}
		}
	}
}

func TestCatalogueFillsWhatIsLeftOut(t *testing.T) {
	c, _, err := openShelf(t, goodsHead+"A,茶,3070401000000000000,0.06,,份,大\nZ,书,,0,1,本,\nN,无税,,,,,\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct{ posted, want trade.Line }{
		"all": {trade.Line{SKU: "A", Rate: trade.NoRate},
			trade.Line{SKU: "A", Name: "茶", TaxCode: "3070401000000000000", Rate: 6, Unit: "份", Spec: "大"}},
		"nothing": {trade.Line{SKU: "A", Name: "水", TaxCode: "111", Rate: 9, Unit: "瓶", Spec: "小"},
			trade.Line{SKU: "A", Name: "水", TaxCode: "111", Rate: 9, Unit: "瓶", Spec: "小"}},
		"zero rate with its flag":     {trade.Line{SKU: "Z", Rate: trade.NoRate}, trade.Line{SKU: "Z", Name: "书", TaxCode: "1010101010000000000", ZeroTaxFlag: "1", Unit: "本"}},
		"the flag of a posted zero":   {trade.Line{SKU: "Z", TaxCode: "111"}, trade.Line{SKU: "Z", Name: "书", TaxCode: "111", ZeroTaxFlag: "1", Unit: "本"}},
		"no flag for another rate":    {trade.Line{SKU: "Z", TaxCode: "111", Rate: 9}, trade.Line{SKU: "Z", Name: "书", TaxCode: "111", Rate: 9, Unit: "本"}},
		"the posted flag stays":       {trade.Line{SKU: "Z", TaxCode: "111", ZeroTaxFlag: "3"}, trade.Line{SKU: "Z", Name: "书", TaxCode: "111", ZeroTaxFlag: "3", Unit: "本"}},
		"[tax] where the file is mum": {trade.Line{SKU: "N", Rate: trade.NoRate}, trade.Line{SKU: "N", Name: "无税", TaxCode: "1010101010000000000", Rate: 13}},
		"[tax] for an unknown sku":    {trade.Line{SKU: "a", Name: "x", Rate: trade.NoRate}, trade.Line{SKU: "a", Name: "x", TaxCode: "1010101010000000000", Rate: 13}},
		"[tax] without a sku":         {trade.Line{Name: "x", Rate: trade.NoRate}, trade.Line{Name: "x", TaxCode: "1010101010000000000", Rate: 13}},
	} {
		got := x.posted
		if c.fill(&got); got != x.want {
			t.Errorf("%s: %+v, want %+v", name, got, x.want)
		}
	}
}

func TestCatalogueNamesEveryMistakeAtOnce(t *testing.T) {
	lang = "en"
	defer func() { lang = "" }()
	good := "A,茶,3070401000000000000,0.06,,份,\n"
	for name, x := range map[string]struct {
		text string
		want []string // at the end of the lines of the error
	}{
		"empty file":     {"", []string{`:1: column 1 sku: the first line must be sku,name,tax_code,tax_rate,zero_tax_flag,unit,spec`}},
		"other heading":  {"sku;name\n", []string{`:1: column 1 sku: the first line must be sku,name,tax_code,tax_rate,zero_tax_flag,unit,spec`}},
		"heading alone":  {goodsHead, nil},
		"every column":   {goodsHead + ",茶,30x,0.17,1,,\n", []string{`:2: column 4 tax_rate: must be one of 0.13 0.09 0.06 0.05 0.03 0.01 0`, `:2: column 1 sku: is required`, `:2: column 3 tax_code: must be 3 to 19 digits`}},
		"zero rate":      {goodsHead + "A,,,0,,,\nB,,,0,4,,\nC,,,0.06,1,,\nD,,,,1,,\n", []string{`:2: column 5 zero_tax_flag: is required with rate 0: 0 export, 1 exempt, 2 not taxed, 3 plain zero rate`, `:3: column 5 zero_tax_flag: must be one of "", "0", "1", "2", "3"`, `:4: column 5 zero_tax_flag: must be empty where the rate is not 0`, `:5: column 5 zero_tax_flag: must be empty where the rate is not 0`}},
		"twice":          {goodsHead + good + "B,,,,,,\n A ,,,,,,\n", []string{`:4: column 1 sku: is on line 2 already`}},
		"lengths":        {goodsHead + strings.Repeat("s", 51) + "," + strings.Repeat("长", 51) + ",,,," + strings.Repeat("位", 11) + "," + strings.Repeat("x", 41) + "\n", []string{`column 1 sku: must be at most 50 bytes in GBK (a Chinese character counts 2), has 51`, `column 2 name: must be at most 100 bytes in GBK (a Chinese character counts 2), has 102`, `column 7 spec: must be at most 40 bytes in GBK (a Chinese character counts 2), has 41`, `column 6 unit: must be at most 20 bytes in GBK (a Chinese character counts 2), has 22`}},
		"limits kept":    {goodsHead + strings.Repeat("s", 50) + "," + strings.Repeat("长", 50) + ",111,0.01,," + strings.Repeat("位", 10) + "," + strings.Repeat("x", 40) + "\n", nil},
		"characters":     {goodsHead + "A,饭😀,,,,\"a\tb\",\nB,龑䶮€,,,,,\n", []string{`:2: column 2 name: character 😀 (U+1F600) can neither be printed nor invoiced`, `:2: column 6 unit: has the control character U+0009`}},
		"two-line cell":  {goodsHead + "A,\"两\n行\",,,,,\nB,,x,,,,\n", []string{`:2: column 2 name: has the control character U+000A`, `:4: column 3 tax_code: must be 3 to 19 digits`}},
		"cells":          {goodsHead + "A,茶\nB,,,,,,,\n" + good, []string{`:2: column 3 tax_code: has 2 columns, must have 7`, `:3: column 8 : has 8 columns, must have 7`}},
		"quotes":         {goodsHead + "A,b\"c,,,,,\nB,,x,,,,\n", []string{`:2: column 2 name: a quotation mark has no partner`, `:3: column 3 tax_code: must be 3 to 19 digits`}},
		"open quote":     {goodsHead + "A,\"茶,,,,,\n", []string{`:2: column 2 name: a quotation mark has no partner`}},
		"spreadsheet":    {goodsHead + "6.90103E+12,茶,3.0704E+18,,,,\n", []string{`:2: column 1 sku: a spreadsheet made 6.90103E+12 of a long number: format the column as text and enter it again`, `:2: column 3 tax_code: a spreadsheet made 3.0704E+18 of a long number: format the column as text and enter it again`}},
		"damaged UTF-8":  {goodsHead + good + "B,龙井\xe8\x8c茶叶,,,,,\n", []string{`:3: column 2 name: the bytes are not text; the file must be UTF-8 or GB18030 (GBK)`}},
		"damaged marked": {"\ufeff" + goodsHead + "B,\xc1\xfa,,,,,\n", []string{`:2: column 2 name: the bytes are not text; the file must be UTF-8 or GB18030 (GBK)`}},
		"neither":        {goodsHead + "B,\xc1\xfa\xff,,,,,\n", []string{`:2: column 2 name: the bytes are not text; the file must be UTF-8 or GB18030 (GBK)`}},
		"too large":      {goodsHead + strings.Repeat(",,,,,,\n", maxGoodsMB<<20/7+1), []string{`:1: column 1 sku: the file may have at most 16 MB`}},
	} {
		_, path, err := openShelf(t, x.text)
		if len(x.want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		lines := strings.Split(strings.TrimPrefix(err.Error(), "tax.catalogue: "), "\n")
		if len(lines) != len(x.want) {
			t.Errorf("%s:\n%v\nwant %d problems", name, err, len(x.want))
			continue
		}
		for i, l := range lines {
			if !strings.HasPrefix(l, path+":") || !strings.HasSuffix(l, x.want[i]) {
				t.Errorf("%s: problem %d is\n%s\nwant\n%s", name, i, l, x.want[i])
			}
		}
	}
}

func TestCatalogueErrorsAreCapped(t *testing.T) {
	lang = "en"
	defer func() { lang = "" }()
	_, _, err := openShelf(t, goodsHead+strings.Repeat(",,,,,x,\n", mostListed+3))
	if err == nil || strings.Count(err.Error(), "is required") != mostListed || !strings.HasSuffix(err.Error(), "\nand 3 more errors") {
		t.Errorf("%v", err)
	}
}

func TestAgentDoesNotStartWithABadCatalogue(t *testing.T) {
	dir := t.TempDir()
	shelf(t, filepath.Join(dir, "goods.csv"), goodsHead+"A,,30x,,,,\nA,,,0.2,,,\n", 0)
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, fmt.Appendf(nil, "data_dir = %q\n[tax]\ncatalogue = \"goods.csv\"\n", filepath.Join(dir, "data")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "run", "--config", path)
	if got := p.wait(); got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
	for _, want := range []string{"goods.csv:2: column 3 tax_code: ", "goods.csv:3: column 4 tax_rate: ", "goods.csv:3: column 1 sku: is on line 2 already"} {
		if !strings.Contains(p.errors.String(), want) {
			t.Errorf("no %q in\n%s", want, p.errors.String())
		}
	}
}

// aisle is a catalogue that is looked at while the agent runs.
type aisle struct {
	*catalogue
	t     *testing.T
	store *queue.Store
}

func newAisle(t *testing.T, text string) aisle {
	t.Helper()
	c, path, err := openShelf(t, text)
	if err != nil {
		t.Fatal(err)
	}
	c.log = slog.New(slog.DiscardHandler)
	store, err := queue.Open(queue.Options{Path: filepath.Join(filepath.Dir(path), "queue.db"), Prefix: "DEMO", QRValid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	c.store = store
	return aisle{c, t, store}
}

// shows checks the name of sku A, and the active alert with its count of
// problems; "" for none.
func (a aisle) shows(when, name, problems string) {
	a.t.Helper()
	if got := (*a.goods.Load())["A"].Name; got != name {
		a.t.Errorf("%s: the catalogue says %q, want %q", when, got, name)
	}
	alerts, err := a.store.ActiveAlerts()
	if err != nil {
		a.t.Fatal(err)
	}
	got := ""
	for _, x := range alerts {
		if x.Kind == trade.AlertCatalogue {
			got = x.Title.Args[0]
		}
		if x.Count != 1 || x.Action.IsZero() || strings.Contains(x.Detail.In(trade.EN)+x.Title.In(trade.EN), filepath.Dir(a.path)) {
			a.t.Errorf("%s: alert %+v", when, x)
		}
	}
	if got != problems {
		a.t.Errorf("%s: alert %q, want %q", when, got, problems)
	}
}

// looks looks so many times.
func (a aisle) looks(n int) {
	for range n {
		a.look()
	}
}

func TestCatalogueIsReadAgain(t *testing.T) {
	a := newAisle(t, goodsHead+"A,旧,,,,,\n")
	a.looks(3)
	a.shows("unchanged", "旧", "")

	shelf(t, a.path, goodsHead+"A,新,,,,,\n", 1)
	a.look()
	a.shows("just changed, perhaps half written", "旧", "")
	shelf(t, a.path, goodsHead+"A,更新,,,,,\n", 2)
	a.look()
	a.shows("still changing", "旧", "")
	a.look()
	a.shows("at rest", "更新", "")

	shelf(t, a.path, goodsHead+"A,坏,x,,,,\nB,,,0.2,,,\n", 3)
	a.looks(4)
	a.shows("bad", "更新", "2")
	alerts, err := a.store.ActiveAlerts()
	if err != nil || len(alerts) != 1 {
		t.Fatal(alerts, err)
	}
	if zh, en := alerts[0].Detail.In(trade.ZH), alerts[0].Detail.In(trade.EN); zh != "goods.csv:2: 第 3 列 tax_code: 税收分类编码须为 3 到 19 位数字\ngoods.csv:3: 第 4 列 tax_rate: 税率只能是 0.13 0.09 0.06 0.05 0.03 0.01 0" ||
		!strings.HasPrefix(en, "goods.csv:2: column 3 tax_code: must be 3 to 19 digits\n") {
		t.Errorf("the alert says\n%s\n%s", zh, en)
	}

	shelf(t, a.path, goodsHead+"A,好,,,,,\n", 4)
	a.looks(2)
	a.shows("mended", "好", "")
}

func TestCatalogueThatVanishes(t *testing.T) {
	a := newAisle(t, goodsHead+"A,旧,,,,,\n")
	aside := a.path + ".aside"
	if err := os.Rename(a.path, aside); err != nil {
		t.Fatal(err)
	}
	a.look()
	a.shows("gone for a moment, as while it is being saved", "旧", "")
	a.looks(3)
	_, gone := os.Stat(a.path)
	a.shows("gone", "旧", nameless(gone))
	if text := nameless(gone); !strings.HasPrefix(text, "goods.csv: ") {
		t.Errorf("the alert says %q", text)
	}
	if err := os.Rename(aside, a.path); err != nil {
		t.Fatal(err)
	}
	a.looks(2)
	a.shows("back, the same as before", "旧", "")
}

func TestCatalogueIsFollowedUntilTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAisle(t, goodsHead+"A,旧,,,,,\n")
		if err := a.store.Raise(trade.Raise{Kind: trade.AlertCatalogue, Title: trade.Say(trade.GoodsBad, "9")}); err != nil {
			t.Fatal(err)
		}
		stop, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.follow(stop, a.store, slog.New(slog.DiscardHandler))
		}()
		time.Sleep(time.Second)
		a.shows("at the start, after an earlier run's alert", "旧", "")
		shelf(t, a.path, goodsHead+"A,新,,,,,\n", 1)
		time.Sleep(2 * catalogueEvery)
		a.shows("after two looks", "新", "")
		end()
		<-ended
	})
}

// FuzzCatalogue reads anything without a panic, and what it takes keeps the
// rules.
func FuzzCatalogue(f *testing.F) {
	f.Add([]byte(goodsHead + "A,茶,3070401000000000000,0.06,,份,\n"))
	f.Add([]byte("\ufeff" + goodsHead + "\"A\n\",\xff,,0,1,,\n,,,,,,\n"))
	f.Add([]byte(goodsHead + "A,\"b,,,,,\r\n\"\",\xb2\xe8,,,,,\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, wrong := goods{}, &goodsError{path: "goods.csv"}
		g.parse(goodsText(raw), wrong)
		for _, p := range wrong.problems {
			if p.line < 1 || p.column < 1 || wrong.text(p, trade.ZH) == "" {
				t.Errorf("problem %+v", p)
			}
		}
		if wrong.count() > 0 {
			return
		}
		rules := trade.Rules{Encodable: func(r rune) bool { return r != '\ufffd' }}
		for sku, l := range g {
			if ps := rules.CheckGoods(&l); sku != l.SKU || len(ps) > 0 {
				t.Errorf("%q: %+v was taken: %v", sku, l, ps)
			}
		}
	})
}
