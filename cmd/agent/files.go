package main

import (
	"context"
	"errors"

	"tillagent/piaotong"
	"tillagent/trade"
)

// invoiceFiles gives issued invoices as the platform's files (2.15).
type invoiceFiles struct {
	client      *piaotong.Client
	taxpayerNum string
}

// fileTypes are the platform's form and the MIME type of the local API's forms.
var fileTypes = map[string]struct {
	form piaotong.FileType
	mime string
}{
	"pdf": {piaotong.FilePDF, "application/pdf"},
	"ofd": {piaotong.FileOFD, "application/ofd"},
	"xml": {piaotong.FileXML, "application/xml"},
}

// InvoiceFile implements localapi.Files.
func (f invoiceFiles) InvoiceFile(ctx context.Context, serial, kind string) (data []byte, mime string, err error) {
	t := fileTypes[kind]
	file, err := f.client.FetchFile(ctx, piaotong.InvoiceRef{TaxpayerNum: f.taxpayerNum, ReqSerialNo: serial}, t.form)
	if err != nil {
		return nil, "", fileError(err)
	}
	return file.Data, t.mime, nil
}

// fileError says for a person why there is no file. Pending is a refusal here:
// the file lags behind the invoice, and asking again at once brings nothing.
func fileError(err error) error {
	var pe *piaotong.Error
	if !errors.As(err, &pe) {
		return err
	}
	said := pe.Msg + " (" + pe.Code + ")"
	switch {
	case pe.Kind == piaotong.Misconfigured:
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.PlatformRefuses, pe.Code, pe.Msg)}
	case pe.Code == "":
		return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallAway)}
	case pe.Kind == piaotong.NotFound:
		return &trade.CallError{Failure: trade.CallNotFound, Why: trade.Say(trade.CallSaidNo, said)}
	case pe.Kind == piaotong.Refused, pe.Kind == piaotong.Pending:
		return &trade.CallError{Failure: trade.CallRefused, Why: trade.Say(trade.CallSaidNo, said)}
	}
	return &trade.CallError{Failure: trade.CallUnavailable, Why: trade.Say(trade.CallLater, said)}
}
