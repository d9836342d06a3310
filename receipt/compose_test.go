package receipt

import (
	"bytes"
	"strings"
	"testing"

	"tillagent/printer"
	"tillagent/trade"
)

// TestEncode: what a POS laid out for no sale is left as it is, but for the mark
// of training.
func TestEncode(t *testing.T) {
	profile, _ := printer.ProfileByName("generic-80")
	shop := Shop{Columns: profile.Columns, Voucher: func(string) string { return "K7Q29F3D" }}
	raw := trade.Content{Form: trade.PrintRaw, Data: []byte("\x1b@A\n\x1dr\x01\x1dV\x00")}
	lines := trade.Content{Form: trade.PrintLines, Data: []byte(`[{"text":"A"}]`)}
	own := Paper{Kind: trade.PaperPOS}

	if r, err := shop.Encode(own, raw, profile); err != nil || string(r.Bytes) != "\x1b@A\n\x1dV\x00" {
		t.Errorf("%q, %v: only the question goes", r.Bytes, err)
	}
	if doc, err := shop.Document(own, lines); err != nil || len(doc) != 1 {
		t.Errorf("%v, %v", doc, err)
	}
	own.Training = true
	if doc, err := shop.Document(own, lines); err != nil || !strings.Contains(printer.Text(doc, profile), "练习单") {
		t.Errorf("%v, %v", doc, err)
	}
	if r, err := shop.Encode(own, raw, profile); err != nil || bytes.Index(r.Bytes, []byte("A\n")) > len(r.Bytes)-20 || !bytes.HasSuffix(r.Bytes, []byte("\x1dV\x00")) {
		t.Errorf("%q, %v", r.Bytes, err)
	}
	if _, err := shop.Encode(own, trade.Content{}, profile); err == nil {
		t.Error("nothing is printed as something")
	}
	wide := trade.Content{Form: trade.PrintLines, Data: []byte(`[{"columns":[{"text":"A","width":48}]}]`)}
	if _, err := (Shop{Columns: 32}).Encode(own, wide, profile); err == nil || !strings.Contains(err.Error(), "lines[0].columns[0].width") {
		t.Errorf("lines for wider paper: %v", err)
	}
}
