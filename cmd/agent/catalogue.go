package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tillagent/trade"
)

// goods are what the catalogue says of each sku.
type goods map[string]trade.Line

// catalogueColumns are the columns of the file, in this order.
const catalogueColumns = "sku,name,tax_code,tax_rate,zero_tax_flag,unit,spec"

// loadCatalogue reads the shop's catalogue (CSV in UTF-8, with the heading
// catalogueColumns); "" is none. All its errors are reported at once, each
// with its line.
func loadCatalogue(path string) (goods, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tax.catalogue: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = strings.Count(catalogueColumns, ",") + 1
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("tax.catalogue: %s: %w", path, err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	if got := strings.Join(head, ","); got != catalogueColumns {
		return nil, fmt.Errorf("tax.catalogue: %s:1: %s %s", path, say("第一行须为", "the first line must be"), catalogueColumns)
	}
	g, problems := goods{}, []error(nil)
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("tax.catalogue: %s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		bad := func(column int, text string) {
			_, at := r.FieldPos(column)
			problems = append(problems, fmt.Errorf("tax.catalogue: %s:%d:%d: %s: %s", path, line, at, head[column], text))
		}
		l := trade.Line{SKU: row[0], Name: row[1], TaxCode: row[2], Rate: trade.NoRate, ZeroTaxFlag: row[4], Unit: row[5], Spec: row[6]}
		if l.SKU == "" {
			bad(0, trade.Say(trade.Required).In(trade.Lang(lang)))
		} else if _, twice := g[l.SKU]; twice {
			bad(0, trade.Say(trade.DuplicateField).In(trade.Lang(lang)))
		}
		if row[3] != "" {
			if l.Rate, err = trade.ParseRate(row[3]); err != nil {
				bad(3, trade.Say(trade.BadRate).In(trade.Lang(lang)))
			}
		}
		if strings.Trim(l.TaxCode, "0123456789") != "" || len(l.TaxCode) > 19 {
			bad(2, trade.Say(trade.BadTaxCode).In(trade.Lang(lang)))
		}
		g[l.SKU] = l
	}
	return g, errors.Join(problems...)
}

// fill completes what a line leaves out from its sku.
func (g goods) fill(l *trade.Line) {
	known, ok := g[l.SKU]
	if !ok || l.SKU == "" {
		return
	}
	if l.TaxCode == "" {
		l.TaxCode = known.TaxCode
	}
	if l.Rate == trade.NoRate {
		l.Rate = known.Rate
		if l.ZeroTaxFlag == "" {
			l.ZeroTaxFlag = known.ZeroTaxFlag
		}
	}
	if l.Unit == "" {
		l.Unit = known.Unit
	}
	if l.Spec == "" {
		l.Spec = known.Spec
	}
}
