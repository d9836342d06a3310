package piaotong

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// FileType is a form in which the platform gives an invoice.
type FileType string

// The forms. PDF is expected to exist; the others may be missing.
const (
	FilePDF FileType = "PDF"
	FileOFD FileType = "OFD"
	FileXML FileType = "XML"
)

// File is an invoice as a file.
type File struct {
	Type FileType
	Data []byte
}

// begins says how a file of each type starts.
var begins = map[FileType]string{FilePDF: "%PDF-", FileOFD: "PK", FileXML: "<"}

// holds reports whether data starts as a file of type t does.
func (t FileType) holds(data []byte) bool {
	if t == FileXML {
		data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	}
	return begins[t] != "" && bytes.HasPrefix(data, []byte(begins[t]))
}

// fileRequest is the content of 2.15.
type fileRequest struct {
	TaxpayerNum string   `json:"taxpayerNum"`        // 纳税人识别号 15–20 Y
	ReqSerialNo string   `json:"invoiceReqSerialNo"` // 发票请求流水号 20 Y
	FileType    FileType `json:"fileType"`           // 文件类型 PDF, OFD, XML Y
}

type fileResponse struct {
	FileType   Scalar `json:"fileType"`
	ResultCode Scalar `json:"resultCode"` // 0000 or absent: the file is there
	ResultMsg  Scalar `json:"resultMsg"`
	Content    Scalar `json:"fileContent"` // base64 of the file
}

// FetchFile fetches an issued invoice as a file (2.15). The file can lag behind
// the invoice: after Pending (not issued yet), Unavailable or Unknown ask again
// after 10 s, 1, 5, 30 minutes. Refused with 8042 means that there is none; see
// [FullInvoice] for what to fall back on.
func (c *Client) FetchFile(ctx context.Context, ref InvoiceRef, t FileType) (File, error) {
	if begins[t] == "" {
		return File{}, c.refused(opFetchFile, fmt.Sprintf("unknown type of file %q", t))
	}
	r, err := call[fileRequest, fileResponse](ctx, c, opFetchFile, fileRequest{ref.TaxpayerNum, ref.ReqSerialNo, t})
	if err != nil {
		return File{}, err
	}
	if code, msg := string(r.ResultCode), cleanMsg(string(r.ResultMsg)); code != "" && code != codeOK {
		return File{}, c.fail(opFetchFile, Error{Kind: classify(opFetchFile, code, msg), Code: code, Msg: msg})
	}
	if r.FileType != "" && !strings.EqualFold(string(r.FileType), string(t)) {
		return File{}, c.malformed(opFetchFile, fmt.Errorf("the answer is about a file of type %q", r.FileType))
	}
	data, err := decodeBase64(string(r.Content))
	if err != nil || !t.holds(data) {
		return File{}, c.malformed(opFetchFile, fmt.Errorf("the answer holds no %s file", t))
	}
	return File{Type: t, Data: data}, nil
}

// optionalFile reads base64 that holds a file of one of the types; nil when it
// does not, because nothing depends on it.
func optionalFile(s Scalar, types ...FileType) []File {
	data, err := decodeBase64(string(s))
	if err != nil {
		return nil
	}
	for _, t := range types {
		if t.holds(data) {
			return []File{{Type: t, Data: data}}
		}
	}
	return nil
}
