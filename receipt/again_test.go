package receipt

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"tillagent/printer"
	"tillagent/trade"
)

// kinds are one paper of each kind.
func kinds() map[trade.Paper]Paper {
	returned := standing(trade.QRActive)
	returned.Refunds = []trade.Refund{{ID: "R-1", Amount: 14050, Reason: trade.SalesReturn, State: trade.RefDone, Path: trade.PathVoid, CreatedAt: noon}}
	return map[trade.Paper]Paper{
		trade.PaperReceipt: {Kind: trade.PaperReceipt, Sale: lunch(), Standing: standing(trade.QRActive)},
		trade.PaperSlip:    {Kind: trade.PaperSlip, Sale: lunch(), Standing: standing(trade.QRActive)},
		trade.PaperRefund:  {Kind: trade.PaperRefund, Sale: lunch(), Standing: returned, Refund: &returned.Refunds[0]},
	}
}

// TestR09SecondPaperSaysSo holds that paper printed again says so above and below,
// whatever it is, and that the first paper never does. What a POS laid out by
// itself is marked in the agent's block.
func TestR09SecondPaperSaysSo(t *testing.T) {
	marks := map[trade.Mark]string{trade.MarkReprint: "*** 重打 第3次 ***", trade.MarkCutOff: "*** 补打:前张可能不完整 ***"}
	for _, p := range models(t) {
		shop := Shop{Header: []string{"好味小馆"}, Columns: p.Columns}
		for kind, one := range kinds() {
			first := onPaper(t, shop.Layout(one), p).Text
			for mark, words := range marks {
				if strings.Contains(first, words) {
					t.Errorf("%s, %s: the first paper says %s", p.Name, kind, words)
				}
				one.Mark, one.Nth, one.Now = mark, 3, noon.Add(time.Hour)
				lines := strings.Split(strings.TrimSpace(onPaper(t, shop.Layout(one), p).Text), "\n")
				if n := len(lines); strings.TrimSpace(lines[0]) != words || strings.TrimSpace(lines[n-2]) != words || !strings.Contains(lines[n-1], "重打时间 2026-11-22 20:30:05") {
					t.Errorf("%s, %s, %s:\n%s", p.Name, kind, mark, strings.Join(lines, "\n"))
				}
			}
		}
		own := kinds()[trade.PaperReceipt]
		own.Mark, own.Nth, own.Now = trade.MarkReprint, 3, noon
		for _, content := range []trade.Content{
			{Form: trade.PrintLines, Data: []byte(`[{"text":"POS"},{"cut":"full"}]`)},
			{Form: trade.PrintRaw, Data: []byte("\x1b@POS\n")},
		} {
			r, err := shop.Encode(own, content, p)
			if err != nil {
				t.Fatal(err)
			}
			text := onPaper(t, printer.Doc{printer.Raw(r.Bytes)}, p).Text
			if !strings.Contains(text, "POS\n") || !strings.Contains(text, marks[trade.MarkReprint]) {
				t.Errorf("%s: the POS's own %s:\n%s", p.Name, content.Form, text)
			}
		}
	}
}

// TestR10SamePaperSameBytes holds that the same paper is the same bytes, however
// often and by however many it is asked for at once: a repeated request for a job
// shows nothing else than the first, and a paper is told from its reprint by the
// mark alone.
func TestR10SamePaperSameBytes(t *testing.T) {
	for _, p := range models(t) {
		shop := Shop{Header: []string{"好味小馆"}, Columns: p.Columns, Voucher: Vouchers([]byte("k"))}
		for kind, one := range kinds() {
			first, err := shop.Encode(one, trade.Content{}, p)
			if err != nil {
				t.Fatal(err)
			}
			kept := bytes.Clone(first.Bytes)
			var all sync.WaitGroup
			for n := range 3 {
				all.Go(func() {
					for range 3 {
						other := one
						other.Mark, other.Nth = trade.MarkReprint, n+1
						if _, err := shop.Encode(other, trade.Content{}, p); err != nil {
							t.Error(err)
						}
						again, err := shop.Encode(one, trade.Content{}, p)
						if err != nil || !bytes.Equal(again.Bytes, kept) {
							t.Errorf("%s, %s: other bytes (%v)", p.Name, kind, err)
						}
					}
				})
			}
			all.Wait()
			if !bytes.Equal(first.Bytes, kept) {
				t.Errorf("%s, %s: the first bytes have changed", p.Name, kind)
			}
		}
	}
}
