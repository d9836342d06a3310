package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/skip2/go-qrcode"

	"tillagent/piaotong"
)

// defaultKind of invoices is the ordinary digital one, 数电普票.
const defaultKind = "82"

// partyFields are what 2.9 and 2.37 have in common beside their lines.
type partyFields struct {
	BuyerName         piaotong.Scalar `json:"buyerName"`
	BuyerTaxpayerNum  piaotong.Scalar `json:"buyerTaxpayerNum"`
	BuyerAddress      piaotong.Scalar `json:"buyerAddress"`
	BuyerTel          piaotong.Scalar `json:"buyerTel"`
	BuyerBankName     piaotong.Scalar `json:"buyerBankName"`
	BuyerBankAccount  piaotong.Scalar `json:"buyerBankAccount"`
	SellerAddress     piaotong.Scalar `json:"sellerAddress"`
	SellerTel         piaotong.Scalar `json:"sellerTel"`
	SellerBankName    piaotong.Scalar `json:"sellerBankName"`
	SellerBankAccount piaotong.Scalar `json:"sellerBankAccount"`
	CasherName        piaotong.Scalar `json:"casherName"`
	ReviewerName      piaotong.Scalar `json:"reviewerName"`
	DrawerName        piaotong.Scalar `json:"drawerName"`
	TakerName         piaotong.Scalar `json:"takerName"`
	TakerTel          piaotong.Scalar `json:"takerTel"`
	TakerEmail        piaotong.Scalar `json:"takerEmail"`
	DefinedData       piaotong.Scalar `json:"definedData"`
	TradeNo           piaotong.Scalar `json:"tradeNo"`
	ExtensionNum      piaotong.Scalar `json:"extensionNum"`
	MachineCode       piaotong.Scalar `json:"machineCode"`
}

// blueRequest is the content of 2.9. What the sandbox has no use for
// (realEstateRentalList, paymentList and the like) it does not look at.
type blueRequest struct {
	partyFields
	TaxpayerNum   piaotong.Scalar `json:"taxpayerNum"`
	ReqSerialNo   piaotong.Scalar `json:"invoiceReqSerialNo"`
	Kind          piaotong.Scalar `json:"invoiceIssueKindCode"`
	NaturalPerson piaotong.Scalar `json:"naturalPersonFlag"`
	ShowAddress   piaotong.Scalar `json:"showBuyerAddrTel"`
	ShowBank      piaotong.Scalar `json:"showBuyerBank"`
	Account       piaotong.Scalar `json:"account"`
	ItemName      piaotong.Scalar `json:"itemName"`
	SpecialKind   piaotong.Scalar `json:"specialInvoiceKind"`
	Remark        piaotong.Scalar `json:"remark"`
	AgentInvoice  piaotong.Scalar `json:"agentInvoiceFlag"`
	ShopNum       piaotong.Scalar `json:"shopNum"`
	Items         []blueItem      `json:"itemList"`
}

// issueBlue is 2.9: 0000 says "accepted". A number that is being worked on is
// answered with 8040, one that is known with 8021. Whether one that came to
// nothing (3999, 6666, 9999) is accepted again with the same data is not
// documented: see SetAcceptAgain.
func (s *Sandbox) issueBlue(c call) (any, error) {
	var r blueRequest
	if err := decode(c.content, &r); err != nil {
		return nil, err
	}
	e, err := s.checkBlue(&r)
	if err != nil {
		return nil, err
	}
	if answer, known, err := s.answerKnown(c, e.ReqSerialNo); known {
		return answer, err
	}
	e.At, e.Digest = s.now(), c.digest()
	e.Outcome, e.ReadyAt = s.settings.blueOutcome, e.At.Add(s.settings.issueDelay).UTC()
	if m, ok := s.magicOf(e.Amount); ok && m.outcome != "" {
		e.Outcome, e.ReadyAt = m.outcome, e.ReadyAt.Add(m.slow)
	}
	if err := s.record(e); err != nil {
		return nil, err
	}
	return accepted(e.ReqSerialNo, c.base)
}

// answerKnown answers a request for an invoice, blue or red, under a number
// that is known already.
func (s *Sandbox) answerKnown(c call, serial string) (answer any, known bool, err error) {
	inv := s.state.invoices[serial]
	switch {
	case inv == nil:
		return nil, false, nil
	case inv.Code == piaotong.StatePending:
		return nil, true, refuse("8040", "该发票请求流水号正在处理中")
	case inv.digest != c.digest(), !s.settings.acceptAgain, !s.state.canReissue(inv):
		return nil, true, refuse("8021", "发票请求流水号已存在，请更换流水号")
	}
	if err := s.reissue(inv); err != nil {
		return nil, true, err
	}
	answer, err = accepted(serial, c.base)
	return answer, true, err
}

// reissue requests an invoice that was not issued once more.
func (s *Sandbox) reissue(inv *Invoice) error {
	o := s.settings.blueOutcome
	if inv.Type == piaotong.TypeRed {
		o = s.settings.redOutcome
	}
	now := s.now()
	return s.record(Entry{
		At: now, Kind: ReissuedEntry, ReqSerialNo: inv.ReqSerialNo, QRCodeNo: inv.QRCodeNo, TradeNo: inv.TradeNo,
		Amount: inv.Amount, BlueSerial: inv.BlueSerial, Outcome: o, ReadyAt: now.Add(s.settings.issueDelay).UTC(),
	})
}

