package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tillagent/piaotong"
)

func TestFullInvoice(t *testing.T) {
	b := newBench(t, "")
	ctx := t.Context()
	sale := b.direct(blue1)
	sale.Kind, sale.CashierName, sale.ReviewerName, sale.Remark = piaotong.KindSpecial, "收款", "复核", "三号机"
	sale.Buyer.Address, sale.Buyer.Tel = "某路 1 号", "010-12345678"
	sale.Items = append(sale.Items, piaotong.BlueItem{Name: "*图书*书", TaxCode: "1060201010000000000", Rate: "0", ZeroTaxFlag: "1", Amount: "10.00"})
	if _, err := b.client.IssueBlue(ctx, sale); err != nil {
		t.Fatal(err)
	}
	if full, err := b.client.QueryFullInvoice(ctx, b.invoice(blue1)); err != nil || full.Code != "7777" || full.Total != "" || len(full.Lines) != 0 {
		t.Errorf("in progress: %+v, %v", full, err)
	}
	b.clock.add(time.Second)
	full, err := b.client.QueryFullInvoice(ctx, b.invoice(blue1))
	if err != nil {
		t.Fatal(err)
	}
	if full.Kind != "81" || full.SpecialKind != "00" || full.Total != "68.50" || full.NetAmount != "62.37" || full.TaxAmount != "6.13" ||
		full.Red != piaotong.RedFlagNone || full.Invalid != piaotong.InvalidFlagNone || full.DrawerName != "开票员" || full.CashierName != "收款" ||
		full.Remark != "三号机" || full.StatusURL != b.url+"/i/"+blue1 || full.Seller.Name != b.Account().EnterpriseName ||
		full.Buyer != (piaotong.Party{Name: "甲公司", TaxpayerNum: "91110108BUYER0001X", Address: "某路 1 号", Tel: "010-12345678"}) {
		t.Errorf("%+v", full)
	}
	if len(full.Files) != 1 || full.Files[0].Type != piaotong.FilePDF {
		t.Errorf("files %v", full.Files)
	}
	var lines []string
	for _, l := range full.Lines {
		lines = append(lines, fmt.Sprintf("%s %s %s %s×%s %s/%s %s %t%s", l.No, l.Property, l.Name, l.Quantity, l.UnitPrice, l.Amount, l.TaxAmount, l.Rate, l.Preferential, l.Policy))
	}
	want := []string{
		"1 0 *乳制品*牛奶 2×17.7 35.40/4.60 0.13 false",
		"2 2 *水果*苹果 × 18.35/1.65 0.09 false",
		"3 1 *水果*苹果 × -1.38/-0.12 0.09 false",
		"4 0 *图书*书 × 10.00/0.00 0.00 true免税",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines\n%s", strings.Join(lines, "\n"))
	}

	b.SetIssueDelay(0)
	if _, err := b.client.RedFlushLines(ctx, b.lines(red1, full.AllEleInvNo, milk("-1", "-20.00"))); err != nil {
		t.Fatal(err)
	}
	red, err := b.client.QueryFullInvoice(ctx, b.invoice(red1))
	if err != nil || red.Type != piaotong.TypeRed || red.BlueAllEleInvNo != full.AllEleInvNo || red.Total != "-20.00" || red.Kind != "81" ||
		len(red.Lines) != 1 || red.Lines[0].Quantity != "-1" || red.Lines[0].UnitPrice != "17.7" || red.Lines[0].Amount != "-17.70" || red.Lines[0].TaxAmount != "-2.30" {
		t.Errorf("%+v, %v", red, err)
	}
	if full, err = b.client.QueryFullInvoice(ctx, b.invoice(blue1)); err != nil || full.Red != piaotong.RedFlagPart {
		t.Errorf("%s, %v", full.Red, err)
	}

	// A scanned one has the drawer of the account, and the kind of its code.
	b.create(t, qrNo)
	scanned, err := b.client.QueryFullInvoice(ctx, b.invoice(b.claim(t, Claim{QRCodeNo: qrNo, BuyerName: "乙公司", BuyerTaxpayerNum: "91110108BUYER0002X"})))
	if err != nil || scanned.Kind != "82" || scanned.DrawerName != "沙箱开票员" || scanned.Buyer.TaxpayerNum != "91110108BUYER0002X" || len(scanned.Lines) != 3 {
		t.Errorf("%+v, %v", scanned, err)
	}
	_, err = b.client.QueryFullInvoice(ctx, b.invoice("P0000000000000000000"))
	wantCode(t, err, piaotong.NotFound, "8003")
}

func TestFiles(t *testing.T) {
	b := newRaw(t)
	ctx := t.Context()
	_, err := b.client.FetchFile(ctx, b.invoice(blue1), piaotong.FilePDF)
	wantCode(t, err, piaotong.NotFound, "8003")
	if _, err := b.client.IssueBlue(ctx, b.direct(blue1)); err != nil {
		t.Fatal(err)
	}
	_, err = b.client.FetchFile(ctx, b.invoice(blue1), piaotong.FilePDF)
	wantCode(t, err, piaotong.Pending, "8041")
	b.clock.add(time.Second)
	no := b.state(t, blue1).AllEleInvNo
	fetch := func(kind piaotong.FileType) []byte {
		t.Helper()
		f, err := b.client.FetchFile(ctx, b.invoice(blue1), kind)
		if err != nil {
			t.Fatal(err)
		}
		return f.Data
	}
	pdf := fetch(piaotong.FilePDF)
	if !bytes.HasPrefix(pdf, []byte("%PDF-1.4\n")) || !bytes.HasSuffix(pdf, []byte("%%EOF\n")) || !bytes.Contains(pdf, []byte("(No. "+no+")")) {
		t.Errorf("%s", pdf)
	}
	if at := bytes.LastIndex(pdf, []byte("startxref\n")); !strings.HasPrefix(string(pdf[at:]), fmt.Sprintf("startxref\n%d\n", bytes.Index(pdf, []byte("xref\n0 ")))) {
		t.Errorf("the table is not where the file says: %s", pdf[at:])
	}
	var p printed
	if err := xml.Unmarshal(fetch(piaotong.FileXML), &p); err != nil || p.Number != no || p.Buyer != "甲公司" || p.Amount != "58.50" || !strings.Contains(p.Note, "WORTH NOTHING") {
		t.Errorf("%+v, %v", p, err)
	}
	ofd := fetch(piaotong.FileOFD)
	z, err := zip.NewReader(bytes.NewReader(ofd), int64(len(ofd)))
	if err != nil || len(z.File) != 2 || z.File[0].Name != "OFD.xml" {
		t.Errorf("%v, %v", z, err)
	}
	// The file lags behind.
	if err := b.SetFault(Fault{Interface: "2.15", Kind: FaultResult, Code: "8043", Msg: "文件生成中", Times: 1}); err != nil {
		t.Fatal(err)
	}
	_, err = b.client.FetchFile(ctx, b.invoice(blue1), piaotong.FilePDF)
	if e, ok := errors.AsType[*piaotong.Error](err); !ok || e.Code != "8043" || e.Msg != "文件生成中" {
		t.Error(err)
	}
	fetch(piaotong.FilePDF)

	for kind, code := range map[string]string{"DOC": "8995", "pdf": "8995", "": "8995", "PDF": "0000"} {
		out := b.send(t, "/tp/openapi/getAllEleInvFile.pt", `{"taxpayerNum":"91110108SANDBOX01X","invoiceReqSerialNo":"`+blue1+`","fileType":"`+kind+`"}`)
		if out.Code != code {
			t.Errorf("%q: %s %s", kind, out.Code, out.Msg)
		}
	}
}
