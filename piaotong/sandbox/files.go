package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"tillagent/piaotong"
)

// printed is an invoice as its files show it.
type printed struct {
	XMLName     xml.Name `xml:"SandboxInvoice"`
	Note        string   `xml:"Note"`
	Number      string   `xml:"EIid"`
	IssuedAt    string   `xml:"IssueTime"`
	Seller      string   `xml:"SellerName"`
	SellerNum   string   `xml:"SellerIdNum"`
	Buyer       string   `xml:"BuyerName"`
	BuyerNum    string   `xml:"BuyerIdNum,omitempty"`
	NetAmount   string   `xml:"TotalAmWithoutTax"`
	TaxAmount   string   `xml:"TotalTaxAm"`
	Amount      string   `xml:"TotalTaxIncludedAmount"`
	ReqSerialNo string   `xml:"RequestSerialNo"`
}

func (s *Sandbox) printed(inv *Invoice) printed {
	p := printed{
		Note: "SANDBOX INVOICE - WORTH NOTHING 沙箱发票，无效", Number: inv.AllEleInvNo, IssuedAt: piaotong.FormatTime(inv.IssuedAt),
		Seller: s.account.EnterpriseName, SellerNum: s.account.TaxpayerNum, Buyer: inv.BuyerName,
		NetAmount: inv.NetAmount, TaxAmount: inv.TaxAmount, Amount: inv.Amount, ReqSerialNo: inv.ReqSerialNo,
	}
	if inv.Title != nil {
		p.BuyerNum = inv.Title.TaxpayerNum
	}
	return p
}

// invoiceFile is 2.15. Its codes are assumed. That the file may lag behind the
// invoice is what the fault "refuse" with 8043, or "result", is for.
func (s *Sandbox) invoiceFile(c call) (any, error) {
	var r struct {
		FileType piaotong.Scalar `json:"fileType"`
	}
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	var ch checker
	fileType := ch.required("fileType", r.FileType, chars(3, 3))
	ch.oneOf("fileType", r.FileType, "PDF", "OFD", "XML")
	if ch.err != nil {
		return nil, ch.err
	}
	inv, err := s.invoiceOf(c, "8004")
	switch {
	case err != nil:
		return nil, err
	case inv.Code != piaotong.StateIssued:
		return nil, refuse("8041", "发票未开具成功")
	}
	out := map[string]string{"fileType": fileType}
	if c.result(out) {
		return out, nil
	}
	var file bytes.Buffer
	switch p := s.printed(inv); fileType {
	case "PDF":
		writePDF(&file, p)
	case "OFD":
		err = writeOFD(&file, p)
	default:
		err = writeXML(&file, p)
	}
	out["fileContent"] = base64.StdEncoding.EncodeToString(file.Bytes())
	return out, err
}

// writePDF writes one page. Its text is ASCII, so that it needs no font: names
// are in the XML.
func writePDF(w *bytes.Buffer, p printed) {
	lines := []string{
		"SANDBOX INVOICE - WORTH NOTHING", "No. " + p.Number, "Issued " + p.IssuedAt, "Seller " + p.SellerNum, "Buyer " + p.BuyerNum,
		"Net " + p.NetAmount, "Tax " + p.TaxAmount, "Total " + p.Amount, "Request " + p.ReqSerialNo,
	}
	var text strings.Builder
	text.WriteString("BT /F1 14 Tf 20 TL 40 260 Td")
	for _, l := range lines {
		fmt.Fprintf(&text, " (%s) '", l) // none holds a bracket or backslash
	}
	text.WriteString(" ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 300] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	w.WriteString("%PDF-1.4\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, w.Len())
		fmt.Fprintf(w, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := w.Len()
	fmt.Fprintf(w, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(w, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(w, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
}

// writeOFD writes a package of the form of GB/T 33190 with no page: enough to
// be stored and told from other files, not to be looked at.
func writeOFD(w io.Writer, p printed) error {
	z := zip.NewWriter(w)
	root, err := z.Create("OFD.xml")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(root, xml.Header+`<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>`+
		p.ReqSerialNo+`</ofd:DocID></ofd:DocInfo></ofd:DocBody></ofd:OFD>`); err != nil {
		return err
	}
	data, err := z.Create("Doc_0/Attachs/original_invoice.xml")
	if err != nil {
		return err
	}
	if err := writeXML(data, p); err != nil {
		return err
	}
	return z.Close()
}

func writeXML(w io.Writer, p printed) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return xml.NewEncoder(w).Encode(p)
}
