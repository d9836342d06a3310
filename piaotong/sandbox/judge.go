package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tillagent/piaotong"
)

// Problems judges what happened: it names every sale that was invoiced twice,
// and everything else that must never be. It goes by the entries and what they
// came to, and is empty when all is well.
func (l Ledger) Problems() []string {
	problems := []string{}
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	l.judgeNumbers(complain)
	l.judgeSales(complain)
	l.judgeReds(complain)
	return problems
}

type complaint func(format string, args ...any)

// judgeNumbers: a request number makes one invoice at most, and an invoice
// number belongs to one.
func (l Ledger) judgeNumbers(complain complaint) {
	issued := map[string]int{} // by request number
	owner := map[string]string{}
	for _, e := range l.Entries {
		switch e.Kind {
		case InvoiceIssuedEntry, RedIssuedEntry:
			if issued[e.ReqSerialNo]++; issued[e.ReqSerialNo] == 2 {
				complain("request %s was issued twice", e.ReqSerialNo)
			}
			if other, taken := owner[e.AllEleInvNo]; taken && other != e.ReqSerialNo {
				complain("invoice number %s belongs to %s and %s", e.AllEleInvNo, other, e.ReqSerialNo)
			}
			owner[e.AllEleInvNo] = e.ReqSerialNo
		}
	}
}

// judgeSales: a sale has the invoices of one request at most, not counting
// those that are reversed in full. The invoices of a split code are one
// request, and so is one invoice over several codes.
func (l Ledger) judgeSales(complain complaint) {
	tradeOf := map[string]string{} // by code
	for _, q := range l.QRs {
		tradeOf[q.QRCodeNo] = q.TradeNo
	}
	request := map[string]string{} // of an invoice: the first request number of its claim
	for _, e := range l.Entries {
		for _, p := range e.Parts {
			request[p.ReqSerialNo] = e.ReqSerialNo
		}
	}
	live := map[string][]string{} // requests, by sale
	var sales []string
	for _, inv := range l.Invoices {
		if inv.Type != piaotong.TypeBlue || inv.Code != piaotong.StateIssued || inv.RedFlag == AlreadyRed {
			continue
		}
		trades := []string{inv.TradeNo}
		if codes := inv.codes(); len(codes) > 0 {
			trades = nil
			for _, no := range codes {
				trades = append(trades, tradeOf[no])
			}
		}
		req := orText(request[inv.ReqSerialNo], inv.ReqSerialNo)
		for _, t := range trades {
			if live[t] == nil {
				sales = append(sales, t)
			}
			if !slices.Contains(live[t], req) {
				live[t] = append(live[t], req)
			}
		}
	}
	for _, t := range sales {
		if len(live[t]) > 1 {
			complain("sale %s is invoiced %d times: %s", t, len(live[t]), strings.Join(live[t], ", "))
		}
	}
}

// judgeReds: no more is reversed than was issued, a confirmation makes one red
// invoice at most, and only while it allows one.
func (l Ledger) judgeReds(complain complaint) {
	reversed := map[string]int64{} // fen, negative, by blue request number
	ofConfirm := map[string]string{}
	blues := map[string]Invoice{}
	for _, inv := range l.Invoices {
		if inv.Type == piaotong.TypeBlue {
			blues[inv.ReqSerialNo] = inv
		}
	}
	for _, inv := range l.Invoices {
		if inv.Type != piaotong.TypeRed || inv.Code != piaotong.StateIssued {
			continue
		}
		blue := blues[inv.BlueSerial]
		total, err1 := parseFen(blue.Amount)
		fen, err2 := parseFen(inv.Amount)
		if err := errors.Join(err1, err2); err != nil {
			complain("red invoice %s: %v", inv.ReqSerialNo, err)
			continue
		}
		reversed[inv.BlueSerial] += fen
		if blue.Code != piaotong.StateIssued {
			complain("red invoice %s reverses %s, which is not issued", inv.ReqSerialNo, inv.BlueSerial)
		} else if reversed[inv.BlueSerial]+total < 0 {
			complain("more than all of invoice %s is reversed", inv.BlueSerial)
		}
		if inv.ConfirmNo == "" {
			continue
		}
		if other, used := ofConfirm[inv.ConfirmNo]; used {
			complain("confirmation %s made two red invoices: %s and %s", inv.ConfirmNo, other, inv.ReqSerialNo)
		}
		ofConfirm[inv.ConfirmNo] = inv.ReqSerialNo
	}
	for _, c := range l.Confirms {
		if ofConfirm[c.No] != "" && !c.mayIssue() {
			complain("confirmation %s has status %s and a red invoice", c.No, c.Status)
		}
	}
}
