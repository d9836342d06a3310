package receipt

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"tillagent/printer"
	"tillagent/trade"
)

func pngText(t testing.TB, w, h int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestLines(t *testing.T) {
	raw := `[{"text":"好味小馆","align":"center","size":"big","bold":true},
		{"columns":[{"text":"茶","width":20,"align":"left"},{"text":"¥8.00","align":"right"}]},
		{"rule":"="},{"rule":""},{"qr":"https://example.cn","size":6},{"barcode":"POS1-000123","type":"code128"},
		{"image":"` + pngText(t, 8, 4) + `"},{"text":""},{"feed":2},{"cut":"partial"},{"cut":"full"}]`
	doc, problems := (Shop{Columns: 32}).Lines([]byte(raw), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if img, ok := doc[6].(printer.Image); !ok || img.Image.Bounds().Dx() != 8 {
		t.Errorf("image %+v", doc[6])
	}
	doc[6] = nil
	want := printer.Doc{
		printer.Line{Text: "好味小馆", Align: printer.AlignCenter, Size: printer.SizeBig, Bold: true},
		printer.Columns{{Text: "茶", Width: 20}, {Text: "￥8.00", Align: printer.AlignRight}},
		printer.Rule{Char: '='}, printer.Rule{}, printer.QR{Data: "https://example.cn", Size: 6}, printer.Barcode{Data: "POS1-000123"},
		nil, printer.Line{}, printer.Feed{Lines: 2}, printer.Cut{}, printer.Cut{Full: true},
	}
	if !reflect.DeepEqual(doc, want) {
		t.Errorf("got\n%#v\nwant\n%#v", doc, want)
	}
}

// TestLinesTakeTheBlock holds that the QR code is not cut through.
func TestLinesTakeTheBlock(t *testing.T) {
	block := printer.Doc{printer.QR{Data: "x"}}
	for raw, want := range map[string]string{
		`[{"text":"a"},{"feed":3},{"text":""},{"cut":"full"}]`: "Line QR Feed Line Cut",
		`[{"cut":"full"},{"text":"a"},{"cut":"full"}]`:         "Cut Line QR Cut",
		`[{"text":"a"},{"feed":1}]`:                            "Line Feed QR Cut",
		`[]`:                                                   "QR Cut",
	} {
		doc, problems := (Shop{Columns: 48}).Lines([]byte(raw), block)
		var kinds []string
		for _, e := range doc {
			kinds = append(kinds, reflect.TypeOf(e).Name())
		}
		if got := strings.Join(kinds, " "); got != want || len(problems) > 0 {
			t.Errorf("%s: %s, want %s; %v", raw, got, want, problems)
		}
	}
}

func TestLinesProblems(t *testing.T) {
	tests := []struct{ raw, field, message string }{
		{`{}`, "lines", "list"},
		{`null`, "lines", "list"},
		{`[1]`, "lines[0]", "object"},
		{`[null]`, "lines[0]", "object"},
		{`[{}]`, "lines[0]", "text"},
		{`[{"text":"a","qr":"b"}]`, "lines[0]", "must be one of"},
		{`[{"feed":1},{"text":"a","alignment":"left"}]`, "lines[1].alignment", "no such field"},
		{`[{"text":5}]`, "lines[0].text", "string"},
		{`[{"text":"☕"}]`, "lines[0].text", "U+2615"},
		{`[{"text":"a\u001b@"}]`, "lines[0].text", "U+001B"},
		{`[{"text":"a","align":"middle"}]`, "lines[0].align", "center, left, right"},
		{`[{"text":"a","size":6}]`, "lines[0].size", "string"},
		{`[{"text":"a","bold":1}]`, "lines[0].bold", "boolean"},
		{`[{"text":"` + strings.Repeat("长", 1001) + `"}]`, "lines[0].text", "2000"},
		{`[{"columns":[]}]`, "lines[0].columns", "between 1 and 8"},
		{`[{"columns":[1]}]`, "lines[0].columns[0]", "object"},
		{`[{"columns":[{"text":"a","width":33}]}]`, "lines[0].columns[0].width", "between 0 and 32"},
		{`[{"columns":[{"text":"a","width":20},{"text":"b","width":13}]}]`, "lines[0].columns", "32"},
		{`[{"columns":[{"text":"a","width":31},{"text":"b"}]}]`, "lines[0].columns", "32"},
		{`[{"columns":[{"text":"茶","width":1}]}]`, "lines[0].columns[0].width", "at least 2"},
		{`[{"columns":[{"text":"茶"},{"text":"×","width":1}]}]`, "lines[0].columns[1].width", "at least 2"},
		{`[{"columns":[{"text":"a","colour":1}]}]`, "lines[0].columns[0].colour", "no such field"},
		{`[{"txt":"a"}]`, "lines[0].txt", "no such field"},
		{`[{"align":"left"}]`, "lines[0]", "must be one of"},
		{`[{"rule":"--"}]`, "lines[0].rule", "at most 1"},
		{`[{"qr":""}]`, "lines[0].qr", "required"},
		{`[{"qr":"` + strings.Repeat("x", 1001) + `"}]`, "lines[0].qr", "1001"},
		{`[{"qr":"x","size":9}]`, "lines[0].size", "between 1 and 8"},
		{`[{"qr":"x","size":"big"}]`, "lines[0].size", "integer"},
		{`[{"barcode":"条"}]`, "lines[0].barcode", "ASCII"},
		{`[{"barcode":"°"}]`, "lines[0].barcode", "ASCII"},
		{`[{"barcode":""}]`, "lines[0].barcode", "required"},
		{`[{"barcode":"ABCDEFGHIJKLM"}]`, "lines[0].barcode", "12"},
		{`[{"barcode":"A","type":"ean13"}]`, "lines[0].type", "code128"},
		{`[{"image":"!!"}]`, "lines[0].image", "PNG"},
		{`[{"image":"` + base64.StdEncoding.EncodeToString([]byte("GIF89a")) + `"}]`, "lines[0].image", "PNG"},
		{`[{"image":"` + pngText(t, 2049, 1) + `"}]`, "lines[0].image", "2048"},
		{`[` + strings.Repeat(`{"image":"`+pngText(t, 2048, 1024)+`"},`, 2) + `{"image":"` + pngText(t, 1, 1) + `"}]`, "lines[2].image", "4194304"},
		{`[{"feed":0}]`, "lines[0].feed", "between 1 and 50"},
		{`[{"feed":1.5}]`, "lines[0].feed", "integer"},
		{`[{"cut":"half"}]`, "lines[0].cut", "full, partial"},
		{`[` + strings.Repeat(`{"feed":1},`, 500) + `{"feed":1}]`, "lines", "500"},
	}
	for _, tt := range tests {
		doc, problems := (Shop{Columns: 32}).Lines([]byte(tt.raw), printer.Doc{printer.QR{Data: "x"}})
		if len(problems) == 0 || doc != nil {
			t.Errorf("%.60s is taken", tt.raw)
			continue
		}
		p := problems[0]
		if got := p.Message.In(trade.EN); p.Field != tt.field || !strings.Contains(got, tt.message) {
			t.Errorf("%.60s: %s: %s; want %s: %s", tt.raw, p.Field, got, tt.field, tt.message)
		}
	}
}

// FuzzLines holds that what is taken from a POS can always be printed.
func FuzzLines(f *testing.F) {
	f.Add(`[{"text":"a","size":"wide"},{"columns":[{"text":"中","width":2},{"text":"b"}]},{"barcode":"123456789012345678901234"}]`, true)
	f.Add(`[{"columns":[{"text":"a×","width":1},{"text":"b"}]}]`, true)
	f.Add(`[{"barcode":"202611231604120000000001"}]`, true)
	f.Add(`[{"qr":"x","size":8},{"rule":"─"},{"cut":"full"}]`, false)
	f.Fuzz(func(t *testing.T, raw string, narrow bool) {
		p, _ := printer.ProfileByName("generic-80")
		if narrow {
			p, _ = printer.ProfileByName("generic-58")
		}
		doc, problems := (Shop{Columns: p.Columns}).Lines([]byte(raw), nil)
		if len(problems) > 0 {
			return
		}
		if _, _, err := printer.Encode(doc, p); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	})
}

// TestLongestBarcodeFits holds the limit of barcodes against the layout.
func TestLongestBarcodeFits(t *testing.T) {
	for _, model := range []string{"generic-58", "generic-80", "epson-t88"} {
		p, _ := printer.ProfileByName(model)
		for _, kind := range []string{"A", "1"} {
			most := 0
			for n := 1; n < 60; n++ {
				raw := fmt.Sprintf(`[{"barcode":%q}]`, strings.Repeat(kind, n))
				doc, problems := (Shop{Columns: p.Columns}).Lines([]byte(raw), nil)
				if len(problems) > 0 {
					continue
				}
				most = n
				if _, _, err := printer.Encode(doc, p); err != nil {
					t.Errorf("%s: %v", model, err)
				}
			}
			if most < 12 {
				t.Errorf("%s: only %d", model, most)
			}
		}
	}
}
