package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"tillagent/piaotong"
)

// maxReply and maxReplyMsg are generous and strict: a reply holds two numbers,
// and its msg at most 60 characters by the platform's table.
const (
	maxReply    = 64 << 10
	maxReplyMsg = 60
)

// sealPush makes the envelope of 2.13. A merged invoice names the first of its
// codes, which is the sandbox's choice: the table has room for one.
func (s *Sandbox) sealPush(inv *Invoice) ([]byte, error) {
	content := s.invoiceContent(inv, strings.TrimRight(s.publicURL, "/"))
	if inv.QRCodeNo != "" {
		content["invoiceQrcodeNo"] = inv.QRCodeNo
	}
	if inv.DefinedData != "" {
		content["definedData"] = inv.DefinedData
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	return s.ring.Load().codec.SealRequest(s.account.PlatformCode, s.pushSerial(inv), s.now(), raw)
}

// pushSerial is the envelope's serialNo as v3.5.1 describes that of pushes: of
// no fixed length, prefix, order number and request number joined by "_". What
// an envelope does not allow there becomes "-".
func (s *Sandbox) pushSerial(inv *Invoice) string {
	tradeNo := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n&=", r) {
			return '-'
		}
		return r
	}, inv.TradeNo)
	return s.account.PlatformPrefix + "_" + tradeNo + "_" + inv.ReqSerialNo
}

// postPush sends a push and checks the reply as strictly as 2.13 describes it.
// The code is that of a reply whose signature held.
func (s *Sandbox) postPush(ctx context.Context, p *Push) (status int, code string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.target.URL, bytes.NewReader(p.raw))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	client := p.target.Client
	if client == nil {
		client = s.push.client
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return resp.StatusCode, "", fmt.Errorf("the reply broke off: %v", err)
	case len(raw) > maxReply:
		return resp.StatusCode, "", errors.New("the reply is too long")
	case resp.StatusCode != http.StatusOK:
		return resp.StatusCode, "", fmt.Errorf("HTTP status %d, should be 200", resp.StatusCode)
	}
	code, err = s.checkReply(p, resp.Header.Get("Content-Type"), raw)
	return resp.StatusCode, code, err
}

func (s *Sandbox) checkReply(p *Push, contentType string, raw []byte) (code string, err error) {
	r, err := s.ring.Load().codec.OpenResponse(raw)
	if err != nil {
		return "", fmt.Errorf("the reply cannot be trusted: %v", err)
	}
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		return r.Code, fmt.Errorf("Content-Type is %q, should be application/json;charset=UTF-8", contentType)
	}
	if r.SerialNo != p.serial {
		return r.Code, fmt.Errorf("serialNo is %q, should repeat the push's %q", r.SerialNo, p.serial)
	}
	if n := utf8.RuneCountInString(r.Msg); n == 0 || n > maxReplyMsg {
		return r.Code, fmt.Errorf("msg has %d characters, should have 1 to %d", n, maxReplyMsg)
	}
	if r.Code != codeOK {
		return r.Code, nil
	}
	var content struct {
		TaxpayerNum piaotong.Scalar `json:"taxpayerNum"`
		ReqSerialNo piaotong.Scalar `json:"invoiceReqSerialNo"`
	}
	if err := json.Unmarshal(r.Content, &content); err != nil {
		return r.Code, errors.New("the content is missing or has another form than documented")
	}
	if string(content.TaxpayerNum) != s.account.TaxpayerNum || string(content.ReqSerialNo) != p.ReqSerialNo {
		return r.Code, errors.New("the content is about another invoice")
	}
	return r.Code, nil
}