// accepted is what 2.9, 2.10, 2.30 and 2.37 answer.
func accepted(serial, base string) (any, error) {
	address := base + "/i/" + serial
	picture, err := qrcode.Encode(address, qrcode.Medium, -3)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"invoiceReqSerialNo": serial,
		"qrCodePath":         encodeURL(address),
		"qrCode":             base64.StdEncoding.EncodeToString(picture),
	}, nil
}

// digest tells contents apart, whatever the order of their fields.
func (c call) digest() string {
	dec := json.NewDecoder(bytes.NewReader(c.content))
	dec.UseNumber()
	canonical := c.content
	var v any
	if dec.Decode(&v) == nil {
		if b, err := json.Marshal(v); err == nil { // maps are written in the order of their keys
			canonical = b
		}
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// checkBlue judges a request of 2.9 by the platform's table and makes its
// ledger entry.
func (s *Sandbox) checkBlue(r *blueRequest) (Entry, error) {
	var c checker
	s.issuer(&c, r.TaxpayerNum)
	serial := c.required("invoiceReqSerialNo", r.ReqSerialNo, chars(20, 20))
	c.match("invoiceReqSerialNo", serial, serialPattern)
	if r.Kind == "" {
		c.fail(invalid("invoiceIssueKindCode 不能为空"))
	}
	c.oneOf("invoiceIssueKindCode", r.Kind, "81", "82")
	c.oneOf("naturalPersonFlag", r.NaturalPerson, "0", "1")
	c.oneOf("showBuyerAddrTel", r.ShowAddress, "0", "1")
	c.oneOf("showBuyerBank", r.ShowBank, "0", "1")
	account := c.optional("account", r.Account, chars(1, 50))
	if account != "" && s.state.accounts[account] == nil {
		c.fail(invalid("account 未登记，请先登记数电账号"))
	}
	title := c.parties(&r.partyFields)
	if r.Kind == "81" && r.BuyerTaxpayerNum == "" {
		c.fail(invalid("开具数电专票时 buyerTaxpayerNum 不能为空"))
	}
	c.blueOther(r)
	items, total := c.blueItems(r)
	return Entry{
		Kind: BlueRequestedEntry, ReqSerialNo: serial, TradeNo: orText(string(r.TradeNo), serial), Amount: formatFen(total),
		BuyerName: string(r.BuyerName), Title: title, DefinedData: string(r.DefinedData),
		Blue: &BlueDetail{
			Kind: string(r.Kind), Account: account,
			DrawerName: string(r.DrawerName), CasherName: string(r.CasherName), ReviewerName: string(r.ReviewerName),
			Remark: string(r.Remark), Special: string(r.SpecialKind), Items: items,
		},
	}, c.err
}

// issuer checks the seller of a 2.9, which must not be under review (8009).
func (s *Sandbox) issuer(c *checker, v piaotong.Scalar) {
	e := s.state.enterprises[string(v)]
	if e != nil && e.Review != piaotong.ReviewApproved {
		c.fail(refuse("8009", "企业正在注册或变更中"))
	}
	s.taxpayer(c, v, "9997", "8004")
}

// parties checks these fields and returns the buyer's title.
func (c *checker) parties(p *partyFields) *Title {
	c.noAngle("buyerName", c.required("buyerName", p.BuyerName, gbk(1, 100)))
	t := Title{
		TaxpayerNum: c.optional("buyerTaxpayerNum", p.BuyerTaxpayerNum, chars(15, 20)),
		TakerTel:    c.optional("takerTel", p.TakerTel, chars(11, 11)),
		TakerEmail:  c.optional("takerEmail", p.TakerEmail, chars(4, 50)),
	}
	c.match("buyerTaxpayerNum", t.TaxpayerNum, taxNumPattern)
	c.match("takerTel", t.TakerTel, digitsPattern)
	c.match("takerEmail", t.TakerEmail, emailPattern)
	t.Address, t.Tel = c.addressTel("buyer", p.BuyerAddress, p.BuyerTel)
	t.BankName, t.BankAccount = c.bank("buyer", p.BuyerBankName, p.BuyerBankAccount)
	c.addressTel("seller", p.SellerAddress, p.SellerTel)
	c.bank("seller", p.SellerBankName, p.SellerBankAccount)
	c.optional("takerName", p.TakerName, chars(1, 10))
	c.staff(p.CasherName, p.ReviewerName, p.DrawerName)
	c.optional("tradeNo", p.TradeNo, chars(1, 200))
	c.optional("definedData", p.DefinedData, chars(1, 200))
	c.optional("extensionNum", p.ExtensionNum, chars(1, 10))
	c.optional("machineCode", p.MachineCode, chars(12, 12))
	if t == (Title{}) {
		return nil
	}
	return &t
}

func (c *checker) blueOther(r *blueRequest) {
	c.optional("itemName", r.ItemName, gbk(1, 100))
	c.optional("remark", r.Remark, gbk(1, 240))
	c.oneOf("specialInvoiceKind", r.SpecialKind, "08", "02")
	c.oneOf("agentInvoiceFlag", r.AgentInvoice, "0", "1")
	c.match("shopNum", c.optional("shopNum", r.ShopNum, chars(6, 20)), alnumPattern)
}
