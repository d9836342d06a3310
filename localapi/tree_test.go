package localapi

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

// FuzzCanonical holds the canonical form of a list against what encoding/json
// makes of it. Digests are made of it: it must stay as it is.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`[{"text":"a<b> & \u00e9\"\n","bold":true},{"cut":null}]`, `[1.50, -0, 1e5, [], {}, [[ ]], {"b":{"z":1,"é":2,"a":[{"y":0,"x":0}]},"a":0}]`,
		`["\ud800", "\u2028", "/", "\/", "\u0000"]`, ` [ ] `, `[{"\u0062":1,"a":2}]`, `[false,true]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var ps problems
		n, err := parse(body, &ps)
		if err != nil || len(ps.list) > 0 || n.kind != kindList {
			return
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var v []any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.canonical(nil); !bytes.Equal(got, want) {
			t.Errorf("%s\nbecomes %s\nnot     %s", body, got, want)
		}
	})
}

// crowded is a body of the largest size made of many small values.
func crowded(head, unit, tail string) []byte {
	return []byte(head + strings.Repeat(unit+",", (maxBody-len(head)-len(tail))/(len(unit)+1)-1) + unit + tail)
}

// TestManyValues: a body of many small values takes little more memory than its
// bytes. It took a hundred times as much, and a few at a time more than a till
// has.
func TestManyValues(t *testing.T) {
	for name, body := range map[string][]byte{
		"extra": crowded(`{"extra":{"a":[`, "0", "]}}"),
		"lists": crowded(`{"extra":{"a":[`, "[]", "]}}"),
		"texts": crowded(`{"extra":{"a":[`, `""`, "]}}"),
		"items": crowded(`{"items":[`, "0", "]}"),
		"lines": crowded(`{"print":{"mode":"lines","lines":[`, "0", "]}}"),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := readSale(body); err == nil {
				t.Error("taken without an id")
			}
			runtime.ReadMemStats(&after)
			if took, most := after.TotalAlloc-before.TotalAlloc, uint64(16*maxBody); took > most {
				t.Errorf("%d bytes for a body of %d, at most %d", took, len(body), most)
			}
		})
	}
}

func BenchmarkReadSale(b *testing.B) {
	body := []byte(saleBody("S1"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readSale(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadLines reads a sale with 40 lines of goods.
func BenchmarkReadLines(b *testing.B) {
	item := `{"sku":"A01","name":"午餐","spec":"","unit":"份","quantity":"2","unit_price":"30.00","amount":"60.00","discount":"-1.50","tax_code":"3070401000000000000","tax_rate":"0.06"}`
	body := []byte(`{"sale_id":"S1","total":"2340.00","items":[` + strings.Repeat(item+",", 39) + item + `],"payments":[{"method":"微信","amount":"2340.00"}],"print":{"mode":"lines","lines":[` +
		strings.Repeat(`{"text":"abc","align":"left"},`, 40) + `{"cut":"partial"}]},"extra":{"a":[1,2,3]}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readSale(body); err != nil {
			b.Fatal(err)
		}
	}
}
